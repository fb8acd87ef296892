//! The figures of the RFC, each with what happened.

use super::ladder;
use crate::check::figures::{Difference, FigureReport};
use crate::check::report::Report;
use maud::{Markup, html};

/// Whether figures 6 to 13 happen as drawn.
pub(super) fn figures(report: &Report) -> Markup {
    html! {
        section #figures {
            h2 { "The figures of RFC 9293" }
            p { "Each exchange that §3.5 and §3.6 draw, made to happen line by line; the numbers are those of the figure." }
            @for figure in &report.figures { (replayed(figure)) }
        }
    }
}

fn replayed(figure: &FigureReport) -> Markup {
    html! {
        details {
            summary {
                b { "Figure " (figure.figure) } " " (figure.title) ": "
                @match &figure.differs {
                    None => "as drawn",
                    Some(differs) => { "differs from line " (differs.line) " on" },
                }
                @if !figure.is_as_expected() { ", " strong { "not expected" } }
            }
            @if let Some(Difference { line, drawn, instead }) = &figure.differs {
                p { "Line " (line) ", " code { (drawn) } ": " (instead) "." }
            }
            @if let Some((_, why)) = figure.expected_to_differ { p { (why) "." } }
            @if let Some(remark) = figure.remark { p { (remark) "." } }
            (ladder(&figure.ladder))
        }
    }
}
