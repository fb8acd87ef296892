//! Ports for those who name none: RFC 6056.
//!
//! Whoever knows the ports of some connections shall not be able to tell that of another (§2), and a port shall not be used
//! again for one destination before it must be (§3.1): its last connection may be in TIME-WAIT there.

use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::ops::RangeInclusive;

use siphasher::sip::SipHasher13;

/// How an ephemeral port is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortSelection {
    /// Each anywhere in the range (§3.3.1, Algorithm 1): no choice says anything about the next, but a port may come again soon.
    Random,
    /// One after the other from a place that is secret for each destination, and counted apart for groups of them that are
    /// secret, too (§3.3.4, Algorithm 4): no port comes again for a destination before all others have.
    DoubleHash,
}

/// Counters of [`PortSelection::DoubleHash`]. Two destinations share one with a chance of 1 in so many, and then see how
/// often the other was connected to (with few counters that was CVE-2022-1012).
const COUNTERS: usize = 1 << 12;

/// Chooses ephemeral ports: each search begins at a place given by a keyed hash and ends at the first port that is free.
#[derive(Clone)]
pub(super) struct Ports {
    key: [u8; 16],
    range: RangeInclusive<u16>,
    selection: PortSelection,
    /// How often a port was chosen: makes each random choice another, and the sequence reproducible.
    chosen: u64,
    /// How often a port was chosen for each group of destinations; empty until the first was.
    counters: Vec<u32>,
}

/// What a hash is for.
#[derive(Hash)]
enum Purpose {
    Start,
    Counter,
}

impl Ports {
    pub fn new(key: [u8; 16], range: RangeInclusive<u16>, selection: PortSelection) -> Self {
        Self { key, range, selection, chosen: 0, counters: Vec::new() }
    }

    /// A port that is free, if any is, for a connection to `remote`; without that, for a listener.
    pub fn choose(&mut self, remote: Option<SocketAddr>, is_free: impl Fn(u16) -> bool) -> Option<u16> {
        let size = u64::try_from(self.range.len()).unwrap_or(0);
        let start = match (self.selection, remote) {
            (PortSelection::Random, _) | (PortSelection::DoubleHash, None) => self.random(remote),
            (PortSelection::DoubleHash, Some(remote)) => {
                self.hash(Purpose::Start, remote).wrapping_add(u64::from(self.counter(remote)))
            }
        };
        let skip = usize::try_from(start.checked_rem(size)?).unwrap_or(0);
        let around = self.range.clone().skip(skip).chain(self.range.clone().take(skip));
        let (passed, port) = around.enumerate().find(|&(_, port)| port != 0 && is_free(port))?;
        self.chosen = self.chosen.wrapping_add(1);
        if let (PortSelection::DoubleHash, Some(remote)) = (self.selection, remote) {
            let counter = self.counter_mut(remote);
            *counter = counter.wrapping_add(u32::try_from(passed).unwrap_or(0)).wrapping_add(1);
        }
        Some(port)
    }

    fn random(&self, remote: Option<SocketAddr>) -> u64 {
        self.hash(Purpose::Start, (remote, self.chosen))
    }

    fn counter(&self, remote: SocketAddr) -> u32 {
        self.counters.get(self.group(remote)).copied().unwrap_or(0)
    }

    fn counter_mut(&mut self, remote: SocketAddr) -> &mut u32 {
        let group = self.group(remote);
        self.counters.resize(COUNTERS, 0);
        &mut self.counters[group]
    }

    fn group(&self, remote: SocketAddr) -> usize {
        let hash = usize::try_from(self.hash(Purpose::Counter, remote) >> 32).unwrap_or(0);
        hash % COUNTERS
    }

    fn hash(&self, purpose: Purpose, about: impl Hash) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        (purpose, about).hash(&mut hasher);
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

    const RANGE: RangeInclusive<u16> = 49_152..=65_535;

    fn ports(selection: PortSelection) -> Ports {
        Ports::new(*b"0123456789abcdef", RANGE, selection)
    }

    fn destination(host: u16) -> SocketAddr {
        let [a, b] = host.to_be_bytes();
        ([198, 51, a, b], 80).into()
    }

    #[test]
    fn every_free_port_is_found_and_no_other() {
        for selection in [PortSelection::Random, PortSelection::DoubleHash] {
            for remote in [None, Some(destination(1))] {
                let mut ports = Ports::new([7; 16], 100..=109, selection);
                let mut taken = BTreeSet::new();
                for _ in 0..10 {
                    let port = ports.choose(remote, |port| !taken.contains(&port)).unwrap();
                    assert!((100..=109).contains(&port) && taken.insert(port));
                }
                assert_eq!(ports.choose(remote, |port| !taken.contains(&port)), None);
            }
        }
    }

    /// RFC 6056 §3.1: what an algorithm is for, and what hurts most when it fails.
    #[test]
    fn no_port_comes_again_for_a_destination_before_all_others_have() {
        let mut ports = ports(PortSelection::DoubleHash);
        let mut seen = BTreeSet::new();
        for n in 0..16_384 {
            assert!(seen.insert(ports.choose(Some(destination(1)), |_| true).unwrap()), "choice {n}");
            // Another is connected to meanwhile.
            ports.choose(Some(destination(2)), |_| true).unwrap();
        }
    }

    /// threats T07: ten thousand choices, for ten thousand destinations with either algorithm and for one with the random one,
    /// are uniform (chi-squared over 64 classes: 63 +- 5 sigma) and do not say what comes next (lag-1 correlation within 5 sigma).
    #[test]
    fn ten_thousand_choices_say_nothing_about_the_next() {
        let everybody = |n| Some(destination(n));
        let somebody = |_| Some(destination(1));
        judge(PortSelection::DoubleHash, everybody);
        judge(PortSelection::Random, everybody);
        judge(PortSelection::Random, somebody);
    }

    fn judge(selection: PortSelection, remote: fn(u16) -> Option<SocketAddr>) {
        let (mut one, mut two) = (ports(selection), ports(selection));
        let choices: Vec<u16> = (0..10_000).map(|n| one.choose(remote(n), |_| true).unwrap()).collect();
        let again: Vec<u16> = (0..10_000).map(|n| two.choose(remote(n), |_| true).unwrap()).collect();
        assert_eq!(choices, again, "the same secret makes the same choices");
        let mut other = Ports::new(*b"fedcba9876543210", RANGE, selection);
        let same = choices.iter().zip(0..).filter(|&(&port, n)| other.choose(remote(n), |_| true) == Some(port));
        assert!(same.count() < 100, "another secret makes others");

        let mut classes = [0_u32; 64];
        choices.iter().for_each(|port| classes[usize::from(port - RANGE.start()) / 256] += 1);
        let expected = 10_000.0 / 64.0;
        let chi2: f64 = classes.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
        assert!((63.0 - 56.2..63.0 + 56.2).contains(&chi2), "{selection:?}: chi-squared {chi2}");

        let mean = 57_343.5;
        let product = |lag: usize| -> f64 {
            choices.iter().zip(&choices[lag..]).map(|(&a, &b)| (f64::from(a) - mean) * (f64::from(b) - mean)).sum()
        };
        let correlation = product(1) / product(0);
        assert!(correlation.abs() < 0.05, "{selection:?}: lag-1 correlation {correlation}");
    }

    /// Whoever sees the ports of his own connections does not see how many others there are.
    #[test]
    fn a_destination_does_not_see_how_often_others_are_connected_to() {
        let mut ports = ports(PortSelection::DoubleHash);
        let mut last = ports.choose(Some(destination(1)), |_| true).unwrap();
        for _ in 0..100 {
            ports.choose(Some(destination(2)), |_| true).unwrap();
            let next = ports.choose(Some(destination(1)), |_| true).unwrap();
            assert!(next == last + 1 || (last == *RANGE.end() && next == *RANGE.start()), "{last}, then {next}");
            last = next;
        }
    }
}
