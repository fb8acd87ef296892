//! JUnit XML, for whatever counts tests: a suite for each system and folder, a case for each scenario.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use super::{folder, matrix::Report};
use crate::verdict::{Outcome, Subject, Verdict};

/// The whole document.
pub fn document(report: &Report) -> String {
    let mut suites: BTreeMap<(Subject, &str), Vec<&Outcome>> = BTreeMap::new();
    for outcome in report.outcomes() {
        suites.entry((outcome.subject, folder(&outcome.scenario))).or_default().push(outcome);
    }
    let document = html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"))
        testsuites name="lockstep-conformance" {
            @for ((subject, folder), outcomes) in &suites { (suite(*subject, folder, outcomes)) }
        }
        (PreEscaped("\n"))
    };
    document.into_string()
}

fn suite(subject: Subject, folder: &str, outcomes: &[&Outcome]) -> Markup {
    let count = |is: fn(&Verdict) -> bool| outcomes.iter().filter(|outcome| is(&outcome.verdict)).count();
    let seconds: f64 = outcomes.iter().map(|outcome| outcome.seconds).sum();
    html! {
        (PreEscaped("\n"))
        testsuite name={ (subject.name()) ": " (folder) } tests=(outcomes.len())
            failures=(count(is_failure)) errors=(count(is_error)) skipped=(count(is_skip)) time=(format!("{seconds:.3}")) {
            @for outcome in outcomes { (case(outcome)) }
        }
    }
}

fn case(outcome: &Outcome) -> Markup {
    html! {
        (PreEscaped("\n"))
        testcase name=(outcome.scenario) classname=(outcome.subject.name()) time=(format!("{:.3}", outcome.seconds)) {
            @match &outcome.verdict {
                Verdict::Pass => {}
                Verdict::Deviates { ids } => system-out { "differs as recorded: " (ids.join(" ")) },
                Verdict::Fail(failure) => failure message="it differs" { (plain(&failure.to_string())) },
                Verdict::Inconclusive { reason } => failure message={ "inconclusive: " (plain(reason)) } {},
                Verdict::Stale { ids } => {
                    failure message={ "it conforms, so that deviations.toml must not excuse it any more: " (ids.join(" ")) } {}
                },
                Verdict::Skip { reason } => skipped message=(plain(reason)) {},
                Verdict::Error { reason } => error message=(plain(reason)) {},
            }
        }
    }
}

fn is_failure(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Fail(_) | Verdict::Inconclusive { .. } | Verdict::Stale { .. })
}

fn is_error(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Error { .. })
}

fn is_skip(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Skip { .. })
}

/// Without the control characters that XML 1.0 cannot say at all.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_is_told_and_counted() {
        let mut report = Report::new(vec![Subject::Linux]);
        let verdicts = [
            ("a/b/conforms", Verdict::Pass),
            ("a/b/differs", Verdict::Deviates { ids: vec!["L04".to_owned()] }),
            ("a/b/cannot", Verdict::Skip { reason: "no \"knob\" <\u{7}here> & there".to_owned() }),
            ("c/crashes", Verdict::Error { reason: "signal: 6".to_owned() }),
            ("c/stale", Verdict::Stale { ids: vec!["X1".to_owned()] }),
        ];
        for (scenario, verdict) in verdicts {
            let scenario = scenario.to_owned();
            report.add(Outcome {
                scenario,
                subject: Subject::Linux,
                system: None,
                verdict,
                normalised: Vec::new(),
                ladder: Vec::new(),
                seconds: 0.25,
                attempts: 1,
            });
        }
        insta::assert_snapshot!(document(&report), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="lockstep-conformance">
        <testsuite name="linux: a/b" tests="3" failures="0" errors="0" skipped="1" time="0.750">
        <testcase name="a/b/cannot" classname="linux" time="0.250"><skipped message="no &quot;knob&quot; &lt;here&gt; &amp; there"></skipped></testcase>
        <testcase name="a/b/conforms" classname="linux" time="0.250"></testcase>
        <testcase name="a/b/differs" classname="linux" time="0.250"><system-out>differs as recorded: L04</system-out></testcase></testsuite>
        <testsuite name="linux: c" tests="2" failures="1" errors="1" skipped="0" time="0.500">
        <testcase name="c/crashes" classname="linux" time="0.250"><error message="signal: 6"></error></testcase>
        <testcase name="c/stale" classname="linux" time="0.250"><failure message="it conforms, so that deviations.toml must not excuse it any more: X1"></failure></testcase></testsuite></testsuites>
        "#);
    }
}
