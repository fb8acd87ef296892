//! TCP options.
//!
//! ```text
//! options = "<" (option ("," option)* | "...") ">"
//! option  = "eol" | "nop" | "mss" NUMBER | "wscale" NUMBER | "sackOK" | "sack" (NUMBER ":" NUMBER)*
//!         | "TS" "val" NUMBER "ecr" NUMBER | ("FO" | "FOEXP") octets | "raw" octets
//!         | ("md5" | "ECN" | "exp-" WORD | ...) whatever is before "," or ">"
//! ```

use super::super::ast::{Direction, TcpOption, TcpOptions};
use super::super::error::Problem;
use super::super::lexer::Token;
use super::{Parsed, Parser};

/// The octets that a TCP header has for options (RFC 9293 §3.1: Data Offset is four bits).
const OPTION_SPACE: usize = 40;

impl Parser<'_> {
    pub(super) fn options(&mut self, direction: Direction) -> Parsed<TcpOptions> {
        let at = self.next.at;
        if !self.accept('<')? {
            return Ok(TcpOptions::Exactly(Vec::new()));
        }
        if self.next.token == Token::Ellipsis {
            if direction == Direction::Injected {
                return Err(self.problem(Problem::Open("`<...>` are no options")));
            }
            self.advance()?;
            self.require('>', "`>`")?;
            return Ok(TcpOptions::Any);
        }
        let mut options = Vec::new();
        while !self.accept('>')? {
            if !options.is_empty() {
                self.require(',', "`,` or `>`")?;
            }
            options.push(self.option()?);
        }
        let length = options.iter().map(TcpOption::length).sum();
        if length > OPTION_SPACE {
            return Err(self.problem_at(at, Problem::OptionSpace(length)));
        }
        Ok(TcpOptions::Exactly(options))
    }

    fn option(&mut self) -> Parsed<TcpOption> {
        let Token::Word(name) = self.next.token else {
            return Err(self.expected("an option such as mss 1460"));
        };
        if matches!(name, "md5" | "MD5" | "ECN" | "AccECN" | "exp" | "mp" | "mptcp" | "AO" | "TARR") {
            return self.foreign_option();
        }
        let known = ["eol", "nop", "mss", "wscale", "sackOK", "sack", "TS", "FO", "FOEXP", "raw"]
            .iter()
            .find(|known| **known == name);
        let Some(known) = known else {
            return Err(self.expected("an option: mss, nop, eol, wscale, sackOK, sack, TS, FO, FOEXP or raw"));
        };
        self.advance()?;
        Ok(match *known {
            "eol" => TcpOption::EndOfList,
            "nop" => TcpOption::NoOperation,
            "mss" => TcpOption::MaximumSegmentSize(self.unsigned("a segment size from 0 to 65535")?),
            "wscale" => TcpOption::WindowScale(self.unsigned("a shift count from 0 to 255")?),
            "sackOK" => TcpOption::SackPermitted,
            "sack" => TcpOption::Sack(self.sack_blocks()?),
            "FO" => TcpOption::FastOpen { experimental: false, cookie: self.octets()? },
            "FOEXP" => TcpOption::FastOpen { experimental: true, cookie: self.octets()? },
            "raw" => TcpOption::Octets(self.octets()?),
            _ => self.timestamps()?,
        })
    }

    /// An option that has no meaning here, up to what ends every option, with one space where there was any.
    fn foreign_option(&mut self) -> Parsed<TcpOption> {
        let mut text = String::new();
        loop {
            let token = self.next.token;
            let (word, symbol) = match token {
                Token::Word(word) | Token::Number(word) => (word, None),
                Token::Symbol(symbol @ ('-' | '=' | ':' | '.')) => ("", Some(symbol)),
                Token::Ellipsis => ("...", None),
                _ => return Ok(TcpOption::Foreign(text)),
            };
            if !text.is_empty() && !self.next.adjacent {
                text.push(' ');
            }
            text.push_str(word);
            text.extend(symbol);
            self.advance()?;
        }
    }

    fn sack_blocks(&mut self) -> Parsed<Vec<(u32, u32)>> {
        const WANTED: &str = "a sequence number from 0 to 4294967295";
        let mut blocks = Vec::new();
        while let Token::Number(_) = self.next.token {
            let first = self.unsigned(WANTED)?;
            self.require(':', "`:` and the number after the block")?;
            blocks.push((first, self.unsigned(WANTED)?));
        }
        Ok(blocks)
    }

    fn timestamps(&mut self) -> Parsed<TcpOption> {
        const WANTED: &str = "a timestamp from 0 to 4294967295";
        if !self.accept_word("val")? {
            return Err(self.expected("`val` and a timestamp"));
        }
        let val = self.unsigned(WANTED)?;
        if !self.accept_word("ecr")? {
            return Err(self.expected("`ecr` and a timestamp"));
        }
        Ok(TcpOption::Timestamps { val, ecr: self.unsigned(WANTED)? })
    }
}
