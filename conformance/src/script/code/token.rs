//! Characters into tokens of code.

use thiserror::Error;

/// The smallest unit of meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// The end of a statement: the end of a line outside of brackets, `;`, the end of the text.
    End,
    Word(&'a str),
    Number(&'a str),
    /// A text in quotes, which has no value here.
    Text,
    Symbol(&'a str),
}

/// A token, and the octets of the text at which it begins and ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexeme<'a> {
    pub(super) token: Token<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What is wrong with a statement.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SyntaxError {
    /// A character that begins nothing.
    #[error("the character {0:?} has no meaning here")]
    Character(char),
    /// Something else than the grammar wants.
    #[error("expected {wanted}, found {found}")]
    Expected {
        /// What the grammar wants.
        wanted: &'static str,
        /// What is there.
        found: String,
    },
    /// A number that cannot be kept.
    #[error("{0} is not a number that is understood")]
    Number(String),
    /// Brackets in brackets in brackets.
    #[error("it is nested too deeply")]
    TooDeep,
    /// `assert (condition, "message")`.
    #[error("several values in brackets are always true")]
    AlwaysTrue,
    /// A quote without its partner.
    #[error("a quote is never closed")]
    Quote,
}

/// The longest come first.
const SYMBOLS: [&str; 30] = [
    "==", "!=", "<=", ">=", "<<", ">>", "&&", "||", "//", "+", "-", "*", "/", "%", "&", "|", "^", "~", "!", "<", ">",
    "=", "(", ")", "[", "]", ",", "{", "}", ":",
];

/// All tokens of a text; each statement ends with [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Lexeme<'_>>, (usize, SyntaxError)> {
    let mut lexemes: Vec<Lexeme<'_>> = Vec::new();
    let (mut at, mut brackets) = (0, 0usize);
    while let Some(first) = text[at..].chars().next() {
        let start = at;
        let (token, length) = token(&text[at..], first).map_err(|error| (at, error))?;
        at += length;
        match token {
            Some(Token::Symbol("(" | "[" | "{")) => brackets += 1,
            Some(Token::Symbol(")" | "]" | "}")) => brackets = brackets.saturating_sub(1),
            Some(Token::End) if first == '\n' && brackets > 0 => continue,
            Some(_) | None => {}
        }
        lexemes.extend(token.map(|token| Lexeme { token, start, end: at }));
    }
    lexemes.push(Lexeme { token: Token::End, start: at, end: at });
    Ok(lexemes)
}

/// The token at the start of `rest`, unless that is blank, and how many octets it takes.
fn token(rest: &str, first: char) -> Result<(Option<Token<'_>>, usize), SyntaxError> {
    let taken = |length: usize| &rest[..length];
    let run = |wanted: fn(char) -> bool| rest.find(|c| !wanted(c)).unwrap_or(rest.len());
    Ok(match first {
        '\n' | ';' => (Some(Token::End), 1),
        '#' => (None, rest.find('\n').unwrap_or(rest.len())),
        '\\' if rest.starts_with("\\\n") => (None, 2),
        blank if blank.is_whitespace() => (None, blank.len_utf8()),
        '"' | '\'' => (Some(Token::Text), quoted(rest, first)?),
        'a'..='z' | 'A'..='Z' | '_' => {
            let length = run(|c| c.is_ascii_alphanumeric() || c == '_');
            (Some(Token::Word(taken(length))), length)
        }
        '0'..='9' | '.' => {
            let length = run(|c| c.is_ascii_alphanumeric() || c == '.');
            (Some(Token::Number(taken(length))), length)
        }
        _ => {
            let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
            let symbol = symbol.ok_or(SyntaxError::Character(first))?;
            (Some(Token::Symbol(symbol)), symbol.len())
        }
    })
}

/// The length of the text in quotes at the start of `rest`.
fn quoted(rest: &str, quote: char) -> Result<usize, SyntaxError> {
    let mut escaped = false;
    for (offset, character) in rest.char_indices().skip(1) {
        match character {
            '\n' => break,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return Ok(offset + quote.len_utf8()),
            _ => {}
        }
    }
    Err(SyntaxError::Quote)
}
