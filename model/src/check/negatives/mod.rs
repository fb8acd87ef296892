//! What must fall: tables that are wrong in one way, and how the property that must notice does.

mod cases;
mod defects;
pub(super) mod worlds;

pub use cases::CASES;
pub use defects::DEFECTS;

use super::environments::named;
use super::explore::{Explored, explore, hunt, hunt_all};
use super::liveness::{Counterexample, decide};
use super::mutate::{Edit, MUTANTS, Mutant, edited};
use super::properties::Property;
use super::report::Falls;
use super::run::falls;
use super::world::{Action, State, World};
use crate::table::Table;
use serde::Serialize;
use std::fmt;

/// Something wrong on purpose, and how it was caught.
#[derive(Clone, Debug, Serialize)]
pub struct Negative {
    /// Its name.
    pub id: &'static str,
    /// What is wrong.
    pub wrong: &'static str,
    /// The world in which it shows.
    pub world: &'static str,
    /// The property that falls.
    pub property: &'static str,
    /// How.
    pub falls: Falls,
}

/// The wrong tables that are caught in these worlds, each with a shortest way; `progress` is told before each.
pub fn negatives(worlds: &[&str], mut progress: impl FnMut(&Mutant)) -> Vec<Negative> {
    let asked = MUTANTS.iter().filter(|mutant| worlds.contains(&mutant.world));
    asked
        .filter_map(|mutant| {
            progress(mutant);
            caught(mutant)
        })
        .collect()
}

/// How this wrong table is caught, if it is.
#[must_use]
pub fn caught(mutant: &Mutant) -> Option<Negative> {
    let world = named(mutant.world, mutant.leaked_table())?;
    let (found, example) = if mutant.falls.is_safety() {
        let (found, state) = hunt(&world, mutant.falls)?;
        let way = found.way_to(state);
        (found, Counterexample { way, round: Vec::new() })
    } else {
        let found = explore(&world, |_| {});
        let example = decide(&world, &found, mutant.falls)?;
        (found, example)
    };
    Some(Negative {
        id: mutant.name,
        wrong: mutant.wrong,
        world: mutant.world,
        property: mutant.falls.id(),
        falls: falls(&world, &found, &example),
    })
}

/// A case of one of the numbered negatives: rules or bounds that are wrong on purpose, what must fall there, and what
/// must hold all the same.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The number of the negative; several cases share one where one alone would mislead.
    pub id: &'static str,
    /// What is wrong.
    pub variant: &'static str,
    /// How the rules differ from the repaired table.
    pub edits: &'static [Edit],
    /// Where both ends follow them.
    pub world: fn(&'static Table) -> World,
    /// What falls.
    pub falls: &'static [Property],
    /// What holds.
    pub holds: &'static [Property],
    /// What happens, or does not.
    pub sights: &'static [Sight],
}

/// A kind of step that a case counts.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// In a sentence.
    pub what: &'static str,
    /// Whether a step is one.
    pub is: fn(&State, Action, &State) -> bool,
    /// Whether there must be any.
    pub happens: bool,
}

/// What a case has shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The case.
    pub case: &'static Case,
    /// States searched: all of them where something must hold, else no more than were needed.
    pub states: usize,
    /// For each property that must fall, how it does; `None` if it holds.
    pub falls: Vec<(Property, Option<Falls>)>,
    /// For each property that must hold, how it falls; `None` if it holds.
    pub holds: Vec<(Property, Option<Falls>)>,
    /// For each kind of step, how many there are.
    pub sights: Vec<(&'static Sight, usize)>,
}

impl Case {
    /// Searches the world of the case.
    #[must_use]
    pub fn show(&'static self) -> Shown {
        let world = (self.world)(Box::leak(Box::new(edited(self.edits))));
        let to_the_end = !(self.holds.is_empty() && self.sights.is_empty());
        let found = if to_the_end || self.falls.iter().any(|property| !property.is_safety()) {
            explore(&world, |_| {})
        } else {
            hunt_all(&world, self.falls)
        };
        let verdict = |&property: &Property| {
            let example = decide(&world, &found, property);
            (property, example.map(|example| falls(&world, &found, &example)))
        };
        Shown {
            case: self,
            states: found.states.len(),
            falls: self.falls.iter().map(verdict).collect(),
            holds: self.holds.iter().map(verdict).collect(),
            sights: self.sights.iter().map(|sight| (sight, sight.count(&world, &found))).collect(),
        }
    }
}

impl Sight {
    fn count(&self, world: &World, found: &Explored) -> usize {
        let mut actions = Vec::new();
        let mut count = 0;
        for state in found.states.iter() {
            world.actions(state, &mut actions);
            let steps = actions.drain(..).map(|action| (action, world.apply(state, action, &mut ())));
            count += steps.filter(|(action, end)| (self.is)(state, *action, end)).count();
        }
        count
    }
}

impl Shown {
    /// Whether all is as the case says.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.falls.iter().all(|(_, falls)| falls.is_some())
            && self.holds.iter().all(|(_, falls)| falls.is_none())
            && self.sights.iter().all(|(sight, count)| sight.happens == (*count > 0))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown { case, states, falls, holds, sights } = self;
        writeln!(f, "{}: {} ({states} states)", case.id, case.variant)?;
        for (property, falls) in falls {
            match falls {
                Some(falls) => write!(f, "  {property:<3} falls: {}\n{falls}", property.gist())?,
                None => writeln!(f, "  {property:<3} HOLDS, NOT EXPECTED: {}", property.gist())?,
            }
        }
        for (property, falls) in holds {
            match falls {
                Some(falls) => write!(f, "  {property:<3} FALLS, NOT EXPECTED: {}\n{falls}", property.gist())?,
                None => writeln!(f, "  {property:<3} holds: {}", property.gist())?,
            }
        }
        sights.iter().try_for_each(|(sight, count)| writeln!(f, "  {count} steps: {}", sight.what))
    }
}
