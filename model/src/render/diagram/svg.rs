//! The diagram as a drawing: one page, black on white, every arrow with its rules and their words when pointed at.

use super::geometry::{BOXES, HALF_BOX, Line, PAGE, Point, ROUTES, Route};
use super::lettering::{Hold, Lettering, Words, letter};
use super::{Arrow, Diagram, Label, Note, line};
use crate::render::escape;
use crate::state::{State, StateSet};
use crate::table::Table;

/// A self-contained SVG of one page.
#[must_use]
pub fn svg(table: &Table) -> String {
    let diagram = Diagram::of(table);
    let (width, height) = PAGE;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"tcp-states\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{NAME}\">\n<style>{STYLE}</style>\n{TIPS}\n\
         <rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n"
    );
    // What comes later lies above.
    for wanted in [Line::Beyond, Line::Figure] {
        for (arrow, route) in routed(&diagram).filter(|(_, route)| route.line == wanted) {
            line(&mut text, &draw_arrow(arrow, route, table));
        }
    }
    for &(state, middle) in BOXES.iter().filter(|(state, _)| diagram.states.contains(state)) {
        line(&mut text, &draw_state(state, middle, &diagram.notes, table));
    }
    text + &draw_notes(&diagram, table) + KEY + "</svg>\n"
}

const NAME: &str = "The states of a TCP connection and what leads from one to the next";

/// The class keeps the style away from what else is on a page that shows the drawing.
const STYLE: &str = "
.tcp-states { font-family: Helvetica, Arial, 'Liberation Sans', sans-serif; font-size: 13px; fill: #111; }
.tcp-states .page { fill: #fff; }
.tcp-states .box { fill: #fff; stroke: #111; stroke-width: 1.6; }
.tcp-states .name { font-size: 15px; font-weight: bold; text-anchor: middle; }
.tcp-states .way, .tcp-states .bar { fill: none; stroke: #111; stroke-width: 1.3; }
.tcp-states .bar { stroke-width: 0.7; }
.tcp-states .reach { fill: none; stroke: #000; stroke-opacity: 0; stroke-width: 14; }
.tcp-states .label { stroke: #fff; stroke-width: 3; stroke-linejoin: round; paint-order: stroke; }
.tcp-states .beyond { fill: #555; }
.tcp-states .beyond .way, .tcp-states .beyond .bar { stroke: #888; stroke-width: 1.1; stroke-dasharray: 5 3; }
.tcp-states .mark circle { fill: #eee; stroke: #888; stroke-width: 0.8; }
.tcp-states .mark text { font-size: 10px; text-anchor: middle; fill: #333; }
.tcp-states .heading { font-weight: bold; }
.tcp-states .arrow:hover .way { stroke-width: 2.6; }
.tcp-states .arrow:hover .label, .tcp-states .note:hover { font-weight: bold; }
.tcp-states .note:hover circle { fill: #ccc; }
";

const TIPS: &str = "<defs>\n\
    <marker id=\"tcp-states-tip\" viewBox=\"0 0 10 8\" refX=\"9\" refY=\"4\" markerWidth=\"10\" markerHeight=\"8\" \
    markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0,0 L10,4 L0,8 L2,4 z\" fill=\"#111\"/></marker>\n\
    <marker id=\"tcp-states-tip-beyond\" viewBox=\"0 0 10 8\" refX=\"9\" refY=\"4\" markerWidth=\"10\" markerHeight=\"8\" \
    markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0,0 L10,4 L0,8 L2,4 z\" fill=\"#888\"/></marker>\n\
    </defs>";

/// The arrows that have a way, in the order of the ways.
fn routed(diagram: &Diagram) -> impl Iterator<Item = (&Arrow, &'static Route)> {
    let arrow_on = |route: &'static Route| {
        let arrow = diagram.arrows.iter().find(|arrow| route.joins(arrow));
        arrow.map(|arrow| (arrow, route))
    };
    ROUTES.iter().filter_map(arrow_on)
}

fn draw_arrow(arrow: &Arrow, route: &Route, table: &Table) -> String {
    let hints: Vec<String> = arrow.labels.iter().map(|label| format!("\n{label}{}", label.hint(table))).collect();
    let title = escape(&format!("{} to {}{}", arrow.from, arrow.to, hints.concat()));
    let (class, tip) = match route.line {
        Line::Figure => ("arrow", "tcp-states-tip"),
        Line::Beyond => ("arrow beyond", "tcp-states-tip-beyond"),
    };
    let way = way(route.points);
    format!(
        "<g class=\"{class}\"><title>{title}</title>\n<path class=\"reach\" d=\"{way}\"/>\n\
         <path class=\"way\" d=\"{way}\" marker-end=\"url(#{tip})\"/>\n{}</g>",
        draw_labels(&arrow.labels, route)
    )
}

/// Straight lines with rounded corners.
fn way(points: &[Point]) -> String {
    const RADIUS: i32 = 10;
    let mut way = String::new();
    for (place, &(x, y)) in points.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|before| points.get(before));
        way += &match (before, points.get(place + 1)) {
            (None, _) => format!("M{x},{y}"),
            (Some(_), None) => format!(" L{x},{y}"),
            (Some(&before), Some(&after)) => {
                let (near, far) = (towards((x, y), before, RADIUS), towards((x, y), after, RADIUS));
                format!(" L{},{} Q{x},{y} {},{}", near.0, near.1, far.0, far.1)
            }
        };
    }
    way
}

/// The point so far from one point on the way to another, which lies straight left, right, above or below.
fn towards((x, y): Point, (to_x, to_y): Point, distance: i32) -> Point {
    let (right, down) = (to_x - x, to_y - y);
    (x + right.signum() * distance.min(right.abs() / 2), y + down.signum() * distance.min(down.abs() / 2))
}

fn draw_labels(labels: &[Label], route: &Route) -> String {
    let Lettering { words, bars } = letter(labels, route);
    let bars = bars.iter().map(|((left, y), (right, _))| format!("<path class=\"bar\" d=\"M{left},{y} H{right}\"/>\n"));
    let words = words.iter().map(|Words { at: (x, y), hold, text }| {
        let anchor = match hold {
            Hold::Start => "start",
            Hold::Middle => "middle",
            Hold::End => "end",
        };
        format!("<text class=\"label\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>\n", escape(text))
    });
    words.chain(bars).collect()
}

/// Half the distance between two marks.
const MARK: i32 = 10;

/// A box with the state's name and the marks of the notes that lead away from it.
fn draw_state(state: State, (x, y): Point, notes: &[Note], table: &Table) -> String {
    let away: Vec<(char, &Note)> = lettered(notes).filter(|(_, note)| note.from.contains(&state)).collect();
    let (half_width, half_height) = HALF_BOX;
    let first = away.iter().skip(1).fold(x, |x, _| x - MARK);
    let foot = if away.is_empty() { y + 5 } else { y - 3 };
    let marks = away.iter().zip(0..).map(|((letter, note), place)| {
        let hint = note.label.hint_in(StateSet::of(&[state]), table);
        let title = escape(&format!("{state} to {}\n{}{hint}", note.to, note.label));
        let mark = mark((first + 2 * MARK * place, y + 12), *letter);
        format!("\n<g class=\"note\"><title>{title}</title>{mark}</g>")
    });
    let marks: String = marks.collect();
    format!(
        "<rect class=\"box\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"7\"/>\
         <text class=\"name\" x=\"{x}\" y=\"{foot}\">{state}</text>{marks}",
        x - half_width,
        y - half_height,
        2 * half_width,
        2 * half_height
    )
}

/// The notes, each with its letter.
fn lettered(notes: &[Note]) -> impl Iterator<Item = (char, &Note)> {
    ('a'..='z').zip(notes)
}

fn mark((x, y): Point, letter: char) -> String {
    let foot = y + 3;
    format!("<g class=\"mark\"><circle cx=\"{x}\" cy=\"{y}\" r=\"7\"/><text x=\"{x}\" y=\"{foot}\">{letter}</text></g>")
}

/// What the marks in the boxes mean.
fn draw_notes(diagram: &Diagram, table: &Table) -> String {
    const LEFT: i32 = 32;
    const LINE: i32 = 16;
    let mut text = String::new();
    let mut y = 22;
    let mut to = None;
    for (letter, note) in lettered(&diagram.notes) {
        if to.replace(note.to) != Some(note.to) {
            let heading = format!("To {} from each state with the letter:", note.to);
            line(&mut text, &format!("<text class=\"heading\" x=\"{}\" y=\"{y}\">{heading}</text>", LEFT - 8));
            y += LINE;
        }
        let title = escape(&format!("to {}\n{}{}", note.to, note.label, note.label.hint(table)));
        let mark = mark((LEFT, y - 4), letter);
        let words = escape(&note.label.to_string());
        let words = format!("<text x=\"{}\" y=\"{y}\">{words}</text>", LEFT + 14);
        line(&mut text, &format!("<g class=\"note\"><title>{title}</title>{words}{mark}</g>"));
        y += LINE;
    }
    text + &draw_unrouted(diagram, y)
}

/// The arrows of a table that no profile has may have no way; nothing is hidden, so they are told.
fn draw_unrouted(diagram: &Diagram, mut y: i32) -> String {
    let mut text = String::new();
    for arrow in diagram.arrows.iter().filter(|arrow| !ROUTES.iter().any(|route| route.joins(arrow))) {
        let labels: Vec<String> = arrow.labels.iter().map(ToString::to_string).collect();
        let words = escape(&format!("{} to {}: {}", arrow.from, arrow.to, labels.join("; ")));
        line(&mut text, &format!("<text class=\"unrouted\" x=\"24\" y=\"{y}\">{words}</text>"));
        y += 15;
    }
    text
}

/// How to read it.
const KEY: &str = "\
<path class=\"way\" d=\"M1040,776 H1080\" marker-end=\"url(#tcp-states-tip)\"/><text x=\"1090\" y=\"780\">in Figure 5</text>
<g class=\"beyond\"><path class=\"way\" d=\"M1040,798 H1080\" marker-end=\"url(#tcp-states-tip-beyond)\"/>\
<text x=\"1090\" y=\"802\">beyond it</text></g>
";
