//! How much of anything there may be.

/// Bounds on what a stack keeps. What happens at each bound is said there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections, but for those that nobody owns in TIME-WAIT. More SYNs are dropped, more connects refused.
    pub connections: usize,
    /// Connections in TIME-WAIT that nobody owns. One that has not long to wait gives way. If zero, they are kept whole, among
    /// the others.
    pub time_waits: usize,
    /// Connections that have been released and have not ended, at least one. The one released first is reset.
    pub orphans: usize,
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
            time_waits: 65_536,
            orphans: 4_096,
            listeners: 1_024,
            neighbours: 1_024,
            waiting_per_neighbour: 8,
            answers: 1_024,
            events: 1_024,
        }
    }
}
