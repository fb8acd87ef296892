//! The user takes text: what room that makes for the peer, and where urgent data ends (RFC 9293 §3.8.5, RFC 6093).
//!
//! Urgent data is delivered in line, as all text is: the pointer only says how far it reaches.

use lockstep_model::{Segment, Seq, SeqNum, Signal, State};

use super::config::TcpConfig;
use super::connection::{Connection, Effects};
use crate::time::Instant;

impl Connection {
    /// The user takes text that has arrived. A window that can now open wide is announced (RFC 9293 §3.8.6.2.2).
    pub fn read(&mut self, config: &TcpConfig, now: Instant, buf: &mut [u8]) -> usize {
        let was_at_mark = self.urgent_ahead() == Some(0);
        let n = self.flow.recv.read(buf);
        if n > 0 && (was_at_mark || self.urgent_ahead().is_none()) {
            self.flow.urgent_mark = None;
        }
        self.make_room(config, now, n);
        let ended = self.flow.recv.has_ended() || self.tcb().state() == State::Closed;
        if !ended && self.flow.recv.window_update(self.flow.smss.into(), self.flow.agreed.rcv_wind_shift).is_some() {
            self.flow.acks.at_once();
        }
        n
    }

    /// How many octets of urgent data lie ahead of the user, as far as is known: the next so many that he takes (MUST-33).
    /// Zero says that he stands where it ends; `None` that nothing is urgent.
    pub fn urgent_ahead(&self) -> Option<usize> {
        let mark = self.flow.urgent_mark.filter(|_| self.tcb().state() != State::Closed)?;
        let held = self.flow.recv.unread() + usize::from(self.flow.recv.has_ended());
        let reading = self.tcb().rcv_nxt().minus(u32::try_from(held).unwrap_or(u32::MAX));
        let ahead = usize::try_from(mark.since(reading)).ok()?;
        Some(if self.flow.recv.has_ended() { ahead.min(self.flow.recv.unread()) } else { ahead })
    }

    /// Remembers where urgent data ends that the user is being told of: at the number after its last (MUST-62).
    pub(super) fn note_urgent(&mut self, segment: &Segment<Seq>, effects: &Effects) {
        if effects.signals.contains(&Signal::Urgent) {
            self.flow.urgent_mark = Some(segment.seq.plus(segment.up));
        }
    }

    /// The buffer follows the user's pace, where it may.
    fn make_room(&mut self, config: &TcpConfig, now: Instant, taken: usize) {
        let most = config.most_receive_buffer();
        if let Some(rtt) = self.flow.rtt.srtt().filter(|_| self.flow.recv.capacity() < most)
            && let Some(wanted) = self.flow.autotune.taken(now, taken, rtt)
        {
            self.flow.recv.grow(wanted.min(most));
        }
    }
}
