//! The program: the same scenarios on every system, and the matrix of what they say.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use lockstep_conformance::deviations::Deviations;
use lockstep_conformance::namespace::require;
use lockstep_conformance::report::matrix::Report;
use lockstep_conformance::scenario::{self, Scenario};
use lockstep_conformance::verdict::{Subject, examine};
use lockstep_conformance::worker::{self, WorkerError};

/// The same TCP scenarios on Lockstep and on the Linux kernel, every segment and state judged by the table.
///
/// Without a subcommand: checks the model briefly, then runs all scenarios on all systems.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Write everything as JSON to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Run scenarios.
    Run {
        /// A system to run them on; all of them without this.
        #[arg(long = "system", value_enum)]
        systems: Vec<Subject>,
        /// Write everything as JSON to this file.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Scripts, and folders of scripts; those of this repository without one.
        paths: Vec<PathBuf>,
    },
    /// Run scenarios on the kernel in a namespace (the program starts itself so).
    #[command(name = worker::SUBCOMMAND, hide = true)]
    Worker {
        /// Scripts.
        paths: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        None => everything(arguments.json.as_deref()),
        Some(Command::Run { systems, json, paths }) => scenarios(systems, json.as_deref(), &paths),
        Some(Command::Worker { paths }) => {
            Deviations::committed().map(|ledger| worker::serve(paths, &ledger)).map_err(Into::into)
        }
    };
    result.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The main job.
fn everything(json: Option<&Path>) -> Result<ExitCode> {
    scenarios(Vec::new(), json, &[])
}

/// Runs scenarios, and reports.
fn scenarios(subjects: Vec<Subject>, json: Option<&Path>, paths: &[PathBuf]) -> Result<ExitCode> {
    let ledger = Deviations::committed()?;
    let subjects = if subjects.is_empty() { Subject::ALL.to_vec() } else { subjects };
    let scenarios = find(paths)?;
    let bar = progress(scenarios.len() * subjects.len());
    let mut report = Report::new(subjects);
    let run = run(&scenarios, &ledger, &bar, &mut report);
    bar.finish_and_clear();
    print!("{report}");
    if let Some(path) = json {
        serde_json::to_writer_pretty(File::create(path)?, &report)?;
    }
    run?;
    Ok(if report.is_green() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn find(paths: &[PathBuf]) -> Result<Vec<Scenario>> {
    let ours = [scenario::folder()];
    let paths = if paths.is_empty() { ours.as_slice() } else { paths };
    let found: std::result::Result<Vec<_>, _> = paths.iter().map(|path| scenario::find(path)).collect();
    Ok(found?.concat())
}

/// Runs all scenarios on all systems of the report.
fn run(scenarios: &[Scenario], ledger: &Deviations, bar: &ProgressBar, report: &mut Report) -> Result<()> {
    for subject in report.subjects().to_vec() {
        bar.set_message(subject.name());
        let note = |outcome| {
            bar.inc(1);
            report.add(outcome);
        };
        match subject {
            Subject::Lockstep => scenarios.iter().map(|scenario| examine(scenario, subject, ledger)).for_each(note),
            Subject::Linux => match worker::run(scenarios, note) {
                Err(WorkerError::Refused(reason)) => bar.suspend(|| require::skip(require::NETNS, reason))?,
                result => result?,
            },
        }
    }
    Ok(())
}

/// A bar on a terminal, nothing elsewhere.
fn progress(length: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX)).with_style(style)
}
