//! Property S18: in every situation that can arise a rule fits, and every rule is somewhere the first that does.

use lockstep_model::render::contradictions::{OF_A_CONNECTION, OF_A_SEGMENT};
use lockstep_model::render::relation::Relation;
use lockstep_model::render::valuation::Valuation;
use lockstep_model::state::State::{
    self, CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait,
};
use lockstep_model::table::Stage;
use lockstep_model::{Profile, Rule, Table};
use std::collections::BTreeSet;
use std::sync::LazyLock;

const LITERAL: &str = Profile::Literal9293.name();
const RFC_793: &str = Profile::Rfc793.name();
const REPAIRED: &str = Profile::Repaired.name();
const LINUX: &str = "linux";

/// States that no connection reaches.
const UNREACHED: &[(&str, State, &str)] =
    &[(RFC_793, LastAck, "RFC 793 enters CLOSING from CLOSE-WAIT; LAST-ACK came with RFC 1122 §4.2.2.20 (a)")];

/// Rules that never fire in some of their states: in which readings, and why.
const NEVER_FIRE: &[(&[&str], &str, &[State], &str)] = &[
    (
        &[LITERAL, RFC_793],
        "fin/fin-wait-1/acked",
        &[FinWait1],
        "erratum 8805: the fifth check has moved the connection to FIN-WAIT-2",
    ),
    (
        &[LITERAL],
        "timeout/retransmission/syn-unacked",
        &[Established],
        "only RFC 793 enters ESTABLISHED with the SYN unacknowledged (erratum 3301)",
    ),
    (&[REPAIRED, LINUX], "release/closed-by-user/gone", &[FinWait2], "the repair of D10 starts a timer instead"),
    (&[REPAIRED, LINUX], "ack/in-range", &[SynReceived], "the repair of D5 lets every ACK pass there"),
    (&[REPAIRED, LINUX], "deferred-close/none", &[TimeWait], AFTER_D2),
    (&[REPAIRED, LINUX], "urg/after-fin", &[TimeWait], AFTER_D2),
    (&[REPAIRED, LINUX], "text/after-fin", &[TimeWait], AFTER_D2),
    (&[REPAIRED, LINUX], "fin/after-fin", &[TimeWait], AFTER_D2),
    (&[LINUX], "abort/open/reset", &[SynReceived, Established, FinWait1, FinWait2, CloseWait], "L14 instead"),
    (&[LINUX], "release/open/unread", &[Established, FinWait1, FinWait2, CloseWait], "L14 instead"),
    (&[LINUX], "syn-sent/ack/bad", &[SynSent], "L02 instead"),
    (&[LINUX], "syn-sent/ack/bad-rst", &[SynSent], "L02 instead"),
    (&[LINUX], "sequence/crossed-syn-ack", &[SynReceived], "L20 instead"),
    (&[LINUX], "syn/syn-received/close-queued", &[SynReceived], "L04 instead"),
    (&[LINUX], "syn/syn-received/passive", &[SynReceived], "L04 instead"),
    (&[LINUX], "syn/syn-received/reopened", &[SynReceived], "L04 instead"),
    (&[LINUX], "text/user-gone", &[FinWait1], "L14 instead"),
    (&[LINUX], "ack/too-old/answered", &[TimeWait], AFTER_L13),
    (&[LINUX], "ack/too-old/silent", &[TimeWait], AFTER_L13),
    (&[LINUX], "ack/unsent/answered", &[TimeWait], AFTER_L13),
    (&[LINUX], "ack/unsent/silent", &[TimeWait], AFTER_L13),
    (&[LINUX], "ack/in-range", &[TimeWait], AFTER_L13),
    (&[LINUX], "ack/nothing-new", &[TimeWait], AFTER_L13),
    (&[LINUX], "window/keep", &[TimeWait], AFTER_L13),
    (&[LINUX], "ack-of-fin/time-wait/occupying", &[TimeWait], AFTER_L13),
    (&[LINUX], "ack-of-fin/time-wait/bare", &[TimeWait], AFTER_L13),
];

const AFTER_L13: &str = "L13 ends the processing in TIME-WAIT at the first check, whatever is acknowledged";

const AFTER_D2: &str = "the repair of D2 ends the processing in TIME-WAIT at the fifth check";

/// Events for which there is no rule in a state, so that nothing happens.
const NO_RULE: &[(Stage, &[State], &str)] = &[
    (
        Stage::Sent,
        &[Closed, Listen, SynSent, SynReceived, FinWait2, LastAck, TimeWait],
        "the host transmits neither text nor a FIN there",
    ),
    (Stage::UserTimeout, &[Closed], "there is no connection to abort"),
    (Stage::RetransmissionTimeout, &[Closed, Listen, FinWait2, TimeWait], "all that was sent is acknowledged"),
    (
        Stage::TimeWaitTimeout,
        &[Closed, Listen, SynSent, SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck],
        "the timer runs in TIME-WAIT",
    ),
    (
        Stage::PersistTimeout,
        &[Closed, Listen, SynSent, SynReceived, FinWait2, LastAck, TimeWait],
        "nothing waits to be sent",
    ),
    (
        Stage::KeepAliveTimeout,
        &[Closed, Listen, SynSent, SynReceived, FinWait1, Closing, LastAck, TimeWait],
        "another timer runs anyway, or there is no connection",
    ),
    (
        Stage::FinWait2Timeout,
        &[Closed, Listen, SynSent, SynReceived, Established, FinWait1, CloseWait, Closing, LastAck, TimeWait],
        "the timer runs in FIN-WAIT-2",
    ),
    (Stage::DelayedAckTimeout, &[Closed, Listen, SynSent, SynReceived], "no text has been accepted"),
];

/// A table by name, and all that it can do.
struct Reading {
    name: &'static str,
    table: &'static Table,
    relation: Relation,
}

/// Every profile, and what Linux is known to do: computed once for all tests.
fn readings() -> &'static [Reading] {
    static ALL: LazyLock<Vec<Reading>> = LazyLock::new(|| {
        let profiles = Profile::ALL.map(|profile| (profile.name(), Table::of(profile)));
        let tables = profiles.into_iter().chain([(LINUX, Table::linux())]);
        tables.map(|(name, table)| Reading { name, table, relation: Relation::of(table) }).collect()
    });
    &ALL
}

#[test]
fn a_rule_fits_every_situation_that_the_definitions_allow() {
    for Reading { name, table, .. } in readings() {
        for stage in Stage::ALL {
            for state in State::ALL.into_iter().filter(|&state| table.covers(stage, state)) {
                let left = left_without_a_rule(table, stage, state);
                assert!(left.is_empty(), "{name}: no rule at {stage:?} in {state} for {left:?}");
            }
        }
    }
}

/// The situations in which no rule of the stage fits.
fn left_without_a_rule(table: &Table, stage: Stage, state: State) -> Vec<Valuation> {
    let all = OF_A_SEGMENT.iter().chain(OF_A_CONNECTION).filter(|one| one.states.has(state));
    let contradictions = all.map(|one| one.guards);
    let rules = table.stage(stage).iter().filter(|rule| rule.states.has(state));
    rules.fold(vec![Valuation::anything()], |left, rule| {
        let rest = left.into_iter().flat_map(|known| known.split(rule.when).1);
        rest.filter(|known| known.is_possible(&contradictions)).collect()
    })
}

#[test]
fn a_rule_fits_wherever_an_event_leads() {
    for Reading { name, relation, .. } in readings() {
        assert!(relation.holes.is_empty(), "{name}: {:?}", relation.holes);
    }
}

#[test]
fn the_events_without_a_rule_are_the_committed_list() {
    for Reading { name, relation, .. } in readings() {
        let listed = NO_RULE.iter().flat_map(|&(stage, states, _)| states.iter().map(move |&state| (stage, state)));
        let listed: BTreeSet<_> = listed.filter(|(_, state)| relation.states.contains(state)).collect();
        assert_eq!(relation.uncovered, listed, "{name}");
    }
}

#[test]
fn the_rules_that_never_fire_are_the_committed_list() {
    for Reading { name, table, relation } in readings() {
        let listed = NEVER_FIRE.iter().filter(|(readings, ..)| readings.contains(name));
        let listed = listed.flat_map(|&(_, rule, states, _)| states.iter().map(move |&state| (rule, state)));
        let (never, listed) = (never_fire(table, relation), listed.collect::<BTreeSet<_>>());
        let unlisted: Vec<_> = never.difference(&listed).collect();
        let stale: Vec<_> = listed.difference(&never).collect();
        assert!(unlisted.is_empty() && stale.is_empty(), "{name}: not listed {unlisted:?}, but fires {stale:?}");
    }
}

/// The rules, and those of their states that a connection can be in, of which nothing comes.
fn never_fire<'t>(table: &'t Table, relation: &Relation) -> BTreeSet<(&'t str, State)> {
    let pairs = table.rules().iter().flat_map(|rule| rule.states.iter().map(move |state| (rule, state)));
    let reached = pairs.filter(|(_, state)| relation.states.contains(state));
    reached
        .filter(|(rule, state)| !relation.fired.contains(&(rule.id, *state)))
        .map(|(rule, state)| (rule.name, state))
        .collect()
}

#[test]
fn the_states_that_are_never_reached_are_the_committed_list() {
    for Reading { name, relation, .. } in readings() {
        let unreached = State::ALL.into_iter().filter(|state| !relation.states.contains(state));
        let listed = UNREACHED.iter().filter(|(of, ..)| of == name).map(|&(_, state, _)| state);
        assert!(unreached.eq(listed), "{name}: reached {:?}", relation.states);
    }
}

#[test]
fn a_missing_rule_leaves_a_hole_and_a_rule_that_asks_too_little_shadows_the_next() {
    let table = Table::repaired();
    let without = table.mutate(|rule| (rule.name != "fin/none").then_some(rule));
    let holes = Relation::of(&without).holes;
    assert!(holes.keys().eq(&[(Stage::Fin, Established), (Stage::Fin, FinWait1), (Stage::Fin, FinWait2)]), "{holes:?}");

    let greedy = |rule: Rule| match rule.name {
        "syn/absent" => Rule { when: &[], ..rule },
        _ => rule,
    };
    let greedy = table.mutate(|rule| Some(greedy(rule)));
    let relation = Relation::of(&greedy);
    assert!(never_fire(&greedy, &relation).contains(&("syn/syn-received/passive", SynReceived)));
}
