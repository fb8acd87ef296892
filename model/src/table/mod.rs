//! THE TABLE: what a TCP connection does, as data.
//!
//! RFC 9293 §3.10 is an ordered list of checks with fall-through, and so is this: every [`Event`](crate::Event) enters
//! at one [`Stage`]; in a stage the first [`Rule`] whose state and guards fit fires, does its actions, perhaps changes
//! the state, and hands the event on. One file per part of §3.10; the order of rules within a stage is their order in
//! the file.

mod ack;
mod arrival;
mod calls;
mod deviations;
mod reset;
mod rule;
mod sent;
mod sequence;
mod syn;
mod text_fin;
mod timeouts;
mod vocabulary;

pub use rule::{Cite, Doc, Flow, Kind, Next, Profile, Profiles, Rule, RuleId};
pub use vocabulary::{AckClass, Act, Atom, Form, Policy, Room, SeqClass, Stage, TimestampClass};

use crate::state::State;

/// The rules of a profile, in order, each stage's together.
#[derive(Clone, Debug)]
pub struct Table {
    rules: [Rule; Table::CAPACITY],
    len: usize,
    /// Where each stage's rules begin and end.
    bounds: [(usize, usize); Stage::ALL.len()],
    /// For each stage and state, which of the stage's rules apply: bit `i` for the one at place `i`.
    apply: [[u64; State::ALL.len()]; Stage::ALL.len()],
    /// Where each rule stands, by its index; [`Table::CAPACITY`] if it is not in this table.
    places: [usize; Table::CAPACITY],
}

/// Every rule of every profile, and every deviation.
static CATALOGUE: Table = Table::select(None, true);
static LITERAL_9293: Table = Table::select(Some(Profile::Literal9293), false);
static RFC_793: Table = Table::select(Some(Profile::Rfc793), false);
static REPAIRED: Table = Table::select(Some(Profile::Repaired), false);
static LINUX: Table = Table::select(Some(Profile::Repaired), true);

impl Table {
    /// The greatest number of rules a table holds.
    pub const CAPACITY: usize = 224;

    /// The parts of the table. Within a stage the order of rules is their order here.
    const PARTS: [&'static [Rule]; 11] = [
        deviations::LINUX,
        calls::RULES,
        arrival::RULES,
        sequence::RULES,
        reset::RULES,
        syn::RULES,
        ack::RULES,
        text_fin::RULES,
        sent::RULES,
        timeouts::RULES,
        sent::PERSIST_RULES,
    ];

    /// The table of a profile.
    #[must_use]
    pub fn of(profile: Profile) -> &'static Table {
        match profile {
            Profile::Literal9293 => &LITERAL_9293,
            Profile::Rfc793 => &RFC_793,
            Profile::Repaired => &REPAIRED,
        }
    }

    /// The table that the stack runs: RFC 9293 with its defects repaired.
    #[must_use]
    pub fn repaired() -> &'static Table {
        &REPAIRED
    }

    /// What Linux is known to do: the repaired table, with the rows of its deviations before those they replace.
    #[must_use]
    pub fn linux() -> &'static Table {
        &LINUX
    }

    /// All rules in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules[..self.len]
    }

    /// The rules of one stage in order.
    #[must_use]
    pub fn stage(&self, stage: Stage) -> &[Rule] {
        let (first, end) = self.bounds[stage.index()];
        &self.rules[first..end]
    }

    /// The rules of one stage that apply in this state, in order.
    pub fn rules_in(&self, stage: Stage, state: State) -> impl Iterator<Item = &Rule> {
        let rules = self.stage(stage);
        let mut left = self.apply[stage.index()][state.index()];
        core::iter::from_fn(move || {
            let next = usize::try_from(left.trailing_zeros()).ok()?;
            left &= left.wrapping_sub(1);
            rules.get(next)
        })
    }

    /// The rule with this id, if this table has it.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        let &place = self.places.get(id.index())?;
        self.rules().get(place)
    }

    /// The rule of this name, if this table has it.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Rule> {
        self.rules().iter().find(|rule| rule.name == name)
    }

    /// Every rule of every profile and every deviation, whether or not it is in force together with the others.
    #[must_use]
    pub fn catalogue() -> &'static Table {
        &CATALOGUE
    }

    /// A copy in which `change` has had a word on each rule: `None` removes it. For mutants; a rule keeps its stage.
    #[must_use]
    pub fn mutate(&self, change: impl Fn(Rule) -> Option<Rule>) -> Table {
        let mut mutant = Table::empty();
        for rule in self.rules().iter().filter_map(|&rule| change(rule)) {
            mutant.push(rule);
        }
        mutant
    }

    /// Whether an event at this stage can find the connection in this state. Where it can, a rule always fires.
    #[must_use]
    pub fn covers(&self, stage: Stage, state: State) -> bool {
        self.apply[stage.index()][state.index()] != 0
    }

    /// The rules of a profile, or of all of them, those of a stage together and deviations before the others. Each is
    /// numbered by its place among all.
    const fn select(profile: Option<Profile>, deviating: bool) -> Table {
        let mut table = Table::empty();
        let mut stage = 0;
        while stage < Stage::ALL.len() {
            let mut number = 0;
            let mut part = 0;
            while part < Table::PARTS.len() {
                let rules = Table::PARTS[part];
                let mut i = 0;
                while i < rules.len() {
                    let wanted = match (rules[i].kind, profile) {
                        (Kind::Deviation { .. }, _) => deviating,
                        (_, Some(profile)) => rules[i].profiles.has(profile),
                        (_, None) => true,
                    };
                    if wanted && rules[i].stage.index() == stage {
                        table.push(Rule { id: RuleId::new(number), ..rules[i] });
                    }
                    number += 1;
                    i += 1;
                }
                part += 1;
            }
            stage += 1;
        }
        table
    }

    const fn empty() -> Table {
        Table {
            rules: [calls::RULES[0]; Table::CAPACITY],
            len: 0,
            bounds: [(0, 0); Stage::ALL.len()],
            apply: [[0; State::ALL.len()]; Stage::ALL.len()],
            places: [Table::CAPACITY; Table::CAPACITY],
        }
    }

    /// Appends a rule; a stage whose rules do not stand together does not compile.
    const fn push(&mut self, rule: Rule) {
        let at = rule.stage.index();
        if self.bounds[at].1 == 0 {
            self.bounds[at] = (self.len, self.len);
        }
        assert!(self.bounds[at].1 == self.len, "the rules of a stage stand together");
        let mut state = 0;
        while state < State::ALL.len() {
            if rule.states.has(State::ALL[state]) {
                self.apply[at][state] |= 1 << (self.len - self.bounds[at].0);
            }
            state += 1;
        }
        self.rules[self.len] = rule;
        self.places[rule.id.index()] = self.len;
        self.len += 1;
        self.bounds[at].1 = self.len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_indices_find_what_a_search_finds() {
        for table in [Table::catalogue(), Table::linux(), Table::of(Profile::Literal9293), Table::repaired()] {
            for id in Table::catalogue().rules().iter().map(|rule| rule.id) {
                let found = table.rules().iter().find(|rule| rule.id == id);
                assert_eq!(table.rule(id).map(|rule| rule.name), found.map(|rule| rule.name));
            }
            for (stage, state) in Stage::ALL.into_iter().flat_map(|stage| State::ALL.map(|state| (stage, state))) {
                let apply = table.stage(stage).iter().filter(|rule| rule.states.has(state)).map(|rule| rule.id);
                assert!(table.rules_in(stage, state).map(|rule| rule.id).eq(apply), "{stage:?} {state}");
            }
        }
    }
}
