//! When the events of a script are due. The written times of a script mean distances: on a real system each counts
//! from when the event before it really happened, so that delays do not add up.

use std::time::Duration;

use crate::script::{Base, Event, Percent, When};
use crate::system::Timing;

/// The progress of time in a script, and really.
#[derive(Clone)]
pub(super) struct Clock {
    bounds: Bounds,
    /// When the last event happened, as written.
    written: Duration,
    /// When it happened really.
    happened: Duration,
}

impl Clock {
    pub(super) fn new(bounds: Bounds, now: Duration) -> Self {
        Self { bounds, written: Duration::ZERO, happened: now }
    }

    /// How long these events take from now on, if everything happens when it is written, and no earlier than it may.
    pub(super) fn length(&self, events: &[Event]) -> Duration {
        let mut clock = self.clone();
        let mut end = self.happened;
        for event in events {
            if event.when != When::Any {
                let (_, until) = clock.distances(event.when);
                end = end.max(clock.happened + until);
            }
            clock.advance(event.when);
        }
        end - self.happened
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
    pub(super) fn window(&self, when: When) -> Window {
        let (from, until) = self.distances(when);
        let tolerance = self.bounds.tolerance(until);
        let in_time = self.happened + *self.bounds.timing.window(until).end() + tolerance;
        Window {
            earliest: (self.happened + from).saturating_sub(self.bounds.tolerance(from)),
            in_time,
            latest: in_time.max(self.happened + until + self.bounds.lateness.after(until) + tolerance),
        }
    }

    /// When a call made at `when` may be seen to return: as late as an event of the system, and if it is to block not
    /// before that.
    pub(super) fn returns(&self, when: When) -> Window {
        let window = self.window(when);
        match when {
            When::Blocking { .. } => {
                let (_, until) = self.distances(when);
                let tolerance = self.bounds.tolerance(until);
                Window { earliest: (self.happened + until).saturating_sub(tolerance), ..window }
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
            When::Any => (Duration::ZERO, self.bounds.any),
            When::At { base, time } => (distance(base, time), distance(base, time)),
            When::Between { base, from, until } | When::Blocking { base, from, until } => {
                (distance(base, from), distance(base, until))
            }
        }
    }
}

/// How far from what is written things may happen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// What the system is owed.
    pub(super) timing: Timing,
    /// What the script allows.
    pub(super) tolerance: Duration,
    /// What it allows as a part of the time waited, if that is more.
    pub(super) tolerance_percent: Percent,
    /// What the rules let pass.
    pub(super) lateness: Lateness,
    /// How long an event that may happen at any time is waited for.
    pub(super) any: Duration,
}

impl Bounds {
    fn tolerance(&self, distance: Duration) -> Duration {
        self.tolerance.max(self.tolerance_percent.of(distance))
    }
}

/// How much later than written things may happen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lateness {
    /// In percent of the time that is written.
    pub(super) percent: u32,
    /// And this besides.
    pub(super) besides: Duration,
}

impl Lateness {
    fn after(self, expected: Duration) -> Duration {
        expected.saturating_mul(self.percent) / 100 + self.besides
    }
}

/// When something may be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Not before.
    pub(super) earliest: Duration,
    /// What is later than this is late.
    pub(super) in_time: Duration,
    /// What is late, but not later than this, the rules let pass.
    pub(super) latest: Duration,
}

impl Window {
    /// Whether something may happen at this time.
    pub(super) fn contains(&self, at: Duration) -> bool {
        (self.earliest..=self.latest).contains(&at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn at(base: Base, time: u64) -> When {
        When::At { base, time: MS(time) }
    }

    fn clock(timing: Timing, lateness: Lateness, now: u64) -> Clock {
        Clock::new(
            Bounds { timing, tolerance: MS(4), tolerance_percent: Percent(0), lateness, any: MS(60_000) },
            MS(now),
        )
    }

    fn window(earliest: u64, in_time: u64, latest: u64) -> Window {
        Window { earliest: MS(earliest), in_time: MS(in_time), latest: MS(latest) }
    }

    #[test]
    fn delays_do_not_add_up() {
        let mut clock = clock(Timing::EXACT, Lateness::default(), 1_000);
        assert_eq!(clock.advance(at(Base::Previous, 100)), MS(1_100));
        clock.set(MS(1_130));
        assert_eq!(clock.advance(at(Base::Start, 300)), MS(1_330));
        assert_eq!(clock.advance(at(Base::Start, 200)), MS(1_330), "no event lies in the past");
    }

    #[test]
    fn a_window_is_strict_below_and_generous_above() {
        let timing = Timing { slack: MS(100), ..Timing::EXACT };
        let clock = clock(timing, Lateness::default(), 1_000);
        assert_eq!(clock.window(at(Base::Previous, 50)), window(1_046, 1_154, 1_154));
        let range = When::Between { base: Base::Previous, from: MS(0), until: MS(500) };
        assert_eq!(clock.window(range), window(996, 1_604, 1_604));
        assert_eq!(clock.returns(range), window(996, 1_604, 1_604));
        let blocking = When::Blocking { base: Base::Previous, from: MS(0), until: MS(500) };
        assert_eq!(clock.returns(blocking), window(1_496, 1_604, 1_604));
    }

    /// One percent of half a second is more than four milliseconds.
    #[test]
    fn a_tolerance_grows_with_the_time_that_is_waited() {
        let mut clock = clock(Timing::EXACT, Lateness::default(), 0);
        clock.bounds.tolerance_percent = Percent(1_000);
        assert_eq!(clock.window(at(Base::Previous, 300)), window(296, 304, 304));
        assert_eq!(clock.window(at(Base::Previous, 1_000)), window(990, 1_010, 1_010));
    }

    #[test]
    fn what_the_rules_let_pass_is_late_and_no_earlier() {
        let lateness = Lateness { percent: 10, besides: MS(50) };
        let exact = clock(Timing::EXACT, lateness, 1_000);
        assert_eq!(exact.window(at(Base::Previous, 1_000)), window(1_996, 2_004, 2_154));
        // What the system is owed anyhow is not given twice.
        let slow = clock(Timing { slack: MS(200), ..Timing::EXACT }, lateness, 1_000);
        assert_eq!(slow.window(at(Base::Previous, 1_000)), window(1_996, 2_204, 2_204));
    }

    #[test]
    fn what_came_early_moves_no_clock_back() {
        let mut clock = clock(Timing::EXACT, Lateness::default(), 10);
        clock.saw(at(Base::Previous, 0), MS(9));
        assert_eq!(clock.happened(), MS(10));
    }
}
