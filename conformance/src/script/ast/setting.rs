//! The `--option=value` lines of a script.

use std::time::Duration;

use super::super::error::Reason;
use super::super::value::{Percent, Position, Tolerance};
use super::Script;
use crate::system::ETHERNET_MTU;

/// One `--option=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Where it is written.
    pub at: Position,
    /// What it sets.
    pub kind: SettingKind,
}

/// What an option sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// `--ip_version=ipv4`, which is also what holds without it.
    IpVersion(IpVersion),
    /// `--tolerance_usecs`, in microseconds.
    ToleranceUsecs(u32),
    /// `--tolerance_percent`, of the time that the event waits.
    TolerancePercent(Percent),
    /// `--mtu`, in octets.
    Mtu(u16),
    /// `--tcp_ts_tick_usecs`: the tick of the system's timestamp clock. With it the timestamps of expected packets are compared.
    TimestampTick(u32),
    /// `--non_fatal`: what may differ without ending the run.
    NonFatal(NonFatal),
    /// `--strict_segments`: whether expected segments are cut as the system cut them. They always are here.
    StrictSegments,
    /// `--define=NAME`, which is also `-D NAME` on the command line.
    Define(String),
    /// `--iss`: our own option, the initial sequence number of the system's next active OPEN, so that its numbers wrap.
    InitialSequence(u32),
    /// An option that changes nothing a script can see; see [`SettingKind::is_harmless`].
    Harmless {
        /// The name, without `--`.
        name: String,
        /// What follows `=`, if anything.
        value: Option<String>,
    },
    /// Any other option, kept as written and reported by [`Script::unsupported`].
    Other {
        /// The name, without `--`.
        name: String,
        /// What follows `=`, if anything.
        value: Option<String>,
    },
}

/// What `--ip_version` chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpVersion {
    /// `ipv4`
    V4,
    /// `ipv6`: not supported here.
    V6,
    /// `ipv4-mapped-ipv6`, IPv6 sockets over IPv4 packets: not supported here.
    V4MappedV6,
}

impl IpVersion {
    /// All of them with their names.
    pub const NAMES: [(&str, Self); 3] =
        [("ipv4", Self::V4), ("ipv6", Self::V6), ("ipv4-mapped-ipv6", Self::V4MappedV6)];
}

/// What may differ without ending the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NonFatal {
    /// `packet`: an expected packet.
    pub packets: bool,
    /// `syscall`: what a system call returns.
    pub calls: bool,
}

impl SettingKind {
    /// Whether an option changes nothing that a script can see, so that it may be accepted and left alone.
    ///
    /// * `verbose`, `debug`, `speed`, `persistent_tun_dev` and the like are about how packetdrill runs, not what it expects.
    /// * The addresses are the runner's own. Where a line of a script names one, that line is not supported, so none can be
    ///   seen; but for a Fast Open cookie, which such a script sees, and which is not supported either. The ports likewise.
    /// * Python is what `%{ code }%` is written in, as far as it is understood here at all.
    /// * The scripts that come first (`init_scripts`) are the suites' own that set all knobs to the values of a fresh system,
    ///   which every run has here.
    pub fn is_harmless(name: &str, value: Option<&str>) -> bool {
        match name {
            "verbose" | "debug" | "speed" | "persistent_tun_dev" | "tun_device" | "send_omit_free" => true,
            "local_ip" | "remote_ip" | "gateway_ip" | "netmask_ip" | "local_linklocal_ip" => value.is_some(),
            "bind_port" | "connect_port" => value.is_some_and(|port| port.parse::<u16>().is_ok()),
            "code_command" => value.is_some_and(|command| command.contains("python")),
            "code_format" => value == Some("python"),
            "init_scripts" => value.is_some_and(|files| files.split(',').all(|file| file.ends_with("defaults.sh"))),
            "udp_encapsulation" => value == Some("none"),
            _ => false,
        }
    }

    fn unsupported(&self) -> Option<Reason> {
        match self {
            Self::IpVersion(IpVersion::V4)
            | Self::ToleranceUsecs(_)
            | Self::TolerancePercent(_)
            | Self::Mtu(_)
            | Self::TimestampTick(_)
            | Self::NonFatal(_)
            | Self::StrictSegments
            | Self::Define(_)
            | Self::InitialSequence(_)
            | Self::Harmless { .. } => None,
            Self::IpVersion(IpVersion::V6 | IpVersion::V4MappedV6) | Self::Other { .. } => {
                Some(Reason::Option(self.to_string()))
            }
        }
    }
}

impl Setting {
    pub(super) fn unsupported(&self) -> Option<(Position, Reason)> {
        Some((self.at, self.kind.unsupported()?))
    }
}

/// What the options say.
impl Script {
    /// How far the time of an event may lie from what is written (`--tolerance_usecs`, 4 ms without it).
    pub fn tolerance(&self) -> Tolerance {
        let usecs =
            self.setting(|kind| if let SettingKind::ToleranceUsecs(usecs) = kind { Some(*usecs) } else { None });
        usecs.map_or(Tolerance::DEFAULT, |usecs| Tolerance(Duration::from_micros(u64::from(usecs))))
    }

    /// How far it may lie from it as a part of the time waited (`--tolerance_percent`), if that is more.
    pub fn tolerance_percent(&self) -> Percent {
        let percent = self.setting(|kind| if let SettingKind::TolerancePercent(of) = kind { Some(*of) } else { None });
        percent.unwrap_or_default()
    }

    /// The MTU of the link in octets (`--mtu`, that of Ethernet without it).
    pub fn mtu(&self) -> u16 {
        self.setting(|kind| if let SettingKind::Mtu(mtu) = kind { Some(*mtu) } else { None }).unwrap_or(ETHERNET_MTU)
    }

    /// The version of IP (`--ip_version`, IPv4 without it).
    pub fn ip_version(&self) -> IpVersion {
        let version = self.setting(|kind| if let SettingKind::IpVersion(is) = kind { Some(*is) } else { None });
        version.unwrap_or(IpVersion::V4)
    }

    /// The tick of the system's timestamp clock (`--tcp_ts_tick_usecs`), if timestamps of expected packets are to be compared.
    /// packetdrill takes no tick, or one of 0, for "do not compare".
    pub fn timestamp_tick(&self) -> Option<Duration> {
        let usecs = self.setting(|kind| if let SettingKind::TimestampTick(usecs) = kind { Some(*usecs) } else { None });
        usecs.filter(|usecs| *usecs > 0).map(|usecs| Duration::from_micros(u64::from(usecs)))
    }

    /// What may differ without ending the run (`--non_fatal`); nothing without it.
    pub fn non_fatal(&self) -> NonFatal {
        self.setting(|kind| if let SettingKind::NonFatal(what) = kind { Some(*what) } else { None }).unwrap_or_default()
    }

    /// The initial sequence number of the system's next active OPEN (`--iss`), if the script chooses it.
    pub fn initial_sequence(&self) -> Option<u32> {
        self.setting(|kind| if let SettingKind::InitialSequence(iss) = kind { Some(*iss) } else { None })
    }

    /// What `select` makes of the settings; as on a command line the last one wins.
    fn setting<T>(&self, select: impl Fn(&SettingKind) -> Option<T>) -> Option<T> {
        self.settings.iter().rev().find_map(|setting| select(&setting.kind))
    }
}
