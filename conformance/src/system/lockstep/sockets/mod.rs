//! The user's side: sockets as POSIX and Linux have them, on the calls of RFC 9293 §3.9.1 that the stack has.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::time::Duration;

use ::lockstep::ip::Undelivered;
use ::lockstep::stack::{ConnectionId, Failure, ListenerId, OpenError, Settings, Stack, TcpConfig};
use ::lockstep::time::{Instant, Micros};
use ::lockstep::wire::UnreachableCode;

use crate::system::posix::{Attempt, Refusal};
use crate::system::{Call, Descriptor, Errno, MessageFlags, Success, Unsupported};
use caller::Caller;
use options::Choices;

mod caller;
mod options;
mod ready;

/// The longest text that one read returns: no receive buffer holds more.
const LONGEST_READ: usize = 65_535;

/// The open sockets of one scenario.
pub(super) struct Sockets {
    open: BTreeMap<Descriptor, Socket>,
    opened: i32,
    /// What holds where a user chooses nothing.
    defaults: Settings,
    stack: TcpConfig,
    /// What the next active OPEN is to begin with.
    pub(super) initial_sequence: Option<u32>,
}

/// How far a call has come that blocks.
#[derive(Default)]
pub(super) struct Effort {
    /// How much of its data is written. A blocking write ends when all is.
    sent: usize,
    /// A close that lingers.
    closing: Option<Lingering>,
    /// When it gives up.
    pub(super) until: Option<Instant>,
}

/// A connection whose socket is closed, and whose user waits for the peer.
#[derive(Clone, Copy)]
struct Lingering {
    id: ConnectionId,
    until: Instant,
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
    choices: Choices,
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

impl Sockets {
    /// None yet, of a stack with this configuration.
    pub(super) fn new(config: &TcpConfig) -> Self {
        let defaults = Settings::of(config);
        Self { open: BTreeMap::new(), opened: 0, defaults, stack: config.clone(), initial_sequence: None }
    }

    /// Makes a call, for the first time or again.
    pub(super) fn attempt(
        &mut self,
        stack: &mut Stack,
        now: Instant,
        call: &Call,
        effort: &mut Effort,
    ) -> Result<Attempt, Unsupported> {
        let (blocks, limit) = self.blocks(call);
        let ret = match (Caller { sockets: self, stack, now }).make(call, effort) {
            Ok(success) => Ok(success),
            Err(Refusal::Unsupported(unsupported)) => return Err(unsupported),
            // Only a close that lingers has set the time itself; it blocks in any case.
            Err(Refusal::Wait) if blocks || effort.closing.is_some() => {
                let until = effort.until.or(limit.map(|limit| now + limit));
                effort.until = until;
                if until.is_none_or(|until| now < until) {
                    return Ok(Attempt::Blocked);
                }
                call.give_up()
            }
            Err(Refusal::Wait) => call.give_up(),
            Err(Refusal::Errno(errno)) => Err(errno),
        };
        Ok(Attempt::Returned(match (ret, effort.sent) {
            // What was written counts more than what prevents the rest.
            (Err(_), sent @ 1..) => Ok(Success::octets(sent)),
            (ret, _) => ret,
        }))
    }

    /// Whether the call waits where it cannot be done at once, and for how long at most.
    fn blocks(&self, call: &Call) -> (bool, Option<Micros>) {
        let (flags, receives) = match call {
            Call::Recv { flags, .. } => (*flags, true),
            Call::Send { flags, .. } | Call::SendTo { flags, .. } => (*flags, false),
            Call::Read { .. } | Call::Accept { .. } => (MessageFlags::NONE, true),
            Call::Poll { timeout, .. } => {
                let limit = timeout.map(micros);
                return (limit != Some(Micros::ZERO), limit);
            }
            Call::Socket
            | Call::Bind { .. }
            | Call::Listen { .. }
            | Call::Connect { .. }
            | Call::Write { .. }
            | Call::Shutdown { .. }
            | Call::Close { .. }
            | Call::Fcntl { .. }
            | Call::Ioctl { .. }
            | Call::GetSockOpt { .. }
            | Call::SetSockOpt { .. } => (MessageFlags::NONE, false),
        };
        let Some(socket) = call.descriptor().and_then(|fd| self.open.get(&fd)) else { return (false, None) };
        let limit = if receives { socket.choices.receive_limit } else { socket.choices.send_limit };
        (!socket.nonblocking && !flags.dont_wait, Some(micros(limit)).filter(|limit| *limit != Micros::ZERO))
    }

    /// The connection behind a socket.
    pub(super) fn connection(&self, fd: Descriptor) -> Option<ConnectionId> {
        match self.open.get(&fd)?.what {
            What::Connection { id, .. } => Some(id),
            What::Idle | What::Listener(_) => None,
        }
    }

    /// Takes in a new socket, which blocks as all new sockets do, and returns its number.
    fn adopt(&mut self, what: What, bound: Option<SocketAddrV4>, choices: Choices) -> i32 {
        // As if the standard streams were open.
        let number = 3 + self.opened;
        self.opened += 1;
        let socket = Socket { what, bound, nonblocking: false, told: false, deaf: false, choices };
        self.open.insert(Descriptor(number), socket);
        number
    }

    fn get(&mut self, fd: Descriptor) -> Result<&mut Socket, Refusal> {
        self.open.get_mut(&fd).ok_or(Refusal::Errno(Errno::EBADF))
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

/// The stack counts microseconds.
fn micros(time: Duration) -> Micros {
    Micros::new(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}
