//! The Internet layer: which datagrams are ours, where others go, and what ICMP says.

pub mod icmp;
mod interface;
pub mod pmtu;
mod route;

pub use icmp::Undelivered;
pub use interface::Interface;
pub(crate) use route::send_along;

use crate::wire::{EtherType, EthernetHeader, Ipv4Header, MacAddr, Protocol, SourceRoute, ethernet, ipv4};
use std::net::Ipv4Addr;

/// Octets before the payload of a datagram in a frame of ours: Ethernet and IPv4 without options.
pub const HEADROOM: usize = ethernet::HEADER_LEN + ipv4::HEADER_LEN;

/// How a datagram is to be handled on its way, where it is not to be handled like any other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Handling {
    /// Time to live in hops, if not that of the interface (RFC 9293 MUST-49).
    pub ttl: Option<u8>,
    /// The octet of differentiated services and congestion notification (RFC 2474, RFC 3168; RFC 9293 MUST-48).
    pub dscp_ecn: u8,
    /// The hosts it is to pass before its destination (RFC 9293 MUST-51).
    pub route: Option<SourceRoute>,
}

/// Writes both headers in front of the payload of a datagram that is handled like any other; see
/// [`write_headers_for`].
pub fn write_headers(frame: &mut [u8], interface: &Interface, destination: Ipv4Addr, protocol: Protocol) {
    write_headers_for(frame, interface, destination, protocol, Handling::default());
}

/// Writes both headers in front of the payload, which begins at [`HEADROOM`] in `frame`. The Ethernet destination is
/// left open: it is for the link to find.
///
/// Datagrams are never fragmented and say so, so that their identification means nothing and is zero (RFC 6864 §4.1): a
/// counter would tell others how much we send.
pub fn write_headers_for(
    frame: &mut [u8],
    interface: &Interface,
    destination: Ipv4Addr,
    protocol: Protocol,
    handling: Handling,
) {
    let payload_len = frame.len() - HEADROOM;
    let header = Ipv4Header {
        dscp_ecn: handling.dscp_ecn,
        identification: 0,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl: handling.ttl.unwrap_or(interface.ttl()),
        protocol,
        source: interface.address(),
        destination,
        payload_len: u16::try_from(payload_len).unwrap_or(ipv4::MAX_PAYLOAD_LEN),
    };
    let ethernet = EthernetHeader { destination: MacAddr::ZERO, source: interface.mac(), ethertype: EtherType::IPV4 };
    let at = ethernet.emit(frame);
    header.emit(&mut frame[at..]);
}
