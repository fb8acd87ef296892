//! Connections, calls, the wire, timers and knobs.

use std::net::SocketAddrV4;
use std::time::Duration;

use lockstep_conformance::system::{
    Call, Descriptor, Errno, Fault, FileControl, MessageFlags, OptionValue, Output, PEER_ADDRESS, SocketOption, State,
    System, Wake,
};

use super::peer::*;

pub(super) fn calls_that_block_return_later() {
    let mut s = Scenario::new();
    let (fd, next) = s.established();

    let reading = s.pends(Call::Recv { fd, length: 10, flags: MessageFlags::default() });
    let peeking = s.pends(Call::Recv { fd, length: 10, flags: MessageFlags { peek: true, ..Default::default() } });
    let soon = s.system.now() + Duration::from_millis(20);
    assert_eq!(s.system.run_until(soon).expect("time passes"), Wake::Deadline);
    assert!(s.system.now() >= soon);
    s.inject(ACK, 1_001, next, b"abc");
    assert_eq!(s.resolves(reading).expect("recv succeeds").output, Output::Data(b"abc".to_vec()));
    s.inject(ACK, 1_004, next, b"de");
    assert_eq!(s.resolves(peeking).expect("recv succeeds").output, Output::Data(b"de".to_vec()));

    // More than send buffer and window take: the write ends when the peer has taken nearly all.
    let value = OptionValue::Int(8_192);
    s.value(Call::SetSockOpt { fd, option: SocketOption::SndBuf, value });
    let writing = s.pends(Call::Write { fd, data: vec![7; 200_000] });
    let mut received = 0;
    let mut end = None;
    for _ in 0..10_000 {
        match s.system.run_until(s.system.now() + PATIENCE).expect("time passes") {
            Wake::Deadline => panic!("the write does not go on after {received} bytes"),
            Wake::Returned(id) => end = Some((id, s.system.result(id).expect("it returned").ret)),
            Wake::Datagram => {
                let segment = s.expect();
                received += segment.data.len();
                let length = u32::try_from(segment.data.len()).expect("a segment's length");
                s.inject(ACK, 1_006, segment.seq.wrapping_add(length), b"");
            }
        }
        if end.is_some() && received == 200_000 {
            break;
        }
    }
    let (id, ret) = end.expect("the write returned");
    assert_eq!((id, ret.expect("write succeeds").value), (writing, 200_000));
    assert_eq!(received, 200_000);

    assert_eq!(s.data(Call::Read { fd, length: 10 }), b"de", "peeking leaves the bytes");
    let reading = s.pends(Call::Read { fd, length: 10 });
    s.inject(RST, 1_006, 0, b"");
    assert_eq!(s.resolves(reading), Err(Errno::ECONNRESET));
}

pub(super) fn nonblocking_calls_return_at_once() {
    let mut s = Scenario::new();
    let fd = s.bound();
    assert_eq!(s.value(Call::Fcntl { fd, control: FileControl::GetFlags }), 2);
    s.value(Call::Fcntl { fd, control: FileControl::SetFlags { nonblocking: true } });
    assert_eq!(s.value(Call::Fcntl { fd, control: FileControl::GetFlags }), 0o4002);
    let address = SocketAddrV4::new(PEER_ADDRESS, PEER_PORT);
    let connect = Call::Connect { fd, address };
    assert_eq!(s.returns(connect.clone()), Err(Errno::EINPROGRESS));
    assert_eq!(s.returns(connect), Err(Errno::EALREADY));
    s.expect();

    let mut s = Scenario::new();
    let (fd, _) = s.established();
    let flags = MessageFlags { dont_wait: true, ..Default::default() };
    assert_eq!(s.returns(Call::Recv { fd, length: 1, flags }), Err(Errno::EAGAIN));
    s.value(Call::Fcntl { fd, control: FileControl::SetFlags { nonblocking: true } });
    assert_eq!(s.returns(Call::Read { fd, length: 1 }), Err(Errno::EAGAIN));
    let written = s.value(Call::Write { fd, data: vec![0; 10_000_000] });
    assert!(0 < written && written < 10_000_000, "a part is written: {written}");
}

pub(super) fn what_the_observer_misses_is_told() {
    let mut s = Scenario::new();
    for _ in 0..5_000 {
        s.inject(ACK, 7, 9, b"");
    }
    let mut seen = 0;
    let lost = loop {
        match s.system.recv() {
            Ok(Some(_)) => seen += 1,
            Ok(None) => panic!("only {seen} of 5000 resets, and none was lost"),
            Err(Fault::Lost { datagrams }) => break datagrams,
            Err(fault) => panic!("{fault}"),
        }
    };
    assert_eq!(seen + lost, 5_000);
}

pub(super) fn options_are_set_and_read() {
    let mut s = Scenario::new();
    let fd = s.bound();
    let mut set = |option, value: OptionValue| {
        s.value(Call::SetSockOpt { fd, option, value });
        let success = s.returns(Call::GetSockOpt { fd, option }).expect("getsockopt succeeds");
        success.output
    };
    let int = |value| OptionValue::Int(value);
    assert_eq!(set(SocketOption::NoDelay, int(1)), Output::Option(int(1)));
    assert_eq!(set(SocketOption::UserTimeout, int(1_234)), Output::Option(int(1_234)));
    let abort = OptionValue::Linger { on: true, seconds: 0 };
    assert_eq!(set(SocketOption::Linger, abort.clone()), Output::Option(abort));
    let reno = OptionValue::Text("reno".into());
    assert_eq!(set(SocketOption::Congestion, reno.clone()), Output::Option(reno));
    for option in [SocketOption::RcvTimeo, SocketOption::SndTimeo] {
        let value = OptionValue::Time(Duration::from_micros(2_500_000));
        assert_eq!(set(option, value.clone()), Output::Option(value), "{option:?}");
    }
    for (option, value) in [
        (SocketOption::ReusePort, 1),
        (SocketOption::OobInline, 1),
        (SocketOption::NotSentLowat, 5_000),
        (SocketOption::MaxSeg, 1_000),
        (SocketOption::Tos, 0x48),
        (SocketOption::Ttl, 33),
        (SocketOption::MtuDiscover, 0),
        (SocketOption::KeepIdle, 11),
        (SocketOption::Linger2, 7),
        (SocketOption::FastOpenConnect, 1),
    ] {
        assert_eq!(set(option, int(value)), Output::Option(int(value)), "{option:?}");
    }
    let error = s.returns(Call::GetSockOpt { fd, option: SocketOption::Error });
    assert_eq!(error.expect("getsockopt succeeds").output, Output::Option(int(0)));
}

/// The numbers of all options are those of this kernel's headers: whatever it answers, it knows the option.
pub(super) fn every_option_is_known() {
    let mut s = Scenario::new();
    let (fd, _) = s.established();
    for option in SocketOption::ALL {
        let ret = s.returns(Call::GetSockOpt { fd, option: *option });
        // Of these only writing is known, or a newer kernel.
        let may_be_missing = matches!(
            option,
            SocketOption::RcvBufForce
                | SocketOption::SndBufForce
                | SocketOption::RtoMax
                | SocketOption::RtoMin
                | SocketOption::DelackMax
        );
        assert!(may_be_missing || ret != Err(Errno::ENOPROTOOPT), "{option:?}");
    }
}

pub(super) fn foreign_descriptors_are_bad() {
    let mut s = Scenario::new();
    // Standard output is open in this process, but not a socket of the scenario.
    assert_eq!(s.returns(Call::Close { fd: Descriptor(1) }), Err(Errno::EBADF));
    let fd = s.bound();
    s.value(Call::Close { fd });
    assert_eq!(s.returns(Call::Listen { fd, backlog: 1 }), Err(Errno::EBADF));
}

pub(super) fn knobs_turn_in_one_namespace_only() {
    let retries = || std::fs::read_to_string("/proc/sys/net/ipv4/tcp_syn_retries").expect("a sysctl");
    let mut first = Scenario::new();
    first.system.knob("net.ipv4.tcp_syn_retries", "3").expect("a knob");
    assert_eq!(retries(), "3\n");
    for (name, value) in [
        ("net.ipv4.tcp_syn_retries", "many"),
        ("net.ipv4.no_such_knob", "1"),
        ("net.ipv6.conf.all.disable_ipv6", "0"),
        ("kernel.hostname", "x"),
    ] {
        let refused = first.system.knob(name, value);
        assert!(matches!(refused, Err(Fault::Unsupported(_))), "{name}: {refused:?}");
    }
    // Another scenario begins afresh; the first one still finds its own.
    let mut second = Scenario::new();
    assert_eq!(retries(), "6\n");
    first.listener();
    assert_eq!(retries(), "3\n");
    assert_eq!(first.state(), State::Listen);
    assert_eq!(second.state(), State::Closed);
    second.listener();
    assert_eq!(second.state(), State::Listen);
}

pub(super) fn a_hundred_scenarios_in_one_process() {
    for _ in 0..100 {
        let mut s = Scenario::new();
        let (_, next) = s.established();
        s.inject(ACK, 1_001, next, b"x");
        assert_eq!(s.expect().ack, 1_002);
    }
}
