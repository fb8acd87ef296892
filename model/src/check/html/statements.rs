//! The properties on the page: what each says, where, and what it must survive.

use super::prose;
use crate::check::bounds::Environment;
use crate::check::properties::{Decided, Property};
use crate::check::report::Report;
use maud::{Markup, html};
use std::collections::BTreeSet;

/// Every property, and whether this check decided it.
pub(super) fn properties(report: &Report) -> Markup {
    let decided: BTreeSet<&str> =
        report.worlds.iter().flat_map(|world| &world.verdicts).map(|verdict| verdict.property).collect();
    html! {
        section #properties {
            h2 { "Properties" }
            p { "Each must survive at least the environments that stand at it:" }
            ul class="list" {
                @for environment in Environment::ALL { li { b { (format!("{environment:?}")) } " " (allows(environment)) } }
            }
            dl {
                @for property in Property::ALL {
                    dt id={ "property-" (property.id()) } {
                        b { (property.id()) } " " (property.gist())
                        @if !decided.contains(property.id()) { " (not asked in these worlds)" }
                    }
                    dd { (prose(property.statement())) }
                    dd { (environments(property)) }
                    @if let Some(assumption) = property.assumption() { dd { "Assuming " (prose(assumption)) "." } }
                }
            }
        }
    }
}

/// How it is decided, and in which environments at least.
fn environments(property: Property) -> String {
    let decided = match property.decided() {
        Decided::Step => "At each step",
        Decided::Graph => "On the graph of all states",
    };
    let all_of = |list: &&[Environment]| list.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>().join(" with ");
    let lists: Vec<String> = property.weakest().iter().map(all_of).collect();
    format!("{decided}, in {}.", lists.join(", "))
}

/// What an environment allows, in a few words.
const fn allows(environment: Environment) -> &'static str {
    match environment {
        Environment::E0 => "nothing is lost, nothing overtakes",
        Environment::E1 => "segments overtake each other",
        Environment::E2 => "and are lost",
        Environment::E3 => "and arrive twice",
        Environment::E4 => "segments outlive their incarnation",
        Environment::E5 => "but not 2MSL",
        Environment::E6 => "a host crashes and starts again",
        Environment::E7 => "a blind attacker forges segments",
        Environment::E7b => "an attacker on the path forges text",
        Environment::E8 => "a small buffer, a slow reader, a window taken back",
        Environment::E9 => "the timers that a host may run",
    }
}
