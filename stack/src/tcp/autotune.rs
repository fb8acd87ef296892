//! How large a receive buffer a connection needs: dynamic right-sizing, as in "Dynamic Right-Sizing in TCP" (Fisk and Feng,
//! 2001) and in Linux.
//!
//! A window of twice what the user takes in a round trip holds nobody back: one half is on its way while the other is
//! being taken, and a sender in slow start doubles. So the buffer follows the user, who must really read what it is
//! grown for, up to a bound; a peer alone cannot make it grow.

use crate::time::{Instant, Micros};

/// Whoever takes less in a round trip needs no larger buffer than everybody has.
const MANY: u128 = 16_384;

/// What the user has taken since a round trip began; nothing, and no memory, before he takes any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Autotune {
    round_trip: Option<Box<RoundTrip>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct RoundTrip {
    since: Instant,
    octets: u64,
}

impl Autotune {
    /// The user has taken so many octets. Returns the capacity that his pace asks for, once a round trip of `rtt` is over.
    pub fn taken(&mut self, now: Instant, octets: usize, rtt: Micros) -> Option<usize> {
        let Some(round_trip) = self.round_trip.as_deref_mut() else {
            self.round_trip = Some(Box::new(RoundTrip { since: now, octets: 0 }));
            return None;
        };
        round_trip.octets = round_trip.octets.saturating_add(u64::try_from(octets).unwrap_or(u64::MAX));
        let elapsed = now.since(round_trip.since);
        if elapsed < rtt || elapsed == Micros::ZERO {
            return None;
        }
        let taken = u128::from(round_trip.octets) * u128::from(rtt.get()) / u128::from(elapsed.get());
        *round_trip = RoundTrip { since: now, octets: 0 };
        // Who takes little needs no measuring until he takes text again.
        self.round_trip.take_if(|_| taken < MANY);
        Some(usize::try_from(2 * taken).unwrap_or(usize::MAX))
    }

    /// The same with times relative to `now`.
    pub fn project(&self, now: Instant) -> Self {
        let relative = |trip: &RoundTrip| Box::new(RoundTrip { since: Instant::ZERO + now.since(trip.since), ..*trip });
        Self { round_trip: self.round_trip.as_deref().map(relative) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Micros = Micros::from_millis(100);

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Micros::from_secs(10) + Micros::from_millis(millis)
    }

    #[test]
    fn twice_what_is_taken_in_a_round_trip() {
        let mut tune = Autotune::default();
        tune.taken(at(0), 0, RTT);
        assert_eq!(tune.taken(at(50), 30_000, RTT), None);
        assert_eq!(tune.taken(at(100), 20_000, RTT), Some(100_000));
        assert_eq!(tune.taken(at(200), 20_000, RTT), Some(40_000));
    }

    #[test]
    fn who_reads_seldom_is_measured_by_his_pace_and_who_reads_little_is_forgotten() {
        let mut tune = Autotune::default();
        tune.taken(at(0), 0, RTT);
        assert_eq!(tune.taken(at(1_000), 500_000, RTT), Some(100_000));
        assert_eq!(tune.taken(at(1_100), 500, RTT), Some(1_000));
        assert_eq!(tune, Autotune::default());
        assert_eq!(Autotune::default().taken(Instant::ZERO, 1 << 30, Micros::ZERO), None);
    }

    #[test]
    fn a_sender_in_slow_start_is_never_held_back() {
        let (mut tune, mut capacity, mut window) = (Autotune::default(), 131_072, 20_000);
        tune.taken(at(0), 0, RTT);
        for round_trip in 1..=10 {
            assert!(window <= capacity, "{window} octets in a buffer of {capacity}");
            let asked = tune.taken(at(100 * round_trip), window, RTT).unwrap();
            capacity = capacity.max(asked);
            window *= 2;
        }
    }
}
