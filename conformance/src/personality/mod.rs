//! How Lockstep behaves where the RFCs leave a host the choice.
//!
//! The same table runs in every personality: what differs is how options are laid out, how windows are offered, how long
//! timers are, and everything else that `sysctl` calls a knob. With the personality of the kernel that a suite was
//! written for, the suite runs as it stands. A profile, in contrast, changes what the scripts want.

use std::collections::BTreeMap;

use ::lockstep::stack::{Config, OptionLayout, TcpConfig};
use serde::{Deserialize, Serialize};

use crate::settings::{self, Committed, SettingsError};
use crate::system::{SYSTEM_ADDRESS, Turned, turn_lockstep};

/// The personalities of this repository.
pub const COMMITTED: Committed = &[
    ("rfc", include_str!("../../personalities/rfc.toml")),
    ("linux", include_str!("../../personalities/linux.toml")),
    ("freebsd", include_str!("../../personalities/freebsd.toml")),
];

/// One of them. What it does not say is as Lockstep is by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Personality {
    /// Whose it is.
    pub about: String,
    /// How the options of a SYN are laid out.
    #[serde(default)]
    pub option_layout: Layout,
    /// Every segment offers all the room there is, and rounds it down.
    #[serde(default)]
    pub exact_windows: bool,
    /// The receive buffer takes whole segments.
    #[serde(default)]
    pub round_receive_buffer: bool,
    /// RST, SYN and ACK must be exact (RFC 5961).
    pub rfc5961: Option<bool>,
    /// So many segments are acknowledged each at once when text begins to arrive.
    pub quick_acks: Option<u8>,
    /// Whether the delay of acknowledgments follows the pace of arrivals.
    pub adaptive_acks: Option<bool>,
    /// The knobs, by the names that Linux and FreeBSD give them.
    #[serde(default)]
    pub knobs: BTreeMap<String, Value>,
}

/// In which order options are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// `mss, sackOK, TS, nop, wscale`
    #[default]
    Linux,
    /// `mss, nop, wscale, sackOK, TS`
    FreeBsd,
}

/// The value of a knob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A number.
    Number(u64),
    /// Anything else.
    Text(String),
}

impl Personality {
    /// The personality with this name, or in this file.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] says in one sentence what is wrong.
    pub fn named(name: &str) -> Result<Self, SettingsError> {
        let personality: Self = settings::named("personality", COMMITTED, name)?;
        personality.check(name)
    }

    /// Lockstep with this personality, on a link with this MTU.
    #[must_use]
    pub fn config(&self, mtu: u16) -> Config {
        let mut config = Config { mtu, ..Config::new(SYSTEM_ADDRESS, 24) };
        self.settle(&mut config.tcp);
        for (name, value) in &self.knobs {
            // It was tried when it was read.
            let _ = turn_lockstep(&mut config.tcp, name, &value.to_string());
        }
        config
    }

    fn settle(&self, tcp: &mut TcpConfig) {
        tcp.options.layout = match self.option_layout {
            Layout::Linux => OptionLayout::Linux,
            Layout::FreeBsd => OptionLayout::FreeBsd,
        };
        tcp.exact_windows = self.exact_windows;
        tcp.round_receive_buffer = self.round_receive_buffer;
        tcp.rfc5961 = self.rfc5961.unwrap_or(tcp.rfc5961);
        tcp.acks.quick_segments = self.quick_acks.unwrap_or(tcp.acks.quick_segments);
        tcp.acks.adaptive = self.adaptive_acks.unwrap_or(tcp.acks.adaptive);
    }

    /// Every knob is one that Lockstep really has.
    fn check(self, file: &str) -> Result<Self, SettingsError> {
        for (name, value) in &self.knobs {
            let error = match turn_lockstep(&mut TcpConfig::default(), name, &value.to_string()) {
                Ok(Turned::Done) => continue,
                Ok(Turned::AtDefault) => format!("Lockstep has no knob {name}, so that a personality cannot choose it"),
                Err(unsupported) => unsupported.to_string(),
            };
            return Err(SettingsError::Nonsense { file: file.to_owned(), error });
        }
        Ok(self)
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::lockstep::time::Micros;

    #[test]
    fn every_personality_of_this_repository_differs_from_lockstep_and_from_the_others() {
        let mut configs = vec![Config::new(SYSTEM_ADDRESS, 24)];
        for (name, _) in COMMITTED {
            let personality = Personality::named(name).unwrap_or_else(|error| panic!("{error}"));
            let config = personality.config(1500);
            assert!(!configs.contains(&config), "{name}");
            configs.push(config);
        }
    }

    #[test]
    fn freebsd_is_what_its_scripts_expect() {
        let tcp = Personality::named("freebsd").expect("there is one").config(1500).tcp;
        assert_eq!(tcp.options.layout, OptionLayout::FreeBsd);
        assert_eq!((tcp.receive_buffer, tcp.receive_buffer_max), (65_536, 2 << 20));
        assert_eq!((tcp.msl, tcp.acks.delay), (Micros::from_secs(30), Micros::from_millis(100)));
        assert!(tcp.exact_windows && tcp.round_receive_buffer && tcp.rfc5961);
    }

    #[test]
    fn what_is_wrong_is_said_in_one_sentence() {
        let parse = |text: &str| settings::parse::<Personality>("my.toml", text).and_then(|it| it.check("my.toml"));
        let told = |text: &str| parse(text).expect_err(text).to_string();
        let unknown = told("about = \"x\"\noption-layout = \"linux\"\n");
        assert!(unknown.starts_with("my.toml:2: unknown field `option-layout`"), "{unknown}");
        let layout = told("about = \"x\"\noption_layout = \"windows\"\n");
        assert!(layout.starts_with("my.toml:2: unknown variant `windows`"), "{layout}");
        let knob = |line: &str| told(&format!("about = \"x\"\n[knobs]\n{line}\n"));
        assert_eq!(
            knob("\"net.inet.tcp.rfc1323\" = 7"),
            "my.toml: knob net.ipv4.tcp_timestamps does not take the value \"7\""
        );
        assert_eq!(knob("\"net.inet.tcp.nonsense\" = 7"), "my.toml: this system has no knob net.inet.tcp.nonsense");
        assert!(knob("\"net.inet.tcp.blackhole\" = 0").contains("Lockstep has no knob net.inet.tcp.blackhole"));
        assert!(Personality::named("minix").is_err());
    }
}
