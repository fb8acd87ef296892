//! A hierarchical timing wheel (Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987): O(1) to enter, to
//! leave, and to ask what is next.
//!
//! A moment has eleven digits to the base 64. The wheel has turned to some moment; an entry stands at the *level* of the
//! highest digit in which it differs from that, in the *bucket* of that digit. So all of a level comes before all of the
//! next, and a level's buckets in their order; the first entry is in the first bucket of the lowest level that has any. When
//! its time comes, the wheel turns there, and the entries of that bucket move to lower levels: at most ten times each, and
//! nobody walks over empty buckets, however long nothing happens.
//!
//! Entries come out by deadline, those of one deadline in the order in which they were entered: they have always
//! stood in one bucket, and move together.

use super::super::chain::{Chain, Links};
use crate::time::Instant;

const DIGIT_BITS: u32 = 6;
const BUCKETS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = 11;

/// Slots, small numbers, by their deadlines, at most one for each.
#[derive(Clone, Debug)]
pub(super) struct Wheel {
    /// No deadline is before this moment.
    turned_to: Instant,
    /// Made when first needed: few are.
    levels: [Option<Box<Level>>; LEVELS],
    /// Which levels have entries.
    occupied: u64,
    /// By slot; [`NO_ENTRY`] if there is none.
    deadlines: Vec<Instant>,
    links: Links,
}

#[derive(Clone, Debug)]
struct Level {
    /// Which buckets have entries.
    occupied: u64,
    buckets: [Bucket; BUCKETS],
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    entries: Chain,
    /// None of them is due sooner. It is not corrected when the first of them leaves.
    earliest: Instant,
}

const NO_ENTRY: Instant = Instant::MAX;
const EMPTY: Bucket = Bucket { entries: Chain::EMPTY, earliest: Instant::MAX };

impl Default for Wheel {
    fn default() -> Self {
        Self {
            turned_to: Instant::ZERO,
            levels: [const { None }; LEVELS],
            occupied: 0,
            deadlines: Vec::new(),
            links: Links::default(),
        }
    }
}

impl Wheel {
    /// When this slot is due, if it is entered.
    pub fn deadline(&self, slot: usize) -> Option<Instant> {
        self.deadlines.get(slot).copied().filter(|&deadline| deadline != NO_ENTRY)
    }

    /// No entry is due before this moment; `None` if there are none.
    pub fn earliest(&self) -> Option<Instant> {
        let (level, bucket) = self.first()?;
        Some(self.levels[level].as_ref()?.buckets[bucket].earliest)
    }

    /// One of the slots that are due soonest, as far as that is sorted out.
    pub fn soonest(&self) -> Option<usize> {
        let (level, bucket) = self.first()?;
        self.levels[level].as_ref()?.buckets[bucket].entries.first()
    }

    /// Enters a slot that has no entry. What is long due comes at once; what is due at the end of time never comes.
    pub fn enter(&mut self, slot: usize, deadline: Instant) {
        let deadline = deadline.max(self.turned_to);
        if deadline == NO_ENTRY {
            return;
        }
        if self.deadlines.len() <= slot {
            self.deadlines.resize(slot + 1, NO_ENTRY);
        }
        self.deadlines[slot] = deadline;
        self.put(slot, deadline);
    }

    /// Takes a slot out, if it has an entry.
    pub fn remove(&mut self, slot: usize) {
        let Some(deadline) = self.deadline(slot) else { return };
        self.deadlines[slot] = NO_ENTRY;
        let (level, bucket) = self.place(deadline);
        if let Some(wheel) = &mut self.levels[level] {
            self.links.remove(&mut wheel.buckets[bucket].entries, slot);
            if wheel.buckets[bucket].entries == Chain::EMPTY {
                self.clear(level, bucket);
            }
        }
    }

    /// Takes out the first of the slots that are due at `now`.
    pub fn pop_due(&mut self, now: Instant) -> Option<usize> {
        loop {
            let (level, bucket) = self.first()?;
            let Bucket { entries, earliest } = self.levels[level].as_ref()?.buckets[bucket];
            if earliest > now {
                return None;
            }
            self.turned_to = earliest;
            if level == 0 {
                let slot = entries.first()?;
                self.remove(slot);
                return Some(slot);
            }
            self.clear(level, bucket);
            self.move_down(entries);
        }
    }

    /// The wheel has turned to the bucket that these entries were in.
    fn move_down(&mut self, entries: Chain) {
        let mut next = entries.first();
        while let Some(slot) = next {
            next = self.links.after(slot);
            self.put(slot, self.deadlines[slot]);
        }
    }

    fn put(&mut self, slot: usize, deadline: Instant) {
        let (level, bucket) = self.place(deadline);
        let wheel =
            self.levels[level].get_or_insert_with(|| Box::new(Level { occupied: 0, buckets: [EMPTY; BUCKETS] }));
        let Bucket { entries, earliest } = &mut wheel.buckets[bucket];
        self.links.push(entries, slot);
        *earliest = deadline.min(*earliest);
        wheel.occupied |= 1 << bucket;
        self.occupied |= 1 << level;
    }

    fn clear(&mut self, level: usize, bucket: usize) {
        let Some(wheel) = &mut self.levels[level] else { return };
        wheel.buckets[bucket] = EMPTY;
        wheel.occupied &= !(1 << bucket);
        if wheel.occupied == 0 {
            self.occupied &= !(1 << level);
        }
    }

    /// Level and bucket of the first entry.
    fn first(&self) -> Option<(usize, usize)> {
        let level = lowest_bit(self.occupied);
        let wheel = self.levels.get(level)?.as_ref()?;
        Some((level, lowest_bit(wheel.occupied)))
    }

    /// Level and bucket of this deadline.
    fn place(&self, deadline: Instant) -> (usize, usize) {
        let deadline = deadline.as_micros();
        let level = (deadline ^ self.turned_to.as_micros()).checked_ilog2().unwrap_or(0) / DIGIT_BITS;
        let [low, ..] = (deadline >> (level * DIGIT_BITS)).to_le_bytes();
        (index(level), usize::from(low) % BUCKETS)
    }
}

fn lowest_bit(bits: u64) -> usize {
    index(bits.trailing_zeros())
}

fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    /// The same thing, simple and slow: what is due when, and the how manieth entry it was.
    #[derive(Default)]
    struct Model {
        entries: BTreeMap<(Instant, usize), usize>,
        entered: usize,
    }

    impl Model {
        fn remove(&mut self, slot: usize) {
            self.entries.retain(|_, &mut other| other != slot);
        }

        fn enter(&mut self, slot: usize, deadline: Instant) {
            self.entries.insert((deadline, self.entered), slot);
            self.entered += 1;
        }

        fn pop_due(&mut self, now: Instant) -> Option<usize> {
            let entry = self.entries.first_entry().filter(|entry| entry.key().0 <= now)?;
            Some(entry.remove())
        }
    }

    /// From nothing to 36,000 years, each order of magnitude alike.
    fn spans() -> impl Strategy<Value = u64> {
        (0_u32..60, any::<u64>()).prop_map(|(bits, n)| n & ((1 << bits) - 1))
    }

    proptest! {
        #[test]
        fn it_does_what_a_sorted_map_does(
            steps in prop::collection::vec((0_usize..8, prop::option::weighted(0.8, spans()), spans(), any::<bool>()), 1..300),
        ) {
            let (mut wheel, mut model, mut now) = (Wheel::default(), Model::default(), Instant::ZERO);
            for (slot, delay, pause, passes) in steps {
                wheel.remove(slot);
                model.remove(slot);
                if let Some(delay) = delay {
                    let deadline = at(now.as_micros().saturating_add(delay).min(u64::MAX - 2));
                    wheel.enter(slot, deadline);
                    model.enter(slot, deadline);
                }
                let first = model.entries.first_key_value().map(|(&(deadline, _), _)| deadline);
                prop_assert_eq!(wheel.earliest().is_some(), first.is_some());
                prop_assert!(first.is_none() || wheel.earliest() <= first);
                if passes {
                    now = at(now.as_micros().saturating_add(pause).min(u64::MAX - 2));
                    loop {
                        let popped = wheel.pop_due(now);
                        prop_assert_eq!(popped, model.pop_due(now));
                        if popped.is_none() { break }
                    }
                }
            }
        }

        /// As long as nobody leaves before his time, what is next is said exactly.
        #[test]
        fn who_stays_is_expected_to_the_microsecond(delays in prop::collection::vec(spans(), 1..50)) {
            let mut wheel = Wheel::default();
            delays.iter().enumerate().for_each(|(slot, &delay)| wheel.enter(slot, at(delay)));
            let mut sorted = delays;
            sorted.sort_unstable();
            for delay in sorted {
                prop_assert_eq!(wheel.earliest(), Some(at(delay)));
                prop_assert!(wheel.pop_due(at(delay)).is_some());
            }
            prop_assert_eq!(wheel.earliest(), None);
        }
    }

    #[test]
    fn what_is_past_comes_at_once_and_what_never_comes_is_not_entered() {
        let mut wheel = Wheel::default();
        wheel.enter(0, at(1_000_000));
        assert_eq!(wheel.pop_due(at(2_000_000)), Some(0));
        wheel.enter(1, at(5));
        wheel.enter(2, Instant::MAX);
        assert_eq!((wheel.deadline(1), wheel.deadline(2)), (Some(at(1_000_000)), None));
        assert_eq!((wheel.pop_due(at(2_000_000)), wheel.pop_due(Instant::MAX)), (Some(1), None));
    }
}
