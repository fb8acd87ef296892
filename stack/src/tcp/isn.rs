//! Initial sequence numbers: RFC 6528, as RFC 9293 §3.4.1 adopts it.
//!
//! `ISN = M + F(localip, localport, remoteip, remoteport, secretkey)`: M is a clock of 4 microseconds (MUST-8), F is
//! SipHash-2-4 under a secret of 128 bits (SHLD-1). For one pair of sockets the numbers grow with the clock, so that a
//! new incarnation is told from an old one; between pairs they are unrelated, so that nobody outside can guess them
//! (MUST-9).

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use siphasher::sip::SipHasher24;
use thiserror::Error;

use crate::time::Instant;

/// The key of F. It says nothing about itself, not even when printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IsnSecret([u8; 16]);

/// Why some bytes are no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IsnSecretError {
    /// All bytes are zero: a buffer that nobody filled.
    #[error("the secret for initial sequence numbers is all zeros: it was never filled with random bytes")]
    Zero,
}

impl IsnSecret {
    /// A secret made of 16 bytes from the operating system's random source.
    ///
    /// # Errors
    /// [`IsnSecretError::Zero`] if all of them are zero, which is a buffer never filled rather than bad luck.
    pub fn from_random(bytes: [u8; 16]) -> Result<Self, IsnSecretError> {
        if bytes == [0; 16] {
            return Err(IsnSecretError::Zero);
        }
        Ok(Self(bytes))
    }

    /// **Not secret**: a key that follows from `seed`, so that a simulation or a checker can be repeated to the byte.
    /// Never for a network.
    #[must_use]
    pub fn predictable_from_seed(seed: u64) -> Self {
        let mut bytes = *b"predictable ISN!";
        for (byte, seed) in bytes.iter_mut().zip(seed.to_be_bytes()) {
            *byte ^= seed;
        }
        Self(bytes)
    }
}

impl fmt::Debug for IsnSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IsnSecret(..)")
    }
}

/// The initial sequence number for a connection from `local` to `remote` that begins at `now`, as the 32-bit number of
/// a header.
#[must_use]
pub fn initial_sequence_number(secret: &IsnSecret, local: SocketAddr, remote: SocketAddr, now: Instant) -> u32 {
    let f = pair_hash(secret, b"", local, remote);
    let m = now.as_micros() / 4;
    low_32_bits(f.wrapping_add(m))
}

/// How far the timestamps of a connection are ahead of the clock (RFC 7323 §7.1), under a hash of their own: who sees
/// them learns nothing of F.
#[must_use]
pub fn timestamp_offset(secret: &IsnSecret, local: SocketAddr, remote: SocketAddr) -> u32 {
    low_32_bits(pair_hash(secret, b"timestamps", local, remote))
}

/// F, and others like it: the keyed hash of the two sockets. Every address is hashed as 16 bytes, so that no two pairs
/// share an encoding; they come last, so that no two purposes do.
fn pair_hash(secret: &IsnSecret, purpose: &[u8], local: SocketAddr, remote: SocketAddr) -> u64 {
    let mut pair = Vec::with_capacity(purpose.len() + 2 * (16 + 2));
    pair.extend(purpose);
    for socket in [local, remote] {
        pair.extend(sixteen_bytes(socket.ip()));
        pair.extend(socket.port().to_be_bytes());
    }
    SipHasher24::new_with_key(&secret.0).hash(&pair)
}

fn sixteen_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// The clock and the sequence space wrap at 2^32: the upper half is not wanted.
fn low_32_bits(n: u64) -> u32 {
    let [_, _, _, _, a, b, c, d] = n.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Micros;
    use proptest::prelude::*;
    use std::collections::HashSet;
    use std::net::Ipv4Addr;

    fn v4(host: u8, port: u16) -> SocketAddr {
        (Ipv4Addr::new(192, 0, 2, host), port).into()
    }

    fn isn(seed: u64, local: SocketAddr, remote: SocketAddr, now: Instant) -> u32 {
        initial_sequence_number(&IsnSecret::predictable_from_seed(seed), local, remote, now)
    }

    #[test]
    fn a_secret_is_never_zero_and_never_printed() {
        assert_eq!(IsnSecret::from_random([0; 16]), Err(IsnSecretError::Zero));
        let secret = IsnSecret::from_random(*b"0123456789abcdef").unwrap();
        assert_eq!(format!("{secret:?}"), "IsnSecret(..)");
    }

    /// The published test vector of SipHash-2-4: key 00..0f, input 00..0e (Aumasson, Bernstein, appendix A).
    #[test]
    fn the_hash_is_siphash_2_4() {
        let key: Vec<u8> = (0..16).collect();
        let input: Vec<u8> = (0..15).collect();
        let hasher = SipHasher24::new_with_key(key.as_slice().try_into().unwrap());
        assert_eq!(hasher.hash(&input), 0xa129_ca61_49be_45e5);
    }

    /// Same seed, same numbers, on every machine and for ever: recorded simulations depend on it.
    #[test]
    fn reproducible_to_the_bit() {
        let now = Instant::ZERO;
        let numbers = [
            isn(1, v4(1, 40_000), v4(2, 80), now),
            isn(1, v4(1, 40_001), v4(2, 80), now),
            isn(2, v4(1, 40_000), v4(2, 80), now),
        ];
        insta::assert_snapshot!(format!("{numbers:08x?}"), @"[52ad14b5, 908ad51c, 30c46fea]");
    }

    /// Every part of the pair matters, and so do its order and the secret.
    #[test]
    fn unrelated_between_pairs_and_secrets() {
        let now = Instant::ZERO;
        let base = isn(1, v4(1, 4000), v4(2, 80), now);
        for other in [
            isn(1, v4(3, 4000), v4(2, 80), now),
            isn(1, v4(1, 4001), v4(2, 80), now),
            isn(1, v4(1, 4000), v4(3, 80), now),
            isn(1, v4(1, 4000), v4(2, 81), now),
            isn(1, v4(2, 80), v4(1, 4000), now),
            isn(2, v4(1, 4000), v4(2, 80), now),
        ] {
            assert_ne!(base, other);
        }
    }

    /// Over a port range there are hardly more collisions than chance has, every top byte occurs, and neighbours do not
    /// differ by a constant.
    #[test]
    fn spread_over_the_whole_space() {
        let numbers: Vec<u32> = (0..20_000).map(|port| isn(7, v4(1, port), v4(2, 80), Instant::ZERO)).collect();
        let distinct: HashSet<u32> = numbers.iter().copied().collect();
        // 20,000^2 / 2^33 is 0.05 expected collisions.
        assert!(distinct.len() >= numbers.len() - 2);
        let top_bytes: HashSet<u32> = numbers.iter().map(|n| n >> 24).collect();
        assert_eq!(top_bytes.len(), 256);
        let steps: HashSet<u32> = numbers.windows(2).map(|w| w[1].wrapping_sub(w[0])).collect();
        assert!(steps.len() >= numbers.len() - 3);
    }

    /// threats T06: of a hundred thousand numbers at one moment the first, the middle and the last octets are uniform
    /// (chi-squared over 256 values: 255 +- 5 sigma), so are the differences of neighbours, and none says anything about the
    /// next (lag-1 correlation within 5 sigma). Two secrets have nothing in common.
    #[test]
    fn a_hundred_thousand_numbers_look_random() {
        let of = |seed, n: u32| {
            let [_, host, a, b] = n.to_be_bytes();
            isn(seed, v4(1, u16::from_be_bytes([a, b])), v4(host + 2, 80), Instant::ZERO)
        };
        let numbers: Vec<u32> = (0..100_000).map(|n| of(7, n)).collect();
        let differences: Vec<u32> = numbers.windows(2).map(|w| w[1].wrapping_sub(w[0])).collect();
        let secrets: Vec<u32> = (0..100_000).map(|n| of(7, n) ^ of(8, n)).collect();
        for (name, sample) in [("numbers", &numbers), ("differences", &differences), ("secrets", &secrets)] {
            for shift in [0, 8, 16, 24] {
                let chi2 = chi_squared(sample.iter().map(|n| n >> shift & 0xff));
                assert!((255.0 - 113.0..255.0 + 113.0).contains(&chi2), "{name} >> {shift}: chi-squared {chi2}");
            }
        }
        let mean = f64::from(u32::MAX) / 2.0;
        let product = |lag: usize| -> f64 {
            numbers.iter().zip(&numbers[lag..]).map(|(&a, &b)| (f64::from(a) - mean) * (f64::from(b) - mean)).sum()
        };
        let correlation = product(1) / product(0);
        assert!(correlation.abs() < 5.0 / 100_000_f64.sqrt(), "lag-1 correlation {correlation}");
    }

    fn chi_squared(octets: impl Iterator<Item = u32>) -> f64 {
        let mut counts = [0_u32; 256];
        octets.for_each(|octet| counts[usize::try_from(octet).unwrap()] += 1);
        let expected = f64::from(counts.iter().sum::<u32>()) / 256.0;
        counts.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum()
    }

    proptest! {
        /// One pair: the number moves by exactly one per 4 microseconds, across the wrap of the space too.
        #[test]
        fn grows_with_the_clock_for_one_pair(
            seed in any::<u64>(),
            port in any::<u16>(),
            start in 0_u64..1 << 40,
            ticks in 0_u32..,
        ) {
            let (local, remote) = (v4(1, port), v4(2, 80));
            let start = Instant::from_micros(start);
            let later = start + Micros::new(u64::from(ticks) * 4);
            let first = isn(seed, local, remote, start);
            prop_assert_eq!(isn(seed, local, remote, later).wrapping_sub(first), ticks);
        }
    }
}
