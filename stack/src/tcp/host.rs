//! What the table asks of a connection's [`Flow`]: facts, and effects.

use lockstep_model::table::TimestampClass;
use lockstep_model::{
    Accepted, Challenge, Flag, Host, Policy, Reply, Segment, Seq, SeqNum, Signal, Tcb, Timer, Urgency,
};

use super::ack_policy::Arrival;
use super::congestion::Congestion;
use super::connection::{Common, Effects, Flow, Given};
use super::demux::Pair;
use super::ecn::Marks;
use super::isn::initial_sequence_number;
use super::pmtu::PathMtu;
use super::recovery::Heard;
use super::rtt::Transmissions;
use crate::bugs::{self, Bug};
use crate::time::Instant;

/// Octets beyond the last incarnation's numbers at which the next one begins, if the clock has not yet come so far: more
/// than any window.
const ISS_GAP: u32 = 1 << 17;

/// One event on its way through the table, seen from the host.
pub(super) struct Step<'a> {
    pub flow: &'a mut Flow,
    pub common: &'a Common,
    pub now: Instant,
    pub pair: Pair,
    pub given: Given<'a>,
    /// RFC 5961 has a say.
    pub protected: bool,
    pub effects: Effects,
}

impl Host<Seq> for Step<'_> {
    fn rcv_wnd(&self) -> u32 {
        saturated(self.flow.recv.rcv_wnd())
    }

    fn policy(&self, policy: Policy) -> bool {
        match policy {
            Policy::Rfc5961 => self.protected,
            Policy::Rfc1337 => self.common.config.rfc1337,
            Policy::ReopenTimeWait => self.common.config.reopen_time_wait,
        }
    }

    fn unsent(&self) -> bool {
        self.flow.send.len() > self.flow.sent
    }

    fn unread(&self) -> bool {
        self.flow.recv.unread() > 0
    }

    fn holds_next(&self) -> bool {
        self.flow.recv.holds_next()
    }

    fn may_challenge(&self, challenge: Challenge) -> bool {
        self.flow.challenges.allow(challenge, self.now)
    }

    fn timestamp(&self) -> TimestampClass {
        self.flow.timestamp_class(self.common, self.now, self.given.options)
    }

    fn has_listener(&self) -> bool {
        self.given.listening
    }

    fn iss(&mut self, above: Option<Seq>) -> Seq {
        if let Some(iss) = self.given.iss {
            return iss;
        }
        let Pair { local, remote } = self.pair;
        let iss = Seq::new(initial_sequence_number(&self.common.secret, local, remote, self.now));
        match above {
            None => iss,
            Some(above) if iss.after(above.plus(ISS_GAP)) => iss,
            Some(above) => above.plus(ISS_GAP),
        }
    }

    fn emit(&mut self, _tcb: &Tcb<Seq>, segment: Segment<Seq>) {
        if segment.has(Flag::Syn) && !self.flow.syn_outstanding {
            self.flow.syn_outstanding = true;
            self.begin_path();
            self.flow.syn_sent = Some(self.now);
        }
        if segment.has(Flag::Ack) {
            self.flow.acknowledged();
        }
        let dressed = self.flow.dress(self.common, self.now, segment);
        self.effects.emitted.push(dressed);
    }

    fn acknowledge(&mut self, _tcb: &Tcb<Seq>, urgency: Urgency) {
        match urgency {
            Urgency::Now => self.flow.acks.at_once(),
            Urgency::Delayable => self.acknowledge_soon(),
        }
    }

    fn take_challenge(&mut self, challenge: Challenge) {
        self.flow.challenges.spend(challenge, self.now + self.common.config.challenge_interval);
    }

    fn queue_text(&mut self) {
        self.effects.queued = self.flow.send.push(self.given.text);
        self.flow.wants_to_write = self.effects.queued < self.given.text.len();
        if self.given.urgent && self.effects.queued > 0 {
            self.flow.send.mark_urgent();
        }
    }

    fn synchronized(&mut self, tcb: &Tcb<Seq>, segment: &Segment<Seq>) {
        if tcb.reopened() {
            // Another incarnation begins; nothing of the old one's is still wanted.
            *self.flow = Flow::new(self.common, self.pair);
            self.flow.own_settings = self.given.inherited.map(|&settings| Box::new(settings));
        }
        if !self.flow.syn_outstanding {
            self.begin_path();
        }
        self.note_the_way(tcb);
        if let Some(options) = self.given.options {
            self.flow.agree(self.common, self.now, options);
        }
        let wanted = self.flow.settings(self.common).ecn;
        self.flow.ecn.agree(wanted, segment, self.given.marks);
    }

    fn record_timestamp(&mut self, segment: &Segment<Seq>) {
        if let Some(options) = self.given.options {
            self.flow.clock.record(self.now, segment.seq, options);
        }
    }

    fn hold(&mut self, _tcb: &Tcb<Seq>, segment: &Segment<Seq>) {
        // What finds no room here comes again: nothing of it has been acknowledged.
        self.flow.recv.hold(0, self.given.text, segment.has(Flag::Fin));
    }

    fn accept(&mut self, tcb: &Tcb<Seq>, segment: &Segment<Seq>) -> Accepted<u32> {
        let had_holes = self.flow.recv.has_holes();
        let (offset, text, fin) = beyond(tcb.rcv_nxt(), segment, self.given.text);
        let accepted = self.flow.recv.accept(offset, text, fin);
        self.flow.ecn.received(self.given.marks);
        // RFC 5681 §4.2: out of order, or filling a gap, is acknowledged at once.
        if had_holes || self.flow.recv.has_holes() {
            match accepted.advance {
                0 => self.flow.acks.out_of_order(self.common.config.acks),
                _ => self.flow.acks.hole_filled(),
            }
        }
        self.effects.readable |= accepted.advance > 0;
        Accepted { advance: saturated(accepted.advance), fin: accepted.fin }
    }

    fn fin_received(&mut self, _tcb: &Tcb<Seq>) {
        self.flow.recv.fin_received();
        self.effects.readable = true;
    }

    fn heed_ack(&mut self, tcb: &Tcb<Seq>, segment: &Segment<Seq>) {
        self.note_the_way(tcb);
        let occupies = segment.text > 0 || segment.has(Flag::Syn) || segment.has(Flag::Fin);
        // A closed window answers each probe with the same words.
        let same_window = segment.wnd == tcb.snd_wnd() && segment.wnd > 0;
        let blocks = self.given.options.map(|options| options.sack);
        let advances = segment.ack.after(tcb.snd_una());
        let marks = if advances { self.given.marks } else { Marks::default() };
        let heard = Heard {
            ack: segment.ack,
            duplicate: !occupies && same_window && segment.ack == tcb.snd_una(),
            blocks: blocks.as_ref().map_or(&[], |blocks| blocks.as_slice()),
            echoed: self.given.options.and_then(|options| self.flow.clock.echoed_rtt(self.now, options)),
            echo: self.flow.ecn.heard(marks, segment.ack, tcb.snd_nxt()),
            window: tcb.snd_wnd(),
            offered: segment.wnd,
            unsent: saturated(self.flow.send.len() - self.flow.sent),
        };
        let (recovery, mut means) = self.flow.recovery(self.common, self.now);
        recovery.on_ack(&heard, &mut means);
    }

    fn acked(&mut self, tcb: &Tcb<Seq>, from: Seq) {
        let mut acked = tcb.snd_una().forward_from(from);
        if std::mem::take(&mut self.flow.syn_outstanding) {
            acked = acked.saturating_sub(1);
            self.handshake_is_over();
        }
        if tcb.fin_acked() {
            acked = acked.saturating_sub(1);
        }
        let text = self.flow.send.acked(usize::try_from(acked).unwrap_or(usize::MAX));
        self.flow.sent = self.flow.sent.saturating_sub(text);
        if text > 0 {
            self.effects.writable = std::mem::take(&mut self.flow.wants_to_write);
        }
        self.flow.timeouts = 0;
        // Whatever a router said of the way is over.
        self.flow.soft_error = None;
        if self.flow.pmtu.acked(tcb.snd_una(), tcb.retransmission_queue_is_empty(), self.now) {
            self.flow.on_path_mtu();
            self.effects.path_mtu = Some(self.flow.pmtu.mtu());
        }
        self.flow.timers.stop(Timer::User);
    }

    fn retransmit(&mut self, tcb: &Tcb<Seq>) {
        let first = self.flow.timeouts == 1;
        let (recovery, mut means) = self.flow.recovery(self.common, self.now);
        if tcb.window_known() && tcb.snd_wnd() == 0 {
            recovery.on_closed_window(self.now);
        } else {
            recovery.on_timeout(first, &mut means);
        }
    }

    fn probe(&mut self, _tcb: &Tcb<Seq>) {
        self.flow.probe_due = true;
        self.flow.probes = self.flow.probes.saturating_add(1);
    }

    fn flush(&mut self) {
        self.flow.send.clear();
        self.flow.sent = 0;
        self.flow.recovery.clear();
        self.flow.probe_due = false;
        self.effects.text_lost |= self.flow.recv.unread() > 0;
        self.flow.recv.clear();
    }

    fn start(&mut self, timer: Timer) {
        let config = &self.common.config;
        let delay = match timer {
            Timer::Retransmit | Timer::Persist => self.flow.retransmission_delay(self.common),
            Timer::TimeWait => config.msl.saturating_mul(2),
            Timer::FinWait2 => self.flow.settings(self.common).fin_wait_2,
            Timer::User => self.flow.settings(self.common).user_timeout,
            Timer::KeepAlive => self.flow.settings(self.common).keep_alive.unwrap_or_default().idle,
            Timer::DelayedAck => config.acks.delay,
        };
        self.flow.timers.set(timer, self.now + delay);
        if timer == Timer::Retransmit {
            self.flow.start_user_timeout(self.common, self.now);
        }
    }

    fn stop(&mut self, timer: Timer) {
        self.flow.timers.stop(timer);
        if timer == Timer::Retransmit {
            self.flow.timers.stop(Timer::User);
        }
    }

    fn signal(&mut self, signal: Signal) {
        self.effects.signals.push(signal);
    }

    fn reply(&mut self, reply: Reply) {
        self.effects.reply = Some(reply);
    }
}

impl Step<'_> {
    /// Delayed, but not for long, nor for much text (RFC 9293 §3.8.6.3).
    fn acknowledge_soon(&mut self) {
        let octets = saturated(self.given.text.len());
        let arrival = Arrival { octets, mss: self.common.mss, pause: self.flow.rtt.rto() };
        if let Some(delay) = self.flow.acks.text_arrived(self.common.config.acks, self.now, &arrival) {
            self.flow.timers.set(Timer::DelayedAck, self.now + delay);
        }
    }

    /// Our SYN is acknowledged: the first round trip, unless it was sent again (RFC 6298 (5.7), RFC 5681 §3.1).
    fn handshake_is_over(&mut self) {
        let sent = self.flow.syn_sent.take();
        if !std::mem::take(&mut self.flow.syn_repeated) {
            sent.map(|at| self.flow.rtt.on_acked(self.now.since(at), Transmissions::Once));
        } else {
            self.flow.rtt.on_established_after_lost_syn();
            self.flow.congestion.on_established_after_lost_syn();
        }
    }

    /// Who was called answers the way the call came (RFC 9293 MUST-53); who calls knows his way.
    fn note_the_way(&mut self, tcb: &Tcb<Seq>) {
        if let Some(way_back) = self.given.return_route.filter(|_| tcb.is_passive()) {
            self.flow.came_by(way_back);
        }
    }

    /// What earlier connections have found out about the path.
    fn begin_path(&mut self) {
        if let Some(mtu) = self.common.paths.get(self.pair.remote.ip(), self.now) {
            let mtu = mtu.min(self.common.link_mtu());
            self.flow.pmtu = PathMtu::known(mtu, &self.common.config.path_mtu, self.now);
        }
    }
}

/// What a segment has from RCV.NXT on: how far after RCV.NXT it begins, its text, and whether its FIN is part of that.
fn beyond<'a>(rcv_nxt: Seq, segment: &Segment<Seq>, text: &'a [u8]) -> (usize, &'a [u8], bool) {
    let fin = segment.has(Flag::Fin);
    let distance = if bugs::is_back(Bug::PlainSubtraction) {
        let plain = i64::from(segment.text_seq().raw()) - i64::from(rcv_nxt.raw());
        i32::try_from(plain).unwrap_or(i32::MIN)
    } else {
        segment.text_seq().since(rcv_nxt)
    };
    let length = usize::try_from(distance.unsigned_abs()).unwrap_or(usize::MAX);
    if distance >= 0 {
        return (length, text, fin);
    }
    match text.get(length..) {
        Some(rest) => (0, rest, fin),
        None => (0, &[], false),
    }
}

fn saturated(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or(u32::MAX)
}
