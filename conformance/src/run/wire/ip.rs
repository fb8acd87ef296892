//! IPv4 datagrams around what they carry.

use std::net::Ipv4Addr;

use etherparse::{IpDscp, IpEcn, IpNumber, Ipv4Header};

use super::{Unreadable, Unwritable};

/// What an IPv4 header says besides addresses and lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip {
    /// The time to live.
    pub ttl: u8,
    /// The octet that was the type of service: differentiated services and, in its lowest two bits, ECN.
    pub tos: u8,
}

impl Default for Ip {
    fn default() -> Self {
        Self { ttl: 64, tos: 0 }
    }
}

/// The datagram that carries a payload.
pub(super) fn enclose(
    ip: Ip,
    protocol: IpNumber,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    payload: &[u8],
) -> Result<Vec<u8>, Unwritable> {
    let length = u16::try_from(payload.len()).map_err(|_| Unwritable::Length)?;
    let mut header = Ipv4Header::new(length, ip.ttl, protocol, source.octets(), destination.octets())
        .map_err(|_| Unwritable::Length)?;
    header.dscp = IpDscp::try_new(ip.tos >> 2).unwrap_or_default();
    header.ecn = IpEcn::try_new(ip.tos & 0b11).unwrap_or_default();
    header.header_checksum = header.calc_header_checksum();
    Ok([header.to_bytes().as_slice(), payload].concat())
}

/// What a whole datagram of this protocol between two addresses carries.
pub(super) fn open(
    datagram: &[u8],
    protocol: IpNumber,
    source: Ipv4Addr,
    destination: Ipv4Addr,
) -> Result<(Ip, &[u8]), Unreadable> {
    let (header, rest) = Ipv4Header::from_slice(datagram).map_err(|error| Unreadable::Ip(error.to_string()))?;
    if header.header_checksum != header.calc_header_checksum() {
        return Err(Unreadable::IpChecksum);
    }
    if (header.source, header.destination) != (source.octets(), destination.octets()) {
        return Err(Unreadable::Addresses { from: header.source.into(), to: header.destination.into() });
    }
    if header.is_fragmenting_payload() {
        return Err(Unreadable::Fragment);
    }
    if header.protocol != protocol {
        return Err(Unreadable::Protocol(header.protocol.0));
    }
    let length = usize::from(header.payload_len().map_err(|error| Unreadable::Ip(error.to_string()))?);
    let payload = rest.get(..length).ok_or_else(|| Unreadable::Ip("it is cut short".to_owned()))?;
    Ok((Ip { ttl: header.time_to_live, tos: header.dscp.value() << 2 | header.ecn.value() }, payload))
}
