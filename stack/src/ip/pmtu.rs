//! How large a datagram the path to a destination takes: what is remembered of it from one connection to the next
//! (RFC 1191 §6; RFC 9293 §3.7.2).
//!
//! Only what a connection has found to be true comes here (see `tcp/pmtu.rs`). It is forgotten after a while, because
//! paths become wider too and nobody tells (RFC 1191 §6.3).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::time::{Instant, Micros};

/// The MTUs that routers gave links in 1990 and give them today, from the widest to the narrowest (RFC 1191 §7.1): where
/// one that is too wide was tried, the next is the best guess.
pub const PLATEAUS: [u16; 9] = [65_535, 32_000, 17_914, 9_000, 4_352, 1_500, 1_280, 1_006, 576];

/// The widest plateau that is narrower than `mtu`: the guess where a router does not say how wide its link is
/// (RFC 1191 §5).
#[must_use]
pub fn plateau_below(mtu: u16) -> Option<u16> {
    PLATEAUS.into_iter().find(|&plateau| plateau < mtu)
}

/// The narrowest plateau that is wider than `mtu`.
#[must_use]
pub fn plateau_above(mtu: u16) -> Option<u16> {
    PLATEAUS.into_iter().rev().find(|&plateau| plateau > mtu)
}

/// The path MTUs that are known to be less than our link's, by destination; of too many the oldest is forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathMtus {
    known: BTreeMap<IpAddr, Known>,
    /// The same by the time at which they are forgotten.
    by_age: BTreeSet<(Instant, IpAddr)>,
    most: usize,
    lifetime: Micros,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Known {
    mtu: u16,
    until: Instant,
}

impl PathMtus {
    /// Nothing known; at most so many destinations are remembered for so long.
    #[must_use]
    pub fn new(most: usize, lifetime: Micros) -> Self {
        Self { known: BTreeMap::new(), by_age: BTreeSet::new(), most, lifetime }
    }

    /// What is known of the path to `destination`.
    #[must_use]
    pub fn get(&self, destination: IpAddr, now: Instant) -> Option<u16> {
        self.known.get(&destination).filter(|known| known.until > now).map(|known| known.mtu)
    }

    /// The path to `destination` takes datagrams of `mtu` octets and no larger ones.
    pub fn learn(&mut self, destination: IpAddr, mtu: u16, now: Instant) {
        self.forget(destination);
        while self.known.len() >= self.most {
            let Some((_, oldest)) = self.by_age.pop_first() else { return };
            self.known.remove(&oldest);
        }
        let until = now + self.lifetime;
        self.known.insert(destination, Known { mtu, until });
        self.by_age.insert((until, destination));
    }

    /// How many destinations are remembered, those that are out of date included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The same with times relative to `now`, and without what is out of date.
    #[must_use]
    pub fn project(&self, now: Instant) -> Self {
        let mut relative = Self::new(self.most, self.lifetime);
        for (&destination, known) in self.known.iter().filter(|(_, known)| known.until > now) {
            let until = Instant::ZERO + known.until.since(now);
            relative.known.insert(destination, Known { until, ..*known });
            relative.by_age.insert((until, destination));
        }
        relative
    }

    fn forget(&mut self, destination: IpAddr) {
        if let Some(known) = self.known.remove(&destination) {
            self.by_age.remove(&(known.until, destination));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const LIFETIME: Micros = Micros::from_secs(600);

    fn host(n: u32) -> IpAddr {
        Ipv4Addr::from_bits(n).into()
    }

    fn at(secs: u64) -> Instant {
        Instant::ZERO + Micros::from_secs(secs)
    }

    #[test]
    fn what_is_known_is_forgotten_after_ten_minutes() {
        let mut paths = PathMtus::new(4, LIFETIME);
        paths.learn(host(1), 1400, at(0));
        assert_eq!(paths.get(host(1), at(599)), Some(1400));
        assert_eq!(paths.get(host(2), at(599)), None);
        assert_eq!(paths.get(host(1), at(600)), None);
        assert!(paths.project(at(600)).is_empty());
    }

    #[test]
    fn what_is_learnt_again_counts_from_then() {
        let mut paths = PathMtus::new(4, LIFETIME);
        paths.learn(host(1), 1400, at(0));
        paths.learn(host(1), 1300, at(500));
        assert_eq!((paths.len(), paths.get(host(1), at(1099))), (1, Some(1300)));
        assert_eq!(paths.by_age.len(), 1);
    }

    #[test]
    fn of_too_many_the_oldest_gives_way() {
        let mut paths = PathMtus::new(3, LIFETIME);
        for n in 0..1000 {
            paths.learn(host(n), 1400, at(n.into()));
            assert!(paths.len() <= 3 && paths.by_age.len() == paths.len());
        }
        assert_eq!([997, 998, 999].map(|n| paths.get(host(n), at(1000))), [Some(1400); 3]);
        assert_eq!(paths.get(host(996), at(1000)), None);
    }

    #[test]
    fn plateaus_lead_down_to_the_least_and_up_to_the_widest() {
        assert_eq!((plateau_below(1500), plateau_below(1501), plateau_below(577)), (Some(1280), Some(1500), Some(576)));
        assert_eq!((plateau_below(576), plateau_above(65_535)), (None, None));
        assert_eq!((plateau_above(575), plateau_above(1280), plateau_above(1499)), (Some(576), Some(1500), Some(1500)));
    }
}
