//! RFC 9406, HyStart++: slow start that ends when the queue begins to grow, not when it overflows.
//!
//! A round trip that becomes longer says that a queue builds up. Then the window grows four times slower for a while
//! (Conservative Slow Start, CSS); if the round trip becomes short again, it was noise, else slow start is over.

use super::Acked;
use crate::time::Micros;

/// §4.3: the least and the most by which a round trip must be longer, and which part of it between these.
const MIN_RTT_THRESH: Micros = Micros::from_millis(4);
const MAX_RTT_THRESH: Micros = Micros::from_millis(16);
const MIN_RTT_DIVISOR: u64 = 8;
/// So many measurements in a round make a round trip believable.
const N_RTT_SAMPLE: u8 = 8;
/// How much slower CSS is.
const CSS_GROWTH_DIVISOR: u32 = 4;
/// How many rounds it lasts.
const CSS_ROUNDS: u8 = 5;

/// What slow start is to do about an acknowledgment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    /// Grow by so many octets.
    Grow(u32),
    /// Grow by so many octets, and then it is over.
    GrowAndLeave(u32),
}

/// The initial slow start of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct HyStart {
    /// Octets that must still be acknowledged until the round is over: all that was in flight when it began.
    round_left: u32,
    last_round_min_rtt: Option<Micros>,
    current_round_min_rtt: Option<Micros>,
    rtt_sample_count: u8,
    css: Option<Css>,
}

/// Conservative Slow Start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Css {
    baseline_min_rtt: Micros,
    /// Rounds it may still last.
    rounds_left: u8,
}

impl HyStart {
    /// §4.2. `growth` is what plain slow start would do.
    pub fn on_ack(&mut self, ack: &Acked, growth: u32) -> Advice {
        let over = self.count_rounds(ack);
        if let Some(rtt) = ack.rtt {
            self.measure(rtt);
        }
        match self.css {
            None => Advice::Grow(growth),
            Some(_) if over => Advice::GrowAndLeave(growth / CSS_GROWTH_DIVISOR),
            Some(_) => Advice::Grow(growth / CSS_GROWTH_DIVISOR),
        }
    }

    /// A round ends when all is acknowledged that was in flight at its beginning. Returns whether CSS has lasted long enough.
    fn count_rounds(&mut self, ack: &Acked) -> bool {
        let in_round = self.round_left > ack.octets;
        self.round_left = self.round_left.saturating_sub(ack.octets);
        if in_round {
            return false;
        }
        self.round_left = ack.in_flight.saturating_sub(ack.octets);
        self.last_round_min_rtt = self.current_round_min_rtt.take();
        self.rtt_sample_count = 0;
        match &mut self.css {
            None => false,
            Some(css) => {
                css.rounds_left = css.rounds_left.saturating_sub(1);
                css.rounds_left == 0
            }
        }
    }

    fn measure(&mut self, rtt: Micros) {
        let current = self.current_round_min_rtt.map_or(rtt, |least| least.min(rtt));
        self.current_round_min_rtt = Some(current);
        self.rtt_sample_count = self.rtt_sample_count.saturating_add(1);
        if self.rtt_sample_count < N_RTT_SAMPLE {
            return;
        }
        self.css = match (self.css, self.last_round_min_rtt) {
            // The queue has gone: it was noise.
            (Some(css), _) if current < css.baseline_min_rtt => None,
            (None, Some(last)) if current >= last + threshold(last) => {
                Some(Css { baseline_min_rtt: current, rounds_left: CSS_ROUNDS })
            }
            (css, _) => css,
        };
    }
}

fn threshold(last: Micros) -> Micros {
    Micros::new(last.get() / MIN_RTT_DIVISOR).clamp(MIN_RTT_THRESH, MAX_RTT_THRESH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;

    const SMSS: u32 = 1000;

    /// Acknowledges `rounds` windows of 20 segments each after `rtt` milliseconds; returns what slow start made of it.
    fn rounds(hystart: &mut HyStart, rounds: u32, rtt: u64) -> (u32, bool) {
        let (mut grown, mut left) = (0, false);
        for _ in 0..rounds * 20 {
            let ack = Acked {
                now: Instant::ZERO,
                octets: SMSS,
                rtt: Some(Micros::from_millis(rtt)),
                srtt: None,
                in_flight: 21 * SMSS,
                app_limited: false,
            };
            match hystart.on_ack(&ack, SMSS) {
                Advice::Grow(octets) => grown += octets,
                Advice::GrowAndLeave(octets) => (grown, left) = (grown + octets, true),
            }
        }
        (grown, left)
    }

    #[test]
    fn constant_round_trips_change_nothing() {
        let mut hystart = HyStart::default();
        assert_eq!(rounds(&mut hystart, 10, 100), (200 * SMSS, false));
    }

    #[test]
    fn a_longer_round_trip_slows_down_and_ends_slow_start_after_five_rounds() {
        let mut hystart = HyStart::default();
        rounds(&mut hystart, 2, 100);
        // 100 ms / 8 are 12.5 ms. A round trip is believed with its eighth measurement, which slows down already.
        let (grown, left) = rounds(&mut hystart, 1, 113);
        assert!(!left);
        assert!((10 * SMSS..15 * SMSS).contains(&grown), "{grown}");
        let (grown, left) = rounds(&mut hystart, 3, 113);
        assert_eq!((grown, left), (60 * SMSS / 4, false));
        assert!(!rounds(&mut hystart, 1, 113).1);
        assert!(rounds(&mut hystart, 1, 113).1);
    }

    #[test]
    fn a_little_longer_is_noise() {
        let mut hystart = HyStart::default();
        rounds(&mut hystart, 2, 100);
        assert_eq!(rounds(&mut hystart, 10, 112), (200 * SMSS, false));
    }

    #[test]
    fn four_milliseconds_are_noise_however_short_the_round_trip_is() {
        let mut hystart = HyStart::default();
        rounds(&mut hystart, 2, 1);
        assert_eq!(rounds(&mut hystart, 10, 4), (200 * SMSS, false));
    }

    #[test]
    fn a_round_trip_that_becomes_short_again_resumes_slow_start() {
        let mut hystart = HyStart::default();
        rounds(&mut hystart, 2, 100);
        rounds(&mut hystart, 2, 130);
        assert!(hystart.css.is_some());
        rounds(&mut hystart, 2, 100);
        assert_eq!(hystart.css, None);
        assert_eq!(rounds(&mut hystart, 8, 100), (160 * SMSS, false));
    }
}
