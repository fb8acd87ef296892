//! What Lockstep claims, claim by claim, each with the evidence for it: the numbered requirements of RFC 9293 and the
//! attacks that a TCP has to withstand.
//!
//! `requirements.toml` and `threats.toml` hold the claims. A claim is a status and a sentence; its [`evidence`] names
//! tests, rules, properties and scenarios. What is named must exist, and what must be done must have some: a test sees
//! to both, and the tests that are named run in the same gate.

pub mod evidence;
mod html;
mod told;

use serde::{Deserialize, Serialize};

use evidence::Evidence;

/// One row: a requirement, or an attack.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Its number: `MUST-12`, `T05`.
    pub id: String,
    /// How strongly it is asked for.
    pub level: Level,
    /// Where: a section of RFC 9293, or the documents that describe an attack. Appendix B of the RFC gives no section for some.
    #[serde(default)]
    pub section: String,
    /// What it belongs to, as the RFC groups its requirements.
    pub group: String,
    /// The requirement in the RFC's short words; for an attack, what must hold.
    pub feature: String,
    /// What is claimed.
    pub status: Status,
    /// How it is done, or why it is not.
    pub says: String,
    /// What shows it.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
}

/// How strongly something is asked for (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub enum Level {
    /// An absolute requirement.
    #[serde(rename = "MUST")]
    Must,
    /// An absolute prohibition.
    #[serde(rename = "MUST NOT")]
    MustNot,
    /// To be done unless there is a good reason not to.
    #[serde(rename = "SHOULD")]
    Should,
    /// Not to be done unless there is a good reason to.
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    /// Optional.
    #[serde(rename = "MAY")]
    May,
}

impl Level {
    /// All five.
    pub const ALL: [Level; 5] = [Level::Must, Level::MustNot, Level::Should, Level::ShouldNot, Level::May];

    /// As RFC 2119 writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Must => "MUST",
            Level::MustNot => "MUST NOT",
            Level::Should => "SHOULD",
            Level::ShouldNot => "SHOULD NOT",
            Level::May => "MAY",
        }
    }

    /// Whether there is no way round it.
    #[must_use]
    pub fn is_absolute(self) -> bool {
        match self {
            Level::Must | Level::MustNot => true,
            Level::Should | Level::ShouldNot | Level::May => false,
        }
    }
}

/// What is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It is as required.
    Done,
    /// It is not.
    NotDone,
    /// It concerns something that is not there, or somebody else.
    NotApplicable,
}

impl Status {
    /// All three.
    pub const ALL: [Status; 3] = [Status::Done, Status::NotDone, Status::NotApplicable];

    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Status::Done => "done",
            Status::NotDone => "not done",
            Status::NotApplicable => "not applicable",
        }
    }
}

/// A whole file of claims.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// What they are about.
    pub title: String,
    /// In the order of their source.
    #[serde(rename = "claim")]
    pub claims: Vec<Claim>,
}

/// A file of claims cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the claims are malformed: {0}")]
pub struct ClaimsError(String);

impl Claims {
    /// The 119 numbered requirements of RFC 9293, in the 126 rows of its Appendix B.
    ///
    /// # Errors
    ///
    /// As [`Claims::parse`].
    pub fn requirements() -> Result<Self, ClaimsError> {
        Self::parse(include_str!("../../requirements.toml"))
    }

    /// The attacks and faults.
    ///
    /// # Errors
    ///
    /// As [`Claims::parse`].
    pub fn threats() -> Result<Self, ClaimsError> {
        Self::parse(include_str!("../../threats.toml"))
    }

    /// Reads claims.
    ///
    /// # Errors
    ///
    /// Says what is wrong with them.
    pub fn parse(text: &str) -> Result<Self, ClaimsError> {
        toml::from_str(text).map_err(|error| ClaimsError(error.to_string()))
    }

    /// The claims as one page: no network, no script.
    #[must_use]
    pub fn page(&self) -> String {
        html::page(self)
    }

    /// The claims of a level and a status.
    pub fn of(&self, level: Level, status: Status) -> impl Iterator<Item = &Claim> {
        self.claims.iter().filter(move |claim| claim.level == level && claim.status == status)
    }

    /// What is wrong with the claims themselves, in sentences: nothing, or the claims are not to be believed.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        self.claims.iter().flat_map(|claim| claim.faults()).collect()
    }
}

impl Claim {
    /// A claim needs a sentence. What is done needs evidence if there is no way round it; and so does what is not applicable nothing
    /// but a reason. Evidence must exist.
    fn faults(&self) -> Vec<String> {
        let Claim { id, feature, .. } = self;
        let mut faults = Vec::new();
        if self.says.trim().is_empty() {
            faults.push(format!("{id} ({feature}) says nothing"));
        }
        if self.status == Status::Done && self.level.is_absolute() && self.evidence.is_empty() {
            faults.push(format!("{id} ({feature}) is done and nothing shows it"));
        }
        if self.status == Status::NotDone && self.level.is_absolute() {
            faults.push(format!("{id} ({feature}) is not done"));
        }
        let missing = self.evidence.iter().filter_map(|evidence| evidence.missing());
        faults.extend(missing.map(|missing| format!("{id} ({feature}): {missing}")));
        faults
    }
}
