//! A syntax tree as text again. Parsing that text gives the same tree, but for the places of things in the text.

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{
    Action, Base, Call, Code, Command, Direction, Event, Expression, Flags, Outcome, Packet, Returned, Script,
    Sequence, Setting, SettingKind, TcpOption, TcpOptions, When,
};
use super::value::{SeqNumber, display_seconds};

impl Display for Script {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.settings.iter().try_for_each(|setting| writeln!(f, "{setting}"))?;
        self.events.iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}

impl Display for Setting {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SettingKind::Ipv4 => f.write_str("--ip_version=ipv4"),
            SettingKind::ToleranceUsecs(usecs) => write!(f, "--tolerance_usecs={usecs}"),
            SettingKind::Mtu(mtu) => write!(f, "--mtu={mtu}"),
            SettingKind::Other { name, value: None } => write!(f, "--{name}"),
            SettingKind::Other { name, value: Some(value) } => write!(f, "--{name}={value}"),
        }
    }
}

impl Display for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.when, self.action)
    }
}

impl Display for When {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Any => f.write_char('*'),
            Self::At { base, time } => write!(f, "{base}{}", display_seconds(time)),
            Self::Between { base, from, until } => {
                write!(f, "{base}{}~{base}{}", display_seconds(from), display_seconds(until))
            }
            Self::Blocking { base, from, until } => {
                write!(f, "{base}{}...{}", display_seconds(from), display_seconds(until))
            }
        }
    }
}

impl Display for Base {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "",
            Self::Previous => "+",
        })
    }
}

impl Display for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(call) => call.fmt(f),
            Self::Packet(packet) => packet.fmt(f),
            Self::Command(Command { text }) => write!(f, "`{text}`"),
            Self::Code(Code { text }) => write!(f, "%{{{text}}}%"),
        }
    }
}

impl Display for Packet {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Injected => '<',
            Direction::Expected => '>',
        };
        write!(f, "{direction} {} {}", self.flags, self.sequence)?;
        if let Some(ack) = self.ack {
            write!(f, " ack {ack}")?;
        }
        if let Some(window) = self.window {
            write!(f, " win {window}")?;
        }
        if let Some(urgent) = self.urgent {
            write!(f, " urg {urgent}")?;
        }
        match &self.options {
            TcpOptions::Exactly(options) if options.is_empty() => Ok(()),
            TcpOptions::Exactly(options) => {
                f.write_str(" ")?;
                separated(f, "<", options, ",", ">")
            }
            TcpOptions::Any => f.write_str(" <...>"),
        }
    }
}

impl Display for Flags {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return f.write_char('-');
        }
        Self::LETTERS.iter().filter(|(_, flag)| self.contains(*flag)).try_for_each(|(letter, _)| f.write_char(*letter))
    }
}

impl Display for Sequence {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.start {
            Some(start) => write!(f, "{start}:{}({})", start.after(self.length), self.length),
            None => write!(f, "...({})", self.length),
        }
    }
}

impl Display for SeqNumber {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.absolute {
            f.write_char('!')?;
        }
        self.value.fmt(f)
    }
}

impl Display for TcpOption {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndOfList => f.write_str("eol"),
            Self::NoOperation => f.write_str("nop"),
            Self::MaximumSegmentSize(size) => write!(f, "mss {size}"),
            Self::WindowScale(shift) => write!(f, "wscale {shift}"),
            Self::SackPermitted => f.write_str("sackOK"),
            Self::Sack(blocks) => {
                f.write_str("sack")?;
                blocks.iter().try_for_each(|(first, after)| write!(f, " {first}:{after}"))
            }
            Self::Timestamps { val, ecr } => write!(f, "TS val {val} ecr {ecr}"),
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        separated(f, "(", &self.arguments, ", ", ")")?;
        write!(f, " = {}", self.outcome)
    }
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ellipsis => f.write_str("..."),
            Self::Integer(value) => value.fmt(f),
            Self::Name(name) => f.write_str(name),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Either(either) => separated(f, "", either, "|", ""),
            Self::Array(items) => separated(f, "[", items, ", ", "]"),
            Self::Struct(fields) => separated(f, "{", fields.iter().map(Field), ", ", "}"),
            Self::Function(name, arguments) => {
                f.write_str(name)?;
                separated(f, "(", arguments, ", ", ")")
            }
        }
    }
}

/// A field of a struct, named or not.
struct Field<'a>(&'a (Option<String>, Expression));

impl Display for Field<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (name, value) = self.0;
        match name {
            Some(name) => write!(f, "{name}={value}"),
            None => value.fmt(f),
        }
    }
}

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.returned {
            Returned::Any => f.write_char('?')?,
            Returned::Value(value) => value.fmt(f)?,
            Returned::Error(errno) => write!(f, "-1 {}", errno.0)?,
        }
        match &self.note {
            Some(note) => write!(f, " ({note})"),
            None => Ok(()),
        }
    }
}

fn separated<T: Display>(
    f: &mut Formatter<'_>,
    open: &str,
    items: impl IntoIterator<Item = T>,
    separator: &str,
    close: &str,
) -> fmt::Result {
    f.write_str(open)?;
    for (index, item) in items.into_iter().enumerate() {
        f.write_str(if index == 0 { "" } else { separator })?;
        item.fmt(f)?;
    }
    f.write_str(close)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::super::parse;
    use super::super::value::{Errno, Position};
    use super::*;

    /// The same script with everything at one place.
    fn placeless(mut script: Script) -> Script {
        script.settings.iter_mut().for_each(|setting| setting.at = Position::START);
        script.events.iter_mut().for_each(|event| event.at = Position::START);
        script
    }

    fn scripts() -> impl Strategy<Value = Script> {
        (vec(settings(), 0..4), vec(events(), 0..12)).prop_map(|(settings, events)| Script {
            name: "test.pkt".to_owned(),
            settings,
            events,
        })
    }

    fn settings() -> impl Strategy<Value = Setting> {
        let kind = prop_oneof![
            Just(SettingKind::Ipv4),
            any::<u32>().prop_map(SettingKind::ToleranceUsecs),
            any::<u16>().prop_map(SettingKind::Mtu),
            ("x[a-z_]{0,8}", option::of("[!-~]{0,8}")).prop_map(|(name, value)| SettingKind::Other { name, value }),
        ];
        kind.prop_map(|kind| Setting { at: Position::START, kind })
    }

    fn events() -> impl Strategy<Value = Event> {
        let any_time = prop_oneof![
            (instants(), packets().prop_map(Action::Packet)),
            (instants(), calls().prop_map(Action::Call)),
            (blocking(), calls().prop_map(Action::Call)),
            (instants(), "[ -_a-~\n]{0,20}".prop_map(|text| Action::Command(Command { text }))),
            (instants(), "[ -z\n]{0,20}".prop_map(|text| Action::Code(Code { text }))),
        ];
        any_time.prop_map(|(when, action)| Event { at: Position::START, when, action })
    }

    fn instants() -> impl Strategy<Value = When> {
        prop_oneof![
            Just(When::Any),
            (bases(), times()).prop_map(|(base, time)| When::At { base, time }),
            (bases(), times(), times()).prop_map(|(base, a, b)| When::Between {
                base,
                from: a.min(b),
                until: a.max(b)
            }),
        ]
    }

    fn blocking() -> impl Strategy<Value = When> {
        (bases(), times(), times()).prop_map(|(base, a, b)| When::Blocking { base, from: a.min(b), until: a.max(b) })
    }

    fn bases() -> impl Strategy<Value = Base> {
        prop_oneof![Just(Base::Start), Just(Base::Previous)]
    }

    fn times() -> impl Strategy<Value = Duration> {
        prop_oneof![
            (0u64..10_000).prop_map(Duration::from_millis),
            (any::<u32>(), 0u32..1_000_000_000).prop_map(|(secs, nanos)| Duration::new(u64::from(secs), nanos)),
        ]
    }

    fn packets() -> impl Strategy<Value = Packet> {
        let numbers = || (any::<u32>(), any::<bool>()).prop_map(|(value, absolute)| SeqNumber { value, absolute });
        let injected =
            (Just(Direction::Injected), numbers().prop_map(Some), any::<u16>().prop_map(Some), exact_options());
        let expected = (
            Just(Direction::Expected),
            option::of(numbers()),
            option::of(any::<u16>()),
            prop_oneof![exact_options(), Just(TcpOptions::Any)],
        );
        let rest = (any::<u16>(), any::<u16>(), numbers(), option::of(any::<u16>()));
        (prop_oneof![injected, expected], rest).prop_map(
            |((direction, start, window, options), (bits, length, ack, urgent))| {
                let flags = Flags::from_bits(bits);
                let ack = (flags.contains(Flags::ACK) || bits > 0x8000).then_some(ack);
                Packet { direction, flags, sequence: Sequence { start, length }, ack, window, urgent, options }
            },
        )
    }

    fn exact_options() -> BoxedStrategy<TcpOptions> {
        let option = prop_oneof![
            Just(TcpOption::EndOfList),
            Just(TcpOption::NoOperation),
            any::<u16>().prop_map(TcpOption::MaximumSegmentSize),
            any::<u8>().prop_map(TcpOption::WindowScale),
            Just(TcpOption::SackPermitted),
            vec(any::<(u32, u32)>(), 0..2).prop_map(TcpOption::Sack),
            any::<(u32, u32)>().prop_map(|(val, ecr)| TcpOption::Timestamps { val, ecr }),
        ];
        vec(option, 0..5).prop_map(TcpOptions::Exactly).boxed()
    }

    fn calls() -> BoxedStrategy<Call> {
        let returned = prop_oneof![
            Just(Returned::Any),
            any::<i64>().prop_map(Returned::Value),
            "E[A-Z]{1,8}".prop_map(|name| Returned::Error(Errno(name))),
        ];
        let outcome = (returned, option::of("[ -(*-~]{0,20}")).prop_map(|(returned, note)| Outcome { returned, note });
        ("[a-z]{1,8}", vec(expressions(), 0..4), outcome)
            .prop_map(|(name, arguments, outcome)| Call { name, arguments, outcome })
            .boxed()
    }

    fn expressions() -> impl Strategy<Value = Expression> {
        let leaf = prop_oneof![
            Just(Expression::Ellipsis),
            any::<i64>().prop_map(Expression::Integer),
            "[A-Za-z_][A-Za-z0-9_]{0,8}".prop_map(Expression::Name),
            r#"([ !#-\[\]-~]|\\["\\n]){0,8}"#.prop_map(Expression::Text),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            let field = (option::of("[a-z_]{1,8}"), inner.clone());
            let names = "[A-Z_]{1,8}".prop_map(Expression::Name);
            prop_oneof![
                vec(names, 2..4).prop_map(Expression::Either),
                vec(inner.clone(), 0..3).prop_map(Expression::Array),
                vec(field, 0..3).prop_map(Expression::Struct),
                ("[a-z]{1,8}", vec(inner, 0..3)).prop_map(|(name, arguments)| Expression::Function(name, arguments)),
            ]
        })
    }

    proptest! {
        #[test]
        fn parsing_what_was_printed_is_the_identity(script in scripts()) {
            let text = script.to_string();
            let parsed = parse("test.pkt", &text);
            prop_assert_eq!(parsed.map(placeless), Ok(script), "{}", text);
        }
    }
}
