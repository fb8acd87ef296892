//! Whether a belief explains a segment that the system sent.

use super::Terms;
use super::belief::{Belief, Debt};
use lockstep_model::{Event, Flag, Segment, Seq, SeqNum, Tcb, Timer};
use std::time::Duration;

impl Belief {
    /// All beliefs that explain `segment` leaving now, or why there is none.
    pub(super) fn emitted(self, segment: &Segment<Seq>, now: Duration, terms: &Terms) -> Result<Vec<Belief>, String> {
        if let Some(paid) = self.clone().pay_control(segment) {
            return Ok(vec![paid]);
        }
        let Some(tcb) = self.tcb else {
            return Err(format!("in {} no rule asks for {segment}", self.state()));
        };
        if segment.has(Flag::Rst) {
            return Err(format!("in {} no rule asks for a reset", tcb.state()));
        }
        if segment.has(Flag::Syn) {
            return self.syn_again(&tcb, segment, now, terms);
        }
        if !segment.has(Flag::Ack) {
            return Err(format!("in {} every segment has the ACK bit (RFC 9293 §3.1)", tcb.state()));
        }
        if segment.ack != tcb.rcv_nxt() {
            return Err(format!("in {} RCV.NXT is {}, not {}", tcb.state(), tcb.rcv_nxt(), segment.ack));
        }
        self.is_truly_urgent(segment)?;
        if segment.seq == tcb.snd_nxt() {
            if segment.is_empty() {
                self.bare_ack(&tcb, segment)
            } else {
                self.something_new(&tcb, segment, now, terms)
            }
        } else if segment.seq.before(tcb.snd_una()) {
            self.reminder(&tcb, segment, now)
        } else {
            self.something_again(&tcb, segment, now, terms)
        }
    }

    /// A control segment that a rule asked for, to the number.
    fn pay_control(mut self, segment: &Segment<Seq>) -> Option<Belief> {
        let place = self.owed.iter().position(|owed| match owed.what {
            Debt::Control(expected) => is_same_control(&expected, segment),
            Debt::Ack => false,
        })?;
        self.owed.remove(place);
        self.note(segment);
        Some(self)
    }

    fn note(&mut self, segment: &Segment<Seq>) {
        if !segment.has(Flag::Rst) {
            self.pay_acks(segment);
            self.ledger.said(segment);
        }
    }

    /// A segment with the URG flag points at the octet after the urgent data (§3.8.5, MUST-62), or as far as the field can.
    fn is_truly_urgent(&self, segment: &Segment<Seq>) -> Result<(), String> {
        if !segment.has(Flag::Urg) {
            return Ok(());
        }
        let Some(urgent) = self.ledger.urgent.filter(|urgent| urgent.ends.after(segment.seq)) else {
            return Err(format!("nothing after {} is urgent", segment.seq));
        };
        let ahead = urgent.ends.forward_from(segment.seq).min(u32::from(u16::MAX));
        if segment.up == ahead { Ok(()) } else { Err(format!("the urgent pointer is {ahead}, not {}", segment.up)) }
    }

    /// An acknowledgment: because a rule asked for it, because the window has opened (§3.8.6.2.2), or because the peer is
    /// to hear of urgent data that cannot leave yet.
    fn bare_ack(mut self, tcb: &Tcb<Seq>, segment: &Segment<Seq>) -> Result<Vec<Belief>, String> {
        let asked_for = self.ledger.acks_asked_for > 0;
        let announces = segment.has(Flag::Urg) && (self.ledger.announce_urgent() || tcb.armed(Timer::Persist));
        if !asked_for && !announces && !self.ledger.opens_the_window(segment) {
            return Err(format!("in {} nothing asks for an acknowledgment", tcb.state()));
        }
        self.note(segment);
        Ok(vec![self])
    }

    /// Text or FIN for the first time.
    fn something_new(
        mut self,
        tcb: &Tcb<Seq>,
        segment: &Segment<Seq>,
        now: Duration,
        terms: &Terms,
    ) -> Result<Vec<Belief>, String> {
        let fin = segment.has(Flag::Fin);
        if !tcb.may_send_text() {
            return Err(format!("in {} nothing new may be sent", tcb.state()));
        }
        if segment.text > self.ledger.unsent {
            return Err(format!("the user has sent only {} octets more", self.ledger.unsent));
        }
        if fin && !(tcb.fin_due() && segment.text == self.ledger.unsent) {
            return Err(format!("in {} the user has not closed, or text is left to send before the FIN", tcb.state()));
        }
        if segment.len() > tcb.usable_window() && !(segment.len() == 1 && tcb.armed(Timer::Persist)) {
            return Err(format!("the peer's window has room for {} octets only", tcb.usable_window()));
        }
        self.ledger.unsent -= segment.text;
        self.note(segment);
        Ok(self.after(Event::Sent { text: segment.text, fin }, now, terms))
    }

    /// Text or FIN once more, because the timer went off or because the peer's ACKs tell of a loss (RFC 5681 §3.2); new
    /// text may follow in the same segment.
    fn something_again(
        mut self,
        tcb: &Tcb<Seq>,
        segment: &Segment<Seq>,
        now: Duration,
        terms: &Terms,
    ) -> Result<Vec<Belief>, String> {
        if segment.is_empty() || tcb.retransmission_queue_is_empty() {
            return Err(format!("SND.NXT is {}, SND.UNA {}", tcb.snd_nxt(), tcb.snd_una()));
        }
        let ends = segment.end().since(tcb.snd_nxt());
        if ends <= 0 && segment.has(Flag::Fin) != (tcb.fin_sent() && ends == 0) {
            return Err("the FIN keeps its sequence number".to_owned());
        }
        if !self.ledger.goes_on_at(segment.seq) {
            self.wait_is_over(now, terms)?;
            self.ledger.retransmitted(now);
        }
        self.ledger.sent_again(segment.end(), tcb.snd_nxt());
        let new = u32::try_from(ends).unwrap_or(0);
        if new == 0 {
            self.note(segment);
            return Ok(self.after(Event::Timeout(Timer::Retransmit), now, terms));
        }
        let text = new.saturating_sub(u32::from(segment.has(Flag::Fin)));
        let rest = Segment { seq: tcb.snd_nxt(), text, ..*segment };
        let beliefs = self.after(Event::Timeout(Timer::Retransmit), now, terms).into_iter();
        let explained: Vec<_> =
            beliefs.map(|belief| belief.something_new(tcb, &rest, now, terms)).collect::<Result<_, _>>()?;
        Ok(explained.concat())
    }

    fn syn_again(
        mut self,
        tcb: &Tcb<Seq>,
        segment: &Segment<Seq>,
        now: Duration,
        terms: &Terms,
    ) -> Result<Vec<Belief>, String> {
        if segment.seq != tcb.iss() || !tcb.armed(Timer::Retransmit) {
            return Err(format!("in {} no rule asks for a SYN", tcb.state()));
        }
        self.wait_is_over(now, terms)?;
        self.ledger.retransmitted(now);
        let beliefs = self.after(Event::Timeout(Timer::Retransmit), now, terms);
        let paid: Vec<_> = beliefs.into_iter().filter_map(|belief| belief.pay_control(segment)).collect();
        if paid.is_empty() { Err(format!("in {} the SYN has another form", tcb.state())) } else { Ok(paid) }
    }

    /// A segment before SND.UNA that asks the peer for an acknowledgment: keep-alive (§3.8.4), or the probe of a closed
    /// window that many implementations send instead of new text.
    fn reminder(mut self, tcb: &Tcb<Seq>, segment: &Segment<Seq>, now: Duration) -> Result<Vec<Belief>, String> {
        let form = segment.seq == tcb.snd_una().minus(1) && segment.len() <= 1 && !segment.has(Flag::Fin);
        let keep_alive = self.ledger.wishes.keeps_alive && tcb.retransmission_queue_is_empty();
        if !form || !(tcb.armed(Timer::Persist) || keep_alive) {
            return Err(format!("SND.UNA is {}: all before it is acknowledged", tcb.snd_una()));
        }
        self.ledger.unanswered_since.get_or_insert(now);
        self.ledger.probed(now);
        self.note(segment);
        Ok(vec![self])
    }

    fn wait_is_over(&self, now: Duration, terms: &Terms) -> Result<(), String> {
        let waited = self.ledger.started(Timer::Retransmit).map(|started| now.saturating_sub(started));
        if self.ledger.duplicates > 0 || self.ledger.was_too_big || waited.is_some_and(|waited| waited >= terms.min_rto)
        {
            Ok(())
        } else {
            Err(format!("a retransmission after {waited:?}, before the shortest timeout of {:?}", terms.min_rto))
        }
    }
}

/// Whether `seen` is the control segment that a rule asked for: all but the window and the PUSH flag must agree.
fn is_same_control(asked: &Segment<Seq>, seen: &Segment<Seq>) -> bool {
    let flags = [Flag::Fin, Flag::Syn, Flag::Rst, Flag::Ack, Flag::Urg];
    seen.seq == asked.seq
        && seen.text == 0
        && flags.into_iter().all(|flag| seen.has(flag) == asked.has(flag))
        && (!asked.has(Flag::Ack) || seen.ack == asked.ack)
}
