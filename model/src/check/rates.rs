//! How fast each search is, measured on one world.

use super::explore::explore_with;
use super::report::rate;
use super::sweep::sweep;
use super::world::World;
use serde::Serialize;
use stateright::{Checker, Model};
use std::fmt;
use std::time::Instant;

/// How fast a search was.
#[derive(Clone, Debug, Serialize)]
pub struct Rate {
    /// The name of the search.
    pub search: &'static str,
    /// How many threads searched.
    pub threads: usize,
    /// The world.
    pub world: &'static str,
    /// Different states.
    pub states: usize,
    /// Steps between them.
    pub transitions: usize,
    /// How long the fastest of some runs took.
    pub seconds: f64,
}

/// A way to search a world with some threads: how many states and transitions it finds.
type Search = fn(&World, usize) -> (usize, usize);

const SEARCHES: [(&str, Search); 3] = [
    ("Stateright dfs", |world, threads| {
        let checker = world.checker().threads(threads).spawn_dfs().join();
        (checker.unique_state_count(), checker.state_count() - 1)
    }),
    ("exact explorer", |world, threads| {
        let found = explore_with(threads, world, |_| ());
        (found.states.len(), found.graph.edges())
    }),
    ("sweep", |world, threads| {
        let swept = sweep(world, threads, |_| ());
        (swept.states, swept.transitions)
    }),
];

/// How often each is measured. The fastest run counts, for other programs can only make it slower.
const RUNS: usize = 3;

/// Measures each search with one thread and with two, in turns.
#[must_use]
pub fn rates(world: &World) -> Vec<Rate> {
    let mut rates: Vec<Rate> = Vec::new();
    for run in 0..RUNS {
        let all = SEARCHES.iter().flat_map(|search| [(search, 1), (search, 2)]);
        for (place, (&(name, search), threads)) in all.enumerate() {
            let begun = Instant::now();
            let (states, transitions) = search(world, threads);
            let seconds = begun.elapsed().as_secs_f64();
            if run == 0 {
                rates.push(Rate { search: name, threads, world: world.name, states, transitions, seconds });
            } else {
                rates[place].seconds = rates[place].seconds.min(seconds);
            }
        }
    }
    rates
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rate { search, threads, world, states, transitions, seconds } = self;
        write!(
            f,
            "{search:<14} {threads} thread{} {world}: {states} states, {transitions} transitions, {seconds:.2} s: {:.0} \
             states/s, {:.0} transitions/s",
            if *threads == 1 { ", " } else { "s," },
            rate(*states, *seconds),
            rate(*transitions, *seconds),
        )
    }
}
