//! The state diagram, as the rules draw it.

use super::relation::{Cause, Relation, Step};
use super::words;
use crate::state::{State, StateSet};
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// From this many states on, an event that leads to the same state is told in a note instead of drawn.
const MANY: usize = 4;

/// A Mermaid `stateDiagram-v2`: every state that can be reached, every step that a rule can make, labelled with the event
/// and the actions of Figure 5. A segment that makes several steps walks along several arrows.
#[must_use]
pub fn mermaid(table: &Table) -> String {
    let relation = Relation::of(table);
    let steps = relation.steps();
    let (noted, drawn): (Vec<Step>, Vec<Step>) = steps.iter().partition(|step| sources(&steps, step).len() >= MANY);
    let mut text = String::from("stateDiagram-v2\n");
    for &state in &relation.states {
        line(&mut text, &format!("state \"{state}\" as {}", node(state)));
    }
    line(&mut text, &format!("[*] --> {}", node(State::Closed)));
    for ((from, to), labels) in arrows(table, &drawn) {
        line(&mut text, &format!("{} --> {} : {}", node(from), node(to), labels.join("<br/>")));
    }
    for (to, sentences) in notes(table, &noted) {
        line(&mut text, &format!("note right of {}", node(to)));
        for sentence in sentences {
            line(&mut text, &format!("    {sentence}"));
        }
        line(&mut text, "end note");
    }
    text
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "    {line}").expect("a String can be written to");
}

/// A name without hyphens, which Mermaid would take for an arrow.
fn node(state: State) -> String {
    format!("{state:?}")
}

/// The states from which this step's event leads to where it leads.
fn sources(steps: &BTreeSet<Step>, step: &Step) -> BTreeSet<State> {
    let alike = steps.iter().filter(|other| (other.cause, other.to) == (step.cause, step.to));
    alike.map(|other| other.from).collect()
}

/// One arrow for each pair of states, one label for each set of actions.
fn arrows(table: &Table, steps: &[Step]) -> BTreeMap<(State, State), Vec<String>> {
    let mut causes: BTreeMap<(State, State), BTreeMap<String, BTreeSet<Cause>>> = BTreeMap::new();
    for step in steps {
        causes.entry((step.from, step.to)).or_default().entry(deeds(table, step)).or_default().insert(step.cause);
    }
    let label = |(deeds, causes): (String, BTreeSet<Cause>)| {
        let causes: Vec<&str> = causes.into_iter().map(words::cause).collect();
        with_deeds(&causes.join(" or "), &deeds)
    };
    causes.into_iter().map(|(ends, labels)| (ends, labels.into_iter().map(label).collect())).collect()
}

fn deeds(table: &Table, step: &Step) -> String {
    let acts = table.rule(step.rule).map_or(&[][..], |rule| rule.then);
    acts.iter().filter_map(|&act| words::deed(act)).collect::<Vec<_>>().join(", ")
}

/// As in Figure 5, but with nothing where the figure has an `x`.
fn with_deeds(event: &str, deeds: &str) -> String {
    if deeds.is_empty() { event.to_owned() } else { format!("{event} / {deeds}") }
}

/// For each state, the events that lead there from many states, with what is done in all of them, and from which.
fn notes(table: &Table, steps: &[Step]) -> BTreeMap<State, Vec<String>> {
    let mut alike: BTreeMap<(State, Cause), (BTreeSet<State>, BTreeSet<String>)> = BTreeMap::new();
    for step in steps {
        let (sources, actions) = alike.entry((step.to, step.cause)).or_default();
        sources.insert(step.from);
        actions.insert(deeds(table, step));
    }
    let mut notes: BTreeMap<State, Vec<String>> = BTreeMap::new();
    for ((to, cause), (sources, actions)) in alike {
        let common = if actions.len() == 1 { actions.into_iter().collect() } else { String::new() };
        let sources: Vec<State> = sources.into_iter().collect();
        let event = with_deeds(words::cause(cause), &common);
        notes.entry(to).or_default().push(format!("{event}, from {}", words::states(StateSet::of(&sources))));
    }
    notes
}
