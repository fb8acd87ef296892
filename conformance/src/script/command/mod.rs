//! What commands in backticks mean.
//!
//! A command is text to the parser. Of what a shell could say, the forms here are understood, so that a system that has no shell can do
//! the same: settings, questions about states, pauses. Everything else is for a shell ([`Builtin::Shell`]), and only a system that has one
//! of its own runs it. What begins like one of ours and is none is an error that names the words at fault.

mod shell;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

use self::shell::{Item, NotWords};
use super::state::{State, state_named};
use super::value::seconds;

/// One thing that a command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// `sysctl -w name=value`, `echo value > /proc/sys/name`, `set_sysctls.py /proc/sys/name=value`: set this.
    Set(Knob),
    /// `ss ... | grep STATE`: check this now.
    Probe(Probe),
    /// `tcpdrop -s STATE`: abort every connection in this state, as the operator does.
    Drop(State),
    /// `tcpdrop 192.0.2.1 8080 192.0.2.2 40000`: abort this one.
    DropConnection {
        /// The end of the system under test.
        local: SocketAddr,
        /// The other end.
        remote: SocketAddr,
    },
    /// `sleep 1`: let time pass.
    Sleep(Duration),
    /// `../common/defaults.sh`, which gives all knobs the values that the suite relies on: those of a fresh system.
    Defaults,
    /// `/tmp/sysctl_restore_${PPID}.sh`, which puts back what `set_sysctls.py` changed: nothing here outlives a script.
    Restore,
    /// Anything else: only a shell can tell what it means.
    Shell(String),
}

/// A setting of the system under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knob {
    /// Its name, such as `net.ipv4.tcp_sack`.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// An assertion about the states of the script's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The states that count.
    pub states: States,
    /// How many connections are to be in them.
    pub count: Count,
}

/// Which states a [`Probe`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum States {
    /// This one. CLOSED counts the script's sockets without a connection, which FreeBSD lists and Linux does not.
    One(State),
    /// Every state but CLOSED and LISTEN.
    Connected,
}

impl States {
    /// Whether a connection in `state` counts.
    pub fn include(self, state: State) -> bool {
        match self {
            Self::One(one) => one == state,
            Self::Connected => state != State::Closed && state != State::Listen,
        }
    }
}

/// How many connections a [`Probe`] wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// One or more.
    Some,
    /// This many.
    Exactly(u32),
}

impl Count {
    /// Whether `seen` connections are as many as wanted.
    pub fn allows(self, seen: usize) -> bool {
        match self {
            Self::Some => seen > 0,
            Self::Exactly(wanted) => u32::try_from(seen) == Ok(wanted),
        }
    }
}

/// Why a command has no meaning here.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// There is nothing in it.
    #[error("there is nothing in it")]
    Empty,
    /// A quote without its partner.
    #[error("a quote is never closed")]
    Quote,
    /// A `sysctl` without `name=value`.
    #[error("`{0}` is not a name=value for sysctl")]
    Knob(String),
    /// An `ss` that would not list what is asked for.
    #[error("`ss {0}` is not `ss -tan`, nor `ss -Htan state ...` with `grep :`")]
    Listing(String),
    /// A `grep` that is more than a state or a count.
    #[error("`{0}` is not a grep for one state, or for one count after grep -c")]
    Grep(String),
    /// A word that is no state.
    #[error("`{0}` is not the name of a state")]
    State(String),
    /// A `tcpdrop` of nothing that is known.
    #[error("`tcpdrop {0}` is neither `tcpdrop -s STATE` nor two addresses with ports")]
    Drop(String),
    /// A `sleep` without a time.
    #[error("`sleep {0}` does not say for how many seconds")]
    Sleep(String),
}

type Understood<T> = Result<T, CommandError>;

/// What the text between two backticks asks for.
pub(super) fn builtins(text: &str) -> Understood<Vec<Builtin>> {
    let whole = || vec![Builtin::Shell(text.trim().to_owned())];
    if text.trim().starts_with("/tmp/sysctl_restore_") {
        return Ok(vec![Builtin::Restore]);
    }
    let items = match shell::items(text) {
        Ok(items) => items,
        Err(NotWords::Quote) => return Err(CommandError::Quote),
        Err(NotWords::Shell) => return Ok(whole()),
    };
    let mut builtins = Vec::new();
    for statement in items.split(|item| *item == Item::Then) {
        let commands = statement.split(|item| *item == Item::Pipe);
        let commands: Vec<Vec<&str>> = commands.map(|words| words.iter().filter_map(Item::word).collect()).collect();
        let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
        let into = statement.iter().find_map(Item::file);
        match pipeline(&commands, into)? {
            Some(understood) => builtins.extend(understood),
            None => return Ok(whole()),
        }
    }
    if builtins.is_empty() { Err(CommandError::Empty) } else { Ok(builtins) }
}

/// What commands joined by `|` ask for, the last of which may write `into` a file; nothing if only a shell knows.
fn pipeline(commands: &[&[&str]], into: Option<&str>) -> Understood<Option<Vec<Builtin>>> {
    if let Some(file) = into {
        return Ok(echoed(commands, file));
    }
    Ok(Some(match commands {
        [[]] => Vec::new(),
        [["sysctl", arguments @ ..]] => knobs(arguments)?,
        [["sleep", arguments @ ..]] => vec![sleep(arguments)?],
        [["tcpdrop", arguments @ ..]] => vec![drop(arguments)?],
        [[script]] | [["sh" | "bash" | "." | "source", script]] if is_script(script, "defaults.sh") => {
            vec![Builtin::Defaults]
        }
        [[script, arguments @ ..]] if is_script(script, "set_sysctls.py") => {
            arguments.iter().map(|assignment| knob_in_proc(assignment)).collect::<Understood<_>>()?
        }
        [["!", lister @ ("ss" | "sockstat" | "netstat"), arguments @ ..], greps @ ..] => {
            let states = states(lister, arguments, greps)?;
            match count(greps) {
                Some(Count::Some) => vec![Builtin::Probe(Probe { states, count: Count::Exactly(0) })],
                Some(Count::Exactly(_)) | None => return Err(CommandError::Grep(joined(greps))),
            }
        }
        [[lister @ ("ss" | "sockstat" | "netstat"), arguments @ ..], greps @ ..] => {
            let count = count(greps).ok_or_else(|| CommandError::Grep(joined(greps)))?;
            vec![Builtin::Probe(Probe { states: states(lister, arguments, greps)?, count })]
        }
        _ => return Ok(None),
    }))
}

/// Whether a word is the path of a script of this name.
fn is_script(word: &str, name: &str) -> bool {
    word.rsplit('/').next() == Some(name)
}

/// `echo value > /proc/sys/name`.
fn echoed(commands: &[&[&str]], file: &str) -> Option<Vec<Builtin>> {
    match commands {
        [["echo", value @ ..]] if !value.is_empty() => {
            Some(vec![Builtin::Set(Knob { name: knob_at(file)?, value: value.join(" ") })])
        }
        _ => None,
    }
}

/// The knob behind a file of `/proc/sys`.
fn knob_at(file: &str) -> Option<String> {
    Some(file.strip_prefix("/proc/sys/")?.replace('/', "."))
}

fn knob_in_proc(assignment: &str) -> Understood<Builtin> {
    let wrong = || CommandError::Knob(assignment.to_owned());
    let (file, value) = assignment.split_once('=').ok_or_else(wrong)?;
    Ok(Builtin::Set(Knob { name: knob_at(file).ok_or_else(wrong)?, value: value.to_owned() }))
}

fn sleep(arguments: &[&str]) -> Understood<Builtin> {
    let time = match arguments {
        [time] => seconds(time.strip_suffix('s').unwrap_or(time)),
        _ => None,
    };
    time.map(Builtin::Sleep).ok_or_else(|| CommandError::Sleep(arguments.join(" ")))
}

fn drop(arguments: &[&str]) -> Understood<Builtin> {
    let wrong = || CommandError::Drop(arguments.join(" "));
    match arguments {
        ["-s", name] => Ok(Builtin::Drop(state(name)?)),
        [address, port, other, other_port] => {
            let end = |address: &str, port: &str| Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?));
            let (local, remote) = (end(address, port), end(other, other_port));
            Ok(Builtin::DropConnection { local: local.ok_or_else(wrong)?, remote: remote.ok_or_else(wrong)? })
        }
        _ => Err(wrong()),
    }
}

/// The commands as they were written.
fn joined(commands: &[&[&str]]) -> String {
    commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join(" | ")
}

fn knobs(arguments: &[&str]) -> Understood<Vec<Builtin>> {
    let assignments = arguments.iter().filter(|argument| !matches!(**argument, "-w" | "-q"));
    let knobs: Vec<Builtin> =
        assignments.map(|assignment| knob(assignment).map(Builtin::Set)).collect::<Understood<_>>()?;
    if knobs.is_empty() { Err(CommandError::Knob(arguments.join(" "))) } else { Ok(knobs) }
}

fn knob(assignment: &str) -> Understood<Knob> {
    match assignment.split_once('=') {
        Some((name, value)) if !name.is_empty() && !name.starts_with('-') => {
            Ok(Knob { name: name.to_owned(), value: value.to_owned() })
        }
        Some(_) | None => Err(CommandError::Knob(assignment.to_owned())),
    }
}

/// The states that the first `grep` after `lister` picks out.
fn states(lister: &str, arguments: &[&str], greps: &[&[&str]]) -> Understood<States> {
    let Some((pattern, _counts)) = greps.first().and_then(|grep| grep_pattern(grep)) else {
        return Err(CommandError::Grep(joined(greps)));
    };
    match (lister, arguments) {
        ("sockstat" | "netstat", _) => Ok(States::One(state(pattern)?)),
        (_, [flags]) if is_listing(flags) => Ok(States::One(state(pattern)?)),
        (_, ["-Htan", "state", "connected"]) if pattern == ":" => Ok(States::Connected),
        (_, ["-Htan", "state", name]) if pattern == ":" => Ok(States::One(state(name)?)),
        _ => Err(CommandError::Listing(arguments.join(" "))),
    }
}

/// Whether `ss` with these flags lists TCP connections in all states, and nothing else.
fn is_listing(flags: &str) -> bool {
    let Some(letters) = flags.strip_prefix('-') else {
        return false;
    };
    letters.contains('t') && letters.contains('a') && letters.chars().all(|letter| "tanH4".contains(letter))
}

/// How many connections it takes for all of `greps` to find something.
fn count(greps: &[&[&str]]) -> Option<Count> {
    match greps {
        [states] => grep_pattern(states).and_then(|(_, counts)| (!counts).then_some(Count::Some)),
        [states, number] => match (grep_pattern(states)?, grep_pattern(number)?) {
            ((_, true), (number, false)) => number.parse().ok().map(Count::Exactly),
            _ => None,
        },
        _ => None,
    }
}

/// The pattern of a `grep`, and whether it counts lines instead of printing them.
fn grep_pattern<'a>(words: &[&'a str]) -> Option<(&'a str, bool)> {
    match words {
        ["grep", pattern] if !pattern.starts_with('-') => Some((pattern, false)),
        ["grep", "-q" | "-w" | "-x" | "-qw" | "-qx", pattern] => Some((pattern, false)),
        ["grep", "-c" | "-cw", pattern] => Some((pattern, true)),
        _ => None,
    }
}

fn state(name: &str) -> Understood<State> {
    state_named(name.trim()).ok_or_else(|| CommandError::State(name.to_owned()))
}
