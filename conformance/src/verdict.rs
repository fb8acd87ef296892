//! What one scenario says of one system.
//!
//! Two judges see each run: the script, which states what RFC 9293 wants in this one exchange, and the oracle, which
//! follows the exchange with the table. A system conforms if both agree that it does. Where it does not, the
//! [ledger](crate::deviations) may know: then the difference has to be exactly what is recorded, as a script that takes the
//! place of the scenario's own, or as the words of the first difference. The verdicts are those of ISO 9646, and two of
//! the ledger: a difference that is expected, and one that was and is no more.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use lockstep_model::Table;
use lockstep_model::table::Kind;
use serde::{Deserialize, Serialize};

use crate::deviations::{Deviation, Deviations};
use crate::lab::Lab;
use crate::oracle::{self, Judgement, Reasons, Terms};
use crate::personality::Personality;
use crate::report::ladder;
use crate::run::{self, Difference, End, Normalisation, OptionList, Rules, Run};
use crate::scenario::{ReadError, Scenario};
use crate::script::{Action, Builtin, Direction, Script};
use crate::system::linux::Linux;
use crate::system::lockstep::Lockstep;
use crate::system::smoltcp::{self, Smoltcp};
use crate::system::tap::{self, Plan, Tap};
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
    pub const DEFAULT: [Subject; 3] = [Subject::Lockstep, Subject::Linux, Subject::Smoltcp];

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
    pub(crate) fn system(self, mtu: u16, lab: &Lab) -> Result<Box<dyn System>, Fault> {
        match self {
            Self::Lockstep => Ok(Box::new(lockstep(mtu, lab.personality.as_ref())?)),
            Self::Linux => {
                let mut linux = Linux::over(lab.link, mtu)?;
                if lab.shell {
                    linux.allow_shell();
                }
                Ok(Box::new(linux))
            }
            Self::Smoltcp => Ok(Box::new(Smoltcp::new(mtu))),
            Self::Tap => Err(Unsupported::Absent { reason: "what a service does needs a script" }.into()),
        }
    }

    /// A fresh one for this script, and the script as it can be played there.
    fn prepare(self, script: &Script, lab: &Lab) -> Result<(Box<dyn System>, Option<Plan>), Fault> {
        let Self::Tap = self else { return Ok((self.system(script.mtu(), lab)?, None)) };
        let reason = "no stack behind an interface was named: say --system tap:NAME --target ADDR";
        let target = lab.tap.as_ref().ok_or(Unsupported::Absent { reason })?;
        let plan = tap::plan(script)?;
        Ok((Box::new(Tap::new(target, &plan)?), Some(plan)))
    }

    /// What it is judged by.
    pub fn terms(self, system: &dyn System) -> Terms {
        let deviant = match self {
            Self::Lockstep | Self::Smoltcp | Self::Tap => Vec::new(),
            Self::Linux => vec![Table::linux()],
        };
        Terms { deviant, ..Terms::new(system.timing(), self.time_wait()) }
    }

    /// What scripts let pass. How options are laid out is no matter of RFC 9293, so that a system which lays them out
    /// neither as Linux nor as Lockstep need not be told. A service does at once what a script's user does later, so that
    /// ACKs go with what it sends.
    fn rules(self, lab: &Lab) -> Rules {
        let optional_acks = lab.rules.optional_acks || self == Self::Tap;
        let options = match (self, lab.rules.options) {
            (Self::Smoltcp | Self::Tap, OptionList::Exact) => OptionList::Set,
            (Self::Lockstep | Self::Linux | Self::Smoltcp | Self::Tap, chosen) => chosen,
        };
        Rules { options, optional_acks, ..lab.rules.clone() }
    }

    /// How long its TIME-WAIT lasts. RFC 9293 §3.4.2 says four minutes and leaves the choice to experience; Linux has
    /// one, smoltcp ten seconds. Whoever is not known has any.
    const fn time_wait(self) -> Duration {
        match self {
            Self::Lockstep => Duration::from_secs(240),
            Self::Smoltcp => smoltcp::TIME_WAIT,
            Self::Tap => Duration::ZERO,
            Self::Linux => Duration::from_secs(60),
        }
    }
}

/// Lockstep, as itself or as somebody else.
fn lockstep(mtu: u16, personality: Option<&Personality>) -> Result<Lockstep, Fault> {
    match personality {
        Some(personality) => Lockstep::on(personality.config(mtu), Table::repaired()),
        None => Lockstep::new(mtu, Table::repaired()),
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
    /// What the system's profile let pass although the script says otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub normalised: Vec<String>,
    /// The exchange of the script that decided.
    #[serde(default)]
    pub ladder: Vec<ladder::Row>,
    /// How long it took, in seconds on the wall.
    pub seconds: f64,
    /// How often it was tried: in real time a machine with too much to do may spoil the first attempt.
    pub attempts: u32,
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
    /// It conforms as far as it got, and did not get where the scenario begins.
    Inconclusive {
        /// Which precondition was not met.
        reason: String,
    },
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
            Self::Fail(_) | Self::Inconclusive { .. } | Self::Stale { .. } | Self::Error { .. } => false,
        }
    }
}

/// How a system differs, as each judge sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The script that was run last.
    pub script: String,
    /// Where the system leaves the script, if it does.
    pub difference: Option<Difference>,
    /// What the oracle cannot explain, if there is something.
    pub divergence: Option<Divergence>,
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

impl Outcome {
    /// One that says that the harness failed, and how.
    pub fn error(scenario: &Scenario, subject: Subject, reason: String) -> Self {
        Self {
            scenario: scenario.name.clone(),
            subject,
            system: None,
            verdict: Verdict::Error { reason },
            normalised: Vec::new(),
            ladder: Vec::new(),
            seconds: 0.0,
            attempts: 1,
        }
    }
}

/// Runs a scenario on a system.
pub fn examine(scenario: &Scenario, subject: Subject, lab: &Lab) -> Outcome {
    let began = Instant::now();
    let (verdict, played) = match judge(scenario, subject, lab) {
        Ok((verdict, played)) => (verdict, Some(played)),
        Err(Unjudged::Skip(reason)) => (Verdict::Skip { reason }, None),
        Err(Unjudged::Error(reason)) => (Verdict::Error { reason }, None),
    };
    Outcome {
        scenario: scenario.name.clone(),
        subject,
        system: played.as_ref().map(|played| played.system.clone()),
        verdict,
        normalised: played.as_ref().map(Played::normalised).unwrap_or_default(),
        ladder: played.map(|played| ladder::draw(&played.run.trace, &played.reasons)).unwrap_or_default(),
        seconds: began.elapsed().as_secs_f64(),
        attempts: 1,
    }
}

impl From<ReadError> for Unjudged {
    fn from(error: ReadError) -> Self {
        match &error {
            ReadError::Script(parse) if parse.is_unsupported() => Self::Skip(error.to_string()),
            ReadError::Script(_) | ReadError::File(_) => Self::Error(error.to_string()),
        }
    }
}

/// The verdict, and the run that decided it.
fn judge(scenario: &Scenario, subject: Subject, lab: &Lab) -> Result<(Verdict, Played), Unjudged> {
    let ledger = &lab.deviations;
    let script = scenario.script(&lab.defines)?;
    let played = Played::on(subject, lab, &script)?;
    let known = ledger.of(&played.system, &scenario.name);
    if known.is_empty() {
        return Ok((played.verdict(&script, ledger), played));
    }
    let ids = || known.iter().map(|deviation| deviation.id.clone()).collect();
    if played.conforms() {
        return Ok((Verdict::Stale { ids: ids() }, played));
    }
    let seen = played.first_difference();
    if known.iter().any(|entry| entry.seen(&scenario.name).is_some_and(|recorded| seen.as_deref() == Some(recorded))) {
        return Ok((Verdict::Deviates { ids: ids() }, played));
    }
    let played = match scenario.alternative(subject.name()) {
        Some(alternative) => Played::on(subject, lab, &alternative.script(&lab.defines)?)?,
        None => played,
    };
    let verdict =
        if played.deviates(&known) { Verdict::Deviates { ids: ids() } } else { Verdict::Fail(played.failure()) };
    Ok((verdict, played))
}

/// A script that was run on a fresh system, and what both judges say.
pub struct Played {
    script: String,
    system: String,
    /// What was seen, and how far the script was followed.
    pub run: Run,
    /// What the oracle says of all that was seen.
    pub judgement: Judgement,
    /// The rules that explain it, as far as it is explained.
    pub reasons: Reasons,
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
    /// Runs a script on a fresh system, and judges; everything has to be as written.
    ///
    /// # Errors
    ///
    /// [`Unjudged`] if it cannot be run to an end.
    pub fn new(script: &Script, system: &mut dyn System, terms: &Terms) -> Result<Self, Unjudged> {
        Self::by(&Rules::STRICT, script, system, terms)
    }

    /// Runs a script on a fresh system by these rules, and judges.
    ///
    /// # Errors
    ///
    /// As [`Played::new`].
    pub fn by(rules: &Rules, script: &Script, system: &mut dyn System, terms: &Terms) -> Result<Self, Unjudged> {
        let run = run::run_by(rules, script, system);
        match &run.end {
            End::Completed | End::Differs(_) => {}
            End::Skipped(reason) => return Err(Unjudged::Skip(reason.clone())),
            End::Broken(reason) => return Err(Unjudged::Error(reason.clone())),
        }
        let (judgement, reasons) = oracle::explain(&run.trace, terms);
        Ok(Self { script: script.name.clone(), system: system.name().to_owned(), run, judgement, reasons })
    }

    /// Runs a script on a system of this sort.
    fn on(subject: Subject, lab: &Lab, script: &Script) -> Result<Self, Unjudged> {
        let (mut system, plan) = subject.prepare(script, lab).map_err(|fault| match fault {
            Fault::Unsupported(reason) => Unjudged::Skip(reason.to_string()),
            Fault::Harness { .. } | Fault::Command { .. } | Fault::Lost { .. } => Unjudged::Error(fault.to_string()),
        })?;
        let terms = subject.terms(system.as_ref());
        let (script, is_less) = plan.as_ref().map_or((script, false), |plan| (&plan.script, plan.is_less));
        let mut played = Self::by(&subject.rules(lab), script, system.as_mut(), &terms)?;
        if is_less {
            played.run.normalised.insert(Normalisation::NotAsked);
        }
        Ok(played)
    }

    /// What the rules let pass, by name.
    fn normalised(&self) -> Vec<String> {
        let by_rules = self.run.normalised.iter().map(ToString::to_string);
        let knobs = self.run.unknown_knobs.iter();
        by_rules.chain(knobs.map(|name| format!("knob {name} is at its default and unknown here"))).collect()
    }

    /// Whether both judges agree that the system did what RFC 9293 says.
    pub fn conforms(&self) -> bool {
        self.run.end == End::Completed && self.judgement.needs().is_some_and(|ids| ids.is_empty())
    }

    /// What it says of a system of which the ledger says nothing in this scenario. That the table has a row for what the
    /// system does is as good as a record of it, if the ledger has the reason.
    fn verdict(&self, script: &Script, ledger: &Deviations) -> Verdict {
        if self.conforms() {
            return Verdict::Pass;
        }
        let ids = self.judgement.needs().unwrap_or_default();
        if self.run.end == End::Completed && !ids.is_empty() && ids.iter().all(|id| ledger.has(&self.system, id)) {
            return Verdict::Deviates { ids: ids.into_iter().map(str::to_owned).collect() };
        }
        match self.unmet(script) {
            Some(reason) => Verdict::Inconclusive { reason },
            None => Verdict::Fail(self.failure()),
        }
    }

    /// The precondition that was not met: the script asserts a state and then goes on doing things, the system is in
    /// another, and the oracle can explain how it came there.
    fn unmet(&self, script: &Script) -> Option<String> {
        let End::Differs(Difference { line, seen, .. }) = &self.run.end else { return None };
        let place = script
            .events
            .iter()
            .position(|event| u32::try_from(event.at.line) == Ok(*line) && asks_for_a_state(&event.action))?;
        let goes_on = script.events[place..].iter().any(|event| is_done_by_the_script(&event.action));
        let explained = self.judgement.needs().is_some_and(|ids| ids.is_empty());
        (goes_on && explained).then(|| format!("line {line}: {seen}, so that what follows says nothing"))
    }

    /// Whether it is what the ledger says.
    fn deviates(&self, known: &[&Deviation]) -> bool {
        self.run.end == End::Completed && self.judgement.is_excused_by(known)
    }

    /// In one line, the script's before the oracle's.
    fn first_difference(&self) -> Option<String> {
        match (&self.run.end, &self.judgement) {
            (End::Differs(Difference { line, seen, .. }), _) => Some(format!("line {line}: {seen}")),
            (_, Judgement::Diverged(divergence)) => Some(divergence.seen.clone()),
            (End::Completed | End::Skipped(_) | End::Broken(_), Judgement::Explained { .. }) => None,
        }
    }

    fn failure(&self) -> Failure {
        let difference = match &self.run.end {
            End::Differs(difference) => Some(difference.clone()),
            End::Completed | End::Skipped(_) | End::Broken(_) => None,
        };
        Failure { script: self.script.clone(), difference, divergence: self.judgement.divergence() }
    }
}

impl Judgement {
    /// The numbers of the deviations that explain what was seen; `None` if nothing does.
    pub(crate) fn needs(&self) -> Option<BTreeSet<&'static str>> {
        match self {
            Self::Explained { deviations } => {
                let rules = deviations.iter().filter_map(|id| Table::catalogue().rule(*id));
                Some(rules.filter_map(|rule| deviation(rule.kind)).collect())
            }
            Self::Diverged(_) => None,
        }
    }

    /// Whether these entries of the ledger are what explains it. What the oracle cannot explain is excused only as long as
    /// no row of the table says what this system does.
    pub(crate) fn is_excused_by(&self, known: &[&Deviation]) -> bool {
        match self.needs() {
            Some(ids) => ids.iter().all(|id| known.iter().any(|deviation| deviation.id == *id)),
            None => known.iter().any(|deviation| !is_a_row(&deviation.id)),
        }
    }

    pub(crate) fn divergence(&self) -> Option<Divergence> {
        match self {
            Self::Explained { deviations } if deviations.is_empty() => None,
            Self::Explained { deviations } => Some(Divergence {
                expected: vec!["what RFC 9293 says".to_owned()],
                seen: "a difference that is not in the ledger".to_owned(),
                rules: deviations.iter().map(ToString::to_string).collect(),
            }),
            Self::Diverged(divergence) => Some(Divergence {
                expected: divergence.expected.iter().cloned().collect(),
                seen: divergence.seen.clone(),
                rules: divergence.rules.iter().map(ToString::to_string).collect(),
            }),
        }
    }
}

/// Whether it asserts a state.
fn asks_for_a_state(action: &Action) -> bool {
    match action {
        Action::Command(command) => {
            let builtins = command.builtins().unwrap_or_default();
            builtins.iter().any(|builtin| matches!(builtin, Builtin::Probe(_)))
        }
        Action::Code(code) => code.text.contains("tcpi_state"),
        Action::Packet(_) | Action::Icmp(_) | Action::Raw(_) | Action::Call(_) => false,
    }
}

/// Whether it is something that happens to the system, not something that is expected of it.
fn is_done_by_the_script(action: &Action) -> bool {
    match action {
        Action::Packet(packet) => packet.direction == Direction::Injected,
        Action::Icmp(icmp) => icmp.direction == Direction::Injected,
        Action::Raw(_) | Action::Call(_) => true,
        Action::Command(_) | Action::Code(_) => false,
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
    use super::*;
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

    /// No reset has a window of one octet; with a rule about windows that is no matter, but it is told.
    #[test]
    fn what_the_rules_let_pass_is_told() {
        let path = std::env::temp_dir().join(format!("lockstep-{}-rules.pkt", std::process::id()));
        let script = "+0 < . 1:1(0) ack 1 win 65535\n+0 > R 1:1(0) win 1\n";
        std::fs::write(&path, script).expect("the temporary folder is writable");
        let scenario = Scenario::new(path.clone());
        let rules = Rules { window: run::Windows::Ignored, ..Rules::STRICT };
        let outcome = |rules| examine(&scenario, Subject::Lockstep, &Lab { rules, ..Lab::default() });
        let (strict, lax) = (outcome(Rules::STRICT), outcome(rules));
        std::fs::remove_file(&path).expect("it is there");
        assert!(matches!(strict.verdict, Verdict::Fail(_)), "{strict:?}");
        assert_eq!((lax.verdict, lax.normalised), (Verdict::Pass, vec!["window".to_owned()]));
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let nowhere = Scenario::new("nowhere.pkt".into());
        let verdict = examine(&nowhere, Subject::Lockstep, &Lab::default()).verdict;
        assert!(matches!(verdict, Verdict::Error { .. }), "{verdict:?}");
        assert!(!verdict.is_green());
    }

    fn played(end: End, judgement: Judgement) -> Played {
        let run = Run { trace: Trace::default(), end, normalised: BTreeSet::new(), unknown_knobs: BTreeSet::new() };
        Played {
            script: "a script".to_owned(),
            system: "linux 6.18".to_owned(),
            run,
            judgement,
            reasons: Reasons::new(),
        }
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

    /// Line 3 asserts where the scenario begins, line 5 what came of it.
    const SCRIPT: &str = "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
        +0 connect(3, ..., ...) = 0
        +0 %{ assert tcpi_state == TCP_FIN_WAIT1 }%
        +0 < R 1:1(0) win 0
        +0 `ss -tan | grep TIME-WAIT`";

    fn differing_in(line: u32, judgement: Judgement) -> Verdict {
        let seen = "FIN-WAIT-2".to_owned();
        let difference = Difference { line, expected: "FIN-WAIT-1".to_owned(), seen };
        let script = crate::script::parse("a script", SCRIPT).expect("a script");
        played(End::Differs(difference), judgement).verdict(&script, &Deviations::default())
    }

    #[test]
    fn who_does_not_get_where_a_scenario_begins_has_not_failed_it() {
        let conforms = || explained_by("nothing");
        let inconclusive = differing_in(3, conforms());
        assert!(matches!(&inconclusive, Verdict::Inconclusive { reason } if reason.contains("line 3: FIN-WAIT-2")));
        assert!(!inconclusive.is_green());
        for (line, judgement, why) in [
            (2, conforms(), "it is no precondition"),
            (5, conforms(), "nothing comes after it: it is the purpose"),
            (3, diverged(), "the system has done wrong before"),
            (3, explained_by("L04"), "the system has differed before"),
        ] {
            assert!(matches!(differing_in(line, judgement), Verdict::Fail(_)), "line {line}: {why}");
        }
    }

    /// A row of the table is a record, if the ledger has the reason; what no row explains needs the scenario's name.
    #[test]
    fn a_row_that_the_ledger_knows_is_expected_in_any_script() {
        let verdict = |judgement: Judgement, ledger: &Deviations| {
            let script = crate::script::parse("a script", SCRIPT).expect("a script");
            played(End::Completed, judgement).verdict(&script, ledger)
        };
        let known = ledger("linux", "L04");
        assert_eq!(verdict(explained_by("L04"), &known), Verdict::Deviates { ids: vec!["L04".to_owned()] });
        assert_eq!(verdict(explained_by("nothing"), &known), Verdict::Pass);
        assert!(matches!(verdict(explained_by("L04"), &ledger("smoltcp", "L04")), Verdict::Fail(_)));
        assert!(matches!(verdict(explained_by("L02"), &known), Verdict::Fail(_)));
        assert!(matches!(verdict(diverged(), &known), Verdict::Fail(_)));
    }

    #[test]
    fn the_first_difference_is_the_scripts_or_else_the_oracles() {
        let differs =
            || End::Differs(Difference { line: 1, expected: "that".to_owned(), seen: "it blocks".to_owned() });
        assert_eq!(played(differs(), diverged()).first_difference().as_deref(), Some("line 1: it blocks"));
        assert_eq!(played(End::Completed, diverged()).first_difference().as_deref(), Some("this"));
        assert_eq!(played(End::Completed, explained_by("L04")).first_difference(), None);
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
