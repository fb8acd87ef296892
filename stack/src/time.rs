//! Time as the stack knows it: a moment and a span, in microseconds, always passed in.
//!
//! The core reads no clock. A driver maps its monotonic clock to [`Instant`]; a simulation simply counts. Arithmetic
//! saturates: an overflow would need half a million years of uptime, and a deadline that far away may as well be never.

use std::fmt;
use std::num::NonZeroU64;
use std::ops::{Add, AddAssign};
use std::time::Duration;

/// A moment, in microseconds since an epoch that the host of the stack chooses (its start, usually).
///
/// Only differences mean something. The 4 microsecond clock of RFC 9293 §3.4.1 is derived from it, so it must never run
/// backwards.
///
/// Inside it is one more, so that an `Option` of it takes no more room; the last two microseconds there could be are one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(NonZeroU64);

impl Instant {
    /// The epoch.
    pub const ZERO: Self = Self(NonZeroU64::MIN);

    /// The last moment there is: a deadline that never comes.
    pub const MAX: Self = Self(NonZeroU64::MAX);

    /// The moment `micros` microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(micros))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0.get() - 1
    }

    /// How long after `earlier` this moment is; zero if it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Micros {
        Micros(self.as_micros().saturating_sub(earlier.as_micros()))
    }
}

impl Add<Micros> for Instant {
    type Output = Self;

    fn add(self, span: Micros) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Micros> for Instant {
    fn add_assign(&mut self, span: Micros) {
        *self = *self + span;
    }
}

impl Default for Instant {
    fn default() -> Self {
        Self::ZERO
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Instant").field(&self.as_micros()).finish()
    }
}

impl fmt::Display for Instant {
    /// Seconds with six decimals, as `tcpdump` prints them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.as_micros() / 1_000_000, self.as_micros() % 1_000_000)
    }
}

/// A span of time in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(u64);

impl Micros {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of `micros` microseconds.
    #[must_use]
    pub const fn new(micros: u64) -> Self {
        Self(micros)
    }

    /// A span of `millis` milliseconds, saturating.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// A span of `secs` seconds, saturating.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// The number of microseconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// `times` times this span, saturating.
    #[must_use]
    pub const fn saturating_mul(self, times: u64) -> Self {
        Self(self.0.saturating_mul(times))
    }
}

impl Add for Micros {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl From<Micros> for Duration {
    fn from(span: Micros) -> Self {
        Self::from_micros(span.0)
    }
}

impl From<Duration> for Micros {
    /// Whole microseconds, saturating.
    fn from(span: Duration) -> Self {
        Self(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Micros {
    /// Seconds with six decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_moments_saturate_instead_of_wrapping() {
        let late = Instant::MAX + Micros::from_secs(1);
        assert_eq!(late, Instant::MAX);
        assert_eq!(Instant::ZERO.since(late), Micros::ZERO);
        assert_eq!(Micros::from_secs(u64::MAX), Micros::new(u64::MAX));
        assert_eq!(Micros::from(Duration::MAX), Micros::new(u64::MAX));
    }

    #[test]
    fn prints_seconds_as_tcpdump_does() {
        let moment = Instant::ZERO + Micros::from_millis(1_500) + Micros::new(7);
        assert_eq!(moment.to_string(), "1.500007");
        assert_eq!(moment.since(Instant::from_micros(7)).to_string(), "1.500000");
        assert_eq!(Duration::from(Micros::from_millis(2)), Duration::from_millis(2));
    }
}
