//! A connection as its user holds it, and the connections that wait for a user. smoltcp tells no errors: what happened
//! is read off the states that a socket goes through.

use std::collections::VecDeque;
use std::net::SocketAddrV4;

use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{ListenError, State};
use smoltcp::wire::{IpAddress, IpEndpoint, IpListenEndpoint};

use super::host::{Host, Settings};
use crate::system::Errno;

/// What made smoltcp do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A datagram that arrived.
    Arrival,
    /// The clock.
    Time,
    /// The user.
    User,
}

/// A connection, in whatever state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connection {
    pub(super) handle: SocketHandle,
    /// `connect` has not told yet how it went.
    pub(super) connecting: bool,
    /// What went wrong and was not told yet. It is told once, by whatever is asked first.
    pub(super) error: Option<Errno>,
    /// When it was last looked at.
    last: State,
}

impl Connection {
    pub(super) fn new(handle: SocketHandle, connecting: bool, state: State) -> Self {
        Self { handle, connecting, error: None, last: state }
    }

    /// Looks at its state, after something has happened.
    pub(super) fn watch(&mut self, host: &mut Host, cause: Cause) {
        let now = host.get(self.handle).state();
        let before = std::mem::replace(&mut self.last, now);
        // A connection that ends as it should, or because its user wants it, fails nobody.
        let ended = match (now, cause) {
            (State::Closed, Cause::Arrival | Cause::Time) => before,
            (_, Cause::User) | (_, Cause::Arrival | Cause::Time) => return,
        };
        let failure = match (ended, self.connecting) {
            (State::Closed | State::Listen | State::LastAck | State::TimeWait, _) => None,
            (_, _) if cause == Cause::Time => Some(Errno::ETIMEDOUT),
            (State::SynSent, _) | (State::SynReceived, true) => Some(Errno::ECONNREFUSED),
            (
                State::SynReceived
                | State::Established
                | State::FinWait1
                | State::FinWait2
                | State::CloseWait
                | State::Closing,
                _,
            ) => Some(Errno::ECONNRESET),
        };
        self.error = self.error.or(failure);
    }
}

/// A listener with a queue, which smoltcp has not: "to be able to simultaneously accept several connections, as many
/// sockets must be allocated, or any new connection attempts will be reset". As many sockets listen as connections may
/// wait; one that has got a connection gives way to a new one when it is accepted.
#[derive(Debug)]
pub(super) struct Backlog {
    endpoint: IpListenEndpoint,
    settings: Settings,
    /// In LISTEN or SYN-RECEIVED.
    listening: Vec<SocketHandle>,
    /// Connections to be accepted, with their peers, in the order in which they came about.
    ready: VecDeque<(Connection, SocketAddrV4)>,
}

impl Backlog {
    /// Listens on a port of any address with so many sockets.
    pub(super) fn new(host: &mut Host, port: u16, sockets: usize, settings: Settings) -> Result<Self, ListenError> {
        let endpoint = IpListenEndpoint { addr: None, port };
        let mut backlog = Self { endpoint, settings, listening: Vec::new(), ready: VecDeque::new() };
        (0..sockets).try_for_each(|_| backlog.add(host))?;
        Ok(backlog)
    }

    pub(super) fn port(&self) -> u16 {
        self.endpoint.port
    }

    /// Looks at the states of all its sockets, after something has happened.
    pub(super) fn watch(&mut self, host: &mut Host, cause: Cause) {
        self.ready.iter_mut().for_each(|(connection, _)| connection.watch(host, cause));
        for handle in std::mem::take(&mut self.listening) {
            let socket = host.get(handle);
            match (socket.state(), socket.remote_endpoint().map(v4)) {
                (State::Listen | State::SynReceived, _) => self.listening.push(handle),
                (State::Closed, None) => {
                    // Its connection ended before it had begun.
                    let _ = socket.listen(self.endpoint);
                    self.listening.push(handle);
                }
                // It has yet to send its reset.
                (State::Closed, Some(_)) => self.listening.push(handle),
                (state, Some(peer)) => self.ready.push_back((Connection::new(handle, false, state), peer)),
                (_, None) => {}
            }
        }
    }

    /// Takes the connection that waits for the longest time, if there is one.
    pub(super) fn accept(&mut self, host: &mut Host) -> Option<(Connection, SocketAddrV4)> {
        let accepted = self.ready.pop_front()?;
        // The port is one to listen on: it has been before.
        let _ = self.add(host);
        Some(accepted)
    }

    /// Nobody listens any more, and what nobody accepted is aborted.
    pub(super) fn close(&mut self, host: &mut Host) {
        let waiting = self.ready.drain(..).map(|(connection, _)| connection.handle);
        waiting.chain(self.listening.drain(..)).for_each(|handle| host.get(handle).abort());
    }

    fn add(&mut self, host: &mut Host) -> Result<(), ListenError> {
        let handle = host.socket(&self.settings);
        host.get(handle).listen(self.endpoint)?;
        self.listening.push(handle);
        Ok(())
    }
}

fn v4(endpoint: IpEndpoint) -> SocketAddrV4 {
    let IpAddress::Ipv4(address) = endpoint.addr;
    SocketAddrV4::new(address, endpoint.port)
}
