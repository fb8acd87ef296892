//! How often each rule of the table has fired.

use std::collections::BTreeMap;

use lockstep_model::{RuleId, Table};

/// A count for each rule there is, at its index.
#[derive(Clone, Debug)]
pub(super) struct RuleCounts {
    counts: Box<[u64; Table::CAPACITY]>,
}

impl RuleCounts {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        Self { counts: Box::new([0; Table::CAPACITY]) }
    }

    /// This rule has fired once more.
    pub fn add(&mut self, rule: RuleId) {
        if let Some(count) = self.counts.get_mut(rule.index()) {
            *count = count.saturating_add(1);
        }
    }

    /// The rules that have fired, and how often.
    pub fn fired(&self) -> BTreeMap<RuleId, u64> {
        let all = Table::catalogue().rules().iter();
        all.filter_map(|rule| Some((rule.id, *self.counts.get(rule.id.index())?))).filter(|&(_, n)| n > 0).collect()
    }
}
