//! RFC 9438, CUBIC: the window grows with the cube of the time since the last congestion, not with the round trips.
//!
//! After congestion at a window of W_max the window falls to 0.7 of that, comes back to W_max along the concave half of a cubic
//! curve after K seconds, stays there for a while, and goes on to look for more along the convex half:
//!
//! ```text
//! W_cubic(t) = C * (t - K)^3 + W_max           C = 0.4 segments per second cubed
//! K = cbrt((W_max - cwnd_epoch) / C)
//! ```
//!
//! Where NewReno would be faster (short round trips, small windows), it goes as fast as that: W_est.
//!
//! Windows are octets, times microseconds, fractions of octets are carried over. K is exact to a microsecond and W_cubic to an octet;
//! the tests compare both with floating point.

use std::num::NonZeroU32;

use super::cube_root::cube_root;
use super::window::{Share, Window};
use super::{Acked, Congestion, CongestionConfig};
use crate::time::{Instant, Micros};

/// β of RFC 9438 §4.6: seven tenths of what was in flight.
const BETA: Share = Share { parts: 7, of: 10 };

/// §4.7: a flow that lost before it came back to its old maximum leaves room for others. (1 + β) / 2.
const FAST_CONVERGENCE: Share = Share { parts: 17, of: 20 };

/// α of §4.3, 3 * (1 - β) / (1 + β) = 9/17: so W_est, which falls less than NewReno's window, is as large on average.
const ALPHA_PARTS: u64 = 9;
const ALPHA_OF: u64 = 17;

/// C of §5.1, as 4 segments per 10 seconds cubed.
const C: (u128, u128) = (4, 10);

/// Microseconds cubed in a second cubed.
const SECOND_CUBED: u128 = 1_000_000_000_000_000_000;

/// The longest time from K that makes a difference: 2^36 microseconds (19 hours) from it the curve is beyond 2^32 octets even for
/// segments of one octet.
const FAR_FROM_K: u64 = 1 << 36;

/// The cubic congestion control.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cubic {
    window: Window,
    past: Past,
    /// Before the last reduction.
    undo: Option<Box<Undo>>,
}

/// What is remembered of the last congestion, and the stage of congestion avoidance since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Past {
    /// W_max: the window before the last reduction; `None` before the first one and after a timeout.
    w_max: Option<NonZeroU32>,
    /// The window before the last reduction, whatever reduced it: from there on W_est grows as fast as NewReno.
    cwnd_prior: u32,
    /// The current stage of congestion avoidance, once it has begun.
    epoch: Option<Box<Epoch>>,
}

/// Everything a reduction changes (§4.9).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Undo {
    window: Window,
    past: Past,
}

impl Cubic {
    /// The state of a new connection whose segments carry at most `smss` octets.
    #[must_use]
    pub fn new(smss: u16, config: CongestionConfig) -> Self {
        Self { window: Window::new(smss, config), past: Past::default(), undo: None }
    }

    /// The same with its times relative to `now`.
    pub(super) fn project(&self, now: Instant) -> Self {
        let mut projected = self.clone();
        projected.past.project(now);
        if let Some(undo) = &mut projected.undo {
            undo.past.project(now);
        }
        projected
    }

    /// §4.2 to §4.5: towards where the curve is one round trip from now, but at most half as much again; or to where NewReno
    /// would be, if that is more than the curve.
    fn avoid_congestion(&mut self, ack: &Acked) {
        let (cwnd, smss) = (self.window.cwnd(), self.window.smss());
        let Past { w_max, cwnd_prior, epoch } = &mut self.past;
        let epoch =
            epoch.get_or_insert_with(|| Box::new(Epoch::begin(ack.now, cwnd, w_max.map(NonZeroU32::get), smss)));
        let rtt = ack.srtt.or(ack.rtt).unwrap_or_default();
        epoch.goes_on(ack.now, rtt);
        // No window is acknowledged twice in one round trip.
        let octets = ack.octets.min(cwnd);
        let w_est = epoch.estimate_newreno(octets, cwnd, *cwnd_prior, smss);
        let growth = if epoch.w_cubic(Micros::ZERO, smss) < w_est {
            w_est.saturating_sub(cwnd)
        } else {
            let target = epoch.w_cubic(rtt, smss).clamp(cwnd, cwnd.saturating_add(cwnd / 2));
            epoch.grow_towards(target, octets, cwnd)
        };
        self.window.grow(growth);
    }

    /// §4.6 and §4.7: what is to be remembered of the window that was too large.
    fn congested(&mut self) {
        let cwnd = self.window.cwnd();
        let came_back = self.past.w_max.is_none_or(|w_max| cwnd >= w_max.get());
        let fast = self.window.config().fast_convergence && !came_back;
        let w_max = if fast { FAST_CONVERGENCE.apply(cwnd) } else { cwnd };
        self.past = Past { w_max: NonZeroU32::new(w_max), cwnd_prior: cwnd, epoch: None };
    }

    fn remember(&mut self) {
        self.undo = Some(Box::new(Undo { window: self.window.clone(), past: self.past.clone() }));
    }
}

impl Congestion for Cubic {
    fn cwnd(&self) -> u32 {
        self.window.cwnd()
    }

    fn ssthresh(&self) -> u32 {
        self.window.ssthresh()
    }

    /// §5.8: a window that is not used does not grow, nor does time pass for it.
    fn on_ack(&mut self, ack: &Acked) {
        if ack.app_limited {
            if let Some(epoch) = &mut self.past.epoch {
                epoch.pause(ack.now);
            }
        } else if self.window.in_slow_start() {
            self.window.slow_start(ack);
        } else {
            self.avoid_congestion(ack);
        }
    }

    fn on_loss(&mut self, _now: Instant, in_flight: u32) {
        self.remember();
        self.congested();
        self.window.reduce(in_flight, BETA);
    }

    fn on_recovery(&mut self, cwnd: u32) {
        self.window.set(cwnd);
        self.past.epoch = None;
    }

    fn on_recovered(&mut self, _now: Instant) {
        self.window.recovered();
        self.past.epoch = None;
    }

    /// §4.8: as NewReno, but for β; and the first stage after it begins at the plateau (K = 0).
    fn on_rto(&mut self, _now: Instant, in_flight: u32, first: bool) {
        if first {
            self.remember();
            self.past = Past { w_max: None, cwnd_prior: self.window.cwnd(), epoch: None };
        }
        self.window.time_out(in_flight, first, BETA);
    }

    /// §4.6: the same reduction, and none that could be undone.
    fn on_ecn(&mut self, _now: Instant, in_flight: u32) {
        self.undo = None;
        self.congested();
        self.window.reduce(in_flight, BETA);
    }

    /// §4.9: all is as before the reduction, unless the window has meanwhile become larger by itself.
    fn on_spurious(&mut self, _now: Instant) {
        if let Some(Undo { window, past }) = self.undo.take().map(|undo| *undo)
            && self.window.return_to(window)
        {
            self.past = past;
        }
    }

    fn on_idle(&mut self, _now: Instant) {
        self.window.restart();
        self.past.epoch = None;
    }

    fn on_mss(&mut self, smss: u32) {
        self.window.resize(smss);
    }

    fn on_established_after_lost_syn(&mut self) {
        self.window.begin_with_one_segment();
    }
}

impl Past {
    fn project(&mut self, now: Instant) {
        if let Some(epoch) = &mut self.epoch {
            epoch.last_ack = Instant::ZERO + now.since(epoch.last_ack);
        }
    }
}

/// One stage of congestion avoidance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Epoch {
    /// The t of the formula: how long the stage lasts, without the time in which the window was not used.
    elapsed: Micros,
    last_ack: Instant,
    /// When the curve reaches its plateau.
    k: Micros,
    /// Where its plateau is.
    plateau: u32,
    /// How far the window is from having grown by the next octet.
    growth: Fraction,
    /// What the window of NewReno would be.
    w_est: u32,
    est_growth: Fraction,
}

impl Epoch {
    /// §4.2. Without a maximum to come back to, and above it, the plateau is here (§4.8, §4.10).
    fn begin(now: Instant, cwnd: u32, w_max: Option<u32>, smss: u32) -> Self {
        let plateau = w_max.unwrap_or(cwnd).max(cwnd);
        Self {
            elapsed: Micros::ZERO,
            last_ack: now,
            k: time_to_plateau(plateau - cwnd, smss),
            plateau,
            growth: Fraction::default(),
            w_est: cwnd,
            est_growth: Fraction::default(),
        }
    }

    /// Time passes. While the window is used, acknowledgments come at least once a round trip, or a little later; what is longer
    /// than two was a time of silence.
    fn goes_on(&mut self, now: Instant, rtt: Micros) {
        self.elapsed = self.elapsed + now.since(self.last_ack).min(rtt.saturating_mul(2));
        self.last_ack = now;
    }

    /// Time passes, but not for this.
    fn pause(&mut self, now: Instant) {
        self.last_ack = now;
    }

    /// Equation 1, `ahead` from now, rounded down to an octet.
    fn w_cubic(&self, ahead: Micros, smss: u32) -> u32 {
        w_cubic(self.elapsed + ahead, self.k, self.plateau, smss)
    }

    /// §4.4 and §4.5: (target - cwnd) / cwnd for each segment acknowledged.
    fn grow_towards(&mut self, target: u32, octets: u32, cwnd: u32) -> u32 {
        self.growth.add(u64::from(target.saturating_sub(cwnd)) * u64::from(octets), cwnd.into())
    }

    /// §4.3: α segments for each window acknowledged, one segment from the window on that was too much.
    fn estimate_newreno(&mut self, octets: u32, cwnd: u32, cwnd_prior: u32, smss: u32) -> u32 {
        let parts = if self.w_est < cwnd_prior { ALPHA_PARTS } else { ALPHA_OF };
        let step = self.est_growth.add(parts * u64::from(smss) * u64::from(octets), ALPHA_OF * u64::from(cwnd));
        self.w_est = self.w_est.saturating_add(step);
        self.w_est
    }
}

/// What remains of octets that have been counted in parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Fraction(u64);

impl Fraction {
    /// Adds `parts` parts, of which `whole` are one octet, and takes what is whole.
    fn add(&mut self, parts: u64, whole: u64) -> u32 {
        let whole = whole.max(1);
        let sum = self.0.saturating_add(parts);
        self.0 = sum % whole;
        u32::try_from(sum / whole).unwrap_or(u32::MAX)
    }
}

/// Equation 2: K = cbrt(missing / C), `missing` octets below the plateau, rounded down to a microsecond.
fn time_to_plateau(missing: u32, smss: u32) -> Micros {
    Micros::new(cube_root(u128::from(missing) * SECOND_CUBED * C.1 / (C.0 * u128::from(smss))))
}

/// Equation 1: C * (t - K)^3 + W_max, in octets. It saturates at both ends.
fn w_cubic(t: Micros, k: Micros, w_max: u32, smss: u32) -> u32 {
    let distance = u128::from(t.get().abs_diff(k.get()).min(FAR_FROM_K));
    let octets = C.0 * u128::from(smss) * distance.pow(3) / (C.1 * SECOND_CUBED);
    let octets = u32::try_from(octets).unwrap_or(u32::MAX);
    if t < k { w_max.saturating_sub(octets) } else { w_max.saturating_add(octets) }
}

#[cfg(test)]
mod tests;
