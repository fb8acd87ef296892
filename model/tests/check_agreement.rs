//! Two explorers that share only the definition of a world find the same: ours, exact, and Stateright's.

use lockstep_model::Table;
use lockstep_model::check::environments::named;
use lockstep_model::check::explore::explore;
use lockstep_model::check::mutate::variant;
use lockstep_model::check::properties::Property;
use lockstep_model::check::world::World;
use stateright::{Checker, Model};

fn assert_agreement(world: World, at_least: usize) {
    let ours = explore(&world, |_| {});
    // No limit of any kind: a search cut short would pass.
    let dfs = world.checker().spawn_dfs().join();
    let bfs = world.checker().threads(2).spawn_bfs().join();
    for (name, unique, generated) in
        [("dfs", dfs.unique_state_count(), dfs.state_count()), ("bfs", bfs.unique_state_count(), bfs.state_count())]
    {
        assert_eq!(unique, ours.states.len(), "states, {name}");
        assert_eq!(generated, ours.graph.edges() + 1, "transitions and the initial state, {name}");
    }
    assert!(ours.states.len() >= at_least, "{} states", ours.states.len());
    dfs.assert_properties();
    bfs.assert_properties();
}

#[test]
fn on_the_handshake() {
    assert_agreement(named("handshake", Table::repaired()).expect("it exists"), 100_000);
}

#[test]
fn on_the_window() {
    assert_agreement(named("window", Table::repaired()).expect("it exists"), 100_000);
}

#[test]
fn on_a_wrong_table_and_what_it_breaks() {
    let mutant = variant("two-way-handshake").expect("it exists");
    let world = named(mutant.world, mutant.leaked_table()).expect("it exists");
    let ours = explore(&world, |_| {});
    let theirs = world.checker().spawn_dfs().join();
    assert_eq!(theirs.unique_state_count(), ours.states.len());
    for &property in world.properties.iter().filter(|property| property.is_safety()) {
        let found = theirs.discovery(property.id()).is_some();
        assert_eq!(found, ours.first_broken(property).is_some(), "{property}");
    }
    assert!(ours.first_broken(Property::S2).is_some());
}
