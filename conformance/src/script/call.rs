//! What system calls mean.

use std::net::Shutdown;

use thiserror::Error;

use super::ast::{Call, Expression, Field};
use super::value::Errno;

/// A file descriptor as the script numbers it. The system under test may number otherwise; the runner keeps the correspondence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fd(pub i32);

/// A system call with its meaning. The addresses are the runner's to fill in; text sent is the runner's too, by its length.
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
    /// `accept(3, ..., ...)`, which returns a new descriptor.
    Accept(Fd),
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
        /// The size of the buffer in octets.
        length: usize,
        /// `MSG_PEEK`: leave the text there.
        peek: bool,
        /// `MSG_DONTWAIT`: return `EAGAIN` instead of waiting.
        nonblocking: bool,
    },
    /// `write(4, ..., 1000)` and `send(4, ..., 1000, 0)`
    Send {
        /// The socket.
        fd: Fd,
        /// How many octets.
        length: usize,
        /// `MSG_OOB`: urgent data.
        urgent: bool,
        /// `MSG_DONTWAIT`: return `EAGAIN` instead of waiting.
        nonblocking: bool,
    },
    /// `shutdown(4, SHUT_WR)`
    Shutdown {
        /// The socket.
        fd: Fd,
        /// Which half.
        how: Shutdown,
    },
    /// `close(4)`
    Close(Fd),
    /// `setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4)`
    SetOption {
        /// The socket.
        fd: Fd,
        /// The option.
        option: OptionName,
        /// Its new value.
        value: OptionValue,
    },
    /// `getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4])`
    GetOption {
        /// The socket.
        fd: Fd,
        /// The option.
        option: OptionName,
        /// The value that is expected.
        value: OptionValue,
    },
}

/// An option of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OptionName {
    /// `SO_ERROR`: the error that ended the connection; reading it clears it.
    Error,
    /// `SO_RCVBUF`: the size of the receive buffer in octets.
    ReceiveBuffer,
    /// `SO_SNDBUF`: the size of the send buffer in octets.
    SendBuffer,
    /// `SO_REUSEADDR`
    ReuseAddress,
    /// `SO_LINGER`
    Linger,
    /// `TCP_NODELAY`
    NoDelay,
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// `...` or `[...]`: any.
    Any,
    /// `[1]`
    Integer(i64),
    /// `[ECONNRESET]`
    Error(Errno),
    /// `{onoff=1, linger=0}`
    Linger {
        /// Whether to linger at all.
        on: bool,
        /// For how many seconds.
        seconds: i64,
    },
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
        if let super::ast::Returned::Error(errno) = &self.outcome.returned {
            known(errno.clone())?;
        }
        let arguments = self.arguments.as_slice();
        let (operation, example) = match self.name.as_str() {
            "socket" => (socket(arguments), "socket(..., SOCK_STREAM, IPPROTO_TCP)"),
            "bind" => (addressed(arguments).map(Operation::Bind), "bind(3, ..., ...)"),
            "listen" => (listen(arguments), "listen(3, 1)"),
            "accept" => (addressed(arguments).map(Operation::Accept), "accept(3, ..., ...)"),
            "connect" => (addressed(arguments).map(Operation::Connect), "connect(3, ..., ...)"),
            "fcntl" => (fcntl(arguments), "fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK)"),
            "read" | "recv" => (receive(arguments, self.name == "recv"), "recv(4, ..., 1000, MSG_PEEK)"),
            "write" | "send" => (send(arguments, self.name == "send"), "send(4, ..., 1000, 0)"),
            "shutdown" => (shutdown(arguments), "shutdown(4, SHUT_WR)"),
            "close" => (close(arguments), "close(4)"),
            "setsockopt" => (set_option(arguments), "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4)"),
            "getsockopt" => (get_option(arguments), "getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4])"),
            other => return Err(CallError::Name(other.to_owned())),
        };
        let operation = operation.ok_or_else(|| CallError::Arguments { name: self.name.clone(), example })?;
        match &operation {
            Operation::GetOption { value: OptionValue::Error(errno), .. } => known(errno.clone()).map(|_| operation),
            _ => Ok(operation),
        }
    }
}

fn known(errno: Errno) -> Result<Errno, CallError> {
    if errno.number().is_some() { Ok(errno) } else { Err(CallError::Errno(errno.0)) }
}

fn socket(arguments: &[Expression]) -> Option<Operation> {
    let [family, kind, protocol] = arguments else {
        return None;
    };
    let family_is_ours = is_ellipsis(family) || matches!(name(family), Some("AF_INET" | "PF_INET"));
    let protocol_is_ours = matches!(name(protocol), Some("IPPROTO_TCP")) || *protocol == Expression::Integer(0);
    let nonblocking = match names(kind)?.as_slice() {
        ["SOCK_STREAM"] => false,
        ["SOCK_STREAM", "SOCK_NONBLOCK"] => true,
        _ => return None,
    };
    (family_is_ours && protocol_is_ours).then_some(Operation::Socket { nonblocking })
}

/// A call with a descriptor, and an address and its length that the runner knows.
fn addressed(arguments: &[Expression]) -> Option<Fd> {
    match arguments {
        [fd, address, length] if is_ellipsis(address) && is_ellipsis(length) => descriptor(fd),
        _ => None,
    }
}

fn listen(arguments: &[Expression]) -> Option<Operation> {
    let [fd, backlog] = arguments else {
        return None;
    };
    Some(Operation::Listen { fd: descriptor(fd)?, backlog: i32::try_from(integer(backlog)?).ok()? })
}

fn fcntl(arguments: &[Expression]) -> Option<Operation> {
    match arguments {
        [fd, command] if name(command) == Some("F_GETFL") => Some(Operation::GetFlags(descriptor(fd)?)),
        [fd, command, flags] if name(command) == Some("F_SETFL") => {
            let names = names(flags)?;
            let nonblocking = names.contains(&"O_NONBLOCK");
            let all_ours = names.iter().all(|name| matches!(*name, "O_RDWR" | "O_NONBLOCK"));
            all_ours.then_some(Operation::SetFlags { fd: descriptor(fd)?, nonblocking })
        }
        _ => None,
    }
}

fn receive(arguments: &[Expression], with_flags: bool) -> Option<Operation> {
    let (fd, length, flags) = transfer(arguments, with_flags)?;
    let known = |flag: &&str| matches!(*flag, "MSG_PEEK" | "MSG_DONTWAIT");
    flags.iter().all(known).then(|| Operation::Receive {
        fd,
        length,
        peek: flags.contains(&"MSG_PEEK"),
        nonblocking: flags.contains(&"MSG_DONTWAIT"),
    })
}

/// `MSG_NOSIGNAL` changes nothing: no system under test raises signals.
fn send(arguments: &[Expression], with_flags: bool) -> Option<Operation> {
    let (fd, length, flags) = transfer(arguments, with_flags)?;
    let known = |flag: &&str| matches!(*flag, "MSG_OOB" | "MSG_DONTWAIT" | "MSG_NOSIGNAL");
    flags.iter().all(known).then(|| Operation::Send {
        fd,
        length,
        urgent: flags.contains(&"MSG_OOB"),
        nonblocking: flags.contains(&"MSG_DONTWAIT"),
    })
}

/// A descriptor, a buffer that the runner has, its length and perhaps flags.
fn transfer(arguments: &[Expression], with_flags: bool) -> Option<(Fd, usize, Vec<&str>)> {
    let (fd, buffer, length, flags) = match arguments {
        [fd, buffer, length] if !with_flags => (fd, buffer, length, Vec::new()),
        [fd, buffer, length, Expression::Integer(0)] if with_flags => (fd, buffer, length, Vec::new()),
        [fd, buffer, length, flags] if with_flags => (fd, buffer, length, names(flags)?),
        _ => return None,
    };
    let length = usize::try_from(integer(length)?).ok()?;
    is_ellipsis(buffer).then_some((descriptor(fd)?, length, flags))
}

fn shutdown(arguments: &[Expression]) -> Option<Operation> {
    let [fd, how] = arguments else { return None };
    let how = match name(how)? {
        "SHUT_RD" => Shutdown::Read,
        "SHUT_WR" => Shutdown::Write,
        "SHUT_RDWR" => Shutdown::Both,
        _ => return None,
    };
    Some(Operation::Shutdown { fd: descriptor(fd)?, how })
}

fn close(arguments: &[Expression]) -> Option<Operation> {
    let [fd] = arguments else { return None };
    descriptor(fd).map(Operation::Close)
}

fn set_option(arguments: &[Expression]) -> Option<Operation> {
    let [fd, level, option, value, Expression::Integer(_) | Expression::Ellipsis] = arguments else {
        return None;
    };
    let option = option_name(level, option)?;
    let value = match option_value(option, value)? {
        value @ (OptionValue::Integer(_) | OptionValue::Linger { .. }) => value,
        OptionValue::Any | OptionValue::Error(_) => return None,
    };
    Some(Operation::SetOption { fd: descriptor(fd)?, option, value })
}

fn get_option(arguments: &[Expression]) -> Option<Operation> {
    let [fd, level, option, value, Expression::Array(_) | Expression::Ellipsis] = arguments else {
        return None;
    };
    let option = option_name(level, option)?;
    Some(Operation::GetOption { fd: descriptor(fd)?, option, value: option_value(option, value)? })
}

fn option_name(level: &Expression, option: &Expression) -> Option<OptionName> {
    match (name(level)?, name(option)?) {
        ("SOL_SOCKET", "SO_ERROR") => Some(OptionName::Error),
        ("SOL_SOCKET", "SO_RCVBUF") => Some(OptionName::ReceiveBuffer),
        ("SOL_SOCKET", "SO_SNDBUF") => Some(OptionName::SendBuffer),
        ("SOL_SOCKET", "SO_REUSEADDR") => Some(OptionName::ReuseAddress),
        ("SOL_SOCKET", "SO_LINGER") => Some(OptionName::Linger),
        ("IPPROTO_TCP" | "SOL_TCP", "TCP_NODELAY") => Some(OptionName::NoDelay),
        _ => None,
    }
}

fn option_value(option: OptionName, value: &Expression) -> Option<OptionValue> {
    match (option, value) {
        (_, Expression::Ellipsis) => Some(OptionValue::Any),
        (OptionName::Linger, Expression::Struct(fields)) => linger(fields),
        (OptionName::Linger, _) => None,
        (_, Expression::Array(values)) => match values.as_slice() {
            [Expression::Ellipsis] => Some(OptionValue::Any),
            [Expression::Integer(value)] => Some(OptionValue::Integer(*value)),
            [Expression::Name(error)] if option == OptionName::Error => Some(OptionValue::Error(Errno(error.clone()))),
            _ => None,
        },
        _ => None,
    }
}

fn linger(fields: &[Field]) -> Option<OptionValue> {
    let [on, seconds] = fields else { return None };
    let names = (on.name.as_deref(), seconds.name.as_deref());
    let named = matches!(names, (None, None) | (Some("onoff" | "l_onoff"), Some("linger" | "l_linger")));
    named.then_some(OptionValue::Linger { on: integer(&on.value)? != 0, seconds: integer(&seconds.value)? })
}

fn descriptor(expression: &Expression) -> Option<Fd> {
    i32::try_from(integer(expression)?).ok().map(Fd)
}

fn integer(expression: &Expression) -> Option<i64> {
    if let Expression::Integer(value) = expression { Some(*value) } else { None }
}

fn name(expression: &Expression) -> Option<&str> {
    if let Expression::Name(name) = expression { Some(name) } else { None }
}

fn names(expression: &Expression) -> Option<Vec<&str>> {
    match expression {
        Expression::Either(names) => names.iter().map(name).collect(),
        single => Some(vec![name(single)?]),
    }
}

fn is_ellipsis(expression: &Expression) -> bool {
    *expression == Expression::Ellipsis
}

#[cfg(test)]
mod tests {
    use super::super::ast::Action;
    use super::super::parse;
    use super::*;

    fn operation(text: &str) -> Result<Operation, CallError> {
        let script = parse("test.pkt", &format!("0 {text}")).expect(text);
        match &script.events[0].action {
            Action::Call(call) => call.operation(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn calls_have_one_meaning_in_both_dialects() {
        let fd = Fd(3);
        let reuse =
            |value| Operation::SetOption { fd, option: OptionName::ReuseAddress, value: OptionValue::Integer(value) };
        let error = |value| Operation::GetOption { fd, option: OptionName::Error, value };
        let linger = Operation::SetOption {
            fd,
            option: OptionName::Linger,
            value: OptionValue::Linger { on: true, seconds: 0 },
        };
        let receive = |peek, nonblocking| Operation::Receive { fd, length: 10, peek, nonblocking };
        let send = |urgent, nonblocking| Operation::Send { fd, length: 10, urgent, nonblocking };
        for (text, wanted) in [
            ("socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", Operation::Socket { nonblocking: false }),
            ("socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 3", Operation::Socket { nonblocking: true }),
            ("bind(3, ..., ...) = 0", Operation::Bind(fd)),
            ("listen(3, 1) = 0", Operation::Listen { fd, backlog: 1 }),
            ("accept(3, ..., ...) = 4", Operation::Accept(fd)),
            ("connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)", Operation::Connect(fd)),
            ("fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)", Operation::GetFlags(fd)),
            ("fcntl(3, F_SETFL, O_RDWR) = 0", Operation::SetFlags { fd, nonblocking: false }),
            ("fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0", Operation::SetFlags { fd, nonblocking: true }),
            ("read(3, ..., 10) = 10", receive(false, false)),
            ("recv(3, ..., 10, 0) = 10", receive(false, false)),
            ("recv(3, ..., 10, MSG_PEEK|MSG_DONTWAIT) = 10", receive(true, true)),
            ("write(3, ..., 10) = 10", send(false, false)),
            ("send(3, ..., 10, MSG_DONTWAIT|MSG_NOSIGNAL) = 10", send(false, true)),
            ("send(3, ..., 10, MSG_OOB) = 10", send(true, false)),
            ("shutdown(3, SHUT_RD) = 0", Operation::Shutdown { fd, how: Shutdown::Read }),
            ("shutdown(3, SHUT_WR) = 0", Operation::Shutdown { fd, how: Shutdown::Write }),
            ("shutdown(3, SHUT_RDWR) = 0", Operation::Shutdown { fd, how: Shutdown::Both }),
            ("close(3) = 0", Operation::Close(fd)),
            ("setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0", reuse(1)),
            ("setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0", linger.clone()),
            ("setsockopt(3, SOL_SOCKET, SO_LINGER, {1, 0}, ...) = 0", linger),
            ("getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0", error(OptionValue::Integer(0))),
            (
                "getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0",
                error(OptionValue::Error(Errno("ECONNRESET".to_owned()))),
            ),
            ("getsockopt(3, SOL_SOCKET, SO_ERROR, ..., [4]) = 0", error(OptionValue::Any)),
        ] {
            assert_eq!(operation(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_a_call_does_not_take_is_refused() {
        for text in [
            "socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP) = 3",
            "socket(..., SOCK_DGRAM, IPPROTO_TCP) = 3",
            "bind(3, {sa_family=AF_INET}, 16) = 0",
            "listen(3) = 0",
            "fcntl(3, F_SETFL, O_RDWR|O_APPEND) = 0",
            "fcntl(3, F_DUPFD, 0) = 0",
            "read(3, ..., 10, 0) = 10",
            "recv(3, ..., 10) = 10",
            "recv(3, ..., 10, MSG_OOB) = 10",
            "send(3, \"abc\", 3, 0) = 3",
            "send(3, ..., -1, 0) = 3",
            "shutdown(3, 1) = 0",
            "close(A) = 0",
            "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, ..., 4) = 0",
            "setsockopt(3, SOL_SOCKET, TCP_NODELAY, [1], 4) = 0",
            "setsockopt(3, SOL_SOCKET, SO_LINGER, {linger=0, onoff=1}, 8) = 0",
            "setsockopt(3, SOL_SOCKET, SO_LINGER, [1], 8) = 0",
            "getsockopt(3, IPPROTO_TCP, TCP_INFO, ..., ...) = 0",
        ] {
            assert!(matches!(operation(text), Err(CallError::Arguments { .. })), "{text}");
        }
        insta::assert_snapshot!(operation("poll(3) = 0").expect_err("unknown"), @"the system call poll is not supported");
        insta::assert_snapshot!(operation("close(3, 4) = 0").expect_err("arguments"), @"close is supported as in `close(4)`, not with these arguments");
        insta::assert_snapshot!(operation("close(3) = -1 ENONE").expect_err("error"), @"ENONE is not an error that is known here");
        insta::assert_snapshot!(operation("getsockopt(3, SOL_SOCKET, SO_ERROR, [ENONE], [4]) = 0").expect_err("error"), @"ENONE is not an error that is known here");
    }
}
