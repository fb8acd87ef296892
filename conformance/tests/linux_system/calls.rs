//! What a scenario may ask for besides the plain calls: TCP_INFO, poll, ioctl, time limits, a drop, a shell, numbers
//! that wrap.

use std::net::SocketAddrV4;
use std::time::Duration;

use lockstep_conformance::system::{
    Call, Descriptor, Errno, Fault, FourTuple, IoctlRequest, MessageFlags, OptionValue, Output, PEER_ADDRESS,
    PollEvents, PollFd, SYSTEM_ADDRESS, ShutdownHow, SocketOption, State, System, Unsupported, Wake, info,
};

use super::peer::*;

pub(super) fn tcp_info_tells_of_the_connection() {
    let mut s = Scenario::new();
    let (fd, next) = s.established();
    s.value(Call::Write { fd, data: vec![0; 3_000] });
    for _ in 0..3 {
        s.expect();
    }
    let info = s.system.info(fd).expect("TCP_INFO");
    let field = |name| info.get(name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(Some(field("state")), info::constant("TCP_ESTABLISHED"));
    assert_eq!(Some(field("ca_state")), info::constant("TCP_CA_Open"));
    assert_eq!((field("unacked"), field("sacked"), field("lost"), field("retrans")), (3, 0, 0, 0));
    assert_eq!((field("snd_mss"), field("advmss"), field("pmtu")), (1_460, 1_460, 1_500));
    assert_eq!((field("snd_cwnd"), field("options")), (10, 0));
    assert_eq!((field("data_segs_out"), field("bytes_sent"), field("bytes_acked")), (3, 3_000, 0));
    assert!((200_000..3_000_000).contains(&field("rto")), "{}", field("rto"));
    assert_eq!(field("snd_wnd"), 65_535);

    s.inject(ACK, 1_001, next.wrapping_add(3_000), b"");
    let info = s.system.info(fd).expect("TCP_INFO");
    assert_eq!((info.get("unacked"), info.get("delivered")), (Some(0), Some(4)));
    let none = s.system.info(Descriptor(1));
    assert!(matches!(none, Err(Fault::Harness { .. })), "{none:?}");
}

pub(super) fn polling_waits_for_what_is_wanted() {
    let mut s = Scenario::new();
    let (fd, next) = s.established();
    let (readable, writable) = (PollEvents::IN, PollEvents::OUT);
    let poll = |events, timeout| Call::Poll { fds: vec![PollFd { fd, events }], timeout };
    let told = |events| Output::Poll(vec![events]);

    let at_once = s.returns(poll(readable | writable, None)).expect("poll succeeds");
    assert_eq!((at_once.value, at_once.output), (1, told(writable)));
    let nothing = s.returns(poll(readable, Some(Duration::ZERO))).expect("poll succeeds");
    assert_eq!((nothing.value, nothing.output), (0, told(PollEvents::NONE)));

    let began = s.system.now();
    let limit = Duration::from_millis(30);
    let in_vain = s.pends(poll(readable, Some(limit)));
    assert_eq!(s.resolves(in_vain).expect("poll succeeds").value, 0);
    let took = s.system.now() - began;
    assert!((limit..PATIENCE).contains(&took), "{took:?}");

    let waiting = s.pends(poll(readable, None));
    s.inject(ACK, 1_001, next, b"abc");
    assert_eq!(s.resolves(waiting).expect("poll succeeds").output, told(readable));
    s.inject(FIN | ACK, 1_004, next, b"");
    let events = readable | PollEvents::RDHUP;
    assert_eq!(s.returns(poll(events, None)).expect("poll succeeds").output, told(events));

    let fds = [Descriptor(1), Descriptor(-1)].map(|fd| PollFd { fd, events: readable }).to_vec();
    let bad = s.returns(Call::Poll { fds, timeout: Some(Duration::ZERO) }).expect("poll succeeds");
    assert_eq!((bad.value, bad.output), (1, Output::Poll(vec![PollEvents::NVAL, PollEvents::NONE])));
}

pub(super) fn an_ioctl_counts_octets() {
    let mut s = Scenario::new();
    let (fd, next) = s.established();
    s.inject(ACK, 1_001, next, b"abcdefg");
    s.value(Call::Write { fd, data: b"hello".to_vec() });
    let mut ask = |request| s.returns(Call::Ioctl { fd, request }).expect("ioctl succeeds").output;
    assert_eq!(ask(IoctlRequest::Unread), Output::Number(7));
    assert_eq!(ask(IoctlRequest::Unacknowledged), Output::Number(5));
    assert_eq!(ask(IoctlRequest::Unsent), Output::Number(0));
    assert_eq!(ask(IoctlRequest::AtMark), Output::Number(0));
}

pub(super) fn flags_mean_what_they_mean_in_c() {
    let mut s = Scenario::new();
    let (fd, next) = s.established();
    let with = |set: fn(&mut MessageFlags)| {
        let mut flags = MessageFlags::NONE;
        set(&mut flags);
        flags
    };
    s.inject(ACK, 1_001, next, b"abcdefg");
    assert_eq!(s.expect().ack, 1_008);
    let thrown = s.returns(Call::Recv { fd, length: 3, flags: with(|flags| flags.truncate = true) });
    let thrown = thrown.expect("recv succeeds");
    assert_eq!((thrown.value, thrown.output), (3, Output::None));
    assert_eq!(s.data(Call::Read { fd, length: 10 }), b"defg");

    s.value(Call::Send { fd, data: b"abc".to_vec(), flags: with(|flags| flags.more = true) });
    s.silence();
    s.value(Call::Send { fd, data: b"def".to_vec(), flags: MessageFlags::NONE });
    assert_eq!(s.expect().data, b"abcdef");

    let address = SocketAddrV4::new(PEER_ADDRESS, PEER_PORT);
    let fast = |fd| Call::SendTo {
        fd,
        data: b"x".to_vec(),
        flags: MessageFlags { dont_wait: true, fast_open: true, ..MessageFlags::NONE },
        address,
    };
    assert_eq!(s.returns(fast(fd)), Err(Errno::EISCONN));
    for (call, what) in [
        (Call::Recv { fd, length: 9, flags: with(|flags| flags.wait_all = true) }, "MSG_WAITALL"),
        (
            Call::SendTo { fd, data: b"x".to_vec(), flags: with(|flags| flags.fast_open = true), address },
            "MSG_FASTOPEN",
        ),
    ] {
        let refused = s.system.call(&call).map_err(|fault| fault.to_string());
        assert!(refused.as_ref().is_err_and(|sentence| sentence.contains(what)), "{refused:?}");
    }
}

pub(super) fn what_blocks_gives_up_in_time() {
    let mut s = Scenario::new();
    let (fd, _) = s.established();
    let limit = Duration::from_millis(40);
    for option in [SocketOption::RcvTimeo, SocketOption::SndTimeo] {
        s.value(Call::SetSockOpt { fd, option, value: OptionValue::Time(limit) });
    }
    let began = s.system.now();
    let reading = s.pends(Call::Read { fd, length: 1 });
    assert_eq!(s.resolves(reading), Err(Errno::EAGAIN));
    let took = s.system.now() - began;
    assert!((limit..PATIENCE).contains(&took), "{took:?}");
    let writing = s.pends(Call::Write { fd, data: vec![0; 10_000_000] });
    let end = loop {
        match s.system.run_until(s.system.now() + PATIENCE).expect("time passes") {
            Wake::Returned(id) => break s.system.result(id).filter(|_| id == writing).expect("it returned"),
            Wake::Datagram => drop(s.expect()),
            Wake::Deadline => panic!("the write does not give up"),
        }
    };
    let written = end.ret.expect("a part is written").value;
    assert!((1..10_000_000).contains(&written), "{written}");

    let mut s = Scenario::new();
    let fd = s.bound();
    s.value(Call::SetSockOpt { fd, option: SocketOption::SndTimeo, value: OptionValue::Time(limit) });
    let connecting = s.pends(Call::Connect { fd, address: SocketAddrV4::new(PEER_ADDRESS, PEER_PORT) });
    assert_eq!(s.expect().flags, SYN);
    assert_eq!(s.resolves(connecting), Err(Errno::EINPROGRESS));
}

pub(super) fn a_close_that_lingers_waits_for_the_peer() {
    let lingering = |seconds| {
        let mut s = Scenario::new();
        let (fd, _) = s.established();
        let value = OptionValue::Linger { on: true, seconds };
        s.value(Call::SetSockOpt { fd, option: SocketOption::Linger, value });
        let closing = s.pends(Call::Close { fd });
        let fin = s.expect();
        assert_eq!((fin.flags & FIN, s.state()), (FIN, State::FinWait1));
        assert_eq!(s.returns(Call::Listen { fd, backlog: 1 }), Err(Errno::EBADF));
        (s, closing, fin.seq.wrapping_add(1))
    };
    let (mut s, closing, next) = lingering(60);
    let soon = s.system.now() + Duration::from_millis(50);
    assert_eq!(s.system.run_until(soon).expect("time passes"), Wake::Deadline);
    s.inject(ACK, 1_001, next, b"");
    assert_eq!(s.resolves(closing).expect("close succeeds").value, 0);
    assert_eq!(s.state(), State::FinWait2);

    // Or until the time is up.
    let (mut s, closing, _) = lingering(1);
    let began = s.system.now();
    let end = loop {
        match s.system.run_until(s.system.now() + PATIENCE).expect("time passes") {
            Wake::Returned(id) => break s.system.result(id).filter(|_| id == closing).expect("it returned"),
            Wake::Datagram => assert_eq!(s.expect().flags & FIN, FIN),
            Wake::Deadline => panic!("the close lingers for ever"),
        }
    };
    assert!(end.at - began > Duration::from_millis(900), "{:?}", end.at - began);
    assert_eq!(s.state(), State::FinWait1);
}

pub(super) fn connections_are_dropped() {
    let mut s = Scenario::new();
    let (fd, next) = s.established();
    let reading = s.pends(Call::Read { fd, length: 1 });
    let this = FourTuple {
        local: SocketAddrV4::new(SYSTEM_ADDRESS, SYSTEM_PORT),
        remote: SocketAddrV4::new(PEER_ADDRESS, PEER_PORT),
    };
    let other = FourTuple { remote: SocketAddrV4::new(PEER_ADDRESS, PEER_PORT + 1), ..this };
    s.system.drop_connection(other).expect("nothing to drop, and not the listener");
    assert_eq!(s.state(), State::Established);
    match s.system.drop_connection(this) {
        // A kernel may be built without.
        Err(Fault::Unsupported(_)) => return,
        dropped => dropped.expect("the connection is dropped"),
    }
    let reset = s.expect();
    assert_eq!((reset.flags & RST, reset.seq), (RST, next));
    assert_eq!(s.resolves(reading), Err(Errno::ECONNABORTED));
    assert_eq!(s.state(), State::Listen);
}

pub(super) fn commands_run_in_the_namespace_only() {
    let mut first = Scenario::new();
    let refused = first.system.shell("true");
    assert!(matches!(refused, Err(Fault::Unsupported(_))), "unasked: {refused:?}");
    first.system.allow_shell();
    first.system.knob("net.ipv4.tcp_syn_retries", "3").expect("a knob");
    // The thread is in the namespace of the last one made.
    let _second = Scenario::new();
    first.system.shell("test $(cat /proc/sys/net/ipv4/tcp_syn_retries) = 3").expect("its own knobs");
    first.system.shell("grep -q tester /proc/net/dev && ! grep -q eth0 /proc/net/dev").expect("its own network");
    first.system.shell("echo 1 > /proc/sys/net/ipv4/tcp_rfc1337").expect("its own knobs");
    let _third = Scenario::new();
    let knob = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_rfc1337").expect("a sysctl");
    assert_eq!(knob, "0\n", "no other's knobs");
    let failed = first.system.shell("echo it is so; exit 2");
    assert!(
        matches!(&failed, Err(Fault::Command { how, .. }) if how == "ends with exit status: 2: it is so"),
        "{failed:?}"
    );
}

/// The kernel's numbers come to their end in the middle of a text, and in the middle of the circle.
pub(super) fn numbers_wrap_where_we_want() {
    for iss in [0xffff_ffff, 0xffff_fffd, 0x7fff_fffd, 1] {
        let mut s = Scenario::new();
        let fd = s.bound();
        s.system.initial_sequence(iss).expect("a number");
        let connecting = s.pends(Call::Connect { fd, address: SocketAddrV4::new(PEER_ADDRESS, PEER_PORT) });
        let syn = s.expect();
        assert_eq!((syn.flags, syn.seq), (SYN, iss));
        s.inject(SYN | ACK, 5_000, iss.wrapping_add(1), b"");
        assert_eq!(s.expect().ack, 5_001);
        s.resolves(connecting).expect("connect succeeds");
        let reuse = s.returns(Call::GetSockOpt { fd, option: SocketOption::ReuseAddr }).expect("getsockopt succeeds");
        assert_eq!(reuse.output, Output::Option(OptionValue::Int(1)), "repairing leaves no trace");

        s.value(Call::Write { fd, data: b"0123456789".to_vec() });
        let text = s.expect();
        assert_eq!((text.seq, text.data.as_slice()), (iss.wrapping_add(1), &b"0123456789"[..]));
        s.inject(ACK, 5_001, iss.wrapping_add(4), b"");
        let unacknowledged = s.returns(Call::Ioctl { fd, request: IoctlRequest::Unacknowledged });
        assert_eq!(unacknowledged.expect("ioctl succeeds").output, Output::Number(7));
        s.inject(ACK, 5_001, iss.wrapping_add(11), b"");
        s.value(Call::Shutdown { fd, how: ShutdownHow::Write });
        assert_eq!(s.expect().seq, iss.wrapping_add(11));
        s.inject(ACK, 5_001, iss.wrapping_add(12), b"");
        assert_eq!(s.state(), State::FinWait2);
    }
    // It holds for one opening only, and zero is none.
    let mut s = Scenario::new();
    assert!(matches!(s.system.initial_sequence(0), Err(Fault::Unsupported(Unsupported::Call { .. }))));
    let fd = s.bound();
    s.pends(Call::Connect { fd, address: SocketAddrV4::new(PEER_ADDRESS, PEER_PORT) });
    assert!(s.expect().seq > 1, "one in two thousand million runs fails here");
}
