//! Two explorers that share only the definition of a world find the same: ours, exact, and Stateright's.

use lockstep_model::check::environments::{named, worlds};
use lockstep_model::check::explore::{explore, explore_with};
use lockstep_model::check::mutate::variant;
use lockstep_model::check::properties::Property;
use lockstep_model::check::world::World;
use lockstep_model::{Profile, Table};
use stateright::{Checker, Model};

/// Searched in full without limits of any kind: a search cut short would pass.
fn assert_agreement(world: World) -> usize {
    let ours = explore_with(2, &world, |_| {});
    let theirs = world.checker().spawn_dfs().join();
    assert_eq!(theirs.unique_state_count(), ours.states.len(), "states of {}", world.name);
    assert_eq!(theirs.state_count(), ours.graph.edges() + 1, "transitions and the initial state of {}", world.name);
    for &property in world.properties.iter().filter(|property| property.is_safety()) {
        let found = theirs.discovery(property.id()).is_some();
        assert_eq!(found, ours.first_broken(property).is_some(), "{property} in {}", world.name);
    }
    ours.states.len()
}

/// The worlds with more than some 600,000 states: `check --stateright` compares these too.
const TOO_LARGE: &[&str] = &["both-ways", "crash", "injection", "incarnations"];

#[test]
fn on_every_world_that_is_not_too_large() {
    let worlds = worlds(Profile::Repaired).into_iter().filter(|world| !TOO_LARGE.contains(&world.name));
    let sizes: Vec<usize> = worlds.map(assert_agreement).collect();
    assert!(sizes.iter().all(|&states| states < 600_000), "some world has become too large: {sizes:?}");
    assert!(sizes.len() >= 8 && sizes.iter().sum::<usize>() >= 2_000_000, "{sizes:?}");
}

#[test]
fn breadth_first_with_two_threads() {
    let world = named("attack", Table::repaired()).expect("it exists");
    let ours = explore(&world, |_| {});
    let theirs = world.checker().threads(2).spawn_bfs().join();
    assert_eq!(theirs.unique_state_count(), ours.states.len());
    assert_eq!(theirs.state_count(), ours.graph.edges() + 1);
    theirs.assert_properties();
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let world = named("calm", Table::repaired()).expect("it exists");
    let alone = explore(&world, |_| {});
    for threads in 2..=4 {
        let found = explore_with(threads, &world, |_| {});
        assert!(found.states.iter().eq(alone.states.iter()), "the same states in the same order");
        assert!((0..).take(found.states.len()).all(|state| found.graph.out(state) == alone.graph.out(state)));
        assert_eq!((found.depth, found.tally.overflows), (alone.depth, alone.tally.overflows));
        assert!(found.rules_fired().eq(alone.rules_fired()));
    }
}

#[test]
fn on_a_wrong_table_and_what_it_breaks() {
    let mutant = variant("two-way-handshake").expect("it exists");
    let world = named(mutant.world, mutant.leaked_table()).expect("it exists");
    assert_agreement(world);
    let ours = explore(&world, |_| {});
    assert!(ours.first_broken(Property::S2).is_some());
}
