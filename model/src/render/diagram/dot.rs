//! The diagram in the language of Graphviz, whose `dot` finds the ways by itself.

use super::geometry::{BEGIN, BOXES, Line, Point, ROUTES, ends};
use super::{Arrow, Diagram, Note, line, node};
use crate::render::words;
use crate::state::{State, StateSet};
use crate::table::Table;

/// A `digraph` whose ranks are the rows of Figure 5, CLOSED twice as there.
#[must_use]
pub fn dot(table: &Table) -> String {
    let diagram = Diagram::of(table);
    let mut text = String::from("digraph tcp {\n");
    let mut add = |what: &str| line(&mut text, &format!("    {what}"));
    add("graph [bgcolor=white, nodesep=0.8, ranksep=0.6];");
    add("node [shape=box, style=rounded, fontname=\"Helvetica-Bold\", width=1.6];");
    add("edge [fontname=\"Helvetica\", fontsize=10];");
    for row in rows(&diagram) {
        let declared = row.iter().map(|(name, state)| format!("{name} [label=\"{state}\"]; "));
        let order = row.windows(2).map(|pair| format!("{} -> {} [style=invis]; ", pair[0].0, pair[1].0));
        add(&format!("{{ rank=same; {}}}", declared.chain(order).collect::<String>()));
    }
    for arrow in &diagram.arrows {
        add(&edge(arrow, table));
    }
    add(&format!(
        "notes [shape=note, style=\"\", fontname=\"Helvetica\", fontsize=10, label={}];",
        notes(&diagram.notes)
    ));
    add(&format!("{{ rank=same; {}; notes }}", node(State::Closed)));
    text + "}\n"
}

/// The name of a state's node; CLOSED has another where a connection ends than where it begins.
fn name(state: State, middle: Point) -> String {
    if state == State::Closed && middle != BEGIN { "ClosedAgain".to_owned() } else { node(state) }
}

/// The nodes from above to below, each row from left to right.
fn rows(diagram: &Diagram) -> Vec<Vec<(String, State)>> {
    let mut rows: Vec<(i32, Vec<(String, State)>)> = Vec::new();
    for &(state, (x, y)) in BOXES.iter().filter(|(state, _)| diagram.states.contains(state)) {
        let name = name(state, (x, y));
        match rows.last_mut() {
            Some((here, row)) if *here == y => row.push((name, state)),
            Some(_) | None => rows.push((y, vec![(name, state)])),
        }
    }
    rows.into_iter().map(|(_, row)| row).collect()
}

fn edge(arrow: &Arrow, table: &Table) -> String {
    let Arrow { from, to, labels } = arrow;
    let words = labels.iter().map(|label| format!(" {label}")).collect();
    let hints: String = labels.iter().map(|label| label.hint(table)).collect();
    let (above, below) = ends(*from, *to);
    let (source, target) = (name(*from, above), name(*to, below));
    let in_figure = ROUTES.iter().any(|route| route.joins(arrow) && route.line == Line::Figure);
    let beyond = if in_figure { "" } else { ", style=dashed, color=gray50, fontcolor=gray30" };
    // The ranks come from the arrows that lead down; one that leads up is declared downwards.
    let (ends, back) = if below.1 < above.1 {
        (format!("{target} -> {source}"), ", dir=back")
    } else {
        (format!("{source} -> {target}"), "")
    };
    let straight = if above.0 == below.0 { ", weight=20" } else { "" };
    format!(
        "{ends} [label={}, tooltip={}{beyond}{back}{straight}];",
        quoted(words, "\\n"),
        quoted(hints.trim().lines().map(str::to_owned).collect(), "\\n")
    )
}

fn notes(notes: &[Note]) -> String {
    let line = |note: &Note| {
        let from: Vec<State> = note.from.iter().copied().collect();
        format!("{}, to {} from {}", note.label, note.to, words::states(StateSet::of(&from)))
    };
    quoted(notes.iter().map(line).collect(), "\\l")
}

/// A string of these lines, each ended by `end`.
fn quoted(lines: Vec<String>, end: &str) -> String {
    let escaped = lines.into_iter().map(|line| line.replace('\\', "\\\\").replace('"', "\\\"") + end);
    format!("\"{}\"", escaped.collect::<String>())
}
