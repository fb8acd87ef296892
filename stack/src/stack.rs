//! The stack itself: sans-IO, deterministic, and in one piece.
//!
//! See [`Stack`] for the contract.

mod arrival;
mod config;
mod project;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use lockstep_model::{Call, RuleId, Seq, SeqNum, State, Table};

use crate::drops::{DropReason, Drops};
use crate::ip::{Interface, send_along, write_headers_for};
use crate::link::{Delivery, Link};
use crate::tcp::Endpoints;
use crate::time::Instant;
use crate::wire::{Icmpv4Message, MacAddr, Protocol};

pub use crate::limits::Limits;
pub use crate::tcp::{
    Accepted, AckConfig, BacklogFull, CallError, ConnectionId, Event, Failure, InFlight, KeepAlive, ListenConfig,
    ListenOptions, ListenerId, LossPhase, OpenError, OptionsConfig, Pair, PathMtuConfig, PortSelection, Projected,
    Settings, Status, SynCookies, TcpConfig, Transition,
};
pub use crate::wire::OptionLayout;
pub use config::{Config, ConfigError};
pub use project::Projection;

/// A host on an Ethernet: ARP, IPv4, ICMP and TCP, without any I/O.
///
/// # The contract
///
/// The stack has no clock, no randomness, no thread and no waker: time and frames are given to it, frames and events are
/// taken from it. The same calls with the same arguments have the same results, to the byte. Times must not run
/// backwards. Methods fall into four groups, and whoever drives a stack goes round them:
///
/// 1. **Input.** [`input`](Self::input) takes a frame that has arrived, [`timeout`](Self::timeout) says that time has passed:
///    to be called when [`poll_timeout`](Self::poll_timeout) has come. A batch of frames may be given before anything is
///    taken out; it is acknowledged as one.
/// 2. **The user's calls.** [`listen`](Self::listen), [`accept`](Self::accept), [`connect`](Self::connect), [`send`](Self::send),
///    [`receive`](Self::receive), [`close`](Self::close), [`release`](Self::release), [`abort`](Self::abort),
///    [`status`](Self::status), [`ping`](Self::ping). None of them waits: where it would have to, it says
///    [`CallError::WouldBlock`], and an [`Event`] tells when to call again.
/// 3. **Output.** After any of the above: [`poll_transmit`](Self::poll_transmit) until it returns false; each frame it
///    writes is on the wire as far as the stack is concerned. Then [`poll_event`](Self::poll_event) until it returns `None`.
///    Then [`poll_timeout`](Self::poll_timeout) tells when to call `timeout`.
/// 4. **Getters**, which change nothing: [`state`](Self::state), [`drops`](Self::drops), [`fired`](Self::fired),
///    [`project`](Self::project) and others.
///
/// A [`ConnectionId`] is the user's from [`connect`](Self::connect) or [`accept`](Self::accept) until
/// [`release`](Self::release), which every connection needs exactly once, however it ended; it is never used again for
/// another. `close` closes one direction; `release` says that nobody is there any more: a connection that has not ended
/// then closes by itself, and is reset if the peer's text is lost by that (RFC 9293 §3.6.1).
///
/// Connections change state only by the rows of the table given to [`new`](Self::new), which need not be the repaired one.
///
/// ```
/// use lockstep::stack::{Config, Event, Stack};
/// use lockstep::time::Instant;
/// use lockstep_model::Table;
/// use std::net::Ipv4Addr;
///
/// let host = |last| Stack::new(Config::new(Ipv4Addr::new(192, 0, 2, last), 24), Table::repaired(), [last; 16]).unwrap();
/// let (mut client, mut server) = (host(1), host(2));
/// let now = Instant::ZERO;
/// server.listen(now, "0.0.0.0:80".parse().unwrap(), 1).unwrap();
/// let id = client.connect(now, "192.0.2.2:80".parse().unwrap()).unwrap();
///
/// let mut frame = Vec::new();
/// let mut moved = true;
/// while moved {
///     moved = false;
///     while client.poll_transmit(now, &mut frame) {
///         server.input(now, &frame);
///         moved = true;
///     }
///     while server.poll_transmit(now, &mut frame) {
///         client.input(now, &frame);
///         moved = true;
///     }
/// }
/// assert_eq!(client.poll_event(), Some(Event::Connected(id)));
/// ```
#[derive(Clone, Debug)]
pub struct Stack {
    interface: Interface,
    link: Link,
    tcp: Endpoints,
    drops: Drops,
    echo_replies: VecDeque<Event>,
    most_echo_replies: usize,
    source_routes: bool,
}

impl Stack {
    /// A host that runs `table`. `secret` makes initial sequence numbers, ports and hashes unpredictable: 16 bytes from the
    /// system's random source, except where a run is to be repeated.
    ///
    /// # Errors
    /// [`ConfigError`]: what in `config` cannot be.
    pub fn new(config: Config, table: &'static Table, secret: [u8; 16]) -> Result<Self, ConfigError> {
        let interface = config.interface()?;
        let link = Link::new(interface.mac(), interface.address(), &config.limits);
        // The headers of IPv4 and TCP without options (RFC 9293 §3.7.1).
        let mss = config.mtu.saturating_sub(40);
        let tcp = Endpoints::new(table, config.tcp, &config.limits, mss, secret)?;
        let most_echo_replies = config.limits.events;
        let echo_replies = VecDeque::new();
        let source_routes = config.source_routes;
        Ok(Self { interface, link, tcp, drops: Drops::default(), echo_replies, most_echo_replies, source_routes })
    }

    // ---- Input -------------------------------------------------------------------------------------------------------

    /// A frame has arrived. Returns why it was dropped, if it was; that is counted too.
    pub fn input(&mut self, now: Instant, frame: &[u8]) -> Option<DropReason> {
        let reason = self.ethernet(now, frame).err();
        if let Some(reason) = reason {
            self.drops.add(reason);
        }
        reason
    }

    /// Time has passed: timers that are due go off, and nothing else makes them go off.
    pub fn timeout(&mut self, now: Instant) {
        self.tcp.timeout(now);
        while let Some(peer) = self.tcp.poll_doubted() {
            if let Some(next_hop) = self.next_hop(peer) {
                self.link.doubt(now, next_hop, &mut self.drops);
            }
        }
        self.link.timeout(now, &mut self.drops);
        self.give_up_undeliverable(now);
    }

    // ---- The user's calls ----------------------------------------------------------------------------------------------

    /// Passive OPEN: at most `backlog` (at least one) connections wait to be accepted; those in the handshake have a bound of
    /// their own ([`ListenConfig`]). The address is ours or unspecified; a port of zero asks for one that is free.
    ///
    /// # Errors
    /// [`OpenError::NotLocal`], [`OpenError::AddressInUse`], [`OpenError::NoPortFree`], [`OpenError::TooManyListeners`].
    pub fn listen(&mut self, now: Instant, local: SocketAddr, backlog: usize) -> Result<ListenerId, OpenError> {
        self.listen_with(now, local, ListenOptions::new(backlog))
    }

    /// Passive OPEN by one who says more than how many may wait.
    ///
    /// # Errors
    /// As [`listen`](Self::listen).
    pub fn listen_with(
        &mut self,
        now: Instant,
        local: SocketAddr,
        options: ListenOptions,
    ) -> Result<ListenerId, OpenError> {
        let local = self.local(local)?;
        self.tcp.listen(now, local, options)
    }

    /// The next connection that somebody has established with this listener, if there is one.
    ///
    /// # Errors
    /// [`CallError::DoesNotExist`] if the listener is closed.
    pub fn accept(&mut self, listener: ListenerId) -> Result<Option<Accepted>, CallError> {
        self.tcp.accept(listener)
    }

    /// The listener goes away. Connections that wait to be accepted are reset.
    ///
    /// # Errors
    /// [`CallError::DoesNotExist`] if it is closed already.
    pub fn close_listener(&mut self, now: Instant, listener: ListenerId) -> Result<(), CallError> {
        self.tcp.close_listener(now, listener)
    }

    /// The socket on which a listener listens.
    #[must_use]
    pub fn listener_address(&self, listener: ListenerId) -> Option<SocketAddr> {
        self.tcp.listener_address(listener)
    }

    /// Active OPEN from a free port of ours.
    ///
    /// # Errors
    /// As [`connect_from`](Self::connect_from).
    pub fn connect(&mut self, now: Instant, remote: SocketAddr) -> Result<ConnectionId, OpenError> {
        self.connect_from(now, (self.interface.address(), 0).into(), remote)
    }

    /// Active OPEN from this socket of ours, whose address may be unspecified and whose port may be zero.
    ///
    /// A pair of sockets in TIME-WAIT is in use: an OPEN there is answered "connection already exists" (RFC 9293 §3.10.1). That
    /// a connection may be reopened from TIME-WAIT is said of a SYN that arrives (MAY-2, RFC 6191 §2), when the peer vouches for
    /// his side by his number or timestamp; who opens himself cannot know where the peer is. A free port is none of such a pair.
    ///
    /// # Errors
    /// Any [`OpenError`] but [`OpenError::TooManyListeners`].
    pub fn connect_from(
        &mut self,
        now: Instant,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Result<ConnectionId, OpenError> {
        self.open(now, local, remote, None, None)
    }

    /// As [`connect_from`](Self::connect_from), and these settings hold from the SYN on.
    ///
    /// # Errors
    /// As [`connect_from`](Self::connect_from).
    pub fn connect_with(
        &mut self,
        now: Instant,
        local: SocketAddr,
        remote: SocketAddr,
        settings: Settings,
    ) -> Result<ConnectionId, OpenError> {
        self.open(now, local, remote, Some(settings), None)
    }

    /// As [`connect_with`](Self::connect_with), and our sequence numbers begin at `iss`: for simulations that want to see
    /// them wrap. **Never on a network**: a number that can be guessed lets strangers speak for the peer (RFC 9293 MUST-9,
    /// RFC 6528).
    ///
    /// # Errors
    /// As [`connect_from`](Self::connect_from).
    pub fn connect_numbered(
        &mut self,
        now: Instant,
        local: SocketAddr,
        remote: SocketAddr,
        settings: Settings,
        iss: u32,
    ) -> Result<ConnectionId, OpenError> {
        self.open(now, local, remote, Some(settings), Some(Seq::new(iss)))
    }

    /// SEND: queues as much of `text` as there is room for and returns how many octets that was.
    ///
    /// # Errors
    /// [`CallError::WouldBlock`] if there is no room at all; [`CallError::Closing`] after a close; or what became of the
    /// connection.
    pub fn send(&mut self, now: Instant, id: ConnectionId, text: &[u8]) -> Result<usize, CallError> {
        self.tcp.send(now, id, text)
    }

    /// SEND with the URGENT flag: as [`send`](Self::send), and the peer is told at once, whether or not his window has room
    /// for the text, that urgent data lies ahead of him and ends with the last octet that was taken (RFC 9293 §3.8.5). It
    /// is delivered in line, as all text is.
    ///
    /// New applications should not employ the urgent mechanism (SHLD-13): implementations and middleboxes do not agree on
    /// what it says (RFC 6093). Text of which nothing is taken says nothing.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_urgent(&mut self, now: Instant, id: ConnectionId, text: &[u8]) -> Result<usize, CallError> {
        self.tcp.send_urgent(now, id, text)
    }

    /// RECEIVE: moves text that has arrived to `buf` and returns how many octets that was; zero means that the peer has
    /// closed and all has been received (or that `buf` is empty).
    ///
    /// # Errors
    /// [`CallError::WouldBlock`] if nothing is there; or what became of the connection.
    pub fn receive(&mut self, now: Instant, id: ConnectionId, buf: &mut [u8]) -> Result<usize, CallError> {
        self.tcp.receive(now, id, buf)
    }

    /// As [`receive`](Self::receive), and what was received can be received again.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn peek(&mut self, now: Instant, id: ConnectionId, buf: &mut [u8]) -> Result<usize, CallError> {
        self.tcp.peek(now, id, buf)
    }

    /// CLOSE: "I have no more data to send". What was sent is delivered, and receiving goes on.
    ///
    /// # Errors
    /// [`CallError::Closing`] the second time; or what became of the connection.
    pub fn close(&mut self, now: Instant, id: ConnectionId) -> Result<(), CallError> {
        self.tcp.call(now, id, Call::Close)
    }

    /// ABORT: the connection ends at once and the peer is told by a reset. The id remains until it is released.
    ///
    /// # Errors
    /// [`CallError::DoesNotExist`] or [`CallError::Failed`] if it has ended already.
    pub fn abort(&mut self, now: Instant, id: ConnectionId) -> Result<(), CallError> {
        self.tcp.call(now, id, Call::Abort)
    }

    /// ABORT by the owner of this host, who need not be the connection's user: he finds it [aborted](Failure::Aborted).
    /// Whether there was such a connection.
    pub fn drop_connection(&mut self, now: Instant, pair: &Pair) -> bool {
        self.tcp.drop_connection(now, pair)
    }

    /// The user is gone and the id with him. The connection closes if it is not closed, and ends by itself; if text that
    /// has arrived, or will arrive, is lost by that, it is reset.
    ///
    /// # Errors
    /// [`CallError::DoesNotExist`] if the id is released already.
    pub fn release(&mut self, now: Instant, id: ConnectionId) -> Result<(), CallError> {
        self.tcp.release(now, id)
    }

    /// STATUS.
    ///
    /// # Errors
    /// [`CallError::DoesNotExist`] if the id is released.
    pub fn status(&mut self, now: Instant, id: ConnectionId) -> Result<Status, CallError> {
        self.tcp.status(now, id)
    }

    /// Whether small segments leave at once, without waiting until nothing is in flight (Nagle's algorithm off).
    ///
    /// # Errors
    /// [`CallError::DoesNotExist`] if the id is released.
    pub fn set_nodelay(&mut self, id: ConnectionId, nodelay: bool) -> Result<(), CallError> {
        self.tcp.set_nodelay(id, nodelay)
    }

    /// Whether text that arrives is acknowledged at once for a while, or delayed wherever it may be.
    ///
    /// # Errors
    /// [`CallError::DoesNotExist`] if the id is released.
    pub fn set_quick_acks(&mut self, id: ConnectionId, quick: bool) -> Result<(), CallError> {
        self.tcp.set_quick_acks(id, quick)
    }

    /// What holds for a connection: what its user has chosen, else what the configuration says.
    ///
    /// # Errors
    /// [`CallError::DoesNotExist`] if the id is released.
    pub fn settings(&self, id: ConnectionId) -> Result<Settings, CallError> {
        self.tcp.settings(id)
    }

    /// The user chooses for a connection. A user timeout that runs, and the wait for the next keep-alive, begin anew.
    ///
    /// # Errors
    /// [`CallError::DoesNotExist`] if the id is released.
    pub fn set_settings(&mut self, now: Instant, id: ConnectionId, settings: Settings) -> Result<(), CallError> {
        self.tcp.set_settings(now, id, settings)
    }

    /// What holds for the connections that a listener will have.
    ///
    /// # Errors
    /// [`CallError::DoesNotExist`] if the listener is closed.
    pub fn listener_settings(&self, listener: ListenerId) -> Result<Settings, CallError> {
        self.tcp.listener_settings(listener)
    }

    /// The user chooses for all connections that a listener will have from now on.
    ///
    /// # Errors
    /// [`CallError::DoesNotExist`] if the listener is closed.
    pub fn set_listener_settings(
        &mut self,
        now: Instant,
        listener: ListenerId,
        settings: Settings,
    ) -> Result<(), CallError> {
        self.tcp.set_listener_settings(now, listener, settings)
    }

    /// Sends an ICMP echo request; the answer, if one comes, is an [`Event::EchoReply`].
    ///
    /// # Errors
    /// [`OpenError::BadRemote`], [`OpenError::NoRoute`].
    pub fn ping(
        &mut self,
        now: Instant,
        destination: IpAddr,
        identifier: u16,
        sequence: u16,
        data: &[u8],
    ) -> Result<(), OpenError> {
        let bad = OpenError::BadRemote(SocketAddr::new(destination, 0));
        let IpAddr::V4(destination) = destination else {
            return Err(bad);
        };
        if !self.interface.is_other_host(destination) {
            return Err(bad);
        }
        let request = Icmpv4Message::EchoRequest { identifier, sequence, data };
        self.icmp_to(now, destination, &request).map_err(|_| OpenError::NoRoute((destination, 0).into()))
    }

    // ---- Output --------------------------------------------------------------------------------------------------------

    /// Writes the next frame that is to leave into `frame`, in place of what is there; false if there is none.
    #[must_use = "true means that there is a frame to send"]
    pub fn poll_transmit(&mut self, now: Instant, frame: &mut Vec<u8>) -> bool {
        self.drops.add_times(DropReason::OutputFull, self.tcp.take_overflowed());
        loop {
            self.give_up_undeliverable(now);
            if let Some(ready) = self.link.poll() {
                *frame = ready;
                return true;
            }
            let Some((pair, handling)) = self.tcp.poll_segment(now, frame) else {
                return false;
            };
            let IpAddr::V4(destination) = pair.remote.ip() else {
                self.drops.add(DropReason::NoRoute);
                continue;
            };
            let towards = handling.route.map_or(destination, |route| route.first());
            let Some(next_hop) = self.interface.next_hop(towards) else {
                self.drops.add(DropReason::NoRoute);
                continue;
            };
            write_headers_for(frame, &self.interface, destination, Protocol::TCP, handling);
            if let Some(route) = handling.route {
                send_along(frame, &route, destination);
            }
            match self.link.send(now, next_hop, frame, &mut self.drops) {
                Delivery::Now => return true,
                Delivery::Later => {}
            }
        }
    }

    /// When [`timeout`](Self::timeout) is to be called; possibly sooner than anything is really due. O(1).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.tcp.poll_timeout(), self.link.poll_timeout()].into_iter().flatten().min()
    }

    /// The next thing the user should hear.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.echo_replies.pop_front().or_else(|| self.tcp.poll_event())
    }

    /// The next change of a connection's state, if tracing is on.
    pub fn poll_transition(&mut self) -> Option<Transition> {
        self.tcp.poll_transition()
    }

    /// Switches tracing on or off (it is off). Of what nobody takes with [`poll_transition`](Self::poll_transition), the
    /// newest is kept.
    pub fn set_tracing(&mut self, on: bool) {
        self.tcp.set_tracing(on);
    }

    // ---- Getters -------------------------------------------------------------------------------------------------------

    /// Our IP address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.interface.address().into()
    }

    /// Time to live of what we send, in hops, where nobody has chosen another.
    #[must_use]
    pub fn ttl(&self) -> u8 {
        self.interface.ttl()
    }

    /// Our Ethernet address.
    #[must_use]
    pub fn mac(&self) -> MacAddr {
        self.interface.mac()
    }

    /// The state that a segment of this pair would meet: that of the connection, else LISTEN, else CLOSED.
    #[must_use]
    pub fn state(&self, pair: &Pair) -> State {
        self.tcp.state(pair)
    }

    /// The state of a connection, as long as there is anything of it.
    #[must_use]
    pub fn state_of(&self, id: ConnectionId) -> Option<State> {
        self.tcp.state_of(id)
    }

    /// All connections and their states, those that have ended and are not released included. O(n): for looking, not for
    /// driving.
    pub fn states(&self) -> impl Iterator<Item = (Pair, State)> + '_ {
        self.tcp.states()
    }

    /// How many connections there are: in any state, and those that have ended and are not released.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.tcp.len()
    }

    /// What was dropped before the table saw it, and how often.
    #[must_use]
    pub fn drops(&self) -> &Drops {
        &self.drops
    }

    /// The rules that have fired, and how often. They are counted one by one, and put together here.
    #[must_use]
    pub fn fired(&self) -> BTreeMap<RuleId, u64> {
        self.tcp.fired()
    }

    /// How many of the segments that arrived were expected ones, whose way through the table was known.
    #[must_use]
    pub fn predicted(&self) -> u64 {
        self.tcp.predicted()
    }

    /// All that decides what this stack will do, with times relative to `now` and without counters: two stacks with equal
    /// projections behave alike.
    #[must_use]
    pub fn project(&self, now: Instant) -> Projection {
        Projection::new(self.link.project(now), self.tcp.project(now))
    }

    fn open(
        &mut self,
        now: Instant,
        local: SocketAddr,
        remote: SocketAddr,
        settings: Option<Settings>,
        iss: Option<Seq>,
    ) -> Result<ConnectionId, OpenError> {
        let local = self.local(local)?;
        let IpAddr::V4(peer) = remote.ip() else {
            return Err(OpenError::BadRemote(remote));
        };
        if remote.port() == 0 || !self.interface.is_other_host(peer) {
            return Err(OpenError::BadRemote(remote));
        }
        if self.interface.next_hop(peer).is_none() {
            return Err(OpenError::NoRoute(remote));
        }
        self.tcp.connect(now, (local, remote), settings, iss)
    }

    fn next_hop(&self, peer: IpAddr) -> Option<std::net::Ipv4Addr> {
        match peer {
            IpAddr::V4(peer) => self.interface.next_hop(peer),
            IpAddr::V6(_) => None,
        }
    }

    /// A socket of ours: an unspecified address is our only one (RFC 9293 MUST-44).
    fn local(&self, local: SocketAddr) -> Result<SocketAddr, OpenError> {
        let ours: IpAddr = self.interface.address().into();
        if local.ip() == ours || (local.is_ipv4() && local.ip().is_unspecified()) {
            Ok(SocketAddr::new(ours, local.port()))
        } else {
            Err(OpenError::NotLocal(local))
        }
    }
}
