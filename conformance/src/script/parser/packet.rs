//! Packets.
//!
//! ```text
//! packet   = ("<" | ">") flags sequence ["ack" number] ["win" NUMBER] ["urg" NUMBER] ["<" (options | "...") ">"]
//! sequence = number ":" number "(" NUMBER ")" | "..." "(" NUMBER ")"
//! number   = ["!"] NUMBER
//! ```

use super::super::ast::{Action, Direction, Flags, Packet, Sequence, TcpOption, TcpOptions};
use super::super::error::Problem;
use super::super::lexer::Token;
use super::super::value::SeqNumber;
use super::{Parsed, Parser, expected};

/// The octets that a TCP header has for options (RFC 9293 §3.1: Data Offset is four bits).
const OPTION_SPACE: usize = 40;

const FLAGS: &str = "flags such as S. or -";

impl Parser<'_> {
    pub(super) fn packet(&mut self, direction: Direction) -> Parsed<Action> {
        let start = self.advance()?.at;
        self.refuse_other_packets()?;
        let flags = self.flags()?;
        let sequence = self.sequence(direction)?;
        let ack = if self.accept_word("ack")? { Some(self.number()?) } else { None };
        let window = if self.accept_word("win")? { Some(self.unsigned("a window from 0 to 65535")?) } else { None };
        let urgent =
            if self.accept_word("urg")? { Some(self.unsigned("an urgent pointer from 0 to 65535")?) } else { None };
        let options = self.options(direction)?;
        if self.next.token == Token::Symbol('/') {
            return Err(self.beyond("encapsulation in UDP"));
        }
        if flags.contains(Flags::ACK) && ack.is_none() {
            return Err(self.problem_at(start, Problem::NoAck));
        }
        if direction == Direction::Injected && window.is_none() {
            return Err(self.problem_at(start, Problem::Open("`win` is missing")));
        }
        Ok(Action::Packet(Packet { direction, flags, sequence, ack, window, urgent, options }))
    }

    /// Names what the language also has between the direction and the flags.
    fn refuse_other_packets(&mut self) -> Parsed<()> {
        match self.next.token {
            Token::Symbol('[' | '(') => Err(self.beyond("a field of the IP header")),
            Token::Number(_) => {
                let number = self.advance()?;
                match self.next.token {
                    Token::Symbol('>') => {
                        Err(self.problem_at(number.at, Problem::Beyond("a packet with explicit ports".to_owned())))
                    }
                    _ => Err(self.problem_at(number.at, expected(FLAGS, number.token))),
                }
            }
            Token::Word(
                protocol @ ("icmp" | "icmpv6" | "udp" | "udplite" | "sctp" | "gre" | "mpls" | "ipv4" | "ipv6"),
            ) => Err(self.beyond(&format!("a packet of {protocol}"))),
            _ => Ok(()),
        }
    }

    /// One run of letters and dots without space in between, or `-`.
    fn flags(&mut self) -> Parsed<Flags> {
        if self.accept('-')? {
            return Ok(Flags::default());
        }
        let mut flags = Flags::default();
        let mut first = true;
        while first || self.next.adjacent {
            match self.next.token {
                Token::Word(letters) => {
                    flags = letters.chars().try_fold(flags, |flags, letter| self.with_flag(flags, letter))?
                }
                Token::Symbol('.') => flags = self.with_flag(flags, '.')?,
                Token::Number(_) if !first => {
                    return Err(self.beyond("a count of AccECN among the flags"));
                }
                _ if first => return Err(self.expected(FLAGS)),
                _ => break,
            }
            self.advance()?;
            first = false;
        }
        Ok(flags)
    }

    fn with_flag(&self, flags: Flags, letter: char) -> Parsed<Flags> {
        let known = Flags::LETTERS.iter().find(|(known, _)| *known == letter);
        let Some(&(_, flag)) = known else {
            let accurate_ecn = letter.is_ascii_digit();
            return Err(if accurate_ecn {
                self.beyond("a count of AccECN among the flags")
            } else {
                self.problem(Problem::Flag(letter))
            });
        };
        if flags.contains(flag) {
            return Err(self.problem(Problem::FlagTwice(letter)));
        }
        Ok(flags.with(flag))
    }

    fn sequence(&mut self, direction: Direction) -> Parsed<Sequence> {
        let at = self.next.at;
        if self.next.token == Token::Ellipsis {
            if direction == Direction::Injected {
                return Err(self.problem(Problem::Open("`...` is no sequence number")));
            }
            self.advance()?;
            return Ok(Sequence { start: None, length: self.length()? });
        }
        let start = self.number()?;
        self.require(':', "`:` and the number after the last octet")?;
        let end = self.number()?;
        let length = self.length()?;
        let sequence = Sequence { start: Some(start), length };
        let wanted = start.after(length).value;
        if end.value != wanted {
            return Err(self.problem_at(at, Problem::Length { start: start.value, end: end.value, wanted, length }));
        }
        Ok(sequence)
    }

    fn length(&mut self) -> Parsed<u16> {
        self.require('(', "`(` and a number of octets")?;
        let length = self.unsigned("a number of octets up to 65535")?;
        self.require(')', "`)`")?;
        Ok(length)
    }

    fn number(&mut self) -> Parsed<SeqNumber> {
        if self.next.token == Token::Symbol('[') {
            return Err(self.beyond("a number echoed in brackets"));
        }
        let absolute = self.accept('!')?;
        let value = self.unsigned("a sequence number from 0 to 4294967295")?;
        Ok(SeqNumber { value, absolute })
    }

    fn options(&mut self, direction: Direction) -> Parsed<TcpOptions> {
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
        if matches!(name, "FO" | "FOEXP" | "md5" | "MD5" | "ECN" | "exp" | "mp" | "AccECN") {
            return Err(self.beyond(&format!("the option {name}")));
        }
        if !matches!(name, "eol" | "nop" | "mss" | "wscale" | "sackOK" | "sack" | "TS") {
            return Err(self.expected("an option: mss, nop, eol, wscale, sackOK, sack or TS"));
        }
        self.advance()?;
        Ok(match name {
            "eol" => TcpOption::EndOfList,
            "nop" => TcpOption::NoOperation,
            "mss" => TcpOption::MaximumSegmentSize(self.unsigned("a segment size from 0 to 65535")?),
            "wscale" => TcpOption::WindowScale(self.unsigned("a shift count from 0 to 255")?),
            "sackOK" => TcpOption::SackPermitted,
            "sack" => TcpOption::Sack(self.sack_blocks()?),
            _ => self.timestamps()?,
        })
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
