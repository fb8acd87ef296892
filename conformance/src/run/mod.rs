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
//! * **What is not supported**, by the language as understood here or by the system, ends a run as
//!   [`End::Skipped`], with the reason.

mod calls;
mod clock;
mod conversation;
mod observer;
mod player;
#[cfg(test)]
mod tests;
pub mod wire;

pub(crate) use calls::returned;
pub use conversation::{PEER_INITIAL, PEER_PORT, SYSTEM_PORT};

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

/// Plays a script against a system that is fresh.
pub fn run(script: &Script, system: &mut dyn System) -> Run {
    if let Some(unsupported) = script.unsupported().first() {
        return Run { trace: Trace::default(), end: End::Skipped(unsupported.to_string()) };
    }
    let mut player = Player::new(script, system);
    let end = match player.play(script) {
        Ok(()) => End::Completed,
        Err(Stop::Differs(difference)) => End::Differs(difference),
        Err(Stop::Fault(Fault::Unsupported(unsupported))) => End::Skipped(unsupported.to_string()),
        Err(Stop::Fault(fault @ (Fault::Harness { .. } | Fault::Command { .. } | Fault::Lost { .. }))) => {
            End::Broken(fault.to_string())
        }
    };
    Run { trace: player.into_trace(), end }
}

/// Why a run does not go on.
enum Stop {
    Differs(Difference),
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
