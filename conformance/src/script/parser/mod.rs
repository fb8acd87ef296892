//! Tokens into a syntax tree, by recursive descent with one token of lookahead.
//!
//! ```text
//! script = option* event*
//! event  = time (packet | call | command | code) | command
//! time   = "*" | ["+"] NUMBER [("~" | "...") ["+"] NUMBER]
//! ```

mod call;
mod icmp;
mod ip;
mod option;
mod packet;
mod setting;

use std::time::Duration;

use super::ast::{Action, Base, Code, Command, Direction, Event, Script, When};
use super::error::{ParseError, Problem};
use super::lexer::{Lexeme, Lexer, Token};
use super::value::{self, Position};

/// Parses the script `text`; `name`, usually the path of its file, is what its errors will call it.
///
/// # Errors
///
/// The first place that is not in the language, or that is in a part of it which is not supported
/// ([`ParseError::is_unsupported`]). What parses may still hold something without a meaning: see [`Script::unsupported`].
pub fn parse(name: &str, text: &str) -> Result<Script, ParseError> {
    parse_with(name, text, &[])
}

/// Parses a script of which `#ifdef` picks the parts: `defines` are the names that are defined, as by `-D NAME`.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_with(name: &str, text: &str, defines: &[String]) -> Result<Script, ParseError> {
    let mut lexer = Lexer::new(name, text);
    defines.iter().for_each(|name| lexer.define(name));
    let next = lexer.next()?;
    Parser { lexer, next }.script(name)
}

/// The lexer and the token that comes next.
struct Parser<'a> {
    lexer: Lexer<'a>,
    next: Lexeme<'a>,
}

type Parsed<T> = Result<T, ParseError>;

impl<'a> Parser<'a> {
    fn script(&mut self, name: &str) -> Parsed<Script> {
        let mut script = Script { name: name.to_owned(), settings: Vec::new(), events: Vec::new() };
        while let Token::Option(name, value) = self.next.token {
            script.settings.push(self.setting(name, value)?);
        }
        loop {
            match self.next.token {
                Token::End => return Ok(script),
                Token::Option(..) => return Err(self.problem(Problem::LateOption)),
                _ => script.events.push(self.event()?),
            }
        }
    }

    fn event(&mut self) -> Parsed<Event> {
        let at = self.next.at;
        // Google's suite prepares the system with a command that has no time.
        let when = match self.next.token {
            Token::Command(_) => When::At { base: Base::Previous, time: Duration::ZERO },
            _ => self.when()?,
        };
        let action_at = self.next.at;
        let action = self.action()?;
        if matches!(when, When::Blocking { .. }) && !matches!(action, Action::Call(_)) {
            return Err(self.problem_at(action_at, Problem::NotBlocking));
        }
        Ok(Event { at, when, action })
    }

    fn when(&mut self) -> Parsed<When> {
        if self.accept('*')? {
            return Ok(When::Any);
        }
        let at = self.next.at;
        let base = self.base()?;
        let from = self.time()?;
        let blocking = self.next.token == Token::Ellipsis;
        let when = if blocking {
            self.advance()?;
            self.second_base(base, at)?;
            When::Blocking { base, from, until: self.time()? }
        } else if self.accept('~')? {
            self.second_base(base, at)?;
            When::Between { base, from, until: self.time()? }
        } else {
            When::At { base, time: from }
        };
        match when {
            When::Between { from, until, .. } | When::Blocking { from, until, .. } if until < from => {
                Err(self.problem_at(at, Problem::Backwards))
            }
            When::Any | When::At { .. } | When::Between { .. } | When::Blocking { .. } => Ok(when),
        }
    }

    fn base(&mut self) -> Parsed<Base> {
        Ok(if self.accept('+')? { Base::Previous } else { Base::Start })
    }

    /// The end of a range counts from where its start does, whether or not its `+` is repeated.
    fn second_base(&mut self, base: Base, at: Position) -> Parsed<()> {
        match (base, self.base()?) {
            (Base::Start, Base::Previous) => Err(self.problem_at(at, Problem::MixedRange)),
            (Base::Start, Base::Start) | (Base::Previous, _) => Ok(()),
        }
    }

    fn time(&mut self) -> Parsed<Duration> {
        let Token::Number(digits) = self.next.token else {
            return Err(self.expected("a time such as 0.1 or +0.1"));
        };
        let time = value::seconds(digits)
            .ok_or_else(|| self.wrong_number(digits, "a time in seconds with at most nine decimals"))?;
        self.advance()?;
        Ok(time)
    }

    fn action(&mut self) -> Parsed<Action> {
        match self.next.token {
            Token::Symbol('<') => self.packet(Direction::Injected),
            Token::Symbol('>') => self.packet(Direction::Expected),
            Token::Word(name) => self.call(name),
            Token::Command(text) => {
                self.advance()?;
                Ok(Action::Command(Command { text: text.to_owned() }))
            }
            Token::Code(text) => {
                self.advance()?;
                Ok(Action::Code(Code { text: text.to_owned() }))
            }
            _ => Err(self.expected("a packet (< or >), a system call, a `command` or %{ code }%")),
        }
    }

    /// The token that was next, now behind.
    fn advance(&mut self) -> Parsed<Lexeme<'a>> {
        let following = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.next, following))
    }

    /// Whether `symbol` was next; then it is behind.
    fn accept(&mut self, symbol: char) -> Parsed<bool> {
        let there = self.next.token == Token::Symbol(symbol);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    /// Whether the word `word` was next; then it is behind.
    fn accept_word(&mut self, word: &str) -> Parsed<bool> {
        let there = self.next.token == Token::Word(word);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    fn require(&mut self, symbol: char, wanted: &'static str) -> Parsed<()> {
        if self.accept(symbol)? { Ok(()) } else { Err(self.expected(wanted)) }
    }

    /// An unsigned integer, decimal, that `T` holds.
    fn unsigned<T: std::str::FromStr>(&mut self, wanted: &'static str) -> Parsed<T> {
        let Token::Number(digits) = self.next.token else {
            return Err(self.expected(wanted));
        };
        let number = self.parsed(digits, wanted)?;
        self.advance()?;
        Ok(number)
    }

    /// An unsigned integer, decimal or hexadecimal, that `T` holds.
    fn integral<T: TryFrom<u64>>(&mut self, wanted: &'static str) -> Parsed<T> {
        let Token::Number(text) = self.next.token else {
            return Err(self.expected(wanted));
        };
        let (digits, radix) = text.strip_prefix("0x").map_or((text, 10), |hex| (hex, 16));
        let number = u64::from_str_radix(digits, radix).ok().and_then(|number| T::try_from(number).ok());
        let number = number.ok_or_else(|| self.wrong_number(text, wanted))?;
        self.advance()?;
        Ok(number)
    }

    fn parsed<T: std::str::FromStr>(&self, digits: &str, wanted: &'static str) -> Parsed<T> {
        digits.parse().map_err(|_| self.wrong_number(digits, wanted))
    }

    fn wrong_number(&self, text: &str, wanted: &'static str) -> ParseError {
        self.problem(Problem::Number { text: text.to_owned(), wanted })
    }

    fn expected(&self, wanted: &'static str) -> ParseError {
        self.problem(expected(wanted, self.next.token))
    }

    fn beyond(&self, what: &str) -> ParseError {
        self.problem(Problem::Beyond(what.to_owned()))
    }

    /// The error that `problem` with the next token is.
    fn problem(&self, problem: Problem) -> ParseError {
        self.lexer.error(self.next.at, problem)
    }

    fn problem_at(&self, at: Position, problem: Problem) -> ParseError {
        self.lexer.error(at, problem)
    }
}

fn expected(wanted: &'static str, found: Token<'_>) -> Problem {
    Problem::Expected { wanted, found: found.describe() }
}

#[cfg(test)]
mod tests;
