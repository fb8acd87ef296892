//! The options of a TCP header: maximum segment size (RFC 9293 §3.2), window scale and timestamps (RFC 7323), selective
//! acknowledgment (RFC 2018).

use super::{put, u32_at};
use crate::bugs::{self, Bug};

/// Bytes that options may take: 60 of the longest header less 20 of the shortest.
pub const MAX_OPTIONS_LEN: usize = 40;

const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const MSS: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;

/// In which order the options of a SYN are written, and how they are aligned. Both take the same room, and the options of
/// other segments are the same in both; whoever reads them must not care (RFC 9293 §3.1, MUST-5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OptionLayout {
    /// As Linux writes them: `mss, sackOK, TS, nop, wscale`; where an option is missing, no-operations align the next.
    #[default]
    Linux,
    /// As FreeBSD writes them: `mss, nop, wscale, sackOK, TS`; what room is left at the end is ended by `eol`.
    FreeBsd,
}

/// The options that this stack knows. Each is as it was sent: whether it may stand in this segment is for TCP to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpOptions {
    /// Maximum segment size the sender wants to receive, in bytes.
    pub mss: Option<u16>,
    /// The shift of the sender's windows; more than 14 is to be taken for 14 (RFC 7323 §2.3).
    pub window_scale: Option<u8>,
    /// The sender understands selective acknowledgments.
    pub sack_permitted: bool,
    /// Timestamps.
    pub timestamps: Option<Timestamps>,
    /// What the sender holds beyond its acknowledgment number.
    pub sack: SackBlocks,
    /// How they are to be written; of what was read it says nothing.
    pub layout: OptionLayout,
}

/// The timestamps option (RFC 7323 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timestamps {
    /// TSval: the sender's clock.
    pub value: u32,
    /// TSecr: the last TSval it has received; without ACK it means nothing.
    pub echo: u32,
}

/// A run of data that was received and queued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SackBlock {
    /// The first sequence number of the run.
    pub left: u32,
    /// The sequence number after its last.
    pub right: u32,
}

/// Why an option could not be read (RFC 9293 §3.1, MUST-7: a host must be prepared for an illegal length).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum IllegalOption {
    /// The header ends after the kind. Nothing after it can be read.
    #[error("the header ends before the length of option {kind}")]
    NoLength {
        /// The option's kind.
        kind: u8,
    },
    /// A length below two, which does not even cover kind and length. Nothing after it can be read.
    #[error("option {kind} has length {length}, too short for any option")]
    TooShort {
        /// The option's kind.
        kind: u8,
        /// Its length as sent.
        length: u8,
    },
    /// The length reaches beyond the header. Nothing after it can be read.
    #[error("option {kind} of length {length} reaches beyond the header")]
    TooLong {
        /// The option's kind.
        kind: u8,
        /// Its length as sent.
        length: u8,
    },
    /// A length that this kind cannot have. The option is skipped, what follows is read.
    #[error("option {kind} cannot have length {length}")]
    WrongLength {
        /// The option's kind.
        kind: u8,
        /// Its length as sent.
        length: u8,
    },
}

impl TcpOptions {
    /// Reads all options up to the first end of list. Unknown kinds are skipped (RFC 9293 §3.1, MUST-6); of an option
    /// sent twice the last counts. With them comes the first fault: an illegal length costs options, never the segment.
    pub fn parse(bytes: &[u8]) -> (TcpOptions, Option<IllegalOption>) {
        let mut options = TcpOptions::default();
        let mut fault = None;
        for option in (RawOptions { rest: bytes }) {
            if let Err(illegal) = option.and_then(|option| options.take(option)) {
                fault = fault.or(Some(illegal));
            }
        }
        (options, fault)
    }

    fn take(&mut self, option: RawOption<'_>) -> Result<(), IllegalOption> {
        let RawOption { kind, length, value } = option;
        let understood = match kind {
            MSS => <[u8; 2]>::try_from(value).map(|mss| self.mss = Some(u16::from_be_bytes(mss))).is_ok(),
            WINDOW_SCALE => <[u8; 1]>::try_from(value).map(|[shift]| self.window_scale = Some(shift)).is_ok(),
            SACK_PERMITTED => <[u8; 0]>::try_from(value).map(|[]| self.sack_permitted = true).is_ok(),
            SACK => SackBlocks::parse(value).map(|blocks| self.sack = blocks).is_some(),
            TIMESTAMPS => {
                <[u8; 8]>::try_from(value).map(|pair| self.timestamps = Some(Timestamps::from_bytes(pair))).is_ok()
            }
            _ => true,
        };
        if understood { Ok(()) } else { Err(IllegalOption::WrongLength { kind, length }) }
    }

    /// Bytes that [`emit`](Self::emit) writes, a multiple of four, at most [`MAX_OPTIONS_LEN`].
    pub fn emitted_len(&self) -> usize {
        usize::from(self.extent().len)
    }

    /// Writes the options at the front of `buffer` and returns their length, which is a multiple of
    /// four: each aligned by no-operations as everybody does it (RFC 7323 appendix A), or packed
    /// where only that makes them fit. SACK blocks that do not fit even then are left out, the last
    /// first: the first ones tell the news (RFC 2018 §4).
    ///
    /// # Panics
    /// When `buffer` is shorter than [`emitted_len`](Self::emitted_len).
    pub fn emit(&self, buffer: &mut [u8]) -> u8 {
        let Extent { aligned, blocks, len } = self.extent();
        buffer[..usize::from(len)].fill(END);
        let mut to = Writer { buffer, at: 0, aligned };
        if let Some(mss) = self.mss {
            to.write([MSS, 4]);
            to.write(mss.to_be_bytes());
        }
        match self.layout {
            OptionLayout::Linux => {
                if self.sack_permitted != self.timestamps.is_some() {
                    to.align([NO_OPERATION; 2]);
                }
                self.emit_sack_permitted(&mut to);
                self.emit_timestamps(&mut to);
                self.emit_window_scale(&mut to);
            }
            OptionLayout::FreeBsd => {
                self.emit_window_scale(&mut to);
                self.emit_sack_permitted(&mut to);
                if !self.sack_permitted && self.timestamps.is_some() {
                    to.align([NO_OPERATION; 2]);
                }
                self.emit_timestamps(&mut to);
            }
        }
        if blocks > 0 {
            to.align([NO_OPERATION; 2]);
            to.write([SACK, 2 + 8 * blocks]);
        }
        for block in &self.sack.as_slice()[..usize::from(blocks)] {
            to.write(block.left.to_be_bytes());
            to.write(block.right.to_be_bytes());
        }
        len
    }

    fn emit_sack_permitted(&self, to: &mut Writer<'_>) {
        if self.sack_permitted {
            to.write([SACK_PERMITTED, 2]);
        }
    }

    fn emit_timestamps(&self, to: &mut Writer<'_>) {
        if let Some(Timestamps { value, echo }) = self.timestamps {
            to.write([TIMESTAMPS, 10]);
            to.write(value.to_be_bytes());
            to.write(echo.to_be_bytes());
        }
    }

    fn emit_window_scale(&self, to: &mut Writer<'_>) {
        if let Some(shift) = self.window_scale {
            to.align([NO_OPERATION]);
            to.write([WINDOW_SCALE, 3, shift]);
        }
    }

    /// As many SACK blocks as can fit, then alignment if it fits too. Packed, everything but SACK
    /// takes at most 19 bytes, so that two blocks always fit.
    fn extent(&self) -> Extent {
        let fits = |blocks, aligned| usize::from(self.len_of(blocks, aligned)) <= MAX_OPTIONS_LEN;
        let blocks = (0..=self.sack.count).rev().find(|&blocks| fits(blocks, false)).unwrap_or(0);
        let aligned = fits(blocks, true);
        Extent { aligned, blocks, len: self.len_of(blocks, aligned).next_multiple_of(4) }
    }

    /// Bytes of the options with so many SACK blocks, with or without no-operations between them.
    fn len_of(&self, blocks: u8, aligned: bool) -> u8 {
        let present =
            |there: bool, len: u8, no_operations: u8| u8::from(there) * (len + u8::from(aligned) * no_operations);
        present(self.mss.is_some(), 4, 0)
            + present(self.sack_permitted, 2, 0)
            + present(self.timestamps.is_some(), 10, 0)
            + present(self.sack_permitted != self.timestamps.is_some(), 0, 2)
            + present(self.window_scale.is_some(), 3, 1)
            + present(blocks > 0, 2 + 8 * blocks, 2)
    }
}

struct Extent {
    aligned: bool,
    blocks: u8,
    len: u8,
}

struct Writer<'a> {
    buffer: &'a mut [u8],
    at: usize,
    aligned: bool,
}

impl Writer<'_> {
    fn write<const N: usize>(&mut self, bytes: [u8; N]) {
        put(self.buffer, self.at, bytes);
        self.at += N;
    }

    fn align<const N: usize>(&mut self, no_operations: [u8; N]) {
        if self.aligned {
            self.write(no_operations);
        }
    }
}

impl Timestamps {
    fn from_bytes(bytes: [u8; 8]) -> Timestamps {
        Timestamps { value: u32_at(&bytes, 0), echo: u32_at(&bytes, 4) }
    }
}

/// At most four blocks, which is all that fits a header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SackBlocks {
    /// Blocks after the first `count` are zero, so that equal lists are equal values.
    blocks: [SackBlock; 4],
    count: u8,
}

impl SackBlocks {
    /// The blocks in the order they are sent.
    pub fn as_slice(&self) -> &[SackBlock] {
        &self.blocks[..usize::from(self.count)]
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// One block or more, eight bytes each.
    fn parse(value: &[u8]) -> Option<SackBlocks> {
        let (blocks, rest) = value.as_chunks::<8>();
        if blocks.is_empty() || !rest.is_empty() {
            return None;
        }
        Some(blocks.iter().map(|b| SackBlock { left: u32_at(b, 0), right: u32_at(b, 4) }).collect())
    }
}

/// The first four; more do not fit a header.
impl FromIterator<SackBlock> for SackBlocks {
    fn from_iter<I: IntoIterator<Item = SackBlock>>(blocks: I) -> Self {
        let mut list = SackBlocks::default();
        for (slot, block) in list.blocks.iter_mut().zip(blocks) {
            *slot = block;
            list.count += 1;
        }
        list
    }
}

/// An option as it lies in the header; `length` counts kind, length and value.
struct RawOption<'a> {
    kind: u8,
    length: u8,
    value: &'a [u8],
}

/// The options that carry a length, in order. Ends at the end of the list, or after the first
/// length that gives no place to go on; every step shortens the rest, so that it ends.
struct RawOptions<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for RawOptions<'a> {
    type Item = Result<RawOption<'a>, IllegalOption>;

    fn next(&mut self) -> Option<Self::Item> {
        while let [NO_OPERATION, rest @ ..] = self.rest {
            self.rest = rest;
        }
        match std::mem::take(&mut self.rest) {
            [] | [END, ..] => None,
            [kind] => Some(Err(IllegalOption::NoLength { kind: *kind })),
            [kind, length @ (0 | 1), ..] => {
                // The test that puts the bug back is not to wait for ever.
                assert!(*length > 0 || !bugs::is_back(Bug::ZeroLengthOption), "the options never end");
                Some(Err(IllegalOption::TooShort { kind: *kind, length: *length }))
            }
            [kind, length, after @ ..] => match after.split_at_checked(usize::from(*length) - 2) {
                Some((value, rest)) => {
                    self.rest = rest;
                    Some(Ok(RawOption { kind: *kind, length: *length, value }))
                }
                None => Some(Err(IllegalOption::TooLong { kind: *kind, length: *length })),
            },
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use etherparse::TcpOptionElement;
    use proptest::prelude::*;

    fn any_sack() -> impl Strategy<Value = SackBlocks> {
        prop::collection::vec(any::<(u32, u32)>(), 0..=4)
            .prop_map(|blocks| blocks.into_iter().map(|(left, right)| SackBlock { left, right }).collect())
    }

    /// Any options, though not all of their SACK blocks may fit a header.
    fn any_wished() -> impl Strategy<Value = TcpOptions> {
        type Others = (Option<u16>, Option<u8>, bool, Option<(u32, u32)>);
        (any::<Others>(), any_sack()).prop_map(|((mss, window_scale, sack_permitted, timestamps), sack)| {
            let timestamps = timestamps.map(|(value, echo)| Timestamps { value, echo });
            TcpOptions { mss, window_scale, sack_permitted, timestamps, sack, layout: OptionLayout::Linux }
        })
    }

    /// Any options that fit a header: all four others leave room for two blocks, timestamps for three.
    pub fn any_options() -> impl Strategy<Value = TcpOptions> {
        any_wished().prop_map(|options| {
            let fitting = usize::from(options.extent().blocks);
            TcpOptions { sack: options.sack.as_slice()[..fitting].iter().copied().collect(), ..options }
        })
    }

    fn emitted(options: &TcpOptions) -> Vec<u8> {
        let mut bytes = vec![0xa5; options.emitted_len()];
        assert_eq!(usize::from(options.emit(&mut bytes)), bytes.len());
        bytes
    }

    /// The options as etherparse names them, in the order they are emitted here.
    pub fn theirs(options: &TcpOptions) -> Vec<TcpOptionElement> {
        let pair = |block: &SackBlock| (block.left, block.right);
        let sack = options.sack.as_slice().split_first().map(|(first, others)| {
            let other = |at: usize| others.get(at).map(pair);
            TcpOptionElement::SelectiveAcknowledgement(pair(first), [other(0), other(1), other(2)])
        });
        let mss = options.mss.map(TcpOptionElement::MaximumSegmentSize);
        let permitted = options.sack_permitted.then_some(TcpOptionElement::SelectiveAcknowledgementPermitted);
        let timestamps = options.timestamps.map(|t| TcpOptionElement::Timestamp(t.value, t.echo));
        let scale = options.window_scale.map(TcpOptionElement::WindowScale);
        [mss, permitted, timestamps, scale, sack].into_iter().flatten().collect()
    }

    #[test]
    fn a_syn_of_linux() {
        let bytes = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0, 1, 3, 3, 7];
        let options = TcpOptions {
            mss: Some(1460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some(Timestamps { value: 7, echo: 0 }),
            ..TcpOptions::default()
        };
        assert_eq!(TcpOptions::parse(&bytes), (options, None));
        assert_eq!(emitted(&options), bytes);
    }

    #[test]
    fn syns_of_freebsd() {
        let (mss, window_scale) = (Some(1460), Some(6));
        let timestamps = Some(Timestamps { value: 7, echo: 0 });
        let none = TcpOptions { layout: OptionLayout::FreeBsd, mss, ..TcpOptions::default() };
        let all = TcpOptions { window_scale, sack_permitted: true, timestamps, ..none };
        let bytes = [2, 4, 5, 180, 1, 3, 3, 6, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0];
        assert_eq!(emitted(&all), bytes);
        assert_eq!(emitted(&TcpOptions { timestamps: None, ..all }), [&bytes[..10], &[END, END]].concat());
        let no_sack = emitted(&TcpOptions { sack_permitted: false, ..all });
        assert_eq!(no_sack, [&bytes[..8], &[1, 1], &bytes[10..]].concat());
        assert_eq!(emitted(&TcpOptions { window_scale: None, ..all }), [&bytes[..4], &bytes[8..]].concat());
        assert_eq!(emitted(&TcpOptions { sack_permitted: true, ..none }), [2, 4, 5, 180, 4, 2, END, END]);
    }

    #[test]
    fn each_option_alone_is_aligned() {
        let none = TcpOptions::default();
        assert!(emitted(&none).is_empty());
        assert_eq!(emitted(&TcpOptions { mss: Some(536), ..none }), [2, 4, 2, 24]);
        assert_eq!(emitted(&TcpOptions { window_scale: Some(9), ..none }), [1, 3, 3, 9]);
        assert_eq!(emitted(&TcpOptions { sack_permitted: true, ..none }), [1, 1, 4, 2]);
        let timestamps = Some(Timestamps { value: 1, echo: 2 });
        assert_eq!(emitted(&TcpOptions { timestamps, ..none }), [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
        let sack = [SackBlock { left: 3, right: 4 }].into_iter().collect();
        assert_eq!(emitted(&TcpOptions { sack, ..none }), [1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4]);
    }

    #[test]
    fn illegal_lengths_are_survived_and_told() {
        use IllegalOption::{NoLength, TooLong, TooShort, WrongLength};
        let before = [3, 3, 5];
        let scale = TcpOptions { window_scale: Some(5), ..TcpOptions::default() };
        let after_it = |bytes: &[u8]| TcpOptions::parse(&[&before, bytes].concat());
        assert_eq!(after_it(&[2]), (scale, Some(NoLength { kind: 2 })));
        assert_eq!(after_it(&[2, 0, 4, 2]), (scale, Some(TooShort { kind: 2, length: 0 })));
        assert_eq!(after_it(&[77, 1, 4, 2]), (scale, Some(TooShort { kind: 77, length: 1 })));
        assert_eq!(after_it(&[2, 4, 5]), (scale, Some(TooLong { kind: 2, length: 4 })));
        assert_eq!(after_it(&[77, 255, 4, 2]), (scale, Some(TooLong { kind: 77, length: 255 })));

        let and_sack = TcpOptions { sack_permitted: true, ..scale };
        assert_eq!(after_it(&[2, 3, 5, 4, 2]), (and_sack, Some(WrongLength { kind: 2, length: 3 })));
        assert_eq!(after_it(&[5, 2, 4, 2]), (and_sack, Some(WrongLength { kind: 5, length: 2 })));
        assert_eq!(after_it(&[5, 3, 0, 4, 2, 2]), (and_sack, Some(WrongLength { kind: 5, length: 3 })));
        assert_eq!(
            after_it(&[5, 11, 0, 0, 0, 1, 0, 0, 0, 2, 9, 4, 2]),
            (and_sack, Some(WrongLength { kind: 5, length: 11 }))
        );
        assert_eq!(after_it(&[4, 3, 0]), (scale, Some(WrongLength { kind: 4, length: 3 })));
    }

    #[test]
    fn unknown_kinds_are_skipped_and_nothing_is_read_after_the_end() {
        let bytes = [30, 4, 9, 9, 254, 2, 2, 4, 2, 24, 0, 4, 2, 9];
        let options = TcpOptions { mss: Some(536), ..TcpOptions::default() };
        assert_eq!(TcpOptions::parse(&bytes), (options, None));
    }

    #[test]
    fn blocks_that_do_not_fit_are_left_out_from_the_end() {
        let sack: SackBlocks = (0..9).map(|n| SackBlock { left: n, right: n + 1 }).collect();
        assert_eq!(sack.as_slice().len(), 4);
        let timestamps = Some(Timestamps { value: 1, echo: 2 });
        let options = TcpOptions { timestamps, sack, ..TcpOptions::default() };
        let bytes = emitted(&options);
        assert_eq!(bytes.len(), MAX_OPTIONS_LEN);
        assert_eq!(TcpOptions::parse(&bytes).0.sack.as_slice(), &sack.as_slice()[..3]);
    }

    #[test]
    fn options_are_packed_where_only_that_makes_them_fit() {
        let sack: SackBlocks = (0..3).map(|n| SackBlock { left: n, right: n + 1 }).collect();
        let timestamps = Some(Timestamps { value: 1, echo: 2 });
        let options = TcpOptions { window_scale: Some(7), timestamps, sack, ..TcpOptions::default() };
        let bytes = emitted(&options);
        assert_eq!((bytes.len(), &bytes[..2], &bytes[10..13]), (40, &[8, 10][..], &[3, 3, 7][..]));
        assert_eq!(bytes[39], END);
        assert_eq!(TcpOptions::parse(&bytes), (options, None));
    }

    proptest! {
        #[test]
        fn parse_after_emit_is_the_identity(options in any_options()) {
            prop_assert_eq!(TcpOptions::parse(&emitted(&options)), (options, None));
        }

        /// Not only what we would send: whatever could be read fits a header again.
        #[test]
        fn what_was_read_can_be_sent_on(bytes in prop::collection::vec(prop_oneof![0_u8..12, any::<u8>()], 0..=40)) {
            let (options, _) = TcpOptions::parse(&bytes);
            prop_assert_eq!(TcpOptions::parse(&emitted(&options)), (options, None));
        }

        #[test]
        fn every_length_is_a_multiple_of_four_that_fits(options in any_wished()) {
            prop_assert_eq!(options.emitted_len() % 4, 0);
            prop_assert!(options.emitted_len() <= MAX_OPTIONS_LEN);
            let without_sack = TcpOptions { sack: SackBlocks::default(), ..options };
            let (read, fault) = TcpOptions::parse(&emitted(&options));
            prop_assert_eq!(fault, None);
            prop_assert_eq!(TcpOptions { sack: SackBlocks::default(), ..read }, without_sack);
            prop_assert!(options.sack.as_slice().starts_with(read.sack.as_slice()));
        }

        /// One order takes as much room as the other, and says the same.
        #[test]
        fn the_layout_is_no_matter_to_the_reader(options in any_options()) {
            let other = TcpOptions { layout: OptionLayout::FreeBsd, ..options };
            prop_assert_eq!(other.emitted_len(), options.emitted_len());
            prop_assert_eq!(TcpOptions::parse(&emitted(&other)), (options, None));
        }

        #[test]
        fn etherparse_agrees_both_ways(options in any_options()) {
            let bytes = emitted(&options);
            let read_by_them: Vec<_> = etherparse::TcpOptionsIterator::from_slice(&bytes)
                .map(Result::unwrap)
                .filter(|element| *element != TcpOptionElement::Noop)
                .collect();
            prop_assert_eq!(&read_by_them, &theirs(&options));

            let written_by_them = etherparse::TcpOptions::try_from_elements(&theirs(&options)).unwrap();
            prop_assert_eq!(TcpOptions::parse(written_by_them.as_slice()), (options, None));
        }
    }
}
