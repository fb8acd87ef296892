//! What a shell would make of a text, as far as it is needed here.

/// A part of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A word, without its quotes.
    Word(String),
    /// `|`
    Pipe,
    /// `;`, `&&` or the end of a line.
    Then,
    /// `> file`. Where that is `/dev/null` it is left out: what a command prints is no part of what it means.
    Into(String),
}

impl Item {
    pub(super) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Pipe | Self::Then | Self::Into(_) => None,
        }
    }

    pub(super) fn file(&self) -> Option<&str> {
        match self {
            Self::Into(file) => Some(file),
            Self::Word(_) | Self::Pipe | Self::Then => None,
        }
    }
}

/// Why a text is no list of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotWords {
    /// A quote without its partner.
    Quote,
    /// It takes a shell: a variable, a subshell, a loop, `||`.
    Shell,
}

pub(super) fn items(text: &str) -> Result<Vec<Item>, NotWords> {
    let mut items = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (item, length) = match first {
            ';' | '\n' => (Some(Item::Then), 1),
            '&' if rest.starts_with("&&") => (Some(Item::Then), 2),
            '|' if rest.starts_with("||") => return Err(NotWords::Shell),
            '|' => (Some(Item::Pipe), 1),
            '>' | '2' if redirection(rest).is_some() => redirected(rest)?,
            // Appending, which no file of ours is for.
            '>' => return Err(NotWords::Shell),
            blank if blank.is_whitespace() => (None, blank.len_utf8()),
            _ => {
                let (word, length) = word(rest)?;
                (Some(Item::Word(word)), length)
            }
        };
        items.extend(item);
        rest = &rest[length..];
    }
    Ok(items)
}

/// The length of `>` or `2>` at the start of `text`.
fn redirection(text: &str) -> Option<usize> {
    let arrow = if text.starts_with("2>") { 2 } else { 1 };
    let is_one = text.starts_with("2>") || text.starts_with('>');
    (is_one && !text[arrow..].starts_with('>')).then_some(arrow)
}

/// `>file`, `> file` or `2>&1`, and how many octets it takes.
fn redirected(text: &str) -> Result<(Option<Item>, usize), NotWords> {
    let arrow = redirection(text).ok_or(NotWords::Shell)?;
    if text[arrow..].starts_with("&1") {
        return Ok((None, arrow + 2));
    }
    let blank = text[arrow..].len() - text[arrow..].trim_start_matches(' ').len();
    let (file, length) = word(&text[arrow + blank..])?;
    match (file.as_str(), arrow) {
        ("/dev/null", _) => Ok((None, arrow + blank + length)),
        ("", _) | (_, 2) => Err(NotWords::Shell),
        _ => Ok((Some(Item::Into(file)), arrow + blank + length)),
    }
}

/// The word at the start of `text`, without its quotes, and how many octets of `text` it takes.
fn word(text: &str) -> Result<(String, usize), NotWords> {
    let mut word = String::new();
    let mut quote = None;
    for (offset, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, ';' | '|' | '>') => return Ok((word, offset)),
            (None, '&') if text[offset..].starts_with("&&") => return Ok((word, offset)),
            (None, blank) if blank.is_whitespace() => return Ok((word, offset)),
            (None, '&' | '<' | '(' | ')' | '{' | '}' | '*' | '?' | '#' | '~') => return Err(NotWords::Shell),
            (None | Some('"'), '$' | '\\') => return Err(NotWords::Shell),
            (_, character) => word.push(character),
        }
    }
    if quote.is_some() { Err(NotWords::Quote) } else { Ok((word, text.len())) }
}
