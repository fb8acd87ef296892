//! From the bytes of a datagram to a segment, by a parser that is not Lockstep's own.

use crate::system::FourTuple;
use etherparse::{Ipv4Slice, TcpOptionElement, TcpSlice};
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
