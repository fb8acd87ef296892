//! What a neighbour on an Ethernet owes: answers to ARP (RFC 826).

use std::net::Ipv4Addr;

use etherparse::{ArpHardwareId, ArpOperation, ArpPacket, EtherType, Ethernet2Header};

/// The frame that answers this one, if it asks for this address, which is at `mac`.
pub(super) fn answer(frame: &[u8], mac: [u8; 6], address: Ipv4Addr) -> Option<Vec<u8>> {
    let (ethernet, packet) = Ethernet2Header::from_slice(frame).ok()?;
    if ethernet.ether_type != EtherType::ARP {
        return None;
    }
    let question = ArpPacket::from_slice(packet).ok()?.try_eth_ipv4().ok()?;
    if question.operation != ArpOperation::REQUEST || question.target_ipv4 != address.octets() {
        return None;
    }
    let answer = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        ArpOperation::REPLY,
        &mac,
        &question.target_ipv4,
        &question.sender_mac,
        &question.sender_ipv4,
    )
    .ok()?;
    let header = Ethernet2Header { source: mac, destination: ethernet.source, ether_type: EtherType::ARP };
    Some([header.to_bytes().as_slice(), answer.to_bytes().as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKER: [u8; 6] = [2, 0, 0, 0, 0, 9];
    const ANSWERER: [u8; 6] = [2, 0, 0, 0, 0, 7];

    fn packet(operation: u8, target: [u8; 4]) -> Vec<u8> {
        let ethernet = [&[0xff; 6][..], &ASKER, &[0x08, 0x06]].concat();
        let arp = [&[0, 1, 8, 0, 6, 4, 0, operation][..], &ASKER, &[192, 0, 2, 1], &[0; 6], &target].concat();
        [ethernet, arp].concat()
    }

    #[test]
    fn only_a_question_for_the_address_is_answered() {
        let address = Ipv4Addr::new(192, 0, 2, 2);
        let wanted = [
            &ASKER[..],
            &ANSWERER,
            &[0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2],
            &ANSWERER,
            &[192, 0, 2, 2],
            &ASKER,
            &[192, 0, 2, 1],
        ]
        .concat();
        assert_eq!(answer(&packet(1, [192, 0, 2, 2]), ANSWERER, address), Some(wanted));
        assert_eq!(answer(&packet(1, [192, 0, 2, 1]), ANSWERER, address), None);
        assert_eq!(answer(&packet(2, [192, 0, 2, 2]), ANSWERER, address), None);
        assert_eq!(answer(&packet(1, [192, 0, 2, 2])[..30], ANSWERER, address), None);
    }
}
