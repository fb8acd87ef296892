//! Bytes on the wire.
//!
//! Every format comes as a pair:
//!
//! - a *view* ([`EthernetFrame`], [`Ipv4Packet`], [`TcpSegment`]) borrows the received bytes, has checked them once when
//!   it was parsed, and reads a field without a copy;
//! - a *value* ([`EthernetHeader`], [`Ipv4Header`], [`TcpHeader`]) is plain data with public fields that emits itself.
//!
//! [`ArpPacket`] and [`Icmpv4Message`] are small enough to be both. Parsing is total: any bytes give a view or a
//! [`Malformed`], which is also the name under which the frame is dropped and counted. Emitting never allocates: headers
//! are written into room that the caller left in front of the payload, which is gathered there with one copy.
//!
//! Numbers are raw here: a sequence number is a `u32`, a window a `u16` not yet scaled. Nothing here knows a socket.
//!
//! ```
//! use lockstep::wire::{Checksum, EthernetFrame, EtherType, Ipv4Packet, Protocol, TcpSegment, Malformed};
//!
//! fn ports(frame: &[u8]) -> Result<Option<(u16, u16)>, Malformed> {
//!     let frame = EthernetFrame::parse(frame)?;
//!     if frame.ethertype() != EtherType::IPV4 {
//!         return Ok(None);
//!     }
//!     let packet = Ipv4Packet::parse(frame.payload(), Checksum::Verify)?;
//!     if packet.protocol() != Protocol::TCP {
//!         return Ok(None);
//!     }
//!     let segment = TcpSegment::parse(packet.payload(), packet.pseudo_header(), Checksum::Verify)?;
//!     Ok(Some((segment.source_port(), segment.destination_port())))
//! }
//! assert_eq!(ports(b"too short"), Err(Malformed::EthernetTruncated));
//! ```

pub mod arp;
pub mod checksum;
pub mod ethernet;
pub mod icmpv4;
pub mod ipv4;
pub mod source_route;
pub mod tcp;
pub mod tcp_options;

pub use arp::{ArpOperation, ArpPacket};
pub use checksum::{Checksum, PseudoHeader, Sum};
pub use ethernet::{EtherType, EthernetFrame, EthernetHeader, MacAddr};
pub use icmpv4::{Icmpv4Message, UnreachableCode};
pub use ipv4::{Ipv4Header, Ipv4Packet, Protocol};
pub use source_route::{SourceRoute, Way};
pub use tcp::{TcpFlags, TcpHeader, TcpQuote, TcpSegment};
pub use tcp_options::{IllegalOption, MAX_OPTIONS_LEN, OptionLayout, SackBlock, SackBlocks, TcpOptions, Timestamps};

use std::net::Ipv4Addr;

/// Why bytes are not what they claim to be. Each is a reason to drop the frame silently, and the name to count it under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Malformed {
    /// Fewer than 14 bytes.
    #[error("the frame is shorter than an Ethernet header")]
    EthernetTruncated,
    /// The field after the addresses is below 0x0600: the length of an IEEE 802.3 frame, which a host need not
    /// understand (RFC 1122 §2.3.3).
    #[error("the frame carries an IEEE 802.3 length where Ethernet II has its type")]
    EthernetLength,
    /// Fewer than 28 bytes.
    #[error("the ARP packet is shorter than 28 bytes")]
    ArpTruncated,
    /// Hardware type, protocol type or an address length is not that of Ethernet and IPv4.
    #[error("the ARP packet is not about IPv4 over Ethernet")]
    ArpNotIpv4OverEthernet,
    /// Neither 1 nor 2 (RFC 826).
    #[error("the ARP packet is neither a request nor a reply")]
    ArpOperation,
    /// Fewer bytes than the header or the total length promises.
    #[error("the IPv4 datagram is shorter than its header says")]
    Ipv4Truncated,
    /// The version field is not 4 (RFC 1122 §3.2.1.1).
    #[error("the version of the IPv4 datagram is not 4")]
    Ipv4Version,
    /// The header length (IHL) is below five words.
    #[error("the IPv4 header is said to be shorter than 20 bytes")]
    Ipv4HeaderLength,
    /// The total length is below the header length.
    #[error("the IPv4 datagram is said to be shorter than its header")]
    Ipv4TotalLength,
    /// The header does not sum to zero (RFC 1122 §3.2.1.2).
    #[error("the checksum of the IPv4 header is wrong")]
    Ipv4Checksum,
    /// A fragment without data, or one before the last whose length is not a multiple of eight (RFC 791 §3.2).
    #[error("the IPv4 fragment is empty, or not the last and not a multiple of eight bytes long")]
    Ipv4FragmentLength,
    /// The fragment ends after byte 65,535 of its datagram (the "ping of death").
    #[error("the IPv4 fragment ends beyond the longest datagram")]
    Ipv4FragmentEnd,
    /// Fewer than 8 bytes.
    #[error("the ICMP message is shorter than 8 bytes")]
    Icmpv4Truncated,
    /// The message does not sum to zero.
    #[error("the checksum of the ICMP message is wrong")]
    Icmpv4Checksum,
    /// Fewer bytes than the header, options included.
    #[error("the TCP segment is shorter than its header")]
    TcpTruncated,
    /// The data offset is below five words (RFC 9293 §3.1).
    #[error("the TCP header is said to be shorter than 20 bytes")]
    TcpDataOffset,
    /// The segment and its pseudo-header do not sum to zero (RFC 9293 §3.1, MUST-3).
    #[error("the checksum of the TCP segment is wrong")]
    TcpChecksum,
}

fn u16_at<const N: usize>(bytes: &[u8; N], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn ipv4_addr_at<const N: usize>(bytes: &[u8; N], at: usize) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32_at(bytes, at))
}

fn mac_addr_at<const N: usize>(bytes: &[u8; N], at: usize) -> MacAddr {
    let b = &bytes[at..at + 6];
    MacAddr([b[0], b[1], b[2], b[3], b[4], b[5]])
}

fn put<const N: usize>(buffer: &mut [u8], at: usize, bytes: [u8; N]) {
    buffer[at..at + N].copy_from_slice(&bytes);
}
