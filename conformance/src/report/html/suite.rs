//! How many of each folder's scenarios earned which sign, system by system.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::sign::badge;
use crate::report::folder;
use crate::report::matrix::Report;
use crate::report::sign::Sign;
use crate::verdict::Subject;

/// The table of folders and systems.
pub fn section(report: &Report) -> Markup {
    let mut counts: BTreeMap<&str, BTreeMap<(Subject, Sign), usize>> = BTreeMap::new();
    for outcome in report.outcomes() {
        let key = (outcome.subject, Sign::from(&outcome.verdict));
        *counts.entry(folder(&outcome.scenario)).or_default().entry(key).or_default() += 1;
    }
    html! {
        section #suites {
            h2 { "Suites" }
            div.wide {
                table.suites {
                    thead {
                        tr {
                            th scope="col" { "section" }
                            @for subject in report.subjects() { th scope="col" data-system=(subject.name()) { (subject.name()) } }
                        }
                    }
                    tbody {
                        @for (folder, counts) in &counts {
                            tr {
                                th scope="row" { button.choose type="button" data-choose=(folder) { (folder) } }
                                @for subject in report.subjects() { (count(*subject, counts)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn count(subject: Subject, counts: &BTreeMap<(Subject, Sign), usize>) -> Markup {
    html! {
        td data-system=(subject.name()) {
            @for sign in Sign::ALL {
                @if let Some(count) = counts.get(&(subject, sign)) {
                    span.count title=(sign.meaning()) { (badge(sign)) " " (count) } " "
                }
            }
        }
    }
}
