//! Figure 5 of RFC 9293 as arrows, each with the checks that may draw it, and the committed list of arrows beyond it.

use crate::state::State::{
    self, CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait,
};
use crate::table::Stage;

/// A change of state that may happen, and the checks at which it may.
#[derive(Clone, Copy, Debug)]
pub struct Arrow {
    /// From here ...
    pub from: &'static [State],
    /// ... to there.
    pub to: State,
    /// Only at these checks.
    pub at: &'static [Stage],
    /// What Figure 5 writes at the arrow; or, beyond it, why it is there.
    pub label: &'static str,
}

const fn arrow(from: &'static [State], to: State, at: &'static [Stage], label: &'static str) -> Arrow {
    Arrow { from, to, at, label }
}

/// The arrows of Figure 5 and of its notes.
pub const FIGURE: &[Arrow] = &[
    arrow(&[Closed], Listen, &[Stage::Open], "passive OPEN; create TCB"),
    arrow(&[Closed], SynSent, &[Stage::Open], "active OPEN; create TCB, snd SYN"),
    arrow(&[Listen], Closed, &[Stage::Close, Stage::Release], "CLOSE; delete TCB"),
    arrow(&[Listen], SynReceived, &[Stage::Listen], "rcv SYN; snd SYN,ACK"),
    arrow(&[Listen], SynSent, &[Stage::Send, Stage::Open], "SEND; snd SYN"),
    arrow(&[SynSent], Closed, &[Stage::Close, Stage::Release], "CLOSE or ABORT; delete TCB"),
    arrow(&[SynSent], SynReceived, &[Stage::SynSentSyn], "rcv SYN; snd SYN,ACK"),
    arrow(&[SynSent], Established, &[Stage::SynSentSyn], "rcv SYN,ACK; snd ACK"),
    arrow(&[SynReceived], Established, &[Stage::Ack, Stage::Sequence], "rcv ACK of SYN"),
    arrow(&[SynReceived], FinWait1, &[Stage::Close, Stage::Release], "CLOSE; snd FIN"),
    arrow(&[SynReceived], Listen, &[Stage::Rst], "note 1: rcv RST after a passive OPEN"),
    arrow(&[Established], FinWait1, &[Stage::Close, Stage::Release, Stage::DeferredClose], "CLOSE; snd FIN"),
    arrow(&[Established], CloseWait, &[Stage::Fin], "rcv FIN; snd ACK"),
    arrow(&[FinWait1], FinWait2, &[Stage::AckOfFin], "rcv ACK of FIN"),
    arrow(&[FinWait1], Closing, &[Stage::Fin], "rcv FIN; snd ACK"),
    // Note 2, from FIN-WAIT-1 to TIME-WAIT, is two arrows in one segment: the fifth check leads to FIN-WAIT-2 (erratum
    // 8805).
    arrow(&[FinWait2], TimeWait, &[Stage::Fin], "rcv FIN; snd ACK"),
    arrow(&[CloseWait], LastAck, &[Stage::Sent], "CLOSE; snd FIN"),
    arrow(&[Closing], TimeWait, &[Stage::AckOfFin], "rcv ACK of FIN"),
    arrow(&[LastAck], Closed, &[Stage::AckOfFin], "rcv ACK of FIN"),
    arrow(&[TimeWait], Closed, &[Stage::TimeWaitTimeout], "Timeout=2MSL; delete TCB"),
];

/// The arrows beyond Figure 5.
pub const BEYOND: &[Arrow] = &[
    arrow(
        &[Listen, SynSent, SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait],
        Closed,
        &[Stage::Abort],
        "note 3 of Figure 5 leaves ABORT out; §3.10.5",
    ),
    arrow(
        &[Listen, SynSent, SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait],
        Closed,
        &[Stage::UserTimeout],
        "note 3 of Figure 5 leaves timeouts out; §3.10.8",
    ),
    arrow(
        &[SynSent],
        Closed,
        &[Stage::SynSentRst],
        "note 3 of Figure 5 leaves resets out; connection refused, §3.10.7.3",
    ),
    arrow(
        &[SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait],
        Closed,
        &[Stage::Rst],
        "note 3 of Figure 5 leaves resets out; §3.10.7.4, second",
    ),
    arrow(
        &[SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait],
        Closed,
        &[Stage::Syn],
        "a SYN in the window resets where RFC 5961 is not followed; §3.10.7.4, fourth",
    ),
    arrow(&[SynReceived], Listen, &[Stage::Syn], "erratum 8710: rcv SYN after a passive OPEN; §3.10.7.4, fourth"),
    arrow(
        &[Established, FinWait1, FinWait2, CloseWait, Closing, LastAck],
        Closed,
        &[Stage::Release],
        "SHLD-3: text unread when the user goes; §3.6.1",
    ),
    arrow(&[FinWait1, FinWait2], Closed, &[Stage::Text], "SHLD-3: text arrives when the user is gone; §3.6.1"),
    arrow(&[FinWait2], Closed, &[Stage::FinWait2Timeout], "the user is gone and the peer does not close; §3.6.1"),
    arrow(&[TimeWait], SynReceived, &[Stage::Reopen], "MAY-2: a new SYN cuts TIME-WAIT short; §3.6.1"),
    arrow(&[SynReceived], TimeWait, &[Stage::Rst, Stage::Syn], "MAY-2 (2): the SYN was an old duplicate; §3.6.1"),
];

/// Whether the state may change like this at this check.
#[must_use]
pub fn allows(from: State, to: State, at: Stage) -> bool {
    FIGURE.iter().chain(BEYOND).any(|arrow| arrow.to == to && arrow.from.contains(&from) && arrow.at.contains(&at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::relation::Relation;
    use crate::table::{Profile, Table};
    use std::collections::BTreeSet;

    /// The single changes of state that a profile's rules can make, as found without any world.
    fn changes(profile: Profile) -> BTreeSet<(State, State, Stage)> {
        let table = Table::of(profile);
        let steps = Relation::of(table).steps();
        steps.iter().filter_map(|step| Some((step.from, step.to, table.rule(step.rule)?.stage))).collect()
    }

    #[test]
    fn what_the_rules_do_without_leave_is_what_the_letter_does_wrong() {
        let unlisted = |profile| -> Vec<_> {
            changes(profile).into_iter().filter(|&(from, to, at)| !allows(from, to, at)).collect()
        };
        assert_eq!(unlisted(Profile::Repaired), []);
        let falls_through = (SynReceived, CloseWait, Stage::Fin);
        assert_eq!(unlisted(Profile::Literal9293), [falls_through]);
        assert_eq!(unlisted(Profile::Rfc793), [falls_through, (CloseWait, Closing, Stage::Sent)]);
    }

    #[test]
    fn every_arrow_is_drawn_by_some_profile() {
        let drawn: BTreeSet<_> = Profile::ALL.into_iter().flat_map(changes).collect();
        for arrow in FIGURE.iter().chain(BEYOND) {
            for &from in arrow.from {
                let is_drawn = arrow.at.iter().any(|&at| drawn.contains(&(from, arrow.to, at)));
                assert!(is_drawn, "nothing leads from {from} to {}: {}", arrow.to, arrow.label);
            }
        }
    }
}
