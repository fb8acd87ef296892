//! Everything as one page that loads nothing: the matrix of stimuli, states and systems, the scenarios, and behind each
//! sign the RFC's words, the script and the exchange.
//!
//! What can be opened is an exhibit; it waits in a template until a click, or Enter, shows it. A sign is a symbol
//! and a shade, so that it reads in grey too. The script of the page only filters, opens and moves the focus.

mod cells;
mod exhibit;
mod filters;
mod open;
mod rule;
mod scenarios;
mod sign;
mod suite;

use lockstep_model::check::html::document;
use maud::{Markup, PreEscaped, html};

use super::matrix::Report;
use super::sign::Sign;
use crate::cells::Matrix;
use crate::lab::Lab;
use crate::scenario::Scenario;
use exhibit::Exhibit;
use sign::badge;

/// What is shown.
pub struct Page<'a> {
    /// The outcomes of scenarios.
    pub report: &'a Report,
    /// The cells, a matrix for each system.
    pub matrices: &'a [Matrix],
    /// Where the scripts of the scenarios are.
    pub scenarios: &'a [Scenario],
    /// What was chosen for all of them, with the ledger of deviations.
    pub lab: &'a Lab,
}

impl Page<'_> {
    /// The whole document.
    pub fn document(&self) -> String {
        let (cells, scenarios) = (cells::exhibits(self), scenarios::exhibits(self));
        let exhibits: Vec<&Exhibit> = cells.iter().chain(&scenarios).collect();
        let subjects = self.report.subjects();
        let body = html! {
            (self.header(&exhibits))
            (filters::form(subjects, &exhibits))
            main {
                @if !cells.is_empty() { (cells::section(self.matrices, &cells)) }
                @if !scenarios.is_empty() {
                    (suite::section(self.report))
                    (scenarios::section(subjects, &scenarios))
                }
            }
            (rule::glossary(&exhibits))
            @for exhibit in exhibits { (open::template(exhibit, self.lab)) }
            dialog #exhibit aria-label="What is behind a sign" {
                button #close type="button" aria-label="Close" { "✕" }
                div #content tabindex="-1" {}
            }
            noscript { p { "Without scripts the signs can be read, but not opened." } }
            script { (PreEscaped(include_str!("page.js"))) }
        };
        document("conformance", include_str!("page.css"), &body)
    }

    fn header(&self, exhibits: &[&Exhibit]) -> Markup {
        html! {
            header {
                h1 { "TCP, judged by the table" }
                p.lead {
                    "Scripts in the packetdrill language, run on each system; every segment and every state judged by the rules of "
                    "RFC 9293. Open any sign for the RFC’s words, the script, and what was seen."
                }
                (systems(self.report, exhibits))
            }
        }
    }
}

/// A line for each system: how often it earned which sign.
fn systems(report: &Report, exhibits: &[&Exhibit]) -> Markup {
    html! {
        table.summary {
            tbody {
                @for subject in report.subjects() {
                    @let shown: Vec<_> = exhibits.iter().filter_map(|exhibit| exhibit.on(*subject)).collect();
                    @let name = shown.iter().find_map(|shown| shown.system.as_deref()).unwrap_or(subject.name());
                    tr {
                        th scope="row" { (name) }
                        @for sign in Sign::ALL {
                            @let count = shown.iter().filter(|shown| shown.sign == sign).count();
                            @if count > 0 { td { (badge(sign)) " " b { (count) } " " (sign.meaning()) } }
                        }
                    }
                }
            }
        }
    }
}
