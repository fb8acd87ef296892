//! A random sequence that is the same for ever, on every machine: `SplitMix64` of Steele, Lea and Flood (OOPSLA 2014).
//!
//! For simulations only. It lives here instead of coming from a crate because a seed printed today must reproduce the
//! same run after any update. Nothing about it is secret.

/// The generator. Every seed is a good one, zero included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// The sequence that follows from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`, 0 if `bound` is 0. The bias is below `bound` / 2^64.
    pub fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next_u64()) * u128::from(bound);
        // The upper half of a product of two u64 fits one.
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// An independent generator: one for each direction, connection or frame keeps their fates apart.
    #[must_use]
    pub fn split(&mut self) -> Self {
        Self::new(self.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference values, as in the JDK's and Vigna's implementations.
    #[test]
    fn is_splitmix64() {
        let mut zero = SplitMix64::new(0);
        assert_eq!(zero.next_u64(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(zero.next_u64(), 0x6e78_9e6a_a1b9_65f4);
        let mut other = SplitMix64::new(1_234_567);
        assert_eq!(other.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(other.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn below_stays_below_and_reaches_everything() {
        let mut random = SplitMix64::new(42);
        let mut seen = [0; 6];
        for _ in 0..600 {
            seen[usize::try_from(random.below(6)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&times| times > 60), "{seen:?}");
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn split_sequences_differ_and_repeat() {
        let mut parent = SplitMix64::new(1);
        let (mut first, mut second) = (parent.split(), parent.split());
        assert_ne!(first.next_u64(), second.next_u64());
        assert_eq!(SplitMix64::new(1).split(), SplitMix64::new(1).split());
    }
}
