//! An exchange as a ladder, in the manner of the figures of RFC 9293: both ends with their states, time downward.
//!
//! As there, `-->` and `<--` stand where a segment leaves or arrives, `...` where it is still on its way.

mod svg;

use std::fmt;

/// One of the two ends of a ladder.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum End {
    /// Time runs down on the left.
    Left,
    /// And on the right.
    Right,
}

/// An exchange.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ladder {
    /// The names of both ends.
    pub names: [String; 2],
    /// Their states before anything happens.
    pub begin: [String; 2],
    /// What happens, in order.
    pub rungs: Vec<Rung>,
}

/// Something that happens, and what follows from it at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rung {
    /// What happens.
    pub what: What,
    /// The states of both ends afterwards.
    pub states: [String; 2],
    /// Remarks, as the rules that fired, at the end where it happens.
    pub notes: Vec<String>,
    /// The segments that leave because of it, and what becomes of them if they do not just go on their way.
    pub sent: Vec<(String, Option<String>)>,
}

/// What happens on a rung.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// A call, a timer: something at one end.
    Local(End, String),
    /// A segment arrives at this end.
    Arrival(End, String),
    /// A segment that was on its way to this end is lost.
    Loss(End, String),
}

impl What {
    /// Where it happens.
    #[must_use]
    pub const fn end(&self) -> End {
        match self {
            What::Local(end, _) | What::Arrival(end, _) | What::Loss(end, _) => *end,
        }
    }

    fn text(&self) -> String {
        match self {
            What::Local(_, text) => text.clone(),
            What::Arrival(End::Left, segment) => format!("<-- {segment} ..."),
            What::Arrival(End::Right, segment) => format!("... {segment} -->"),
            What::Loss(End::Left, segment) => format!("XXX {segment} ..."),
            What::Loss(End::Right, segment) => format!("... {segment} XXX"),
        }
    }
}

/// The columns of the text: number, state, middle, state.
const NUMBER: usize = 5;
const STATE: usize = 13;
const MIDDLE: usize = 48;
/// A remark that would be longer goes on in the next line.
const REMARK: usize = 66;

impl Rung {
    /// The lines below the first, each for the end where it happens.
    fn below(&self) -> Vec<String> {
        let notes = self.notes.iter().flat_map(|note| wrapped(note)).map(|line| format!("  | {line}"));
        let sent = self.sent.iter().map(|(segment, fate)| {
            let text = match self.what.end() {
                End::Left => format!("--> {segment} ..."),
                End::Right => format!("... {segment} <--"),
            };
            match fate {
                Some(fate) => format!("{text} ({fate})"),
                None => text,
            }
        });
        notes.chain(sent).collect()
    }
}

/// Broken at spaces into lines of at most [`REMARK`] characters.
fn wrapped(note: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in note.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= REMARK => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |number: &str, left: &str, middle: &str, end: End, right: &str| {
            let middle = match end {
                End::Left => format!("{middle:<MIDDLE$}"),
                End::Right => format!("{middle:>MIDDLE$}"),
            };
            let text = format!("{number:>NUMBER$} {left:<STATE$} {middle} {right}");
            writeln!(f, "{}", text.trim_end())
        };
        let [left, right] = &self.names;
        line("", left, "", End::Left, right)?;
        let [left, right] = &self.begin;
        line("", left, "", End::Left, right)?;
        for (rung, number) in self.rungs.iter().zip(1..) {
            let [left, right] = &rung.states;
            line(&format!("{number}."), left, &rung.what.text(), rung.what.end(), right)?;
            for below in rung.below() {
                line("", "", &below, End::Left, "")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn figure_6() -> Ladder {
        let states = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        let syn = "<SEQ=100><CTL=SYN>".to_owned();
        Ladder {
            names: states("A", "B"),
            begin: states("CLOSED", "LISTEN"),
            rungs: vec![
                Rung {
                    what: What::Local(End::Left, "OPEN active".to_owned()),
                    states: states("SYN-SENT", "LISTEN"),
                    notes: vec!["open/closed/active".to_owned()],
                    sent: vec![(syn.clone(), None)],
                },
                Rung {
                    what: What::Arrival(End::Right, syn),
                    states: states("SYN-SENT", "SYN-RECEIVED"),
                    notes: vec!["arrives/listen/syn".to_owned()],
                    sent: vec![("<SEQ=300><ACK=101><CTL=SYN,ACK>".to_owned(), Some("network full".to_owned()))],
                },
            ],
        }
    }

    #[test]
    fn it_reads_like_a_figure_of_the_rfc() {
        insta::assert_snapshot!(figure_6(), @r"
       A                                                              B
       CLOSED                                                         LISTEN
    1. SYN-SENT      OPEN active                                      LISTEN
                       | open/closed/active
                     --> <SEQ=100><CTL=SYN> ...
    2. SYN-SENT                            ... <SEQ=100><CTL=SYN> --> SYN-RECEIVED
                       | arrives/listen/syn
                     ... <SEQ=300><ACK=101><CTL=SYN,ACK> <-- (network full)
    ");
    }
}
