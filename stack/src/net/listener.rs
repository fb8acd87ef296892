//! A socket that others connect to.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use crate::drive::{Bell, Handle};
use crate::stack::ListenerId;

use super::{TcpStream, each_address};

/// As many connections wait to be accepted as with [`std::net::TcpListener`].
const BACKLOG: usize = 128;

/// A socket that others connect to: [`std::net::TcpListener`] on a stack of our own.
///
/// When it is dropped, connections that nobody has accepted are reset.
pub struct TcpListener {
    handle: Handle,
    id: ListenerId,
    local: SocketAddr,
    bell: Bell,
}

impl TcpListener {
    /// Listens on the first of `addresses` on which that is possible. A port of zero asks for one that is free.
    ///
    /// # Errors
    /// `AddrInUse` if there is another listener on the port, `AddrNotAvailable` if the address is not the stack's or no
    /// port is free, `QuotaExceeded` if there are too many listeners, `NetworkDown` if the stack is not driven any more.
    pub fn bind(stack: &Handle, addresses: impl ToSocketAddrs) -> io::Result<Self> {
        each_address(addresses, |address| Self::listen(stack, address))
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// `NetworkDown` if the stack is not driven any more.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let accepted = self.handle.wait(&self.bell, None, |station, _| match station.stack.accept(self.id) {
            Ok(accepted) => Some(Ok(TcpStream::register(&self.handle, station, accepted?))),
            Err(error) => Some(Err(error)),
        })?;
        // Without a timeout, time is never up.
        let stream = accepted.ok_or(io::ErrorKind::TimedOut)??;
        let peer = stream.peer_addr()?;
        Ok((stream, peer))
    }

    /// An iterator over the connections that come, without end: it is [`accept`](Self::accept) in a loop.
    #[must_use]
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// The socket on which this listens.
    ///
    /// # Errors
    /// None; it is a `Result` because that of [`std::net`] is.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    fn listen(stack: &Handle, address: SocketAddr) -> io::Result<Self> {
        let bell = Bell::default();
        let (id, local) = stack.call(|station, now| {
            let id = station.stack.listen(now, address, BACKLOG)?;
            station.listeners.insert(id, Bell::clone(&bell));
            Ok::<_, io::Error>((id, station.stack.listener_address(id).unwrap_or(address)))
        })??;
        Ok(Self { handle: stack.clone(), id, local, bell })
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        self.handle.tidy(|station, now| {
            station.listeners.remove(&self.id);
            // The driver may have closed it already.
            let _ = station.stack.close_listener(now, self.id);
        });
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener").field("addr", &self.local).finish_non_exhaustive()
    }
}

/// The connections that come to a listener.
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}
