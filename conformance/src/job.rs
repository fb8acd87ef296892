//! A job: what was asked for, run on every system, and told.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use console::Term;
use indicatif::{ProgressBar, ProgressStyle};
use lockstep_conformance::cells::{Cell, Matrix};
use lockstep_conformance::jobs::CrewError;
use lockstep_conformance::lab::Lab;
use lockstep_conformance::namespace::require;
use lockstep_conformance::report::brief::Brief;
use lockstep_conformance::report::html::Page;
use lockstep_conformance::report::junit;
use lockstep_conformance::report::matrix::Report;
use lockstep_conformance::report::overview::Overview;
use lockstep_conformance::scenario::{self, Scenario};
use lockstep_conformance::verdict::Subject;
use lockstep_conformance::worker::{self, Task};
use lockstep_model::check;
use serde::Serialize;

use crate::cli::{Bench, Files};

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What is tested and how, and what was found.
pub struct Job {
    lab: Lab,
    jobs: usize,
    scenarios: Vec<Scenario>,
    findings: Findings,
}

/// Everything a job found, for programs.
#[derive(Serialize)]
struct Findings {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<check::Report>,
    #[serde(flatten)]
    report: Report,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    matrices: Vec<Matrix>,
}

impl Job {
    /// One that has found nothing yet.
    pub fn new(bench: &Bench) -> Result<Self> {
        let report = Report::new(bench.subjects());
        let findings = Findings { model: None, report, matrices: Vec::new() };
        Ok(Self { lab: bench.lab()?, jobs: bench.jobs(), scenarios: Vec::new(), findings })
    }

    /// What the model checker found belongs to it.
    pub fn note(&mut self, model: check::Report) {
        self.findings.model = Some(model);
    }

    /// Runs the scenarios in these files and folders, those of this repository without any.
    pub fn run(&mut self, paths: &[PathBuf]) -> Result<()> {
        let ours = [scenario::folder()];
        let paths = if paths.is_empty() { ours.as_slice() } else { paths };
        let found: std::result::Result<Vec<_>, _> = paths.iter().map(|path| scenario::find(path)).collect();
        self.scenarios = found?.concat();
        let report = &mut self.findings.report;
        let subjects = report.subjects().to_vec();
        examine(&self.scenarios, &subjects, &self.lab, self.jobs, |outcome| report.add(outcome))
    }

    /// Runs these cells of the matrix.
    pub fn fill(&mut self, cells: &[Cell]) -> Result<()> {
        let subjects = self.findings.report.subjects().to_vec();
        let mut matrices: Vec<Matrix> = subjects.iter().map(|subject| Matrix::new(*subject)).collect();
        examine(cells, &subjects, &self.lab, self.jobs, |outcome| {
            let matrix = matrices.iter_mut().find(|matrix| matrix.subject == outcome.subject);
            matrix.into_iter().for_each(|matrix| matrix.add(outcome.clone()));
        })?;
        self.findings.matrices = matrices;
        Ok(())
    }

    /// The matrix of the first system.
    pub fn matrix(&self) -> Option<&Matrix> {
        self.findings.matrices.first()
    }

    /// Tells what was found, as it fits on the terminal; whole where there is none.
    pub fn tell(&self) -> Result<()> {
        let Findings { report, matrices, .. } = &self.findings;
        let (height, width) =
            Term::stdout().size_checked().map_or((usize::MAX, 0), |(height, width)| (height.into(), width.into()));
        let overview = Overview(matrices);
        if matrices.len() > 1 && overview.width() <= width {
            tell(&overview)?;
        } else {
            matrices.iter().try_for_each(tell)?;
        }
        match self.scenarios.len() {
            0 => {}
            few if few <= height => tell(report)?,
            _ => tell(&Brief(report))?,
        }
        Ok(())
    }

    /// Writes the files that were asked for.
    pub fn save(&self, files: &Files, junit: Option<&Path>) -> Result<()> {
        let Findings { report, matrices, .. } = &self.findings;
        if let Some(path) = &files.json {
            save(path, &serde_json::to_string_pretty(&self.findings)?)?;
        }
        if let Some(path) = &files.html {
            let page = Page { report, matrices, scenarios: &self.scenarios, lab: &self.lab };
            save(path, &page.document())?;
        }
        if let Some(path) = junit {
            save(path, &junit::document(report))?;
        }
        Ok(())
    }

    /// How the program ends.
    pub fn exit(&self) -> ExitCode {
        let Findings { model, report, matrices } = &self.findings;
        let is_green = report.is_green()
            && matrices.iter().all(Matrix::is_green)
            && model.as_ref().is_none_or(check::Report::is_as_expected);
        if is_green { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Does tasks on systems, one system after the other: the kernel's time is real.
fn examine<T: Task>(
    tasks: &[T],
    subjects: &[Subject],
    lab: &Lab,
    jobs: usize,
    mut each: impl FnMut(T::Outcome),
) -> Result<()> {
    let bar = progress(tasks.len() * subjects.len());
    for &subject in subjects {
        bar.set_message(subject.name());
        let note = |outcome| {
            bar.inc(1);
            each(outcome);
        };
        match worker::run(tasks, subject, lab, jobs, note) {
            Err(CrewError::Refused(reason)) => bar.suspend(|| require::skip(require::NETNS, reason))?,
            result => result?,
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Prints; that nobody reads on is no reason to panic.
pub fn tell(what: &impl Display) -> io::Result<()> {
    write!(io::stdout(), "{what}")
}

/// Writes a file.
pub fn save(path: &Path, text: &str) -> Result<()> {
    Ok(std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?)
}

/// A bar on a terminal, nothing elsewhere.
pub fn progress(length: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} {elapsed}");
    ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX))
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
