//! What can be opened.

use lockstep_model::table::Rule;

use crate::report::ladder::Row;
use crate::report::sign::Sign;
use crate::verdict::{Failure, Subject};

/// A cell of the matrix, or a scenario, on all systems.
pub struct Exhibit {
    /// Its name on the page.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// What it belongs to: a section of the RFC, or a folder.
    pub section: String,
    /// How to see it again.
    pub command: String,
    /// What the RFC says, paragraph by paragraph.
    pub words: Vec<String>,
    /// The rules of the table that decide.
    pub rules: Vec<&'static Rule>,
    /// In the order of the columns.
    pub shown: Vec<Shown>,
}

impl Exhibit {
    /// As one system shows it.
    pub fn on(&self, subject: Subject) -> Option<&Shown> {
        self.shown.iter().find(|shown| shown.subject == subject)
    }
}

/// As one system shows it.
pub struct Shown {
    /// The system.
    pub subject: Subject,
    /// Its own name with its version.
    pub system: Option<String>,
    /// The verdict.
    pub sign: Sign,
    /// What it did, in a few letters, if that is what was asked.
    pub reaction: Option<String>,
    /// Why it could not be judged, if it could not.
    pub reason: Option<String>,
    /// How it fails, if it does.
    pub failure: Option<Failure>,
    /// The entries of the ledger that concern it.
    pub deviations: Vec<String>,
    /// What the system's profile let pass.
    pub normalised: Vec<String>,
    /// The script that decided.
    pub script: String,
    /// The exchange.
    pub ladder: Vec<Row>,
}
