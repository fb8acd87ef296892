//! What one scenario says of one system.
//!
//! Two judges see each run: the script, which states what RFC 9293 wants in this one exchange, and the oracle, which
//! follows the exchange with the table. A system conforms if both agree that it does. Where it does not, the
//! [ledger](crate::deviations) may know: then the script that records the difference takes the place of the
//! scenario's own, and has to be met exactly.

use std::time::{Duration, Instant};

use lockstep_model::Table;
use lockstep_model::table::Kind;
use serde::{Deserialize, Serialize};

use crate::deviations::Deviation;
use crate::lab::Lab;
use crate::oracle::{self, Judgement, Terms};
use crate::report::ladder;
use crate::run::{self, Difference, End, Run};
use crate::scenario::{ReadError, Scenario};
use crate::script::Script;
use crate::system::linux::Linux;
use crate::system::lockstep::Lockstep;
use crate::system::{Fault, System, Unsupported};

/// A system that scenarios can be run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// The stack of this repository, in virtual time.
    Lockstep,
    /// The Linux kernel of this machine, in a namespace, in real time.
    Linux,
    /// smoltcp, an embedded stack in Rust, in virtual time.
    Smoltcp,
    /// Any stack behind an interface of this machine, in real time.
    Tap,
}

impl Subject {
    /// All of them, in the order of the report.
    pub const ALL: [Subject; 4] = [Subject::Lockstep, Subject::Linux, Subject::Smoltcp, Subject::Tap];

    /// Those that everybody has.
    pub const DEFAULT: [Subject; 2] = [Subject::Lockstep, Subject::Linux];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lockstep => "lockstep",
            Self::Linux => "linux",
            Self::Smoltcp => "smoltcp",
            Self::Tap => "tap",
        }
    }

    /// A fresh one, for one script, on a link with this MTU.
    fn system(self, mtu: u16) -> Result<Box<dyn System>, Fault> {
        match self {
            Self::Lockstep => Ok(Box::new(Lockstep::new(mtu, Table::repaired())?)),
            Self::Linux => Ok(Box::new(Linux::new(mtu)?)),
            Self::Smoltcp => Err(Unsupported::Absent { reason: "smoltcp is no system under test yet" }.into()),
            Self::Tap => Err(Unsupported::Absent { reason: "there is no interface with a stack behind it" }.into()),
        }
    }

    /// What it is judged by.
    pub fn terms(self, system: &dyn System) -> Terms {
        let deviant = match self {
            Self::Lockstep | Self::Smoltcp | Self::Tap => Vec::new(),
            Self::Linux => vec![Table::linux()],
        };
        Terms { deviant, ..Terms::new(system.timing(), self.time_wait()) }
    }

    /// How long its TIME-WAIT lasts. RFC 9293 §3.4.2 says four minutes and leaves the choice to experience; Linux has
    /// one, smoltcp ten seconds (`socket/tcp.rs`, `CLOSE_DELAY`). Whoever is not known has any.
    const fn time_wait(self) -> Duration {
        match self {
            Self::Lockstep => Duration::from_secs(240),
            Self::Smoltcp => Duration::from_secs(10),
            Self::Tap => Duration::ZERO,
            Self::Linux => Duration::from_secs(60),
        }
    }
}

/// One cell of the matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The name of the scenario.
    pub scenario: String,
    /// The system.
    pub subject: Subject,
    /// The system's own name with its version, if it got so far.
    pub system: Option<String>,
    /// What it says.
    pub verdict: Verdict,
    /// How long it took, in seconds on the wall.
    pub seconds: f64,
}

/// What a scenario says of a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum Verdict {
    /// Script and oracle agree that the system conforms.
    Pass,
    /// It does exactly what the ledger says it does instead.
    Deviates {
        /// The entries.
        ids: Vec<String>,
    },
    /// It differs.
    Fail(Failure),
    /// It conforms, and the ledger says it does not.
    Stale {
        /// The entries.
        ids: Vec<String>,
    },
    /// The scenario cannot be run on this system.
    Skip {
        /// Why not.
        reason: String,
    },
    /// The harness failed.
    Error {
        /// How.
        reason: String,
    },
}

impl Verdict {
    /// Whether it is as it should be.
    pub const fn is_green(&self) -> bool {
        match self {
            Self::Pass | Self::Deviates { .. } | Self::Skip { .. } => true,
            Self::Fail(_) | Self::Stale { .. } | Self::Error { .. } => false,
        }
    }
}

/// How a system differs, as each judge sees it, and the exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The script that was run last.
    pub script: String,
    /// Where the system leaves the script, if it does.
    pub difference: Option<Difference>,
    /// What the oracle cannot explain, if there is something.
    pub divergence: Option<Divergence>,
    /// The exchange.
    pub ladder: Vec<ladder::Row>,
}

/// What the oracle cannot explain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    /// What each reading of the RFC expected.
    pub expected: Vec<String>,
    /// What was seen.
    pub seen: String,
    /// The rules that fired last before.
    pub rules: Vec<String>,
}

/// Runs a scenario on a system.
pub fn examine(scenario: &Scenario, subject: Subject, lab: &Lab) -> Outcome {
    let began = Instant::now();
    let mut system = None;
    let verdict = match judge(scenario, subject, lab, &mut system) {
        Ok(verdict) => verdict,
        Err(Unjudged::Skip(reason)) => Verdict::Skip { reason },
        Err(Unjudged::Error(reason)) => Verdict::Error { reason },
    };
    Outcome { scenario: scenario.name.clone(), subject, system, verdict, seconds: began.elapsed().as_secs_f64() }
}

impl From<ReadError> for Unjudged {
    fn from(error: ReadError) -> Self {
        match &error {
            ReadError::Script(parse) if parse.is_unsupported() => Self::Skip(error.to_string()),
            ReadError::Script(_) | ReadError::File(_) => Self::Error(error.to_string()),
        }
    }
}

fn judge(scenario: &Scenario, subject: Subject, lab: &Lab, system: &mut Option<String>) -> Result<Verdict, Unjudged> {
    let played = Played::on(subject, &scenario.script()?)?;
    let known = lab.deviations.of(&played.system, &scenario.name);
    *system = Some(played.system.clone());
    let ids = || known.iter().map(|deviation| deviation.id.clone()).collect();
    if known.is_empty() {
        return Ok(if played.conforms() { Verdict::Pass } else { Verdict::Fail(played.failure()) });
    }
    if played.conforms() {
        return Ok(Verdict::Stale { ids: ids() });
    }
    let played = match scenario.alternative(subject.name()) {
        Some(alternative) => Played::on(subject, &alternative.script()?)?,
        None => played,
    };
    Ok(if played.deviates(&known) { Verdict::Deviates { ids: ids() } } else { Verdict::Fail(played.failure()) })
}

/// A script that was run on a fresh system, and what both judges say.
pub struct Played {
    script: String,
    system: String,
    /// What was seen, and how far the script was followed.
    pub run: Run,
    /// What the oracle says of all that was seen.
    pub judgement: Judgement,
}

/// Why nobody can judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unjudged {
    /// The script cannot be run on this system, for this reason.
    Skip(String),
    /// The harness failed, in this way.
    Error(String),
}

impl Played {
    /// Runs a script on a fresh system, and judges.
    ///
    /// # Errors
    ///
    /// [`Unjudged`] if it cannot be run to an end.
    pub fn new(script: &Script, system: &mut dyn System, terms: &Terms) -> Result<Self, Unjudged> {
        let run = run::run(script, system);
        match &run.end {
            End::Completed | End::Differs(_) => {}
            End::Skipped(reason) => return Err(Unjudged::Skip(reason.clone())),
            End::Broken(reason) => return Err(Unjudged::Error(reason.clone())),
        }
        let judgement = oracle::judge(&run.trace, terms);
        Ok(Self { script: script.name.clone(), system: system.name().to_owned(), run, judgement })
    }

    /// Runs a script on a system of this sort.
    fn on(subject: Subject, script: &Script) -> Result<Self, Unjudged> {
        let mut system = subject.system(script.mtu()).map_err(|fault| match fault {
            Fault::Unsupported(reason) => Unjudged::Skip(reason.to_string()),
            Fault::Harness { .. } | Fault::Command { .. } | Fault::Lost { .. } => Unjudged::Error(fault.to_string()),
        })?;
        let terms = subject.terms(system.as_ref());
        Self::new(script, system.as_mut(), &terms)
    }

    /// Whether both judges agree that the system did what RFC 9293 says.
    pub fn conforms(&self) -> bool {
        self.run.end == End::Completed && self.judgement.needs().is_some_and(|ids| ids.is_empty())
    }

    /// Whether it is what the ledger says. What the oracle cannot explain is excused only as long as no row of the
    /// table says what this system does.
    fn deviates(&self, known: &[&Deviation]) -> bool {
        let excused = match self.judgement.needs() {
            Some(ids) => ids.iter().all(|id| known.iter().any(|deviation| deviation.id == *id)),
            None => known.iter().any(|deviation| !is_a_row(&deviation.id)),
        };
        self.run.end == End::Completed && excused
    }

    fn failure(self) -> Failure {
        let difference = match self.run.end {
            End::Differs(difference) => Some(difference),
            End::Completed | End::Skipped(_) | End::Broken(_) => None,
        };
        let ladder = ladder::draw(&self.run.trace);
        Failure { script: self.script, difference, divergence: self.judgement.divergence(), ladder }
    }
}

impl Judgement {
    /// The numbers of the deviations that explain what was seen; `None` if nothing does.
    fn needs(&self) -> Option<Vec<&'static str>> {
        match self {
            Self::Explained { deviations } => {
                let rules = deviations.iter().filter_map(|id| Table::catalogue().rule(*id));
                Some(rules.filter_map(|rule| deviation(rule.kind)).collect())
            }
            Self::Diverged(_) => None,
        }
    }

    fn divergence(self) -> Option<Divergence> {
        match self {
            Self::Explained { deviations } if deviations.is_empty() => None,
            Self::Explained { deviations } => Some(Divergence {
                expected: vec!["what RFC 9293 says".to_owned()],
                seen: "a difference that is not in the ledger".to_owned(),
                rules: deviations.iter().map(ToString::to_string).collect(),
            }),
            Self::Diverged(divergence) => Some(Divergence {
                expected: divergence.expected.into_iter().collect(),
                seen: divergence.seen,
                rules: divergence.rules.iter().map(ToString::to_string).collect(),
            }),
        }
    }
}

/// Whether the table has a row for a deviation of this number.
fn is_a_row(id: &str) -> bool {
    Table::catalogue().rules().iter().any(|rule| deviation(rule.kind) == Some(id))
}

fn deviation(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Deviation { id } => Some(id),
        Kind::Literal | Kind::Erratum(_) | Kind::Updated(_) | Kind::Repair { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::deviations::Deviations;
    use crate::oracle;
    use crate::scenario;
    use crate::trace::Trace;

    fn ledger(system: &str, id: &str) -> Deviations {
        let entry = format!(
            "[[deviation]]\nid = '{id}'\nsystem = '{system}'\nscenarios = ['3.5-establish/closed-open-active']\n\
             reason = 'a test'\nsource = 'a test'"
        );
        Deviations::parse(&entry).expect("a ledger")
    }

    fn closed_open_active() -> Scenario {
        Scenario::new(scenario::folder().join("3.5-establish/closed-open-active.pkt"))
    }

    #[test]
    fn an_excuse_for_what_conforms_is_stale() {
        let verdict = |ledger: Deviations| examine(&closed_open_active(), Subject::Lockstep, &Lab::new(ledger)).verdict;
        assert_eq!(verdict(Deviations::default()), Verdict::Pass);
        assert_eq!(verdict(ledger("linux", "L04")), Verdict::Pass);
        assert_eq!(verdict(ledger("lockstep", "X01")), Verdict::Stale { ids: vec!["X01".to_owned()] });
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let nowhere = Scenario::new("nowhere.pkt".into());
        let verdict = examine(&nowhere, Subject::Lockstep, &Lab::default()).verdict;
        assert!(matches!(verdict, Verdict::Error { .. }), "{verdict:?}");
        assert!(!verdict.is_green());
    }

    fn played(end: End, judgement: Judgement) -> Played {
        let run = Run { trace: Trace::default(), end };
        Played { script: "a script".to_owned(), system: "linux 6.18".to_owned(), run, judgement }
    }

    fn explained_by(id: &str) -> Judgement {
        let rules = Table::catalogue().rules().iter();
        let deviations: BTreeSet<_> =
            rules.filter(|rule| deviation(rule.kind) == Some(id)).map(|rule| rule.id).collect();
        Judgement::Explained { deviations }
    }

    fn diverged() -> Judgement {
        Judgement::Diverged(oracle::Divergence {
            connection: None,
            index: 0,
            seen: "this".to_owned(),
            expected: BTreeSet::from(["that".to_owned()]),
            rules: Vec::new(),
        })
    }

    /// L04 is a row of the table, L05 a matter of error numbers, of which the table knows nothing.
    #[test]
    fn only_what_is_recorded_is_excused() {
        let excused = |end: End, judgement: Judgement, id: &str| {
            let ledger = ledger("linux", id);
            played(end, judgement).deviates(&ledger.of("linux 6.18", "3.5-establish/closed-open-active"))
        };
        assert!(excused(End::Completed, explained_by("L04"), "L04"));
        assert!(!excused(End::Completed, explained_by("L04"), "L05"), "another deviation");
        assert!(excused(End::Completed, explained_by("L05"), "L05"));
        assert!(excused(End::Completed, diverged(), "L05"), "no row can explain it");
        assert!(!excused(End::Completed, diverged(), "L04"), "the row should have explained it");
        let difference = Difference { line: 1, expected: String::new(), seen: String::new() };
        assert!(!excused(End::Differs(difference), explained_by("L04"), "L04"), "not as recorded");
    }

    #[test]
    fn both_judges_must_agree() {
        let difference = Difference { line: 1, expected: String::new(), seen: String::new() };
        assert!(played(End::Completed, explained_by("nothing")).conforms());
        assert!(!played(End::Completed, explained_by("L04")).conforms());
        assert!(!played(End::Completed, diverged()).conforms());
        assert!(!played(End::Differs(difference), explained_by("nothing")).conforms());
    }
}
