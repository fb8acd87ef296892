//! A socket that others connect to.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::drive::{Bell, Handle};
use crate::stack::{ListenerId, Settings};

use super::stream::time_to_live;
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
    nonblocking: AtomicBool,
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
    /// `NetworkDown` if the stack is not driven any more; `WouldBlock` if there is none and
    /// [`set_nonblocking`](Self::set_nonblocking) was called.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let patience = self.nonblocking.load(Ordering::Relaxed).then_some(Duration::ZERO);
        let accepted = self.handle.wait(&self.bell, patience, |station, _| match station.stack.accept(self.id) {
            Ok(accepted) => Some(Ok(TcpStream::register(&self.handle, station, accepted?))),
            Err(error) => Some(Err(error)),
        })?;
        let stream = accepted.ok_or(io::ErrorKind::WouldBlock)??;
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

    /// Whether accepting fails with `WouldBlock` where it would have to wait.
    ///
    /// # Errors
    /// None; it is a `Result` because that of [`std::net`] is.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.nonblocking.store(nonblocking, Ordering::Relaxed);
        Ok(())
    }

    /// A listener has no error to tell.
    ///
    /// # Errors
    /// None; it is a `Result` because that of [`std::net`] is.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(None)
    }

    /// Time to live, in hops, of what is sent in connections that come from now on.
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
        let own = self.handle.call(|station, _| station.stack.listener_settings(self.id))??.ttl;
        Ok(own.unwrap_or(self.handle.look(|stack| stack.ttl())).into())
    }

    /// Changes the settings of connections that come from now on. ([`std::net`] has no such function; sockets of other
    /// systems inherit from the listener too.)
    ///
    /// # Errors
    /// `NetworkDown` if the stack is not driven any more.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) -> io::Result<()> {
        self.handle.call(|station, now| {
            let mut settings = station.stack.listener_settings(self.id)?;
            change(&mut settings);
            station.stack.set_listener_settings(now, self.id, settings)
        })??;
        Ok(())
    }

    fn listen(stack: &Handle, address: SocketAddr) -> io::Result<Self> {
        let bell = Bell::default();
        let (id, local) = stack.call(|station, now| {
            let id = station.stack.listen(now, address, BACKLOG)?;
            station.listeners.insert(id, Bell::clone(&bell));
            Ok::<_, io::Error>((id, station.stack.listener_address(id).unwrap_or(address)))
        })??;
        Ok(Self { handle: stack.clone(), id, local, bell, nonblocking: AtomicBool::new(false) })
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
