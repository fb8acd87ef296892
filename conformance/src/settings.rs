//! Files of settings: one of this repository, by its name, or anybody's, by its path.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;

/// The settings of this repository of one kind: their names, and what is in the files.
pub type Committed = &'static [(&'static str, &'static str)];

/// Why there are no such settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// There is none of this name, and no file.
    #[error("there is no {kind} `{name}`, nor can a file of this name be read ({error}): say {known}, or where it is")]
    None {
        /// What was looked for, such as `profile`.
        kind: &'static str,
        /// The name.
        name: String,
        /// Why the file cannot be read.
        error: String,
        /// The names that there are.
        known: String,
    },
    /// What is in the file cannot be understood.
    #[error("{file}:{line}: {error}")]
    Malformed {
        /// Its name.
        file: String,
        /// The line, counting from one.
        line: usize,
        /// What is wrong.
        error: String,
    },
    /// What it asks for is not to be had.
    #[error("{file}: {error}")]
    Nonsense {
        /// Its name.
        file: String,
        /// What is wrong.
        error: String,
    },
}

/// Reads the settings with this name, or in this file.
///
/// # Errors
///
/// [`SettingsError`] says in one sentence what is wrong.
pub fn named<T: DeserializeOwned>(kind: &'static str, committed: Committed, name: &str) -> Result<T, SettingsError> {
    if let Some((name, text)) = committed.iter().find(|(known, _)| *known == name) {
        return parse(&format!("{name}.toml"), text);
    }
    let text = fs::read_to_string(Path::new(name)).map_err(|error| SettingsError::None {
        kind,
        name: name.to_owned(),
        error: error.to_string(),
        known: committed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
    })?;
    parse(name, &text)
}

/// Reads settings.
///
/// # Errors
///
/// As [`named`].
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, SettingsError> {
    toml::from_str(text).map_err(|error| {
        let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let error = error.message().split('\n').collect::<Vec<_>>().join(", ");
        SettingsError::Malformed { file: file.to_owned(), line, error }
    })
}
