//! The program: the same scenarios on every system, and the matrix of what they say.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use lockstep_conformance::cells::{self, Cell, Matrix};
use lockstep_conformance::claims::{Claims, ClaimsError};
use lockstep_conformance::lab::Lab;
use lockstep_conformance::namespace::require;
use lockstep_conformance::report::matrix::Report;
use lockstep_conformance::scenario::{self, Scenario};
use lockstep_conformance::verdict::{Subject, examine};
use lockstep_conformance::worker::{self, WorkerError};
use lockstep_model::check::world::World;
use lockstep_model::check::{self, environments};
use lockstep_model::{Profile, Table};
use serde::Serialize;

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
    /// Every numbered requirement of RFC 9293: done or not, how, and what shows it.
    Requirements {
        /// Write all of them as one page to this file.
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// The attacks and faults that must be withstood: how, and what shows it.
    Threats {
        /// Write all of them as one page to this file.
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// Every stimulus in every state, on every system.
    Matrix {
        /// A system to run them on; all of them without this.
        #[arg(long = "system", value_enum)]
        systems: Vec<Subject>,
        /// Print the script of this cell, with what the first system does, and nothing else.
        #[arg(long, value_name = "CELL")]
        print: Option<Cell>,
        /// Write the script of each cell, with what the first system does, to this folder, and nothing else.
        #[arg(long, value_name = "FOLDER", conflicts_with = "print")]
        write: Option<PathBuf>,
    },
    /// Run cells on the kernel in a namespace (the program starts itself so).
    #[command(name = cells::SUBCOMMAND, hide = true)]
    CellsWorker {
        /// Cells.
        cells: Vec<Cell>,
    },
    /// Run scenarios on the kernel in a namespace (the program starts itself so).
    #[command(name = worker::SUBCOMMAND, hide = true)]
    Worker {
        /// Scripts.
        paths: Vec<PathBuf>,
    },
}

/// The worlds in which the main job checks the model; `lockstep-model check` has more.
const BRIEFLY: [&str; 2] = ["handshake", "close"];

fn main() -> ExitCode {
    let Arguments { command, json } = Arguments::parse();
    let result = match command {
        None => everything(json.as_deref()),
        Some(Command::Run { systems, json, paths }) => judge(systems, None, json.as_deref(), &paths),
        Some(Command::Requirements { html }) => claim(&Claims::requirements(), html.as_deref()),
        Some(Command::Threats { html }) => claim(&Claims::threats(), html.as_deref()),
        Some(Command::Matrix { systems, print, write }) => matrix(systems, print, write.as_deref()),
        Some(Command::CellsWorker { cells }) => Ok(cells::serve(&cells)),
        Some(Command::Worker { paths }) => Ok(worker::serve(paths)),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The main job.
fn everything(json: Option<&Path>) -> Result<ExitCode> {
    let model = check_model();
    if !model.is_as_expected() {
        tell(&model)?;
    }
    for world in &model.worlds {
        let verdict = if world.is_as_expected() { "as expected" } else { "NOT AS EXPECTED" };
        let (name, states, properties) = (world.world, world.states, world.verdicts.len());
        println!(
            "model, {name}: {states} states, {} transitions, {properties} properties {verdict}",
            world.transitions
        );
    }
    println!();
    judge(Vec::new(), Some(model), json, &[])
}

/// The table that the stack runs, in a few worlds.
fn check_model() -> check::Report {
    let worlds = BRIEFLY.iter().filter_map(|name| environments::named(name, Table::repaired()));
    let worlds: Vec<World> = worlds.collect();
    let bar = progress(0);
    bar.set_style(ProgressStyle::default_spinner());
    let report = check::run(&worlds, Profile::Repaired, |world, so_far| {
        bar.set_message(format!("model, {}: {} states", world.name, so_far.states));
        bar.tick();
    });
    bar.finish_and_clear();
    report
}

/// Everything a job found, for programs.
#[derive(Serialize)]
struct Job<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a check::Report>,
    #[serde(flatten)]
    report: &'a Report,
}

/// Runs scenarios, and reports.
fn judge(
    subjects: Vec<Subject>,
    model: Option<check::Report>,
    json: Option<&Path>,
    paths: &[PathBuf],
) -> Result<ExitCode> {
    let lab = Lab::committed()?;
    let subjects = if subjects.is_empty() { Subject::DEFAULT.to_vec() } else { subjects };
    let scenarios = find(paths)?;
    let bar = progress(scenarios.len() * subjects.len());
    let mut report = Report::new(subjects);
    let run = run(&scenarios, &lab, &bar, &mut report);
    bar.finish_and_clear();
    tell(&report)?;
    if let Some(path) = json {
        let job = Job { model: model.as_ref(), report: &report };
        let file = File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        serde_json::to_writer_pretty(file, &job)?;
    }
    run?;
    let is_green = report.is_green() && model.is_none_or(|model| model.is_as_expected());
    Ok(if is_green { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn find(paths: &[PathBuf]) -> Result<Vec<Scenario>> {
    let ours = [scenario::folder()];
    let paths = if paths.is_empty() { ours.as_slice() } else { paths };
    let found: std::result::Result<Vec<_>, _> = paths.iter().map(|path| scenario::find(path)).collect();
    Ok(found?.concat())
}

/// Runs all scenarios on all systems of the report.
fn run(scenarios: &[Scenario], lab: &Lab, bar: &ProgressBar, report: &mut Report) -> Result<()> {
    for subject in report.subjects().to_vec() {
        bar.set_message(subject.name());
        let note = |outcome| {
            bar.inc(1);
            report.add(outcome);
        };
        match subject {
            Subject::Lockstep | Subject::Smoltcp | Subject::Tap => {
                scenarios.iter().map(|scenario| examine(scenario, subject, lab)).for_each(note);
            }
            Subject::Linux => match worker::run(scenarios, lab, note) {
                Err(WorkerError::Refused(reason)) => bar.suspend(|| require::skip(require::NETNS, reason))?,
                result => result?,
            },
        }
    }
    Ok(())
}

/// Every stimulus in every state.
fn matrix(systems: Vec<Subject>, print: Option<Cell>, folder: Option<&Path>) -> Result<ExitCode> {
    let lab = Lab::committed()?;
    let systems = if systems.is_empty() { Subject::DEFAULT.to_vec() } else { systems };
    if let Some(cell) = print {
        let matrix = fill(&[cell], systems[0], &lab)?;
        matrix.outcomes().try_for_each(|outcome| tell(&outcome.script))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(folder) = folder {
        for outcome in fill(&cells::all(), systems[0], &lab)?.outcomes() {
            outcome.write(folder).map_err(|error| format!("cannot write to {}: {error}", folder.display()))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut is_green = true;
    for subject in systems {
        let matrix = fill(&cells::all(), subject, &lab)?;
        tell(&matrix)?;
        is_green &= matrix.is_green();
    }
    Ok(if is_green { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs cells on a system.
fn fill(cells: &[Cell], subject: Subject, lab: &Lab) -> Result<Matrix> {
    let bar = progress(cells.len());
    let mut matrix = Matrix::new(subject);
    let run = cells::run(cells, subject, lab, |outcome| {
        bar.inc(1);
        matrix.add(outcome);
    });
    bar.finish_and_clear();
    match run {
        Err(WorkerError::Refused(reason)) => require::skip(require::NETNS, reason)?,
        result => result?,
    }
    Ok(matrix)
}

/// What is claimed.
fn claim(claims: &std::result::Result<Claims, ClaimsError>, html: Option<&Path>) -> Result<ExitCode> {
    let claims = claims.as_ref().map_err(ClaimsError::clone)?;
    tell(claims)?;
    if let Some(path) = html {
        std::fs::write(path, claims.page()).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints; that nobody reads on is no reason to panic.
fn tell(what: &impl Display) -> io::Result<()> {
    write!(io::stdout(), "{what}")
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
