//! Socket options and their values.

use std::time::Duration;

/// The value of a socket option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// An `int`: a switch, a size in bytes, a time in the option's own unit.
    Int(i32),
    /// `struct linger`.
    Linger {
        /// Whether closing lingers, or with zero seconds aborts.
        on: bool,
        /// For how many seconds.
        seconds: i32,
    },
    /// `struct timeval`; zero is without end.
    Time(Duration),
    /// A name, such as that of a congestion control.
    Text(String),
    /// Anything else.
    Bytes(Vec<u8>),
}

/// Which kind of [`OptionValue`] an option has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// [`OptionValue::Int`]
    Int,
    /// [`OptionValue::Linger`]
    Linger,
    /// [`OptionValue::Time`]
    Time,
    /// [`OptionValue::Text`]
    Text,
    /// [`OptionValue::Bytes`]
    Bytes,
}

/// Declares [`SocketOption`] once, with the name in C, which is also that of its number, and the kind of its value.
macro_rules! socket_options {
    ($($(#[$doc:meta])* $variant:ident = $name:ident $kind:ident,)*) => {
        /// A socket option. Its name tells its level: `SO_` is `SOL_SOCKET`, `TCP_` is `SOL_TCP`, `IP_` is `SOL_IP`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum SocketOption { $($(#[$doc])* $variant,)* }

        impl SocketOption {
            /// All options.
            pub const ALL: &[SocketOption] = &[$(SocketOption::$variant,)*];

            /// The option's name in C, such as `SO_REUSEADDR`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(SocketOption::$variant => stringify!($name),)* }
            }

            /// Its level and number on Linux.
            #[must_use]
            pub fn number(self) -> (i32, i32) {
                let number = match self { $(SocketOption::$variant => numbers::$name,)* };
                (self.level(), number)
            }

            /// What its value is.
            #[must_use]
            pub fn kind(self) -> OptionKind {
                match self { $(SocketOption::$variant => OptionKind::$kind,)* }
            }
        }
    };
}

socket_options! {
    /// Whether a local address may be bound while old connections still use it.
    ReuseAddr = SO_REUSEADDR Int,
    /// Whether several sockets may listen on one port.
    ReusePort = SO_REUSEPORT Int,
    /// Whether an idle connection is probed.
    KeepAlive = SO_KEEPALIVE Int,
    /// What closing does with unsent data.
    Linger = SO_LINGER Linger,
    /// Size of the receive buffer in bytes.
    RcvBuf = SO_RCVBUF Int,
    /// Size of the send buffer in bytes.
    SndBuf = SO_SNDBUF Int,
    /// As `SO_RCVBUF`, beyond the system's limit.
    RcvBufForce = SO_RCVBUFFORCE Int,
    /// As `SO_SNDBUF`, beyond the system's limit.
    SndBufForce = SO_SNDBUFFORCE Int,
    /// The pending error, which reading clears.
    Error = SO_ERROR Int,
    /// Whether urgent data is left among the rest.
    OobInline = SO_OOBINLINE Int,
    /// How long receiving blocks at most.
    RcvTimeo = SO_RCVTIMEO Time,
    /// How long sending and connecting block at most.
    SndTimeo = SO_SNDTIMEO Time,
    /// How many bytes make a socket readable.
    RcvLowat = SO_RCVLOWAT Int,
    /// How much room makes a socket writable; Linux knows only one byte.
    SndLowat = SO_SNDLOWAT Int,
    /// The socket's type, which is `SOCK_STREAM`.
    Type = SO_TYPE Int,
    /// The socket's protocol, which is `IPPROTO_TCP`.
    Protocol = SO_PROTOCOL Int,
    /// The socket's family.
    Domain = SO_DOMAIN Int,
    /// Whether the socket listens.
    AcceptConn = SO_ACCEPTCONN Int,
    /// The priority of what is sent, among queues.
    Priority = SO_PRIORITY Int,
    /// The mark of what is sent, for filters.
    Mark = SO_MARK Int,
    /// Whether gateways are avoided.
    DontRoute = SO_DONTROUTE Int,
    /// The most that leaves, in bytes per second.
    MaxPacingRate = SO_MAX_PACING_RATE Int,
    /// Whether `MSG_ZEROCOPY` is meant.
    ZeroCopy = SO_ZEROCOPY Int,
    /// Which timestamps are told of what is sent and received.
    Timestamping = SO_TIMESTAMPING Int,
    /// The only device that is used.
    BindToDevice = SO_BINDTODEVICE Text,
    /// Whether small segments go out at once.
    NoDelay = TCP_NODELAY Int,
    /// The greatest segment to send, in bytes.
    MaxSeg = TCP_MAXSEG Int,
    /// Whether partial segments are held back.
    Cork = TCP_CORK Int,
    /// Idle time before the first keep-alive probe, in seconds.
    KeepIdle = TCP_KEEPIDLE Int,
    /// Time between keep-alive probes, in seconds.
    KeepIntvl = TCP_KEEPINTVL Int,
    /// How many keep-alive probes may go unanswered.
    KeepCnt = TCP_KEEPCNT Int,
    /// How often a SYN is retransmitted.
    SynCnt = TCP_SYNCNT Int,
    /// How long an orphan stays in FIN-WAIT-2, in seconds.
    Linger2 = TCP_LINGER2 Int,
    /// For how many seconds a connection without data is not told to its listener.
    DeferAccept = TCP_DEFER_ACCEPT Int,
    /// The greatest window to offer, in bytes.
    WindowClamp = TCP_WINDOW_CLAMP Int,
    /// Whether ACKs are sent at once.
    QuickAck = TCP_QUICKACK Int,
    /// The congestion control.
    Congestion = TCP_CONGESTION Text,
    /// Whether a thin stream's retransmission timeout does not double.
    ThinLinearTimeouts = TCP_THIN_LINEAR_TIMEOUTS Int,
    /// How long sent data may stay unacknowledged, in milliseconds (RFC 5482).
    UserTimeout = TCP_USER_TIMEOUT Int,
    /// How many connections a listener opens with data in their SYN (RFC 7413).
    FastOpen = TCP_FASTOPEN Int,
    /// Whether `connect` waits for data to send with the SYN (RFC 7413).
    FastOpenConnect = TCP_FASTOPEN_CONNECT Int,
    /// The key of the cookies that a listener gives (RFC 7413).
    FastOpenKey = TCP_FASTOPEN_KEY Bytes,
    /// Whether a SYN with data needs no cookie (RFC 7413).
    FastOpenNoCookie = TCP_FASTOPEN_NO_COOKIE Int,
    /// The clock of the timestamps option (RFC 7323).
    Timestamp = TCP_TIMESTAMP Int,
    /// How much that is not sent makes a socket not writable, in bytes.
    NotSentLowat = TCP_NOTSENT_LOWAT Int,
    /// Whether the headers of a connection's SYN are kept.
    SaveSyn = TCP_SAVE_SYN Int,
    /// The headers of the connection's SYN.
    SavedSyn = TCP_SAVED_SYN Bytes,
    /// Whether receiving tells how much is left.
    Inq = TCP_INQ Int,
    /// The protocol above, such as `tls`.
    Ulp = TCP_ULP Text,
    /// By how many microseconds what is sent is delayed.
    TxDelay = TCP_TX_DELAY Int,
    /// The longest retransmission timeout, in milliseconds.
    RtoMax = TCP_RTO_MAX_MS Int,
    /// The shortest retransmission timeout, in microseconds.
    RtoMin = TCP_RTO_MIN_US Int,
    /// The longest delay of an acknowledgment, in microseconds.
    DelackMax = TCP_DELACK_MAX_US Int,
    /// The type of service, DSCP and ECN, of what is sent.
    Tos = IP_TOS Int,
    /// The time to live of what is sent.
    Ttl = IP_TTL Int,
    /// The least time to live that is accepted (RFC 5082).
    MinTtl = IP_MINTTL Int,
    /// Whether the path's MTU is discovered; the values are those of `IP_PMTUDISC_`.
    MtuDiscover = IP_MTU_DISCOVER Int,
    /// The path's MTU as known.
    Mtu = IP_MTU Int,
    /// Whether ICMP errors are told at once.
    RecvErr = IP_RECVERR Int,
    /// Whether an address may be bound that is not, or not yet, ours.
    FreeBind = IP_FREEBIND Int,
    /// Whether binding to port zero leaves the choice of a port to `connect`.
    BindAddressNoPort = IP_BIND_ADDRESS_NO_PORT Int,
}

/// The numbers of the options, by their names.
mod numbers {
    pub(super) use libc::*;

    // Those of `uapi/linux/tcp.h` that libc does not name.
    pub(super) const TCP_TX_DELAY: c_int = 37;
    pub(super) const TCP_RTO_MAX_MS: c_int = 44;
    pub(super) const TCP_RTO_MIN_US: c_int = 45;
    pub(super) const TCP_DELACK_MAX_US: c_int = 46;
}

impl SocketOption {
    /// The level that its name tells.
    fn level(self) -> i32 {
        match self.name().split_once('_') {
            Some(("TCP", _)) => libc::IPPROTO_TCP,
            Some(("IP", _)) => libc::IPPROTO_IP,
            Some(_) | None => libc::SOL_SOCKET,
        }
    }

    /// The option of this name in C, if it is one of ours.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|option| option.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_options_and_back() {
        for option in SocketOption::ALL {
            assert_eq!(SocketOption::named(option.name()), Some(*option));
        }
        assert_eq!(SocketOption::named("SO_NONSENSE"), None);
    }

    #[test]
    fn names_lead_to_levels_and_numbers() {
        assert_eq!(SocketOption::Linger.number(), (libc::SOL_SOCKET, libc::SO_LINGER));
        assert_eq!(SocketOption::Congestion.number(), (libc::IPPROTO_TCP, libc::TCP_CONGESTION));
        assert_eq!(SocketOption::RtoMin.number(), (libc::IPPROTO_TCP, 45));
        assert_eq!(SocketOption::Ttl.number(), (libc::IPPROTO_IP, libc::IP_TTL));
    }
}
