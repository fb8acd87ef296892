//! The diagram in Mermaid, which draws it wherever Markdown is shown.

use super::{Diagram, Note, line, node};
use crate::render::words;
use crate::state::{State, StateSet};
use crate::table::Table;
use std::collections::BTreeMap;

/// A Mermaid `stateDiagram-v2`.
#[must_use]
pub fn mermaid(table: &Table) -> String {
    let diagram = Diagram::of(table);
    let mut text = String::from("stateDiagram-v2\n");
    let mut add = |what: &str| line(&mut text, &format!("    {what}"));
    for &state in &diagram.states {
        add(&format!("state \"{state}\" as {}", node(state)));
    }
    add(&format!("[*] --> {}", node(State::Closed)));
    for arrow in &diagram.arrows {
        let labels: Vec<String> = arrow.labels.iter().map(ToString::to_string).collect();
        add(&format!("{} --> {} : {}", node(arrow.from), node(arrow.to), labels.join("<br/>")));
    }
    for (to, notes) in by_target(&diagram.notes) {
        add(&format!("note right of {}", node(to)));
        for note in notes {
            let from: Vec<State> = note.from.iter().copied().collect();
            add(&format!("    {}, from {}", note.label, words::states(StateSet::of(&from))));
        }
        add("end note");
    }
    text
}

fn by_target(notes: &[Note]) -> BTreeMap<State, Vec<&Note>> {
    let mut targets: BTreeMap<State, Vec<&Note>> = BTreeMap::new();
    for note in notes {
        targets.entry(note.to).or_default().push(note);
    }
    targets
}
