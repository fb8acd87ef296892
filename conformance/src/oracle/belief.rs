//! One way to explain what was seen so far: a TCB that the table moved, and what it still owes.

use super::Terms;
use super::decode::NetworkError;
use super::ledger::{Choice, Ledger, OracleHost, Urgent, Wishes};
use super::project::Happened;
use super::stamp::Stamp;
use super::why::{Reasons, Why};
use crate::system::State;
use lockstep_model::{
    Call, Event, Fired, Flag, Policy, RuleId, Segment, Seq, SeqNum, Table, Tcb, Timer, Urgency, step,
};
use std::collections::BTreeSet;
use std::time::Duration;

/// A segment that a rule asked for and that has not been seen yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owed {
    /// What.
    pub what: Debt,
    /// When it is late.
    pub due: Duration,
    /// When it was asked for.
    pub since: Duration,
}

/// What a rule asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Debt {
    /// This very control segment, whatever its window.
    Control(Segment<Seq>),
    /// Any segment that acknowledges RCV.NXT; one pays for all.
    Ack,
}

/// One way to explain what was seen so far.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Belief {
    /// Which reading of the RFC it follows; its place in [`Terms::tables`].
    reading: usize,
    follows: [bool; Policy::ALL.len()],
    pub(super) listening: bool,
    /// The connection; with none, segments meet the listener or CLOSED.
    pub(super) tcb: Option<Tcb<Seq>>,
    pub(super) ledger: Ledger,
    pub(super) owed: Vec<Owed>,
    /// The deviations that were needed.
    deviations: BTreeSet<RuleId>,
    last: Vec<RuleId>,
    why: Why,
}

impl Belief {
    /// All ways to begin: every reading, every choice among the optional parts.
    pub fn all(terms: &Terms) -> Vec<Belief> {
        let choices = 1_usize << Policy::ALL.len();
        (0..terms.tables.len())
            .flat_map(|reading| (0..choices).map(move |bits| (reading, bits)))
            .map(|(reading, bits)| Belief {
                reading,
                follows: std::array::from_fn(|policy| bits >> policy & 1 == 1),
                listening: false,
                tcb: None,
                ledger: Ledger::default(),
                owed: Vec::new(),
                deviations: BTreeSet::new(),
                last: Vec::new(),
                why: Why::default(),
            })
            .collect()
    }

    /// The deviations it needed.
    pub fn deviations(&self) -> &BTreeSet<RuleId> {
        &self.deviations
    }

    /// The rules that fired last.
    pub fn last_fired(&self) -> &[RuleId] {
        &self.last
    }

    /// The rules that fired, by the place in the trace of what fired them.
    pub fn reasons(&self) -> Reasons {
        self.why.reasons()
    }

    /// Remembers which rules this fired, at this place in the trace.
    pub fn remember(&mut self, event: Happened, index: usize) {
        match event {
            Happened::Arrived(..)
            | Happened::Opened
            | Happened::Sent { .. }
            | Happened::Network(_)
            | Happened::Closed
            | Happened::Released
            | Happened::Aborted => self.why = self.why.and(index, &self.last),
            Happened::Emitted(_)
            | Happened::Listening(_)
            | Happened::Received(_)
            | Happened::KeepsAlive(_)
            | Happened::GivesUpAfter(_)
            | Happened::RepeatsSyn(_)
            | Happened::Probed(_) => {}
        }
    }

    /// The state that a segment of the connection would meet.
    pub fn state(&self) -> State {
        match (&self.tcb, self.listening) {
            (Some(tcb), _) => tcb.state(),
            (None, true) => State::Listen,
            (None, false) => State::Closed,
        }
    }

    /// What is overdue at `now`, if anything.
    pub fn overdue(&self, now: Duration, terms: &Terms) -> Option<String> {
        if let Some(owed) = self.owed.iter().find(|owed| owed.due < now) {
            let what = match owed.what {
                Debt::Control(segment) => segment.to_string(),
                Debt::Ack => format!("an acknowledgment of {}", self.tcb.map_or(Seq::new(0), |tcb| tcb.rcv_nxt())),
            };
            return Some(format!("{what} was asked for at {:?} and is due by {:?}", owed.since, owed.due));
        }
        let late = |timer: Timer, latest: Duration| {
            let tcb = self.tcb.filter(|tcb| tcb.armed(timer))?;
            let started = self.ledger.started(timer)?;
            (started + latest < now).then(|| format!("{}: {timer:?} runs since {started:?}", tcb.state()))
        };
        late(Timer::Retransmit, terms.latest_retransmission(self.ledger.rexmit_interval()))
            .or_else(|| late(Timer::Persist, terms.latest_retransmission(self.ledger.probe_interval)))
            .or_else(|| late(Timer::TimeWait, terms.latest_time_wait()))
            .or_else(|| {
                let since = self.ledger.idle_since.filter(|&since| since + terms.latest_transmission() < now)?;
                Some(format!("{}: text or a FIN could leave since {since:?}", self.state()))
            })
    }

    /// This belief, and those in which timers that nobody sees have gone off before `now`.
    pub fn with_silent_timeouts(self, now: Duration, terms: &Terms) -> Vec<Belief> {
        let elapsed = |timer: Timer, least: Duration| {
            let armed = self.tcb.is_some_and(|tcb| tcb.armed(timer));
            armed && self.ledger.started(timer).is_some_and(|started| started + least <= now)
        };
        let mut beliefs = Vec::new();
        if elapsed(Timer::TimeWait, terms.time_wait) {
            beliefs.extend(self.after(Event::Timeout(Timer::TimeWait), now, terms));
        }
        if elapsed(Timer::FinWait2, terms.fin_wait_2) {
            beliefs.extend(self.after(Event::Timeout(Timer::FinWait2), now, terms));
        }
        let patience = self.ledger.wishes.gives_up_after.unwrap_or(terms.give_up);
        let unheard = elapsed(Timer::Retransmit, Duration::ZERO) && self.ledger.unacknowledged_since(now) >= patience;
        let unanswered = |least| self.ledger.unanswered_since.is_some_and(|since| since + least <= now);
        let in_vain = elapsed(Timer::Retransmit, terms.min_rto) && self.repeated_syn_enough();
        if in_vain
            || unheard
            || unanswered(patience)
            || (self.ledger.wishes.keeps_alive && unanswered(KEEP_ALIVE_INTERVAL))
        {
            beliefs.extend(self.after(Event::Timeout(Timer::User), now, terms));
        }
        beliefs.push(self);
        beliefs
    }

    /// Whether a SYN was sent again as often as was wished.
    fn repeated_syn_enough(&self) -> bool {
        let is_opening = matches!(self.state(), State::SynSent | State::SynReceived);
        is_opening && self.ledger.wishes.repeats_syn.is_some_and(|most| self.ledger.retransmissions >= most)
    }

    /// All beliefs that explain one more thing, or why there is none.
    pub fn explain(self, event: Happened, now: Duration, terms: &Terms) -> Result<Vec<Belief>, String> {
        match event {
            Happened::Arrived(segment, stamp) => Ok(self.arrived(segment, stamp, now, terms)),
            Happened::Emitted(segment) => self.emitted(&segment, now, terms),
            Happened::Listening(listening) => Ok(vec![Belief { listening, ..self }]),
            Happened::Opened => Ok(self.after(Event::Call(Call::OpenActive { remote: true }), now, terms)),
            Happened::Sent { octets, urgent } => Ok(self.sent_by_user(octets, urgent, now, terms)),
            Happened::KeepsAlive(keeps_alive) => Ok(self.with_wish(|wishes| wishes.keeps_alive = keeps_alive)),
            Happened::GivesUpAfter(patience) => Ok(self.with_wish(|wishes| wishes.gives_up_after = Some(patience))),
            Happened::RepeatsSyn(most) => Ok(self.with_wish(|wishes| wishes.repeats_syn = most)),
            Happened::Network(error) => Ok(self.heard_of_network(error, now, terms)),
            Happened::Received(octets) => self.received_by_user(octets),
            Happened::Closed => Ok(self.after(Event::Call(Call::Close), now, terms)),
            Happened::Released => Ok(self.after(Event::Call(Call::Release), now, terms)),
            Happened::Aborted => Ok(self.after(Event::Call(Call::Abort), now, terms)),
            Happened::Probed(state) if state == self.state() => Ok(vec![self]),
            Happened::Probed(state) => Err(format!("the state is {}, not {state}", self.state())),
        }
    }

    fn arrived(mut self, segment: Segment<Seq>, stamp: Stamp, now: Duration, terms: &Terms) -> Vec<Belief> {
        self.ledger.peer_clock.stamp = stamp;
        self.ledger.unanswered_since = None;
        let says_nothing_new = |tcb: &Tcb<Seq>| segment.is_empty() && segment.ack == tcb.snd_una();
        if self.tcb.is_some_and(|tcb| !tcb.retransmission_queue_is_empty() && says_nothing_new(&tcb)) {
            self.ledger.duplicates = self.ledger.duplicates.saturating_add(1);
        }
        self.after(Event::Arrives(segment), now, terms)
    }

    fn sent_by_user(mut self, octets: u32, urgent: bool, now: Duration, terms: &Terms) -> Vec<Belief> {
        self.ledger.offer(octets);
        let mut beliefs = self.after(Event::Call(Call::Send { remote: true }), now, terms);
        if urgent {
            beliefs.iter_mut().for_each(Belief::mark_urgent);
        }
        beliefs
    }

    /// SND.UP is the number after all that the user has sent (RFC 9293 §3.10.2, MUST-62).
    fn mark_urgent(&mut self) {
        if let Some(tcb) = self.tcb {
            self.ledger.urgent = Some(Urgent { ends: tcb.snd_nxt().plus(self.ledger.unsent), announced: false });
        }
    }

    fn with_wish(mut self, wish: impl FnOnce(&mut Wishes)) -> Vec<Belief> {
        wish(&mut self.ledger.wishes);
        vec![self]
    }

    /// A hard error SHOULD abort the connection, and many let it be (RFC 9293 §3.9.2.2, RFC 5461); what was too big leaves
    /// again at once, in pieces (RFC 1191).
    fn heard_of_network(mut self, error: NetworkError, now: Duration, terms: &Terms) -> Vec<Belief> {
        match error {
            NetworkError::Hard if self.tcb.is_some() => {
                let mut beliefs = self.after(Event::Timeout(Timer::User), now, terms);
                beliefs.push(self);
                beliefs
            }
            NetworkError::Hard => vec![self],
            NetworkError::TooBig => {
                self.ledger.was_too_big = true;
                vec![self]
            }
        }
    }

    /// To be given nothing is to be told that there is nothing more.
    fn received_by_user(mut self, octets: u32) -> Result<Vec<Belief>, String> {
        let more_may_come = matches!(
            self.state(),
            State::SynSent | State::SynReceived | State::Established | State::FinWait1 | State::FinWait2
        );
        if octets == 0 && more_may_come {
            return Err(format!("in {} the user is told of an end that the peer has not sent", self.state()));
        }
        self.ledger.take_unread(octets)?;
        Ok(vec![self])
    }

    /// Every outcome of an event: with and without a token for a suspicious segment, with out-of-order text kept or
    /// discarded (SHLD-31), by the reading's rules and by each known deviation.
    pub(super) fn after(&self, event: Event<Seq>, now: Duration, terms: &Terms) -> Vec<Belief> {
        let mut outcomes: Vec<Belief> = Vec::new();
        let pieces = match event {
            Event::Arrives(segment) if !segment.is_empty() => self.ledger.pieces(),
            Event::Arrives(_) | Event::Call(_) | Event::Timeout(_) | Event::Sent { .. } => 0,
        };
        for table in std::iter::once(terms.tables[self.reading]).chain(terms.deviant.iter().copied()) {
            for choice in Choice::all(pieces) {
                let (mut outcome, fired) = self.step(table, event, choice, now, terms);
                let deviating = |id: &RuleId| table.rule(*id).is_some_and(|rule| rule.kind.is_deviation());
                let deviations: Vec<_> = fired.iter().filter(deviating).collect();
                if deviations.is_empty() && !std::ptr::eq(table, terms.tables[self.reading]) {
                    continue;
                }
                outcome.deviations.extend(deviations);
                if !outcomes.contains(&outcome) {
                    outcomes.push(outcome);
                }
            }
        }
        outcomes
    }

    fn step(&self, table: &Table, event: Event<Seq>, choice: Choice, now: Duration, terms: &Terms) -> (Belief, Fired) {
        let mut belief = self.clone();
        let mut host = OracleHost {
            ledger: &mut belief.ledger,
            owed: Vec::new(),
            follows: self.follows,
            listening: self.listening,
            choice,
            now,
        };
        let mut tcb = match self.tcb {
            Some(tcb) => tcb,
            None => fresh(table, self.listening && matches!(event, Event::Arrives(_)), &mut host),
        };
        host.ledger.rcv_nxt = tcb.rcv_nxt();
        let fired = step(table, &mut tcb, event, &mut host);
        let owed = std::mem::take(&mut host.owed);
        belief.owe(owed, now, terms);
        belief.settle(tcb, now);
        belief.last = fired.iter().collect();
        (belief, fired)
    }

    /// A child back in LISTEN is freed, as is a connection in CLOSED; what a reset or an abort still owes stays owed.
    fn settle(&mut self, tcb: Tcb<Seq>, now: Duration) {
        if matches!(tcb.state(), State::Closed | State::Listen) {
            self.tcb = None;
            self.ledger.forget_connection();
            self.owed.retain(|owed| owed.what != Debt::Ack);
        } else {
            self.ledger.note_idleness(&tcb, now);
            self.tcb = Some(tcb);
        }
    }

    fn owe(&mut self, debts: Vec<(Debt, Option<Urgency>)>, now: Duration, terms: &Terms) {
        self.ledger.acks_asked_for += u32::from(debts.iter().any(|(what, _)| *what == Debt::Ack));
        for (what, urgency) in debts {
            let patience = match urgency {
                Some(_) => terms.timing.delayed_ack,
                None => terms.timing.silence,
            };
            let due = now + patience + terms.timing.slack + 2 * terms.timing.tick;
            match self.owed.iter_mut().find(|owed| what == Debt::Ack && owed.what == what) {
                Some(owed) => owed.due = owed.due.min(due),
                None => self.owed.push(Owed { what, due, since: now }),
            }
        }
    }

    /// The scripted peer's SYN,ACK or ACK pays nothing, but the system's segments do.
    pub(super) fn pay_acks(&mut self, segment: &Segment<Seq>) {
        if segment.has(Flag::Ack) {
            self.owed.retain(|owed| owed.what != Debt::Ack);
            self.ledger.acks_asked_for = self.ledger.acks_asked_for.saturating_sub(1);
        }
    }
}

/// The shortest wait for the answer to a keep-alive that a user can ask for (TCP_KEEPINTVL).
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(1);

/// What a segment meets where no connection is: the listener's TCB, or one that does not exist.
fn fresh(table: &Table, listening: bool, host: &mut OracleHost<'_>) -> Tcb<Seq> {
    let mut tcb = Tcb::closed();
    if listening {
        step(table, &mut tcb, Event::Call(Call::OpenPassive), host);
    }
    tcb
}
