//! What the relation says a table can do is what the engine does with it: a long random walk meets no situation that is
//! called contradictory, and all changes and rules of the relation, and no others.

mod common;

use common::whim::Whim;
use lockstep_model::engine::guard::Facts;
use lockstep_model::render::contradictions::{Contradiction, OF_A_CONNECTION, OF_A_SEGMENT};
use lockstep_model::render::relation::{Change, Relation};
use lockstep_model::table::{Next, Stage};
use lockstep_model::{Accepted, Event, Fired, Mod, Profile, RuleId, State, Table, Tcb, step};
use std::collections::BTreeSet;

/// A circle that a walk goes round many times.
type Seq = Mod<5>;

/// Enough for the rarest rule.
const EVENTS: u32 = 4_000_000;

#[test]
fn the_engine_does_to_the_letter_of_rfc_9293_what_the_relation_says() {
    compare(Table::of(Profile::Literal9293));
}

#[test]
fn the_engine_does_to_the_letter_of_rfc_793_what_the_relation_says() {
    compare(Table::of(Profile::Rfc793));
}

#[test]
fn the_engine_does_with_the_repaired_table_what_the_relation_says() {
    compare(Table::repaired());
}

#[test]
fn the_engine_does_with_the_rows_of_linux_what_the_relation_says() {
    compare(Table::linux());
}

fn compare(table: &'static Table) {
    let relation = Relation::of(table);
    let seen = Walk::through(table);
    assert!(relation.holes.is_empty(), "situations without a rule: {:?}", relation.holes);
    assert_same("rules", &seen.fired, &relation.fired);
    assert_same("checks without a rule", &seen.uncovered, &relation.uncovered);
    assert_same("changes", &seen.changes, &relation.changes.iter().map(steps_of).collect());
}

fn assert_same<T: Ord + std::fmt::Debug>(what: &str, seen: &BTreeSet<T>, said: &BTreeSet<T>) {
    let unsaid: Vec<&T> = seen.difference(said).collect();
    let unseen: Vec<&T> = said.difference(seen).collect();
    assert!(
        unsaid.is_empty() && unseen.is_empty(),
        "{what}: seen but not said {unsaid:#?}, said but not seen {unseen:#?}"
    );
}

/// A change without its causes, which the engine does not know.
type Steps = Vec<(State, State, RuleId)>;

fn steps_of(change: &Change) -> Steps {
    change.steps.iter().map(|step| (step.from, step.to, step.rule)).collect()
}

/// A connection to which everything happens.
struct Walk {
    table: &'static Table,
    tcb: Tcb<Seq>,
    host: Whim<Seq>,
    fired: BTreeSet<(RuleId, State)>,
    uncovered: BTreeSet<(Stage, State)>,
    changes: BTreeSet<Steps>,
}

impl Walk {
    fn through(table: &'static Table) -> Walk {
        let mut walk = Walk {
            table,
            tcb: Tcb::closed(),
            host: Whim::new(0),
            fired: BTreeSet::new(),
            uncovered: BTreeSet::new(),
            changes: BTreeSet::new(),
        };
        for _ in 0..EVENTS {
            walk.host.change_mind();
            if let Some(event) = walk.host.any_event(&walk.tcb) {
                walk.happens(event);
            }
        }
        walk
    }

    fn happens(&mut self, event: Event<Seq>) {
        let from = self.tcb.state();
        self.check_situation(&event);
        let fired = step(self.table, &mut self.tcb, event, &mut self.host);
        let steps = self.follow(from, fired);
        assert_eq!(steps.last().map_or(from, |step| step.1), self.tcb.state());
        if !steps.is_empty() {
            self.changes.insert(steps);
        }
        let first = fired.iter().next().and_then(|id| self.table.rule(id));
        let stage = Stage::entered_by(&event, from);
        if first.is_none_or(|rule| rule.stage != stage) {
            self.uncovered.insert((stage, from));
        }
    }

    fn check_situation(&self, event: &Event<Seq>) {
        let facts = Facts::gather(&self.tcb, event, Accepted::default(), &self.host);
        let of_a_segment = if matches!(event, Event::Arrives(_)) { OF_A_SEGMENT } else { &[] };
        for Contradiction { states, guards, why } in of_a_segment.iter().chain(OF_A_CONNECTION) {
            let applies = states.has(self.tcb.state());
            let holds = guards.iter().all(|&guard| facts.satisfy(guard));
            assert!(!(applies && holds), "{why}, but {guards:?} in {:?} before {event:?}", self.tcb);
        }
    }

    /// The steps of the rules that fired.
    fn follow(&mut self, from: State, fired: Fired) -> Steps {
        let mut state = from;
        let mut steps = Steps::new();
        for id in fired.iter() {
            self.fired.insert((id, state));
            match self.table.rule(id).map(|rule| rule.next) {
                Some(Next::To(to)) => {
                    steps.push((state, to, id));
                    state = to;
                }
                Some(Next::Stay) => {}
                None => panic!("{id} is a rule of another table"),
            }
        }
        steps
    }
}
