//! The table as tables: every rule with its guards, actions, kind and words, by section of RFC 9293.

use super::words;
use crate::table::{Rule, Stage, Table};
use std::fmt::Write;

/// All rules in order, in Markdown: a heading for each section and each check, a row for each rule.
#[must_use]
pub fn table(table: &Table) -> String {
    let mut text = String::new();
    let mut section = "";
    for stage in Stage::ALL.into_iter().filter(|&stage| !table.stage(stage).is_empty()) {
        let (number, title) = words::section(stage);
        if number != section {
            section = number;
            paragraph(&mut text, &format!("## {number} {title}"));
        }
        if let Some(check) = words::check(stage) {
            paragraph(&mut text, &format!("### {check}"));
        }
        text.push_str("| Rule | In | When | Then | Next | Flow | Kind | Words |\n|---|---|---|---|---|---|---|---|\n");
        for (place, rule) in table.stage(stage).iter().enumerate() {
            row(&mut text, rule, &table.stage(stage)[..place]);
        }
        text.push('\n');
    }
    text
}

fn paragraph(text: &mut String, paragraph: &str) {
    writeln!(text, "{paragraph}\n").expect("a String can be written to");
}

fn row(text: &mut String, rule: &Rule, before: &[Rule]) {
    let cells = [
        format!("`{}`", rule.name),
        words::states(rule.states),
        lines(guards(rule, before).into_iter()),
        lines(rule.then.iter().map(|&act| words::action(act))),
        words::next(rule.next).to_owned(),
        words::flow(rule),
        words::kind(rule.kind),
        lines(rule.cite.iter().map(|cite| escape(&cite.to_string()))),
    ];
    writeln!(text, "| {} |", cells.join(" | ")).expect("a String can be written to");
}

/// What a rule asks for; one that asks for nothing applies to what the rules before it in its states have left.
#[must_use]
pub fn guards(rule: &Rule, before: &[Rule]) -> Vec<String> {
    let is_rest = before.iter().any(|earlier| rule.states.iter().any(|state| earlier.states.has(state)));
    if rule.when.is_empty() && is_rest {
        vec!["otherwise".to_owned()]
    } else {
        rule.when.iter().map(|&atom| words::guard(atom)).collect()
    }
}

fn lines(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("<br>")
}

/// Quoted words may hold what Markdown takes for HTML or for the end of a cell.
fn escape(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|")
}
