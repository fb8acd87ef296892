//! What is read, what is refused, and in which words.

use proptest::prelude::*;

use super::super::error::Unsupported;
use super::super::value::Tolerance;
use super::*;

/// Parses one event and prints it.
fn event(text: &str) -> String {
    match parse("test.pkt", text) {
        Ok(script) => script.to_string().trim_end().to_owned(),
        Err(error) => error.to_string(),
    }
}

/// What is wrong with `text`.
fn error(text: &str) -> String {
    parse("test.pkt", text).expect_err(text).to_string()
}

#[test]
fn both_dialects_are_read_and_printed_in_one_form() {
    for (written, printed) in [
        ("0 close(3)=0", "0 close(3) = 0"),
        ("0.00 close(3) = 0", "0 close(3) = 0"),
        ("+.1 close(3) = 0", "+0.1 close(3) = 0"),
        ("+0.050 close(3) = 0", "+0.05 close(3) = 0"),
        ("* close(3) = 0", "* close(3) = 0"),
        (".1 ~ .2 > . 1:1(0) ack 1", "0.1~0.2 > . 1:1(0) ack 1"),
        ("+0~+0.5 > . 1:1(0) ack 1", "+0~+0.5 > . 1:1(0) ack 1"),
        ("+0...0.200 accept(3, ..., ...) = 4", "+0...0.2 accept(3, ..., ...) = 4"),
        ("+0 < S 0:0(0) win 32792 <mss 1000,nop,wscale 7>", "+0 < S 0:0(0) win 32792 <mss 1000,nop,wscale 7>"),
        ("+0 > S. 0:0(0) ack 1 <...>", "+0 > S. 0:0(0) ack 1 <...>"),
        ("+0 > S. 0:0(0) ack 1 win 65535 < mss 1460 , sackOK >", "+0 > S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK>"),
        ("+0 < SF 0:0(0) win 0", "+0 < SF 0:0(0) win 0"),
        ("+0 < FS 0:0(0) win 0", "+0 < SF 0:0(0) win 0"),
        ("+0 > SEW 0:0(0) <mss 1460>", "+0 > SEW 0:0(0) <mss 1460>"),
        ("+0 < .FSRPEWAU 0:0(0) ack 0 win 0", "+0 < SFRPEWAU. 0:0(0) ack 0 win 0"),
        ("+0 < - 1:11(10) win 0", "+0 < - 1:11(10) win 0"),
        ("+0 < - 1:11(10) ack 7 win 0", "+0 < - 1:11(10) ack 7 win 0"),
        ("+0 < U. 1:11(10) ack 1 win 9 urg 3", "+0 < U. 1:11(10) ack 1 win 9 urg 3"),
        ("+0 < R 4294967295:4294967295(0) win 0", "+0 < R 4294967295:4294967295(0) win 0"),
        ("+0 < . 4294967295:1(2) ack 1 win 0", "+0 < . 4294967295:1(2) ack 1 win 0"),
        ("+0 > R. !1000:1000(0) ack !5", "+0 > R. !1000:!1000(0) ack !5"),
        ("+0 > P. ...(10) ack 1", "+0 > P. ...(10) ack 1"),
        ("+0 > . 1:1(0) ack 1 <nop,nop,sack 11:21 31:41>", "+0 > . 1:1(0) ack 1 <nop,nop,sack 11:21 31:41>"),
        ("+0 > . 1:1(0) ack 1 <nop,nop,TS val 100 ecr 0,eol>", "+0 > . 1:1(0) ack 1 <nop,nop,TS val 100 ecr 0,eol>"),
        ("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"),
        (
            "0 connect(3,...,...) = -1 EINPROGRESS (Operation now in progress)",
            "0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)",
        ),
        ("0 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)", "0 fcntl(3, F_GETFL) = 2 (flags O_RDWR)"),
        ("0 fcntl(3, F_SETFL, O_RDWR | O_NONBLOCK) = 0", "0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0"),
        (
            "0 bind(3, ..., ...) = -1 EADDRNOTAVAIL (Can't assign requested address)",
            "0 bind(3, ..., ...) = -1 EADDRNOTAVAIL (Can't assign requested address)",
        ),
        (
            "0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0",
            "0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0",
        ),
        (
            "0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0",
            "0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0",
        ),
        (
            "0 bind(3, {sa_port=htons(8080), a=\"x\\\"y\"}, 16) = ?",
            "0 bind(3, {sa_port=htons(8080), a=\"x\\\"y\"}, 16) = ?",
        ),
        ("`sysctl a=1` 0 close(3) = 0", "+0 `sysctl a=1`\n0 close(3) = 0"),
        ("0 `sysctl -w a=1\n sysctl -w b=2`", "0 `sysctl -w a=1\n sysctl -w b=2`"),
        ("+0 %{ assert tcpi_state == 1 }%", "+0 %{ assert tcpi_state == 1 }%"),
        (
            "--tolerance_usecs=75000 --ip_version=ipv4 --mtu=1280",
            "--tolerance_usecs=75000\n--ip_version=ipv4\n--mtu=1280",
        ),
        (
            "--non_fatal --local_ip=192.0.2.1\n0 close(3) /* the\nsocket */ = 0 // zero",
            "--non_fatal\n--local_ip=192.0.2.1\n0 close(3) = 0",
        ),
        ("+0 > [ ttl 64 , ect0 ] . 1:1(0) ack 1", "+0 > [ttl 64,ect0] . 1:1(0) ack 1"),
        ("+0 < (hlim 1,class 16) S 0:0(0) win 1", "+0 < [ttl 1,tos 0x10] S 0:0(0) win 1"),
        ("+0 > [ecn ce] . 1:1(0) ack 1", "+0 > [ce] . 1:1(0) ack 1"),
        ("+0 > 5. 1:1(0) ack 1", "+0 > EA. 1:1(0) ack 1"),
        ("+0 > S.5 1:1(0) ack 1", "+0 > SEA. 1:1(0) ack 1"),
        ("+0 < 5000 > 8080 2 1:1(0) win 1", "+0 < 5000 > 8080 W 1:1(0) win 1"),
        ("+0 > P. ... ack ...", "+0 > P. ... ack ..."),
        (
            "+0 > . 1:1(0) ack 1 <FO 01 02,FOEXP,raw 0200,md5  valid>",
            "+0 > . 1:1(0) ack 1 <FO 0102,FOEXP,raw 0200,md5 valid>",
        ),
        ("+0 > S 0:0(0) <mss 1> / udp ( 1 > 2 )", "+0 > S 0:0(0) <mss 1>/udp(1 > 2)"),
        ("+0 < S 0:0(0) win 1 [bad  checksum,cut 2]", "+0 < S 0:0(0) win 1 [bad checksum, cut 2]"),
        ("+0 < raw [45000014 40 06]", "+0 < raw [45 00 00 14 40 06]"),
        ("+0 < raw tcp [ 1e02 ]", "+0 < raw tcp [1e 02]"),
        ("+0 < icmp unreachable frag_needed [1:2(1)] mtu 1300", "+0 < icmp unreachable frag_needed mtu 1300 [1:2(1)]"),
        ("+0 > icmpv6 1 code 3 [...(0)]", "+0 > icmpv6 1 code 3 [...(0)]"),
        ("+0 recvmsg(3, {msg_iov ( 1 ) = [{..., 9}]}, 0) = 9", "+0 recvmsg(3, {msg_iov(1)=[{..., 9}]}, 0) = 9"),
        (
            "--tolerance_percent=12.50 --non_fatal=packet,syscall --iss=7 --strict_segments=1 --define=A",
            "--tolerance_percent=12.5\n--non_fatal\n--iss=7\n--strict_segments\n--define=A",
        ),
        ("", ""),
    ] {
        assert_eq!(event(written), printed, "{written}");
    }
}

#[test]
fn a_packet_is_what_it_says() {
    use super::super::{Flags, Packet, SeqNumber, Sequence, TcpOption, TcpOptions};
    let script =
        parse("test.pkt", "+0 < P. 1:11(10) ack 4294967295 win 1000 <sack 5:6,TS val 7 ecr 8>").expect("parses");
    let wanted = Packet {
        ack: Some(SeqNumber::relative(u32::MAX)),
        window: Some(1000),
        options: TcpOptions::Exactly(vec![TcpOption::Sack(vec![(5, 6)]), TcpOption::Timestamps { val: 7, ecr: 8 }]),
        ..Packet::new(Direction::Injected, Flags::PSH.with(Flags::ACK), Sequence::new(SeqNumber::relative(1), 10))
    };
    assert_eq!(script.events[0].action, Action::Packet(wanted));
    assert_eq!(script.events[0].when, When::At { base: Base::Previous, time: Duration::ZERO });
}

#[test]
fn settings_have_defaults_and_the_last_one_wins() {
    let script = |text| parse("test.pkt", text).expect("parses");
    assert_eq!((script("").tolerance(), script("").mtu()), (Tolerance::DEFAULT, 1500));
    let set = script("--mtu=576 --tolerance_usecs=1 --tolerance_usecs=2000 --mtu=1280");
    assert_eq!((set.tolerance(), set.mtu()), (Tolerance(Duration::from_millis(2)), 1280));
}

#[test]
fn what_has_no_meaning_is_named_with_its_place() {
    let script = parse(
        "suite/a.pkt",
        "--ip_version=ipv6 --tolerance_usecs=1\n--non_fatal\n0 `sysctl -a`\n+0 %{ exec(1) }%\n  +0 epoll_wait(3) = 0\n\
         +0 bind(3, ..., 16) = 0\n+0 close(3) = -1 EWHATEVER\n+0 close(3) = 0",
    );
    let reports = script.expect("parses").unsupported();
    let reports = reports.iter().map(Unsupported::to_string).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(reports, @r"
    suite/a.pkt:1:1: the option --ip_version=ipv6 is not supported
    suite/a.pkt:3:1: in a command: `-a` is not a name=value for sysctl
    suite/a.pkt:4:1: in code: `exec(1)` is not an assertion, an assignment or a print that is understood
    suite/a.pkt:5:3: the system call epoll_wait is not supported
    suite/a.pkt:6:1: bind is supported as in `bind(3, ..., ...)`, not with these arguments
    suite/a.pkt:7:1: EWHATEVER is not an error that is known here
    ");
}

#[test]
fn an_error_shows_its_line_and_its_place() {
    insta::assert_snapshot!(error("0 close(3) = 0\n\t+0 > S. 0:0(0) ack 1 <mss 65536>\n"), @r"
    test.pkt:2:28: 65536 is not a segment size from 0 to 65535
       +0 > S. 0:0(0) ack 1 <mss 65536>
                                 ^
    ");
    insta::assert_snapshot!(error("+0 < S 0:0(0)\n"), @r"
    test.pkt:1:4: `win` is missing: an injected packet leaves nothing open
      +0 < S 0:0(0)
         ^
    ");
    insta::assert_snapshot!(error("+0 é"), @r"
    test.pkt:1:4: the character 'é' has no meaning here
      +0 é
         ^
    ");
}

#[test]
fn every_error_is_one_sentence_at_its_place() {
    let first_line = |text: &str| error(text).lines().next().unwrap_or("").to_owned();
    insta::assert_snapshot!(first_line("+0"), @"test.pkt:1:3: expected a packet (< or >), a system call, a `command` or %{ code }%, found the end of the script");
    insta::assert_snapshot!(first_line("close(3) = 0"), @"test.pkt:1:1: expected a time such as 0.1 or +0.1, found `close`");
    insta::assert_snapshot!(first_line("1.0000000001 close(3) = 0"), @"test.pkt:1:1: 1.0000000001 is not a time in seconds with at most nine decimals");
    insta::assert_snapshot!(first_line("+0.2~+0.1 > . 1:1(0) ack 1"), @"test.pkt:1:1: this range of time ends before it begins");
    insta::assert_snapshot!(first_line("0.1~+0.2 > . 1:1(0) ack 1"), @"test.pkt:1:1: both ends of a range of time are absolute, or both begin with +");
    insta::assert_snapshot!(first_line("0...1 > . 1:1(0) ack 1"), @"test.pkt:1:7: only a system call can block until a time");
    insta::assert_snapshot!(first_line("--mtu=big"), @"test.pkt:1:1: big is not a size in octets");
    insta::assert_snapshot!(first_line("0 close(3) = 0\n--mtu=1"), @"test.pkt:2:1: options come before the first event");
    insta::assert_snapshot!(first_line("+0 > SX 0:0(0)"), @"test.pkt:1:6: 'X' is not a flag: S F R P E W A U and . are, or - for none");
    insta::assert_snapshot!(first_line("+0 > S.S 0:0(0) ack 1"), @"test.pkt:1:8: the flag 'S' is given twice");
    insta::assert_snapshot!(first_line("+0 > . 1:1(0)"), @"test.pkt:1:4: a packet with the flag . needs an acknowledgment number, as in `ack 1`");
    insta::assert_snapshot!(first_line("+0 > 1:1(0)"), @"test.pkt:1:6: expected flags such as S. or -, found `1`");
    insta::assert_snapshot!(first_line("+0 > , 1:1(0)"), @"test.pkt:1:6: expected flags such as S. or -, found `,`");
    insta::assert_snapshot!(first_line("+0 > . 1:12(10) ack 1"), @"test.pkt:1:8: 10 octets from 1 end at 11, not at 12");
    insta::assert_snapshot!(first_line("+0 > . 4294967296:1(0) ack 1"), @"test.pkt:1:8: 4294967296 is not a sequence number from 0 to 4294967295");
    insta::assert_snapshot!(first_line("+0 > . 1(10) ack 1"), @"test.pkt:1:9: expected `:` and the number after the last octet, found `(`");
    insta::assert_snapshot!(first_line("+0 > . 1:1(65536) ack 1"), @"test.pkt:1:12: 65536 is not a number of octets up to 65535");
    insta::assert_snapshot!(first_line("+0 > . 1:1(0) ack 1 win 65536"), @"test.pkt:1:25: 65536 is not a window from 0 to 65535");
    insta::assert_snapshot!(first_line("+0 > . 1:1(0) win 5 ack 1"), @"test.pkt:1:4: a packet with the flag . needs an acknowledgment number, as in `ack 1`");
    insta::assert_snapshot!(first_line("+0 > S 0:0(0) <mss>"), @"test.pkt:1:19: expected a segment size from 0 to 65535, found `>`");
    insta::assert_snapshot!(first_line("+0 > S 0:0(0) <mss 1 nop>"), @"test.pkt:1:22: expected `,` or `>`, found `nop`");
    insta::assert_snapshot!(first_line("+0 > S 0:0(0) <quick>"), @"test.pkt:1:16: expected an option: mss, nop, eol, wscale, sackOK, sack, TS, FO, FOEXP or raw, found `quick`");
    insta::assert_snapshot!(first_line("+0 > S 0:0(0) <TS 1 ecr 2>"), @"test.pkt:1:19: expected `val` and a timestamp, found `1`");
    insta::assert_snapshot!(first_line("+0 > S 0:0(0) <sack 1:2 3:4 5:6 7:8,TS val 1 ecr 2>"), @"test.pkt:1:15: these options take 44 octets, and a TCP header has room for 40");
    insta::assert_snapshot!(first_line("+0 > S 0:0(0) <raw 020>"), @"test.pkt:1:20: 020 is not octets of two hexadecimal digits each");
    insta::assert_snapshot!(first_line("+0 < raw [zz]"), @"test.pkt:1:11: zz is not octets of two hexadecimal digits each");
    insta::assert_snapshot!(first_line("+0 > raw [00]"), @"test.pkt:1:10: octets can only be injected, with <: what the system sends is a packet");
    insta::assert_snapshot!(first_line("+0 > S 0:0(0) [bad checksum]"), @"test.pkt:1:15: only an injected packet can be spoiled: the checksum of an expected one is always right");
    insta::assert_snapshot!(first_line("+0 < S 0:0(0) win 1 [data offset 16]"), @"test.pkt:1:22: a data offset takes four bits, the reserved bits are three");
    insta::assert_snapshot!(first_line("+0 < S 0:0(0) win 1 [good checksum]"), @"test.pkt:1:22: expected what is wrong: bad checksum, data offset, reserved or cut, found `good`");
    insta::assert_snapshot!(first_line("+0 < [ect01] S 0:0(0) win 1"), @"test.pkt:1:12: `ect01` is one of two codepoints: an injected packet leaves nothing open");
    insta::assert_snapshot!(first_line("+0 > [ttl 1, ttl 2] S 0:0(0)"), @"test.pkt:1:14: this field of the IP header is given twice");
    insta::assert_snapshot!(first_line("+0 > [tos 256] S 0:0(0)"), @"test.pkt:1:11: 256 is not an octet from 0 to 255");
    insta::assert_snapshot!(first_line("+0 > [fast] S 0:0(0)"), @"test.pkt:1:11: expected a field of the IP header: ttl, tos, ect0, ect1, ect01, ce, noecn, found `fast`");
    insta::assert_snapshot!(first_line("+0 > S8 0:0(0)"), @"test.pkt:1:6: '8' is not a flag: S F R P E W A U and . are, or - for none");
    insta::assert_snapshot!(first_line("+0 < . 1:1(0) ack ... win 1"), @"test.pkt:1:19: `...` is no acknowledgment number: an injected packet leaves nothing open");
    insta::assert_snapshot!(first_line("+0 < icmp"), @"test.pkt:1:10: expected a type of ICMP such as unreachable, found the end of the script");
    insta::assert_snapshot!(first_line("--ip_version=5"), @"test.pkt:1:1: 5 is not ipv4, ipv6 or ipv4-mapped-ipv6");
    insta::assert_snapshot!(first_line("--tolerance_percent=a"), @"test.pkt:1:1: a is not a percentage");
    insta::assert_snapshot!(first_line("--non_fatal=all"), @"test.pkt:1:1: all is not what --non_fatal takes: packet, syscall or both with a comma");
    insta::assert_snapshot!(first_line("+0 < S ...(0) win 1"), @"test.pkt:1:8: `...` is no sequence number: an injected packet leaves nothing open");
    insta::assert_snapshot!(first_line("+0 < S 0:0(0) win 1 <...>"), @"test.pkt:1:22: `<...>` are no options: an injected packet leaves nothing open");
    insta::assert_snapshot!(first_line("0 close 3"), @"test.pkt:1:9: expected `(` and arguments, found `3`");
    insta::assert_snapshot!(first_line("0 close(3"), @"test.pkt:1:10: expected `,` or the closing bracket, found the end of the script");
    insta::assert_snapshot!(first_line("0 close(3)"), @"test.pkt:1:11: expected `=` and what the call returns, found the end of the script");
    insta::assert_snapshot!(first_line("0 close(3) = 0 EBADF"), @"test.pkt:1:16: EBADF is the name of an error, and only -1 can be followed by one");
    insta::assert_snapshot!(first_line("0 close(3) = -1 EBADF (never\n)"), @"test.pkt:1:23: this remark is never closed");
    insta::assert_snapshot!(first_line("0 close(99999999999999999999) = 0"), @"test.pkt:1:9: 99999999999999999999 is not an integer of 64 bits");
    insta::assert_snapshot!(first_line("0 a({1=2}) = 0"), @"test.pkt:1:6: expected the name of a field before `=`, found something else");
    insta::assert_snapshot!(first_line("0 a([[[[[[[[1]]]]]]]]) = 0"), @"test.pkt:1:13: this expression is nested too deeply");
    insta::assert_snapshot!(first_line("0 a(\"b\n\") = 0"), @"test.pkt:1:5: this text is never closed");
    insta::assert_snapshot!(first_line("0 `sysctl"), @"test.pkt:1:3: this command is never closed");
    insta::assert_snapshot!(first_line("0 %{ assert"), @"test.pkt:1:3: this block of code is never closed");
    insta::assert_snapshot!(first_line("/* 0"), @"test.pkt:1:1: this comment is never closed");
}

#[test]
fn other_parts_of_the_language_are_unsupported_not_wrong() {
    let beyond = |text: &str| {
        let error = parse("test.pkt", text).expect_err(text);
        assert!(error.is_unsupported(), "{text}");
        error.problem.to_string()
    };
    insta::assert_snapshot!(beyond("+0 < udp (10)"), @"a packet of udp is not supported");
    insta::assert_snapshot!(beyond("+0 < icmp unreachable [udp (10)]"), @"an ICMP message about udp is not supported");
    insta::assert_snapshot!(beyond("#include <x>"), @"`#include <x>` is not supported");
    insta::assert_snapshot!(beyond("#if X"), @"`#if X` is not supported");
    assert!(!parse("test.pkt", "+0 < icmq 1").expect_err("wrong").is_unsupported());
}

proptest! {
    #[test]
    fn any_octets_are_a_script_or_an_error(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&octets);
        if let Err(error) = parse("test.pkt", &text) {
            prop_assert!(error.to_string().starts_with("test.pkt:"));
        }
    }

    #[test]
    fn any_tokens_are_a_script_or_an_error(
        tokens in proptest::collection::vec(proptest::sample::select(TOKENS), 0..40),
    ) {
        match parse("test.pkt", &tokens.concat()) {
            Ok(script) => { script.unsupported(); }
            Err(error) => prop_assert!(error.at.line <= tokens.len() + 1),
        }
    }
}

/// What scripts are made of: random sequences of these get further than random octets.
const TOKENS: &[&str] = &[
    "0",
    "1",
    "+",
    ".1",
    "4294967295",
    "0x",
    "99999999999",
    "~",
    "...",
    "*",
    "<",
    ">",
    ".",
    "S",
    "F.",
    "-",
    ":",
    "(",
    ")",
    "ack ",
    "win ",
    "urg ",
    "mss ",
    "sack ",
    "TS val ",
    "ecr ",
    ",",
    "[",
    "]",
    "{",
    "}",
    "=",
    "|",
    "?",
    "!",
    "socket",
    "close",
    "-1 EBADF ",
    "\"",
    "\\",
    "`",
    "%{",
    "}%",
    "assert tcpi_state == 1",
    "sysctl a=1",
    "icmp unreachable ",
    "mtu ",
    "raw [",
    "FO ",
    "ect0 ",
    "bad checksum",
    "/udp",
    "\n#ifdef X",
    "\n#else",
    "\n#endif",
    "print x",
    "--define=X ",
    "ss -tan | grep ESTAB",
    "--mtu=1 ",
    "--x",
    "#",
    "#if",
    "//",
    "/*",
    "*/",
    "\n",
    " ",
];
