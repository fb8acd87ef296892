//! Datagrams that are wrong on purpose.

use etherparse::{IpNumber, Ipv4Header, checksum::Sum16BitWords};

use super::{Ip, Unwritable, ip};
use crate::script::Spoil;
use crate::system::{PEER_ADDRESS, SYSTEM_ADDRESS};

/// Where in a TCP header its parts lie.
const SOURCE: usize = 0;
const DESTINATION: usize = 2;
const OFFSET: usize = 12;
const CHECKSUM: usize = 16;

/// Does to a segment from the peer to the system what is asked for, and leaves all else right.
///
/// # Errors
///
/// [`Unwritable`] never, for what was written once fits again.
pub fn spoil(datagram: &[u8], ip: Ip, how: &[Spoil]) -> Result<Vec<u8>, Unwritable> {
    let mut segment = Ipv4Header::from_slice(datagram).map_or(&[][..], |(_, rest)| rest).to_vec();
    for spoil in how {
        match spoil {
            Spoil::DataOffset(words) => change(&mut segment, OFFSET, |octet| octet & 0x0f | words << 4),
            Spoil::Reserved(bits) => change(&mut segment, OFFSET, |octet| octet & 0xf1 | (bits & 0b111) << 1),
            Spoil::Cut(octets) => segment.truncate(segment.len().saturating_sub(usize::from(*octets))),
            Spoil::Checksum => {}
        }
    }
    put(&mut segment, CHECKSUM, [0, 0]);
    let mut sum = checksum(&segment);
    if how.contains(&Spoil::Checksum) {
        sum = sum.map(|octet| !octet);
    }
    put(&mut segment, CHECKSUM, sum);
    ip::enclose(ip, IpNumber::TCP, PEER_ADDRESS, SYSTEM_ADDRESS, &segment)
}

/// The datagram from the peer to the system that carries these octets as a segment. Ports of 0 become these, a checksum
/// of 0 the right one.
///
/// # Errors
///
/// [`Unwritable`] if there are too many octets.
pub fn complete(octets: &[u8], peer_port: u16, system_port: u16) -> Result<Vec<u8>, Unwritable> {
    let mut segment = octets.to_vec();
    for (place, port) in [(SOURCE, peer_port), (DESTINATION, system_port)] {
        if segment.get(place..place + 2) == Some(&[0, 0]) {
            put(&mut segment, place, port.to_be_bytes());
        }
    }
    if segment.get(CHECKSUM..CHECKSUM + 2) == Some(&[0, 0]) {
        let sum = checksum(&segment);
        put(&mut segment, CHECKSUM, sum);
    }
    ip::enclose(Ip::default(), IpNumber::TCP, PEER_ADDRESS, SYSTEM_ADDRESS, &segment)
}

/// The checksum of a segment in which it is zero (RFC 9293 §3.1), in network order.
fn checksum(segment: &[u8]) -> [u8; 2] {
    let mut sum = Sum16BitWords::new();
    sum = sum.add_4bytes(PEER_ADDRESS.octets());
    sum = sum.add_4bytes(SYSTEM_ADDRESS.octets());
    let length = u16::try_from(segment.len()).unwrap_or(u16::MAX);
    sum.add_2bytes([0, IpNumber::TCP.0])
        .add_2bytes(length.to_be_bytes())
        .add_slice(segment)
        .ones_complement()
        .to_ne_bytes()
}

fn put(segment: &mut [u8], place: usize, octets: [u8; 2]) {
    if let Some(there) = segment.get_mut(place..place + 2) {
        there.copy_from_slice(&octets);
    }
}

fn change(segment: &mut [u8], place: usize, to: impl Fn(u8) -> u8) {
    if let Some(octet) = segment.get_mut(place) {
        *octet = to(*octet);
    }
}
