//! ICMP messages.
//!
//! ```text
//! icmp = ("icmp" | "icmpv6") (WORD | NUMBER) [WORD | "code" NUMBER] ["mtu" NUMBER] ["[" sequence "]"] ["mtu" NUMBER]
//! ```

use super::super::ast::{Action, Direction, Icmp, IcmpVersion, IpFields};
use super::super::error::Problem;
use super::super::lexer::Token;
use super::{Parsed, Parser};

impl Parser<'_> {
    /// After the word that is the version.
    pub(super) fn icmp(&mut self, direction: Direction, ip: IpFields, version: IcmpVersion) -> Parsed<Action> {
        let kind = self.icmp_name()?;
        let code = match self.next.token {
            Token::Word("mtu") => None,
            Token::Word("code") => {
                self.advance()?;
                Some(self.unsigned::<u8>("a code from 0 to 255")?.to_string())
            }
            Token::Word(_) => Some(self.icmp_name()?),
            _ => None,
        };
        let mut mtu = self.link_mtu()?;
        let quoted = if self.accept('[')? {
            if let Token::Word(protocol) = self.next.token {
                return Err(self.problem(Problem::Beyond(format!("an ICMP message about {protocol}"))));
            }
            let quoted = self.sequence(Direction::Expected)?;
            self.require(']', "`]`")?;
            Some(quoted)
        } else {
            None
        };
        if mtu.is_none() {
            mtu = self.link_mtu()?;
        }
        Ok(Action::Icmp(Icmp { direction, ip, version, kind, code, mtu, quoted }))
    }

    fn icmp_name(&mut self) -> Parsed<String> {
        let (Token::Word(name) | Token::Number(name)) = self.next.token else {
            return Err(self.expected("a type of ICMP such as unreachable"));
        };
        let name = name.to_owned();
        self.advance()?;
        Ok(name)
    }

    fn link_mtu(&mut self) -> Parsed<Option<u32>> {
        if self.accept_word("mtu")? { self.unsigned("a size in octets").map(Some) } else { Ok(None) }
    }
}
