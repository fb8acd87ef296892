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
    /// How many of the open ones do not hold.
    failing: usize,
}

/// One `#ifdef` that has not met its `#endif`.
#[derive(Debug)]
struct Condition {
    at: Position,
    /// Whether the part of the script that follows is there.
    holds: bool,
    /// What an `#else` does to it.
    half: Half,
}

/// Which part of a condition this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    /// That before the `#else`.
    First,
    /// That after it.
    Second,
    /// Of a condition that is not understood, and lies in a part that is not there.
    Neither,
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
        self.failing == 0
    }

    /// Takes in a line, which any that does not begin with `#` is too while the conditions do not hold.
    pub(super) fn line(&mut self, line: &str, at: Position) -> Result<(), Problem> {
        let here = self.hold();
        match read(line).ok_or_else(|| Problem::Directive(line.trim_end().to_owned()))? {
            Line::Comment => {}
            Line::If { name, defined } => {
                let holds = self.defined.contains(name) == defined;
                self.begin(Condition { at, holds, half: Half::First });
            }
            Line::Else => {
                let condition = self.open.last_mut().ok_or(Problem::Unopened("#else"))?;
                match condition.half {
                    Half::First if condition.holds => self.failing += 1,
                    Half::First => self.failing -= 1,
                    Half::Second => return Err(Problem::Unopened("#else")),
                    Half::Neither => return Ok(()),
                }
                condition.holds = !condition.holds;
                condition.half = Half::Second;
            }
            Line::EndIf => {
                let condition = self.open.pop().ok_or(Problem::Unopened("#endif"))?;
                self.failing -= usize::from(!condition.holds);
            }
            Line::Define(name) if here => self.define(name),
            Line::Undefine(name) if here => {
                self.defined.remove(name);
            }
            Line::Beyond { .. } if here => return Err(Problem::Beyond(format!("`{}`", line.trim_end()))),
            Line::Beyond { begins: true } => self.begin(Condition { at, holds: false, half: Half::Neither }),
            Line::Define(_) | Line::Undefine(_) | Line::Beyond { begins: false } => {}
        }
        Ok(())
    }

    fn begin(&mut self, condition: Condition) {
        self.failing += usize::from(!condition.holds);
        self.open.push(condition);
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

#[cfg(test)]
mod tests {
    use super::super::{parse, parse_with};

    /// The descriptors that a script closes.
    fn closed(text: &str, defines: &[&str]) -> String {
        let defines: Vec<String> = defines.iter().map(|name| (*name).to_owned()).collect();
        match parse_with("test.pkt", text, &defines) {
            Ok(script) => script.events.iter().map(|event| event.action.to_string()).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
        }
    }

    const SCRIPT: &str =
        "#ifdef A\n0 close(1) = 0\n#else\n0 close(2) = 0\n#ifdef B // nested\n+0 close(3) = 0\n#endif\n#endif\n";

    #[test]
    fn names_pick_the_parts_of_a_script() {
        assert_eq!(closed(SCRIPT, &["A"]), "close(1) = 0");
        assert_eq!(closed(SCRIPT, &["A", "B"]), "close(1) = 0");
        assert_eq!(closed(SCRIPT, &["B"]), "close(2) = 0 close(3) = 0");
        assert_eq!(closed(SCRIPT, &[]), "close(2) = 0");
        assert_eq!(closed(&format!("--define=A\n{SCRIPT}"), &[]), "close(1) = 0");
        assert_eq!(closed(&format!("#define A\n{SCRIPT}"), &[]), "close(1) = 0");
        assert_eq!(closed(&format!("#undef A\n{SCRIPT}"), &["A"]), "close(2) = 0");
        assert_eq!(closed("#ifdef A\n#include <x>\n#if 1\n#else\n#endif\n#endif\n# if you like\n", &[]), "");
    }

    #[test]
    fn what_is_not_there_keeps_its_lines() {
        let error = parse("test.pkt", "#ifdef A\n`\n#endif\n  é").expect_err("é");
        assert_eq!((error.at.line, error.at.column), (4, 3));
    }

    #[test]
    fn every_condition_is_closed_once() {
        insta::assert_snapshot!(closed("0 close(1) = 0\n#endif", &[]), @"test.pkt:2:1: #endif without an #ifdef before it");
        insta::assert_snapshot!(closed("#else", &[]), @"test.pkt:1:1: #else without an #ifdef before it");
        insta::assert_snapshot!(closed("#ifdef A\n#else\n#else", &[]), @"test.pkt:3:1: #else without an #ifdef before it");
        insta::assert_snapshot!(closed("\n #ifndef A\n0 close(1) = 0", &[]), @"test.pkt:2:2: this #ifdef is never closed");
        insta::assert_snapshot!(closed("#ifdef", &[]), @"test.pkt:1:1: `#ifdef` is followed by one name");
        insta::assert_snapshot!(closed("#ifdef A B", &[]), @"test.pkt:1:1: `#ifdef A B` is followed by one name");
        insta::assert_snapshot!(closed("#define A 1", &[]), @"test.pkt:1:1: `#define A 1` is not supported");
    }
}
