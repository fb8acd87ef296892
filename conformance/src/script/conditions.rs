//! `#ifdef`: the parts of a script that are not there.
//!
//! Exactly what scripts use is understood: `#ifdef NAME`, `#ifndef NAME`, `#else`, `#endif`, `#define NAME` and `#undef NAME`. The
//! other instructions of a C preprocessor would make another script of this one, so they cannot be taken for comments either.

use std::collections::BTreeSet;

use super::error::Problem;
use super::value::Position;

/// The names that are defined, and the conditions that are open.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    defined: BTreeSet<String>,
    open: Vec<Condition>,
}

/// One `#ifdef` that has not met its `#endif`.
#[derive(Debug)]
struct Condition {
    at: Position,
    /// Whether the part of the script that follows is there.
    holds: bool,
    /// Whether the `#else` has been.
    other_half: bool,
}

/// What a line with `#` says.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Comment,
    If {
        name: &'a str,
        defined: bool,
    },
    Else,
    EndIf,
    Define(&'a str),
    Undefine(&'a str),
    /// Of a preprocessor, and not understood; whether it begins something that `#endif` ends.
    Beyond {
        begins: bool,
    },
}

impl Conditions {
    /// From here on `name` is defined.
    pub(super) fn define(&mut self, name: &str) {
        self.defined.insert(name.to_owned());
    }

    /// Whether what follows is a part of the script.
    pub(super) fn hold(&self) -> bool {
        self.open.iter().all(|condition| condition.holds)
    }

    /// Takes in a line, which any that does not begin with `#` is too while the conditions do not hold.
    pub(super) fn line(&mut self, line: &str, at: Position) -> Result<(), Problem> {
        let here = self.hold();
        match read(line).ok_or_else(|| Problem::Directive(line.trim_end().to_owned()))? {
            Line::Comment => {}
            Line::If { name, defined } => {
                let holds = self.defined.contains(name) == defined;
                self.open.push(Condition { at, holds, other_half: false });
            }
            Line::Else => {
                let condition = self.open.last_mut().filter(|condition| !condition.other_half);
                let condition = condition.ok_or(Problem::Unopened("#else"))?;
                condition.holds = !condition.holds;
                condition.other_half = true;
            }
            Line::EndIf => {
                self.open.pop().ok_or(Problem::Unopened("#endif"))?;
            }
            Line::Define(name) if here => self.define(name),
            Line::Undefine(name) if here => {
                self.defined.remove(name);
            }
            Line::Beyond { .. } if here => return Err(Problem::Beyond(format!("`{}`", line.trim_end()))),
            Line::Beyond { begins: true } => self.open.push(Condition { at, holds: false, other_half: true }),
            Line::Define(_) | Line::Undefine(_) | Line::Beyond { begins: false } => {}
        }
        Ok(())
    }

    /// At the end of the script nothing is open.
    pub(super) fn end(&self) -> Result<(), (Position, Problem)> {
        self.open.last().map_or(Ok(()), |condition| Err((condition.at, Problem::Unclosed("#ifdef"))))
    }
}

/// What a line says; nothing if it is an instruction without the name that it needs.
fn read(line: &str) -> Option<Line<'_>> {
    let Some(rest) = line.strip_prefix('#') else { return Some(Line::Comment) };
    let (word, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len()));
    let rest = rest.split("//").next().unwrap_or_default().split("/*").next().unwrap_or_default();
    let mut words = rest.split_whitespace();
    let name = words.next();
    let alone = words.next().is_none();
    match (word, name) {
        ("ifdef", Some(name)) if alone => Some(Line::If { name, defined: true }),
        ("ifndef", Some(name)) if alone => Some(Line::If { name, defined: false }),
        ("define", Some(name)) if alone => Some(Line::Define(name)),
        ("undef", Some(name)) if alone => Some(Line::Undefine(name)),
        ("else", _) => Some(Line::Else),
        ("endif", _) => Some(Line::EndIf),
        ("ifdef" | "ifndef" | "undef", _) | ("define", None) => None,
        ("if", _) => Some(Line::Beyond { begins: true }),
        ("define" | "elif" | "error" | "include", _) => Some(Line::Beyond { begins: false }),
        _ => Some(Line::Comment),
    }
}
