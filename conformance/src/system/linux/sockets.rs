//! The user's side: real sockets of the kernel, none of which ever blocks us.
//!
//! To the kernel every socket is non-blocking. Whether it blocks for the *scenario* is remembered here, and a call that
//! the kernel turns away for now is made again when the socket is ready. That is also how connect(2) ends: made again
//! it says EALREADY while the handshake runs, and then, once, what a blocking connect would have said.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use super::{options, sys};
use crate::system::{
    Call, Descriptor, Errno, FileControl, MessageFlags, OptionValue, Output, Ret, ShutdownHow, Success, Unsupported,
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

/// What became of a call.
pub(super) enum Attempt {
    /// It is done.
    Returned(Ret),
    /// It blocks.
    Blocked(Wait),
}

/// What a call that blocks waits for.
#[derive(Clone, Copy)]
pub(super) struct Wait {
    /// The kernel's descriptor.
    pub(super) fd: RawFd,
    /// Events of poll(2).
    pub(super) events: libc::c_short,
}

impl Sockets {
    /// Makes a call, for the first time or again. `sent` is how much of its data has been written so far: a blocking
    /// write ends when all is, and only then says how much.
    pub(super) fn attempt(&mut self, call: &Call, sent: &mut usize) -> Result<Attempt, Unsupported> {
        refuse_what_blocks_anyway(call)?;
        // First, for a call that closes its descriptor leaves nothing to ask.
        let wait = self.wait(call);
        let ret = self.make(call, *sent).map_err(errno);
        let Some(wait) = wait else {
            return Ok(Attempt::Returned(ret));
        };
        if let Err(Errno::EAGAIN | Errno::EINPROGRESS | Errno::EALREADY) = ret {
            return Ok(Attempt::Blocked(wait));
        }
        if let Call::Write { data, .. } | Call::Send { data, .. } = call {
            return Ok(write_on(data.len(), sent, ret, wait));
        }
        Ok(Attempt::Returned(ret))
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
            Call::Accept { .. } | Call::Read { .. } => (libc::POLLIN, MessageFlags::default()),
            Call::Recv { flags, .. } => (libc::POLLIN, *flags),
            Call::Connect { .. } | Call::Write { .. } => (libc::POLLOUT, MessageFlags::default()),
            Call::Send { flags, .. } => (libc::POLLOUT, *flags),
            Call::Socket
            | Call::Bind { .. }
            | Call::Listen { .. }
            | Call::Shutdown { .. }
            | Call::Close { .. }
            | Call::Fcntl { .. }
            | Call::SendTo { .. }
            | Call::Poll { .. }
            | Call::Ioctl { .. }
            | Call::GetSockOpt { .. }
            | Call::SetSockOpt { .. } => return None,
        };
        let socket = self.open.get(&call.descriptor()?)?;
        let blocks = !socket.nonblocking && !flags.dont_wait;
        blocks.then(|| Wait { fd: socket.fd.as_raw_fd(), events })
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
                received(*length, |buffer| sys::recv(fd, buffer, message_flags(*flags)))
            }
            Call::Write { fd, data } => written(sys::write(self.fd(*fd)?, rest(data, sent))),
            Call::Send { fd, data, flags } => {
                written(sys::send(self.fd(*fd)?, rest(data, sent), message_flags(*flags)))
            }
            Call::SendTo { .. } | Call::Poll { .. } | Call::Ioctl { .. } => {
                Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP))
            }
            Call::Shutdown { fd, how } => nothing(sys::shutdown(self.fd(*fd)?, direction(*how))),
            Call::Close { fd } => {
                let socket = self.open.remove(fd).ok_or_else(bad_descriptor)?;
                nothing(sys::close(socket.fd))
            }
            Call::Fcntl { fd, control } => self.fcntl(*fd, *control),
            Call::GetSockOpt { fd, option } => {
                let value = options::get(self.fd(*fd)?, *option)?;
                Ok(Success { value: 0, output: Output::Option(value) })
            }
            Call::SetSockOpt { fd, option, value } => nothing(options::set(self.fd(*fd)?, *option, value)),
        }
    }

    fn fcntl(&mut self, fd: Descriptor, control: FileControl) -> io::Result<Success> {
        let socket = self.open.get_mut(&fd).ok_or_else(bad_descriptor)?;
        match control {
            FileControl::GetFlags => {
                let nonblock = if socket.nonblocking { libc::O_NONBLOCK } else { 0 };
                Ok(Success::value(libc::O_RDWR | nonblock))
            }
            FileControl::SetFlags { nonblocking } => {
                socket.nonblocking = nonblocking;
                Ok(Success::value(0))
            }
        }
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

/// Linux makes close(2) wait even on a socket that does not block, and with it all of us.
fn refuse_what_blocks_anyway(call: &Call) -> Result<(), Unsupported> {
    let missing = match call {
        Call::SendTo { .. } => "sendto",
        Call::Poll { .. } => "poll",
        Call::Ioctl { .. } => "ioctl",
        _ => "",
    };
    if !missing.is_empty() {
        return Err(Unsupported::Call { what: missing });
    }
    if let Call::SetSockOpt { value: OptionValue::Linger { on: true, seconds: 1.. }, .. } = call {
        return Err(Unsupported::Call { what: "close that lingers" });
    }
    Ok(())
}

/// A blocking write that wrote something, or failed: it goes on until all is written, but what was written counts more
/// than an error.
fn write_on(length: usize, sent: &mut usize, ret: Ret, wait: Wait) -> Attempt {
    match ret {
        Ok(success) => {
            *sent += usize::try_from(success.value).unwrap_or_default();
            if *sent < length { Attempt::Blocked(wait) } else { Attempt::Returned(Ok(bytes(*sent))) }
        }
        Err(_) if *sent > 0 => Attempt::Returned(Ok(bytes(*sent))),
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
    result.map(bytes)
}

fn received(length: usize, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<Success> {
    let mut data = vec![0; length.min(LONGEST_READ)];
    let length = read(&mut data)?;
    data.truncate(length);
    Ok(Success { output: Output::Data(data), ..bytes(length) })
}

/// A success that counts bytes. No call here moves more than fit.
fn bytes(length: usize) -> Success {
    Success::value(i64::try_from(length).unwrap_or(i64::MAX))
}

fn errno(error: io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(libc::EIO))
}

fn bad_descriptor() -> io::Error {
    io::Error::from_raw_os_error(libc::EBADF)
}

fn direction(how: ShutdownHow) -> libc::c_int {
    match how {
        ShutdownHow::Read => libc::SHUT_RD,
        ShutdownHow::Write => libc::SHUT_WR,
        ShutdownHow::Both => libc::SHUT_RDWR,
    }
}

fn message_flags(flags: MessageFlags) -> libc::c_int {
    let MessageFlags {
        peek,
        dont_wait,
        out_of_band,
        more,
        end_of_record,
        wait_all,
        truncate,
        fast_open,
        zero_copy,
        error_queue,
    } = flags;
    [
        (peek, libc::MSG_PEEK),
        (dont_wait, libc::MSG_DONTWAIT),
        (out_of_band, libc::MSG_OOB),
        (more, libc::MSG_MORE),
        (end_of_record, libc::MSG_EOR),
        (wait_all, libc::MSG_WAITALL),
        (truncate, libc::MSG_TRUNC),
        (fast_open, libc::MSG_FASTOPEN),
        (zero_copy, libc::MSG_ZEROCOPY),
        (error_queue, libc::MSG_ERRQUEUE),
    ]
    .into_iter()
    .filter(|(set, _)| *set)
    .fold(0, |bits, (_, bit)| bits | bit)
}
