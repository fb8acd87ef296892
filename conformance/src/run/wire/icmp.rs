//! ICMP messages about segments (RFC 792).

use std::net::Ipv4Addr;

use etherparse::{Icmpv4Header, Icmpv4Slice, Icmpv4Type, IpNumber, Ipv4Header};

use super::{Ip, Unreadable, Unwritable, ip};
use crate::system::{PEER_ADDRESS, SYSTEM_ADDRESS};

/// How much of a datagram is quoted: all that fits into 576 octets (RFC 1812 §4.3.2.3).
const QUOTED: usize = 576 - 20 - 8;

/// An ICMP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What its IP header says besides.
    pub ip: Ip,
    /// Its type.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// The second half of the word after the checksum: where a datagram was too big, what the next link takes (RFC 1191
    /// §4).
    pub mtu: u16,
    /// The datagram that it is about, or the beginning of it.
    pub quoted: Vec<u8>,
}

/// What a message tells of the segment it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Who sent it, and to whom.
    pub ports: (u16, u16),
    /// Its sequence number.
    pub seq: u32,
}

/// Writes a message from the peer to the system.
///
/// # Errors
///
/// [`Unwritable`] if it is too long.
pub fn write(message: &Message) -> Result<Vec<u8>, Unwritable> {
    let [high, low] = message.mtu.to_be_bytes();
    let kind = Icmpv4Type::Unknown { type_u8: message.kind, code_u8: message.code, bytes5to8: [0, 0, high, low] };
    let quoted = message.quoted.get(..QUOTED).unwrap_or(&message.quoted);
    let header = Icmpv4Header::with_checksum(kind, quoted);
    let payload = [header.to_bytes().as_slice(), quoted].concat();
    ip::enclose(message.ip, IpNumber::ICMP, PEER_ADDRESS, SYSTEM_ADDRESS, &payload)
}

/// Reads a message from the system to its peer.
///
/// # Errors
///
/// [`Unreadable`] if it is anything but one whole, well-formed ICMP message with right checksums.
pub fn read(datagram: &[u8]) -> Result<Message, Unreadable> {
    read_between(datagram, SYSTEM_ADDRESS, PEER_ADDRESS)
}

/// Reads a message from the peer to the system.
///
/// # Errors
///
/// As [`read`].
pub fn read_injected(datagram: &[u8]) -> Result<Message, Unreadable> {
    read_between(datagram, PEER_ADDRESS, SYSTEM_ADDRESS)
}

fn read_between(datagram: &[u8], source: Ipv4Addr, destination: Ipv4Addr) -> Result<Message, Unreadable> {
    let (ip, payload) = ip::open(datagram, IpNumber::ICMP, source, destination)?;
    let icmp = Icmpv4Slice::from_slice(payload).map_err(|error| Unreadable::Icmp(error.to_string()))?;
    let sum = etherparse::checksum::Sum16BitWords::new().add_slice(payload);
    if sum.ones_complement() != 0 {
        return Err(Unreadable::IcmpChecksum);
    }
    let [_, _, high, low] = icmp.bytes5to8();
    Ok(Message {
        ip,
        kind: icmp.type_u8(),
        code: icmp.code_u8(),
        mtu: u16::from_be_bytes([high, low]),
        quoted: icmp.payload().to_vec(),
    })
}

impl Message {
    /// What the next link takes, if the message is about that.
    pub fn mtu(&self) -> Option<u16> {
        ((self.kind, self.code) == (3, 4)).then_some(self.mtu)
    }

    /// The segment it is about, if it quotes as much of one as RFC 792 asks for.
    pub fn quoted(&self) -> Option<Quoted> {
        let (_, rest) = Ipv4Header::from_slice(&self.quoted).ok()?;
        let [a, b, c, d, e, f, g, h] = *rest.first_chunk::<8>()?;
        let ports = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        Some(Quoted { ports, seq: u32::from_be_bytes([e, f, g, h]) })
    }
}
