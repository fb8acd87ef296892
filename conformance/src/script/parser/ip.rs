//! What a packet says of its IP header, and octets as they are.
//!
//! ```text
//! ip     = ("[" | "(") field ("," field)* ("]" | ")")
//! field  = ("ttl" | "hlim") NUMBER | ("tos" | "class") NUMBER | "flowlabel" NUMBER | ["ecn"] WORD
//! raw    = "raw" ["tcp"] "[" octets "]"
//! octets = hexadecimal digits, two for each octet, with space between octets or not
//! ```

use super::super::ast::{Action, Direction, Ecn, IpFields, Layer, Raw};
use super::super::error::Problem;
use super::super::lexer::Token;
use super::{Parsed, Parser};

impl Parser<'_> {
    /// What stands in brackets between the direction and the rest, if anything.
    pub(super) fn ip_fields(&mut self, direction: Direction) -> Parsed<IpFields> {
        let mut fields = IpFields::default();
        let close = match self.next.token {
            Token::Symbol('[') => ']',
            Token::Symbol('(') => ')',
            _ => return Ok(fields),
        };
        self.advance()?;
        loop {
            self.ip_field(&mut fields, direction)?;
            if self.accept(close)? {
                return Ok(fields);
            }
            self.require(',', "`,` or the closing bracket")?;
        }
    }

    fn ip_field(&mut self, fields: &mut IpFields, direction: Direction) -> Parsed<()> {
        let Token::Word(name) = self.next.token else {
            return Err(self.expected("a field of the IP header: ttl, tos, ect0, ect1, ect01, ce, noecn"));
        };
        let at = self.next.at;
        self.advance()?;
        let again = match name {
            "ttl" | "hlim" => fields.ttl.replace(self.integral("a time to live from 0 to 255")?).is_some(),
            "tos" | "class" => fields.tos.replace(self.integral("an octet from 0 to 255")?).is_some(),
            "flowlabel" => {
                let label: u32 = self.integral("a flow label from 0 to 0xfffff")?;
                if label > 0xf_ffff {
                    return Err(self.problem_at(at, Problem::TooBig("a flow label takes 20 bits")));
                }
                fields.flow_label.replace(label).is_some()
            }
            "ecn" => {
                let Token::Word(codepoint) = self.next.token else {
                    return Err(self.expected("ect0, ect1, ect01, ce or noecn"));
                };
                self.advance()?;
                fields.ecn.replace(self.codepoint(codepoint, direction)?).is_some()
            }
            codepoint => fields.ecn.replace(self.codepoint(codepoint, direction)?).is_some(),
        };
        if again || (fields.tos.is_some() && fields.ecn.is_some()) {
            return Err(self.problem_at(at, Problem::Twice("this field of the IP header")));
        }
        Ok(())
    }

    fn codepoint(&self, name: &str, direction: Direction) -> Parsed<Ecn> {
        match Ecn::NAMES.iter().find(|(known, _)| *known == name) {
            Some((_, Ecn::Ect01)) if direction == Direction::Injected => {
                Err(self.problem(Problem::Open("`ect01` is one of two codepoints")))
            }
            Some((_, codepoint)) => Ok(*codepoint),
            None => Err(self.problem(Problem::Expected {
                wanted: "a field of the IP header: ttl, tos, ect0, ect1, ect01, ce, noecn",
                found: format!("`{name}`"),
            })),
        }
    }

    /// After the word `raw`.
    pub(super) fn raw(&mut self, direction: Direction) -> Parsed<Action> {
        if direction == Direction::Expected {
            return Err(self.problem(Problem::RawExpected));
        }
        let layer = if self.accept_word("tcp")? { Layer::Segment } else { Layer::Datagram };
        self.require('[', "`[` and octets in hexadecimal")?;
        let octets = self.octets()?;
        self.require(']', "`]`")?;
        Ok(Action::Raw(Raw { layer, octets }))
    }

    /// Hexadecimal digits up to what is neither a word nor a number. A token may hold a part of an octet, but space may not.
    pub(super) fn octets(&mut self) -> Parsed<Vec<u8>> {
        const WANTED: &str = "octets of two hexadecimal digits each";
        let mut octets = Vec::new();
        let (mut group, mut at) = (String::new(), self.next.at);
        loop {
            let (text, more) = match self.next.token {
                Token::Word(text) | Token::Number(text) => (text, true),
                _ => ("", false),
            };
            if !more || !self.next.adjacent || group.is_empty() {
                let wrong = || self.problem_at(at, Problem::Number { text: group.clone(), wanted: WANTED });
                octets.extend(from_hexadecimal(&group).ok_or_else(wrong)?);
                (group, at) = (String::new(), self.next.at);
            }
            if !more {
                return Ok(octets);
            }
            group.push_str(text);
            self.advance()?;
        }
    }
}

fn from_hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let digits: Vec<char> = digits.chars().collect();
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high.to_digit(16)? * 16 + low.to_digit(16)?).ok(),
        _ => None,
    });
    pairs.collect()
}
