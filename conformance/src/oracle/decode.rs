//! From the bytes of a datagram to a segment, by a parser that is not Lockstep's own.

use crate::system::FourTuple;
use etherparse::{Icmpv4Slice, Ipv4HeaderSlice, Ipv4Slice, TcpOptionElement, TcpSlice};
use lockstep_model::{Flags, Segment, Seq, SeqNum};
use std::net::SocketAddrV4;

/// A TCP segment as it was on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Where it came from.
    pub source: SocketAddrV4,
    /// Where it went to.
    pub destination: SocketAddrV4,
    /// Its header; the window is as in the header, unscaled.
    pub segment: Segment<Seq>,
    /// The shift of its window scale option.
    pub window_scale: Option<u8>,
    /// TSval of its timestamps option.
    pub timestamp: Option<u32>,
}

impl Heard {
    /// Its connection, if the system under test sent it.
    pub fn outbound(&self) -> FourTuple {
        FourTuple { local: self.source, remote: self.destination }
    }

    /// Its connection, if the system under test received it.
    pub fn inbound(&self) -> FourTuple {
        FourTuple { local: self.destination, remote: self.source }
    }
}

/// Why a datagram is not a segment that a TCP must look at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unheard {
    /// Not IPv4.
    #[error("it is no well-formed IPv4 datagram: {0}")]
    Ip(String),
    /// Not TCP; no business of this oracle.
    #[error("it carries no TCP")]
    NotTcp,
    /// The checksum of the IPv4 header is wrong (RFC 791 §3.1: it is discarded where this is found).
    #[error("the checksum of its IPv4 header is wrong")]
    HeaderChecksum,
    /// TCP, but malformed.
    #[error("it is no well-formed TCP segment: {0}")]
    Tcp(String),
    /// The checksum is wrong (RFC 9293 §3.1, MUST-3).
    #[error("its TCP checksum is wrong")]
    Checksum,
}

/// Reads an IPv4 datagram.
///
/// # Errors
/// [`Unheard`], when a TCP must not act on it.
pub fn hear(datagram: &[u8]) -> Result<Heard, Unheard> {
    let ip = Ipv4Slice::from_slice(datagram).map_err(|error| Unheard::Ip(error.to_string()))?;
    let header = ip.header();
    if header.protocol() != etherparse::IpNumber::TCP {
        return Err(Unheard::NotTcp);
    }
    if header.to_header().calc_header_checksum() != header.header_checksum() {
        return Err(Unheard::HeaderChecksum);
    }
    let tcp = TcpSlice::from_slice(ip.payload().payload).map_err(|error| Unheard::Tcp(error.to_string()))?;
    let sum = tcp.calc_checksum_ipv4(header.source(), header.destination());
    if sum.map_err(|error| Unheard::Tcp(error.to_string()))? != tcp.checksum() {
        return Err(Unheard::Checksum);
    }
    let text = u32::try_from(tcp.payload().len()).map_err(|error| Unheard::Tcp(error.to_string()))?;
    Ok(Heard {
        source: SocketAddrV4::new(header.source_addr(), tcp.source_port()),
        destination: SocketAddrV4::new(header.destination_addr(), tcp.destination_port()),
        segment: Segment {
            seq: Seq::new(tcp.sequence_number()),
            ack: Seq::new(tcp.acknowledgment_number()),
            flags: flags(&tcp),
            text,
            wnd: u32::from(tcp.window_size()),
            up: u32::from(tcp.urgent_pointer()),
        },
        window_scale: window_scale(&tcp),
        timestamp: timestamp(&tcp),
    })
}

/// What the network says of a segment that the system has sent (RFC 9293 §3.9.2.2), where it is more than advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkError {
    /// Destination unreachable, codes 2 and 3: hard, so that the connection SHOULD be aborted.
    Hard,
    /// Destination unreachable, code 4: a router on the way could not forward so long a datagram (RFC 1191).
    TooBig,
}

/// Reads an ICMP message about a segment of one of the system's connections.
pub fn hear_error(datagram: &[u8]) -> Option<(FourTuple, NetworkError)> {
    const UNREACHABLE: u8 = 3;
    let ip = Ipv4Slice::from_slice(datagram).ok().filter(|ip| ip.header().protocol() == etherparse::IpNumber::ICMP)?;
    let message = Icmpv4Slice::from_slice(ip.payload().payload).ok()?;
    let error = match (message.type_u8(), message.code_u8()) {
        (UNREACHABLE, 2 | 3) => NetworkError::Hard,
        (UNREACHABLE, 4) => NetworkError::TooBig,
        _ => return None,
    };
    let quoted = Ipv4HeaderSlice::from_slice(message.payload()).ok()?;
    let (header, ports) = (quoted.slice().len(), message.payload());
    let port = |at: usize| Some(u16::from_be_bytes(ports.get(header + at..header + at + 2)?.try_into().ok()?));
    let local = SocketAddrV4::new(quoted.source_addr(), port(0)?);
    let remote = SocketAddrV4::new(quoted.destination_addr(), port(2)?);
    Some((FourTuple { local, remote }, error))
}

fn flags(tcp: &TcpSlice<'_>) -> Flags {
    let bits = [tcp.fin(), tcp.syn(), tcp.rst(), tcp.psh(), tcp.ack(), tcp.urg()];
    let octet = bits.iter().rev().fold(0, |octet, &bit| octet << 1 | u8::from(bit));
    Flags::from_wire(octet)
}

fn timestamp(tcp: &TcpSlice<'_>) -> Option<u32> {
    tcp.options_iterator().filter_map(Result::ok).find_map(|option| match option {
        TcpOptionElement::Timestamp(value, _) => Some(value),
        TcpOptionElement::Noop
        | TcpOptionElement::MaximumSegmentSize(_)
        | TcpOptionElement::SelectiveAcknowledgementPermitted
        | TcpOptionElement::SelectiveAcknowledgement(..)
        | TcpOptionElement::WindowScale(_) => None,
    })
}

fn window_scale(tcp: &TcpSlice<'_>) -> Option<u8> {
    tcp.options_iterator().filter_map(Result::ok).find_map(|option| match option {
        TcpOptionElement::WindowScale(shift) => Some(shift.min(14)),
        TcpOptionElement::Noop
        | TcpOptionElement::MaximumSegmentSize(_)
        | TcpOptionElement::SelectiveAcknowledgementPermitted
        | TcpOptionElement::SelectiveAcknowledgement(..)
        | TcpOptionElement::Timestamp(..) => None,
    })
}
