//! Source routes (RFC 791 §3.1, RFC 1122 §3.2.1.8): a datagram that is to pass certain hosts on its way.

use std::net::Ipv4Addr;

use super::HEADROOM;
use crate::wire::{SourceRoute, Sum, ethernet, ipv4};

/// Sends the datagram in `frame`, whose headers are written, along `route`: it is for the first hop, and an option says how
/// it goes on to `destination`. What TCP has summed stays right: its pseudo-header has the last destination
/// (RFC 9293 §3.9.2.1).
pub(crate) fn send_along(frame: &mut Vec<u8>, route: &SourceRoute, destination: Ipv4Addr) {
    let option = route.option(destination);
    frame.splice(HEADROOM..HEADROOM, option.iter().copied());
    let datagram = &mut frame[ethernet::HEADER_LEN..];
    let header_len = ipv4::HEADER_LEN + option.len();
    let total_len = u16::try_from(datagram.len()).unwrap_or(u16::MAX);
    datagram[0] = 0x40 | u8::try_from(header_len / 4).unwrap_or(0xf);
    datagram[2..4].copy_from_slice(&total_len.to_be_bytes());
    datagram[16..20].copy_from_slice(&route.first().octets());
    datagram[10..12].fill(0);
    let checksum = Sum::default().plus(&datagram[..header_len]).checksum();
    datagram[10..12].copy_from_slice(&checksum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::{Interface, write_headers};
    use crate::wire::{Checksum, Ipv4Packet, MacAddr, Protocol, Way};
    use etherparse::Ipv4HeaderSlice;

    #[test]
    fn a_routed_datagram_is_for_its_first_hop_and_whole() {
        let host = |last| Ipv4Addr::new(192, 0, 2, last);
        let interface = Interface::new(MacAddr([2, 0, 0, 0, 0, 1]), host(1), 24, None, 64);
        let route = SourceRoute::new(&[host(10), host(20)], false).unwrap();
        let mut frame = vec![0; HEADROOM];
        frame.extend_from_slice(b"payload");
        write_headers(&mut frame, &interface, host(99), Protocol::TCP);
        send_along(&mut frame, &route, host(99));
        let packet = Ipv4Packet::parse(&frame[ethernet::HEADER_LEN..], Checksum::Verify).unwrap();
        assert_eq!((packet.source(), packet.destination()), (host(1), host(10)));
        assert_eq!(packet.payload(), b"payload");
        assert_eq!(packet.options(), route.option(host(99)));
        assert_eq!(SourceRoute::read(packet.options()), Way::Onward(host(99)));
        let theirs = Ipv4HeaderSlice::from_slice(&frame[ethernet::HEADER_LEN..]).unwrap();
        assert_eq!(theirs.header_checksum(), theirs.to_header().calc_header_checksum());
        assert_eq!(theirs.options().len(), 12);
    }
}
