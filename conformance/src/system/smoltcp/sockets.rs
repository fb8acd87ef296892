//! The user's side: sockets as POSIX and Linux have them, on those that smoltcp has.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use smoltcp::socket::tcp::{ConnectError, ListenError, RecvError, SendError, State};

use super::connection::{Backlog, Cause, Connection};
use super::host::{Host, Settings};
use super::options;
use crate::system::posix::{Attempt, Done, Refusal, end, no, nothing, refuse};
use crate::system::{
    Call, Descriptor, Errno, FileControl, IoctlRequest, MessageFlags, OptionValue, Output, SYSTEM_ADDRESS, ShutdownHow,
    SocketOption, Success, Unsupported,
};

/// The first of the ports that the system chooses itself (RFC 6335 §6).
const FIRST_DYNAMIC_PORT: u16 = 49_152;

/// The longest text that one read returns.
const LONGEST_READ: usize = 65_535;

/// The open sockets of one scenario.
#[derive(Default)]
pub(super) struct Sockets {
    open: BTreeMap<Descriptor, Socket>,
    opened: i32,
    ports_given: u16,
}

/// A socket.
pub(super) struct Socket {
    what: What,
    /// Where it is bound, if it is.
    bound: Option<SocketAddrV4>,
    nonblocking: bool,
    /// `SHUT_RD`
    deaf: bool,
    pub(super) settings: Settings,
    pub(super) options: options::Remembered,
}

/// What a socket is at the moment.
enum What {
    /// Not yet anything else.
    Idle,
    Listener(Backlog),
    Connection(Connection),
}

impl From<ListenError> for Refusal {
    fn from(error: ListenError) -> Self {
        Self::Errno(match error {
            ListenError::InvalidState => Errno::EINVAL,
            ListenError::Unaddressable => Errno::EADDRNOTAVAIL,
        })
    }
}

impl From<ConnectError> for Refusal {
    fn from(error: ConnectError) -> Self {
        Self::Errno(match error {
            ConnectError::InvalidState => Errno::EISCONN,
            ConnectError::Unaddressable => Errno::ENETUNREACH,
        })
    }
}

impl Sockets {
    /// Makes a call, for the first time or again. `sent` is how much of its data has been written so far: a blocking
    /// write ends when all is.
    pub(super) fn attempt(&mut self, host: &mut Host, call: &Call, sent: &mut usize) -> Result<Attempt, Unsupported> {
        let blocks = self.blocks(call);
        let done = Caller { sockets: self, host }.make(call, sent);
        let ret = match done {
            Ok(success) => Ok(success),
            Err(Refusal::Unsupported(unsupported)) => return Err(unsupported),
            Err(Refusal::Wait) if blocks => return Ok(Attempt::Blocked),
            Err(Refusal::Wait) => call.give_up(),
            Err(Refusal::Errno(errno)) => Err(errno),
        };
        Ok(Attempt::Returned(match (ret, *sent) {
            // What was written counts more than what prevents the rest.
            (Err(_), 1..) => Ok(Success::octets(*sent)),
            (ret, _) => ret,
        }))
    }

    /// Looks at the states of all sockets, after something has happened.
    pub(super) fn watch(&mut self, host: &mut Host, cause: Cause) {
        for socket in self.open.values_mut() {
            match &mut socket.what {
                What::Idle => {}
                What::Listener(backlog) => backlog.watch(host, cause),
                What::Connection(connection) => connection.watch(host, cause),
            }
        }
    }

    /// Whether the call waits where it cannot be done at once.
    fn blocks(&self, call: &Call) -> bool {
        let dont_wait = match call {
            Call::Recv { flags, .. } | Call::Send { flags, .. } => flags.dont_wait,
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
            | Call::SetSockOpt { .. } => false,
        };
        let socket = call.descriptor().and_then(|fd| self.open.get(&fd));
        socket.is_some_and(|socket| !socket.nonblocking && !dont_wait)
    }

    /// Takes in a new socket, which blocks as all new sockets do, and returns its number.
    fn adopt(&mut self, what: What, bound: Option<SocketAddrV4>, settings: Settings) -> i32 {
        // As if the standard streams were open.
        let number = 3 + self.opened;
        self.opened += 1;
        let options = options::Remembered::default();
        let socket = Socket { what, bound, nonblocking: false, deaf: false, settings, options };
        self.open.insert(Descriptor(number), socket);
        number
    }

    fn get(&mut self, fd: Descriptor) -> Result<&mut Socket, Refusal> {
        self.open.get_mut(&fd).ok_or(Refusal::Errno(Errno::EBADF))
    }

    /// The port of a socket that is bound to none.
    fn dynamic_port(&mut self) -> u16 {
        let port = FIRST_DYNAMIC_PORT + self.ports_given % (u16::MAX - FIRST_DYNAMIC_PORT);
        self.ports_given += 1;
        port
    }
}

impl Socket {
    /// What went wrong with its connection, if that has not been told yet.
    pub(super) fn tell(&mut self) -> Option<Errno> {
        match &mut self.what {
            What::Connection(connection) => connection.error.take(),
            What::Idle | What::Listener(_) => None,
        }
    }

    /// Makes smoltcp follow the settings, as far as it has a socket for this one.
    pub(super) fn apply(&self, host: &mut Host) {
        if let What::Connection(connection) = &self.what {
            host.apply(&self.settings, connection.handle);
        }
    }

    fn connection(&mut self) -> Option<&mut Connection> {
        match &mut self.what {
            What::Connection(connection) => Some(connection),
            What::Idle | What::Listener(_) => None,
        }
    }
}

/// Somebody who makes a call now.
struct Caller<'a> {
    sockets: &'a mut Sockets,
    host: &'a mut Host,
}

impl Caller<'_> {
    fn make(&mut self, call: &Call, sent: &mut usize) -> Done {
        match call {
            Call::Socket => Ok(Success::value(self.sockets.adopt(What::Idle, None, Settings::default()))),
            Call::Bind { fd, address } => self.bind(*fd, *address),
            Call::Listen { fd, backlog } => self.listen(*fd, *backlog),
            Call::Accept { fd } => self.accept(*fd),
            Call::Connect { fd, address } => self.connect(*fd, *address),
            Call::Read { fd, length } => self.receive(*fd, *length, MessageFlags::NONE),
            Call::Recv { fd, length, flags } => self.receive(*fd, *length, *flags),
            Call::Write { fd, data } => self.send(*fd, data, MessageFlags::NONE, sent),
            Call::Send { fd, data, flags } => self.send(*fd, data, *flags, sent),
            Call::SendTo { .. } => Err(no("sendto")),
            Call::Poll { .. } => Err(no("poll")),
            Call::Ioctl { fd, request } => self.ask(*fd, *request),
            Call::Shutdown { fd, how } => self.shutdown(*fd, *how),
            Call::Close { fd } => self.close(*fd),
            Call::Fcntl { fd, control } => self.control(*fd, *control),
            Call::GetSockOpt { fd, option } => options::get(self.sockets.get(*fd)?, *option),
            Call::SetSockOpt { fd, option, value } => self.set_option(*fd, *option, value),
        }
    }

    fn bind(&mut self, fd: Descriptor, address: SocketAddrV4) -> Done {
        let port = address.port();
        let taken = self.sockets.open.iter().any(|(other, socket)| {
            let same = socket.bound.is_some_and(|bound| port != 0 && bound.port() == port);
            *other != fd && same && (!socket.options.reuses_address() || matches!(socket.what, What::Listener(_)))
        });
        let ours = address.ip().is_unspecified() || *address.ip() == SYSTEM_ADDRESS;
        let socket = self.sockets.get(fd)?;
        match (&socket.what, socket.bound) {
            (What::Idle, None) if !ours => Err(Errno::EADDRNOTAVAIL.into()),
            (What::Idle, None) if taken => Err(Errno::EADDRINUSE.into()),
            (What::Idle, None) => {
                socket.bound = Some(address);
                nothing()
            }
            (What::Idle | What::Listener(_) | What::Connection(_), _) => Err(Errno::EINVAL.into()),
        }
    }

    /// One more connection than the backlog may wait, as on Linux.
    fn listen(&mut self, fd: Descriptor, backlog: i32) -> Done {
        let port = self.port(fd)?;
        let socket = self.sockets.get(fd)?;
        match &socket.what {
            What::Idle => {
                let sockets = usize::try_from(backlog).unwrap_or(0).saturating_add(1).min(options::MOST_WAITING);
                socket.what = What::Listener(Backlog::new(self.host, port, sockets, socket.settings)?);
                nothing()
            }
            What::Listener(_) => nothing(),
            What::Connection(_) => Err(Errno::EINVAL.into()),
        }
    }

    fn accept(&mut self, fd: Descriptor) -> Done {
        let socket = self.sockets.get(fd)?;
        let What::Listener(backlog) = &mut socket.what else {
            return Err(Errno::EINVAL.into());
        };
        let (connection, peer) = backlog.accept(self.host).ok_or(Refusal::Wait)?;
        let bound = SocketAddrV4::new(SYSTEM_ADDRESS, backlog.port());
        let settings = socket.settings;
        let number = self.sockets.adopt(What::Connection(connection), Some(bound), settings);
        Ok(Success { value: number.into(), output: Output::Address(peer) })
    }

    fn connect(&mut self, fd: Descriptor, address: SocketAddrV4) -> Done {
        let port = self.port(fd)?;
        let socket = self.sockets.get(fd)?;
        match &mut socket.what {
            What::Idle => {
                let handle = self.host.socket(&socket.settings);
                self.host.connect(handle, address, port)?;
                socket.what = What::Connection(Connection::new(handle, true, State::SynSent));
                Err(Refusal::Wait)
            }
            What::Connection(connection) if connection.connecting => match self.host.get(connection.handle).state() {
                State::SynSent | State::SynReceived if socket.nonblocking => Err(Errno::EALREADY.into()),
                State::SynSent | State::SynReceived => Err(Refusal::Wait),
                State::Closed
                | State::Listen
                | State::Established
                | State::FinWait1
                | State::FinWait2
                | State::CloseWait
                | State::Closing
                | State::LastAck
                | State::TimeWait => {
                    connection.connecting = false;
                    connection.error.take().map_or_else(nothing, |errno| Err(errno.into()))
                }
            },
            What::Connection(_) | What::Listener(_) => Err(Errno::EISCONN.into()),
        }
    }

    fn receive(&mut self, fd: Descriptor, length: usize, flags: MessageFlags) -> Done {
        refuse(flags)?;
        let socket = self.sockets.get(fd)?;
        let deaf = socket.deaf;
        let connection = socket.connection().ok_or(Errno::ENOTCONN)?;
        let tcp = self.host.get(connection.handle);
        let mut data = vec![0; length.min(LONGEST_READ)];
        let received = if flags.peek {
            tcp.peek(data.len()).map(|text| {
                data.truncate(text.len());
                data.copy_from_slice(text);
                data.len()
            })
        } else {
            tcp.recv_slice(&mut data)
        };
        match (received, tcp.state()) {
            (Ok(1..), _) => {
                data.truncate(received.unwrap_or_default());
                let success = Success::octets(data.len());
                Ok(Success { output: Output::Data(data), ..success })
            }
            (Ok(0), _) if length == 0 || deaf => Ok(end()),
            (Ok(0), _) | (Err(RecvError::InvalidState), State::SynSent | State::SynReceived) => Err(Refusal::Wait),
            (Err(RecvError::Finished | RecvError::InvalidState), _) => {
                connection.error.take().map_or_else(|| Ok(end()), |errno| Err(errno.into()))
            }
        }
    }

    fn send(&mut self, fd: Descriptor, data: &[u8], flags: MessageFlags, sent: &mut usize) -> Done {
        refuse(flags)?;
        let socket = self.sockets.get(fd)?;
        let nonblocking = socket.nonblocking;
        let connection = socket.connection().ok_or(Errno::EPIPE)?;
        let tcp = self.host.get(connection.handle);
        match (tcp.send_slice(data.get(*sent..).unwrap_or_default()), tcp.state()) {
            (Ok(0), _) if *sent < data.len() => Err(Refusal::Wait),
            (Ok(taken), _) => {
                *sent += taken;
                if *sent < data.len() && !nonblocking && !flags.dont_wait {
                    return Err(Refusal::Wait);
                }
                Ok(Success::octets(*sent))
            }
            // Nothing can be queued before there is a connection; a POSIX user waits.
            (Err(SendError::InvalidState), State::SynSent | State::SynReceived) => Err(Refusal::Wait),
            (Err(SendError::InvalidState), _) => Err(connection.error.take().unwrap_or(Errno::EPIPE).into()),
        }
    }

    fn shutdown(&mut self, fd: Descriptor, how: ShutdownHow) -> Done {
        let socket = self.sockets.get(fd)?;
        let handle = socket.connection().ok_or(Errno::ENOTCONN)?.handle;
        let tcp = self.host.get(handle);
        if tcp.state() == State::Closed {
            return Err(Errno::ENOTCONN.into());
        }
        socket.deaf |= how.receiving();
        if how.sending() {
            tcp.close();
        }
        nothing()
    }

    /// The CLOSE of RFC 9293 §3.10.4. smoltcp has no user to be gone: what arrives later is still received.
    fn close(&mut self, fd: Descriptor) -> Done {
        let socket = self.sockets.open.remove(&fd).ok_or(Errno::EBADF)?;
        match socket.what {
            What::Idle => {}
            What::Listener(mut backlog) => backlog.close(self.host),
            What::Connection(connection) if socket.options.aborts() => self.host.get(connection.handle).abort(),
            What::Connection(connection) => self.host.get(connection.handle).close(),
        }
        nothing()
    }

    fn control(&mut self, fd: Descriptor, control: FileControl) -> Done {
        Ok(control.apply(&mut self.sockets.get(fd)?.nonblocking))
    }

    fn ask(&mut self, fd: Descriptor, request: IoctlRequest) -> Done {
        let handle = self.sockets.get(fd)?.connection().ok_or(Errno::EINVAL)?.handle;
        let tcp = self.host.get(handle);
        let octets = match request {
            IoctlRequest::Unread => tcp.recv_queue(),
            IoctlRequest::Unacknowledged => tcp.send_queue(),
            IoctlRequest::Unsent | IoctlRequest::AtMark => return Err(no(request.name())),
        };
        Ok(Success { value: 0, output: Output::Number(i32::try_from(octets).unwrap_or(i32::MAX)) })
    }

    fn set_option(&mut self, fd: Descriptor, option: SocketOption, value: &OptionValue) -> Done {
        let socket = self.sockets.get(fd)?;
        options::set(socket, option, value)?;
        socket.apply(self.host);
        nothing()
    }

    /// The port of a socket; one that is bound to none gets one now.
    fn port(&mut self, fd: Descriptor) -> Result<u16, Refusal> {
        let bound = self.sockets.get(fd)?.bound.filter(|bound| bound.port() != 0);
        let bound = bound.unwrap_or_else(|| SocketAddrV4::new(SYSTEM_ADDRESS, self.sockets.dynamic_port()));
        self.sockets.get(fd)?.bound = Some(bound);
        Ok(bound.port())
    }
}
