//! Why a belief is held: the rules that fired, one happening after the other.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use lockstep_model::RuleId;

/// The rules that fired, by the place in the trace of what fired them.
pub type Reasons = BTreeMap<usize, Vec<RuleId>>;

/// The way to a belief. Two beliefs that are the same but for their ways are the same.
#[derive(Clone, Debug, Default)]
pub struct Why(Option<Rc<Step>>);

#[derive(Debug)]
struct Step {
    index: usize,
    rules: Vec<RuleId>,
    before: Why,
}

impl Why {
    /// This way, and one step more.
    pub fn and(&self, index: usize, rules: &[RuleId]) -> Self {
        Self(Some(Rc::new(Step { index, rules: rules.to_vec(), before: self.clone() })))
    }

    /// The whole way.
    pub fn reasons(&self) -> Reasons {
        let mut reasons = Reasons::new();
        let mut step = self.0.as_ref();
        while let Some(here) = step {
            reasons.insert(here.index, here.rules.clone());
            step = here.before.0.as_ref();
        }
        reasons
    }
}

impl PartialEq for Why {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Why {}

impl Hash for Why {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// Step by step: a way may be longer than the stack is deep.
impl Drop for Why {
    fn drop(&mut self) {
        let mut step = self.0.take();
        while let Some(mut last) = step.and_then(Rc::into_inner) {
            step = last.before.0.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use lockstep_model::Table;

    use super::*;

    #[test]
    fn a_way_is_told_from_its_beginning_however_long_it_is() {
        let rule = Table::repaired().rules()[0].id;
        let ways = (0..200_000).scan(Why::default(), |way, index| {
            *way = way.and(index, &[rule]);
            Some(way.clone())
        });
        let long = ways.last().expect("a way");
        let fork = long.and(300_000, &[]);
        drop(long);
        assert_eq!(fork.reasons().len(), 200_001);
        assert_eq!(fork.reasons()[&7], [rule]);
    }
}
