//! Whether a segment is the one that a script expects: word by word, or as far as the rules want it.

use std::collections::BTreeSet;

use super::rules::{Normalisation, OptionList, Rules, Windows};
use crate::script::{Icmp, IpFields, Packet, TcpOption, TcpOptions};

/// How a segment differs from the expected one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What no rule lets pass, each in a few words.
    pub differences: Vec<String>,
    /// What a rule lets pass.
    pub normalised: BTreeSet<Normalisation>,
}

impl Comparison {
    fn differs(&mut self, what: &str, seen: String, expected: String) {
        if seen != expected {
            self.differences.push(format!("{what} {seen}, not {expected}"));
        }
    }
}

/// Compares a segment with the expected one, both as a script writes them, with absolute numbers in the same places.
/// What the script does not say is not compared.
pub fn compare(expected: &Packet, seen: &Packet, rules: &Rules) -> Comparison {
    let mut comparison = Comparison::default();
    comparison.differs("flags are", seen.flags.to_string(), expected.flags.to_string());
    if let (Some(expected), Some(seen)) = (expected.sequence.start, seen.sequence.start) {
        comparison.differs("its number is", seen.to_string(), expected.to_string());
    }
    if let (Some(expected), Some(seen)) = (expected.sequence.length, seen.sequence.length) {
        comparison.differs("its length is", seen.to_string(), expected.to_string());
    }
    // Where only one of them has the flag, that is told already.
    if let (Some(expected), Some(seen)) = (expected.ack, seen.ack) {
        comparison.differs("ack is", seen.to_string(), expected.to_string());
    }
    if let (Some(expected), Some(seen)) = (expected.window, seen.window) {
        compare_windows(expected, seen, rules, &mut comparison);
    }
    if let Some(expected) = expected.urgent {
        comparison.differs("urg is", seen.urgent.unwrap_or_default().to_string(), expected.to_string());
    }
    compare_ip(expected.ip, seen.ip, &mut comparison);
    if let (TcpOptions::Exactly(expected), TcpOptions::Exactly(seen)) = (&expected.options, &seen.options) {
        compare_options(expected, seen, rules, &mut comparison);
    }
    comparison
}

/// Compares an ICMP message with the expected one.
pub(super) fn compare_icmp(expected: &Icmp, seen: &Icmp) -> Comparison {
    let mut comparison = Comparison::default();
    if let (Ok(expected), Ok(seen)) = (expected.numbers(), seen.numbers()) {
        comparison.differs("its type is", seen.kind.to_string(), expected.kind.to_string());
        comparison.differs("its code is", seen.code.to_string(), expected.code.to_string());
    }
    if let Some(expected) = expected.mtu {
        comparison.differs("mtu is", seen.mtu.unwrap_or_default().to_string(), expected.to_string());
    }
    if let Some(expected) = expected.quoted.and_then(|quoted| quoted.start) {
        let seen = seen.quoted.and_then(|quoted| quoted.start);
        let seen = seen.map_or_else(|| "none".to_owned(), |number| number.to_string());
        comparison.differs("it quotes the number", seen, expected.to_string());
    }
    compare_ip(expected.ip, seen.ip, &mut comparison);
    comparison
}

fn compare_ip(expected: IpFields, seen: IpFields, comparison: &mut Comparison) {
    if let (Some(expected), Some(seen)) = (expected.ttl, seen.ttl) {
        comparison.differs("ttl is", seen.to_string(), expected.to_string());
    }
    if let (Some(expected), Some(seen)) = (expected.tos, seen.tos) {
        comparison.differs("tos is", format!("{seen:#04x}"), format!("{expected:#04x}"));
    }
    if let (Some(expected), Some(seen)) = (expected.ecn, seen.tos)
        && !expected.is(seen & 0b11)
    {
        comparison.differences.push(format!("tos is {seen:#04x}, which is not {expected}"));
    }
}

fn compare_windows(expected: u16, seen: u16, rules: &Rules, comparison: &mut Comparison) {
    let passes = match rules.window {
        Windows::Exact => false,
        Windows::Shape => (expected == 0) == (seen == 0),
        Windows::Ignored => true,
    };
    if passes && expected != seen {
        comparison.normalised.insert(Normalisation::Window);
    } else {
        comparison.differs("win is", seen.to_string(), expected.to_string());
    }
}

fn compare_options(expected: &[TcpOption], seen: &[TcpOption], rules: &Rules, comparison: &mut Comparison) {
    let mut normalised = BTreeSet::new();
    let alike: Vec<TcpOption> =
        seen.iter().map(|option| as_expected(option, expected, rules, &mut normalised)).collect();
    if expected != alike {
        match passes(expected, &alike, rules.options) {
            Some(normalisation) => normalised.insert(normalisation),
            None => return comparison.differs("options are", told(seen), told(expected)),
        };
    }
    comparison.normalised.append(&mut normalised);
}

/// An option with its value replaced by the expected one, where a rule says that the value does not matter.
fn as_expected(
    seen: &TcpOption,
    expected: &[TcpOption],
    rules: &Rules,
    normalised: &mut BTreeSet<Normalisation>,
) -> TcpOption {
    let Some(wanted) = expected.iter().find(|option| std::mem::discriminant(*option) == std::mem::discriminant(seen))
    else {
        return seen.clone();
    };
    let normalisation = match seen {
        TcpOption::WindowScale(_) => rules.any_window_scale.then_some(Normalisation::WindowScale),
        TcpOption::Timestamps { .. } => rules.any_timestamps.then_some(Normalisation::Timestamp),
        TcpOption::MaximumSegmentSize(size) => {
            (rules.maximum_segment_size == Some(*size)).then_some(Normalisation::MaximumSegmentSize)
        }
        TcpOption::EndOfList
        | TcpOption::NoOperation
        | TcpOption::SackPermitted
        | TcpOption::Sack(_)
        | TcpOption::FastOpen { .. }
        | TcpOption::Octets(_)
        | TcpOption::Foreign(_) => None,
    };
    let Some(normalisation) = normalisation else { return seen.clone() };
    if seen != wanted {
        normalised.insert(normalisation);
    }
    wanted.clone()
}

/// What lets one list pass for the other.
fn passes(expected: &[TcpOption], seen: &[TcpOption], rule: OptionList) -> Option<Normalisation> {
    let (mut wanted, seen) = (essence(expected), essence(seen));
    match rule {
        OptionList::Exact => None,
        OptionList::Set | OptionList::Subset if wanted == seen => Some(Normalisation::OptionOrder),
        OptionList::Set => None,
        OptionList::Subset => {
            let takes = |option: &String| Some(wanted.remove(wanted.iter().position(|wanted| wanted == option)?));
            seen.iter().map(takes).all(|taken| taken.is_some()).then_some(Normalisation::OptionLeftOut)
        }
    }
}

/// The options without padding, in an order of their own.
fn essence(options: &[TcpOption]) -> Vec<String> {
    let is_padding = |option: &&TcpOption| matches!(option, TcpOption::NoOperation | TcpOption::EndOfList);
    let mut essence: Vec<String> =
        options.iter().filter(|option| !is_padding(option)).map(ToString::to_string).collect();
    essence.sort();
    essence
}

fn told(options: &[TcpOption]) -> String {
    format!("<{}>", options.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Action, parse};

    fn packet(text: &str) -> Packet {
        let script = parse("test", &format!("+0 > {text}")).expect("a packet");
        match &script.events[0].action {
            Action::Packet(packet) => packet.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// What passes, and what does not.
    fn compared(expected: &str, seen: &str, rules: &Rules) -> Result<Vec<Normalisation>, String> {
        let comparison = compare(&packet(expected), &packet(seen), rules);
        if comparison.differences.is_empty() {
            Ok(comparison.normalised.into_iter().collect())
        } else {
            Err(comparison.differences.join(", "))
        }
    }

    const WRITTEN: &str = "S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 100 ecr 200>";

    #[test]
    fn what_is_as_written_needs_no_rule() {
        let lax = Rules {
            options: OptionList::Subset,
            window: Windows::Ignored,
            any_window_scale: true,
            any_timestamps: true,
            maximum_segment_size: Some(1460),
            ..Rules::STRICT
        };
        for rules in [Rules::STRICT, lax] {
            assert_eq!(compared(WRITTEN, WRITTEN, &rules), Ok(vec![]));
        }
    }

    #[test]
    fn each_rule_lets_one_thing_pass_and_says_so() {
        let strict = || Rules::STRICT;
        let set = Rules { options: OptionList::Set, ..strict() };
        let subset = Rules { options: OptionList::Subset, ..strict() };
        let cases = [
            ("nop,wscale 6", "nop,nop,nop,wscale 6", set.clone(), Normalisation::OptionOrder),
            ("sackOK,TS val 100 ecr 200", "TS val 100 ecr 200,sackOK,eol", set, Normalisation::OptionOrder),
            ("wscale 6,sackOK", "wscale 6", subset, Normalisation::OptionLeftOut),
            ("wscale 6", "wscale 7", Rules { any_window_scale: true, ..strict() }, Normalisation::WindowScale),
            ("ecr 200", "ecr 201", Rules { any_timestamps: true, ..strict() }, Normalisation::Timestamp),
            (
                "mss 1460",
                "mss 536",
                Rules { maximum_segment_size: Some(536), ..strict() },
                Normalisation::MaximumSegmentSize,
            ),
            ("win 65535", "win 1", Rules { window: Windows::Shape, ..strict() }, Normalisation::Window),
            ("win 65535", "win 0", Rules { window: Windows::Ignored, ..strict() }, Normalisation::Window),
        ];
        for (from, to, rules, normalisation) in cases {
            let seen = WRITTEN.replace(from, to);
            assert!(compared(WRITTEN, &seen, &strict()).is_err(), "{seen}");
            assert_eq!(compared(WRITTEN, &seen, &rules), Ok(vec![normalisation]), "{seen}");
        }
    }

    #[test]
    fn no_rule_lets_everything_pass() {
        let lax = Rules {
            options: OptionList::Subset,
            window: Windows::Shape,
            any_window_scale: true,
            maximum_segment_size: Some(536),
            ..Rules::STRICT
        };
        for (from, to, told) in [
            ("mss 1460", "mss 1459", "options are <mss 1459"),
            ("nop,", "sackOK,", "options are <mss 1460,sackOK,"),
            ("ecr 200", "ecr 201", "TS val 100 ecr 201>, not"),
            ("win 65535", "win 0", "win is 0, not 65535"),
            ("ack 1", "ack 2", "ack is 2, not 1"),
            ("S.", "SE.", "flags are SE., not S."),
        ] {
            let error = compared(WRITTEN, &WRITTEN.replace(from, to), &lax).expect_err(to);
            assert!(error.contains(told), "{error}");
        }
        let set = Rules { options: OptionList::Set, ..Rules::STRICT };
        assert!(compared(WRITTEN, &WRITTEN.replace("sackOK,", ""), &set).is_err(), "nothing may be left out");
    }
}
