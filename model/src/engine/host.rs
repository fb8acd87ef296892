//! What the engine needs from whoever owns the buffers, the clocks and the wire.

use super::Tcb;
use crate::event::{Reply, Signal, Timer, Urgency};
use crate::segment::Segment;
use crate::seq::SeqNum;
use crate::table::{Policy, TimestampClass};

/// The answer to [`Host::accept`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Accepted<L> {
    /// How many octets RCV.NXT moves over: the text now in order, held text that it joins included.
    pub advance: L,
    /// Whether the FIN, of this segment or held from an earlier one, is now next in order.
    pub fin: bool,
}

/// Why a segment is suspicious: each kind of challenge ACK has a budget of its own, so that a flood of one kind uses up
/// no answer that another needs (RFC 5961 §7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Challenge {
    /// A RST that is not exact.
    Rst,
    /// A SYN in a connection.
    Syn,
    /// An acknowledgment of what was never sent, or of too long ago.
    Ack,
    /// It begins at RCV.NXT-1 and occupies nothing: a keep-alive (RFC 9293 §3.8.4), which nobody can send blindly.
    KeepAlive,
    /// Its sequence number is not acceptable.
    Sequence,
}

impl Challenge {
    /// All five.
    pub const ALL: [Challenge; 5] =
        [Challenge::Rst, Challenge::Syn, Challenge::Ack, Challenge::KeepAlive, Challenge::Sequence];

    /// Its place in [`Challenge::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// The host of a connection: facts the engine asks for, and effects it asks for.
///
/// The order of calls is the order of the rules that fired. The `tcb` handed to an effect is as the rules before it
/// left it.
pub trait Host<S: SeqNum> {
    /// RCV.WND: the octets from RCV.NXT to the right edge last promised to the peer.
    fn rcv_wnd(&self) -> S::Len;
    /// Whether the host follows an optional part of the RFC.
    fn policy(&self, policy: Policy) -> bool;
    /// Whether text that the user has sent waits to be transmitted for the first time.
    fn unsent(&self) -> bool;
    /// Whether text that has arrived in order waits for the user.
    fn unread(&self) -> bool;
    /// Whether text or a FIN that begins at RCV.NXT is held: it came with a SYN.
    fn holds_next(&self) -> bool;
    /// Whether one more acknowledgment of such a suspicious segment may leave now (RFC 5961 §7).
    fn may_challenge(&self, challenge: Challenge) -> bool;
    /// What the timestamp of the segment that arrives says (RFC 7323). The host may have agreed on none.
    fn timestamp(&self) -> TimestampClass {
        TimestampClass::NotInUse
    }
    /// Whether somebody listens for this segment's connection, so that TIME-WAIT may be cut short (MAY-2).
    fn has_listener(&self) -> bool;

    /// An initial send sequence number (§3.4.1), after `above` on the circle if that is given.
    fn iss(&mut self, above: Option<S>) -> S;
    /// The peer's SYN counts: IRS is its number, and the new connection's options are what it says. The host may have none.
    fn synchronized(&mut self, _tcb: &Tcb<S>, _segment: &Segment<S>) {}
    /// The segment is acceptable: its timestamp is recorded, if it is not older and begins where we acknowledged up to.
    fn record_timestamp(&mut self, _segment: &Segment<S>) {}
    /// Send this control segment. Its window is RCV.WND; the host may promise more.
    fn emit(&mut self, tcb: &Tcb<S>, segment: Segment<S>);
    /// See to it that <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, or any segment that says as much, leaves; one for all that
    /// is asked for in an event or a batch of them.
    fn acknowledge(&mut self, tcb: &Tcb<S>, urgency: Urgency);
    /// The bucket that [`may_challenge`](Host::may_challenge) asks about gives one token.
    fn take_challenge(&mut self, challenge: Challenge);
    /// The user's SEND is accepted: its text is queued.
    fn queue_text(&mut self);
    /// Keep text and FIN of a SYN, as far as there is room, until the connection is established.
    fn hold(&mut self, tcb: &Tcb<S>, segment: &Segment<S>);
    /// Take text and FIN of this segment (trimmed to the window, put in order) and say how far RCV.NXT moves.
    fn accept(&mut self, tcb: &Tcb<S>, segment: &Segment<S>) -> Accepted<S::Len>;
    /// RCV.NXT moved over the FIN.
    fn fin_received(&mut self, tcb: &Tcb<S>);
    /// SEG.ACK of this segment is in range. Whether it is new or a duplicate, it may tell of losses (RFC 5681 §3.2); SND.UNA
    /// and SND.WND have not moved yet. A host that recovers from losses by its timer alone need not listen.
    fn heed_ack(&mut self, _tcb: &Tcb<S>, _segment: &Segment<S>) {}
    /// SND.UNA moved forward from `from`: these octets, SYN and FIN among them, will not be needed again.
    fn acked(&mut self, tcb: &Tcb<S>, from: S);
    /// Send the front of the retransmission queue again: what begins at SND.UNA, text or FIN.
    fn retransmit(&mut self, tcb: &Tcb<S>);
    /// Send one octet of text, or the FIN, that the closed window has no room for, and report it with `Sent` afterwards.
    fn probe(&mut self, tcb: &Tcb<S>);
    /// Forget all text queued for sending, for retransmission and for the user.
    fn flush(&mut self);
    /// (Re)start a timer.
    fn start(&mut self, timer: Timer);
    /// Stop a timer.
    fn stop(&mut self, timer: Timer);
    /// Tell the user.
    fn signal(&mut self, signal: Signal);
    /// Return from the user's call.
    fn reply(&mut self, reply: Reply);
}
