//! A set of fingerprints: what a search remembers of a state when it cannot remember all of it.

/// 64 bits that stand for a state; never 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of a value with this hash.
    #[must_use]
    pub fn of_hash(hash: u64) -> Fingerprint {
        Fingerprint(hash.max(1))
    }

    /// Which of so many shards it belongs to, by bits that the place within the shard does not depend on.
    #[must_use]
    pub fn shard(self, shards: usize) -> usize {
        usize::try_from(self.0 >> 48).unwrap_or(0) % shards
    }
}

/// A set of fingerprints, eight octets each and at most as many again.
#[derive(Debug)]
pub struct Fingerprints {
    /// 0 is free; its length is a power of two.
    slots: Vec<u64>,
    len: usize,
}

/// How many fingerprints are looked up at once: while one load waits for memory, so can the others.
const ABREAST: usize = 32;

impl Default for Fingerprints {
    fn default() -> Self {
        Fingerprints { slots: vec![0; 1 << 10], len: 0 }
    }
}

impl Fingerprints {
    /// Adds all of these in order, and calls `added` with the place of each that is new.
    pub fn add_all(&mut self, fingerprints: &[Fingerprint], mut added: impl FnMut(usize)) {
        let mut place = 0;
        for fingerprints in fingerprints.chunks(ABREAST) {
            self.reserve(fingerprints.len());
            let mut seen = [0; ABREAST];
            for (seen, &Fingerprint(bits)) in seen.iter_mut().zip(fingerprints) {
                *seen = self.slots[self.home(bits)];
            }
            for (&seen, &Fingerprint(bits)) in seen.iter().zip(fingerprints) {
                if seen != bits && self.add(bits) {
                    added(place);
                }
                place += 1;
            }
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The memory it takes, in octets.
    #[must_use]
    pub fn size(&self) -> usize {
        self.slots.len() * size_of::<u64>()
    }

    /// Looks from the home on; whether it was not there. There is a free slot.
    fn add(&mut self, bits: u64) -> bool {
        let mut at = self.home(bits);
        while self.slots[at] != 0 {
            if self.slots[at] == bits {
                return false;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = bits;
        self.len += 1;
        true
    }

    fn home(&self, bits: u64) -> usize {
        usize::try_from(bits & 0xffff_ffff_ffff).unwrap_or(0) & (self.slots.len() - 1)
    }

    /// Makes room for so many more; a quarter stays free.
    fn reserve(&mut self, more: usize) {
        if 4 * (self.len + more) <= 3 * self.slots.len() {
            return;
        }
        let larger = vec![0; 2 * self.slots.len()];
        let smaller = std::mem::replace(&mut self.slots, larger);
        self.len = 0;
        for bits in smaller.into_iter().filter(|&bits| bits != 0) {
            self.add(bits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;
    use std::collections::HashSet;

    quickcheck! {
        fn it_is_a_set(hashes: Vec<u64>, small: Vec<u8>) -> bool {
            let hashes: Vec<_> = hashes.into_iter().chain(small.into_iter().map(u64::from)).collect();
            let fingerprints: Vec<_> = hashes.iter().map(|&hash| Fingerprint::of_hash(hash)).collect();
            let mut set = HashSet::new();
            let expected: Vec<usize> = (0..hashes.len()).filter(|&i| set.insert(hashes[i].max(1))).collect();
            let mut ours = Fingerprints::default();
            let mut new = Vec::new();
            ours.add_all(&fingerprints, |place| new.push(place));
            new == expected && ours.len() == set.len()
        }
    }

    #[test]
    fn it_grows_and_forgets_nothing() {
        let many: Vec<_> = (1..=100_000_u64).map(|n| Fingerprint::of_hash(n << 7)).collect();
        let mut set = Fingerprints::default();
        let mut new = 0;
        set.add_all(&many, |_| new += 1);
        set.add_all(&many, |_| new += 1);
        assert_eq!((new, set.len()), (100_000, 100_000));
        assert!(set.size() <= 100_000 * 32);
    }
}
