//! What a script injects besides ordinary segments, and what it expects of IP headers, on Lockstep.

use lockstep_model::Table;

use super::{TEXT, changed, difference, end};
use crate::run::wire::{self, Segment};
use crate::run::{End, run};
use crate::script::{TcpOption, parse};
use crate::system::lockstep::Lockstep;
use crate::trace::What;

/// The first lines of the text, and more.
fn after(lines: usize, more: &str) -> String {
    format!("{}\n{more}\n", TEXT.lines().take(lines).collect::<Vec<_>>().join("\n"))
}

#[test]
fn fields_of_ip_headers_are_compared() {
    assert_eq!(end(&changed(12, "> P.", "> [ttl 64, noecn] P.")), End::Completed);
    for (fields, seen) in [
        ("ttl 63", "ttl is 64, not 63"),
        ("tos 0x10", "tos is 0x00, not 0x10"),
        ("ect01", "tos is 0x00, which is not ect01"),
    ] {
        let (line, told) = difference(&changed(12, "> P.", &format!("> [{fields}] P.")));
        assert_eq!(line, 12);
        assert!(told.contains(seen), "{told}");
    }
}

/// Neither the time to live nor ECN of an arriving segment matters to who has not agreed on ECN.
#[test]
fn fields_of_ip_headers_are_injected() {
    assert_eq!(end(&changed(8, "< P.", "< [ttl 3, ce] P.")), End::Completed);
}

/// RFC 9293 §3.1: what has a wrong checksum, or no whole header, is thrown away; reserved bits are ignored (MUST-2).
#[test]
fn spoiled_segments_are_spoiled() {
    let text = |spoiled: &str, answer: &str| {
        after(7, &format!("+0.01 < P. 1:11(10) ack 1 win 65535 [{spoiled}]\n{answer}\n+0 `ss -tan | grep ESTAB`"))
    };
    for spoiled in ["bad checksum", "data offset 4", "data offset 15", "cut 25"] {
        assert_eq!(end(&text(spoiled, "")), End::Completed, "{spoiled}");
    }
    assert_eq!(end(&text("reserved 7", "+0 > . 1:1(0) ack 11")), End::Completed);
    assert_eq!(end(&text("cut 4", "+0 > . 1:1(0) ack 7")), End::Completed, "the rest is a shorter text");
    // A SYN that is thrown away opens nothing.
    let spoiled = changed(4, "<mss 1460>", "<mss 1460> [bad checksum]");
    assert_eq!(difference(&spoiled).0, 5);
}

#[test]
fn octets_are_injected_as_they_are() {
    let tcp = |octets: &str, answer: &str| after(7, &format!("+0.01 < raw tcp [{octets}]\n{answer}"));
    // The peer's initial number is 0xfffffff0, so that its next is 0xfffffff1; a text of two octets, the numbers 1 and 2.
    let header = "0000 0000 fffffff1 00000000 50 08 ffff 0000 0000";
    assert_eq!(end(&tcp(&format!("{header} 0102"), "+0 `ss -tan | grep ESTAB`")), End::Completed, "no ACK, no answer");
    // A reset, complete but for ports and checksum, and the same with a wrong one.
    let reset = "0000 0000 fffffff1 00000000 50 04 0000 0000 0000";
    assert_eq!(end(&tcp(reset, "+0 `! ss -tan | grep ESTAB`")), End::Completed);
    let wrong = "0000 0000 fffffff1 00000000 50 04 0000 1234 0000";
    assert_eq!(end(&tcp(wrong, "+0 `ss -tan | grep ESTAB`")), End::Completed);
    // No datagram at all, and one octet of a segment.
    assert_eq!(end(&after(7, "+0 < raw [45 00]\n+0 `ss -tan | grep ESTAB`")), End::Completed);
    assert_eq!(end(&tcp("00", "+0 `ss -tan | grep ESTAB`")), End::Completed);
}

/// A SYN of raw octets opens a connection as any other; its text begins where the SYN says, here at 5001.
#[test]
fn octets_may_open_a_connection() {
    let syn = "0000 0000 00001378 00000000 50 02 ffff 0000 0000";
    let text = format!(
        "+0 < raw tcp [{syn}]
        +0 > S. 0:0(0) ack 5001 <mss 1460>
        +0 < . 5001:5001(0) ack 1 win 65535
        +0 accept(3, ..., ...) = 4
        +0 < P. 5001:5011(10) ack 1 win 65535
        +0 > . 1:1(0) ack 5011
        +0 read(4, ..., 10) = 10"
    );
    assert_eq!(end(&after(3, &text)), End::Completed);
}

/// RFC 1122 §4.2.3.9: that there is no such port ends an attempt to connect, but no connection (RFC 5461); what is about a
/// segment that was never sent is ignored (RFC 5927 §4.1).
#[test]
fn icmp_messages_are_about_the_segments_of_the_system() {
    let connect = |quoted: &str, returns: &str| {
        format!(
            "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
            +0 connect(3, ..., ...) = -1 EINPROGRESS
            +0 > S 0:0(0) <...>
            +0.01 < icmp unreachable port_unreachable [{quoted}]
            +0 getsockopt(3, SOL_SOCKET, SO_ERROR, [{returns}], [4]) = 0"
        )
    };
    assert_eq!(end(&connect("0:0(0)", "ECONNREFUSED")), End::Completed);
    assert_eq!(end(&connect("1:1(0)", "0")), End::Completed);
    let established = after(13, "+0 < icmp unreachable port_unreachable [1:11(10)]\n+0 `ss -tan | grep ESTAB`");
    assert_eq!(end(&established), End::Completed);
}

/// RFC 1191: text that is too long for the path comes again in pieces that are not.
#[test]
fn icmp_messages_tell_of_a_smaller_mtu() {
    let text = after(
        7,
        "+0 write(4, ..., 1460) = 1460
        +0 > P. 1:1461(1460) ack 1
        +0.01 < icmp unreachable frag_needed mtu 1000 [1:1461(1460)]
        +0 > . 1:961(960) ack 1
        +0 > P. 961:1461(500) ack 1
        +0.01 < . 1:1(0) ack 1461 win 65535",
    );
    assert_eq!(end(&text), End::Completed);
}

#[test]
fn icmp_messages_are_expected() {
    let text = after(7, "+0.01 < . 1:1(0) ack 9 win 65535\n+0 > icmp unreachable port_unreachable [1:1(0)]");
    let (line, told) = difference(&text);
    assert_eq!(line, 9);
    assert!(told.starts_with("> . 1:1(0) ack 1"), "{told}");
    let (line, told) = difference(&after(7, "+0.01 > icmp unreachable port_unreachable [1:1(0)]"));
    assert_eq!((line, told.as_str()), (8, "nothing for 14.000ms"));
    // An echo request, which brings an ICMP message indeed.
    let ask = "+0 < raw [45 00 00 24 0000 4000 40 01 b6d5 c0000202 c0000201 08 00 e7e9 0001 0001 0102030405060708]";
    let asked = |answer: &str| after(7, &format!("{ask}\n+0 > {answer}"));
    assert_eq!(end(&asked("[ttl 64] icmp echo_reply [...]")), End::Completed);
    let (_, told) = difference(&asked("icmp unreachable host_unreachable [...]"));
    assert!(told.starts_with("> [ttl 64,tos 0x0] icmp") && told.contains("its code is 0, not 1"), "{told}");
    let (_, told) = difference(&asked("icmp echo_reply [1:1(0)]"));
    assert!(told.contains("it quotes the number none"), "{told}");
    let (_, told) = difference(&asked(". 1:1(0) ack 1"));
    assert!(told.contains("icmp"), "{told}");
    let (_, told) = difference(&after(7, ask));
    assert!(told.contains("icmp"), "{told}");
}

/// The clock of the system began with some number; the script writes 100 for it.
const CLOCKS: &str = "0 `sysctl -w net.ipv4.tcp_window_scaling=0 net.ipv4.tcp_sack=0 net.ipv4.tcp_timestamps=1`
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1460,nop,nop,TS val 1000 ecr 0>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 100 ecr 1000>
+0.1 < P. 1:11(10) ack 1 win 65535 <nop,nop,TS val 1100 ecr 100>
+0 > . 1:1(0) ack 11 <nop,nop,TS val 200 ecr 1100>
";

#[test]
fn clocks_are_compared_where_their_tick_is_known() {
    let tick = "--tcp_ts_tick_usecs=1000\n";
    assert_eq!(end(&format!("{tick}{CLOCKS}")), End::Completed);
    let wrong = CLOCKS.replace("val 200", "val 300");
    assert_eq!(end(&wrong), End::Completed);
    let (line, told) = difference(&format!("{tick}{wrong}"));
    assert_eq!(line, 9);
    assert!(told.contains("TS val 200 ecr 1100>, not <nop,nop,TS val 300 ecr 1100>"), "{told}");
}

#[test]
fn clocks_are_echoed_as_they_were_seen() {
    let script = parse("test", CLOCKS).expect("a script");
    let mut system = Lockstep::new(script.mtu(), Table::repaired()).expect("a stack");
    let trace = run(&script, &mut system).trace;
    let clocks = |segment: Segment| {
        segment
            .options
            .iter()
            .find_map(|option| if let TcpOption::Timestamps { val, ecr } = option { Some((*val, *ecr)) } else { None })
    };
    let segments = trace.observations.iter().filter_map(|seen| match &seen.what {
        What::Sent(datagram) => wire::read(datagram).ok().and_then(clocks),
        What::Injected(datagram) => wire::read_injected(datagram).ok().and_then(clocks),
        What::Called { .. } | What::Returned { .. } | What::Probed { .. } | What::Dropped(_) | What::Turned { .. } => {
            None
        }
    });
    let clocks: Vec<(u32, u32)> = segments.collect();
    let [syn, (clock, _), (_, echo), _] = clocks.as_slice() else { panic!("{clocks:?}") };
    assert_eq!((*syn, *echo), ((1000, 0), *clock));
}
