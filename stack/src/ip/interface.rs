//! Our place in the network: address, subnet, gateway (RFC 1122 §3.3.1).

use std::net::Ipv4Addr;

use crate::drops::DropReason;
use crate::wire::{Ipv4Packet, MacAddr};

/// One interface of one host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Interface {
    mac: MacAddr,
    address: Ipv4Addr,
    mask: u32,
    gateway: Option<Ipv4Addr>,
    ttl: u8,
}

impl Interface {
    /// An interface at `address` in a subnet of `prefix_len` bits.
    #[must_use]
    pub fn new(mac: MacAddr, address: Ipv4Addr, prefix_len: u8, gateway: Option<Ipv4Addr>, ttl: u8) -> Self {
        let host_bits = 32_u32.saturating_sub(prefix_len.into());
        let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
        Self { mac, address, mask, gateway, ttl }
    }

    /// Our Ethernet address.
    #[must_use]
    pub fn mac(&self) -> MacAddr {
        self.mac
    }

    /// Our IPv4 address.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Time to live of what we send, in hops.
    #[must_use]
    pub fn ttl(&self) -> u8 {
        self.ttl
    }

    /// Who gets the frame with a datagram for `destination`: itself if it is on our subnet, else the gateway
    /// (RFC 1122 §3.3.1.1). `None` if there is no way, or if no single host can have that address (RFC 9293 MUST-46).
    #[must_use]
    pub fn next_hop(&self, destination: Ipv4Addr) -> Option<Ipv4Addr> {
        if destination == self.address || !is_host(destination) || self.is_broadcast(destination) {
            None
        } else if self.is_on_subnet(destination) {
            Some(destination)
        } else {
            self.gateway
        }
    }

    /// Whether a datagram is for us and can come from where it says (RFC 1122 §3.2.1.3; RFC 9293 MUST-57, MUST-63).
    ///
    /// # Errors
    /// [`DropReason::NotOurAddress`], [`DropReason::MartianSource`].
    pub fn admit(&self, packet: &Ipv4Packet<'_>) -> Result<(), DropReason> {
        if packet.destination() != self.address {
            return Err(DropReason::NotOurAddress);
        }
        if self.is_other_host(packet.source()) { Ok(()) } else { Err(DropReason::MartianSource) }
    }

    /// Whether this can be the address of another host.
    #[must_use]
    pub fn is_other_host(&self, address: Ipv4Addr) -> bool {
        address != self.address && is_host(address) && !self.is_broadcast(address)
    }

    /// Whether this is the address of a host on our subnet.
    #[must_use]
    pub fn is_neighbour_or_self(&self, address: Ipv4Addr) -> bool {
        is_host(address) && self.is_on_subnet(address) && !self.is_broadcast(address)
    }

    fn is_on_subnet(&self, address: Ipv4Addr) -> bool {
        address.to_bits() & self.mask == self.address.to_bits() & self.mask
    }

    /// The two addresses of our subnet that no host has, unless it is too small to have any (RFC 3021).
    fn is_broadcast(&self, address: Ipv4Addr) -> bool {
        let host = address.to_bits() & !self.mask;
        self.is_on_subnet(address) && !self.mask > 1 && (host == 0 || host == !self.mask)
    }
}

/// Whether the address is a single host's on any network: not "this network" (0/8), loopback (127/8), a group (224/4)
/// or reserved (240/4, broadcast among it).
fn is_host(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    first != 0 && first != 127 && first < 224
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::{HEADROOM, write_headers};
    use crate::wire::{Checksum, Protocol, ethernet};

    const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 254);

    fn interface(prefix_len: u8) -> Interface {
        Interface::new(MacAddr([2, 0, 0, 0, 0, 1]), Ipv4Addr::new(192, 0, 2, 1), prefix_len, Some(GATEWAY), 64)
    }

    #[test]
    fn neighbours_are_reached_directly_and_others_through_the_gateway() {
        let interface = interface(24);
        let neighbour = Ipv4Addr::new(192, 0, 2, 7);
        assert_eq!(interface.next_hop(neighbour), Some(neighbour));
        assert_eq!(interface.next_hop(Ipv4Addr::new(198, 51, 100, 1)), Some(GATEWAY));
    }

    #[test]
    fn nobody_is_reached_at_an_address_that_no_other_host_has() {
        let interface = interface(24);
        for nobody in ["192.0.2.1", "192.0.2.0", "192.0.2.255", "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"]
        {
            assert_eq!(interface.next_hop(nobody.parse().unwrap()), None, "{nobody}");
        }
    }

    #[test]
    fn masks_of_every_length_work() {
        let far = Ipv4Addr::new(8, 8, 8, 8);
        assert_eq!(interface(0).next_hop(far), Some(far));
        assert_eq!(interface(32).next_hop(far), Some(GATEWAY));
        // The two hosts of a /31 have its lowest and its highest address (RFC 3021).
        let lowest = Ipv4Addr::new(192, 0, 2, 0);
        assert_eq!(interface(31).next_hop(lowest), Some(lowest));
    }

    #[test]
    fn martians_and_the_land_attack_are_refused() {
        let interface = interface(24);
        let admit = |source: &str, destination: &str| {
            let there: Interface = Interface::new(MacAddr::ZERO, source.parse().unwrap(), 24, None, 64);
            let mut frame = vec![0; HEADROOM];
            write_headers(&mut frame, &there, destination.parse().unwrap(), Protocol::TCP);
            let packet = Ipv4Packet::parse(&frame[ethernet::HEADER_LEN..], Checksum::Verify).unwrap();
            interface.admit(&packet)
        };
        assert_eq!(admit("192.0.2.7", "192.0.2.1"), Ok(()));
        assert_eq!(admit("198.51.100.255", "192.0.2.1"), Ok(()));
        for martian in ["192.0.2.1", "192.0.2.255", "192.0.2.0", "127.0.0.1", "0.1.2.3", "224.0.0.1", "240.0.0.1"] {
            assert_eq!(admit(martian, "192.0.2.1"), Err(DropReason::MartianSource), "{martian}");
        }
        for other in ["192.0.2.2", "192.0.2.255", "255.255.255.255", "224.0.0.1"] {
            assert_eq!(admit("192.0.2.7", other), Err(DropReason::NotOurAddress), "{other}");
        }
    }
}
