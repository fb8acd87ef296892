//! What ICMP errors say about a segment of ours.

use std::fmt;
use std::net::Ipv4Addr;

use crate::drops::DropReason;
use crate::wire::{Ipv4Packet, Protocol, SourceRoute, TcpQuote, UnreachableCode, Way};

/// A segment of ours did not arrive, as a router or the other host says (RFC 792), or as the link found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Undelivered {
    /// There is no way to the destination, or it does not want the segment.
    Unreachable(UnreachableCode),
    /// It went through too many routers.
    TimeExceeded,
    /// A router or the destination could not read its header.
    ParameterProblem,
}

impl Undelivered {
    /// The neighbour does not answer.
    pub(crate) const SILENT_NEIGHBOUR: Undelivered = Undelivered::Unreachable(UnreachableCode::HOST);

    /// Whether the destination itself says that it will never work: protocol or port unreachable (RFC 1122 §4.2.3.9).
    /// All others may pass ("MUST NOT abort", RFC 9293 MUST-56).
    #[must_use]
    pub fn is_hard(self) -> bool {
        match self {
            Undelivered::Unreachable(code) => code == UnreachableCode::PROTOCOL || code == UnreachableCode::PORT,
            Undelivered::TimeExceeded | Undelivered::ParameterProblem => false,
        }
    }
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Undelivered::Unreachable(UnreachableCode::NET) => f.write_str("network unreachable"),
            Undelivered::Unreachable(UnreachableCode::HOST) => f.write_str("host unreachable"),
            Undelivered::Unreachable(UnreachableCode::PROTOCOL) => f.write_str("protocol unreachable"),
            Undelivered::Unreachable(UnreachableCode::PORT) => f.write_str("port unreachable"),
            Undelivered::Unreachable(UnreachableCode::FRAGMENTATION_NEEDED) => {
                f.write_str("a link on the way is too narrow")
            }
            Undelivered::Unreachable(UnreachableCode(code)) => write!(f, "destination unreachable (code {code})"),
            Undelivered::TimeExceeded => f.write_str("too many routers on the way"),
            Undelivered::ParameterProblem => f.write_str("somebody on the way cannot read our header"),
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
        let destination = match SourceRoute::read(packet.options()) {
            Way::Onward(end) => end,
            Way::Any | Way::Complete(_) => packet.destination(),
        };
        Ok(Quoted { source: packet.source(), destination, tcp })
    }
}
