//! The check as a whole: worlds in, verdicts out.

use super::environments;
use super::expected::{why_falls, why_not_visited};
use super::explore::{Explored, Progress, explore_with};
use super::figures;
use super::ladder;
use super::liveness::{Counterexample, decide};
use super::properties::Property;
use super::report::{Falls, Report, Verdict, WorldReport};
use super::world::World;
use crate::table::Profile;
use std::time::Instant;

/// Checks these worlds; `progress` is told now and then how far each has come.
///
/// The verdicts are those of the exact explorer, which looks at every state within the bounds.
pub fn run(worlds: &[World], profile: Profile, mut progress: impl FnMut(&World, Progress)) -> Report {
    let worlds = worlds.iter().map(|world| check(world, profile, 1, |so_far| progress(world, so_far))).collect();
    Report { worlds, ..begin(profile) }
}

/// The report as it is before any world is checked: the figures alone.
#[must_use]
pub fn begin(profile: Profile) -> Report {
    Report { profile: profile.name(), worlds: Vec::new(), figures: figures::all(profile) }
}

/// Checks every world of a profile.
pub fn run_all(profile: Profile, progress: impl FnMut(&World, Progress)) -> Report {
    run(&environments::worlds(profile), profile, progress)
}

/// Checks a world with so many threads; `progress` is told now and then how far it has come.
pub fn check(world: &World, profile: Profile, threads: usize, progress: impl FnMut(Progress)) -> WorldReport {
    let begun = Instant::now();
    let found = explore_with(threads, world, progress);
    let seconds = begun.elapsed().as_secs_f64();
    let verdict = |&property: &Property| Verdict {
        property: property.id(),
        gist: property.gist(),
        falls: decide(world, &found, property).map(|example| falls(world, &found, &example)),
        expected_to_fall: why_falls(profile, world.name, property),
    };
    let unvisited = world.visits.iter().filter(|&&state| !found.visits(state));
    WorldReport {
        world: world.name,
        question: world.question,
        environment: world
            .bounds
            .environments()
            .map(|environment| format!("{environment:?}"))
            .collect::<Vec<_>>()
            .join(" "),
        bounds: world.bounds.to_string().lines().map(str::to_owned).collect(),
        states: found.states.len(),
        transitions: found.graph.edges(),
        depth: found.depth,
        seconds,
        overflows: found.tally.overflows,
        verdicts: world.properties.iter().map(verdict).collect(),
        not_visited: unvisited.map(|&state| (state.name(), why_not_visited(profile, state))).collect(),
        rules_fired: found.rules_fired().map(|rule| rule.name()).collect(),
    }
}

/// The counterexample as a ladder.
#[must_use]
pub fn falls(world: &World, found: &Explored, example: &Counterexample) -> Falls {
    let mut way = example.way.clone();
    if let Some(&again) = example.round.first() {
        way.extend(&example.round[1..]);
        way.push(again);
    }
    let actions = found.actions_along(world, &way);
    Falls {
        steps: example.way.len() - 1,
        round: example.round.len(),
        ladder: ladder::of_actions(world, &world.initial(), &actions),
    }
}
