//! The state diagram, as the rules draw it: its arrows and notes here, each form in a room of its own.
//!
//! Every form shows the same: one arrow for each pair of states, and, since an event that leads from nearly everywhere to the
//! same state would bury the picture under its arrows, a note for each of those.

mod dot;
pub mod geometry;
pub mod lettering;
mod mermaid;
mod svg;

pub use dot::dot;
pub use mermaid::mermaid;
pub use svg::svg;

use super::relation::{Cause, Relation, Step};
use super::words;
use crate::state::{State, StateSet};
use crate::table::{RuleId, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

/// From this many states on, an event that leads to the same state is told in a note instead of drawn.
const MANY: usize = 4;

/// What a table draws.
#[derive(Clone, Debug)]
pub struct Diagram {
    /// The states that can be reached.
    pub states: BTreeSet<State>,
    /// The steps that rules can make, all those between the same two states together. A segment that makes several steps
    /// walks along several arrows.
    pub arrows: Vec<Arrow>,
    /// What leads to the same state from many.
    pub notes: Vec<Note>,
}

/// From one state to another.
#[derive(Clone, Debug)]
pub struct Arrow {
    /// Here it begins.
    pub from: State,
    /// Here it ends.
    pub to: State,
    /// One for each set of actions.
    pub labels: Vec<Label>,
}

/// From many states to one.
#[derive(Clone, Debug)]
pub struct Note {
    /// The states from which it leads ...
    pub from: BTreeSet<State>,
    /// ... to this one.
    pub to: State,
    /// The event and what is done.
    pub label: Label,
}

/// What stands at an arrow, in the terms of Figure 5.
#[derive(Clone, Debug)]
pub struct Label {
    /// Any of these events ...
    pub causes: BTreeSet<Cause>,
    /// ... makes this happen; empty where Figure 5 has an `x`.
    pub deeds: String,
    /// The rules that say so.
    pub rules: BTreeSet<RuleId>,
}

impl Diagram {
    /// What this table draws.
    #[must_use]
    pub fn of(table: &Table) -> Diagram {
        let relation = Relation::of(table);
        let steps = relation.steps();
        let (noted, drawn): (Vec<Step>, Vec<Step>) = steps.iter().partition(|step| sources(&steps, step).len() >= MANY);
        Diagram { states: relation.states, arrows: arrows(table, &drawn), notes: notes(table, &noted) }
    }
}

/// The states from which this step's event leads to where it leads.
fn sources(steps: &BTreeSet<Step>, step: &Step) -> BTreeSet<State> {
    let alike = steps.iter().filter(|other| (other.cause, other.to) == (step.cause, step.to));
    alike.map(|other| other.from).collect()
}

fn arrows(table: &Table, steps: &[Step]) -> Vec<Arrow> {
    let mut ends: BTreeMap<(State, State), BTreeMap<String, Label>> = BTreeMap::new();
    for step in steps {
        add(ends.entry((step.from, step.to)).or_default(), deeds(table, step), step);
    }
    ends.into_iter().map(|((from, to), labels)| Arrow { from, to, labels: labels.into_values().collect() }).collect()
}

/// One note for each event and set of actions.
fn notes(table: &Table, steps: &[Step]) -> Vec<Note> {
    let mut alike: BTreeMap<(State, Cause, String), Vec<Step>> = BTreeMap::new();
    for step in steps {
        alike.entry((step.to, step.cause, deeds(table, step))).or_default().push(*step);
    }
    let note = |((to, cause, deeds), steps): ((State, Cause, String), Vec<Step>)| Note {
        from: steps.iter().map(|step| step.from).collect(),
        to,
        label: Label { causes: [cause].into(), deeds, rules: steps.iter().map(|step| step.rule).collect() },
    };
    alike.into_iter().map(note).collect()
}

fn add(labels: &mut BTreeMap<String, Label>, deeds: String, step: &Step) {
    let new = || Label { causes: BTreeSet::new(), deeds: deeds.clone(), rules: BTreeSet::new() };
    let label = labels.entry(deeds.clone()).or_insert_with(new);
    label.causes.insert(step.cause);
    label.rules.insert(step.rule);
}

/// What the step's rule does of what a figure shows. Who leaves CLOSED, where there is no TCB, has created one.
fn deeds(table: &Table, step: &Step) -> String {
    let acts = table.rule(step.rule).map_or(&[][..], |rule| rule.then);
    let created = (step.from == State::Closed).then_some("create TCB");
    created.into_iter().chain(acts.iter().filter_map(|&act| words::deed(act))).collect::<Vec<_>>().join(", ")
}

impl Label {
    /// The events, as one or the other.
    #[must_use]
    pub fn event(&self) -> String {
        let causes: Vec<&str> = self.causes.iter().map(|&cause| words::cause(cause)).collect();
        causes.join(" or ")
    }

    /// Each of its rules with the words that it follows, a line each.
    #[must_use]
    pub fn hint(&self, table: &Table) -> String {
        self.hint_in(StateSet::ALL, table)
    }

    /// The same, of the rules for one of these states.
    #[must_use]
    pub fn hint_in(&self, states: StateSet, table: &Table) -> String {
        let rules = self.rules.iter().filter_map(|&id| table.rule(id));
        let here = rules.filter(|rule| rule.states.iter().any(|state| states.has(state)));
        let lines = here.flat_map(|rule| rule.cite.iter().map(move |cite| format!("\n{}: {cite}", rule.name)));
        lines.collect()
    }
}

impl fmt::Display for Label {
    /// As in Figure 5, but with nothing where the figure has an `x`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.event())?;
        if self.deeds.is_empty() { Ok(()) } else { write!(f, " / {}", self.deeds) }
    }
}

/// A name of a state without hyphens, which the languages of diagrams would take for arrows.
fn node(state: State) -> String {
    format!("{state:?}")
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a String can be written to");
}
