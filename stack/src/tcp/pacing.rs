//! Pacing: the segments of a window leave one after the other over a round trip, not all at once (RFC 9406 §4.3 and RFC 9002 §7.7
//! recommend it; no RFC says how).
//!
//! The rate is a little more than the window per round trip, so that the window, not the pace, is what limits: twice as
//! much in slow start, where the window doubles, 1.2 times otherwise. Some segments may leave together after a silence, so that
//! few timers are needed. Off unless asked for.

use crate::time::{Instant, Micros};

/// Whether and how segments are paced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PacingConfig {
    /// Segments wait for each other.
    pub on: bool,
    /// So many segments may leave at once after a silence, at least one.
    pub burst: u8,
}

impl Default for PacingConfig {
    fn default() -> Self {
        Self { on: false, burst: 10 }
    }
}

/// How fast a connection sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    pub cwnd: u32,
    pub in_slow_start: bool,
    /// Without a measured round trip there is no pace.
    pub srtt: Option<Micros>,
    pub smss: u32,
}

impl Pace {
    /// How long `octets` take, rounded down to a microsecond.
    fn time_for(self, octets: u32) -> Micros {
        let srtt = self.srtt.unwrap_or_default();
        // The inverse of 2, and that of 1.2.
        let (parts, of) = if self.in_slow_start { (1, 2) } else { (5, 6) };
        let time = u128::from(srtt.get()) * u128::from(octets) * parts / (u128::from(self.cwnd.max(1)) * of);
        Micros::new(u64::try_from(time).unwrap_or(u64::MAX))
    }
}

/// The pace of one connection, if it has one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Pacer(Option<Box<Schedule>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Schedule {
    burst: u8,
    /// When all that has left would have left, had each segment waited its time.
    level: Instant,
    /// The next segment may leave then: sooner than that by a burst.
    ready_at: Instant,
    /// A segment waits for that.
    waits: bool,
}

impl Pacer {
    pub fn new(config: PacingConfig) -> Self {
        Self(config.on.then(|| Box::new(Schedule { burst: config.burst.max(1), ..Schedule::default() })))
    }

    /// Whether the next segment may leave now. If not, it waits for [`deadline`](Self::deadline).
    pub fn may_send(&mut self, now: Instant) -> bool {
        self.0.as_mut().is_none_or(|schedule| {
            schedule.waits = now < schedule.ready_at;
            !schedule.waits
        })
    }

    /// When the segment that waits may leave.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.as_ref().filter(|schedule| schedule.waits).map(|schedule| schedule.ready_at)
    }

    /// Time has come so far: nothing waits that may leave.
    pub fn expire(&mut self, now: Instant) {
        if let Some(schedule) = &mut self.0 {
            schedule.waits &= now < schedule.ready_at;
        }
    }

    /// So much has left.
    pub fn sent(&mut self, now: Instant, octets: u32, pace: Pace) {
        if let Some(schedule) = &mut self.0 {
            let ahead = schedule.level.since(now) + pace.time_for(octets);
            let burst = pace.time_for(pace.smss.saturating_mul(u32::from(schedule.burst) - 1));
            schedule.level = now + ahead;
            schedule.ready_at = now + Micros::new(ahead.get().saturating_sub(burst.get()));
        }
    }

    /// The same with its times relative to `now`.
    pub fn project(&self, now: Instant) -> Self {
        let ahead = |at: Instant| Instant::ZERO + at.since(now);
        Self(self.0.as_ref().map(|schedule| {
            let Schedule { burst, level, ready_at, waits } = **schedule;
            Box::new(Schedule { burst, level: ahead(level), ready_at: ahead(ready_at), waits })
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMSS: u32 = 1000;

    fn pace(cwnd: u32, in_slow_start: bool) -> Pace {
        Pace { cwnd, in_slow_start, srtt: Some(Micros::from_millis(100)), smss: SMSS }
    }

    /// Sends whatever may leave, segment by segment, for so long; returns when each left.
    fn departures(pacer: &mut Pacer, from: Instant, lasts: Micros, pace: Pace) -> Vec<Instant> {
        let mut now = from;
        let mut departures = Vec::new();
        while now < from + lasts {
            pacer.expire(now);
            if pacer.may_send(now) {
                pacer.sent(now, SMSS, pace);
                departures.push(now);
            } else {
                now = pacer.deadline().unwrap();
            }
        }
        departures
    }

    fn pacer(burst: u8) -> Pacer {
        Pacer::new(PacingConfig { on: true, burst })
    }

    #[test]
    fn off_nothing_ever_waits() {
        let mut pacer = Pacer::new(PacingConfig::default());
        for _ in 0..1000 {
            assert!(pacer.may_send(Instant::ZERO));
            pacer.sent(Instant::ZERO, SMSS, pace(SMSS, false));
        }
        assert_eq!(pacer.deadline(), None);
    }

    #[test]
    fn in_a_round_trip_twice_the_window_leaves_in_slow_start_and_six_fifths_of_it_otherwise() {
        for (in_slow_start, expected) in [(true, 200), (false, 120)] {
            let pace = pace(100 * SMSS, in_slow_start);
            let departed = departures(&mut pacer(1), Instant::ZERO, Micros::from_millis(100), pace).len();
            assert!((expected..=expected + 1).contains(&departed), "{departed}");
        }
    }

    #[test]
    fn after_a_silence_a_burst_leaves_and_then_one_after_the_other() {
        let mut pacer = pacer(4);
        let pace = pace(50 * SMSS, true);
        for begin in [0, 1_000_000] {
            let begin = Instant::from_micros(begin);
            let departed = departures(&mut pacer, begin, Micros::from_millis(10), pace);
            let after: Vec<u64> = departed.iter().take(8).map(|at| at.since(begin).get()).collect();
            assert_eq!(after, [0, 0, 0, 0, 1000, 2000, 3000, 4000]);
        }
    }

    #[test]
    fn without_a_measured_round_trip_nothing_waits() {
        let mut pacer = pacer(1);
        pacer.sent(Instant::ZERO, SMSS, Pace { srtt: None, ..pace(SMSS, true) });
        assert!(pacer.may_send(Instant::ZERO));
    }

    #[test]
    fn only_what_waits_has_a_deadline() {
        let mut pacer = pacer(1);
        pacer.sent(Instant::ZERO, SMSS, pace(10 * SMSS, true));
        assert_eq!(pacer.deadline(), None);
        assert!(!pacer.may_send(Instant::ZERO));
        let due = Instant::ZERO + Micros::from_millis(5);
        assert_eq!(pacer.deadline(), Some(due));
        pacer.expire(due);
        assert_eq!(pacer.deadline(), None);
        assert!(pacer.may_send(due));
    }

    proptest! {
        /// In no interval does more leave than a burst and what the rate allows, whatever the user does.
        #[test]
        fn bursts_are_bounded(
            silences in prop::collection::vec(0_u64..300_000, 1..20),
            burst in 1_u8..20,
            segments in 1_u32..500,
            in_slow_start: bool,
        ) {
            let mut pacer = pacer(burst);
            let pace = pace(segments * SMSS, in_slow_start);
            let (mut now, mut departed) = (Instant::ZERO, Vec::new());
            for silence in silences {
                now += Micros::new(silence);
                departed.extend(departures(&mut pacer, now, Micros::from_millis(20), pace));
                now = now.max(*departed.last().unwrap());
            }
            let each = pace.time_for(SMSS).get();
            for (n, from) in departed.iter().enumerate() {
                for (m, to) in departed.iter().enumerate().skip(n) {
                    // Times are rounded down to a microsecond.
                    let allowed = u64::from(burst) * (each + 1) + to.since(*from).get();
                    prop_assert!(u64::try_from(m - n + 1).unwrap() * each <= allowed);
                }
            }
        }

        #[test]
        fn nothing_overflows(now: u64, octets: u32, cwnd: u32, srtt: u64, smss: u32, burst: u8, in_slow_start: bool) {
            let mut pacer = pacer(burst);
            let pace = Pace { cwnd, in_slow_start, srtt: Some(Micros::new(srtt)), smss };
            for _ in 0..3 {
                pacer.sent(Instant::from_micros(now), octets, pace);
                pacer.may_send(Instant::from_micros(now));
            }
        }
    }
}
