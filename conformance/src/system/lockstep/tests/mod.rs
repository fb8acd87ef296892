//! The sockets, by scripts: what POSIX and Linux promise their users, whatever the wire says.

use lockstep_model::Table;

use super::Lockstep;
use crate::run::{End, run};
use crate::script::parse;
use crate::system::System;

mod asked;

const PASSIVE: &str = "
    +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
    +0 bind(3, ..., ...) = 0
    +0 listen(3, 1) = 0
    +0 < S 0:0(0) win 65535 <mss 1460>
    +0 > S. 0:0(0) ack 1 <mss 1460>
    +0 < . 1:1(0) ack 1 win 65535
    +0 accept(3, ..., ...) = 4";

fn followed(text: &str) {
    let script = parse("test", text).expect("a script");
    let mut system = Lockstep::new(script.mtu(), Table::repaired()).expect("a stack");
    for option in ["tcp_window_scaling", "tcp_sack", "tcp_timestamps"] {
        system.knob(option, "0").expect("a knob");
    }
    assert_eq!(run(&script, &mut system).end, End::Completed, "{text}");
}

#[test]
fn an_attempt_to_connect_is_told_once() {
    followed(
        "0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
        +0 fcntl(3, F_GETFL) = 2050
        +0 connect(3, ..., ...) = -1 EINPROGRESS
        +0 > S 0:0(0) <mss 1460>
        +0 connect(3, ..., ...) = -1 EALREADY
        +0 read(3, ..., 1) = -1 EAGAIN
        +0 write(3, ..., 1) = -1 EAGAIN
        +0 < R. 0:0(0) ack 1 win 0
        +0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0
        +0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
        +0 write(3, ..., 1) = -1 EPIPE",
    );
    followed(
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
        +0...0.1 connect(3, ..., ...) = -1 ECONNREFUSED
        +0 > S 0:0(0) <mss 1460>
        +0.1 < R. 0:0(0) ack 1 win 0",
    );
}

/// Three minutes (RFC 9293 MUST-23), which take no time here.
#[test]
fn nobody_answers_for_three_minutes() {
    followed(
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
        +0...180 connect(3, ..., ...) = -1 ETIMEDOUT
        +0 > S 0:0(0) <mss 1460>
        +1 > S 0:0(0) <mss 1460>
        +2 > S 0:0(0) <mss 1460>
        +4 > S 0:0(0) <mss 1460>
        +8 > S 0:0(0) <mss 1460>
        +16 > S 0:0(0) <mss 1460>
        +32 > S 0:0(0) <mss 1460>
        +60 > S 0:0(0) <mss 1460>
        +57 `! ss -Htan state connected | grep :`
        +0 close(3) = 0",
    );
}

#[test]
fn a_reset_is_told_once_and_then_it_is_the_end() {
    followed(&format!(
        "{PASSIVE}
        +0 < R 1:1(0) win 0
        +0 read(4, ..., 100) = -1 ECONNRESET
        +0 read(4, ..., 100) = 0
        +0 write(4, ..., 10) = -1 EPIPE
        +0 close(4) = 0
        +0 close(4) = -1 EBADF"
    ));
}

#[test]
fn reading_waits_for_text_or_the_end() {
    followed(&format!(
        "{PASSIVE}
        +0 recv(4, ..., 100, MSG_DONTWAIT) = -1 EAGAIN
        +0...0.1 read(4, ..., 100) = 10
        +0.1 < P. 1:11(10) ack 1 win 65535
        +0~+0.5 > . 1:1(0) ack 11
        +0 < P. 11:21(10) ack 1 win 65535
        +0~+0.5 > . 1:1(0) ack 21
        +0 recv(4, ..., 6, MSG_PEEK) = 6
        +0 recv(4, ..., 6, MSG_PEEK) = 6
        +0 read(4, ..., 100) = 10
        +0...0.1 read(4, ..., 100) = 0
        +0.1 < F. 21:21(0) ack 1 win 65535
        +0~+0.5 > . 1:1(0) ack 22
        +0 read(4, ..., 100) = 0"
    ));
}

#[test]
fn who_hears_nothing_more_waits_for_nothing() {
    followed(&format!("{PASSIVE}\n+0 shutdown(4, SHUT_RD) = 0\n+0 read(4, ..., 100) = 0"));
}

#[test]
fn writing_waits_for_room_and_ends_with_shutdown() {
    followed(&format!(
        "{PASSIVE}
        +0 < . 1:1(0) ack 1 win 0
        +0 send(4, ..., 2000000, MSG_DONTWAIT) = 1048576
        +0 send(4, ..., 1, MSG_DONTWAIT) = -1 EAGAIN
        +0 setsockopt(4, SOL_SOCKET, SO_LINGER, {{onoff=1, linger=0}}, 8) = 0
        +0 getsockopt(4, SOL_SOCKET, SO_LINGER, {{onoff=1, linger=0}}, [8]) = 0
        +0 close(4) = 0
        +0 > R 1:1(0)"
    ));
    followed(&format!(
        "{PASSIVE}
        +0 shutdown(4, SHUT_WR) = 0
        +0 > F. 1:1(0) ack 1
        +0 shutdown(4, SHUT_WR) = 0
        +0 write(4, ..., 1) = -1 EPIPE
        +0 < . 1:1(0) ack 2 win 65535"
    ));
}

#[test]
fn calls_on_the_wrong_socket_are_refused() {
    followed(
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
        +0 accept(3, ..., ...) = -1 EINVAL
        +0 read(3, ..., 1) = -1 ENOTCONN
        +0 write(3, ..., 1) = -1 EPIPE
        +0 shutdown(3, SHUT_WR) = -1 ENOTCONN
        +0 bind(3, ..., ...) = 0
        +0 bind(3, ..., ...) = -1 EINVAL
        +0 listen(3, 1) = 0
        +0 listen(3, 1) = 0
        +0 connect(3, ..., ...) = -1 EISCONN
        +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4
        +0 bind(4, ..., ...) = -1 EADDRINUSE
        +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
        +0 accept(3, ..., ...) = -1 EAGAIN
        +0 close(3) = 0
        +0 bind(4, ..., ...) = 0",
    );
}
