//! Limited transmit (RFC 3042): before a loss is known, each sign that a segment has arrived out of order lets a new one leave, so
//! that there will be enough of them to tell.

/// Octets that have arrived beyond a hole and that new text may replace: at most two segments (§2), since the third makes a
/// loss. Where something else says when a hole is a loss (RACK), sending goes on until it does.
pub(super) fn credit(arrived: u32, smss: u32, losses_by_time: bool) -> u32 {
    if losses_by_time { arrived } else { arrived.min(smss.saturating_mul(2)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_segments_unless_time_decides() {
        assert_eq!(credit(1500, 1000, false), 1500);
        assert_eq!(credit(5000, 1000, false), 2000);
        assert_eq!(credit(5000, 1000, true), 5000);
    }
}
