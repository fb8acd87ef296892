//! Segments as bytes, by a library that is not Lockstep's own: what a system says is read, and what it hears written,
//! independently of the code under test.

pub mod icmp;
mod ip;
mod options;
mod raw;

use std::net::Ipv4Addr;

use etherparse::{IpNumber, TcpHeader, TcpSlice};

pub use ip::Ip;
pub use raw::{complete, spoil};

use crate::script::{Flags, TcpOption};
use crate::system::{PEER_ADDRESS, SYSTEM_ADDRESS};

/// A TCP segment, with the numbers on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What its IP header says besides.
    pub ip: Ip,
    /// The port of the system under test.
    pub system_port: u16,
    /// The port of its peer.
    pub peer_port: u16,
    /// The flags.
    pub flags: Flags,
    /// The sequence number.
    pub seq: u32,
    /// The acknowledgment number, whether or not the flag is set.
    pub ack: u32,
    /// The window as in the header, unscaled.
    pub window: u16,
    /// The urgent pointer, whether or not the flag is set.
    pub urgent: u16,
    /// The options in their order. What follows the end of the list is padding.
    pub options: Vec<TcpOption>,
    /// The text.
    pub text: Vec<u8>,
}

impl Segment {
    /// Its length in sequence space.
    pub(super) fn length(&self) -> u32 {
        let controls = [Flags::SYN, Flags::FIN].into_iter().filter(|flag| self.flags.contains(*flag)).count();
        u32::try_from(self.text.len() + controls).unwrap_or(u32::MAX)
    }
}

/// Why a segment cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// More than 40 octets of options.
    #[error("its options do not fit into a TCP header")]
    Options,
    /// More than an IPv4 datagram holds.
    #[error("it does not fit into an IPv4 datagram")]
    Length,
}

/// Why a datagram of the system is no proper segment to its peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not IPv4, or one whose lengths contradict each other.
    #[error("a malformed IPv4 datagram: {0}")]
    Ip(String),
    /// The checksum of the IPv4 header.
    #[error("an IPv4 header with a wrong checksum")]
    IpChecksum,
    /// Not between the two.
    #[error("a datagram from {from} to {to}")]
    Addresses {
        /// Its source.
        from: Ipv4Addr,
        /// Its destination.
        to: Ipv4Addr,
    },
    /// One piece of a datagram.
    #[error("a fragment")]
    Fragment,
    /// Neither TCP nor ICMP, or not the one that it should be.
    #[error("a datagram of protocol {0}")]
    Protocol(u8),
    /// A malformed header.
    #[error("a malformed TCP segment: {0}")]
    Tcp(String),
    /// The checksum of the segment (RFC 9293 §3.1, MUST-2).
    #[error("a TCP segment with a wrong checksum")]
    TcpChecksum,
    /// An option whose length is wrong.
    #[error("a TCP segment with an option of kind {0} that cannot be read")]
    Option(u8),
    /// A malformed ICMP message.
    #[error("a malformed ICMP message: {0}")]
    Icmp(String),
    /// The checksum of an ICMP message.
    #[error("an ICMP message with a wrong checksum")]
    IcmpChecksum,
}

/// Writes a segment from the peer to the system as an IPv4 datagram, with both checksums.
///
/// # Errors
///
/// [`Unwritable`] if it is too long.
pub fn write(segment: &Segment) -> Result<Vec<u8>, Unwritable> {
    write_between(segment, (PEER_ADDRESS, segment.peer_port), (SYSTEM_ADDRESS, segment.system_port))
}

/// Writes a segment as the system itself would send it.
///
/// # Errors
///
/// As [`write()`].
pub fn write_sent(segment: &Segment) -> Result<Vec<u8>, Unwritable> {
    write_between(segment, (SYSTEM_ADDRESS, segment.system_port), (PEER_ADDRESS, segment.peer_port))
}

fn write_between(
    segment: &Segment,
    (source, source_port): (Ipv4Addr, u16),
    (destination, destination_port): (Ipv4Addr, u16),
) -> Result<Vec<u8>, Unwritable> {
    let mut tcp = TcpHeader::new(source_port, destination_port, segment.seq, segment.window);
    let has = |flag| segment.flags.contains(flag);
    (tcp.fin, tcp.syn, tcp.rst, tcp.psh) = (has(Flags::FIN), has(Flags::SYN), has(Flags::RST), has(Flags::PSH));
    (tcp.ack, tcp.urg, tcp.ece, tcp.cwr) = (has(Flags::ACK), has(Flags::URG), has(Flags::ECE), has(Flags::CWR));
    tcp.ns = has(Flags::AE);
    tcp.acknowledgment_number = segment.ack;
    tcp.urgent_pointer = segment.urgent;
    tcp.set_options_raw(&options::write(&segment.options)?).map_err(|_| Unwritable::Options)?;
    tcp.checksum = tcp
        .calc_checksum_ipv4_raw(source.octets(), destination.octets(), &segment.text)
        .map_err(|_| Unwritable::Length)?;
    let payload = [tcp.to_bytes().as_slice(), &segment.text].concat();
    ip::enclose(segment.ip, IpNumber::TCP, source, destination, &payload)
}

/// Reads an IPv4 datagram from the system to its peer.
///
/// # Errors
///
/// [`Unreadable`] if it is anything but one whole, well-formed TCP segment with right checksums.
pub fn read(datagram: &[u8]) -> Result<Segment, Unreadable> {
    read_between(datagram, SYSTEM_ADDRESS, PEER_ADDRESS)
}

/// Reads an IPv4 datagram from the peer to the system.
///
/// # Errors
///
/// As [`read`].
pub fn read_injected(datagram: &[u8]) -> Result<Segment, Unreadable> {
    let segment = read_between(datagram, PEER_ADDRESS, SYSTEM_ADDRESS)?;
    Ok(Segment { system_port: segment.peer_port, peer_port: segment.system_port, ..segment })
}

/// Reads an IPv4 datagram between two addresses, as if the first were the system's.
fn read_between(datagram: &[u8], source: Ipv4Addr, destination: Ipv4Addr) -> Result<Segment, Unreadable> {
    let (ip, payload) = ip::open(datagram, IpNumber::TCP, source, destination)?;
    let tcp = TcpSlice::from_slice(payload).map_err(|error| Unreadable::Tcp(error.to_string()))?;
    if tcp.calc_checksum_ipv4(source.octets(), destination.octets()) != Ok(tcp.checksum()) {
        return Err(Unreadable::TcpChecksum);
    }
    Ok(Segment { ip, options: options::read(tcp.options())?, ..bare(&tcp) })
}

/// All that a segment says beside its options, as if its sender were the system.
pub(crate) fn bare(tcp: &TcpSlice<'_>) -> Segment {
    Segment {
        ip: Ip::default(),
        system_port: tcp.source_port(),
        peer_port: tcp.destination_port(),
        flags: Flags::from_bits(u16::from_be_bytes([tcp.slice()[12], tcp.slice()[13]])),
        seq: tcp.sequence_number(),
        ack: tcp.acknowledgment_number(),
        window: tcp.window_size(),
        urgent: tcp.urgent_pointer(),
        options: Vec::new(),
        text: tcp.payload().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment() -> Segment {
        Segment {
            ip: Ip { ttl: 7, tos: 0b1010_0010 },
            system_port: 8080,
            peer_port: 40_000,
            flags: Flags::SYN.with(Flags::ACK).with(Flags::AE),
            seq: 1,
            ack: 2,
            window: 3,
            urgent: 4,
            options: vec![
                TcpOption::MaximumSegmentSize(1460),
                TcpOption::NoOperation,
                TcpOption::WindowScale(7),
                TcpOption::SackPermitted,
                TcpOption::Sack(vec![(1, 2)]),
                TcpOption::Timestamps { val: 1, ecr: 2 },
                // To the end of a word: padding is read as well.
                TcpOption::EndOfList,
                TcpOption::EndOfList,
            ],
            text: b"text".to_vec(),
        }
    }

    /// The same datagram, as if the system had sent it.
    fn reflected(datagram: &[u8]) -> Vec<u8> {
        let mut bytes = datagram.to_vec();
        // Swapping words changes no checksum.
        bytes[12..20].rotate_left(4);
        bytes[20..24].rotate_left(2);
        bytes
    }

    #[test]
    fn reading_is_the_reverse_of_writing() {
        let bytes = write(&segment()).expect("it fits");
        assert_eq!(read_injected(&bytes), Ok(segment()));
        assert_eq!(read(&reflected(&bytes)), Ok(segment()));
    }

    #[test]
    fn every_octet_of_a_segment_is_guarded() {
        let bytes = reflected(&write(&segment()).expect("it fits"));
        // All but the length of the datagram, which may well be greater than that of the link's frame.
        for place in (0..2).chain(4..bytes.len()) {
            let mut broken = bytes.clone();
            broken[place] ^= 0x10;
            assert!(read(&broken).is_err(), "octet {place}");
        }
    }

    #[test]
    fn too_much_is_not_written() {
        let options = vec![TcpOption::Timestamps { val: 0, ecr: 0 }; 5];
        assert_eq!(write(&Segment { options, ..segment() }), Err(Unwritable::Options));
        assert_eq!(write(&Segment { text: vec![0; 65_536], ..segment() }), Err(Unwritable::Length));
    }
}
