//! What is counted over many steps.

use super::endpoint::{N, Side};
use super::packet::{Fate, Packet};
use super::world::Witness;
use crate::engine::Fired;
use crate::event::Event;
use crate::table::{RuleId, Table};

/// Counts over many steps.
#[derive(Clone, Debug)]
pub struct Tally {
    /// For each rule by its index, whether it fired.
    fired: [bool; Table::CAPACITY],
    /// How many segments were lost because the network was full.
    pub overflows: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Tally { fired: [false; Table::CAPACITY], overflows: 0 }
    }
}

impl Tally {
    /// Adds what another has counted.
    pub fn join(&mut self, other: &Tally) {
        self.overflows += other.overflows;
        for (ours, theirs) in self.fired.iter_mut().zip(other.fired) {
            *ours |= theirs;
        }
    }

    /// Whether this rule fired.
    #[must_use]
    pub fn has(&self, rule: RuleId) -> bool {
        self.fired[rule.index()]
    }
}

impl Witness for Tally {
    fn fired(&mut self, _: Side, _: &Event<N>, fired: &Fired) {
        for rule in fired.iter() {
            self.fired[rule.index()] = true;
        }
    }

    fn sent(&mut self, _: Packet, fate: Fate) {
        self.overflows += u64::from(fate == Fate::Overflowed);
    }
}
