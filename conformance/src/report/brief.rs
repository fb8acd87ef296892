//! A report of more scenarios than fit on a screen: folder by folder, and only what is wrong is told whole.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use super::folder;
use super::matrix::{Report, explain};
use super::sign::Sign;
use crate::verdict::{Subject, Verdict};

/// Of this report.
pub struct Brief<'a>(pub &'a Report);

/// How often each sign was earned.
type Counts = BTreeMap<Sign, usize>;

impl Brief<'_> {
    fn table(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut folders: BTreeMap<&str, BTreeMap<Subject, Counts>> = BTreeMap::new();
        for outcome in self.0.outcomes() {
            let counts = folders.entry(folder(&outcome.scenario)).or_default().entry(outcome.subject).or_default();
            *counts.entry(Sign::from(&outcome.verdict)).or_default() += 1;
        }
        let told = |counts: Option<&Counts>| counts.map(told).unwrap_or_default();
        let first = folders.keys().map(|folder| folder.chars().count()).max().unwrap_or(0).max("folder".len());
        let width = |subject: &Subject| {
            let texts = folders.values().map(|counts| told(counts.get(subject)).chars().count());
            texts.chain([subject.name().len()]).max().unwrap_or(0)
        };
        write!(f, "{:first$}", "folder")?;
        self.0.subjects().iter().try_for_each(|it| write!(f, "  {:width$}", it.name(), width = width(it)))?;
        writeln!(f)?;
        for (folder, counts) in &folders {
            write!(f, "{folder:first$}")?;
            for subject in self.0.subjects() {
                write!(f, "  {:width$}", told(counts.get(subject)), width = width(subject))?;
            }
            writeln!(f)?;
        }
        writeln!(f)
    }

    /// What was left out, reason by reason.
    fn skipped(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut reasons: BTreeMap<(Subject, &str), usize> = BTreeMap::new();
        for outcome in self.0.outcomes() {
            if let Verdict::Skip { reason } = &outcome.verdict {
                *reasons.entry((outcome.subject, without_place(reason, &outcome.scenario))).or_default() += 1;
            }
        }
        for ((subject, reason), count) in &reasons {
            writeln!(f, "s {count} on {}: {reason}", subject.name())?;
        }
        if reasons.is_empty() { Ok(()) } else { writeln!(f) }
    }
}

/// `12 ✓  3 D`
fn told(counts: &Counts) -> String {
    let counts: Vec<String> = counts.iter().map(|(sign, count)| format!("{count} {}", sign.symbol())).collect();
    counts.join("  ")
}

/// A reason begins with the place in the script, if there is one.
fn without_place<'a>(reason: &'a str, scenario: &str) -> &'a str {
    let place = reason.strip_prefix(scenario).and_then(|rest| rest.split_once(' '));
    place.map_or(reason, |(_, reason)| reason)
}

/// The table, what went wrong, what was left out, and a line for each system.
impl Display for Brief<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.table(f)?;
        let wrong = self.0.outcomes().iter().filter(|outcome| !outcome.verdict.is_green());
        wrong.into_iter().try_for_each(|outcome| explain(outcome, f))?;
        self.skipped(f)?;
        self.0.summary(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::verdict::Outcome;

    #[test]
    fn many_scenarios_are_counted_and_what_is_wrong_is_told() {
        let outcome = |name: &str, verdict: Verdict| {
            let scenario = Scenario { name: name.to_owned(), path: "nowhere".into() };
            Outcome { verdict, ..Outcome::error(&scenario, Subject::Linux, "the run crashed".to_owned()) }
        };
        let skip = |place: &str| Verdict::Skip { reason: format!("{place} there is no such knob") };
        let mut report = Report::new(vec![Subject::Lockstep, Subject::Linux]);
        for number in 0..40 {
            report.add(outcome(&format!("a/{number}"), Verdict::Pass));
        }
        report.add(outcome("a/differs", Verdict::Deviates { ids: vec!["L04".to_owned()] }));
        report.add(outcome("b/one", skip("b/one:3:1:")));
        report.add(outcome("b/two", skip("b/two:7:12:")));
        report.add(outcome("b/wrong", Verdict::Error { reason: "the run crashed".to_owned() }));
        let told: Vec<String> = Brief(&report).to_string().lines().map(|line| line.trim_end().to_owned()).collect();
        let wanted = [
            "folder  lockstep  linux",
            "a                 40 ✓  1 D",
            "b                 1 ?  2 s",
            "",
            "? b/wrong on linux",
            "  the run crashed",
            "",
            "s 2 on linux: there is no such knob",
            "",
            "lockstep: not run",
            "linux: 40 conform, 1 differ as recorded, 2 skipped, 1 could not be judged",
        ];
        assert_eq!(told, wanted);
    }
}
