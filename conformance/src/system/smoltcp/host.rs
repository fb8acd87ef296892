//! A host with nothing but smoltcp: one interface, its sockets, and the time.

use std::cell::Cell;
use std::net::SocketAddrV4;
use std::time::Duration;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{self, CongestionControl, ConnectError, State};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint, IpListenEndpoint};

use super::device::Link;
use crate::system::{FourTuple, SYSTEM_ADDRESS};

/// Runs are to be repeated: initial sequence numbers follow from this.
const SEED: u64 = 0x10c6_57e9;

/// As many octets as smoltcp's own examples give each buffer: the most that a window without scaling can tell.
const BUFFER: usize = 65_535;

/// For how long an ACK of text may wait for more: smoltcp's `ACK_DELAY_DEFAULT`.
const ACK_DELAY: smoltcp::time::Duration = smoltcp::time::Duration::from_millis(10);

thread_local! {
    /// The clock of timestamps in milliseconds. smoltcp asks a plain function for it, which can know no host.
    static TIMESTAMP: Cell<u32> = const { Cell::new(0) };
}

/// What the user chose for a socket, or the one that becomes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) receive_buffer: usize,
    pub(super) send_buffer: usize,
    pub(super) nagle: bool,
    /// An ACK of text may wait for more.
    pub(super) delayed_ack: bool,
    pub(super) keep_alive: Option<Duration>,
    pub(super) user_timeout: Option<Duration>,
}

impl Default for Settings {
    /// smoltcp's own, but for the congestion control: without one it should meet no network.
    fn default() -> Self {
        Self {
            receive_buffer: BUFFER,
            send_buffer: BUFFER,
            nagle: true,
            delayed_ack: true,
            keep_alive: None,
            user_timeout: None,
        }
    }
}

/// The host.
pub(super) struct Host {
    interface: Interface,
    pub(super) link: Link,
    sockets: SocketSet<'static>,
    now: Duration,
    timestamps: bool,
}

impl Host {
    /// A host on a link with this MTU.
    pub(super) fn new(mtu: u16) -> Self {
        let mut link = Link::new(mtu);
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = SEED;
        let mut interface = Interface::new(config, &mut link, Instant::ZERO);
        // It has room for one address at least.
        interface.update_ip_addrs(|addresses| {
            let _ = addresses.push(IpCidr::new(IpAddress::Ipv4(SYSTEM_ADDRESS), 24));
        });
        Self { interface, link, sockets: SocketSet::new(Vec::new()), now: Duration::ZERO, timestamps: false }
    }

    /// Whether new connections offer timestamps, and take an offer.
    pub(super) fn set_timestamps(&mut self, on: bool) {
        self.timestamps = on;
    }

    /// Lets it do at `now` all that there is to do.
    pub(super) fn poll(&mut self, now: Duration) {
        self.now = now;
        TIMESTAMP.set(timestamp(now));
        self.interface.poll(instant(now), &mut self.link, &mut self.sockets);
    }

    /// When it has something to do next.
    pub(super) fn poll_at(&mut self) -> Option<Duration> {
        self.interface.poll_at(instant(self.now), &self.sockets).map(duration)
    }

    /// A new socket. They are never removed, so that the connections of a port have their places before those that
    /// listen on it: smoltcp gives a segment to the first that takes it.
    pub(super) fn socket(&mut self, settings: &Settings) -> SocketHandle {
        let buffer = |octets: usize| tcp::SocketBuffer::new(vec![0; octets]);
        let mut socket = tcp::Socket::new(buffer(settings.receive_buffer), buffer(settings.send_buffer));
        socket.set_congestion_control(CongestionControl::Reno);
        if self.timestamps {
            socket.set_tsval_generator(Some(|| TIMESTAMP.get()));
        }
        apply(settings, &mut socket);
        self.sockets.add(socket)
    }

    /// The socket with this handle.
    pub(super) fn get(&mut self, handle: SocketHandle) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    /// Changes what can still be changed of a socket.
    pub(super) fn apply(&mut self, settings: &Settings, handle: SocketHandle) {
        apply(settings, self.get(handle));
    }

    /// Begins an active open.
    pub(super) fn connect(
        &mut self,
        handle: SocketHandle,
        remote: SocketAddrV4,
        port: u16,
    ) -> Result<(), ConnectError> {
        let local = IpListenEndpoint { addr: Some(IpAddress::Ipv4(SYSTEM_ADDRESS)), port };
        let socket = self.sockets.get_mut::<tcp::Socket>(handle);
        socket.connect(self.interface.context(), endpoint(remote), local)
    }

    /// The state a segment of this connection would meet.
    pub(super) fn state(&self, connection: FourTuple) -> State {
        let ours = (Some(endpoint(connection.local)), Some(endpoint(connection.remote)));
        let sockets = || self.sockets.iter().map(|(_, smoltcp::socket::Socket::Tcp(socket))| socket);
        let is_live = |socket: &&tcp::Socket| socket.state() != State::Closed;
        let listens = |socket: &&tcp::Socket| {
            socket.state() == State::Listen && socket.listen_endpoint().port == connection.local.port()
        };
        sockets()
            .filter(is_live)
            .find(|socket| (socket.local_endpoint(), socket.remote_endpoint()) == ours)
            .or_else(|| sockets().find(listens))
            .map_or(State::Closed, tcp::Socket::state)
    }
}

fn apply(settings: &Settings, socket: &mut tcp::Socket) {
    let smoltcps = |time: Duration| smoltcp::time::Duration::from_micros(micros(time));
    socket.set_nagle_enabled(settings.nagle);
    socket.set_ack_delay(settings.delayed_ack.then_some(ACK_DELAY));
    socket.set_keep_alive(settings.keep_alive.map(smoltcps));
    socket.set_timeout(settings.user_timeout.map(smoltcps));
}

fn endpoint(address: SocketAddrV4) -> IpEndpoint {
    IpEndpoint::new(IpAddress::Ipv4(*address.ip()), address.port())
}

/// smoltcp counts microseconds.
fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn instant(time: Duration) -> Instant {
    Instant::from_micros(i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
}

fn duration(instant: Instant) -> Duration {
    Duration::from_micros(u64::try_from(instant.total_micros()).unwrap_or(0))
}

/// Goes round after 49 days.
fn timestamp(now: Duration) -> u32 {
    u32::try_from(now.as_millis() % (1 << 32)).unwrap_or(0)
}
