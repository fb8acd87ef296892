//! Ports for those who name none (RFC 6056).

use std::net::SocketAddr;
use std::ops::RangeInclusive;

use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// Chooses ephemeral ports: each search begins at a keyed-random place, so that nobody outside can tell the next port
/// from those he has seen (RFC 6056 §3.3.1, Algorithm 1), and ends at the first port that is free.
#[derive(Clone)]
pub(super) struct Ports {
    key: [u8; 16],
    range: RangeInclusive<u16>,
    /// How often a port was chosen: makes each choice another, and the sequence reproducible.
    chosen: u64,
}

impl Ports {
    pub fn new(key: [u8; 16], range: RangeInclusive<u16>) -> Self {
        Self { key, range, chosen: 0 }
    }

    /// A port that is free, if any is. `remote` is whom it is for, if anybody yet.
    pub fn choose(&mut self, remote: Option<SocketAddr>, is_free: impl Fn(u16) -> bool) -> Option<u16> {
        let size = u64::try_from(self.range.clone().count()).unwrap_or(0);
        let start = self.random(remote).checked_rem(size)?;
        self.chosen = self.chosen.wrapping_add(1);
        let skip = usize::try_from(start).unwrap_or(0);
        let around = self.range.clone().skip(skip).chain(self.range.clone().take(skip));
        around.into_iter().find(|&port| port != 0 && is_free(port))
    }

    fn random(&self, remote: Option<SocketAddr>) -> u64 {
        use std::hash::Hash;
        let mut hasher = SipHasher13::new_with_key(&self.key);
        remote.hash(&mut hasher);
        hasher.write_u64(self.chosen);
        hasher.finish()
    }
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports").field("range", &self.range).field("chosen", &self.chosen).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn ports() -> Ports {
        Ports::new(*b"0123456789abcdef", 49_152..=65_535)
    }

    #[test]
    fn every_free_port_is_found_and_no_other() {
        let mut ports = Ports::new([7; 16], 100..=109);
        let mut taken = BTreeSet::new();
        for _ in 0..10 {
            let port = ports.choose(None, |port| !taken.contains(&port)).unwrap();
            assert!((100..=109).contains(&port) && taken.insert(port));
        }
        assert_eq!(ports.choose(None, |port| !taken.contains(&port)), None);
    }

    #[test]
    fn choices_are_spread_and_reproducible() {
        let (mut one, mut two) = (ports(), ports());
        let choices: Vec<u16> = (0..2_000).map(|_| one.choose(None, |_| true).unwrap()).collect();
        assert_eq!(choices, (0..2_000).map(|_| two.choose(None, |_| true).unwrap()).collect::<Vec<_>>());
        // 2,000 of 16,384: about 117 pairs coincide by chance.
        let distinct: BTreeSet<u16> = choices.iter().copied().collect();
        assert!(distinct.len() > 1_700, "{}", distinct.len());
        let steps: BTreeSet<i32> = choices.windows(2).map(|w| i32::from(w[1]) - i32::from(w[0])).collect();
        assert!(steps.len() > 1_700, "{}", steps.len());
    }
}
