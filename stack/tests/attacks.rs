//! What blind attackers, broken stacks and bad wires send, and what must come of it: nothing, or one answer.

mod raw;

use std::net::Ipv4Addr;

use lockstep::DropReason;
use lockstep::ip::Undelivered;
use lockstep::stack::{Event, Failure};
use lockstep::time::Micros;
use lockstep::wire::{Icmpv4Message, Protocol, TcpFlags, TcpHeader, TcpOptions, UnreachableCode};
use lockstep_model::State;
use raw::{ACK, Established, FIN_ACK, HERE, RST, RST_ACK, Raw, SYN, SYN_ACK, Sent, THERE, header};

const WINDOW: u32 = 65_535;

/// The only answer a suspicious segment gets (RFC 5961): <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, one of them.
fn expect_challenge(raw: &mut Raw, at: Established) {
    let segment = raw.segment();
    assert_eq!((segment.header.flags, segment.header.seq, segment.header.ack), (ACK, at.ack, at.seq));
    assert!(segment.text.is_empty());
}

// ---- Blind resets, SYNs, text and acknowledgments (RFC 5961; threats T01 to T05) ---------------------------------------------

#[test]
fn only_an_exact_reset_resets() {
    for (offset, state) in [
        (u32::MAX, State::Established),
        (0, State::Closed),
        (1, State::Established),
        (WINDOW - 1, State::Established),
        (WINDOW, State::Established),
        (1 << 31, State::Established),
    ] {
        for flags in [RST, RST_ACK] {
            let mut raw = Raw::new();
            let at = raw.established();
            raw.send(flags, at.seq.wrapping_add(offset), at.ack, b"");
            assert_eq!(raw.stack.state_of(at.id), Some(state), "offset {offset}");
            match offset {
                1 | 65_534 => expect_challenge(&mut raw, at),
                _ => raw.expect_silence(),
            }
        }
    }
}

#[test]
fn a_syn_in_a_connection_changes_nothing() {
    for flags in [SYN, SYN_ACK] {
        for offset in [0, 1, 1000, WINDOW, 1 << 31, u32::MAX - 1000] {
            for text in [&b""[..], b"text"] {
                let mut raw = Raw::new();
                let at = raw.established();
                raw.send(flags, at.seq.wrapping_add(offset), at.ack, text);
                assert_eq!(raw.state(), State::Established);
                expect_challenge(&mut raw, at);
                assert_eq!(raw.receive(at.id), b"");
            }
        }
    }
}

#[test]
fn text_with_a_false_acknowledgment_does_not_reach_the_user() {
    // Beyond SND.NXT, before SND.UNA - MAX.SND.WND, and before the first octet ever sent ("ghost ACK").
    for ack in [1, 1000, 1 << 31, 0_u32.wrapping_sub(60_001), 0_u32.wrapping_sub(1 << 30)] {
        let mut raw = Raw::new();
        let at = raw.established();
        raw.send(ACK, at.seq, at.ack.wrapping_add(ack), b"forged");
        assert_eq!(raw.receive(at.id), b"", "ACK {ack} beyond SND.NXT");
        expect_challenge(&mut raw, at);
    }
}

#[test]
fn text_outside_the_window_is_acknowledged_and_dropped() {
    for offset in [WINDOW, WINDOW + 1, 1 << 31, 0_u32.wrapping_sub(100)] {
        let mut raw = Raw::new();
        let at = raw.established();
        raw.send(ACK, at.seq.wrapping_add(offset), at.ack, b"outside");
        expect_challenge(&mut raw, at);
        assert_eq!(raw.receive(at.id), b"");
    }
}

/// RFC 5961 §7: the budget is each connection's own, so that nobody can learn from it about another (CVE-2016-5696).
#[test]
fn challenges_are_rare_and_each_connection_has_its_own_budget() {
    let mut raw = Raw::new();
    let at = raw.established();
    for _ in 0..1000 {
        raw.send(RST, at.seq + 1, 0, b"");
    }
    expect_challenge(&mut raw, at);
    raw.wait(Micros::from_millis(499));
    raw.send(RST, at.seq + 1, 0, b"");
    raw.expect_silence();

    // Another connection is answered as if nothing had happened.
    let listener = raw.stack.listen(raw.now, (HERE, 81).into(), 1).unwrap();
    let other = TcpHeader { destination_port: 81, ..header() };
    raw.send_header(TcpHeader { flags: SYN, seq: 1, ..other }, b"");
    let ack = raw.segment().header.seq.wrapping_add(1);
    raw.send_header(TcpHeader { seq: 2, ack, ..other }, b"");
    assert!(raw.stack.accept(listener).unwrap().is_some());
    raw.send_header(TcpHeader { flags: RST, seq: 3, ack, ..other }, b"");
    assert_eq!(raw.segment().header.destination_port, 4000);

    raw.wait(Micros::from_millis(1));
    raw.send(RST, at.seq + 1, 0, b"");
    expect_challenge(&mut raw, at);
}

#[test]
fn sixty_five_thousand_blind_resets_kill_nobody() {
    let mut raw = Raw::new();
    let at = raw.established();
    for n in 0..65_536_u32 {
        let seq = n << 16;
        if seq != at.seq {
            raw.send(RST, seq, 0, b"");
        }
    }
    assert_eq!(raw.state(), State::Established);
}

// ---- Addresses and checksums (threats T20, T21, T31) ------------------------------------------------------------------------

#[test]
fn martians_get_no_answer() {
    let mut raw = Raw::new();
    raw.listen();
    let syn = TcpHeader { flags: SYN, seq: 1, ..header() };
    for source in ["192.0.2.1", "127.0.0.1", "0.0.0.0", "224.0.0.5", "255.255.255.255", "192.0.2.255", "240.0.0.1"] {
        let frame = raw::tcp_frame(source.parse().unwrap(), HERE, &syn, b"");
        assert_eq!(raw.stack.input(raw.now, &frame), Some(DropReason::MartianSource), "{source}");
    }
    for destination in ["192.0.2.255", "255.255.255.255", "224.0.0.1", "192.0.2.9"] {
        let frame = raw::tcp_frame(THERE, destination.parse().unwrap(), &syn, b"");
        assert_eq!(raw.stack.input(raw.now, &frame), Some(DropReason::NotOurAddress), "{destination}");
    }
    raw.expect_silence();
    assert_eq!(raw.stack.connections(), 0);
    assert_eq!(raw.stack.drops().total(), 11);
}

#[test]
fn frames_for_others_are_not_read() {
    let mut raw = Raw::new();
    raw.listen();
    let syn = TcpHeader { flags: SYN, seq: 1, ..header() };
    let mut frame = raw::tcp_frame(THERE, HERE, &syn, b"");
    for destination in [[0xff; 6], [1, 0, 0x5e, 0, 0, 1], [2, 0, 0, 0, 0, 9]] {
        frame[..6].copy_from_slice(&destination);
        assert_eq!(raw.stack.input(raw.now, &frame), Some(DropReason::NotOurFrame));
    }
    frame[12..14].copy_from_slice(&[0x86, 0xdd]);
    assert_eq!(raw.stack.input(raw.now, &frame), Some(DropReason::UnknownEtherType));
    let udp = raw::ip_frame(THERE, HERE, Protocol::UDP, &[0; 8]);
    assert_eq!(raw.stack.input(raw.now, &udp), Some(DropReason::UnknownProtocol));
    raw.expect_silence();
}

#[test]
fn a_flipped_bit_is_never_believed() {
    let mut raw = Raw::new();
    let at = raw.established();
    let header = TcpHeader { flags: FIN_ACK, seq: at.seq, ack: at.ack, ..header() };
    let good = raw::tcp_frame(THERE, HERE, &header, b"true text");
    let before = raw.stack.project(raw.now);
    for bit in 14 * 8..good.len() * 8 {
        let mut frame = good.clone();
        frame[bit / 8] ^= 0x80 >> (bit % 8);
        assert!(raw.stack.input(raw.now, &frame).is_some(), "bit {bit} was believed");
    }
    assert!(raw.stack.project(raw.now) == before);
    raw.expect_silence();
    assert_eq!(raw.stack.input(raw.now, &good), None);
    assert_eq!(raw.receive(at.id), b"true text");
}

#[test]
fn fragments_are_dropped_by_name() {
    let mut raw = Raw::new();
    let syn = TcpHeader { flags: SYN, seq: 1, ..header() };
    let mut frame = raw::tcp_frame(THERE, HERE, &syn, &[0; 4]);
    // More fragments, and the checksum of the header that follows from it.
    frame[20] = 0x20;
    let sum = u16::from_be_bytes([frame[24], frame[25]]);
    let sum = sum.wrapping_add(0x4000 - 0x2000);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(raw.stack.input(raw.now, &frame), Some(DropReason::Fragment));
}

// ---- Options ---------------------------------------------------------------------------------------------------------------

#[test]
fn the_mss_follows_the_peers_option_within_reason() {
    for (offered, expected) in [(None, 536), (Some(0), 536), (Some(1), 48), (Some(100), 100), (Some(9000), 1460)] {
        let mut raw = Raw::new();
        let listener = raw.listen();
        let options = TcpOptions { mss: offered, ..TcpOptions::default() };
        raw.send_header(TcpHeader { flags: SYN, seq: 1000, options, ..header() }, b"");
        let syn_ack = raw.segment();
        assert_eq!(syn_ack.header.options, TcpOptions { mss: Some(1460), ..TcpOptions::default() });
        raw.send(ACK, 1001, syn_ack.header.seq.wrapping_add(1), b"");
        let id = raw.stack.accept(listener).unwrap().unwrap().connection;
        assert_eq!(raw.stack.status(raw.now, id).unwrap().send_mss, expected, "{offered:?}");
        raw.stack.send(raw.now, id, &[7; 20_000]).unwrap();
        let segments = raw.segments();
        assert!(segments.iter().all(|segment| segment.text.len() == usize::from(expected)));
        assert!(segments.iter().all(|segment| segment.header.options == TcpOptions::default()));
    }
}

/// RFC 9293 §3.10.7.2: text of a SYN waits for the handshake; what a cookie-less stack does with TFO data.
#[test]
fn text_of_a_syn_is_kept_until_the_handshake_is_over() {
    let mut raw = Raw::new();
    let listener = raw.listen();
    raw.send(SYN, 1000, 0, b"early");
    let syn_ack = raw.segment();
    assert_eq!(syn_ack.header.ack, 1001);
    raw.send(ACK, 1001, syn_ack.header.seq.wrapping_add(1), b"");
    let id = raw.stack.accept(listener).unwrap().unwrap().connection;
    assert_eq!(raw.receive(id), b"early");
    raw.wait(Micros::from_millis(100));
    assert_eq!(raw.segment().header.ack, 1006);
}

// ---- Floods ------------------------------------------------------------------------------------------------------------------

#[test]
fn spoofed_syns_take_no_more_than_the_syn_queue() {
    let mut raw = Raw::with(|config| config.tcp.listen.half_open = 8);
    raw.listen();
    for n in 0..100_000_u32 {
        let [_, a, b, c] = n.to_be_bytes();
        let source = Ipv4Addr::new(10, a, b, c);
        let syn = TcpHeader { flags: SYN, seq: n, ..header() };
        raw.stack.input(raw.now, &raw::tcp_frame(source, HERE, &syn, b""));
    }
    assert_eq!(raw.stack.connections(), 8, "{:?}", raw.stack.drops());
    // In time they are forgotten: after five SYN,ACKs more.
    raw.wait(Micros::from_secs(200));
    assert_eq!(raw.stack.connections(), 0);
}

#[test]
fn segments_for_nobody_are_answered_once_each_and_kept_nowhere() {
    let mut raw = Raw::with(|config| config.limits.answers = 4);
    for n in 0..100 {
        raw.send_header(TcpHeader { flags: SYN, seq: n, destination_port: 9, ..header() }, b"");
    }
    let answers = raw.segments();
    assert_eq!(answers.len(), 4);
    assert_eq!(raw.stack.drops().count(DropReason::OutputFull), 96);
    assert!(answers.iter().all(|answer| answer.header.flags == RST_ACK));
    assert_eq!(raw.stack.connections(), 0);
    raw.send_header(TcpHeader { flags: RST, destination_port: 9, ..header() }, b"");
    raw.expect_silence();
}

#[test]
fn there_are_no_more_connections_than_allowed() {
    let mut raw = Raw::with(|config| config.limits.connections = 2);
    raw.listen();
    for port in 4000..4003 {
        raw.send_header(TcpHeader { source_port: port, flags: SYN, ..header() }, b"");
    }
    assert_eq!(raw.stack.connections(), 2);
    assert_eq!(raw.stack.drops().count(DropReason::ConnectionsFull), 1);
    assert!(raw.stack.connect(raw.now, raw::socket(2, 80)).is_err());
}

/// RFC 5681 §4.2: what is out of order is acknowledged at once, and so is what fills the hole.
#[test]
fn out_of_order_text_is_acknowledged_at_once() {
    let mut raw = Raw::with(|config| config.tcp.acks.quick_segments = 0);
    let at = raw.established();
    raw.send(ACK, at.seq + 3, at.ack, b"def");
    assert_eq!(raw.segment().header.ack, at.seq);
    raw.send(ACK, at.seq, at.ack, b"abc");
    assert_eq!(raw.segment().header.ack, at.seq + 6);
    raw.send(ACK, at.seq + 6, at.ack, b"in order");
    raw.expect_silence();
}

/// An acknowledgment that was due loses its meaning when a reset follows in the same batch.
#[test]
fn the_dead_do_not_acknowledge() {
    let mut raw = Raw::new();
    let at = raw.established();
    raw.send(ACK, at.seq + 3, at.ack, b"out of order");
    raw.send(RST, at.seq, 0, b"");
    raw.expect_silence();
    raw.wait(Micros::from_secs(1));
    raw.expect_silence();
}

/// Once a connection has ended, only the neighbour is still of interest, after a minute.
#[test]
fn the_dead_wake_nobody() {
    let mut raw = Raw::new();
    raw.stack.connect_from(raw.now, (HERE, 80).into(), (THERE, 4000).into()).unwrap();
    let iss = raw.segment().header.seq;
    raw.send(RST_ACK, 0, iss.wrapping_add(1), b"");
    assert_eq!(raw.stack.poll_timeout(), Some(raw.now + Micros::from_secs(60)));
}

/// "SegmentSmack": text with holes only, one octet at a time.
#[test]
fn holes_cost_a_bounded_amount_and_the_text_arrives_all_the_same() {
    let mut raw = Raw::new();
    let at = raw.established();
    for n in (2..20_000).step_by(2) {
        raw.send(ACK, at.seq + n, at.ack, b"x");
        raw.sent();
    }
    assert_eq!(raw.receive(at.id), b"");
    raw.send(ACK, at.seq, at.ack, b"ab");
    assert_eq!(raw.receive(at.id), b"abx");
}

// ---- ICMP ------------------------------------------------------------------------------------------------------------------

#[test]
fn pings_are_answered_with_what_they_carry() {
    let mut raw = Raw::new();
    let request = Icmpv4Message::EchoRequest { identifier: 7, sequence: 9, data: b"are you there?" };
    assert_eq!(raw.stack.input(raw.now, &raw::icmp_frame(THERE, &request)), None);
    let reply = Icmpv4Message::EchoReply { identifier: 7, sequence: 9, data: b"are you there?" };
    let mut expected = vec![0; reply.emitted_len()];
    reply.emit(&mut expected);
    assert_eq!(raw.sent(), [Sent::Icmp(expected)]);
}

#[test]
fn our_pings_are_answered_with_an_event() {
    let mut raw = Raw::new();
    raw.stack.ping(raw.now, THERE.into(), 7, 9, b"hello").unwrap();
    assert!(matches!(raw.sent()[..], [Sent::Icmp(_)]));
    let reply = Icmpv4Message::EchoReply { identifier: 7, sequence: 9, data: b"hello" };
    raw.stack.input(raw.now, &raw::icmp_frame(THERE, &reply));
    let heard = Event::EchoReply { from: THERE.into(), identifier: 7, sequence: 9, len: 5 };
    assert_eq!(raw.stack.poll_event(), Some(heard));
    assert!(raw.stack.ping(raw.now, Ipv4Addr::BROADCAST.into(), 1, 1, b"").is_err());
    assert!(raw.stack.ping(raw.now, Ipv4Addr::new(8, 8, 8, 8).into(), 1, 1, b"").is_err());
}

/// A router quotes the segment that `header` is the header of.
fn unreachable(raw: &mut Raw, code: UnreachableCode, header: &TcpHeader) -> Option<DropReason> {
    let quoted = raw::tcp_frame(HERE, THERE, header, b"");
    let message = Icmpv4Message::DestinationUnreachable { code, next_hop_mtu: 0, quoted: &quoted[14..14 + 28] };
    raw.stack.input(raw.now, &raw::icmp_frame(Ipv4Addr::new(192, 0, 2, 254), &message))
}

/// RFC 9293 §3.9.2.2: a hard error ends an attempt to connect, a soft one does not; RFC 5927: nothing ends a connection.
#[test]
fn icmp_errors_end_attempts_but_not_connections() {
    let mut raw = Raw::new();
    let id = raw.stack.connect_from(raw.now, (HERE, 80).into(), (THERE, 4000).into()).unwrap();
    let syn = raw.segment().header;
    // Of something that was never sent.
    let guessed = TcpHeader { seq: syn.seq.wrapping_add(1), ..syn };
    assert_eq!(unreachable(&mut raw, UnreachableCode::PORT, &guessed), Some(DropReason::IcmpNotOurs));
    let other = TcpHeader { source_port: 81, ..syn };
    assert_eq!(unreachable(&mut raw, UnreachableCode::PORT, &other), Some(DropReason::IcmpNotOurs));
    assert_eq!(unreachable(&mut raw, UnreachableCode::HOST, &syn), None);
    assert_eq!(raw.state(), State::SynSent);
    assert_eq!(raw.stack.poll_event(), Some(Event::Doubtful(id)));
    assert_eq!(unreachable(&mut raw, UnreachableCode::PORT, &syn), None);
    assert_eq!(raw.state(), State::Closed);
    let [_, Event::Closed(_, Some(Failure::Unreachable(why)))] =
        std::iter::from_fn(|| raw.stack.poll_event()).collect::<Vec<_>>()[..]
    else {
        panic!("no reason was given");
    };
    assert_eq!(why, Undelivered::Unreachable(UnreachableCode::PORT));

    let mut raw = Raw::new();
    let at = raw.established();
    raw.stack.send(raw.now, at.id, b"in flight").unwrap();
    let text = raw.segment().header;
    assert_eq!(unreachable(&mut raw, UnreachableCode::PORT, &text), None);
    assert_eq!(raw.state(), State::Established);
    assert!(raw.stack.status(raw.now, at.id).unwrap().soft_error.is_some());
}

// ---- Flag nonsense -----------------------------------------------------------------------------------------------------------

/// All 64 combinations of the six control bits, in a few states: no panic, no state but the table's, at most one answer.
#[test]
fn every_combination_of_control_bits_is_survived() {
    for bits in 0..64 {
        for text in [&b""[..], b"x"] {
            let mut raw = Raw::new();
            raw.send(TcpFlags(bits), 1001, 5, text);
            assert!(raw.segments().len() <= 1);
            let mut raw = Raw::new();
            raw.listen();
            raw.send(TcpFlags(bits), 1001, 5, text);
            assert!(raw.segments().len() <= 1);
            let mut raw = Raw::new();
            let at = raw.established();
            raw.send(TcpFlags(bits), at.seq, at.ack, text);
            raw.wait(Micros::from_millis(200));
            assert!(raw.segments().len() <= 1);
            let mut raw = Raw::new();
            raw.stack.connect_from(raw.now, (HERE, 80).into(), (THERE, 4000).into()).unwrap();
            let iss = raw.segment().header.seq;
            raw.send(TcpFlags(bits), 1001, iss.wrapping_add(1), text);
            raw.wait(Micros::from_millis(200));
            assert!(raw.segments().len() <= 1);
        }
    }
}

/// URGENT/11: the urgent pointer changes nothing about the text.
#[test]
fn the_urgent_pointer_never_moves_text() {
    for urgent in [0, 1, 3, 5, 6, 100, u16::MAX] {
        let mut raw = Raw::new();
        let at = raw.established();
        let flags = ACK | TcpFlags::URG;
        raw.send_header(TcpHeader { flags, seq: at.seq, ack: at.ack, urgent, ..header() }, b"abcde");
        assert_eq!(raw.receive(at.id), b"abcde");
        let heard = std::iter::from_fn(|| raw.stack.poll_event()).any(|event| event == Event::Urgent(at.id));
        assert_eq!(heard, urgent > 0);
    }
}
