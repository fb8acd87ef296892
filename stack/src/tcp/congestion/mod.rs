//! How much may be in flight: congestion control (RFC 5681), one file per algorithm behind one trait.
//!
//! | file | its one job |
//! |---|---|
//! | `window` | what all algorithms share: the window, its threshold, slow start |
//! | `hystart` | slow start that ends in time (RFC 9406) |
//! | `newreno` | congestion avoidance of RFC 5681 |
//! | `cubic` `cube_root` | congestion avoidance of RFC 9438 |
//!
//! All quantities are octets of text, all times are passed in, all arithmetic is on integers. The connection says what it
//! learned: text was acknowledged, text was lost, a timer ran out. *That* something was lost is for loss recovery to
//! find out; how much slower to go is decided here.

mod cube_root;
mod cubic;
mod hystart;
mod newreno;
mod window;

pub use cubic::Cubic;
pub use newreno::NewReno;

use crate::time::{Instant, Micros};

/// How congestion is avoided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Additive increase, multiplicative decrease (RFC 5681, RFC 6582).
    NewReno,
    /// Growth with the cube of time, which fills long fat pipes (RFC 9438).
    #[default]
    Cubic,
}

/// How large the congestion window starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum InitialWindow {
    /// Two, three or four segments by the size of one (RFC 5681 §3.1).
    Rfc5681,
    /// Ten segments, or 14,600 octets if that is fewer, but two at least (RFC 6928 §2).
    #[default]
    Rfc6928,
    /// This many segments, at least one.
    Segments(u8),
}

/// The choices the RFCs leave open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CongestionConfig {
    /// How congestion is avoided.
    pub algorithm: Algorithm,
    /// The initial window.
    pub initial_window: InitialWindow,
    /// By how many segments one acknowledgment may open the window in slow start: the L of RFC 3465 §2.2. One is the
    /// standard (RFC 5681 §3.1 equation 2), two makes up for a receiver that acknowledges every second segment. After a
    /// retransmission timeout it is one whatever is set here (RFC 3465 §2.3).
    pub slow_start_limit: u8,
    /// The first slow start ends when round trips become longer (RFC 9406), and until then one acknowledgment may open the
    /// window by eight segments.
    pub hystart: bool,
    /// CUBIC leaves room for newcomers (RFC 9438 §4.7).
    pub fast_convergence: bool,
}

impl Default for CongestionConfig {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            initial_window: InitialWindow::default(),
            slow_start_limit: 2,
            hystart: true,
            fast_convergence: true,
        }
    }
}

/// An acknowledgment of text not acknowledged before, while nothing is known to be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acked {
    /// When it arrived.
    pub now: Instant,
    /// How many octets of text it acknowledges.
    pub octets: u32,
    /// The round trip it measured, if it measured one.
    pub rtt: Option<Micros>,
    /// The smoothed round-trip time (RFC 6298), if there is one.
    pub srtt: Option<Micros>,
    /// FlightSize before it: octets transmitted and not acknowledged.
    pub in_flight: u32,
    /// Not the congestion window but the user or the peer's window held us back: the window has not been tried out, and
    /// does not grow.
    pub app_limited: bool,
}

/// What a congestion control is told, and what it answers.
///
/// `in_flight` is FlightSize: octets transmitted and not cumulatively acknowledged (RFC 5681 §2), but for what limited
/// transmit sent (RFC 3042). Acknowledgments of a SYN are not reported ("MUST NOT increase the size of the congestion
/// window", RFC 5681 §3.1).
pub trait Congestion {
    /// The congestion window.
    fn cwnd(&self) -> u32;

    /// The slow start threshold; `u32::MAX` before anything has been lost.
    fn ssthresh(&self) -> u32;

    /// New text is acknowledged outside recovery.
    fn on_ack(&mut self, ack: &Acked);

    /// Something is lost and recovery begins, once per window: `ssthresh` falls, and `cwnd` to it if it was above.
    fn on_loss(&mut self, now: Instant, in_flight: u32);

    /// During recovery the window is what the recovery says (RFC 6937, RFC 6582).
    fn on_recovery(&mut self, cwnd: u32);

    /// Recovery is over: `cwnd` is `ssthresh`.
    fn on_recovered(&mut self, now: Instant);

    /// The retransmission timer ran out, for the first time for this segment or once more (RFC 5681 §3.1).
    fn on_rto(&mut self, now: Instant, in_flight: u32, first: bool);

    /// The peer echoes a congestion mark, once per window (RFC 3168 §6.1.2).
    fn on_ecn(&mut self, now: Instant, in_flight: u32);

    /// What [`on_loss`](Self::on_loss) or [`on_rto`](Self::on_rto) last took for congestion was none (RFC 5682, RFC 3708).
    fn on_spurious(&mut self, now: Instant);

    /// Nothing was sent for longer than one RTO: what the window was then means nothing (RFC 5681 §4.1).
    fn on_idle(&mut self, now: Instant);

    /// The path has become narrower or wider: segments carry so many octets at most.
    fn on_mss(&mut self, smss: u32);

    /// The handshake needed a retransmitted SYN or SYN,ACK: the initial window is one segment (RFC 5681 §3.1).
    fn on_established_after_lost_syn(&mut self);
}

/// The congestion control of one connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Controller {
    /// RFC 5681.
    NewReno(NewReno),
    /// RFC 9438.
    Cubic(Cubic),
}

impl Controller {
    /// That of a new connection whose segments carry at most `smss` octets.
    #[must_use]
    pub fn new(smss: u16, config: CongestionConfig) -> Self {
        match config.algorithm {
            Algorithm::NewReno => Self::NewReno(NewReno::new(smss, config)),
            Algorithm::Cubic => Self::Cubic(Cubic::new(smss, config)),
        }
    }

    /// The same with its times relative to `now`.
    #[must_use]
    pub fn project(&self, now: Instant) -> Self {
        match self {
            Self::NewReno(newreno) => Self::NewReno(newreno.clone()),
            Self::Cubic(cubic) => Self::Cubic(cubic.project(now)),
        }
    }

    fn algorithm(&self) -> &dyn Congestion {
        match self {
            Self::NewReno(newreno) => newreno,
            Self::Cubic(cubic) => cubic,
        }
    }

    fn algorithm_mut(&mut self) -> &mut dyn Congestion {
        match self {
            Self::NewReno(newreno) => newreno,
            Self::Cubic(cubic) => cubic,
        }
    }
}

impl Congestion for Controller {
    fn cwnd(&self) -> u32 {
        self.algorithm().cwnd()
    }

    fn ssthresh(&self) -> u32 {
        self.algorithm().ssthresh()
    }

    fn on_ack(&mut self, ack: &Acked) {
        self.algorithm_mut().on_ack(ack);
    }

    fn on_loss(&mut self, now: Instant, in_flight: u32) {
        self.algorithm_mut().on_loss(now, in_flight);
    }

    fn on_recovery(&mut self, cwnd: u32) {
        self.algorithm_mut().on_recovery(cwnd);
    }

    fn on_recovered(&mut self, now: Instant) {
        self.algorithm_mut().on_recovered(now);
    }

    fn on_rto(&mut self, now: Instant, in_flight: u32, first: bool) {
        self.algorithm_mut().on_rto(now, in_flight, first);
    }

    fn on_ecn(&mut self, now: Instant, in_flight: u32) {
        self.algorithm_mut().on_ecn(now, in_flight);
    }

    fn on_spurious(&mut self, now: Instant) {
        self.algorithm_mut().on_spurious(now);
    }

    fn on_idle(&mut self, now: Instant) {
        self.algorithm_mut().on_idle(now);
    }

    fn on_mss(&mut self, smss: u32) {
        self.algorithm_mut().on_mss(smss);
    }

    fn on_established_after_lost_syn(&mut self) {
        self.algorithm_mut().on_established_after_lost_syn();
    }
}

#[cfg(test)]
mod laws;
