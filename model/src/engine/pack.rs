//! Small forms of connections that wait: in TIME-WAIT for stragglers, in SYN-RECEIVED for the end of the handshake.
//!
//! A host that has many of these, as a server in TIME-WAIT or under a flood of SYNs has, may keep them packed and expand
//! one when something happens to it. `pack` makes a small form only of a [`Tcb`] that `expand` gives back.

use super::Tcb;
use super::tcb::{Acked, Marks};
use crate::event::Timer;
use crate::seq::{Seq, SeqNum};
use crate::state::State;

/// A connection in TIME-WAIT.
///
/// What does nothing there any more is forgotten, and zero once expanded: the send window and what it was updated by, both
/// initial sequence numbers, and the urgent pointer. That holds for the tables of all profiles; a wrong table may carry
/// any of it over into a connection that it reopens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TimeWaitTcb<S: SeqNum> {
    snd_nxt: S,
    rcv_nxt: S,
    max_snd_wnd: S::Len,
    marks: PackedMarks,
}

/// A connection in SYN-RECEIVED.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SynReceivedTcb<S: SeqNum> {
    iss: S,
    irs: S,
    syn_met: SynMet<S>,
    marks: PackedMarks,
}

const _: () = assert!(size_of::<TimeWaitTcb<Seq>>() == 16);
const _: () = assert!(size_of::<SynReceivedTcb<Seq>>() == 24);

impl<S: SeqNum> TimeWaitTcb<S> {
    /// The small form; `None` if the connection is not in TIME-WAIT.
    #[must_use]
    pub fn pack(tcb: &Tcb<S>) -> Option<Self> {
        let &Tcb { snd_nxt, rcv_nxt, max_snd_wnd, marks, .. } = tcb;
        let marks = Marks { urgent: false, ..marks };
        let packed = TimeWaitTcb { snd_nxt, rcv_nxt, max_snd_wnd, marks: PackedMarks::from(marks) };
        let Tcb { snd_wnd, snd_wl1, snd_wl2, iss, irs, rcv_up, .. } = Tcb::closed();
        let kept = Tcb { snd_wnd, snd_wl1, snd_wl2, iss, irs, rcv_up, marks, ..*tcb };
        (packed.expand() == kept).then_some(packed)
    }

    /// The connection again: it does whatever the packed one would have done.
    #[must_use]
    pub fn expand(self) -> Tcb<S> {
        let TimeWaitTcb { snd_nxt, rcv_nxt, max_snd_wnd, marks } = self;
        Tcb {
            state: State::TimeWait,
            snd_una: snd_nxt,
            snd_nxt,
            rcv_nxt,
            max_snd_wnd,
            marks: marks.into(),
            timers: Timer::TimeWait.bit(),
            ..Tcb::closed()
        }
    }
}

impl<S: SeqNum> SynReceivedTcb<S> {
    /// The small form; `None` if the connection is not in SYN-RECEIVED.
    #[must_use]
    pub fn pack(tcb: &Tcb<S>) -> Option<Self> {
        let syn_met = match tcb.previous {
            Some((snd_nxt, rcv_nxt)) => SynMet::TimeWait { snd_nxt, rcv_nxt },
            None if tcb.marks.window_known => SynMet::SynSent { snd_wnd: tcb.snd_wnd, snd_wl2: tcb.snd_wl2 },
            None => SynMet::Listen,
        };
        let packed = SynReceivedTcb { iss: tcb.iss, irs: tcb.irs, syn_met, marks: PackedMarks::from(tcb.marks) };
        (packed.expand() == *tcb).then_some(packed)
    }

    /// The connection again, the same in every variable.
    #[must_use]
    pub fn expand(self) -> Tcb<S> {
        let SynReceivedTcb { iss, irs, syn_met, marks } = self;
        let tcb = Tcb {
            state: State::SynReceived,
            snd_una: iss,
            snd_nxt: iss.plus(1),
            iss,
            rcv_nxt: irs.plus(1),
            irs,
            marks: marks.into(),
            timers: Timer::Retransmit.bit(),
            ..Tcb::closed()
        };
        match syn_met {
            SynMet::Listen => tcb,
            SynMet::SynSent { snd_wnd, snd_wl2 } => Tcb { snd_wnd, snd_wl1: irs, snd_wl2, max_snd_wnd: snd_wnd, ..tcb },
            SynMet::TimeWait { snd_nxt, rcv_nxt } => Tcb { previous: Some((snd_nxt, rcv_nxt)), ..tcb },
        }
    }
}

/// The state in which the SYN found the connection, and what only that leaves behind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum SynMet<S: SeqNum> {
    /// LISTEN.
    Listen,
    /// SYN-SENT: the SYNs crossed, and this one's window counts.
    SynSent { snd_wnd: S::Len, snd_wl2: S },
    /// TIME-WAIT, to which the connection returns if the SYN is an old one (MAY-2).
    TimeWait { snd_nxt: S, rcv_nxt: S },
}

/// [`Marks`], one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct PackedMarks(u8);

impl From<Marks> for PackedMarks {
    fn from(marks: Marks) -> Self {
        let Marks { passive, acked, window_known, close_queued, fin_sent, user_gone, urgent } = marks;
        let (syn_acked, far) = (acked != Acked::Nothing, acked == Acked::FarBeyondIss);
        let bits = [passive, syn_acked, window_known, close_queued, fin_sent, user_gone, urgent, far];
        PackedMarks(bits.into_iter().rev().fold(0, |packed, bit| packed << 1 | u8::from(bit)))
    }
}

impl From<PackedMarks> for Marks {
    fn from(PackedMarks(packed): PackedMarks) -> Self {
        let [passive, syn_acked, window_known, close_queued, fin_sent, user_gone, urgent, far] =
            [0, 1, 2, 3, 4, 5, 6, 7].map(|bit| packed >> bit & 1 == 1);
        let acked = match (syn_acked, far) {
            (_, true) => Acked::FarBeyondIss,
            (true, false) => Acked::Syn,
            (false, false) => Acked::Nothing,
        };
        Marks { passive, acked, window_known, close_queued, fin_sent, user_gone, urgent }
    }
}
