//! The same conversations over every link.

use std::net::SocketAddrV4;
use std::time::Duration;

use lockstep_conformance::system::linux::Link;
use lockstep_conformance::system::{Call, Errno, Fault, Output, PEER_ADDRESS, ShutdownHow, State, System};

use super::peer::*;

/// Declares, for every conversation, what plays it over each link.
macro_rules! conversations {
    ($($name:ident)*) => {
        /// What needs nothing but a namespace, by name.
        pub(super) const VETH: &[(&str, fn())] = &[$((concat!(stringify!($name), "::veth"), || $name(Link::Veth)),)*];

        /// What needs `/dev/net/tun`, by name.
        pub(super) const TUNNELS: &[(&str, fn())] = &[
            $((concat!(stringify!($name), "::tun"), || $name(Link::Tun)),)*
            $((concat!(stringify!($name), "::tap"), || $name(Link::Tap)),)*
        ];
    };
}

conversations! {
    passive_open_to_time_wait
    active_open_refused_and_accepted
    simultaneous_close_through_closing
    segments_leave_whole_and_summed
    segments_to_no_connection
    timers_are_never_seen_early
    many_side_by_side
}

fn passive_open_to_time_wait(link: Link) {
    let mut s = Scenario::over(link);
    let listener = s.listener();
    assert_eq!(s.state(), State::Listen);
    let accepting = s.pends(Call::Accept { fd: listener });

    s.inject(SYN, 1_000, 0, b"");
    let syn_ack = s.expect();
    assert_eq!((syn_ack.flags, syn_ack.ack), (SYN | ACK, 1_001));
    assert_eq!(s.state(), State::SynReceived);

    s.inject(ACK, 1_001, syn_ack.seq + 1, b"");
    let accepted = s.resolves(accepting).expect("accept succeeds");
    assert_eq!(accepted.output, Output::Address(SocketAddrV4::new(PEER_ADDRESS, PEER_PORT)));
    let fd = descriptor(accepted.value);
    assert_eq!(s.state(), State::Established);

    s.inject(ACK, 1_001, syn_ack.seq + 1, b"hello");
    assert_eq!(s.expect().ack, 1_006);
    assert_eq!(s.data(Call::Read { fd, length: 100 }), b"hello");

    s.value(Call::Write { fd, data: b"world".to_vec() });
    let world = s.expect();
    assert_eq!((world.seq, world.data.as_slice()), (syn_ack.seq + 1, &b"world"[..]));
    s.inject(ACK, 1_006, world.seq + 5, b"");

    s.value(Call::Close { fd });
    let fin = s.expect();
    assert_eq!((fin.flags & FIN, fin.seq), (FIN, world.seq + 5));
    assert_eq!(s.state(), State::FinWait1);
    s.inject(ACK, 1_006, fin.seq + 1, b"");
    assert_eq!(s.state(), State::FinWait2);
    s.inject(FIN | ACK, 1_006, fin.seq + 1, b"");
    assert_eq!(s.expect().ack, 1_007);
    assert_eq!(s.state(), State::TimeWait);
    s.silence();
}

fn active_open_refused_and_accepted(link: Link) {
    let mut s = Scenario::over(link);
    let peer = SocketAddrV4::new(PEER_ADDRESS, PEER_PORT);
    let fd = s.bound();
    let connecting = s.pends(Call::Connect { fd, address: peer });
    let syn = s.expect();
    assert_eq!(syn.flags, SYN);
    assert_eq!(s.state(), State::SynSent);
    s.inject(RST | ACK, 0, syn.seq + 1, b"");
    assert_eq!(s.resolves(connecting), Err(Errno::ECONNREFUSED));
    assert_eq!(s.state(), State::Closed);
    s.value(Call::Close { fd });

    let fd = s.bound();
    let connecting = s.pends(Call::Connect { fd, address: peer });
    let syn = s.expect();
    s.inject(SYN | ACK, 5_000, syn.seq + 1, b"");
    assert_eq!(s.expect().ack, 5_001);
    assert_eq!(s.resolves(connecting).expect("connect succeeds").value, 0);
    assert_eq!(s.state(), State::Established);
}

fn simultaneous_close_through_closing(link: Link) {
    let mut s = Scenario::over(link);
    let (fd, next) = s.established();
    s.value(Call::Shutdown { fd, how: ShutdownHow::Write });
    let fin = s.expect();
    s.inject(FIN | ACK, 1_001, next, b"");
    assert_eq!(s.state(), State::Closing);
    assert_eq!(s.expect().ack, 1_002);
    s.inject(ACK, 1_002, fin.seq + 1, b"");
    assert_eq!(s.state(), State::TimeWait);
}

fn segments_leave_whole_and_summed(link: Link) {
    let mut s = Scenario::over(link);
    let (fd, next) = s.established();
    s.value(Call::Write { fd, data: (0..=255).cycle().take(5_000).collect() });
    let mut expected = next;
    for length in [1_460, 1_460, 1_460, 620] {
        let segment = s.expect();
        assert_eq!((segment.seq, segment.data.len()), (expected, length));
        expected += u32::try_from(length).expect("a segment's length");
    }
}

fn segments_to_no_connection(link: Link) {
    let mut s = Scenario::over(link);
    assert_eq!(s.state(), State::Closed);
    let stimulus = s.inject(ACK, 7, 9, b"");
    let reset = s.expect();
    assert_eq!((reset.flags, reset.seq), (RST, 9));
    assert!(reset.at >= stimulus, "an answer before its stimulus");

    let mut wrong = segment(ACK, 7, 9, b"");
    wrong[36] ^= 1; // the TCP checksum
    s.system.inject(&wrong).expect("the wire takes it");
    s.silence();
    s.system.inject(&[0x45]).expect("the wire takes it");
    s.silence();
    assert!(matches!(s.system.inject(&[0; 1_501]), Err(Fault::Harness { .. })));
}

/// The lower bound of a delay is strict, because the stimulus is timed before it and the answer by the kernel. (An
/// upper bound would test the load of this machine.)
fn timers_are_never_seen_early(link: Link) {
    let mut s = Scenario::over(link);
    let fd = s.bound();
    let began = s.system.now();
    s.pends(Call::Connect { fd, address: SocketAddrV4::new(PEER_ADDRESS, PEER_PORT) });
    let first = s.expect();
    let second = s.expect_within(Duration::from_secs(20));
    assert_eq!(first.seq, second.seq);
    assert!(first.at >= began);
    let rto = s.system.timing().window(Duration::from_secs(1));
    assert!(second.at - first.at >= *rto.start(), "{:?} {:?}", first.at, second.at);
}

/// Each in a namespace of its own, by threads of one process, and each with the same device names and addresses.
fn many_side_by_side(link: Link) {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let mut s = Scenario::over(link);
                    let (fd, next) = s.established();
                    s.inject(ACK, 1_001, next, b"x");
                    assert_eq!(s.expect().ack, 1_002);
                    assert_eq!(s.data(Call::Read { fd, length: 10 }), b"x");
                }
            });
        }
    });
}
