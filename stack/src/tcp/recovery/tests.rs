//! A sender, a receiver and a bad network between them: whatever is lost, late or doubled, all arrives; nothing that the peer
//! is known to hold leaves again; and nothing is ever forgotten.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_model::{Seq, SeqNum};
use proptest::prelude::*;

use super::*;
use crate::device::prng::SplitMix64;
use crate::tcp::congestion::{Congestion, CongestionConfig};
use crate::tcp::rtt::RtoConfig;

const SMSS: u32 = 100;
/// Close to where the numbers begin again.
const ISS: u32 = u32::MAX - 500;
const DELAY: Micros = Micros::from_millis(50);

/// What the network does to a segment, in percent.
#[derive(Clone, Copy, Debug)]
struct Weather {
    lost: u64,
    twice: u64,
    /// So many arrive up to a round trip late.
    late: u64,
}

/// An acknowledgment on its way.
#[derive(Clone, Debug)]
struct Ack {
    ack: u32,
    blocks: Vec<SackBlock>,
    /// When that left which moved RCV.NXT last: its timestamp.
    echo: Option<Instant>,
}

/// A segment on its way, and when it left.
type Segment = (u32, u32, Instant);

/// What the peer has of the octets 0..n, each with the number ISS + its place.
#[derive(Debug, Default)]
struct Peer {
    has: BTreeSet<u32>,
    next: u32,
    echo: Option<Instant>,
    /// He throws away what is out of order now and then (RFC 2018 §8).
    reneges: bool,
}

impl Peer {
    fn take(&mut self, (from, len, left_at): Segment, random: &mut SplitMix64) -> Ack {
        if from <= self.next {
            self.echo = Some(left_at);
        }
        let old = (from..from + len).all(|octet| octet < self.next || self.has.contains(&octet));
        self.has.extend((from..from + len).filter(|&octet| octet >= self.next));
        while self.has.remove(&self.next) {
            self.next += 1;
        }
        if self.reneges && random.below(10) == 0 {
            self.has.clear();
        }
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for &octet in &self.has {
            match runs.last_mut() {
                Some(run) if run.1 == octet => run.1 += 1,
                Some(_) | None => runs.push((octet, octet + 1)),
            }
        }
        // What has just arrived is told of first (RFC 2018 §4), and before it that it was there (RFC 2883).
        runs.sort_by_key(|&(left, right)| (!(left..right).contains(&from), left));
        let duplicate = old.then_some((from, from + len));
        let block = |(left, right): (u32, u32)| SackBlock { left: number(left).raw(), right: number(right).raw() };
        Ack { ack: self.next, blocks: duplicate.into_iter().chain(runs).take(3).map(block).collect(), echo: self.echo }
    }
}

fn number(place: u32) -> Seq {
    Seq::new(ISS).plus(place)
}

/// The whole of it.
struct Journey {
    config: RecoveryConfig,
    sack: bool,
    timestamps: bool,
    weather: Weather,
    random: SplitMix64,
    now: Instant,
    recovery: Recovery,
    rtt: RttEstimator,
    congestion: Controller,
    ecn: Ecn,
    total: u32,
    una: u32,
    nxt: u32,
    timer: Option<Instant>,
    timeouts: u8,
    /// Octets of which the peer has told, and no timeout has cast doubt on it since.
    told: BTreeSet<u32>,
    peer: Peer,
    flying: BTreeMap<(Instant, u64), Result<Segment, Ack>>,
    sent: u64,
}

impl Journey {
    fn new(config: RecoveryConfig, sack: bool, weather: Weather, seed: u64, total: u32) -> Self {
        Self {
            config,
            sack,
            timestamps: false,
            weather,
            random: SplitMix64::new(seed),
            now: Instant::ZERO,
            recovery: Recovery::default(),
            rtt: RttEstimator::new(RtoConfig::default()),
            congestion: Controller::new(100, CongestionConfig::default()),
            ecn: Ecn::new(false),
            total,
            una: 0,
            nxt: 0,
            timer: None,
            timeouts: 0,
            told: BTreeSet::new(),
            peer: Peer::default(),
            flying: BTreeMap::new(),
            sent: 0,
        }
    }

    fn means(&mut self) -> (&mut Recovery, Means<'_>) {
        let (rtt, congestion, ecn) = (&mut self.rtt, &mut self.congestion, &mut self.ecn);
        (
            &mut self.recovery,
            Means { now: self.now, config: &self.config, sack: self.sack, smss: SMSS, rtt, congestion, ecn },
        )
    }

    /// Until all is acknowledged; says when that was.
    fn run(&mut self) -> Instant {
        for _ in 0..200_000 {
            self.transmit();
            if self.una == self.total {
                assert!(self.recovery.flight.is_none(), "nothing is in flight, and nothing is kept");
                return self.now;
            }
            assert!(self.timer.is_some(), "what is not acknowledged has a timer (threats T30)");
            let flying = self.flying.keys().next().map(|&(at, _)| at);
            let due = [flying, self.timer, self.recovery.deadline()].into_iter().flatten().min();
            self.now = self.now.max(due.expect("a timer runs"));
            self.happen();
        }
        panic!("it does not end: {} of {} octets at {}", self.una, self.total, self.now);
    }

    fn happen(&mut self) {
        while let Some(entry) = self.flying.first_entry().filter(|entry| entry.key().0 <= self.now) {
            match entry.remove() {
                Ok(segment) => {
                    let ack = self.peer.take(segment, &mut self.random);
                    self.carry(&Err(ack));
                }
                Err(ack) => self.hear(&ack),
            }
        }
        let (recovery, mut means) = self.means();
        recovery.expire(&mut means);
        if self.timer.is_some_and(|at| at <= self.now) {
            self.timeouts = self.timeouts.saturating_add(1);
            self.rtt.on_timeout();
            self.told.clear();
            let first = self.timeouts == 1;
            let (recovery, mut means) = self.means();
            recovery.on_timeout(first, &mut means);
            self.timer = Some(self.now + self.rtt.rto());
        }
    }

    fn hear(&mut self, ack: &Ack) {
        let heard = Heard {
            echo: Echo::None,
            ack: number(ack.ack),
            duplicate: ack.ack == self.una,
            blocks: &ack.blocks,
            echoed: ack.echo.filter(|_| self.timestamps).map(|at| self.now.since(at)),
            window: u32::MAX,
            offered: u32::MAX,
            unsent: self.total - self.nxt,
        };
        let (recovery, mut means) = self.means();
        recovery.on_ack(&heard, &mut means);
        if self.sack && !self.peer.reneges {
            for block in &ack.blocks {
                self.told.extend(block.left.wrapping_sub(ISS)..block.right.wrapping_sub(ISS));
            }
        }
        if ack.ack > self.una {
            (self.una, self.timeouts) = (ack.ack, 0);
            self.timer = (self.una < self.nxt).then(|| self.now + self.rtt.rto());
        }
    }

    fn transmit(&mut self) {
        while self.transmit_one() {
            self.nothing_is_forgotten();
        }
    }

    /// As `output` plans it.
    fn transmit_one(&mut self) -> bool {
        let cwnd = self.congestion.cwnd();
        let again = self.recovery.next_again(cwnd, SMSS);
        let fresh = (self.total - self.nxt).min(SMSS);
        let probe = self.recovery.probe(SMSS);
        let may = fresh > 0 && (self.recovery.allows(fresh, cwnd, SMSS) || probe.is_some());
        let later = probe.or_else(|| self.recovery.rescue(cwnd, SMSS));
        let restarts = match (again, later) {
            (Some(again), _) => self.send_again(again),
            (None, _) if may => {
                let (seq, now) = (number(self.nxt), self.now);
                let (recovery, means) = self.means();
                let restarts = recovery.sent(seq, fresh, &means);
                self.carry(&Ok((self.nxt, fresh, now)));
                self.nxt += fresh;
                self.timer.get_or_insert(now + self.rtt.rto());
                restarts
            }
            (None, Some(again)) => self.send_again(again),
            (None, None) => return false,
        };
        if restarts {
            self.timer = Some(self.now + self.rtt.rto());
        }
        true
    }

    fn send_again(&mut self, again: Again) -> bool {
        let from = again.seq.forward_from(Seq::new(ISS));
        assert!(from >= self.una && from + again.len <= self.nxt && (1..=SMSS).contains(&again.len));
        let known = self.told.range(from..from + again.len).next();
        assert_eq!(known, None, "the peer has told that he has it");
        self.carry(&Ok((from, again.len, self.now)));
        self.recovery.sent_again(again, self.now)
    }

    fn carry(&mut self, what: &Result<Segment, Ack>) {
        let Weather { lost, twice, late } = self.weather;
        let copies = 1 + u64::from(self.random.below(100) < twice);
        for _ in 0..copies {
            let mut delay = DELAY;
            if self.random.below(100) < late {
                delay = delay + Micros::new(self.random.below(2 * DELAY.get()));
            }
            if self.random.below(100) >= lost {
                self.sent += 1;
                self.flying.insert((self.now + delay, self.sent), what.clone());
            }
        }
    }

    /// Every octet between SND.UNA and SND.NXT is in flight, lost or held.
    fn nothing_is_forgotten(&self) {
        let known = self.recovery.flight.as_ref().map_or(0, |flight| flight.known());
        assert_eq!(known, self.nxt - self.una);
    }
}

fn config() -> impl Strategy<Value = RecoveryConfig> {
    prop::array::uniform7(any::<bool>()).prop_map(|[fast_recovery, rack, tlp, prr, limited_transmit, f_rto, undo]| {
        RecoveryConfig {
            fast_recovery,
            rack,
            tail_loss_probe: tlp,
            proportional_rate_reduction: prr,
            limited_transmit,
            f_rto,
            undo,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// With any of the mechanisms on or off, with SACK and without.
    #[test]
    fn all_arrives_whatever_the_network_does(
        config in config(),
        (sack, timestamps) in any::<(bool, bool)>(),
        reneges in prop::bool::weighted(0.2),
        (lost, twice, late) in (0_u64..35, 0_u64..20, 0_u64..40),
        seed in any::<u64>(),
        total in 1_u32..8000,
    ) {
        let mut journey = Journey::new(config, sack, Weather { lost, twice, late }, seed, total);
        (journey.peer.reneges, journey.timestamps) = (reneges, timestamps);
        journey.run();
        prop_assert_eq!(journey.peer.next, total);
    }

    /// Acknowledgments of a liar: no panic, nothing forgotten, no more in flight than sent.
    #[test]
    fn lies_do_no_harm(
        config in config(),
        lies in prop::collection::vec((0_u32..3000, prop::collection::vec((any::<u32>(), 0_u32..4000), 0..4)), 1..80),
    ) {
        let calm = Weather { lost: 0, twice: 0, late: 0 };
        let mut journey = Journey::new(config, true, calm, 1, 3000);
        journey.peer.reneges = true;
        for (ahead, blocks) in lies {
            journey.transmit();
            let block = |&(left, len): &(u32, u32)| {
                let left = if left % 2 == 0 { number(left % 4000).raw() } else { left };
                SackBlock { left, right: left.wrapping_add(len) }
            };
            let ack = Ack { ack: (journey.una + ahead % 200).min(journey.nxt), blocks: blocks.iter().map(block).collect(), echo: None };
            journey.now += Micros::from_millis(10);
            journey.hear(&ack);
            journey.nothing_is_forgotten();
        }
    }
}

/// Milliseconds for 200 segments with this many percent lost each way, the mean of many journeys.
fn millis(config: RecoveryConfig, sack: bool, lost: u64) -> u64 {
    let journey = |seed| {
        let mut journey = Journey::new(config, sack, Weather { lost, twice: 0, late: 0 }, seed, 200 * SMSS);
        journey.timestamps = true;
        journey.run().as_micros()
    };
    (0..40).map(journey).sum::<u64>() / 40_000
}

#[test]
fn each_mechanism_earns_its_place() {
    let everything = RecoveryConfig::default();
    let by_counting = RecoveryConfig { rack: false, tail_loss_probe: false, ..everything };
    let timeouts = RecoveryConfig::timeouts_only();
    for lost in [0, 1, 5, 20, 30] {
        let [rack, counting, newreno, timeouts] =
            [(everything, true), (by_counting, true), (everything, false), (timeouts, false)]
                .map(|(config, sack)| millis(config, sack, lost));
        println!("{lost:2} %: RACK-TLP {rack:6} ms, RFC 6675 {counting:6}, NewReno {newreno:6}, timeouts {timeouts:6}");
        // Where little is lost, they differ by chance.
        let slower = |a: u64, b: u64| a > b + b / 10;
        assert!(!slower(rack, counting) && !slower(counting, newreno) && !slower(newreno, timeouts));
    }
}

/// RFC 4821 §7.6.2: a segment that was larger to try out the path, and alone is lost, is no sign of congestion.
#[test]
fn a_lost_probe_of_the_path_slows_nobody_down() {
    for (len, congestion) in [(3 * SMSS, false), (SMSS, true)] {
        let calm = Weather { lost: 0, twice: 0, late: 0 };
        let mut journey = Journey::new(RecoveryConfig::default(), true, calm, 1, 10 * SMSS);
        for len in [len, SMSS, SMSS, SMSS] {
            let seq = number(journey.nxt);
            let (recovery, means) = journey.means();
            recovery.sent(seq, len, &means);
            journey.nxt += len;
        }
        journey.now += DELAY;
        let held = SackBlock { left: number(len).raw(), right: number(journey.nxt).raw() };
        journey.hear(&Ack { ack: 0, blocks: vec![held], echo: None });
        assert_eq!(journey.congestion.ssthresh() < u32::MAX, congestion);
        let again = journey.recovery.next_again(journey.congestion.cwnd(), SMSS);
        assert_eq!(again, Some(Again { seq: number(0), len: SMSS }));
    }
}
