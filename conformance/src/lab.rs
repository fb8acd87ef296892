//! What is chosen once, on the command line, and holds for every scenario of a job.

use serde::{Deserialize, Serialize};

use crate::deviations::{Deviations, DeviationsError};
use crate::personality::Personality;
use crate::run::Rules;
use crate::system::linux::Link;
use crate::system::tap::TapTarget;

/// The choices of a job. A child process that runs a part of it is told all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lab {
    /// Where systems are known not to do what RFC 9293 says.
    pub deviations: Deviations,
    /// The names that are defined for `#ifdef` in scripts.
    pub defines: Vec<String>,
    /// What scripts let pass that is not as they say.
    pub rules: Rules,
    /// How Lockstep behaves where the RFCs leave it the choice, if not as it does by itself.
    pub personality: Option<Personality>,
    /// What joins the tester to the Linux kernel.
    pub link: Link,
    /// Whether commands of scripts are run in the kernel's namespace.
    pub shell: bool,
    /// The stack behind an interface, if there is one to be tested.
    pub tap: Option<TapTarget>,
}

impl Lab {
    /// The laboratory of this repository: its ledger of deviations, and nothing else that was chosen.
    ///
    /// # Errors
    ///
    /// As [`Deviations::committed`].
    pub fn committed() -> Result<Self, DeviationsError> {
        Ok(Self::new(Deviations::committed()?))
    }

    /// One with this ledger of deviations, and nothing else that was chosen.
    pub fn new(deviations: Deviations) -> Self {
        Self { deviations, ..Self::default() }
    }
}
