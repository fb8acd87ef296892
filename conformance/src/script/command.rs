//! What commands in backticks and blocks of code mean.
//!
//! Both are text to the parser. Of what a shell and Python could say, exactly the forms here are understood; everything else is an
//! error that names the words at fault, so that a runner skips the script instead of running half of it.

use thiserror::Error;

use super::state::{State, state_named, state_numbered};

/// One thing that a command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// `sysctl -w name=value`: set this.
    Set(Knob),
    /// `ss ... | grep STATE`: check this now.
    Probe(Probe),
    /// `tcpdrop -s STATE`: abort every connection in this state, as the operator does.
    Drop(State),
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

/// `assert tcpi_state == NAME`: what TCP_INFO says of the script's newest socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// The state it is compared with.
    pub state: State,
    /// Whether it is to be that state (`==`), or any other (`!=`).
    pub equal: bool,
}

/// Why a command or a block of code has no meaning here.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// There is nothing in it.
    #[error("there is nothing in it")]
    Empty,
    /// A quote without its partner.
    #[error("a quote is never closed")]
    Quote,
    /// A character that only a shell could interpret.
    #[error("{0:?} needs a shell")]
    Shell(char),
    /// A program that is not one of the few.
    #[error("`{0}` is not sysctl, ss, sockstat or tcpdrop in a form that is understood")]
    Program(String),
    /// A `sysctl` without `name=value`.
    #[error("`{0}` is not a name=value for sysctl")]
    Knob(String),
    /// An `ss` that would not list what is asked for.
    #[error("`ss {0}` is not `ss -tan`, nor `ss -Htan state connected` with `grep :`")]
    Listing(String),
    /// A `grep` that is more than a state or a count.
    #[error("`{0}` is not a grep for one state, or for one count after grep -c")]
    Grep(String),
    /// A word that is no state.
    #[error("`{0}` is not the name of a state")]
    State(String),
    /// Code that is no assertion about `tcpi_state`.
    #[error("`{0}` is not an assertion of the form assert tcpi_state == TCP_ESTABLISHED")]
    Assertion(String),
}

type Understood<T> = Result<T, CommandError>;

/// What the text between two backticks asks for.
pub(super) fn builtins(text: &str) -> Understood<Vec<Builtin>> {
    let mut builtins = Vec::new();
    for statement in shell_words(text)?.split(|word| *word == Shell::Then) {
        let commands = statement.split(|word| *word == Shell::Pipe);
        let commands: Vec<Vec<&str>> = commands.map(|words| words.iter().filter_map(Shell::word).collect()).collect();
        let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
        builtins.extend(pipeline(&commands)?);
    }
    if builtins.is_empty() { Err(CommandError::Empty) } else { Ok(builtins) }
}

fn pipeline(commands: &[&[&str]]) -> Understood<Vec<Builtin>> {
    match commands {
        [[]] => Ok(Vec::new()),
        [["sysctl", arguments @ ..]] => knobs(arguments),
        [["tcpdrop", "-s", name]] => Ok(vec![Builtin::Drop(state(name)?)]),
        [["!", lister @ ("ss" | "sockstat"), arguments @ ..], greps @ ..] => {
            let states = states(lister, arguments, greps)?;
            match count(greps) {
                Some(Count::Some) => Ok(vec![Builtin::Probe(Probe { states, count: Count::Exactly(0) })]),
                Some(Count::Exactly(_)) | None => Err(CommandError::Grep(joined(greps))),
            }
        }
        [[lister @ ("ss" | "sockstat"), arguments @ ..], greps @ ..] => {
            let count = count(greps).ok_or_else(|| CommandError::Grep(joined(greps)))?;
            Ok(vec![Builtin::Probe(Probe { states: states(lister, arguments, greps)?, count })])
        }
        _ => Err(CommandError::Program(joined(commands))),
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
    let pattern = match greps.first().and_then(|grep| grep_pattern(grep)) {
        Some((pattern, _counts)) => pattern,
        None => return Err(CommandError::Grep(joined(greps))),
    };
    match (lister, arguments) {
        ("sockstat", _) => Ok(States::One(state(pattern)?)),
        (_, [flags]) if is_listing(flags) => Ok(States::One(state(pattern)?)),
        (_, ["-Htan", "state", "connected"]) if pattern == ":" => Ok(States::Connected),
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

/// What a shell would make of a text, as far as it is needed here.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shell {
    Word(String),
    Pipe,
    Then,
}

impl Shell {
    fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Pipe | Self::Then => None,
        }
    }
}

fn shell_words(text: &str) -> Understood<Vec<Shell>> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (word, length) = match first {
            ';' | '\n' => (Some(Shell::Then), 1),
            '&' if rest.starts_with("&&") => (Some(Shell::Then), 2),
            '|' if rest.starts_with("||") => return Err(CommandError::Shell('|')),
            '|' => (Some(Shell::Pipe), 1),
            blank if blank.is_whitespace() => (None, blank.len_utf8()),
            _ => {
                let (word, length) = shell_word(rest)?;
                (Some(Shell::Word(word)), length)
            }
        };
        words.extend(word);
        rest = &rest[length..];
    }
    Ok(words)
}

/// The word at the start of `text`, without its quotes, and how many octets of `text` it takes.
fn shell_word(text: &str) -> Understood<(String, usize)> {
    let mut word = String::new();
    let mut quote = None;
    for (offset, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, ';' | '|') => return Ok((word, offset)),
            (None, '&') if text[offset..].starts_with("&&") => return Ok((word, offset)),
            (None, blank) if blank.is_whitespace() => return Ok((word, offset)),
            (None, '&' | '<' | '>' | '(' | ')' | '{' | '}' | '*' | '?' | '#' | '~') => {
                return Err(CommandError::Shell(character));
            }
            (None | Some('"'), '$' | '\\') => return Err(CommandError::Shell(character)),
            (_, character) => word.push(character),
        }
    }
    if quote.is_some() { Err(CommandError::Quote) } else { Ok((word, text.len())) }
}

/// The assertions that the text between `%{` and `}%` makes.
pub(super) fn assertions(text: &str) -> Understood<Vec<Assertion>> {
    let statements = text.split([';', '\n']).map(str::trim).filter(|statement| !statement.is_empty());
    let assertions: Vec<Assertion> = statements
        .map(|statement| assertion(statement).ok_or_else(|| CommandError::Assertion(statement.to_owned())))
        .collect::<Understood<_>>()?;
    if assertions.is_empty() { Err(CommandError::Empty) } else { Ok(assertions) }
}

/// `assert tcpi_state == X`, with `!=` for the opposite, in parentheses or not, and with Python's message after a comma.
fn assertion(statement: &str) -> Option<Assertion> {
    let condition = statement.strip_prefix("assert").filter(|rest| rest.starts_with([' ', '\t', '(']))?;
    let condition = condition.split_once(',').map_or(condition, |(condition, _message)| condition).trim();
    let condition = condition.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(condition);
    let (left, right, equal) = match (condition.split_once("=="), condition.split_once("!=")) {
        (Some((left, right)), None) => (left, right, true),
        (None, Some((left, right))) => (left, right, false),
        (Some(_), Some(_)) | (None, None) => return None,
    };
    let name = right.trim();
    let state = state_named(name).or_else(|| state_numbered(name))?;
    (left.trim() == "tcpi_state").then_some(Assertion { state, equal })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe_of(text: &str) -> Probe {
        match builtins(text).expect("understood").as_slice() {
            [Builtin::Probe(probe)] => *probe,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn sysctl_sets_any_number_of_knobs() {
        let set = |name: &str, value: &str| Builtin::Set(Knob { name: name.to_owned(), value: value.to_owned() });
        assert_eq!(builtins("sysctl -w net.ipv4.tcp_sack=0"), Ok(vec![set("net.ipv4.tcp_sack", "0")]));
        assert_eq!(
            builtins("sysctl a=1;sysctl -q b=2 c=3 && sysctl -w d=\"4 5\"\n"),
            Ok(vec![set("a", "1"), set("b", "2"), set("c", "3"), set("d", "4 5"),])
        );
    }

    #[test]
    fn both_dialects_assert_the_same() {
        let time_wait = Probe { states: States::One(State::TimeWait), count: Count::Exactly(1) };
        assert_eq!(probe_of("ss -tan | grep -c TIME-WAIT | grep 1"), time_wait);
        assert_eq!(probe_of("sockstat -46 -P tcp -s | grep -c TIME_WAIT | grep 1"), time_wait);
        assert_eq!(probe_of("sockstat|grep -c \" TIME_WAIT\"|grep -q 1"), time_wait);
        assert_eq!(
            probe_of("ss -tan | grep ESTAB"),
            Probe { states: States::One(State::Established), count: Count::Some }
        );
        assert_eq!(
            probe_of("! ss -Htan | grep -q ESTAB"),
            Probe { states: States::One(State::Established), count: Count::Exactly(0) }
        );
        let gone = Probe { states: States::Connected, count: Count::Exactly(0) };
        assert_eq!(probe_of("! ss -Htan state connected | grep :"), gone);
        assert_eq!(probe_of("ss -Htan state connected | grep -c : | grep 0"), gone);
        assert_eq!(builtins("tcpdrop -s CLOSE_WAIT"), Ok(vec![Builtin::Drop(State::CloseWait)]));
    }

    #[test]
    fn counting_is_exact() {
        assert!(Count::Some.allows(2) && !Count::Some.allows(0));
        assert!(Count::Exactly(1).allows(1) && !Count::Exactly(1).allows(11));
        assert!(States::Connected.include(State::TimeWait) && !States::Connected.include(State::Listen));
        assert!(!States::Connected.include(State::Closed) && !States::One(State::Closing).include(State::TimeWait));
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        let refused = |text: &str| builtins(text).expect_err(text).to_string();
        insta::assert_snapshot!(refused("../common/defaults.sh"), @"`../common/defaults.sh` is not sysctl, ss, sockstat or tcpdrop in a form that is understood");
        insta::assert_snapshot!(refused("sysctl -a"), @"`-a` is not a name=value for sysctl");
        insta::assert_snapshot!(refused("sysctl a=$X"), @"'$' needs a shell");
        insta::assert_snapshot!(refused("sysctl a='1"), @"a quote is never closed");
        insta::assert_snapshot!(refused(" ; "), @"there is nothing in it");
        insta::assert_snapshot!(refused("ss -tn | grep TIME-WAIT"), @"`ss -tn` is not `ss -tan`, nor `ss -Htan state connected` with `grep :`");
        insta::assert_snapshot!(refused("ss -tan state time-wait | grep :"), @"`ss -tan state time-wait` is not `ss -tan`, nor `ss -Htan state connected` with `grep :`");
        insta::assert_snapshot!(refused("ss -tan | grep -v ESTAB"), @"`grep -v ESTAB` is not a grep for one state, or for one count after grep -c");
        insta::assert_snapshot!(refused("ss -tan | grep -c ESTAB"), @"`grep -c ESTAB` is not a grep for one state, or for one count after grep -c");
        insta::assert_snapshot!(refused("ss -tan | grep -c ESTAB | grep many"), @"`grep -c ESTAB | grep many` is not a grep for one state, or for one count after grep -c");
        insta::assert_snapshot!(refused("! ss -tan | grep -c ESTAB | grep 1"), @"`grep -c ESTAB | grep 1` is not a grep for one state, or for one count after grep -c");
        insta::assert_snapshot!(refused("ss -tan | grep OPEN"), @"`OPEN` is not the name of a state");
        insta::assert_snapshot!(refused("sysctl a=1; tc qdisc"), @"`tc qdisc` is not sysctl, ss, sockstat or tcpdrop in a form that is understood");
        insta::assert_snapshot!(refused("true || sysctl a=1"), @"'|' needs a shell");
    }

    #[test]
    fn code_asserts_states() {
        let is = |state| Assertion { state, equal: true };
        assert_eq!(assertions(" assert tcpi_state == TCP_ESTABLISHED "), Ok(vec![is(State::Established)]));
        assert_eq!(
            assertions("assert tcpi_state == 8, tcpi_state\nassert(tcpi_state != CLOSING);"),
            Ok(vec![is(State::CloseWait), Assertion { state: State::Closing, equal: false },])
        );
        let refused = |text: &str| assertions(text).expect_err(text).to_string();
        insta::assert_snapshot!(refused("assert tcpi_snd_cwnd == 10"), @"`assert tcpi_snd_cwnd == 10` is not an assertion of the form assert tcpi_state == TCP_ESTABLISHED");
        insta::assert_snapshot!(refused("print tcpi_state"), @"`print tcpi_state` is not an assertion of the form assert tcpi_state == TCP_ESTABLISHED");
        insta::assert_snapshot!(refused("assert tcpi_state == 12"), @"`assert tcpi_state == 12` is not an assertion of the form assert tcpi_state == TCP_ESTABLISHED");
        insta::assert_snapshot!(refused("assert tcpi_state == 1 and tcpi_state != 2"), @"`assert tcpi_state == 1 and tcpi_state != 2` is not an assertion of the form assert tcpi_state == TCP_ESTABLISHED");
        insta::assert_snapshot!(refused("\n"), @"there is nothing in it");
    }
}
