//! The transmission control block: a connection's variables (RFC 9293 §3.3.1).

use crate::event::Timer;
use crate::seq::SeqNum;
use crate::state::State;

/// A connection. Born CLOSED; only [`step()`](super::step()) changes it, and [`Prediction`](super::Prediction), which does
/// the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tcb<S: SeqNum> {
    pub(super) state: State,
    pub(super) snd_una: S,
    pub(super) snd_nxt: S,
    pub(super) snd_wnd: S::Len,
    pub(super) snd_wl1: S,
    pub(super) snd_wl2: S,
    pub(super) max_snd_wnd: S::Len,
    pub(super) iss: S,
    pub(super) rcv_nxt: S,
    pub(super) rcv_up: S,
    pub(super) irs: S,
    /// SND.NXT and RCV.NXT of the incarnation whose TIME-WAIT a SYN cut short, until that SYN proves new (MAY-2).
    pub(super) previous: Option<(S, S)>,
    pub(super) marks: Marks,
    pub(super) timers: u8,
}

/// What else a connection remembers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Marks {
    pub passive: bool,
    pub acked: Acked,
    pub window_known: bool,
    pub close_queued: bool,
    pub fin_sent: bool,
    pub user_gone: bool,
    pub urgent: bool,
}

/// How far SND.UNA has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) enum Acked {
    /// It is ISS.
    #[default]
    Nothing,
    /// Our SYN is acknowledged.
    Syn,
    /// So much that ISS does not say any more what was never sent: a quarter of the circle.
    FarBeyondIss,
}

impl<S: SeqNum> Tcb<S> {
    /// A connection that does not exist: CLOSED.
    #[must_use]
    pub fn closed() -> Self {
        let zero = S::new(0);
        let none = S::Len::default();
        Tcb {
            state: State::Closed,
            snd_una: zero,
            snd_nxt: zero,
            snd_wnd: none,
            snd_wl1: zero,
            snd_wl2: zero,
            max_snd_wnd: none,
            iss: zero,
            rcv_nxt: zero,
            rcv_up: zero,
            irs: zero,
            previous: None,
            marks: Marks::default(),
            timers: 0,
        }
    }

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }
    /// SND.UNA: oldest unacknowledged sequence number.
    pub fn snd_una(&self) -> S {
        self.snd_una
    }
    /// SND.NXT: next sequence number to be sent.
    pub fn snd_nxt(&self) -> S {
        self.snd_nxt
    }
    /// SND.WND: send window, in octets from SND.UNA.
    pub fn snd_wnd(&self) -> S::Len {
        self.snd_wnd
    }
    /// SND.WL1: sequence number of the last segment used to update the window.
    pub fn snd_wl1(&self) -> S {
        self.snd_wl1
    }
    /// SND.WL2: acknowledgment number of the last segment used to update the window.
    pub fn snd_wl2(&self) -> S {
        self.snd_wl2
    }
    /// MAX.SND.WND: the largest window the peer has offered (RFC 5961 §5.2).
    pub fn max_snd_wnd(&self) -> S::Len {
        self.max_snd_wnd
    }
    /// ISS: initial send sequence number.
    pub fn iss(&self) -> S {
        self.iss
    }
    /// RCV.NXT: next sequence number expected.
    pub fn rcv_nxt(&self) -> S {
        self.rcv_nxt
    }
    /// RCV.UP: the end of the urgent data, while it lies ahead of RCV.NXT.
    pub fn rcv_up(&self) -> Option<S> {
        self.marks.urgent.then_some(self.rcv_up)
    }
    /// IRS: initial receive sequence number.
    pub fn irs(&self) -> S {
        self.irs
    }

    /// Whether the connection came from LISTEN, not from SYN-SENT.
    pub fn is_passive(&self) -> bool {
        self.marks.passive
    }
    /// Whether SND.WND, SND.WL1 and SND.WL2 have been set.
    pub fn window_known(&self) -> bool {
        self.marks.window_known
    }
    /// Whether the user has closed: a FIN follows the text still queued.
    pub fn close_queued(&self) -> bool {
        self.marks.close_queued
    }
    /// Whether our FIN has been on the wire.
    pub fn fin_sent(&self) -> bool {
        self.marks.fin_sent
    }
    /// Whether the user is gone for good.
    pub fn user_gone(&self) -> bool {
        self.marks.user_gone
    }
    /// Whether this is a connection reopened from TIME-WAIT whose SYN has not yet proved new (MAY-2).
    pub fn reopened(&self) -> bool {
        self.previous.is_some()
    }
    /// Whether the table has this timer running.
    pub fn armed(&self, timer: Timer) -> bool {
        self.timers & timer.bit() != 0
    }

    /// Whether so much has been acknowledged that ISS does not say any more what was never sent.
    pub fn is_far_beyond_iss(&self) -> bool {
        self.marks.acked == Acked::FarBeyondIss
    }

    /// Whether our SYN has been acknowledged.
    pub fn syn_acked(&self) -> bool {
        self.marks.acked != Acked::Nothing
    }
    /// Whether our FIN has been acknowledged.
    pub fn fin_acked(&self) -> bool {
        self.marks.fin_sent && self.retransmission_queue_is_empty()
    }
    /// Whether all that was sent has been acknowledged: SND.UNA = SND.NXT.
    pub fn retransmission_queue_is_empty(&self) -> bool {
        self.snd_una == self.snd_nxt
    }
    /// Whether the host may transmit new text in this state, as far as the windows allow.
    pub fn may_send_text(&self) -> bool {
        !self.marks.fin_sent
            && matches!(self.state, State::Established | State::FinWait1 | State::CloseWait | State::Closing)
    }
    /// Whether the FIN is to follow when all text has been transmitted.
    pub fn fin_due(&self) -> bool {
        self.marks.close_queued && self.may_send_text()
    }
    /// The octets that may still be sent: SND.UNA+SND.WND-SND.NXT, none if the peer took window back.
    pub fn usable_window(&self) -> u32 {
        let wnd: u32 = self.snd_wnd.into();
        wnd.saturating_sub(self.snd_nxt.forward_from(self.snd_una))
    }
}
