//! The peer's end of the link: frames around datagrams, and the answers that every neighbour owes. By a library that is
//! not Lockstep's own.

use std::net::IpAddr;

use ::lockstep::wire::MacAddr;
use etherparse::{EtherType, Ethernet2Header};

use crate::system::arp;

/// The peer's Ethernet address, a locally administered one.
const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// What the system sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrived {
    /// A datagram for the peer.
    Datagram(Vec<u8>),
    /// It asks for the peer's Ethernet address. This frame is the answer.
    Question(Vec<u8>),
    /// Nothing that concerns the peer.
    Nothing,
}

/// What a frame of the system means to its only neighbour.
pub(super) fn arrived(frame: &[u8], neighbour: IpAddr) -> Arrived {
    match (Ethernet2Header::from_slice(frame), neighbour) {
        (Ok((ethernet, payload)), _) if ethernet.ether_type == EtherType::IPV4 => Arrived::Datagram(payload.to_vec()),
        (Ok(_), IpAddr::V4(neighbour)) => {
            arp::answer(frame, PEER_MAC, neighbour).map_or(Arrived::Nothing, Arrived::Question)
        }
        (Ok(_) | Err(_), _) => Arrived::Nothing,
    }
}

/// A frame for the system.
pub(super) fn frame(system: MacAddr, datagram: &[u8]) -> Vec<u8> {
    let MacAddr(destination) = system;
    let header = Ethernet2Header { source: PEER_MAC, destination, ether_type: EtherType::IPV4 };
    [header.to_bytes().as_slice(), datagram].concat()
}
