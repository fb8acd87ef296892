//! The worlds on the page: which property holds where, and what each world looked at.

use super::{grouped, ladder, prose, rule_link};
use crate::check::report::{Report, Verdict, WorldReport};
use crate::table::Table;
use maud::{Markup, html};
use std::collections::BTreeSet;

/// Properties against worlds.
pub(super) fn verdicts(report: &Report) -> Markup {
    html! {
        section #verdicts {
            h2 { "Verdicts" }
            div class="wide" tabindex="0" role="region" aria-label="Verdicts" {
                table class="matrix" {
                    thead {
                        tr {
                            th scope="col" { "Property" }
                            @for world in &report.worlds {
                                th scope="col" { a href={ "#world-" (world.world) } { (world.world) } }
                            }
                        }
                    }
                    tbody {
                        @for (property, gist) in properties(report) {
                            tr {
                                th scope="row" { a href={ "#property-" (property) } { (property) } " " span class="gist" { (gist) } }
                                @for world in &report.worlds { (cell(world, property)) }
                            }
                        }
                    }
                }
            }
            p class="key" {
                (mark(Mark::Holds)) " holds   " (mark(Mark::FallsAsExpected)) " falls, as expected   "
                (mark(Mark::News)) " not the expected verdict   empty: not asked there"
            }
        }
    }
}

/// The properties that some world decides, in the order in which worlds list them.
fn properties(report: &Report) -> Vec<(&'static str, &'static str)> {
    let mut seen = BTreeSet::new();
    let all = report.worlds.iter().flat_map(|world| &world.verdicts);
    let new = all.filter(|verdict| seen.insert(verdict.property));
    let mut properties: Vec<_> = new.map(|verdict| (verdict.property, verdict.gist)).collect();
    properties.sort_by_key(|(property, _)| (!property.starts_with('S'), number(property)));
    properties
}

fn number(property: &str) -> u32 {
    property[1..].parse().unwrap_or(u32::MAX)
}

fn cell(world: &WorldReport, property: &str) -> Markup {
    let verdict = world.verdicts.iter().find(|verdict| verdict.property == property);
    html! {
        @if let Some(verdict) = verdict {
            td title={ (property) " in " (world.world) } { (mark(Mark::of(verdict))) }
        } @else {
            td {}
        }
    }
}

#[derive(Clone, Copy)]
enum Mark {
    Holds,
    FallsAsExpected,
    News,
}

impl Mark {
    fn of(verdict: &Verdict) -> Mark {
        match (verdict.is_as_expected(), &verdict.falls) {
            (false, _) => Mark::News,
            (true, None) => Mark::Holds,
            (true, Some(_)) => Mark::FallsAsExpected,
        }
    }
}

fn mark(mark: Mark) -> Markup {
    let (class, sign, words) = match mark {
        Mark::Holds => ("good", "✓", "holds"),
        Mark::FallsAsExpected => ("known", "↯", "falls, as expected"),
        Mark::News => ("bad", "✗", "not the expected verdict"),
    };
    html! { span class=(class) aria-label=(words) role="img" { (sign) } }
}

/// Each world with its question, its bounds and what it found.
pub(super) fn worlds(report: &Report, table: &Table) -> Markup {
    let fired: BTreeSet<&str> = report.worlds.iter().flat_map(|world| world.rules_fired.iter().copied()).collect();
    let never: Vec<&str> = table.rules().iter().map(|rule| rule.name).filter(|name| !fired.contains(name)).collect();
    html! {
        section #worlds {
            h2 { "Worlds" }
            p { "Each asks one question and looks at every state within its bounds." }
            @for world in &report.worlds { (article(world)) }
            @if never.is_empty() {
                p { "Each of the " (table.rules().len()) " rules fires in some world." }
            } @else {
                details {
                    summary { (never.len()) " of " (table.rules().len()) " rules fire in none of these worlds" }
                    (rule_list(&never))
                }
            }
        }
    }
}

fn article(world: &WorldReport) -> Markup {
    html! {
        article id={ "world-" (world.world) } {
            h3 { (world.world) }
            p class="question" { (world.question) }
            p class="counts" {
                (grouped(world.states)) " states, " (grouped(world.transitions)) " transitions, depth " (world.depth) ", "
                (format!("{:.1} s, {:.0} states/s", world.seconds, world.rate())) "; "
                (grouped(usize::try_from(world.overflows).unwrap_or(usize::MAX))) " segments found the network full"
            }
            ul class="bounds" { @for line in &world.bounds { li { (line) } } }
            @for (state, why) in &world.not_visited {
                p { (state) " is never visited: " (why.unwrap_or("not expected")) }
            }
            (verdicts_of(world))
            details {
                summary { (world.rules_fired.len()) " rules fire" }
                (rule_list(&world.rules_fired))
            }
        }
    }
}

/// What holds in a line, what falls with its reason and its way.
fn verdicts_of(world: &WorldReport) -> Markup {
    html! {
        p {
            "Holds: "
            @for verdict in world.verdicts.iter().filter(|verdict| verdict.falls.is_none()) {
                a href={ "#property-" (verdict.property) } title=(verdict.gist) { (verdict.property) } " "
            }
        }
        @for verdict in &world.verdicts {
            @if let Some(falls) = &verdict.falls {
                details class="falls" {
                    summary {
                        (mark(Mark::of(verdict))) " " b { (verdict.property) } " falls after " (falls.steps) " steps: " (verdict.gist) "."
                    }
                    @if let Some(why) = verdict.expected_to_fall { p { "Expected: " (prose(why)) } }
                    @if falls.round > 0 { p { "The last " (falls.round) " steps go on for ever." } }
                    (ladder(&falls.ladder))
                }
            } @else if let Some(why) = verdict.expected_to_fall {
                p { (mark(Mark::News)) " " (verdict.property) " holds, but was expected to fall: " (prose(why)) }
            }
        }
    }
}

fn rule_list(names: &[&str]) -> Markup {
    html! { ul class="list" { @for name in names { li { (rule_link(name)) } } } }
}
