//! Scripts on Lockstep, most of them wrong: each difference is seen, at its line, and told in words.

mod asked;
mod peer;
mod rules;

use std::time::Duration;

use lockstep_model::Table;

use super::{Difference, End, run};
use crate::script::parse;
use crate::system::lockstep::Lockstep;
use crate::trace::What;

/// A connection accepted as 4, and ten octets from the peer; 11 lines.
const TEXT: &str = "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1460>
+0 > S. 0:0(0) ack 1 <mss 1460>
+0 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
+0.01 < P. 1:11(10) ack 1 win 65535
+0~+0.5 > . 1:1(0) ack 11
+0 read(4, ..., 4) = 4
+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 11
+0 < . 11:11(0) ack 11 win 65535
";

fn end(text: &str) -> End {
    let script = parse("test", text).expect("a script");
    let mut system = Lockstep::new(script.mtu(), Table::repaired()).expect("a stack");
    run(&script, &mut system).end
}

/// The line of the difference, and how it is seen.
fn difference(text: &str) -> (u32, String) {
    match end(text) {
        End::Differs(Difference { line, seen, .. }) => (line, seen),
        other => panic!("{other:?}\n{text}"),
    }
}

/// The text with one line changed.
fn changed(line: u32, from: &str, to: &str) -> String {
    let change = |(number, text): (u32, &str)| {
        if number == line {
            assert!(text.contains(from), "{text}");
            text.replace(from, to)
        } else {
            text.to_owned()
        }
    };
    (1..).zip(TEXT.lines()).map(change).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_script_that_is_right_is_followed_to_its_end() {
    assert_eq!(end(TEXT), End::Completed);
}

#[test]
fn every_part_of_a_segment_is_compared() {
    for (line, from, to, seen) in [
        (12, "P.", ".", "flags are P., not ."),
        (12, "1:11(10)", "2:12(10)", "its number is 1, not 2"),
        (12, "1:11(10)", "1:12(11)", "its length is 10, not 11"),
        (12, "ack 11", "ack 12", "ack is 11, not 12"),
        (12, "ack 11", "ack 11 win 1", "win is 65525, not 1"),
        (12, "ack 11", "ack 11 urg 7", "urg is 0, not 7"),
        (5, "<mss 1460>", "", "options are <mss 1460>, not <>"),
        (5, "<mss 1460>", "<mss 1460,nop>", "options are <mss 1460>, not <mss 1460,nop>"),
    ] {
        let (at, told) = difference(&changed(line, from, to));
        assert_eq!(at, line);
        assert!(told.contains(seen), "{told}");
    }
    assert_eq!(end(&changed(5, "<mss 1460>", "<...>")), End::Completed);
}

#[test]
fn what_calls_return_is_compared() {
    for (line, from, to, seen) in [
        (3, "= 0", "= -1 EINVAL", "it returns 0"),
        (10, "= 4", "= 5", "it returns 4"),
        (10, "4) = 4", "4) = -1 EAGAIN", "it returns 4"),
        (7, "accept(3", "accept(9", "it returns -1 EBADF"),
    ] {
        let (at, told) = difference(&changed(line, from, to));
        assert_eq!((at, told.as_str()), (line, seen));
    }
    assert_eq!(end(&changed(10, "= 4", "= ?")), End::Completed);
}

#[test]
fn options_of_sockets_are_compared() {
    let after = |line: &str| format!("{TEXT}{line}\n");
    assert_eq!(end(&after("+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0")), End::Completed);
    let (_, told) = difference(&after("+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0"));
    assert_eq!(told, "the option says that there is no error");
}

#[test]
fn what_is_missing_and_what_is_too_much_is_seen() {
    let (line, told) = difference(&format!("{TEXT}+0.1 > . 11:11(0) ack 11\n"));
    assert_eq!((line, told.as_str()), (14, "nothing for 104.000ms"));
    // The text is not acknowledged: it comes again, which is forgiven, but not in the middle.
    let unacknowledged = TEXT.lines().take(12).collect::<Vec<_>>().join("\n");
    assert_eq!(end(&unacknowledged), End::Completed);
    let (line, told) = difference(&format!("{unacknowledged}\n+5 `ss -tan | grep ESTAB`\n"));
    assert_eq!(line, 13);
    assert!(told.starts_with("> P. 1:11(10) ack 11"), "{told}");
    // The acknowledgment of text that nobody expects comes late, but it comes.
    let (line, told) = difference(&TEXT.lines().take(8).collect::<Vec<_>>().join("\n"));
    assert_eq!(line, 8);
    assert!(told.starts_with("> . 1:1(0) ack 11"), "{told}");
}

#[test]
fn too_early_and_too_late_is_seen() {
    let (line, told) = difference(&changed(12, "+0 >", "+0.5 >"));
    assert_eq!(line, 12);
    assert!(told.contains("it is sent 0.000ns after the last event"), "{told}");
    let (line, _) = difference(&changed(13, "+0 < . 11:11(0) ack 11 win 65535", "+0.001 > P. 1:11(10) ack 11"));
    assert_eq!(line, 13);
}

/// `*`: whenever it happens, but it has to happen.
#[test]
fn what_may_happen_at_any_time_has_to_happen() {
    let unacknowledged = TEXT.lines().take(12).collect::<Vec<_>>().join("\n");
    let again = format!("{unacknowledged}\n* > P. 1:11(10) ack 11\n+0 < . 11:11(0) ack 11 win 65535\n");
    assert_eq!(end(&again), End::Completed);
    let (line, told) = difference(&format!("{TEXT}* > . 11:11(0) ack 11\n"));
    assert_eq!((line, told.as_str()), (14, "nothing for 60.004s"));
}

#[test]
fn states_are_asked_for() {
    for (question, seen) in [
        ("`ss -tan | grep ESTAB`", None),
        ("`ss -tan | grep LISTEN`", None),
        ("%{ assert tcpi_state == TCP_ESTABLISHED }%", None),
        ("`ss -tan | grep -c ESTAB | grep 2`", Some("ESTABLISHED and LISTEN")),
        ("`! ss -Htan state connected | grep :`", Some("ESTABLISHED and LISTEN")),
        (
            "%{ assert tcpi_state != TCP_ESTABLISHED }%",
            Some("`tcpi_state != TCP_ESTABLISHED` does not hold: tcpi_state is 1"),
        ),
    ] {
        let text = format!("{TEXT}+0 {question}\n");
        match seen {
            None => assert_eq!(end(&text), End::Completed, "{question}"),
            Some(seen) => assert_eq!(difference(&text), (14, seen.to_owned()), "{question}"),
        }
    }
}

#[test]
fn calls_that_block_return_when_they_should() {
    let script = |call: &str| {
        format!(
            "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0 bind(3, ..., ...) = 0
            +0 listen(3, 1) = 0
            {call}
            +0.1 < S 0:0(0) win 65535 <mss 1460>
            +0 > S. 0:0(0) ack 1 <mss 1460>
            +0.1 < . 1:1(0) ack 1 win 65535
            +0 close(4) = 0
            +0 > F. 1:1(0) ack 1"
        )
    };
    assert_eq!(end(&script("+0...0.2 accept(3, ..., ...) = 4")), End::Completed);
    let early = difference(&script("+0...0.3 accept(3, ..., ...) = 4"));
    assert_eq!(early, (4, "it returns 4 too early".to_owned()));
    assert_eq!(difference(&script("+0...0.1 accept(3, ..., ...) = 4")), (4, "it blocks".to_owned()));
    assert_eq!(difference(&script("+0 accept(3, ..., ...) = 4")), (4, "it blocks".to_owned()));
}

#[test]
fn what_is_not_there_is_a_reason_to_skip() {
    for (line, reason) in [
        ("0 `sysctl -w net.ipv4.tcp_fastopen=1`", "does not take the value"),
        ("0 `sysctl -w net.ipv4.tcp_nonsense=0`", "no knob"),
        ("0 `tcpdrop 192.0.2.1 1 192.0.2.2 2`", "there is no connection of 192.0.2.1:1"),
        ("0 `modprobe tcp_bbr`", "no shell"),
        ("0 epoll_create(1) = 3", "epoll_create"),
    ] {
        match end(line) {
            End::Skipped(told) => assert!(told.contains(reason), "{told}"),
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn everything_is_written_down_in_order() {
    let script = parse("test", TEXT).expect("a script");
    let mut system = Lockstep::new(script.mtu(), Table::repaired()).expect("a stack");
    let trace = run(&script, &mut system).trace;
    assert!(trace.observations.is_sorted_by_key(|seen| seen.at));
    // The delayed acknowledgment was waited for, and no longer.
    assert!(trace.ended < Duration::from_secs(1), "{:?}", trace.ended);
    let count = |is: fn(&What) -> bool| trace.observations.iter().filter(|seen| is(&seen.what)).count();
    assert_eq!(count(|what| matches!(what, What::Injected(_))), 4);
    assert_eq!(count(|what| matches!(what, What::Sent(_))), 3);
    assert_eq!(count(|what| matches!(what, What::Called { .. })), count(|what| matches!(what, What::Returned { .. })));
    assert!(trace.observations.iter().all(|seen| seen.line.is_some() || matches!(seen.what, What::Returned { .. })));
}

/// A second connection of the same two ports is told from the first by its own numbers.
#[test]
fn a_connection_after_another_counts_anew() {
    let text = "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
        +0 bind(3, ..., ...) = 0
        +0 listen(3, 1) = 0
        +0 < S 0:0(0) win 65535 <mss 1460>
        +0 > S. 0:0(0) ack 1 <mss 1460>
        +0 < R 1:1(0) win 0
        +1 < S 5000:5000(0) win 65535 <mss 1460>
        +0 > S. 0:0(0) ack 5001 <mss 1460>
        +0 < P. 5001:5011(10) ack 1 win 65535
        +0~+0.5 > . 1:1(0) ack 5011
        +0 accept(3, ..., ...) = 4
        +0 read(4, ..., 100) = 10
        +0 `ss -tan | grep ESTAB`";
    assert_eq!(end(text), End::Completed);
}
