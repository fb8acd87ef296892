//! Explicit congestion notification (RFC 3168), on the wire and end to end.

mod raw;

use std::net::Ipv4Addr;

use lockstep::device::impair::{Bottleneck, Impairment};
use lockstep::device::{Device, Impaired, Pipe};
use lockstep::ip::{HEADROOM, Handling, Interface, write_headers_for};
use lockstep::stack::{CallError, Config, ConnectionId, Settings, Stack};
use lockstep::time::{Instant, Micros};
use lockstep::wire::{
    Checksum, EtherType, EthernetFrame, Ipv4Packet, Protocol, PseudoHeader, TcpFlags, TcpHeader, TcpOptions, TcpSegment,
};
use lockstep_model::Table;
use raw::{ACK, HERE, Raw, SYN, SYN_ACK, THEIR_MAC, THERE, header};

const ECE: TcpFlags = TcpFlags::ECE;
const CWR: TcpFlags = TcpFlags::CWR;
const ECT_0: u8 = 0b10;
const CE: u8 = 0b11;

/// What a segment that left says about congestion.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    flags: TcpFlags,
    ecn: u8,
    seq: u32,
    len: u32,
}

fn said(raw: &mut Raw) -> Vec<Said> {
    let mut frame = Vec::new();
    let mut all = Vec::new();
    while raw.stack.poll_transmit(raw.now, &mut frame) {
        let frame = EthernetFrame::parse(&frame).unwrap();
        if frame.ethertype() != EtherType::IPV4 {
            continue;
        }
        let packet = Ipv4Packet::parse(frame.payload(), Checksum::Verify).unwrap();
        let segment = TcpSegment::parse(packet.payload(), packet.pseudo_header(), Checksum::Verify).unwrap();
        let len = u32::try_from(segment.text().len()).unwrap();
        all.push(Said { flags: segment.flags(), ecn: packet.dscp_ecn() & CE, seq: segment.seq(), len });
    }
    all
}

/// The peer sends a segment in a datagram with these two bits.
fn send(raw: &mut Raw, header: &TcpHeader, text: &[u8], ecn: u8) {
    let (source, destination) = (THERE, HERE);
    let mut segment = vec![0; header.emitted_len()];
    segment.extend_from_slice(text);
    header.emit(&mut segment, PseudoHeader { source, destination, protocol: Protocol::TCP });
    let mut frame = vec![0; HEADROOM];
    frame.extend_from_slice(&segment);
    let from = Interface::new(THEIR_MAC, source, 24, None, 64);
    write_headers_for(&mut frame, &from, destination, Protocol::TCP, Handling { dscp_ecn: ecn, ..Handling::default() });
    frame[..6].copy_from_slice(&Config::new(HERE, 24).mac.0);
    assert_eq!(raw.stack.input(raw.now, &frame), None);
}

/// A connection whose peer has asked for ECN; the peer's next number, and ours.
fn agreed(raw: &mut Raw) -> (ConnectionId, u32, u32) {
    let listener = raw.listen();
    let options = TcpOptions { mss: Some(1000), ..TcpOptions::default() };
    raw.send_header(TcpHeader { flags: SYN | ECE | CWR, seq: 1000, options, ..header() }, b"");
    let syn_ack = raw.segment().header;
    assert_eq!(syn_ack.flags, SYN_ACK | ECE);
    let ack = syn_ack.seq.wrapping_add(1);
    raw.send(ACK, 1001, ack, b"");
    let id = raw.stack.accept(listener).unwrap().unwrap().connection;
    assert!(raw.stack.status(raw.now, id).unwrap().ecn);
    (id, 1001, ack)
}

fn with_ecn() -> Raw {
    Raw::with(|config| config.tcp.ecn = true)
}

/// RFC 3168 §6.1.1.
#[test]
fn it_is_asked_for_by_the_syn_and_only_on_request() {
    let mut raw = Raw::new();
    raw.listen();
    raw.send(SYN | ECE | CWR, 1000, 0, b"");
    assert_eq!(raw.segment().header.flags, SYN_ACK, "nobody here wants it");

    let mut raw = Raw::new();
    let settings = Settings { ecn: true, ..Settings::of(&Config::new(HERE, 24).tcp) };
    let id = raw.stack.connect_with(raw.now, (HERE, 90).into(), (THERE, 90).into(), settings).unwrap();
    let syn = raw.segment().header;
    assert_eq!(syn.flags, SYN | ECE | CWR);
    // §6.1.1.1: whoever drops such SYNs gets a plain one.
    raw.wait(Micros::from_secs(1));
    assert_eq!(raw.segment().header.flags, SYN);
    let answer = TcpHeader { source_port: 90, destination_port: 90, ack: syn.seq.wrapping_add(1), ..header() };
    raw.send_header(TcpHeader { flags: SYN_ACK | ECE | CWR, ..answer }, b"");
    assert!(!raw.stack.status(raw.now, id).unwrap().ecn, "a mirror is no peer");
}

#[test]
fn only_new_text_is_capable() {
    let mut raw = with_ecn();
    let (id, seq, ack) = agreed(&mut raw);
    raw.stack.send(raw.now, id, &[7; 1500]).unwrap();
    let text = said(&mut raw);
    assert!(!text.is_empty() && text.iter().all(|said| said.ecn == ECT_0 && said.len > 0), "{text:?}");
    raw.wait(Micros::from_secs(2));
    let again = said(&mut raw);
    assert!(again.iter().any(|said| said.seq == ack && said.ecn == 0), "a retransmission: {again:?}");
    assert!(again.iter().all(|said| said.ecn == 0), "{again:?}");
    send(&mut raw, &TcpHeader { seq: seq + 1, ack, ..header() }, b"out of order", ECT_0);
    let [bare] = &said(&mut raw)[..] else { panic!("one acknowledgment") };
    assert_eq!((bare.len, bare.ecn, bare.flags), (0, 0, ACK));
}

/// RFC 3168 §6.1.3: ECE from the mark until CWR.
#[test]
fn a_mark_is_told_until_the_peer_has_slowed_down() {
    let mut raw = with_ecn();
    let (_, mut seq, ack) = agreed(&mut raw);
    let mut echoed = |flags: TcpFlags, ecn: u8| {
        for _ in 0..2 {
            send(&mut raw, &TcpHeader { flags: ACK | flags, seq, ack, ..header() }, b"text", ecn);
            seq += 4;
        }
        let said = said(&mut raw);
        assert_eq!(said.len(), 1, "{said:?}");
        said[0].flags.contains(ECE)
    };
    let none = TcpFlags::default();
    assert!(!echoed(none, ECT_0));
    assert!(echoed(none, CE));
    assert!(echoed(none, ECT_0));
    assert!(!echoed(CWR, ECT_0));
    assert!(echoed(CWR, CE));
    // A mark on what is outside the window is no mark: anybody can send that.
    assert!(!echoed(CWR, ECT_0));
    send(&mut raw, &TcpHeader { seq: seq - 100, ack, ..header() }, b"old", CE);
    assert!(said(&mut raw).iter().all(|said| !said.flags.contains(ECE)));
}

/// RFC 3168 §6.1.2: the window falls once, and the peer hears of it with the next new text.
#[test]
fn an_echo_slows_down_once_per_window() {
    let mut raw = with_ecn();
    let (id, seq, _) = agreed(&mut raw);
    raw.stack.send(raw.now, id, &[7; 40_000]).unwrap();
    let first = said(&mut raw);
    let before = raw.stack.status(raw.now, id).unwrap().cwnd;
    let mut news = Vec::new();
    for part in &first[..4] {
        raw.send(ACK | ECE, seq, part.seq.wrapping_add(part.len), b"");
        news.extend(said(&mut raw));
    }
    let after = raw.stack.status(raw.now, id).unwrap();
    assert!(after.cwnd < before && after.cwnd >= before * 4 / 10, "{before} {}", after.cwnd);
    assert_eq!(after.cwnd, after.ssthresh);
    // What was in flight is acknowledged, and new text leaves.
    let last = first.last().unwrap();
    raw.send(ACK, seq, last.seq.wrapping_add(last.len), b"");
    news.extend(said(&mut raw));
    let told = news.iter().filter(|said| said.flags.contains(CWR)).count();
    assert_eq!((told, news[0].flags.contains(CWR)), (1, true), "{news:?}");
    assert!(news.iter().all(|said| said.ecn == ECT_0));
}

/// RFC 3168 §6.1.2: "reduces its congestion window for any reason".
#[test]
fn a_window_that_a_loss_has_made_smaller_is_told_too() {
    let mut raw = with_ecn();
    let (id, seq, ack) = agreed(&mut raw);
    raw.stack.send(raw.now, id, &[7; 40_000]).unwrap();
    let first = said(&mut raw);
    for _ in 0..3 {
        raw.send(ACK, seq, ack, b"");
    }
    let mut news = said(&mut raw);
    let last = first.last().unwrap();
    raw.send(ACK, seq, last.seq.wrapping_add(last.len), b"");
    news.extend(said(&mut raw));
    news.retain(|said| said.ecn == ECT_0);
    let told = news.iter().filter(|said| said.flags.contains(CWR)).count();
    assert_eq!((told, news[0].flags.contains(CWR)), (1, true), "{news:?}");
}

/// RFC 3168 §6.1.2: once "in response to a series of dropped and/or CE packets from a single window of data".
#[test]
fn a_mark_and_a_loss_in_one_window_slow_down_once() {
    let mut raw = with_ecn();
    let (id, seq, ack) = agreed(&mut raw);
    raw.stack.send(raw.now, id, &[7; 40_000]).unwrap();
    let first = said(&mut raw);
    let una = ack.wrapping_add(first[0].len);
    raw.send(ACK | ECE, seq, una, b"");
    let slower = raw.stack.status(raw.now, id).unwrap().ssthresh;
    for _ in 0..3 {
        raw.send(ACK, seq, una, b"");
    }
    assert!(said(&mut raw).iter().any(|said| said.seq == una), "it is found to be lost");
    assert_eq!(raw.stack.status(raw.now, id).unwrap().ssthresh, slower);
    // What left after the mark is another window.
    let last = first.last().unwrap();
    let una = last.seq.wrapping_add(last.len);
    raw.send(ACK, seq, una, b"");
    assert!(said(&mut raw).len() >= 4);
    for _ in 0..3 {
        raw.send(ACK, seq, una.wrapping_add(1000), b"");
    }
    raw.send(ACK, seq, una.wrapping_add(1000), b"");
    assert!(raw.stack.status(raw.now, id).unwrap().ssthresh < slower);
}

/// Two stacks and a slow line with a queue: where it would overflow it is marked instead, and nothing is lost.
#[test]
fn a_line_that_marks_loses_nothing() {
    let transfer = |ecn: bool| {
        let mut line = Bottleneck::new(1_000_000, 100_000);
        line.mark_above = Some(20_000);
        let there = Impairment { bottleneck: Some(line), delay: Micros::from_millis(10), ..Impairment::default() };
        let back = Impairment { delay: Micros::from_millis(10), ..Impairment::default() };
        let (near, mut far) = Pipe::pair(1500, 4_096);
        let mut near = Impaired::new(near, 1, back, there);
        let [mut sender, mut receiver] = [1, 2].map(|last| {
            let mut config = Config::new(Ipv4Addr::new(192, 0, 2, last), 24);
            config.tcp.ecn = ecn;
            Stack::new(config, Table::repaired(), [last; 16]).unwrap()
        });
        let mut now = Instant::ZERO;
        let listener = receiver.listen(now, "0.0.0.0:80".parse().unwrap(), 1).unwrap();
        let id = sender.connect(now, "192.0.2.2:80".parse().unwrap()).unwrap();
        let (mut left, mut received, mut accepted) = (1_000_000_usize, 0, None);
        while received < 1_000_000 {
            if let Ok(taken) = sender.send(now, id, &vec![7; left.min(65_536)]) {
                left -= taken;
            }
            accepted = accepted.or_else(|| receiver.accept(listener).unwrap().map(|accepted| accepted.connection));
            while let Some(n) = accepted.and_then(|id| receiver.receive(now, id, &mut [0; 65_536]).ok()) {
                received += n;
            }
            let moved = pump(&mut sender, &mut near, now) | pump(&mut receiver, &mut far, now);
            let next =
                [sender.poll_timeout(), receiver.poll_timeout(), near.poll_timeout()].into_iter().flatten().min();
            if !moved {
                now = next.expect("something is to come").max(now + Micros::new(1));
                sender.timeout(now);
                receiver.timeout(now);
            }
            assert!(now < Instant::ZERO + Micros::from_secs(60), "it stalls at {received}");
        }
        assert_ne!(sender.send(now, id, b"more"), Err(CallError::DoesNotExist));
        let out = near.outgoing();
        (out.marked, out.overflowed)
    };
    let (marked, lost) = transfer(true);
    assert!(marked > 0 && lost == 0, "{marked} marked, {lost} lost");
    let (marked, lost) = transfer(false);
    assert!(marked == 0 && lost > 0, "without it the queue overflows: {marked} marked, {lost} lost");
}

/// Frames from the device to the stack and back; whether there were any.
fn pump(stack: &mut Stack, device: &mut impl Device, now: Instant) -> bool {
    let mut moved = false;
    let mut frame = vec![0; 1514];
    while let Some(len) = device.recv(now, &mut frame).unwrap() {
        stack.input(now, &frame[..len]);
        moved = true;
    }
    let mut frame = Vec::new();
    while stack.poll_transmit(now, &mut frame) {
        device.send(now, &frame).unwrap();
        moved = true;
    }
    moved
}
