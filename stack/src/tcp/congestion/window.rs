//! What all congestion controls share: a window, its threshold, and slow start (RFC 5681 §3.1) with appropriate byte
//! counting (RFC 3465).

use super::hystart::{Advice, HyStart};
use super::{Acked, CongestionConfig, InitialWindow};

/// The L of RFC 9406 §4.3 for a sender that does not pace itself: HyStart++ needs no other bound.
const HYSTART_LIMIT: u8 = 8;

/// The congestion window of one connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Window {
    config: CongestionConfig,
    smss: u32,
    cwnd: u32,
    ssthresh: u32,
    /// Slow start follows a timeout, until `ssthresh` is reached again.
    after_timeout: bool,
    /// Until anything is lost, if it is wanted.
    hystart: Option<Box<HyStart>>,
}

/// What a reduction leaves: so many parts of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub of: u32,
    pub parts: u32,
}

impl Share {
    pub fn apply(self, octets: u32) -> u32 {
        let share = u64::from(octets) * u64::from(self.parts) / u64::from(self.of);
        u32::try_from(share).unwrap_or(u32::MAX)
    }
}

impl Window {
    /// The initial window; `ssthresh` starts as high as can be.
    pub fn new(smss: u16, config: CongestionConfig) -> Self {
        let smss = u32::from(smss).max(1);
        let cwnd = initial_window(smss, config.initial_window);
        let hystart = config.hystart.then(Box::default);
        Self { config, smss, cwnd, ssthresh: u32::MAX, after_timeout: false, hystart }
    }

    pub fn config(&self) -> &CongestionConfig {
        &self.config
    }

    pub fn smss(&self) -> u32 {
        self.smss
    }

    pub fn cwnd(&self) -> u32 {
        self.cwnd
    }

    pub fn ssthresh(&self) -> u32 {
        self.ssthresh
    }

    pub fn in_slow_start(&self) -> bool {
        self.cwnd < self.ssthresh
    }

    /// RFC 5681 §3.1 equation 2 with the L of RFC 3465: `cwnd += min(N, L * SMSS)`. Counting octets makes ACK division
    /// useless.
    pub fn slow_start(&mut self, ack: &Acked) {
        let limit = match (self.after_timeout, &self.hystart) {
            (true, _) => 1,
            (false, None) => self.config.slow_start_limit.max(1),
            (false, Some(_)) => HYSTART_LIMIT,
        };
        let growth = ack.octets.min(self.smss.saturating_mul(limit.into()));
        match self.hystart.as_mut().map_or(Advice::Grow(growth), |hystart| hystart.on_ack(ack, growth)) {
            Advice::Grow(growth) => self.grow(growth),
            Advice::GrowAndLeave(growth) => {
                self.grow(growth);
                self.ssthresh = self.cwnd;
                self.hystart = None;
            }
        }
        if !self.in_slow_start() {
            self.after_timeout = false;
        }
    }

    pub fn grow(&mut self, octets: u32) {
        self.cwnd = self.cwnd.saturating_add(octets);
    }

    /// Congestion is no reason to send more: `cwnd` falls to the new `ssthresh`, and never rises to it.
    pub fn reduce(&mut self, in_flight: u32, keep: Share) {
        self.lower_threshold(in_flight, keep);
        self.cwnd = self.cwnd.min(self.ssthresh);
    }

    /// RFC 5681 §3.1 equation 4: `ssthresh` falls at the first timeout of a segment and is held constant at further
    /// ones; `cwnd` falls to the loss window of one segment every time.
    pub fn time_out(&mut self, in_flight: u32, first: bool, keep: Share) {
        if first {
            self.lower_threshold(in_flight, keep);
        }
        self.cwnd = self.smss;
        self.after_timeout = true;
    }

    fn lower_threshold(&mut self, in_flight: u32, keep: Share) {
        self.ssthresh = keep.apply(in_flight).max(self.smss.saturating_mul(2));
        self.hystart = None;
    }

    /// What recovery says, but never less than one segment.
    pub fn set(&mut self, cwnd: u32) {
        self.cwnd = cwnd.max(self.smss);
    }

    /// The end of recovery.
    pub fn recovered(&mut self) {
        self.set(self.ssthresh);
    }

    /// The restart window: min(IW, cwnd) (RFC 5681 §4.1).
    pub fn restart(&mut self) {
        self.cwnd = self.cwnd.min(initial_window(self.smss, self.config.initial_window));
    }

    /// Segments of another size. The path carries as many octets as before, and at least one segment.
    pub fn resize(&mut self, smss: u32) {
        self.smss = smss.clamp(1, u16::MAX.into());
        self.set(self.cwnd);
    }

    /// RFC 5681 §3.1: the initial window after a lost SYN.
    pub fn begin_with_one_segment(&mut self) {
        self.cwnd = self.smss;
    }

    /// As if there had been no reduction, unless it has grown larger since. Returns whether it has not.
    pub fn return_to(&mut self, before: Self) -> bool {
        let smaller = self.cwnd < before.cwnd;
        if smaller {
            let smss = self.smss;
            *self = before;
            self.resize(smss);
        }
        smaller
    }
}

fn initial_window(smss: u32, choice: InitialWindow) -> u32 {
    let segments = |n: u32| smss.saturating_mul(n);
    match choice {
        InitialWindow::Rfc5681 if smss > 2190 => segments(2),
        InitialWindow::Rfc5681 if smss > 1095 => segments(3),
        InitialWindow::Rfc5681 => segments(4),
        InitialWindow::Rfc6928 => segments(10).min(segments(2).max(14_600)),
        InitialWindow::Segments(n) => segments(u32::from(n.max(1))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn initial(smss: u16, initial_window: InitialWindow) -> u32 {
        Window::new(smss, CongestionConfig { initial_window, ..CongestionConfig::default() }).cwnd()
    }

    #[test]
    fn the_initial_window_follows_rfc_5681s_table() {
        assert_eq!(initial(536, InitialWindow::Rfc5681), 4 * 536);
        assert_eq!(initial(1095, InitialWindow::Rfc5681), 4 * 1095);
        assert_eq!(initial(1096, InitialWindow::Rfc5681), 3 * 1096);
        assert_eq!(initial(2190, InitialWindow::Rfc5681), 3 * 2190);
        assert_eq!(initial(2191, InitialWindow::Rfc5681), 2 * 2191);
    }

    #[test]
    fn the_initial_window_follows_rfc_6928s_formula() {
        assert_eq!(initial(536, InitialWindow::Rfc6928), 10 * 536);
        assert_eq!(initial(1460, InitialWindow::Rfc6928), 14_600);
        assert_eq!(initial(4000, InitialWindow::Rfc6928), 14_600);
        assert_eq!(initial(8960, InitialWindow::Rfc6928), 2 * 8960);
        assert_eq!(initial(1460, InitialWindow::Segments(0)), 1460);
        assert_eq!(initial(1460, InitialWindow::Segments(3)), 3 * 1460);
    }
}
