//! Segments as bytes: what two decoders, the stack's and an independent one, agree that a frame says.

use std::net::Ipv4Addr;

use etherparse::{NetSlice, SlicedPacket, TcpOptionElement, TransportSlice};
use lockstep::ip::{HEADROOM, Interface, write_headers};
use lockstep::wire::{
    Checksum, EthernetFrame, Ipv4Packet, MacAddr, Protocol, PseudoHeader, TcpFlags, TcpHeader, TcpOptions, TcpSegment,
};
use lockstep_model::{Flags, Segment, Seq, SeqNum};

/// The two hosts, and the port of each.
pub const ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];
pub const PORTS: [u16; 2] = [4000, 80];
pub const MACS: [MacAddr; 2] = [MacAddr([2, 0, 192, 0, 2, 1]), MacAddr([2, 0, 192, 0, 2, 2])];

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Said {
    pub segment: Segment<Seq>,
    pub text: Vec<u8>,
    pub mss: Option<u16>,
}

/// Reads a frame that `from` has sent with both decoders. Every checksum is right, addresses and ports are those of the two hosts,
/// and the decoders agree.
pub fn decode(from: usize, frame: &[u8]) -> Result<Said, String> {
    let (theirs, ours) = (decode_with_etherparse(from, frame)?, decode_with_the_stack(frame)?);
    if theirs == ours { Ok(theirs) } else { Err(format!("two decoders disagree: {theirs:?} and {ours:?}")) }
}

/// A frame from `from` to the other host with this segment: the attacker's.
pub fn encode(from: usize, segment: &Segment<Seq>, text: &[u8]) -> Vec<u8> {
    let to = 1 - from;
    let header = TcpHeader {
        source_port: PORTS[from],
        destination_port: PORTS[to],
        seq: segment.seq.raw(),
        ack: segment.ack.raw(),
        flags: TcpFlags(segment.flags.to_wire()),
        window: u16::try_from(segment.wnd).unwrap_or(u16::MAX),
        urgent: u16::try_from(segment.up).unwrap_or(u16::MAX),
        options: TcpOptions::default(),
    };
    let mut frame = vec![0; HEADROOM + header.emitted_len()];
    frame.extend_from_slice(text);
    let pseudo = PseudoHeader { source: ADDRESSES[from], destination: ADDRESSES[to], protocol: Protocol::TCP };
    header.emit(&mut frame[HEADROOM..], pseudo);
    let interface = Interface::new(MACS[from], ADDRESSES[from], 24, None, 64);
    write_headers(&mut frame, &interface, ADDRESSES[to], Protocol::TCP);
    frame[..6].copy_from_slice(&MACS[to].0);
    frame
}

fn decode_with_etherparse(from: usize, frame: &[u8]) -> Result<Said, String> {
    let packet = SlicedPacket::from_ethernet(frame).map_err(|error| format!("etherparse: {error}"))?;
    let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Tcp(tcp))) = (packet.net, packet.transport) else {
        return Err("a frame that is no segment of TCP over IPv4".to_owned());
    };
    let (source, destination) = (ip.header().source(), ip.header().destination());
    let header = ip.header().to_header();
    if header.calc_header_checksum() != header.header_checksum
        || tcp.calc_checksum_ipv4(source, destination).ok() != Some(tcp.checksum())
    {
        return Err("a wrong checksum".to_owned());
    }
    let ends = ([source, destination], [tcp.source_port(), tcp.destination_port()]);
    if ends != ([ADDRESSES[from].octets(), ADDRESSES[1 - from].octets()], [PORTS[from], PORTS[1 - from]]) {
        return Err(format!("the wrong ends: {ends:?}"));
    }
    let bits = [tcp.fin(), tcp.syn(), tcp.rst(), tcp.psh(), tcp.ack(), tcp.urg()];
    let octet = bits.iter().rev().fold(0, |octet, &bit| octet << 1 | u8::from(bit));
    let mss = tcp.options_iterator().find_map(|option| match option {
        Ok(TcpOptionElement::MaximumSegmentSize(mss)) => Some(mss),
        Ok(_) | Err(_) => None,
    });
    let segment = Segment {
        seq: Seq::new(tcp.sequence_number()),
        ack: Seq::new(tcp.acknowledgment_number()),
        flags: Flags::from_wire(octet),
        text: u32::try_from(tcp.payload().len()).unwrap_or(u32::MAX),
        wnd: tcp.window_size().into(),
        up: tcp.urgent_pointer().into(),
    };
    Ok(Said { segment, text: tcp.payload().to_vec(), mss })
}

fn decode_with_the_stack(frame: &[u8]) -> Result<Said, String> {
    let frame = EthernetFrame::parse(frame).map_err(|error| format!("ethernet: {error:?}"))?;
    let packet = Ipv4Packet::parse(frame.payload(), Checksum::Verify).map_err(|error| format!("IPv4: {error:?}"))?;
    let tcp = TcpSegment::parse(packet.payload(), packet.pseudo_header(), Checksum::Verify)
        .map_err(|error| format!("TCP: {error:?}"))?;
    let segment = Segment {
        seq: Seq::new(tcp.seq()),
        ack: Seq::new(tcp.ack()),
        flags: Flags::from_wire(tcp.flags().0),
        text: u32::try_from(tcp.text().len()).unwrap_or(u32::MAX),
        wnd: tcp.window().into(),
        up: tcp.urgent().into(),
    };
    Ok(Said { segment, text: tcp.text().to_vec(), mss: tcp.options().0.mss })
}
