//! The matrix of one system, plainly: stimulus by configuration.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use super::{Cell, CellOutcome, CellVerdict, Configuration, Stimulus};
use crate::report::matrix::again;
use crate::report::sign::Sign;
use crate::verdict::Subject;

/// All cells of one system.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Matrix {
    /// The system.
    pub subject: Subject,
    /// By cell.
    outcomes: BTreeMap<Cell, CellOutcome>,
}

impl Matrix {
    /// One with nothing in it yet.
    pub fn new(subject: Subject) -> Self {
        Self { subject, outcomes: BTreeMap::new() }
    }

    /// Adds an outcome.
    pub fn add(&mut self, outcome: CellOutcome) {
        self.outcomes.insert(outcome.cell, outcome);
    }

    /// The outcome of a cell, if it was run.
    pub fn get(&self, cell: Cell) -> Option<&CellOutcome> {
        self.outcomes.get(&cell)
    }

    /// All outcomes.
    pub fn outcomes(&self) -> impl Iterator<Item = &CellOutcome> {
        self.outcomes.values()
    }

    /// Whether everything is as it should be.
    pub fn is_green(&self) -> bool {
        self.outcomes().all(|outcome| outcome.verdict.is_green())
    }

    /// The system's own name with its version, if it got so far.
    pub fn system(&self) -> &str {
        self.outcomes().find_map(|outcome| outcome.system.as_deref()).unwrap_or(self.subject.name())
    }

    /// The reactions as a table, each with the sign of its verdict if `signed`.
    pub fn table(&self, signed: bool) -> String {
        let text = |cell| self.get(cell).map_or_else(|| "–".to_owned(), |outcome| told(outcome, signed));
        let width = |configuration: Configuration| {
            let cells = Stimulus::all().map(|stimulus| text(Cell { configuration, stimulus }).chars().count());
            cells.chain([configuration.short_name().len()]).max().unwrap_or(0)
        };
        let widths = Configuration::ALL.map(|configuration| (configuration, width(configuration)));
        let first = Stimulus::all().map(|stimulus| stimulus.name().len()).max().unwrap_or(0);
        let mut table = format!("{:first$}", "");
        for (configuration, width) in widths {
            table += &format!("  {:width$}", configuration.short_name());
        }
        for stimulus in Stimulus::all() {
            table = format!("{}\n{:first$}", table.trim_end(), stimulus.name());
            for (configuration, width) in widths {
                table += &format!("  {:width$}", text(Cell { configuration, stimulus }));
            }
        }
        table.trim_end().to_owned() + "\n"
    }

    /// Why cells are not as they should be, and a line that counts.
    pub fn remarks(&self) -> impl Display + '_ {
        Remarks(self)
    }

    /// How many cells of each sort there are.
    fn summary(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for outcome in self.outcomes() {
            *counts.entry(sort(&outcome.verdict)).or_default() += 1;
        }
        let counts: Vec<String> = counts.into_iter().map(|(sort, count)| format!("{count} {sort}")).collect();
        let told = if counts.is_empty() { "not run".to_owned() } else { counts.join(", ") };
        told + &again(self.outcomes().map(|outcome| outcome.attempts))
    }
}

fn told(outcome: &CellOutcome, signed: bool) -> String {
    let seen = outcome.seen.as_deref().unwrap_or("");
    match (&outcome.verdict, signed) {
        (CellVerdict::Conform, _) | (_, false) => seen.to_owned(),
        (verdict, true) => format!("{seen} {}", Sign::from(verdict).symbol()),
    }
}

const fn sort(verdict: &CellVerdict) -> &'static str {
    match verdict {
        CellVerdict::Conform => "conform",
        CellVerdict::Allowed => "differ as the RFC allows",
        CellVerdict::Deviates { .. } => "differ as is known",
        CellVerdict::Fail { .. } => "FAIL",
        CellVerdict::Stale { .. } => "STALE",
        CellVerdict::Unreached { .. } => "not reached",
        CellVerdict::Skip { .. } => "skipped",
        CellVerdict::Error { .. } => "could not be judged",
    }
}

/// The table, what is not as it should be, and a line that counts.
impl Display for Matrix {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n\n{}\n{}", self.system(), self.table(true), self.remarks())
    }
}

/// What is not as it should be, and a line that counts.
struct Remarks<'a>(&'a Matrix);

impl Display for Remarks<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for outcome in self.0.outcomes().filter(|outcome| !outcome.verdict.is_green()) {
            explain(outcome, f)?;
        }
        writeln!(f, "{}: {}", self.0.system(), self.0.summary())
    }
}

/// Why a cell is not as it should be, and the exchange.
fn explain(outcome: &CellOutcome, f: &mut Formatter<'_>) -> fmt::Result {
    let CellOutcome { cell, verdict, ladder, .. } = outcome;
    writeln!(f, "{cell}")?;
    match verdict {
        CellVerdict::Fail { difference, divergence } => {
            writeln!(f, "     {difference}")?;
            if let Some(divergence) = divergence {
                writeln!(f, "     {}", divergence.seen)?;
                divergence.expected.iter().try_for_each(|expected| writeln!(f, "     but {expected}"))?;
            }
        }
        CellVerdict::Stale { ids } => writeln!(f, "     conforms, but {} says that it does not", ids.join(" "))?,
        CellVerdict::Unreached { difference } => {
            writeln!(f, "     wanted {}, seen {}", difference.expected, difference.seen)?;
        }
        CellVerdict::Skip { reason } | CellVerdict::Error { reason } => writeln!(f, "     {reason}")?,
        CellVerdict::Conform | CellVerdict::Allowed | CellVerdict::Deviates { .. } => {}
    }
    ladder.iter().try_for_each(|row| writeln!(f, "{row}"))?;
    writeln!(f)
}
