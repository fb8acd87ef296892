//! Every world but the largest, under every profile: the verdicts are the expected ones, and together the worlds leave no rule untried.

use lockstep_model::check::bounds::Bounds;
use lockstep_model::check::environments::{named, worlds};
use lockstep_model::check::explore::explore;
use lockstep_model::check::mutate::{Edit, edited};
use lockstep_model::check::properties::Property;
use lockstep_model::check::summary::row;
use lockstep_model::check::world::World;
use lockstep_model::check::{Report, run};
use lockstep_model::{Profile, State, Table};
use std::collections::BTreeSet;

fn check(profile: Profile) -> Report {
    let mut worlds = worlds(profile);
    // It alone is larger than all others together; `lockstep-model check` decides it.
    worlds.retain(|world| world.name != "incarnations");
    let report = run(&worlds, profile, |_, _| {});
    assert!(report.is_as_expected(), "{report}");
    report
}

#[test]
fn the_repaired_table_keeps_every_property_and_every_rule_of_it_fires() {
    let report = check(Profile::Repaired);
    assert!(report.worlds.iter().all(|world| world.verdicts.iter().all(|verdict| verdict.falls.is_none())));
    let fired: BTreeSet<_> = report.worlds.iter().flat_map(|world| world.rules_fired.iter().copied()).collect();
    let rules = Table::repaired().rules().iter().map(|rule| rule.name);
    let untried: BTreeSet<_> = rules.filter(|name| !fired.contains(name)).collect();
    assert_eq!(untried, BTreeSet::new(), "rules that no world tries");
    let calm = report.worlds.iter().find(|world| world.world == "calm");
    assert!(calm.is_some_and(|world| world.overflows == 0), "where nothing is lost the network has room for all");
    let readme = include_str!("../../README.md");
    for row in report.worlds.iter().map(row) {
        assert!(readme.contains(&row), "README.md shows what was found: {row}");
    }
}

#[test]
fn without_the_rules_on_timestamps_the_world_of_overlapping_numbers_falls() {
    let without = |rules: &[&'static str], forgeries| {
        let edits: Vec<_> = rules.iter().map(|rule| Edit::Drop(rule)).collect();
        let world = named("timestamps", Box::leak(Box::new(edited(&edits)))).expect("it exists");
        let found = explore(&World { bounds: Bounds { forgeries, ..world.bounds }, ..world }, |_| {});
        Property::ALL.into_iter().filter(|&property| found.first_broken(property).is_some()).collect::<BTreeSet<_>>()
    };
    // A reset has no timestamp, so that an old one may be mistaken.
    let resets = BTreeSet::from([Property::S5, Property::S8]);
    let ghosts = ["ack/never-sent/answered", "ack/never-sent/silent"];
    assert!(without(&ghosts, 1).contains(&Property::S20), "text that acknowledges what was never sent is taken");
    // What is old acknowledges ghosts too, for a reopened end begins above all numbers that it has used: with either rule
    // nothing is mistaken, with neither old text is.
    assert_eq!(without(&ghosts, 0), resets, "timestamps alone suffice");
    let neither = [&ghosts[..], &["timestamp/older/answered", "timestamp/older/time-wait", "timestamp/older/silent"]];
    assert!(!without(&neither.concat(), 0).is_subset(&resets), "with neither, something old is taken for new");
}

#[test]
fn rfc_9293_to_the_letter_falls_as_expected() {
    check(Profile::Literal9293);
}

#[test]
fn rfc_793_to_the_letter_falls_as_expected() {
    let report = check(Profile::Rfc793);
    let missing: BTreeSet<_> =
        report.worlds.iter().flat_map(|world| world.not_visited.iter().map(|(state, _)| *state)).collect();
    assert_eq!(missing, BTreeSet::from([State::LastAck.name()]));
}
