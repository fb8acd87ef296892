//! What must hold, by the numbers of the project's list: judged on what the stacks really did and said.

use lockstep::stack::Failure;
use lockstep_model::check::figure5;
use lockstep_model::table::Stage;
use lockstep_model::{Flag, Flags, Segment, Seq, SeqNum, State as Connection, Tcb, Timer};

use crate::end::{Complaint, End, REFINES, Stimulus, broken};
use crate::memo::Turned;
use crate::user::{Incarnation, octet};
use crate::wire::Said;
use crate::world::{State, World};

/// All of them.
pub const ALL: [&str; 20] = [
    REFINES, "S1", "S2", "S3", "S4", "S6", "S7", "S8", "S9", "S10", "S11", "S12", "S13", "S14", "S15", "S16", "S17",
    "S19", "S23", "S24",
];

/// That of worlds with an attacker, besides those that he cannot break.
pub const BLIND: &str = "S20";

/// One action, judged.
pub struct Passage<'a> {
    pub world: &'a World,
    pub side: usize,
    pub before: &'a State,
    pub after: &'a State,
    pub stimulus: &'a Stimulus,
    pub turned: &'a Turned,
}

impl Passage<'_> {
    pub fn judge(&self) -> Result<(), Complaint> {
        self.variables_are_well_formed()?;
        self.timers_fit()?;
        self.resets_have_their_forms()?;
        self.what_is_said_is_permitted()?;
        self.arrows()?;
        self.the_blind_do_no_harm()?;
        // Who forges what nobody can tell from the real may break what follows, until RFC 9293 has authentication.
        if self.world.forgeries == 0 {
            self.ends_agree()?;
            self.what_is_received_was_sent()?;
            self.resets_have_reasons()?;
        }
        Ok(())
    }

    fn us(&self) -> &End {
        &self.after.ends[self.side]
    }

    fn peer(&self) -> &End {
        &self.after.ends[1 - self.side]
    }

    fn earlier(&self) -> &Tcb<Seq> {
        &self.before.ends[self.side].reference.tcb
    }

    fn tcb(&self) -> &Tcb<Seq> {
        &self.us().reference.tcb
    }

    fn arrived(&self) -> Option<&Segment<Seq>> {
        match self.stimulus {
            Stimulus::Arrives { said, .. } => Some(&said.segment),
            Stimulus::Timeout
            | Stimulus::Open
            | Stimulus::OpenAgain
            | Stimulus::StopListening
            | Stimulus::Send(_)
            | Stimulus::Read
            | Stimulus::Close
            | Stimulus::Release
            | Stimulus::Abort => None,
        }
    }

    fn said(&self) -> impl Iterator<Item = &Said> {
        self.turned.said.iter().map(|(_, said)| said)
    }

    // ---- S1, S17, S24 ------------------------------------------------------------------------------------------------

    fn variables_are_well_formed(&self) -> Result<(), Complaint> {
        let (tcb, earlier) = (self.tcb(), self.earlier());
        let state = tcb.state();
        let finished = matches!(state, Connection::Closed | Connection::TimeWait);
        let same = tcb.iss() == earlier.iss() && !finished && earlier.state() != Connection::Closed;
        if same && tcb.snd_nxt().before(earlier.snd_nxt()) {
            return Err(broken("S1", "SND.NXT moves back"));
        }
        let outstanding = tcb.snd_nxt().since(tcb.snd_una());
        let most = i64::from(tcb.max_snd_wnd()).max(1) + 1;
        let nothing_acked = tcb.snd_una() == tcb.iss() && tcb.snd_nxt() == tcb.iss().plus(1) && !tcb.syn_acked();
        let fits = match state {
            Connection::Closed => *tcb == Tcb::closed(),
            Connection::Listen => tcb.is_passive() && tcb.retransmission_queue_is_empty(),
            Connection::SynSent => nothing_acked && !tcb.is_passive() && !tcb.close_queued(),
            Connection::SynReceived => nothing_acked && tcb.rcv_nxt() == tcb.irs().plus(1) && !tcb.fin_sent(),
            Connection::Established => !tcb.close_queued() && !tcb.fin_sent(),
            Connection::FinWait1 | Connection::Closing => tcb.close_queued() && !tcb.fin_acked(),
            Connection::CloseWait => !tcb.fin_sent(),
            Connection::FinWait2 | Connection::TimeWait => tcb.fin_acked(),
            Connection::LastAck => tcb.fin_sent() && !tcb.fin_acked(),
        };
        if !fits || !(0..=most).contains(&i64::from(outstanding)) {
            return Err(broken("S1", format!("the variables do not fit {state}: {tcb:?}")));
        }
        if state.is_synchronized() && !tcb.window_known() {
            return Err(broken("S17", format!("{state} without a send window")));
        }
        Ok(())
    }

    fn timers_fit(&self) -> Result<(), Complaint> {
        let (tcb, counters) = (self.tcb(), &self.us().reference.counters);
        let waits = counters.queued > counters.sent || tcb.fin_due();
        let stuck = tcb.snd_wnd() == 0 && waits && tcb.retransmission_queue_is_empty() && tcb.may_send_text();
        let right = tcb.armed(Timer::Retransmit) != tcb.retransmission_queue_is_empty()
            && tcb.armed(Timer::TimeWait) == (tcb.state() == Connection::TimeWait)
            && tcb.armed(Timer::Persist) == stuck;
        if right { Ok(()) } else { Err(broken("S24", format!("the wrong timers run: {tcb:?}"))) }
    }

    // ---- S9 to S12: what is said -------------------------------------------------------------------------------------

    fn resets_have_their_forms(&self) -> Result<(), Complaint> {
        for Said { segment: reset, .. } in self.said().filter(|said| said.segment.has(Flag::Rst)) {
            let form = (reset.seq, reset.flags);
            let abort = self.earlier().state().is_synchronized() || self.earlier().state() == Connection::SynReceived;
            let abort = abort && form == (self.earlier().snd_nxt(), Flags::RST);
            let right = match self.arrived() {
                None => abort,
                Some(arrived) if arrived.has(Flag::Rst) => false,
                Some(arrived) if arrived.has(Flag::Ack) => abort || form == (arrived.ack, Flags::RST),
                Some(arrived) => abort || (form == (Seq::new(0), Flags::RST_ACK) && reset.ack == arrived.end()),
            };
            if !right {
                return Err(broken("S9", format!("{reset} in answer to {:?}", self.arrived())));
            }
        }
        Ok(())
    }

    fn what_is_said_is_permitted(&self) -> Result<(), Complaint> {
        let (us, peer) = (self.us(), &self.before.ends[1 - self.side].reference);
        let tcb = if self.tcb().state() == Connection::Closed { self.earlier() } else { self.tcb() };
        let knows_peer = peer.is_bound() && tcb.irs() == peer.tcb.iss() && tcb.state().is_synchronized();
        let paired = knows_peer && peer.tcb.irs() == tcb.iss() && self.world.forgeries == 0;
        let edge = peer.tcb.rcv_nxt().plus(peer.counters.window + 1);
        for Said { segment, .. } in self.said().filter(|said| !said.segment.has(Flag::Rst)) {
            if paired && segment.has(Flag::Ack) && segment.ack.after(peer.tcb.snd_nxt()) {
                return Err(broken("S10", format!("{segment} acknowledges what was never sent")));
            }
            let carries = segment.len() > u32::from(segment.has(Flag::Syn));
            if carries && (!tcb.syn_acked() || (paired && segment.end().after(edge))) {
                return Err(broken("S11", format!("{segment} is beyond the window")));
            }
            let sent = us.user.incarnations.last().map_or(0, |incarnation| incarnation.sent);
            if segment.has(Flag::Fin) && segment.end() != tcb.iss().plus(2 + u32::from(sent)) {
                return Err(broken("S12", format!("the FIN of {segment} has not its one number")));
            }
        }
        Ok(())
    }

    // ---- S2, S7, S13 to S15, S19: changes of state ---------------------------------------------------------------------

    fn arrows(&self) -> Result<(), Complaint> {
        for change in &self.turned.changes {
            let stage = self.world.stack_table.rule(change.rule).map(|rule| rule.stage);
            let stage = stage.ok_or_else(|| broken("S19", "no rule of the table changes the state"))?;
            let (from, to) = (change.from, change.to);
            let arrow = format!("{from} -> {to} at {stage:?}");
            if !self.time_wait_is_respected(from, to, stage) {
                return Err(broken("S13", arrow));
            }
            if from == Connection::SynReceived && !self.goes_back_as_it_should(to) {
                return Err(broken("S14", arrow));
            }
            if from == Connection::SynReceived && to == Connection::Established && !self.our_syn_is_acknowledged() {
                return Err(broken("S15", arrow));
            }
            if to == Connection::Established && !self.peer_has_seen_our_syn() {
                return Err(broken("S2", arrow));
            }
            if stage == Stage::Rst && to == Connection::Closed && !self.user_is_told(from) {
                return Err(broken("S23", arrow));
            }
            let done = to == Connection::TimeWait || (from == Connection::LastAck && stage == Stage::AckOfFin);
            if done && self.world.forgeries == 0 && !self.earlier().reopened() && self.peer_lacks_something() {
                return Err(broken("S7", arrow));
            }
            if !figure5::allows(from, to, stage) {
                return Err(broken("S19", arrow));
            }
        }
        Ok(())
    }

    /// S23: who has a connection that is reset hears of it, unless both sides have closed (RFC 9293 §3.10.7.4, second).
    fn user_is_told(&self, from: Connection) -> bool {
        let had_one = self.before.ends[self.side].user.connection.0.is_some();
        let both_closed = matches!(from, Connection::Closing | Connection::LastAck | Connection::TimeWait);
        !had_one || both_closed || self.us().user.failure.is_some()
    }

    /// S13; what follows from Figure 5 alone is left to it.
    fn time_wait_is_respected(&self, from: Connection, to: Connection, at: Stage) -> bool {
        match (from, to) {
            (Connection::FinWait2, Connection::TimeWait) => at == Stage::Fin,
            (Connection::Closing, Connection::TimeWait) => at == Stage::AckOfFin,
            (Connection::SynReceived, Connection::TimeWait) => self.earlier().reopened(),
            (_, Connection::TimeWait) => false,
            (Connection::TimeWait, Connection::Closed) => {
                matches!(at, Stage::TimeWaitTimeout | Stage::Abort | Stage::Rst | Stage::Syn | Stage::UserTimeout)
            }
            (Connection::TimeWait, Connection::SynReceived) => {
                at == Stage::Reopen && self.world.listens[self.side] && self.tcb().reopened()
            }
            (Connection::TimeWait, _) => false,
            (Connection::FinWait1 | Connection::FinWait2 | Connection::Closing, Connection::Closed) => {
                !matches!(at, Stage::Fin | Stage::Ack | Stage::AckOfFin)
            }
            (_, _) => true,
        }
    }

    /// S14: by a RST or a SYN, to LISTEN if the OPEN was passive, and only then.
    fn goes_back_as_it_should(&self, to: Connection) -> bool {
        let tcb = self.earlier();
        let refused = self.arrived().is_some_and(|arrived| arrived.has(Flag::Rst) || arrived.has(Flag::Syn));
        match to {
            Connection::Listen => tcb.is_passive() && refused && !tcb.reopened(),
            Connection::Closed => !(tcb.is_passive() && self.arrived().is_some_and(|arrived| arrived.has(Flag::Rst))),
            Connection::SynSent
            | Connection::SynReceived
            | Connection::Established
            | Connection::FinWait1
            | Connection::FinWait2
            | Connection::CloseWait
            | Connection::Closing
            | Connection::LastAck
            | Connection::TimeWait => true,
        }
    }

    /// S15: SND.UNA < SEG.ACK =< SND.NXT.
    fn our_syn_is_acknowledged(&self) -> bool {
        let tcb = self.earlier();
        self.arrived().is_some_and(|arrived| arrived.ack.after(tcb.snd_una()) && !arrived.ack.after(tcb.snd_nxt()))
    }

    /// S2: the peer's incarnation that we know, if it is still there, has seen our SYN.
    fn peer_has_seen_our_syn(&self) -> bool {
        let (tcb, peer) = (self.tcb(), &self.peer().reference.tcb);
        let there = peer.state() != Connection::Closed;
        self.world.forgeries > 0 || !there || tcb.irs() != peer.iss() || peer.irs() == tcb.iss()
    }

    /// S7: the peer, if it is still the one we spoke to, has not taken all that we sent, and the FIN.
    fn peer_lacks_something(&self) -> bool {
        let (tcb, peer) = (self.earlier(), &self.peer().reference.tcb);
        let paired = peer.state().is_synchronized() && peer.irs() == tcb.iss() && peer.iss() == tcb.irs();
        paired && peer.state() != Connection::TimeWait && peer.rcv_nxt() != tcb.snd_nxt()
    }

    // ---- S3, S4, S6, S8, S16: both ends ---------------------------------------------------------------------------------

    /// S3; a connection that has returned to TIME-WAIT has forgotten from where it counted.
    fn ends_agree(&self) -> Result<(), Complaint> {
        let (us, peer) = (self.tcb(), &self.peer().reference.tcb);
        let counts = |tcb: &Tcb<Seq>| tcb.state().is_synchronized() && tcb.state() != Connection::TimeWait;
        if counts(us) && counts(peer) && (us.irs() == peer.iss()) != (peer.irs() == us.iss()) {
            return Err(broken("S3", format!("one knows the other, who does not: {us:?}, {peer:?}")));
        }
        Ok(())
    }

    fn what_is_received_was_sent(&self) -> Result<(), Complaint> {
        let (user, before) = (&self.us().user, &self.before.ends[self.side].user);
        if (&user.received, user.at_end) == (&before.received, before.at_end)
            || user.incarnations != before.incarnations
        {
            return Ok(());
        }
        let tcb = if self.us().reference.is_bound() { self.tcb() } else { self.earlier() };
        if self.us().reference.is_bound() && !tcb.syn_acked() {
            return Err(broken("S16", "something is received, and our SYN is not acknowledged"));
        }
        let is_all = |&(n, incarnation): &(usize, &Incarnation)| {
            let text = (0..incarnation.sent.into()).map(|place| octet(1 - self.side, n + 1, place));
            let received = &user.received;
            text.clone().take(received.len()).eq(received.iter().copied()) && received.len() <= text.count()
        };
        let mut senders = self.peer().user.incarnations.iter().enumerate().filter(|(_, it)| it.iss == tcb.irs());
        let Some((_, sender)) = senders.find(is_all) else {
            return Err(broken("S4", format!("{:?} is received, which nobody has sent", user.received)));
        };
        if user.at_end && !(sender.closed && user.received.len() == usize::from(sender.sent)) {
            return Err(broken("S6", "the end of file comes before the end"));
        }
        Ok(())
    }

    /// S8: who is reset had a peer that was no longer his.
    fn resets_have_reasons(&self) -> Result<(), Complaint> {
        let was_reset = self.us().user.failure == Some(Failure::Reset)
            && self.before.ends[self.side].user.failure.is_none()
            && self.arrived().is_some_and(|arrived| arrived.has(Flag::Rst));
        let (tcb, peer) = (self.earlier(), &self.peer().reference.tcb);
        let paired = peer.state().is_synchronized() && peer.irs() == tcb.iss() && peer.iss() == tcb.irs();
        let gone = self.peer().user.incarnations.iter().any(|incarnation| incarnation.gone);
        if was_reset && paired && !gone {
            return Err(broken("S8", format!("it is reset, and its peer is in {}", peer.state())));
        }
        Ok(())
    }

    // ---- S20 ----------------------------------------------------------------------------------------------------------

    /// RFC 5961 §3, §4 and §5.
    fn the_blind_do_no_harm(&self) -> Result<(), Complaint> {
        let Stimulus::Arrives { said, forged: true, .. } = self.stimulus else { return Ok(()) };
        let (before, segment) = (self.earlier(), &said.segment);
        if !before.state().is_synchronized() || !self.world.settings[self.side].config.rfc5961 {
            return Ok(());
        }
        let changes = before.state() != self.tcb().state();
        let by_reset = segment.has(Flag::Rst) && changes && segment.seq != before.rcv_nxt();
        let by_syn = segment.has(Flag::Syn) && changes && !self.tcb().reopened();
        let oldest = before.snd_una().minus(before.max_snd_wnd());
        let in_range = segment.has(Flag::Ack) && !segment.ack.before(oldest) && !segment.ack.after(before.snd_nxt());
        let by_text = !changes && !in_range && before.rcv_nxt() != self.tcb().rcv_nxt();
        if by_reset || by_syn || by_text {
            return Err(broken(BLIND, format!("{segment} has an effect")));
        }
        Ok(())
    }
}
