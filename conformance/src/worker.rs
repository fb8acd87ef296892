//! Scenarios on the Linux kernel, in a child process that has a network of its own.
//!
//! A namespace must be [entered](namespace::enter) before any thread exists, and there is no way back, so that the
//! program starts itself again. The child runs several scenarios side by side, for they mostly wait, and tells each
//! outcome in a line of JSON as soon as it is known.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, ExitCode, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::lab::Lab;
use crate::namespace;
use crate::scenario::Scenario;
use crate::verdict::{Outcome, Subject, examine};

/// The hidden subcommand that makes the program a worker.
pub const SUBCOMMAND: &str = "worker";

/// How many scenarios run side by side.
const SIDE_BY_SIDE: usize = 4;

/// Why there are no outcomes, or not all of them.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The machine gives us no namespace.
    #[error("{0}")]
    Refused(String),
    /// The child cannot be started, or not be talked to.
    #[error("cannot run scenarios in a child process: {0}")]
    Pipe(#[from] io::Error),
    /// The child says something that is no outcome.
    #[error("the child process says `{0}`, which is no outcome")]
    Garbled(String),
    /// The child ended before its work was done.
    #[error("the child process ended with {status}: {message}")]
    Died {
        /// How.
        status: ExitStatus,
        /// What it said.
        message: String,
    },
}

/// Runs scenarios in a child process; `each` is told every outcome as soon as it is known, in no order.
///
/// # Errors
///
/// [`WorkerError`] if not all of them could be run.
pub fn run(scenarios: &[Scenario], lab: &Lab, each: impl FnMut(Outcome)) -> Result<(), WorkerError> {
    let paths = scenarios.iter().map(|scenario| scenario.path.clone().into_os_string());
    converse(std::iter::once(SUBCOMMAND.into()).chain(paths), lab, each)
}

/// Starts the program again with these arguments, tells it what was chosen, and hears outcomes.
pub(crate) fn converse<T: DeserializeOwned>(
    arguments: impl IntoIterator<Item: AsRef<OsStr>>,
    lab: &Lab,
    mut each: impl FnMut(T),
) -> Result<(), WorkerError> {
    let mut child =
        namespace::reexec(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    instruct(child.stdin.take(), lab)?;
    let stdout = child.stdout.take().ok_or_else(|| io::Error::other("no pipe"))?;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        each(serde_json::from_str(&line).map_err(|_| WorkerError::Garbled(line))?);
    }
    let output = child.wait_with_output()?;
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    match output.status.code() {
        Some(0) => Ok(()),
        Some(code) if code == i32::from(namespace::EXIT_REFUSED) => Err(WorkerError::Refused(message)),
        Some(_) | None => Err(WorkerError::Died { status: output.status, message }),
    }
}

/// Tells the child what was chosen. One that has been refused its namespace no longer listens, and tells why itself.
fn instruct(stdin: Option<ChildStdin>, lab: &Lab) -> io::Result<()> {
    let mut stdin = stdin.ok_or_else(|| io::Error::other("no pipe"))?;
    match stdin.write_all(serde_json::to_string(lab)?.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// The child: enters a namespace, hears on its standard input what was chosen, runs the scenarios in these files, and tells the outcomes on its standard output.
pub fn serve(paths: Vec<PathBuf>) -> ExitCode {
    let scenarios: Vec<Scenario> = paths.into_iter().map(Scenario::new).collect();
    side_by_side(&scenarios, SIDE_BY_SIDE, |scenario, lab| examine(scenario, Subject::Linux, lab))
}

/// In a namespace, so many of these jobs at a time; each outcome is told on the standard output.
pub(crate) fn side_by_side<J: Sync, T: Serialize>(
    jobs: &[J],
    width: usize,
    work: impl Fn(&J, &Lab) -> T + Sync,
) -> ExitCode {
    if let Err(refused) = namespace::enter() {
        eprintln!("{refused}");
        return ExitCode::from(namespace::EXIT_REFUSED);
    }
    let lab = match listen() {
        Ok(lab) => lab,
        Err(error) => {
            eprintln!("cannot hear what was chosen: {error}");
            return ExitCode::FAILURE;
        }
    };
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..width {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = tell(&work(job, &lab)) {
                        failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).replace(error);
                        return;
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
        None => ExitCode::SUCCESS,
        Some(error) => {
            eprintln!("cannot tell an outcome: {error}");
            ExitCode::FAILURE
        }
    }
}

fn listen() -> io::Result<Lab> {
    let mut told = String::new();
    io::stdin().read_to_string(&mut told)?;
    Ok(serde_json::from_str(&told)?)
}

/// In one piece, whatever the others do.
fn tell(outcome: &impl Serialize) -> io::Result<()> {
    let line = serde_json::to_string(outcome)? + "\n";
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.flush()
}
