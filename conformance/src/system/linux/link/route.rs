//! Messages of rtnetlink(7): devices, their addresses and neighbours.

use std::net::Ipv4Addr;

use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader, NetlinkSerializable};

use crate::system::{PEER_ADDRESS, SYSTEM_ADDRESS};

const PREFIX_LENGTH: u8 = 24;

/// `AF_INET` where a message has one byte for it.
const IPV4: u8 = 2;

/// A message of the rtnetlink family, rtnetlink(7).
#[derive(Debug)]
pub(super) struct Message {
    kind: u16,
    body: Vec<u8>,
}

impl Message {
    /// A new device, or with another `kind` a change of one, by its index.
    pub(super) fn link(kind: u16, index: i32, up: bool, attributes: &[Vec<u8>]) -> Self {
        Self { kind, body: [interface(index, up).to_vec(), attributes.concat()].concat() }
    }

    /// A device comes up.
    pub(super) fn up(index: i32) -> Self {
        Self::link(libc::RTM_NEWLINK, index, true, &[])
    }

    /// The system's address, in `struct ifaddrmsg`: family, prefix length, flags, scope, index.
    pub(super) fn address(index: i32) -> Self {
        let mut body = vec![IPV4, PREFIX_LENGTH, 0, 0];
        body.extend(index.to_ne_bytes());
        body.extend(address_attribute(libc::IFA_LOCAL, SYSTEM_ADDRESS));
        body.extend(address_attribute(libc::IFA_ADDRESS, SYSTEM_ADDRESS));
        Self { kind: libc::RTM_NEWADDR, body }
    }

    /// The peer's hardware address, known for good, in `struct ndmsg`: family, three bytes of padding, index, state,
    /// flags, type.
    pub(super) fn neighbour(index: i32, mac: [u8; 6]) -> Self {
        let mut body = vec![IPV4, 0, 0, 0];
        body.extend(index.to_ne_bytes());
        body.extend(libc::NUD_PERMANENT.to_ne_bytes());
        body.extend([0, 0]);
        body.extend(address_attribute(libc::NDA_DST, PEER_ADDRESS));
        body.extend(attribute(libc::NDA_LLADDR, &mac));
        Self { kind: libc::RTM_NEWNEIGH, body }
    }
}

/// `struct ifinfomsg`: family, padding, type, index, flags, and which of the flags to change.
pub(super) fn interface(index: i32, up: bool) -> [u8; 16] {
    const IFF_UP: u32 = 1;
    let flags = if up { IFF_UP } else { 0 };
    let mut bytes = [0; 16];
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes[8..12].copy_from_slice(&flags.to_ne_bytes());
    bytes[12..16].copy_from_slice(&flags.to_ne_bytes());
    bytes
}

fn address_attribute(kind: u16, address: Ipv4Addr) -> Vec<u8> {
    attribute(kind, &address.octets())
}

/// `struct nlattr`: length with header, type, value, padded to four bytes. No value here is longer than a few hundred
/// bytes.
pub(super) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        self.kind
    }

    fn buffer_len(&self) -> usize {
        self.body.len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.body);
    }
}

impl NetlinkDeserializable for Message {
    type Error = std::convert::Infallible;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, Self::Error> {
        Ok(Self { kind: header.message_type, body: payload.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_but_tell_their_own_length() {
        let expected = [&7u16.to_ne_bytes()[..], &3u16.to_ne_bytes(), b"abc\0"].concat();
        assert_eq!(attribute(3, b"abc"), expected);
    }
}
