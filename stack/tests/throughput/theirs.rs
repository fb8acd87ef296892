//! A host that runs smoltcp, with as many holes in its reassembly as it can be built with (32; 4 is its default). The rest is as
//! it comes: window scaling, SACK blocks sent (and not used), no timestamps, acknowledgments delayed by 10 ms.

use std::net::Ipv4Addr;

use lockstep::device::{Device, ETHERNET_HEADER};
use lockstep::time::{Instant, Micros};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::socket::tcp::{CongestionControl, Socket, SocketBuffer};
use smoltcp::time as their;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

use super::host::{Cable, Host, MTU, PORT};

/// How much a socket may keep, and how it minds the network.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    pub buffer: usize,
    pub control: CongestionControl,
}

pub struct Theirs {
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
    plug: Plug,
}

impl Theirs {
    /// The host with this number, which waits for the other to connect.
    pub fn server(number: u8, address: Ipv4Addr, habits: Habits, device: Cable) -> Self {
        let mut host = Self::new(number, address, habits, device);
        host.sockets.get_mut::<Socket>(host.socket).listen(PORT).unwrap();
        host
    }

    /// The host with this number, which connects to another.
    pub fn client(number: u8, address: Ipv4Addr, habits: Habits, device: Cable, server: Ipv4Addr) -> Self {
        let mut host = Self::new(number, address, habits, device);
        let socket = host.sockets.get_mut::<Socket>(host.socket);
        socket.connect(host.interface.context(), (IpAddress::from(server), PORT), 49_152).unwrap();
        host
    }

    fn new(number: u8, address: Ipv4Addr, habits: Habits, device: Cable) -> Self {
        let mut plug = Plug { device, moved: false };
        let mut config = Config::new(EthernetAddress([2, 0, 0, 0, 0, number]).into());
        config.random_seed = number.into();
        let mut interface = Interface::new(config, &mut plug, their::Instant::ZERO);
        interface.update_ip_addrs(|addresses| addresses.push(IpCidr::new(address.into(), 24)).unwrap());
        let buffer = || SocketBuffer::new(vec![0; habits.buffer]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.set_congestion_control(habits.control);
        let mut sockets = SocketSet::new(Vec::new());
        let socket = sockets.add(socket);
        Self { interface, sockets, socket, plug }
    }

    fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.socket)
    }
}

impl Host for Theirs {
    fn round(&mut self, now: Instant) -> bool {
        self.plug.moved = false;
        self.interface.poll(their_instant(now), &mut self.plug, &mut self.sockets);
        self.plug.moved
    }

    fn is_established(&mut self) -> bool {
        self.socket().may_send()
    }

    fn write(&mut self, _now: Instant, text: &[u8]) -> usize {
        self.socket().send_slice(text).unwrap_or(0)
    }

    fn read(&mut self, _now: Instant, buf: &mut [u8]) -> usize {
        self.socket().recv_slice(buf).unwrap_or(0)
    }

    fn close(&mut self, _now: Instant) {
        self.socket().close();
    }

    /// It may ask for a moment that has passed: the next one will do.
    fn wakes_at(&mut self, now: Instant) -> Option<Instant> {
        let asked = self.interface.poll_at(their_instant(now), &self.sockets);
        let asked = asked.map(|at| our_instant(at).max(now + Micros::new(1)));
        [asked, self.plug.device.poll_timeout()].into_iter().flatten().min()
    }
}

fn their_instant(now: Instant) -> their::Instant {
    their::Instant::from_micros(i64::try_from(now.as_micros()).unwrap())
}

fn our_instant(now: their::Instant) -> Instant {
    Instant::from_micros(u64::try_from(now.total_micros()).unwrap())
}

/// The cable as smoltcp likes it.
struct Plug {
    device: Cable,
    moved: bool,
}

struct Arrived(Vec<u8>);

struct Leaving<'a>(&'a mut Plug, Instant);

impl phy::Device for Plug {
    type RxToken<'a> = Arrived;
    type TxToken<'a> = Leaving<'a>;

    fn receive(&mut self, now: their::Instant) -> Option<(Arrived, Leaving<'_>)> {
        let now = our_instant(now);
        let mut frame = vec![0; MTU + ETHERNET_HEADER];
        let len = self.device.recv(now, &mut frame).unwrap()?;
        frame.truncate(len);
        self.moved = true;
        Some((Arrived(frame), Leaving(self, now)))
    }

    fn transmit(&mut self, now: their::Instant) -> Option<Leaving<'_>> {
        Some(Leaving(self, our_instant(now)))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MTU + ETHERNET_HEADER;
        capabilities
    }
}

impl phy::RxToken for Arrived {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

impl phy::TxToken for Leaving<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let mut frame = vec![0; len];
        let result = fill(&mut frame);
        self.0.device.send(self.1, &frame).unwrap();
        self.0.moved = true;
        result
    }
}
