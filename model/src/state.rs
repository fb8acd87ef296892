//! The eleven states of a connection (RFC 9293 §3.3.2).

use core::fmt;

/// A state; its sentence is the RFC's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum State {
    /// No connection state at all.
    Closed,
    /// Waiting for a connection request from any remote TCP peer and port.
    Listen,
    /// Waiting for a matching connection request after having sent a connection request.
    SynSent,
    /// Waiting for a confirming connection request acknowledgment after having both received and sent a connection
    /// request.
    SynReceived,
    /// An open connection, data received can be delivered to the user.
    Established,
    /// Waiting for a connection termination request from the remote TCP peer, or an acknowledgment of the connection
    /// termination request previously sent.
    FinWait1,
    /// Waiting for a connection termination request from the remote TCP peer.
    FinWait2,
    /// Waiting for a connection termination request from the local user.
    CloseWait,
    /// Waiting for a connection termination request acknowledgment from the remote TCP peer.
    Closing,
    /// Waiting for an acknowledgment of the connection termination request previously sent to the remote TCP peer.
    LastAck,
    /// Waiting for enough time to pass to be sure the remote TCP peer received the acknowledgment of its connection
    /// termination request and to avoid new connections being impacted by delayed segments from previous connections.
    TimeWait,
}

impl State {
    /// All eleven, in the RFC's order.
    pub const ALL: [State; 11] = [
        State::Closed,
        State::Listen,
        State::SynSent,
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::Closing,
        State::LastAck,
        State::TimeWait,
    ];

    /// Its place in [`State::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name as the RFC writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Closed => "CLOSED",
            State::Listen => "LISTEN",
            State::SynSent => "SYN-SENT",
            State::SynReceived => "SYN-RECEIVED",
            State::Established => "ESTABLISHED",
            State::FinWait1 => "FIN-WAIT-1",
            State::FinWait2 => "FIN-WAIT-2",
            State::CloseWait => "CLOSE-WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST-ACK",
            State::TimeWait => "TIME-WAIT",
        }
    }

    /// Whether it is one of the synchronized states: both initial sequence numbers are known and ours is acknowledged
    /// (RFC 9293 §3.5.2, group 3).
    #[must_use]
    pub const fn is_synchronized(self) -> bool {
        StateSet::SYNCHRONIZED.has(self)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of states.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StateSet(u16);

impl StateSet {
    /// All eleven.
    pub const ALL: StateSet = StateSet::of(&State::ALL);

    /// ESTABLISHED and what follows it.
    pub const SYNCHRONIZED: StateSet = StateSet::of(&[
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::Closing,
        State::LastAck,
        State::TimeWait,
    ]);

    /// The set of the given states.
    #[must_use]
    pub const fn of(states: &[State]) -> StateSet {
        let mut bits = 0;
        let mut i = 0;
        while i < states.len() {
            bits |= StateSet::bit(states[i]);
            i += 1;
        }
        StateSet(bits)
    }

    /// Whether `state` is in it.
    #[must_use]
    pub const fn has(self, state: State) -> bool {
        self.0 & StateSet::bit(state) != 0
    }

    /// The states in it, in the RFC's order.
    pub fn iter(self) -> impl Iterator<Item = State> {
        State::ALL.into_iter().filter(move |&state| self.has(state))
    }

    const fn bit(state: State) -> u16 {
        match state {
            State::Closed => 1,
            State::Listen => 1 << 1,
            State::SynSent => 1 << 2,
            State::SynReceived => 1 << 3,
            State::Established => 1 << 4,
            State::FinWait1 => 1 << 5,
            State::FinWait2 => 1 << 6,
            State::CloseWait => 1 << 7,
            State::Closing => 1 << 8,
            State::LastAck => 1 << 9,
            State::TimeWait => 1 << 10,
        }
    }
}

impl fmt::Debug for StateSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
