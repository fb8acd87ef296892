//! What ICMP errors say about a segment of ours.

use std::fmt;
use std::net::Ipv4Addr;

use crate::drops::DropReason;
use crate::wire::{Ipv4Packet, Protocol, TcpQuote, UnreachableCode};

/// A segment of ours did not arrive, as a router or the other host says (RFC 792), or as the link found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unreachable {
    /// Why.
    pub code: UnreachableCode,
}

impl Unreachable {
    /// The neighbour does not answer.
    pub(crate) const SILENT_NEIGHBOUR: Unreachable = Unreachable { code: UnreachableCode::HOST };

    /// Whether the destination itself says that it will never work: protocol or port unreachable (RFC 1122 §4.2.3.9).
    /// All others may pass ("MUST NOT abort", RFC 9293 MUST-56).
    #[must_use]
    pub fn is_hard(self) -> bool {
        self.code == UnreachableCode::PROTOCOL || self.code == UnreachableCode::PORT
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            UnreachableCode::NET => f.write_str("network unreachable"),
            UnreachableCode::HOST => f.write_str("host unreachable"),
            UnreachableCode::PROTOCOL => f.write_str("protocol unreachable"),
            UnreachableCode::PORT => f.write_str("port unreachable"),
            UnreachableCode::FRAGMENTATION_NEEDED => f.write_str("a link on the way is too narrow"),
            UnreachableCode(code) => write!(f, "destination unreachable (code {code})"),
        }
    }
}

/// The segment of ours that an ICMP error quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quoted {
    pub source: Ipv4Addr,
    pub destination: Ipv4Addr,
    pub tcp: TcpQuote,
}

impl Quoted {
    /// Reads the datagram that an ICMP error quotes, as far as it is there.
    pub fn parse(datagram: &[u8]) -> Result<Quoted, DropReason> {
        let packet = Ipv4Packet::parse_quoted(datagram).map_err(|_| DropReason::IcmpBadQuote)?;
        if packet.protocol() != Protocol::TCP || packet.fragment_offset() != 0 {
            return Err(DropReason::IcmpBadQuote);
        }
        let tcp = TcpQuote::parse(packet.payload()).ok_or(DropReason::IcmpBadQuote)?;
        Ok(Quoted { source: packet.source(), destination: packet.destination(), tcp })
    }
}
