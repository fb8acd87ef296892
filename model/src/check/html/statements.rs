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
            p { "S: safety. L: liveness." }
            dl {
                @for property in Property::ALL {
                    dt id={ "property-" (property.id()) } {
                        b { (property.id()) } " " (property.gist())
                        @if !decided.contains(property.id()) { " (not asked in these worlds)" }
                    }
                    dd { (prose(property.statement())) }
                    dd { "Decided in " (environments(property)) "." }
                    @if let Some(assumption) = property.assumption() { dd { "Assuming " (prose(assumption)) "." } }
                }
            }
        }
    }
}

/// How it is decided, and in which environments at least.
fn environments(property: Property) -> String {
    let place = match property.decided() {
        Decided::Step => "each step",
        Decided::Graph => "the graph of all states",
    };
    let all_of = |list: &&[Environment]| list.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>().join(" with ");
    let lists: Vec<String> = property.weakest().iter().map(all_of).collect();
    format!("{place} of some world with {}", lists.join(", and one with "))
}
