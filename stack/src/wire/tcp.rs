//! The TCP header (RFC 9293 §3.1).

use super::tcp_options::MAX_OPTIONS_LEN;
use super::{Checksum, IllegalOption, Malformed, PseudoHeader, TcpOptions, put, u16_at, u32_at};
use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// Bytes of a TCP header without options.
pub const HEADER_LEN: usize = 20;

/// Bytes of the longest TCP header.
pub const MAX_HEADER_LEN: usize = HEADER_LEN + MAX_OPTIONS_LEN;

/// A view of a segment whose lengths and checksum have been checked.
#[derive(Clone, Copy, Debug)]
pub struct TcpSegment<'a> {
    header: &'a [u8; HEADER_LEN],
    options: &'a [u8],
    text: &'a [u8],
}

impl<'a> TcpSegment<'a> {
    /// Checks the data offset and the checksum of a datagram's whole payload. The reserved bits are ignored, as they
    /// must be (RFC 9293 §3.1).
    ///
    /// # Errors
    /// [`Malformed::TcpTruncated`], [`Malformed::TcpDataOffset`], [`Malformed::TcpChecksum`].
    pub fn parse(bytes: &'a [u8], pseudo: PseudoHeader, checksum: Checksum) -> Result<Self, Malformed> {
        let (header, after) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::TcpTruncated)?;
        let options_len = (usize::from(header[12] >> 4) * 4).checked_sub(HEADER_LEN).ok_or(Malformed::TcpDataOffset)?;
        let (options, text) = after.split_at_checked(options_len).ok_or(Malformed::TcpTruncated)?;
        if checksum == Checksum::Verify && pseudo.sum(bytes.len()).plus(bytes).checksum() != 0 {
            return Err(Malformed::TcpChecksum);
        }
        Ok(TcpSegment { header, options, text })
    }

    /// The sender's port.
    pub fn source_port(&self) -> u16 {
        u16_at(self.header, 0)
    }

    /// The receiver's port.
    pub fn destination_port(&self) -> u16 {
        u16_at(self.header, 2)
    }

    /// SEG.SEQ: the sequence number of the SYN, or else of the first byte of text.
    pub fn seq(&self) -> u32 {
        u32_at(self.header, 4)
    }

    /// SEG.ACK: the sequence number that the sender expects next. Without [`TcpFlags::ACK`] it means nothing.
    pub fn ack(&self) -> u32 {
        u32_at(self.header, 8)
    }

    /// The control bits.
    pub fn flags(&self) -> TcpFlags {
        TcpFlags(self.header[13])
    }

    /// SEG.WND as sent, not yet scaled.
    pub fn window(&self) -> u16 {
        u16_at(self.header, 14)
    }

    /// SEG.UP: how far behind [`seq`](Self::seq) the urgent data ends. Without [`TcpFlags::URG`] it means nothing.
    pub fn urgent(&self) -> u16 {
        u16_at(self.header, 18)
    }

    /// The options, as far as they can be read, and the first fault met while reading them.
    pub fn options(&self) -> (TcpOptions, Option<IllegalOption>) {
        TcpOptions::parse(self.options)
    }

    /// The segment text: the data that follows the header.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// The header as a value. Illegal options are left out; [`options`](Self::options) tells of them.
    pub fn header(&self) -> TcpHeader {
        TcpHeader {
            source_port: self.source_port(),
            destination_port: self.destination_port(),
            seq: self.seq(),
            ack: self.ack(),
            flags: self.flags(),
            window: self.window(),
            urgent: self.urgent(),
            options: self.options().0,
        }
    }
}

/// A TCP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TcpHeader {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// SEG.SEQ: the sequence number of the SYN, or else of the first byte of text.
    pub seq: u32,
    /// SEG.ACK: the sequence number that the sender expects next; written even where [`TcpFlags::ACK`] is not set.
    pub ack: u32,
    /// The control bits.
    pub flags: TcpFlags,
    /// SEG.WND as sent, already scaled down.
    pub window: u16,
    /// SEG.UP: how far behind `seq` the urgent data ends; written even where [`TcpFlags::URG`] is not set.
    pub urgent: u16,
    /// The options.
    pub options: TcpOptions,
}

impl TcpHeader {
    /// Bytes of the header with its options and their padding, a multiple of four, at most [`MAX_HEADER_LEN`].
    pub fn emitted_len(&self) -> usize {
        HEADER_LEN + self.options.emitted_len()
    }

    /// Writes the header in front of the text: `segment` is the whole segment, room for a header of
    /// [`emitted_len`](Self::emitted_len) bytes followed by the text, which is already in place and is summed there.
    /// Returns the length of the header.
    ///
    /// # Panics
    /// When there is not room for the header.
    pub fn emit(&self, segment: &mut [u8], pseudo: PseudoHeader) -> usize {
        let header_len = self.write(segment);
        let checksum = pseudo.sum(segment.len()).plus(segment).checksum();
        put(segment, CHECKSUM_AT, checksum.to_be_bytes());
        header_len
    }

    /// Writes the header for a device that completes checksums: the field holds the sum of the pseudo-header, and the
    /// text of `text_len` bytes need not be in memory after the header. Returns the length of the header.
    ///
    /// # Panics
    /// When there is not room for the header.
    pub fn emit_offloaded(&self, buffer: &mut [u8], pseudo: PseudoHeader, text_len: usize) -> usize {
        let header_len = self.write(buffer);
        put(buffer, CHECKSUM_AT, pseudo.sum(header_len + text_len).folded().to_be_bytes());
        header_len
    }

    /// Writes all but the checksum, which is left zero.
    fn write(&self, buffer: &mut [u8]) -> usize {
        let options_len = self.options.emit(&mut buffer[HEADER_LEN..]);
        put(buffer, 0, self.source_port.to_be_bytes());
        put(buffer, 2, self.destination_port.to_be_bytes());
        put(buffer, 4, self.seq.to_be_bytes());
        put(buffer, 8, self.ack.to_be_bytes());
        // Bytes, a multiple of four and at most 60, times four are words in the upper half of the byte.
        put(buffer, 12, [(20 + options_len) << 2, self.flags.0]);
        put(buffer, 14, self.window.to_be_bytes());
        put(buffer, CHECKSUM_AT, [0, 0]);
        put(buffer, 18, self.urgent.to_be_bytes());
        HEADER_LEN + usize::from(options_len)
    }
}

/// Where the checksum lies in the header, in bytes: what a device that completes checksums has to be told.
pub const CHECKSUM_AT: usize = 16;

/// The beginning of a TCP header, as an ICMP error quotes it (RFC 792): enough to find the connection and to judge
/// whether the segment was really sent (RFC 5927 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TcpQuote {
    /// The port the quoted segment was sent from.
    pub source_port: u16,
    /// The port it was sent to.
    pub destination_port: u16,
    /// Its SEG.SEQ.
    pub seq: u32,
}

impl TcpQuote {
    /// Reads the first eight bytes of a quoted segment; `None` if there are fewer.
    pub fn parse(bytes: &[u8]) -> Option<TcpQuote> {
        let quoted: &[u8; 8] = bytes.first_chunk()?;
        Some(TcpQuote { source_port: u16_at(quoted, 0), destination_port: u16_at(quoted, 2), seq: u32_at(quoted, 4) })
    }
}

/// The control bits of a TCP header (RFC 9293 §3.1).
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: TcpFlags = TcpFlags(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: TcpFlags = TcpFlags(0x02);
    /// Reset the connection.
    pub const RST: TcpFlags = TcpFlags(0x04);
    /// Push: deliver what has arrived.
    pub const PSH: TcpFlags = TcpFlags(0x08);
    /// The acknowledgment field is significant.
    pub const ACK: TcpFlags = TcpFlags(0x10);
    /// The urgent pointer is significant.
    pub const URG: TcpFlags = TcpFlags(0x20);
    /// Echo of a congestion mark (RFC 3168).
    pub const ECE: TcpFlags = TcpFlags(0x40);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: TcpFlags = TcpFlags(0x80);

    const NAMES: [(TcpFlags, &str); 8] = [
        (TcpFlags::SYN, "SYN"),
        (TcpFlags::FIN, "FIN"),
        (TcpFlags::RST, "RST"),
        (TcpFlags::PSH, "PSH"),
        (TcpFlags::ACK, "ACK"),
        (TcpFlags::URG, "URG"),
        (TcpFlags::ECE, "ECE"),
        (TcpFlags::CWR, "CWR"),
    ];

    /// Whether all bits of `other` are set.
    pub fn contains(self, other: TcpFlags) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for TcpFlags {
    type Output = TcpFlags;

    fn bitor(self, other: TcpFlags) -> TcpFlags {
        TcpFlags(self.0 | other.0)
    }
}

impl BitOrAssign for TcpFlags {
    fn bitor_assign(&mut self, other: TcpFlags) {
        *self = *self | other;
    }
}

/// As the RFC writes them: `SYN,ACK`.
impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for (_, name) in TcpFlags::NAMES.iter().filter(|(flag, _)| self.contains(*flag)) {
            write!(f, "{comma}{name}")?;
            comma = ",";
        }
        Ok(())
    }
}

impl fmt::Debug for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TcpFlags({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Protocol;
    use super::super::tcp_options::tests::{any_options, theirs as their_options};
    use super::*;
    use etherparse::TcpSlice;
    use proptest::prelude::*;

    const SOURCE: [u8; 4] = [192, 0, 2, 1];
    const DESTINATION: [u8; 4] = [198, 51, 100, 2];

    fn pseudo() -> PseudoHeader {
        PseudoHeader { source: SOURCE.into(), destination: DESTINATION.into(), protocol: Protocol::TCP }
    }

    fn any_header() -> impl Strategy<Value = TcpHeader> {
        (any::<(u16, u16, u32, u32, u8, u16, u16)>(), any_options()).prop_map(|(numbers, options)| {
            let (source_port, destination_port, seq, ack, flags, window, urgent) = numbers;
            let flags = TcpFlags(flags);
            TcpHeader { source_port, destination_port, seq, ack, flags, window, urgent, options }
        })
    }

    fn emitted(header: &TcpHeader, text: &[u8]) -> Vec<u8> {
        let mut bytes = [&vec![0xa5; header.emitted_len()], text].concat();
        assert_eq!(header.emit(&mut bytes, pseudo()), header.emitted_len());
        bytes
    }

    fn parse(bytes: &[u8]) -> Result<TcpSegment<'_>, Malformed> {
        TcpSegment::parse(bytes, pseudo(), Checksum::Verify)
    }

    /// The same header in the words of etherparse, with its own checksum.
    fn theirs(header: &TcpHeader, text: &[u8]) -> etherparse::TcpHeader {
        let mut theirs =
            etherparse::TcpHeader::new(header.source_port, header.destination_port, header.seq, header.window);
        theirs.acknowledgment_number = header.ack;
        theirs.urgent_pointer = header.urgent;
        theirs.fin = header.flags.contains(TcpFlags::FIN);
        theirs.syn = header.flags.contains(TcpFlags::SYN);
        theirs.rst = header.flags.contains(TcpFlags::RST);
        theirs.psh = header.flags.contains(TcpFlags::PSH);
        theirs.ack = header.flags.contains(TcpFlags::ACK);
        theirs.urg = header.flags.contains(TcpFlags::URG);
        theirs.ece = header.flags.contains(TcpFlags::ECE);
        theirs.cwr = header.flags.contains(TcpFlags::CWR);
        theirs.set_options(&their_options(&header.options)).unwrap();
        theirs.checksum = theirs.calc_checksum_ipv4_raw(SOURCE, DESTINATION, text).unwrap();
        theirs
    }

    fn example() -> TcpHeader {
        TcpHeader {
            source_port: 40_000,
            destination_port: 7,
            seq: 1,
            ack: 2,
            flags: TcpFlags::SYN | TcpFlags::ACK,
            window: 65_535,
            urgent: 0,
            options: TcpOptions { mss: Some(1460), ..TcpOptions::default() },
        }
    }

    #[test]
    fn lengths_that_contradict_each_other_are_refused() {
        let good = emitted(&example(), &[]);
        let refused = |bytes: &[u8]| TcpSegment::parse(bytes, pseudo(), Checksum::Vouched).unwrap_err();
        let with_offset = |words: u8| {
            let mut bytes = good.clone();
            bytes[12] = words << 4;
            bytes
        };
        assert_eq!(refused(&[]), Malformed::TcpTruncated);
        assert_eq!(refused(&good[..19]), Malformed::TcpTruncated);
        assert_eq!(refused(&good[..23]), Malformed::TcpTruncated);
        assert_eq!(refused(&with_offset(4)), Malformed::TcpDataOffset);
        assert_eq!(refused(&with_offset(0)), Malformed::TcpDataOffset);
        assert_eq!(refused(&with_offset(7)), Malformed::TcpTruncated);
    }

    #[test]
    fn reserved_bits_are_ignored() {
        let mut bytes = emitted(&example(), b"text");
        bytes[12] |= 0x0f;
        let segment = TcpSegment::parse(&bytes, pseudo(), Checksum::Vouched).unwrap();
        assert_eq!(segment.header(), example());
        assert_eq!(segment.text(), b"text");
    }

    #[test]
    fn a_misrouted_segment_is_refused() {
        let bytes = emitted(&example(), b"text");
        let elsewhere = PseudoHeader { destination: [198, 51, 100, 3].into(), ..pseudo() };
        let refused = TcpSegment::parse(&bytes, elsewhere, Checksum::Verify).unwrap_err();
        assert_eq!(refused, Malformed::TcpChecksum);
        assert!(TcpSegment::parse(&bytes, elsewhere, Checksum::Vouched).is_ok());
    }

    #[test]
    fn flags_are_written_as_the_rfc_does() {
        assert_eq!((TcpFlags::ACK | TcpFlags::SYN).to_string(), "SYN,ACK");
        assert_eq!((TcpFlags::ACK | TcpFlags::PSH | TcpFlags::FIN).to_string(), "FIN,PSH,ACK");
        assert_eq!((TcpFlags::FIN | TcpFlags::SYN).to_string(), "SYN,FIN");
        assert_eq!(format!("{:?}", TcpFlags::default()), "TcpFlags()");
        assert!(!TcpFlags::SYN.contains(TcpFlags::SYN | TcpFlags::ACK));
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&bytes);
            if let Ok(segment) = TcpSegment::parse(&bytes, pseudo(), Checksum::Vouched) {
                let header = segment.header();
                prop_assert_eq!(parse(&emitted(&header, segment.text())).unwrap().header(), header);
            }
        }

        #[test]
        fn parse_after_emit_is_the_identity(header in any_header(), text: Vec<u8>) {
            let bytes = emitted(&header, &text);
            let segment = parse(&bytes).unwrap();
            prop_assert_eq!(segment.header(), header);
            prop_assert_eq!(segment.options(), (header.options, None));
            prop_assert_eq!(segment.text(), text);
        }

        #[test]
        fn every_flipped_bit_is_caught(header in any_header(), text in prop::collection::vec(any::<u8>(), 0..40)) {
            let good = emitted(&header, &text);
            for bit in 0..good.len() * 8 {
                let mut bytes = good.clone();
                bytes[bit / 8] ^= 0x80 >> (bit % 8);
                prop_assert!(parse(&bytes).is_err(), "bit {}", bit);
            }
        }

        /// What a device does with an offloaded segment: sum it from the header on, field included.
        #[test]
        fn a_device_completes_an_offloaded_checksum(header in any_header(), text: Vec<u8>) {
            let mut bytes = [&vec![0; header.emitted_len()], &text[..]].concat();
            prop_assert_eq!(header.emit_offloaded(&mut bytes, pseudo(), text.len()), header.emitted_len());
            let completed = super::super::Sum::default().plus(&bytes).checksum();
            put(&mut bytes, CHECKSUM_AT, completed.to_be_bytes());
            prop_assert_eq!(parse(&bytes).unwrap().header(), header);
        }

        #[test]
        fn a_quote_is_the_beginning_of_its_segment(header in any_header(), cut in 0_usize..20) {
            let bytes = emitted(&header, &[]);
            let TcpHeader { source_port, destination_port, seq, .. } = header;
            let quote = (cut >= 8).then_some(TcpQuote { source_port, destination_port, seq });
            prop_assert_eq!(TcpQuote::parse(&bytes[..cut]), quote);
        }

        #[test]
        fn etherparse_reads_what_we_emit(header in any_header(), text: Vec<u8>) {
            let bytes = emitted(&header, &text);
            let read_by_them = TcpSlice::from_slice(&bytes).unwrap();
            prop_assert_eq!(read_by_them.calc_checksum_ipv4(SOURCE, DESTINATION), Ok(read_by_them.checksum()));
            prop_assert_eq!(read_by_them.payload(), &text);
            let as_written_by_them = etherparse::TcpHeader {
                options: read_by_them.to_header().options,
                checksum: read_by_them.checksum(),
                ..theirs(&header, &text)
            };
            prop_assert_eq!(read_by_them.to_header(), as_written_by_them);
        }

        #[test]
        fn we_read_what_etherparse_emits(header in any_header(), text: Vec<u8>) {
            let bytes = [&theirs(&header, &text).to_bytes()[..], &text].concat();
            let segment = parse(&bytes).unwrap();
            prop_assert_eq!(segment.header(), header);
            prop_assert_eq!(segment.text(), text);
        }
    }
}
