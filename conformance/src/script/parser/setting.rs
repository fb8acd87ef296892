//! Options: `--name` or `--name=value`.

use super::super::ast::{IpVersion, NonFatal, Setting, SettingKind};
use super::super::error::Problem;
use super::super::value::Percent;
use super::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn setting(&mut self, name: &str, value: Option<&str>) -> Parsed<Setting> {
        let at = self.next.at;
        let kind = self.setting_kind(name, value)?;
        if let SettingKind::Define(name) = &kind {
            self.lexer.define(name);
        }
        self.advance()?;
        Ok(Setting { at, kind })
    }

    fn setting_kind(&self, name: &str, value: Option<&str>) -> Parsed<SettingKind> {
        let owned = || (name.to_owned(), value.map(str::to_owned));
        Ok(match (name, value) {
            ("ip_version", Some(version)) => match IpVersion::NAMES.iter().find(|(known, _)| *known == version) {
                Some((_, version)) => SettingKind::IpVersion(*version),
                None => return Err(self.wrong_number(version, "ipv4, ipv6 or ipv4-mapped-ipv6")),
            },
            ("tolerance_usecs", Some(usecs)) => {
                SettingKind::ToleranceUsecs(self.parsed(usecs, "a number of microseconds")?)
            }
            ("tolerance_percent", Some(percent)) => {
                let parsed = Percent::parse(percent);
                SettingKind::TolerancePercent(parsed.ok_or_else(|| self.wrong_number(percent, "a percentage"))?)
            }
            ("mtu", Some(mtu)) => SettingKind::Mtu(self.parsed(mtu, "a size in octets")?),
            ("tcp_ts_tick_usecs", Some(usecs)) => {
                SettingKind::TimestampTick(self.parsed(usecs, "a number of microseconds")?)
            }
            ("iss", Some(number)) => {
                SettingKind::InitialSequence(self.parsed(number, "a sequence number from 0 to 4294967295")?)
            }
            ("non_fatal", what) => SettingKind::NonFatal(self.non_fatal(what)?),
            ("strict_segments", None | Some("1" | "true")) => SettingKind::StrictSegments,
            ("define", Some(name)) if is_name(name) => SettingKind::Define(name.to_owned()),
            _ if SettingKind::is_harmless(name, value) => {
                let (name, value) = owned();
                SettingKind::Harmless { name, value }
            }
            _ => {
                let (name, value) = owned();
                SettingKind::Other { name, value }
            }
        })
    }

    /// `packet`, `syscall` or both; both without a value.
    fn non_fatal(&self, what: Option<&str>) -> Parsed<NonFatal> {
        let mut non_fatal = NonFatal::default();
        for kind in what.unwrap_or("packet,syscall").split(',') {
            match kind {
                "packet" => non_fatal.packets = true,
                "syscall" => non_fatal.calls = true,
                other => {
                    let wanted = "what --non_fatal takes: packet, syscall or both with a comma";
                    return Err(self.problem(Problem::Number { text: other.to_owned(), wanted }));
                }
            }
        }
        Ok(non_fatal)
    }
}

/// Whether `name` can be asked for by `#ifdef`.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
