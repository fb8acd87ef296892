//! What must fall: tables that are wrong in one way, and how the property that must notice does.

use super::environments::named;
use super::explore::{explore, hunt};
use super::liveness::{Counterexample, decide};
use super::mutate::{MUTANTS, Mutant};
use super::report::Falls;
use super::run::falls;
use serde::Serialize;

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
