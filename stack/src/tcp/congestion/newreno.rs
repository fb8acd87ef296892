//! RFC 5681 §3.1, RFC 6582: one segment more per round trip, half of it all at congestion.

use super::window::{Share, Window};
use super::{Acked, Congestion, CongestionConfig};
use crate::time::Instant;

/// Equation 4: half of what was in flight.
const HALF: Share = Share { parts: 1, of: 2 };

/// Additive increase, multiplicative decrease.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NewReno {
    window: Window,
    /// Octets acknowledged in congestion avoidance since `cwnd` last grew.
    bytes_acked: u32,
    /// Before the last reduction. Most connections know none, and pay a pointer for it.
    undo: Option<Box<Undo>>,
}

/// Everything a reduction changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Undo {
    window: Window,
    bytes_acked: u32,
}

impl NewReno {
    /// The state of a new connection whose segments carry at most `smss` octets.
    #[must_use]
    pub fn new(smss: u16, config: CongestionConfig) -> Self {
        Self { window: Window::new(smss, config), bytes_acked: 0, undo: None }
    }

    /// One SMSS once a whole window has been acknowledged, hence at most one per round trip (RFC 3465 §2.1). What was
    /// acknowledged beyond that window is not carried over: one acknowledgment of several windows is still one step.
    fn avoid_congestion(&mut self, octets: u32) {
        self.bytes_acked = self.bytes_acked.saturating_add(octets);
        if self.bytes_acked >= self.window.cwnd() {
            self.bytes_acked = 0;
            self.window.grow(self.window.smss());
        }
    }

    fn remember(&mut self) {
        self.undo = Some(Box::new(Undo { window: self.window.clone(), bytes_acked: self.bytes_acked }));
    }
}

impl Congestion for NewReno {
    fn cwnd(&self) -> u32 {
        self.window.cwnd()
    }

    fn ssthresh(&self) -> u32 {
        self.window.ssthresh()
    }

    fn on_ack(&mut self, ack: &Acked) {
        if ack.app_limited {
            return;
        }
        if self.window.in_slow_start() {
            self.window.slow_start(ack);
        } else {
            self.avoid_congestion(ack.octets);
        }
    }

    fn on_loss(&mut self, _now: Instant, in_flight: u32) {
        self.remember();
        self.window.reduce(in_flight, HALF);
        self.bytes_acked = 0;
    }

    fn on_recovery(&mut self, cwnd: u32) {
        self.window.set(cwnd);
    }

    fn on_recovered(&mut self, _now: Instant) {
        self.window.recovered();
    }

    fn on_rto(&mut self, _now: Instant, in_flight: u32, first: bool) {
        if first {
            self.remember();
        }
        self.window.time_out(in_flight, first, HALF);
        self.bytes_acked = 0;
    }

    fn on_ecn(&mut self, _now: Instant, in_flight: u32) {
        self.undo = None;
        self.window.reduce(in_flight, HALF);
        self.bytes_acked = 0;
    }

    fn on_spurious(&mut self, _now: Instant) {
        if let Some(Undo { window, bytes_acked }) = self.undo.take().map(|undo| *undo)
            && self.window.return_to(window)
        {
            self.bytes_acked = bytes_acked;
        }
    }

    fn on_idle(&mut self, _now: Instant) {
        self.window.restart();
        self.bytes_acked = 0;
    }

    fn on_mss(&mut self, smss: u32) {
        self.window.resize(smss);
    }

    fn on_established_after_lost_syn(&mut self) {
        self.window.begin_with_one_segment();
    }
}

#[cfg(test)]
mod tests {
    use super::super::InitialWindow;
    use super::*;

    const SMSS: u32 = 1000;

    fn with(limit: u8) -> NewReno {
        let initial_window = InitialWindow::Segments(4);
        NewReno::new(
            1000,
            CongestionConfig { initial_window, slow_start_limit: limit, hystart: false, ..CongestionConfig::default() },
        )
    }

    fn ack(c: &mut NewReno, octets: u32) {
        let (now, in_flight) = (Instant::ZERO, c.cwnd());
        c.on_ack(&Acked { now, octets, rtt: None, srtt: None, in_flight, app_limited: false });
    }

    fn rto(c: &mut NewReno, in_flight: u32) {
        c.on_rto(Instant::ZERO, in_flight, true);
    }

    #[test]
    fn slow_start_adds_one_segment_per_ack_at_most() {
        let mut c = with(1);
        ack(&mut c, 300);
        assert_eq!(c.cwnd(), 4 * SMSS + 300);
        ack(&mut c, 5 * SMSS);
        assert_eq!(c.cwnd(), 5 * SMSS + 300);
    }

    #[test]
    fn limit_two_holds_only_before_a_timeout() {
        let mut c = with(2);
        ack(&mut c, 5 * SMSS);
        assert_eq!(c.cwnd(), 6 * SMSS);
        rto(&mut c, 6 * SMSS);
        ack(&mut c, 5 * SMSS);
        assert_eq!(c.cwnd(), 2 * SMSS);
        // Once ssthresh is reached the timeout is overcome: a later slow start has its limit back.
        rto(&mut c, 20 * SMSS);
        for _ in 0..9 {
            ack(&mut c, SMSS);
        }
        assert_eq!((c.cwnd(), c.ssthresh()), (10 * SMSS, 10 * SMSS));
        c.on_idle(Instant::ZERO);
        ack(&mut c, 5 * SMSS);
        assert_eq!(c.cwnd(), 6 * SMSS);
    }

    #[test]
    fn a_timeout_halves_the_flight_once_and_restarts_from_one_segment() {
        let mut c = with(1);
        rto(&mut c, 40 * SMSS);
        assert_eq!((c.cwnd(), c.ssthresh()), (SMSS, 20 * SMSS));
        c.on_rto(Instant::ZERO, SMSS, false);
        assert_eq!((c.cwnd(), c.ssthresh()), (SMSS, 20 * SMSS));
        rto(&mut c, SMSS);
        assert_eq!((c.cwnd(), c.ssthresh()), (SMSS, 2 * SMSS));
    }

    #[test]
    fn congestion_avoidance_adds_one_segment_per_window() {
        let mut c = with(1);
        rto(&mut c, 8 * SMSS);
        for _ in 0..3 {
            ack(&mut c, SMSS);
        }
        assert_eq!((c.cwnd(), c.ssthresh()), (4 * SMSS, 4 * SMSS));
        for _ in 0..3 {
            ack(&mut c, SMSS);
        }
        assert_eq!(c.cwnd(), 4 * SMSS);
        ack(&mut c, SMSS);
        assert_eq!(c.cwnd(), 5 * SMSS);
    }

    #[test]
    fn one_ack_of_several_windows_is_one_step() {
        let mut c = with(1);
        rto(&mut c, 2 * SMSS);
        ack(&mut c, SMSS);
        assert_eq!((c.cwnd(), c.ssthresh()), (2 * SMSS, 2 * SMSS));
        ack(&mut c, 20 * SMSS);
        ack(&mut c, SMSS);
        assert_eq!(c.cwnd(), 3 * SMSS);
    }

    #[test]
    fn a_lost_syn_or_an_idle_hour_shrinks_the_window() {
        let mut c = with(1);
        c.on_established_after_lost_syn();
        assert_eq!(c.cwnd(), SMSS);
        c.on_idle(Instant::ZERO);
        assert_eq!(c.cwnd(), SMSS);
        for _ in 0..20 {
            ack(&mut c, SMSS);
        }
        c.on_idle(Instant::ZERO);
        assert_eq!(c.cwnd(), 4 * SMSS);
    }

    #[test]
    fn recovery_halves_the_flight_and_ends_at_ssthresh() {
        let mut c = with(1);
        for _ in 0..16 {
            ack(&mut c, SMSS);
        }
        c.on_loss(Instant::ZERO, 20 * SMSS);
        assert_eq!((c.cwnd(), c.ssthresh()), (10 * SMSS, 10 * SMSS));
        c.on_recovery(13 * SMSS);
        assert_eq!(c.cwnd(), 13 * SMSS);
        c.on_recovered(Instant::ZERO);
        assert_eq!(c.cwnd(), 10 * SMSS);
    }
}
