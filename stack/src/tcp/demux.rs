//! Who gets a segment: connections by their four-tuple, under a keyed hash, so that nobody can choose addresses that
//! collide.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::{SocketAddr, SocketAddrV4};

use siphasher::sip::SipHasher13;

/// The two ends of a connection, seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// Our socket.
    pub local: SocketAddr,
    /// The peer's socket.
    pub remote: SocketAddr,
}

impl std::fmt::Display for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} <-> {}", self.local, self.remote)
    }
}

/// A [`Pair`] as connections keep it: of IPv4 a quarter of the size.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum CompactPair {
    V4 { local: SocketAddrV4, remote: SocketAddrV4 },
    V6(Box<Pair>),
}

const _: () = assert!(size_of::<CompactPair>() == 16);

impl From<Pair> for CompactPair {
    fn from(pair: Pair) -> Self {
        match (pair.local, pair.remote) {
            (SocketAddr::V4(local), SocketAddr::V4(remote)) => CompactPair::V4 { local, remote },
            (SocketAddr::V4(_) | SocketAddr::V6(_), SocketAddr::V4(_) | SocketAddr::V6(_)) => {
                CompactPair::V6(Box::new(pair))
            }
        }
    }
}

impl From<&CompactPair> for Pair {
    fn from(pair: &CompactPair) -> Self {
        match pair {
            &CompactPair::V4 { local, remote } => Pair { local: local.into(), remote: remote.into() },
            CompactPair::V6(pair) => **pair,
        }
    }
}

/// Where each pair's connection is. It is asked, never listed: the order inside means nothing.
#[derive(Clone, Debug)]
pub(super) struct Demux {
    places: HashMap<CompactPair, usize, Keyed>,
}

impl Demux {
    pub fn new(key: [u8; 16]) -> Self {
        Self { places: HashMap::with_hasher(Keyed { key }) }
    }

    /// The place of this pair's connection.
    pub fn find(&self, pair: &Pair) -> Option<usize> {
        self.places.get(&CompactPair::from(*pair)).copied()
    }

    /// Segments of `pair` go to the connection at `index` from now on.
    pub fn insert(&mut self, pair: Pair, index: usize) {
        self.places.insert(pair.into(), index);
    }

    /// The connection at `index` no longer exists. Another of the same pair is left alone.
    pub fn remove(&mut self, pair: &Pair, index: usize) {
        if self.find(pair) == Some(index) {
            self.places.remove(&CompactPair::from(*pair));
        }
    }
}

#[derive(Clone)]
struct Keyed {
    key: [u8; 16],
}

impl BuildHasher for Keyed {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_key(&self.key)
    }
}

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyed(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{Hash, Hasher};

    #[test]
    fn a_later_connection_of_the_pair_survives_the_end_of_the_earlier() {
        let pair = Pair { local: ([192, 0, 2, 1], 80).into(), remote: ([192, 0, 2, 2], 4000).into() };
        let mut demux = Demux::new(*b"0123456789abcdef");
        demux.insert(pair, 1);
        demux.insert(pair, 2);
        demux.remove(&pair, 1);
        assert_eq!(demux.find(&pair), Some(2));
        demux.remove(&pair, 2);
        assert_eq!(demux.find(&pair), None);
    }

    /// FNV-1a, which anybody can compute.
    fn unkeyed(pair: &CompactPair) -> u64 {
        struct Fnv(u64);
        impl Hasher for Fnv {
            fn write(&mut self, bytes: &[u8]) {
                for &byte in bytes {
                    self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                }
            }

            fn finish(&self) -> u64 {
                self.0
            }
        }
        let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
        pair.hash(&mut hasher);
        hasher.finish()
    }

    /// Ten thousand clients whose hashes end alike, as an attacker chooses them who knows the function: under the key they
    /// are spread like any others.
    #[test]
    fn nobody_can_choose_addresses_that_collide() {
        const BUCKETS: u64 = 1 << 14;
        let pair = |n: u32| {
            let [a, b, c, d] = n.to_be_bytes();
            let local = ([192, 0, 2, 1], 80).into();
            CompactPair::from(Pair { local, remote: ([10, a, b, c], 1_024 + u16::from(d)).into() })
        };
        let colliding: Vec<_> = (0..).map(pair).filter(|pair| unkeyed(pair).is_multiple_of(256)).take(10_000).collect();
        let fullest = |hash: &dyn Fn(&CompactPair) -> u64, buckets: u64| {
            let mut counts = HashMap::<u64, usize>::new();
            colliding.iter().for_each(|pair| *counts.entry(hash(pair) % buckets).or_default() += 1);
            counts.into_values().max()
        };
        assert_eq!(fullest(&unkeyed, 256), Some(colliding.len()));
        let keyed = Keyed { key: *b"0123456789abcdef" };
        assert!(fullest(&|pair| keyed.hash_one(pair), BUCKETS) < Some(12));
    }
}
