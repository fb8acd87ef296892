//! The retransmission timeout of RFC 6298, in integer microseconds.
//!
//! One [`RttEstimator`] per connection. The connection gives it the round-trip time of segments as they are
//! acknowledged and tells it when the retransmission timer ran out; it answers with [`RttEstimator::rto`].

use std::sync::Arc;

use crate::time::Micros;

/// How often a segment has been put on the wire when something is learned about it.
///
/// An acknowledgement of a segment that was sent more than once does not say which copy it answers (Karn's algorithm,
/// RFC 6298 §3), and a second timeout of one segment is no second sign of congestion (RFC 5681 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transmissions {
    /// Sent once, never retransmitted.
    Once,
    /// Retransmitted at least once.
    Repeated,
}

/// The bounds and the granularity of a retransmission timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RtoConfig {
    /// RTO before any measurement (RFC 6298 §2.1: 1 second).
    pub initial: Micros,
    /// Lower bound of RTO (RFC 6298 §2.4: SHOULD be 1 second; Linux uses 0.2).
    pub min: Micros,
    /// Upper bound of RTO, backed off or not (RFC 6298 §2.5: at least 60 seconds).
    pub max: Micros,
    /// RTO when data begins to flow after a SYN had to be retransmitted (RFC 6298 §5.7: 3 seconds).
    pub after_lost_syn: Micros,
    /// So much is added to every timeout, however often it was doubled: patience with peers that delay their
    /// acknowledgments, as in FreeBSD.
    pub slop: Micros,
    /// The clock granularity G (RFC 6298 §2).
    pub granularity: Micros,
}

impl Default for RtoConfig {
    fn default() -> Self {
        Self {
            initial: Micros::from_secs(1),
            min: Micros::from_secs(1),
            max: Micros::from_secs(60),
            after_lost_syn: Micros::from_secs(3),
            slop: Micros::ZERO,
            granularity: Micros::from_millis(1),
        }
    }
}

/// SRTT, RTTVAR and RTO of one connection (RFC 6298). All are in microseconds, of which 32 bits count 71 minutes: more than
/// any of them is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RttEstimator {
    /// The same for all connections of a stack.
    config: Arc<RtoConfig>,
    measured: Option<Measured>,
    rto: u32,
}

/// The smoothed state; it exists from the first measurement on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Measured {
    srtt: u32,
    rttvar: u32,
}

impl RttEstimator {
    /// An estimator that has measured nothing yet: RTO is `config.initial` (RFC 6298 §2.1).
    #[must_use]
    pub fn new(config: impl Into<Arc<RtoConfig>>) -> Self {
        let config = config.into();
        Self { measured: None, rto: saturated(config.initial), config }
    }

    /// The retransmission timeout to arm the timer with, backed off as often as the timer ran out since the last
    /// measurement.
    #[must_use]
    pub fn rto(&self) -> Micros {
        Micros::new(self.rto.into()) + self.config.slop
    }

    /// The smoothed round-trip time, once there is a measurement.
    #[must_use]
    pub fn srtt(&self) -> Option<Micros> {
        self.measured.map(|m| Micros::new(m.srtt.into()))
    }

    /// The round-trip time variation, once there is a measurement.
    #[must_use]
    pub fn rttvar(&self) -> Option<Micros> {
        self.measured.map(|m| Micros::new(m.rttvar.into()))
    }

    /// A segment was acknowledged `rtt` after it was sent, having been sent `transmissions` times.
    ///
    /// Karn's algorithm (RFC 6298 §3, RFC 9293 MUST-18): a segment sent more than once measures nothing, and the
    /// backed-off RTO stays until one sent once does. Returns whether this was a measurement.
    pub fn on_acked(&mut self, rtt: Micros, transmissions: Transmissions) -> bool {
        match transmissions {
            Transmissions::Repeated => false,
            Transmissions::Once => {
                self.measure(rtt);
                true
            }
        }
    }

    /// The retransmission timer ran out: the RTO is doubled, up to its maximum (RFC 6298 §5.5).
    pub fn on_timeout(&mut self) {
        self.rto = self.bounded(Micros::new(self.rto.into()).saturating_mul(2));
    }

    /// The handshake is complete although a SYN had to be retransmitted: data starts with the conservative RTO (RFC
    /// 6298 §5.7).
    ///
    /// A measurement taken since the retransmission overrides the rule: it can only come from a segment that was sent
    /// once.
    pub fn on_established_after_lost_syn(&mut self) {
        if self.measured.is_none() {
            self.rto = self.bounded(self.config.after_lost_syn);
        }
    }

    /// RFC 6298 §2.2 and §2.3. RTTVAR is updated before SRTT, as the RFC asks.
    fn measure(&mut self, rtt: Micros) {
        // No round trip is longer than the largest timeout; a clock that jumped must not spoil the average for ever.
        let r = saturated(rtt.min(self.config.max));
        let measured = match self.measured {
            None => Measured { srtt: r, rttvar: r / 2 },
            Some(Measured { srtt, rttvar }) => {
                Measured { rttvar: average(3, rttvar, srtt.abs_diff(r)), srtt: average(7, srtt, r) }
            }
        };
        let variation = self.config.granularity.max(Micros::new(4 * u64::from(measured.rttvar)));
        self.measured = Some(measured);
        self.rto = self.bounded(Micros::new(measured.srtt.into()) + variation);
    }

    fn bounded(&self, rto: Micros) -> u32 {
        saturated(rto.max(self.config.min).min(self.config.max))
    }
}

/// What is remembered when `old`, which weighs so much, meets `new`, which weighs one.
fn average(weight: u64, old: u32, new: u32) -> u32 {
    saturated(Micros::new((weight * u64::from(old) + u64::from(new)) / (weight + 1)))
}

fn saturated(time: Micros) -> u32 {
    u32::try_from(time.get()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn millis(n: u64) -> Micros {
        Micros::from_millis(n)
    }

    fn without_minimum() -> RttEstimator {
        RttEstimator::new(RtoConfig { min: Micros::ZERO, ..RtoConfig::default() })
    }

    #[test]
    fn the_slop_is_added_to_every_timeout_and_not_doubled() {
        let mut rtt = RttEstimator::new(RtoConfig { slop: Micros::from_millis(200), ..RtoConfig::default() });
        let mut timeouts = Vec::new();
        for _ in 0..3 {
            timeouts.push(rtt.rto().get() / 1_000);
            rtt.on_timeout();
        }
        assert_eq!(timeouts, [1_200, 2_200, 4_200]);
    }

    #[test]
    fn starts_at_one_second_and_knows_nothing() {
        let rtt = RttEstimator::new(RtoConfig::default());
        assert_eq!((rtt.rto(), rtt.srtt(), rtt.rttvar()), (millis(1000), None, None));
    }

    #[test]
    fn first_measurement_sets_srtt_to_r_and_rttvar_to_half() {
        let mut rtt = without_minimum();
        assert!(rtt.on_acked(millis(100), Transmissions::Once));
        assert_eq!(rtt.srtt(), Some(millis(100)));
        assert_eq!(rtt.rttvar(), Some(millis(50)));
        assert_eq!(rtt.rto(), millis(100 + 4 * 50));
    }

    #[test]
    fn second_measurement_smooths_variation_before_average() {
        let mut rtt = without_minimum();
        rtt.on_acked(millis(100), Transmissions::Once);
        rtt.on_acked(millis(180), Transmissions::Once);
        // RTTVAR = 3/4 * 50 + 1/4 * |100 - 180| with the old SRTT; SRTT = 7/8 * 100 + 1/8 * 180.
        assert_eq!(rtt.rttvar(), Some(Micros::new(57_500)));
        assert_eq!(rtt.srtt(), Some(millis(110)));
        assert_eq!(rtt.rto(), Micros::new(110_000 + 4 * 57_500));
    }

    #[test]
    fn granularity_bounds_the_variation_from_below() {
        let mut rtt = without_minimum();
        for _ in 0..60 {
            rtt.on_acked(millis(40), Transmissions::Once);
        }
        assert_eq!(rtt.rto(), millis(40 + 1));
    }

    #[test]
    fn rto_is_rounded_up_to_the_minimum() {
        let mut rtt = RttEstimator::new(RtoConfig::default());
        rtt.on_acked(millis(3), Transmissions::Once);
        assert_eq!(rtt.rto(), millis(1000));
    }

    #[test]
    fn each_timeout_doubles_up_to_the_maximum() {
        let mut rtt = RttEstimator::new(RtoConfig::default());
        let seconds: Vec<u64> = (0..8)
            .map(|_| {
                rtt.on_timeout();
                rtt.rto().get() / 1_000_000
            })
            .collect();
        assert_eq!(seconds, [2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn karn_backoff_stays_until_a_segment_sent_once_is_acknowledged() {
        let mut rtt = RttEstimator::new(RtoConfig::default());
        rtt.on_acked(millis(400), Transmissions::Once);
        assert_eq!(rtt.rto(), millis(1200));
        rtt.on_timeout();
        rtt.on_timeout();
        assert!(!rtt.on_acked(millis(9_000), Transmissions::Repeated));
        assert_eq!((rtt.rto(), rtt.srtt()), (millis(4800), Some(millis(400))));
        assert!(rtt.on_acked(millis(400), Transmissions::Once));
        assert_eq!(rtt.rto(), millis(1000));
    }

    #[test]
    fn a_lost_syn_makes_data_start_at_three_seconds() {
        let mut rtt = RttEstimator::new(RtoConfig::default());
        rtt.on_timeout();
        rtt.on_established_after_lost_syn();
        assert_eq!(rtt.rto(), millis(3000));

        rtt.on_acked(millis(10), Transmissions::Once);
        rtt.on_established_after_lost_syn();
        assert_eq!(rtt.rto(), millis(1000));
    }

    proptest! {
        #[test]
        fn rto_stays_within_its_bounds_and_above_srtt(
            events in prop::collection::vec((any::<u64>(), any::<bool>(), any::<bool>()), 0..200),
        ) {
            let config = RtoConfig::default();
            let mut rtt = RttEstimator::new(config);
            for (r, once, timeout) in events {
                let transmissions = if once { Transmissions::Once } else { Transmissions::Repeated };
                rtt.on_acked(Micros::new(r), transmissions);
                if timeout {
                    rtt.on_timeout();
                }
                prop_assert!(config.min <= rtt.rto() && rtt.rto() <= config.max);
                prop_assert!(rtt.srtt().is_none_or(|srtt| srtt <= rtt.rto()));
            }
        }
    }
}
