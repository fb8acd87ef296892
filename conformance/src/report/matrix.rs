//! The matrix, scenario by system, and after it what went wrong.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use super::folder;
use super::sign::Sign;
use crate::verdict::{Failure, Outcome, Subject, Verdict};

/// The width of a column of verdicts.
const COLUMN: usize = 10;

/// Everything there is to tell.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// In the order of the columns.
    subjects: Vec<Subject>,
    /// By scenario, then by system.
    outcomes: Vec<Outcome>,
}

impl Report {
    /// A report on these systems, with nothing in it yet.
    pub fn new(subjects: Vec<Subject>) -> Self {
        Self { subjects, outcomes: Vec::new() }
    }

    /// Adds an outcome.
    pub fn add(&mut self, outcome: Outcome) {
        let key = |outcome: &Outcome| (outcome.scenario.clone(), outcome.subject);
        let place = self.outcomes.partition_point(|other| key(other) <= key(&outcome));
        self.outcomes.insert(place, outcome);
    }

    /// The systems, in the order of the columns.
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// By scenario, then by system.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// Whether everything is as it should be.
    pub fn is_green(&self) -> bool {
        self.outcomes.iter().all(|outcome| outcome.verdict.is_green())
    }

    /// The outcomes of a scenario, by system.
    fn rows(&self) -> BTreeMap<&str, BTreeMap<Subject, &Outcome>> {
        let mut rows: BTreeMap<&str, BTreeMap<Subject, &Outcome>> = BTreeMap::new();
        for outcome in &self.outcomes {
            rows.entry(&outcome.scenario).or_default().insert(outcome.subject, outcome);
        }
        rows
    }

    fn matrix(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let width = rows.keys().map(|name| name.len()).max().unwrap_or(0).max("scenario".len());
        write!(f, "{:<width$}", "scenario")?;
        self.subjects.iter().try_for_each(|subject| write!(f, "  {:^COLUMN$}", subject.name()))?;
        writeln!(f)?;
        let mut last = None;
        for (name, outcomes) in rows {
            let here = Some(folder(name));
            if here != last {
                last = here;
                writeln!(f)?;
            }
            write!(f, "{name:<width$}")?;
            for subject in &self.subjects {
                write!(
                    f,
                    "  {:^COLUMN$}",
                    outcomes.get(subject).map_or("–".to_owned(), |outcome| cell(&outcome.verdict))
                )?;
            }
            writeln!(f)?;
        }
        writeln!(f)
    }

    /// One line for each system.
    pub(super) fn summary(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for subject in &self.subjects {
            let outcomes: Vec<&Outcome> = self.outcomes.iter().filter(|outcome| outcome.subject == *subject).collect();
            let count = |is: fn(&Verdict) -> bool| outcomes.iter().filter(|outcome| is(&outcome.verdict)).count();
            let name = outcomes.iter().find_map(|outcome| outcome.system.as_deref()).unwrap_or(subject.name());
            let sorts = [
                (count(|verdict| matches!(verdict, Verdict::Pass)), "conform"),
                (count(|verdict| matches!(verdict, Verdict::Deviates { .. })), "differ as recorded"),
                (count(|verdict| matches!(verdict, Verdict::Skip { .. })), "skipped"),
                (count(|verdict| matches!(verdict, Verdict::Fail(_))), "FAIL"),
                (count(|verdict| matches!(verdict, Verdict::Inconclusive { .. })), "INCONCLUSIVE"),
                (count(|verdict| matches!(verdict, Verdict::Stale { .. })), "STALE"),
                (count(|verdict| matches!(verdict, Verdict::Error { .. })), "could not be judged"),
            ];
            let told = sorts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
            let told: Vec<String> = told.collect();
            write!(f, "{name}: {}", if told.is_empty() { "not run".to_owned() } else { told.join(", ") })?;
            writeln!(f, "{}", again(outcomes.iter().map(|outcome| outcome.attempts)))?;
        }
        Ok(())
    }
}

/// How many had to be tried again, if any had to.
pub(crate) fn again(attempts: impl Iterator<Item = u32>) -> String {
    match attempts.filter(|attempts| *attempts > 1).count() {
        0 => String::new(),
        count => format!(" ({count} tried again)"),
    }
}

/// The matrix, what went wrong or was left out, and a line for each system.
impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.matrix(f)?;
        writeln!(
            f,
            "✓ conforms   D differs as recorded   ✗ fails   ~ inconclusive   ! stale record   ? not judged   s skipped   \
             – not run\n"
        )?;
        for outcome in &self.outcomes {
            explain(outcome, f)?;
        }
        self.summary(f)
    }
}

fn cell(verdict: &Verdict) -> String {
    let symbol = Sign::from(verdict).symbol();
    match verdict {
        Verdict::Deviates { ids } | Verdict::Stale { ids } => format!("{symbol} {}", ids.join(" ")),
        Verdict::Pass
        | Verdict::Fail(_)
        | Verdict::Inconclusive { .. }
        | Verdict::Skip { .. }
        | Verdict::Error { .. } => symbol.to_owned(),
    }
}

/// Why it is not as it should be, or was left out; whole.
pub(super) fn explain(outcome: &Outcome, f: &mut Formatter<'_>) -> fmt::Result {
    let place = format!("{} on {}", outcome.scenario, outcome.system.as_deref().unwrap_or(outcome.subject.name()));
    match &outcome.verdict {
        Verdict::Pass | Verdict::Deviates { .. } => Ok(()),
        Verdict::Fail(failure) => {
            writeln!(f, "✗ {place}")?;
            outcome.ladder.iter().try_for_each(|row| writeln!(f, "  {row}"))?;
            write!(f, "{failure}")
        }
        Verdict::Inconclusive { reason } => writeln!(f, "~ {place}\n  {reason}\n"),
        Verdict::Stale { ids } => {
            writeln!(
                f,
                "! {place}\n  conforms, so that deviations.toml must not excuse it any more: {}\n",
                ids.join(" ")
            )
        }
        Verdict::Skip { reason } => writeln!(f, "s {place}\n  {reason}\n"),
        Verdict::Error { reason } => writeln!(f, "? {place}\n  {reason}\n"),
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(difference) = &self.difference {
            writeln!(f, "  {}:{}", self.script, difference.line)?;
            writeln!(f, "    expected  {}", difference.expected)?;
            writeln!(f, "    seen      {}", difference.seen)?;
        }
        if let Some(divergence) = &self.divergence {
            writeln!(f, "  the table cannot explain this")?;
            divergence.expected.iter().try_for_each(|expected| writeln!(f, "    expected  {expected}"))?;
            writeln!(f, "    seen      {}", divergence.seen)?;
            writeln!(f, "    after     {}", divergence.rules.join(", "))?;
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ladder::{Row, Side};
    use crate::run::Difference;

    fn outcome(scenario: &str, subject: Subject, verdict: Verdict) -> Outcome {
        let system = matches!(subject, Subject::Linux).then(|| "linux 6.18".to_owned());
        let ladder = vec![Row {
            line: Some(6),
            microseconds: 0,
            side: Side::System,
            words: "close(4) = 0".to_owned(),
            rules: Vec::new(),
        }];
        Outcome {
            scenario: scenario.to_owned(),
            subject,
            system,
            verdict,
            normalised: Vec::new(),
            ladder,
            seconds: 0.0,
            attempts: 1,
        }
    }

    #[test]
    fn everything_is_told_and_only_good_news_is_green() {
        let failure = Failure {
            script: "b/fails".to_owned(),
            difference: Some(Difference { line: 7, expected: "+0 > R 1:1(0)".to_owned(), seen: "nothing".to_owned() }),
            divergence: None,
        };
        let verdicts = [
            ("a/conforms", Verdict::Pass),
            ("a/differs", Verdict::Deviates { ids: vec!["L04".to_owned()] }),
            ("b/cannot", Verdict::Skip { reason: "there is no such knob".to_owned() }),
        ];
        let mut report = Report::new(vec![Subject::Lockstep, Subject::Linux]);
        for (scenario, verdict) in verdicts.into_iter().rev() {
            report.add(outcome(scenario, Subject::Linux, verdict));
        }
        assert!(report.is_green());
        report.add(outcome("b/fails", Subject::Lockstep, Verdict::Fail(failure)));
        report.add(outcome("b/stale", Subject::Lockstep, Verdict::Stale { ids: vec!["X1".to_owned()] }));
        assert!(!report.is_green());
        let lines: Vec<String> = report.to_string().lines().map(|line| line.trim_end().to_owned()).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        scenario     lockstep     linux

        a/conforms      –           ✓
        a/differs       –         D L04

        b/cannot        –           s
        b/fails         ✗           –
        b/stale        ! X1         –

        ✓ conforms   D differs as recorded   ✗ fails   ~ inconclusive   ! stale record   ? not judged   s skipped   – not run

        s b/cannot on linux 6.18
          there is no such knob

        ✗ b/fails on lockstep
             6    0.000000  close(4) = 0
          b/fails:7
            expected  +0 > R 1:1(0)
            seen      nothing

        ! b/stale on lockstep
          conforms, so that deviations.toml must not excuse it any more: X1

        lockstep: 1 FAIL, 1 STALE
        linux 6.18: 1 conform, 1 differ as recorded, 1 skipped
        ");
    }

    #[test]
    fn bad_news_is_never_green() {
        for verdict in [Verdict::Stale { ids: Vec::new() }, Verdict::Error { reason: String::new() }] {
            assert!(!verdict.is_green(), "{verdict:?}");
        }
    }
}
