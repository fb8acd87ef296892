//! Tokens of code into statements.

use std::collections::BTreeSet;

use super::number::Number;
use super::token::{Lexeme, SyntaxError, Token, tokens};
use super::{CodeError, Comparison, Expression, Function, Operator, Sign, Statement};
use crate::script::state::state_named;
use crate::system::info;

/// How deep brackets and signs may be nested; more than any assertion needs, less than any stack holds.
const MAX_DEPTH: usize = 16;

/// The operators of each level, from the loosest to the tightest.
const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("|", Operator::Or)],
    &[("^", Operator::ExclusiveOr)],
    &[("&", Operator::And)],
    &[("<<", Operator::ShiftLeft), (">>", Operator::ShiftRight)],
    &[("+", Operator::Plus), ("-", Operator::Minus)],
    &[("*", Operator::Times), ("/", Operator::Divide), ("//", Operator::FloorDivide), ("%", Operator::Remainder)],
];

const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
    ("<", Comparison::Less),
    ("<=", Comparison::LessOrEqual),
    (">", Comparison::Greater),
    (">=", Comparison::GreaterOrEqual),
];

type Parsed<T> = Result<T, SyntaxError>;

/// The statements of a text.
pub(super) fn statements(text: &str) -> Result<Vec<Statement>, CodeError> {
    let line = |at: usize| text[at..].lines().next().unwrap_or_default().trim().to_owned();
    let lexemes = tokens(text).map_err(|(at, problem)| CodeError::Syntax { statement: line(at), problem })?;
    let statements = lexemes.split_inclusive(|lexeme| lexeme.token == Token::End);
    let statements = statements.filter(|lexemes| lexemes.len() > 1);
    statements.map(|lexemes| Parser { text, lexemes, next: 0 }.statement()).collect()
}

/// The names that are not known without a system under test.
pub(super) fn free_names(statements: &[Statement]) -> BTreeSet<&str> {
    let (mut free, mut assigned) = (BTreeSet::new(), BTreeSet::new());
    for statement in statements {
        let (expression, assigns) = match statement {
            Statement::Assert { condition, .. } => (condition, None),
            Statement::Assign { name, value, .. } => (value, Some(name.as_str())),
            Statement::Print(_) => continue,
        };
        let mut used = BTreeSet::new();
        names_in(expression, &mut used);
        free.extend(used.into_iter().filter(|name| !assigned.contains(name) && constant(name).is_none()));
        assigned.extend(assigns);
    }
    free
}

/// The names in an expression.
pub(super) fn names_in<'a>(expression: &'a Expression, names: &mut BTreeSet<&'a str>) {
    match expression {
        Expression::Number(_) => {}
        Expression::Name(name) => {
            names.insert(name);
        }
        Expression::Signed(_, operand) => names_in(operand, names),
        Expression::Tuple(items) | Expression::Call(_, items) | Expression::All(items) | Expression::Any(items) => {
            items.iter().for_each(|item| names_in(item, names));
        }
        Expression::Chain(first, rest) => {
            names_in(first, names);
            rest.iter().for_each(|(_, operand)| names_in(operand, names));
        }
        Expression::Compare(first, rest) => {
            names_in(first, names);
            rest.iter().for_each(|(_, operand)| names_in(operand, names));
        }
    }
}

/// What a name means everywhere. States may be named as in any dialect, and have the numbers of Linux then.
pub(super) fn constant(name: &str) -> Option<i64> {
    match name {
        "True" => Some(1),
        "False" => Some(0),
        _ => info::constant(name).or_else(|| state_named(name).filter(|_| is_constant(name)).map(info::state_number)),
    }
}

/// Whether a name is written as those of constants are.
fn is_constant(name: &str) -> bool {
    name.bytes().all(|octet| octet.is_ascii_uppercase() || octet.is_ascii_digit() || octet == b'_')
}

/// One statement, the last lexeme of which is [`Token::End`].
struct Parser<'a> {
    text: &'a str,
    lexemes: &'a [Lexeme<'a>],
    next: usize,
}

impl<'a> Parser<'a> {
    fn statement(&mut self) -> Result<Statement, CodeError> {
        let whole = self.since(0).to_owned();
        let syntax = |problem| CodeError::Syntax { statement: whole.clone(), problem };
        match (self.token(), self.lexemes.get(1).map(|second| second.token)) {
            (Token::Word("assert"), _) => {
                self.next += 1;
                self.assertion().map_err(syntax)
            }
            (Token::Word("print"), _) => Ok(Statement::Print(self.since(1).to_owned())),
            (Token::Word(name), Some(Token::Symbol("="))) => {
                self.next += 2;
                let value = self.list().and_then(|value| self.end().map(|()| value)).map_err(syntax)?;
                Ok(Statement::Assign { name: name.to_owned(), value, text: whole })
            }
            _ => Err(CodeError::Statement(whole)),
        }
    }

    /// After the word `assert`. The message after a comma says nothing to a machine.
    fn assertion(&mut self) -> Parsed<Statement> {
        let first = self.next;
        let condition = self.expression(MAX_DEPTH)?;
        if matches!(condition, Expression::Tuple(_)) {
            return Err(SyntaxError::AlwaysTrue);
        }
        let text = self.text[self.lexemes[first].start..self.lexemes[self.next - 1].end].trim().to_owned();
        if self.token() != Token::Symbol(",") {
            self.end()?;
        }
        Ok(Statement::Assert { condition, text })
    }

    /// `a, b` without brackets is a tuple too.
    fn list(&mut self) -> Parsed<Expression> {
        let first = self.expression(MAX_DEPTH)?;
        if self.token() != Token::Symbol(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.accept(",") {
            items.push(self.expression(MAX_DEPTH)?);
        }
        Ok(Expression::Tuple(items))
    }

    fn expression(&mut self, depth: usize) -> Parsed<Expression> {
        let depth = depth.checked_sub(1).ok_or(SyntaxError::TooDeep)?;
        let first = self.conjunction(depth)?;
        let mut items = vec![first];
        while self.accept("||") || self.accept_word("or") {
            items.push(self.conjunction(depth)?);
        }
        Ok(single(items, Expression::Any))
    }

    fn conjunction(&mut self, depth: usize) -> Parsed<Expression> {
        let mut items = vec![self.negation(depth)?];
        while self.accept("&&") || self.accept_word("and") {
            items.push(self.negation(depth)?);
        }
        Ok(single(items, Expression::All))
    }

    fn negation(&mut self, depth: usize) -> Parsed<Expression> {
        if !self.accept_word("not") {
            return self.comparison(depth);
        }
        let depth = depth.checked_sub(1).ok_or(SyntaxError::TooDeep)?;
        Ok(Expression::Signed(Sign::Not, Box::new(self.negation(depth)?)))
    }

    fn comparison(&mut self, depth: usize) -> Parsed<Expression> {
        let first = self.level(0, depth)?;
        let mut rest = Vec::new();
        while let Some(comparison) = self.comparator() {
            rest.push((comparison, self.level(0, depth)?));
        }
        Ok(if rest.is_empty() { first } else { Expression::Compare(Box::new(first), rest) })
    }

    fn comparator(&mut self) -> Option<Comparison> {
        let (comparison, words) = match (self.token(), self.lexemes.get(self.next + 1).map(|next| next.token)) {
            (Token::Word("in"), _) => (Comparison::In, 1),
            (Token::Word("not"), Some(Token::Word("in"))) => (Comparison::NotIn, 2),
            (Token::Symbol(symbol), _) => (COMPARISONS.iter().find(|(known, _)| *known == symbol)?.1, 1),
            _ => return None,
        };
        self.next += words;
        Some(comparison)
    }

    /// The operators of one level, between operands of the next.
    fn level(&mut self, level: usize, depth: usize) -> Parsed<Expression> {
        let Some(operators) = LEVELS.get(level) else { return self.signed(depth) };
        let first = self.level(level + 1, depth)?;
        let mut rest = Vec::new();
        while let Token::Symbol(symbol) = self.token()
            && let Some((_, operator)) = operators.iter().find(|(known, _)| *known == symbol)
        {
            self.next += 1;
            rest.push((*operator, self.level(level + 1, depth)?));
        }
        Ok(if rest.is_empty() { first } else { Expression::Chain(Box::new(first), rest) })
    }

    fn signed(&mut self, depth: usize) -> Parsed<Expression> {
        let sign = match self.token() {
            Token::Symbol("-") => Sign::Minus,
            Token::Symbol("+") => Sign::Plus,
            Token::Symbol("~") => Sign::Invert,
            Token::Symbol("!") => Sign::Not,
            _ => return self.primary(depth),
        };
        self.next += 1;
        let depth = depth.checked_sub(1).ok_or(SyntaxError::TooDeep)?;
        Ok(Expression::Signed(sign, Box::new(self.signed(depth)?)))
    }

    fn primary(&mut self, depth: usize) -> Parsed<Expression> {
        match self.token() {
            Token::Number(text) => {
                self.next += 1;
                let number = Number::parse(text).ok_or_else(|| SyntaxError::Number(text.to_owned()))?;
                Ok(Expression::Number(number))
            }
            Token::Word(name) => {
                self.next += 1;
                if !self.accept("(") {
                    return Ok(Expression::Name(name.to_owned()));
                }
                let function = Function::NAMES.iter().find(|(known, _)| *known == name);
                let (_, function) =
                    function.ok_or_else(|| expected("abs, int, float, min or max before `(`", &format!("`{name}`")))?;
                Ok(Expression::Call(*function, self.items(")", depth)?.0))
            }
            Token::Symbol("(") => {
                self.next += 1;
                let (mut items, commas) = self.items(")", depth)?;
                Ok(match items.pop() {
                    Some(only) if commas == 0 => only,
                    last => Expression::Tuple(items.into_iter().chain(last).collect()),
                })
            }
            Token::Symbol("[") => {
                self.next += 1;
                Ok(Expression::Tuple(self.items("]", depth)?.0))
            }
            Token::End | Token::Text | Token::Symbol(_) => Err(expected("a number or a name", &self.found())),
        }
    }

    /// Expressions between commas up to `close`, which is consumed, and how many commas there are.
    fn items(&mut self, close: &str, depth: usize) -> Parsed<(Vec<Expression>, usize)> {
        let (mut items, mut commas) = (Vec::new(), 0);
        while !self.accept(close) {
            if items.len() > commas {
                return Err(expected("`,` or the closing bracket", &self.found()));
            }
            items.push(self.expression(depth)?);
            commas += usize::from(self.accept(","));
        }
        Ok((items, commas))
    }

    fn token(&self) -> Token<'a> {
        self.lexemes.get(self.next).map_or(Token::End, |lexeme| lexeme.token)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let there = self.token() == Token::Symbol(symbol);
        self.next += usize::from(there);
        there
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let there = self.token() == Token::Word(word);
        self.next += usize::from(there);
        there
    }

    fn end(&self) -> Parsed<()> {
        if self.token() == Token::End { Ok(()) } else { Err(expected("the end of the statement", &self.found())) }
    }

    fn found(&self) -> String {
        match self.token() {
            Token::End => "the end of the statement".to_owned(),
            Token::Text => "a text in quotes".to_owned(),
            Token::Word(text) | Token::Number(text) | Token::Symbol(text) => format!("`{text}`"),
        }
    }

    /// The text of the statement from one of its lexemes on.
    fn since(&self, lexeme: usize) -> &'a str {
        let end = self.lexemes.last().map_or(0, |end| end.start);
        let start = self.lexemes.get(lexeme).map_or(end, |lexeme| lexeme.start);
        self.text[start..end].trim()
    }
}

fn single(mut items: Vec<Expression>, several: fn(Vec<Expression>) -> Expression) -> Expression {
    match items.pop() {
        Some(only) if items.is_empty() => only,
        last => several(items.into_iter().chain(last).collect()),
    }
}

fn expected(wanted: &'static str, found: &str) -> SyntaxError {
    SyntaxError::Expected { wanted, found: found.to_owned() }
}
