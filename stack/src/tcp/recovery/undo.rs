//! Recoveries that were for nothing, by D-SACK (RFC 3708): if the peer tells of every octet sent again that he had it already,
//! nothing was lost, and the window was cut without reason.

use super::flight::View;
use super::sent::Place;

/// The account of one recovery: what was sent again and not found to be a duplicate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Undo {
    /// SND.UNA when recovery began; none if there was none.
    since: Option<Place>,
    outstanding: u32,
}

impl Undo {
    /// A recovery begins.
    pub fn begin(&mut self, una: Place) {
        *self = Undo { since: Some(una), outstanding: 0 };
    }

    /// So many octets have left again.
    pub fn repeated(&mut self, octets: u32) {
        if self.since.is_some() {
            self.outstanding = self.outstanding.saturating_add(octets);
        }
    }

    /// These octets have arrived twice. Returns whether that makes the whole recovery one for nothing.
    pub fn duplicate(&mut self, (left, right): (Place, Place)) -> bool {
        let ours = self.since.is_some_and(|since| left >= since) && self.outstanding > 0;
        if ours {
            let octets = u32::try_from(right.saturating_sub(left)).unwrap_or(u32::MAX);
            self.outstanding = self.outstanding.saturating_sub(octets);
        }
        let in_vain = ours && self.outstanding == 0;
        if in_vain {
            self.since = None;
        }
        in_vain
    }

    /// The same from there.
    pub fn project(&self, view: &View) -> Self {
        Self { since: self.since.map(|since| view.place(since)), ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_when_all_that_was_sent_again_were_duplicates_and_only_once() {
        let mut undo = Undo::default();
        assert!(!undo.duplicate((0, 10)));
        undo.begin(100);
        undo.repeated(10);
        undo.repeated(10);
        assert!(!undo.duplicate((90, 100)), "that was sent again by an earlier recovery");
        assert!(!undo.duplicate((100, 110)));
        assert!(undo.duplicate((110, 120)));
        assert!(!undo.duplicate((110, 120)));
    }
}
