//! Characters into tokens, one at a time, with their places.
//!
//! The lexer is driven by the parser and looks no further than the token it is asked for, because the meaning of characters
//! depends on where they stand: the remark in `-1 ECONNREFUSED (Connection refused)` is free text.

use super::conditions::Conditions;
use super::error::{ParseError, Problem};
use super::value::Position;

/// The characters that are tokens by themselves.
const SYMBOLS: &str = "+-*~<>()[]{},=:|?!./";

/// The smallest unit of meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// The end of the text.
    End,
    /// Letters, digits and `_`, beginning with no digit.
    Word(&'a str),
    /// `10`, `0.1`, `.1` or `0x10`, as written.
    Number(&'a str),
    /// What stands between quotes.
    Text(&'a str),
    /// What stands between backticks.
    Command(&'a str),
    /// What stands between `%{` and `}%`.
    Code(&'a str),
    /// `--name` or `--name=value`.
    Option(&'a str, Option<&'a str>),
    /// `...`
    Ellipsis,
    /// Any of [`SYMBOLS`].
    Symbol(char),
}

impl Token<'_> {
    /// What to call it in a sentence.
    pub(super) fn describe(self) -> String {
        match self {
            Self::End => "the end of the script".to_owned(),
            Self::Word(text) | Self::Number(text) => format!("`{text}`"),
            Self::Text(_) => "a text in quotes".to_owned(),
            Self::Command(_) => "a command in backticks".to_owned(),
            Self::Code(_) => "a block of code".to_owned(),
            Self::Option(name, _) => format!("the option --{name}"),
            Self::Ellipsis => "`...`".to_owned(),
            Self::Symbol(symbol) => format!("`{symbol}`"),
        }
    }
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexeme<'a> {
    /// The token.
    pub(super) token: Token<'a>,
    /// Where it begins.
    pub(super) at: Position,
    /// Whether it follows the previous token without any space or comment.
    pub(super) adjacent: bool,
}

/// Reads tokens off a text.
pub(super) struct Lexer<'a> {
    file: &'a str,
    text: &'a str,
    rest: &'a str,
    at: Position,
    conditions: Conditions,
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of `text`, which errors will call `file`.
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, rest: text, at: Position::START, conditions: Conditions::default() }
    }

    /// From here on `name` is defined for `#ifdef`.
    pub(super) fn define(&mut self, name: &str) {
        self.conditions.define(name);
    }

    /// The next token; [`Token::End`] again and again at the end.
    pub(super) fn next(&mut self) -> Result<Lexeme<'a>, ParseError> {
        let before = self.rest.len();
        self.skip_blank()?;
        let (at, adjacent) = (self.at, self.rest.len() == before);
        let token = self.token(at)?;
        Ok(Lexeme { token, at, adjacent })
    }

    /// The text up to the next `)` on this line, which is consumed; the `(` before it already is, at `opened`.
    pub(super) fn remark(&mut self, opened: Position) -> Result<&'a str, ParseError> {
        match self.rest.find([')', '\n']) {
            Some(end) if self.rest[end..].starts_with(')') => {
                let remark = self.take(end);
                self.take(1);
                Ok(remark)
            }
            Some(_) | None => Err(self.error(opened, Problem::Unclosed("remark"))),
        }
    }

    /// The error that `problem` at `at` is.
    pub(super) fn error(&self, at: Position, problem: Problem) -> ParseError {
        let line = self.text.split('\n').nth(at.line - 1).unwrap_or("").to_owned();
        ParseError { file: self.file.to_owned(), at, line, problem }
    }

    fn token(&mut self, at: Position) -> Result<Token<'a>, ParseError> {
        let Some(first) = self.rest.chars().next() else {
            return Ok(Token::End);
        };
        let mut ahead = self.rest.chars().skip(1);
        let second = ahead.next().unwrap_or(' ');
        let token = match first {
            '`' => Token::Command(self.enclosed("`", "`", at, "command")?),
            '"' => Token::Text(self.quoted(at)?),
            '%' if second == '{' => Token::Code(self.enclosed("%{", "}%", at, "block of code")?),
            '-' if second == '-' && ahead.next().is_some_and(|c| c.is_ascii_alphabetic()) => self.option(),
            '.' if self.rest.starts_with("...") => {
                self.take(3);
                Token::Ellipsis
            }
            '.' if second.is_ascii_digit() => Token::Number(self.number()),
            '0'..='9' => Token::Number(self.number()),
            'a'..='z' | 'A'..='Z' | '_' => Token::Word(self.take_while(|c| c.is_ascii_alphanumeric() || c == '_')),
            symbol if SYMBOLS.contains(symbol) => {
                self.take(symbol.len_utf8());
                Token::Symbol(symbol)
            }
            other => return Err(self.error(at, Problem::Character(other))),
        };
        Ok(token)
    }

    fn number(&mut self) -> &'a str {
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if let Some(hex) = self.rest.strip_prefix("0x") {
            let length = hex.len() - hex.trim_start_matches(|c: char| c.is_ascii_hexdigit()).len();
            return self.take(2 + length);
        }
        let whole = digits(self.rest);
        let fraction = self.rest[whole..].strip_prefix('.').map_or(0, digits);
        self.take(if fraction == 0 { whole } else { whole + 1 + fraction })
    }

    fn option(&mut self) -> Token<'a> {
        self.take(2);
        let name = self.take_while(|c| c != '=' && !c.is_whitespace());
        if !self.rest.starts_with('=') {
            return Token::Option(name, None);
        }
        self.take(1);
        Token::Option(name, Some(self.take_while(|c| !c.is_whitespace())))
    }

    /// What stands between `open`, which is next, and `close`.
    fn enclosed(&mut self, open: &str, close: &str, at: Position, what: &'static str) -> Result<&'a str, ParseError> {
        self.take(open.len());
        let end = self.rest.find(close).ok_or_else(|| self.error(at, Problem::Unclosed(what)))?;
        let inside = self.take(end);
        self.take(close.len());
        Ok(inside)
    }

    /// What stands between two quotes on one line. A backslash keeps the quote after it from closing.
    fn quoted(&mut self, at: Position) -> Result<&'a str, ParseError> {
        self.take(1);
        let mut escaped = false;
        let inside = self.take_while(|c| {
            let more = c != '\n' && (escaped || c != '"');
            escaped = !escaped && c == '\\';
            more
        });
        if !self.rest.starts_with('"') {
            return Err(self.error(at, Problem::Unclosed("text")));
        }
        self.take(1);
        Ok(inside)
    }

    /// Skips space and comments.
    fn skip_blank(&mut self) -> Result<(), ParseError> {
        loop {
            self.take_while(char::is_whitespace);
            if self.rest.starts_with('#') {
                self.hash()?;
            } else if self.rest.starts_with("//") {
                self.take_while(|c| c != '\n');
            } else if self.rest.starts_with("/*") {
                self.enclosed("/*", "*/", self.at, "comment")?;
            } else if self.rest.is_empty() {
                return self.conditions.end().map_err(|(at, problem)| self.error(at, problem));
            } else {
                return Ok(());
            }
        }
    }

    /// A comment, or an instruction to the preprocessor where it is the first thing on its line.
    fn hash(&mut self) -> Result<(), ParseError> {
        let at = self.at;
        let read = self.text.len() - self.rest.len();
        let is_first = self.text[..read].chars().rev().take_while(|c| *c != '\n').all(char::is_whitespace);
        let line = self.take_while(|c| c != '\n');
        if !is_first {
            return Ok(());
        }
        self.conditions.line(line, at).map_err(|problem| self.error(at, problem))?;
        while !self.conditions.hold() && !self.rest.is_empty() {
            self.take(1);
            self.take_while(|c| c != '\n' && c.is_whitespace());
            let at = self.at;
            let line = self.take_while(|c| c != '\n');
            self.conditions.line(line, at).map_err(|problem| self.error(at, problem))?;
        }
        Ok(())
    }

    fn take_while(&mut self, mut wanted: impl FnMut(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        self.take(end)
    }

    /// Consumes `length` octets, which end between two characters, and moves the place along.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        for character in taken.chars() {
            if character == '\n' {
                self.at = Position { line: self.at.line + 1, column: 1 };
            } else {
                self.at.column += 1;
            }
        }
        self.rest = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        let mut lexer = Lexer::new("test", text);
        let mut tokens = Vec::new();
        loop {
            match lexer.next().expect("lexes").token {
                Token::End => return tokens,
                token => tokens.push(token),
            }
        }
    }

    #[test]
    fn dots_are_decimals_ellipses_or_flags() {
        use Token::{Ellipsis, Number, Symbol, Word};
        assert_eq!(tokens("+.1"), [Symbol('+'), Number(".1")]);
        assert_eq!(tokens("0.1...0.2"), [Number("0.1"), Ellipsis, Number("0.2")]);
        assert_eq!(tokens("0...1"), [Number("0"), Ellipsis, Number("1")]);
        assert_eq!(tokens("S. 1"), [Word("S"), Symbol('.'), Number("1")]);
        assert_eq!(tokens(". 1"), [Symbol('.'), Number("1")]);
        assert_eq!(tokens("...(10)"), [Ellipsis, Symbol('('), Number("10"), Symbol(')')]);
    }

    #[test]
    fn blocks_keep_their_text() {
        assert_eq!(tokens("`a; b\n c`"), [Token::Command("a; b\n c")]);
        assert_eq!(tokens("%{ a }%"), [Token::Code(" a ")]);
        assert_eq!(tokens(r#""a\"b" "\\""#), [Token::Text(r#"a\"b"#), Token::Text(r"\\")]);
        assert_eq!(
            tokens("--a=b:c --d 0"),
            [Token::Option("a", Some("b:c")), Token::Option("d", None), Token::Number("0")]
        );
        assert_eq!(tokens("0x1F -1"), [Token::Number("0x1F"), Token::Symbol('-'), Token::Number("1")]);
    }

    #[test]
    fn comments_are_blank_and_places_are_kept() {
        let mut lexer = Lexer::new("test", "// one\n# two `\n /* three\n */ é");
        let error = lexer.next().expect_err("é is no token");
        assert_eq!((error.at, error.problem), (Position { line: 4, column: 5 }, Problem::Character('é')));
        let mut lexer = Lexer::new("test", "a/**/b c.");
        let adjacency: Vec<bool> = (0..4).map(|_| lexer.next().expect("lexes").adjacent).collect();
        assert_eq!(adjacency, [true, false, false, true]);
    }
}
