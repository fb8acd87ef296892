//! The ledger of known differences: where a system under test does not do what RFC 9293 says, why, and who says so.
//!
//! `deviations.toml` holds the entries. A scenario always states the RFC's expectation. For a system with an entry
//! for it the script of the same path under `deviations/SYSTEM/` says exactly what that system does instead, and the
//! run of that script decides: a difference is expected only as it was recorded. An entry for a scenario that passes
//! anyway is *stale*, and as bad as a failure: what no longer differs must not be excused.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// All entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviations {
    /// In the order of the file.
    #[serde(default)]
    deviation: Vec<Deviation>,
}

/// One known difference of one system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// Its number among the differences of this system, such as `L04`; a row of the table of kind deviation bears the
    /// same.
    pub id: String,
    /// The system, `linux`.
    pub system: String,
    /// The versions of it that differ, such as `>=6.0` or `>=6.0, <6.19`; all without it.
    pub versions: Option<String>,
    /// The scenarios that show it.
    pub scenarios: BTreeSet<String>,
    /// What differs, and why that may be.
    pub reason: String,
    /// Where this is known from.
    pub source: String,
}

/// Why a ledger is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviationsError {
    /// Not the TOML that is wanted.
    #[error("the ledger of deviations is malformed: {0}")]
    Malformed(String),
    /// A range of versions that cannot be read.
    #[error("{id}: `{versions}` is not a range of versions such as `>=6.0, <6.19`")]
    Versions {
        /// The entry.
        id: String,
        /// What it says.
        versions: String,
    },
    /// An entry without a reason, a source or a scenario.
    #[error("{id} has no {what}")]
    Empty {
        /// The entry.
        id: String,
        /// What it lacks.
        what: &'static str,
    },
}

impl Deviations {
    /// The ledger of this repository.
    ///
    /// # Errors
    ///
    /// As [`Deviations::parse`].
    pub fn committed() -> Result<Self, DeviationsError> {
        Self::parse(include_str!("../deviations.toml"))
    }

    /// Reads a ledger.
    ///
    /// # Errors
    ///
    /// [`DeviationsError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, DeviationsError> {
        let ledger: Self = toml::from_str(text).map_err(|error| DeviationsError::Malformed(error.to_string()))?;
        ledger.deviation.iter().try_for_each(Deviation::check)?;
        Ok(ledger)
    }

    /// What is known of a system, by its name and version such as `linux 6.18`, in a scenario.
    pub fn of(&self, system: &str, scenario: &str) -> Vec<&Deviation> {
        self.deviation
            .iter()
            .filter(|deviation| deviation.scenarios.contains(scenario) && deviation.concerns(system))
            .collect()
    }

    /// The scenarios that any entry names.
    pub fn scenarios(&self) -> BTreeSet<&str> {
        self.deviation.iter().flat_map(|deviation| &deviation.scenarios).map(String::as_str).collect()
    }
}

impl Deviation {
    fn check(&self) -> Result<(), DeviationsError> {
        let id = || self.id.clone();
        if let Some(versions) = self.versions.as_ref().filter(|versions| bounds(versions).is_none()) {
            return Err(DeviationsError::Versions { id: id(), versions: versions.clone() });
        }
        let empty = [
            ("reason", self.reason.trim().is_empty()),
            ("source", self.source.trim().is_empty()),
            ("scenario", self.scenarios.is_empty()),
        ];
        match empty.into_iter().find(|(_, is_empty)| *is_empty) {
            Some((what, _)) => Err(DeviationsError::Empty { id: id(), what }),
            None => Ok(()),
        }
    }

    /// Whether it concerns a system of this name and version.
    fn concerns(&self, system: &str) -> bool {
        let (name, seen) = system.split_once(' ').unwrap_or((system, ""));
        let within = |versions: &String| match (bounds(versions), version(seen)) {
            (Some(bounds), Some(seen)) => bounds.iter().all(|bound| bound.allows(seen)),
            (None, _) | (_, None) => false,
        };
        name == self.system && self.versions.as_ref().is_none_or(within)
    }
}

/// Major and minor number.
type Version = (u32, u32);

/// One end of a range of versions.
enum Bound {
    From(Version),
    Before(Version),
}

impl Bound {
    fn allows(&self, seen: Version) -> bool {
        match self {
            Self::From(first) => seen >= *first,
            Self::Before(end) => seen < *end,
        }
    }
}

/// `>=6.0, <6.19`
fn bounds(text: &str) -> Option<Vec<Bound>> {
    let bound = |text: &str| match (text.strip_prefix(">="), text.strip_prefix('<')) {
        (Some(first), _) => version(first).map(Bound::From),
        (None, Some(end)) => version(end).map(Bound::Before),
        (None, None) => None,
    };
    text.split(',').map(|part| bound(part.trim())).collect()
}

fn version(text: &str) -> Option<Version> {
    let (major, minor) = text.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEDGER: &str = r#"
        [[deviation]]
        id = "L04"
        system = "linux"
        versions = ">=6.0, <6.19"
        scenarios = ["a/b"]
        reason = "because"
        source = "measured"
    "#;

    #[test]
    fn an_entry_concerns_its_system_its_versions_and_its_scenarios() {
        let ledger = Deviations::parse(LEDGER).expect("a ledger");
        let knows = |system, scenario| ledger.of(system, scenario).iter().any(|deviation| deviation.id == "L04");
        assert!(knows("linux 6.18", "a/b"));
        assert!(knows("linux 6.0", "a/b"));
        assert!(!knows("linux 6.19", "a/b"));
        assert!(!knows("linux 5.15", "a/b"));
        assert!(!knows("linux", "a/b"));
        assert!(!knows("lockstep", "a/b"));
        assert!(!knows("linux 6.18", "a/c"));
        assert_eq!(ledger.scenarios(), BTreeSet::from(["a/b"]));
    }

    #[test]
    fn an_entry_is_complete_or_no_entry() {
        for (words, instead) in [
            ("\"because\"", "\" \""),
            ("\"measured\"", "\"\""),
            ("[\"a/b\"]", "[]"),
            (">=6.0", "6.0"),
            ("<6.19", "<six"),
            ("source", "sauce"),
        ] {
            let ledger = LEDGER.replace(words, instead);
            assert!(Deviations::parse(&ledger).is_err(), "{ledger}");
        }
        assert_eq!(Deviations::parse(""), Ok(Deviations::default()));
    }
}
