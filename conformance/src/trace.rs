//! What was seen of a system under test: the only thing that the oracle judges.

use crate::system::{Call, FourTuple, Ret, State};
use std::time::Duration;

/// Everything that was done to a system and seen of it, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// In the order of their times.
    pub observations: Vec<Observation>,
    /// When the observer stopped looking: what was due before and is not here did not happen.
    pub ended: Duration,
}

/// One thing that was done or seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When, since the scenario began.
    pub at: Duration,
    /// What.
    pub what: What,
    /// The line of the script that asked for it, if one did.
    pub line: Option<u32>,
}

/// What was done or seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The tester injected this IPv4 datagram.
    Injected(Vec<u8>),
    /// The system sent this IPv4 datagram.
    Sent(Vec<u8>),
    /// The user's call was made; a call that blocks is made here and returns later, or never.
    Called {
        /// Tells this call from the others.
        id: u32,
        /// The call.
        call: Call,
    },
    /// A call returned.
    Returned {
        /// Which one.
        id: u32,
        /// With what.
        ret: Ret,
    },
    /// The system said that this connection is in this state.
    Probed {
        /// The connection.
        connection: FourTuple,
        /// Its state.
        state: State,
    },
    /// The operator ended this connection, from beside its user.
    Dropped(FourTuple),
    /// The operator has turned a knob of the system.
    Turned {
        /// The name that Linux gives it.
        knob: String,
        /// What it stands at now.
        value: String,
    },
}
