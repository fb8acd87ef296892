//! The scenarios: a row for each, a sign for each system.

use std::collections::BTreeMap;
use std::fs;

use maud::{Markup, html};

use super::Page;
use super::exhibit::{Exhibit, Shown};
use super::sign;
use crate::report::sign::Sign;
use crate::report::{by_number, folder};
use crate::scenario::Scenario;
use crate::verdict::{Outcome, Subject, Verdict};

/// All scenarios, in the order of their names.
pub fn exhibits(page: &Page) -> Vec<Exhibit> {
    let scenarios: BTreeMap<&str, &Scenario> =
        page.scenarios.iter().map(|scenario| (scenario.name.as_str(), scenario)).collect();
    let mut exhibits: Vec<Exhibit> = Vec::new();
    for outcome in page.report.outcomes() {
        let scenario = scenarios.get(outcome.scenario.as_str()).copied();
        if exhibits.last().is_none_or(|last| last.title != outcome.scenario) {
            exhibits.push(Exhibit {
                id: format!("s{}", exhibits.len()),
                title: outcome.scenario.clone(),
                section: folder(&outcome.scenario).to_owned(),
                command: format!("run {}", scenario.map(|it| it.path.display().to_string()).unwrap_or_default()),
                words: scenario.map(|scenario| remarks(&text(scenario))).unwrap_or_default(),
                rules: Vec::new(),
                shown: Vec::new(),
            });
        }
        if let Some(exhibit) = exhibits.last_mut() {
            exhibit.shown.push(shown(outcome, scenario));
        }
    }
    exhibits
}

fn shown(outcome: &Outcome, scenario: Option<&Scenario>) -> Shown {
    let (reason, failure, deviations) = match &outcome.verdict {
        Verdict::Pass => (None, None, Vec::new()),
        Verdict::Deviates { ids } | Verdict::Stale { ids } => (None, None, ids.clone()),
        Verdict::Fail(failure) => (None, Some(failure.clone()), Vec::new()),
        Verdict::Inconclusive { reason } | Verdict::Skip { reason } | Verdict::Error { reason } => {
            (Some(reason.clone()), None, Vec::new())
        }
    };
    // What differs as recorded was decided by the script that records it.
    let recorded = scenario.and_then(|scenario| scenario.alternative(outcome.subject.name()));
    let decided = match &outcome.verdict {
        Verdict::Deviates { .. } => recorded.as_ref().or(scenario),
        Verdict::Fail(failure) => recorded.as_ref().filter(|recorded| recorded.name == failure.script).or(scenario),
        Verdict::Pass
        | Verdict::Inconclusive { .. }
        | Verdict::Stale { .. }
        | Verdict::Skip { .. }
        | Verdict::Error { .. } => scenario,
    };
    Shown {
        subject: outcome.subject,
        system: outcome.system.clone(),
        sign: Sign::from(&outcome.verdict),
        reaction: None,
        reason,
        failure,
        deviations,
        normalised: outcome.normalised.clone(),
        script: decided.map(text).unwrap_or_default(),
        ladder: outcome.ladder.clone(),
    }
}

/// A file that cannot be read has its verdict already.
fn text(scenario: &Scenario) -> String {
    fs::read_to_string(&scenario.path).unwrap_or_default()
}

/// The paragraphs of the remarks with which a script begins.
fn remarks(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).map_while(|line| line.strip_prefix("//")).map(str::trim);
    let mut paragraphs = vec![String::new()];
    for line in lines {
        match paragraphs.last_mut() {
            Some(last) if !line.is_empty() => {
                if !last.is_empty() {
                    last.push(' ');
                }
                last.push_str(line);
            }
            Some(_) | None => paragraphs.push(String::new()),
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

/// The table of scenarios, folder by folder.
pub fn section(subjects: &[Subject], exhibits: &[Exhibit]) -> Markup {
    let mut folders: BTreeMap<&str, Vec<&Exhibit>> = BTreeMap::new();
    for exhibit in exhibits {
        folders.entry(&exhibit.section).or_default().push(exhibit);
    }
    let mut folders: Vec<(&str, Vec<&Exhibit>)> = folders.into_iter().collect();
    folders.sort_by_cached_key(|(folder, _)| by_number(folder));
    html! {
        section #scenarios {
            h2 { "Scenarios" }
            div.folders {
                @for (folder, exhibits) in folders {
                    table.grid.list data-section=(folder) {
                        thead {
                            tr {
                                th scope="col" { (folder) }
                                @for subject in subjects { th scope="col" data-system=(subject.name()) { (subject.name()) } }
                            }
                        }
                        tbody { @for exhibit in exhibits { (row(subjects, exhibit)) } }
                    }
                }
            }
        }
    }
}

fn row(subjects: &[Subject], exhibit: &Exhibit) -> Markup {
    let name = exhibit.title.rsplit('/').next().unwrap_or(&exhibit.title);
    html! {
        tr {
            th scope="row" title=[exhibit.words.first()] { (name) }
            @for subject in subjects { td { (sign::open(Some(exhibit), *subject)) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remarks_of_a_script_are_paragraphs() {
        let text = "// LISTEN, SYN: it is answered.\n//\n// RFC 9293 §3.10.7.2: \"a SYN\n// segment\"\n\n// not this\n";
        assert_eq!(remarks(text), ["LISTEN, SYN: it is answered.", "RFC 9293 §3.10.7.2: \"a SYN segment\""]);
        assert!(remarks("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3").is_empty());
    }
}
