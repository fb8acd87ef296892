//! What a user of TCP says and hears.

use std::net::SocketAddr;

use lockstep_model::{RuleId, Seq, State, Tcb};
use thiserror::Error;

use super::demux::Pair;
use super::recovery::InFlight;
use super::slab::Key;
use crate::ip::Undelivered;
use crate::time::{Instant, Micros};

/// Names a connection of one stack, for ever: it is not used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub(super) Key);

/// Names a listener of one stack, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub(super) Key);

/// Something a user may want to know. Each says that there is reason to look; what there is, the calls tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A listener has a connection to accept.
    Acceptable(ListenerId),
    /// The connection asked for is established.
    Connected(ConnectionId),
    /// There is text to receive, or the end of it.
    Readable(ConnectionId),
    /// There is room for text to send, where there was none.
    Writable(ConnectionId),
    /// The peer has urgent data somewhere ahead (RFC 9293 MUST-32).
    Urgent(ConnectionId),
    /// All that was sent, and our FIN, has been acknowledged.
    Delivered(ConnectionId),
    /// ICMP says that something sent did not arrive; it may pass (RFC 9293 SHLD-25). The status tells what.
    Doubtful(ConnectionId),
    /// The connection no longer exists. Text that has arrived can still be received unless it failed.
    Closed(ConnectionId, Option<Failure>),
    /// A ping was answered.
    EchoReply {
        /// Who answers.
        from: std::net::IpAddr,
        /// As in the request.
        identifier: u16,
        /// As in the request.
        sequence: u16,
        /// Octets of data that came back.
        len: usize,
    },
}

/// Why a connection came to a bad end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum Failure {
    /// The peer answered our SYN with a reset.
    #[error("connection refused")]
    Refused,
    /// The peer, or what is there in his place, reset the connection.
    #[error("connection reset by peer")]
    Reset,
    /// What was sent has not been acknowledged for too long (R2).
    #[error("connection timed out")]
    TimedOut,
    /// The destination cannot be reached.
    #[error("{0}")]
    Unreachable(Undelivered),
    /// The user has aborted it.
    #[error("connection aborted")]
    Aborted,
}

/// Why a call on a connection or a listener does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum CallError {
    /// It would have to wait: for text, for room, or for the connection to be established.
    #[error("the call would have to wait")]
    WouldBlock,
    /// "connection closing": the user has closed, so that nothing more can be sent.
    #[error("connection closing")]
    Closing,
    /// "connection does not exist": it has ended, or the user has released it.
    #[error("connection does not exist")]
    DoesNotExist,
    /// The connection came to a bad end.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Why there is no new connection or listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum OpenError {
    /// The port, or the pair of sockets, is in use: "connection already exists".
    #[error("the address {0} is already in use")]
    AddressInUse(SocketAddr),
    /// The local address is not ours.
    #[error("{0} is not an address of this host")]
    NotLocal(SocketAddr),
    /// No single other host has this address, or it is not IPv4, or the port is zero (RFC 9293 MUST-46).
    #[error("{0} is not a socket to connect to")]
    BadRemote(SocketAddr),
    /// The destination is on another subnet, and there is no gateway.
    #[error("there is no route to {0}")]
    NoRoute(SocketAddr),
    /// All ephemeral ports are in use.
    #[error("no port is free")]
    NoPortFree,
    /// As many connections as there may be.
    #[error("there are too many connections")]
    TooManyConnections,
    /// As many listeners as there may be.
    #[error("there are too many listeners")]
    TooManyListeners,
}

/// What there is to know about a connection (RFC 9293 §3.10.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its two ends.
    pub pair: Pair,
    /// Its state.
    pub state: State,
    /// Its variables.
    pub tcb: Tcb<Seq>,
    /// Octets that the user may receive now.
    pub unread: usize,
    /// How many of the next octets that the user receives are urgent; zero where urgent data has just ended (RFC 9293
    /// §3.8.5, MUST-33).
    pub urgent_ahead: Option<usize>,
    /// Octets that the user has sent and the peer has not acknowledged.
    pub unacknowledged: usize,
    /// Of those, the ones that have not been transmitted yet.
    pub unsent: usize,
    /// Octets that the user may send now.
    pub room: usize,
    /// RCV.WND: the octets that the peer may send.
    pub rcv_wnd: usize,
    /// RCV.BUFF: the octets that may wait for the user.
    pub receive_buffer: usize,
    /// The most octets of text in a segment that we send.
    pub send_mss: u16,
    /// Both have agreed on explicit congestion notification (RFC 3168).
    pub ecn: bool,
    /// The retransmission timeout.
    pub rto: Micros,
    /// The smoothed round-trip time, if it has been measured.
    pub srtt: Option<Micros>,
    /// The congestion window in octets.
    pub cwnd: u32,
    /// The slow start threshold in octets.
    pub ssthresh: u32,
    /// How much round trips vary, if one has been measured (RTTVAR of RFC 6298).
    pub rttvar: Option<Micros>,
    /// The least round trip of late, if one has been measured.
    pub min_rtt: Option<Micros>,
    /// What has left and is not acknowledged, and what is known of it.
    pub in_flight: InFlight,
    /// The longest datagram that the path takes, as far as is known.
    pub path_mtu: u16,
    /// The most octets of text that a segment of the peer has carried, as far as acknowledging goes.
    pub receive_mss: u16,
    /// By so much the peer's windows are shifted, and ours, if both are scaled (RFC 7323 §2).
    pub window_shifts: Option<(u8, u8)>,
    /// Both send SACK blocks (RFC 2018).
    pub sack: bool,
    /// Every segment carries timestamps (RFC 7323 §3).
    pub timestamps: bool,
    /// Timeouts since anything was acknowledged.
    pub timeouts: u8,
    /// How often the closed window has been probed.
    pub probes: u8,
    /// What ICMP last said about something in flight.
    pub soft_error: Option<Undelivered>,
    /// How the connection came to a bad end, if it did.
    pub failure: Option<Failure>,
}

/// A connection taken from a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its name.
    pub connection: ConnectionId,
    /// Its two ends.
    pub pair: Pair,
}

/// One change of state, and the rule that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub at: Instant,
    /// Which connection. A listener's remote socket is unspecified.
    pub pair: Pair,
    /// From this state
    pub from: State,
    /// to this one
    pub to: State,
    /// by this rule.
    pub rule: RuleId,
}

impl std::fmt::Display for Transition {
    /// `1.500000 192.0.2.1:80 <-> 192.0.2.2:4000 SYN-RECEIVED -> ESTABLISHED by ack/syn-received/established`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Transition { at, pair, from, to, rule } = self;
        write!(f, "{at} {pair} {from} -> {to} by {rule}")
    }
}
