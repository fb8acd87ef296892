//! What blocks of code mean: assertions about `tcpi_` fields, written in the common part of Python and C.
//!
//! packetdrill hands a block to Python, after a line `tcpi_x = ...` for each field of `struct tcp_info`. Here a small language of
//! exact numbers is read instead; what is not in it is an error that names the words at fault.
//!
//! ```text
//! program    = statement ((newline | ";") statement)*
//! statement  = "assert" expression ["," message] | NAME "=" expression | "print" anything
//! expression = "or" "||" < "and" "&&" < "not" < == != < <= > >= in < | < ^ < & < << >> < + - < * / // % < unary - + ~ !
//! primary    = NUMBER | NAME | ("abs" | "int" | "float" | "min" | "max") "(" list ")" | "(" list ")" | "[" list "]"
//! ```

mod evaluate;
mod number;
mod parse;
#[cfg(test)]
mod tests;
mod token;

use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;

pub use self::number::Number;
use self::token::SyntaxError;

/// A block of code that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    statements: Vec<Statement>,
}

impl Program {
    /// Runs it. `look_up` tells what a name such as `tcpi_snd_cwnd` means, if the system under test tells that. Returns what it
    /// prints, as written: nothing of it is evaluated.
    ///
    /// # Errors
    ///
    /// [`Failure`] says which statement failed and why.
    pub fn run(&self, look_up: &dyn Fn(&str) -> Option<i64>) -> Result<Vec<&str>, Failure> {
        evaluate::run(&self.statements, look_up)
    }

    /// The names that it will look up.
    pub fn names(&self) -> BTreeSet<&str> {
        parse::free_names(&self.statements)
    }
}

/// What the text of a block means.
pub(super) fn program(text: &str) -> Result<Program, CodeError> {
    let program = Program { statements: parse::statements(text)? };
    let unknown = program.names().into_iter().find(|name| !name.starts_with("tcpi_")).map(str::to_owned);
    match unknown {
        Some(name) => Err(CodeError::Name(name)),
        None if program.statements.is_empty() => Err(CodeError::Empty),
        None => Ok(program),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Statement {
    Assert {
        condition: Expression,
        /// The condition as written.
        text: String,
    },
    Assign {
        name: String,
        value: Expression,
        text: String,
    },
    Print(String),
}

/// Operators of one level stand in one flat list, however many there are: only brackets and signs nest.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expression {
    Number(Number),
    Name(String),
    Tuple(Vec<Expression>),
    Call(Function, Vec<Expression>),
    Signed(Sign, Box<Expression>),
    /// `a + b - c`, from left to right.
    Chain(Box<Expression>, Vec<(Operator, Expression)>),
    /// `a < b <= c`, which is `a < b and b <= c`.
    Compare(Box<Expression>, Vec<(Comparison, Expression)>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Absolute,
    Integer,
    Float,
    Least,
    Greatest,
}

impl Function {
    const NAMES: [(&str, Self); 5] = [
        ("abs", Self::Absolute),
        ("int", Self::Integer),
        ("float", Self::Float),
        ("min", Self::Least),
        ("max", Self::Greatest),
    ];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus,
    Invert,
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    ExclusiveOr,
    And,
    ShiftLeft,
    ShiftRight,
    Plus,
    Minus,
    Times,
    Divide,
    FloorDivide,
    Remainder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// Why a block of code has no meaning here.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CodeError {
    /// There is nothing in it.
    #[error("there is nothing in it")]
    Empty,
    /// Not in the language.
    #[error("`{0}` is not an assertion, an assignment or a print that is understood")]
    Statement(String),
    /// Not in the language, at one place of a statement.
    #[error("in `{statement}`: {problem}")]
    Syntax {
        /// The statement.
        statement: String,
        /// What is wrong with it.
        problem: SyntaxError,
    },
    /// A name that is neither assigned nor a field.
    #[error(
        "`{0}` is not a name that is known here: tcpi_ fields, the constants of TCP_INFO and what was assigned are"
    )]
    Name(String),
}

/// Why a program failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// An assertion does not hold.
    False {
        /// It, as written.
        assertion: String,
        /// The names in it, and what they mean.
        values: Vec<(String, String)>,
    },
    /// The system under test does not tell what this name means.
    Unknown(String),
    /// There is no result.
    Arithmetic {
        /// The statement, as written.
        statement: String,
        /// Why not.
        why: &'static str,
    },
}

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::False { assertion, values } => {
                write!(f, "`{assertion}` does not hold")?;
                values.iter().enumerate().try_for_each(|(index, (name, value))| {
                    write!(f, "{} {name} is {value}", if index == 0 { ":" } else { "," })
                })
            }
            Self::Unknown(name) => write!(f, "this system does not tell {name}"),
            Self::Arithmetic { statement, why } => write!(f, "`{statement}` has no result: {why}"),
        }
    }
}
