//! Address resolution for IPv4 over Ethernet (RFC 826).

use super::{EtherType, MacAddr, Malformed, ipv4_addr_at, mac_addr_at, put, u16_at};
use std::net::Ipv4Addr;

/// Bytes of an ARP packet for IPv4 over Ethernet.
pub const PACKET_LEN: usize = 28;

/// Hardware type 1 (Ethernet), protocol type 0x0800 (IPv4), address lengths 6 and 4.
const HARDWARE_ETHERNET: u16 = 1;
const ADDRESS_LENGTHS: u16 = 0x0604;

/// An ARP packet for IPv4 over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ArpPacket {
    /// Whether this asks or answers.
    pub operation: ArpOperation,
    /// The sender's Ethernet address.
    pub sender_mac: MacAddr,
    /// The sender's IPv4 address; unspecified in a probe (RFC 5227).
    pub sender_ip: Ipv4Addr,
    /// The target's Ethernet address; meaningless in a request.
    pub target_mac: MacAddr,
    /// The address asked for, or the one who asked.
    pub target_ip: Ipv4Addr,
}

/// What an ARP packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArpOperation {
    /// Who has the target's IPv4 address?
    Request,
    /// The sender has the sender's IPv4 address.
    Reply,
}

impl ArpPacket {
    /// Reads an ARP packet; what follows it in a padded frame is ignored.
    ///
    /// # Errors
    /// [`Malformed::ArpTruncated`], [`Malformed::ArpNotIpv4OverEthernet`], [`Malformed::ArpOperation`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let packet: &[u8; PACKET_LEN] = bytes.first_chunk().ok_or(Malformed::ArpTruncated)?;
        if (u16_at(packet, 0), u16_at(packet, 2), u16_at(packet, 4))
            != (HARDWARE_ETHERNET, EtherType::IPV4.0, ADDRESS_LENGTHS)
        {
            return Err(Malformed::ArpNotIpv4OverEthernet);
        }
        Ok(ArpPacket {
            operation: ArpOperation::from_number(u16_at(packet, 6)).ok_or(Malformed::ArpOperation)?,
            sender_mac: mac_addr_at(packet, 8),
            sender_ip: ipv4_addr_at(packet, 14),
            target_mac: mac_addr_at(packet, 18),
            target_ip: ipv4_addr_at(packet, 24),
        })
    }

    /// Writes the packet at the front of `buffer` and returns its length, [`PACKET_LEN`].
    ///
    /// # Panics
    /// When `buffer` is shorter than that.
    pub fn emit(&self, buffer: &mut [u8]) -> usize {
        put(buffer, 0, HARDWARE_ETHERNET.to_be_bytes());
        put(buffer, 2, EtherType::IPV4.0.to_be_bytes());
        put(buffer, 4, ADDRESS_LENGTHS.to_be_bytes());
        put(buffer, 6, self.operation.number().to_be_bytes());
        put(buffer, 8, self.sender_mac.0);
        put(buffer, 14, self.sender_ip.octets());
        put(buffer, 18, self.target_mac.0);
        put(buffer, 24, self.target_ip.octets());
        PACKET_LEN
    }
}

impl ArpOperation {
    fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(ArpOperation::Request),
            2 => Some(ArpOperation::Reply),
            _ => None,
        }
    }

    fn number(self) -> u16 {
        match self {
            ArpOperation::Request => 1,
            ArpOperation::Reply => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::ArpEthIpv4Packet;
    use proptest::prelude::*;

    fn any_packet() -> impl Strategy<Value = ArpPacket> {
        let operation = prop_oneof![Just(ArpOperation::Request), Just(ArpOperation::Reply)];
        (operation, any::<([u8; 6], [u8; 4], [u8; 6], [u8; 4])>()).prop_map(|(operation, (sha, spa, tha, tpa))| {
            ArpPacket {
                operation,
                sender_mac: MacAddr(sha),
                sender_ip: spa.into(),
                target_mac: MacAddr(tha),
                target_ip: tpa.into(),
            }
        })
    }

    fn theirs(packet: &ArpPacket) -> ArpEthIpv4Packet {
        ArpEthIpv4Packet {
            operation: etherparse::ArpOperation(packet.operation.number()),
            sender_mac: packet.sender_mac.0,
            sender_ipv4: packet.sender_ip.octets(),
            target_mac: packet.target_mac.0,
            target_ipv4: packet.target_ip.octets(),
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if ArpPacket::parse(&bytes) == Err(Malformed::ArpTruncated) {
                prop_assert!(bytes.len() < PACKET_LEN);
            } else {
                prop_assert!(bytes.len() >= PACKET_LEN);
            }
        }

        #[test]
        fn parse_after_emit_is_the_identity(packet in any_packet(), padding in 0_usize..20) {
            let mut bytes = vec![0xa5; PACKET_LEN + padding];
            prop_assert_eq!(packet.emit(&mut bytes), PACKET_LEN);
            prop_assert_eq!(ArpPacket::parse(&bytes), Ok(packet));
        }

        #[test]
        fn another_protocol_or_operation_is_refused(packet in any_packet(), at in 0_usize..8, other in 3_u8..) {
            let mut bytes = [0; PACKET_LEN];
            packet.emit(&mut bytes);
            prop_assume!(bytes[at] != other);
            bytes[at] = other;
            let reason = if at < 6 { Malformed::ArpNotIpv4OverEthernet } else { Malformed::ArpOperation };
            prop_assert_eq!(ArpPacket::parse(&bytes), Err(reason));
        }

        #[test]
        fn etherparse_agrees_both_ways(packet in any_packet()) {
            let mut bytes = [0; PACKET_LEN];
            packet.emit(&mut bytes);
            let read_by_them = etherparse::ArpPacket::from_slice(&bytes).unwrap().try_eth_ipv4().unwrap();
            prop_assert_eq!(&read_by_them, &theirs(&packet));
            prop_assert_eq!(ArpPacket::parse(&theirs(&packet).to_bytes()), Ok(packet));
        }
    }
}
