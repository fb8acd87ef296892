//! A connection.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lockstep_model::State;

use crate::drive::{Bell, Handle, Station, is_delivered};
use crate::stack::{Accepted, CallError, ConnectionId, KeepAlive, OpenError, Pair, Settings};
use crate::time::Instant;

use super::each_address;

/// A connection: [`std::net::TcpStream`] on a stack of our own.
///
/// When the last clone is dropped, the connection closes in the background; text that has arrived and was not read makes
/// that a reset, so that the peer knows (RFC 9293 §3.6.1). [`set_linger`](Self::set_linger) changes that.
pub struct TcpStream {
    shared: Arc<Connection>,
}

/// What the clones of a stream share.
struct Connection {
    handle: Handle,
    id: ConnectionId,
    pair: Pair,
    bell: Bell,
    options: Mutex<Options>,
}

/// What a user has set.
#[derive(Clone, Copy, Debug, Default)]
struct Options {
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
    linger: Option<Duration>,
    nodelay: bool,
    nonblocking: bool,
    read_shut: bool,
    /// The reason of a bad end has been taken with `take_error`.
    error_taken: bool,
}

impl Options {
    /// How long a call waits.
    fn patience(&self, timeout: impl FnOnce(&Self) -> Option<Duration>) -> Option<Duration> {
        if self.nonblocking { Some(Duration::ZERO) } else { timeout(self) }
    }
}

impl TcpStream {
    /// Connects to the first of `addresses` that answers.
    ///
    /// # Errors
    /// `ConnectionRefused`, `ConnectionReset`, `TimedOut`, `HostUnreachable` and `NetworkUnreachable` as with
    /// [`std::net`]; `InvalidInput` for an address that no single other host has; `AddrNotAvailable` if no port is free,
    /// `QuotaExceeded` if there are too many connections, `NetworkDown` if the stack is not driven any more.
    pub fn connect(stack: &Handle, addresses: impl ToSocketAddrs) -> io::Result<Self> {
        each_address(addresses, |remote| Self::open(stack, (UNSPECIFIED, remote), None, None))
    }

    /// Connects to `remote`, and waits no longer than `timeout` for that.
    ///
    /// # Errors
    /// As [`connect`](Self::connect); `TimedOut` if it took too long, `InvalidInput` if `timeout` is zero.
    pub fn connect_timeout(stack: &Handle, remote: &SocketAddr, timeout: Duration) -> io::Result<Self> {
        Self::open(stack, (UNSPECIFIED, *remote), not_zero(Some(timeout))?, None)
    }

    /// Connects from the socket `local`, whose address may be unspecified and whose port may be zero, to `remote`, and
    /// waits no longer than `timeout`, if there is one. ([`std::net`] has no such function.)
    ///
    /// # Errors
    /// As [`connect_timeout`](Self::connect_timeout); `AddrInUse` if there is a connection between these two sockets
    /// already, `AddrNotAvailable` if the local address is not the stack's.
    pub fn connect_from(
        stack: &Handle,
        local: SocketAddr,
        remote: SocketAddr,
        timeout: Option<Duration>,
    ) -> io::Result<Self> {
        Self::open(stack, (local, remote), not_zero(timeout)?, None)
    }

    /// As [`connect_from`](Self::connect_from), and these settings hold from the SYN on. ([`std::net`] has no such
    /// function.)
    ///
    /// # Errors
    /// As [`connect_from`](Self::connect_from).
    pub fn connect_with(
        stack: &Handle,
        local: SocketAddr,
        remote: SocketAddr,
        timeout: Option<Duration>,
        settings: Settings,
    ) -> io::Result<Self> {
        Self::open(stack, (local, remote), not_zero(timeout)?, Some(settings))
    }

    /// Ends one direction or both. After [`Shutdown::Write`] the peer reads to the end of what was written; after
    /// [`Shutdown::Read`] reading gives what has arrived and then nothing.
    ///
    /// # Errors
    /// `NotConnected` if the connection has ended.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let (reading, writing) = match how {
            Shutdown::Read => (true, false),
            Shutdown::Write => (false, true),
            Shutdown::Both => (true, true),
        };
        let Connection { handle, id, bell, .. } = &*self.shared;
        handle.call(|station, now| {
            if reading {
                self.options().read_shut = true;
                bell.notify_all();
            }
            match if writing { station.stack.close(now, *id) } else { Ok(()) } {
                // The second time is as good as the first.
                Ok(()) | Err(CallError::Closing) => Ok(()),
                Err(CallError::WouldBlock | CallError::DoesNotExist | CallError::Failed(_)) => {
                    Err(io::Error::from(CallError::DoesNotExist))
                }
            }
        })?
    }

    /// The socket at the other end.
    ///
    /// # Errors
    /// None; it is a `Result` because that of [`std::net`] is.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.shared.pair.remote)
    }

    /// The socket at this end.
    ///
    /// # Errors
    /// None; it is a `Result` because that of [`std::net`] is.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.shared.pair.local)
    }

    /// Another name for the same connection, with the same options.
    ///
    /// # Errors
    /// None; it is a `Result` because that of [`std::net`] is.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { shared: Arc::clone(&self.shared) })
    }

    /// Whether small segments leave at once, without waiting for company (Nagle's algorithm off).
    ///
    /// # Errors
    /// `NetworkDown` if the stack is not driven any more.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.shared.handle.call(|station, _| station.stack.set_nodelay(self.shared.id, nodelay))??;
        self.options().nodelay = nodelay;
        Ok(())
    }

    /// What [`set_nodelay`](Self::set_nodelay) has set.
    ///
    /// # Errors
    /// None; it is a `Result` because that of [`std::net`] is.
    pub fn nodelay(&self) -> io::Result<bool> {
        Ok(self.options().nodelay)
    }

    /// How long a read waits; then it fails with `WouldBlock`. `None`: for ever.
    ///
    /// # Errors
    /// `InvalidInput` if it is zero.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.options().read_timeout = not_zero(timeout)?;
        Ok(())
    }

    /// What [`set_read_timeout`](Self::set_read_timeout) has set.
    ///
    /// # Errors
    /// None; it is a `Result` because that of [`std::net`] is.
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.options().read_timeout)
    }

    /// How long a write waits; then it fails with `WouldBlock`. `None`: for ever.
    ///
    /// # Errors
    /// `InvalidInput` if it is zero.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.options().write_timeout = not_zero(timeout)?;
        Ok(())
    }

    /// What [`set_write_timeout`](Self::set_write_timeout) has set.
    ///
    /// # Errors
    /// None; it is a `Result` because that of [`std::net`] is.
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.options().write_timeout)
    }

    /// What dropping the last clone does: `None` closes in the background, zero resets the connection, anything else
    /// closes it, waits until the peer has acknowledged everything, and resets it if that takes longer.
    ///
    /// # Errors
    /// None; it is a `Result` because that of [`std::net`] is.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.options().linger = linger;
        Ok(())
    }

    /// What [`set_linger`](Self::set_linger) has set.
    ///
    /// # Errors
    /// None; it is a `Result` because that of [`std::net`] is.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        Ok(self.options().linger)
    }

    /// Whether calls that would have to wait fail with `WouldBlock` instead.
    ///
    /// # Errors
    /// None; it is a `Result` because that of [`std::net`] is.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.options().nonblocking = nonblocking;
        Ok(())
    }

    /// Reads, and leaves what it has read to be read again.
    ///
    /// # Errors
    /// As reading.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let timeout = self.options().patience(|options| options.read_timeout);
        self.wait(timeout, |station, now| self.unless_shut(station.stack.peek(now, self.shared.id, buf)))
    }

    /// Writes urgent data as [`Write::write`] writes any, and returns how much was taken: the peer is told at once that
    /// there is urgent data ahead, and that it ends with the last octet taken. Unlike `MSG_OOB` elsewhere, nothing leaves
    /// the stream: the octets are read in their place (RFC 9293 §3.8.5, RFC 6093).
    ///
    /// New applications should not employ it (RFC 9293 SHLD-13): peers do not agree on which octet is the last urgent one,
    /// and middleboxes clear the pointer. It is there for protocols that were built on it, such as Telnet. A peer that is a
    /// socket of Linux wants `SO_OOBINLINE`, or else the last octet is missing from what it reads.
    ///
    /// # Errors
    /// As [`Write::write`].
    pub fn send_urgent(&self, buf: &[u8]) -> io::Result<usize> {
        self.write_by(buf, |station, now| station.stack.send_urgent(now, self.shared.id, buf))
    }

    /// Why the connection has come to a bad end, if it has; once.
    ///
    /// # Errors
    /// `NetworkDown` if the stack is not driven any more.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        let status = self.shared.handle.call(|station, now| station.stack.status(now, self.shared.id))??;
        let failure = status.failure.filter(|_| !std::mem::replace(&mut self.options().error_taken, true));
        Ok(failure.map(|failure| CallError::Failed(failure).into()))
    }

    /// Time to live of what is sent, in hops.
    ///
    /// # Errors
    /// `InvalidInput` if it is not 1 to 255; `NetworkDown` if the stack is not driven any more.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        let ttl = time_to_live(ttl)?;
        self.change_settings(|settings| settings.ttl = Some(ttl))
    }

    /// What [`set_ttl`](Self::set_ttl) has set, else that of the host.
    ///
    /// # Errors
    /// `NetworkDown` if the stack is not driven any more.
    pub fn ttl(&self) -> io::Result<u32> {
        let own = self.settings()?.ttl;
        Ok(own.unwrap_or(self.shared.handle.look(|stack| stack.ttl())).into())
    }

    /// The type of service of what is sent: six bits of differentiated services, and two that are not the user's and stay
    /// as they are. (socket2 has it.)
    ///
    /// # Errors
    /// `InvalidInput` if it is more than 255; `NetworkDown` if the stack is not driven any more.
    pub fn set_tos(&self, tos: u32) -> io::Result<()> {
        let tos =
            u8::try_from(tos).map_err(|_| io::Error::new(ErrorKind::InvalidInput, "a type of service is an octet"))?;
        self.change_settings(|settings| settings.dscp = tos >> 2)
    }

    /// What [`set_tos`](Self::set_tos) has set.
    ///
    /// # Errors
    /// `NetworkDown` if the stack is not driven any more.
    pub fn tos(&self) -> io::Result<u32> {
        Ok((self.settings()?.dscp << 2).into())
    }

    /// Whether and when the peer is probed while the connection is idle (RFC 9293 §3.8.4); it is not unless somebody asks.
    /// (socket2 has it.)
    ///
    /// # Errors
    /// `NetworkDown` if the stack is not driven any more.
    pub fn set_keepalive(&self, keep_alive: Option<KeepAlive>) -> io::Result<()> {
        self.change_settings(|settings| settings.keep_alive = keep_alive)
    }

    /// What [`set_keepalive`](Self::set_keepalive) has set.
    ///
    /// # Errors
    /// `NetworkDown` if the stack is not driven any more.
    pub fn keepalive(&self) -> io::Result<Option<KeepAlive>> {
        Ok(self.settings()?.keep_alive)
    }

    /// How long what is sent may go unacknowledged before the connection is given up (RFC 9293 §3.8.3, R2), but not less
    /// than a few retransmissions take. (socket2 calls it `set_tcp_user_timeout`.)
    ///
    /// # Errors
    /// `InvalidInput` if it is zero; `NetworkDown` if the stack is not driven any more.
    pub fn set_user_timeout(&self, timeout: Duration) -> io::Result<()> {
        not_zero(Some(timeout))?;
        self.change_settings(|settings| settings.user_timeout = timeout.into())
    }

    /// What [`set_user_timeout`](Self::set_user_timeout) has set, else what the configuration says.
    ///
    /// # Errors
    /// `NetworkDown` if the stack is not driven any more.
    pub fn user_timeout(&self) -> io::Result<Duration> {
        Ok(self.settings()?.user_timeout.into())
    }

    /// A connection that the listener gave: it is ours from now on.
    pub(super) fn register(handle: &Handle, station: &mut Station, accepted: Accepted) -> Self {
        let Accepted { connection: id, pair } = accepted;
        let bell = Bell::default();
        station.connections.insert(id, Bell::clone(&bell));
        let options = Mutex::default();
        Self { shared: Arc::new(Connection { handle: handle.clone(), id, pair, bell, options }) }
    }

    fn open(
        stack: &Handle,
        (local, remote): (SocketAddr, SocketAddr),
        timeout: Option<Duration>,
        settings: Option<Settings>,
    ) -> io::Result<Self> {
        let stream = stack.call(|station, now| {
            let connection = match settings {
                Some(settings) => station.stack.connect_with(now, local, remote, settings)?,
                None => station.stack.connect_from(now, local, remote)?,
            };
            let pair = station.stack.status(now, connection).map_or(Pair { local, remote }, |status| status.pair);
            Ok::<_, OpenError>(Self::register(stack, station, Accepted { connection, pair }))
        })??;
        let Connection { id, bell, .. } = &*stream.shared;
        let opened = stack.wait(bell, timeout, |station, now| opened(station, now, *id))?;
        // Dropping the stream releases what was not established.
        opened.ok_or_else(|| io::Error::new(ErrorKind::TimedOut, "connection timed out"))??;
        Ok(stream)
    }

    /// Tries until there is something to say, at most `timeout`.
    fn wait<T>(
        &self,
        timeout: Option<Duration>,
        mut attempt: impl FnMut(&mut Station, Instant) -> Result<T, CallError>,
    ) -> io::Result<T> {
        let Connection { handle, bell, .. } = &*self.shared;
        let done = handle.wait(bell, timeout, |station, now| match attempt(station, now) {
            Err(CallError::WouldBlock) => None,
            done @ (Ok(_) | Err(CallError::Closing | CallError::DoesNotExist | CallError::Failed(_))) => Some(done),
        })?;
        Ok(done.unwrap_or(Err(CallError::WouldBlock))?)
    }

    /// Writes by this attempt, which may have to wait for room.
    fn write_by(
        &self,
        buf: &[u8],
        attempt: impl FnMut(&mut Station, Instant) -> Result<usize, CallError>,
    ) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let timeout = self.options().patience(|options| options.write_timeout);
        self.wait(timeout, attempt).map_err(|error| match error.kind() {
            // Nobody is there to read it any more.
            ErrorKind::NotConnected => io::Error::new(ErrorKind::BrokenPipe, error),
            _ => error,
        })
    }

    /// Who has shut down reading waits for nothing.
    fn unless_shut(&self, received: Result<usize, CallError>) -> Result<usize, CallError> {
        match received {
            Err(CallError::WouldBlock) if self.options().read_shut => Ok(0),
            received => received,
        }
    }

    /// What holds for this connection in the stack.
    fn settings(&self) -> io::Result<Settings> {
        Ok(self.shared.handle.call(|station, _| station.stack.settings(self.shared.id))??)
    }

    fn change_settings(&self, change: impl FnOnce(&mut Settings)) -> io::Result<()> {
        let id = self.shared.id;
        self.shared.handle.call(|station, now| {
            let mut settings = station.stack.settings(id)?;
            change(&mut settings);
            station.stack.set_settings(now, id, settings)
        })??;
        Ok(())
    }

    fn options(&self) -> MutexGuard<'_, Options> {
        self.shared.options.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for &TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let timeout = self.options().patience(|options| options.read_timeout);
        self.wait(timeout, |station, now| self.unless_shut(station.stack.receive(now, self.shared.id, buf)))
    }
}

impl Write for &TcpStream {
    /// Waits until there is room for something, and returns how much was taken. It is sent in the background.
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_by(buf, |station, now| station.stack.send(now, self.shared.id, buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }
}

impl Write for TcpStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Self { handle, id, bell, options, .. } = self;
        match options.get_mut().unwrap_or_else(PoisonError::into_inner).linger {
            None => {}
            // Nothing is left to reset, or to wait for, if the connection has ended.
            Some(Duration::ZERO) => {
                let _ = handle.tidy(|station, now| station.stack.abort(now, *id));
            }
            Some(patience) => {
                let _ = handle.tidy(|station, now| station.stack.close(now, *id));
                let delivered = handle.wait(bell, Some(patience), |station, _| {
                    station.stack.state_of(*id).is_none_or(is_delivered).then_some(())
                });
                if matches!(delivered, Ok(None)) {
                    let _ = handle.tidy(|station, now| station.stack.abort(now, *id));
                }
            }
        }
        handle.tidy(|station, now| {
            station.connections.remove(id);
            // It is released here and nowhere else.
            let _ = station.stack.release(now, *id);
        });
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pair { local, remote } = &self.shared.pair;
        f.debug_struct("TcpStream").field("addr", local).field("peer", remote).finish_non_exhaustive()
    }
}

/// Any address and any port of ours.
const UNSPECIFIED: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What became of the wish to connect; `None` if it is too early to say.
fn opened(station: &mut Station, now: Instant, id: ConnectionId) -> Option<Result<(), CallError>> {
    let status = match station.stack.status(now, id) {
        Ok(status) => status,
        Err(error) => return Some(Err(error)),
    };
    match status.state {
        State::SynSent | State::SynReceived => None,
        State::Closed | State::Listen => Some(Err(status.failure.map_or(CallError::DoesNotExist, CallError::Failed))),
        State::Established
        | State::FinWait1
        | State::FinWait2
        | State::CloseWait
        | State::Closing
        | State::LastAck
        | State::TimeWait => Some(Ok(())),
    }
}

/// Hops that a datagram may go.
pub(super) fn time_to_live(hops: u32) -> io::Result<u8> {
    let bad = || io::Error::new(ErrorKind::InvalidInput, "a time to live is 1 to 255 hops");
    u8::try_from(hops).ok().filter(|&hops| hops > 0).ok_or_else(bad)
}

/// A timeout of zero is an error, as in [`std::net`]: it would be none.
fn not_zero(timeout: Option<Duration>) -> io::Result<Option<Duration>> {
    match timeout {
        Some(Duration::ZERO) => Err(io::Error::new(ErrorKind::InvalidInput, "cannot set a 0 duration timeout")),
        Some(_) | None => Ok(timeout),
    }
}
