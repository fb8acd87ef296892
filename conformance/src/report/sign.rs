//! Verdicts as signs: a symbol that reads without colour, a name for programs, a word for people.

use crate::cells::CellVerdict;
use crate::verdict::Verdict;

/// What a cell of a matrix shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sign {
    /// It does what the RFC says.
    Conforms,
    /// The RFC allows it, and Lockstep does something else that the RFC allows.
    Allowed,
    /// It differs from the RFC exactly as recorded.
    Deviates,
    /// It differs.
    Fails,
    /// A precondition was not met.
    Inconclusive,
    /// It conforms, although the ledger says that it does not.
    Stale,
    /// The harness failed.
    Error,
    /// It cannot be tried on this system.
    Skipped,
    /// Nobody tried.
    Untried,
}

impl Sign {
    /// All of them, the good news first.
    pub const ALL: [Sign; 9] = [
        Sign::Conforms,
        Sign::Allowed,
        Sign::Deviates,
        Sign::Fails,
        Sign::Inconclusive,
        Sign::Stale,
        Sign::Error,
        Sign::Skipped,
        Sign::Untried,
    ];

    /// One letter.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Conforms => "✓",
            Self::Allowed => "≠",
            Self::Deviates => "D",
            Self::Fails => "✗",
            Self::Inconclusive => "~",
            Self::Stale => "!",
            Self::Error => "?",
            Self::Skipped => "s",
            Self::Untried => "–",
        }
    }

    /// One word, without a space.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conforms => "conforms",
            Self::Allowed => "allowed",
            Self::Deviates => "deviates",
            Self::Fails => "fails",
            Self::Inconclusive => "inconclusive",
            Self::Stale => "stale",
            Self::Error => "error",
            Self::Skipped => "skipped",
            Self::Untried => "untried",
        }
    }

    /// What it means.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Conforms => "conforms",
            Self::Allowed => "differs, as the RFC allows",
            Self::Deviates => "differs as recorded",
            Self::Fails => "fails",
            Self::Inconclusive => "inconclusive",
            Self::Stale => "stale record",
            Self::Error => "not judged",
            Self::Skipped => "skipped",
            Self::Untried => "not run",
        }
    }
}

impl From<&Verdict> for Sign {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Conforms,
            Verdict::Deviates { .. } => Self::Deviates,
            Verdict::Fail(_) => Self::Fails,
            Verdict::Inconclusive { .. } => Self::Inconclusive,
            Verdict::Stale { .. } => Self::Stale,
            Verdict::Skip { .. } => Self::Skipped,
            Verdict::Error { .. } => Self::Error,
        }
    }
}

impl From<&CellVerdict> for Sign {
    fn from(verdict: &CellVerdict) -> Self {
        match verdict {
            CellVerdict::Conform => Self::Conforms,
            CellVerdict::Allowed => Self::Allowed,
            CellVerdict::Deviates { .. } => Self::Deviates,
            CellVerdict::Fail { .. } => Self::Fails,
            CellVerdict::Unreached { .. } => Self::Inconclusive,
            CellVerdict::Stale { .. } => Self::Stale,
            CellVerdict::Skip { .. } => Self::Skipped,
            CellVerdict::Error { .. } => Self::Error,
        }
    }
}
