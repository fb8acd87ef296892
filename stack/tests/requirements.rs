//! Requirements on the calls of a TCP (RFC 9293 §3.9.1) and on what it takes from IP (§3.9.2), each with its number.

mod raw;

use std::net::{Ipv4Addr, SocketAddr};

use lockstep::DropReason;
use lockstep::stack::{Config, OpenError};
use lockstep::tcp::config::{KeepAlive, TcpConfig};
use lockstep::time::Micros;
use lockstep::wire::{Checksum, EthernetFrame, Icmpv4Message, Ipv4Packet, Protocol};
use lockstep_model::State;
use raw::{ACK, HERE, RST_ACK, Raw, THERE, socket};

fn anywhere(port: u16) -> SocketAddr {
    (Ipv4Addr::UNSPECIFIED, port).into()
}

/// MUST-42: "an application can LISTEN on a port while a connection block with the same local port is in SYN-SENT or
/// SYN-RECEIVED state".
#[test]
fn a_port_can_be_listened_on_while_connections_of_it_begin() {
    let mut raw = Raw::new();
    raw.stack.connect_from(raw.now, (HERE, 80).into(), (THERE, 4000).into()).unwrap();
    assert_eq!(raw.state(), State::SynSent);
    let listener = raw.listen();
    raw.send(raw::SYN, 1000, 0, b"");
    assert_eq!(raw.state(), State::SynReceived);
    raw.stack.close_listener(raw.now, listener).unwrap();
    raw.listen();
    assert_eq!(raw.state(), State::SynReceived);
}

/// MUST-43, MUST-44: the local address of an OPEN is optional; without it, IP is asked.
#[test]
fn a_local_address_is_optional_and_must_be_ours() {
    let mut raw = Raw::new();
    let open = |raw: &mut Raw, local| raw.stack.connect_from(raw.now, local, (THERE, 4000).into());
    let id = open(&mut raw, anywhere(80)).unwrap();
    assert_eq!(raw.stack.status(raw.now, id).unwrap().pair.local, (HERE, 80).into());
    let id = open(&mut raw, (HERE, 81).into()).unwrap();
    assert_eq!(raw.stack.status(raw.now, id).unwrap().pair.local, (HERE, 81).into());
    let elsewhere = socket(9, 82);
    assert_eq!(open(&mut raw, elsewhere), Err(OpenError::NotLocal(elsewhere)));
    assert!(raw.stack.listen(raw.now, anywhere(83), 1).is_ok());
    assert_eq!(raw.stack.listen(raw.now, elsewhere, 1), Err(OpenError::NotLocal(elsewhere)));
}

/// MUST-46: an OPEN to an address that is no host's is refused, and nothing leaves.
#[test]
fn nobody_connects_to_an_address_that_no_host_has() {
    let mut raw = Raw::new();
    let ours = HERE;
    let groups = [Ipv4Addr::BROADCAST, Ipv4Addr::new(192, 0, 2, 255), Ipv4Addr::new(224, 0, 0, 1)];
    let others = [Ipv4Addr::new(240, 0, 0, 1), Ipv4Addr::new(0, 0, 0, 7), Ipv4Addr::UNSPECIFIED, ours];
    for address in groups.into_iter().chain(others) {
        let remote = (address, 4000).into();
        assert_eq!(raw.stack.connect(raw.now, remote), Err(OpenError::BadRemote(remote)), "{address}");
    }
    raw.expect_silence();
}

/// MUST-49: the time to live is the user's choice.
#[test]
fn the_time_to_live_is_configurable() {
    for ttl in [1, 64, 255] {
        let mut raw = Raw::with(|config| config.ttl = ttl);
        raw.send(ACK, 1000, 2000, b"");
        // The question for the peer's Ethernet address, and what waited for the answer, leave first.
        raw.segment();
        raw.send(ACK, 1000, 2000, b"");
        let mut frame = Vec::new();
        assert!(raw.stack.poll_transmit(raw.now, &mut frame));
        let frame = EthernetFrame::parse(&frame).unwrap();
        assert_eq!(Ipv4Packet::parse(frame.payload(), Checksum::Verify).unwrap().ttl(), ttl);
    }
}

/// MUST-25, MUST-28, SHLD-10, SHLD-11, MUST-13, MUST-23: what is so unless somebody asks for something else.
#[test]
fn defaults_are_those_of_the_rfc() {
    let config = TcpConfig::default();
    assert_eq!(config.keep_alive, None);
    assert!(KeepAlive::default().idle >= Micros::from_secs(7_200));
    assert!(config.r1 >= 3);
    assert!(config.user_timeout >= Micros::from_secs(100));
    assert!(config.syn_timeout >= Micros::from_secs(180));
    assert_eq!(config.msl, Micros::from_secs(120));
    assert!(config.acks.delay < Micros::from_millis(500));
    assert_eq!(Config::new(HERE, 24).ttl, 64);
}

/// SHLD-2: a reset may carry text, and is a reset all the same; nobody reads the text.
#[test]
fn a_reset_may_carry_text() {
    let mut raw = Raw::new();
    let at = raw.established();
    raw.send(RST_ACK, at.seq, at.ack, b"I have had enough");
    assert_eq!(raw.stack.state_of(at.id), Some(State::Closed));
    assert_eq!(raw.receive(at.id), b"");
    raw.expect_silence();
}

/// MUST-55: a source quench is dropped in silence, whatever it quotes.
#[test]
fn a_source_quench_is_dropped() {
    let mut raw = Raw::new();
    let at = raw.established();
    raw.stack.send(raw.now, at.id, b"in flight").unwrap();
    let text = raw.segment().header;
    let before = raw.stack.status(raw.now, at.id).unwrap();
    let quoted = raw::tcp_frame(HERE, THERE, &text, b"");
    // An unreachable of the same quote, made a source quench: type 4, and the checksum with it.
    let code = lockstep::wire::UnreachableCode::HOST;
    let message = Icmpv4Message::DestinationUnreachable { code, next_hop_mtu: 0, quoted: &quoted[14..14 + 28] };
    let mut bytes = vec![0; message.emitted_len()];
    message.emit(&mut bytes);
    (bytes[0], bytes[1]) = (4, 0);
    let sum = u16::from_be_bytes([bytes[2], bytes[3]]);
    let (sum, carry) = sum.overflowing_sub(0x0400 - 0x0301);
    bytes[2..4].copy_from_slice(&(sum - u16::from(carry)).to_be_bytes());
    let frame = raw::ip_frame(THERE, HERE, Protocol::ICMP, &bytes);
    assert_eq!(raw.stack.input(raw.now, &frame), Some(DropReason::IcmpIgnored));
    assert_eq!(raw.stack.status(raw.now, at.id).unwrap(), before);
    raw.expect_silence();
}
