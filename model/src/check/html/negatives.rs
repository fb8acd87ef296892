//! What must fall, on the page: the numbered negatives, and the wrong tables.

use super::ladder;
use crate::check::negatives::{Negative, Shown};
use crate::check::properties::Property;
use crate::check::report::Falls;
use maud::{Markup, html};

/// The numbered negatives, with how what must fall does, and what holds all the same.
pub fn negatives(numbered: &[Shown]) -> Markup {
    html! {
        section #negatives {
            h2 { "Negatives" }
            p { "Rules or bounds that are wrong on purpose: what falls there shows what the right ones are for." }
            @if numbered.is_empty() { p { "None was looked for in this check." } }
            @for shown in numbered {
                h3 { (shown.case.id) " " (shown.case.variant) }
                @for (property, falls) in &shown.falls {
                    @match falls {
                        Some(falls) => (counterexample(html! { (link(property.id())) " falls" }, falls)),
                        None => p { (link(property.id())) " holds, which is not expected." },
                    }
                }
                @for (property, falls) in shown.holds.iter().filter(|(_, falls)| falls.is_some()) {
                    @if let Some(falls) = falls {
                        (counterexample(html! { (link(property.id())) " falls, which is not expected" }, falls))
                    }
                }
                (holds(shown))
                @for (sight, count) in &shown.sights { p { (count) " steps: " (sight.what) } }
            }
        }
    }
}

/// The wrong tables that were caught.
pub fn wrong_tables(wrong: &[Negative]) -> Markup {
    html! {
        section #wrong-tables {
            h2 { "Wrong tables" }
            p {
                "Tables that are wrong in one way each: a check that let one of them pass would be worth nothing. Each falls as it "
                "should, and what is decided step by step after the fewest steps possible."
            }
            @if wrong.is_empty() { p { "None was looked for in this check." } }
            @for negative in wrong {
                (counterexample(
                    html! {
                        b { (negative.id) } " " (negative.wrong) " In the world " (negative.world) " " (link(negative.property)) " falls"
                    },
                    &negative.falls,
                ))
            }
        }
    }
}

fn holds(shown: &Shown) -> Markup {
    let holding: Vec<&Property> =
        shown.holds.iter().filter(|(_, falls)| falls.is_none()).map(|(property, _)| property).collect();
    html! {
        @if !holding.is_empty() {
            p { "Holds:" @for property in holding { " " (link(property.id())) } }
        }
    }
}

fn counterexample(what: Markup, falls: &Falls) -> Markup {
    html! {
        details {
            summary {
                (what) " after " (falls.steps) " steps."
                @if falls.round > 0 { " The last " (falls.round) " steps go on for ever." }
            }
            (ladder(&falls.ladder))
        }
    }
}

fn link(property: &str) -> Markup {
    html! { a href={ "#property-" (property) } { (property) } }
}
