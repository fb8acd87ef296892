//! How many of each folder's scenarios earned which sign, system by system.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::sign::badge;
use crate::report::matrix::Report;
use crate::report::sign::Sign;
use crate::report::{by_number, folder};
use crate::verdict::Subject;

/// How often each system earned each sign.
type Counts = BTreeMap<(Subject, Sign), usize>;

/// The table of folders and systems.
pub fn section(report: &Report) -> Markup {
    let mut folders: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut all = Counts::new();
    for outcome in report.outcomes() {
        let key = (outcome.subject, Sign::from(&outcome.verdict));
        *folders.entry(folder(&outcome.scenario)).or_default().entry(key).or_default() += 1;
        *all.entry(key).or_default() += 1;
    }
    let mut folders: Vec<(&str, Counts)> = folders.into_iter().collect();
    folders.sort_by_cached_key(|(folder, _)| by_number(folder));
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
                        @for (folder, counts) in &folders {
                            tr {
                                th scope="row" { button.choose type="button" data-choose=(folder) { (folder) } }
                                @for subject in report.subjects() { (count(*subject, counts)) }
                            }
                        }
                    }
                    tfoot { tr { th scope="row" { "all" } @for subject in report.subjects() { (count(*subject, &all)) } } }
                }
            }
        }
    }
}

fn count(subject: Subject, counts: &Counts) -> Markup {
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
