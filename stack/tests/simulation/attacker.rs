//! An attacker who hears everything and forges what should do no harm to text: resets, SYNs, false acknowledgments.

use lockstep::device::prng::SplitMix64;
use lockstep::wire::{
    Checksum, EtherType, EthernetFrame, Ipv4Packet, Protocol, TcpFlags, TcpOptions, TcpSegment, ethernet, ipv4,
};

/// A segment without text that seems to come from where `overheard` came from; `None` if that carries no TCP.
pub fn forge(overheard: &[u8], random: &mut SplitMix64) -> Option<Vec<u8>> {
    let frame = EthernetFrame::parse(overheard).ok()?;
    if frame.ethertype() != EtherType::IPV4 {
        return None;
    }
    let packet = Ipv4Packet::parse(frame.payload(), Checksum::Verify).ok()?;
    if packet.protocol() != Protocol::TCP {
        return None;
    }
    let segment = TcpSegment::parse(packet.payload(), packet.pseudo_header(), Checksum::Verify).ok()?;
    let mut header = segment.header();
    header.options = TcpOptions::default();
    let near = u32::try_from(random.below(3_000)).unwrap();
    let far = u32::try_from(random.below(1 << 31)).unwrap();
    let (flags, seq, ack) = match random.below(11) {
        0 => (TcpFlags::RST, header.seq, header.ack),
        1 => (TcpFlags::RST, header.seq.wrapping_add(near), header.ack),
        2 => (TcpFlags::RST | TcpFlags::ACK, header.seq.wrapping_sub(near), header.ack),
        3 => (TcpFlags::SYN, header.seq.wrapping_add(near), 0),
        4 => (TcpFlags::SYN, header.seq.wrapping_add(far), 0),
        5 => (TcpFlags::SYN | TcpFlags::ACK, header.seq.wrapping_add(near), header.ack),
        // Beyond anything sent, and long before it.
        6 => (TcpFlags::ACK, header.seq, header.ack.wrapping_add((1 << 20) + far / 4)),
        7 => (TcpFlags::ACK, header.seq, header.ack.wrapping_sub((1 << 20) + far / 4)),
        8 => (TcpFlags::ACK | TcpFlags::URG, header.seq, header.ack),
        9 => (TcpFlags(0), header.seq, header.ack),
        _ => {
            // To a port where nobody is connected.
            header.source_port = header.source_port.wrapping_add(7);
            let flags = [TcpFlags::ACK, TcpFlags::RST, TcpFlags(0), TcpFlags::SYN];
            (flags[usize::try_from(random.below(4)).unwrap()], header.seq, header.ack)
        }
    };
    let urgent = u16::try_from(near).unwrap();
    let header = lockstep::wire::TcpHeader { flags, seq, ack, urgent, ..header };
    let ip = lockstep::wire::Ipv4Header { payload_len: 20, ..packet.header() };
    let mut forged = vec![0; ethernet::HEADER_LEN + ipv4::HEADER_LEN + header.emitted_len()];
    frame.header().emit(&mut forged);
    ip.emit(&mut forged[ethernet::HEADER_LEN..]);
    header.emit(&mut forged[ethernet::HEADER_LEN + ipv4::HEADER_LEN..], ip.pseudo_header());
    Some(forged)
}
