//! One meaning for each call, in both dialects, and why there is none.

use super::super::ast::Action;
use super::super::parse;
use super::*;
use crate::system::OptionValue;

fn operation(text: &str) -> Result<Operation, CallError> {
    let script = parse("test.pkt", &format!("0 {text}")).expect(text);
    match &script.events[0].action {
        Action::Call(call) => call.operation(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn calls_have_one_meaning_in_both_dialects() {
    let fd = Fd(3);
    let set = |option, value| Operation::SetOption { fd, option, value };
    let error = |value| Operation::GetOption { fd, option: SocketOption::Error, value };
    let linger = set(SocketOption::Linger, OptionValue::Linger { on: true, seconds: 0 });
    let none = MessageFlags::NONE;
    let receive = |flags| Operation::Receive { fd, length: 10, flags };
    let send = |flags| Operation::Send { fd, length: 10, flags };
    let poll = |events, revents, timeout| Operation::Poll { sockets: vec![Polled { fd, events, revents }], timeout };
    for (text, wanted) in [
        ("socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", Operation::Socket { nonblocking: false }),
        ("socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 3", Operation::Socket { nonblocking: true }),
        ("bind(3, ..., ...) = 0", Operation::Bind(fd)),
        ("listen(3, 1) = 0", Operation::Listen { fd, backlog: 1 }),
        ("accept(3, ..., ...) = 4", Operation::Accept { fd, nonblocking: false }),
        ("accept4(3, ..., [16], SOCK_NONBLOCK) = 4", Operation::Accept { fd, nonblocking: true }),
        ("connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)", Operation::Connect(fd)),
        ("fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)", Operation::GetFlags(fd)),
        ("fcntl(3, F_SETFL, O_RDWR) = 0", Operation::SetFlags { fd, nonblocking: false }),
        ("fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0", Operation::SetFlags { fd, nonblocking: true }),
        ("read(3, ..., 10) = 10", receive(none)),
        ("recv(3, ..., 10, 0) = 10", receive(none)),
        ("recvfrom(3, ..., 10, 0, ..., ...) = 10", receive(none)),
        ("readv(3, [{..., 4}, {..., 6}], 2) = 10", receive(none)),
        (
            "recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}, MSG_WAITALL) = 10",
            receive(MessageFlags { wait_all: true, ..none }),
        ),
        ("recv(3, ..., 10, MSG_PEEK|MSG_DONTWAIT) = 10", receive(MessageFlags { peek: true, dont_wait: true, ..none })),
        ("write(3, ..., 10) = 10", send(none)),
        ("writev(3, [{..., 4}, {..., 6}], 2) = 10", send(none)),
        ("sendto(3, ..., 10, MSG_MORE, ..., ...) = 10", send(MessageFlags { more: true, ..none })),
        ("sendmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}, 0) = 10", send(none)),
        (
            "sendto(3, ..., 10, MSG_FASTOPEN, ..., ...) = 10",
            Operation::FastOpen { fd, length: 10, flags: MessageFlags { fast_open: true, ..none } },
        ),
        ("send(3, ..., 10, MSG_DONTWAIT|MSG_NOSIGNAL) = 10", send(MessageFlags { dont_wait: true, ..none })),
        ("send(3, ..., 10, MSG_OOB) = 10", send(MessageFlags { out_of_band: true, ..none })),
        ("shutdown(3, SHUT_RD) = 0", Operation::Shutdown { fd, how: ShutdownHow::Read }),
        ("shutdown(3, SHUT_WR) = 0", Operation::Shutdown { fd, how: ShutdownHow::Write }),
        ("shutdown(3, SHUT_RDWR) = 0", Operation::Shutdown { fd, how: ShutdownHow::Both }),
        ("close(3) = 0", Operation::Close(fd)),
        ("setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0", set(SocketOption::ReuseAddr, OptionValue::Int(1))),
        ("setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0", linger.clone()),
        ("setsockopt(3, SOL_SOCKET, SO_LINGER, {1, 0}, ...) = 0", linger),
        ("getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0", error(Wanted::Value(OptionValue::Int(0)))),
        (
            "getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0",
            error(Wanted::Error(Errno("ECONNRESET".to_owned()))),
        ),
        ("getsockopt(3, SOL_SOCKET, SO_ERROR, ..., [4]) = 0", error(Wanted::Any)),
        (
            "setsockopt(3, SOL_TCP, TCP_CONGESTION, \"reno\", 4) = 0",
            set(SocketOption::Congestion, OptionValue::Text("reno".to_owned())),
        ),
        (
            "setsockopt(3, SOL_SOCKET, SO_RCVTIMEO, {tv_sec=1, tv_usec=500000}, sizeof(timeval)) = 0",
            set(SocketOption::RcvTimeo, OptionValue::Time(Duration::from_millis(1500))),
        ),
        (
            "setsockopt(3, IPPROTO_IP, IP_MTU_DISCOVER, [IP_PMTUDISC_DO], 4) = 0",
            set(SocketOption::MtuDiscover, OptionValue::Int(2)),
        ),
        (
            "poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 100) = 1",
            poll(PollEvents::IN | PollEvents::OUT, PollEvents::OUT, Some(Duration::from_millis(100))),
        ),
        ("poll([{3, POLLIN, 0}], 1, -1) = 0", poll(PollEvents::IN, PollEvents::NONE, None)),
        ("ioctl(3, SIOCINQ, [7]) = 0", Operation::Ioctl { fd, request: IoctlRequest::Unread, value: Some(7) }),
        ("ioctl(3, SIOCOUTQ, ...) = 0", Operation::Ioctl { fd, request: IoctlRequest::Unacknowledged, value: None }),
    ] {
        assert_eq!(operation(text), Ok(wanted), "{text}");
    }
}

#[test]
fn what_a_call_does_not_take_is_refused() {
    for text in [
        "socket(..., SOCK_NONBLOCK, IPPROTO_TCP) = 3",
        "bind(3, {sa_family=AF_INET}, 16) = 0",
        "listen(3) = 0",
        "fcntl(3, F_SETFL, O_RDWR|O_APPEND) = 0",
        "fcntl(3, F_DUPFD, 0) = 0",
        "read(3, ..., 10, 0) = 10",
        "recv(3, ..., 10) = 10",
        "recv(3, ..., 10, MSG_HOLY) = 10",
        "readv(3, [{..., 10}], 2) = 10",
        "recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_control=[{cmsg_level=SOL_TCP}]}, 0) = 10",
        "poll([{fd=3, events=POLLIN, revents=POLLHOLY}], 1, 0) = 1",
        "poll([{fd=3, events=POLLIN, revents=POLLIN}], 2, 0) = 1",
        "ioctl(3, SIOCHOLY, [1]) = 0",
        "send(3, \"abc\", 3, 0) = 3",
        "send(3, ..., -1, 0) = 3",
        "shutdown(3, 1) = 0",
        "close(A) = 0",
        "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, ..., 4) = 0",
        "setsockopt(3, SOL_SOCKET, SO_LINGER, {linger=0, onoff=1}, 8) = 0",
        "setsockopt(3, SOL_SOCKET, SO_LINGER, [1], 8) = 0",
    ] {
        assert!(matches!(operation(text), Err(CallError::Arguments { .. })), "{text}");
    }
    insta::assert_snapshot!(operation("epoll_create(1) = 0").expect_err("unknown"), @"the system call epoll_create is not supported");
    insta::assert_snapshot!(operation("socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP) = 3").expect_err("family"), @"a socket of AF_INET6 is not supported");
    insta::assert_snapshot!(operation("socket(..., SOCK_STREAM, IPPROTO_SCTP) = 3").expect_err("family"), @"a socket of IPPROTO_SCTP is not supported");
    insta::assert_snapshot!(operation("setsockopt(3, IPPROTO_TCP, TCP_NOOPT, [1], 4) = 0").expect_err("option"), @"the socket option TCP_NOOPT of IPPROTO_TCP is not supported");
    insta::assert_snapshot!(operation("getsockopt(3, SOL_SOCKET, TCP_NODELAY, [1], [4]) = 0").expect_err("level"), @"the socket option TCP_NODELAY of SOL_SOCKET is not supported");
    insta::assert_snapshot!(operation("close(3, 4) = 0").expect_err("arguments"), @"close is supported as in `close(4)`, not with these arguments");
    insta::assert_snapshot!(operation("close(3) = -1 ENONE").expect_err("error"), @"ENONE is not an error that is known here");
    insta::assert_snapshot!(operation("getsockopt(3, SOL_SOCKET, SO_ERROR, [ENONE], [4]) = 0").expect_err("error"), @"ENONE is not an error that is known here");
}
