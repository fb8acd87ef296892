//! The syntax tree of a script: what is written, not what it does.

mod call;
mod icmp;
mod option;
mod packet;
mod raw;
mod setting;

use std::time::Duration;

use super::code::{self, CodeError, Program};
use super::command::{self, Builtin};
use super::error::{Reason, Unsupported};
use super::value::Position;

pub use call::{Call, Expression, Field, Outcome, Returned};
pub use icmp::{Icmp, IcmpVersion};
pub use option::{TcpOption, TcpOptions};
pub use packet::{Direction, Ecn, Flags, IpFields, Packet, Ports, Sequence, Spoil};
pub use raw::{Layer, Raw};
pub use setting::{IpVersion, NonFatal, Setting, SettingKind};

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
    /// Everything in the script that is well formed but has no meaning here. Unless this is empty the script must not be run:
    /// its verdict would be about something else.
    pub fn unsupported(&self) -> Vec<Unsupported> {
        let settings = self.settings.iter().filter_map(Setting::unsupported);
        let events = self
            .events
            .iter()
            .flat_map(|event| event.action.unsupported().into_iter().map(|reason| (event.at, reason)));
        settings.chain(events).map(|(at, reason)| Unsupported { file: self.name.clone(), at, reason }).collect()
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
    /// A segment from or to the peer.
    Packet(Packet),
    /// An ICMP message from or to the peer, or from a router on the way.
    Icmp(Icmp),
    /// Octets from the peer.
    Raw(Raw),
    /// A command in backticks.
    Command(Command),
    /// Code between `%{` and `}%`.
    Code(Code),
}

impl Action {
    fn unsupported(&self) -> Vec<Reason> {
        match self {
            Self::Call(call) => call.operation().err().map(Reason::Call).into_iter().collect(),
            Self::Packet(packet) => packet.unsupported(),
            Self::Icmp(icmp) => icmp.unsupported(),
            Self::Raw(_) => Vec::new(),
            Self::Command(command) => command.builtins().err().map(Reason::Command).into_iter().collect(),
            Self::Code(code) => code.program().err().map(Reason::Code).into_iter().collect(),
        }
    }
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
    /// What it asserts about the inside of the script's newest connection.
    ///
    /// # Errors
    ///
    /// [`CodeError`] says which statement has no meaning here.
    pub fn program(&self) -> Result<Program, CodeError> {
        code::program(&self.text)
    }
}
