//! Which rule changed which connection's state: off unless asked for.

use std::collections::VecDeque;

use lockstep_model::Table;
use lockstep_model::table::Next;

use super::api::Transition;
use super::connection::Effects;
use super::demux::Pair;
use crate::time::Instant;

/// The changes of state that nobody has looked at yet.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    on: bool,
    transitions: VecDeque<Transition>,
    most: usize,
}

impl Trace {
    /// Switched off; keeps at most `most` changes, of which the oldest give way.
    pub fn new(most: usize) -> Self {
        Self { on: false, transitions: VecDeque::new(), most }
    }

    pub fn switch(&mut self, on: bool) {
        self.on = on;
        if !on {
            self.transitions.clear();
        }
    }

    pub fn poll(&mut self) -> Option<Transition> {
        self.transitions.pop_front()
    }

    /// One segment may change the state twice: FIN and the ACK of ours in FIN-WAIT-1.
    pub fn record(&mut self, table: &Table, at: Instant, pair: Pair, effects: &Effects) {
        if !self.on {
            return;
        }
        let mut from = effects.from;
        for rule in effects.fired.iter() {
            let to = match table.rule(rule).map(|rule| rule.next) {
                Some(Next::To(to)) => to,
                Some(Next::Stay) | None => continue,
            };
            if to != from {
                self.keep(Transition { at, pair, from, to, rule });
            }
            from = to;
        }
    }

    fn keep(&mut self, transition: Transition) {
        if self.transitions.len() >= self.most {
            self.transitions.pop_front();
        }
        self.transitions.push_back(transition);
    }
}
