//! The interpreter: an event enters at a stage, and rules hand it on.

use super::guard::Facts;
use super::{Accepted, Host, Tcb};
use crate::event::Event;
use crate::seq::SeqNum;
use crate::table::{Flow, Next, Rule, RuleId, Stage, Table};
use core::fmt;

/// Does to `tcb` what `table` says about `event`, and returns the rules that fired.
///
/// Where the table has no row for the event in this state (a timer that cannot run there, text that cannot be sent
/// there) nothing happens. It never panics, and it ends: stages only go forward, or to that of CLOSED, which ends the
/// processing.
pub fn step<S: SeqNum, H: Host<S>>(table: &Table, tcb: &mut Tcb<S>, event: Event<S>, host: &mut H) -> Fired {
    let stage = Stage::entered_by(&event, tcb.state);
    Run::new(tcb, event, host, Fired::default()).walk(table, Some(stage))
}

/// One event on its way through the table.
pub(super) struct Run<'a, S: SeqNum, H> {
    pub(super) tcb: &'a mut Tcb<S>,
    pub(super) event: Event<S>,
    /// What the host made of the segment's text.
    pub(super) accepted: Accepted<S::Len>,
    pub(super) host: &'a mut H,
    fired: Fired,
}

impl<'a, S: SeqNum, H: Host<S>> Run<'a, S, H> {
    /// An event about which these rules have fired.
    pub(super) fn new(tcb: &'a mut Tcb<S>, event: Event<S>, host: &'a mut H, fired: Fired) -> Self {
        Run { tcb, event, accepted: Accepted::default(), host, fired }
    }

    /// Goes from a stage to the end, and returns the rules that fired.
    pub(super) fn walk(mut self, table: &Table, from: Option<Stage>) -> Fired {
        let mut facts = self.facts();
        let mut stage = from;
        while let Some(here) = stage {
            stage = self.visit(table, here, &mut facts);
        }
        self.visit(table, Stage::Persist, &mut facts);
        self.fired
    }

    /// Fires the first rule of a stage that fits, if any, and says where the event goes on; `facts` are what is the case
    /// since the last rule that did something.
    fn visit(&mut self, table: &Table, stage: Stage, facts: &mut Facts) -> Option<Stage> {
        let rule = first_match(table.rules_in(stage, self.tcb.state), facts)?;
        self.fired.push(rule.id);
        for &act in rule.then {
            self.perform(act);
        }
        if let Next::To(state) = rule.next {
            self.tcb.state = state;
        }
        if !rule.then.is_empty() || rule.next != Next::Stay {
            *facts = self.facts();
        }
        onward(rule, stage)
    }

    fn facts(&self) -> Facts {
        Facts::gather(self.tcb, &self.event, self.accepted, self.host)
    }
}

/// Where an event goes on after a rule of this stage.
pub(super) fn onward(rule: &Rule, stage: Stage) -> Option<Stage> {
    match rule.flow {
        Flow::Continue => stage.following(),
        Flow::Done => None,
        Flow::Jump(stage) => Some(stage),
    }
}

/// The rule that fires: of those that apply in this state the first in order whose guards all hold.
fn first_match<'t>(mut rules: impl Iterator<Item = &'t Rule>, facts: &Facts) -> Option<&'t Rule> {
    rules.find(|rule| rule.when.iter().all(|&atom| facts.satisfy(atom)))
}

/// The rules that fired on one event, in order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fired {
    ids: [RuleId; Fired::CAPACITY],
    len: usize,
}

impl Default for Fired {
    fn default() -> Self {
        Fired { ids: [RuleId::UNNUMBERED; Fired::CAPACITY], len: 0 }
    }
}

impl Fired {
    /// More stages than any event visits, so none is ever left out.
    pub const CAPACITY: usize = 20;

    /// The ids in order.
    pub fn iter(&self) -> impl Iterator<Item = RuleId> + '_ {
        self.ids[..self.len].iter().copied()
    }

    /// Whether no rule fired.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn push(&mut self, id: RuleId) {
        debug_assert!(self.len < Self::CAPACITY, "an event visits fewer stages than this");
        if let Some(slot) = self.ids.get_mut(self.len) {
            *slot = id;
            self.len += 1;
        }
    }
}

impl fmt::Debug for Fired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
