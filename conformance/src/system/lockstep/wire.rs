//! The peer's end of the link: frames around datagrams, and the answers that every neighbour owes. By a library that is
//! not Lockstep's own.

use std::net::IpAddr;

use ::lockstep::wire::MacAddr;
use etherparse::{ArpHardwareId, ArpOperation, ArpPacket, EtherType, Ethernet2Header};

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
    match Ethernet2Header::from_slice(frame) {
        Ok((ethernet, payload)) if ethernet.ether_type == EtherType::IPV4 => Arrived::Datagram(payload.to_vec()),
        Ok((ethernet, payload)) if ethernet.ether_type == EtherType::ARP => {
            answer(ethernet.source, payload, neighbour).map_or(Arrived::Nothing, Arrived::Question)
        }
        Ok(_) | Err(_) => Arrived::Nothing,
    }
}

/// A frame for the system.
pub(super) fn frame(system: MacAddr, datagram: &[u8]) -> Vec<u8> {
    let MacAddr(destination) = system;
    let header = Ethernet2Header { source: PEER_MAC, destination, ether_type: EtherType::IPV4 };
    [header.to_bytes().as_slice(), datagram].concat()
}

/// The answer to an ARP request (RFC 826) for the neighbour.
fn answer(asker: [u8; 6], packet: &[u8], neighbour: IpAddr) -> Option<Vec<u8>> {
    let question = ArpPacket::from_slice(packet).ok()?.try_eth_ipv4().ok()?;
    if question.operation != ArpOperation::REQUEST || IpAddr::from(question.target_ipv4) != neighbour {
        return None;
    }
    let answer = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        ArpOperation::REPLY,
        &PEER_MAC,
        &question.target_ipv4,
        &question.sender_mac,
        &question.sender_ipv4,
    )
    .ok()?;
    let header = Ethernet2Header { source: PEER_MAC, destination: asker, ether_type: EtherType::ARP };
    Some([header.to_bytes().as_slice(), answer.to_bytes().as_slice()].concat())
}
