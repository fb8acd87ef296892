//! The properties on the page, each with its statement: the very words that stand at it in the source.

use super::prose;
use crate::check::properties::Property;
use crate::check::report::Report;
use maud::{Markup, html};
use std::collections::BTreeSet;

/// Where the properties are stated.
const SOURCE: &str = include_str!("../properties.rs");

/// Every property, and whether this check decided it.
pub(super) fn properties(report: &Report) -> Markup {
    let decided: BTreeSet<&str> =
        report.worlds.iter().flat_map(|world| &world.verdicts).map(|verdict| verdict.property).collect();
    html! {
        section #properties {
            h2 { "Properties" }
            p { "S: safety, decided at each step. L: liveness, decided on the graph of all states." }
            dl {
                @for property in Property::ALL {
                    dt id={ "property-" (property.id()) } {
                        b { (property.id()) } " " (property.gist())
                        @if !decided.contains(property.id()) { " (not asked in these worlds)" }
                    }
                    dd { (prose(&statement(property))) }
                }
            }
        }
    }
}

/// What the source says above the property.
fn statement(property: Property) -> String {
    let place = format!("\n    {property},\n");
    let above = SOURCE.split(&place).next().unwrap_or_default();
    let mut lines: Vec<&str> = above.lines().rev().map_while(|line| line.trim().strip_prefix("/// ")).collect();
    lines.reverse();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_has_a_statement_that_names_its_section() {
        for property in Property::ALL {
            let statement = statement(property);
            assert!(
                statement.contains("(RFC ") && statement.contains('§') && statement.len() > 40,
                "{property}: {statement}"
            );
        }
    }
}
