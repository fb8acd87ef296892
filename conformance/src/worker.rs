//! Scenarios and cells in child processes: the program starts itself again.
//!
//! A child does one after the other, and its end is the verdict on one of them only, see [`jobs`]. For the
//! kernel there is no other way besides: a namespace must be [entered](namespace::enter) before any thread exists, and
//! there is no way back.

use std::process::{Command, ExitCode};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cells::{self, Cell, CellOutcome};
use crate::jobs::{self, Crew, CrewError};
use crate::lab::Lab;
use crate::namespace;
use crate::scenario::Scenario;
use crate::script::{Base, Script, When};
use crate::verdict::{self, Outcome, Subject};

/// The hidden subcommand that makes the program a worker.
pub const SUBCOMMAND: &str = "worker";

/// How long anything may take besides the time that passes in it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What can be done to a system, and judged.
pub trait Task: Serialize + DeserializeOwned + Sync {
    /// What a worker is told to do.
    const KIND: Kind;
    /// How many are done side by side on a system in real time where one is in virtual time: they wait.
    const WAITING: usize;
    /// What it says of the system.
    type Outcome: Serialize + DeserializeOwned + Send;

    /// Does it.
    fn examine(&self, subject: Subject, lab: &Lab) -> Self::Outcome;

    /// What is said if it could not be done, for this reason.
    fn lost(&self, subject: Subject, reason: String) -> Self::Outcome;

    /// How long it may take.
    fn patience(&self, subject: Subject, lab: &Lab) -> Duration;
}

/// The sorts of tasks.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Kind {
    /// Scripts.
    Scenarios,
    /// Cells of the matrix.
    Cells,
}

/// What a worker's tasks have in common.
#[derive(Serialize, Deserialize)]
struct Orders {
    subject: Subject,
    lab: Lab,
}

/// Does all tasks on a system, as many side by side as `jobs` says; `each` is told every outcome as soon as it is known,
/// in no order.
///
/// # Errors
///
/// [`CrewError`] if not all of them could be done.
pub fn run<T: Task>(
    tasks: &[T],
    subject: Subject,
    lab: &Lab,
    jobs: usize,
    each: impl FnMut(T::Outcome),
) -> Result<(), CrewError> {
    let hands = match subject {
        Subject::Lockstep | Subject::Smoltcp => jobs,
        Subject::Linux => T::WAITING * jobs,
        // It has one wire.
        Subject::Tap => 1,
    };
    let crew = Crew { start: &|| child(T::KIND, subject), orders: &Orders { subject, lab: lab.clone() }, hands };
    let lost = |task: &T, lost: &jobs::Lost| task.lost(subject, lost.to_string());
    crew.run(tasks, |task| task.patience(subject, lab), lost, each)
}

fn child(kind: Kind, subject: Subject) -> Command {
    let kind = match kind {
        Kind::Scenarios => "scenarios",
        Kind::Cells => "cells",
    };
    match subject {
        Subject::Linux => namespace::reexec([SUBCOMMAND, kind]),
        Subject::Lockstep | Subject::Smoltcp | Subject::Tap => {
            let mut command = Command::new("/proc/self/exe");
            command.args([SUBCOMMAND, kind]);
            command
        }
    }
}

/// The child: enters a namespace if it is to, does what it is told, and tells the outcomes.
pub fn serve(kind: Kind) -> ExitCode {
    if namespace::is_child()
        && let Err(refused) = namespace::enter()
    {
        eprintln!("{refused}");
        return ExitCode::from(namespace::EXIT_REFUSED);
    }
    let served = match kind {
        Kind::Scenarios => jobs::serve(|orders: &Orders, task: Scenario| task.examine(orders.subject, &orders.lab)),
        Kind::Cells => jobs::serve(|orders: &Orders, task: Cell| task.examine(orders.subject, &orders.lab)),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot tell an outcome: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Task for Scenario {
    const KIND: Kind = Kind::Scenarios;
    const WAITING: usize = 2;
    type Outcome = Outcome;

    fn examine(&self, subject: Subject, lab: &Lab) -> Outcome {
        verdict::examine(self, subject, lab)
    }

    fn lost(&self, subject: Subject, reason: String) -> Outcome {
        Outcome::error(self, subject, reason)
    }

    /// In virtual time no time passes, in real time as much as the script says, and the one that records a deviation,
    /// both with late timers.
    fn patience(&self, subject: Subject, lab: &Lab) -> Duration {
        match subject {
            Subject::Lockstep | Subject::Smoltcp => PATIENCE,
            Subject::Linux | Subject::Tap => {
                let alternative = self.alternative(subject.name());
                let scripts = [Some(self), alternative.as_ref()].into_iter().flatten();
                let lengths =
                    scripts.filter_map(|scenario| scenario.script(&lab.defines).ok()).map(|script| length(&script));
                PATIENCE + 2 * lengths.sum::<Duration>()
            }
        }
    }
}

impl Task for Cell {
    const KIND: Kind = Kind::Cells;
    const WAITING: usize = 16;
    type Outcome = CellOutcome;

    fn examine(&self, subject: Subject, lab: &Lab) -> CellOutcome {
        cells::examine(*self, subject, lab)
    }

    fn lost(&self, subject: Subject, reason: String) -> CellOutcome {
        CellOutcome::error(*self, subject, reason)
    }

    fn patience(&self, _: Subject, _: &Lab) -> Duration {
        PATIENCE
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
