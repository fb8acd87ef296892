//! All that can happen to a connection, and all that its user is told (RFC 9293 §3.9.1, §3.10).

use crate::segment::Segment;
use crate::seq::SeqNum;

/// Something that happens to a connection; nothing else moves it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Event<S: SeqNum> {
    /// The user calls (§3.10.1 to §3.10.6).
    Call(Call),
    /// A segment arrives (§3.10.7).
    Arrives(Segment<S>),
    /// The host has put this much new text, and then perhaps the FIN, on the wire for the first time.
    Sent {
        /// Octets of text.
        text: S::Len,
        /// Whether the FIN followed.
        fin: bool,
    },
    /// A timer went off (§3.10.8).
    Timeout(Timer),
}

/// A user's call. Which octets, how many and where to is between the user and the host.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Call {
    /// Passive OPEN (§3.10.1).
    OpenPassive,
    /// Active OPEN (§3.10.1).
    OpenActive {
        /// Whether the remote socket is specified.
        remote: bool,
    },
    /// SEND (§3.10.2).
    Send {
        /// Whether the remote socket is specified: a SEND in LISTEN makes the connection active if it is.
        remote: bool,
    },
    /// RECEIVE (§3.10.3).
    Receive,
    /// CLOSE: "I have no more data to send"; the other direction stays open (§3.10.4).
    Close,
    /// The user is gone: a CLOSE after which nobody will RECEIVE (RFC 9293 §3.6.1, the half-duplex close of MAY-1).
    Release,
    /// ABORT (§3.10.5).
    Abort,
    /// STATUS (§3.10.6).
    Status,
}

/// A timer of a connection. Durations are the host's.
///
/// The table starts and stops the first four; whether and when the other three run is the host's configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// Retransmission (§3.8.1, RFC 6298): runs if and only if something sent is not yet acknowledged.
    Retransmit,
    /// Zero-window probing (§3.8.6.1): runs if and only if the window is closed, text waits, and nothing is in flight.
    Persist,
    /// 2 MSL (§3.6.1): runs if and only if the connection is in TIME-WAIT.
    TimeWait,
    /// Bounds FIN-WAIT-2 once the user is gone.
    FinWait2,
    /// User timeout (§3.8.3): the host has tried long enough.
    User,
    /// Keep-alive (§3.8.4).
    KeepAlive,
    /// Delayed acknowledgment (§3.8.6.3).
    DelayedAck,
}

impl Timer {
    /// All seven.
    pub const ALL: [Timer; 7] = [
        Timer::Retransmit,
        Timer::Persist,
        Timer::TimeWait,
        Timer::FinWait2,
        Timer::User,
        Timer::KeepAlive,
        Timer::DelayedAck,
    ];

    pub(crate) const fn bit(self) -> u8 {
        match self {
            Timer::Retransmit => 1,
            Timer::Persist => 1 << 1,
            Timer::TimeWait => 1 << 2,
            Timer::FinWait2 => 1 << 3,
            Timer::User => 1 << 4,
            Timer::KeepAlive => 1 << 5,
            Timer::DelayedAck => 1 << 6,
        }
    }
}

/// The immediate return of a user's call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reply {
    /// "ok"
    Ok,
    /// Queued until the connection is established, or until text arrives.
    Queued,
    /// RECEIVE: text is on hand, or will be; the host delivers it.
    Deliver,
    /// STATUS: the state and the TCB.
    State,
    /// "error: connection does not exist"
    DoesNotExist,
    /// "error: connection already exists"
    AlreadyExists,
    /// "error: remote socket unspecified"
    RemoteUnspecified,
    /// "error: connection closing"
    Closing,
}

/// What the user is told without having asked (§3.10: "signal").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Signal {
    /// The connection is established.
    Established,
    /// "connection closing": the remote user has sent all; after the text on hand there is nothing more.
    Closing,
    /// Our FIN is acknowledged: all that the user sent has arrived; his CLOSE is complete.
    CloseComplete,
    /// The remote side has urgent data.
    Urgent,
    /// "connection refused"
    Refused,
    /// "connection reset"
    Reset,
    /// "error: connection aborted due to user timeout"
    UserTimeout,
}

/// How soon an acknowledgment must leave.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Urgency {
    /// The host may delay it as far as RFC 9293 §3.8.6.3 allows (for out-of-order text RFC 5681 §3.2 does not).
    Delayable,
    /// With this event, on whatever segment leaves first.
    Now,
}
