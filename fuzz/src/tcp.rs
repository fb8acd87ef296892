//! TCP: any bytes as a segment, and any header as bytes.

use crate::sums_to_zero;
use arbitrary::{Arbitrary, Unstructured};
use etherparse::tcp_option::KIND_NOOP as NO_OPERATION;
use etherparse::{TcpOptionElement, TcpOptionReadError, TcpOptionsIterator, TcpSlice};
use lockstep::wire::{
    Checksum, Protocol, PseudoHeader, SackBlock, Sum, TcpFlags, TcpHeader, TcpOptions, TcpQuote, TcpSegment,
    Timestamps, tcp,
};

const SOURCE: [u8; 4] = [192, 0, 2, 1];
const DESTINATION: [u8; 4] = [192, 0, 2, 2];

fn pseudo() -> PseudoHeader {
    PseudoHeader { source: SOURCE.into(), destination: DESTINATION.into(), protocol: Protocol::TCP }
}

/// A segment is accepted as `etherparse` does, and its fields and options are the same.
pub fn tcp(data: &[u8]) {
    let theirs = TcpSlice::from_slice(data);
    match TcpSegment::parse(data, pseudo(), Checksum::Vouched) {
        Ok(segment) => {
            fields_agree(&segment, &theirs.expect("etherparse refuses a segment"));
            let verified = TcpSegment::parse(data, pseudo(), Checksum::Verify);
            let length = data.len().to_be_bytes();
            assert_eq!(verified.is_ok(), sums_to_zero(&[&SOURCE, &DESTINATION, &[0, 6], &length, data]));
            assert_eq!(TcpQuote::parse(data).map(|quote| quote.seq), Some(segment.seq()));
            survives(&segment.header(), segment.text());
        }
        Err(reason) => assert!(theirs.is_err(), "refused, but not by etherparse: {reason}"),
    }
}

fn fields_agree(segment: &TcpSegment<'_>, theirs: &TcpSlice<'_>) {
    let ours = segment.header();
    assert_eq!(ours.source_port, theirs.source_port());
    assert_eq!(ours.destination_port, theirs.destination_port());
    assert_eq!(ours.seq, theirs.sequence_number());
    assert_eq!(ours.ack, theirs.acknowledgment_number());
    assert_eq!(ours.flags, their_flags(theirs));
    assert_eq!(ours.window, theirs.window_size());
    assert_eq!(ours.urgent, theirs.urgent_pointer());
    assert_eq!(segment.text(), theirs.payload());
    options_agree(segment, theirs);
}

fn their_flags(theirs: &TcpSlice<'_>) -> TcpFlags {
    let flags = [
        (theirs.fin(), TcpFlags::FIN),
        (theirs.syn(), TcpFlags::SYN),
        (theirs.rst(), TcpFlags::RST),
        (theirs.psh(), TcpFlags::PSH),
        (theirs.ack(), TcpFlags::ACK),
        (theirs.urg(), TcpFlags::URG),
        (theirs.ece(), TcpFlags::ECE),
        (theirs.cwr(), TcpFlags::CWR),
    ];
    flags.into_iter().filter(|(set, _)| *set).fold(TcpFlags::default(), |all, (_, flag)| all | flag)
}

/// Where `etherparse` reads all options, the same are read here and no fault is found; where it stops at an illegal
/// length, a fault is found.
fn options_agree(segment: &TcpSegment<'_>, theirs: &TcpSlice<'_>) {
    match their_options(theirs.options().to_vec()) {
        Some(options) => assert_eq!((options, None), segment.options()),
        None => assert!(segment.options().1.is_some(), "etherparse finds an illegal length"),
    }
}

/// `etherparse` stops at an unknown kind, which RFC 9293 (MUST-6) wants ignored: it is asked again with no-operations in
/// its place, which are one unknown kind less, until it has read everything or finds an illegal length.
fn their_options(mut bytes: Vec<u8>) -> Option<TcpOptions> {
    loop {
        let mut elements = TcpOptionsIterator::from_slice(&bytes);
        let mut options = TcpOptions::default();
        let unknown_at = loop {
            let at = bytes.len() - elements.rest().len();
            match elements.next() {
                None => return Some(options),
                Some(Ok(element)) => options = with(options, element),
                Some(Err(TcpOptionReadError::UnknownId(_))) => break at,
                Some(Err(TcpOptionReadError::UnexpectedSize { .. }))
                | Some(Err(TcpOptionReadError::UnexpectedEndOfSlice { .. })) => return None,
            }
        };
        let length = bytes.get(unknown_at + 1).copied().filter(|&length| length >= 2)?;
        bytes.get_mut(unknown_at..unknown_at + usize::from(length))?.fill(NO_OPERATION);
    }
}

fn with(options: TcpOptions, element: TcpOptionElement) -> TcpOptions {
    match element {
        TcpOptionElement::Noop => options,
        TcpOptionElement::MaximumSegmentSize(mss) => TcpOptions { mss: Some(mss), ..options },
        TcpOptionElement::WindowScale(shift) => TcpOptions { window_scale: Some(shift), ..options },
        TcpOptionElement::SelectiveAcknowledgementPermitted => TcpOptions { sack_permitted: true, ..options },
        TcpOptionElement::SelectiveAcknowledgement(first, others) => {
            let blocks = [Some(first)].into_iter().chain(others).flatten();
            TcpOptions { sack: blocks.map(|(left, right)| SackBlock { left, right }).collect(), ..options }
        }
        TcpOptionElement::Timestamp(value, echo) => {
            TcpOptions { timestamps: Some(Timestamps { value, echo }), ..options }
        }
    }
}

/// Emitted and parsed again, header and text are what they were.
fn survives(header: &TcpHeader, text: &[u8]) -> Vec<u8> {
    let mut emitted = [&vec![0xa5; header.emitted_len()], text].concat();
    assert_eq!(header.emit(&mut emitted, pseudo()), header.emitted_len());
    let again = TcpSegment::parse(&emitted, pseudo(), Checksum::Verify).expect("what was emitted is well-formed");
    assert_eq!((again.header(), again.options().1, again.text()), (*header, None, text));
    emitted
}

/// Any header with any text: it survives, `etherparse` reads the same, a device can complete its checksum, and no
/// flipped bit goes unnoticed.
pub fn tcp_header(data: &[u8]) {
    let Ok(wish) = Wish::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let header = wish.header();
    let emitted = survives(&header, wish.text);
    fields_agree(
        &TcpSegment::parse(&emitted, pseudo(), Checksum::Verify).expect("it has just survived"),
        &TcpSlice::from_slice(&emitted).expect("etherparse refuses what was emitted"),
    );

    let mut offloaded = [&vec![0xa5; header.emitted_len()], wish.text].concat();
    header.emit_offloaded(&mut offloaded, pseudo(), wish.text.len());
    let completed = Sum::default().plus(&offloaded).checksum();
    offloaded[tcp::CHECKSUM_AT..][..2].copy_from_slice(&completed.to_be_bytes());
    assert_eq!(offloaded, emitted);

    let mut flipped = emitted;
    let bit = usize::from(wish.flipped_bit) % (flipped.len() * 8);
    flipped[bit / 8] ^= 0x80 >> (bit % 8);
    assert!(TcpSegment::parse(&flipped, pseudo(), Checksum::Verify).is_err());
}

/// What a fuzzer can wish for.
#[derive(Arbitrary)]
struct Wish<'a> {
    ports: (u16, u16),
    seq: u32,
    ack: u32,
    flags: u8,
    window: u16,
    urgent: u16,
    mss: Option<u16>,
    window_scale: Option<u8>,
    sack_permitted: bool,
    timestamps: Option<(u32, u32)>,
    sack: [Option<(u32, u32)>; 4],
    flipped_bit: u16,
    text: &'a [u8],
}

impl Wish<'_> {
    /// Of the SACK blocks as many as fit behind the other options in 40 bytes: more would be left out.
    fn header(&self) -> TcpHeader {
        let others = [
            (self.mss.is_some(), 4),
            (self.window_scale.is_some(), 3),
            (self.sack_permitted, 2),
            (self.timestamps.is_some(), 10),
        ];
        let taken: usize = others.iter().filter(|(there, _)| *there).map(|(_, length)| length).sum();
        let blocks = (40 - taken - 2) / 8;
        let sack = self.sack.into_iter().flatten().take(blocks);
        let options = TcpOptions {
            mss: self.mss,
            window_scale: self.window_scale,
            sack_permitted: self.sack_permitted,
            timestamps: self.timestamps.map(|(value, echo)| Timestamps { value, echo }),
            sack: sack.map(|(left, right)| SackBlock { left, right }).collect(),
            ..TcpOptions::default()
        };
        TcpHeader {
            source_port: self.ports.0,
            destination_port: self.ports.1,
            seq: self.seq,
            ack: self.ack,
            flags: TcpFlags(self.flags),
            window: self.window,
            urgent: self.urgent,
            options,
        }
    }
}
