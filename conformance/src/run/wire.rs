//! Segments as bytes, by a library that is not Lockstep's own: what a system says is read, and what it hears written,
//! independently of the code under test.

use std::net::Ipv4Addr;

use etherparse::{IpNumber, Ipv4Header, TcpHeader, TcpSlice};

use crate::script::{Flags, TcpOption};
use crate::system::{PEER_ADDRESS, SYSTEM_ADDRESS};

/// A TCP segment, with the numbers on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
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
    /// More text than an IPv4 datagram holds.
    #[error("its text does not fit into an IPv4 datagram")]
    Text,
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
    /// Not TCP.
    #[error("a datagram of protocol {0}, which is not TCP")]
    Protocol(u8),
    /// A malformed header.
    #[error("a malformed TCP segment: {0}")]
    Tcp(String),
    /// The checksum of the segment (RFC 9293 §3.1, MUST-2).
    #[error("a TCP segment with a wrong checksum")]
    TcpChecksum,
    /// An option whose length is wrong, or that no script can name.
    #[error("a TCP segment with an option of kind {0} that cannot be read")]
    Option(u8),
}

/// Writes a segment from the peer to the system as an IPv4 datagram, with both checksums.
///
/// # Errors
///
/// [`Unwritable`] if it is too long.
pub fn write(segment: &Segment) -> Result<Vec<u8>, Unwritable> {
    let mut tcp = TcpHeader::new(segment.peer_port, segment.system_port, segment.seq, segment.window);
    let has = |flag| segment.flags.contains(flag);
    (tcp.fin, tcp.syn, tcp.rst, tcp.psh) = (has(Flags::FIN), has(Flags::SYN), has(Flags::RST), has(Flags::PSH));
    (tcp.ack, tcp.urg, tcp.ece, tcp.cwr) = (has(Flags::ACK), has(Flags::URG), has(Flags::ECE), has(Flags::CWR));
    tcp.ns = has(Flags::AE);
    tcp.acknowledgment_number = segment.ack;
    tcp.urgent_pointer = segment.urgent;
    tcp.set_options_raw(&write_options(&segment.options)?).map_err(|_| Unwritable::Options)?;

    let length = u16::try_from(tcp.header_len() + segment.text.len()).map_err(|_| Unwritable::Text)?;
    let (source, destination) = (PEER_ADDRESS.octets(), SYSTEM_ADDRESS.octets());
    let ip = Ipv4Header::new(length, 64, IpNumber::TCP, source, destination).map_err(|_| Unwritable::Text)?;
    tcp.checksum = tcp.calc_checksum_ipv4(&ip, &segment.text).map_err(|_| Unwritable::Text)?;
    let mut ip = ip;
    ip.header_checksum = ip.calc_header_checksum();
    Ok([ip.to_bytes().as_slice(), tcp.to_bytes().as_slice(), &segment.text].concat())
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
    let (ip, rest) = Ipv4Header::from_slice(datagram).map_err(|error| Unreadable::Ip(error.to_string()))?;
    if ip.header_checksum != ip.calc_header_checksum() {
        return Err(Unreadable::IpChecksum);
    }
    if (ip.source, ip.destination) != (source.octets(), destination.octets()) {
        return Err(Unreadable::Addresses { from: ip.source.into(), to: ip.destination.into() });
    }
    if ip.is_fragmenting_payload() {
        return Err(Unreadable::Fragment);
    }
    if ip.protocol != IpNumber::TCP {
        return Err(Unreadable::Protocol(ip.protocol.0));
    }
    let length = usize::from(ip.payload_len().map_err(|error| Unreadable::Ip(error.to_string()))?);
    let payload = rest.get(..length).ok_or_else(|| Unreadable::Ip("it is cut short".to_owned()))?;
    let tcp = TcpSlice::from_slice(payload).map_err(|error| Unreadable::Tcp(error.to_string()))?;
    if tcp.calc_checksum_ipv4(ip.source, ip.destination) != Ok(tcp.checksum()) {
        return Err(Unreadable::TcpChecksum);
    }
    Ok(Segment {
        system_port: tcp.source_port(),
        peer_port: tcp.destination_port(),
        flags: flags(&tcp),
        seq: tcp.sequence_number(),
        ack: tcp.acknowledgment_number(),
        window: tcp.window_size(),
        urgent: tcp.urgent_pointer(),
        options: read_options(tcp.options())?,
        text: tcp.payload().to_vec(),
    })
}

fn flags(tcp: &TcpSlice<'_>) -> Flags {
    [
        (tcp.fin(), Flags::FIN),
        (tcp.syn(), Flags::SYN),
        (tcp.rst(), Flags::RST),
        (tcp.psh(), Flags::PSH),
        (tcp.ack(), Flags::ACK),
        (tcp.urg(), Flags::URG),
        (tcp.ece(), Flags::ECE),
        (tcp.cwr(), Flags::CWR),
        (tcp.ns(), Flags::AE),
    ]
    .into_iter()
    .filter(|(set, _)| *set)
    .fold(Flags::default(), |flags, (_, flag)| flags.with(flag))
}

fn write_options(options: &[TcpOption]) -> Result<Vec<u8>, Unwritable> {
    let mut bytes = Vec::new();
    for option in options {
        let length = u8::try_from(option.length()).map_err(|_| Unwritable::Options)?;
        match option {
            TcpOption::EndOfList => bytes.push(0),
            TcpOption::NoOperation => bytes.push(1),
            TcpOption::MaximumSegmentSize(size) => {
                bytes.extend([2, length]);
                bytes.extend(size.to_be_bytes());
            }
            TcpOption::WindowScale(shift) => bytes.extend([3, length, *shift]),
            TcpOption::SackPermitted => bytes.extend([4, length]),
            TcpOption::Sack(blocks) => {
                bytes.extend([5, length]);
                bytes.extend(
                    blocks.iter().flat_map(|(first, after)| [first.to_be_bytes(), after.to_be_bytes()].concat()),
                );
            }
            TcpOption::Timestamps { val, ecr } => {
                bytes.extend([8, length]);
                bytes.extend([val.to_be_bytes(), ecr.to_be_bytes()].concat());
            }
            TcpOption::FastOpen { experimental: false, cookie } => {
                bytes.extend([34, length]);
                bytes.extend(cookie);
            }
            // RFC 6994, with the identifier that RFC 7413 §4.1 once had.
            TcpOption::FastOpen { experimental: true, cookie } => {
                bytes.extend([254, length, 0xf9, 0x89]);
                bytes.extend(cookie);
            }
            TcpOption::Octets(octets) => bytes.extend(octets),
            // A script with one of these is not run.
            TcpOption::Foreign(_) => {}
        }
    }
    Ok(bytes)
}

/// All of them, in order: etherparse's own iterator leaves out the end of the list, which scripts name.
fn read_options(mut bytes: &[u8]) -> Result<Vec<TcpOption>, Unreadable> {
    let mut options = Vec::new();
    // Each turn takes at least one octet.
    while let [kind, rest @ ..] = bytes {
        match kind {
            0 => {
                options.push(TcpOption::EndOfList);
                return Ok(options);
            }
            1 => {
                options.push(TcpOption::NoOperation);
                bytes = rest;
            }
            _ => {
                let unreadable = || Unreadable::Option(*kind);
                let length = usize::from(*rest.first().ok_or_else(unreadable)?);
                let (option, after) = bytes.split_at_checked(length).ok_or_else(unreadable)?;
                options.push(read_option(option).ok_or_else(unreadable)?);
                bytes = after;
            }
        }
    }
    Ok(options)
}

/// An option of two octets or more.
fn read_option(bytes: &[u8]) -> Option<TcpOption> {
    match bytes {
        [2, _, a, b] => Some(TcpOption::MaximumSegmentSize(u16::from_be_bytes([*a, *b]))),
        [3, _, shift] => Some(TcpOption::WindowScale(*shift)),
        [4, _] => Some(TcpOption::SackPermitted),
        [5, _, blocks @ ..] if blocks.len() % 8 == 0 => {
            let number = |bytes: &[u8]| Some(u32::from_be_bytes(bytes.first_chunk::<4>().copied()?));
            let block = |block: &[u8]| Some((number(block)?, number(block.get(4..)?)?));
            blocks.chunks_exact(8).map(block).collect::<Option<_>>().map(TcpOption::Sack)
        }
        [8, _, a, b, c, d, e, f, g, h] => Some(TcpOption::Timestamps {
            val: u32::from_be_bytes([*a, *b, *c, *d]),
            ecr: u32::from_be_bytes([*e, *f, *g, *h]),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment() -> Segment {
        Segment {
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
    fn illegal_options_are_told() {
        for (bytes, kind) in [(&[2u8, 3, 1][..], 2), (&[8], 8), (&[99, 0, 0, 0], 99), (&[5, 200], 5), (&[3, 1, 0], 3)] {
            assert_eq!(read_options(bytes), Err(Unreadable::Option(kind)), "{bytes:?}");
        }
        assert_eq!(read_options(&[1, 0, 7]), Ok(vec![TcpOption::NoOperation, TcpOption::EndOfList]));
    }

    #[test]
    fn too_much_is_not_written() {
        let options = vec![TcpOption::Timestamps { val: 0, ecr: 0 }; 5];
        assert_eq!(write(&Segment { options, ..segment() }), Err(Unwritable::Options));
        assert_eq!(write(&Segment { text: vec![0; 65_536], ..segment() }), Err(Unwritable::Text));
    }
}
