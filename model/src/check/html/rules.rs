//! The rules on the page.

use super::{cites, prose};
use crate::check::report::Report;
use crate::render::{markdown, words};
use crate::table::{Rule, Stage, Table};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// All rules in order, by section and check.
pub(super) fn table(report: &Report, table: &Table) -> Markup {
    let fired: BTreeSet<&str> = report.worlds.iter().flat_map(|world| world.rules_fired.iter().copied()).collect();
    let stages = || Stage::ALL.into_iter().filter(|&stage| !table.stage(stage).is_empty());
    html! {
        section #rules {
            h2 { "Rules" }
            p { (table.rules().len()) " rules. In each check the first that fits the state and whose guards all hold fires." }
            @for stage in stages() {
                @let (number, title) = words::section(stage);
                details {
                    summary {
                        "§" (number) " " (title) @if let Some(check) = words::check(stage) { ": " (check) }
                        " (" (table.stage(stage).len()) ")"
                    }
                    div class="cards" {
                        @for (place, rule) in table.stage(stage).iter().enumerate() {
                            (card(rule, &table.stage(stage)[..place], fired.contains(rule.name)))
                        }
                    }
                }
            }
        }
    }
}

fn card(rule: &Rule, before: &[Rule], fired: bool) -> Markup {
    html! {
        article class="card" id={ "rule-" (rule.name) } {
            h3 class="name" { (rule.name) @if !fired { " " small { "fires in none of these worlds" } } }
            dl {
                (line("In", &[words::states(rule.states)]))
                (line("When", &markdown::guards(rule, before)))
                (line("Then", &rule.then.iter().map(|&act| words::action(act)).collect::<Vec<_>>()))
                @if !words::next(rule.next).is_empty() { (line("Next", &[words::next(rule.next).to_owned()])) }
                (line("Flow", &[words::flow(rule)]))
                (line("Kind", &[words::kind(rule.kind)]))
                dt { "Words" } dd { (cites(rule.cite)) }
            }
        }
    }
}

fn line(what: &str, all: &[String]) -> Markup {
    html! {
        @if !all.is_empty() {
            dt { (what) }
            dd { @for (one, place) in all.iter().zip(0_u32..) { @if place > 0 { br; } (prose(one)) } }
        }
    }
}
