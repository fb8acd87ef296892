//! The table run on all situations at once: which rules fire where, which state changes they make, what is left without
//! a rule. Diagrams, and the comparison with Figure 5, come from here and from nowhere else.

use super::run::{self, Run};
use super::valuation::Valuation;
use crate::event::{Call, Event, Timer};
use crate::seq::Seq;
use crate::state::State;
use crate::table::{Rule, RuleId, Stage, Table};
use std::collections::{BTreeMap, BTreeSet};

/// All that a table can do to a connection.
#[derive(Clone, Debug, Default)]
pub struct Relation {
    /// The states that a connection born CLOSED can reach.
    pub states: BTreeSet<State>,
    /// The state changes.
    pub changes: BTreeSet<Change>,
    /// The rules that can fire, and the states in which they can.
    pub fired: BTreeSet<(RuleId, State)>,
    /// The checks that an event can reach in a state for which they have no rule at all.
    pub uncovered: BTreeSet<(Stage, State)>,
    /// The checks that have rules for a state, but in a situation that can arise none that fits: the situation.
    pub holes: BTreeMap<(Stage, State), Valuation>,
}

/// What one event does to the state: one step, or several in a row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Change {
    /// The rules that changed the state, in the order in which they fired. There is at least one.
    pub steps: Vec<Step>,
}

/// A rule changes the state.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Step {
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// What it takes, in the terms of Figure 5.
    pub cause: Cause,
    /// The rule.
    pub rule: RuleId,
}

/// What makes the state change, in the terms of Figure 5 of RFC 9293.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cause {
    /// passive OPEN
    PassiveOpen,
    /// active OPEN
    ActiveOpen,
    /// SEND
    Send,
    /// RECEIVE
    Receive,
    /// CLOSE
    Close,
    /// CLOSE by a user who will not RECEIVE.
    Release,
    /// ABORT
    Abort,
    /// STATUS
    Status,
    /// A CLOSE that waited for ESTABLISHED.
    QueuedClose,
    /// The FIN was sent.
    FinSent,
    /// rcv SYN
    Syn,
    /// rcv SYN,ACK
    SynAck,
    /// rcv ACK of SYN
    AckOfSyn,
    /// rcv ACK of FIN
    AckOfFin,
    /// rcv FIN
    Fin,
    /// rcv RST
    Rst,
    /// Text arrived.
    Text,
    /// Anything else.
    Other,
    /// A timer went off.
    Timeout(Timer),
}

impl Relation {
    /// Runs `table`, from a connection that does not exist to wherever events can lead it.
    #[must_use]
    pub fn of(table: &Table) -> Relation {
        let mut relation = Relation::default();
        let mut situations: Vec<(State, Valuation)> = Vec::new();
        let mut open = vec![(State::Closed, run::unborn())];
        while let Some((state, known)) = open.pop() {
            if !situations.iter().any(|&(other, all)| other == state && all.includes(known)) {
                situations.push((state, known));
                relation.states.insert(state);
                for event in run::every_event() {
                    Run { table, event, relation: &mut relation, situations: &mut open }.start(state, known);
                }
            }
        }
        relation
    }

    /// The single steps of all changes.
    #[must_use]
    pub fn steps(&self) -> BTreeSet<Step> {
        self.changes.iter().flat_map(|change| change.steps.iter().copied()).collect()
    }
}

impl Change {
    /// The state before the event.
    #[must_use]
    pub fn from(&self) -> State {
        self.steps.first().map_or(State::Closed, |step| step.from)
    }

    /// The state after it.
    #[must_use]
    pub fn to(&self) -> State {
        self.steps.last().map_or(State::Closed, |step| step.to)
    }

    /// What it takes, step by step.
    #[must_use]
    pub fn causes(&self) -> Vec<Cause> {
        self.steps.iter().map(|step| step.cause).collect()
    }
}

impl Cause {
    /// What it takes for `rule` to make the state `to` on this event.
    pub(super) fn of(event: &Event<Seq>, rule: &Rule, to: State) -> Cause {
        match event {
            Event::Call(call) => Cause::of_call(*call),
            Event::Sent { .. } => Cause::FinSent,
            Event::Timeout(timer) => Cause::Timeout(*timer),
            Event::Arrives(_) => Cause::of_arrival(rule.stage, to),
        }
    }

    const fn of_call(call: Call) -> Cause {
        match call {
            Call::OpenPassive => Cause::PassiveOpen,
            Call::OpenActive { .. } => Cause::ActiveOpen,
            Call::Send { .. } => Cause::Send,
            Call::Receive => Cause::Receive,
            Call::Close => Cause::Close,
            Call::Release => Cause::Release,
            Call::Abort => Cause::Abort,
            Call::Status => Cause::Status,
        }
    }

    fn of_arrival(stage: Stage, to: State) -> Cause {
        match stage {
            Stage::Sequence | Stage::SynSentSyn if to == State::Established => Cause::SynAck,
            Stage::Listen | Stage::SynSentSyn | Stage::Reopen | Stage::Syn => Cause::Syn,
            Stage::SynSentRst | Stage::Rst => Cause::Rst,
            Stage::AckRange | Stage::Ack => Cause::AckOfSyn,
            Stage::AckOfFin => Cause::AckOfFin,
            Stage::DeferredClose => Cause::QueuedClose,
            Stage::Text => Cause::Text,
            Stage::Fin => Cause::Fin,
            Stage::Open
            | Stage::Send
            | Stage::Receive
            | Stage::Close
            | Stage::Release
            | Stage::Abort
            | Stage::Status
            | Stage::Closed
            | Stage::SynSentAck
            | Stage::Sequence
            | Stage::Security
            | Stage::Window
            | Stage::Urg
            | Stage::Sent
            | Stage::UserTimeout
            | Stage::RetransmissionTimeout
            | Stage::TimeWaitTimeout
            | Stage::PersistTimeout
            | Stage::KeepAliveTimeout
            | Stage::FinWait2Timeout
            | Stage::DelayedAckTimeout
            | Stage::Persist => Cause::Other,
        }
    }
}
