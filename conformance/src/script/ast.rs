//! The syntax tree of a script: what is written, not what it does.

use std::time::Duration;

use super::command::{self, Builtin};
use super::error::{Reason, Unsupported};
use super::value::{Errno, Position, SeqNumber, Tolerance};

/// A whole script: its settings, then its events in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The name it was parsed under, usually the path of its file.
    pub name: String,
    /// The `--option=value` lines.
    pub settings: Vec<Setting>,
    /// What happens, in order.
    pub events: Vec<Event>,
}

impl Script {
    /// How far the time of an event may lie from what is written (`--tolerance_usecs`, 4 ms without it).
    pub fn tolerance(&self) -> Tolerance {
        self.last_setting(|kind| match kind {
            SettingKind::ToleranceUsecs(usecs) => Some(Tolerance(Duration::from_micros(u64::from(*usecs)))),
            SettingKind::Ipv4 | SettingKind::Mtu(_) | SettingKind::Other { .. } => None,
        })
        .unwrap_or(Tolerance::DEFAULT)
    }

    /// The MTU of the link in octets (`--mtu`, 1500 without it).
    pub fn mtu(&self) -> u16 {
        self.last_setting(|kind| match kind {
            SettingKind::Mtu(mtu) => Some(*mtu),
            SettingKind::Ipv4 | SettingKind::ToleranceUsecs(_) | SettingKind::Other { .. } => None,
        })
        .unwrap_or(1500)
    }

    /// Everything in the script that is well formed but has no meaning here. Unless this is empty the script must not be run:
    /// its verdict would be about something else.
    pub fn unsupported(&self) -> Vec<Unsupported> {
        let settings = self.settings.iter().filter_map(|setting| Some((setting.at, setting.kind.unsupported()?)));
        let events = self
            .events
            .iter()
            .flat_map(|event| event.action.unsupported().into_iter().map(|reason| (event.at, reason)));
        settings.chain(events).map(|(at, reason)| Unsupported { file: self.name.clone(), at, reason }).collect()
    }

    /// What `select` makes of the settings; as on a command line the last one wins.
    fn last_setting<T>(&self, select: impl Fn(&SettingKind) -> Option<T>) -> Option<T> {
        self.settings.iter().rev().find_map(|setting| select(&setting.kind))
    }
}

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
    Ipv4,
    /// `--tolerance_usecs`, in microseconds.
    ToleranceUsecs(u32),
    /// `--mtu`, in octets.
    Mtu(u16),
    /// Any other option, kept as written and reported by [`Script::unsupported`].
    Other {
        /// The name, without `--`.
        name: String,
        /// What follows `=`, if anything.
        value: Option<String>,
    },
}

impl SettingKind {
    fn unsupported(&self) -> Option<Reason> {
        match self {
            Self::Ipv4 | Self::ToleranceUsecs(_) | Self::Mtu(_) => None,
            Self::Other { name, value: None } => Some(Reason::Option(format!("--{name}"))),
            Self::Other { name, value: Some(value) } => Some(Reason::Option(format!("--{name}={value}"))),
        }
    }
}

/// Something that happens at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where it begins.
    pub at: Position,
    /// When it happens.
    pub when: When,
    /// What happens.
    pub action: Action,
}

/// When an event happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// `*`: whenever it does.
    Any,
    /// `0.1` or `+0.1`: then, within the script's tolerance.
    At {
        /// What the time counts from.
        base: Base,
        /// The time.
        time: Duration,
    },
    /// `0.1~0.2` or `+0.1~+0.2`: not before the first (less the tolerance), not after the second (plus the tolerance).
    Between {
        /// What both times count from.
        base: Base,
        /// The earliest time.
        from: Duration,
        /// The latest time.
        until: Duration,
    },
    /// `0.1...0.2` or `+0.1...0.2`: a call made at the first time that returns at the second.
    Blocking {
        /// What both times count from.
        base: Base,
        /// When it is called.
        from: Duration,
        /// When it returns.
        until: Duration,
    },
}

/// What a time counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The start of the script.
    Start,
    /// The previous event, written with `+`.
    Previous,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A system call of the local user.
    Call(Call),
    /// A packet from or to the peer.
    Packet(Packet),
    /// A command in backticks.
    Command(Command),
    /// Code between `%{` and `}%`.
    Code(Code),
}

impl Action {
    fn unsupported(&self) -> Vec<Reason> {
        match self {
            Self::Call(call) => call.operation().err().map(Reason::Call).into_iter().collect(),
            Self::Packet(_) => Vec::new(),
            Self::Command(command) => command.builtins().err().map(Reason::Command).into_iter().collect(),
            Self::Code(code) => code.assertions().err().map(Reason::Code).into_iter().collect(),
        }
    }
}

/// A TCP segment, injected or expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Who sends it.
    pub direction: Direction,
    /// Its flags.
    pub flags: Flags,
    /// Its sequence number and the length of its text.
    pub sequence: Sequence,
    /// The acknowledgment number. It may be written without the flag `.`, never the other way around. An expected packet
    /// without `ack` may carry any number there, since without the flag it has no meaning.
    pub ack: Option<SeqNumber>,
    /// The window as it is in the header, unscaled. An injected packet always has one; an expected one without may offer anything.
    pub window: Option<u16>,
    /// The urgent pointer. Without it an injected packet carries 0, an expected one anything.
    pub urgent: Option<u16>,
    /// The TCP options.
    pub options: TcpOptions,
}

/// Who sends a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `<`: the script, as the peer.
    Injected,
    /// `>`: the system under test.
    Expected,
}

/// Where a segment lies in sequence space: `1:11(10)`. SYN and FIN are not counted in the length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// The first number; nothing where the script says `...`: any.
    pub start: Option<SeqNumber>,
    /// The length of the text in octets.
    pub length: u16,
}

/// The flags of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u16);

impl Flags {
    /// `F`
    pub const FIN: Self = Self(0x001);
    /// `S`
    pub const SYN: Self = Self(0x002);
    /// `R`
    pub const RST: Self = Self(0x004);
    /// `P`
    pub const PSH: Self = Self(0x008);
    /// `.`
    pub const ACK: Self = Self(0x010);
    /// `U`
    pub const URG: Self = Self(0x020);
    /// `E`: ECE (RFC 3168)
    pub const ECE: Self = Self(0x040);
    /// `W`: CWR (RFC 3168)
    pub const CWR: Self = Self(0x080);
    /// `A`: AE, once NS (RFC 9768)
    pub const AE: Self = Self(0x100);

    /// Each flag with its letter, in the order in which they are written.
    pub const LETTERS: [(char, Self); 9] = [
        ('S', Self::SYN),
        ('F', Self::FIN),
        ('R', Self::RST),
        ('P', Self::PSH),
        ('E', Self::ECE),
        ('W', Self::CWR),
        ('A', Self::AE),
        ('U', Self::URG),
        ('.', Self::ACK),
    ];

    /// Whether all of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The flags as in octets 12 (its lowest bit) and 13 of the header.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The flags of octets 12 (its lowest bit) and 13 of a header.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & 0x1ff)
    }
}

/// The TCP options of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TcpOptions {
    /// These and no others, in this order; none where the script writes no `<>`.
    Exactly(Vec<TcpOption>),
    /// `<...>`: any.
    Any,
}

/// A TCP option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TcpOption {
    /// `eol`
    EndOfList,
    /// `nop`
    NoOperation,
    /// `mss 1460`
    MaximumSegmentSize(u16),
    /// `wscale 6`
    WindowScale(u8),
    /// `sackOK`
    SackPermitted,
    /// `sack 1:11 21:31`: the first number of each block and the one after its last; relative as `ack` is.
    Sack(Vec<(u32, u32)>),
    /// `TS val 100 ecr 0`
    Timestamps {
        /// The sender's clock.
        val: u32,
        /// The clock of the other end that is echoed.
        ecr: u32,
    },
}

impl TcpOption {
    /// How many octets it takes in the header.
    pub fn length(&self) -> usize {
        match self {
            Self::EndOfList | Self::NoOperation => 1,
            Self::MaximumSegmentSize(_) => 4,
            Self::WindowScale(_) => 3,
            Self::SackPermitted => 2,
            Self::Sack(blocks) => 2 + 8 * blocks.len(),
            Self::Timestamps { .. } => 10,
        }
    }
}

/// A system call as it is written; [`Call::operation`] says what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The name of the function.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<Expression>,
    /// What it returns.
    pub outcome: Outcome,
}

/// An argument of a system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// `...`: whatever the runner fills in.
    Ellipsis,
    /// `8080`, `-1`, `0x10`
    Integer(i64),
    /// `SOCK_STREAM`
    Name(String),
    /// `"text"`, without the quotes, escapes as written
    Text(String),
    /// `O_RDWR|O_NONBLOCK`, two or more
    Either(Vec<Expression>),
    /// `[1]`
    Array(Vec<Expression>),
    /// `{onoff=1, linger=0}` or `{1, 0}`
    Struct(Vec<(Option<String>, Expression)>),
    /// `htons(8080)`
    Function(String, Vec<Expression>),
}

/// What a system call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The value.
    pub returned: Returned,
    /// A remark in parentheses after it, such as `(Connection refused)`; it means nothing.
    pub note: Option<String>,
}

/// The value that a system call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    /// `?`: anything.
    Any,
    /// `3`; after a bare `-1` any error will do.
    Value(i64),
    /// `-1 ECONNREFUSED`
    Error(Errno),
}

/// A command in backticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The text between the backticks.
    pub text: String,
}

impl Command {
    /// What the command asks for, in order; never empty.
    ///
    /// # Errors
    ///
    /// [`command::CommandError`] says which part has no meaning here.
    pub fn builtins(&self) -> Result<Vec<Builtin>, command::CommandError> {
        command::builtins(&self.text)
    }
}

/// Code between `%{` and `}%`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The text between the brackets.
    pub text: String,
}

impl Code {
    /// The assertions it makes about `tcpi_state` of the script's newest socket, in order; never empty.
    ///
    /// # Errors
    ///
    /// [`command::CommandError`] says which statement has no meaning here.
    pub fn assertions(&self) -> Result<Vec<command::Assertion>, command::CommandError> {
        command::assertions(&self.text)
    }
}
