//! What rules do: one arm, one line of RFC prose.

use super::guard::{challenge_of, is_always_answered};
use super::step::Run;
use super::tcb::{Acked, Marks};
use super::{Accepted, Host, Tcb};
use crate::event::{Event, Timer};
use crate::segment::{Flags, Segment};
use crate::seq::SeqNum;
use crate::table::{Act, Form, Room};

impl<S: SeqNum, H: Host<S>> Run<'_, S, H> {
    pub(super) fn perform(&mut self, act: Act) {
        match act {
            Act::SetPassive(passive) => self.tcb.marks.passive = passive,
            Act::SelectIss(room) => self.select_iss(room),
            Act::RecordIrs => self.record_irs(),
            Act::SetWindow => self.set_window(),
            Act::AdvanceUna => self.advance_una(),
            Act::AdvanceNxt => self.advance_nxt(),
            Act::MarkFinSent => self.tcb.marks.fin_sent = true,
            Act::QueueText => self.host.queue_text(),
            Act::QueueClose => self.tcb.marks.close_queued = true,
            Act::MarkUserGone => self.tcb.marks.user_gone = true,
            Act::RecordTimestamp => self.host.record_timestamp(&self.segment()),
            Act::HoldText => self.host.hold(self.tcb, &self.segment()),
            Act::AcceptText => self.accept_text(),
            Act::AdvanceOverFin => self.advance_over_fin(),
            Act::RecordUrgent => self.record_urgent(),
            Act::Emit(form) => self.emit(form),
            Act::Acknowledge(urgency) => self.host.acknowledge(self.tcb, urgency),
            Act::TakeChallenge => self.take_challenge(),
            Act::Retransmit => self.host.retransmit(self.tcb),
            Act::Probe => self.host.probe(self.tcb),
            Act::Start(timer) => self.start(timer),
            Act::Stop(timer) => self.stop(timer),
            Act::StopAll => self.stop_all(),
            Act::Flush => self.host.flush(),
            Act::Signal(signal) => self.host.signal(signal),
            Act::Reply(reply) => self.host.reply(reply),
            Act::Delete => self.delete(),
            Act::ReenterListen => self.reenter_listen(),
            Act::KeepPrevious => self.keep_previous(),
            Act::RestorePrevious => self.restore_previous(),
            Act::ForgetPrevious => self.tcb.previous = None,
            Act::HeedAck => self.host.heed_ack(self.tcb, &self.segment()),
        }
    }

    /// The segment that arrived. Only rules of arrival stages ask; for any other event it is one that says nothing.
    fn segment(&self) -> Segment<S> {
        match self.event {
            Event::Arrives(segment) => segment,
            Event::Call(_) | Event::Sent { .. } | Event::Timeout(_) => {
                Segment::control(self.tcb.rcv_nxt, self.tcb.snd_una, Flags::default(), self.tcb.snd_wnd)
            }
        }
    }

    fn select_iss(&mut self, room: Room) {
        let above = match room {
            Room::Anywhere => None,
            Room::AbovePrevious => self.tcb.previous.map(|(snd_nxt, _)| snd_nxt),
        };
        let iss = self.host.iss(above);
        self.tcb.iss = iss;
        self.tcb.snd_una = iss;
        self.tcb.snd_nxt = iss.plus(1);
    }

    fn record_irs(&mut self) {
        let segment = self.segment();
        self.tcb.irs = segment.seq;
        self.tcb.rcv_nxt = segment.seq.plus(1);
        self.host.synchronized(self.tcb, &segment);
    }

    fn set_window(&mut self) {
        let segment = self.segment();
        self.tcb.snd_wnd = segment.wnd;
        self.tcb.snd_wl1 = segment.seq;
        self.tcb.snd_wl2 = segment.ack;
        self.tcb.max_snd_wnd = self.tcb.max_snd_wnd.max(segment.wnd);
        self.tcb.marks.window_known = true;
    }

    fn advance_una(&mut self) {
        let from = self.tcb.snd_una;
        self.tcb.snd_una = self.segment().ack;
        let far = self.tcb.is_far_beyond_iss() || self.tcb.snd_una.forward_from(self.tcb.iss) >> (S::BITS - 2) > 0;
        self.tcb.marks.acked = if far { Acked::FarBeyondIss } else { Acked::Syn };
        self.host.acked(self.tcb, from);
        if self.tcb.retransmission_queue_is_empty() {
            self.stop(Timer::Retransmit);
        } else {
            self.start(Timer::Retransmit);
        }
    }

    fn advance_nxt(&mut self) {
        let Event::Sent { text, fin } = self.event else {
            return;
        };
        let text: u32 = text.into();
        self.tcb.snd_nxt = self.tcb.snd_nxt.plus(text).plus(u32::from(fin));
        if !self.tcb.armed(Timer::Retransmit) {
            self.start(Timer::Retransmit);
        }
    }

    fn accept_text(&mut self) {
        let segment = self.segment();
        self.accepted = self.host.accept(self.tcb, &segment);
        let Accepted { advance, .. } = self.accepted;
        self.tcb.rcv_nxt = self.tcb.rcv_nxt.plus(advance.into());
        self.leave_urgent_mode();
    }

    /// Once RCV.NXT has passed RCV.UP there is no urgent data; later numbers must not be compared with so old a one.
    fn leave_urgent_mode(&mut self) {
        if self.tcb.marks.urgent && !self.tcb.rcv_up.after(self.tcb.rcv_nxt) {
            self.tcb.marks.urgent = false;
            self.tcb.rcv_up = S::new(0);
        }
    }

    fn advance_over_fin(&mut self) {
        self.tcb.rcv_nxt = self.tcb.rcv_nxt.plus(1);
        self.host.fin_received(self.tcb);
    }

    fn record_urgent(&mut self) {
        let segment = self.segment();
        self.tcb.rcv_up = segment.seq.plus(segment.up.into());
        self.tcb.marks.urgent = true;
    }

    fn emit(&mut self, form: Form) {
        let tcb = &*self.tcb;
        let (seq, ack, flags) = match form {
            Form::Syn => (tcb.iss, S::new(0), Flags::SYN),
            Form::SynAck => (tcb.iss, tcb.rcv_nxt, Flags::SYN_ACK),
            Form::KeepAlive => (tcb.snd_nxt.minus(1), tcb.rcv_nxt, Flags::ACK),
            Form::RstFromAck => (self.segment().ack, S::new(0), Flags::RST),
            Form::RstFromSeq => (S::new(0), self.segment().end(), Flags::RST_ACK),
            Form::RstNxt => (tcb.snd_nxt, S::new(0), Flags::RST),
            Form::RstNxtAck => (tcb.snd_nxt, tcb.rcv_nxt, Flags::RST_ACK),
        };
        let segment = Segment::control(seq, ack, flags, self.host.rcv_wnd());
        self.host.emit(self.tcb, segment);
    }

    fn take_challenge(&mut self) {
        let segment = self.segment();
        if !is_always_answered(&segment) {
            self.host.take_challenge(challenge_of(self.tcb, self.host.rcv_wnd().into(), &segment));
        }
    }

    fn start(&mut self, timer: Timer) {
        self.tcb.timers |= timer.bit();
        self.host.start(timer);
    }

    fn stop(&mut self, timer: Timer) {
        if self.tcb.armed(timer) {
            self.tcb.timers &= !timer.bit();
            self.host.stop(timer);
        }
    }

    /// Also those that the host runs on its own account.
    fn stop_all(&mut self) {
        self.tcb.timers = 0;
        for timer in Timer::ALL {
            self.host.stop(timer);
        }
    }

    fn delete(&mut self) {
        self.stop_all();
        *self.tcb = Tcb::closed();
    }

    fn reenter_listen(&mut self) {
        self.delete();
        self.host.flush();
        self.tcb.marks = Marks { passive: true, ..Marks::default() };
    }

    /// Only the numbers survive: whatever else the old incarnation was, it was finished.
    fn keep_previous(&mut self) {
        let Tcb { state, snd_nxt, rcv_nxt, timers, .. } = *self.tcb;
        *self.tcb = Tcb { state, timers, previous: Some((snd_nxt, rcv_nxt)), ..Tcb::closed() };
    }

    fn restore_previous(&mut self) {
        let Some((snd_nxt, rcv_nxt)) = self.tcb.previous else { return };
        let Tcb { state, timers, .. } = *self.tcb;
        let finished = Marks {
            acked: Acked::Syn,
            window_known: true,
            close_queued: true,
            fin_sent: true,
            user_gone: true,
            ..Marks::default()
        };
        *self.tcb = Tcb { state, timers, snd_una: snd_nxt, snd_nxt, rcv_nxt, marks: finished, ..Tcb::closed() };
    }
}
