//! One stack, and a peer who writes his segments himself: for all that no decent stack would send.

#![allow(dead_code, reason = "each test program uses its part of this")]

use std::net::{Ipv4Addr, SocketAddr};

use lockstep::DropReason;
use lockstep::ip::{HEADROOM, Interface, write_headers};
use lockstep::stack::{Config, ConnectionId, ListenerId, Pair, Stack};
use lockstep::time::{Instant, Micros};
use lockstep::wire::{
    ArpOperation, ArpPacket, Checksum, EtherType, EthernetFrame, EthernetHeader, Icmpv4Message, Ipv4Packet, MacAddr,
    Protocol, PseudoHeader, TcpFlags, TcpHeader, TcpOptions, TcpSegment, arp, ethernet,
};
use lockstep_model::{State, Table};

/// The stack's address, and the peer's.
pub const HERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub const THERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
pub const THEIR_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x77]);

pub const SYN: TcpFlags = TcpFlags::SYN;
pub const ACK: TcpFlags = TcpFlags::ACK;
pub const RST: TcpFlags = TcpFlags::RST;
pub const FIN_ACK: TcpFlags = TcpFlags(0x11);
pub const SYN_ACK: TcpFlags = TcpFlags(0x12);
pub const RST_ACK: TcpFlags = TcpFlags(0x14);

/// A segment as the peer sees it or writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub header: TcpHeader,
    pub text: Vec<u8>,
}

/// What the stack sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    Tcp(Segment),
    Icmp(Vec<u8>),
    Arp(ArpPacket),
}

/// The stack and its raw peer. The peer's port is 4000, the stack's 80.
pub struct Raw {
    pub stack: Stack,
    pub now: Instant,
}

impl Raw {
    pub fn new() -> Raw {
        Raw::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Config)) -> Raw {
        let mut config = Config::new(HERE, 24);
        change(&mut config);
        let stack = Stack::new(config, Table::repaired(), *b"raw peers attack").unwrap();
        Raw { stack, now: Instant::ZERO + Micros::from_secs(1) }
    }

    /// The peer sends a segment.
    pub fn send(&mut self, flags: TcpFlags, seq: u32, ack: u32, text: &[u8]) -> Option<DropReason> {
        self.send_header(TcpHeader { flags, seq, ack, ..header() }, text)
    }

    pub fn send_header(&mut self, header: TcpHeader, text: &[u8]) -> Option<DropReason> {
        let frame = tcp_frame(THERE, HERE, &header, text);
        self.stack.input(self.now, &frame)
    }

    /// All that the stack has to send now; questions for the peer's Ethernet address are answered on the way.
    pub fn sent(&mut self) -> Vec<Sent> {
        let mut all = Vec::new();
        let mut frame = Vec::new();
        for _ in 0..10_000 {
            if !self.stack.poll_transmit(self.now, &mut frame) {
                return all;
            }
            match parse(&frame) {
                Sent::Arp(request) if request.target_ip == THERE && request.operation == ArpOperation::Request => {
                    let reply = ArpPacket {
                        operation: ArpOperation::Reply,
                        sender_mac: THEIR_MAC,
                        sender_ip: THERE,
                        target_mac: request.sender_mac,
                        target_ip: request.sender_ip,
                    };
                    self.stack.input(self.now, &arp_frame(&reply, request.sender_mac));
                }
                other => all.push(other),
            }
        }
        panic!("it never stops sending");
    }

    /// The segments that the stack has to send now.
    pub fn segments(&mut self) -> Vec<Segment> {
        let tcp = |sent| match sent {
            Sent::Tcp(segment) => Some(segment),
            Sent::Icmp(_) | Sent::Arp(_) => None,
        };
        self.sent().into_iter().filter_map(tcp).collect()
    }

    /// The one segment that the stack has to send now.
    pub fn segment(&mut self) -> Segment {
        let mut segments = self.segments();
        assert_eq!(segments.len(), 1, "{segments:#?}");
        segments.remove(0)
    }

    pub fn expect_silence(&mut self) {
        assert_eq!(self.sent(), []);
    }

    pub fn wait(&mut self, span: Micros) {
        let end = self.now + span;
        for _ in 0..10_000 {
            match self.stack.poll_timeout().filter(|&at| at <= end) {
                Some(at) => {
                    self.now = self.now.max(at);
                    self.stack.timeout(self.now);
                }
                None => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("too many timeouts");
    }

    pub fn listen(&mut self) -> ListenerId {
        self.stack.listen(self.now, (HERE, 80).into(), 8).unwrap()
    }

    /// A connection that the peer has opened, with the peer's first sequence number 1000.
    pub fn established(&mut self) -> Established {
        let listener = self.listen();
        self.send(SYN, 1000, 0, b"");
        let syn_ack = self.segment();
        self.send(ACK, 1001, syn_ack.header.seq.wrapping_add(1), b"");
        self.expect_silence();
        let id = self.stack.accept(listener).unwrap().unwrap().connection;
        assert_eq!(self.state(), State::Established);
        Established { id, seq: 1001, ack: syn_ack.header.seq.wrapping_add(1) }
    }

    pub fn state(&self) -> State {
        self.stack.state(&pair())
    }

    pub fn receive(&mut self, id: ConnectionId) -> Vec<u8> {
        let mut buf = [0; 4096];
        let n = self.stack.receive(self.now, id, &mut buf).unwrap_or(0);
        buf[..n].to_vec()
    }
}

/// An established connection as its peer knows it: his SND.NXT and his RCV.NXT.
#[derive(Clone, Copy, Debug)]
pub struct Established {
    pub id: ConnectionId,
    pub seq: u32,
    pub ack: u32,
}

pub fn pair() -> Pair {
    Pair { local: (HERE, 80).into(), remote: (THERE, 4000).into() }
}

pub fn header() -> TcpHeader {
    TcpHeader {
        source_port: 4000,
        destination_port: 80,
        seq: 0,
        ack: 0,
        flags: ACK,
        window: 60_000,
        urgent: 0,
        options: TcpOptions::default(),
    }
}

pub fn tcp_frame(source: Ipv4Addr, destination: Ipv4Addr, header: &TcpHeader, text: &[u8]) -> Vec<u8> {
    let mut segment = vec![0; header.emitted_len()];
    segment.extend_from_slice(text);
    header.emit(&mut segment, PseudoHeader { source, destination, protocol: Protocol::TCP });
    ip_frame(source, destination, Protocol::TCP, &segment)
}

pub fn icmp_frame(source: Ipv4Addr, message: &Icmpv4Message<'_>) -> Vec<u8> {
    let mut bytes = vec![0; message.emitted_len()];
    message.emit(&mut bytes);
    ip_frame(source, HERE, Protocol::ICMP, &bytes)
}

pub fn ip_frame(source: Ipv4Addr, destination: Ipv4Addr, protocol: Protocol, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; HEADROOM];
    frame.extend_from_slice(payload);
    let from = Interface::new(THEIR_MAC, source, 24, None, 64);
    write_headers(&mut frame, &from, destination, protocol);
    frame[..6].copy_from_slice(&Config::new(HERE, 24).mac.0);
    frame
}

pub fn arp_frame(packet: &ArpPacket, destination: MacAddr) -> Vec<u8> {
    let mut frame = vec![0; ethernet::HEADER_LEN + arp::PACKET_LEN];
    let header = EthernetHeader { destination, source: packet.sender_mac, ethertype: EtherType::ARP };
    let at = header.emit(&mut frame);
    packet.emit(&mut frame[at..]);
    frame
}

/// Everything the stack sends is well formed.
pub fn parse(frame: &[u8]) -> Sent {
    let frame = EthernetFrame::parse(frame).unwrap();
    if frame.ethertype() == EtherType::ARP {
        return Sent::Arp(ArpPacket::parse(frame.payload()).unwrap());
    }
    let packet = Ipv4Packet::parse(frame.payload(), Checksum::Verify).unwrap();
    assert_eq!((packet.source(), packet.identification(), packet.dont_fragment()), (HERE, 0, true));
    if packet.protocol() == Protocol::ICMP {
        Icmpv4Message::parse(packet.payload(), Checksum::Verify).unwrap();
        return Sent::Icmp(packet.payload().to_vec());
    }
    let segment = TcpSegment::parse(packet.payload(), packet.pseudo_header(), Checksum::Verify).unwrap();
    Sent::Tcp(Segment { header: segment.header(), text: segment.text().to_vec() })
}

pub fn socket(last: u8, port: u16) -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, last), port).into()
}
