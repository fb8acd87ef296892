//! When the events of a script are due. The written times of a script mean distances: on a real system each counts
//! from when the event before it really happened, so that delays do not add up.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::script::{Base, When};
use crate::system::Timing;

/// How long an event that may happen at any time is waited for.
const ANY: Duration = Duration::from_secs(60);

/// The progress of time in a script, and really.
pub(super) struct Clock {
    timing: Timing,
    tolerance: Duration,
    /// When the last event happened, as written.
    written: Duration,
    /// When it happened really.
    happened: Duration,
}

impl Clock {
    pub(super) fn new(timing: Timing, tolerance: Duration, now: Duration) -> Self {
        Self { timing, tolerance, written: Duration::ZERO, happened: now }
    }

    /// When the last event happened.
    pub(super) fn happened(&self) -> Duration {
        self.happened
    }

    /// When an event of our own is due. Goes on to it.
    pub(super) fn advance(&mut self, when: When) -> Duration {
        let (from, _) = self.distances(when);
        let due = self.happened + from;
        self.written += from;
        self.happened = due;
        due
    }

    /// When an event of the system that is written at `when` may be seen: never earlier than the tolerance allows,
    /// later by what the system is owed besides.
    pub(super) fn window(&self, when: When) -> RangeInclusive<Duration> {
        let (from, until) = self.distances(when);
        let earliest = (self.happened + from).saturating_sub(self.tolerance);
        earliest..=self.happened + *self.timing.window(until).end() + self.tolerance
    }

    /// When a call made at `when` may be seen to return: as late as an event of the system, and if it is to block not
    /// before that.
    pub(super) fn returns(&self, when: When) -> RangeInclusive<Duration> {
        let window = self.window(when);
        match when {
            When::Blocking { .. } => {
                let (_, until) = self.distances(when);
                (self.happened + until).saturating_sub(self.tolerance)..=*window.end()
            }
            When::Any | When::At { .. } | When::Between { .. } => window,
        }
    }

    /// An event of our own happened a little after it was due.
    pub(super) fn set(&mut self, happened: Duration) {
        self.happened = self.happened.max(happened);
    }

    /// An event of the system that is written at `when` happened, perhaps even before the one that it follows. Goes
    /// on to it.
    pub(super) fn saw(&mut self, when: When, happened: Duration) {
        let (from, _) = self.distances(when);
        self.written += from;
        self.set(happened);
    }

    /// What is written, as distances from the event before.
    fn distances(&self, when: When) -> (Duration, Duration) {
        let distance = |base, time: Duration| match base {
            Base::Start => time.saturating_sub(self.written),
            Base::Previous => time,
        };
        match when {
            When::Any => (Duration::ZERO, ANY),
            When::At { base, time } => (distance(base, time), distance(base, time)),
            When::Between { base, from, until } | When::Blocking { base, from, until } => {
                (distance(base, from), distance(base, until))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn at(base: Base, time: u64) -> When {
        When::At { base, time: MS(time) }
    }

    #[test]
    fn delays_do_not_add_up() {
        let mut clock = Clock::new(Timing::EXACT, MS(4), MS(1_000));
        assert_eq!(clock.advance(at(Base::Previous, 100)), MS(1_100));
        clock.set(MS(1_130));
        assert_eq!(clock.advance(at(Base::Start, 300)), MS(1_330));
        assert_eq!(clock.advance(at(Base::Start, 200)), MS(1_330), "no event lies in the past");
    }

    #[test]
    fn a_window_is_strict_below_and_generous_above() {
        let timing = Timing { slack: MS(100), ..Timing::EXACT };
        let clock = Clock::new(timing, MS(4), MS(1_000));
        assert_eq!(clock.window(at(Base::Previous, 50)), MS(1_046)..=MS(1_154));
        let range = When::Between { base: Base::Previous, from: MS(0), until: MS(500) };
        assert_eq!(clock.window(range), MS(996)..=MS(1_604));
        assert_eq!(clock.returns(range), MS(996)..=MS(1_604));
        let blocking = When::Blocking { base: Base::Previous, from: MS(0), until: MS(500) };
        assert_eq!(clock.returns(blocking), MS(1_496)..=MS(1_604));
    }

    #[test]
    fn what_came_early_moves_no_clock_back() {
        let mut clock = Clock::new(Timing::EXACT, MS(4), MS(10));
        clock.saw(at(Base::Previous, 0), MS(9));
        assert_eq!(clock.happened(), MS(10));
    }
}
