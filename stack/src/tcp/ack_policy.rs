//! When text that has arrived is acknowledged (RFC 9293 §3.8.6.3, RFC 5681 §4.2).
//!
//! The table says *that* an acknowledgment is due, at once or with some delay; here is how much delay. One decision
//! holds for a whole batch of arrivals: what is due leaves once, when the stack is next asked what it has to send. Only of
//! the duplicates that segments out of order ask for some leave one by one: a sender who does not use SACK counts them.

use crate::time::{Instant, Micros};

/// How acknowledgments are delayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AckConfig {
    /// The longest that the acknowledgment of text waits for company; less than 0.5 seconds (MUST-40). Zero: never.
    pub delay: Micros,
    /// So many segments with text are each acknowledged at once when text begins to arrive, or begins again after a pause:
    /// the peer's slow start is counted in acknowledgments (RFC 5681 §3.1). Zero: none.
    pub quick_segments: u8,
    /// The delay is no longer than twice the usual time between two arrivals: what has not come then will not.
    pub adaptive: bool,
    /// The most duplicate acknowledgments that leave for one batch of segments out of order, at least one: a sender repeats a
    /// segment after three (RFC 5681 §3.2, §4.2).
    pub duplicates: u8,
}

impl AckConfig {
    /// Always delayed, always by 40 milliseconds, and one for each batch.
    pub const STEADY: Self = Self { delay: Micros::from_millis(40), quick_segments: 0, adaptive: false, duplicates: 1 };
}

impl Default for AckConfig {
    fn default() -> Self {
        Self { quick_segments: 16, adaptive: true, duplicates: 3, ..Self::STEADY }
    }
}

/// The shortest adaptive delay: time for the user to answer.
const LEAST_DELAY: Micros = Micros::from_millis(5);

/// RMSS before a full-sized segment has been seen, as far as our own MSS allows so much.
const LEAST_RMSS: u16 = 536;

/// So many segments are acknowledged each at once when the user asks for that, as on Linux.
const ASKED_FOR: u8 = 16;

/// Whether an acknowledgment has to leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum AckDue {
    /// Nothing to acknowledge.
    #[default]
    No,
    /// When the timer goes off, or with whatever leaves before.
    Delayed,
    /// With the next opportunity to send.
    Now,
}

/// What is to be acknowledged, and how text has been arriving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct AckPolicy {
    due: AckDue,
    /// Duplicates that segments out of order have asked for.
    duplicates: u8,
    /// Segments that will still be acknowledged each at once.
    quick: u8,
    /// RMSS, as far as the peer has shown it: the most text that one of his segments has carried.
    rmss: u16,
    /// Octets of text since an acknowledgment left.
    unacknowledged: u32,
    /// The usual time between two arrivals, in microseconds.
    usual_gap: u32,
    /// When text last arrived; not kept unless asked for, and before anything has arrived the beginning of time.
    last_arrival: Instant,
}

impl AckPolicy {
    /// Nothing has arrived; we have announced `mss`.
    pub fn new(config: AckConfig, mss: u16) -> Self {
        Self {
            due: AckDue::No,
            duplicates: 0,
            quick: config.quick_segments,
            rmss: LEAST_RMSS.min(mss),
            unacknowledged: 0,
            usual_gap: u32::try_from(config.delay.get()).unwrap_or(u32::MAX),
            last_arrival: Instant::ZERO,
        }
    }

    /// Whether an acknowledgment has to leave now.
    pub fn is_due_now(&self) -> bool {
        self.due == AckDue::Now
    }

    /// Whether nothing is to be acknowledged.
    pub fn is_at_rest(&self) -> bool {
        self.due == AckDue::No
    }

    /// The most text that one of the peer's segments has carried.
    pub fn rmss(&self) -> u16 {
        self.rmss
    }

    /// The user wants acknowledgments soon, or delayed.
    pub fn set_quick(&mut self, quick: bool) {
        self.quick = if quick { ASKED_FOR } else { 0 };
        if quick && self.due == AckDue::Delayed {
            self.due = AckDue::Now;
        }
    }

    /// An acknowledgment has to leave with the next opportunity.
    pub fn at_once(&mut self) {
        self.due = AckDue::Now;
    }

    /// Text has arrived behind a hole: a duplicate acknowledgment has to leave, besides those that are due already.
    pub fn out_of_order(&mut self, config: AckConfig) {
        self.duplicates = self.duplicates.saturating_add(1).min(config.duplicates);
        self.due = AckDue::Now;
    }

    /// A hole is filled, or its beginning: what leaves next says more than duplicates could.
    pub fn hole_filled(&mut self) {
        self.duplicates = 0;
        self.due = AckDue::Now;
    }

    /// So many octets of text have arrived. Returns how long their acknowledgment may wait, if a time begins to run.
    ///
    /// Not beyond the second full-sized segment, in octets (SHLD-19); not at all when text begins to arrive.
    pub fn text_arrived(&mut self, config: AckConfig, now: Instant, arrival: &Arrival) -> Option<Micros> {
        self.observe(config, now, arrival);
        self.unacknowledged = self.unacknowledged.saturating_add(arrival.octets);
        let quick = arrival.octets > 0 && self.quick > 0;
        self.quick -= u8::from(quick);
        let enough = self.unacknowledged >= 2 * u32::from(self.rmss);
        if enough || quick || config.delay == Micros::ZERO {
            self.due = AckDue::Now;
        }
        match self.due {
            AckDue::No => {
                self.due = AckDue::Delayed;
                Some(self.delay(config))
            }
            AckDue::Delayed | AckDue::Now => None,
        }
    }

    /// An acknowledgment has left, in whatever segment.
    pub fn acknowledged(&mut self) {
        self.duplicates = self.duplicates.saturating_sub(1);
        self.due = if self.duplicates > 0 { AckDue::Now } else { AckDue::No };
        self.unacknowledged = 0;
    }

    /// Text of ours has left. Who answers acknowledges with his answers.
    pub fn text_left(&mut self) {
        self.quick = 0;
    }

    /// The same with times relative to `now`.
    pub fn project(self, now: Instant) -> Self {
        let begun = self.last_arrival > Instant::ZERO;
        let last_arrival = if begun { Instant::ZERO + now.since(self.last_arrival) } else { Instant::ZERO };
        Self { last_arrival, ..self }
    }

    fn observe(&mut self, config: AckConfig, now: Instant, arrival: &Arrival) {
        let most = u32::from(arrival.mss);
        self.rmss = u16::try_from(arrival.octets.min(most)).unwrap_or(u16::MAX).max(self.rmss);
        if !config.adaptive {
            return;
        }
        let last = std::mem::replace(&mut self.last_arrival, now);
        let gap = now.since(last);
        if last == Instant::ZERO {
            return;
        }
        if gap > arrival.pause {
            self.quick = config.quick_segments;
        } else {
            let usual = (3 * u64::from(self.usual_gap) + gap.get()) / 4;
            self.usual_gap = u32::try_from(usual.min(config.delay.get())).unwrap_or(u32::MAX);
        }
    }

    fn delay(&self, config: AckConfig) -> Micros {
        match config.adaptive {
            true => Micros::new(2 * u64::from(self.usual_gap)).max(LEAST_DELAY).min(config.delay),
            false => config.delay,
        }
    }
}

/// Text that has arrived, and what it is compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    /// Octets of text.
    pub octets: u32,
    /// The MSS we have announced: what counts as more than this was put together on the way.
    pub mss: u16,
    /// After so long without text the peer begins again with slow start (RFC 5681 §4.1: a retransmission timeout).
    pub pause: Micros,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Micros::from_millis(millis)
    }

    fn of(octets: u32) -> Arrival {
        Arrival { octets, mss: 1460, pause: Micros::from_secs(1) }
    }

    #[test]
    fn the_second_full_segment_is_acknowledged_at_once_and_the_first_is_not() {
        let mut policy = AckPolicy::new(AckConfig::STEADY, 1460);
        assert_eq!(policy.text_arrived(AckConfig::STEADY, at(0), &of(1460)), Some(AckConfig::STEADY.delay));
        assert!(!policy.is_due_now());
        assert_eq!(policy.text_arrived(AckConfig::STEADY, at(1), &of(1460)), None);
        assert!(policy.is_due_now());
        policy.acknowledged();
        assert_eq!(policy.text_arrived(AckConfig::STEADY, at(2), &of(1460)), Some(AckConfig::STEADY.delay));
    }

    #[test]
    fn small_segments_do_not_begin_the_delay_again_and_count_by_their_octets() {
        let mut policy = AckPolicy::new(AckConfig::STEADY, 1460);
        assert_eq!(policy.text_arrived(AckConfig::STEADY, at(0), &of(100)), Some(AckConfig::STEADY.delay));
        for n in 1..10 {
            assert_eq!(policy.text_arrived(AckConfig::STEADY, at(n), &of(100)), None);
            assert!(!policy.is_due_now());
        }
        assert_eq!(policy.text_arrived(AckConfig::STEADY, at(10), &of(100)), None);
        assert!(policy.is_due_now(), "1,100 octets are two segments of 536, and no larger has been seen");
    }

    #[test]
    fn segments_put_together_on_the_way_count_for_what_they_were() {
        let mut policy = AckPolicy::new(AckConfig::STEADY, 1460);
        policy.text_arrived(AckConfig::STEADY, at(0), &of(64_000));
        assert!(policy.is_due_now());
        policy.acknowledged();
        policy.text_arrived(AckConfig::STEADY, at(0), &of(2919));
        assert!(!policy.is_due_now());
        policy.text_arrived(AckConfig::STEADY, at(0), &of(1));
        assert!(policy.is_due_now());
    }

    #[test]
    fn the_first_segments_are_acknowledged_each_until_we_answer_and_again_after_a_pause() {
        let config = AckConfig::default();
        let mut policy = AckPolicy::new(config, 1460);
        let is_quick = |policy: &mut AckPolicy, millis| {
            policy.text_arrived(config, at(millis), &of(10));
            let quick = policy.is_due_now();
            policy.acknowledged();
            quick
        };
        assert_eq!((1..21).filter(|&n| is_quick(&mut policy, n)).count(), 16);
        assert!(!is_quick(&mut policy, 1_018));
        assert!(is_quick(&mut policy, 2_100));
        policy.text_left();
        assert!(!is_quick(&mut policy, 2_101));
    }

    /// Five segments behind a hole arrive in one batch.
    #[test]
    fn three_duplicates_leave_for_a_batch_and_none_after_the_hole_is_filled() {
        let leaving = |config: AckConfig, filled: bool| {
            let mut policy = AckPolicy::new(config, 1460);
            for _ in 0..5 {
                policy.out_of_order(config);
                policy.text_arrived(config, at(0), &of(1460));
            }
            if filled {
                policy.hole_filled();
            }
            let leaves = |policy: &mut AckPolicy| policy.is_due_now().then(|| policy.acknowledged());
            std::iter::from_fn(|| leaves(&mut policy)).take(10).count()
        };
        assert_eq!(leaving(AckConfig::default(), false), 3);
        assert_eq!(leaving(AckConfig::default(), true), 1);
        assert_eq!(leaving(AckConfig::STEADY, false), 1);
    }

    #[test]
    fn the_delay_follows_the_arrivals_and_keeps_its_bounds() {
        let config = AckConfig { quick_segments: 0, ..AckConfig::default() };
        let mut policy = AckPolicy::new(config, 1460);
        let mut delay_after = |gap: u64, times: u64| {
            let mut now = policy.last_arrival.max(at(1));
            let mut delay = Micros::ZERO;
            for _ in 0..times {
                now += Micros::new(gap);
                policy.acknowledged();
                delay = policy.text_arrived(config, now, &of(10)).unwrap();
            }
            delay
        };
        assert_eq!(delay_after(1, 1), Micros::from_millis(40));
        assert_eq!(delay_after(1, 30), LEAST_DELAY);
        assert_eq!(delay_after(7_000, 40).get() / 1_000, 13);
        assert_eq!(delay_after(900_000, 40), Micros::from_millis(40));
    }
}
