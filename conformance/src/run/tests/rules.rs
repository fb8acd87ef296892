//! What the rules let pass, on Lockstep.

use lockstep_model::Table;

use super::{TEXT, changed, difference};
use crate::run::{Difference, End, Normalisation, Rules, Windows, run_by};
use crate::script::parse;
use crate::system::lockstep::Lockstep;

/// What the rules let pass, of a script that they let be followed to its end.
fn normalised(text: &str, rules: &Rules) -> Vec<Normalisation> {
    let script = parse("test", text).expect("a script");
    let mut system = Lockstep::new(script.mtu(), Table::repaired()).expect("a stack");
    let run = run_by(rules, &script, &mut system);
    assert_eq!(run.end, End::Completed, "{text}");
    run.normalised.into_iter().collect()
}

/// After the text: more from the peer, whose acknowledgment Lockstep delays, since the user has answered.
const DELAYED: &str = "+0.01 < P. 11:21(10) ack 11 win 65535
+0 > . 11:11(0) ack 21
+0.1 read(4, ..., 100) = 16
";

#[test]
fn acknowledgments_may_come_later_or_together_where_a_rule_says_so() {
    let rules = Rules { optional_acks: true, ..Rules::STRICT };
    let text = |after: &str| format!("{TEXT}{after}");
    assert_eq!(normalised(&text(&DELAYED.replace("+0 >", "+0~+0.5 >")), &rules), vec![]);
    // Expected at once, it comes late: before something else, or last of all.
    let (delayed, added) = (Normalisation::AckDelayed, Normalisation::AckAdded);
    assert_eq!(difference(&text(DELAYED)).0, 15);
    assert_eq!(normalised(&text(DELAYED), &rules), vec![delayed, added]);
    // It comes with what the user writes.
    let together =
        DELAYED.replace("+0.1 read(4, ..., 100) = 16", "+0 write(4, ..., 10) = 10\n+0 > P. 11:21(10) ack 21");
    assert_eq!(difference(&text(&together)).0, 15);
    assert_eq!(normalised(&text(&together), &rules), vec![delayed]);
    // Not expected, but welcome: in the middle, and after the last line.
    let unasked = DELAYED.replace("+0 > . 11:11(0) ack 21\n", "");
    assert_eq!(normalised(&text(&unasked), &rules), vec![added]);
    let unasked = format!("{unasked}+0 write(4, ..., 10) = 10\n+0 > P. 11:21(10) ack 21");
    assert_eq!(difference(&text(&unasked)).0, 17);
    assert_eq!(normalised(&text(&unasked), &rules), vec![added]);
}

#[test]
fn no_acknowledgment_may_stay_away() {
    let rules = Rules { optional_acks: true, ..Rules::STRICT };
    let fails = |text: &str| {
        let script = parse("test", text).expect("a script");
        let mut system = Lockstep::new(script.mtu(), Table::repaired()).expect("a stack");
        match run_by(&rules, &script, &mut system).end {
            End::Differs(Difference { line, seen, .. }) => (line, seen),
            other => panic!("{other:?}\n{text}"),
        }
    };
    // The ACK of more than was sent never comes; one that says nothing new is no answer that may be late.
    let more = changed(9, "ack 11", "ack 12").lines().take(9).collect::<Vec<_>>().join("\n");
    assert_eq!(fails(&more), (9, "nothing for 500.000ms".to_owned()));
    let (line, _) = fails(&changed(9, "+0~+0.5 > . 1:1(0) ack 11", "+0 > . 1:1(0) ack 1"));
    assert_eq!(line, 9);
    // An answer to what is outside of the window is no ACK of text.
    let (line, seen) = fails(&format!("{TEXT}+0.1 < . 1:2(1) ack 11 win 65535\n"));
    assert_eq!(line, 14);
    assert!(seen.starts_with("> . 11:11(0) ack 11"), "{seen}");
}

#[test]
fn a_number_at_the_edge_of_the_window_moves_with_it() {
    // The script believes in 1000 octets of window; Lockstep offers 65535. A RST beyond the edge is not even answered,
    // one before it is challenged (RFC 5961 §3.2).
    let text = |number: u32, answer: &str| {
        let edge = format!("+0.01 < R {number}:{number}(0) win 0\n{answer}");
        changed(5, "ack 1", "ack 1 win 1000").lines().take(7).collect::<Vec<_>>().join("\n") + "\n" + &edge
    };
    let rules = Rules { rebase: true, window: Windows::Ignored, ..Rules::STRICT };
    let both = vec![Normalisation::Window, Normalisation::Rebased];
    assert_eq!(normalised(&text(1000, "+0 > . 1:1(0) ack 1"), &rules), both, "the last number within");
    assert_eq!(normalised(&text(1001, ""), &rules), both, "the first beyond");
    // Far from the edge it is what it says.
    assert_eq!(normalised(&text(1004, "+0 > . 1:1(0) ack 1"), &rules), vec![Normalisation::Window]);
}

#[test]
fn another_error_passes_by_name() {
    let text = changed(10, "read(4, ..., 4) = 4", "read(9, ..., 4) = -1 EAGAIN");
    let rules = Rules { errno: [("EAGAIN".to_owned(), "EBADF".to_owned())].into(), ..Rules::STRICT };
    assert_eq!(difference(&text).0, 10);
    assert_eq!(normalised(&text, &rules), vec![Normalisation::Errno]);
    let option = format!("{TEXT}+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [EPIPE], [4]) = 0\n");
    let none = Rules { errno: [("EPIPE".to_owned(), "EBADF".to_owned())].into(), ..Rules::STRICT };
    let script = parse("test", &option).expect("a script");
    let mut system = Lockstep::new(script.mtu(), Table::repaired()).expect("a stack");
    assert!(matches!(run_by(&none, &script, &mut system).end, End::Differs(_)), "only the one that is named");
}

#[test]
fn what_is_late_passes_within_bounds() {
    let late = format!("{TEXT}{DELAYED}");
    let script = parse("test", &late).expect("a script");
    let mut system = Lockstep::new(script.mtu(), Table::repaired()).expect("a stack");
    let short = Rules { late_ms: 5, ..Rules::STRICT };
    assert!(matches!(run_by(&short, &script, &mut system).end, End::Differs(_)));
    assert_eq!(normalised(&late, &Rules { late_ms: 500, ..Rules::STRICT }), vec![Normalisation::Late]);
}
