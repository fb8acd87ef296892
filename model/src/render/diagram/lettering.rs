//! Where the words at an arrow stand.

use super::Label;
use super::geometry::{Point, Route, Side};

/// The height of a line.
const LINE: i32 = 15;
/// From the middle of a line of words down to its foot, and from there to what stands below.
const FOOT: i32 = 6;
/// What a bar takes between two lines.
const GAP: i32 = 3;

/// Words in their place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Words {
    /// The foot of the line, at the end that `hold` names.
    pub at: Point,
    /// Which end of the words that is.
    pub hold: Hold,
    /// The words.
    pub text: String,
}

/// An end of some words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// They begin there.
    Start,
    /// They are centred there.
    Middle,
    /// They end there.
    End,
}

/// The words of an arrow's labels, and the bars that part events from actions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lettering {
    /// Top to bottom.
    pub words: Vec<Words>,
    /// From left to right, each at one height.
    pub bars: Vec<(Point, Point)>,
}

/// The words of these labels along this route.
#[must_use]
pub fn letter(labels: &[Label], route: &Route) -> Lettering {
    let (at, side) = route.label;
    match side {
        Side::Across => across(labels, at),
        Side::Left => beside(labels, at, Hold::End),
        Side::Right => beside(labels, at, Hold::Start),
        Side::Along => {
            let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
            let words = Words { at: (at.0, at.1 - FOOT), hold: Hold::Middle, text: labels.join("; ") };
            Lettering { words: vec![words], bars: Vec::new() }
        }
    }
}

/// The last label has the arrow for its bar, the others stand above it in a line each.
fn across(labels: &[Label], (x, y): Point) -> Lettering {
    let mut lettering = Lettering::default();
    let mut add = |y, text: String| lettering.words.push(Words { at: (x, y), hold: Hold::Middle, text });
    let Some((last, others)) = labels.split_last() else { return lettering };
    let top = y - FOOT - LINE * lines(others);
    for (label, line) in others.iter().zip(0..) {
        add(top + LINE * line, label.to_string());
    }
    add(y - FOOT, last.event());
    if !last.deeds.is_empty() {
        add(y + LINE, last.deeds.clone());
    }
    lettering
}

/// Centred on the height of the place, each label with its own bar.
fn beside(labels: &[Label], (x, y): Point, hold: Hold) -> Lettering {
    let mut lettering = Lettering::default();
    let height: i32 = labels.iter().map(|label| if label.deeds.is_empty() { LINE } else { 2 * LINE + GAP }).sum();
    let mut foot = y - height / 2 + LINE / 2 + FOOT;
    for label in labels {
        let event = label.event();
        let mut add = |foot, text: &str| lettering.words.push(Words { at: (x, foot), hold, text: text.to_owned() });
        add(foot, &event);
        if !label.deeds.is_empty() {
            let bar = foot + FOOT;
            let (event, deeds) = (span(x, hold, &event), span(x, hold, &label.deeds));
            foot += LINE + GAP;
            add(foot, &label.deeds);
            lettering.bars.push(((event.0.min(deeds.0), bar), (event.1.max(deeds.1), bar)));
        }
        foot += LINE;
    }
    lettering
}

fn lines(labels: &[Label]) -> i32 {
    i32::try_from(labels.len()).unwrap_or(i32::MAX / LINE)
}

impl Words {
    /// The corners of the place that they take, upper left and lower right.
    #[must_use]
    pub fn place(&self) -> (Point, Point) {
        let (left, right) = span(self.at.0, self.hold, &self.text);
        ((left, self.at.1 - LINE + 4), (right, self.at.1 + 3))
    }
}

/// From where to where words reach.
fn span(x: i32, hold: Hold, text: &str) -> (i32, i32) {
    let width = width(text);
    match hold {
        Hold::Start => (x, x + width),
        Hold::Middle => (x - width / 2, x + width / 2),
        Hold::End => (x - width, x),
    }
}

/// How wide words are in Helvetica at 13 pixels, to a few percent.
fn width(text: &str) -> i32 {
    let thousandths: i32 = text
        .chars()
        .map(|letter| match letter {
            'i' | 'j' | 'l' | 't' | 'f' | 'r' | 'I' | ' ' | ',' | ';' | '.' | '/' | '-' => 290,
            'm' | 'w' | 'M' | 'W' => 850,
            'A'..='Z' => 690,
            _ => 550,
        })
        .sum();
    thousandths * 13 / 1000
}
