//! The sockets, by scripts: what POSIX and Linux promise their users, whatever the wire says.

use lockstep_model::Table;

use super::Lockstep;
use crate::run::{End, run};
use crate::script::parse;
use crate::system::System;
use crate::system::promises::{PASSIVE, promises};

mod asked;

fn followed(text: &str) {
    let script = parse("test", text).expect("a script");
    let mut system = Lockstep::new(script.mtu(), Table::repaired()).expect("a stack");
    for option in ["tcp_window_scaling", "tcp_sack", "tcp_timestamps"] {
        system.knob(option, "0").expect("a knob");
    }
    assert_eq!(run(&script, &mut system).end, End::Completed, "{text}");
}

#[test]
fn promises_are_kept() {
    promises().for_each(|promise| followed(&promise));
}

#[test]
fn connecting_waits_for_the_answer() {
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
fn writing_waits_for_room() {
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
}
