//! How much may be in flight: slow start and congestion avoidance of RFC 5681 §3.1, with byte counting (RFC 3465).
//!
//! All quantities are bytes. The connection sends while its flight size is below `min(cwnd, snd_wnd)`; it reports
//! acknowledged bytes and retransmission timeouts. No fast retransmit, no fast recovery.

use super::rtt::Transmissions;

/// How large the congestion window starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum InitialWindow {
    /// Two, three or four segments by the size of one (RFC 5681 §3.1).
    #[default]
    Rfc5681,
    /// This many segments; ten is what RFC 6928 proposes and Linux does.
    Segments(u8),
}

/// By how many segments one acknowledgement may open the window in slow start: the L of RFC 3465 §2.2.
///
/// After a retransmission timeout the limit is one segment whatever is set here (RFC 3465 §2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SlowStartLimit {
    /// At most one SMSS per acknowledgement: the standard (RFC 5681 §3.1 equation 2).
    #[default]
    One,
    /// At most two: makes up for a receiver that acknowledges every second segment (RFC 3465, experimental).
    Two,
}

/// The choices RFC 5681 leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CongestionConfig {
    /// The initial window.
    pub initial_window: InitialWindow,
    /// The growth per acknowledgement in slow start.
    pub slow_start_limit: SlowStartLimit,
}

/// The congestion state of one connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Congestion {
    config: CongestionConfig,
    smss: u32,
    cwnd: u32,
    ssthresh: u32,
    /// Bytes acknowledged in congestion avoidance since `cwnd` last grew.
    bytes_acked: u32,
    /// Slow start follows a timeout, until `ssthresh` is reached again.
    recovering: bool,
}

impl Congestion {
    /// The state of a new connection whose segments carry at most `smss` bytes. `ssthresh` starts arbitrarily high.
    #[must_use]
    pub fn new(smss: u16, config: CongestionConfig) -> Self {
        let smss = u32::from(smss).max(1);
        Self {
            config,
            smss,
            cwnd: initial_window(smss, config.initial_window),
            ssthresh: u32::MAX,
            bytes_acked: 0,
            recovering: false,
        }
    }

    /// The congestion window in bytes.
    #[must_use]
    pub fn cwnd(&self) -> u32 {
        self.cwnd
    }

    /// The slow start threshold in bytes.
    #[must_use]
    pub fn ssthresh(&self) -> u32 {
        self.ssthresh
    }

    /// An acknowledgement covered `n` bytes not acknowledged before. Not to be called for the acknowledgement of a SYN
    /// ("MUST NOT increase the size of the congestion window", RFC 5681 §3.1).
    pub fn on_ack(&mut self, n: u32) {
        if self.cwnd < self.ssthresh {
            self.slow_start(n);
        } else {
            self.avoid_congestion(n);
        }
    }

    /// The retransmission timer ran out with `flight_size` bytes outstanding, the oldest of them sent `transmissions`
    /// times so far.
    ///
    /// RFC 5681 §3.1 equation 4: `ssthresh` is halved at the first timeout of a segment and held constant at further
    /// ones; `cwnd` falls to the loss window of one segment every time.
    pub fn on_rto(&mut self, flight_size: u32, transmissions: Transmissions) {
        match transmissions {
            Transmissions::Once => {
                self.ssthresh = (flight_size / 2).max(self.smss.saturating_mul(2));
            }
            Transmissions::Repeated => {}
        }
        self.cwnd = self.smss;
        self.bytes_acked = 0;
        self.recovering = true;
    }

    /// The handshake needed a retransmitted SYN or SYN,ACK: the initial window is one segment (RFC 5681 §3.1).
    pub fn on_established_after_lost_syn(&mut self) {
        self.cwnd = self.smss;
    }

    /// Nothing was sent for longer than one RTO: restart from min(IW, cwnd), the restart window (RFC 5681 §4.1).
    pub fn on_idle(&mut self) {
        self.cwnd = self.cwnd.min(initial_window(self.smss, self.config.initial_window));
        self.bytes_acked = 0;
    }

    /// Equation 2: `cwnd += min(N, L * SMSS)`. Counting bytes makes ACK division useless.
    fn slow_start(&mut self, n: u32) {
        let limit = match (self.config.slow_start_limit, self.recovering) {
            (SlowStartLimit::Two, false) => self.smss.saturating_mul(2),
            (SlowStartLimit::One, _) | (SlowStartLimit::Two, true) => self.smss,
        };
        self.cwnd = self.cwnd.saturating_add(n.min(limit));
        if self.cwnd >= self.ssthresh {
            self.recovering = false;
        }
    }

    /// One SMSS once a whole window has been acknowledged, hence at most one per round trip. What was acknowledged
    /// beyond that window is not carried over: one acknowledgement of several windows is still one step.
    fn avoid_congestion(&mut self, n: u32) {
        self.bytes_acked = self.bytes_acked.saturating_add(n);
        if self.bytes_acked >= self.cwnd {
            self.bytes_acked = 0;
            self.cwnd = self.cwnd.saturating_add(self.smss);
        }
    }
}

fn initial_window(smss: u32, choice: InitialWindow) -> u32 {
    let segments = match choice {
        InitialWindow::Rfc5681 if smss > 2190 => 2,
        InitialWindow::Rfc5681 if smss > 1095 => 3,
        InitialWindow::Rfc5681 => 4,
        InitialWindow::Segments(n) => u32::from(n.max(1)),
    };
    smss.saturating_mul(segments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SMSS: u32 = 1000;

    fn fresh() -> Congestion {
        Congestion::new(1000, CongestionConfig::default())
    }

    #[test]
    fn initial_window_follows_the_rfc_table() {
        let iw = |smss, initial_window| {
            let config = CongestionConfig { initial_window, ..CongestionConfig::default() };
            Congestion::new(smss, config).cwnd()
        };
        assert_eq!(iw(536, InitialWindow::Rfc5681), 4 * 536);
        assert_eq!(iw(1095, InitialWindow::Rfc5681), 4 * 1095);
        assert_eq!(iw(1096, InitialWindow::Rfc5681), 3 * 1096);
        assert_eq!(iw(2190, InitialWindow::Rfc5681), 3 * 2190);
        assert_eq!(iw(2191, InitialWindow::Rfc5681), 2 * 2191);
        assert_eq!(iw(1460, InitialWindow::Segments(10)), 14_600);
    }

    #[test]
    fn slow_start_adds_one_segment_per_ack_at_most() {
        let mut c = fresh();
        c.on_ack(300);
        assert_eq!(c.cwnd(), 4 * SMSS + 300);
        c.on_ack(5 * SMSS);
        assert_eq!(c.cwnd(), 5 * SMSS + 300);
    }

    #[test]
    fn limit_two_holds_only_before_a_timeout() {
        let mut c = Congestion::new(
            1000,
            CongestionConfig { slow_start_limit: SlowStartLimit::Two, ..CongestionConfig::default() },
        );
        c.on_ack(5 * SMSS);
        assert_eq!(c.cwnd(), 6 * SMSS);
        c.on_rto(6 * SMSS, Transmissions::Once);
        c.on_ack(5 * SMSS);
        assert_eq!(c.cwnd(), 2 * SMSS);
        // Once ssthresh is reached the timeout is overcome: a later slow start has its limit back.
        c.on_rto(20 * SMSS, Transmissions::Once);
        for _ in 0..9 {
            c.on_ack(SMSS);
        }
        assert_eq!((c.cwnd(), c.ssthresh()), (10 * SMSS, 10 * SMSS));
        c.on_idle();
        c.on_ack(5 * SMSS);
        assert_eq!(c.cwnd(), 6 * SMSS);
    }

    #[test]
    fn a_timeout_halves_the_flight_once_and_restarts_from_one_segment() {
        let mut c = fresh();
        c.on_rto(40 * SMSS, Transmissions::Once);
        assert_eq!((c.cwnd(), c.ssthresh()), (SMSS, 20 * SMSS));
        c.on_rto(SMSS, Transmissions::Repeated);
        assert_eq!((c.cwnd(), c.ssthresh()), (SMSS, 20 * SMSS));
        c.on_rto(SMSS, Transmissions::Once);
        assert_eq!((c.cwnd(), c.ssthresh()), (SMSS, 2 * SMSS));
    }

    #[test]
    fn congestion_avoidance_adds_one_segment_per_window() {
        let mut c = fresh();
        c.on_rto(8 * SMSS, Transmissions::Once);
        for _ in 0..3 {
            c.on_ack(SMSS);
        }
        assert_eq!((c.cwnd(), c.ssthresh()), (4 * SMSS, 4 * SMSS));
        for _ in 0..3 {
            c.on_ack(SMSS);
        }
        assert_eq!(c.cwnd(), 4 * SMSS);
        c.on_ack(SMSS);
        assert_eq!(c.cwnd(), 5 * SMSS);
    }

    #[test]
    fn one_ack_of_several_windows_is_one_step() {
        let mut c = fresh();
        c.on_rto(2 * SMSS, Transmissions::Once);
        c.on_ack(SMSS);
        assert_eq!((c.cwnd(), c.ssthresh()), (2 * SMSS, 2 * SMSS));
        c.on_ack(20 * SMSS);
        c.on_ack(SMSS);
        assert_eq!(c.cwnd(), 3 * SMSS);
    }

    #[test]
    fn a_lost_syn_or_an_idle_hour_shrinks_the_window() {
        let mut c = fresh();
        c.on_established_after_lost_syn();
        assert_eq!(c.cwnd(), SMSS);
        c.on_idle();
        assert_eq!(c.cwnd(), SMSS);
        for _ in 0..20 {
            c.on_ack(SMSS);
        }
        c.on_idle();
        assert_eq!(c.cwnd(), 4 * SMSS);
    }

    proptest! {
        /// However a window's worth of bytes is cut into acknowledgements (ACK division), it opens cwnd at most
        /// twofold.
        #[test]
        fn a_window_of_acks_at_most_doubles_cwnd(
            cuts in prop::collection::vec(1_u32..3000, 1..60),
            flight in prop::option::of(0_u32..100_000),
        ) {
            let mut c = fresh();
            if let Some(flight) = flight {
                c.on_rto(flight, Transmissions::Once);
            }
            let before = c.cwnd();
            let mut left = before;
            for cut in cuts {
                let n = cut.min(left);
                left -= n;
                c.on_ack(n);
            }
            prop_assert!(c.cwnd() <= before * 2);
            prop_assert!(c.cwnd() >= before);
        }

        #[test]
        fn never_below_one_segment_and_never_a_panic(
            smss in any::<u16>(),
            events in prop::collection::vec((0_u8..4, any::<u32>()), 0..100),
        ) {
            let mut c = Congestion::new(smss, CongestionConfig::default());
            for (kind, n) in events {
                match kind {
                    0 => c.on_ack(n),
                    1 => c.on_rto(n, Transmissions::Once),
                    2 => c.on_rto(n, Transmissions::Repeated),
                    _ => c.on_idle(),
                }
                prop_assert!(c.cwnd() >= u32::from(smss).max(1));
                prop_assert!(c.ssthresh() >= 2);
            }
        }
    }
}
