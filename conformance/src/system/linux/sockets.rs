//! The user's side: real sockets of the kernel, none of which ever blocks us.
//!
//! To the kernel every socket is non-blocking. Whether it blocks for the *scenario* is remembered here, and a call that
//! the kernel turns away for now is made again when the socket is ready. That is also how connect(2) ends: made again
//! it says EALREADY while the handshake runs, and then, once, what a blocking connect would have said.

use std::collections::BTreeMap;
use std::io::{self, PipeReader};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::thread;
use std::time::Duration;

use super::{options, sys, tcp_info};
use crate::system::{
    Call, Descriptor, Errno, FileControl, MessageFlags, OptionValue, Output, PollEvents, PollFd, Ret, SocketOption,
    Success, TcpInfo, Unsupported,
};

/// The most that one read asks for; no receive buffer is larger.
const LONGEST_READ: usize = 16 << 20;

/// The open sockets of one scenario.
#[derive(Default)]
pub(super) struct Sockets {
    open: BTreeMap<Descriptor, Socket>,
}

struct Socket {
    fd: OwnedFd,
    /// `O_NONBLOCK`, as far as the scenario knows.
    nonblocking: bool,
}

/// How far a call has come that blocks.
#[derive(Default)]
pub(super) struct Effort {
    /// How much of its data is written. A blocking write ends when all is, and only then says how much.
    sent: usize,
    /// A close that lingers; what it says at its end is that this is closed too.
    closing: Option<PipeReader>,
}

/// What became of a call.
pub(super) enum Attempt {
    /// It is done.
    Returned(Ret),
    /// It blocks.
    Blocked(Wait),
}

/// What a call that blocks waits for.
pub(super) struct Wait {
    /// The kernel's descriptors, each with events of poll(2).
    pub(super) fds: Vec<(RawFd, libc::c_short)>,
    /// It blocks no longer than this; then it [gives up](Sockets::give_up).
    pub(super) limit: Option<Duration>,
}

impl Sockets {
    /// Makes a call, for the first time or again.
    pub(super) fn attempt(&mut self, call: &Call, effort: &mut Effort) -> Result<Attempt, Unsupported> {
        if let Call::Close { fd } = call {
            return Ok(self.close(*fd, effort).unwrap_or_else(|error| Attempt::Returned(Err(errno(error)))));
        }
        let wait = self.wait(call);
        if wait.is_some() {
            refuse_what_blocks_otherwise(call)?;
        }
        let ret = self.make(call, effort.sent).map_err(errno);
        let Some(wait) = wait else {
            return Ok(Attempt::Returned(ret));
        };
        if let Err(Errno::EAGAIN | Errno::EINPROGRESS | Errno::EALREADY) = ret {
            return Ok(Attempt::Blocked(wait));
        }
        if let Call::Write { data, .. } | Call::Send { data, .. } | Call::SendTo { data, .. } = call {
            return Ok(write_on(data.len(), &mut effort.sent, ret, wait));
        }
        Ok(Attempt::Returned(ret))
    }

    /// What a call returns that has blocked as long as it may.
    pub(super) fn give_up(call: &Call, effort: &Effort) -> Ret {
        if effort.sent > 0 {
            return Ok(Success::octets(effort.sent));
        }
        call.give_up()
    }

    /// What the kernel tells of the connection behind a socket.
    pub(super) fn info(&self, fd: Descriptor) -> io::Result<TcpInfo> {
        sys::get_bytes(self.fd(fd)?, libc::IPPROTO_TCP, libc::TCP_INFO, tcp_info::LONGEST)
            .map(|bytes| tcp_info::decode(&bytes))
    }

    /// Puts the initial sequence number of a connection that is not open yet, which TCP_REPAIR is for. The kernel takes
    /// zero for none.
    pub(super) fn begin_at(&self, fd: Descriptor, iss: u32) -> io::Result<()> {
        let fd = self.fd(fd)?;
        let set = |name, value: u32| sys::set_option(fd, libc::IPPROTO_TCP, name, &value.to_ne_bytes());
        // To be repaired changes what SO_REUSEADDR says.
        let reuse = options::get(fd, SocketOption::ReuseAddr)?;
        set(libc::TCP_REPAIR, 1)?;
        set(libc::TCP_REPAIR_QUEUE, TCP_SEND_QUEUE)?;
        set(libc::TCP_QUEUE_SEQ, iss)?;
        set(libc::TCP_REPAIR, 0)?;
        options::set(fd, SocketOption::ReuseAddr, &reuse)
    }

    /// Closes all sockets with a reset, so that no connection outlives its scenario.
    pub(super) fn abort(&mut self) {
        let linger = options::linger(true, 0);
        for socket in std::mem::take(&mut self.open).into_values() {
            // Should this fail, the socket closes in the ordinary way: as good, only slower.
            let _ = sys::set_option(&socket.fd, libc::SOL_SOCKET, libc::SO_LINGER, &linger);
        }
    }

    /// What the call waits for, if it is one that blocks, on a socket that does.
    fn wait(&self, call: &Call) -> Option<Wait> {
        let (events, flags) = match call {
            Call::Accept { .. } | Call::Read { .. } => (libc::POLLIN, MessageFlags::NONE),
            Call::Recv { flags, .. } => (libc::POLLIN, *flags),
            Call::Connect { .. } | Call::Write { .. } => (libc::POLLOUT, MessageFlags::NONE),
            Call::Send { flags, .. } | Call::SendTo { flags, .. } => (libc::POLLOUT, *flags),
            Call::Poll { fds, timeout } if *timeout != Some(Duration::ZERO) => {
                return Some(Wait { fds: self.pollfds(fds).collect(), limit: *timeout });
            }
            Call::Socket
            | Call::Bind { .. }
            | Call::Listen { .. }
            | Call::Poll { .. }
            | Call::Ioctl { .. }
            | Call::Shutdown { .. }
            | Call::Close { .. }
            | Call::Fcntl { .. }
            | Call::GetSockOpt { .. }
            | Call::SetSockOpt { .. } => return None,
        };
        let socket = self.open.get(&call.descriptor()?)?;
        if socket.nonblocking || flags.dont_wait {
            return None;
        }
        let timeout = if events == libc::POLLIN { libc::SO_RCVTIMEO } else { libc::SO_SNDTIMEO };
        let limit = sys::get_time(&socket.fd, libc::SOL_SOCKET, timeout).ok().filter(|limit| !limit.is_zero());
        Some(Wait { fds: vec![(socket.fd.as_raw_fd(), events)], limit })
    }

    /// The kernel's descriptors; no descriptor of the scenario is one that does not exist, but none at all stays none.
    fn pollfds(&self, fds: &[PollFd]) -> impl Iterator<Item = (RawFd, libc::c_short)> {
        fds.iter().map(|PollFd { fd, events }| {
            let none = if fd.0 < 0 { fd.0 } else { RawFd::MAX };
            (self.open.get(fd).map_or(none, |socket| socket.fd.as_raw_fd()), events.0)
        })
    }

    /// Makes the call. Descriptors that are not the scenario's are bad ones, whatever this process may use them for.
    fn make(&mut self, call: &Call, sent: usize) -> io::Result<Success> {
        match call {
            Call::Socket => {
                let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK;
                let fd = sys::socket(libc::AF_INET, kind, libc::IPPROTO_TCP)?;
                Ok(Success::value(self.adopt(fd)))
            }
            Call::Bind { fd, address } => nothing(sys::bind(self.fd(*fd)?, &sys::sockaddr_in(*address))),
            Call::Listen { fd, backlog } => nothing(sys::listen(self.fd(*fd)?, *backlog)),
            Call::Accept { fd } => {
                let (fd, peer) = sys::accept(self.fd(*fd)?)?;
                Ok(Success { value: self.adopt(fd).into(), output: Output::Address(peer) })
            }
            Call::Connect { fd, address } => nothing(sys::connect(self.fd(*fd)?, &sys::sockaddr_in(*address))),
            Call::Read { fd, length } => {
                let fd = self.fd(*fd)?;
                received(*length, |buffer| sys::read(fd, buffer))
            }
            Call::Recv { fd, length, flags } => {
                let fd = self.fd(*fd)?;
                let received = received(*length, |buffer| sys::recv(fd, buffer, flags.number()))?;
                // TCP throws away with MSG_TRUNC what it counts; nothing was written to the buffer.
                Ok(if flags.truncate { Success::value(received.value) } else { received })
            }
            Call::Write { fd, data } => written(sys::write(self.fd(*fd)?, rest(data, sent))),
            Call::Send { fd, data, flags } => written(sys::send(self.fd(*fd)?, rest(data, sent), flags.number())),
            Call::SendTo { fd, data, flags, address } => {
                let address = sys::sockaddr_in(*address);
                written(sys::send_to(self.fd(*fd)?, rest(data, sent), flags.number(), &address))
            }
            Call::Poll { fds, timeout } => self.poll(fds, *timeout),
            Call::Ioctl { fd, request } => {
                let answer = sys::ask_number(self.fd(*fd)?, *request)?;
                Ok(Success { value: 0, output: Output::Number(answer) })
            }
            Call::Shutdown { fd, how } => nothing(sys::shutdown(self.fd(*fd)?, how.number())),
            // It alone may block the caller, see there.
            Call::Close { .. } => Err(bad_descriptor()),
            Call::Fcntl { fd, control } => self.fcntl(*fd, *control),
            Call::GetSockOpt { fd, option } => {
                let value = options::get(self.fd(*fd)?, *option)?;
                Ok(Success { value: 0, output: Output::Option(value) })
            }
            Call::SetSockOpt { fd, option, value } => nothing(options::set(self.fd(*fd)?, *option, value)),
        }
    }

    /// Linux makes close(2) wait even on a socket that does not block, if it lingers. So somebody else is made to wait.
    fn close(&mut self, fd: Descriptor, effort: &mut Effort) -> io::Result<Attempt> {
        if effort.closing.is_none() {
            let socket = self.open.remove(&fd).ok_or_else(bad_descriptor)?;
            let linger = options::get(&socket.fd, SocketOption::Linger)?;
            if !matches!(linger, OptionValue::Linger { on: true, seconds: 1.. }) {
                return Ok(Attempt::Returned(nothing(sys::close(socket.fd)).map_err(errno)));
            }
            effort.closing = Some(close_aside(socket.fd)?);
        }
        let fds: Vec<_> = effort.closing.iter().map(|reader| (reader.as_raw_fd(), libc::POLLIN)).collect();
        let is_closed = !ready(fds.iter().copied())?.contains(&0);
        Ok(if is_closed {
            Attempt::Returned(Ok(Success::value(0)))
        } else {
            Attempt::Blocked(Wait { fds, limit: None })
        })
    }

    /// What is ready now. Nothing is EAGAIN to one who would wait.
    fn poll(&self, fds: &[PollFd], timeout: Option<Duration>) -> io::Result<Success> {
        let events: Vec<PollEvents> = ready(self.pollfds(fds))?.into_iter().map(PollEvents).collect();
        let count = events.iter().filter(|events| **events != PollEvents::NONE).count();
        if count == 0 && timeout != Some(Duration::ZERO) {
            return Err(io::Error::from_raw_os_error(libc::EAGAIN));
        }
        Ok(Success { output: Output::Poll(events), ..Success::octets(count) })
    }

    fn fcntl(&mut self, fd: Descriptor, control: FileControl) -> io::Result<Success> {
        let socket = self.open.get_mut(&fd).ok_or_else(bad_descriptor)?;
        Ok(control.apply(&mut socket.nonblocking))
    }

    /// Takes in a new socket, which blocks as all new sockets do, and returns its number.
    fn adopt(&mut self, fd: OwnedFd) -> i32 {
        let number = fd.as_raw_fd();
        self.open.insert(Descriptor(number), Socket { fd, nonblocking: false });
        number
    }

    fn fd(&self, fd: Descriptor) -> io::Result<&OwnedFd> {
        self.open.get(&fd).map(|socket| &socket.fd).ok_or_else(bad_descriptor)
    }
}

/// `TCP_SEND_QUEUE` of `uapi/linux/tcp.h`.
const TCP_SEND_QUEUE: u32 = 2;

/// What the kernel does differently for one who waits himself, in a way that cannot be made good here.
fn refuse_what_blocks_otherwise(call: &Call) -> Result<(), Unsupported> {
    let (Call::Recv { flags, .. } | Call::SendTo { flags, .. }) = call else { return Ok(()) };
    let refused = [
        (flags.wait_all, "MSG_WAITALL on a socket that blocks"),
        (flags.fast_open, "MSG_FASTOPEN on a socket that blocks"),
    ];
    let first = refused.into_iter().find(|(set, _)| *set);
    first.map_or(Ok(()), |(_, what)| Err(Unsupported::Call { what }))
}

/// Closes in a thread of its own, which lives as long as that takes. The pipe says when: its other end is closed then.
fn close_aside(fd: OwnedFd) -> io::Result<PipeReader> {
    let (reader, writer) = io::pipe()?;
    thread::Builder::new().spawn(move || {
        // Closing a TCP socket reports no errors.
        let _ = sys::close(fd);
        drop(writer);
    })?;
    Ok(reader)
}

/// What poll(2) says of these at once.
fn ready(fds: impl Iterator<Item = (RawFd, libc::c_short)>) -> io::Result<Vec<libc::c_short>> {
    let mut polled: Vec<_> = fds.map(|(fd, events)| libc::pollfd { fd, events, revents: 0 }).collect();
    sys::poll(&mut polled, Duration::ZERO)?;
    Ok(polled.into_iter().map(|polled| polled.revents).collect())
}

/// A blocking write that wrote something, or failed: it goes on until all is written, but what was written counts more
/// than an error.
fn write_on(length: usize, sent: &mut usize, ret: Ret, wait: Wait) -> Attempt {
    match ret {
        Ok(success) => {
            *sent += usize::try_from(success.value).unwrap_or_default();
            if *sent < length { Attempt::Blocked(wait) } else { Attempt::Returned(Ok(Success::octets(*sent))) }
        }
        Err(_) if *sent > 0 => Attempt::Returned(Ok(Success::octets(*sent))),
        Err(errno) => Attempt::Returned(Err(errno)),
    }
}

fn rest(data: &[u8], sent: usize) -> &[u8] {
    data.get(sent..).unwrap_or_default()
}

fn nothing(result: io::Result<()>) -> io::Result<Success> {
    result.map(|()| Success::value(0))
}

fn written(result: io::Result<usize>) -> io::Result<Success> {
    result.map(Success::octets)
}

fn received(length: usize, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<Success> {
    let mut data = vec![0; length.min(LONGEST_READ)];
    let length = read(&mut data)?;
    data.truncate(length);
    Ok(Success { output: Output::Data(data), ..Success::octets(length) })
}

fn errno(error: io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(libc::EIO))
}

fn bad_descriptor() -> io::Error {
    io::Error::from_raw_os_error(libc::EBADF)
}
