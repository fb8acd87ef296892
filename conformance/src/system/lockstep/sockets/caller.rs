//! The calls, one after the other.

use std::net::SocketAddrV4;

use ::lockstep::stack::{CallError, Stack};
use ::lockstep::time::{Instant, Micros};

use super::options::Choices;
use super::{Effort, LONGEST_READ, Lingering, Sockets, What};
use crate::system::posix::{Done, Refusal, end, nothing, refuse};
use crate::system::{Call, Descriptor, Errno, FileControl, MessageFlags, Output, ShutdownHow, State, Success};

/// Somebody who makes a call now.
pub(super) struct Caller<'a> {
    pub(super) sockets: &'a mut Sockets,
    pub(super) stack: &'a mut Stack,
    pub(super) now: Instant,
}

impl Caller<'_> {
    pub(super) fn make(&mut self, call: &Call, effort: &mut Effort) -> Done {
        match call {
            Call::Socket => Ok(Success::value(self.sockets.adopt(What::Idle, None, Choices::default()))),
            Call::Bind { fd, address } => self.bind(*fd, *address),
            Call::Listen { fd, backlog } => self.listen(*fd, *backlog),
            Call::Accept { fd } => self.accept(*fd),
            Call::Connect { fd, address } => self.connect(*fd, *address),
            Call::Read { fd, length } => self.receive(*fd, *length, MessageFlags::NONE),
            Call::Recv { fd, length, flags } => self.receive(*fd, *length, *flags),
            Call::Write { fd, data } => self.send(*fd, data, MessageFlags::NONE, effort),
            Call::Send { fd, data, flags } => self.send(*fd, data, *flags, effort),
            // A connection has its address; what has none is not helped by one.
            Call::SendTo { fd, data, flags, address: _ } => self.send(*fd, data, *flags, effort),
            Call::Poll { fds, timeout } => self.poll(fds, *timeout),
            Call::Ioctl { fd, request } => self.ask(*fd, *request),
            Call::Shutdown { fd, how } => self.shutdown(*fd, *how),
            Call::Close { fd } => self.close(*fd, effort),
            Call::Fcntl { fd, control } => self.control(*fd, *control),
            Call::GetSockOpt { fd, option } => self.get_option(*fd, *option),
            Call::SetSockOpt { fd, option, value } => self.set_option(*fd, *option, value),
        }
    }

    fn bind(&mut self, fd: Descriptor, address: SocketAddrV4) -> Done {
        let port = address.port();
        let taken = self.sockets.open.iter().any(|(other, socket)| {
            let same = socket.bound.is_some_and(|bound| port != 0 && bound.port() == port);
            *other != fd && same && (socket.choices.reuse == 0 || matches!(socket.what, What::Listener(_)))
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
                let listener = stack.listen(now, any(socket.bound).into(), most)?;
                socket.what = What::Listener(listener);
                self.choose(fd)
            }
            What::Listener(_) => nothing(),
            What::Connection { .. } => Err(Errno::EINVAL.into()),
        }
    }

    fn accept(&mut self, fd: Descriptor) -> Done {
        let socket = self.sockets.get(fd)?;
        let What::Listener(listener) = socket.what else {
            return Err(Errno::EINVAL.into());
        };
        let choices = socket.choices.clone();
        let accepted = self.stack.accept(listener).map_err(|_| Errno::EINVAL)?.ok_or(Refusal::Wait)?;
        let what = What::Connection { id: accepted.connection, connecting: false };
        let number = self.sockets.adopt(what, v4(accepted.pair.local), choices);
        self.choose(Descriptor(number))?;
        let output = v4(accepted.pair.remote).map_or(Output::None, Output::Address);
        Ok(Success { value: number.into(), output })
    }

    fn connect(&mut self, fd: Descriptor, address: SocketAddrV4) -> Done {
        let (stack, now, defaults) = (&mut *self.stack, self.now, self.sockets.defaults);
        let iss = self.sockets.initial_sequence;
        let socket = self.sockets.get(fd)?;
        match socket.what {
            What::Idle => {
                let (local, remote) = (any(socket.bound).into(), address.into());
                let settings = socket.choices.over(defaults);
                let id = match iss {
                    Some(iss) => stack.connect_numbered(now, local, remote, settings, iss)?,
                    None => stack.connect_with(now, local, remote, settings)?,
                };
                stack.set_nodelay(id, socket.choices.nodelay != 0).map_err(|_| Errno::ENOBUFS)?;
                socket.what = What::Connection { id, connecting: true };
                socket.told = false;
                self.sockets.initial_sequence = None;
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
        refuse(MessageFlags { wait_all: false, truncate: false, ..flags })?;
        let (stack, now) = (&mut *self.stack, self.now);
        let socket = self.sockets.get(fd)?;
        let What::Connection { id, .. } = socket.what else {
            return Err(Errno::ENOTCONN.into());
        };
        if flags.wait_all && !flags.peek && socket.waits_for(stack, now, length.min(LONGEST_READ)) {
            return Err(Refusal::Wait);
        }
        let mut data = vec![0; length.min(LONGEST_READ)];
        let receive = if flags.peek { Stack::peek } else { Stack::receive };
        match receive(stack, now, id, &mut data) {
            // What is thrown away was not written anywhere.
            Ok(length) if flags.truncate => Ok(Success::octets(length)),
            Ok(length) => {
                data.truncate(length);
                Ok(Success { output: Output::Data(data), ..Success::octets(length) })
            }
            Err(CallError::WouldBlock) if socket.deaf => Ok(end()),
            Err(CallError::WouldBlock) => Err(Refusal::Wait),
            Err(CallError::Failed(failure)) => {
                socket.tell(failure).map_or_else(|| Ok(end()), |errno| Err(errno.into()))
            }
            Err(CallError::Closing | CallError::DoesNotExist) => Ok(end()),
        }
    }

    fn send(&mut self, fd: Descriptor, data: &[u8], flags: MessageFlags, effort: &mut Effort) -> Done {
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
        match send(stack, now, id, data.get(effort.sent..).unwrap_or_default()) {
            Ok(taken) => {
                effort.sent += taken;
                if effort.sent < data.len() && !socket.nonblocking && !flags.dont_wait {
                    return Err(Refusal::Wait);
                }
                Ok(Success::octets(effort.sent))
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
        socket.deaf |= how.receiving();
        if !how.sending() {
            return nothing();
        }
        match stack.close(now, id) {
            Ok(()) | Err(CallError::Closing) => nothing(),
            Err(CallError::WouldBlock | CallError::DoesNotExist | CallError::Failed(_)) => Err(Errno::ENOTCONN.into()),
        }
    }

    /// A connection that ended by itself needs no more; closing succeeds all the same.
    fn close(&mut self, fd: Descriptor, effort: &mut Effort) -> Done {
        if let Some(lingering) = effort.closing {
            return self.linger(lingering);
        }
        let socket = self.sockets.open.remove(&fd).ok_or(Errno::EBADF)?;
        let id = match socket.what {
            What::Idle => return nothing(),
            What::Listener(listener) => {
                let _ = self.stack.close_listener(self.now, listener);
                return nothing();
            }
            What::Connection { id, .. } => id,
        };
        let unread = self.stack.status(self.now, id).map_or(0, |status| status.unread);
        match socket.choices.linger {
            Some(0) => drop(self.stack.abort(self.now, id)),
            // Text that nobody will read ends it at once, with a reset (RFC 9293 §3.6.1).
            Some(seconds) if unread == 0 => {
                let _ = self.stack.close(self.now, id);
                let until = self.now + Micros::from_secs(u64::try_from(seconds).unwrap_or(0));
                effort.until = Some(until);
                return self.linger(*effort.closing.insert(Lingering { id, until }));
            }
            Some(_) | None => {}
        }
        let _ = self.stack.release(self.now, id);
        nothing()
    }

    /// Waits until all that was sent is acknowledged, and our FIN, or until it has waited long enough.
    fn linger(&mut self, Lingering { id, until }: Lingering) -> Done {
        let unfinished = match self.stack.state_of(id) {
            Some(State::FinWait1 | State::Closing | State::LastAck) => true,
            Some(
                State::Closed
                | State::Listen
                | State::SynSent
                | State::SynReceived
                | State::Established
                | State::FinWait2
                | State::CloseWait
                | State::TimeWait,
            )
            | None => false,
        };
        if unfinished && self.now < until {
            return Err(Refusal::Wait);
        }
        let _ = self.stack.release(self.now, id);
        nothing()
    }

    fn control(&mut self, fd: Descriptor, control: FileControl) -> Done {
        Ok(control.apply(&mut self.sockets.get(fd)?.nonblocking))
    }
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
