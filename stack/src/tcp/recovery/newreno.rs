//! Fast retransmit and fast recovery where the peer cannot say what he holds: RFC 5681 §3.2 and NewReno, RFC 6582.
//!
//! Three duplicate acknowledgments make a loss of the first segment, a partial acknowledgment during recovery makes one of
//! what is then the first. A duplicate says that some segment has arrived: instead of inflating the window, what is taken
//! to be in flight is deflated, which comes to the same and lets one pipe serve with SACK and without.

use super::scoreboard::DUP_THRESH;

/// The duplicate acknowledgments since the last that acknowledged something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct DupAcks {
    count: u32,
}

impl DupAcks {
    /// One more. Returns whether the first segment is lost now (RFC 5681 §3.2 step 2).
    pub fn another(&mut self) -> bool {
        self.count = self.count.saturating_add(1);
        self.count == DUP_THRESH
    }

    /// `octets` of text were acknowledged. During recovery that is a partial acknowledgment: of the segments counted those
    /// that it covers, all but the hole, are counted no longer (RFC 6582 §3.2 step 3). Otherwise counting begins anew.
    /// Returns how many octets have arrived that no duplicate had told of.
    pub fn acked(&mut self, octets: u32, smss: u32, in_recovery: bool) -> u32 {
        let told = self.arrived(smss);
        let covered = octets.div_ceil(smss.max(1)).saturating_sub(1);
        self.count = if in_recovery { self.count.saturating_sub(covered) } else { 0 };
        octets.saturating_sub(told)
    }

    /// How many there were.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Octets that must have arrived beyond the hole.
    pub fn arrived(&self, smss: u32) -> u32 {
        self.count.saturating_mul(smss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMSS: u32 = 1000;

    #[test]
    fn the_third_duplicate_and_no_other_tells_of_a_loss() {
        let mut dup = DupAcks::default();
        let told: Vec<bool> = (0..6).map(|_| dup.another()).collect();
        assert_eq!(told, [false, false, true, false, false, false]);
        assert_eq!(dup.arrived(SMSS), 6 * SMSS);
    }

    #[test]
    fn a_partial_acknowledgment_uncounts_what_it_covers_but_the_hole() {
        let mut dup = DupAcks::default();
        for _ in 0..6 {
            dup.another();
        }
        assert_eq!(dup.acked(3 * SMSS, SMSS, true), 0);
        assert_eq!(dup.arrived(SMSS), 4 * SMSS);
        assert_eq!(dup.acked(9 * SMSS, SMSS, false), 5 * SMSS);
        assert_eq!(dup, DupAcks::default());
    }
}
