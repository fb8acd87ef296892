//! The tester's end of the link: a packet socket on the interface, with an address and a hardware address that are not
//! the kernel's, so that the kernel neither answers for the tester nor resets his connections.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use etherparse::{ArpHardwareId, ArpOperation, ArpPacket, EtherType, Ethernet2Header};

use super::TapTarget;
use crate::system::linux::sys;

/// The tester's hardware address, a locally administered one.
const TESTER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0xfe];

const BROADCAST: [u8; 6] = [0xff; 6];

/// The longest frame that is looked at.
const FRAME: usize = 65_535 + Ethernet2Header::LEN;

/// How long to wait for an answer to the question who has an address, and how often to ask.
const ASK_FOR: Duration = Duration::from_millis(500);
const ASK_TIMES: u32 = 4;

/// Every protocol (`ETH_P_ALL`).
const EVERYTHING: u16 = 3;

/// The interface, as the tester uses it.
pub(super) struct Wire {
    fd: OwnedFd,
    tester: Ipv4Addr,
    target: Ipv4Addr,
    target_mac: [u8; 6],
    buffer: Vec<u8>,
}

impl Wire {
    /// Opens the interface, and finds the target there.
    pub(super) fn open(target: &TapTarget) -> io::Result<Self> {
        let TapTarget { interface, address, tester, .. } = target;
        let named = |error: io::Error| io::Error::new(error.kind(), format!("interface {interface}: {error}"));
        let index = sys::interface_index(interface).map_err(named)?;
        if UdpSocket::bind((*tester, 0)).is_ok() {
            let taken = format!("the tester's address {tester} is this machine's own: give him another after an @");
            return Err(io::Error::other(taken));
        }
        let fd = sys::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_NONBLOCK, 0)?;
        sys::bind(&fd, &sys::sockaddr_ll(index, EVERYTHING, [0; 6])).map_err(named)?;
        // A real interface hears what is for another hardware address only if it listens to everything.
        sys::set_option(&fd, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &promiscuous(index))?;
        let mut wire = Self { fd, tester: *tester, target: *address, target_mac: BROADCAST, buffer: vec![0; FRAME] };
        wire.find_target()?;
        Ok(wire)
    }

    /// Sends a datagram to the target.
    pub(super) fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.send_frame(self.target_mac, EtherType::IPV4, datagram)
    }

    /// The next datagram from the target's hardware address, if one is there. Answers for the tester on the way.
    pub(super) fn recv(&mut self) -> io::Result<Option<Vec<u8>>> {
        // Bounded by the queue of the socket: what is skipped is not seen twice.
        while let Some((ethernet, payload)) = self.recv_frame()? {
            if ethernet.ether_type == EtherType::ARP {
                self.answer(&payload)?;
            } else if ethernet.ether_type == EtherType::IPV4 && ethernet.source == self.target_mac {
                return Ok(Some(payload));
            }
        }
        Ok(None)
    }

    /// Waits until something has arrived, or until the time is over.
    pub(super) fn wait(&self, time: Duration) -> io::Result<()> {
        let mut events = [libc::pollfd { fd: self.fd.as_raw_fd(), events: libc::POLLIN, revents: 0 }];
        match sys::poll(&mut events, time) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result,
        }
    }

    /// Asks for the target's hardware address (RFC 826).
    fn find_target(&mut self) -> io::Result<()> {
        for _ in 0..ASK_TIMES {
            self.send_arp(ArpOperation::REQUEST, BROADCAST, [0; 6], self.target)?;
            let until = Instant::now() + ASK_FOR;
            while let Some(rest) = until.checked_duration_since(Instant::now()) {
                let Some((ethernet, payload)) = self.recv_frame()? else {
                    self.wait(rest)?;
                    continue;
                };
                let from_target = ethernet.ether_type == EtherType::ARP
                    && arp(&payload).is_some_and(|heard| heard.sender_ipv4 == self.target.octets());
                if from_target && ethernet.source != TESTER_MAC {
                    self.target_mac = ethernet.source;
                    return Ok(());
                }
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("nobody there answers for the address {}", self.target)))
    }

    /// Answers the question who has the tester's address. The kernel does not, for it has another.
    fn answer(&self, payload: &[u8]) -> io::Result<()> {
        match arp(payload) {
            Some(asked) if asked.operation == ArpOperation::REQUEST && asked.target_ipv4 == self.tester.octets() => {
                self.send_arp(ArpOperation::REPLY, asked.sender_mac, asked.sender_mac, asked.sender_ipv4.into())
            }
            Some(_) | None => Ok(()),
        }
    }

    fn send_arp(&self, operation: ArpOperation, to: [u8; 6], about: [u8; 6], address: Ipv4Addr) -> io::Result<()> {
        let (hardware, protocol) = (ArpHardwareId::ETHERNET, EtherType::IPV4);
        let (tester, address) = (self.tester.octets(), address.octets());
        let packet = ArpPacket::new(hardware, protocol, operation, &TESTER_MAC, &tester, &about, &address)
            .map_err(io::Error::other)?;
        self.send_frame(to, EtherType::ARP, &packet.to_bytes())
    }

    fn send_frame(&self, destination: [u8; 6], ether_type: EtherType, payload: &[u8]) -> io::Result<()> {
        let header = Ethernet2Header { source: TESTER_MAC, destination, ether_type };
        sys::send(&self.fd, &[header.to_bytes().as_slice(), payload].concat(), 0).map(drop)
    }

    /// The next frame that another has sent.
    fn recv_frame(&mut self) -> io::Result<Option<(Ethernet2Header, Vec<u8>)>> {
        loop {
            let length = match sys::recv(&self.fd, &mut self.buffer, 0) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            };
            match Ethernet2Header::from_slice(&self.buffer[..length]) {
                Ok((ethernet, payload)) if ethernet.source != TESTER_MAC => {
                    return Ok(Some((ethernet, payload.to_vec())));
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
}

fn arp(payload: &[u8]) -> Option<etherparse::ArpEthIpv4Packet> {
    ArpPacket::from_slice(payload).ok()?.try_eth_ipv4().ok()
}

/// `struct packet_mreq`: device, what (`PACKET_MR_PROMISC`), and an address that says nothing.
fn promiscuous(index: i32) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[0..4].copy_from_slice(&index.to_ne_bytes());
    bytes[4..6].copy_from_slice(&1u16.to_ne_bytes());
    bytes
}
