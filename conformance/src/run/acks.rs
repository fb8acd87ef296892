//! Acknowledgments that a system may send at another time than the script says, where the rules leave that to it.
//!
//! RFC 9293 §3.8.6.3 lets a receiver delay an ACK, and acknowledge several segments with one. A script that was written
//! for one stack says when that stack does it. Two things are therefore granted: an expected ACK of new text may be
//! *owed*, and come later, alone or with something else; and an ACK of new text, or of a new window, may be *additional*.
//! An ACK that says nothing new is neither: it answers something, now.

use std::time::Duration;

use lockstep_model::{Seq, SeqNum};

use super::wire::Segment;
use crate::script::{Event, Flags, Packet, TcpOption};

/// What has been acknowledged, and what is still to be.
#[derive(Default)]
pub(super) struct Acks {
    /// The next number that the system will use, on the wire.
    system_next: Option<Seq>,
    /// The last number that the system acknowledged.
    acknowledged: Option<Seq>,
    /// The last window that it offered.
    window: u16,
    /// The next number that the peer will use.
    peer_next: Option<Seq>,
    /// ACKs that the script expected and that have not come.
    owed: Vec<Owed>,
}

/// An ACK that the script expected.
pub(super) struct Owed {
    /// The line that expects it.
    pub(super) event: Event,
    /// What it acknowledges.
    number: Seq,
    /// When it has to be there.
    pub(super) until: Duration,
}

impl Acks {
    /// The peer sends this segment.
    pub(super) fn injected(&mut self, segment: &Segment) {
        let next = Seq::new(segment.seq).plus(segment.length());
        if segment.flags.contains(Flags::SYN) || self.peer_next.is_none_or(|known| next.after(known)) {
            self.peer_next = Some(next);
        }
    }

    /// The system has sent this segment. An owed ACK that it should have brought earlier is told.
    pub(super) fn heard(&mut self, segment: &Segment, at: Duration) -> Option<Owed> {
        let next = Seq::new(segment.seq).plus(segment.length());
        if segment.flags.contains(Flags::SYN) || self.system_next.is_none_or(|known| next.after(known)) {
            self.system_next = Some(next);
        }
        let late = self.owed.iter().position(|owed| owed.until < at).map(|late| self.owed.swap_remove(late));
        if segment.flags.contains(Flags::ACK) {
            self.acknowledged = Some(Seq::new(segment.ack));
            self.window = segment.window;
            self.owed.retain(|owed| owed.number.after(Seq::new(segment.ack)));
        }
        late
    }

    /// Whether the script may wait for this packet, the ACK of `number`, longer than it says.
    pub(super) fn may_be_owed(&self, expected: &Packet, number: Seq) -> bool {
        expected.flags == Flags::ACK
            && expected.sequence.length == Some(0)
            && self.acknowledged.is_some_and(|acknowledged| number.after(acknowledged))
    }

    /// The packet of this event is owed until then.
    pub(super) fn owe(&mut self, event: &Event, number: Seq, until: Duration) {
        self.owed.push(Owed { event: event.clone(), number, until });
    }

    /// What is owed first.
    pub(super) fn owed(&self) -> Option<&Owed> {
        self.owed.iter().min_by_key(|owed| owed.until)
    }

    /// Whether the system may send this segment although the script does not ask for it.
    pub(super) fn is_additional(&self, segment: &Segment) -> bool {
        let ack = Seq::new(segment.ack);
        let has_blocks = segment.options.iter().any(|option| matches!(option, TcpOption::Sack(_)));
        let acknowledges_more = self.acknowledged.is_some_and(|before| ack.after(before))
            && self.peer_next.is_some_and(|next| !ack.after(next));
        let updates_window = self.acknowledged == Some(ack) && self.window != segment.window;
        segment.flags == Flags::ACK
            && segment.text.is_empty()
            && !has_blocks
            && self.system_next == Some(Seq::new(segment.seq))
            && (acknowledges_more || updates_window)
    }
}
