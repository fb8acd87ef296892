//! Segments.

use super::super::error::Reason;
use super::super::value::SeqNumber;
use super::option::{TcpOption, TcpOptions};

/// A TCP segment, injected or expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Who sends it.
    pub direction: Direction,
    /// What is said of its IP header.
    pub ip: IpFields,
    /// `5000 > 8080`: its ports, where it is not one of the connection that is talked about.
    pub ports: Option<Ports>,
    /// Its flags.
    pub flags: Flags,
    /// Its sequence number and the length of its text.
    pub sequence: Sequence,
    /// The acknowledgment number. It may be written without the flag `.`, never the other way around. An expected packet
    /// without `ack`, or with `ack ...`, may carry any number there.
    pub ack: Option<SeqNumber>,
    /// The window as it is in the header, unscaled. An injected packet always has one; an expected one without may offer anything.
    pub window: Option<u16>,
    /// The urgent pointer. Without it an injected packet carries 0, an expected one anything.
    pub urgent: Option<u16>,
    /// The TCP options.
    pub options: TcpOptions,
    /// `/udp(9899 > 9899)`: the ports of the UDP datagram it is carried in.
    pub udp: Option<Ports>,
    /// What is wrong with it on purpose. Only an injected packet can be spoiled.
    pub spoiled: Vec<Spoil>,
}

impl Packet {
    /// A packet of which nothing else is said.
    pub fn new(direction: Direction, flags: Flags, sequence: Sequence) -> Self {
        Self {
            direction,
            ip: IpFields::default(),
            ports: None,
            flags,
            sequence,
            ack: None,
            window: None,
            urgent: None,
            options: TcpOptions::Exactly(Vec::new()),
            udp: None,
            spoiled: Vec::new(),
        }
    }

    /// What of it has no meaning here. The cookie that a listener gives is made of addresses, which are the runner's own
    /// (RFC 7413 §4.1.2), so that no script can know it.
    pub(super) fn unsupported(&self) -> Vec<Reason> {
        let options = match &self.options {
            TcpOptions::Exactly(options) => options.as_slice(),
            TcpOptions::Any => &[],
        };
        let options = options.iter().filter_map(|option| match option {
            TcpOption::Foreign(text) => Some(format!("the option {text}")),
            TcpOption::FastOpen { cookie, .. } if self.gives(cookie) => Some(format!("the cookie of `{option}`")),
            TcpOption::EndOfList
            | TcpOption::NoOperation
            | TcpOption::MaximumSegmentSize(_)
            | TcpOption::WindowScale(_)
            | TcpOption::SackPermitted
            | TcpOption::Sack(_)
            | TcpOption::Timestamps { .. }
            | TcpOption::FastOpen { .. }
            | TcpOption::Octets(_) => None,
        });
        let ports = self.ports.map(|ports| format!("a packet with ports of its own ({ports})"));
        let udp = self.udp.map(|ports| format!("encapsulation in UDP ({ports})"));
        let reasons = ports.into_iter().chain(udp).chain(options).map(Reason::Packet);
        self.ip.unsupported().into_iter().chain(reasons).collect()
    }

    /// Whether the system gives this cookie to its peer.
    fn gives(&self, cookie: &[u8]) -> bool {
        self.direction == Direction::Expected && self.flags.contains(Flags::SYN.with(Flags::ACK)) && !cookie.is_empty()
    }
}

/// Who sends a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `<`: the script, as the peer.
    Injected,
    /// `>`: the system under test.
    Expected,
}

/// Where a segment lies in sequence space: `1:11(10)`. SYN and FIN are not counted in the length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// The first number; nothing where the script says `...`: any.
    pub start: Option<SeqNumber>,
    /// The length of the text in octets; nothing where the script says `...` without `(10)`: any.
    pub length: Option<u16>,
}

impl Sequence {
    /// `1:11(10)`
    pub const fn new(start: SeqNumber, length: u16) -> Self {
        Self { start: Some(start), length: Some(length) }
    }
}

/// The ports of a packet: `5000 > 8080`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// That of its sender.
    pub source: u16,
    /// That of its receiver.
    pub destination: u16,
}

/// What is said of an IP header: `[ttl 5, ect0]`. What is not said is any in an expected packet and the usual in an injected one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpFields {
    /// `ttl 64` or `hlim 64`: time to live, or hop limit.
    pub ttl: Option<u8>,
    /// `tos 0x10` or `class 0x10`: the whole octet. Nothing besides it is said of ECN then.
    pub tos: Option<u8>,
    /// `ect0` and so on: the two bits of ECN in that octet.
    pub ecn: Option<Ecn>,
    /// `flowlabel 0x12345`: of IPv6 only.
    pub flow_label: Option<u32>,
}

/// The codepoint of ECN (RFC 3168 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ecn {
    /// `noecn`: not ECN-capable.
    NotCapable,
    /// `ect0`
    Ect0,
    /// `ect1`
    Ect1,
    /// `ect01`: one of the two; only of an expected packet.
    Ect01,
    /// `ce`: congestion experienced.
    CongestionExperienced,
}

impl IpFields {
    pub(super) fn unsupported(&self) -> Option<Reason> {
        self.flow_label.map(|label| Reason::Packet(format!("the IPv6 flow label {label:#x}")))
    }
}

impl Ecn {
    /// All of them with their names.
    pub const NAMES: [(&str, Self); 5] = [
        ("noecn", Self::NotCapable),
        ("ect0", Self::Ect0),
        ("ect1", Self::Ect1),
        ("ect01", Self::Ect01),
        ("ce", Self::CongestionExperienced),
    ];

    /// Whether the two bits of a header are these.
    pub const fn is(self, bits: u8) -> bool {
        match self {
            Self::NotCapable => bits == 0b00,
            Self::Ect0 => bits == 0b10,
            Self::Ect1 => bits == 0b01,
            Self::Ect01 => bits == 0b10 || bits == 0b01,
            Self::CongestionExperienced => bits == 0b11,
        }
    }
}

/// One thing that is wrong with an injected packet on purpose: our own addition to the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spoil {
    /// `bad checksum`: every bit of the right checksum is inverted.
    Checksum,
    /// `data offset 4`: the header claims to be this many words of four octets long. The checksum is right.
    DataOffset(u8),
    /// `reserved 7`: the three reserved bits (RFC 9293 §3.1: they are ignored). The checksum is right.
    Reserved(u8),
    /// `cut 4`: the last octets of the segment are missing, and the IP header says so too. The checksum is right.
    Cut(u16),
}

/// The flags of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u16);

impl Flags {
    /// `F`
    pub const FIN: Self = Self(0x001);
    /// `S`
    pub const SYN: Self = Self(0x002);
    /// `R`
    pub const RST: Self = Self(0x004);
    /// `P`
    pub const PSH: Self = Self(0x008);
    /// `.`
    pub const ACK: Self = Self(0x010);
    /// `U`
    pub const URG: Self = Self(0x020);
    /// `E`: ECE (RFC 3168)
    pub const ECE: Self = Self(0x040);
    /// `W`: CWR (RFC 3168)
    pub const CWR: Self = Self(0x080);
    /// `A`: AE, once NS (RFC 9768)
    pub const AE: Self = Self(0x100);

    /// Each flag with its letter, in the order in which they are written.
    pub const LETTERS: [(char, Self); 9] = [
        ('S', Self::SYN),
        ('F', Self::FIN),
        ('R', Self::RST),
        ('P', Self::PSH),
        ('E', Self::ECE),
        ('W', Self::CWR),
        ('A', Self::AE),
        ('U', Self::URG),
        ('.', Self::ACK),
    ];

    /// Whether all of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The flags as in octets 12 (its lowest bit) and 13 of the header.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The flags of octets 12 (its lowest bit) and 13 of a header.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & 0x1ff)
    }
}
