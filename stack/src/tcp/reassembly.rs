//! What has arrived ahead of RCV.NXT: a bounded, ordered set of ranges with their octets, and the place of a FIN that
//! arrived early (RFC 9293 §3.10.7.4: "Segments with higher beginning sequence numbers SHOULD be held", SHLD-31).
//!
//! Offsets are from RCV.NXT, in octets of text; there are no sequence numbers. Inside, ranges are kept by their place in
//! the stream, so that nothing moves when RCV.NXT does: a segment costs O(log n) comparisons and one copy of its text,
//! however many ranges there are.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::ops::Range;

use super::pages::Pages;

/// The most ranges held out of order on one connection. Beyond that, what lies nearest to RCV.NXT is kept and the
/// farthest forgotten.
///
/// Forgetting is harmless: nothing out of order has been acknowledged, so the peer still has it. A peer that sends only
/// holes ("SegmentSmack") therefore costs some kibibytes and a few comparisons a segment, and stalls nobody but itself.
pub const MAX_RANGES: usize = 256;

/// The ranges held out of order, their octets and a held FIN.
///
/// Invariant: ranges are not empty, ascending, and separated by holes. None reaches beyond the FIN. Equality and hash are
/// those of what is held relative to RCV.NXT, wherever in the stream that is.
#[derive(Clone, Debug, Default)]
pub struct Reassembly {
    /// Octets that RCV.NXT has moved over.
    rcv_nxt: u64,
    /// The end of each range, by its start.
    ranges: BTreeMap<Place, Place>,
    octets: Pages,
    fin: Option<Place>,
}

impl Reassembly {
    /// Nothing held.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `text` at `offset`. Octets that are already held stay as they came first; text beyond a held FIN is cut: it is
    /// no part of the stream.
    ///
    /// Returns whether nothing was forgotten. Otherwise there were too many ranges, and what lay from
    /// [`held_end`](Self::held_end) on is held no longer.
    pub fn insert(&mut self, offset: usize, text: &[u8]) -> bool {
        let start = self.place(offset);
        if self.ranges.len() >= self.most_ranges() && offset > self.held_end() {
            return false;
        }
        let end = start.plus(text.len());
        let end = self.fin.map_or(end, |fin| fin.min(end));
        if start < end {
            for hole in holes(&self.ranges, start..end) {
                let new = &text[hole.start.since(start)..hole.end.since(start)];
                self.octets.write(hole.start.0, new);
            }
            self.unite(start, end);
        }
        self.forget_the_farthest()
    }

    /// RCV.NXT moves over the text that is in order now, which goes to `into`. Returns how far.
    pub fn advance(&mut self, into: &mut VecDeque<u8>) -> usize {
        let Some(first) = self.ranges.first_entry().filter(|first| first.key().0 == self.rcv_nxt) else {
            return 0;
        };
        let (start, end) = first.remove_entry();
        self.octets.slices(start.0..end.0).for_each(|octets| into.extend(octets));
        self.octets.release_before(end.0);
        self.rcv_nxt = end.0;
        end.since(start)
    }

    /// Remembers a FIN at `offset`, right after the last octet of the stream.
    ///
    /// Returns whether it was believed. The first FIN stands, and a FIN below text that is already held is a
    /// contradiction of the peer's own: neither changes what was received before it.
    pub fn hold_fin(&mut self, offset: usize) -> bool {
        let place = self.place(offset);
        match self.fin {
            Some(fin) => fin == place,
            None if offset < self.held_end() => false,
            None => {
                self.fin = Some(place);
                true
            }
        }
    }

    /// Where the held FIN is, if there is one.
    #[must_use]
    pub fn fin(&self) -> Option<usize> {
        self.fin.map(|fin| self.offset(fin))
    }

    /// Whether a held FIN is next in order: all text before it has been received.
    #[must_use]
    pub fn fin_in_order(&self) -> bool {
        self.fin() == Some(0)
    }

    /// The end of the farthest range held; 0 if none is.
    #[must_use]
    pub fn held_end(&self) -> usize {
        self.ranges.last_key_value().map_or(0, |(_, &end)| self.offset(end))
    }

    /// Whether text that begins at RCV.NXT is held: [`advance`](Self::advance) has not been called since it came.
    #[must_use]
    pub fn starts_at_rcv_nxt(&self) -> bool {
        self.ranges.first_key_value().is_some_and(|(start, _)| start.0 == self.rcv_nxt)
    }

    /// Whether no text is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The ranges held, ascending.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = Range<usize>> + '_ {
        self.ranges.iter().map(|(&start, &end)| self.offset(start)..self.offset(end))
    }

    /// The range that holds the octet at `offset`, if one does.
    #[must_use]
    pub fn range_around(&self, offset: usize) -> Option<Range<usize>> {
        let at = self.place(offset);
        let (&start, &end) = self.ranges.range(..=at).next_back()?;
        (at < end).then(|| self.offset(start)..self.offset(end))
    }

    /// The first range that holds anything of `wanted`.
    #[must_use]
    pub fn first_range_in(&self, wanted: Range<usize>) -> Option<Range<usize>> {
        let (from, to) = (self.place(wanted.start), self.place(wanted.end));
        self.range_around(wanted.start).or_else(|| {
            let (&start, &end) = self.ranges.range(from..to.max(from)).next()?;
            Some(self.offset(start)..self.offset(end))
        })
    }

    /// Octets of memory that the text takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.octets.memory()
    }

    /// Makes one range of `start..end` and of all that it overlaps or touches. Each range that vanishes has come once.
    fn unite(&mut self, mut start: Place, mut end: Place) {
        if let Some((&before, &its_end)) =
            self.ranges.range(..start).next_back().filter(|&(_, &its_end)| start <= its_end)
        {
            start = before;
            end = end.max(its_end);
        }
        while let Some((&next, &its_end)) = self.ranges.range(start..=end).next() {
            self.ranges.remove(&next);
            end = end.max(its_end);
        }
        self.ranges.insert(start, end);
    }

    /// A range that RCV.NXT is about to move over takes nobody's place.
    fn most_ranges(&self) -> usize {
        MAX_RANGES + usize::from(self.starts_at_rcv_nxt())
    }

    /// Keeps as many ranges as there may be.
    fn forget_the_farthest(&mut self) -> bool {
        let bound = self.most_ranges();
        let all = self.ranges.len() <= bound;
        while self.ranges.len() > bound {
            self.ranges.pop_last();
        }
        if !all && let Some((_, end)) = self.ranges.last_key_value() {
            self.octets.release_from(end.0);
        }
        all
    }

    fn place(&self, offset: usize) -> Place {
        Place(self.rcv_nxt).plus(offset)
    }

    fn offset(&self, place: Place) -> usize {
        place.since(Place(self.rcv_nxt))
    }

    /// All octets held, in order.
    fn text(&self) -> impl Iterator<Item = u8> {
        self.ranges.iter().flat_map(|(start, end)| self.octets.slices(start.0..end.0)).flatten().copied()
    }
}

impl PartialEq for Reassembly {
    fn eq(&self, other: &Self) -> bool {
        self.fin() == other.fin() && self.ranges().eq(other.ranges()) && self.text().eq(other.text())
    }
}

impl Eq for Reassembly {}

impl Hash for Reassembly {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fin().hash(state);
        self.ranges().for_each(|range| range.hash(state));
        self.text().for_each(|octet| state.write_u8(octet));
    }
}

/// The parts of `range` that are not held yet, in order: what is new in it.
fn holes(ranges: &BTreeMap<Place, Place>, range: Range<Place>) -> impl Iterator<Item = Range<Place>> {
    let around = ranges.range(..=range.start).next_back().map(|(_, &end)| end);
    let mut from = around.map_or(range.start, |end| end.max(range.start));
    let inside = ranges.range(range.clone()).map(|(&start, &end)| (start, end));
    inside.chain([(range.end, range.end)]).filter_map(move |(start, end)| {
        let hole = from..start;
        from = from.max(end);
        (hole.start < hole.end).then_some(hole)
    })
}

/// A place in the stream of text: the octets before it. A stream is shorter than 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place(u64);

impl Place {
    fn plus(self, octets: usize) -> Place {
        Place(self.0.saturating_add(u64::try_from(octets).unwrap_or(u64::MAX)))
    }

    fn since(self, earlier: Place) -> usize {
        usize::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(usize::MAX)
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        #[cfg(test)]
        tests::COMPARISONS.with(|count| count.set(count.get() + 1));
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::pages::PAGE;
    use proptest::prelude::*;
    use std::cell::Cell;

    thread_local! {
        /// Comparisons of places since the thread began.
        pub(super) static COMPARISONS: Cell<u64> = const { Cell::new(0) };
    }

    /// The octet of the stream at this place.
    fn octet(place: usize) -> u8 {
        u8::try_from(place % 251).unwrap()
    }

    /// The stream's own text at this range, RCV.NXT being where the stream begins.
    fn text(range: Range<usize>) -> Vec<u8> {
        range.map(octet).collect()
    }

    fn insert(r: &mut Reassembly, range: Range<usize>) -> bool {
        r.insert(range.start, &text(range))
    }

    fn advance(r: &mut Reassembly) -> usize {
        r.advance(&mut VecDeque::new())
    }

    /// Inserts, with room enough, and says how far RCV.NXT moves.
    fn arrive(r: &mut Reassembly, range: Range<usize>) -> usize {
        assert!(insert(r, range));
        advance(r)
    }

    fn held(reassembly: &Reassembly) -> Vec<(usize, usize)> {
        reassembly.ranges().map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn in_order_text_is_never_held() {
        let mut r = Reassembly::new();
        assert_eq!(arrive(&mut r, 0..10), 10);
        assert!(r.is_empty());
    }

    #[test]
    fn a_filled_hole_releases_what_waited_behind_it() {
        let mut r = Reassembly::new();
        assert_eq!(arrive(&mut r, 10..20), 0);
        assert_eq!(arrive(&mut r, 30..40), 0);
        assert_eq!(held(&r), [(10, 20), (30, 40)]);
        assert_eq!(arrive(&mut r, 0..10), 20);
        assert_eq!(held(&r), [(10, 20)]);
        assert_eq!(r.range_around(12), Some(10..20));
        assert_eq!((r.range_around(9), r.range_around(20)), (None, None));
        assert_eq!(
            (r.first_range_in(0..11), r.first_range_in(0..10), r.first_range_in(15..99)),
            (Some(10..20), None, Some(10..20))
        );
        assert_eq!(arrive(&mut r, 0..12), 20);
        assert_eq!(r, Reassembly::new());
        assert_eq!(r.memory(), PAGE, "the page that RCV.NXT is in");
    }

    #[test]
    fn neighbours_and_overlaps_become_one_range() {
        let mut r = Reassembly::new();
        for range in [10..20, 20..25, 40..50, 60..70, 45..65, 5..11] {
            assert_eq!(arrive(&mut r, range), 0);
        }
        assert_eq!(held(&r), [(5, 25), (40, 70)]);
    }

    #[test]
    fn octets_that_came_first_stay() {
        let mut r = Reassembly::new();
        for (offset, text) in [(10, &b"first"[..]), (30, b"second"), (8, b"..never.."), (12, b"no"), (0, b"0123456789")]
        {
            assert!(r.insert(offset, text));
        }
        let mut text = VecDeque::new();
        assert_eq!(r.advance(&mut text), 17);
        assert_eq!(text, b"01234567..first.." as &[u8]);
    }

    #[test]
    fn a_fin_waits_for_the_text_before_it() {
        let mut r = Reassembly::new();
        assert!(r.hold_fin(20));
        assert_eq!(arrive(&mut r, 10..20), 0);
        assert!(!r.fin_in_order());
        assert_eq!(arrive(&mut r, 0..10), 20);
        assert!(r.fin_in_order());
    }

    #[test]
    fn a_fin_alone_is_in_order_at_once() {
        let mut r = Reassembly::new();
        assert!(r.hold_fin(0));
        assert!(r.fin_in_order());
        assert_eq!(arrive(&mut r, 0..5), 0);
        assert!(r.is_empty());
    }

    #[test]
    fn a_contradicting_fin_is_not_believed_and_text_beyond_it_is_cut() {
        let mut r = Reassembly::new();
        arrive(&mut r, 10..20);
        assert!(!r.hold_fin(19));
        assert_eq!(r.fin(), None);
        assert!(r.hold_fin(20));
        assert!(r.hold_fin(20));
        assert!(!r.hold_fin(19));
        assert!(!r.hold_fin(25));
        assert_eq!(arrive(&mut r, 15..40), 0);
        assert_eq!(arrive(&mut r, 30..40), 0);
        assert_eq!(held(&r), [(10, 20)]);
    }

    #[test]
    fn when_full_the_farthest_range_gives_way() {
        let mut r = Reassembly::new();
        let bound = MAX_RANGES;
        for n in 1..=bound {
            assert_eq!(arrive(&mut r, 10 * n..10 * n + 1), 0);
        }
        // Farther than all: refused. Nearer: the farthest goes. In order: needs no place.
        assert!(!insert(&mut r, 10_000..10_001));
        assert_eq!(r.held_end(), 10 * bound + 1);
        assert!(!insert(&mut r, 5..6));
        assert_eq!(r.held_end(), 10 * (bound - 1) + 1);
        assert_eq!(arrive(&mut r, 0..1), 1);
        assert_eq!(r.ranges().len(), MAX_RANGES);
    }

    /// SegmentSmack (CVE-2018-5390): the work for a segment does not grow with the number of holes sent, nor does memory.
    #[test]
    fn a_hole_costs_the_same_after_a_hundred_and_after_ten_thousand() {
        // A multiplier prime to the modulus visits every second octet once, in no order; the other order has each before all.
        let in_no_order = |n: usize| 1 + 2 * (n * 7919 % 10_007);
        let backwards = |n: usize| 1 + 2 * (10_007 - n);
        let cost = |holes: usize, place: &dyn Fn(usize) -> usize| {
            let mut r = Reassembly::new();
            let mut places = (0..).map(place);
            let mut send = |count| places.by_ref().take(count).for_each(|place| _ = insert(&mut r, place..place + 1));
            send(holes);
            let before = COMPARISONS.get();
            send(100);
            let compared = (COMPARISONS.get() - before) / 100;
            assert!(r.ranges().len() <= MAX_RANGES && r.memory() <= 6 * PAGE);
            compared
        };
        for order in [&in_no_order as &dyn Fn(usize) -> usize, &backwards] {
            let costs = [100, 1_000, 9_900].map(|holes| cost(holes, order));
            println!("comparisons a segment after so many holes: {costs:?}");
            assert!(costs[1..].iter().all(|&cost| cost < 2 * costs[0]), "{costs:?}");
        }
    }

    proptest! {
        /// Against one boolean per octet: what is new, how far RCV.NXT moves, and what remains held.
        #[test]
        fn behaves_as_a_set_of_octets(
            inserts in prop::collection::vec((0_usize..120, 0_usize..30), 1..60),
            fin in prop::option::of(0_usize..140),
        ) {
            let mut r = Reassembly::new();
            let mut bytes = vec![false; 4000];
            let mut rcv_nxt = 0;
            let mut fin_at = None;
            let mut stream = VecDeque::new();
            for (turn, (start, len)) in inserts.into_iter().enumerate() {
                if let Some(fin) = fin.filter(|_| turn == 5) && r.hold_fin(fin) {
                    fin_at = Some(rcv_nxt + fin);
                }
                let place = rcv_nxt + start;
                if let Some(span) = bytes.get_mut(place..(place + len).min(fin_at.unwrap_or(usize::MAX))) {
                    span.fill(true);
                }
                prop_assert!(r.insert(start, &text(place..place + len)));
                let advance = r.advance(&mut stream);
                let moved = bytes[rcv_nxt..].iter().take_while(|&&b| b).count();
                prop_assert_eq!(advance, moved);
                rcv_nxt += moved;
                prop_assert_eq!(r.fin_in_order(), fin_at == Some(rcv_nxt));

                let mut remembered = vec![false; bytes.len()];
                for range in r.ranges() {
                    prop_assert!(range.start > 0);
                    let span = rcv_nxt + range.start..rcv_nxt + range.end;
                    remembered[span].fill(true);
                }
                prop_assert_eq!(&remembered[rcv_nxt..], &bytes[rcv_nxt..]);
            }
            prop_assert_eq!(stream, text(0..rcv_nxt));
        }

        #[test]
        fn bounded_ordered_and_separated_whatever_comes(
            inserts in prop::collection::vec((any::<usize>(), 0_usize..1000), 0..300),
            fin in any::<usize>(),
        ) {
            let mut r = Reassembly::new();
            for (turn, (at, len)) in inserts.into_iter().enumerate() {
                if turn == 100 {
                    r.hold_fin(fin);
                }
                r.insert(at, &vec![7; len]);
                advance(&mut r);
                let ranges = held(&r);
                prop_assert!(ranges.len() <= MAX_RANGES);
                prop_assert!(r.memory() <= 2 * MAX_RANGES * PAGE);
                prop_assert!(ranges.iter().all(|&(start, end)| 0 < start && start < end));
                prop_assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0));
                prop_assert!(r.fin().is_none_or(|fin| r.held_end() <= fin));
            }
        }
    }
}
