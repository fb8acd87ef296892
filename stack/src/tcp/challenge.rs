//! Challenge ACKs are rare: RFC 5961 §7.
//!
//! Each connection has its own budgets, so that nobody can learn from the answers on one connection what happens on
//! another (CVE-2016-5696), and one for each kind of suspicious segment, so that whoever floods a connection with resets
//! does not keep it from answering a keep-alive.

use lockstep_model::Challenge;

use crate::bugs::{self, Bug};
use crate::time::Instant;

/// Until when no challenge of a kind is answered. Most connections never see one, and pay a pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Budgets(Option<Box<[Instant; Challenge::ALL.len()]>>);

impl Budgets {
    /// Whether a challenge of this kind may be answered at `now`.
    pub fn allow(&self, challenge: Challenge, now: Instant) -> bool {
        if bugs::is_back(Bug::SharedChallenges) {
            return bugs::ANSWERED_UNTIL.get() <= now;
        }
        self.0.as_ref().is_none_or(|until| until[challenge.index()] <= now)
    }

    /// The next of this kind is not answered before `until`.
    pub fn spend(&mut self, challenge: Challenge, until: Instant) {
        if bugs::is_back(Bug::SharedChallenges) {
            bugs::ANSWERED_UNTIL.set(until);
        }
        self.0.get_or_insert_default()[challenge.index()] = until;
    }

    /// The same, counted from `now`: nothing is left of what is over.
    pub fn project(&self, now: Instant) -> Self {
        let until = self.0.as_ref().map(|until| until.map(|at| Instant::ZERO + at.since(now)));
        Budgets(until.filter(|until| until.iter().any(|&at| at > Instant::ZERO)).map(Box::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Micros;

    #[test]
    fn one_kind_does_not_spend_what_is_anothers() {
        let now = Instant::ZERO + Micros::from_secs(1);
        for spent in Challenge::ALL {
            let mut budgets = Budgets::default();
            budgets.spend(spent, now + Micros::from_millis(500));
            for kind in Challenge::ALL {
                assert_eq!(budgets.allow(kind, now), kind != spent);
                assert!(budgets.allow(kind, now + Micros::from_millis(500)));
            }
        }
    }

    #[test]
    fn what_is_over_leaves_nothing_behind() {
        let now = Instant::ZERO + Micros::from_secs(1);
        let mut budgets = Budgets::default();
        budgets.spend(Challenge::Syn, now);
        assert_eq!(budgets.project(now), Budgets::default());
        budgets.spend(Challenge::Rst, now + Micros::new(3));
        assert!(!budgets.project(now).allow(Challenge::Rst, Instant::from_micros(2)));
        assert!(budgets.project(now).allow(Challenge::Rst, Instant::from_micros(3)));
    }
}
