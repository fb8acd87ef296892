//! RACK (RFC 8985 §6): a segment is lost if another that left later has arrived, and a while has passed in which it
//! might have come after all.
//!
//! "Later" is about time, so that what was sent again and is lost again is found too. The while, the reordering window,
//! is nothing until reordering is seen, then a quarter of the round trip, and more if the peer tells of duplicates (D-SACK):
//! the losses were none.
//!
//! Unlike §6.2 step 5, the timer runs to the first moment at which a segment is lost, not to the last: each is lost at its
//! own time. What is sent again is told from its original by the least round trip alone (§6.2 step 2): the echo of an
//! acknowledgment of text out of order is older than either.

use super::flight::View;
use super::scoreboard::DUP_THRESH;
use super::sent::{Delivered, Place, SentLog};
use crate::time::{Instant, Micros};

/// Of recoveries without a D-SACK before the window is narrow again (RACK.reo_wnd_persist).
const PERSIST: u8 = 16;

/// The minimum round trip is measured anew after this long: the path may have become longer (§6.2 step 1).
const MIN_RTT_LIFE: Micros = Micros::from_secs(300);

/// What is known of the path, whether anything is in flight or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct PathMemory {
    /// When RACK.min_RTT was measured.
    min_rtt_at: Option<Instant>,
    /// RACK.min_RTT in microseconds, if it was measured.
    min_rtt: u32,
    /// RACK.reordering_seen
    reordering_seen: bool,
    /// RACK.reo_wnd_mult, less one.
    widened: u8,
    /// RACK.reo_wnd_persist
    persist: u8,
    /// All is acknowledged, and the last of it was a tail loss probe: whether its original had arrived, too, is not known.
    pub probe_unanswered: bool,
}

impl PathMemory {
    /// The least round trip.
    pub fn min_rtt(&self) -> Option<Micros> {
        self.min_rtt_at.map(|_| Micros::new(self.min_rtt.into()))
    }

    /// §6.2 step 1.
    fn measured(&mut self, now: Instant, rtt: Micros) {
        let rtt = u32::try_from(rtt.get()).unwrap_or(u32::MAX);
        if self.min_rtt_at.is_none_or(|at| rtt <= self.min_rtt || now.since(at) > MIN_RTT_LIFE) {
            (self.min_rtt, self.min_rtt_at) = (rtt, Some(now));
        }
    }

    /// §6.2 step 4: how long a segment may be late.
    pub fn reordering_window(&self, srtt: Option<Micros>, in_recovery: bool, held_segments: u32) -> Micros {
        if !self.reordering_seen && (in_recovery || held_segments >= DUP_THRESH) {
            return Micros::ZERO;
        }
        let quarter = self.min_rtt().map_or(0, |rtt| rtt.get() / 4);
        let window = Micros::new(quarter).saturating_mul(1 + u64::from(self.widened));
        srtt.map_or(window, |srtt| window.min(srtt))
    }

    /// §6.2 step 4, D-SACK: the window was too narrow.
    fn widen(&mut self) {
        self.widened = self.widened.saturating_add(1);
        self.persist = PERSIST;
    }

    /// §6.2 step 4: a recovery ends; the window does not stay wide for ever.
    pub fn recovered(&mut self) {
        self.persist = self.persist.saturating_sub(1);
        if self.persist == 0 {
            self.widened = 0;
        }
    }

    /// The same with times relative to `now`.
    pub fn project(&self, now: Instant) -> Self {
        Self { min_rtt_at: self.min_rtt_at.map(|at| Instant::ZERO + now.since(at)), ..*self }
    }
}

/// RACK.segment: of what has arrived, what left last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Newest {
    at: Instant,
    end: Place,
    rtt: Micros,
}

/// What is known while something is in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Rack {
    newest: Option<Newest>,
    /// RACK.fack: the highest place that has arrived.
    highest: Place,
    /// RACK.dsack_round: until SND.UNA is there, another D-SACK is no news.
    dsack_until: Option<Place>,
}

impl Rack {
    /// §6.2 steps 2 and 3: the peer has this segment.
    pub fn delivered(&mut self, path: &mut PathMemory, now: Instant, segment: &Delivered) {
        let Delivered { sent, .. } = *segment;
        let end = segment.end();
        if end > self.highest {
            self.highest = end;
        } else if !sent.again {
            path.reordering_seen = true;
        }
        let rtt = now.since(sent.at);
        if !sent.again {
            path.measured(now, rtt);
        }
        if sent.again && path.min_rtt().is_some_and(|least| rtt < least) {
            return;
        }
        if self.newest.is_none_or(|newest| (newest.at, newest.end) < (sent.at, end)) {
            self.newest = Some(Newest { at: sent.at, end, rtt });
        }
    }

    /// §6.2 step 4: a duplicate has arrived; once per round trip that widens the window.
    pub fn duplicate(&mut self, path: &mut PathMemory, una: Place, nxt: Place) {
        if self.dsack_until.is_none_or(|until| una >= until) {
            self.dsack_until = Some(nxt);
            path.widen();
        }
    }

    /// §6.2 step 5: marks what is lost, and says when the next will be, if nothing is heard of it.
    pub fn detect(&self, log: &mut SentLog, now: Instant, window: Micros) -> Option<Instant> {
        let newest = self.newest?;
        while let Some(first) = log.oldest() {
            if (first.sent.at, first.end()) >= (newest.at, newest.end) {
                return None;
            }
            let lost_at = first.sent.at + newest.rtt + window;
            if lost_at > now {
                return Some(lost_at);
            }
            log.lose(first.place);
        }
        None
    }

    /// §6.3: the retransmission timer ran out. What left longer ago than a round trip is lost.
    pub fn detect_on_timeout(&self, log: &mut SentLog, now: Instant, window: Micros) {
        let rtt = self.newest.map_or(Micros::ZERO, |newest| newest.rtt);
        while let Some(first) = log.oldest().filter(|first| first.sent.at + rtt + window <= now) {
            log.lose(first.place);
        }
    }

    /// The same from there.
    pub fn project(&self, view: &View) -> Self {
        let newest = |Newest { at, end, rtt }| Newest { at: view.ago(at), end: view.place(end), rtt };
        Self {
            newest: self.newest.map(newest),
            highest: view.place(self.highest),
            dsack_until: self.dsack_until.map(|until| view.place(until)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: u64 = 100_000;

    const fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    /// Four segments of ten octets, a millisecond apart.
    fn log() -> SentLog {
        let mut log = SentLog::default();
        for n in 0..4 {
            log.push(n * 10, 10, at(n * 1000));
        }
        log
    }

    fn arrives(rack: &mut Rack, path: &mut PathMemory, log: &mut SentLog, place: Place, now: u64) {
        let delivered = log.take_within(place, place + 10).unwrap();
        rack.delivered(path, at(now), &delivered);
    }

    #[test]
    fn what_left_before_what_arrived_is_lost_after_the_reordering_window() {
        let (mut log, mut rack, mut path) = (log(), Rack::default(), PathMemory::default());
        arrives(&mut rack, &mut path, &mut log, 20, 2000 + RTT);
        let window = path.reordering_window(None, false, 1);
        assert_eq!(window, Micros::new(RTT / 4));
        assert_eq!(rack.detect(&mut log, at(2000 + RTT), window), Some(at(RTT + RTT / 4)));
        assert_eq!(log.lost(), 0);
        assert_eq!(rack.detect(&mut log, at(RTT + RTT / 4), window), Some(at(1000 + RTT + RTT / 4)));
        assert_eq!(log.next_lost(100), Some((0, 10)));
        assert_eq!(rack.detect(&mut log, at(9000 + RTT + RTT / 4), window), None);
        assert_eq!((log.lost(), log.in_flight()), (20, 10));
    }

    #[test]
    fn in_recovery_or_with_three_segments_held_there_is_no_window_until_reordering_is_seen() {
        let (mut log, mut rack, mut path) = (log(), Rack::default(), PathMemory::default());
        arrives(&mut rack, &mut path, &mut log, 20, 2000 + RTT);
        assert_eq!(path.reordering_window(None, true, 1), Micros::ZERO);
        assert_eq!(path.reordering_window(None, false, 3), Micros::ZERO);
        arrives(&mut rack, &mut path, &mut log, 10, 3000 + RTT);
        assert_eq!(path.reordering_window(None, true, 3), Micros::new(RTT / 4));
    }

    #[test]
    fn what_was_sent_again_and_is_lost_again_is_found() {
        let (mut log, mut rack, mut path) = (log(), Rack::default(), PathMemory::default());
        arrives(&mut rack, &mut path, &mut log, 10, 1000 + RTT);
        rack.detect(&mut log, at(1000 + RTT), Micros::ZERO);
        log.repeat(0, 10, at(1000 + RTT));
        arrives(&mut rack, &mut path, &mut log, 20, 2000 + RTT);
        assert_eq!(rack.detect(&mut log, at(2000 + RTT), Micros::ZERO), None);
        log.push(40, 10, at(2000 + RTT));
        arrives(&mut rack, &mut path, &mut log, 40, 2000 + 2 * RTT);
        rack.detect(&mut log, at(2000 + 2 * RTT), Micros::ZERO);
        assert_eq!(log.next_lost(10), Some((0, 10)));
    }

    #[test]
    fn a_flood_of_d_sacks_widens_the_window_once_per_round_and_never_beyond_the_round_trip() {
        let (mut rack, mut path) = (Rack::default(), PathMemory::default());
        path.measured(at(0), Micros::new(RTT));
        for _ in 0..100 {
            rack.duplicate(&mut path, 0, 40);
        }
        let srtt = Some(Micros::new(RTT));
        assert_eq!(path.reordering_window(srtt, false, 0), Micros::new(RTT / 2));
        for round in 1..100 {
            rack.duplicate(&mut path, round * 40, round * 40 + 40);
        }
        assert_eq!(path.reordering_window(srtt, false, 0), Micros::new(RTT));
        for _ in 0..PERSIST {
            path.recovered();
        }
        assert_eq!(path.reordering_window(srtt, false, 0), Micros::new(RTT / 4));
    }

    #[test]
    fn a_timeout_loses_what_left_a_round_trip_ago() {
        let (mut log, mut rack, mut path) = (log(), Rack::default(), PathMemory::default());
        arrives(&mut rack, &mut path, &mut log, 0, RTT);
        log.push(40, 10, at(1_000_000));
        rack.detect_on_timeout(&mut log, at(1_000_001), Micros::ZERO);
        assert_eq!((log.lost(), log.in_flight()), (30, 10));
    }
}
