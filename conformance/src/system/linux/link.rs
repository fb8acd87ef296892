//! The wire: a pair of virtual Ethernet devices, both ends in one network namespace.
//!
//! The kernel under test owns [`SYSTEM_ADDRESS`] on one end. The other end, `tester`, has no address at all, so that
//! the same kernel ignores what arrives there and only the packet socket sees it. Both ends speak plain checksummed
//! segments of at most one MTU, for all offload is off; the tester's hardware address is known for good, so nobody asks
//! for it.

use std::io;
use std::net::Ipv4Addr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NetlinkDeserializable, NetlinkHeader, NetlinkSerializable};

use super::netlink::Netlink;
use super::offload;
use crate::system::{PEER_ADDRESS, SYSTEM_ADDRESS};

/// The devices' indices. Loopback is always the first; the rest we may choose, far above the tunnels that some kernels
/// put into every new namespace.
const LOOPBACK: i32 = 1;
const SYSTEM: i32 = 1001;
pub(super) const TESTER: i32 = 1002;

const SYSTEM_NAME: &str = "system";
const TESTER_NAME: &str = "tester";

/// Locally administered hardware addresses.
pub(super) const SYSTEM_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];
const TESTER_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];

const PREFIX_LENGTH: u8 = 24;

/// `VETH_INFO_PEER` of `linux/veth.h`.
const VETH_INFO_PEER: u16 = 1;
/// `NLA_F_NESTED` of `linux/netlink.h`: the attribute holds attributes.
const NESTED: u16 = 1 << 15;

/// Builds the wire in the network namespace of the calling thread, which must be new.
///
/// The tester's end comes up before the system's. A device gets its queue when it sees a carrier: the second at once,
/// the first a little later, in a kernel thread. Asking for the first one's link state waits for that; otherwise the
/// first segments vanish.
pub(super) fn build(mtu: u16) -> io::Result<()> {
    let netlink = Netlink::open(netlink_sys::protocols::NETLINK_ROUTE)?;
    netlink.tell(new_pair(mtu), NLM_F_CREATE | NLM_F_EXCL)?;
    offload::disable(SYSTEM_NAME)?;
    offload::disable(TESTER_NAME)?;
    netlink.tell(new_address(), NLM_F_CREATE | NLM_F_EXCL)?;
    for index in [LOOPBACK, TESTER, SYSTEM] {
        netlink.tell(Message::link(libc::RTM_NEWLINK, index, true, &[]), 0)?;
    }
    offload::wait_for_carrier(TESTER_NAME)?;
    netlink.tell(new_neighbour(), NLM_F_CREATE)
}

fn new_pair(mtu: u16) -> Message {
    let end = |name: &str, mac: &[u8; 6]| {
        let name = [name.as_bytes(), &[0]].concat();
        [
            attribute(libc::IFLA_IFNAME, &name),
            attribute(libc::IFLA_MTU, &u32::from(mtu).to_ne_bytes()),
            attribute(libc::IFLA_ADDRESS, mac),
        ]
        .concat()
    };
    let peer = [interface(TESTER, false).to_vec(), end(TESTER_NAME, &TESTER_MAC)].concat();
    let data = attribute(VETH_INFO_PEER | NESTED, &peer);
    let info = [attribute(libc::IFLA_INFO_KIND, b"veth"), attribute(libc::IFLA_INFO_DATA | NESTED, &data)].concat();
    let attributes = [end(SYSTEM_NAME, &SYSTEM_MAC), attribute(libc::IFLA_LINKINFO | NESTED, &info)];
    Message::link(libc::RTM_NEWLINK, SYSTEM, false, &attributes)
}

/// `struct ifaddrmsg`: family, prefix length, flags, scope, index.
fn new_address() -> Message {
    let mut body = vec![IPV4, PREFIX_LENGTH, 0, 0];
    body.extend(SYSTEM.to_ne_bytes());
    body.extend(address_attribute(libc::IFA_LOCAL, SYSTEM_ADDRESS));
    body.extend(address_attribute(libc::IFA_ADDRESS, SYSTEM_ADDRESS));
    Message { kind: libc::RTM_NEWADDR, body }
}

/// `struct ndmsg`: family, three bytes of padding, index, state, flags, type.
fn new_neighbour() -> Message {
    let mut body = vec![IPV4, 0, 0, 0];
    body.extend(SYSTEM.to_ne_bytes());
    body.extend(libc::NUD_PERMANENT.to_ne_bytes());
    body.extend([0, 0]);
    body.extend(address_attribute(libc::NDA_DST, PEER_ADDRESS));
    body.extend(attribute(libc::NDA_LLADDR, &TESTER_MAC));
    Message { kind: libc::RTM_NEWNEIGH, body }
}

/// `AF_INET` where a message has one byte for it.
const IPV4: u8 = 2;

/// A message of the rtnetlink family, rtnetlink(7).
#[derive(Debug)]
struct Message {
    kind: u16,
    body: Vec<u8>,
}

impl Message {
    fn link(kind: u16, index: i32, up: bool, attributes: &[Vec<u8>]) -> Self {
        Self { kind, body: [interface(index, up).to_vec(), attributes.concat()].concat() }
    }
}

/// `struct ifinfomsg`: family, padding, type, index, flags, and which of the flags to change.
fn interface(index: i32, up: bool) -> [u8; 16] {
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
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
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
