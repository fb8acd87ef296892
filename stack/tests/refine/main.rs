//! The real stack under the checker: two [`Stack`](lockstep::Stack)s exchange *encoded bytes* in small worlds, and after every event
//! each has done what the engine alone does.
//!
//! A [`world`] is two [`end`]s and the frames between them. An end is a stack with its user and its clock, and a [`reference`]:
//! a `Tcb` that the same engine moves, with a host that counts where the stack buffers. A *turn* does one thing to both (a frame
//! arrives, a deadline comes, the user calls) and then demands:
//! - every byte that the stack puts on the wire is read by the stack's parser and by an independent one, which agree; header, text and
//!   options are those that the reference expects, nothing more is said and nothing is withheld;
//! - the stack's projected TCB is the engine's, its timers run where the engine has started them, and the same rules have fired;
//! - the user is answered what the reference answers, and is given the very octets that the other user sent;
//! - the [`properties`] hold, each under its number in the project's list; and deliveries alone lead nowhere twice (L3, no packet war).
//!
//! What the reference shares with the stack is the engine and the table; that those are right is the model's own question
//! (`model/src/check`). What is tried here is all the rest: parsing, demultiplexing, checksums, buffers, reassembly, timers, emission.
//!
//! **Time** is abstract: a delivery takes none, each stack has a clock of its own, and at any moment any of the two may go on to its
//! next deadline. So a timer may go off before or after anything that the other end or the network does. Two timers of one
//! connection go off in the order of their deadlines, as they must. No frame outlives the two MSL of a TIME-WAIT. Clocks are part of the
//! state, for initial sequence numbers follow them, and how often they go on is bounded.
//!
//! **Equal states** are those whose [`Projection`](lockstep::stack::Projection)s are equal: times relative to the clock, no counters, no
//! names, no memory. [`explore`] numbers them exactly; Stateright searches some of the same worlds again with its own hash table, and finds
//! as many. No search is ever cut short. [`teeth`] shows that wrong tables and wrong bytes are noticed.

mod attacker;
#[path = "../common/coverage.rs"]
mod coverage;
mod end;
mod explore;
mod memo;
mod properties;
mod reference;
mod teeth;
mod user;
mod wire;
mod world;
mod worlds;

use std::collections::BTreeSet;

use lockstep_model::{RuleId, Table};
use stateright::{Checker, Model};

use explore::{Found, explore};

/// What needs timestamps, so that it does not fire here: time is what the checker says it is.
const TIMED: coverage::Silent = &[
    ("reopen/syn/newer-timestamp", "the reference has no timestamps"),
    ("timestamp/older/answered", "the reference has no timestamps"),
    ("timestamp/older/time-wait", "the reference has no timestamps"),
    ("timestamp/older/silent", "the reference has no timestamps"),
    ("timestamp/missing", "the reference has no timestamps"),
];

#[test]
fn in_every_world_the_stack_does_what_the_engine_does() {
    println!("{:20} {:>8} {:>11} {:>5} {:>7} {:>5}", "world", "states", "transitions", "depth", "seconds", "rules");
    let mut fired = BTreeSet::new();
    for world in worlds::all() {
        let Found { states, transitions, depth, took, fall, fired: rules, visited } = explore(&world);
        if let Some(fall) = fall {
            panic!("{}: {fall}", world.name);
        }
        let (seconds, rules_fired) = (took.as_secs_f64(), rules.len());
        print!("{:20} {states:8} {transitions:11} {depth:5} {seconds:7.1} {rules_fired:5}", world.name);
        println!("  {} ({} states of a connection)", world.question, visited.len());
        fired.extend(rules);
    }
    summarise(&fired);
}

/// What fires where. The model's worlds and the simulation say for themselves that they keep to what is stated here.
fn summarise(fired: &BTreeSet<RuleId>) {
    let rules = Table::repaired().rules();
    let here: BTreeSet<_> = rules.iter().filter(|rule| fired.contains(&rule.id)).map(|rule| rule.name).collect();
    coverage::every_rule_fired_but(&[coverage::UNSAYABLE, TIMED], &here);
    let in_simulation = rules.len() - coverage::UNSAYABLE.len() - coverage::UNSEEN_IN_SIMULATION.len();
    println!("rules fired, of {}: all in the model's worlds, {} here,", rules.len(), here.len());
    println!("{in_simulation} in the simulation; in no stack:");
    for (rule, reason) in coverage::UNSAYABLE {
        println!("  {rule}: {reason}");
    }
}

#[test]
fn stateright_finds_the_same_states() {
    for name in ["data", "reopen", "keep-alive"] {
        let found = explore(&worlds::named(name));
        let depth_first = worlds::named(name).checker().spawn_dfs().join();
        let breadth_first = worlds::named(name).checker().spawn_bfs().join();
        depth_first.assert_properties();
        breadth_first.assert_properties();
        let counts = [depth_first.unique_state_count(), breadth_first.unique_state_count()];
        assert_eq!(counts, [found.states; 2], "{name}");
        // What Stateright calls states are the steps that lead to them, and the first.
        assert_eq!(depth_first.state_count(), found.transitions + 1, "{name}");
    }
}
