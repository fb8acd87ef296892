//! One event on its way through the table, in every situation at once: what [`step`](crate::engine::step()) is for one.

use super::contradictions::{OF_A_CONNECTION, OF_A_SEGMENT};
use super::effects;
use super::relation::{Cause, Change, Relation, Step};
use super::valuation::Valuation;
use crate::event::{Call, Event, Timer};
use crate::segment::{Flag, Flags, Segment};
use crate::seq::{Seq, SeqNum};
use crate::state::State;
use crate::table::{AckClass, Act, Atom, Flow, Next, Rule, SeqClass, Stage, Table, TimestampClass};
use std::collections::HashSet;

/// One event, followed through the table in every situation at once.
pub(super) struct Run<'a> {
    pub(super) table: &'a Table,
    pub(super) event: Event<Seq>,
    pub(super) relation: &'a mut Relation,
    /// Where it leaves the connection.
    pub(super) situations: &'a mut Vec<(State, Valuation)>,
}

/// How far it has come.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Visit {
    stage: Stage,
    state: State,
    known: Valuation,
    steps: Vec<Step>,
}

impl Run<'_> {
    /// Follows the event from what is known of the connection in `state` to wherever the rules lead.
    pub(super) fn start(&mut self, state: State, connection: Valuation) {
        let stage = Stage::entered_by(&self.event, state);
        let mut open = vec![Visit { stage, state, known: with_event(connection, &self.event), steps: Vec::new() }];
        let mut seen = HashSet::new();
        while let Some(visit) = open.pop() {
            if self.is_possible(visit.state, visit.known) && seen.insert(visit.clone()) {
                self.visit(&visit, &mut open);
            }
        }
    }

    /// Fires the first rule that fits: in each situation the one that is first there.
    fn visit(&mut self, visit: &Visit, open: &mut Vec<Visit>) {
        let table = self.table;
        let mut left = vec![visit.known];
        for rule in table.stage(visit.stage).iter().filter(|rule| rule.states.has(visit.state)) {
            for known in std::mem::take(&mut left) {
                let (fits, rest) = known.split(rule.when);
                left.extend(rest.into_iter().filter(|&known| self.is_possible(visit.state, known)));
                if let Some(known) = fits.filter(|&known| self.is_possible(visit.state, known)) {
                    self.relation.fired.insert((rule.id, visit.state));
                    let after = self.fire(rule, &Visit { known, ..visit.clone() });
                    open.extend(self.go_on(visit.stage, after));
                }
            }
        }
        if let Some(&known) = left.first() {
            self.report(visit, known);
            open.extend(self.go_on(visit.stage, (None, Visit { known, ..visit.clone() })));
        }
    }

    /// Does what a rule says; the stage it hands the event on to comes with it.
    fn fire(&self, rule: &Rule, visit: &Visit) -> (Option<Stage>, Visit) {
        let mut after = visit.clone();
        for &act in rule.then {
            effects::perform(act, visit.state, &mut after.known);
        }
        if let Next::To(to) = rule.next {
            let cause = Cause::of(&self.event, rule, to);
            after.steps.push(Step { from: visit.state, to, cause, rule: rule.id });
            after.known.forget(Atom::SendPending(true));
            after.state = to;
        }
        let onwards = match rule.flow {
            Flow::Continue => rule.stage.following(),
            Flow::Done => None,
            Flow::Jump(stage) => Some(stage),
        };
        (onwards, after)
    }

    /// The visit that follows; after the last, as after every event, that of the persist timer.
    fn go_on(&mut self, from: Stage, (onwards, after): (Option<Stage>, Visit)) -> Option<Visit> {
        match onwards {
            Some(stage) => Some(Visit { stage, ..after }),
            None if from == Stage::Persist => {
                self.situations.push((after.state, between_events(after.known)));
                if !after.steps.is_empty() {
                    self.relation.changes.insert(Change { steps: after.steps });
                }
                None
            }
            None => Some(Visit { stage: Stage::Persist, ..after }),
        }
    }

    /// No rule fits. The visit after every event finds rules only in states that can have something to probe with.
    fn report(&mut self, visit: &Visit, known: Valuation) {
        let here = (visit.stage, visit.state);
        if self.table.covers(visit.stage, visit.state) {
            self.relation.holes.insert(here, known);
        } else if visit.stage != Stage::Persist {
            self.relation.uncovered.insert(here);
        }
    }

    fn is_possible(&self, state: State, known: Valuation) -> bool {
        let of_a_segment = match self.event {
            Event::Arrives(_) => OF_A_SEGMENT,
            Event::Call(_) | Event::Sent { .. } | Event::Timeout(_) => &[],
        };
        let all = of_a_segment.iter().chain(OF_A_CONNECTION).filter(|one| one.states.has(state));
        known.is_possible(&all.map(|one| one.guards))
    }
}

/// What is known of a connection that does not exist.
pub(super) fn unborn() -> Valuation {
    let mut known = Valuation::anything();
    effects::perform(Act::Delete, State::Closed, &mut known);
    known
}

/// What stays known after an event: what the connection itself remembers.
fn between_events(known: Valuation) -> Valuation {
    let remembered = [
        Atom::Passive(true),
        Atom::Reopened(true),
        Atom::SynAcked(true),
        Atom::FinAcked(true),
        Atom::AllAcked(true),
        Atom::CloseQueued(true),
        Atom::UserGone(true),
        Atom::WindowClosed(true),
        Atom::Probing(true),
    ];
    known.only(&remembered)
}

/// What an event says about the facts of calls and segments; see [`Facts::gather`](crate::engine::guard::Facts::gather).
fn with_event(mut known: Valuation, event: &Event<Seq>) -> Valuation {
    known.learn(Atom::FinReady(false));
    let (active, remote) = match event {
        Event::Call(Call::OpenActive { remote }) => (true, *remote),
        Event::Call(Call::Send { remote }) => (false, *remote),
        Event::Call(Call::OpenPassive | Call::Receive | Call::Close | Call::Release | Call::Abort | Call::Status)
        | Event::Sent { .. }
        | Event::Timeout(_)
        | Event::Arrives(_) => (false, false),
    };
    let sent_fin = matches!(event, Event::Sent { fin: true, .. });
    [Atom::Active(active), Atom::Remote(remote), Atom::SentFin(sent_fin)]
        .into_iter()
        .for_each(|atom| known.learn(atom));
    match event {
        Event::Arrives(_) => {}
        Event::Call(_) | Event::Sent { .. } | Event::Timeout(_) => {
            let none = [
                Atom::Carries(false),
                Atom::Deliverable(false),
                Atom::NewText(false),
                Atom::Seq(SeqClass::Exact, true),
                Atom::AtRcvNxt(false),
                Atom::AtIrs(false),
                Atom::NewerThanRcvNxt(false),
                Atom::Ack(AckClass::Missing, true),
                Atom::WindowNewer(false),
                Atom::UrgentNews(false),
                Atom::MayAnswer(false),
                Atom::Timestamp(TimestampClass::NotInUse, true),
                Atom::Listening(false),
            ];
            none.into_iter().chain(Flag::ALL.map(|flag| Atom::Has(flag, false))).for_each(|atom| known.learn(atom));
        }
    }
    known
}

/// One event of each kind; the segment stands for all.
pub(super) fn every_event() -> Vec<Event<Seq>> {
    let calls = [
        Call::OpenPassive,
        Call::OpenActive { remote: true },
        Call::OpenActive { remote: false },
        Call::Send { remote: true },
        Call::Send { remote: false },
        Call::Receive,
        Call::Close,
        Call::Release,
        Call::Abort,
        Call::Status,
    ];
    let zero = Seq::new(0);
    let mut events: Vec<Event<Seq>> = calls.into_iter().map(Event::Call).collect();
    events.push(Event::Arrives(Segment::control(zero, zero, Flags::default(), 0)));
    events.extend([false, true].map(|fin| Event::Sent { text: u32::from(!fin), fin }));
    events.extend(Timer::ALL.map(Event::Timeout));
    events
}
