//! What a user chooses for one connection holds for that one, from then on, and for no other.

mod raw;

use lockstep::stack::{ConnectionId, Event, Failure, KeepAlive, Settings};
use lockstep::time::Micros;
use lockstep::wire::{Checksum, EtherType, EthernetFrame, Icmpv4Message, Ipv4Packet, UnreachableCode};
use lockstep_model::State;
use raw::{ACK, Established, FIN_ACK, HERE, Raw, SYN, THERE};

fn set(raw: &mut Raw, id: ConnectionId, change: impl FnOnce(&mut Settings)) {
    let mut settings = raw.stack.settings(id).unwrap();
    change(&mut settings);
    raw.stack.set_settings(raw.now, id, settings).unwrap();
}

/// Time to live and type of service of the datagrams that leave now.
fn handling(raw: &mut Raw) -> Vec<(u8, u8)> {
    let mut frame = Vec::new();
    let mut all = Vec::new();
    while raw.stack.poll_transmit(raw.now, &mut frame) {
        let frame = EthernetFrame::parse(&frame).unwrap();
        if frame.ethertype() == EtherType::IPV4 {
            let packet = Ipv4Packet::parse(frame.payload(), Checksum::Verify).unwrap();
            all.push((packet.ttl(), packet.dscp_ecn()));
        }
    }
    all
}

/// RFC 9293 MUST-48, MUST-49, SHLD-21.
#[test]
fn time_to_live_and_service_are_each_connections_own() {
    let mut raw = Raw::new();
    let at = raw.established();
    let other = raw.stack.connect(raw.now, (THERE, 4001).into()).unwrap();
    assert_eq!(handling(&mut raw), [(64, 0)]);
    set(&mut raw, at.id, |settings| (settings.ttl, settings.dscp) = (Some(9), 0x2e));
    raw.stack.send(raw.now, at.id, b"text").unwrap();
    assert_eq!(handling(&mut raw), [(9, 0xb8)]);
    set(&mut raw, at.id, |settings| (settings.ttl, settings.dscp) = (None, 1));
    raw.stack.abort(raw.now, at.id).unwrap();
    assert_eq!(handling(&mut raw), [(64, 4)], "even the reset");
    raw.stack.abort(raw.now, other).unwrap();
    let settings = Settings { ttl: Some(0), ..raw.stack.settings(other).unwrap() };
    let third = raw.stack.connect_with(raw.now, (HERE, 0).into(), (THERE, 4002).into(), settings).unwrap();
    assert_eq!(handling(&mut raw), [(1, 0)], "from the SYN on, and never zero");
    assert_eq!(raw.stack.settings(third), Ok(settings));
}

#[test]
fn time_to_live_and_service_outlive_the_user() {
    let mut raw = Raw::new();
    let at = raw.established();
    set(&mut raw, at.id, |settings| (settings.ttl, settings.dscp) = (Some(9), 0x2e));
    raw.stack.release(raw.now, at.id).unwrap();
    assert_eq!(handling(&mut raw), [(9, 0xb8)]);
    for _ in 0..3 {
        raw.send(FIN_ACK, at.seq, at.ack.wrapping_add(1), b"");
        assert_eq!(handling(&mut raw), [(9, 0xb8)], "in TIME-WAIT");
    }
}

const KEEP_ALIVE: KeepAlive = KeepAlive { idle: Micros::from_secs(10), interval: Micros::from_secs(2), probes: 3 };

/// <SEQ=SND.NXT-1>: text that has been acknowledged long ago.
fn expect_keep_alive(raw: &mut Raw, at: Established) {
    let probe = raw.segment();
    assert_eq!((probe.header.seq, probe.header.flags, probe.text.len()), (at.ack.wrapping_sub(1), ACK, 0));
}

/// RFC 9293 §3.8.4: MUST-24 to MUST-27, MUST-29, SHLD-12.
#[test]
fn keep_alives_can_be_asked_for_and_given_up() {
    let mut raw = Raw::new();
    let at = raw.established();
    raw.wait(Micros::from_secs(100_000));
    raw.expect_silence();
    set(&mut raw, at.id, |settings| settings.keep_alive = Some(KEEP_ALIVE));
    raw.wait(Micros::from_secs(9));
    raw.expect_silence();
    raw.wait(Micros::from_secs(1));
    // Nobody has asked for the peer's Ethernet address for long, so that he is asked for first.
    expect_keep_alive(&mut raw, at);
    raw.send(ACK, at.seq, at.ack, b"");
    raw.wait(Micros::from_secs(10));
    expect_keep_alive(&mut raw, at);
    set(&mut raw, at.id, |settings| settings.keep_alive = None);
    raw.wait(Micros::from_secs(1000));
    raw.expect_silence();
    assert_eq!(raw.state(), State::Established);

    set(&mut raw, at.id, |settings| settings.keep_alive = Some(KEEP_ALIVE));
    raw.wait(Micros::from_secs(10));
    for _ in 0..3 {
        expect_keep_alive(&mut raw, at);
        assert_eq!(raw.state(), State::Established);
        raw.wait(Micros::from_secs(2));
    }
    assert!(
        std::iter::from_fn(|| raw.stack.poll_event())
            .any(|event| event == Event::Closed(at.id, Some(Failure::TimedOut)))
    );
}

/// RFC 9293 MUST-21, MUST-20: R2 is the user's to choose, but R1 comes first.
#[test]
fn the_user_says_how_long_he_waits() {
    for (timeout, at_least, at_most) in [(10_u64, 10, 30), (500, 500, 600), (1, 3, 20)] {
        let mut raw = Raw::new();
        let at = raw.established();
        raw.stack.send(raw.now, at.id, b"nobody hears").unwrap();
        raw.segment();
        set(&mut raw, at.id, |settings| settings.user_timeout = Micros::from_secs(timeout));
        let mut transmissions = 1;
        let begun = raw.now;
        while raw.state() == State::Established {
            raw.wait(Micros::from_millis(100));
            transmissions += raw.segments().iter().filter(|segment| !segment.text.is_empty()).count();
        }
        let waited = raw.now.since(begun);
        let bounds = Micros::from_secs(at_least)..=Micros::from_secs(at_most);
        assert!(bounds.contains(&waited), "{timeout}: {waited:?}");
        assert!(transmissions > 3, "R1 is at least three retransmissions");
    }
}

/// RFC 9293 SHLD-20.
#[test]
fn reports_of_soft_errors_can_be_switched_off() {
    for wanted in [true, false] {
        let mut raw = Raw::new();
        let at = raw.established();
        set(&mut raw, at.id, |settings| settings.error_reports = wanted);
        raw.stack.send(raw.now, at.id, b"in flight").unwrap();
        let quoted = raw::tcp_frame(HERE, THERE, &raw.segment().header, b"");
        let code = UnreachableCode::HOST;
        let message = Icmpv4Message::DestinationUnreachable { code, next_hop_mtu: 0, quoted: &quoted[14..14 + 28] };
        assert_eq!(raw.stack.input(raw.now, &raw::icmp_frame(THERE, &message)), None);
        let told = std::iter::from_fn(|| raw.stack.poll_event()).any(|event| event == Event::Doubtful(at.id));
        assert_eq!(told, wanted);
        assert!(raw.stack.status(raw.now, at.id).unwrap().soft_error.is_some(), "who asks is told all the same");
    }
}

/// What is in LISTEN has its settings, and its children have them too.
#[test]
fn children_inherit_from_their_listener() {
    let mut raw = Raw::new();
    let listener = raw.listen();
    let settings = Settings { ttl: Some(3), ..raw.stack.listener_settings(listener).unwrap() };
    raw.stack.set_listener_settings(raw.now, listener, settings).unwrap();
    raw.send(SYN, 1000, 0, b"");
    raw.segment();
    raw.send(SYN, 1000, 0, b"");
    assert_eq!(handling(&mut raw), [(3, 0)], "the SYN,ACK again");
}

/// A connection reopened from TIME-WAIT (MAY-2) is a child like others, from its SYN,ACK on.
#[test]
fn reopened_connections_inherit_too() {
    let mut raw = Raw::new();
    let listener = raw.listen();
    raw.send(SYN, 1000, 0, b"");
    let ack = raw.segment().header.seq.wrapping_add(1);
    raw.send(ACK, 1001, ack, b"");
    let id = raw.stack.accept(listener).unwrap().unwrap().connection;
    raw.stack.release(raw.now, id).unwrap();
    raw.segment();
    raw.send(FIN_ACK, 1001, ack.wrapping_add(1), b"");
    raw.segment();
    assert_eq!(raw.state(), State::TimeWait);
    let settings = Settings { ttl: Some(3), ..raw.stack.listener_settings(listener).unwrap() };
    raw.stack.set_listener_settings(raw.now, listener, settings).unwrap();
    raw.send(SYN, 5000, 0, b"");
    assert_eq!(raw.state(), State::SynReceived);
    assert_eq!(handling(&mut raw), [(3, 0)]);
    raw.wait(Micros::from_secs(1));
    assert_eq!(handling(&mut raw), [(3, 0)], "the SYN,ACK again");
}
