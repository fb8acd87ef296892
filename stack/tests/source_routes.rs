//! Source routes (RFC 9293 §3.9.2.1): prescribed by the user, or learnt from what arrives.

mod raw;

use std::net::Ipv4Addr;

use lockstep::DropReason;
use lockstep::stack::{ConnectionId, Settings};
use lockstep::wire::{
    ArpOperation, ArpPacket, Checksum, EtherType, EthernetFrame, Ipv4Packet, MacAddr, PseudoHeader, SourceRoute, Sum,
    TcpFlags, TcpHeader, TcpSegment, Way,
};
use lockstep_model::State;
use raw::{ACK, HERE, Raw, SYN, THERE, arp_frame, header, tcp_frame};

const ROUTERS: [Ipv4Addr; 3] =
    [Ipv4Addr::new(192, 0, 2, 10), Ipv4Addr::new(192, 0, 2, 20), Ipv4Addr::new(192, 0, 2, 30)];

fn route(hops: &[Ipv4Addr]) -> SourceRoute {
    SourceRoute::new(hops, false).unwrap()
}

/// A stack that accepts source routes.
fn accepting() -> Raw {
    Raw::with(|config| config.source_routes = true)
}

/// A frame from THERE that has passed `hops` on its way here; `left` of them are still before it.
fn routed(header: &TcpHeader, text: &[u8], hops: &[Ipv4Addr], left: u8) -> Vec<u8> {
    let mut option = vec![131, u8::try_from(3 + 4 * hops.len()).unwrap()];
    option.push(option[1] + 1 - 4 * left);
    hops.iter().for_each(|hop| option.extend(hop.octets()));
    option.resize(option.len().next_multiple_of(4), 0);
    let mut frame = tcp_frame(THERE, HERE, header, text);
    frame.splice(34..34, option.iter().copied());
    frame[14] = 0x45 + u8::try_from(option.len() / 4).unwrap();
    let len = u16::try_from(frame.len() - 14).unwrap();
    frame[16..18].copy_from_slice(&len.to_be_bytes());
    frame[24..26].fill(0);
    let checksum = Sum::default().plus(&frame[14..34 + option.len()]).checksum();
    frame[24..26].copy_from_slice(&checksum.to_be_bytes());
    frame
}

/// A segment that the stack sends, and the way that its datagram is to go: the next hop, and what the option says.
struct Left {
    next: Ipv4Addr,
    way: Vec<Ipv4Addr>,
    flags: TcpFlags,
    seq: u32,
    text: usize,
}

/// The one segment that the stack has to send now; whoever it asks for an Ethernet address answers.
fn left(raw: &mut Raw) -> Left {
    let mut frame = Vec::new();
    while raw.stack.poll_transmit(raw.now, &mut frame) {
        let ethernet = EthernetFrame::parse(&frame).unwrap();
        if ethernet.ethertype() == EtherType::ARP {
            let asked = ArpPacket::parse(ethernet.payload()).unwrap();
            let mac = MacAddr([2, 0, 0, 0, 0, asked.target_ip.octets()[3]]);
            let reply = ArpPacket {
                operation: ArpOperation::Reply,
                sender_mac: mac,
                sender_ip: asked.target_ip,
                target_mac: asked.sender_mac,
                target_ip: asked.sender_ip,
            };
            raw.stack.input(raw.now, &arp_frame(&reply, asked.sender_mac));
            continue;
        }
        let packet = Ipv4Packet::parse(ethernet.payload(), Checksum::Verify).unwrap();
        assert_eq!(ethernet.destination().0[5], packet.destination().octets()[3], "it goes to its first hop");
        let options = packet.options();
        let count = options.get(1).map_or(0, |&length| usize::from(length - 3) / 4);
        let way: Vec<Ipv4Addr> =
            (0..count).map(|n| <[u8; 4]>::try_from(&options[3 + 4 * n..7 + 4 * n]).unwrap().into()).collect();
        // The checksum of TCP is over the last destination, not over the next hop.
        let pseudo = PseudoHeader { destination: THERE, ..packet.pseudo_header() };
        let segment = TcpSegment::parse(packet.payload(), pseudo, Checksum::Verify).unwrap();
        assert!(packet.total_len() <= 1500);
        return Left {
            next: packet.destination(),
            way,
            flags: segment.flags(),
            seq: segment.seq(),
            text: segment.text().len(),
        };
    }
    panic!("nothing was sent");
}

/// A connection that a peer has opened by `hops`.
fn opened_by(raw: &mut Raw, hops: &[Ipv4Addr]) -> (ConnectionId, u32) {
    let listener = raw.listen();
    let syn = TcpHeader { flags: SYN, seq: 1000, ..header() };
    assert_eq!(raw.stack.input(raw.now, &routed(&syn, b"", hops, 0)), None);
    let syn_ack = left(raw);
    let ack = TcpHeader { seq: 1001, ack: syn_ack.seq.wrapping_add(1), ..header() };
    assert_eq!(raw.stack.input(raw.now, &routed(&ack, b"", hops, 0)), None);
    let id = raw.stack.accept(listener).unwrap().unwrap().connection;
    (id, ack.ack)
}

/// MUST-51: the user prescribes a way, from the SYN on. MUST-16: its option takes its room from the text.
#[test]
fn who_opens_may_prescribe_the_way() {
    let mut raw = Raw::new();
    let settings = Settings { source_route: Some(route(&ROUTERS)), ..Settings::of(&Default::default()) };
    let id = raw.stack.connect_with(raw.now, (HERE, 80).into(), (THERE, 4000).into(), settings).unwrap();
    let syn = left(&mut raw);
    assert_eq!((syn.flags, syn.next), (SYN, ROUTERS[0]));
    assert_eq!(syn.way, [ROUTERS[1], ROUTERS[2], THERE]);
    let syn_ack = TcpHeader { flags: raw::SYN_ACK, seq: 1000, ack: syn.seq.wrapping_add(1), ..header() };
    let mut full = syn_ack;
    full.options.mss = Some(1460);
    raw.send_header(full, b"");
    assert_eq!(left(&mut raw).next, ROUTERS[0]);
    raw.stack.send(raw.now, id, &[7; 5000]).unwrap();
    assert_eq!(left(&mut raw).text, 1460 - 16);
}

/// A way that is prescribed later takes its room from the text, too.
#[test]
fn a_way_may_be_prescribed_later() {
    let mut raw = Raw::new();
    let at = raw.established();
    let before = raw.stack.status(raw.now, at.id).unwrap().send_mss;
    let settings = Settings { source_route: Some(route(&ROUTERS)), ..raw.stack.settings(at.id).unwrap() };
    raw.stack.set_settings(raw.now, at.id, settings).unwrap();
    raw.stack.send(raw.now, at.id, &[7; 5000]).unwrap();
    let text = left(&mut raw);
    assert_eq!((text.next, text.text), (ROUTERS[0], usize::from(before) - 16));
}

/// Who calls knows his way, whichever the answer came.
#[test]
fn who_opens_without_a_way_learns_none() {
    let mut raw = accepting();
    let id = raw.stack.connect_from(raw.now, (HERE, 80).into(), (THERE, 4000).into()).unwrap();
    let ack = left(&mut raw).seq.wrapping_add(1);
    let syn_ack = TcpHeader { flags: raw::SYN_ACK, seq: 1000, ack, ..header() };
    assert_eq!(raw.stack.input(raw.now, &routed(&syn_ack, b"", &ROUTERS, 0)), None);
    assert_eq!(left(&mut raw).next, THERE);
    raw.stack.send(raw.now, id, b"text").unwrap();
    assert_eq!(left(&mut raw).next, THERE);
}

/// MUST-52: what the user prescribes counts, whatever way the peer's datagrams come.
#[test]
fn the_users_way_counts_before_the_peers() {
    let mut raw = accepting();
    let listener = raw.listen();
    let settings =
        Settings { source_route: Some(route(&ROUTERS[..1])), ..raw.stack.listener_settings(listener).unwrap() };
    raw.stack.set_listener_settings(raw.now, listener, settings).unwrap();
    let syn = TcpHeader { flags: SYN, seq: 1000, ..header() };
    assert_eq!(raw.stack.input(raw.now, &routed(&syn, b"", &ROUTERS[1..], 0)), None);
    let syn_ack = left(&mut raw);
    assert_eq!((syn_ack.next, syn_ack.way), (ROUTERS[0], vec![THERE]));
}

/// MUST-53: who was called by a way answers by it. SHLD-24: a later way counts.
#[test]
fn an_answer_goes_back_the_way_the_call_came() {
    let mut raw = accepting();
    let (id, at) = opened_by(&mut raw, &ROUTERS);
    raw.stack.send(raw.now, id, b"text").unwrap();
    let text = left(&mut raw);
    assert_eq!((text.next, text.way), (ROUTERS[2], vec![ROUTERS[1], ROUTERS[0], THERE]));
    let header = TcpHeader { seq: 1001, ack: at.wrapping_add(4), ..header() };
    assert_eq!(raw.stack.input(raw.now, &routed(&header, b"hello", &ROUTERS[..2], 0)), None);
    assert_eq!(raw.receive(id), b"hello");
    raw.stack.send(raw.now, id, b"more").unwrap();
    let text = left(&mut raw);
    assert_eq!((text.next, text.way), (ROUTERS[1], vec![ROUTERS[0], THERE]));
    raw.stack.release(raw.now, id).unwrap();
    let fin = left(&mut raw);
    assert_eq!(fin.next, ROUTERS[1]);
    // In TIME-WAIT, too, again and again.
    let theirs = TcpHeader { flags: raw::FIN_ACK, seq: 1006, ack: fin.seq.wrapping_add(1), ..header };
    for _ in 0..3 {
        raw.send_header(theirs, b"");
        assert_eq!(raw.state(), State::TimeWait);
        assert_eq!(left(&mut raw).next, ROUTERS[1]);
        raw.expect_silence();
    }
}

/// Whoever can prescribe a way can pretend to be anybody: nobody is believed unless it was asked for (RFC 7126 §4.3), and no
/// blind attacker leads a connection astray.
#[test]
fn a_way_is_believed_only_where_it_is_wanted_and_of_whoever_is_connected() {
    let mut raw = Raw::new();
    raw.listen();
    let syn = TcpHeader { flags: SYN, seq: 1000, ..header() };
    assert_eq!(raw.stack.input(raw.now, &routed(&syn, b"", &ROUTERS, 0)), Some(DropReason::SourceRouted));
    raw.expect_silence();

    let mut raw = accepting();
    let (id, at) = opened_by(&mut raw, &ROUTERS);
    let blind = TcpHeader { flags: ACK, seq: 1001, ack: at.wrapping_add(1 << 30), ..header() };
    raw.stack.input(raw.now, &routed(&blind, b"", &ROUTERS[..1], 0));
    assert_eq!(left(&mut raw).next, ROUTERS[2]);
    assert_eq!(raw.stack.state_of(id), Some(State::Established));
}

/// This is no router: what has hosts before it goes no further.
#[test]
fn nothing_is_passed_on() {
    let mut raw = accepting();
    raw.listen();
    let syn = TcpHeader { flags: SYN, seq: 1000, ..header() };
    let onward = routed(&syn, b"", &ROUTERS, 1);
    assert!(matches!(SourceRoute::read(&onward[34..50]), Way::Onward(_)));
    assert_eq!(raw.stack.input(raw.now, &onward), Some(DropReason::SourceRouted));
    raw.expect_silence();
}
