//! The sweep finds what the exact explorer finds, with any number of threads.

use lockstep_model::check::environments::named;
use lockstep_model::check::explore::explore;
use lockstep_model::check::large::Large;
use lockstep_model::check::mutate::variant;
use lockstep_model::check::properties::Property;
use lockstep_model::check::sweep::sweep;
use lockstep_model::check::swept::{SweepReport, sweep_world};
use lockstep_model::check::world::World;
use lockstep_model::{Profile, Table};

fn assert_equal(world: &World) {
    let exact = explore(world, |_| {});
    let broken: Vec<_> = Property::ALL
        .into_iter()
        .filter(|property| property.is_safety() && world.properties.contains(property))
        .filter_map(|property| Some((property, exact.way_to(exact.first_broken(property)?).len() - 1)))
        .collect();
    for threads in 1..=3 {
        let swept = sweep(world, threads, |_| {});
        let counts = (swept.states, swept.transitions, swept.depth);
        let expected = (exact.states.len(), exact.graph.edges(), usize::try_from(exact.depth).expect("it is small"));
        assert_eq!(counts, expected, "{}, {threads} threads", world.name);
        assert_eq!(swept.broken, broken, "{}, {threads} threads", world.name);
        assert_eq!(swept.tally.overflows, exact.tally.overflows);
        assert!(world.table.rules().iter().all(|rule| swept.tally.has(rule.id) == exact.tally.has(rule.id)));
    }
}

#[test]
fn it_counts_what_the_exact_explorer_counts() {
    for name in ["calm", "attack", "window"] {
        assert_equal(&named(name, Table::repaired()).expect("it exists"));
    }
}

#[test]
fn it_finds_what_a_wrong_table_breaks_after_as_many_steps() {
    let mutant = variant("two-way-handshake").expect("it exists");
    let world = named(mutant.world, mutant.leaked_table()).expect("it exists");
    assert_equal(&world);
    let swept = sweep_world(&Large { world, of: mutant.world }, Profile::Repaired, 2, |_| {});
    let verdict = swept.verdicts.iter().find(|verdict| verdict.property == mutant.falls.id()).expect("it is decided");
    assert!(verdict.falls.is_some() && !verdict.is_as_expected());
    assert!(swept.to_string().contains("S2  FALLS after "), "{swept}");
    let report = SweepReport { profile: "repaired", threads: 2, worlds: vec![swept] };
    assert!(!report.is_as_expected() && report.to_string().contains("NOT AS EXPECTED"), "{report}");
}
