//! What was transmitted and is neither acknowledged nor selectively acknowledged (RFC 9293 §3.8.1: the retransmission
//! queue), in the order of the text and in the order of time.
//!
//! A segment is in flight or it is lost; when it leaves again it is in flight again. Nothing here is O(n): segments are
//! found by their place and, for RACK, by the time they left, and what is in flight is counted as it changes. How many
//! there are is bounded by ourselves, not by the peer: his acknowledgments only take away (CVE-2019-11477 to -11479).

use std::collections::{BTreeMap, BTreeSet};

use super::flight::View;
use crate::time::Instant;

/// A place in all that a connection ever sends: a sequence number that does not wrap.
pub(super) type Place = u64;

/// So many segments are told apart; what is sent beyond them is taken for a part of the last.
const MOST_SEGMENTS: usize = 16_384;

/// One segment as it last left, its FIN counted as an octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sent {
    pub len: u32,
    /// When it last left.
    pub at: Instant,
    /// It has left more than once.
    pub again: bool,
    pub lost: bool,
}

/// A segment of which the peer has told that he has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delivered {
    pub place: Place,
    pub sent: Sent,
}

impl Delivered {
    /// The place after its last octet.
    pub fn end(&self) -> Place {
        self.place + u64::from(self.sent.len)
    }
}

/// The segments between SND.UNA and SND.NXT that the peer may not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct SentLog {
    segments: BTreeMap<Place, Sent>,
    /// Those in flight, by when they left.
    by_time: BTreeSet<(Instant, Place)>,
    lost: BTreeSet<Place>,
    in_flight: u32,
    lost_octets: u32,
}

impl SentLog {
    /// Octets sent and neither lost nor acknowledged: RFC 6675's pipe, in which what is sent again counts once.
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Octets that are lost and have not left again.
    pub fn lost(&self) -> u32 {
        self.lost_octets
    }

    /// How many segments are in flight, how many are lost, and how many of those in flight have left again. O(n).
    pub fn count(&self) -> (u32, u32, u32) {
        let count = |wanted: fn(&Sent) -> bool| {
            u32::try_from(self.segments.values().filter(|sent| wanted(sent)).count()).unwrap_or(u32::MAX)
        };
        (count(|sent| !sent.lost), count(|sent| sent.lost), count(|sent| !sent.lost && sent.again))
    }

    /// Where the first lost segment is.
    pub fn first_lost(&self) -> Option<Place> {
        self.lost.first().copied()
    }

    /// Where the last lost segment is.
    pub fn last_lost(&self) -> Option<Place> {
        self.lost.last().copied()
    }

    /// The first place that the peer may not have, and what was sent there.
    pub fn first(&self) -> Option<Delivered> {
        self.segments.first_key_value().map(|(&place, &sent)| Delivered { place, sent })
    }

    /// The last one.
    pub fn last(&self) -> Option<Delivered> {
        self.segments.last_key_value().map(|(&place, &sent)| Delivered { place, sent })
    }

    /// The first segment from `from` on.
    pub fn first_from(&self, from: Place) -> Option<Delivered> {
        self.segments.range(from..).next().map(|(&place, &sent)| Delivered { place, sent })
    }

    /// Of those in flight the one that left first; of those that left together, the first of the text.
    pub fn oldest(&self) -> Option<Delivered> {
        let &(_, place) = self.by_time.first()?;
        self.segments.get(&place).map(|&sent| Delivered { place, sent })
    }

    // ---- What leaves ---------------------------------------------------------------------------------------------------

    /// So many octets have left for the first time, after all others.
    pub fn push(&mut self, place: Place, len: u32, now: Instant) {
        if self.segments.len() >= MOST_SEGMENTS
            && let Some(last) = self.last().filter(|last| !last.sent.lost && last.end() == place)
        {
            self.remove(last.place);
            let merged = Sent { len: last.sent.len.saturating_add(len), at: now, ..last.sent };
            self.insert(last.place, merged);
            return;
        }
        self.insert(place, Sent { len, at: now, again: false, lost: false });
    }

    /// The first lost octets: where they begin, and how many of them follow each other, at most `most`.
    pub fn next_lost(&self, most: u32) -> Option<(Place, u32)> {
        let &first = self.lost.first()?;
        let mut end = first;
        for &place in &self.lost {
            let len = self.segments.get(&place).map_or(0, |sent| sent.len);
            let total = u32::try_from(end - first).unwrap_or(u32::MAX).saturating_add(len);
            if place != end || (total > most && end > first) {
                break;
            }
            end = place + u64::from(len);
        }
        let len = u32::try_from(end - first).unwrap_or(u32::MAX).min(most);
        (len > 0).then_some((first, len))
    }

    /// These octets have left again, as one segment. What remains of a segment that is cut keeps its marks.
    pub fn repeat(&mut self, place: Place, len: u32, now: Instant) {
        let end = place + u64::from(len);
        while let Some(part) = self.first_from(place).filter(|part| part.place < end) {
            self.remove(part.place);
            if part.end() > end {
                let rest = u32::try_from(part.end() - end).unwrap_or(u32::MAX);
                self.insert(end, Sent { len: rest, ..part.sent });
            }
        }
        self.insert(place, Sent { len, at: now, again: true, lost: false });
    }

    // ---- What is heard of it -------------------------------------------------------------------------------------------

    /// Takes out the first segment, if all of it lies before `una`, or cuts off what does.
    pub fn take_acked(&mut self, una: Place) -> Option<Delivered> {
        let first = self.first().filter(|first| first.place < una)?;
        self.remove(first.place);
        if first.end() <= una {
            return Some(first);
        }
        let acked = u32::try_from(una - first.place).unwrap_or(u32::MAX);
        self.insert(una, Sent { len: first.sent.len - acked, ..first.sent });
        // The rest of it is still out, so that nothing can be learned from this part.
        Some(Delivered { sent: Sent { len: acked, again: true, ..first.sent }, ..first })
    }

    /// Takes out the first segment that lies in `left..right` as a whole.
    pub fn take_within(&mut self, left: Place, right: Place) -> Option<Delivered> {
        let first = self.first_from(left).filter(|first| first.end() <= right)?;
        self.remove(first.place);
        Some(first)
    }

    /// This segment is lost.
    pub fn lose(&mut self, place: Place) {
        if let Some(Sent { lost: false, .. }) = self.segments.get(&place)
            && let Some(sent) = self.remove(place)
        {
            self.insert(place, Sent { lost: true, ..sent });
        }
    }

    /// All in flight is lost that has more than so many octets.
    pub fn lose_longer_than(&mut self, octets: u32) {
        let long = |&(_, place): &(Instant, Place)| self.segments.get(&place).is_some_and(|sent| sent.len > octets);
        let places: Vec<Place> = self.by_time.iter().filter(|&entry| long(entry)).map(|&(_, place)| place).collect();
        places.into_iter().for_each(|place| self.lose(place));
    }

    /// What was taken for lost and has not left again is in flight after all.
    pub fn find_all(&mut self) {
        while let Some(&place) = self.lost.first() {
            if let Some(sent) = self.remove(place) {
                self.insert(place, Sent { lost: false, ..sent });
            }
        }
    }

    /// The peer has told that he has these octets, and has them no more: they are lost.
    pub fn renege(&mut self, place: Place, len: u32, now: Instant) {
        self.insert(place, Sent { len, at: now, again: true, lost: true });
    }

    fn insert(&mut self, place: Place, sent: Sent) {
        if sent.lost {
            self.lost.insert(place);
            self.lost_octets = self.lost_octets.saturating_add(sent.len);
        } else {
            self.by_time.insert((sent.at, place));
            self.in_flight = self.in_flight.saturating_add(sent.len);
        }
        self.segments.insert(place, sent);
    }

    fn remove(&mut self, place: Place) -> Option<Sent> {
        let sent = self.segments.remove(&place)?;
        if sent.lost {
            self.lost.remove(&place);
            self.lost_octets = self.lost_octets.saturating_sub(sent.len);
        } else {
            self.by_time.remove(&(sent.at, place));
            self.in_flight = self.in_flight.saturating_sub(sent.len);
        }
        Some(sent)
    }

    /// The same from there.
    pub fn project(&self, view: &View) -> Self {
        let mut log = Self::default();
        for (&place, &sent) in &self.segments {
            log.insert(view.place(place), Sent { at: view.left_at(&sent), ..sent });
        }
        log
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    fn log(lens: &[u32]) -> SentLog {
        let mut log = SentLog::default();
        let mut place = 0;
        for (&len, n) in lens.iter().zip(0..) {
            log.push(place, len, at(n));
            place += u64::from(len);
        }
        log
    }

    #[test]
    fn lost_neighbours_leave_as_one_segment_and_a_long_one_is_cut() {
        let mut log = log(&[10, 1, 1, 30, 10]);
        log.lose(10);
        log.lose(11);
        log.lose(12);
        assert_eq!(log.next_lost(20), Some((10, 2)));
        log.repeat(10, 2, at(9));
        assert_eq!(log.next_lost(20), Some((12, 20)));
        log.repeat(12, 20, at(9));
        assert_eq!(log.next_lost(20), Some((32, 10)));
        assert_eq!((log.in_flight(), log.lost()), (42, 10));
    }

    #[test]
    fn an_acknowledgment_in_the_middle_of_a_segment_cuts_it_and_measures_nothing() {
        let mut log = log(&[10, 10]);
        let part = log.take_acked(4).unwrap();
        assert_eq!((part.place, part.sent.len, part.sent.again), (0, 4, true));
        assert_eq!(log.first().unwrap().place, 4);
        assert_eq!(log.in_flight(), 16);
        assert_eq!(log.take_acked(4), None);
    }

    #[test]
    fn beyond_the_most_segments_the_last_one_grows() {
        let mut log = SentLog::default();
        let places = u64::try_from(MOST_SEGMENTS + 10).unwrap();
        for place in 0..places {
            log.push(place, 1, at(place));
        }
        assert_eq!(log.segments.len(), MOST_SEGMENTS);
        assert_eq!(u64::from(log.in_flight()), places);
        assert_eq!(log.last().unwrap().sent.len, 11);
    }

    #[derive(Clone, Debug)]
    enum Op {
        Push(u32),
        Acked(u64),
        Within(u64, u64),
        Lose(u64),
        LoseLonger(u32),
        FindAll,
        Repeat(u32),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            4 => (1_u32..30).prop_map(Op::Push),
            2 => (0_u64..60).prop_map(Op::Acked),
            3 => (0_u64..200, 0_u64..100).prop_map(|(left, len)| Op::Within(left, len)),
            3 => (0_u64..200).prop_map(Op::Lose),
            1 => (0_u32..30).prop_map(Op::LoseLonger),
            1 => Just(Op::FindAll),
            4 => (1_u32..30).prop_map(Op::Repeat),
        ]
    }

    proptest! {
        /// Whatever happens, what is counted is what is there, and each segment is in the index it belongs to.
        #[test]
        fn counts_and_indices_are_those_of_a_recount(ops in prop::collection::vec(op(), 0..120)) {
            let (mut log, mut una, mut nxt) = (SentLog::default(), 0_u64, 0_u64);
            for (op, time) in ops.into_iter().zip(0..) {
                match op {
                    Op::Push(len) => {
                        log.push(nxt, len, at(time));
                        nxt += u64::from(len);
                    }
                    Op::Acked(by) => {
                        una = (una + by).min(nxt);
                        while log.take_acked(una).is_some() {}
                        prop_assert!(log.first().is_none_or(|first| first.place >= una));
                    }
                    Op::Within(left, len) => {
                        while let Some(taken) = log.take_within(una + left, una + left + len) {
                            prop_assert!(taken.place >= una + left && taken.end() <= una + left + len);
                        }
                    }
                    Op::Lose(ahead) => {
                        if let Some(sent) = log.first_from(una + ahead) {
                            log.lose(sent.place);
                        }
                    }
                    Op::LoseLonger(octets) => log.lose_longer_than(octets),
                    Op::FindAll => log.find_all(),
                    Op::Repeat(most) => {
                        if let Some((place, len)) = log.next_lost(most) {
                            prop_assert!(len > 0 && len <= most);
                            log.repeat(place, len, at(time));
                        }
                    }
                }
                let count = |lost| log.segments.values().filter(|sent| sent.lost == lost).map(|sent| sent.len).sum::<u32>();
                prop_assert_eq!((log.in_flight(), log.lost()), (count(false), count(true)));
                prop_assert_eq!(log.by_time.len() + log.lost.len(), log.segments.len());
                let ends: Vec<_> = log.segments.iter().map(|(&place, sent)| (place, place + u64::from(sent.len))).collect();
                prop_assert!(ends.windows(2).all(|pair| pair[0].1 <= pair[1].0), "segments overlap: {:?}", ends);
            }
        }
    }
}
