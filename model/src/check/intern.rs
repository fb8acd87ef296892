//! Values numbered in the order in which they come, each once: a hash table that compares whole values, so that no two
//! are ever taken for one.

use super::graph::{index, number};
use super::words::hash_of;
use std::hash::Hash;

/// The values, and a table of their numbers by hash.
pub struct Interned<T> {
    values: Vec<T>,
    /// Its length is a power of two, at least half of it free.
    slots: Vec<Slot>,
    /// Copies of values that are about to be compared.
    alike: Vec<T>,
}

/// The number of a value plus one, 0 if the slot is free, and a part of its hash: the lower bits of that say where to
/// begin to look for it, all of them save most comparisons.
type Slot = (u32, u32);

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Interned { values: Vec::new(), slots: vec![(0, 0); 1 << 10], alike: Vec::new() }
    }
}

impl<T: Copy + Eq + Hash> Interned<T> {
    /// The number of a value, and whether it is new.
    pub fn insert(&mut self, value: T) -> (u32, bool) {
        self.reserve(1);
        self.place(value, tag(hash_of(&value)))
    }

    /// Numbers many values in order, and calls `numbered` for each with its number and whether it is new. The hashes
    /// are those of the values.
    ///
    /// Memory is slow and a processor waits for many loads in the time of one: so first all slots are read, then all
    /// values that are there already, and only then does one insertion follow the other.
    pub fn insert_all(&mut self, values: &[T], hashes: &[u64], mut numbered: impl FnMut(&T, u32, bool)) {
        for (values, hashes) in values.chunks(ABREAST).zip(hashes.chunks(ABREAST)) {
            self.reserve(values.len());
            let mut seen = [(0, 0); ABREAST];
            for (slot, &hash) in seen.iter_mut().zip(hashes) {
                *slot = self.slots[self.home(tag(hash))];
            }
            let fits = |(taken, other): Slot, hash| taken != 0 && other == tag(hash);
            self.alike.clear();
            let alike = seen.iter().zip(hashes).filter(|&(&slot, &hash)| fits(slot, hash));
            self.alike.extend(alike.map(|(&(taken, _), _)| self.values[index(taken - 1)]));
            let mut next = 0;
            for ((&slot, value), &hash) in seen.iter().zip(values).zip(hashes) {
                let mut known = false;
                if fits(slot, hash) {
                    known = self.alike[next] == *value;
                    next += 1;
                }
                let (number, new) = if known { (slot.0 - 1, false) } else { self.place(*value, tag(hash)) };
                numbered(value, number, new);
            }
        }
    }

    /// Looks from the home of a value on; there is a free slot.
    fn place(&mut self, value: T, tag: u32) -> (u32, bool) {
        let mut at = self.home(tag);
        loop {
            match self.slots[at] {
                (0, _) => break,
                (taken, other) if other == tag && self.values[index(taken - 1)] == value => return (taken - 1, false),
                (_, _) => at = (at + 1) & (self.slots.len() - 1),
            }
        }
        let new = number(self.values.len());
        self.values.push(value);
        self.slots[at] = (new + 1, tag);
        (new, true)
    }

    /// The value of this number.
    #[must_use]
    pub fn get(&self, number: u32) -> &T {
        &self.values[index(number)]
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All values in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.values.iter()
    }

    /// Where to begin to look.
    fn home(&self, tag: u32) -> usize {
        index(tag) & (self.slots.len() - 1)
    }

    /// Makes room for so many more values.
    fn reserve(&mut self, more: usize) {
        if 2 * (self.values.len() + more) <= self.slots.len() {
            return;
        }
        let larger = vec![(0, 0); (2 * self.slots.len()).max(4 * more.next_power_of_two())];
        let smaller = std::mem::replace(&mut self.slots, larger);
        for slot in smaller.into_iter().filter(|&(taken, _)| taken != 0) {
            let mut at = self.home(slot.1);
            while self.slots[at].0 != 0 {
                at = (at + 1) & (self.slots.len() - 1);
            }
            self.slots[at] = slot;
        }
    }
}

/// How many values are looked up at once.
const ABREAST: usize = 32;

/// The part of a hash that is kept.
fn tag(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;
    use std::collections::HashMap;

    quickcheck! {
        fn it_numbers_as_a_map_would(values: Vec<(u8, bool, u32)>) -> bool {
            let mut interned = Interned::default();
            let mut map = HashMap::new();
            values.iter().all(|&value| {
                let next = number(map.len());
                let expected = *map.entry(value).or_insert(next);
                let (seen, new) = interned.insert(value);
                seen == expected && new == (seen == next && interned.len() == map.len()) && *interned.get(seen) == value
            })
        }
    }

    quickcheck! {
        fn many_at_once_are_numbered_as_one_by_one(values: Vec<(u8, bool)>, more: Vec<(u8, bool)>) -> bool {
            let [mut one_by_one, mut at_once] = [Interned::default(), Interned::default()];
            [values, more].into_iter().all(|values| {
                let hashes: Vec<_> = values.iter().map(hash_of).collect();
                let expected: Vec<_> = values.iter().map(|&value| one_by_one.insert(value)).collect();
                let mut numbered = Vec::new();
                at_once.insert_all(&values, &hashes, |_, number, new| numbered.push((number, new)));
                numbered == expected && at_once.iter().eq(one_by_one.iter())
            })
        }
    }

    #[test]
    fn values_of_one_hash_are_told_apart() {
        let mut interned = Interned::default();
        let mut numbers = Vec::new();
        for values in [[7, 8, 7], [9, 8, 7]] {
            interned.insert_all(&values, &[0; 3], |_, number, new| numbers.push((number, new)));
        }
        assert_eq!(numbers, [(0, true), (1, true), (0, false), (2, true), (1, false), (0, false)]);
    }

    #[test]
    fn it_grows_and_keeps_its_numbers() {
        let mut interned = Interned::default();
        for n in 0..5_000_u32 {
            assert_eq!(interned.insert(n), (n, true));
        }
        assert!((0..5_000).all(|n| interned.insert(n) == (n, false)));
        assert_eq!(interned.len(), 5_000);
    }
}
