//! Timestamps (RFC 7323 §3): the clocks of the system and of the script that was written for another one.
//!
//! What a script says of the system's clock is not what it will show. Where the script has the peer echo it, the value
//! that it wrote when it expected it stands for the one that was really seen. Where the script says how long a tick is,
//! the clock has to go as it is written, whatever it began with; else it is not compared.

use std::collections::BTreeMap;
use std::time::Duration;

/// The clock of the system, as written and really.
#[derive(Clone, Debug, Default)]
pub(super) struct Timestamps {
    /// How many ticks the clock may be wrong, if it is compared.
    tolerance: Option<u32>,
    /// The first value that the script expected, and the one that was seen.
    first: Option<(u32, u32)>,
    /// What was last seen where the script expected this value.
    seen: BTreeMap<u32, u32>,
}

impl Timestamps {
    /// Before anything was seen of a clock with this tick, if the script names it.
    pub(super) fn new(tick: Option<Duration>, tolerance: Duration) -> Self {
        let ticks = |tick: Duration| u32::try_from(tolerance.as_nanos().div_ceil(tick.as_nanos())).unwrap_or(u32::MAX);
        let tolerance = tick.filter(|tick| !tick.is_zero()).map(|tick| ticks(tick).max(1));
        Self { tolerance, ..Self::default() }
    }

    /// Another connection begins; its clock may begin with anything.
    pub(super) fn begin(&mut self) {
        self.first = None;
        self.seen.clear();
    }

    /// A value was seen where the script expected another.
    pub(super) fn heard(&mut self, expected: u32, seen: u32) {
        self.first.get_or_insert((expected, seen));
        self.seen.insert(expected, seen);
    }

    /// The value that the system should be told where the script echoes this one.
    pub(super) fn echo(&self, written: u32) -> u32 {
        self.seen.get(&written).copied().unwrap_or(written)
    }

    /// How the script would write a value: as it expects it, if that is close enough.
    pub(super) fn as_written(&self, expected: u32, seen: u32) -> u32 {
        let (Some(tolerance), Some((first, first_seen))) = (self.tolerance, self.first) else { return expected };
        let written = first.wrapping_add(seen.wrapping_sub(first_seen));
        let distance = written.wrapping_sub(expected).min(expected.wrapping_sub(written));
        if distance <= tolerance { expected } else { written }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Option<Duration> = Some(Duration::from_millis(1));

    #[test]
    fn an_echo_is_of_what_was_seen() {
        let mut clock = Timestamps::new(None, Duration::ZERO);
        assert_eq!(clock.echo(100), 100, "nothing was seen yet");
        clock.heard(100, 7_000);
        clock.heard(110, 7_013);
        assert_eq!((clock.echo(100), clock.echo(110), clock.echo(5)), (7_000, 7_013, 5));
        clock.begin();
        assert_eq!(clock.echo(100), 100);
    }

    #[test]
    fn a_clock_is_compared_where_its_tick_is_known() {
        let mut clock = Timestamps::new(TICK, Duration::from_millis(4));
        assert_eq!(clock.as_written(100, 5), 100, "it may begin with anything");
        clock.heard(100, u32::MAX);
        assert_eq!(clock.as_written(110, 13), 110, "four ticks late");
        assert_eq!(clock.as_written(110, 5), 110, "four ticks early");
        assert_eq!(clock.as_written(110, 14), 115, "five ticks late");
        assert_eq!(Timestamps::new(None, Duration::ZERO).as_written(110, 14), 110);
    }
}
