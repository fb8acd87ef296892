//! What shows that a claim is true, by name.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lockstep_model::Table;
use lockstep_model::check::properties::Property;
use serde::{Deserialize, Serialize};

use crate::scenario;

/// A thing of this repository that fails if the claim is false.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Evidence {
    /// A test: `test:stack/tests/attacks.rs::only_an_exact_reset_resets`.
    Test {
        /// The file, from the root of the repository.
        file: String,
        /// The function.
        name: String,
    },
    /// A row of the table that the stack runs: `rule:rst/open/reset`. That it does what it cites is checked by the model.
    Rule(String),
    /// A property that holds in every world: `property:S6`.
    Property(String),
    /// A scenario, run on all systems: `scenario:3.6-close/time_wait-rst-ignored`.
    Scenario(String),
}

/// The text names no evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not `test:FILE::NAME`, `rule:NAME`, `property:ID` or `scenario:NAME`")]
pub struct NotEvidence(String);

impl FromStr for Evidence {
    type Err = NotEvidence;

    fn from_str(text: &str) -> Result<Self, NotEvidence> {
        let refused = || NotEvidence(text.to_owned());
        let (kind, name) = text.split_once(':').ok_or_else(refused)?;
        match kind {
            "test" => {
                let (file, name) = name.split_once("::").ok_or_else(refused)?;
                Ok(Evidence::Test { file: file.to_owned(), name: name.to_owned() })
            }
            "rule" => Ok(Evidence::Rule(name.to_owned())),
            "property" => Ok(Evidence::Property(name.to_owned())),
            "scenario" => Ok(Evidence::Scenario(name.to_owned())),
            _ => Err(refused()),
        }
    }
}

impl TryFrom<String> for Evidence {
    type Error = NotEvidence;

    fn try_from(text: String) -> Result<Self, NotEvidence> {
        text.parse()
    }
}

impl From<Evidence> for String {
    fn from(evidence: Evidence) -> Self {
        evidence.to_string()
    }
}

impl Display for Evidence {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Evidence::Test { file, name } => write!(f, "test:{file}::{name}"),
            Evidence::Rule(name) => write!(f, "rule:{name}"),
            Evidence::Property(id) => write!(f, "property:{id}"),
            Evidence::Scenario(name) => write!(f, "scenario:{name}"),
        }
    }
}

impl Evidence {
    /// Why this is no evidence: it does not exist. Needs the sources of this repository.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        match self {
            Evidence::Test { file, name } => match std::fs::read_to_string(root().join(file)) {
                Ok(source) => {
                    (!tests_of(&source).contains(name.as_str())).then(|| format!("{file} has no test {name}"))
                }
                Err(error) => Some(format!("{file} cannot be read: {error}")),
            },
            Evidence::Rule(name) => {
                let known = Table::repaired().rules().iter().any(|rule| rule.name == name);
                (!known).then(|| format!("no rule that the stack runs is called {name}"))
            }
            Evidence::Property(id) => {
                let known = Property::ALL.iter().any(|property| property.id() == id);
                (!known).then(|| format!("there is no property {id}"))
            }
            Evidence::Scenario(name) => {
                let path = scenario::folder().join(format!("{name}.pkt"));
                (!path.is_file()).then(|| format!("there is no scenario {name}"))
            }
        }
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names of the functions under a `#[test]`, other attributes and comments between them allowed. One that is ignored shows
/// nothing.
fn tests_of(source: &str) -> BTreeSet<&str> {
    let mut tests = BTreeSet::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line == "#[test]" {
            is_test = true;
        } else if line.starts_with("#[ignore") {
            is_test = false;
        } else if let Some((_, rest)) = line.split_once("fn ")
            && std::mem::take(&mut is_test)
        {
            tests.extend(rest.split(['(', '<']).next());
        }
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_under_test_is_a_test() {
        let source = [
            "#[test]\n#[should_panic]\n/// It is said here.\nfn one() {}",
            "fn helper() {}",
            "  #[test]\n  fn two(x in 0..9) {}",
            "#[test]\n#[ignore = \"long\"]\nfn three() {}",
        ];
        assert_eq!(tests_of(&source.join("\n")), BTreeSet::from(["one", "two"]));
    }

    #[test]
    fn what_does_not_exist_is_missing_and_what_exists_is_not() {
        let missing = |text: &str| text.parse::<Evidence>().unwrap().missing();
        for text in [
            "test:conformance/src/claims/evidence.rs::only_what_is_under_test_is_a_test",
            "rule:rst/open/reset",
            "property:S1",
            "scenario:3.6-close/time_wait-rst-ignored",
        ] {
            assert_eq!(missing(text), None);
        }
        for text in [
            "test:conformance/src/claims/evidence.rs::tests_of",
            "test:conformance/src/nowhere.rs::it_works",
            "rule:rst/open/shrug",
            "property:S99",
            "scenario:3.6-close/nothing",
        ] {
            assert!(missing(text).is_some(), "{text}");
        }
        assert!("claim:just so".parse::<Evidence>().is_err());
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        for text in ["test:a/b.rs::c", "rule:a/b", "property:S1", "scenario:x/y"] {
            assert_eq!(text.parse::<Evidence>().unwrap().to_string(), text);
        }
    }
}
