//! Ethernet and ARP.

use etherparse::Ethernet2Slice;
use lockstep::wire::{ArpPacket, EtherType, EthernetFrame, Malformed, arp, ethernet};

/// A frame is accepted as `etherparse` does, except that 802.3 lengths are no types here;
/// the emitted header is the received one, byte by byte.
pub fn ethernet(data: &[u8]) {
    let theirs = Ethernet2Slice::from_slice_without_fcs(data);
    match EthernetFrame::parse(data) {
        Ok(frame) => {
            let theirs = theirs.expect("etherparse refuses a frame");
            assert!(theirs.ether_type().0 >= 0x0600);
            let header = frame.header();
            assert_eq!(header.destination.0, theirs.destination());
            assert_eq!(header.source.0, theirs.source());
            assert_eq!(header.ethertype, EtherType(theirs.ether_type().0));
            assert_eq!(frame.payload(), theirs.payload_slice());

            let mut emitted = [0; ethernet::HEADER_LEN];
            header.emit(&mut emitted);
            assert_eq!(emitted, data[..ethernet::HEADER_LEN]);
        }
        Err(Malformed::EthernetLength) => {
            let ethertype = theirs.expect("etherparse knows no 802.3").ether_type();
            assert!(ethertype.0 < 0x0600);
        }
        Err(reason) => assert!(theirs.is_err(), "refused, but not by etherparse: {reason}"),
    }
}

/// A packet is accepted as `etherparse` does, except that operations other than request and reply
/// are refused here; the emitted packet is the received one, byte by byte.
pub fn arp(data: &[u8]) {
    let theirs = etherparse::ArpPacket::from_slice(data).ok().and_then(|p| p.try_eth_ipv4().ok());
    match ArpPacket::parse(data) {
        Ok(packet) => {
            let theirs = theirs.expect("etherparse refuses a packet");
            assert_eq!(packet.sender_mac.0, theirs.sender_mac);
            assert_eq!(packet.sender_ip.octets(), theirs.sender_ipv4);
            assert_eq!(packet.target_mac.0, theirs.target_mac);
            assert_eq!(packet.target_ip.octets(), theirs.target_ipv4);

            let mut emitted = [0; arp::PACKET_LEN];
            packet.emit(&mut emitted);
            assert_eq!(emitted, data[..arp::PACKET_LEN]);
        }
        Err(Malformed::ArpOperation) => {
            let operation = theirs.expect("etherparse refuses for another reason").operation;
            assert!(![1, 2].contains(&operation.0));
        }
        Err(reason) => assert!(theirs.is_none(), "refused, but not by etherparse: {reason}"),
    }
}
