//! Values numbered in the order in which they come, each once: a hash table that compares whole values, so that no two
//! are ever taken for one.

use super::graph::{index, number};
use std::hash::{Hash, Hasher};

/// The values, and a table of their numbers by hash.
pub struct Interned<T> {
    values: Vec<T>,
    /// The number of a value plus one, and some bits of its hash to save most comparisons; 0 is free. Its length is a
    /// power of two, at least half of it free.
    slots: Vec<(u32, u32)>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Interned { values: Vec::new(), slots: vec![(0, 0); 1 << 10] }
    }
}

impl<T: Copy + Eq + Hash> Interned<T> {
    /// The number of a value, and whether it is new.
    pub fn insert(&mut self, value: T) -> (u32, bool) {
        let hash = hash_of(&value);
        let tag = tag_of(hash);
        let mut at = self.home(hash);
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
        if 2 * self.values.len() > self.slots.len() {
            self.grow();
        }
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

    /// Where to begin to look: the lower bits.
    fn home(&self, hash: u64) -> usize {
        let lower = u32::try_from(hash & u64::from(u32::MAX)).unwrap_or(0);
        index(lower) & (self.slots.len() - 1)
    }

    fn grow(&mut self) {
        self.slots = vec![(0, 0); 2 * self.slots.len()];
        for (value, taken) in self.values.iter().zip(1_u32..) {
            let hash = hash_of(value);
            let mut at = self.home(hash);
            while self.slots[at].0 != 0 {
                at = (at + 1) & (self.slots.len() - 1);
            }
            self.slots[at] = (taken, tag_of(hash));
        }
    }
}

/// The upper bits; the lower ones choose the slot.
fn tag_of(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or(0)
}

fn hash_of<T: Hash>(value: &T) -> u64 {
    let mut hasher = Mixer::default();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A fast hash: small fields are gathered into words, each word multiplied in. Collisions cost time only.
#[derive(Default)]
struct Mixer {
    state: u64,
    word: u64,
    bits: u32,
}

impl Mixer {
    fn gather(&mut self, value: u64, bits: u32) {
        if self.bits + bits > u64::BITS {
            self.mix(self.word);
            (self.word, self.bits) = (0, 0);
        }
        self.word |= value << self.bits;
        self.bits += bits;
        if self.bits == u64::BITS {
            self.mix(self.word);
            (self.word, self.bits) = (0, 0);
        }
    }

    fn mix(&mut self, word: u64) {
        self.state = (self.state.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        let last = (self.state.rotate_left(23) ^ self.word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        last ^ (last >> 29)
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
    }
    fn write_u8(&mut self, n: u8) {
        self.gather(n.into(), u8::BITS);
    }
    fn write_u32(&mut self, n: u32) {
        self.gather(n.into(), u32::BITS);
    }
    fn write_u64(&mut self, n: u64) {
        self.mix(n);
    }
    fn write_isize(&mut self, n: isize) {
        // The discriminant of an enum, always small.
        self.gather(u64::from(n.to_le_bytes()[0]), u8::BITS);
    }
    fn write_usize(&mut self, n: usize) {
        self.mix(u64::try_from(n).unwrap_or(u64::MAX));
    }
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
