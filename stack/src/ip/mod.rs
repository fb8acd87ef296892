//! The Internet layer: which datagrams are ours, where others go, and what ICMP says.

pub mod icmp;
mod interface;
pub mod pmtu;

pub use icmp::Undelivered;
pub use interface::Interface;

use crate::wire::{EtherType, EthernetHeader, Ipv4Header, MacAddr, Protocol, ethernet, ipv4};
use std::net::Ipv4Addr;

/// Octets before the payload of a datagram in a frame of ours: Ethernet and IPv4 without options.
pub const HEADROOM: usize = ethernet::HEADER_LEN + ipv4::HEADER_LEN;

/// Writes both headers in front of the payload, which begins at [`HEADROOM`] in `frame`. The Ethernet destination is
/// left open: it is for the link to find.
///
/// Datagrams are never fragmented and say so, so that their identification means nothing and is zero (RFC 6864 §4.1): a
/// counter would tell others how much we send.
pub fn write_headers(frame: &mut [u8], interface: &Interface, destination: Ipv4Addr, protocol: Protocol) {
    let payload_len = frame.len() - HEADROOM;
    let header = Ipv4Header {
        dscp_ecn: 0,
        identification: 0,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl: interface.ttl(),
        protocol,
        source: interface.address(),
        destination,
        payload_len: u16::try_from(payload_len).unwrap_or(ipv4::MAX_PAYLOAD_LEN),
    };
    let ethernet = EthernetHeader { destination: MacAddr::ZERO, source: interface.mac(), ethertype: EtherType::IPV4 };
    let at = ethernet.emit(frame);
    header.emit(&mut frame[at..]);
}
