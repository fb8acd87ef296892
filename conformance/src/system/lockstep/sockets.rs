//! The user's side: sockets as POSIX and Linux have them, on the calls of RFC 9293 §3.9.1 that the stack has.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use ::lockstep::ip::Undelivered;
use ::lockstep::stack::{CallError, ConnectionId, Failure, ListenerId, OpenError, Stack};
use ::lockstep::time::Instant;
use ::lockstep::wire::UnreachableCode;

use crate::system::{
    Call, Descriptor, Errno, FileControl, MessageFlags, OptionValue, Output, Ret, ShutdownHow, SocketOption, State,
    Success, Unsupported,
};

/// The longest text that one read returns: no receive buffer holds more.
const LONGEST_READ: usize = 65_535;

/// The open sockets of one scenario.
#[derive(Default)]
pub(super) struct Sockets {
    open: BTreeMap<Descriptor, Socket>,
    opened: i32,
}

/// A socket.
struct Socket {
    what: What,
    /// Where it is bound, if it is.
    bound: Option<SocketAddrV4>,
    nonblocking: bool,
    /// What goes wrong with a connection is told once, by whatever is asked first.
    told: bool,
    /// `SHUT_RD`
    deaf: bool,
    reuse: i32,
    nodelay: i32,
    linger: Option<i32>,
}

/// What a socket is at the moment.
#[derive(Clone, Copy)]
enum What {
    /// Not yet, or no longer, anything else.
    Idle,
    Listener(ListenerId),
    /// A connection, in whatever state.
    Connection {
        id: ConnectionId,
        /// `connect` has not told yet how it went.
        connecting: bool,
    },
}

/// What became of a call.
pub(super) enum Attempt {
    /// It is done.
    Returned(Ret),
    /// It blocks.
    Blocked,
}

/// Why a call is not done.
enum Refusal {
    Errno(Errno),
    /// It would have to wait.
    Wait,
    Unsupported(Unsupported),
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        Self::Errno(match error {
            OpenError::AddressInUse(_) => Errno::EADDRINUSE,
            OpenError::NotLocal(_) | OpenError::NoPortFree => Errno::EADDRNOTAVAIL,
            OpenError::BadRemote(_) | OpenError::NoRoute(_) => Errno::ENETUNREACH,
            OpenError::TooManyConnections | OpenError::TooManyListeners => Errno::ENOBUFS,
        })
    }
}

type Done = Result<Success, Refusal>;

impl Sockets {
    /// Makes a call, for the first time or again. `sent` is how much of its data has been written so far: a blocking
    /// write ends when all is.
    pub(super) fn attempt(
        &mut self,
        stack: &mut Stack,
        now: Instant,
        call: &Call,
        sent: &mut usize,
    ) -> Result<Attempt, Unsupported> {
        let blocks = self.blocks(call);
        let done = Caller { sockets: self, stack, now }.make(call, sent);
        let ret = match done {
            Ok(success) => Ok(success),
            Err(Refusal::Unsupported(unsupported)) => return Err(unsupported),
            Err(Refusal::Wait) if blocks => return Ok(Attempt::Blocked),
            Err(Refusal::Wait) => {
                Err(if matches!(call, Call::Connect { .. }) { Errno::EINPROGRESS } else { Errno::EAGAIN })
            }
            Err(Refusal::Errno(errno)) => Err(errno),
        };
        Ok(Attempt::Returned(match (ret, *sent) {
            // What was written counts more than what prevents the rest.
            (Err(_), 1..) => Ok(bytes(*sent)),
            (ret, _) => ret,
        }))
    }

    /// Whether the call waits where it cannot be done at once.
    fn blocks(&self, call: &Call) -> bool {
        let flags = match call {
            Call::Recv { flags, .. } | Call::Send { flags, .. } => *flags,
            Call::Socket
            | Call::Bind { .. }
            | Call::Listen { .. }
            | Call::Accept { .. }
            | Call::Connect { .. }
            | Call::Read { .. }
            | Call::Write { .. }
            | Call::Shutdown { .. }
            | Call::Close { .. }
            | Call::Fcntl { .. }
            | Call::SendTo { .. }
            | Call::Poll { .. }
            | Call::Ioctl { .. }
            | Call::GetSockOpt { .. }
            | Call::SetSockOpt { .. } => MessageFlags::default(),
        };
        let socket = call.descriptor().and_then(|fd| self.open.get(&fd));
        socket.is_some_and(|socket| !socket.nonblocking && !flags.dont_wait)
    }

    /// Takes in a new socket, which blocks as all new sockets do, and returns its number.
    fn adopt(&mut self, what: What, bound: Option<SocketAddrV4>) -> i32 {
        // As if the standard streams were open.
        let number = 3 + self.opened;
        self.opened += 1;
        let socket =
            Socket { what, bound, nonblocking: false, told: false, deaf: false, reuse: 0, nodelay: 0, linger: None };
        self.open.insert(Descriptor(number), socket);
        number
    }

    fn get(&mut self, fd: Descriptor) -> Result<&mut Socket, Refusal> {
        self.open.get_mut(&fd).ok_or(Refusal::Errno(Errno::EBADF))
    }
}

/// Somebody who makes a call now.
struct Caller<'a> {
    sockets: &'a mut Sockets,
    stack: &'a mut Stack,
    now: Instant,
}

impl Caller<'_> {
    fn make(&mut self, call: &Call, sent: &mut usize) -> Done {
        match call {
            Call::Socket => Ok(Success::value(self.sockets.adopt(What::Idle, None))),
            Call::Bind { fd, address } => self.bind(*fd, *address),
            Call::Listen { fd, backlog } => self.listen(*fd, *backlog),
            Call::Accept { fd } => self.accept(*fd),
            Call::Connect { fd, address } => self.connect(*fd, *address),
            Call::Read { fd, length } => self.receive(*fd, *length, MessageFlags::default()),
            Call::Recv { fd, length, flags } => self.receive(*fd, *length, *flags),
            Call::Write { fd, data } => self.send(*fd, data, MessageFlags::default(), sent),
            Call::Send { fd, data, flags } => self.send(*fd, data, *flags, sent),
            Call::SendTo { .. } => Err(no("sendto")),
            Call::Poll { .. } => Err(no("poll")),
            Call::Ioctl { .. } => Err(no("ioctl")),
            Call::Shutdown { fd, how } => self.shutdown(*fd, *how),
            Call::Close { fd } => self.close(*fd),
            Call::Fcntl { fd, control } => self.control(*fd, *control),
            Call::GetSockOpt { fd, option } => self.get_option(*fd, *option),
            Call::SetSockOpt { fd, option, value } => self.set_option(*fd, *option, value),
        }
    }

    fn bind(&mut self, fd: Descriptor, address: SocketAddrV4) -> Done {
        let port = address.port();
        let taken = self.sockets.open.iter().any(|(other, socket)| {
            let same = socket.bound.is_some_and(|bound| port != 0 && bound.port() == port);
            *other != fd && same && (socket.reuse == 0 || matches!(socket.what, What::Listener(_)))
        });
        let ours = address.ip().is_unspecified() || self.stack.address() == *address.ip();
        let socket = self.sockets.get(fd)?;
        match (socket.what, socket.bound) {
            (What::Idle, None) if !ours => Err(Errno::EADDRNOTAVAIL.into()),
            (What::Idle, None) if taken => Err(Errno::EADDRINUSE.into()),
            (What::Idle, None) => {
                socket.bound = Some(address);
                nothing()
            }
            (What::Idle | What::Listener(_) | What::Connection { .. }, _) => Err(Errno::EINVAL.into()),
        }
    }

    /// One more connection than the backlog may wait, as on Linux.
    fn listen(&mut self, fd: Descriptor, backlog: i32) -> Done {
        let (stack, now) = (&mut *self.stack, self.now);
        let socket = self.sockets.get(fd)?;
        match socket.what {
            What::Idle => {
                let most = usize::try_from(backlog).unwrap_or(0).saturating_add(1);
                socket.what = What::Listener(stack.listen(now, any(socket.bound).into(), most)?);
                nothing()
            }
            What::Listener(_) => nothing(),
            What::Connection { .. } => Err(Errno::EINVAL.into()),
        }
    }

    fn accept(&mut self, fd: Descriptor) -> Done {
        let What::Listener(listener) = self.sockets.get(fd)?.what else {
            return Err(Errno::EINVAL.into());
        };
        let accepted = self.stack.accept(listener).map_err(|_| Errno::EINVAL)?.ok_or(Refusal::Wait)?;
        let what = What::Connection { id: accepted.connection, connecting: false };
        let number = self.sockets.adopt(what, v4(accepted.pair.local));
        let output = v4(accepted.pair.remote).map_or(Output::None, Output::Address);
        Ok(Success { value: number.into(), output })
    }

    fn connect(&mut self, fd: Descriptor, address: SocketAddrV4) -> Done {
        let (stack, now) = (&mut *self.stack, self.now);
        let socket = self.sockets.get(fd)?;
        match socket.what {
            What::Idle => {
                let id = stack.connect_from(now, any(socket.bound).into(), address.into())?;
                stack.set_nodelay(id, socket.nodelay != 0).map_err(|_| Errno::ENOBUFS)?;
                socket.what = What::Connection { id, connecting: true };
                socket.told = false;
                Err(Refusal::Wait)
            }
            What::Connection { id, connecting: true } => match stack.state_of(id) {
                Some(State::SynSent | State::SynReceived) if socket.nonblocking => Err(Errno::EALREADY.into()),
                Some(State::SynSent | State::SynReceived) => Err(Refusal::Wait),
                Some(_) | None => {
                    socket.what = What::Connection { id, connecting: false };
                    socket.error(stack, now).map_or_else(nothing, |errno| Err(errno.into()))
                }
            },
            What::Connection { connecting: false, .. } | What::Listener(_) => Err(Errno::EISCONN.into()),
        }
    }

    fn receive(&mut self, fd: Descriptor, length: usize, flags: MessageFlags) -> Done {
        refuse(flags)?;
        let (stack, now) = (&mut *self.stack, self.now);
        let socket = self.sockets.get(fd)?;
        let What::Connection { id, .. } = socket.what else {
            return Err(Errno::ENOTCONN.into());
        };
        let mut data = vec![0; length.min(LONGEST_READ)];
        // Looking is receiving in a copy of the world.
        let received =
            if flags.peek { stack.clone().receive(now, id, &mut data) } else { stack.receive(now, id, &mut data) };
        match received {
            Ok(length) => {
                data.truncate(length);
                Ok(Success { output: Output::Data(data), ..bytes(length) })
            }
            Err(CallError::WouldBlock) if socket.deaf => Ok(end()),
            Err(CallError::WouldBlock) => Err(Refusal::Wait),
            Err(CallError::Failed(failure)) => {
                socket.tell(failure).map_or_else(|| Ok(end()), |errno| Err(errno.into()))
            }
            Err(CallError::Closing | CallError::DoesNotExist) => Ok(end()),
        }
    }

    fn send(&mut self, fd: Descriptor, data: &[u8], flags: MessageFlags, sent: &mut usize) -> Done {
        refuse(MessageFlags { out_of_band: false, ..flags })?;
        let (stack, now) = (&mut *self.stack, self.now);
        let socket = self.sockets.get(fd)?;
        let What::Connection { id, .. } = socket.what else {
            return Err(Errno::EPIPE.into());
        };
        // The stack would queue it, as RFC 9293 §3.10.2 says; a POSIX user waits.
        if let Some(State::SynSent | State::SynReceived) = stack.state_of(id) {
            return Err(Refusal::Wait);
        }
        let send = if flags.out_of_band { Stack::send_urgent } else { Stack::send };
        match send(stack, now, id, data.get(*sent..).unwrap_or_default()) {
            Ok(taken) => {
                *sent += taken;
                if *sent < data.len() && !socket.nonblocking && !flags.dont_wait {
                    return Err(Refusal::Wait);
                }
                Ok(bytes(*sent))
            }
            Err(CallError::WouldBlock) => Err(Refusal::Wait),
            Err(CallError::Failed(failure)) => Err(socket.tell(failure).unwrap_or(Errno::EPIPE).into()),
            Err(CallError::Closing | CallError::DoesNotExist) => Err(Errno::EPIPE.into()),
        }
    }

    fn shutdown(&mut self, fd: Descriptor, how: ShutdownHow) -> Done {
        let (stack, now) = (&mut *self.stack, self.now);
        let socket = self.sockets.get(fd)?;
        let What::Connection { id, .. } = socket.what else {
            return Err(Errno::ENOTCONN.into());
        };
        let (read, write) = match how {
            ShutdownHow::Read => (true, false),
            ShutdownHow::Write => (false, true),
            ShutdownHow::Both => (true, true),
        };
        socket.deaf |= read;
        if !write {
            return nothing();
        }
        match stack.close(now, id) {
            Ok(()) | Err(CallError::Closing) => nothing(),
            Err(CallError::WouldBlock | CallError::DoesNotExist | CallError::Failed(_)) => Err(Errno::ENOTCONN.into()),
        }
    }

    fn close(&mut self, fd: Descriptor) -> Done {
        let socket = self.sockets.open.remove(&fd).ok_or(Errno::EBADF)?;
        // A connection that ended by itself needs no more; closing succeeds all the same.
        let _ = match socket.what {
            What::Idle => Ok(()),
            What::Listener(listener) => self.stack.close_listener(self.now, listener),
            What::Connection { id, .. } => {
                if socket.linger == Some(0) {
                    let _ = self.stack.abort(self.now, id);
                }
                self.stack.release(self.now, id)
            }
        };
        nothing()
    }

    fn control(&mut self, fd: Descriptor, control: FileControl) -> Done {
        let socket = self.sockets.get(fd)?;
        match control {
            FileControl::GetFlags => {
                let nonblock = if socket.nonblocking { libc::O_NONBLOCK } else { 0 };
                Ok(Success::value(libc::O_RDWR | nonblock))
            }
            FileControl::SetFlags { nonblocking } => {
                socket.nonblocking = nonblocking;
                nothing()
            }
        }
    }

    fn get_option(&mut self, fd: Descriptor, option: SocketOption) -> Done {
        let (stack, now) = (&mut *self.stack, self.now);
        let socket = self.sockets.get(fd)?;
        let value = match option {
            SocketOption::Error => OptionValue::Int(socket.error(stack, now).map_or(0, |errno| errno.0)),
            SocketOption::ReuseAddr => OptionValue::Int(socket.reuse),
            SocketOption::NoDelay => OptionValue::Int(socket.nodelay),
            SocketOption::Linger => {
                OptionValue::Linger { on: socket.linger.is_some(), seconds: socket.linger.unwrap_or(0) }
            }
            other => return Err(no_option(other)),
        };
        Ok(Success { value: 0, output: Output::Option(value) })
    }

    fn set_option(&mut self, fd: Descriptor, option: SocketOption, value: &OptionValue) -> Done {
        let stack = &mut *self.stack;
        let socket = self.sockets.get(fd)?;
        match (option, value) {
            (SocketOption::ReuseAddr, OptionValue::Int(on)) => socket.reuse = *on,
            (SocketOption::NoDelay, OptionValue::Int(on)) => {
                socket.nodelay = *on;
                if let What::Connection { id, .. } = socket.what {
                    // A connection that has ended has nothing to delay.
                    let _ = stack.set_nodelay(id, *on != 0);
                }
            }
            (SocketOption::Linger, OptionValue::Linger { on: true, seconds: 1.. }) => {
                return Err(no("close that lingers"));
            }
            (SocketOption::Linger, OptionValue::Linger { on, seconds }) => socket.linger = on.then_some(*seconds),
            (other, _) => return Err(no_option(other)),
        }
        nothing()
    }
}

impl Socket {
    /// What went wrong with its connection, if that has not been told yet.
    fn error(&mut self, stack: &mut Stack, now: Instant) -> Option<Errno> {
        let What::Connection { id, .. } = self.what else {
            return None;
        };
        let failure = stack.status(now, id).ok().and_then(|status| status.failure)?;
        self.tell(failure)
    }

    fn tell(&mut self, failure: Failure) -> Option<Errno> {
        (!std::mem::replace(&mut self.told, true)).then(|| errno(failure))
    }
}

fn errno(failure: Failure) -> Errno {
    match failure {
        Failure::Refused => Errno::ECONNREFUSED,
        Failure::Reset => Errno::ECONNRESET,
        Failure::TimedOut => Errno::ETIMEDOUT,
        Failure::Aborted => Errno::ECONNABORTED,
        Failure::Unreachable(Undelivered::Unreachable(code)) => match code {
            UnreachableCode::NET => Errno::ENETUNREACH,
            UnreachableCode::PORT => Errno::ECONNREFUSED,
            UnreachableCode::PROTOCOL => Errno::ENOPROTOOPT,
            UnreachableCode(_) => Errno::EHOSTUNREACH,
        },
        Failure::Unreachable(Undelivered::TimeExceeded) => Errno::EHOSTUNREACH,
        Failure::Unreachable(Undelivered::ParameterProblem) => Errno::EPROTO,
    }
}

/// What the stack has not, by its name.
fn refuse(flags: MessageFlags) -> Result<(), Refusal> {
    let MessageFlags {
        peek: _,
        dont_wait: _,
        out_of_band,
        more,
        end_of_record,
        wait_all,
        truncate,
        fast_open,
        zero_copy,
        error_queue,
    } = flags;
    let missing = [
        (out_of_band, "MSG_OOB"),
        (more, "MSG_MORE"),
        (end_of_record, "MSG_EOR"),
        (wait_all, "MSG_WAITALL"),
        (truncate, "MSG_TRUNC"),
        (fast_open, "MSG_FASTOPEN"),
        (zero_copy, "MSG_ZEROCOPY"),
        (error_queue, "MSG_ERRQUEUE"),
    ];
    missing.iter().find(|(set, _)| *set).map_or(Ok(()), |(_, name)| Err(no(name)))
}

fn no_option(option: SocketOption) -> Refusal {
    no(option.name())
}

fn no(what: &'static str) -> Refusal {
    Refusal::Unsupported(Unsupported::Call { what })
}

fn nothing() -> Done {
    Ok(Success::value(0))
}

/// The end of what the peer sends.
fn end() -> Success {
    Success { value: 0, output: Output::Data(Vec::new()) }
}

/// A success that counts bytes. No call here moves more than fit.
fn bytes(length: usize) -> Success {
    Success::value(i64::try_from(length).unwrap_or(i64::MAX))
}

/// Where a socket is bound, or any free port of any address.
fn any(bound: Option<SocketAddrV4>) -> SocketAddrV4 {
    bound.unwrap_or(SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, 0))
}

fn v4(address: std::net::SocketAddr) -> Option<SocketAddrV4> {
    match address {
        std::net::SocketAddr::V4(v4) => Some(v4),
        std::net::SocketAddr::V6(_) => None,
    }
}
