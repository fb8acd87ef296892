//! What can be wrong with a script: it cannot be parsed, or it asks for something that is not supported.

use std::fmt;

use thiserror::Error;

use super::call::CallError;
use super::code::CodeError;
use super::command::CommandError;
use super::icmp::IcmpError;
use super::value::Position;

/// Why a text is not a script, and where: one sentence with file, line and column, then the line itself and a caret under the
/// place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The name of the script.
    pub file: String,
    /// Where the problem is.
    pub at: Position,
    /// The text of that line.
    pub line: String,
    /// What it is.
    pub problem: Problem,
}

impl ParseError {
    /// Whether the text is right, but belongs to a part of the language that is not supported here: a reason to skip a script
    /// rather than to mend it.
    pub fn is_unsupported(&self) -> bool {
        matches!(self.problem, Problem::Beyond(_))
    }
}

impl std::error::Error for ParseError {}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printable = |c: char| if c == '\t' || c.is_control() { ' ' } else { c };
        let line: String = self.line.chars().map(printable).collect();
        writeln!(f, "{}:{}: {}", self.file, self.at, self.problem)?;
        writeln!(f, "  {}", line.trim_end())?;
        write!(f, "  {:>width$}", '^', width = self.at.column)
    }
}

/// What is wrong at one place of a text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// A character that begins nothing.
    #[error("the character {0:?} has no meaning here")]
    Character(char),
    /// Something that is opened and not closed.
    #[error("this {0} is never closed")]
    Unclosed(&'static str),
    /// Something else than the grammar wants.
    #[error("expected {wanted}, found {found}")]
    Expected {
        /// What the grammar wants.
        wanted: &'static str,
        /// What is there.
        found: String,
    },
    /// A number that does not fit.
    #[error("{text} is not {wanted}")]
    Number {
        /// As it is written.
        text: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A part of the language that is not supported.
    #[error("{0} is not supported")]
    Beyond(String),
    /// The end of a sequence range is not its start plus its length.
    #[error("{length} octets from {start} end at {wanted}, not at {end}")]
    Length {
        /// The first number.
        start: u32,
        /// The second number.
        end: u32,
        /// What the second number should be.
        wanted: u32,
        /// The number in parentheses.
        length: u16,
    },
    /// A letter that is no flag.
    #[error("{0:?} is not a flag: S F R P E W A U and . are, or - for none")]
    Flag(char),
    /// A flag given twice.
    #[error("the flag {0:?} is given twice")]
    FlagTwice(char),
    /// The flag `.` without a number.
    #[error("a packet with the flag . needs an acknowledgment number, as in `ack 1`")]
    NoAck,
    /// An injected packet that leaves something open.
    #[error("{0}: an injected packet leaves nothing open")]
    Open(&'static str),
    /// `#endif` without `#ifdef`.
    #[error("{0} without an #ifdef before it")]
    Unopened(&'static str),
    /// `#ifdef` without a name, or with more.
    #[error("`{0}` is followed by one name")]
    Directive(String),
    /// A field given twice.
    #[error("{0} is given twice")]
    Twice(&'static str),
    /// A number that does not fit into its field.
    #[error("{0}")]
    TooBig(&'static str),
    /// `> raw`.
    #[error("octets can only be injected, with <: what the system sends is a packet")]
    RawExpected,
    /// `> ... [bad checksum]`.
    #[error("only an injected packet can be spoiled: the checksum of an expected one is always right")]
    SpoiledExpected,
    /// More options than a header holds.
    #[error("these options take {0} octets, and a TCP header has room for 40")]
    OptionSpace(usize),
    /// A range of time that ends before it begins.
    #[error("this range of time ends before it begins")]
    Backwards,
    /// A range of time from an absolute to a relative time.
    #[error("both ends of a range of time are absolute, or both begin with +")]
    MixedRange,
    /// A time range on what does not block.
    #[error("only a system call can block until a time")]
    NotBlocking,
    /// A setting after the first event.
    #[error("options come before the first event")]
    LateOption,
    /// Expressions in expressions in expressions.
    #[error("this expression is nested too deeply")]
    TooDeep,
    /// A `-1` or an error name where the other does not fit.
    #[error("{0} is the name of an error, and only -1 can be followed by one")]
    ErrorName(String),
}

/// A part of a script that is well formed and has no meaning here.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{at}: {reason}")]
pub struct Unsupported {
    /// The name of the script.
    pub file: String,
    /// Where it is: of an option its own place, else that of its event.
    pub at: Position,
    /// What it is.
    pub reason: Reason,
}

/// What has no meaning here.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Reason {
    /// An option.
    #[error("the option {0} is not supported")]
    Option(String),
    /// A part of a packet.
    #[error("{0} is not supported")]
    Packet(String),
    /// An ICMP message.
    #[error(transparent)]
    Icmp(IcmpError),
    /// A system call.
    #[error(transparent)]
    Call(CallError),
    /// A command in backticks.
    #[error("in a command: {0}")]
    Command(CommandError),
    /// Code between `%{` and `}%`.
    #[error("in code: {0}")]
    Code(CodeError),
}
