//! A device whose other end is a file of this process, tun(4): datagrams or frames.
//!
//! What the tester sends is written to the file. What the kernel sends is read from it too, for the questions of ARP and
//! to keep its queue empty; but datagrams are taken from a packet socket on the device, because that knows when they
//! were sent, and a file does not.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Instant;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::packet::PacketSocket;
use super::route::{Message, attribute};
use super::{LOOPBACK, SYSTEM, SYSTEM_MAC, SYSTEM_NAME, TESTER_MAC};
use crate::system::linux::netlink::Netlink;
use crate::system::linux::{offload, sys};
use crate::system::{PEER_ADDRESS, arp};

/// The longest frame that the kernel hands out: no offload is agreed on.
const FRAME: usize = 1 << 16;

/// `struct tun_pi` before a datagram: no flags, IPv4. It says what the datagram is, whatever its first byte says.
const IPV4: [u8; 4] = {
    let [high, low] = sys::ETH_P_IP.to_be_bytes();
    [0, 0, high, low]
};

/// The device, and how it is seen.
pub(in crate::system::linux) struct Tunnel {
    pub(super) device: File,
    pub(super) packet: PacketSocket,
    /// Whether it takes frames of Ethernet.
    ethernet: bool,
    mtu: u16,
}

impl Tunnel {
    /// Makes the device in the network namespace of the calling thread, which must be new.
    pub(super) fn build(ethernet: bool, mtu: u16) -> io::Result<Self> {
        let device = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
        let kind = if ethernet { libc::IFF_TAP | libc::IFF_NO_PI } else { libc::IFF_TUN };
        sys::make_tunnel(&device, SYSTEM_NAME, kind, SYSTEM)?;
        let netlink = Netlink::open(netlink_sys::protocols::NETLINK_ROUTE)?;
        let mut attributes = vec![attribute(libc::IFLA_MTU, &u32::from(mtu).to_ne_bytes())];
        if ethernet {
            attributes.push(attribute(libc::IFLA_ADDRESS, &SYSTEM_MAC));
        }
        netlink.tell(Message::link(libc::RTM_NEWLINK, SYSTEM, false, &attributes), 0)?;
        offload::disable_segmentation(SYSTEM_NAME)?;
        netlink.tell(Message::address(SYSTEM), NLM_F_CREATE | NLM_F_EXCL)?;
        for index in [LOOPBACK, SYSTEM] {
            netlink.tell(Message::up(index), 0)?;
        }
        offload::wait_for_carrier(SYSTEM_NAME)?;
        Ok(Self { device, packet: PacketSocket::open_to_overhear(SYSTEM)?, ethernet, mtu })
    }

    /// Writes a datagram, as the kernel itself would not refuse one that is too long.
    pub(super) fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        if datagram.len() > usize::from(self.mtu) {
            return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
        }
        let frame = if self.ethernet {
            [&SYSTEM_MAC[..], &TESTER_MAC, &sys::ETH_P_IP.to_be_bytes(), datagram].concat()
        } else {
            [&IPV4[..], datagram].concat()
        };
        self.device.write_all(&frame)
    }

    /// The next datagram to the tester. Questions of ARP are answered before, so that what waits for an answer is seen.
    pub(super) fn recv(&mut self) -> io::Result<Option<(Instant, Vec<u8>)>> {
        self.drain()?;
        self.packet.recv()
    }

    /// Bounded by the device's queue, but for answers, of which each question has one.
    fn drain(&mut self) -> io::Result<()> {
        let mut frame = vec![0; FRAME];
        loop {
            let length = match self.device.read(&mut frame) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            if let Some(answer) = arp::answer(&frame[..length], TESTER_MAC, PEER_ADDRESS).filter(|_| self.ethernet) {
                self.device.write_all(&answer)?;
            }
        }
    }
}
