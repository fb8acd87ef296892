//! IPv4 (RFC 791): the header. Of its options only [source routes](super::source_route) are understood.

use super::{Checksum, Malformed, PseudoHeader, Sum, ipv4_addr_at, put, u16_at};
use std::net::Ipv4Addr;

/// Bytes of an IPv4 header without options, the only kind that is emitted.
pub const HEADER_LEN: usize = 20;

/// Bytes of the longest payload behind such a header.
pub const MAX_PAYLOAD_LEN: u16 = u16::MAX - 20;

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;

/// A view of a datagram, or of one fragment of it, whose header has been checked.
#[derive(Clone, Copy, Debug)]
pub struct Ipv4Packet<'a> {
    header: &'a [u8; HEADER_LEN],
    options: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Ipv4Packet<'a> {
    /// Checks version, lengths, the checksum of the header and the fragment fields.
    /// Bytes after the total length are padding of a short frame, and are cut off.
    ///
    /// # Errors
    /// The variants of [`Malformed`] that begin with `Ipv4`.
    pub fn parse(bytes: &'a [u8], checksum: Checksum) -> Result<Self, Malformed> {
        let header_len = checked_header_len(bytes)?;
        if checksum == Checksum::Verify && Sum::default().plus(&bytes[..header_len]).checksum() != 0 {
            return Err(Malformed::Ipv4Checksum);
        }
        let packet = Self::split(bytes, header_len)?;
        if usize::from(packet.total_len()) > bytes.len() {
            return Err(Malformed::Ipv4Truncated);
        }
        packet.check_fragment(header_len)?;
        Ok(packet)
    }

    /// Reads the datagram that an ICMP error quotes, which is usually cut off after a few bytes of payload.
    /// Its checksum is not verified: what it says is believed only where it matches a connection.
    ///
    /// # Errors
    /// [`Malformed::Ipv4Truncated`] if not even the header is whole, [`Malformed::Ipv4Version`],
    /// [`Malformed::Ipv4HeaderLength`], [`Malformed::Ipv4TotalLength`].
    pub fn parse_quoted(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Self::split(bytes, checked_header_len(bytes)?)
    }

    /// Parts header and payload where the header length and the total length say.
    fn split(bytes: &'a [u8], header_len: usize) -> Result<Self, Malformed> {
        let header = bytes.first_chunk().ok_or(Malformed::Ipv4Truncated)?;
        let end = usize::from(u16_at(header, 2));
        if end < header_len {
            return Err(Malformed::Ipv4TotalLength);
        }
        let options = &bytes[HEADER_LEN..header_len];
        Ok(Ipv4Packet { header, options, payload: &bytes[header_len..end.min(bytes.len())] })
    }

    fn check_fragment(&self, header_len: usize) -> Result<(), Malformed> {
        if !self.is_fragment() {
            return Ok(());
        }
        if self.payload.is_empty() || (self.more_fragments() && !self.payload.len().is_multiple_of(8)) {
            return Err(Malformed::Ipv4FragmentLength);
        }
        if header_len + usize::from(self.fragment_offset()) + self.payload.len() > usize::from(u16::MAX) {
            return Err(Malformed::Ipv4FragmentEnd);
        }
        Ok(())
    }

    /// Differentiated services and congestion notification (RFC 2474, RFC 3168).
    pub fn dscp_ecn(&self) -> u8 {
        self.header[1]
    }

    /// Bytes of header and payload, as sent.
    pub fn total_len(&self) -> u16 {
        u16_at(self.header, 2)
    }

    /// The number that fragments of one datagram share.
    pub fn identification(&self) -> u16 {
        u16_at(self.header, 4)
    }

    /// Whether routers may not fragment the datagram.
    pub fn dont_fragment(&self) -> bool {
        u16_at(self.header, 6) & DONT_FRAGMENT != 0
    }

    /// Whether this is a fragment, but not the last one.
    pub fn more_fragments(&self) -> bool {
        u16_at(self.header, 6) & MORE_FRAGMENTS != 0
    }

    /// Where in the datagram's payload this fragment begins, in bytes, a multiple of eight.
    pub fn fragment_offset(&self) -> u16 {
        (u16_at(self.header, 6) & FRAGMENT_OFFSET) << 3
    }

    /// Whether this is only a part of a datagram.
    pub fn is_fragment(&self) -> bool {
        u16_at(self.header, 6) & (MORE_FRAGMENTS | FRAGMENT_OFFSET) != 0
    }

    /// Time to live, in hops.
    pub fn ttl(&self) -> u8 {
        self.header[8]
    }

    /// What the payload is.
    pub fn protocol(&self) -> Protocol {
        Protocol(self.header[9])
    }

    /// Who sent the datagram.
    pub fn source(&self) -> Ipv4Addr {
        ipv4_addr_at(self.header, 12)
    }

    /// Who it is for.
    pub fn destination(&self) -> Ipv4Addr {
        ipv4_addr_at(self.header, 16)
    }

    /// The header's options, as they are.
    pub fn options(&self) -> &'a [u8] {
        self.options
    }

    /// What follows the header and its options, without padding.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// What the checksum of a TCP segment in this datagram covers besides the segment.
    pub fn pseudo_header(&self) -> PseudoHeader {
        PseudoHeader { source: self.source(), destination: self.destination(), protocol: self.protocol() }
    }

    /// The header as a value, without its options.
    pub fn header(&self) -> Ipv4Header {
        Ipv4Header {
            dscp_ecn: self.dscp_ecn(),
            identification: self.identification(),
            dont_fragment: self.dont_fragment(),
            more_fragments: self.more_fragments(),
            fragment_offset: self.fragment_offset(),
            ttl: self.ttl(),
            protocol: self.protocol(),
            source: self.source(),
            destination: self.destination(),
            payload_len: u16::try_from(self.payload.len()).unwrap_or(u16::MAX),
        }
    }
}

/// Bytes of the header, options included, once they are known to be there.
fn checked_header_len(bytes: &[u8]) -> Result<usize, Malformed> {
    let first = *bytes.first().ok_or(Malformed::Ipv4Truncated)?;
    if first >> 4 != 4 {
        return Err(Malformed::Ipv4Version);
    }
    let header_len = usize::from(first & 0x0f) * 4;
    if header_len < HEADER_LEN {
        return Err(Malformed::Ipv4HeaderLength);
    }
    if bytes.len() < header_len {
        return Err(Malformed::Ipv4Truncated);
    }
    Ok(header_len)
}

/// An IPv4 header without options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ipv4Header {
    /// Differentiated services and congestion notification (RFC 2474, RFC 3168).
    pub dscp_ecn: u8,
    /// The number that fragments of one datagram share; of no meaning in a datagram that is none (RFC 6864).
    pub identification: u16,
    /// Whether routers may not fragment the datagram.
    pub dont_fragment: bool,
    /// Whether this is a fragment, but not the last one.
    pub more_fragments: bool,
    /// Where in the datagram's payload this fragment begins, in bytes, a multiple of eight.
    pub fragment_offset: u16,
    /// Time to live, in hops.
    pub ttl: u8,
    /// What the payload is.
    pub protocol: Protocol,
    /// Who sends the datagram.
    pub source: Ipv4Addr,
    /// Who it is for.
    pub destination: Ipv4Addr,
    /// Bytes after the header, at most [`MAX_PAYLOAD_LEN`].
    pub payload_len: u16,
}

impl Ipv4Header {
    /// Writes the header with its checksum at the front of `buffer` and returns its length, [`HEADER_LEN`].
    ///
    /// # Panics
    /// When `buffer` is shorter than that, or the payload longer than [`MAX_PAYLOAD_LEN`].
    pub fn emit(&self, buffer: &mut [u8]) -> usize {
        let header = &mut buffer[..HEADER_LEN];
        let total_len = self.payload_len.checked_add(20).expect("a payload that fits a datagram");
        put(header, 0, [0x45, self.dscp_ecn]);
        put(header, 2, total_len.to_be_bytes());
        put(header, 4, self.identification.to_be_bytes());
        put(header, 6, self.flags_and_offset().to_be_bytes());
        put(header, 8, [self.ttl, self.protocol.0, 0, 0]);
        put(header, 12, self.source.octets());
        put(header, 16, self.destination.octets());
        put(header, 10, Sum::default().plus(header).checksum().to_be_bytes());
        HEADER_LEN
    }

    fn flags_and_offset(&self) -> u16 {
        let dont_fragment = if self.dont_fragment { DONT_FRAGMENT } else { 0 };
        let more_fragments = if self.more_fragments { MORE_FRAGMENTS } else { 0 };
        dont_fragment | more_fragments | (self.fragment_offset >> 3)
    }

    /// What the checksum of a TCP segment in this datagram covers besides the segment.
    pub fn pseudo_header(&self) -> PseudoHeader {
        PseudoHeader { source: self.source, destination: self.destination, protocol: self.protocol }
    }
}

/// The protocol of a datagram's payload (IANA protocol numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP (RFC 792).
    pub const ICMP: Protocol = Protocol(1);
    /// TCP (RFC 9293).
    pub const TCP: Protocol = Protocol(6);
    /// UDP (RFC 768).
    pub const UDP: Protocol = Protocol(17);
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{IpDscp, IpEcn, IpFragOffset, IpNumber, Ipv4HeaderSlice, Ipv4Options};
    use proptest::prelude::*;

    /// A header with the payload it announces; a third of them fragments.
    fn any_datagram() -> impl Strategy<Value = (Ipv4Header, Vec<u8>)> {
        let place = prop_oneof![
            2 => Just((false, 0)),
            1 => (any::<bool>(), 0..8_000_u16).prop_map(|(more, eights)| (more, eights << 3)),
        ];
        let numbers = any::<(u8, u16, bool, u8, u8, [u8; 4], [u8; 4])>();
        (place, numbers, prop::collection::vec(any::<u8>(), 1..100)).prop_map(|(place, numbers, mut payload)| {
            let (more_fragments, fragment_offset) = place;
            let (dscp_ecn, identification, dont_fragment, ttl, protocol, source, destination) = numbers;
            if more_fragments {
                payload.resize(payload.len().next_multiple_of(8), 0);
            }
            let header = Ipv4Header {
                dscp_ecn,
                identification,
                dont_fragment,
                more_fragments,
                fragment_offset,
                ttl,
                protocol: Protocol(protocol),
                source: source.into(),
                destination: destination.into(),
                payload_len: u16::try_from(payload.len()).unwrap(),
            };
            (header, payload)
        })
    }

    fn emitted(header: &Ipv4Header, payload: &[u8]) -> Vec<u8> {
        let mut bytes = [&[0; HEADER_LEN][..], payload].concat();
        assert_eq!(header.emit(&mut bytes), HEADER_LEN);
        bytes
    }

    fn theirs(header: &Ipv4Header, options: &[u8]) -> etherparse::Ipv4Header {
        let mut theirs = etherparse::Ipv4Header {
            dscp: IpDscp::try_new(header.dscp_ecn >> 2).unwrap(),
            ecn: IpEcn::try_new(header.dscp_ecn & 3).unwrap(),
            total_len: 20 + u16::try_from(options.len()).unwrap() + header.payload_len,
            identification: header.identification,
            dont_fragment: header.dont_fragment,
            more_fragments: header.more_fragments,
            fragment_offset: IpFragOffset::try_new(header.fragment_offset / 8).unwrap(),
            time_to_live: header.ttl,
            protocol: IpNumber(header.protocol.0),
            header_checksum: 0,
            source: header.source.octets(),
            destination: header.destination.octets(),
            options: Ipv4Options::try_from(options).unwrap(),
        };
        theirs.header_checksum = theirs.calc_header_checksum();
        theirs
    }

    fn refused(bytes: &[u8]) -> Malformed {
        Ipv4Packet::parse(bytes, Checksum::Vouched).unwrap_err()
    }

    fn example() -> (Ipv4Header, Vec<u8>) {
        let header = Ipv4Header {
            dscp_ecn: 0,
            identification: 0,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
            ttl: 64,
            protocol: Protocol::TCP,
            source: Ipv4Addr::new(192, 0, 2, 1),
            destination: Ipv4Addr::new(192, 0, 2, 2),
            payload_len: 16,
        };
        (header, vec![7; 16])
    }

    #[test]
    fn lengths_that_contradict_each_other_are_refused() {
        let (header, payload) = example();
        let good = emitted(&header, &payload);
        let with = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            bytes
        };
        assert_eq!(refused(&[]), Malformed::Ipv4Truncated);
        assert_eq!(refused(&good[..19]), Malformed::Ipv4Truncated);
        assert_eq!(refused(&good[..35]), Malformed::Ipv4Truncated);
        assert_eq!(refused(&with(0, 0x65)), Malformed::Ipv4Version);
        assert_eq!(refused(&with(0, 0x44)), Malformed::Ipv4HeaderLength);
        assert_eq!(refused(&with(0, 0x4f)), Malformed::Ipv4Truncated);
        assert_eq!(refused(&with(3, 19)), Malformed::Ipv4TotalLength);
        assert_eq!(refused(&with(3, 37)), Malformed::Ipv4Truncated);
    }

    #[test]
    fn fragments_that_cannot_be_are_refused() {
        let (header, payload) = example();
        let first = Ipv4Header { more_fragments: true, ..header };
        let refused_as = |header: Ipv4Header, payload: &[u8]| refused(&emitted(&header, payload));

        assert!(Ipv4Packet::parse(&emitted(&first, &payload), Checksum::Verify).is_ok());
        let odd = Ipv4Header { payload_len: 15, ..first };
        assert_eq!(refused_as(odd, &payload), Malformed::Ipv4FragmentLength);
        let empty = Ipv4Header { payload_len: 0, ..first };
        assert_eq!(refused_as(empty, &[]), Malformed::Ipv4FragmentLength);
        let empty_last = Ipv4Header { payload_len: 0, fragment_offset: 8, ..header };
        assert_eq!(refused_as(empty_last, &[]), Malformed::Ipv4FragmentLength);
        let ping_of_death = Ipv4Header { fragment_offset: 65_504, ..header };
        assert_eq!(refused_as(ping_of_death, &payload), Malformed::Ipv4FragmentEnd);
        let longest = Ipv4Header { fragment_offset: 65_496, payload_len: 16, ..header };
        assert_eq!(20 + longest.fragment_offset + 16, 65_532);
        assert!(Ipv4Packet::parse(&emitted(&longest, &payload), Checksum::Verify).is_ok());
    }

    #[test]
    fn a_quoted_datagram_may_be_cut_off() {
        let (header, payload) = example();
        let bytes = emitted(&header, &payload);
        let quoted = Ipv4Packet::parse_quoted(&bytes[..28]).unwrap();
        assert_eq!(quoted.payload(), &payload[..8]);
        assert_eq!(quoted.source(), header.source);
        assert_eq!(Ipv4Packet::parse_quoted(&bytes[..19]).unwrap_err(), Malformed::Ipv4Truncated);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80), first in 0x40_u8..0x50) {
            for checksum in [Checksum::Verify, Checksum::Vouched] {
                let _ = Ipv4Packet::parse(&bytes, checksum);
                let mut plausible = bytes.clone();
                plausible.splice(..plausible.len().min(3), [first, 0, 0]);
                if let Ok(packet) = Ipv4Packet::parse(&plausible, checksum) {
                    prop_assert!(packet.payload().len() + HEADER_LEN <= plausible.len());
                }
                if let Ok(packet) = Ipv4Packet::parse_quoted(&plausible) {
                    prop_assert!(packet.payload().len() + HEADER_LEN <= plausible.len());
                }
            }
        }

        #[test]
        fn parse_after_emit_is_the_identity((header, payload) in any_datagram(), padding in 0_usize..46) {
            let mut bytes = emitted(&header, &payload);
            bytes.resize(bytes.len() + padding, 0);
            let packet = Ipv4Packet::parse(&bytes, Checksum::Verify).unwrap();
            prop_assert_eq!(packet.header(), header);
            prop_assert_eq!(packet.payload(), payload);
            prop_assert_eq!(packet.is_fragment(), header.more_fragments || header.fragment_offset > 0);
            prop_assert_eq!(packet.pseudo_header(), header.pseudo_header());
        }

        /// All but the header length's bits: flipping one of these changes what is summed, and one
        /// sum in 65,536 is zero by chance.
        #[test]
        fn every_flipped_bit_of_the_header_is_caught((header, payload) in any_datagram()) {
            let good = emitted(&header, &payload);
            for bit in (0..4).chain(8..HEADER_LEN * 8) {
                let mut bytes = good.clone();
                bytes[bit / 8] ^= 0x80 >> (bit % 8);
                prop_assert!(Ipv4Packet::parse(&bytes, Checksum::Verify).is_err(), "bit {}", bit);
            }
        }

        #[test]
        fn etherparse_reads_what_we_emit((header, payload) in any_datagram()) {
            let bytes = emitted(&header, &payload);
            let read_by_them = Ipv4HeaderSlice::from_slice(&bytes).unwrap().to_header();
            prop_assert_eq!(read_by_them, theirs(&header, &[]));
        }

        #[test]
        fn we_read_what_etherparse_emits((header, payload) in any_datagram(), words in 0_usize..=10) {
            let options = vec![1; words * 4];
            prop_assume!(usize::from(header.fragment_offset) < 65_000);
            let bytes = [&theirs(&header, &options).to_bytes()[..], &payload].concat();
            let packet = Ipv4Packet::parse(&bytes, Checksum::Verify).unwrap();
            prop_assert_eq!(packet.header(), header);
            prop_assert_eq!(packet.payload(), payload);
        }
    }
}
