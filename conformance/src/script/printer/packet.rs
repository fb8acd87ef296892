//! Packets as text.

use std::fmt::{self, Display, Formatter, Write};

use super::super::ast::{
    Direction, Ecn, Flags, Icmp, IcmpVersion, IpFields, Layer, Packet, Ports, Raw, Sequence, Spoil, TcpOption,
    TcpOptions,
};
use super::super::value::SeqNumber;
use super::separated;

impl Display for Packet {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.direction, self.ip)?;
        if let Some(ports) = self.ports {
            write!(f, "{ports} ")?;
        }
        write!(f, "{} {}", self.flags, self.sequence)?;
        match self.ack {
            Some(ack) => write!(f, " ack {ack}")?,
            None if self.flags.contains(Flags::ACK) => f.write_str(" ack ...")?,
            None => {}
        }
        if let Some(window) = self.window {
            write!(f, " win {window}")?;
        }
        if let Some(urgent) = self.urgent {
            write!(f, " urg {urgent}")?;
        }
        self.options.fmt(f)?;
        if let Some(udp) = self.udp {
            write!(f, "/udp({udp})")?;
        }
        if !self.spoiled.is_empty() {
            separated(f, " [", &self.spoiled, ", ", "]")?;
        }
        Ok(())
    }
}

impl Display for Direction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char(match self {
            Self::Injected => '<',
            Self::Expected => '>',
        })
    }
}

/// With a space after it, unless nothing is said.
impl Display for IpFields {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let fields: Vec<String> = [
            self.ttl.map(|ttl| format!("ttl {ttl}")),
            self.tos.map(|tos| format!("tos {tos:#x}")),
            self.ecn.map(|ecn| ecn.to_string()),
            self.flow_label.map(|label| format!("flowlabel {label:#x}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if fields.is_empty() { Ok(()) } else { separated(f, "[", &fields, ",", "] ") }
    }
}

impl Display for Ecn {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES.iter().find(|(_, codepoint)| codepoint == self).map_or("", |(name, _)| name))
    }
}

impl Display for Ports {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}", self.source, self.destination)
    }
}

impl Display for Spoil {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checksum => f.write_str("bad checksum"),
            Self::DataOffset(words) => write!(f, "data offset {words}"),
            Self::Reserved(bits) => write!(f, "reserved {bits}"),
            Self::Cut(octets) => write!(f, "cut {octets}"),
        }
    }
}

impl Display for Icmp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let version = match self.version {
            IcmpVersion::V4 => "icmp",
            IcmpVersion::V6 => "icmpv6",
        };
        write!(f, "{} {}{version} {}", self.direction, self.ip, self.kind)?;
        if let Some(code) = &self.code {
            let is_number = code.bytes().all(|octet| octet.is_ascii_digit());
            write!(f, "{}{code}", if is_number { " code " } else { " " })?;
        }
        if let Some(mtu) = self.mtu {
            write!(f, " mtu {mtu}")?;
        }
        self.quoted.map_or(Ok(()), |quoted| write!(f, " [{quoted}]"))
    }
}

impl Display for Raw {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.layer {
            Layer::Datagram => "< raw ",
            Layer::Segment => "< raw tcp ",
        })?;
        let octets = self.octets.iter().map(|octet| format!("{octet:02x}"));
        separated(f, "[", octets, " ", "]")
    }
}

impl Display for Flags {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return f.write_char('-');
        }
        Self::LETTERS.iter().filter(|(_, flag)| self.contains(*flag)).try_for_each(|(letter, _)| f.write_char(*letter))
    }
}

impl Display for Sequence {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.start, self.length) {
            (Some(start), length) => {
                let length = length.unwrap_or_default();
                write!(f, "{start}:{}({length})", start.after(length))
            }
            (None, Some(length)) => write!(f, "...({length})"),
            (None, None) => f.write_str("..."),
        }
    }
}

impl Display for SeqNumber {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.absolute {
            f.write_char('!')?;
        }
        self.value.fmt(f)
    }
}

impl Display for TcpOptions {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(options) if options.is_empty() => Ok(()),
            Self::Exactly(options) => separated(f, " <", options, ",", ">"),
            Self::Any => f.write_str(" <...>"),
        }
    }
}

impl Display for TcpOption {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndOfList => f.write_str("eol"),
            Self::NoOperation => f.write_str("nop"),
            Self::MaximumSegmentSize(size) => write!(f, "mss {size}"),
            Self::WindowScale(shift) => write!(f, "wscale {shift}"),
            Self::SackPermitted => f.write_str("sackOK"),
            Self::Sack(blocks) => {
                f.write_str("sack")?;
                blocks.iter().try_for_each(|(first, after)| write!(f, " {first}:{after}"))
            }
            Self::Timestamps { val, ecr } => write!(f, "TS val {val} ecr {ecr}"),
            Self::FastOpen { experimental, cookie } => {
                f.write_str(if *experimental { "FOEXP" } else { "FO" })?;
                hexadecimal(f, cookie)
            }
            Self::Octets(octets) => {
                f.write_str("raw")?;
                hexadecimal(f, octets)
            }
            Self::Foreign(text) => f.write_str(text),
        }
    }
}

/// Octets after a space, if there are any.
fn hexadecimal(f: &mut Formatter<'_>, octets: &[u8]) -> fmt::Result {
    f.write_str(if octets.is_empty() { "" } else { " " })?;
    octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}
