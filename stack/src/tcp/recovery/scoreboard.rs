//! What the peer holds beyond the first hole (RFC 2018), and what that says about the holes (RFC 6675).
//!
//! Octets that were selectively acknowledged are kept as runs, neighbours joined, so that a peer who repeats himself
//! costs nothing. They are held, not acknowledged: the peer may still throw them away (RFC 2018 §8, "reneging").

use std::collections::BTreeMap;

use super::flight::View;
use super::sent::Place;

/// DupThresh: so many segments held above a hole, and it is a loss (RFC 6675 §2).
pub(super) const DUP_THRESH: u32 = 3;

/// A run of octets that the peer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Run {
    end: Place,
    /// Of how many segments of ours.
    segments: u32,
}

/// The runs that the peer holds, all above SND.UNA.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Scoreboard {
    runs: BTreeMap<Place, Run>,
    octets: u32,
    segments: u32,
}

impl Scoreboard {
    /// Octets held.
    pub fn octets(&self) -> u32 {
        self.octets
    }

    /// Segments held.
    pub fn segments(&self) -> u32 {
        self.segments
    }

    /// The place after the highest octet held.
    pub fn highest(&self) -> Option<Place> {
        self.runs.last_key_value().map(|(_, run)| run.end)
    }

    /// Whether a run begins here: if this is SND.UNA, the peer has thrown away what he held.
    pub fn begins_at(&self, place: Place) -> bool {
        self.runs.contains_key(&place)
    }

    /// The peer holds this segment.
    pub fn hold(&mut self, place: Place, len: u32) {
        self.octets = self.octets.saturating_add(len);
        self.segments = self.segments.saturating_add(1);
        let mut run = (place, Run { end: place + u64::from(len), segments: 1 });
        if let Some((&before, &Run { end, segments })) = self.runs.range(..place).next_back()
            && end == place
        {
            run = (before, Run { segments: run.1.segments.saturating_add(segments), ..run.1 });
        }
        if let Some(next) = self.runs.remove(&run.1.end) {
            run.1 = Run { end: next.end, segments: run.1.segments.saturating_add(next.segments) };
        }
        self.runs.insert(run.0, run.1);
    }

    /// All before `una` is acknowledged and no longer only held. Returns how many octets of it were held.
    pub fn acked(&mut self, una: Place) -> u32 {
        let before = self.octets;
        while let Some((&place, &run)) = self.runs.first_key_value().filter(|&(&place, _)| place < una) {
            self.runs.remove(&place);
            self.octets = self.octets.saturating_sub(len(place, run.end.min(una)));
            if run.end > una {
                // How many of its segments are left is not known; that there is one is.
                self.segments = self.segments.saturating_sub(run.segments - 1);
                self.runs.insert(una, Run { end: run.end, segments: 1 });
            } else {
                self.segments = self.segments.saturating_sub(run.segments);
            }
        }
        before - self.octets
    }

    /// The peer is not believed any more: takes out the first run and says where it was and how long.
    pub fn forget_one(&mut self) -> Option<(Place, u32)> {
        let (place, run) = self.runs.pop_first()?;
        let octets = len(place, run.end);
        self.octets = self.octets.saturating_sub(octets);
        self.segments = self.segments.saturating_sub(run.segments);
        Some((place, octets))
    }

    /// IsLost of RFC 6675 §4: everything before this place is lost, since DupThresh discontiguous runs or more than
    /// (DupThresh - 1) * SMSS octets lie above it.
    pub fn lost_before(&self, smss: u32) -> Option<Place> {
        let mut octets = 0_u32;
        for ((&place, run), runs) in self.runs.iter().rev().zip(1..=DUP_THRESH) {
            octets = octets.saturating_add(len(place, run.end));
            if runs == DUP_THRESH || octets > smss.saturating_mul(DUP_THRESH - 1) {
                return Some(place);
            }
        }
        None
    }

    /// The same from there.
    pub fn project(&self, view: &View) -> Self {
        let moved = |(&place, run): (&Place, &Run)| (view.place(place), Run { end: view.place(run.end), ..*run });
        Self { runs: self.runs.iter().map(moved).collect(), octets: self.octets, segments: self.segments }
    }
}

fn len(from: Place, to: Place) -> u32 {
    u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn three_runs_or_two_segments_and_an_octet_make_a_loss() {
        let mut board = Scoreboard::default();
        board.hold(100, 1);
        board.hold(110, 1);
        assert_eq!(board.lost_before(10), None);
        board.hold(120, 1);
        assert_eq!(board.lost_before(10), Some(100));
        let mut board = Scoreboard::default();
        board.hold(100, 20);
        assert_eq!(board.lost_before(10), None);
        board.hold(120, 1);
        assert_eq!(board.lost_before(10), Some(100));
        assert_eq!((board.runs.len(), board.highest()), (1, Some(121)));
    }

    proptest! {
        /// The scoreboard against a plain set of octets.
        #[test]
        fn holds_what_was_held_and_is_not_acknowledged(
            ops in prop::collection::vec((any::<bool>(), 0_u64..200, 1_u32..12), 0..80),
        ) {
            let mut board = Scoreboard::default();
            let mut held = std::collections::BTreeSet::new();
            let mut una = 0;
            for (hold, place, len) in ops {
                let octets = place..place + u64::from(len);
                if hold && place > una && octets.clone().all(|octet| !held.contains(&octet)) {
                    board.hold(place, len);
                    held.extend(octets);
                } else if !hold {
                    una = una.max(place.min(una + 20));
                    let kept = held.split_off(&una);
                    prop_assert_eq!(usize::try_from(board.acked(una)).unwrap(), held.len());
                    held = kept;
                }
                prop_assert_eq!(usize::try_from(board.octets()).unwrap(), held.len());
                prop_assert_eq!(board.highest(), held.last().map(|&last| last + 1));
                let runs = held.iter().filter(|&&octet| !held.contains(&octet.wrapping_sub(1))).count();
                prop_assert_eq!(board.runs.len(), runs);
                prop_assert_eq!(board.segments() == 0, held.is_empty());
                prop_assert!(u64::from(board.segments()) <= u64::from(board.octets()));
            }
            while board.forget_one().is_some() {}
            prop_assert_eq!(board, Scoreboard::default());
        }
    }
}
