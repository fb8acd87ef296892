//! What TIME-WAIT is for: which properties fall with it and without, where numbers of incarnations overlap and where
//! they do not, with the fix of RFC 1337 and without.

use super::explore::explore;
use super::negatives::worlds::{CLEAR, OVERLAPS, kept, no_length};
use super::properties::Property;
use super::world::World;
use crate::table::Table;
use std::fmt::{self, Write};

/// One combination.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Whether TIME-WAIT lasts as long as it should; else no time at all.
    pub time_wait: bool,
    /// Whether each ISS lies above all numbers that the last incarnation has used.
    pub monotone: bool,
    /// Whether a RST is ignored in TIME-WAIT.
    pub fix: bool,
    world: fn(&'static Table) -> World,
}

/// What was found for a combination.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which.
    pub cell: Cell,
    /// States of its world.
    pub states: usize,
    /// The safety properties that fall.
    pub falls: Vec<Property>,
}

const fn cell(time_wait: bool, monotone: bool, fix: bool, world: fn(&'static Table) -> World) -> Cell {
    Cell { time_wait, monotone, fix, world }
}

/// All eight.
pub const CELLS: [Cell; 8] = [
    cell(true, true, true, kept::<CLEAR, CLEAR, true>),
    cell(true, true, false, kept::<CLEAR, CLEAR, false>),
    cell(true, false, true, kept::<OVERLAPS, OVERLAPS, true>),
    cell(true, false, false, kept::<OVERLAPS, OVERLAPS, false>),
    cell(false, true, true, no_length::<CLEAR, CLEAR, true>),
    cell(false, true, false, no_length::<CLEAR, CLEAR, false>),
    cell(false, false, true, no_length::<OVERLAPS, OVERLAPS, true>),
    cell(false, false, false, no_length::<OVERLAPS, OVERLAPS, false>),
];

impl Cell {
    /// Searches its world.
    #[must_use]
    pub fn find(self) -> Finding {
        let found = explore(&(self.world)(Table::repaired()), |_| {});
        let falls = Property::ALL.into_iter().filter(|&property| found.first_broken(property).is_some());
        Finding { cell: self, states: found.states.len(), falls: falls.collect() }
    }
}

/// The matrix as a table in Markdown.
#[must_use]
pub fn markdown(findings: &[Finding]) -> String {
    let mut text = "| TIME-WAIT | initial sequence numbers | RST in TIME-WAIT | what falls | states |\n\
                    |---|---|---|---|---:|\n"
        .to_owned();
    for finding in findings {
        // Writing to a String does not fail.
        writeln!(text, "{finding}").unwrap_or(());
    }
    text
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { cell, states, falls } = self;
        let falls: Vec<&str> = falls.iter().map(|property| property.id()).collect();
        write!(
            f,
            "| {} | {} | {} | {} | {states} |",
            if cell.time_wait { "kept" } else { "of no length" },
            if cell.monotone { "above the old ones" } else { "overlap the old ones" },
            if cell.fix { "ignored (RFC 1337)" } else { "ends it" },
            if falls.is_empty() { "nothing".to_owned() } else { falls.join(", ") },
        )
    }
}
