//! One script on one system.
//!
//! [`run`] plays the peer and the user of a script against a [`System`], compares what the system does with what the
//! script expects, and writes everything down in a [`Trace`], for others to judge. It stops at the first difference.
//!
//! * **Time.** The times of a script are distances between events. What the script does itself happens when it is
//!   due; what it expects may happen within the script's tolerance before, and as much later as
//!   [`Timing`](crate::system::Timing) grants the system besides.
//! * **Order.** The datagrams of the system are compared in the order in which they were sent. One that is not
//!   expected is a difference, even after the last line: the end waits until silence is certain. Only there a
//!   retransmission is forgiven, for it is not the script's any more.
//! * **Numbers.** A script counts from the initial sequence numbers; the runner knows them. It also fills
//!   in addresses, ports and the text, every octet of which tells its place.
//! * **Rules.** Everything has to be as written, but for what the [`Rules`] of a profile let pass; whatever they did let
//!   pass is told in [`Run::normalised`].
//! * **What is not supported**, by the language as understood here or by the system, ends a run as
//!   [`End::Skipped`], with the reason.

mod acks;
mod calls;
mod clock;
mod commands;
mod compare;
mod conversation;
mod edge;
mod expect;
mod experiment;
mod observer;
mod peer;
mod player;
mod rules;
mod states;
#[cfg(test)]
mod tests;
mod timestamps;
mod user;
pub mod wire;

pub(crate) use calls::returned;
pub use compare::{Comparison, compare};
pub use conversation::{PEER_INITIAL, PEER_PORT, SYSTEM_PORT};
pub use experiment::{Experiment, Seen};
pub use rules::{Normalisation, OptionList, Rules, Windows};

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::script::Script;
use crate::system::{Fault, System};
use crate::trace::Trace;
use player::Player;

/// What became of a script on a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Everything that was done and seen.
    pub trace: Trace,
    /// How it ended.
    pub end: End,
    /// What the rules let pass.
    pub normalised: BTreeSet<Normalisation>,
    /// The knobs that the system has not, and that were set to what they are on a fresh host.
    pub unknown_knobs: BTreeSet<String>,
}

/// How the run of a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything happened as the script says, and nothing else did.
    Completed,
    /// Something else happened.
    Differs(Difference),
    /// The script, or the system, has no such thing as this.
    Skipped(String),
    /// The harness failed: nothing is known about the system.
    Broken(String),
}

/// Where a system leaves the script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The line of the script, counting from one.
    pub line: u32,
    /// What the script expects.
    pub expected: String,
    /// What was seen.
    pub seen: String,
}

/// Plays a script against a system that is fresh, and wants everything exactly as written.
pub fn run(script: &Script, system: &mut dyn System) -> Run {
    run_by(&Rules::STRICT, script, system)
}

/// Plays a script against a system that is fresh, and lets pass what the rules allow.
pub fn run_by(rules: &Rules, script: &Script, system: &mut dyn System) -> Run {
    if let Some(unsupported) = script.unsupported().first() {
        let end = End::Skipped(unsupported.to_string());
        return Run { trace: Trace::default(), end, normalised: BTreeSet::new(), unknown_knobs: BTreeSet::new() };
    }
    let mut player = Player::new(script, &mut *system, rules);
    let end = match player.play(script) {
        Ok(()) => End::Completed,
        Err(stop) => End::from(stop),
    };
    let mut run = player.finish(end);
    if system.took_offers_away() {
        run.normalised.insert(Normalisation::OfferTakenAway);
    }
    run
}

/// Why a run does not go on.
enum Stop {
    Differs(Difference),
    Skip(String),
    Fault(Fault),
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Differs(difference) => Self::Differs(difference),
            Stop::Skip(reason) => Self::Skipped(reason),
            Stop::Fault(Fault::Unsupported(unsupported)) => Self::Skipped(unsupported.to_string()),
            Stop::Fault(fault @ (Fault::Harness { .. } | Fault::Lost { .. } | Fault::Command { .. })) => {
                Self::Broken(fault.to_string())
            }
        }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
