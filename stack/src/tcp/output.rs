//! What a connection sends next, and how it becomes bytes.

use std::net::IpAddr;

use lockstep_model::{Event, Flag, Flags, Segment, Seq, SeqNum, Timer};

use super::congestion::Congestion;
use super::connection::{Common, Connection, Effects, Given, HEADERS, Patience};
use super::demux::Pair;
use super::options::Dressed;
use super::recovery::Again;
use crate::ip::{HEADROOM, Handling};
use crate::time::Instant;
use crate::wire::{Protocol, PseudoHeader, TcpFlags, TcpHeader};

/// A segment was written; what its transmission did, if it was new.
pub(super) struct Transmitted {
    pub reported: Option<Effects>,
    /// How routers are to handle it.
    pub handling: Handling,
}

/// What may leave now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// Once more, `len` octets of text `offset` octets behind SND.UNA, and then perhaps the FIN.
    Again { offset: usize, len: usize, fin: bool },
    /// For the first time, so much text, and then perhaps the FIN.
    Fresh { len: usize, fin: bool },
    /// Nothing but an acknowledgment.
    Ack,
}

impl Connection {
    /// Writes the next segment that may leave now into `frame`, from [`HEADROOM`] on; `None` if none may.
    ///
    /// New text and a new FIN are reported to the table at once: being written here is being put on the wire.
    pub fn transmit(&mut self, common: &Common, now: Instant, frame: &mut Vec<u8>) -> Option<Transmitted> {
        let plan = match self.flow.pacer.may_send(now) {
            true => self.plan(common, now)?,
            // Acknowledgments wait for no pace.
            false => self.flow.acks.is_due_now().then_some(Plan::Ack)?,
        };
        let (smss, shift) = (usize::from(self.flow.smss), self.flow.agreed.rcv_wind_shift);
        if common.config.exact_windows {
            self.flow.recv.open_window_exactly(smss, shift);
        } else {
            self.flow.recv.open_window(smss, shift);
        }
        let segment = self.segment_of(plan);
        let mut dressed = self.flow.dress(common, now, segment);
        // A probe of a closed window is not to be marked (RFC 3168 §6.1.6).
        if matches!(plan, Plan::Fresh { len: 1.., .. }) && self.flow.probes == 0 {
            self.flow.ecn.mark_new(&mut dressed);
        }
        let (offset, len) = match plan {
            Plan::Again { offset, len, .. } => (offset, len),
            Plan::Fresh { len, .. } => (self.flow.sent, len),
            Plan::Ack => (0, 0),
        };
        write_segment(frame, self.pair(), &dressed, self.flow.send.slices(offset, len));
        self.flow.acknowledged();
        self.flow.pace(now, segment.text);
        Some(Transmitted { reported: self.report(common, now, plan, &segment), handling: dressed.handling })
    }

    /// What is lost first, then probes and new text, then what might be lost, then a bare acknowledgment if nothing else
    /// carried it.
    fn plan(&mut self, common: &Common, now: Instant) -> Option<Plan> {
        let (smss, cwnd) = (u32::from(self.flow.smss), self.flow.congestion.cwnd());
        let lost = self.flow.recovery.next_again(cwnd, smss).and_then(|again| self.plan_again(again));
        lost.or_else(|| self.plan_fresh(common, now))
            .or_else(|| self.flow.recovery.probe(smss).and_then(|again| self.plan_again(again)))
            .or_else(|| self.flow.recovery.rescue(cwnd, smss).and_then(|again| self.plan_again(again)))
            .or_else(|| self.flow.acks.is_due_now().then_some(Plan::Ack))
    }

    /// This once more, as far as the peer's window reaches (MUST-34: it may have shrunk), the first octet in any case.
    fn plan_again(&self, Again { seq, len }: Again) -> Option<Plan> {
        let tcb = self.tcb();
        let offset = seq.forward_from(tcb.snd_una());
        let room = if offset == 0 { tcb.snd_wnd().max(1) } else { tcb.snd_wnd().saturating_sub(offset) };
        let len = len.min(room);
        let fin = tcb.fin_sent() && len > 0 && seq.plus(len) == tcb.snd_nxt();
        let text = octets(len) - usize::from(fin);
        (len > 0).then_some(Plan::Again { offset: octets(offset), len: text, fin })
    }

    fn plan_fresh(&mut self, common: &Common, now: Instant) -> Option<Plan> {
        let unsent = self.flow.send.len() - self.flow.sent;
        if !self.tcb().may_send_text() || (unsent == 0 && !self.tcb().fin_due()) {
            self.flow.patience = Patience::NotNeeded;
            return None;
        }
        if std::mem::take(&mut self.flow.probe_due) {
            let len = unsent.min(1);
            return Some(Plan::Fresh { len, fin: len == 0 });
        }
        self.restart_after_idle(now);
        let usable = octets(self.tcb().usable_window());
        let len = unsent.min(usable).min(self.most_text(common, now, unsent));
        let last = len == unsent;
        let fin = last && self.tcb().fin_due() && usable > len;
        if (len == 0 && !fin) || !self.congestion_allows(count(len) + u32::from(fin)) {
            return None;
        }
        if self.is_worthwhile(len, last, usable) || self.override_silly_window(common, now) {
            self.flow.patience = Patience::NotNeeded;
            return Some(Plan::Fresh { len, fin });
        }
        None
    }

    /// The most text that the next new segment may carry: more than usual when the path may have become wider.
    fn most_text(&self, common: &Common, now: Instant, unsent: usize) -> usize {
        let flow = &self.flow;
        let limit = common.link_mtu().min(flow.send_mss.saturating_add(HEADERS));
        let probe = flow.pmtu.probe_size(limit, &common.config.path_mtu, now);
        let probe = probe.map(|size| usize::from(flow.text_in(size))).filter(|&len| len <= unsent);
        probe.unwrap_or(flow.smss.into())
    }

    /// Sender's silly window syndrome avoidance (RFC 9293 §3.8.6.2.1, MUST-38) and Nagle's algorithm (§3.7.4): a full
    /// segment; or all there is, if nothing is in flight, or a FIN follows; or half of the largest window ever seen.
    fn is_worthwhile(&self, len: usize, last: bool, usable: usize) -> bool {
        let idle = self.tcb().retransmission_queue_is_empty();
        let pushed = idle || !self.flow.nagle;
        let half_of_window = octets(self.tcb().max_snd_wnd()) / 2;
        let full = len >= usize::from(self.flow.smss);
        let all_there_is = last && (pushed || self.tcb().fin_due());
        full || all_there_is || (pushed && usable >= half_of_window)
    }

    /// Less than worthwhile leaves after a while if nothing else can make it more: nothing is in flight.
    fn override_silly_window(&mut self, common: &Common, now: Instant) -> bool {
        if !self.tcb().retransmission_queue_is_empty() {
            self.flow.patience = Patience::NotNeeded;
            return false;
        }
        if self.flow.patience == Patience::NotNeeded {
            self.flow.patience = Patience::Until(now + common.config.silly_window_override);
        }
        self.flow.patience == Patience::Over
    }

    /// Whether so much more may be in flight (RFC 5681 §3.1). A tail loss probe may in any case (RFC 8985 §7.3).
    fn congestion_allows(&self, len: u32) -> bool {
        let (smss, cwnd) = (self.flow.smss.into(), self.flow.congestion.cwnd());
        self.flow.recovery.allows(len, cwnd, smss) || self.flow.recovery.probe(smss).is_some()
    }

    /// After more than a timeout without sending, the window of then means nothing (RFC 5681 §4.1).
    fn restart_after_idle(&mut self, now: Instant) {
        let long_ago = self.flow.last_sent.is_some_and(|at| now.since(at) > self.flow.rtt.rto());
        if long_ago && self.tcb().retransmission_queue_is_empty() {
            self.flow.congestion.on_idle(now);
        }
    }

    fn segment_of(&self, plan: Plan) -> Segment<Seq> {
        let tcb = self.tcb();
        let (seq, len, fin) = match plan {
            Plan::Again { offset, len, fin } => (tcb.snd_una().plus(count(offset)), len, fin),
            Plan::Fresh { len, fin } => (tcb.snd_nxt(), len, fin),
            Plan::Ack => (tcb.snd_nxt(), 0, false),
        };
        // The last of what is buffered is pushed (MUST-61).
        let push = len > 0 && self.offset_after(plan) == self.flow.send.len();
        let flags = if fin { Flags::FIN_ACK } else { Flags::ACK };
        let flags = if push { flags.with(Flag::Psh) } else { flags };
        let segment = Segment::control(seq, tcb.rcv_nxt(), flags, count(self.flow.recv.rcv_wnd()));
        self.with_urgent_pointer(Segment { text: count(len), ..segment }, self.offset_before(plan))
    }

    /// Where in the send buffer the text of `plan` begins, or would.
    fn offset_before(&self, plan: Plan) -> usize {
        match plan {
            Plan::Again { offset, .. } => offset,
            Plan::Fresh { .. } | Plan::Ack => self.flow.sent,
        }
    }

    /// Where in the send buffer the text of `plan` ends.
    fn offset_after(&self, plan: Plan) -> usize {
        match plan {
            Plan::Again { offset, len, .. } => offset + len,
            Plan::Fresh { len, .. } => self.flow.sent + len,
            Plan::Ack => 0,
        }
    }

    /// Tells loss recovery of what was sent, and the table of what was sent for the first time.
    fn report(&mut self, common: &Common, now: Instant, plan: Plan, segment: &Segment<Seq>) -> Option<Effects> {
        let size = u16::try_from(segment.text).unwrap_or(u16::MAX).saturating_add(self.flow.headers_len());
        let again = matches!(plan, Plan::Again { .. });
        if plan != Plan::Ack {
            self.flow.pmtu.sent((segment.seq, segment.end()), size, again, &common.config.path_mtu, now);
        }
        let text_and_fin = segment.len();
        match plan {
            Plan::Ack => None,
            Plan::Again { .. } => {
                self.flow.last_sent = Some(now);
                let again = Again { seq: segment.seq, len: text_and_fin };
                let restarts = self.flow.recovery.sent_again(again, now);
                self.restart_timer(common, now, restarts);
                None
            }
            Plan::Fresh { len, fin } => {
                self.flow.sent += len;
                self.flow.acks.text_left();
                self.flow.last_sent = Some(now);
                let (recovery, means) = self.flow.recovery(common, now);
                let restarts = recovery.sent(segment.seq, text_and_fin, &means);
                self.restart_timer(common, now, restarts);
                Some(self.step(common, now, Event::Sent { text: count(len), fin }, Given::default()))
            }
        }
    }

    fn restart_timer(&mut self, common: &Common, now: Instant, restarts: bool) {
        if restarts {
            self.flow.timers.set(Timer::Retransmit, now + self.flow.retransmission_delay(common));
        }
    }
}

/// Writes a segment into `frame`, from [`HEADROOM`] on.
pub(super) fn write_segment(frame: &mut Vec<u8>, pair: Pair, dressed: &Dressed, (head, tail): (&[u8], &[u8])) {
    let Dressed { segment, window, options, congestion, handling: _ } = *dressed;
    let header = TcpHeader {
        source_port: pair.local.port(),
        destination_port: pair.remote.port(),
        seq: segment.seq.raw(),
        ack: segment.ack.raw(),
        flags: TcpFlags(segment.flags.to_wire()) | congestion,
        window,
        urgent: u16::try_from(segment.up).unwrap_or(u16::MAX),
        options,
    };
    frame.clear();
    frame.resize(HEADROOM + header.emitted_len(), 0);
    frame.extend_from_slice(head);
    frame.extend_from_slice(tail);
    header.emit(&mut frame[HEADROOM..], pseudo_header(pair));
}

fn pseudo_header(pair: Pair) -> PseudoHeader {
    let v4 = |address: IpAddr| match address {
        IpAddr::V4(v4) => v4,
        // Only IPv4 sockets come as far as this; the checksum of another would be wrong, and nothing worse.
        IpAddr::V6(_) => std::net::Ipv4Addr::UNSPECIFIED,
    };
    PseudoHeader { source: v4(pair.local.ip()), destination: v4(pair.remote.ip()), protocol: Protocol::TCP }
}

/// Octets as a sequence number counts them. Buffers and segments are far smaller than that.
fn count(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or(u32::MAX)
}

/// Octets as a buffer counts them.
fn octets(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
