//! What system calls mean.

mod option;
mod poll;
mod read;
#[cfg(test)]
mod tests;
mod transfer;

use std::time::Duration;

use thiserror::Error;

use self::read::{descriptor, integer, is_ellipsis, name, names};
use super::ast::{Call, Expression, Returned};
use super::value::Errno;
use crate::system::{self, IoctlRequest, MessageFlags, PollEvents, ShutdownHow, SocketOption};

/// A file descriptor as the script numbers it. The system under test may number otherwise; the runner keeps the correspondence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fd(pub i32);

/// A system call with its meaning. The addresses are the runner's to fill in; text sent is the runner's too, by its length.
///
/// Calls that do the same to a stream are one: `readv`, `recvfrom` and `recvmsg` receive, `writev`, `sendto` and `sendmsg` send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `socket(..., SOCK_STREAM, IPPROTO_TCP)`
    Socket {
        /// Whether its calls return `EAGAIN` or `EINPROGRESS` instead of waiting.
        nonblocking: bool,
    },
    /// `bind(3, ..., ...)`: to the local address, and to the port that the script's peer talks to.
    Bind(Fd),
    /// `listen(3, 1)`
    Listen {
        /// The socket.
        fd: Fd,
        /// How many connections may wait to be accepted.
        backlog: i32,
    },
    /// `accept(3, ..., ...)` and `accept4(3, ..., ..., SOCK_NONBLOCK)`, which return a new descriptor.
    Accept {
        /// The listening socket.
        fd: Fd,
        /// Whether calls on the new socket return `EAGAIN` instead of waiting.
        nonblocking: bool,
    },
    /// `connect(3, ..., ...)`: to the script's peer.
    Connect(Fd),
    /// `fcntl(3, F_GETFL)`, which returns `O_RDWR` and perhaps `O_NONBLOCK`.
    GetFlags(Fd),
    /// `fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK)`
    SetFlags {
        /// The socket.
        fd: Fd,
        /// Whether its calls return `EAGAIN` or `EINPROGRESS` instead of waiting.
        nonblocking: bool,
    },
    /// `read(4, ..., 1000)` and `recv(4, ..., 1000, 0)`
    Receive {
        /// The socket.
        fd: Fd,
        /// The size of the buffer in octets, or of all of them.
        length: usize,
        /// The `MSG_` flags.
        flags: MessageFlags,
    },
    /// `write(4, ..., 1000)` and `send(4, ..., 1000, 0)`
    Send {
        /// The socket.
        fd: Fd,
        /// How many octets.
        length: usize,
        /// The `MSG_` flags.
        flags: MessageFlags,
    },
    /// `sendto(3, ..., 1000, MSG_FASTOPEN, ..., ...)`: opens the connection to the script's peer, and sends with the SYN.
    FastOpen {
        /// The socket.
        fd: Fd,
        /// How many octets.
        length: usize,
        /// The `MSG_` flags, `MSG_FASTOPEN` among them.
        flags: MessageFlags,
    },
    /// `poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 1000)`
    Poll {
        /// What is asked about, and what the answer should be.
        sockets: Vec<Polled>,
        /// How long to wait for one of them, without end if it is `None`.
        timeout: Option<Duration>,
    },
    /// `ioctl(4, SIOCINQ, [1000])`
    Ioctl {
        /// The socket.
        fd: Fd,
        /// What is asked.
        request: IoctlRequest,
        /// The answer that is expected, if any in particular.
        value: Option<i64>,
    },
    /// `shutdown(4, SHUT_WR)`
    Shutdown {
        /// The socket.
        fd: Fd,
        /// Which half.
        how: ShutdownHow,
    },
    /// `close(4)`
    Close(Fd),
    /// `setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4)`
    SetOption {
        /// The socket.
        fd: Fd,
        /// The option.
        option: SocketOption,
        /// Its new value.
        value: system::OptionValue,
    },
    /// `getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4])`
    GetOption {
        /// The socket.
        fd: Fd,
        /// The option.
        option: SocketOption,
        /// The value that is expected.
        value: Wanted,
    },
}

/// The value of an option that a script expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `...` or `[...]`: any.
    Any,
    /// `[1]`
    Value(system::OptionValue),
    /// `[ECONNRESET]`, of `SO_ERROR`.
    Error(Errno),
}

/// One socket that `poll` asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polled {
    /// The socket.
    pub fd: Fd,
    /// What is waited for.
    pub events: PollEvents,
    /// What should be told.
    pub revents: PollEvents,
}

/// Why a system call has no meaning here.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CallError {
    /// Not one of the calls in [`Operation`].
    #[error("the system call {0} is not supported")]
    Name(String),
    /// One of them, with arguments that it does not take.
    #[error("{name} is supported as in `{example}`, not with these arguments")]
    Arguments {
        /// The name of the call.
        name: String,
        /// How it is used.
        example: &'static str,
    },
    /// An option of a socket.
    #[error("the socket option {option} of {level} is not supported")]
    Option {
        /// Its level, as written.
        level: String,
        /// Its name, as written.
        option: String,
    },
    /// A socket of another protocol.
    #[error("a socket of {0} is not supported")]
    Family(String),
    /// An expected error that is not known.
    #[error("{0} is not an error that is known here")]
    Errno(String),
}

impl Call {
    /// What the call means.
    ///
    /// # Errors
    ///
    /// [`CallError`] if it, or its arguments, or the error it should return, are not supported.
    pub fn operation(&self) -> Result<Operation, CallError> {
        if let Returned::Error(errno) = &self.outcome.returned {
            known(errno)?;
        }
        self.refuse_other_families()?;
        let (operation, example) = self.meaning().ok_or_else(|| CallError::Name(self.name.clone()))?;
        let Some(operation) = operation else {
            return Err(option::unknown(self).unwrap_or(CallError::Arguments { name: self.name.clone(), example }));
        };
        if let Operation::GetOption { value: Wanted::Error(errno), .. } = &operation {
            known(errno)?;
        }
        Ok(operation)
    }

    /// What the call means, if its arguments are understood, and how it is used; nothing if no call of this name is.
    fn meaning(&self) -> Option<(Option<Operation>, &'static str)> {
        let arguments = self.arguments.as_slice();
        Some(match self.name.as_str() {
            "socket" => (socket(arguments), "socket(..., SOCK_STREAM, IPPROTO_TCP)"),
            "bind" => (addressed(arguments).map(Operation::Bind), "bind(3, ..., ...)"),
            "listen" => (listen(arguments), "listen(3, 1)"),
            "accept" => (accept(arguments), "accept(3, ..., ...)"),
            "accept4" => (accept4(arguments), "accept4(3, ..., ..., SOCK_NONBLOCK)"),
            "connect" => (addressed(arguments).map(Operation::Connect), "connect(3, ..., ...)"),
            "fcntl" => (fcntl(arguments), "fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK)"),
            "read" => (transfer::read(arguments), "read(4, ..., 1000)"),
            "recv" => (transfer::recv(arguments), "recv(4, ..., 1000, MSG_PEEK)"),
            "recvfrom" => (transfer::recvfrom(arguments), "recvfrom(4, ..., 1000, 0, ..., ...)"),
            "readv" => (transfer::readv(arguments), "readv(4, [{..., 1000}], 1)"),
            "recvmsg" => (
                transfer::recvmsg(arguments),
                "recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=0}, 0)",
            ),
            "write" => (transfer::write(arguments), "write(4, ..., 1000)"),
            "send" => (transfer::send(arguments), "send(4, ..., 1000, 0)"),
            "sendto" => (transfer::sendto(arguments), "sendto(4, ..., 1000, 0, ..., ...)"),
            "writev" => (transfer::writev(arguments), "writev(4, [{..., 1000}], 1)"),
            "sendmsg" => (
                transfer::sendmsg(arguments),
                "sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=0}, 0)",
            ),
            "poll" => (poll::poll(arguments), "poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 1000)"),
            "ioctl" => (poll::ioctl(arguments), "ioctl(4, SIOCINQ, [1000])"),
            "shutdown" => (shutdown(arguments), "shutdown(4, SHUT_WR)"),
            "close" => (close(arguments), "close(4)"),
            "setsockopt" => (option::set(arguments), "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4)"),
            "getsockopt" => (option::get(arguments), "getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4])"),
            _ => return None,
        })
    }

    /// Sockets of IPv6 and of other protocols are well known, and named as such.
    fn refuse_other_families(&self) -> Result<(), CallError> {
        if self.name != "socket" {
            return Ok(());
        }
        let arguments = self.arguments.iter().filter_map(names).flatten();
        let other = arguments.into_iter().find(|name| {
            matches!(*name, "AF_INET6" | "PF_INET6" | "AF_UNIX" | "SOCK_DGRAM" | "SOCK_RAW" | "SOCK_SEQPACKET")
                || (name.starts_with("IPPROTO_") && *name != "IPPROTO_TCP")
        });
        other.map_or(Ok(()), |name| Err(CallError::Family(name.to_owned())))
    }
}

fn known(errno: &Errno) -> Result<(), CallError> {
    if errno.number().is_some() { Ok(()) } else { Err(CallError::Errno(errno.0.clone())) }
}

fn socket(arguments: &[Expression]) -> Option<Operation> {
    let [family, kind, protocol] = arguments else { return None };
    let family_is_ours = is_ellipsis(family) || matches!(name(family), Some("AF_INET" | "PF_INET"));
    let protocol_is_ours = matches!(name(protocol), Some("IPPROTO_TCP")) || *protocol == Expression::Integer(0);
    let kinds = names(kind)?;
    let kind_is_ours = kinds.iter().all(|kind| matches!(*kind, "SOCK_STREAM" | "SOCK_NONBLOCK" | "SOCK_CLOEXEC"));
    let ours = family_is_ours && protocol_is_ours && kind_is_ours && kinds.contains(&"SOCK_STREAM");
    ours.then(|| Operation::Socket { nonblocking: kinds.contains(&"SOCK_NONBLOCK") })
}

/// A call with a descriptor, and an address and its length that the runner knows.
fn addressed(arguments: &[Expression]) -> Option<Fd> {
    match arguments {
        [fd, address, length] if is_ellipsis(address) && is_length(length) => descriptor(fd),
        _ => None,
    }
}

/// What stands where the size of an address does: `...`, `16`, `[16]`.
fn is_length(length: &Expression) -> bool {
    match length {
        Expression::Ellipsis => true,
        Expression::Array(items) => matches!(items.as_slice(), [Expression::Integer(_) | Expression::Ellipsis]),
        Expression::Integer(_)
        | Expression::Name(_)
        | Expression::Text(_)
        | Expression::Either(_)
        | Expression::Struct(_)
        | Expression::Function(..) => false,
    }
}

fn listen(arguments: &[Expression]) -> Option<Operation> {
    let [fd, backlog] = arguments else { return None };
    let backlog = match name(backlog) {
        Some("SOMAXCONN") => 4096,
        Some(_) => return None,
        None => i32::try_from(integer(backlog)?).ok()?,
    };
    Some(Operation::Listen { fd: descriptor(fd)?, backlog })
}

fn accept(arguments: &[Expression]) -> Option<Operation> {
    addressed(arguments).map(|fd| Operation::Accept { fd, nonblocking: false })
}

fn accept4(arguments: &[Expression]) -> Option<Operation> {
    let [arguments @ .., flags] = arguments else { return None };
    let flags = read::flags(flags)?;
    let ours = flags.iter().all(|flag| matches!(*flag, "SOCK_NONBLOCK" | "SOCK_CLOEXEC"));
    let fd = addressed(arguments).filter(|_| ours)?;
    Some(Operation::Accept { fd, nonblocking: flags.contains(&"SOCK_NONBLOCK") })
}

fn fcntl(arguments: &[Expression]) -> Option<Operation> {
    match arguments {
        [fd, command] if name(command) == Some("F_GETFL") => Some(Operation::GetFlags(descriptor(fd)?)),
        [fd, command, flags] if name(command) == Some("F_SETFL") => {
            let names = read::flags(flags)?;
            let nonblocking = names.contains(&"O_NONBLOCK");
            let all_ours = names.iter().all(|name| matches!(*name, "O_RDWR" | "O_NONBLOCK"));
            all_ours.then_some(Operation::SetFlags { fd: descriptor(fd)?, nonblocking })
        }
        _ => None,
    }
}

fn shutdown(arguments: &[Expression]) -> Option<Operation> {
    let [fd, how] = arguments else { return None };
    let how = name(how).and_then(|name| ShutdownHow::ALL.into_iter().find(|how| how.name() == name))?;
    Some(Operation::Shutdown { fd: descriptor(fd)?, how })
}

fn close(arguments: &[Expression]) -> Option<Operation> {
    let [fd] = arguments else { return None };
    descriptor(fd).map(Operation::Close)
}
