//! A syntax tree as text again. Parsing that text gives the same tree, but for the places of things in the text.

mod packet;

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{
    Action, Base, Call, Code, Command, Event, Expression, Field, IpVersion, NonFatal, Outcome, Returned, Script,
    Setting, SettingKind, When,
};
use super::value::display_seconds;

impl Display for Script {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.settings.iter().try_for_each(|setting| writeln!(f, "{setting}"))?;
        self.events.iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}

impl Display for Setting {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl Display for SettingKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::IpVersion(version) => write!(f, "--ip_version={version}"),
            Self::ToleranceUsecs(usecs) => write!(f, "--tolerance_usecs={usecs}"),
            Self::TolerancePercent(percent) => write!(f, "--tolerance_percent={percent}"),
            Self::Mtu(mtu) => write!(f, "--mtu={mtu}"),
            Self::TimestampTick(usecs) => write!(f, "--tcp_ts_tick_usecs={usecs}"),
            Self::NonFatal(NonFatal { packets: true, calls: false }) => f.write_str("--non_fatal=packet"),
            Self::NonFatal(NonFatal { packets: false, calls: true }) => f.write_str("--non_fatal=syscall"),
            Self::NonFatal(_) => f.write_str("--non_fatal"),
            Self::StrictSegments => f.write_str("--strict_segments"),
            Self::Define(name) => write!(f, "--define={name}"),
            Self::InitialSequence(iss) => write!(f, "--iss={iss}"),
            Self::Harmless { name, value: None } | Self::Other { name, value: None } => write!(f, "--{name}"),
            Self::Harmless { name, value: Some(value) } | Self::Other { name, value: Some(value) } => {
                write!(f, "--{name}={value}")
            }
        }
    }
}

impl Display for IpVersion {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(_, version)| version == self).map_or("", |(name, _)| name);
        f.write_str(name)
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
            Self::Icmp(icmp) => icmp.fmt(f),
            Self::Raw(raw) => raw.fmt(f),
            Self::Command(Command { text }) => write!(f, "`{text}`"),
            Self::Code(Code { text }) => write!(f, "%{{{text}}}%"),
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
            Self::Struct(fields) => separated(f, "{", fields, ", ", "}"),
            Self::Function(name, arguments) => {
                f.write_str(name)?;
                separated(f, "(", arguments, ", ", ")")
            }
        }
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            f.write_str(name)?;
            if let Some(count) = &self.count {
                write!(f, "({count})")?;
            }
            f.write_char('=')?;
        }
        self.value.fmt(f)
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
mod tests;
