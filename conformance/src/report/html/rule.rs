//! Rules of the table, with the words that they follow.

use std::collections::BTreeMap;

use lockstep_model::Table;
use lockstep_model::table::{Flow, Next, Rule, Stage};
use maud::{Markup, html};

use super::exhibit::Exhibit;

/// The rule of this name.
fn named(name: &str) -> Option<&'static Rule> {
    Table::catalogue().rules().iter().find(|rule| rule.name == name)
}

/// Those of these names that decide something, if only that nothing is done.
pub fn deciding(names: &[String]) -> Vec<&'static Rule> {
    names.iter().filter_map(|name| named(name)).filter(|rule| decides(rule)).collect()
}

fn decides(rule: &Rule) -> bool {
    let changes = !rule.then.is_empty() || matches!(rule.next, Next::To(_));
    // The end of the last check is the end of all segments.
    changes || matches!(rule.flow, Flow::Done) && !matches!(rule.stage, Stage::Fin | Stage::Persist | Stage::Sent)
}

/// The words of the rules that are named on the page, once for all ladders: the script of the page shows them.
pub fn glossary(exhibits: &[&Exhibit]) -> Markup {
    let rows = exhibits.iter().flat_map(|exhibit| &exhibit.shown).flat_map(|shown| &shown.ladder);
    let rules = rows.flat_map(|row| deciding(&row.rules)).map(|rule| (rule.name, rule));
    html! {
        template #rules {
            @for (name, rule) in rules.collect::<BTreeMap<_, _>>() { p data-rule=(name) { (words(rule)) } }
        }
    }
}

/// The words that it follows, each with its place.
fn words(rule: &Rule) -> String {
    let cited = rule.cite.iter();
    let words: Vec<String> =
        cited.map(|cite| format!("RFC {} §{}: “{}”", cite.doc.number(), cite.section, cite.quote)).collect();
    words.join("\n")
}

/// A rule, to be read and followed.
pub fn quoted(rule: &Rule) -> Markup {
    html! {
        blockquote.cite {
            @for cite in rule.cite {
                p {
                    a href={ "https://www.rfc-editor.org/rfc/rfc" (cite.doc.number()) "#section-" (cite.section) } {
                        "RFC " (cite.doc.number()) " §" (cite.section)
                    }
                    ": “" (cite.quote) "”"
                }
            }
            code { (rule.name) }
        }
    }
}
