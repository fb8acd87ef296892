//! Urgent data on its way out (RFC 9293 §3.8.5, §3.10.2, RFC 6093): where it ends, and how segments say so.
//!
//! SND.UP moves no state and no rule asks for it, and text that waits has no sequence numbers yet: the mark is a place in the
//! send buffer. Every segment that begins before it says how far it is, the first time and again, until it is acknowledged.

use lockstep_model::{Flag, Segment, Seq};

use super::connection::Connection;

impl Connection {
    /// `segment`, whose text begins at `offset` in the send buffer, with the URG flag and SND.UP-SEG.SEQ if urgent data lies
    /// ahead of it: the pointer is at the octet that follows the urgent data (MUST-62).
    ///
    /// Of more than 65,535 octets (MUST-31) the pointer names the first so many; it advances with each segment.
    pub fn with_urgent_pointer(&self, segment: Segment<Seq>, offset: usize) -> Segment<Seq> {
        match self.flow.send.urgent_from(offset).min(u16::MAX.into()) {
            0 => segment,
            up => Segment { up, flags: segment.flags.with(Flag::Urg), ..segment },
        }
    }

    /// The peer is to hear of urgent data now, if not with the text then ahead of it: he may have closed his window because
    /// his user, who is to be roused, does not read.
    pub fn announce_urgent(&mut self) {
        if self.tcb().may_send_text() && self.flow.send.urgent_from(self.flow.sent) > 0 {
            self.flow.acks.at_once();
        }
    }
}
