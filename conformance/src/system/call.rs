//! The socket calls a scenario's user may make, and what they give back.
//!
//! Names, numbers and semantics are those of POSIX and Linux, because the packetdrill language speaks them; a system
//! that is no kernel imitates them.

use std::net::SocketAddrV4;
use std::time::Duration;

use super::errno::Errno;
use super::message::MessageFlags;
use super::option::{OptionValue, SocketOption};
use super::poll::{PollEvents, PollFd};

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
    /// `sendto(fd, data, flags, address)`, which with [`MessageFlags::fast_open`] connects first (RFC 7413).
    SendTo {
        /// The socket.
        fd: Descriptor,
        /// The bytes to send.
        data: Vec<u8>,
        /// How to send.
        flags: MessageFlags,
        /// The peer.
        address: SocketAddrV4,
    },
    /// `poll(fds, timeout)`; returns how many are ready, and [`Output::Poll`].
    Poll {
        /// What is asked about.
        fds: Vec<PollFd>,
        /// How long to wait for one of them, without end if it is `None`.
        timeout: Option<Duration>,
    },
    /// `ioctl(fd, request)`; returns [`Output::Number`].
    Ioctl {
        /// The socket.
        fd: Descriptor,
        /// What is asked.
        request: IoctlRequest,
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
    /// The descriptor it is made on; [`Call::Socket`] has none, and [`Call::Poll`] no single one.
    #[must_use]
    pub fn descriptor(&self) -> Option<Descriptor> {
        match self {
            Call::Socket | Call::Poll { .. } => None,
            Call::Bind { fd, .. }
            | Call::Listen { fd, .. }
            | Call::Accept { fd }
            | Call::Connect { fd, .. }
            | Call::Read { fd, .. }
            | Call::Write { fd, .. }
            | Call::Recv { fd, .. }
            | Call::Send { fd, .. }
            | Call::SendTo { fd, .. }
            | Call::Ioctl { fd, .. }
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

    /// A success that counts octets. No call moves more than fit.
    #[must_use]
    pub fn octets(count: usize) -> Self {
        Self::value(i64::try_from(count).unwrap_or(i64::MAX))
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
    /// What is ready, in the order in which it was asked about; what is not is an empty set of events.
    Poll(Vec<PollEvents>),
    /// What an `ioctl` wrote.
    Number(i32),
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

impl FileControl {
    /// Does it to a socket of which only this flag is known.
    pub(super) fn apply(self, is_nonblocking: &mut bool) -> Success {
        match self {
            Self::GetFlags => {
                let nonblock = if *is_nonblocking { libc::O_NONBLOCK } else { 0 };
                Success::value(libc::O_RDWR | nonblock)
            }
            Self::SetFlags { nonblocking } => {
                *is_nonblocking = nonblocking;
                Success::value(0)
            }
        }
    }
}

/// What an `ioctl` asks of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoctlRequest {
    /// `SIOCINQ`, `FIONREAD`: how many octets wait to be read.
    Unread,
    /// `SIOCOUTQ`, `TIOCOUTQ`: how many octets were written and are not acknowledged.
    Unacknowledged,
    /// `SIOCOUTQNSD`: how many octets were written and are not sent.
    Unsent,
    /// `SIOCATMARK`: whether reading has come to the urgent mark.
    AtMark,
}

impl IoctlRequest {
    /// All of them.
    pub const ALL: [IoctlRequest; 4] = [Self::Unread, Self::Unacknowledged, Self::Unsent, Self::AtMark];

    /// The request of this name in C.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "SIOCINQ" | "FIONREAD" => Some(Self::Unread),
            "SIOCOUTQ" | "TIOCOUTQ" => Some(Self::Unacknowledged),
            "SIOCOUTQNSD" => Some(Self::Unsent),
            "SIOCATMARK" => Some(Self::AtMark),
            _ => None,
        }
    }

    /// Its number on Linux.
    #[must_use]
    pub fn number(self) -> u64 {
        match self {
            Self::Unread => libc::FIONREAD,
            Self::Unacknowledged => libc::TIOCOUTQ,
            // Of `uapi/linux/sockios.h`; libc does not name them.
            Self::Unsent => 0x894b,
            Self::AtMark => 0x8905,
        }
    }

    /// Its name in C.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unread => "SIOCINQ",
            Self::Unacknowledged => "SIOCOUTQ",
            Self::Unsent => "SIOCOUTQNSD",
            Self::AtMark => "SIOCATMARK",
        }
    }
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

impl ShutdownHow {
    /// All of them.
    pub const ALL: [ShutdownHow; 3] = [Self::Read, Self::Write, Self::Both];

    /// Its name in C.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "SHUT_RD",
            Self::Write => "SHUT_WR",
            Self::Both => "SHUT_RDWR",
        }
    }

    /// Its number on Linux.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Read => libc::SHUT_RD,
            Self::Write => libc::SHUT_WR,
            Self::Both => libc::SHUT_RDWR,
        }
    }

    /// Whether it closes the direction in which the user receives.
    #[must_use]
    pub fn receiving(self) -> bool {
        matches!(self, Self::Read | Self::Both)
    }

    /// Whether it closes the direction in which the user sends.
    #[must_use]
    pub fn sending(self) -> bool {
        matches!(self, Self::Write | Self::Both)
    }
}
