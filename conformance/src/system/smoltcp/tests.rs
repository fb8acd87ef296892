//! The glue between POSIX and smoltcp, by scripts and by hand: what its user is promised, whatever smoltcp says on the
//! wire.

use std::net::SocketAddrV4;
use std::time::Duration;

use super::Smoltcp;
use crate::run::wire::{self, Ip, Segment};
use crate::run::{End, PEER_INITIAL, SYSTEM_PORT, run};
use crate::script::{Flags, parse};
use crate::system::promises::{PASSIVE, promises};
use crate::system::{
    Call, Descriptor, Errno, Fault, FileControl, FourTuple, Output, PEER_ADDRESS, Progress, Ret, SYSTEM_ADDRESS, State,
    System, Wake,
};

fn played(text: &str) -> End {
    let script = parse("test", text).expect("a script");
    let mut system = Smoltcp::new(script.mtu());
    for offer in ["tcp_window_scaling", "tcp_sack"] {
        system.knob(offer, "0").expect("an offer that can be taken away");
    }
    run(&script, &mut system).end
}

fn followed(text: &str) {
    assert_eq!(played(text), End::Completed, "{text}");
}

#[test]
fn promises_are_kept() {
    promises().for_each(|promise| followed(&promise));
}

#[test]
fn connecting_waits_for_the_answer() {
    followed(
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
        +0...0.1 connect(3, ..., ...) = 0
        +0 > S 0:0(0) <mss 1460>
        +0.1 < S. 0:0(0) ack 1 win 65535 <mss 1460>
        +0 > . 1:1(0) ack 1
        +0 connect(3, ..., ...) = -1 EISCONN",
    );
}

/// smoltcp says no more than that it is closed; by whom, and what came before, is the glue's to know.
#[test]
fn who_closes_himself_is_told_no_error() {
    followed(&format!(
        "{PASSIVE}
        +0 < F. 1:1(0) ack 1 win 65535
        +0 > . 1:1(0) ack 2
        +0 shutdown(4, SHUT_WR) = 0
        +0 > F. 1:1(0) ack 2
        +0 < . 2:2(0) ack 2 win 65535
        +0 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
        +0 read(4, ..., 100) = 0"
    ));
}

#[test]
fn writing_waits_for_room() {
    followed(&format!(
        "{PASSIVE}
        +0 < . 1:1(0) ack 1 win 1
        +0 send(4, ..., 100000, MSG_DONTWAIT) = 65535
        +0 > . 1:2(1) ack 1
        +0 send(4, ..., 1, MSG_DONTWAIT) = -1 EAGAIN
        +0...0.1 write(4, ..., 1) = 1
        +0.1 < . 1:1(0) ack 2 win 0"
    ));
}

#[test]
fn what_smoltcp_has_not_is_skipped_by_name() {
    let skipped = |text: &str| End::Skipped(text.to_owned());
    assert_eq!(played(&format!("{PASSIVE}\n+0 send(4, ..., 1, MSG_OOB) = 1")), skipped("this system has no MSG_OOB"));
    assert_eq!(
        played(&format!("{PASSIVE}\n+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {{onoff=1, linger=5}}, 8) = 0")),
        skipped("this system has no close that lingers")
    );
}

/// Its SYN offers both, always; only the wire can take an offer away.
#[test]
fn offers_are_taken_away_only_where_a_knob_asks_for_it() {
    let offered = |knobs: &[&str]| {
        let mut system = Smoltcp::new(1500);
        for knob in knobs {
            system.knob(knob, "0").expect("a knob");
        }
        let fd = Descriptor(3);
        returned(system.call(&Call::Socket)).expect("a socket");
        let address = SocketAddrV4::new(PEER_ADDRESS, 40_000);
        assert!(matches!(system.call(&Call::Connect { fd, address }), Ok(Progress::Pending(_))));
        let datagram = system.recv().expect("it can be heard").expect("a SYN");
        wire::read(&datagram.bytes).expect("a segment").options.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(offered(&[]), ["mss 1460", "wscale 0", "sackOK", "eol", "eol", "eol"]);
    assert_eq!(offered(&["tcp_sack"]), ["mss 1460", "wscale 0", "eol"]);
    assert_eq!(offered(&["tcp_sack", "tcp_window_scaling"]), ["mss 1460"]);
}

/// Two may wait at a backlog of one; the next is reset, until one is accepted.
#[test]
fn a_queue_is_as_many_sockets_that_listen() {
    let mut system = Smoltcp::new(1500);
    let fd = Descriptor(3);
    returned(system.call(&Call::Socket)).expect("a socket");
    returned(system.call(&Call::Bind { fd, address: SocketAddrV4::new(SYSTEM_ADDRESS, SYSTEM_PORT) })).expect("bound");
    returned(system.call(&Call::Listen { fd, backlog: 1 })).expect("listening");
    let control = FileControl::SetFlags { nonblocking: true };
    returned(system.call(&Call::Fcntl { fd, control })).expect("does not wait");
    let accept = |system: &mut Smoltcp| returned(system.call(&Call::Accept { fd }));

    assert_eq!(accept(&mut system), Err(Errno::EAGAIN));
    assert_eq!(shake_hands(&mut system, 1), State::Established);
    assert_eq!(shake_hands(&mut system, 2), State::Established);
    assert_eq!(shake_hands(&mut system, 3), State::Closed, "there is room for two");
    let first = accept(&mut system).expect("a connection");
    assert_eq!((first.value, first.output), (4, Output::Address(SocketAddrV4::new(PEER_ADDRESS, 1))));
    assert_eq!(shake_hands(&mut system, 3), State::Established);
    returned(system.call(&Call::Close { fd })).expect("closed");
    assert_eq!([1, 2, 3].map(|port| probe(&mut system, port)), [State::Established, State::Closed, State::Closed]);
}

#[test]
fn nothing_happens_is_proven_by_there_being_no_timer() {
    let mut system = Smoltcp::new(1500);
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    assert!(matches!(system.run_until(year), Ok(Wake::Deadline)));
    assert_eq!(system.now(), year);
}

/// Opens a connection from a port, if the system lets us, and tells its state.
fn shake_hands(system: &mut Smoltcp, port: u16) -> State {
    let segment = |flags, seq, ack| Segment {
        ip: Ip::default(),
        system_port: SYSTEM_PORT,
        peer_port: port,
        flags,
        seq,
        ack,
        window: 1000,
        urgent: 0,
        options: Vec::new(),
        text: Vec::new(),
    };
    let inject = |system: &mut Smoltcp, segment| {
        system.inject(&wire::write(&segment).expect("it fits")).expect("it arrives");
    };
    inject(system, segment(Flags::SYN, PEER_INITIAL, 0));
    let answer = system.recv().expect("it can be heard").expect("an answer");
    let answer = wire::read(&answer.bytes).expect("a segment");
    if answer.flags.contains(Flags::SYN) {
        inject(system, segment(Flags::ACK, PEER_INITIAL + 1, answer.seq.wrapping_add(1)));
    }
    probe(system, port)
}

fn probe(system: &mut Smoltcp, port: u16) -> State {
    let local = SocketAddrV4::new(SYSTEM_ADDRESS, SYSTEM_PORT);
    let state = system.probe(FourTuple { local, remote: SocketAddrV4::new(PEER_ADDRESS, port) }).expect("a state");
    if state == State::Listen { State::Closed } else { state }
}

fn returned(progress: Result<Progress, Fault>) -> Ret {
    match progress.expect("a call that it has") {
        Progress::Returned(ret) => ret,
        Progress::Pending(_) => panic!("it blocks"),
    }
}
