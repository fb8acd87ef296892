//! System calls.
//!
//! ```text
//! call       = WORD arguments "=" outcome
//! arguments  = "(" [expression ("," expression)*] ")"
//! expression = primary ("|" primary)*
//! primary    = "..." | ["-"] NUMBER | WORD [arguments] | TEXT | "[" list "]" | "{" [WORD ["(" expression ")"] "="] expression, ... "}"
//! outcome    = ("?" | NUMBER | "-" NUMBER [WORD]) ["(" remark ")"]
//! ```

use super::super::ast::{Action, Call, Expression, Field, Outcome, Returned};
use super::super::error::Problem;
use super::super::lexer::Token;
use super::super::value::Errno;
use super::{Parsed, Parser};

/// How deep expressions may be nested; more than any system call needs, less than any stack holds.
const MAX_DEPTH: usize = 8;

const INTEGER: &str = "an integer of 64 bits";

impl Parser<'_> {
    pub(super) fn call(&mut self, name: &str) -> Parsed<Action> {
        self.advance()?;
        let arguments = self.arguments(MAX_DEPTH)?;
        self.require('=', "`=` and what the call returns")?;
        let outcome = self.outcome()?;
        Ok(Action::Call(Call { name: name.to_owned(), arguments, outcome }))
    }

    fn arguments(&mut self, depth: usize) -> Parsed<Vec<Expression>> {
        self.require('(', "`(` and arguments")?;
        self.list(')', depth, Self::expression)
    }

    /// Items between commas up to `close`, which is consumed.
    fn list<T>(&mut self, close: char, depth: usize, item: impl Fn(&mut Self, usize) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = Vec::new();
        while !self.accept(close)? {
            if !items.is_empty() {
                self.require(',', "`,` or the closing bracket")?;
            }
            items.push(item(self, depth)?);
        }
        Ok(items)
    }

    fn expression(&mut self, depth: usize) -> Parsed<Expression> {
        let first = self.primary(depth)?;
        if self.next.token != Token::Symbol('|') {
            return Ok(first);
        }
        let mut either = vec![first];
        while self.accept('|')? {
            either.push(self.primary(depth)?);
        }
        Ok(Expression::Either(either))
    }

    fn primary(&mut self, depth: usize) -> Parsed<Expression> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(self.problem(Problem::TooDeep));
        };
        match self.next.token {
            Token::Number(_) | Token::Symbol('-') => Ok(Expression::Integer(self.integer()?)),
            Token::Ellipsis => {
                self.advance()?;
                Ok(Expression::Ellipsis)
            }
            Token::Text(text) => {
                self.advance()?;
                Ok(Expression::Text(text.to_owned()))
            }
            Token::Word(name) => {
                self.advance()?;
                let function = self.next.token == Token::Symbol('(');
                let name = name.to_owned();
                Ok(if function { Expression::Function(name, self.arguments(depth)?) } else { Expression::Name(name) })
            }
            Token::Symbol('[') => {
                self.advance()?;
                Ok(Expression::Array(self.list(']', depth, Self::expression)?))
            }
            Token::Symbol('{') => {
                self.advance()?;
                Ok(Expression::Struct(self.list('}', depth, Self::field)?))
            }
            _ => Err(self.expected("an argument")),
        }
    }

    /// `name = value`, `name(count) = value`, or just `value`.
    fn field(&mut self, depth: usize) -> Parsed<Field> {
        let at = self.next.at;
        let first = self.expression(depth)?;
        if !self.accept('=')? {
            return Ok(Field { name: None, count: None, value: first });
        }
        let (name, mut counts) = match first {
            Expression::Name(name) => (name, Vec::new()),
            Expression::Function(name, counts) if counts.len() == 1 => (name, counts),
            Expression::Function(..)
            | Expression::Ellipsis
            | Expression::Integer(_)
            | Expression::Text(_)
            | Expression::Either(_)
            | Expression::Array(_)
            | Expression::Struct(_) => {
                let found = "something else".to_owned();
                return Err(self.problem_at(at, Problem::Expected { wanted: "the name of a field before `=`", found }));
            }
        };
        Ok(Field { name: Some(name), count: counts.pop(), value: self.expression(depth)? })
    }

    fn integer(&mut self) -> Parsed<i64> {
        let negative = self.accept('-')?;
        let Token::Number(text) = self.next.token else {
            return Err(self.expected("a number"));
        };
        let (digits, radix) = text.strip_prefix("0x").map_or((text, 10), |hex| (hex, 16));
        let signed = if negative { format!("-{digits}") } else { digits.to_owned() };
        let integer = i64::from_str_radix(&signed, radix).map_err(|_| self.wrong_number(text, INTEGER))?;
        self.advance()?;
        Ok(integer)
    }

    fn outcome(&mut self) -> Parsed<Outcome> {
        let returned = if self.accept('?')? { Returned::Any } else { self.returned()? };
        let note = match self.next.token {
            Token::Symbol('(') => {
                let note = self.lexer.remark(self.next.at)?.to_owned();
                self.next = self.lexer.next()?;
                Some(note)
            }
            _ => None,
        };
        Ok(Outcome { returned, note })
    }

    fn returned(&mut self) -> Parsed<Returned> {
        let value = self.integer()?;
        match self.next.token {
            Token::Word(name) if value == -1 => {
                self.advance()?;
                Ok(Returned::Error(Errno(name.to_owned())))
            }
            Token::Word(name) => Err(self.problem(Problem::ErrorName(name.to_owned()))),
            _ => Ok(Returned::Value(value)),
        }
    }
}
