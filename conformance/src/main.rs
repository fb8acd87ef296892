//! The program: the same scenarios on every system, and the matrix of what they say.

mod cli;

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use lockstep_conformance::claims::{Claims, ClaimsError};
use lockstep_conformance::jobs::CrewError;
use lockstep_conformance::lab::Lab;
use lockstep_conformance::namespace::require;
use lockstep_conformance::report::junit;
use lockstep_conformance::report::matrix::Report;
use lockstep_conformance::scenario::{self, Scenario};
use lockstep_conformance::verdict::Subject;
use lockstep_conformance::worker;
use lockstep_model::check::world::World;
use lockstep_model::check::{self, environments};
use lockstep_model::{Profile, Table};
use serde::Serialize;

use cli::{Arguments, Command, Files, Run};

/// The worlds in which the main job checks the model; `lockstep-model check` has more.
const BRIEFLY: [&str; 2] = ["handshake", "close"];

fn main() -> ExitCode {
    let Arguments { command, json } = Arguments::parse();
    let result = match command {
        None => everything(json),
        Some(Command::Run(run)) => judge(run, None),
        Some(Command::Requirements { html }) => claim(&Claims::requirements(), html.as_deref()),
        Some(Command::Threats { html }) => claim(&Claims::threats(), html.as_deref()),
        Some(Command::Worker) => Ok(worker::serve()),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The main job.
fn everything(json: Option<PathBuf>) -> Result<ExitCode> {
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
    judge(Run { files: Files { json, ..Files::default() }, ..Run::default() }, Some(model))
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
fn judge(Run { systems, defines, jobs, files, paths }: Run, model: Option<check::Report>) -> Result<ExitCode> {
    let lab = Lab { defines, ..Lab::committed()? };
    let subjects = if systems.is_empty() { Subject::DEFAULT.to_vec() } else { systems };
    let jobs = jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let scenarios = find(&paths)?;
    let bar = progress(scenarios.len() * subjects.len());
    let mut report = Report::new(subjects);
    let run = run(&scenarios, &lab, jobs, &bar, &mut report);
    bar.finish_and_clear();
    tell(&report)?;
    write(&files, &Job { model: model.as_ref(), report: &report })?;
    run?;
    let is_green = report.is_green() && model.is_none_or(|model| model.is_as_expected());
    Ok(if is_green { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The files that were asked for.
fn write(files: &Files, job: &Job) -> Result<()> {
    if let Some(path) = &files.json {
        save(path, &serde_json::to_string_pretty(job)?)?;
    }
    if let Some(path) = &files.junit {
        save(path, &junit::document(job.report))?;
    }
    Ok(())
}

fn save(path: &Path, text: &str) -> Result<()> {
    Ok(std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?)
}

fn find(paths: &[PathBuf]) -> Result<Vec<Scenario>> {
    let ours = [scenario::folder()];
    let paths = if paths.is_empty() { ours.as_slice() } else { paths };
    let found: std::result::Result<Vec<_>, _> = paths.iter().map(|path| scenario::find(path)).collect();
    Ok(found?.concat())
}

/// Runs all scenarios on all systems of the report, one system after the other: the kernel's time is real.
fn run(scenarios: &[Scenario], lab: &Lab, jobs: usize, bar: &ProgressBar, report: &mut Report) -> Result<()> {
    for subject in report.subjects().to_vec() {
        bar.set_message(subject.name());
        let note = |outcome| {
            bar.inc(1);
            report.add(outcome);
        };
        match worker::run(scenarios, subject, lab, jobs, note) {
            Err(CrewError::Refused(reason)) => bar.suspend(|| require::skip(require::NETNS, reason))?,
            result => result?,
        }
    }
    Ok(())
}

/// What is claimed.
fn claim(claims: &std::result::Result<Claims, ClaimsError>, html: Option<&Path>) -> Result<ExitCode> {
    let claims = claims.as_ref().map_err(ClaimsError::clone)?;
    tell(claims)?;
    if let Some(path) = html {
        save(path, &claims.page())?;
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
