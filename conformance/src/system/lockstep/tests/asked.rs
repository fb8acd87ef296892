//! What a scenario may ask for besides the plain calls, in exact time.

use std::net::SocketAddrV4;
use std::time::Duration;

use lockstep_model::Table;

use super::followed;
use crate::run::{End, PEER_PORT, SYSTEM_PORT, run};
use crate::script::parse;
use crate::system::lockstep::Lockstep;
use crate::system::promises::PASSIVE;
use crate::system::{
    Call, CallId, Descriptor, Errno, FourTuple, IoctlRequest, OptionValue, Output, PEER_ADDRESS, PollEvents, PollFd,
    Progress, Ret, Returned, SYSTEM_ADDRESS, SocketOption, System, Wake,
};

const FD: Descriptor = Descriptor(4);

/// A system with one connection, which is established and accepted.
fn established() -> Lockstep {
    let script = parse("test", PASSIVE).expect("a script");
    let mut system = Lockstep::new(script.mtu(), Table::repaired()).expect("a stack");
    for option in ["tcp_window_scaling", "tcp_sack", "tcp_timestamps"] {
        system.knob(option, "0").expect("a knob");
    }
    assert_eq!(run(&script, &mut system).end, End::Completed);
    system
}

fn returns(system: &mut Lockstep, call: Call) -> Ret {
    match system.call(&call).expect("a call") {
        Progress::Returned(ret) => ret,
        Progress::Pending(_) => panic!("{call:?} blocks"),
    }
}

fn pends(system: &mut Lockstep, call: Call) -> CallId {
    match system.call(&call).expect("a call") {
        Progress::Pending(id) => id,
        Progress::Returned(ret) => panic!("{call:?} returned {ret:?}"),
    }
}

/// Lets time pass until the call returns, whatever is sent meanwhile.
fn resolves(system: &mut Lockstep, id: CallId) -> Returned {
    for _ in 0..100 {
        match system.run_until(Duration::from_secs(1_000)).expect("time passes") {
            Wake::Datagram => drop(system.recv()),
            Wake::Returned(_) => return system.result(id).expect("this one"),
            Wake::Deadline => panic!("it never returns"),
        }
    }
    panic!("it sends without end");
}

#[test]
fn what_blocks_gives_up_to_the_microsecond() {
    let mut system = established();
    let limit = Duration::from_micros(2_500_001);
    let value = OptionValue::Time(limit);
    returns(&mut system, Call::SetSockOpt { fd: FD, option: SocketOption::RcvTimeo, value }).expect("an option");
    let began = system.now();
    let reading = pends(&mut system, Call::Read { fd: FD, length: 1 });
    assert_eq!(resolves(&mut system, reading), Returned { at: began + limit, ret: Err(Errno::EAGAIN) });

    let fds = vec![PollFd { fd: FD, events: PollEvents::IN }];
    let began = system.now();
    let polling = pends(&mut system, Call::Poll { fds, timeout: Some(limit) });
    let returned = resolves(&mut system, polling);
    assert_eq!(returned.at, began + limit);
    assert_eq!(returned.ret.expect("poll succeeds").output, Output::Poll(vec![PollEvents::NONE]));
}

#[test]
fn a_close_that_lingers_waits_for_the_peer_or_its_time() {
    let mut system = established();
    let value = OptionValue::Linger { on: true, seconds: 5 };
    returns(&mut system, Call::SetSockOpt { fd: FD, option: SocketOption::Linger, value }).expect("an option");
    let began = system.now();
    let closing = pends(&mut system, Call::Close { fd: FD });
    assert_eq!(returns(&mut system, Call::Read { fd: FD, length: 1 }), Err(Errno::EBADF));
    let returned = resolves(&mut system, closing);
    assert_eq!((returned.at, returned.ret.is_ok()), (began + Duration::from_secs(5), true));
    followed(&format!(
        "{PASSIVE}
        +0 setsockopt(4, SOL_SOCKET, SO_LINGER, {{onoff=1, linger=5}}, 8) = 0
        +0...1 close(4) = 0
        +0 > F. 1:1(0) ack 1
        +1 < . 1:1(0) ack 2 win 65535"
    ));
}

#[test]
fn polling_tells_what_linux_tells() {
    followed(&format!(
        "{PASSIVE}
        +0 poll([{{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}}], 1, 0) = 1
        +0...1 poll([{{fd=4, events=POLLIN, revents=POLLIN}}], 1, -1) = 1
        +1 < P. 1:11(10) ack 1 win 65535
        +0~+0.5 > . 1:1(0) ack 11
        +0 ioctl(4, SIOCINQ, [10]) = 0
        +0 < F. 11:11(0) ack 1 win 65535
        +0~+0.5 > . 1:1(0) ack 12
        +0 poll([{{fd=4, events=POLLIN|POLLRDHUP, revents=POLLIN|POLLRDHUP}}], 1, 0) = 1
        +0 write(4, ..., 7) = 7
        +0 > P. 1:8(7) ack 12
        +0 ioctl(4, SIOCOUTQ, [7]) = 0
        +0 < R 12:12(0) win 0
        +0 poll([{{fd=4, events=POLLIN, revents=POLLIN|POLLERR|POLLHUP}}], 1, 0) = 1"
    ));
    let mut system = established();
    let fds = [3, 9, -1].map(|fd| PollFd { fd: Descriptor(fd), events: PollEvents::IN }).to_vec();
    let polled = returns(&mut system, Call::Poll { fds, timeout: Some(Duration::ZERO) }).expect("poll succeeds");
    assert_eq!(polled.value, 1);
    assert_eq!(polled.output, Output::Poll(vec![PollEvents::NONE, PollEvents::NVAL, PollEvents::NONE]));
    let request = IoctlRequest::Unread;
    assert_eq!(returns(&mut system, Call::Ioctl { fd: Descriptor(3), request }), Err(Errno::EINVAL));
}

#[test]
fn the_inside_of_a_connection_is_told_as_linux_tells_it() {
    let mut system = established();
    returns(&mut system, Call::Write { fd: FD, data: vec![0; 3_000] }).expect("write succeeds");
    let info = system.info(FD).expect("TCP_INFO");
    let told = |names: &[&str]| names.iter().map(|name| info.get(name)).collect::<Option<Vec<_>>>();
    assert_eq!(told(&["state", "ca_state", "options", "retransmits"]), Some(vec![1, 0, 0, 0]));
    assert_eq!(told(&["unacked", "sacked", "lost", "retrans"]), Some(vec![2, 0, 0, 0]), "the rest waits (Nagle)");
    assert_eq!(told(&["notsent_bytes", "snd_cwnd", "snd_ssthresh"]), Some(vec![80, 10, 0x7fff_ffff]));
    assert_eq!(told(&["snd_mss", "advmss", "pmtu", "rto"]), Some(vec![1_460, 1_460, 1_500, 1_000_000]));
    assert_eq!(info.get("segs_in"), None, "nobody counts them");

    // Nobody answers: a timeout, after which the first leaves again.
    let until = system.now() + Duration::from_millis(1_100);
    while system.run_until(until).expect("time passes") == Wake::Datagram {
        drop(system.recv());
    }
    let info = system.info(FD).expect("TCP_INFO");
    let told = |name| info.get(name);
    assert_eq!((told("ca_state"), told("retransmits"), told("snd_cwnd")), (Some(4), Some(1), Some(1)));
    assert_eq!((told("unacked"), told("lost"), told("retrans")), (Some(2), Some(2), Some(1)));
    assert!(system.info(Descriptor(3)).is_err(), "a listener has no inside");
}

#[test]
fn a_dropped_connection_is_aborted() {
    let mut system = established();
    let reading = pends(&mut system, Call::Read { fd: FD, length: 1 });
    let local = SocketAddrV4::new(SYSTEM_ADDRESS, SYSTEM_PORT);
    let stranger = FourTuple { local, remote: SocketAddrV4::new(PEER_ADDRESS, PEER_PORT + 1) };
    system.drop_connection(stranger).expect("nothing to drop");
    assert_eq!(system.run_until(system.now()).expect("time passes"), Wake::Deadline);
    system
        .drop_connection(FourTuple { remote: SocketAddrV4::new(PEER_ADDRESS, PEER_PORT), ..stranger })
        .expect("it ends");
    let reset = system.recv().expect("the wire works").expect("a reset");
    assert_eq!(reset.bytes[33] & 4, 4);
    assert_eq!(resolves(&mut system, reading).ret, Err(Errno::ECONNABORTED));
}

#[test]
fn an_active_open_begins_where_it_is_told() {
    let mut system = Lockstep::new(1_500, Table::repaired()).expect("a stack");
    system.initial_sequence(0xffff_fffe).expect("a number");
    let mut number = |fd| {
        returns(&mut system, Call::Socket).expect("a socket");
        pends(&mut system, Call::Connect { fd, address: SocketAddrV4::new(PEER_ADDRESS, PEER_PORT) });
        let syn = system.recv().expect("the wire works").expect("a SYN");
        u32::from_be_bytes([syn.bytes[24], syn.bytes[25], syn.bytes[26], syn.bytes[27]])
    };
    assert_eq!(number(Descriptor(3)), 0xffff_fffe);
    assert_ne!(number(Descriptor(4)), 0xffff_fffe, "for one opening only");
}

#[test]
fn options_are_kept_and_inherited() {
    let mut system = established();
    let int = OptionValue::Int;
    let mut set = |fd, option, value| {
        returns(&mut system, Call::SetSockOpt { fd, option, value }).map(drop)?;
        returns(&mut system, Call::GetSockOpt { fd, option }).map(|success| success.output)
    };
    for (option, value) in [
        (SocketOption::KeepAlive, 1),
        (SocketOption::KeepIdle, 11),
        (SocketOption::KeepIntvl, 12),
        (SocketOption::KeepCnt, 13),
        (SocketOption::UserTimeout, 14_000),
        (SocketOption::Linger2, 15),
        (SocketOption::Linger2, -1),
        (SocketOption::Ttl, 16),
        (SocketOption::Tos, 0x48),
        (SocketOption::NoDelay, 1),
        (SocketOption::OobInline, 1),
    ] {
        assert_eq!(set(FD, option, int(value)), Ok(Output::Option(int(value))), "{option:?}");
    }
    for (option, value) in [(SocketOption::KeepIdle, 0), (SocketOption::KeepCnt, 128), (SocketOption::Ttl, 256)] {
        assert_eq!(set(FD, option, int(value)), Err(Errno::EINVAL), "{option:?}");
    }
    let cubic = OptionValue::Text("cubic".to_owned());
    assert_eq!(set(FD, SocketOption::Congestion, cubic.clone()), Ok(Output::Option(cubic)));
    assert_eq!(set(FD, SocketOption::Congestion, OptionValue::Text("vegas".to_owned())), Err(Errno::ENOENT));
    let refused = system.call(&Call::SetSockOpt { fd: FD, option: SocketOption::Cork, value: int(1) });
    assert_eq!(refused.expect_err("not here").to_string(), "this system has no TCP_CORK");

    // What is chosen reaches the wire.
    returns(&mut system, Call::Write { fd: FD, data: vec![0] }).expect("write succeeds");
    let segment = system.recv().expect("the wire works").expect("a segment");
    assert_eq!((segment.bytes[1], segment.bytes[8]), (0x48, 16));
}
