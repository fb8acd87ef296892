//! The program: the same scenarios on every system, and the matrix of what they say.

mod cli;
mod job;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use indicatif::ProgressStyle;
use lockstep_conformance::cells;
use lockstep_conformance::claims::{Claims, ClaimsError};
use lockstep_conformance::worker;
use lockstep_model::check::world::World;
use lockstep_model::check::{self, environments};
use lockstep_model::{Profile, Table};

use cli::{Arguments, Bench, Command, Files, Matrix, Run};
use job::{Job, Result, progress, save, tell};

/// The worlds in which the main job checks the model; `lockstep-model check` has more.
const BRIEFLY: [&str; 2] = ["handshake", "close"];

fn main() -> ExitCode {
    let Arguments { command, files } = Arguments::parse();
    let result = match command {
        None => everything(&files),
        Some(Command::Run(run)) => scenarios(&run),
        Some(Command::Matrix(wanted)) => matrix(&wanted),
        Some(Command::Requirements { html }) => claim(&Claims::requirements(), html.as_deref()),
        Some(Command::Threats { html }) => claim(&Claims::threats(), html.as_deref()),
        Some(Command::Worker { kind }) => Ok(worker::serve(kind)),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

/// The main job.
fn everything(files: &Files) -> Result<ExitCode> {
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
    let mut job = Job::new(&Bench::default())?;
    job.note(model);
    job.fill(&cells::all())?;
    job.run(&[])?;
    job.tell()?;
    job.save(files, None)?;
    Ok(job.exit())
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

/// Scenarios.
fn scenarios(Run { bench, files, junit, paths }: &Run) -> Result<ExitCode> {
    let mut job = Job::new(bench)?;
    job.run(paths)?;
    job.tell()?;
    job.save(files, junit.as_deref())?;
    Ok(job.exit())
}

/// Every stimulus in every state.
fn matrix(Matrix { bench, files, print, write }: &Matrix) -> Result<ExitCode> {
    let mut job = Job::new(bench)?;
    let wanted = print.map_or_else(cells::all, |cell| vec![cell]);
    if print.is_none() && write.is_none() {
        job.fill(&wanted)?;
        job.tell()?;
        job.save(files, None)?;
        return Ok(job.exit());
    }
    job.fill(&wanted)?;
    for outcome in job.matrix().into_iter().flat_map(cells::Matrix::outcomes) {
        match write {
            Some(folder) => {
                outcome.write(folder).map_err(|error| format!("cannot write to {}: {error}", folder.display()))?;
            }
            None => tell(&outcome.script)?,
        }
    }
    Ok(ExitCode::SUCCESS)
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
