//! An attacker who hears everything and forges what should do no harm to text: resets, SYNs, false
//! acknowledgments.

use lockstep::device::prng::SplitMix64;
use lockstep::wire::{
    Checksum, EtherType, EthernetFrame, EthernetHeader, Ipv4Header, Ipv4Packet, Protocol, TcpFlags, TcpHeader,
    TcpOptions, TcpSegment, ethernet, ipv4,
};

/// What there is to know of the connection that is attacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    pub rcv_nxt: u32,
    pub snd_nxt: u32,
}

/// What the attacker may do to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Licence {
    /// Whatever resets or confuses: whoever is hit knows that he was.
    Everything(Option<Target>),
    /// What a blind attacker does who never guesses RCV.NXT: nobody may notice.
    Blind(Target),
}

/// A segment that seems to come from where `overheard` came from; `None` if that carries no TCP, or he must not do it.
///
/// `licence` tells what he may do to the connection with this local and remote port of the victim; `None` spares it.
pub fn forge(
    overheard: &[u8],
    licence: impl FnOnce(u16, u16) -> Option<Licence>,
    random: &mut SplitMix64,
) -> Option<Vec<u8>> {
    let (ethernet, ip, original) = headers(overheard)?;
    let licence = licence(original.destination_port, original.source_port)?;
    let (header, text) = forgery(original, licence, random)?;
    Some(written(ethernet, ip, header, text))
}

/// A segment that seems to come from whom the SYN,ACK `overheard` goes to, and does not acknowledge it: nobody may notice.
pub fn answer(overheard: &[u8], random: &mut SplitMix64) -> Option<Vec<u8>> {
    let (ethernet, ip, original) = headers(overheard)?;
    let iss = original.seq;
    let (flags, ack) = match random.below(3) {
        0 => (TcpFlags::ACK, iss),
        1 => (TcpFlags::ACK, iss.wrapping_add(1 << 24)),
        _ => (TcpFlags::FIN | TcpFlags::ACK, iss.wrapping_add(1 << 24)),
    };
    let (source_port, destination_port) = (original.destination_port, original.source_port);
    let header = TcpHeader { source_port, destination_port, flags, seq: original.ack, ack, ..original };
    let ethernet = EthernetHeader { source: ethernet.destination, destination: ethernet.source, ..ethernet };
    let ip = Ipv4Header { source: ip.destination, destination: ip.source, ..ip };
    Some(written(ethernet, ip, header, b""))
}

/// The headers of a frame, without options; `None` if it carries no TCP.
fn headers(frame: &[u8]) -> Option<(EthernetHeader, Ipv4Header, TcpHeader)> {
    let frame = EthernetFrame::parse(frame).ok()?;
    if frame.ethertype() != EtherType::IPV4 {
        return None;
    }
    let packet = Ipv4Packet::parse(frame.payload(), Checksum::Verify).ok()?;
    if packet.protocol() != Protocol::TCP {
        return None;
    }
    let segment = TcpSegment::parse(packet.payload(), packet.pseudo_header(), Checksum::Verify).ok()?;
    Some((frame.header(), packet.header(), TcpHeader { options: TcpOptions::default(), ..segment.header() }))
}

fn written(ethernet: EthernetHeader, ip: Ipv4Header, header: TcpHeader, text: &[u8]) -> Vec<u8> {
    let payload_len = u16::try_from(header.emitted_len() + text.len()).unwrap();
    let ip = Ipv4Header { payload_len, ..ip };
    let mut frame = vec![0; ethernet::HEADER_LEN + ipv4::HEADER_LEN + header.emitted_len()];
    frame.extend_from_slice(text);
    ethernet.emit(&mut frame);
    ip.emit(&mut frame[ethernet::HEADER_LEN..]);
    header.emit(&mut frame[ethernet::HEADER_LEN + ipv4::HEADER_LEN..], ip.pseudo_header());
    frame
}

/// What the segment is turned into.
fn forgery(original: TcpHeader, licence: Licence, random: &mut SplitMix64) -> Option<(TcpHeader, &'static [u8])> {
    let near = u32::try_from(random.below(3_000)).unwrap();
    let far = u32::try_from(random.below(1 << 31)).unwrap();
    let beyond = |number: u32| number.wrapping_add((1 << 20) + far / 4);
    let TcpHeader { seq, ack, .. } = original;
    let header = TcpHeader { urgent: u16::try_from(near).unwrap(), ..original };
    let with = |flags, seq, ack| TcpHeader { flags, seq, ack, ..header };
    let forged = match random.below(12) {
        0 => with(TcpFlags::RST, seq, ack),
        1 => with(TcpFlags::RST, seq.wrapping_add(near), ack),
        2 => with(TcpFlags::RST | TcpFlags::ACK, seq.wrapping_sub(near), ack),
        3 => with(TcpFlags::SYN, seq.wrapping_add(near), 0),
        4 => with(TcpFlags::SYN, seq.wrapping_add(far), 0),
        5 => with(TcpFlags::SYN | TcpFlags::ACK, seq.wrapping_add(near), ack),
        6 => with(TcpFlags::ACK, seq, beyond(ack)),
        // Long ago, or a little before: of what was perhaps never sent.
        7 if far.is_multiple_of(2) => with(TcpFlags::ACK, seq, ack.wrapping_sub(near)),
        7 => with(TcpFlags::ACK, seq, ack.wrapping_sub((1 << 20) + far / 4)),
        8 => with(TcpFlags::ACK | TcpFlags::URG, seq, ack),
        9 => with(TcpFlags(0), seq, ack),
        10 => {
            // Text that nobody must ever read: it acknowledges what was never sent.
            let (Licence::Everything(Some(target)) | Licence::Blind(target)) = licence else {
                return None;
            };
            return Some((with(TcpFlags::ACK, target.rcv_nxt, beyond(target.snd_nxt)), b"forged"));
        }
        _ => {
            // To a port where nobody is connected.
            let flags = [TcpFlags::ACK, TcpFlags::RST, TcpFlags(0), TcpFlags::SYN];
            let flags = flags[usize::try_from(random.below(4)).unwrap()];
            TcpHeader { source_port: header.source_port.wrapping_add(7), ..with(flags, seq, ack) }
        }
    };
    match licence {
        Licence::Blind(target) if forged.flags.contains(TcpFlags::RST) && forged.seq == target.rcv_nxt => None,
        Licence::Blind(_) | Licence::Everything(_) => Some((forged, b"")),
    }
}
