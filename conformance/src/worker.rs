//! Scenarios and cells in child processes: the program starts itself again.
//!
//! A child does one after the other, and its end is the verdict on one of them only, see [`jobs`]. For the
//! kernel there is no other way besides: a namespace must be [entered](namespace::enter) before any thread exists, and
//! there is no way back.

use std::process::{Command, ExitCode};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cells::{self, Cell, CellOutcome, CellVerdict};
use crate::jobs::{self, Crew, CrewError};
use crate::lab::Lab;
use crate::namespace;
use crate::scenario::Scenario;
use crate::script::{Base, Script, When};
use crate::verdict::{self, Outcome, Subject, Verdict};

/// The hidden subcommand that makes the program a worker.
pub const SUBCOMMAND: &str = "worker";

/// How long anything may take besides the time that passes in it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often something is tried on a system in real time until it is as it should be. A machine with too much to do is late
/// with everything, and late is what the system under test then seems to be; a system that differs does so every time.
const ATTEMPTS: u32 = 3;

/// What can be done to a system, and judged.
pub trait Task: Serialize + DeserializeOwned + Sync {
    /// What a worker is told to do.
    const KIND: Kind;
    /// How many are done side by side on a system in real time where one is in virtual time: they wait.
    const WAITING: usize;
    /// What it says of the system.
    type Outcome: Finding + Serialize + DeserializeOwned + Send;

    /// Does it.
    fn examine(&self, subject: Subject, lab: &Lab) -> Self::Outcome;

    /// What is said if it could not be done, for this reason.
    fn lost(&self, subject: Subject, reason: String) -> Self::Outcome;

    /// How long it may take.
    fn patience(&self, subject: Subject, lab: &Lab) -> Duration;

    /// Whether this was found by it.
    fn found(&self, outcome: &Self::Outcome) -> bool;
}

/// What was found.
pub trait Finding {
    /// Whether it may be otherwise when the machine has less to do. A crash or a hang is what it is.
    fn may_be_late(&self) -> bool;

    /// It was found at this attempt, not at the first one.
    fn at_attempt(&mut self, attempt: u32);
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
/// in no order. In real time, what is not as it should be is tried again at the end, one after the other.
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
    let (hands, attempts) = match subject {
        Subject::Lockstep | Subject::Smoltcp => (jobs, 1),
        Subject::Linux => (T::WAITING * jobs, ATTEMPTS),
        // It has one wire.
        Subject::Tap => (1, ATTEMPTS),
    };
    let orders = Orders { subject, lab: lab.clone() };
    let lost = |task: &&T, lost: &jobs::Lost| task.lost(subject, lost.to_string());
    try_again(tasks, attempts, each, |left, attempt, each| {
        let hands = if attempt == 1 { hands } else { 1 };
        let crew = Crew { start: &|| child(T::KIND, subject), orders: &orders, hands };
        crew.run(left, |task| task.patience(subject, lab), lost, each)
    })
}

/// Does all tasks, and those whose outcome is not as it should be again, up to so many times.
fn try_again<T: Task>(
    tasks: &[T],
    attempts: u32,
    mut each: impl FnMut(T::Outcome),
    once: impl Fn(&[&T], u32, &mut dyn FnMut(T::Outcome)) -> Result<(), CrewError>,
) -> Result<(), CrewError> {
    let mut left: Vec<&T> = tasks.iter().collect();
    for attempt in 1..=attempts {
        let mut again = Vec::new();
        once(&left, attempt, &mut |mut outcome: T::Outcome| {
            if !outcome.may_be_late() || attempt == attempts {
                outcome.at_attempt(attempt);
                each(outcome);
            } else {
                again.extend(left.iter().find(|task| task.found(&outcome)).copied());
            }
        })?;
        left = again;
    }
    Ok(())
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

    fn found(&self, outcome: &Outcome) -> bool {
        outcome.scenario == self.name
    }
}

impl Finding for Outcome {
    fn may_be_late(&self) -> bool {
        match self.verdict {
            Verdict::Fail(_) | Verdict::Inconclusive { .. } | Verdict::Stale { .. } => true,
            Verdict::Pass | Verdict::Deviates { .. } | Verdict::Skip { .. } | Verdict::Error { .. } => false,
        }
    }

    fn at_attempt(&mut self, attempt: u32) {
        self.attempts = attempt;
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

    fn found(&self, outcome: &CellOutcome) -> bool {
        outcome.cell == *self
    }
}

impl Finding for CellOutcome {
    fn may_be_late(&self) -> bool {
        match self.verdict {
            CellVerdict::Fail { .. } | CellVerdict::Stale { .. } | CellVerdict::Unreached { .. } => true,
            CellVerdict::Conform | CellVerdict::Allowed | CellVerdict::Deviates { .. } => false,
            CellVerdict::Skip { .. } | CellVerdict::Error { .. } => false,
        }
    }

    fn at_attempt(&mut self, attempt: u32) {
        self.attempts = attempt;
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
    use std::cell::RefCell;

    use super::*;
    use crate::script::parse;

    /// The first cell is as it should be at once, the second at the second attempt, the third never, and the fourth
    /// crashes.
    #[test]
    fn what_may_be_late_is_tried_again() {
        let cells = &cells::all()[..4];
        let tried = RefCell::new(Vec::new());
        let mut told = Vec::new();
        let once = |left: &[&Cell], attempt, each: &mut dyn FnMut(CellOutcome)| {
            tried.borrow_mut().push(left.len());
            for cell in left {
                let mut outcome = CellOutcome::error(**cell, Subject::Linux, "it crashed".to_owned());
                if **cell == cells[0] || (**cell == cells[1] && attempt == 2) {
                    outcome.verdict = CellVerdict::Conform;
                } else if **cell != cells[3] {
                    outcome.verdict = CellVerdict::Fail { difference: "too late".to_owned(), divergence: None };
                }
                each(outcome);
            }
            Ok(())
        };
        try_again(cells, 3, |outcome| told.push((outcome.cell, outcome.verdict.is_green(), outcome.attempts)), once)
            .expect("nothing fails");
        assert_eq!(told, [(cells[0], true, 1), (cells[3], false, 1), (cells[1], true, 2), (cells[2], false, 3)]);
        assert_eq!(tried.into_inner(), [4, 2, 1]);
    }

    #[test]
    fn a_script_in_real_time_may_take_its_time() {
        let script = parse(
            "test",
            "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+1.5 close(3) = 0\n+0~+3 > R 1:1(0)\n4 close(3) = -1 EBADF",
        );
        assert_eq!(length(&script.expect("a script")), Duration::from_millis(4_500));
    }
}
