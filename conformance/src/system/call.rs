//! The socket calls a scenario's user may make, and what they give back.
//!
//! Names, numbers and semantics are those of POSIX and Linux, because the packetdrill language speaks them; a system
//! that is no kernel imitates them.

use std::fmt;
use std::net::SocketAddrV4;

/// A socket call. Every socket is an IPv4 TCP socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// `socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)`; returns a new descriptor.
    Socket,
    /// `bind(fd, address)`.
    Bind {
        /// The socket.
        fd: Descriptor,
        /// Its local address; zero is any.
        address: SocketAddrV4,
    },
    /// `listen(fd, backlog)`.
    Listen {
        /// The socket.
        fd: Descriptor,
        /// How many connections may wait to be accepted.
        backlog: i32,
    },
    /// `accept(fd)`; returns a new descriptor and [`Output::Address`].
    Accept {
        /// The listening socket.
        fd: Descriptor,
    },
    /// `connect(fd, address)`.
    Connect {
        /// The socket.
        fd: Descriptor,
        /// The peer.
        address: SocketAddrV4,
    },
    /// `read(fd, length)`; returns [`Output::Data`].
    Read {
        /// The socket.
        fd: Descriptor,
        /// How many bytes at most.
        length: usize,
    },
    /// `write(fd, data)`.
    Write {
        /// The socket.
        fd: Descriptor,
        /// The bytes to send.
        data: Vec<u8>,
    },
    /// `recv(fd, length, flags)`; returns [`Output::Data`].
    Recv {
        /// The socket.
        fd: Descriptor,
        /// How many bytes at most.
        length: usize,
        /// How to receive.
        flags: MessageFlags,
    },
    /// `send(fd, data, flags)`.
    Send {
        /// The socket.
        fd: Descriptor,
        /// The bytes to send.
        data: Vec<u8>,
        /// How to send.
        flags: MessageFlags,
    },
    /// `shutdown(fd, how)`.
    Shutdown {
        /// The socket.
        fd: Descriptor,
        /// Which direction.
        how: ShutdownHow,
    },
    /// `close(fd)`.
    Close {
        /// The socket.
        fd: Descriptor,
    },
    /// `fcntl(fd, control)`.
    Fcntl {
        /// The socket.
        fd: Descriptor,
        /// What to ask or set.
        control: FileControl,
    },
    /// `getsockopt(fd, option)`; returns [`Output::Option`].
    GetSockOpt {
        /// The socket.
        fd: Descriptor,
        /// Which option.
        option: SocketOption,
    },
    /// `setsockopt(fd, option, value)`.
    SetSockOpt {
        /// The socket.
        fd: Descriptor,
        /// Which option.
        option: SocketOption,
        /// Its new value.
        value: OptionValue,
    },
}

impl Call {
    /// The descriptor it is made on; only [`Call::Socket`] has none.
    #[must_use]
    pub fn descriptor(&self) -> Option<Descriptor> {
        match self {
            Call::Socket => None,
            Call::Bind { fd, .. }
            | Call::Listen { fd, .. }
            | Call::Accept { fd }
            | Call::Connect { fd, .. }
            | Call::Read { fd, .. }
            | Call::Write { fd, .. }
            | Call::Recv { fd, .. }
            | Call::Send { fd, .. }
            | Call::Shutdown { fd, .. }
            | Call::Close { fd }
            | Call::Fcntl { fd, .. }
            | Call::GetSockOpt { fd, .. }
            | Call::SetSockOpt { fd, .. } => Some(*fd),
        }
    }
}

/// A descriptor as the system numbered it, which need not be the number a script writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Descriptor(pub i32);

/// What a call returned: a success, or the `errno` that came with -1.
pub type Ret = Result<Success, Errno>;

/// A call that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Success {
    /// The return value: 0, a count of bytes, a descriptor or file status flags.
    pub value: i64,
    /// What the call wrote into its caller's memory.
    pub output: Output,
}

impl Success {
    /// A success that returned a number and wrote nothing.
    #[must_use]
    pub fn value(value: impl Into<i64>) -> Self {
        Self { value: value.into(), output: Output::None }
    }
}

/// What a call wrote into its caller's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Nothing.
    None,
    /// The bytes received.
    Data(Vec<u8>),
    /// The address of the peer.
    Address(SocketAddrV4),
    /// The value of an option.
    Option(OptionValue),
}

/// `fcntl` on the file status flags. Their numbers are those of Linux: `O_RDWR` is 2, `O_NONBLOCK` is 0o4000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileControl {
    /// `F_GETFL`; returns `O_RDWR`, with `O_NONBLOCK` if it is set.
    GetFlags,
    /// `F_SETFL`.
    SetFlags {
        /// Whether `O_NONBLOCK` is among the flags.
        nonblocking: bool,
    },
}

/// `MSG_*` flags of `send` and `recv`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageFlags {
    /// `MSG_PEEK`: leave the bytes in the receive buffer.
    pub peek: bool,
    /// `MSG_DONTWAIT`: this one call does not block.
    pub dont_wait: bool,
    /// `MSG_OOB`: urgent data.
    pub out_of_band: bool,
    /// `MSG_MORE`: more data follows, do not push yet.
    pub more: bool,
}

/// Which direction `shutdown` closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutdownHow {
    /// `SHUT_RD`.
    Read,
    /// `SHUT_WR`: the CLOSE call of RFC 9293 §3.9.1.4.
    Write,
    /// `SHUT_RDWR`.
    Both,
}

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
    /// A name, such as that of a congestion control.
    Text(String),
}

/// Declares [`SocketOption`] once, with the name a script writes.
macro_rules! socket_options {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A socket option. Its name tells its level: `SO_` is `SOL_SOCKET`, `TCP_` is `SOL_TCP`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum SocketOption { $($(#[$doc])* $variant,)* }

        impl SocketOption {
            /// All options.
            pub const ALL: &[SocketOption] = &[$(SocketOption::$variant,)*];

            /// The option's name in C, such as `SO_REUSEADDR`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(SocketOption::$variant => $name,)* }
            }
        }
    };
}

socket_options! {
    /// Whether a local address may be bound while old connections still use it.
    ReuseAddr = "SO_REUSEADDR",
    /// Whether an idle connection is probed.
    KeepAlive = "SO_KEEPALIVE",
    /// What closing does with unsent data; its value is [`OptionValue::Linger`].
    Linger = "SO_LINGER",
    /// Size of the receive buffer in bytes.
    RcvBuf = "SO_RCVBUF",
    /// Size of the send buffer in bytes.
    SndBuf = "SO_SNDBUF",
    /// The pending error, which reading clears.
    Error = "SO_ERROR",
    /// Whether small segments go out at once.
    NoDelay = "TCP_NODELAY",
    /// The greatest segment to send, in bytes.
    MaxSeg = "TCP_MAXSEG",
    /// Whether partial segments are held back.
    Cork = "TCP_CORK",
    /// Idle time before the first keep-alive probe, in seconds.
    KeepIdle = "TCP_KEEPIDLE",
    /// Time between keep-alive probes, in seconds.
    KeepIntvl = "TCP_KEEPINTVL",
    /// How many keep-alive probes may go unanswered.
    KeepCnt = "TCP_KEEPCNT",
    /// How often a SYN is retransmitted.
    SynCnt = "TCP_SYNCNT",
    /// How long an orphan stays in FIN-WAIT-2, in seconds.
    Linger2 = "TCP_LINGER2",
    /// How long sent data may stay unacknowledged, in milliseconds (RFC 5482).
    UserTimeout = "TCP_USER_TIMEOUT",
    /// Whether ACKs are sent at once.
    QuickAck = "TCP_QUICKACK",
    /// The congestion control; its value is [`OptionValue::Text`].
    Congestion = "TCP_CONGESTION",
}

impl SocketOption {
    /// The option of this name in C, if it is one of ours.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|option| option.name() == name)
    }
}

/// An error number, by the numbers of Linux.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

/// Declares the error numbers that have a name here.
macro_rules! errnos {
    ($($name:ident)*) => {
        impl Errno {
            $(
                #[doc = concat!("`", stringify!($name), "`.")]
                pub const $name: Errno = Errno(libc::$name);
            )*

            const NAMED: &[(&str, Errno)] = &[$((stringify!($name), Errno::$name),)*];
        }
    };
}

errnos! {
    EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF ECONNABORTED ECONNREFUSED ECONNRESET
    EDESTADDRREQ EFAULT EHOSTUNREACH EINPROGRESS EINTR EINVAL EISCONN EMFILE EMSGSIZE ENETDOWN ENETUNREACH ENFILE
    ENOBUFS ENOENT ENOMEM ENOPROTOOPT ENOTCONN ENOTSOCK EOPNOTSUPP EPERM EPIPE EPROTO ETIMEDOUT
}

impl Errno {
    /// The error number of this name, if it is one of ours.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, errno)| *errno)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMED.iter().find(|(_, errno)| errno == self) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_options_and_errors_and_back() {
        for option in SocketOption::ALL {
            assert_eq!(SocketOption::named(option.name()), Some(*option));
        }
        assert_eq!(SocketOption::named("SO_NONSENSE"), None);
        assert_eq!(Errno::named("ECONNRESET"), Some(Errno::ECONNRESET));
        assert_eq!(Errno::ECONNRESET.to_string(), "ECONNRESET");
        assert_eq!(Errno(9_999).to_string(), "errno 9999");
    }
}
