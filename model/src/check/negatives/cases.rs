//! The numbered negatives, each with the smallest world that shows it. N14 is no wrong table but four figures; see
//! [`figures`](crate::check::figures).

use super::worlds::{self, CLEAR, OVERLAPS};
use super::{Case, Sight};
use crate::check::mutate::Edit::{self, Add, Drop, In, Then, To, When};
use crate::check::mutate::{CLOSE_AT_ONCE, NEVER_AGAIN, TWO_WAY};
use crate::check::properties::Property::{self, *};
use crate::check::world::{Action, State};
use crate::event::Timer::Persist;
use crate::event::{Signal as Tell, Urgency::Now};
use crate::segment::Flag;
use crate::state::State::{self as Connection, *};
use crate::table::Act::*;
use crate::table::{AckClass, Atom, Next, SeqClass};

/// The words of the RFCs about safety, as far as they do not concern TIME-WAIT itself.
const SAFE: &[Property] =
    &[S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, S12, S14, S15, S16, S17, S18, S19, S21, S22, S24];

const AS_REPAIRED: &[Edit] = &[];
const NO_TIME_WAIT: &[Edit] = &[
    Then("fin/fin-wait-2", &[AdvanceOverFin, Signal(Tell::Closing), Acknowledge(Now), Delete]),
    To("fin/fin-wait-2", Next::To(Closed)),
    Then("ack-of-fin/closing/acked", &[Signal(Tell::CloseComplete), Delete]),
    To("ack-of-fin/closing/acked", Next::To(Closed)),
];
const ERRATUM_3301: &[Edit] = &[Add("ack/syn-received/established-by-duplicate")];
pub(super) const NO_FIN_WAIT_2_TIMER: &[Edit] =
    &[Drop("ack-of-fin/fin-wait-1/orphan"), Drop("release/fin-wait-2/bounded")];
const CHECKED: &[Connection] = &[SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait];
pub(super) const RFC_5961_IN_SYN_RECEIVED: &[Edit] = &[
    Drop("ack/syn-received/any"),
    In("ack/too-old/answered", CHECKED),
    In("ack/too-old/silent", CHECKED),
    In("ack/unsent/answered", CHECKED),
    In("ack/unsent/silent", CHECKED),
];
pub(super) const UNTHROTTLED: &[Edit] = &[Add("sequence/unacceptable/unthrottled")];
const ONLY_RCV_NXT: &[Edit] = &[
    Add("sequence/unacceptable/unthrottled"),
    When("sequence/zero-window/control", &[Atom::Seq(SeqClass::ZeroWindow, true), Atom::AtRcvNxt(true)]),
];

/// A case of which nothing is said yet.
pub(super) const fn case(id: &'static str, variant: &'static str) -> Case {
    Case { id, variant, edits: AS_REPAIRED, world: worlds::close, falls: &[], holds: &[], sights: &[] }
}

/// All of them.
pub const CASES: &[Case] = &[
    Case {
        edits: TWO_WAY,
        world: worlds::handshake,
        falls: &[S2],
        ..case("N1", "A two-way handshake: a SYN in LISTEN establishes at once.")
    },
    Case {
        world: worlds::no_length::<OVERLAPS, OVERLAPS, true>,
        falls: &[S2, S5, S6],
        ..case("N2", "TIME-WAIT has no length, and numbers overlap those of the last incarnation.")
    },
    Case {
        edits: NO_TIME_WAIT,
        world: worlds::no_length::<OVERLAPS, OVERLAPS, true>,
        falls: &[S2, S5, S6, S13],
        ..case("N2", "There is no TIME-WAIT, and numbers overlap.")
    },
    Case {
        world: worlds::kept::<OVERLAPS, OVERLAPS, false>,
        falls: &[S2, S5, S6],
        ..case("N3", "TIME-WAIT is kept, but a RST ends it (RFC 1337), and numbers overlap.")
    },
    Case {
        world: worlds::kept::<OVERLAPS, OVERLAPS, true>,
        holds: SAFE,
        ..case("N3", "TIME-WAIT is kept, RSTs do not end it (RFC 1337, fix F1), and numbers overlap.")
    },
    Case {
        world: worlds::no_length::<CLEAR, CLEAR, true>,
        holds: SAFE,
        ..case("N4", "TIME-WAIT has no length, but each ISS lies above all numbers of the last incarnation.")
    },
    Case {
        edits: NO_TIME_WAIT,
        world: worlds::no_length::<CLEAR, CLEAR, true>,
        falls: &[S13],
        holds: &[S2, S3, S4, S5, S6, S7, S8],
        ..case("N4", "There is no TIME-WAIT, but each ISS lies above all numbers of the last incarnation.")
    },
    Case {
        world: worlds::passive_closer::<OVERLAPS>,
        falls: &[S2],
        ..case("N5", "The numbers of the end that closes last, and so has no TIME-WAIT, overlap.")
    },
    Case {
        edits: CLOSE_AT_ONCE,
        world: worlds::close,
        falls: &[S17],
        ..case("N6", "CLOSE in SYN-RECEIVED sends the FIN at once, as written.")
    },
    Case {
        edits: CLOSE_AT_ONCE,
        world: worlds::old_segments_without_5961,
        falls: &[S16],
        ..case("N6", "The same, where old segments arrive and nobody follows RFC 5961.")
    },
    Case {
        edits: CLOSE_AT_ONCE,
        world: worlds::old_segments::<OVERLAPS>,
        falls: &[S16],
        ..case("N6", "The same, where old segments arrive and numbers overlap.")
    },
    Case {
        edits: CLOSE_AT_ONCE,
        world: worlds::old_segments::<CLEAR>,
        holds: &[S16],
        ..case("N6", "The same, where old segments arrive, numbers are clear and all follow RFC 5961.")
    },
    Case {
        edits: &[Add("ack-of-fin/time-wait/acknowledge")],
        world: worlds::simultaneous,
        falls: &[L3, L7],
        ..case("N7", "TIME-WAIT acknowledges whatever is acceptable and restarts 2MSL, as written.")
    },
    Case {
        edits: UNTHROTTLED,
        world: worlds::old_segments::<CLEAR>,
        falls: &[L3],
        ..case("N8", "Every unacceptable segment is acknowledged, as written.")
    },
    Case {
        edits: ERRATUM_3301,
        world: worlds::handshake_overlapping,
        falls: &[S15, S2],
        ..case("N9", "An ACK of ISS itself establishes (RFC 793, erratum 3301), and numbers overlap.")
    },
    Case {
        edits: ERRATUM_3301,
        world: worlds::handshake_clear,
        holds: &[S15, S2],
        ..case("N9", "An ACK of ISS itself would establish, but numbers do not overlap: none comes.")
    },
    Case {
        world: worlds::crash,
        falls: &[L1],
        ..case("N10", "A host crashes; its peer has no user timeout and nobody to abort.")
    },
    Case {
        world: worlds::crash_with_user_timeout,
        holds: &[L1, L9],
        ..case("N10", "A host crashes; its peer has a user timeout.")
    },
    Case {
        edits: NO_FIN_WAIT_2_TIMER,
        world: worlds::crash_of_an_orphan_s_peer,
        falls: &[L1, L9],
        ..case("N10", "A host crashes; its peer's user is gone, and FIN-WAIT-2 has no timer.")
    },
    Case {
        world: worlds::crash_of_an_orphan_s_peer,
        holds: &[L1, L9],
        ..case("N10", "A host crashes; its peer's user is gone, but FIN-WAIT-2 has a timer.")
    },
    Case {
        edits: NO_FIN_WAIT_2_TIMER,
        world: worlds::reset_of_an_orphan,
        falls: &[L1, L9],
        ..case("N11", "A reset is lost; the user is gone, and FIN-WAIT-2 has no timer.")
    },
    Case {
        world: worlds::too_short::<OVERLAPS, OVERLAPS>,
        falls: &[S2, S5, S6, S8],
        ..case("N12", "2MSL ends while the peer still sends its FIN again, and numbers overlap.")
    },
    Case {
        world: worlds::too_short::<CLEAR, CLEAR>,
        holds: SAFE,
        ..case("N12", "2MSL ends while the peer still sends its FIN again, but numbers do not overlap.")
    },
    Case {
        world: worlds::too_short::<OVERLAPS, CLEAR>,
        falls: &[S5, S8],
        holds: &[S6],
        ..case("N12", "2MSL ends while the peer still sends its FIN again, and only its numbers overlap.")
    },
    Case {
        world: worlds::too_short::<CLEAR, OVERLAPS>,
        falls: &[S5, S8],
        holds: &[S6],
        ..case(
            "N12",
            "2MSL ends while the peer still sends its FIN again, and only the numbers of TIME-WAIT's end overlap.",
        )
    },
    Case {
        world: worlds::clock::<false, false>,
        falls: &[S2, S5, S6, S8],
        ..case("N13", "After a crash the clock that chooses the ISS begins again; no quiet time.")
    },
    Case {
        world: worlds::clock::<false, true>,
        falls: &[S2, S5, S6, S8],
        ..case("N13", "After a crash the clock that chooses the ISS begins again, after a quiet time.")
    },
    Case {
        world: worlds::clock::<true, false>,
        holds: SAFE,
        ..case("N13", "After a crash the clock that chooses the ISS goes on; no quiet time.")
    },
    Case {
        world: worlds::clock::<true, true>,
        holds: SAFE,
        ..case("N13", "After a crash the clock that chooses the ISS goes on, after a quiet time.")
    },
    Case {
        edits: &[Drop("sequence/crossed-syn-ack")],
        world: worlds::simultaneous,
        holds: &[L2],
        sights: &[Sight { happens: false, ..BY_SYN_ACK }, BY_ACK],
        ..case("N15", "Table 6 drops the SYN,ACK that crosses ours, as written (erratum 3305).")
    },
    Case {
        world: worlds::simultaneous,
        holds: &[L2],
        sights: &[BY_SYN_ACK, BY_ACK],
        ..case("N15", "The SYN,ACK that crosses ours establishes.")
    },
    Case {
        edits: RFC_5961_IN_SYN_RECEIVED,
        world: worlds::half_open,
        falls: &[L1],
        ..case("N16", "In SYN-RECEIVED a bad ACK is answered by an ACK (RFC 5961 §5), not by a reset.")
    },
    Case {
        world: worlds::half_open,
        holds: &[L1, L3],
        ..case("N16", "In SYN-RECEIVED a bad ACK is answered by a reset.")
    },
    Case {
        edits: &[Drop("rst/not-exact/challenged"), Drop("rst/not-exact/silent")],
        world: worlds::attack,
        falls: &[S20],
        ..case("N17", "A RST anywhere in the window resets, as RFC 793 says.")
    },
    Case {
        world: worlds::listener_attacked,
        holds: &[L8, S20],
        sights: &[SENT_BACK],
        ..case("N18", "A forged SYN in the window returns a passive SYN-RECEIVED to LISTEN, as RFC 9293 says.")
    },
    Case {
        edits: &[Add("ack/unsent/unthrottled"), Add("sequence/unacceptable/unthrottled")],
        world: worlds::injection,
        falls: &[L3],
        ..case("N19", "Text is injected, and every unacceptable segment is acknowledged: an ACK storm.")
    },
    Case {
        edits: &[Then("timeout/persist", &[Start(Persist)])],
        world: worlds::window,
        falls: &[L6],
        ..case("N20", "A closed window is not probed.")
    },
    Case {
        edits: ONLY_RCV_NXT,
        world: worlds::both_probe,
        falls: &[L3],
        ..case("N20", "Both windows are closed and probed, and only SEG.SEQ = RCV.NXT passes, as Table 6 says.")
    },
    Case {
        edits: UNTHROTTLED,
        world: worlds::both_probe,
        falls: &[L3],
        ..case(
            "N20",
            "The same, but SEG.SEQ = RCV.NXT+1 passes too, as it must after a probe: it falls when both windows open again.",
        )
    },
    Case {
        world: worlds::both_probe,
        holds: &[L3],
        ..case("N20", "Both windows are closed and probed, and answers are throttled.")
    },
    Case {
        edits: &[When("window/update", &[])],
        world: worlds::both_ways,
        falls: &[S11],
        ..case("N21", "Every segment sets the send window, however old.")
    },
    Case {
        edits: &[When("window/update", &[Atom::Ack(AckClass::Duplicate, true)])],
        world: worlds::window,
        holds: &[S11, L1, L2, L3, L6],
        ..case("N21", "SND.WL1 and SND.WL2 are not looked at.")
    },
    Case {
        edits: &[Add("ack/new/with-window"), Drop("window/update")],
        world: worlds::window,
        holds: &[S11, L1, L2, L3, L6],
        ..case("N21", "Only SND.UNA < SEG.ACK sets the send window, as RFC 793 says (erratum 4785).")
    },
    Case {
        edits: NEVER_AGAIN,
        world: worlds::reset_of_an_orphan,
        falls: &[L1],
        ..case("N22", "Nothing is ever sent again.")
    },
    Case {
        edits: &[When("fin/established", &[Atom::Has(Flag::Fin, true)])],
        world: worlds::data,
        falls: &[S6],
        ..case("N22", "A FIN is processed when it arrives, not when its turn comes.")
    },
];

const BY_SYN_ACK: Sight = Sight {
    what: "a SYN,ACK makes SYN-RECEIVED ESTABLISHED",
    is: |before, action, after| establishes(before, action, after) && bears_syn(action),
    happens: true,
};
const BY_ACK: Sight = Sight {
    what: "an ACK makes SYN-RECEIVED ESTABLISHED",
    is: |before, action, after| establishes(before, action, after) && !bears_syn(action),
    happens: true,
};
const SENT_BACK: Sight = Sight {
    what: "a forged SYN makes SYN-RECEIVED LISTEN",
    is: |before, action, after| {
        matches!(action, Action::Forge(_)) && bears_syn(action) && goes(before, action, after, SynReceived, Listen)
    },
    happens: true,
};

fn establishes(before: &State, action: Action, after: &State) -> bool {
    goes(before, action, after, SynReceived, Established)
}

/// Whether an arrival takes the receiver from one state to another.
fn goes(before: &State, action: Action, after: &State, from: Connection, to: Connection) -> bool {
    let (Action::Deliver(packet) | Action::DeliverCopy(packet) | Action::Forge(packet)) = action else {
        return false;
    };
    let end = packet.ghost().from.other().index();
    before.ends[end].tcb.state() == from && after.ends[end].tcb.state() == to
}

fn bears_syn(action: Action) -> bool {
    matches!(action, Action::Deliver(packet) | Action::DeliverCopy(packet) | Action::Forge(packet)
        if packet.segment().has(Flag::Syn) && !packet.segment().has(Flag::Rst))
}
