//! The report as one page: no network, no script, legible on a screen, on a telephone and on paper.

mod figures;
mod negatives;
mod rules;
mod statements;
mod worlds;

use super::negatives::{Negative, Shown};
use super::report::Report;
use super::summary;
use crate::render::diagram::{self, Diagram, Label};
use crate::table::{Cite, Table};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::collections::BTreeSet;

/// The page for what a check of the worlds over this table found, for the wrong tables that it caught, and for the
/// numbered negatives.
#[must_use]
pub fn page(report: &Report, table: &Table, wrong: &[Negative], numbered: &[Shown]) -> String {
    let title = format!("the model checker's report, profile {}", report.profile);
    let body = html! {
        (header(report, wrong))
        main {
            (worlds::verdicts(report))
            (worlds::worlds(report, table))
            (statements::properties(report))
            (figures::figures(report))
            (drawing(table))
            (rules::table(report, table))
            (negatives::negatives(numbered))
            (negatives::wrong_tables(wrong))
        }
    };
    document(&title, include_str!("page.css"), &body)
}

/// A page of Lockstep's: it loads nothing.
#[must_use]
pub fn document(title: &str, style: &str, body: &Markup) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Lockstep: " (title) }
                style { (PreEscaped(style)) }
            }
            body { (body) }
        }
    };
    document.into_string()
}

fn header(report: &Report, wrong: &[Negative]) -> Markup {
    let states: usize = report.worlds.iter().map(|world| world.states).sum();
    let transitions: usize = report.worlds.iter().map(|world| world.transitions).sum();
    let seconds: f64 = report.worlds.iter().map(|world| world.seconds).sum();
    let properties: BTreeSet<&str> =
        report.worlds.iter().flat_map(|world| &world.verdicts).map(|verdict| verdict.property).collect();
    let fallen = report.worlds.iter().flat_map(|world| &world.verdicts).filter(|verdict| verdict.falls.is_some());
    html! {
        header {
            h1 { "What the model checker found" }
            p { "The rules of TCP, as the profile " strong { (report.profile) } " reads RFC 9293, between two ends and a bad network." }
            p class=(if report.is_as_expected() { "conclusion good" } else { "conclusion bad" }) {
                @if report.is_as_expected() { "Every verdict is the expected one." }
                @else { "Not every verdict is the expected one." }
            }
            dl class="figures" {
                (figure("worlds", &report.worlds.len().to_string()))
                (figure("states", &grouped(states)))
                (figure("transitions", &grouped(transitions)))
                (figure("properties", &properties.len().to_string()))
                (figure("that fall", &fallen.count().to_string()))
                (figure("wrong tables caught", &wrong.len().to_string()))
                (figure("seconds", &format!("{seconds:.1}")))
            }
            nav aria-label="Contents" {
                ul {
                    li { a href="#verdicts" { "Verdicts" } }
                    li { a href="#worlds" { "Worlds" } }
                    li { a href="#properties" { "Properties" } }
                    li { a href="#figures" { "Figures" } }
                    li { a href="#states" { "States" } }
                    li { a href="#rules" { "Rules" } }
                    li { a href="#negatives" { "Negatives" } }
                    li { a href="#wrong-tables" { "Wrong tables" } }
                }
            }
        }
    }
}

fn figure(what: &str, number: &str) -> Markup {
    html! { div { dt { (what) } dd { (number) } } }
}

fn drawing(table: &Table) -> Markup {
    let diagram = Diagram::of(table);
    html! {
        section #states {
            h2 { "The states" }
            p { "Computed from the rules. Point at an arrow or a letter for the rules behind it and the words that they follow." }
            figure class="drawing" { (PreEscaped(diagram::svg(table))) }
            details {
                summary { "The rules behind each arrow" }
                dl class="arrows" {
                    @for arrow in &diagram.arrows {
                        @for label in &arrow.labels {
                            (behind(&format!("{} to {}: {label}", arrow.from, arrow.to), label, table))
                        }
                    }
                    @for note in &diagram.notes {
                        @let from = note.from.iter().map(|state| state.name()).collect::<Vec<_>>().join(", ");
                        (behind(&format!("{from} to {}: {}", note.to, note.label), &note.label, table))
                    }
                }
            }
        }
    }
}

fn behind(arrow: &str, label: &Label, table: &Table) -> Markup {
    html! {
        dt { (arrow) }
        @for rule in label.rules.iter().filter_map(|&id| table.rule(id)) {
            dd { (rule_link(rule.name)) " " (cites(rule.cite)) }
        }
    }
}

fn ladder(ladder: &crate::render::ladder::Ladder) -> Markup {
    html! { figure class="drawing ladder" { (PreEscaped(ladder.to_svg())) } }
}

fn rule_link(name: &str) -> Markup {
    html! { a class="rule" href={ "#rule-" (name) } { (name) } }
}

/// The words that a rule follows, each with a link to where they stand.
fn cites(cites: &[Cite]) -> Markup {
    html! {
        @for cite in cites {
            span class="cite" {
                (section_link(cite.doc.number(), cite.section)) ": " q { (cite.quote) }
            }
            " "
        }
    }
}

fn section_link(rfc: u32, section: &str) -> Markup {
    html! { a href={ "https://www.rfc-editor.org/rfc/rfc" (rfc) "#section-" (section) } { "RFC " (rfc) " §" (section) } }
}

/// Words in which backticks mark what is notation.
fn prose(text: &str) -> Markup {
    html! {
        @for (part, place) in text.split('`').zip(0_u32..) {
            @if place.is_multiple_of(2) { (part) } @else { code { (part) } }
        }
    }
}

/// A number with its thousands apart by a narrow space.
fn grouped(number: usize) -> String {
    summary::grouped(number, '\u{202f}')
}
