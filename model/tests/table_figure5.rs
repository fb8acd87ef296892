//! Property S19: the state changes that the rules make are those of Figure 5 but for the lists below.

use lockstep_model::render::relation::{Cause, Cause::*, Change, Relation};
use lockstep_model::state::State::{
    self, CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait,
};
use lockstep_model::table::Profiles;
use lockstep_model::{Profile, Table, Timer};
use std::collections::BTreeSet;

/// What an arrow is drawn for: an event, or several things that one segment does in a row.
type Causes = &'static [Cause];

/// RFC 9293 §3.3.2, Figure 5: from, event, to, and the action as the figure words it (`x` is none).
const FIGURE_5: &[(State, Causes, State, &str)] = &[
    (Closed, &[PassiveOpen], Listen, "create TCB"),
    (Closed, &[ActiveOpen], SynSent, "create TCB, snd SYN"),
    (Listen, &[Close], Closed, "delete TCB"),
    (Listen, &[Syn], SynReceived, "snd SYN,ACK"),
    (Listen, &[Send], SynSent, "snd SYN"),
    (SynSent, &[Close], Closed, "delete TCB"),
    (SynSent, &[Syn], SynReceived, "snd SYN,ACK"),
    (SynSent, &[SynAck], Established, "snd ACK"),
    (SynReceived, &[Rst], Listen, "note 1: after a passive OPEN"),
    (SynReceived, &[AckOfSyn], Established, "x"),
    (SynReceived, &[Close], FinWait1, "snd FIN"),
    (Established, &[Close], FinWait1, "snd FIN"),
    (Established, &[Fin], CloseWait, "snd ACK"),
    (FinWait1, &[AckOfFin], FinWait2, "x"),
    (FinWait1, &[Fin], Closing, "snd ACK"),
    (FinWait2, &[Fin], TimeWait, "snd ACK"),
    (CloseWait, &[Close], LastAck, "snd FIN"),
    (Closing, &[AckOfFin], TimeWait, "x"),
    (LastAck, &[AckOfFin], Closed, "x"),
    (TimeWait, &[Timeout(Timer::TimeWait)], Closed, "delete TCB"),
];

/// Arrows between states, of the tables of some profiles, and why they are listed.
struct Listed {
    profiles: Profiles,
    from: &'static [State],
    causes: Causes,
    to: State,
    why: &'static str,
}

const fn listed(profiles: Profiles, from: &'static [State], causes: Causes, to: State, why: &'static str) -> Listed {
    Listed { profiles, from, causes, to, why }
}

/// Arrows of the figure that the rules do not make.
const MISSING: &[Listed] = &[
    listed(
        Profiles::ALL,
        &[CloseWait],
        &[Close],
        LastAck,
        "§3.10.4 queues the CLOSE; the state changes when the FIN is really sent",
    ),
    listed(
        Profiles::REPAIRED,
        &[SynReceived],
        &[Close],
        FinWait1,
        "D3: a CLOSE in SYN-RECEIVED waits for ESTABLISHED (N6)",
    ),
];

const CONNECTED: &[State] = &[SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait];
const ANY: &[State] =
    &[Listen, SynSent, SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait];

/// Arrows that the rules make and the figure lacks.
const EXTRA: &[Listed] = &[
    // What the figure leaves out to stay legible, or calls by another name.
    listed(
        Profiles::ALL,
        &[Listen],
        &[ActiveOpen],
        SynSent,
        "§3.10.1: OPEN makes a passive connection active, as SEND does",
    ),
    listed(Profiles::ALL, ANY, &[Abort], Closed, "§3.10.5; note 3 speaks of TIME-WAIT, §3.10.5 of CLOSED (D4)"),
    listed(Profiles::ALL, ANY, &[Timeout(Timer::User)], Closed, "§3.10.8: for any state"),
    listed(Profiles::ALL, &[SynSent], &[Rst], Closed, "note 3: omitted for legibility; §3.10.7.3, second"),
    listed(Profiles::ALL, CONNECTED, &[Rst], Closed, "note 3: omitted for legibility; §3.10.7.4, second"),
    listed(Profiles::ALL, CONNECTED, &[Syn], Closed, "§3.10.7.4, fourth, where RFC 5961 is not followed"),
    listed(Profiles::RFC9293, &[SynReceived], &[Syn], Listen, "erratum 8710; §3.10.7.4, fourth, after a passive OPEN"),
    // The FIN is sent later than the CLOSE.
    listed(Profiles::RFC9293, &[CloseWait], &[FinSent], LastAck, "§3.10.4: the queued CLOSE takes effect"),
    listed(Profiles::RFC793, &[CloseWait], &[FinSent], Closing, "RFC 793 §3.9; corrected by RFC 1122 §4.2.2.20 (a)"),
    // CLOSE by a user who will not RECEIVE.
    listed(Profiles::ALL, &[Listen, SynSent], &[Release], Closed, "it is a CLOSE"),
    listed(Profiles::ALL, &[Established], &[Release], FinWait1, "it is a CLOSE"),
    listed(
        Profiles::ALL,
        &[Established, FinWait1, FinWait2, CloseWait, Closing, LastAck],
        &[Release],
        Closed,
        "SHLD-3: text is unread",
    ),
    listed(Profiles::ALL, &[FinWait1, FinWait2], &[Text], Closed, "SHLD-3: text for a user who is gone"),
    listed(Profiles::ALL, &[FinWait1], &[AckOfFin, Text], Closed, "SHLD-3, after FIN-WAIT-2 in the same segment"),
    listed(
        Profiles::ALL,
        &[FinWait2],
        &[Timeout(Timer::FinWait2)],
        Closed,
        "D10: nobody owns it, no other timer ends it",
    ),
    // Several arrows of the figure in one segment.
    listed(Profiles::ALL, &[FinWait1], &[AckOfFin, Fin], TimeWait, "note 2"),
    listed(Profiles::ALL, &[SynSent], &[SynAck, Fin], CloseWait, "the SYN,ACK has a FIN too"),
    listed(Profiles::ALL, &[SynReceived], &[AckOfSyn, Fin], CloseWait, "the ACK of our SYN has a FIN too"),
    listed(Profiles::ALL, &[SynReceived], &[AckOfSyn, QueuedClose], FinWait1, "§3.10.4: the queued CLOSE takes effect"),
    listed(Profiles::ALL, &[SynReceived], &[AckOfSyn, QueuedClose, Fin], Closing, "and the segment has a FIN too"),
    listed(Profiles::ALL, &[SynReceived], &[AckOfSyn, QueuedClose, Text], Closed, "SHLD-3, after a queued CLOSE"),
    // Simultaneous open with crossed SYN,ACKs.
    listed(
        Profiles::REPAIRED,
        &[SynReceived],
        &[SynAck],
        Established,
        "erratum 3305: Figure 7, lines 6 and 7, as drawn (N15)",
    ),
    listed(Profiles::REPAIRED, &[SynReceived], &[SynAck, Fin], CloseWait, "and the SYN,ACK has a FIN too"),
    listed(Profiles::REPAIRED, &[SynReceived], &[SynAck, QueuedClose], FinWait1, "and the queued CLOSE takes effect"),
    listed(Profiles::REPAIRED, &[SynReceived], &[SynAck, QueuedClose, Fin], Closing, "both"),
    listed(Profiles::REPAIRED, &[SynReceived], &[SynAck, QueuedClose, Text], Closed, "SHLD-3, after a queued CLOSE"),
    // A SYN cuts TIME-WAIT short.
    listed(Profiles::REPAIRED, &[TimeWait], &[Syn], SynReceived, "MAY-2, placed before the sequence check (D6)"),
    listed(Profiles::REPAIRED, &[SynReceived], &[Syn], TimeWait, "MAY-2 (2): the SYN was an old duplicate"),
    listed(Profiles::REPAIRED, &[SynReceived], &[Rst], TimeWait, "MAY-2 (2): the SYN was an old duplicate"),
    // A defect of the letter.
    listed(Profiles::LITERAL, &[SynReceived], &[Fin], CloseWait, "D8: a bad ACK is answered, but its FIN is processed"),
];

#[test]
fn state_changes_differ_from_figure_5_exactly_by_the_lists() {
    for profile in Profile::ALL {
        let relation = Relation::of(Table::of(profile));
        let made: BTreeSet<_> = relation.changes.iter().map(arrow).collect();
        let missing = arrows(MISSING, profile);
        let expected: BTreeSet<_> = figure().difference(&missing).cloned().chain(arrows(EXTRA, profile)).collect();
        let possible = expected.iter().filter(|(from, ..)| relation.states.contains(from)).cloned().collect();
        let unlisted: Vec<_> = made.difference(&possible).collect();
        let unmade: Vec<_> = possible.difference(&made).collect();
        assert!(
            unlisted.is_empty() && unmade.is_empty(),
            "{}: unlisted {unlisted:?}, unmade {unmade:?}",
            profile.name()
        );
    }
}

#[test]
fn what_is_listed_as_missing_is_in_the_figure_and_what_is_listed_as_extra_is_not() {
    for profile in Profile::ALL {
        assert!(arrows(MISSING, profile).is_subset(&figure()));
        assert!(arrows(EXTRA, profile).is_disjoint(&figure()));
    }
    assert_eq!(figure().len(), 20, "the figure has twenty arrows");
    assert!(MISSING.iter().chain(EXTRA).all(|listed| !listed.why.is_empty()));
}

type Arrow = (State, Vec<Cause>, State);

fn arrow(change: &Change) -> Arrow {
    (change.from(), change.causes(), change.to())
}

fn figure() -> BTreeSet<Arrow> {
    FIGURE_5.iter().map(|&(from, causes, to, _)| (from, causes.to_vec(), to)).collect()
}

fn arrows(list: &[Listed], profile: Profile) -> BTreeSet<Arrow> {
    let listed = list.iter().filter(|listed| listed.profiles.has(profile));
    listed.flat_map(|one| one.from.iter().map(|&from| (from, one.causes.to_vec(), one.to))).collect()
}
