//! The sender's loss recovery: what was transmitted, what of it is lost, and what is to leave again.
//!
//! | file | its one job |
//! |---|---|
//! | `sent` | the retransmission queue: segments in flight and lost |
//! | `blocks` `scoreboard` | SACK blocks read with suspicion (RFC 2018, RFC 2883); what the peer holds, IsLost (RFC 6675) |
//! | `rack` `tlp` | losses by time, and probes of the tail (RFC 8985) |
//! | `newreno` `limited_transmit` | without SACK (RFC 5681, RFC 6582); the first two duplicates (RFC 3042) |
//! | `prr` | the window during recovery (RFC 6937) |
//! | `frto` `undo` | timeouts and recoveries for nothing (RFC 5682, RFC 3708) |
//! | `flight` | all of these, while something is in flight |
//!
//! Recovery says *what* leaves again; [`congestion`](super::congestion) how much may be in flight, the table when the
//! retransmission timer runs. Whatever is sent and not acknowledged is in flight and will be judged, or lost and will leave:
//! the retransmission timer runs in any case.

mod blocks;
mod flight;
mod frto;
mod limited_transmit;
mod newreno;
mod prr;
mod rack;
mod scoreboard;
mod sent;
#[cfg(test)]
mod tests;
mod tlp;
mod undo;

use lockstep_model::Seq;

use super::congestion::Controller;
use super::ecn::{Echo, Ecn};
use super::rtt::RttEstimator;
use crate::time::{Instant, Micros};
use crate::wire::SackBlock;
use flight::Flight;
use rack::PathMemory;

/// Which of the mechanisms of loss recovery are used. The retransmission timer is no choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecoveryConfig {
    /// Fast retransmit and fast recovery: RFC 6675 where the peer tells what he holds, NewReno (RFC 6582) where he does
    /// not. Without it there are only timeouts.
    pub fast_recovery: bool,
    /// Losses by time instead of by counting (RFC 8985 §6).
    pub rack: bool,
    /// Tail loss probes (RFC 8985 §7).
    pub tail_loss_probe: bool,
    /// Proportional rate reduction (RFC 6937). Without it the window falls at once.
    pub proportional_rate_reduction: bool,
    /// Limited transmit (RFC 3042).
    pub limited_transmit: bool,
    /// Detection of spurious timeouts (RFC 5682).
    pub f_rto: bool,
    /// Detection of needless recoveries by D-SACK (RFC 3708).
    pub undo: bool,
}

impl Default for RecoveryConfig {
    fn default() -> Self {
        Self {
            fast_recovery: true,
            rack: true,
            tail_loss_probe: true,
            proportional_rate_reduction: true,
            limited_transmit: true,
            f_rto: true,
            undo: true,
        }
    }
}

impl RecoveryConfig {
    /// Nothing but the retransmission timer.
    #[must_use]
    pub fn timeouts_only() -> Self {
        Self {
            fast_recovery: false,
            rack: false,
            tail_loss_probe: false,
            proportional_rate_reduction: false,
            limited_transmit: false,
            f_rto: false,
            undo: false,
        }
    }
}

/// What recovery works with and on, besides its own state.
pub(super) struct Means<'a> {
    pub now: Instant,
    pub config: &'a RecoveryConfig,
    /// Both ends permit selective acknowledgments.
    pub sack: bool,
    /// The most text that a segment of ours carries.
    pub smss: u32,
    pub rtt: &'a mut RttEstimator,
    pub congestion: &'a mut Controller,
    pub ecn: &'a mut Ecn,
}

/// What an acceptable acknowledgment says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard<'a> {
    /// SEG.ACK.
    pub ack: Seq,
    /// It is a duplicate acknowledgment by the five conditions of RFC 5681 §2, but for the first: that something is
    /// outstanding.
    pub duplicate: bool,
    /// Its SACK blocks.
    pub blocks: &'a [SackBlock],
    /// The round trip that its timestamps tell of.
    pub echoed: Option<Micros>,
    /// Whether it echoes a mark.
    pub echo: Echo,
    /// SND.WND before it.
    pub window: u32,
    /// SEG.WND.
    pub offered: u32,
    /// Octets of new text that wait.
    pub unsent: u32,
}

/// A piece of what was sent, that is to leave again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Again {
    pub seq: Seq,
    /// Octets, the FIN counted as one.
    pub len: u32,
}

/// What has left and is not acknowledged, in segments, for who wants to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct InFlight {
    /// What is known of losses.
    pub phase: LossPhase,
    /// How many segments; what the peer holds counts, and what is sent again counts once.
    pub segments: u32,
    /// How many of them the peer holds beyond a hole, as far as he can tell.
    pub held: u32,
    /// How many were lost; those that have left again are among them until they are acknowledged.
    pub lost: u32,
    /// How many have left again.
    pub again: u32,
}

/// What is known of losses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LossPhase {
    /// Nothing.
    #[default]
    Open,
    /// The peer holds something beyond a hole, which may be reordered or lost.
    Disorder,
    /// Something is lost, of which the peer has told.
    Fast,
    /// The retransmission timer has run out.
    Timeout,
}

/// The loss recovery of one connection. While nothing is in flight there is little to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Recovery {
    path: PathMemory,
    flight: Option<Box<Flight>>,
}

impl Recovery {
    // ---- What leaves ---------------------------------------------------------------------------------------------------

    /// Whether `len` octets may leave, as far as congestion goes. The first octets in flight always may, and so may what a
    /// loss that was just found asks for.
    pub fn allows(&self, len: u32, cwnd: u32, smss: u32) -> bool {
        self.flight.as_ref().is_none_or(|flight| flight.allows(len, cwnd, smss))
    }

    /// The next piece to leave again, of at most `smss` octets, if the window `cwnd` allows.
    pub fn next_again(&self, cwnd: u32, smss: u32) -> Option<Again> {
        self.flight.as_ref()?.next_again(cwnd, smss)
    }

    /// What to send again although it is not known to be lost, when there is no new text: the third and fourth rule of
    /// NextSeg() (RFC 6675 §4).
    pub fn rescue(&self, cwnd: u32, smss: u32) -> Option<Again> {
        self.flight.as_ref()?.rescue(cwnd, smss)
    }

    /// Whether a tail loss probe is to leave now; if there is no new text, it is this.
    pub fn probe(&self, smss: u32) -> Option<Again> {
        self.flight.as_ref()?.probe(smss)
    }

    /// `len` octets that begin at `seq` have left for the first time. Returns whether the retransmission timer begins anew.
    pub fn sent(&mut self, seq: Seq, len: u32, means: &Means<'_>) -> bool {
        let flight = self.flight.take().filter(|flight| flight.goes_on_at(seq));
        let after_probe = std::mem::take(&mut self.path.probe_unanswered);
        let mut flight = flight.unwrap_or_else(|| Box::new(Flight::new(seq, after_probe, means)));
        let restarts = flight.sent(len, means);
        self.flight = Some(flight);
        restarts
    }

    /// This piece has left again. Returns whether the retransmission timer begins anew.
    pub fn sent_again(&mut self, again: Again, now: Instant) -> bool {
        self.flight.as_mut().is_some_and(|flight| flight.sent_again(again, now))
    }

    // ---- What is heard, and what is not --------------------------------------------------------------------------------

    /// An acceptable acknowledgment arrives.
    pub fn on_ack(&mut self, heard: &Heard<'_>, means: &mut Means<'_>) {
        let Some(flight) = &mut self.flight else {
            // There is nothing else that it could be about than what has arrived twice (RFC 8985 §7.4.2).
            self.path.probe_unanswered &= !heard.duplicate && heard.blocks.is_empty();
            return;
        };
        flight.hear(heard, &mut self.path, means);
        if flight.is_over() {
            self.path.probe_unanswered = flight.has_unanswered_probe();
            self.flight = None;
        }
    }

    /// The retransmission timer has run out; `first` for this segment.
    pub fn on_timeout(&mut self, first: bool, means: &mut Means<'_>) {
        if let Some(flight) = &mut self.flight {
            flight.time_out(first, &self.path, means);
        }
    }

    /// It has run out while the peer's window is closed, which is no sign of congestion: the first octet leaves again.
    pub fn on_closed_window(&mut self, now: Instant) {
        if let Some(flight) = &mut self.flight {
            flight.repeat_probe(now);
        }
    }

    /// A closed window is open: what it did not take leaves again.
    pub fn on_window_opened(&mut self) {
        if let Some(flight) = &mut self.flight {
            flight.repeat_all();
        }
    }

    /// The path takes no segments of more than `smss` octets: larger ones are lost, and not by congestion (RFC 1191 §6.5).
    pub fn on_narrow_path(&mut self, smss: u32) {
        if let Some(flight) = &mut self.flight {
            flight.repeat_longer_than(smss);
        }
    }

    /// Forgets everything in flight: the connection was reset or aborted.
    pub fn clear(&mut self) {
        self.flight = None;
        self.path.probe_unanswered = false;
    }

    // ---- To look at ------------------------------------------------------------------------------------------------------

    /// What is in flight.
    pub fn in_flight(&self) -> InFlight {
        self.flight.as_ref().map_or(InFlight::default(), |flight| flight.describe())
    }

    /// The least round trip of late.
    pub fn min_rtt(&self) -> Option<Micros> {
        self.path.min_rtt()
    }

    // ---- Time ------------------------------------------------------------------------------------------------------------

    /// When a loss or the need for a probe will be found, if nothing is heard until then.
    pub fn deadline(&self) -> Option<Instant> {
        self.flight.as_ref()?.deadline()
    }

    /// Finds what is to be found at this time.
    pub fn expire(&mut self, means: &mut Means<'_>) {
        if self.deadline().is_some_and(|at| at <= means.now)
            && let Some(flight) = &mut self.flight
        {
            flight.expire(&self.path, means);
        }
    }

    /// The same with times relative to `now`.
    pub fn project(&self, now: Instant) -> Self {
        let flight = self.flight.as_ref().map(|flight| Box::new(flight.project(now)));
        Self { path: self.path.project(now), flight }
    }
}
