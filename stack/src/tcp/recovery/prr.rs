//! Proportional rate reduction (RFC 6937): during recovery the window goes down to `ssthresh` in step with what arrives, and
//! neither stops sending for half a round trip nor sends a burst.

/// The account of one recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Prr {
    /// RecoverFS: FlightSize when recovery began, at least one.
    began_with: u32,
    /// prr_delivered
    delivered: u32,
    /// prr_out
    out: u32,
}

impl Prr {
    /// Recovery begins with so many octets in flight.
    pub fn new(flight_size: u32) -> Self {
        Self { began_with: flight_size.max(1), delivered: 0, out: 0 }
    }

    /// Octets in flight when recovery began.
    pub fn began_with(&self) -> u32 {
        self.began_with
    }

    /// So many octets have left, new or again.
    pub fn sent(&mut self, octets: u32) {
        self.out = self.out.saturating_add(octets);
    }

    /// An acknowledgment has told of the arrival of `delivered` octets, and `in_flight` (RFC 6675's pipe) are still out:
    /// the congestion window now. `safe`: it has moved SND.UNA and told of no new loss; only then may the window grow
    /// faster than one octet for each that arrived (PRR-SSRB instead of PRR-CRB).
    pub fn window(&mut self, in_flight: u32, delivered: u32, ssthresh: u32, smss: u32, safe: bool) -> u32 {
        self.delivered = self.delivered.saturating_add(delivered);
        let more = if in_flight > ssthresh {
            let share = u64::from(self.delivered) * u64::from(ssthresh);
            let proportional = u32::try_from(share.div_ceil(self.began_with.into())).unwrap_or(u32::MAX);
            proportional.saturating_sub(self.out)
        } else {
            let conserving = self.delivered.saturating_sub(self.out).max(delivered);
            let bound = if safe { conserving.saturating_add(smss) } else { conserving };
            bound.min(ssthresh - in_flight)
        };
        // The first retransmission of a recovery leaves in any case.
        let more = if self.out == 0 { more.max(smss) } else { more };
        in_flight.saturating_add(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SMSS: u32 = 1000;

    #[test]
    fn one_loss_in_twenty_halves_the_window_within_one_round_trip() {
        let (ssthresh, mut pipe) = (10 * SMSS, 19 * SMSS);
        let mut prr = Prr::new(20 * SMSS);
        let mut sent = 0;
        for _ in 0..19 {
            pipe -= SMSS;
            let cwnd = prr.window(pipe, SMSS, ssthresh, SMSS, false);
            while pipe + SMSS <= cwnd {
                pipe += SMSS;
                sent += SMSS;
                prr.sent(SMSS);
            }
        }
        assert_eq!(sent, 10 * SMSS);
        assert_eq!(pipe, 10 * SMSS);
    }

    #[test]
    fn after_heavy_losses_it_conserves_and_only_good_news_let_it_grow() {
        let mut prr = Prr::new(20 * SMSS);
        prr.sent(SMSS);
        assert_eq!(prr.window(4 * SMSS, SMSS, 10 * SMSS, SMSS, false), 5 * SMSS);
        prr.sent(SMSS);
        assert_eq!(prr.window(4 * SMSS, SMSS, 10 * SMSS, SMSS, true), 6 * SMSS);
    }

    proptest! {
        /// What leaves never exceeds what arrived by more than a segment for each acknowledgment.
        #[test]
        fn never_more_than_arrived(
            flight in 1_u32..1_000_000,
            acks in prop::collection::vec((0_u32..3000, any::<bool>()), 1..60),
        ) {
            let ssthresh = (flight / 2).max(2 * SMSS);
            let mut prr = Prr::new(flight);
            let (mut pipe, mut allowed) = (flight, SMSS);
            for (delivered, safe) in acks {
                let delivered = delivered.min(pipe);
                pipe -= delivered;
                let cwnd = prr.window(pipe, delivered, ssthresh, SMSS, safe);
                prop_assert!(cwnd >= pipe);
                prr.sent(cwnd - pipe);
                allowed += delivered + SMSS;
                pipe = cwnd;
                prop_assert!(prr.out <= allowed);
            }
        }
    }
}
