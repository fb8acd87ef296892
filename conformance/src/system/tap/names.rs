//! Names on two sides: scripts know [`SYSTEM_ADDRESS`], [`PEER_ADDRESS`] and their ports, the link knows the target's.
//!
//! A datagram is not written anew but changed where names stand, and its checksums by as much (RFC 1624): what is wrong
//! with it stays wrong in the same way.

use std::net::Ipv4Addr;

use crate::run::{PEER_PORT, SYSTEM_PORT};
use crate::system::{PEER_ADDRESS, SYSTEM_ADDRESS};

/// Who is meant on the link.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    /// The address of the stack under test.
    pub(super) target: Ipv4Addr,
    /// The port of the service that plays the script's user.
    pub(super) service: u16,
    /// The tester's address.
    pub(super) tester: Ipv4Addr,
    /// The tester's port. A script's other ports are as far from it as from [`PEER_PORT`].
    pub(super) port: u16,
}

/// Where things stand in an IPv4 header (RFC 791 §3.1).
const IP_PROTOCOL: usize = 9;
const IP_CHECKSUM: usize = 10;
const IP_SOURCE: usize = 12;
const IP_DESTINATION: usize = 16;
const IP_HEADER: usize = 20;
const TCP: u8 = 6;

/// Where things stand in a TCP header (RFC 9293 §3.1).
const TCP_SOURCE: usize = 0;
const TCP_DESTINATION: usize = 2;
const TCP_CHECKSUM: usize = 16;
const TCP_HEADER: usize = 20;

impl Names {
    /// From a script to the link.
    pub(super) fn outwards(&self, datagram: &[u8]) -> Vec<u8> {
        let mut changed = Changed::new(datagram);
        changed.address(IP_SOURCE, self.tester);
        changed.address(IP_DESTINATION, self.target);
        changed.port(TCP_SOURCE, |port| port.wrapping_sub(PEER_PORT).wrapping_add(self.port));
        changed.port(TCP_DESTINATION, |port| if port == SYSTEM_PORT { self.service } else { port });
        changed.bytes
    }

    /// From the link to a script, if it is meant for us.
    pub(super) fn inwards(&self, datagram: &[u8]) -> Option<Vec<u8>> {
        let address = |at: usize| datagram.get(at..at + 4);
        let ours = address(IP_SOURCE)? == self.target.octets() && address(IP_DESTINATION)? == self.tester.octets();
        let mut changed = Changed::new(datagram);
        changed.address(IP_SOURCE, SYSTEM_ADDRESS);
        changed.address(IP_DESTINATION, PEER_ADDRESS);
        changed.port(TCP_SOURCE, |port| if port == self.service { SYSTEM_PORT } else { port });
        changed.port(TCP_DESTINATION, |port| port.wrapping_sub(self.port).wrapping_add(PEER_PORT));
        ours.then_some(changed.bytes)
    }
}

/// A datagram while it is changed.
struct Changed {
    bytes: Vec<u8>,
    /// Where its TCP header begins, if it has a whole one.
    tcp: Option<usize>,
}

impl Changed {
    fn new(datagram: &[u8]) -> Self {
        let tcp = datagram
            .first()
            .map(|first| usize::from(first & 0x0f) * 4)
            .filter(|tcp| *tcp >= IP_HEADER && datagram.len() >= tcp + TCP_HEADER && datagram[IP_PROTOCOL] == TCP);
        Self { bytes: datagram.to_vec(), tcp }
    }

    /// Puts an address there, which counts in both checksums (RFC 9293 §3.1: the pseudo-header).
    fn address(&mut self, at: usize, address: Ipv4Addr) {
        let [a, b, c, d] = address.octets();
        let sums = [Some(IP_CHECKSUM), self.tcp.map(|tcp| tcp + TCP_CHECKSUM)];
        self.word(at, u16::from_be_bytes([a, b]), sums);
        self.word(at + 2, u16::from_be_bytes([c, d]), sums);
    }

    fn port(&mut self, at: usize, other: impl Fn(u16) -> u16) {
        let Some(tcp) = self.tcp else { return };
        if let Some(port) = self.read(tcp + at) {
            self.word(tcp + at, other(port), [Some(tcp + TCP_CHECKSUM), None]);
        }
    }

    /// Puts a word there, and into the checksums what that changes (RFC 1624 §3, equation 3).
    fn word(&mut self, at: usize, new: u16, sums: [Option<usize>; 2]) {
        let Some(old) = self.read(at) else { return };
        for sum in sums.into_iter().flatten() {
            if let Some(before) = self.read(sum) {
                self.write(sum, !plus(plus(!before, !old), new));
            }
        }
        self.write(at, new);
    }

    fn read(&self, at: usize) -> Option<u16> {
        self.bytes.get(at..)?.first_chunk().copied().map(u16::from_be_bytes)
    }

    fn write(&mut self, at: usize, word: u16) {
        if let Some(place) = self.bytes.get_mut(at..at + 2) {
            place.copy_from_slice(&word.to_be_bytes());
        }
    }
}

/// The sum in one's complement.
fn plus(a: u16, b: u16) -> u16 {
    let (sum, carry) = a.overflowing_add(b);
    sum + u16::from(carry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::wire::{self, Ip, Segment};
    use crate::script::Flags;
    use etherparse::{Ipv4Header, TcpSlice};

    const NAMES: Names =
        Names { target: Ipv4Addr::new(10, 1, 2, 3), service: 9, tester: Ipv4Addr::new(10, 1, 2, 254), port: 65_530 };

    fn datagram() -> Vec<u8> {
        let segment = Segment {
            system_port: SYSTEM_PORT,
            peer_port: PEER_PORT + 7,
            flags: Flags::SYN,
            seq: 1,
            ack: 0,
            window: 3,
            urgent: 0,
            ip: Ip::default(),
            options: Vec::new(),
            text: b"odd".to_vec(),
        };
        wire::write(&segment).expect("it fits")
    }

    #[test]
    fn names_change_and_checksums_with_them() {
        let outside = NAMES.outwards(&datagram());
        let (ip, rest) = Ipv4Header::from_slice(&outside).expect("a header");
        let tcp = TcpSlice::from_slice(rest).expect("a segment");
        assert_eq!((Ipv4Addr::from(ip.source), Ipv4Addr::from(ip.destination)), (NAMES.tester, NAMES.target));
        assert_eq!((tcp.source_port(), tcp.destination_port()), (1, 9), "ports go round");
        assert_eq!(ip.header_checksum, ip.calc_header_checksum());
        assert_eq!(Ok(tcp.checksum()), tcp.calc_checksum_ipv4(ip.source, ip.destination));
    }

    #[test]
    fn what_is_wrong_stays_wrong() {
        let mut wrong = datagram();
        wrong[IP_HEADER + TCP_CHECKSUM] ^= 0x10;
        let outside = NAMES.outwards(&wrong);
        let (ip, rest) = Ipv4Header::from_slice(&outside).expect("a header");
        let tcp = TcpSlice::from_slice(rest).expect("a segment");
        assert_ne!(Ok(tcp.checksum()), tcp.calc_checksum_ipv4(ip.source, ip.destination));
        for length in 0..IP_HEADER + TCP_HEADER {
            assert_eq!(NAMES.outwards(&wrong[..length]).len(), length);
        }
    }

    /// What the target sends comes back by the names of a script, what anybody else sends does not.
    #[test]
    fn only_what_is_meant_for_the_tester_comes_back() {
        let mut answer = NAMES.outwards(&datagram());
        assert_eq!(NAMES.inwards(&answer), None);
        answer[IP_SOURCE..IP_HEADER].rotate_left(4);
        answer[IP_HEADER..IP_HEADER + 4].rotate_left(2);
        let inside = NAMES.inwards(&answer).expect("for us");
        let segment = wire::read(&inside).expect("a segment");
        assert_eq!((segment.system_port, segment.peer_port), (SYSTEM_PORT, PEER_PORT + 7));
    }
}
