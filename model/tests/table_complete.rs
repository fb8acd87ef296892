//! Property S18: in every situation that can arise a rule fits, and every rule is somewhere the first that does.

use lockstep_model::render::contradictions::{OF_A_CONNECTION, OF_A_SEGMENT};
use lockstep_model::render::relation::Relation;
use lockstep_model::render::valuation::Valuation;
use lockstep_model::state::State::{
    self, CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait,
};
use lockstep_model::table::Stage;
use lockstep_model::{Profile, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// States that no connection reaches.
const UNREACHED: &[(Profile, State, &str)] =
    &[(Profile::Rfc793, LastAck, "RFC 793 enters CLOSING from CLOSE-WAIT; LAST-ACK came with RFC 1122 §4.2.2.20 (a)")];

/// Rules that never fire in a state of theirs.
const NEVER_FIRE: &[(Profile, &str, State, &str)] = &[
    (
        Profile::Literal9293,
        "fin/fin-wait-1/acked",
        FinWait1,
        "erratum 8805: the fifth check has moved it to FIN-WAIT-2",
    ),
    (
        Profile::Literal9293,
        "timeout/retransmission/syn-unacked",
        Established,
        "only RFC 793 enters ESTABLISHED with the SYN unacknowledged (erratum 3301)",
    ),
    (Profile::Rfc793, "fin/fin-wait-1/acked", FinWait1, "erratum 8805: the fifth check has moved it to FIN-WAIT-2"),
    (Profile::Repaired, "release/closed-by-user/gone", FinWait2, "the repair of D10 starts a timer instead"),
    (Profile::Repaired, "ack/in-range", SynReceived, "the repair of D5 lets every ACK pass there"),
    (Profile::Repaired, "deferred-close/none", TimeWait, "the repair of D2 ends the processing at the fifth check"),
    (Profile::Repaired, "urg/after-fin", TimeWait, "the repair of D2 ends the processing at the fifth check"),
    (Profile::Repaired, "text/after-fin", TimeWait, "the repair of D2 ends the processing at the fifth check"),
    (Profile::Repaired, "fin/after-fin", TimeWait, "the repair of D2 ends the processing at the fifth check"),
];

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

/// Computed once for all tests.
fn relation(profile: Profile) -> &'static Relation {
    static ALL: LazyLock<BTreeMap<Profile, Relation>> =
        LazyLock::new(|| Profile::ALL.map(|profile| (profile, Relation::of(Table::of(profile)))).into());
    &ALL[&profile]
}

#[test]
fn a_rule_fits_every_situation_that_the_definitions_allow() {
    for profile in Profile::ALL {
        for stage in Stage::ALL {
            for state in State::ALL.into_iter().filter(|&state| Table::of(profile).covers(stage, state)) {
                let left = left_without_a_rule(profile, stage, state);
                assert!(left.is_empty(), "{}: no rule at {stage:?} in {state} for {left:?}", profile.name());
            }
        }
    }
}

/// The situations in which no rule of the stage fits.
fn left_without_a_rule(profile: Profile, stage: Stage, state: State) -> Vec<Valuation> {
    let all = OF_A_SEGMENT.iter().chain(OF_A_CONNECTION).filter(|one| one.states.has(state));
    let contradictions = all.map(|one| one.guards);
    let rules = Table::of(profile).stage(stage).iter().filter(|rule| rule.states.has(state));
    rules.fold(vec![Valuation::anything()], |left, rule| {
        let rest = left.into_iter().flat_map(|known| known.split(rule.when).1);
        rest.filter(|known| known.is_possible(&contradictions)).collect()
    })
}

#[test]
fn a_rule_fits_wherever_an_event_leads() {
    for profile in Profile::ALL {
        let relation = relation(profile);
        assert!(relation.holes.is_empty(), "{}: {:?}", profile.name(), relation.holes);
    }
}

#[test]
fn the_events_without_a_rule_are_the_committed_list() {
    for profile in Profile::ALL {
        let relation = relation(profile);
        let listed = NO_RULE.iter().flat_map(|&(stage, states, _)| states.iter().map(move |&state| (stage, state)));
        let listed: BTreeSet<_> = listed.filter(|(_, state)| relation.states.contains(state)).collect();
        assert_eq!(relation.uncovered, listed, "{}", profile.name());
    }
}

#[test]
fn the_rules_that_never_fire_are_the_committed_list() {
    for profile in Profile::ALL {
        let relation = relation(profile);
        let listed = NEVER_FIRE.iter().filter(|(of, ..)| *of == profile).map(|&(_, name, state, _)| (name, state));
        assert_eq!(never_fire(Table::of(profile), relation), listed.collect(), "{}", profile.name());
    }
}

fn never_fire<'t>(table: &'t Table, relation: &Relation) -> BTreeSet<(&'t str, State)> {
    let pairs = table.rules().iter().flat_map(|rule| rule.states.iter().map(move |state| (rule, state)));
    let never =
        pairs.filter(|(rule, state)| relation.states.contains(state) && !relation.fired.contains(&(rule.id, *state)));
    never.map(|(rule, state)| (rule.name, state)).collect()
}

#[test]
fn the_states_that_are_never_reached_are_the_committed_list() {
    for profile in Profile::ALL {
        let reached = &relation(profile).states;
        let unreached = State::ALL.into_iter().filter(|state| !reached.contains(state));
        let listed = UNREACHED.iter().filter(|(of, ..)| *of == profile).map(|&(_, state, _)| state);
        assert!(unreached.eq(listed), "{}: reached {reached:?}", profile.name());
    }
}

#[test]
fn a_missing_rule_leaves_a_hole_and_a_rule_that_asks_too_little_shadows_the_next() {
    let table = Table::repaired();
    let without = table.mutate(|rule| (rule.name != "fin/none").then_some(rule));
    let holes = Relation::of(&without).holes;
    assert!(holes.keys().eq(&[(Stage::Fin, Established), (Stage::Fin, FinWait1), (Stage::Fin, FinWait2)]), "{holes:?}");

    let greedy = |rule: lockstep_model::Rule| match rule.name {
        "syn/absent" => lockstep_model::Rule { when: &[], ..rule },
        _ => rule,
    };
    let greedy = table.mutate(|rule| Some(greedy(rule)));
    let relation = Relation::of(&greedy);
    assert!(never_fire(&greedy, &relation).contains(&("syn/syn-received/passive", SynReceived)));
}
