//! How much of anything there may be.

/// Bounds on what a stack keeps. What happens at each bound is said there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections in any state, TIME-WAIT included. More SYNs are dropped, more connects refused.
    pub connections: usize,
    /// Listeners. More are refused.
    pub listeners: usize,
    /// Neighbours whose Ethernet address is known or asked for. The one whose time comes first gives way.
    pub neighbours: usize,
    /// Frames that wait for one neighbour's Ethernet address. The oldest gives way (RFC 1122 §2.3.2.2).
    pub waiting_per_neighbour: usize,
    /// Answers that wait to leave: as many control segments of TCP, and as many frames of ARP and ICMP. More are dropped.
    pub answers: usize,
    /// Echo replies, and as many traced transitions, that wait for the user. The newest echo reply, the oldest
    /// transition is dropped.
    pub events: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 65_536,
            listeners: 1_024,
            neighbours: 1_024,
            waiting_per_neighbour: 8,
            answers: 1_024,
            events: 1_024,
        }
    }
}
