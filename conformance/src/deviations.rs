//! The ledger of known differences: where a system under test does not do what RFC 9293 says, why, and who says so.
//!
//! `deviations.toml` holds the entries. A scenario always states the RFC's expectation. What a system does instead is
//! recorded in one of three forms, and a difference is expected only as it was recorded:
//!
//! * for `scenarios`, the script of the same path under `deviations/SYSTEM/` says it, and the run of that script decides;
//! * for those `seen`, the first difference is told word by word;
//! * of the `cells` of the matrix the reaction is told, as the matrix writes it.
//!
//! An entry for what conforms anyway is *stale*, and as bad as a failure: what no longer differs must not be excused. An
//! entry of kind *choice* excuses nothing: it tells of what a system does as it may, where others do otherwise, and its
//! scenarios pass.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Whether the RFC leaves this to the system.
    #[serde(default)]
    pub kind: Kind,
    /// The scenarios that show it; what the system does instead is a script of its own.
    #[serde(default)]
    pub scenarios: BTreeSet<String>,
    /// The scenarios that show it, and the first difference there: the line of the script, and what was seen instead.
    #[serde(default)]
    pub seen: BTreeMap<String, String>,
    /// The cells of the matrix that show it, such as `FIN-WAIT-2/RST R-1`, and the reaction there.
    #[serde(default)]
    pub cells: BTreeMap<String, String>,
    /// The words it is held against, and where they stand, such as `RFC 9293 §3.5.2: "..."`.
    #[serde(default)]
    pub words: String,
    /// What differs, and why that may be.
    pub reason: String,
    /// Where this is known from.
    pub source: String,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The system does not do what the RFC says.
    #[default]
    Deviation,
    /// The RFC allows what it does.
    Choice,
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
    /// An entry without a reason, a source, or anything that shows it.
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

    /// All entries, in the order of the file.
    pub fn entries(&self) -> &[Deviation] {
        &self.deviation
    }

    /// How a system, of this name and version such as `linux 6.18`, is known to differ in a scenario.
    pub fn of(&self, system: &str, scenario: &str) -> Vec<&Deviation> {
        self.differing(system).filter(|deviation| deviation.names(scenario)).collect()
    }

    /// How a system is known to differ in a cell of the matrix, and the reaction that is recorded.
    pub fn of_cell(&self, system: &str, cell: &str) -> Option<(&Deviation, &str)> {
        self.differing(system).find_map(|deviation| Some((deviation, deviation.cells.get(cell)?.as_str())))
    }

    /// What is known of a system of this name under this number.
    pub fn named(&self, system: &str, id: &str) -> Option<&Deviation> {
        self.deviation.iter().find(|deviation| deviation.system == system && deviation.id == id)
    }

    /// Whether a system is known to differ in this.
    pub fn has(&self, system: &str, id: &str) -> bool {
        self.differing(system).any(|deviation| deviation.id == id)
    }

    /// Where the RFC leaves a choice, and what this system is recorded to do.
    pub fn choices(&self, system: &str) -> impl Iterator<Item = &Deviation> {
        self.deviation.iter().filter(move |entry| entry.kind == Kind::Choice && entry.concerns(system))
    }

    fn differing(&self, system: &str) -> impl Iterator<Item = &Deviation> {
        self.deviation.iter().filter(move |entry| entry.kind == Kind::Deviation && entry.concerns(system))
    }

    /// The scenarios that any entry names.
    pub fn scenarios(&self) -> BTreeSet<&str> {
        let named = self.deviation.iter().flat_map(|entry| entry.scenarios.iter().chain(entry.seen.keys()));
        named.map(String::as_str).collect()
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
            ("scenario or cell", self.scenarios.is_empty() && self.seen.is_empty() && self.cells.is_empty()),
        ];
        match empty.into_iter().find(|(_, is_empty)| *is_empty) {
            Some((what, _)) => Err(DeviationsError::Empty { id: id(), what }),
            None => Ok(()),
        }
    }

    /// Whether the scenario shows it.
    fn names(&self, scenario: &str) -> bool {
        self.scenarios.contains(scenario) || self.seen.contains_key(scenario)
    }

    /// The first difference in a scenario, if that is how it is recorded.
    pub fn seen(&self, scenario: &str) -> Option<&str> {
        self.seen.get(scenario).map(String::as_str)
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
    fn what_is_recorded_in_words_is_known_and_a_choice_is_no_difference() {
        let recorded = "seen = { \"a/b\" = \"nothing for 1.000s\" }\ncells = { \"LISTEN/SYN\" = \"R\" }";
        let text = LEDGER.replace("scenarios = [\"a/b\"]", recorded);
        let ledger = Deviations::parse(&text).expect("a ledger");
        let seen: Vec<_> = ledger.of("linux 6.18", "a/b").iter().map(|entry| entry.seen("a/b")).collect();
        assert_eq!(seen, [Some("nothing for 1.000s")]);
        assert_eq!(ledger.scenarios(), BTreeSet::from(["a/b"]));
        let reaction = |system| ledger.of_cell(system, "LISTEN/SYN").map(|(entry, reaction)| (&*entry.id, reaction));
        assert_eq!(reaction("linux 6.18"), Some(("L04", "R")));
        assert_eq!(reaction("linux 6.19"), None);
        assert!(ledger.of_cell("linux 6.18", "LISTEN/ACK").is_none());
        assert!(ledger.has("linux 6.18", "L04") && !ledger.has("linux 6.18", "L05"));

        let choice = Deviations::parse(&format!("{text}\nkind = \"choice\"")).expect("a ledger");
        assert_eq!(choice.of("linux 6.18", "a/b"), Vec::<&Deviation>::new());
        assert!(choice.of_cell("linux 6.18", "LISTEN/SYN").is_none() && !choice.has("linux 6.18", "L04"));
        assert_eq!(choice.choices("linux 6.18").collect::<Vec<_>>(), [&choice.entries()[0]]);
        assert_eq!((choice.choices("linux 6.19").count(), ledger.choices("linux 6.18").count()), (0, 0));
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
