//! The hash of a state: its small fields are gathered into words, so that a hasher has a few words to mix and not a
//! hundred octets.

use super::world::State;
use std::hash::{Hash, Hasher};

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let State { ends, network, duplications, forgeries, violations } = self;
        let mut words = Words { sink: hasher, word: 0, bits: 0 };
        ends.iter().for_each(|end| end.hash(&mut words));
        network.hash(&mut words);
        (duplications, forgeries, violations).hash(&mut words);
        words.flush();
    }
}

/// Gathers what is written into words, in order and without loss, and hands these on.
struct Words<'a, H> {
    sink: &'a mut H,
    /// The word that is not full yet, and how many bits of it are taken.
    word: u64,
    bits: u32,
}

impl<H: Hasher> Words<'_, H> {
    #[inline(always)]
    fn gather(&mut self, value: u64, bits: u32) {
        if self.bits + bits > u64::BITS {
            self.flush();
        }
        self.word |= value << self.bits;
        self.bits += bits;
    }

    #[inline(always)]
    fn flush(&mut self) {
        self.sink.write_u64(self.word);
        (self.word, self.bits) = (0, 0);
    }
}

impl<H: Hasher> Hasher for Words<'_, H> {
    fn finish(&self) -> u64 {
        self.sink.finish()
    }
    /// Where integers stand in an array, their octets come together.
    #[inline(always)]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        words.iter().for_each(|&word| self.write_u64(u64::from_le_bytes(word)));
        rest.iter().for_each(|&byte| self.write_u8(byte));
    }
    #[inline(always)]
    fn write_u8(&mut self, n: u8) {
        self.gather(n.into(), u8::BITS);
    }
    #[inline(always)]
    fn write_u32(&mut self, n: u32) {
        self.gather(n.into(), u32::BITS);
    }
    #[inline(always)]
    fn write_u64(&mut self, n: u64) {
        self.sink.write_u64(n);
    }
    /// The discriminant of an enum, always small.
    #[inline(always)]
    fn write_isize(&mut self, n: isize) {
        self.write_u8(n.to_le_bytes()[0]);
    }
    /// The length of an array: the same for every state.
    #[inline(always)]
    fn write_usize(&mut self, n: usize) {
        self.write_u8(n.to_le_bytes()[0]);
    }
}

/// A 64-bit hash of high quality: each word is multiplied in, and both halves of the product are kept.
#[derive(Default)]
pub struct Mixer {
    state: u64,
}

/// The hash of any value.
#[inline]
pub fn hash_of<T: Hash>(value: &T) -> u64 {
    let mut mixer = Mixer::default();
    value.hash(&mut mixer);
    mixer.finish()
}

/// Multiplies, and adds the upper half of the product to the lower.
#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let [lower, upper] = [product & u128::from(u64::MAX), product >> 64].map(|half| u64::try_from(half).unwrap_or(0));
    lower ^ upper
}

impl Hasher for Mixer {
    #[inline(always)]
    fn finish(&self) -> u64 {
        fold(self.state ^ 0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db)
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }
    #[inline(always)]
    fn write_u64(&mut self, n: u64) {
        self.state = fold(self.state ^ n, 0x9e37_79b9_7f4a_7c15).wrapping_add(0x8ebc_6af0_9c88_c6e3);
    }
}
