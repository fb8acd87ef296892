//! What the engine asks of the reference's host during one event.

use lockstep::stack::Failure;
use lockstep::time::Instant;
use lockstep_model::{
    Accepted, Challenge, Flag, Host, Policy, Reply, Segment, Seq, SeqNum, Signal, Tcb, Timer, Urgency,
};

use super::{Counters, ISS_GAP, ISS_TICK, MSS, Outcome, Owed, Setting};

/// One event on its way through the table.
pub struct Turn<'a> {
    pub counters: &'a mut Counters,
    pub setting: &'a Setting,
    pub now: Instant,
    pub listening: bool,
    /// Octets that come with the event: of a SEND, of a segment.
    pub given: u32,
    pub outcome: Outcome,
}

impl Host<Seq> for Turn<'_> {
    fn rcv_wnd(&self) -> u32 {
        self.counters.window
    }
    fn policy(&self, policy: Policy) -> bool {
        match policy {
            Policy::Rfc5961 => self.setting.config.rfc5961,
            Policy::Rfc1337 => self.setting.config.rfc1337,
            Policy::ReopenTimeWait => self.setting.config.reopen_time_wait,
        }
    }
    fn unsent(&self) -> bool {
        self.counters.queued > self.counters.sent
    }
    fn unread(&self) -> bool {
        self.counters.unread > 0
    }
    fn holds_next(&self) -> bool {
        !self.counters.ended && (self.counters.ahead & 1 == 1 || self.counters.fin_ahead == Some(0))
    }
    fn may_challenge(&self, challenge: Challenge) -> bool {
        self.counters.no_challenge_until[challenge.index()] <= self.now
    }
    fn has_listener(&self) -> bool {
        self.listening
    }

    /// RFC 9293 §3.4.1: a clock, and above everything that the last incarnation may have used.
    fn iss(&mut self, above: Option<Seq>) -> Seq {
        let ticks = self.now.since(self.setting.epoch).get() / ISS_TICK.get();
        let iss = self.setting.first_iss.plus(u32::try_from(ticks).unwrap_or(u32::MAX));
        match above.map(|above| above.plus(ISS_GAP)) {
            Some(least) if !iss.after(least) => least,
            Some(_) | None => iss,
        }
    }

    fn emit(&mut self, _: &Tcb<Seq>, segment: Segment<Seq>) {
        self.counters.syn_outstanding |= segment.has(Flag::Syn);
        if segment.has(Flag::Ack) {
            self.counters.acknowledged();
        }
        self.outcome.controls.push_back(segment);
    }

    /// Delayed, but not beyond so much text as two full segments carry (RFC 9293 §3.8.6.3, SHLD-19).
    fn acknowledge(&mut self, _: &Tcb<Seq>, urgency: Urgency) {
        let counters = &mut *self.counters;
        counters.unacknowledged += if urgency == Urgency::Delayable { self.given } else { 0 };
        if urgency == Urgency::Now || counters.owed == Owed::Now || counters.unacknowledged >= 2 * u32::from(MSS) {
            counters.owed = Owed::Now;
        } else {
            (counters.owed, counters.delayed_ack_runs) = (Owed::Delayed, true);
        }
    }

    fn take_challenge(&mut self, challenge: Challenge) {
        self.counters.no_challenge_until[challenge.index()] = self.now + self.setting.config.challenge_interval;
    }

    fn queue_text(&mut self) {
        self.counters.queued += self.given;
    }

    fn hold(&mut self, tcb: &Tcb<Seq>, segment: &Segment<Seq>) {
        if tcb.reopened() {
            *self.counters = Counters::new(&self.setting.config);
        }
        self.counters.put(tcb, segment);
    }

    fn accept(&mut self, tcb: &Tcb<Seq>, segment: &Segment<Seq>) -> Accepted<u32> {
        let counters = &mut *self.counters;
        let had_holes = counters.ahead != 0;
        counters.put(tcb, segment);
        let advance = counters.ahead.trailing_ones();
        counters.ahead = counters.ahead.checked_shr(advance).unwrap_or(0);
        counters.fin_ahead = counters.fin_ahead.map(|at| at - advance);
        counters.unread += advance;
        counters.window -= advance;
        // RFC 5681 §4.2: out of order, or filling a gap, is acknowledged at once.
        if had_holes || counters.ahead != 0 {
            counters.owed = Owed::Now;
        }
        Accepted { advance, fin: counters.fin_ahead == Some(0) && !counters.ended }
    }

    fn fin_received(&mut self, _: &Tcb<Seq>) {
        self.counters.ended = true;
        (self.counters.ahead, self.counters.fin_ahead) = (0, None);
        self.counters.window = self.counters.window.saturating_sub(1);
    }

    fn acked(&mut self, tcb: &Tcb<Seq>, from: Seq) {
        let syn = std::mem::take(&mut self.counters.syn_outstanding);
        let numbers = tcb.snd_una().forward_from(from);
        self.counters.timeouts = 0;
        self.counters.acked += numbers - u32::from(syn) - u32::from(tcb.fin_acked());
        if self.counters.resend_until.is_some_and(|until| !tcb.snd_una().before(until)) {
            self.counters.resend_until = None;
        }
    }

    fn retransmit(&mut self, tcb: &Tcb<Seq>) {
        (self.counters.resend_until, self.counters.resend_now) = (Some(tcb.snd_nxt()), true);
    }

    fn probe(&mut self, _: &Tcb<Seq>) {
        (self.counters.probe, self.counters.probed) = (true, true);
    }

    fn flush(&mut self) {
        let counters = &mut *self.counters;
        self.outcome.text_lost |= counters.unread > 0;
        (counters.queued, counters.sent) = (counters.acked, counters.acked);
        (counters.unread, counters.ahead, counters.fin_ahead) = (0, 0, None);
        (counters.resend_until, counters.resend_now, counters.probe) = (None, false, false);
    }

    fn start(&mut self, _: Timer) {}

    fn stop(&mut self, timer: Timer) {
        if timer == Timer::Retransmit {
            (self.counters.resend_until, self.counters.resend_now) = (None, false);
        }
        if timer == Timer::DelayedAck {
            self.counters.delayed_ack_runs = false;
        }
    }

    fn signal(&mut self, signal: Signal) {
        let failure = match signal {
            Signal::Refused => Failure::Refused,
            Signal::Reset => Failure::Reset,
            Signal::UserTimeout => Failure::TimedOut,
            Signal::Established | Signal::Closing | Signal::CloseComplete | Signal::Urgent => return,
        };
        self.counters.failure.get_or_insert(failure);
    }

    fn reply(&mut self, reply: Reply) {
        self.outcome.reply = Some(reply);
    }
}

impl Counters {
    /// Puts octets and FIN where they belong, as far as the window reaches.
    fn put(&mut self, tcb: &Tcb<Seq>, segment: &Segment<Seq>) {
        if self.ended {
            return;
        }
        let window = self.window.min(u64::BITS);
        let ahead = |seq: Seq| u32::try_from(seq.since(tcb.rcv_nxt())).ok().filter(|&ahead| ahead < window);
        let octets = (0..segment.text).filter_map(|octet| ahead(segment.text_seq().plus(octet)));
        self.ahead = octets.fold(self.ahead, |octets, at| octets | 1 << at);
        if segment.has(Flag::Fin)
            && let Some(at) = ahead(segment.end().minus(1))
        {
            self.fin_ahead.get_or_insert(at);
        }
    }
}
