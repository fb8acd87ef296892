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
