//! Packets.
//!
//! ```text
//! packet   = ("<" | ">") [ip] ([ports] segment | icmp | raw)
//! segment  = flags sequence ["ack" (number | "...")] ["win" NUMBER] ["urg" NUMBER] [options] ["/" "udp" "(" ports ")"] [spoiled]
//! ports    = NUMBER ">" NUMBER
//! sequence = number ":" number "(" NUMBER ")" | "..." ["(" NUMBER ")"]
//! number   = ["!"] NUMBER
//! spoiled  = "[" spoil ("," spoil)* "]"
//! spoil    = "bad" "checksum" | "data" "offset" NUMBER | "reserved" NUMBER | "cut" NUMBER
//! ```

use super::super::ast::{Action, Direction, Flags, IcmpVersion, IpFields, Packet, Ports, Sequence, Spoil};
use super::super::error::Problem;
use super::super::lexer::Token;
use super::super::value::{Position, SeqNumber};
use super::{Parsed, Parser};

const FLAGS: &str = "flags such as S. or -";

/// The flags that make up the counter of AccECN (RFC 9768 §3.1.2), the highest bit first.
const ACE: [(u32, Flags); 3] = [(4, Flags::AE), (2, Flags::CWR), (1, Flags::ECE)];

impl Parser<'_> {
    pub(super) fn packet(&mut self, direction: Direction) -> Parsed<Action> {
        let at = self.advance()?.at;
        let ip = self.ip_fields(direction)?;
        let Token::Word(protocol) = self.next.token else { return self.segment(direction, ip, at) };
        match protocol {
            "icmp" => {
                self.advance()?;
                self.icmp(direction, ip, IcmpVersion::V4)
            }
            "icmpv6" => {
                self.advance()?;
                self.icmp(direction, ip, IcmpVersion::V6)
            }
            "raw" if ip == IpFields::default() => {
                self.advance()?;
                self.raw(direction)
            }
            "udp" | "udplite" | "sctp" | "gre" | "mpls" | "ipv4" | "ipv6" => {
                Err(self.beyond(&format!("a packet of {protocol}")))
            }
            _ => self.segment(direction, ip, at),
        }
    }

    /// A segment of a packet that begins at `start`.
    fn segment(&mut self, direction: Direction, ip: IpFields, start: Position) -> Parsed<Action> {
        let (ports, flags) = self.ports_and_flags()?;
        let sequence = self.sequence(direction)?;
        let acknowledges = self.accept_word("ack")?;
        let ack = if acknowledges { self.acknowledgment(direction)? } else { None };
        let window = if self.accept_word("win")? { Some(self.unsigned("a window from 0 to 65535")?) } else { None };
        let urgent =
            if self.accept_word("urg")? { Some(self.unsigned("an urgent pointer from 0 to 65535")?) } else { None };
        let options = self.options(direction)?;
        let udp = if self.accept('/')? { Some(self.encapsulation()?) } else { None };
        let spoiled = self.spoiled(direction)?;
        if flags.contains(Flags::ACK) && !acknowledges {
            return Err(self.problem_at(start, Problem::NoAck));
        }
        if direction == Direction::Injected && window.is_none() {
            return Err(self.problem_at(start, Problem::Open("`win` is missing")));
        }
        Ok(Action::Packet(Packet { direction, ip, ports, flags, sequence, ack, window, urgent, options, udp, spoiled }))
    }

    /// Both may begin with a number: `5000 > 8080 S` has ports, `5.` a counter of AccECN.
    fn ports_and_flags(&mut self) -> Parsed<(Option<Ports>, Flags)> {
        let Token::Number(digits) = self.next.token else { return Ok((None, self.flags()?)) };
        let first = self.advance()?;
        if self.next.token == Token::Symbol(':') {
            return Err(self.problem_at(first.at, super::expected(FLAGS, first.token)));
        }
        if self.next.token != Token::Symbol('>') {
            let flags = self.flags_in(Flags::default(), digits, first.at)?;
            return Ok((None, self.further_flags(flags)?));
        }
        let source = digits.parse().map_err(|_| {
            self.problem_at(first.at, Problem::Number { text: digits.to_owned(), wanted: "a port from 0 to 65535" })
        })?;
        self.advance()?;
        let ports = Ports { source, destination: self.unsigned("a port from 0 to 65535")? };
        Ok((Some(ports), self.flags()?))
    }

    /// One run of letters, digits and dots without space in between, or `-`.
    fn flags(&mut self) -> Parsed<Flags> {
        if self.accept('-')? {
            return Ok(Flags::default());
        }
        let (at, text) = match self.next.token {
            Token::Word(text) | Token::Number(text) => (self.next.at, text),
            Token::Symbol('.') => (self.next.at, "."),
            _ => return Err(self.expected(FLAGS)),
        };
        self.advance()?;
        let flags = self.flags_in(Flags::default(), text, at)?;
        self.further_flags(flags)
    }

    fn further_flags(&mut self, mut flags: Flags) -> Parsed<Flags> {
        while self.next.adjacent {
            let text = match self.next.token {
                Token::Word(text) | Token::Number(text) => text,
                Token::Symbol('.') => ".",
                _ => break,
            };
            flags = self.flags_in(flags, text, self.next.at)?;
            self.advance()?;
        }
        Ok(flags)
    }

    fn flags_in(&self, flags: Flags, text: &str, at: Position) -> Parsed<Flags> {
        text.chars().try_fold(flags, |flags, letter| {
            let added = match letter.to_digit(10) {
                Some(counter @ 0..=7) => ACE
                    .iter()
                    .filter(|(bit, _)| counter & bit != 0)
                    .fold(Flags::default(), |flags, (_, flag)| flags.with(*flag)),
                Some(_) | None => match Flags::LETTERS.iter().find(|(known, _)| *known == letter) {
                    Some((_, flag)) => *flag,
                    None => return Err(self.problem_at(at, Problem::Flag(letter))),
                },
            };
            if flags.bits() & added.bits() != 0 {
                return Err(self.problem_at(at, Problem::FlagTwice(letter)));
            }
            Ok(flags.with(added))
        })
    }

    pub(super) fn sequence(&mut self, direction: Direction) -> Parsed<Sequence> {
        let at = self.next.at;
        if self.next.token == Token::Ellipsis {
            if direction == Direction::Injected {
                return Err(self.problem(Problem::Open("`...` is no sequence number")));
            }
            self.advance()?;
            let length = if self.next.token == Token::Symbol('(') { Some(self.length()?) } else { None };
            return Ok(Sequence { start: None, length });
        }
        let start = self.number()?;
        self.require(':', "`:` and the number after the last octet")?;
        let end = self.number()?;
        let length = self.length()?;
        let wanted = start.after(length).value;
        if end.value != wanted {
            return Err(self.problem_at(at, Problem::Length { start: start.value, end: end.value, wanted, length }));
        }
        Ok(Sequence::new(start, length))
    }

    fn length(&mut self) -> Parsed<u16> {
        self.require('(', "`(` and a number of octets")?;
        let length = self.unsigned("a number of octets up to 65535")?;
        self.require(')', "`)`")?;
        Ok(length)
    }

    fn number(&mut self) -> Parsed<SeqNumber> {
        let absolute = self.accept('!')?;
        let value = self.unsigned("a sequence number from 0 to 4294967295")?;
        Ok(SeqNumber { value, absolute })
    }

    fn acknowledgment(&mut self, direction: Direction) -> Parsed<Option<SeqNumber>> {
        if self.next.token != Token::Ellipsis {
            return self.number().map(Some);
        }
        if direction == Direction::Injected {
            return Err(self.problem(Problem::Open("`...` is no acknowledgment number")));
        }
        self.advance()?;
        Ok(None)
    }

    /// After the `/`.
    fn encapsulation(&mut self) -> Parsed<Ports> {
        if !self.accept_word("udp")? {
            return Err(self.expected("`udp`"));
        }
        self.require('(', "`(` and two ports")?;
        let source = self.unsigned("a port from 0 to 65535")?;
        self.require('>', "`>`")?;
        let destination = self.unsigned("a port from 0 to 65535")?;
        self.require(')', "`)`")?;
        Ok(Ports { source, destination })
    }

    fn spoiled(&mut self, direction: Direction) -> Parsed<Vec<Spoil>> {
        let mut spoiled = Vec::new();
        if self.next.token != Token::Symbol('[') {
            return Ok(spoiled);
        }
        if direction == Direction::Expected {
            return Err(self.problem(Problem::SpoiledExpected));
        }
        self.advance()?;
        loop {
            spoiled.push(self.spoil()?);
            if self.accept(']')? {
                return Ok(spoiled);
            }
            self.require(',', "`,` or `]`")?;
        }
    }

    fn spoil(&mut self) -> Parsed<Spoil> {
        let at = self.next.at;
        if self.accept_word("bad")? && self.accept_word("checksum")? {
            return Ok(Spoil::Checksum);
        }
        if self.accept_word("cut")? {
            return Ok(Spoil::Cut(self.unsigned("a number of octets up to 65535")?));
        }
        let (spoil, greatest): (fn(u8) -> Spoil, u8) = if self.accept_word("data")? && self.accept_word("offset")? {
            (Spoil::DataOffset, 15)
        } else if self.accept_word("reserved")? {
            (Spoil::Reserved, 7)
        } else {
            return Err(self.expected("what is wrong: bad checksum, data offset, reserved or cut"));
        };
        match self.unsigned("a small number")? {
            value if value <= greatest => Ok(spoil(value)),
            _ => {
                Err(self.problem_at(at, Problem::TooBig("a data offset takes four bits, the reserved bits are three")))
            }
        }
    }
}
