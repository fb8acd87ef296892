//! ICMP messages, injected or expected.

use super::super::error::Reason;
use super::super::icmp::{self, IcmpError, Numbers};
use super::packet::{Direction, IpFields, Sequence};

/// `< icmp unreachable host_unreachable [1:11(10)]`: an ICMP message about a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// Who sends it.
    pub direction: Direction,
    /// What is said of its IP header.
    pub ip: IpFields,
    /// `icmp` or `icmpv6`.
    pub version: IcmpVersion,
    /// The name of its type, or its number.
    pub kind: String,
    /// The name of its code, or its number.
    pub code: Option<String>,
    /// `mtu 1200`: what the next link takes, where it says that a datagram was too big for it.
    pub mtu: Option<u32>,
    /// The segment of the other end that it quotes: addresses, ports and this sequence number. Nothing where the message is
    /// about no segment.
    pub quoted: Option<Sequence>,
}

/// The version of ICMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IcmpVersion {
    /// RFC 792
    V4,
    /// RFC 4443
    V6,
}

impl Icmp {
    /// Type and code as numbers.
    ///
    /// # Errors
    ///
    /// [`IcmpError`] if one of the names means nothing here.
    pub fn numbers(&self) -> Result<Numbers, IcmpError> {
        icmp::numbers(self.version, &self.kind, self.code.as_deref())
    }

    pub(super) fn unsupported(&self) -> Vec<Reason> {
        let version = (self.version == IcmpVersion::V6).then_some(IcmpError::Version);
        let quoted = self.quoted.is_none().then_some(IcmpError::Unquoted);
        let reasons = version.into_iter().chain(self.numbers().err()).chain(quoted).map(Reason::Icmp);
        reasons.chain(self.ip.unsupported()).collect()
    }
}
