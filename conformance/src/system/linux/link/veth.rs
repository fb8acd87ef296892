//! A pair of virtual Ethernet devices, both ends in one network namespace.
//!
//! The kernel under test owns [`SYSTEM_ADDRESS`](crate::system::SYSTEM_ADDRESS) on one end. The other end, `tester`, has
//! no address at all, so that the same kernel ignores what arrives there and only the packet socket sees it. Both ends
//! speak plain checksummed segments of at most one MTU, for all offload is off; the tester's hardware address is known
//! for good, so nobody asks for it.

use std::io;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::packet::PacketSocket;
use super::route::{Message, attribute, interface};
use super::{LOOPBACK, SYSTEM, SYSTEM_MAC, SYSTEM_NAME, TESTER_MAC};
use crate::system::linux::netlink::Netlink;
use crate::system::linux::offload;

/// The other end.
const TESTER: i32 = 1002;
const TESTER_NAME: &str = "tester";

/// `VETH_INFO_PEER` of `linux/veth.h`.
const VETH_INFO_PEER: u16 = 1;
/// `NLA_F_NESTED` of `linux/netlink.h`: the attribute holds attributes.
const NESTED: u16 = 1 << 15;

/// Builds the wire in the network namespace of the calling thread, which must be new.
///
/// The tester's end comes up before the system's. A device gets its queue when it sees a carrier: the second at once,
/// the first a little later, in a kernel thread. Asking for the first one's link state waits for that; otherwise the
/// first segments vanish.
pub(super) fn build(mtu: u16) -> io::Result<PacketSocket> {
    let netlink = Netlink::open(netlink_sys::protocols::NETLINK_ROUTE)?;
    netlink.tell(new_pair(mtu), NLM_F_CREATE | NLM_F_EXCL)?;
    offload::disable(SYSTEM_NAME)?;
    offload::disable(TESTER_NAME)?;
    netlink.tell(Message::address(SYSTEM), NLM_F_CREATE | NLM_F_EXCL)?;
    for index in [LOOPBACK, TESTER, SYSTEM] {
        netlink.tell(Message::up(index), 0)?;
    }
    offload::wait_for_carrier(TESTER_NAME)?;
    netlink.tell(Message::neighbour(SYSTEM, TESTER_MAC), NLM_F_CREATE)?;
    PacketSocket::open(TESTER)
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
