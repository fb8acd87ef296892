//! TCP options.

/// The TCP options of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TcpOptions {
    /// These and no others, in this order; none where the script writes no `<>`.
    Exactly(Vec<TcpOption>),
    /// `<...>`: any.
    Any,
}

/// A TCP option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TcpOption {
    /// `eol`
    EndOfList,
    /// `nop`
    NoOperation,
    /// `mss 1460`
    MaximumSegmentSize(u16),
    /// `wscale 6`
    WindowScale(u8),
    /// `sackOK`
    SackPermitted,
    /// `sack 1:11 21:31`: the first number of each block and the one after its last; relative as `ack` is.
    Sack(Vec<(u32, u32)>),
    /// `TS val 100 ecr 0`
    Timestamps {
        /// The sender's clock.
        val: u32,
        /// The clock of the other end that is echoed.
        ecr: u32,
    },
    /// `FO 1a2b` and `FOEXP 1a2b`: Fast Open (RFC 7413), by its own kind or as the experiment that it was first. Without a
    /// cookie it asks for one.
    FastOpen {
        /// Whether it is `FOEXP`.
        experimental: bool,
        /// The cookie.
        cookie: Vec<u8>,
    },
    /// `raw 0200`: any octets, kind and length included, so that an unknown option can be written, or a malformed one: our
    /// own addition to the language.
    Octets(Vec<u8>),
    /// An option that is known to exist and has no meaning here, as it is written: `md5`, `ECN e1b 1`, `exp-tarr`.
    Foreign(String),
}

impl TcpOption {
    /// How many octets it takes in the header; none where that is not known here.
    pub fn length(&self) -> usize {
        match self {
            Self::EndOfList | Self::NoOperation => 1,
            Self::MaximumSegmentSize(_) => 4,
            Self::WindowScale(_) => 3,
            Self::SackPermitted => 2,
            Self::Sack(blocks) => 2 + 8 * blocks.len(),
            Self::Timestamps { .. } => 10,
            Self::FastOpen { experimental, cookie } => cookie.len() + if *experimental { 4 } else { 2 },
            Self::Octets(octets) => octets.len(),
            Self::Foreign(_) => 0,
        }
    }
}
