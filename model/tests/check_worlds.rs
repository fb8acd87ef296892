//! Every world but the largest, under every profile: the verdicts are the expected ones, and together the worlds leave no rule untried, but
//! for a list that says why.

use lockstep_model::check::environments::worlds;
use lockstep_model::check::summary::row;
use lockstep_model::check::{Report, run};
use lockstep_model::{Profile, State, Table};
use std::collections::BTreeSet;

/// Rules that no world tries, each with the reason why not.
const UNTRIED: &[(&str, &str)] = &[
    ("reopen/syn/newer-timestamp", NO_TIMESTAMPS),
    ("timestamp/older/answered", NO_TIMESTAMPS),
    ("timestamp/older/time-wait", NO_TIMESTAMPS),
    ("timestamp/older/silent", NO_TIMESTAMPS),
    ("timestamp/missing", NO_TIMESTAMPS),
    ("ack/never-sent/answered", NO_GHOST),
    ("ack/never-sent/silent", NO_GHOST),
];
const NO_TIMESTAMPS: &str = "the segments of the worlds carry no timestamp; the stack's own tests try it";
const NO_GHOST: &str = "no end acknowledges what was never sent, and the worlds' attacker does not guess ISS and below";

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
    let listed: BTreeSet<_> = UNTRIED.iter().map(|(name, _)| *name).collect();
    assert_eq!(untried, listed, "rules that no world tries, and those of which the list says so");
    let calm = report.worlds.iter().find(|world| world.world == "calm");
    assert!(calm.is_some_and(|world| world.overflows == 0), "where nothing is lost the network has room for all");
    let readme = include_str!("../../README.md");
    for row in report.worlds.iter().map(row) {
        assert!(readme.contains(&row), "README.md shows what was found: {row}");
    }
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
