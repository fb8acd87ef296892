//! How large a datagram the path takes, as far as one connection knows: RFC 1191 with the checks of RFC 5927 §7, and
//! where routers say nothing, in the manner of RFC 4821 and RFC 8899.
//!
//! - A router's word ("fragmentation needed") counts if datagrams larger than it says are in flight. Anybody can forge
//!   it: if datagrams of that size are known to have arrived, it counts only once a timeout agrees (RFC 5927 §7.2).
//! - If large segments vanish again and again and no router says a word, smaller ones are tried (RFC 4821 §7.7).
//! - Now and then one larger segment is sent; if it arrives, the path has become wider (RFC 1191 §6.3, RFC 8899 §5.3).
//!   That it alone is lost is no sign of congestion (RFC 4821 §7.6.2): `recovery` sees to that.

use lockstep_model::{Seq, SeqNum};

use crate::ip::pmtu::{plateau_above, plateau_below};
use crate::time::{Instant, Micros};

/// What of it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PathMtuConfig {
    /// Heed "fragmentation needed" (RFC 1191); else it is no more than a soft error.
    pub discovery: bool,
    /// Try smaller segments where large ones vanish (RFC 4821 §7.7).
    pub blackhole_detection: bool,
    /// Try larger segments where smaller ones had to be sent for some time (RFC 1191 §6.3).
    pub probing: bool,
    /// No report makes datagrams smaller than this: an attacker's favourite is 68 (RFC 5927 §7.1). At least 68.
    pub floor: u16,
    /// How long a narrow path is taken for granted (RFC 1191 §6.3: 10 minutes, not less than 5).
    pub lifetime: Micros,
    /// So many destinations with narrow paths are remembered.
    pub destinations: usize,
}

impl PathMtuConfig {
    /// The path takes what the link takes, for ever.
    pub const OFF: Self = Self {
        discovery: false,
        blackhole_detection: false,
        probing: false,
        floor: 552,
        lifetime: Micros::from_secs(600),
        destinations: 0,
    };

    /// Whether anything is to be found out from what arrives.
    fn is_on(&self) -> bool {
        self.discovery || self.blackhole_detection || self.probing
    }
}

impl Default for PathMtuConfig {
    fn default() -> Self {
        Self {
            discovery: true,
            blackhole_detection: true,
            probing: true,
            floor: 552,
            lifetime: Micros::from_secs(600),
            destinations: 1_024,
        }
    }
}

/// What a path that lets large datagrams vanish usually takes: the MTU of Ethernet, what is left of it in any tunnel, and
/// what every host takes (RFC 8899 §5.1.2, RFC 791).
const STEPS_DOWN: [u16; 3] = [1_500, 1_240, 576];

/// So many timeouts in a row make a path suspect on which nothing so large is known to have arrived,
const FEW_TIMEOUTS: u8 = 2;

/// and so many one on which it has.
const MANY_TIMEOUTS: u8 = 4;

/// How long after a suspicion the first larger segment is tried; each failure doubles it.
const FIRST_PROBE_AFTER: Micros = Micros::from_secs(1);

/// What one connection knows of its path. Sizes are those of datagrams, headers included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PathMtu {
    /// The largest that is sent, except to see whether a larger one arrives.
    mtu: u16,
    /// The largest that is known to have arrived.
    confirmed: u16,
    /// The largest that has been sent since nothing was in flight.
    outstanding: u16,
    /// In a row.
    timeouts: u8,
    /// Most connections have no doubts after their first large segment.
    doubts: Option<Box<Doubts>>,
}

/// What is not known for certain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Doubts {
    /// One larger than what is confirmed, sent once.
    trial: Option<Trial>,
    /// A router's word that nothing confirms: about the segment with this number, the path takes so much.
    claim: Option<(Seq, u16)>,
    /// Where the path is, or was, narrower than the link.
    probe: Option<Probe>,
}

/// A datagram whose arrival would tell something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Trial {
    start: Seq,
    end: Seq,
    size: u16,
}

/// When something larger is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Probe {
    at: Instant,
    /// How long after a failure it is tried again.
    interval: Micros,
}

/// What is made of a router's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heed {
    /// The path takes no more than [`PathMtu::mtu`] from now on.
    Now,
    /// When a timeout agrees.
    Later,
    /// Not at all: nothing so large is in flight.
    Never,
}

impl PathMtu {
    /// A path of which nothing is known but that it begins with our link.
    pub fn of_link(mtu: u16) -> Self {
        Self { mtu, confirmed: 0, outstanding: 0, timeouts: 0, doubts: None }
    }

    /// A path that another connection has found narrower than the link.
    pub fn known(mtu: u16, config: &PathMtuConfig, now: Instant) -> Self {
        let mut path = Self::of_link(mtu);
        path.probe_after(config.lifetime, now);
        path
    }

    /// The most octets a datagram may have.
    pub fn mtu(&self) -> u16 {
        self.mtu
    }

    /// A router's word that waits for a timeout to agree.
    pub fn claimed(&self) -> Option<u16> {
        self.doubts().claim.map(|(_, mtu)| mtu)
    }

    /// A datagram with the text from `start` to `end` has left, for the first time or `again`.
    pub fn sent(&mut self, (start, end): (Seq, Seq), size: u16, again: bool, config: &PathMtuConfig, now: Instant) {
        if !config.is_on() {
            return;
        }
        self.outstanding = self.outstanding.max(size);
        let trial = self.doubts().trial;
        if !again {
            if size > self.confirmed && trial.is_none() && end != start {
                self.doubt(|doubts| doubts.trial = Some(Trial { start, end, size }));
            }
        } else if let Some(failed) = trial.filter(|trial| start.before(trial.end) && trial.start.before(end)) {
            // Whichever of them arrives, it tells nothing.
            self.doubt(|doubts| doubts.trial = None);
            if failed.size > self.mtu {
                self.probe_failed(config, now);
            }
        }
    }

    /// All before `una` has arrived, and perhaps nothing is in flight any more. Returns whether larger datagrams may leave
    /// from now on.
    pub fn acked(&mut self, una: Seq, idle: bool, now: Instant) -> bool {
        self.timeouts = 0;
        // RFC 5927 §7.2: what the router said did not arrive has arrived.
        let Doubts { trial, claim, .. } = self.doubts();
        if claim.is_some_and(|(seq, _)| seq.before(una)) {
            self.doubt(|doubts| doubts.claim = None);
        }
        if let Some(arrived) = trial.filter(|trial| !una.before(trial.end)) {
            self.doubt(|doubts| doubts.trial = None);
            self.confirmed = self.confirmed.max(arrived.size);
        }
        if idle {
            self.outstanding = 0;
        }
        let wider = self.confirmed > self.mtu;
        if wider {
            self.mtu = self.confirmed;
            self.probe_after(FIRST_PROBE_AFTER, now);
        }
        wider
    }

    /// A router says that the segment with `seq`, which is in flight, is too large for a path of `mtu` octets; an old one
    /// does not say how many (RFC 1191 §5).
    pub fn reported(&mut self, seq: Seq, mtu: u16, config: &PathMtuConfig, now: Instant) -> Heed {
        let said = if mtu == 0 { plateau_below(self.outstanding).unwrap_or(0) } else { mtu };
        let said = said.max(config.floor);
        if said >= self.outstanding {
            Heed::Never
        } else if said < self.confirmed {
            self.doubt(|doubts| doubts.claim = Some((seq, said)));
            Heed::Later
        } else {
            self.narrow_to(said, config.lifetime, now);
            Heed::Now
        }
    }

    /// The retransmission timer went off. Returns whether it is because the path takes only smaller datagrams.
    pub fn timed_out(&mut self, config: &PathMtuConfig, now: Instant) -> bool {
        self.timeouts = self.timeouts.saturating_add(1);
        if let Some(said) = self.claimed() {
            self.narrow_to(said, config.lifetime, now);
            return true;
        }
        let patience = if self.confirmed >= self.outstanding { MANY_TIMEOUTS } else { FEW_TIMEOUTS };
        if !config.blackhole_detection || self.timeouts < patience {
            return false;
        }
        let largest = self.outstanding.min(self.mtu);
        let smaller = STEPS_DOWN.into_iter().find(|&step| step < largest && step >= config.floor);
        if let Some(smaller) = smaller {
            let timeouts = self.timeouts;
            self.narrow_to(smaller, FIRST_PROBE_AFTER, now);
            self.timeouts = timeouts;
        }
        smaller.is_some()
    }

    /// The size of a datagram that is to find out whether the path has become wider, if it is time for one: `limit` is
    /// what our link and the peer take.
    pub fn probe_size(&self, limit: u16, config: &PathMtuConfig, now: Instant) -> Option<u16> {
        let Doubts { trial, probe, .. } = self.doubts();
        let due = config.probing && probe.is_some_and(|probe| probe.at <= now);
        if !due || trial.is_some() || self.mtu >= limit {
            return None;
        }
        Some(plateau_above(self.mtu).map_or(limit, |plateau| plateau.min(limit)))
    }

    /// The same with times relative to `now`.
    pub fn project(&self, now: Instant) -> Self {
        let ahead = |at: Instant| Instant::ZERO + at.since(now);
        let mut relative = self.clone();
        relative.doubt(|doubts| doubts.probe = doubts.probe.map(|probe| Probe { at: ahead(probe.at), ..probe }));
        relative
    }

    fn narrow_to(&mut self, mtu: u16, probe_after: Micros, now: Instant) {
        *self = Self { confirmed: self.confirmed.min(mtu), outstanding: mtu, ..Self::of_link(mtu) };
        self.probe_after(probe_after, now);
    }

    fn probe_after(&mut self, interval: Micros, now: Instant) {
        self.doubt(|doubts| doubts.probe = Some(Probe { at: now + interval, interval }));
    }

    fn probe_failed(&mut self, config: &PathMtuConfig, now: Instant) {
        let interval = self.doubts().probe.map_or(FIRST_PROBE_AFTER, |probe| probe.interval);
        self.probe_after(interval.saturating_mul(2).min(config.lifetime), now);
    }

    fn doubts(&self) -> Doubts {
        self.doubts.as_deref().copied().unwrap_or_default()
    }

    fn doubt(&mut self, change: impl FnOnce(&mut Doubts)) {
        let mut doubts = self.doubts();
        change(&mut doubts);
        self.doubts = (doubts != Doubts::default()).then(|| Box::new(doubts));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CONFIG: PathMtuConfig = PathMtuConfig {
        discovery: true,
        blackhole_detection: true,
        probing: true,
        floor: 552,
        lifetime: Micros::from_secs(600),
        destinations: 4,
    };

    fn seq(n: u32) -> Seq {
        Seq::new(n)
    }

    fn at(secs: u64) -> Instant {
        Instant::ZERO + Micros::from_secs(secs)
    }

    /// A path with a datagram of 1500 octets in flight, from 0 to 1460.
    fn in_flight() -> PathMtu {
        let mut path = PathMtu::of_link(1500);
        path.sent((seq(0), seq(1460)), 1500, false, &CONFIG, at(0));
        path
    }

    #[test]
    fn a_router_is_believed_about_the_first_large_datagram() {
        let mut path = in_flight();
        assert_eq!(path.reported(seq(0), 1400, &CONFIG, at(0)), Heed::Now);
        assert_eq!(path.mtu(), 1400);
        // About the other datagrams that were in flight it says the same.
        assert_eq!(path.reported(seq(0), 1400, &CONFIG, at(0)), Heed::Never);
    }

    #[test]
    fn a_router_that_asks_for_no_less_than_is_sent_is_not_heeded() {
        let mut path = in_flight();
        for mtu in [1500, 1501, 65_535] {
            assert_eq!(path.reported(seq(0), mtu, &CONFIG, at(0)), Heed::Never);
        }
        let mut idle = PathMtu::of_link(1500);
        assert_eq!(idle.reported(seq(0), 600, &CONFIG, at(0)), Heed::Never);
        path.acked(seq(1460), true, at(0));
        assert_eq!(path.reported(seq(0), 600, &CONFIG, at(0)), Heed::Never);
        assert_eq!((path.mtu(), idle.mtu()), (1500, 1500));
    }

    #[test]
    fn nobody_makes_datagrams_smaller_than_the_floor() {
        for mtu in [1, 68, 551] {
            let mut path = in_flight();
            path.reported(seq(0), mtu, &CONFIG, at(0));
            assert_eq!(path.mtu(), 552);
        }
    }

    #[test]
    fn an_old_router_gives_no_number() {
        let mut path = in_flight();
        assert_eq!(path.reported(seq(0), 0, &CONFIG, at(0)), Heed::Now);
        assert_eq!(path.mtu(), 1280);
    }

    /// RFC 5927 §7.2.
    #[test]
    fn what_contradicts_experience_needs_a_timeout() {
        let mut path = in_flight();
        path.acked(seq(1460), false, at(0));
        path.sent((seq(1460), seq(2920)), 1500, false, &CONFIG, at(0));
        assert_eq!(path.reported(seq(1460), 600, &CONFIG, at(0)), Heed::Later);
        assert_eq!(path.mtu(), 1500);
        let mut forged = path.clone();
        forged.acked(seq(2920), true, at(0));
        forged.timed_out(&CONFIG, at(1));
        assert_eq!(forged.mtu(), 1500);
        assert!(path.timed_out(&CONFIG, at(1)));
        assert_eq!(path.mtu(), 600);
    }

    #[test]
    fn where_large_datagrams_vanish_smaller_ones_are_tried() {
        let mut path = in_flight();
        let sizes: Vec<u16> = (1..6)
            .map(|n| {
                path.timed_out(&CONFIG, at(n));
                path.mtu()
            })
            .collect();
        assert_eq!(sizes, [1500, 1240, 576, 576, 576]);
    }

    #[test]
    fn an_outage_is_not_so_soon_taken_for_a_narrow_path() {
        let mut path = in_flight();
        path.acked(seq(1460), false, at(0));
        path.sent((seq(1460), seq(2920)), 1500, false, &CONFIG, at(0));
        assert!((1..4).all(|n| !path.timed_out(&CONFIG, at(n))));
        assert!(path.timed_out(&CONFIG, at(4)));
    }

    #[test]
    fn a_probe_that_arrives_widens_the_path() {
        let mut path = in_flight();
        path.timed_out(&CONFIG, at(1));
        path.timed_out(&CONFIG, at(2));
        assert_eq!(path.mtu(), 1240);
        assert_eq!(path.probe_size(1500, &CONFIG, at(2)), None);
        assert_eq!(path.probe_size(1500, &CONFIG, at(3)), Some(1280));
        assert_eq!(path.probe_size(1260, &CONFIG, at(3)), Some(1260));
        assert_eq!(path.probe_size(1240, &CONFIG, at(3)), None);
        path.sent((seq(1460), seq(2700)), 1280, false, &CONFIG, at(3));
        assert_eq!(path.probe_size(1500, &CONFIG, at(3)), None, "one at a time");
        assert!(!path.acked(seq(2699), false, at(3)));
        assert!(path.acked(seq(2700), false, at(3)));
        assert_eq!((path.mtu(), path.probe_size(1500, &CONFIG, at(4))), (1280, Some(1500)));
    }

    #[test]
    fn a_probe_that_is_lost_makes_the_next_one_rarer() {
        let mut path = in_flight();
        path.timed_out(&CONFIG, at(0));
        path.timed_out(&CONFIG, at(0));
        let mut now = at(1);
        let mut waited = Vec::new();
        for _ in 0..12 {
            path.sent((seq(1460), seq(2700)), 1280, false, &CONFIG, now);
            path.sent((seq(1460), seq(2660)), 1240, true, &CONFIG, now);
            assert!(!path.acked(seq(2700), true, now));
            let until = path.doubts().probe.unwrap().at;
            waited.push(until.since(now));
            now = until;
        }
        assert_eq!(waited, [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600].map(Micros::from_secs));
    }

    #[test]
    fn each_of_it_can_be_switched_off() {
        let config = PathMtuConfig { blackhole_detection: false, probing: false, ..CONFIG };
        let mut path = in_flight();
        assert!((0..10).all(|n| !path.timed_out(&config, at(n))));
        path.reported(seq(0), 1000, &config, at(0));
        assert_eq!((path.mtu(), path.probe_size(1500, &config, at(10_000))), (1000, None));
    }

    proptest! {
        /// Whatever routers say and whatever is lost: never below the floor, never above what the link takes.
        #[test]
        fn the_mtu_stays_within_its_bounds(events in prop::collection::vec((0_u8..5, any::<u16>()), 0..200)) {
            let mut path = PathMtu::of_link(1500);
            let (mut una, mut nxt) = (0_u32, 0_u32);
            for (n, (kind, number)) in (0..).zip(events) {
                let now = at(n);
                let size = path.probe_size(1500, &CONFIG, now).unwrap_or(path.mtu());
                match kind {
                    0 => {
                        path.sent((seq(nxt), seq(nxt + u32::from(size))), size, false, &CONFIG, now);
                        nxt += u32::from(size);
                    }
                    1 => path.sent((seq(una), seq(nxt)), path.mtu(), true, &CONFIG, now),
                    2 => {
                        una = nxt.min(una + u32::from(number));
                        path.acked(seq(una), una == nxt, now);
                    }
                    3 => drop(path.timed_out(&CONFIG, now)),
                    _ => drop(path.reported(seq(una), number, &CONFIG, now)),
                }
                prop_assert!((552..=1500).contains(&path.mtu()), "{:?}", path);
            }
        }
    }
}
