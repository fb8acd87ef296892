//! What has arrived ahead of RCV.NXT: a bounded, ordered set of byte ranges, and the place of a FIN that arrived early.
//!
//! Everything here is an offset from RCV.NXT, in bytes of text; there are no sequence numbers and no bytes. When the
//! hole at offset 0 is filled, [`Reassembly::advance`] says how far RCV.NXT moves and shifts what is left.

use std::ops::Range;

/// The most ranges held out of order on one connection. Beyond that, what lies nearest to RCV.NXT is kept and the
/// farthest forgotten.
///
/// Forgetting is harmless: nothing out of order has been acknowledged, so the peer still has it. A peer that sends only
/// holes ("SegmentSmack") therefore costs a kibibyte and 64 comparisons a segment, and stalls nobody but itself.
pub const MAX_RANGES: usize = 64;

/// The ranges held out of order and a held FIN, relative to RCV.NXT.
///
/// Invariant: ranges are not empty, ascending, and separated by holes. None reaches beyond the FIN.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reassembly {
    ranges: Vec<Held>,
    fin: Option<usize>,
}

/// One range of bytes held: `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Held {
    start: usize,
    end: usize,
}

impl Reassembly {
    /// Nothing held.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The parts of `range` that are not held yet, in order: what is new in it. At most one piece more than
    /// there are ranges.
    pub fn holes(&self, range: Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut from = range.start;
        let ends = self.ranges.iter().copied().chain([Held { start: usize::MAX, end: usize::MAX }]);
        ends.filter_map(move |held| {
            let hole = from..held.start.min(range.end);
            from = from.max(held.end);
            (hole.start < hole.end).then_some(hole)
        })
    }

    /// Adds the text at `range`, which may overlap anything held. Text beyond a held FIN is cut: it is no part of the
    /// stream.
    ///
    /// Returns whether nothing was forgotten. Otherwise there were too many ranges, and what lay from
    /// [`held_end`](Self::held_end) on is held no longer.
    pub fn insert(&mut self, range: Range<usize>) -> bool {
        let end = self.fin.map_or(range.end, |fin| fin.min(range.end));
        if range.start < end {
            self.merge(Held { start: range.start, end });
        }
        // A range that RCV.NXT is about to move over takes nobody's place.
        let bound = MAX_RANGES + usize::from(self.starts_at_rcv_nxt());
        let all = self.ranges.len() <= bound;
        self.ranges.truncate(bound);
        all
    }

    /// RCV.NXT moves over the text that is in order now. Returns how far; everything has been shifted by it.
    pub fn advance(&mut self) -> usize {
        let Some(&Held { start: 0, end }) = self.ranges.first() else {
            return 0;
        };
        self.ranges.remove(0);
        for held in &mut self.ranges {
            held.start -= end;
            held.end -= end;
        }
        self.fin = self.fin.map(|fin| fin - end);
        end
    }

    /// Remembers a FIN at `offset`, right after the last byte of the stream.
    ///
    /// Returns whether it was believed. The first FIN stands, and a FIN below text that is already held is a
    /// contradiction of the peer's own: neither changes what was received before it.
    pub fn hold_fin(&mut self, offset: usize) -> bool {
        match self.fin {
            Some(fin) => fin == offset,
            None if offset < self.held_end() => false,
            None => {
                self.fin = Some(offset);
                true
            }
        }
    }

    /// Where the held FIN is, if there is one.
    #[must_use]
    pub fn fin(&self) -> Option<usize> {
        self.fin
    }

    /// Whether a held FIN is next in order: all text before it has been received.
    #[must_use]
    pub fn fin_in_order(&self) -> bool {
        self.fin == Some(0)
    }

    /// The end of the farthest range held; 0 if none is.
    #[must_use]
    pub fn held_end(&self) -> usize {
        self.ranges.last().map_or(0, |held| held.end)
    }

    /// Whether text that begins at RCV.NXT is held: [`advance`](Self::advance) has not been called since it came.
    #[must_use]
    pub fn starts_at_rcv_nxt(&self) -> bool {
        self.ranges.first().is_some_and(|held| held.start == 0)
    }

    /// Whether no text is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The ranges held, ascending: what a SACK option reports.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = Range<usize>> + '_ {
        self.ranges.iter().map(|held| held.start..held.end)
    }

    /// Unites `new` with all ranges it overlaps or touches.
    fn merge(&mut self, new: Held) {
        let first = self.ranges.partition_point(|held| held.end < new.start);
        let last = self.ranges.partition_point(|held| held.start <= new.end);
        let united = self.ranges[first..last]
            .iter()
            .fold(new, |all, held| Held { start: all.start.min(held.start), end: all.end.max(held.end) });
        self.ranges.splice(first..last, [united]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Inserts, with room enough, and says how far RCV.NXT moves.
    fn arrive(r: &mut Reassembly, range: Range<usize>) -> usize {
        assert!(r.insert(range));
        r.advance()
    }

    fn held(reassembly: &Reassembly) -> Vec<(usize, usize)> {
        pairs(reassembly.ranges())
    }

    fn pairs(ranges: impl Iterator<Item = Range<usize>>) -> Vec<(usize, usize)> {
        ranges.map(|range| (range.start, range.end)).collect()
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
        assert_eq!(arrive(&mut r, 0..12), 20);
        assert_eq!(r, Reassembly::new());
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
    fn holes_are_what_is_new() {
        let mut r = Reassembly::new();
        arrive(&mut r, 10..20);
        arrive(&mut r, 30..40);
        let holes = |range| pairs(r.holes(range));
        assert_eq!(holes(0..50), [(0, 10), (20, 30), (40, 50)]);
        assert_eq!(holes(15..35), [(20, 30)]);
        assert!(holes(12..18).is_empty());
        assert_eq!(holes(40..45), [(40, 45)]);
        assert!(holes(7..7).is_empty());
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
        assert!(!r.insert(10_000..10_001));
        assert_eq!(r.held_end(), 10 * bound + 1);
        assert!(!r.insert(5..6));
        assert_eq!(r.held_end(), 10 * (bound - 1) + 1);
        assert_eq!(arrive(&mut r, 0..1), 1);
        assert_eq!(r.ranges().len(), MAX_RANGES);
    }

    proptest! {
        /// Against one boolean per byte: what is new, how far RCV.NXT moves, and what remains held.
        #[test]
        fn behaves_as_a_set_of_bytes(
            inserts in prop::collection::vec((0_usize..120, 0_usize..30), 1..60),
            fin in prop::option::of(0_usize..140),
        ) {
            let mut r = Reassembly::new();
            let mut bytes = vec![false; 4000];
            let mut rcv_nxt = 0;
            let mut fin_at = None;
            for (turn, (start, len)) in inserts.into_iter().enumerate() {
                if let Some(fin) = fin.filter(|_| turn == 5) && r.hold_fin(fin) {
                    fin_at = Some(rcv_nxt + fin);
                }
                let index = |offset: usize| rcv_nxt + offset;
                let mut fresh = Vec::new();
                for hole in r.holes(start..start + len) {
                    fresh.extend(index(hole.start)..index(hole.end));
                }
                let missing: Vec<usize> = (index(start)..index(start + len)).filter(|&i| !bytes[i]).collect();
                prop_assert_eq!(fresh, missing);

                let end = index(start + len).min(fin_at.unwrap_or(usize::MAX));
                if let Some(span) = bytes.get_mut(index(start)..end) {
                    span.fill(true);
                }
                prop_assert!(r.insert(start..start + len));
                let advance = r.advance();
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
        }

        #[test]
        fn bounded_ordered_and_separated_whatever_comes(
            inserts in prop::collection::vec((any::<usize>(), any::<usize>()), 0..300),
            fin in any::<usize>(),
        ) {
            let mut r = Reassembly::new();
            for (turn, (a, b)) in inserts.into_iter().enumerate() {
                if turn == 100 {
                    r.hold_fin(fin);
                }
                r.insert(a.min(b)..a.max(b).min(a.min(b).saturating_add(1000)));
                r.advance();
                let ranges = held(&r);
                prop_assert!(ranges.len() <= MAX_RANGES);
                prop_assert!(ranges.iter().all(|&(start, end)| 0 < start && start < end));
                prop_assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0));
                prop_assert!(r.fin().is_none_or(|fin| r.held_end() <= fin));
            }
        }
    }
}
