//! Scenarios in child processes: the program starts itself again.
//!
//! A child does one scenario after the other, and its end is the verdict on one of them only, see [`jobs`](crate::jobs).
//! For the kernel there is no other way besides: a namespace must be [entered](namespace::enter) before any thread exists,
//! and there is no way back.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::jobs::{self, Crew, CrewError, Lost};
use crate::lab::Lab;
use crate::namespace;
use crate::scenario::Scenario;
use crate::script::{Base, Script, When};
use crate::verdict::{Outcome, Subject, Verdict, examine};

/// The hidden subcommand that makes the program a worker.
pub const SUBCOMMAND: &str = "worker";

/// How long a scenario may take besides the time that passes in it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many scenarios of the kernel run side by side where one of a virtual system does: they mostly wait.
const WAITING: usize = 2;

/// What all scenarios of a worker have in common.
#[derive(Serialize, Deserialize)]
struct Orders {
    subject: Subject,
    lab: Lab,
}

/// Runs scenarios on a system, as many side by side as `jobs` says; `each` is told every outcome as soon as it is known,
/// in no order.
///
/// # Errors
///
/// [`CrewError`] if not all of them could be run.
pub fn run(
    scenarios: &[Scenario],
    subject: Subject,
    lab: &Lab,
    jobs: usize,
    each: impl FnMut(Outcome),
) -> Result<(), CrewError> {
    let orders = Orders { subject, lab: lab.clone() };
    let (start, hands): (fn() -> Command, usize) = match subject {
        Subject::Lockstep | Subject::Smoltcp => (itself, jobs),
        Subject::Linux => (in_namespace, WAITING * jobs),
        // It has one wire.
        Subject::Tap => (itself, 1),
    };
    let patience = |task: &PathBuf| patience(&Scenario::new(task.clone()), subject);
    let lost = |task: &PathBuf, lost: &Lost| Outcome {
        scenario: Scenario::new(task.clone()).name,
        subject,
        system: None,
        verdict: Verdict::Error { reason: lost.to_string() },
        normalised: Vec::new(),
        ladder: Vec::new(),
        seconds: 0.0,
    };
    let tasks: Vec<PathBuf> = scenarios.iter().map(|scenario| scenario.path.clone()).collect();
    Crew { start: &start, orders: &orders, hands }.run(&tasks, patience, lost, each)
}

fn itself() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(SUBCOMMAND);
    command
}

fn in_namespace() -> Command {
    namespace::reexec([SUBCOMMAND])
}

/// The child: enters a namespace if it is to, runs the scenarios that it is told, and tells the outcomes.
pub fn serve() -> ExitCode {
    if namespace::is_child()
        && let Err(refused) = namespace::enter()
    {
        eprintln!("{refused}");
        return ExitCode::from(namespace::EXIT_REFUSED);
    }
    let served =
        jobs::serve(|orders: &Orders, path: PathBuf| examine(&Scenario::new(path), orders.subject, &orders.lab));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot tell an outcome: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How long a scenario may take: in virtual time it takes none, in real time as long as its script and the one that
/// records a deviation say, both with late timers.
fn patience(scenario: &Scenario, subject: Subject) -> Duration {
    match subject {
        Subject::Lockstep | Subject::Smoltcp => PATIENCE,
        Subject::Linux | Subject::Tap => {
            let alternative = scenario.alternative(subject.name());
            let scripts = [Some(scenario), alternative.as_ref()].into_iter().flatten();
            let lengths = scripts.filter_map(|scenario| scenario.script().ok()).map(|script| length(&script));
            PATIENCE + 2 * lengths.sum::<Duration>()
        }
    }
}

/// The latest time at which a script ends.
fn length(script: &Script) -> Duration {
    script.events.iter().fold(Duration::ZERO, |now, event| match event.when {
        When::Any => now,
        When::At { base, time } => latest(now, base, time),
        When::Between { base, until, .. } | When::Blocking { base, until, .. } => latest(now, base, until),
    })
}

fn latest(now: Duration, base: Base, time: Duration) -> Duration {
    match base {
        Base::Start => now.max(time),
        Base::Previous => now + time,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse;

    #[test]
    fn a_script_in_real_time_may_take_its_time() {
        let script = parse(
            "test",
            "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+1.5 close(3) = 0\n+0~+3 > R 1:1(0)\n4 close(3) = -1 EBADF",
        );
        assert_eq!(length(&script.expect("a script")), Duration::from_millis(4_500));
    }
}
