//! What joins the tester to the kernel under test.
//!
//! | link | needs | the tester's end |
//! |---|---|---|
//! | [`Link::Veth`] | nothing | a packet socket on the other end of a pair of devices |
//! | [`Link::Tun`] | `/dev/net/tun` | datagrams written to the device |
//! | [`Link::Tap`] | `/dev/net/tun` | frames written to the device, and an answer to the kernel's ARP |
//!
//! The rest is common: the kernel's device is called `system`, what it sends is seen by a packet socket, which tells when,
//! and it arrives as on a real wire: in segments of at most one MTU, with checksums.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::str::FromStr;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use packet::PacketSocket;
use tunnel::Tunnel;

mod packet;
mod route;
mod tunnel;
mod veth;

/// What joins the tester to the kernel under test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    /// A pair of virtual Ethernet devices, which needs no rights but those in one's own namespace.
    #[default]
    Veth,
    /// A device that takes and gives datagrams.
    Tun,
    /// A device that takes and gives Ethernet frames.
    Tap,
}

impl Link {
    /// All of them.
    pub const ALL: [Link; 3] = [Link::Veth, Link::Tun, Link::Tap];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Veth => "veth",
            Self::Tun => "tun",
            Self::Tap => "tap",
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a name is that of no link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no link to the kernel; there are veth, and for root tun and tap")]
pub struct NoLink(String);

impl FromStr for Link {
    type Err = NoLink;

    fn from_str(name: &str) -> Result<Self, NoLink> {
        Self::ALL.into_iter().find(|link| link.name() == name).ok_or_else(|| NoLink(name.to_owned()))
    }
}

/// The devices' indices. Loopback is always the first; the rest we may choose, far above the tunnels that some kernels
/// put into every new namespace.
const LOOPBACK: i32 = 1;
const SYSTEM: i32 = 1001;

const SYSTEM_NAME: &str = "system";

/// Locally administered hardware addresses.
const SYSTEM_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];
const TESTER_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];

/// The tester's end of the wire: takes and gives whole IPv4 datagrams.
pub(super) enum Wire {
    Veth(PacketSocket),
    Tunnel(Tunnel),
}

impl Wire {
    /// Builds a wire with this MTU in the network namespace of the calling thread, which must be new.
    ///
    /// # Errors
    /// Among others [`io::ErrorKind::NotFound`] and [`io::ErrorKind::PermissionDenied`] where this user has no
    /// `/dev/net/tun`.
    pub(super) fn build(link: Link, mtu: u16) -> io::Result<Self> {
        match link {
            Link::Veth => veth::build(mtu).map(Self::Veth),
            Link::Tun => Tunnel::build(false, mtu).map(Self::Tunnel),
            Link::Tap => Tunnel::build(true, mtu).map(Self::Tunnel),
        }
    }

    /// Sends a datagram to the system. Linux runs the receiving stack within this call, so that an answer is normally
    /// there when it returns.
    pub(super) fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        match self {
            Self::Veth(packet) => packet.send(datagram, SYSTEM_MAC),
            Self::Tunnel(tunnel) => tunnel.send(datagram),
        }
    }

    /// The next TCP or ICMP datagram to the tester, with its time of arrival; `None` when no other is there.
    pub(super) fn recv(&mut self) -> io::Result<Option<(Instant, Vec<u8>)>> {
        match self {
            Self::Veth(packet) => packet.recv(),
            Self::Tunnel(tunnel) => tunnel.recv(),
        }
    }

    /// How many datagrams were missed since this was last asked.
    pub(super) fn lost(&self) -> io::Result<u32> {
        match self {
            Self::Veth(packet) | Self::Tunnel(Tunnel { packet, .. }) => packet.lost(),
        }
    }

    /// What can be read when something has arrived.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        let (packet, device) = match self {
            Self::Veth(packet) => (packet, None),
            Self::Tunnel(Tunnel { packet, device, .. }) => (packet, Some(device.as_raw_fd())),
        };
        std::iter::once(packet.as_raw_fd()).chain(device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_have_names() {
        for link in Link::ALL {
            assert_eq!(link.to_string().parse(), Ok(link));
        }
        let error = "wire".parse::<Link>().expect_err("no link");
        assert_eq!(error.to_string(), "`wire` is no link to the kernel; there are veth, and for root tun and tap");
    }
}
