//! Scenarios: scripts with names, from files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::script::{self, ParseError, Script};

/// The ending of a script's file name.
const EXTENSION: &str = "pkt";

/// A script with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    /// The path of its file below the folder of all scenarios, or else below the package, without its ending;
    /// elsewhere its whole path.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
}

/// Why there are no scenarios.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// There is no script in it.
    #[error("there is no script in {path}")]
    None {
        /// Where.
        path: PathBuf,
    },
}

/// The folder of all scenarios of this repository.
pub fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    folder.canonicalize().unwrap_or(folder)
}

/// The folder of the scripts that say what a system of this name does instead of what the RFC says.
pub fn deviations(system: &str) -> PathBuf {
    folder().with_file_name("deviations").join(system)
}

/// All scenarios in a folder and below, or the one in a file, in the order of their names.
///
/// # Errors
///
/// [`ScenarioError`] if there is none, or none that can be read.
pub fn find(path: &Path) -> Result<Vec<Scenario>, ScenarioError> {
    let mut scenarios = Vec::new();
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    collect(&whole, &mut scenarios).map_err(|error| ScenarioError::Unreadable { path: path.to_owned(), error })?;
    scenarios.sort_by(|a, b| a.name.cmp(&b.name));
    if scenarios.is_empty() { Err(ScenarioError::None { path: path.to_owned() }) } else { Ok(scenarios) }
}

fn collect(path: &Path, scenarios: &mut Vec<Scenario>) -> io::Result<()> {
    if !path.is_dir() {
        // Says why it cannot be read, if it cannot.
        fs::metadata(path)?;
        scenarios.push(Scenario::new(path.to_owned()));
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_dir() || path.extension().is_some_and(|extension| extension == EXTENSION) {
            collect(&path, scenarios)?;
        }
    }
    Ok(())
}

impl Scenario {
    /// The scenario in a file.
    pub fn new(path: PathBuf) -> Self {
        let path = path.canonicalize().unwrap_or(path);
        let (scripts, package) = (folder(), folder().with_file_name(""));
        let below = path.strip_prefix(scripts).or_else(|_| path.strip_prefix(package)).unwrap_or(&path);
        Self { name: below.with_extension("").display().to_string(), path }
    }

    /// What a system of this name does instead, if that is recorded.
    pub fn alternative(&self, system: &str) -> Option<Scenario> {
        let path = deviations(system).join(format!("{}.{EXTENSION}", self.name));
        path.is_file().then(|| Self::new(path))
    }

    /// Reads its script, with these names defined for `#ifdef`.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if it cannot be read, or is no script.
    pub fn script(&self, defines: &[String]) -> Result<Script, ReadError> {
        let text = fs::read_to_string(&self.path).map_err(|error| ReadError::File(error.to_string()))?;
        Ok(script::parse_with(&self.name, &text, defines)?)
    }
}

/// Why a scenario has no script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("its file cannot be read: {0}")]
    File(String),
    /// What is in it is no script, or one that is not understood.
    #[error(transparent)]
    Script(#[from] ParseError),
}
