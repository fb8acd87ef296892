//! Tail loss probes (RFC 8985 §7): the last of what was sent has nothing behind it that would tell of its loss. Two round
//! trips after it, and long before the retransmission timeout, something more is sent, so that the peer says what he has.

use super::flight::View;
use super::sent::Place;
use crate::time::{Instant, Micros};

/// PTO without a measured round trip (§7.2).
const UNMEASURED: Micros = Micros::from_secs(1);

/// How long the peer may keep the acknowledgment of a lone segment (TLP.max_ack_delay, §7.2).
const MAX_ACK_DELAY: Micros = Micros::from_millis(200);

/// A probe that was sent and not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Probe {
    /// TLP.end_seq: SND.NXT when it had left.
    end: Place,
    /// TLP.is_retrans: it was not new text.
    again: bool,
}

/// What an acknowledgment says about the probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing, or nothing bad.
    Nothing,
    /// The probe has repaired a loss, for which nobody has slowed down yet (§7.4.2).
    RepairedLoss,
}

/// What an acknowledgment brings that concerns a probe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    pub ack: Place,
    /// It acknowledges nothing new.
    pub duplicate: bool,
    /// It carries SACK blocks.
    pub selective: bool,
    /// What has arrived twice.
    pub twice: Option<(Place, Place)>,
}

/// The probe timer of one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct TailLossProbe {
    deadline: Option<Instant>,
    due: bool,
    probe: Option<Probe>,
}

impl TailLossProbe {
    /// A probe of old text has left, after which SND.NXT was `end`.
    pub fn unanswered(end: Place) -> Self {
        Self { probe: Some(Probe { end, again: true }), ..Self::default() }
    }

    /// Whether what there is to be told about a probe has not been told.
    pub fn is_unanswered(&self) -> bool {
        self.probe.is_some()
    }

    /// When the probe is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether a probe is to leave.
    pub fn is_due(&self) -> bool {
        self.due
    }

    /// §7.2: text was sent or acknowledged. `lone`: no more than one segment is in flight. One probe at a time.
    pub fn schedule(&mut self, now: Instant, srtt: Option<Micros>, lone: bool) {
        let delay = match srtt {
            None => UNMEASURED,
            Some(srtt) if lone => srtt.saturating_mul(2) + MAX_ACK_DELAY,
            Some(srtt) => srtt.saturating_mul(2),
        };
        self.deadline = self.probe.is_none().then(|| now + delay);
    }

    /// Nothing is in flight, or its loss is known: no probe is needed.
    pub fn cancel(&mut self) {
        (self.deadline, self.due) = (None, false);
    }

    /// The timer has run out, if it has.
    pub fn expire(&mut self, now: Instant) {
        if self.deadline.is_some_and(|at| at <= now) {
            (self.deadline, self.due) = (None, true);
        }
    }

    /// §7.3: the probe has left; SND.NXT is now `end`.
    pub fn sent(&mut self, end: Place, again: bool) {
        (self.deadline, self.due, self.probe) = (None, false, Some(Probe { end, again }));
    }

    /// §7.4.2: TLP_process_ack().
    pub fn answered(&mut self, evidence: &Evidence) -> Answer {
        let Some(Probe { end, again }) = self.probe.filter(|probe| evidence.ack >= probe.end) else {
            return Answer::Nothing;
        };
        let in_vain = !again || evidence.twice.is_some_and(|(_, right)| right == end);
        if in_vain || evidence.ack > end || (evidence.duplicate && !evidence.selective) {
            self.probe = None;
        }
        if !in_vain && evidence.ack > end { Answer::RepairedLoss } else { Answer::Nothing }
    }

    /// A timeout: what the probe would tell is known.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// The same from there.
    pub fn project(&self, view: &View) -> Self {
        let probe = |Probe { end, again }| Probe { end: view.place(end), again };
        Self { deadline: self.deadline.map(|at| view.ahead(at)), due: self.due, probe: self.probe.map(probe) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1000)
    }

    fn evidence(ack: Place) -> Evidence {
        Evidence { ack, duplicate: false, selective: false, twice: None }
    }

    fn probed(again: bool) -> TailLossProbe {
        let mut tlp = TailLossProbe::default();
        tlp.sent(100, again);
        tlp
    }

    #[test]
    fn two_round_trips_and_the_peers_delay_if_only_one_segment_is_out() {
        let mut tlp = TailLossProbe::default();
        tlp.schedule(at(0), Some(Micros::from_millis(50)), false);
        assert_eq!(tlp.deadline(), Some(at(100)));
        tlp.schedule(at(0), Some(Micros::from_millis(50)), true);
        assert_eq!(tlp.deadline(), Some(at(300)));
        tlp.schedule(at(0), None, true);
        assert_eq!(tlp.deadline(), Some(at(1000)));
        tlp.expire(at(999));
        assert!(!tlp.is_due());
        tlp.expire(at(1000));
        assert_eq!((tlp.is_due(), tlp.deadline()), (true, None));
    }

    #[test]
    fn one_probe_at_a_time() {
        let mut tlp = probed(true);
        tlp.schedule(at(0), Some(Micros::from_millis(50)), false);
        assert_eq!(tlp.deadline(), None);
        tlp.answered(&evidence(101));
        tlp.schedule(at(0), Some(Micros::from_millis(50)), false);
        assert_eq!(tlp.deadline(), Some(at(100)));
    }

    #[test]
    fn a_probe_that_repaired_a_loss_slows_down_and_one_in_vain_does_not() {
        assert_eq!(probed(true).answered(&evidence(99)), Answer::Nothing);
        assert_eq!(probed(true).answered(&evidence(101)), Answer::RepairedLoss);
        assert_eq!(probed(false).answered(&evidence(101)), Answer::Nothing);
        let twice = Evidence { twice: Some((90, 100)), selective: true, ..evidence(101) };
        assert_eq!(probed(true).answered(&twice), Answer::Nothing);
        let mut tlp = probed(true);
        assert_eq!(tlp.answered(&evidence(100)), Answer::Nothing);
        assert_eq!(tlp.answered(&Evidence { duplicate: true, ..evidence(100) }), Answer::Nothing);
        assert_eq!(tlp.answered(&evidence(101)), Answer::Nothing, "the duplicate has settled it");
    }
}
