//! A ladder as a drawing: two lines for time, an arrow for each segment that arrives.

use super::{End, Ladder, Rung, What, wrapped};
use crate::render::escape;

/// Where the lines for time run, and how wide the drawing is.
const LEFT: usize = 160;
const RIGHT: usize = 800;
const WIDTH: usize = 960;
/// The height of a line of words, and what parts one rung from the next.
const LINE: usize = 16;
const GAP: usize = 14;

const INK: &str = "#111";
const FAINT: &str = "#666";

impl Ladder {
    /// The same as a drawing, black on white.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let mut y = 2 * LINE;
        let top = y + LINE / 2;
        let mut body = heads(&self.names, LINE + 2, [true; 2]) + &heads(&self.begin, y + 2, [false; 2]);
        let mut before = &self.begin;
        for (rung, number) in self.rungs.iter().zip(1..) {
            y += LINE + GAP;
            body += &words(28, y + 4, "end", FAINT, &format!("{number}."));
            let changed = [0, 1].map(|end| rung.states[end] != before[end]);
            body += &heads(&rung.states, y + 4, changed);
            body += &happening(&rung.what, y);
            let below = consequences(rung);
            for (line, place) in below.iter().zip(1..) {
                body += &beside(rung.what.end(), y + 4 + LINE * place, 30, FAINT, line);
            }
            y += LINE * below.len();
            before = &rung.states;
        }
        let bottom = y + LINE;
        let rails = [LEFT, RIGHT].map(|x| stroke((x, top), (x, bottom))).concat();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" style=\"max-width: {WIDTH}px\" \
             role=\"img\" aria-label=\"An exchange\" font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, \
             monospace\" font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n{rails}{body}</svg>\n",
            height = bottom + LINE,
        )
    }
}

/// Something at both ends, outside the lines; bold what is new.
fn heads([left, right]: &[String; 2], y: usize, [new_left, new_right]: [bool; 2]) -> String {
    let head = |x, anchor, text, new| {
        let weight = if new { " font-weight=\"bold\"" } else { "" };
        format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"{INK}\"{weight}>{}</text>\n", escape(text))
    };
    head(LEFT - 12, "end", left, new_left) + &head(RIGHT + 12, "start", right, new_right)
}

fn happening(what: &What, y: usize) -> String {
    let middle = usize::midpoint(LEFT, RIGHT);
    let from = |end: &End| match end {
        End::Left => RIGHT,
        End::Right => LEFT,
    };
    match what {
        What::Local(end, text) => dot(rail(*end), y) + &beside(*end, y + 4, 12, INK, text),
        What::Arrival(end, text) => {
            stroke((from(end), y), (rail(*end), y)) + &tip(*end, y) + &words(middle, y - 5, "middle", INK, text)
        }
        What::Loss(end, text) => {
            let lost = words(middle, y - 7, "middle", INK, &format!("lost: {text}"));
            stroke((from(end), y), (middle, y)) + &cross(middle, y) + &lost
        }
    }
}

/// The rules that fired, then the segments that leave.
fn consequences(rung: &Rung) -> Vec<String> {
    let notes = rung.notes.iter().flat_map(|note| wrapped(note));
    let sent = rung.sent.iter().map(|(segment, fate)| {
        let fate = fate.as_ref().map_or_else(String::new, |fate| format!(" ({fate})"));
        match rung.what.end() {
            End::Left => format!("\u{2192} {segment}{fate}"),
            End::Right => format!("{segment}{fate} \u{2190}"),
        }
    });
    notes.chain(sent).collect()
}

const fn rail(end: End) -> usize {
    match end {
        End::Left => LEFT,
        End::Right => RIGHT,
    }
}

/// Words inside the lines, so far from the one at this end.
fn beside(end: End, y: usize, distance: usize, ink: &str, text: &str) -> String {
    match end {
        End::Left => words(LEFT + distance, y, "start", ink, text),
        End::Right => words(RIGHT - distance, y, "end", ink, text),
    }
}

fn words(x: usize, y: usize, anchor: &str, ink: &str, text: &str) -> String {
    format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"{ink}\">{}</text>\n", escape(text))
}

fn stroke((from_x, from_y): (usize, usize), (to_x, to_y): (usize, usize)) -> String {
    format!("<path d=\"M{from_x},{from_y} L{to_x},{to_y}\" stroke=\"{INK}\"/>\n")
}

fn dot(x: usize, y: usize) -> String {
    format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"3.5\" fill=\"{INK}\"/>\n")
}

fn tip(end: End, y: usize) -> String {
    let x = rail(end);
    let back = match end {
        End::Left => x + 10,
        End::Right => x - 10,
    };
    format!("<path class=\"tip\" d=\"M{x},{y} L{back},{} L{back},{} z\" fill=\"{INK}\"/>\n", y - 4, y + 4)
}

fn cross(x: usize, y: usize) -> String {
    stroke((x - 5, y - 5), (x + 5, y + 5)) + &stroke((x + 5, y - 5), (x - 5, y + 5))
}

#[cfg(test)]
mod tests {
    use super::super::tests::figure_6;

    #[test]
    fn the_drawing_escapes_what_segments_are_made_of() {
        let svg = figure_6().to_svg();
        assert!(svg.contains("&lt;SEQ=100&gt;&lt;CTL=SYN&gt;") && !svg.contains("<SEQ"));
        assert_eq!(svg.matches("class=\"tip\"").count(), 1, "one segment arrives");
    }
}
