//! One event at one endpoint, judged: the properties of what changes, from S1 to S23 and L7.

use super::attacker::NOBODY;
use super::endpoint::{Endpoint, N};
use super::figure5;
use super::owner::Turn;
use super::packet::Packet;
use super::properties::{Property, Violations};
use super::replies::{Situation, expected, signals_fit};
use crate::engine::guard::classify_ack;
use crate::engine::{Fired, Host, Tcb};
use crate::event::{Call, Event, Reply};
use crate::segment::Flag;
use crate::seq::SeqNum;
use crate::state::State;
use crate::table::{AckClass, Flow, Next, Policy, Stage, Table};

/// Whether there is a connection, or the beginning of one.
fn is_open(tcb: &Tcb<N>) -> bool {
    !matches!(tcb.state(), State::Closed | State::Listen)
}

/// What is known when an event is over.
pub(super) struct Passage<'a> {
    pub table: &'a Table,
    pub before: Endpoint,
    pub after: Endpoint,
    /// The other end.
    pub peer: &'a Endpoint,
    pub event: Event<N>,
    pub fired: &'a Fired,
    pub turn: &'a Turn<'a>,
}

impl Passage<'_> {
    /// Notes what the event broke.
    pub fn judge(&self, violations: &mut Violations) {
        violations.note(Property::S1, self.snd_nxt_moves_back());
        violations.note(Property::S5, self.takes_what_is_not_for_it());
        violations.note(Property::S10, self.peer_acks_what_was_not_sent());
        violations.note(Property::S18, self.stops_short());
        violations.note(Property::S22, self.window_moves_back());
        violations.note(Property::L7, self.prolongs_time_wait_for_nothing());
        violations.note(Property::S11, self.sends_beyond_window());
        violations.note(Property::S12, self.sends_after_close());
        violations.note(Property::S20, self.forgery_succeeds());
        violations.note(Property::S23, self.answers_otherwise());
        if self.before.tcb.state() != self.after.tcb.state() {
            self.judge_arrows(violations);
            violations.note(Property::S8, self.parts_a_pair());
            violations.note(Property::S14, self.returns_to_listen_wrongly());
        }
    }

    /// S1: within an incarnation SND.NXT only moves forward.
    fn snd_nxt_moves_back(&self) -> bool {
        let (before, after) = (&self.before.tcb, &self.after.tcb);
        let same = before.iss() == after.iss()
            && before.state() != State::Closed
            && after.state() != State::Closed
            && after.state() != State::Listen
            && after.state() != State::TimeWait;
        same && after.snd_nxt().before(before.snd_nxt())
    }

    /// S5: octets or a FIN of another incarnation than the one we are paired with, or a reset between others than us two.
    fn takes_what_is_not_for_it(&self) -> bool {
        let (before, after) = (&self.before, &self.after);
        let Some(ghost) = self.turn.cause.map(Packet::ghost) else {
            return false;
        };
        if self.is_forged() {
            return false;
        }
        let taken = |end: &Endpoint| (end.owner.received, end.owner.held, end.owner.held_fin, end.owner.end_of_file);
        let by_text = taken(before) != taken(after) && is_open(&after.tcb) && ghost.incarnation != after.owner.peer;
        let us = &before.owner;
        let strange = ghost.incarnation != us.peer && ghost.peer != us.incarnation;
        let by_reset = self.parts_a_pair() && strange;
        by_text || by_reset
    }

    /// Whether a RST that bears a number has ended the connection, or made it start again. One that answers a segment
    /// without ACK bears none, `<SEQ=0>`, and hits an RCV.NXT that happens to be 0, once in 2^32.
    fn resets(&self) -> bool {
        let (before, after) = (&self.before.tcb, &self.after.tcb);
        let numbered = matches!(self.event, Event::Arrives(segment) if segment.has(Flag::Rst)
            && (before.state() == State::SynSent || segment.seq != N::new(0) || !segment.has(Flag::Ack)));
        numbered && is_open(before) && before.state() != after.state()
    }

    /// S8: the peer is synchronized with us, and stays so.
    fn parts_a_pair(&self) -> bool {
        let (us, peer) = (&self.before.owner, self.peer);
        let paired = us.peer != 0 && us.peer == peer.owner.incarnation && us.incarnation == peer.owner.peer;
        self.resets() && !self.is_forged() && paired && peer.tcb.state().is_synchronized()
    }

    /// S10: SEG.ACK > SND.NXT, from the incarnation we are paired with, which knows ours.
    fn peer_acks_what_was_not_sent(&self) -> bool {
        let us = &self.before.owner;
        let paired = self
            .turn
            .cause
            .map(Packet::ghost)
            .is_some_and(|ghost| us.peer != 0 && ghost.incarnation == us.peer && ghost.peer == us.incarnation);
        let future = matches!(self.event, Event::Arrives(segment) if !segment.has(Flag::Rst)
            && classify_ack(&self.before.tcb, &segment) == AckClass::Future);
        paired && future && self.before.tcb.state() != State::TimeWait
    }

    /// S18: the last rule hands the event on to a check that has rules for this state, and none of them fires.
    fn stops_short(&self) -> bool {
        let state = self.after.tcb.state();
        let entered = Stage::entered_by(&self.event, self.before.tcb.state());
        let mut rules = self.fired.iter().filter_map(|id| self.table.rule(id));
        let last = rules.by_ref().filter(|rule| rule.stage != Stage::Persist).last();
        match last.map(|rule| (rule.flow, rule.stage)) {
            None => self.table.covers(entered, self.before.tcb.state()),
            Some((Flow::Done, _)) => false,
            Some((Flow::Jump(stage), _)) => self.table.covers(stage, state),
            Some((Flow::Continue, stage)) => stage.following().is_some_and(|next| self.table.covers(next, state)),
        }
    }

    /// S22: RCV.NXT+RCV.WND, within an incarnation.
    fn window_moves_back(&self) -> bool {
        let buffer = self.turn.bounds.buffer;
        let edge = |end: &Endpoint| {
            let taken = end.owner.unread.saturating_add(end.owner.shrunk);
            end.tcb.rcv_nxt().plus(buffer.saturating_sub(taken).into())
        };
        let (before, after) = (&self.before, &self.after);
        let counted = [before, after].iter().all(|end| is_open(&end.tcb) && end.tcb.state() != State::SynSent);
        let same = before.tcb.iss() == after.tcb.iss() && before.tcb.irs() == after.tcb.irs();
        counted && same && edge(after).before(edge(before))
    }

    /// L7: 2MSL begins again for anything but the remote FIN once more.
    fn prolongs_time_wait_for_nothing(&self) -> bool {
        let (before, after) = (&self.before.tcb, &self.after.tcb);
        let stays = before.state() == State::TimeWait && after.state() == State::TimeWait;
        let repeated = matches!(self.event, Event::Arrives(segment) if segment.has(Flag::Fin)
            && segment.end() == before.rcv_nxt());
        stays && self.turn.time_wait_began && !repeated
    }

    /// S11: the peer never takes back what it has offered, so its right edge now is the farthest that we may go.
    fn sends_beyond_window(&self) -> bool {
        let (us, peer) = (&self.before.owner, self.peer);
        let new = matches!(self.event, Event::Sent { .. }) && self.before.tcb.snd_wnd() > 0;
        let paired = us.peer == peer.owner.incarnation && us.incarnation == peer.owner.peer;
        let offered = self.turn.bounds.buffer.saturating_sub(peer.owner.unread);
        let edge = peer.tcb.rcv_nxt().plus(offered.into());
        new && paired && self.after.tcb.snd_nxt().after(edge)
    }

    /// S12: a SEND after CLOSE.
    fn sends_after_close(&self) -> bool {
        let send = matches!(self.event, Event::Call(Call::Send { .. }));
        let refused = self.turn.reply == Some(Reply::Closing) && self.after.owner.queued == self.before.owner.queued;
        send && self.before.tcb.close_queued() && !refused
    }

    /// S23. Of what is transmitted after an event the user is told nothing.
    fn answers_otherwise(&self) -> bool {
        let before = Situation::of(&self.before);
        let reply = match self.event {
            Event::Sent { .. } => return false,
            Event::Call(call) => Some(expected(call, &before)),
            Event::Arrives(_) | Event::Timeout(_) => None,
        };
        self.turn.reply != reply || !signals_fit(&self.event, &before, self.after.tcb.state(), &self.turn.signals)
    }

    /// S2, S13, S15 and S19, for each change of state on the way.
    fn judge_arrows(&self, violations: &mut Violations) {
        let mut from = self.before.tcb.state();
        for rule in self.fired.iter().filter_map(|id| self.table.rule(id)) {
            let Next::To(to) = rule.next else {
                continue;
            };
            if to != from {
                violations.note(Property::S19, !figure5::allows(from, to, rule.stage));
                violations.note(Property::S13, !self.time_wait_is_respected(from, to, rule.stage));
            }
            if to == State::TimeWait || (from == State::LastAck && rule.stage == Stage::AckOfFin) {
                violations.note(Property::S7, self.peer_lacks_something());
            }
            if to == State::Established && from != to {
                violations.note(Property::S15, from == State::SynReceived && !self.acks_our_syn());
                violations.note(Property::S2, !self.peer_has_seen_our_syn());
            }
            from = to;
        }
    }

    /// S7: the peer, if it is still the one we spoke to and open, has not taken all our octets and the FIN. Where we
    /// return to an earlier TIME-WAIT, the question was answered then.
    fn peer_lacks_something(&self) -> bool {
        let (us, peer) = (&self.after.owner, &self.peer.owner);
        let us = if self.after.tcb.state() == State::Closed { &self.before.owner } else { us };
        let same = peer.incarnation == us.peer && peer.peer == us.incarnation && !self.before.tcb.reopened();
        same && !(peer.end_of_file && peer.received == us.queued)
    }

    fn time_wait_is_respected(&self, from: State, to: State, at: Stage) -> bool {
        match (from, to) {
            (State::FinWait2, State::TimeWait) => at == Stage::Fin,
            (State::Closing, State::TimeWait) => at == Stage::AckOfFin,
            (State::SynReceived, State::TimeWait) => self.before.tcb.reopened(),
            (_, State::TimeWait) => false,
            (State::TimeWait, State::Closed) => {
                matches!(at, Stage::TimeWaitTimeout | Stage::Abort | Stage::Rst | Stage::UserTimeout)
                    || (at == Stage::Syn && self.arrived(Flag::Syn))
            }
            (State::TimeWait, State::SynReceived) => {
                at == Stage::Reopen && self.turn.bounds.listeners && self.after.tcb.reopened()
            }
            (State::TimeWait, _) => false,
            (State::FinWait1 | State::FinWait2 | State::Closing, State::Closed) => matches!(
                at,
                Stage::Abort
                    | Stage::Rst
                    | Stage::Syn
                    | Stage::Release
                    | Stage::Text
                    | Stage::UserTimeout
                    | Stage::FinWait2Timeout
            ),
            (
                State::FinWait1 | State::FinWait2 | State::Closing,
                State::LastAck | State::CloseWait | State::Established,
            ) => false,
            (_, _) => true,
        }
    }

    fn arrived(&self, flag: Flag) -> bool {
        matches!(self.event, Event::Arrives(segment) if segment.has(flag))
    }

    /// S15: SND.UNA < SEG.ACK =< SND.NXT, before the event.
    fn acks_our_syn(&self) -> bool {
        let tcb = &self.before.tcb;
        matches!(self.event, Event::Arrives(segment)
            if classify_ack(tcb, &segment) == AckClass::New)
    }

    /// S2: the segment comes from the incarnation we are paired with, which had seen our SYN; or that one is still
    /// there and has seen it.
    fn peer_has_seen_our_syn(&self) -> bool {
        let us = &self.after.owner;
        let told = self
            .turn
            .cause
            .map(Packet::ghost)
            .is_some_and(|ghost| ghost.incarnation == us.peer && ghost.peer == us.incarnation);
        told || (self.peer.owner.incarnation == us.peer && self.peer.owner.peer == us.incarnation)
    }

    /// S20.
    fn forgery_succeeds(&self) -> bool {
        let (before, after) = (&self.before, &self.after);
        if !self.is_forged() || !before.tcb.state().is_synchronized() || !self.turn.policy(Policy::Rfc5961) {
            return false;
        }
        let changes = before.tcb.state() != after.tcb.state();
        let reopens = after.tcb.reopened();
        let by_reset = self.arrived(Flag::Rst) && changes && !self.begins_at_rcv_nxt();
        let by_syn = self.arrived(Flag::Syn) && !self.arrived(Flag::Rst) && changes && !reopens;
        let taken = |end: &Endpoint| (end.owner.received, end.owner.held, end.owner.held_fin, end.owner.end_of_file);
        let by_text = taken(before) != taken(after) && !changes && !self.acks_in_range();
        by_reset || by_syn || by_text
    }

    /// Whether neither end has sent the segment.
    fn is_forged(&self) -> bool {
        self.turn.cause.is_some_and(|packet| packet.ghost().incarnation == NOBODY)
    }

    fn begins_at_rcv_nxt(&self) -> bool {
        matches!(self.event, Event::Arrives(segment) if segment.seq == self.before.tcb.rcv_nxt())
    }

    fn acks_in_range(&self) -> bool {
        matches!(self.event, Event::Arrives(segment) if match classify_ack(&self.before.tcb, &segment) {
            AckClass::Old | AckClass::Duplicate | AckClass::New => true,
            AckClass::Missing | AckClass::TooOld | AckClass::NeverSent | AckClass::Future => false,
        })
    }

    /// S14, in both directions.
    fn returns_to_listen_wrongly(&self) -> bool {
        let (before, after) = (&self.before.tcb, &self.after.tcb);
        if before.state() != State::SynReceived || before.reopened() {
            return after.state() == State::Listen && before.state() != State::Closed;
        }
        let listens = before.is_passive() && !before.close_queued();
        let reset = self.arrived(Flag::Rst) || self.arrived(Flag::Syn);
        match after.state() {
            State::Listen => !(listens && reset && after.retransmission_queue_is_empty()),
            State::Closed => listens && self.arrived(Flag::Rst),
            State::SynSent
            | State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => false,
        }
    }
}
