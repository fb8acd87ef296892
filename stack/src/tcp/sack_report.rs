//! What we say in SACK options: which text ahead of RCV.NXT is here (RFC 2018 §4), and which has come twice (RFC 2883 §4).

use std::ops::Range;

use lockstep_model::{Segment, Seq, SeqNum};

use super::recv::RecvBuffer;
use crate::wire::{SackBlock, SackBlocks};

/// The most blocks an option has room for.
const MOST_BLOCKS: usize = 4;

/// The octets of an option, aligned, besides its blocks, and of each block.
const OPTION_LEN: usize = 4;
const BLOCK_LEN: usize = 8;

/// What is to be said; nothing, and no memory, while all text comes once and in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct SackReport {
    news: Option<Box<News>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct News {
    /// A number inside each range of text, the one that something last arrived for first.
    latest: Vec<Seq>,
    /// Text that has come again and has not been reported.
    repeated: Option<(Seq, Seq)>,
}

/// What `segment` brings again: the first run of its text that RCV.NXT has moved over or that is held (RFC 2883 §4).
pub(super) fn repeated_by(segment: &Segment<Seq>, rcv_nxt: Seq, recv: &RecvBuffer) -> Option<(Seq, Seq)> {
    if segment.text == 0 {
        return None;
    }
    let (start, end) = (segment.text_seq(), segment.text_seq().plus(segment.text));
    if start.before(rcv_nxt) {
        return Some((start, if end.after(rcv_nxt) { rcv_nxt } else { end }));
    }
    let (from, to) = (offset(start, rcv_nxt)?, offset(end, rcv_nxt)?);
    let held = recv.first_range_in(from..to)?;
    Some((at(rcv_nxt, held.start.max(from)), at(rcv_nxt, held.end.min(to))))
}

impl SackReport {
    /// `segment` has been processed, and has brought this again.
    pub fn arrived(&mut self, segment: &Segment<Seq>, rcv_nxt: Seq, recv: &RecvBuffer, repeated: Option<(Seq, Seq)>) {
        if !recv.has_holes() && repeated.is_none() {
            self.news = self.news.take().filter(|news| news.repeated.is_some());
            return;
        }
        let news = self.news.get_or_insert_default();
        news.repeated = repeated.or(news.repeated);
        let first = segment.text_seq();
        if let Some(range) = range_of(first, rcv_nxt, recv) {
            news.latest.retain(|&seq| offset(seq, rcv_nxt).is_some_and(|offset| !range.contains(&offset)));
            news.latest.insert(0, first);
            news.latest.truncate(MOST_BLOCKS);
        }
    }

    /// The blocks for a segment that leaves now and has `room` octets for the option.
    ///
    /// First what has come twice, which is said once (RFC 2883 §4), then the range that the latest segment belongs to, then
    /// those reported most recently (RFC 2018 §4), then any others.
    pub fn blocks(&mut self, rcv_nxt: Seq, recv: &RecvBuffer, room: usize) -> SackBlocks {
        let most = (room.saturating_sub(OPTION_LEN) / BLOCK_LEN).min(MOST_BLOCKS);
        let Some(news) = self.news.as_mut().filter(|_| most > 0) else {
            return SackBlocks::default();
        };
        let mut blocks = Vec::with_capacity(MOST_BLOCKS);
        blocks.extend(news.repeated.take().map(|(left, right)| SackBlock { left: left.raw(), right: right.raw() }));
        let latest = news.latest.iter().filter_map(|&seq| range_of(seq, rcv_nxt, recv));
        for range in latest.chain(recv.ranges().take(MOST_BLOCKS)) {
            let block = SackBlock { left: at(rcv_nxt, range.start).raw(), right: at(rcv_nxt, range.end).raw() };
            if blocks.len() < most && !blocks.contains(&block) {
                blocks.push(block);
            }
        }
        blocks.into_iter().collect()
    }
}

/// The range ahead of RCV.NXT that holds this number.
fn range_of(seq: Seq, rcv_nxt: Seq, recv: &RecvBuffer) -> Option<Range<usize>> {
    recv.range_around(offset(seq, rcv_nxt)?)
}

/// How far ahead of RCV.NXT a number is.
fn offset(seq: Seq, rcv_nxt: Seq) -> Option<usize> {
    usize::try_from(seq.since(rcv_nxt)).ok()
}

fn at(rcv_nxt: Seq, offset: usize) -> Seq {
    rcv_nxt.plus(u32::try_from(offset).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_model::Flags;

    const ROOM: usize = 40;

    /// From here numbers count in these tests. They go round after 1,000.
    fn start() -> Seq {
        Seq::new(0_u32.wrapping_sub(1_000))
    }

    /// A receiver without a connection.
    struct Receiver {
        recv: RecvBuffer,
        report: SackReport,
        rcv_nxt: Seq,
    }

    impl Receiver {
        fn new() -> Self {
            Self { recv: RecvBuffer::new(60_000), report: SackReport::default(), rcv_nxt: start() }
        }

        fn arrives(&mut self, range: Range<u32>) {
            let seq = start().plus(range.start);
            let text = range.end - range.start;
            let segment = Segment { text, ..Segment::control(seq, start(), Flags::ACK, 0) };
            let repeated = repeated_by(&segment, self.rcv_nxt, &self.recv);
            let skip = usize::try_from(-seq.since(self.rcv_nxt)).unwrap_or(0);
            if let Some(new) = vec![7; usize::try_from(text).unwrap()].get(skip..) {
                let ahead = offset(seq, self.rcv_nxt).unwrap_or(0);
                let advance = self.recv.accept(ahead, new, false).advance;
                self.rcv_nxt = at(self.rcv_nxt, advance);
            }
            self.report.arrived(&segment, self.rcv_nxt, &self.recv, repeated);
        }

        fn says_in(&mut self, room: usize) -> Vec<(u32, u32)> {
            let blocks = self.report.blocks(self.rcv_nxt, &self.recv, room);
            let from_start = |number: u32| Seq::new(number).forward_from(start());
            blocks.as_slice().iter().map(|block| (from_start(block.left), from_start(block.right))).collect()
        }

        fn says(&mut self) -> Vec<(u32, u32)> {
            self.says_in(ROOM)
        }
    }

    #[test]
    fn the_first_block_is_where_the_latest_segment_belongs_and_the_others_follow_by_age() {
        let mut r = Receiver::new();
        for (range, said) in [
            (1000..1500, vec![(1000, 1500)]),
            (3000..3500, vec![(3000, 3500), (1000, 1500)]),
            (2000..2500, vec![(2000, 2500), (3000, 3500), (1000, 1500)]),
            (1500..1600, vec![(1000, 1600), (2000, 2500), (3000, 3500)]),
            (5000..5500, vec![(5000, 5500), (1000, 1600), (2000, 2500), (3000, 3500)]),
            (7000..7500, vec![(7000, 7500), (5000, 5500), (1000, 1600), (2000, 2500)]),
            (2500..3000, vec![(2000, 3500), (7000, 7500), (5000, 5500), (1000, 1600)]),
            (0..1000, vec![(2000, 3500), (7000, 7500), (5000, 5500)]),
        ] {
            r.arrives(range);
            assert_eq!(r.says(), said);
        }
        r.arrives(1600..2000);
        r.arrives(3500..5000);
        r.arrives(5500..7000);
        assert!(r.says().is_empty());
        assert_eq!(r.report, SackReport::default());
    }

    #[test]
    fn as_many_blocks_as_there_is_room_for() {
        let mut r = Receiver::new();
        for start in [1000, 2000, 3000, 4000, 5000] {
            r.arrives(start..start + 1);
        }
        assert_eq!([40, 28, 27, 12, 11, 0].map(|room| r.says_in(room).len()), [4, 3, 2, 1, 0, 0]);
        assert!(r.report.news.is_some_and(|news| news.latest.len() == MOST_BLOCKS), "no more is remembered");
    }

    /// However often it grows, a range takes one place among those that are remembered.
    #[test]
    fn a_range_that_grows_does_not_make_others_forgotten() {
        let mut r = Receiver::new();
        for range in [1000..1100, 3000..3100, 2000..2100, 5000..5100, 5100..5200, 5200..5300, 5300..5400] {
            r.arrives(range);
        }
        assert_eq!(r.says(), [(5000, 5400), (2000, 2100), (3000, 3100), (1000, 1100)]);
    }

    /// RFC 2883 §4, by its examples: below RCV.NXT, in a block, in part, and each only once.
    #[test]
    fn what_comes_twice_is_said_once_and_first() {
        let mut r = Receiver::new();
        r.arrives(0..500);
        r.arrives(0..500);
        assert_eq!(r.says(), [(0, 500)]);
        assert!(r.says().is_empty());
        r.arrives(1000..2000);
        assert_eq!(r.says(), [(1000, 2000)]);
        r.arrives(1200..1400);
        assert_eq!(r.says(), [(1200, 1400), (1000, 2000)]);
        assert_eq!(r.says(), [(1000, 2000)]);
        r.arrives(1800..2200);
        assert_eq!(r.says(), [(1800, 2000), (1000, 2200)]);
        r.arrives(900..1100);
        assert_eq!(r.says(), [(1000, 1100), (900, 2200)]);
        r.arrives(300..700);
        assert_eq!(r.says(), [(300, 500), (900, 2200)]);
        r.arrives(600..950);
        assert_eq!(r.says(), [(600, 700)]);
    }

    #[test]
    fn text_beyond_the_window_is_not_reported() {
        let mut r = Receiver::new();
        r.arrives(60_000..60_100);
        assert!(r.says().is_empty());
    }
}
