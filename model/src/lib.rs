//! The TCP connection state machine of RFC 9293 as one declarative table, and the one engine that runs it.
//!
//! # The contract
//!
//! A connection is a [`Tcb`], born CLOSED. Nothing but [`step`] changes it, and its short cut for what usually arrives,
//! [`Prediction`]; both do only what the rows of a [`Table`] say. Everything that moves a connection is an [`Event`]:
//!
//! 1. the user's calls ([`Call`]),
//! 2. an arriving [`Segment`],
//! 3. [`Event::Sent`]: text or a FIN that the host really put on the wire,
//! 4. a timer that went off ([`Timer`]).
//!
//! The *host* of the engine (the stack, the model checker, the oracle) implements [`Host`]. It owns all
//! that the table does not decide: buffers, windows, the durations of timers, congestion, the wire. The table decides
//! *what* happens, the host *how much* and *when*:
//!
//! - during `step` the engine asks the host for facts (`rcv_wnd`, `unsent`, `unread`, ...) and tells it what to do
//!   (`emit`, `acknowledge`, `accept`, `retransmit`, `probe`, `start`, ...);
//! - after every `step` the host sends what it now may (text in the window, then the FIN if
//!   [`fin_due`](Tcb::fin_due)) and reports each new piece with `Event::Sent`; a retransmission is not reported;
//! - acknowledgments asked for during one `step`, or one batch of arrivals, leave as one segment (MUST-58, MUST-59).
//!
//! Without the feature `check` this library is `no_std` and has no dependencies.
#![cfg_attr(not(any(feature = "check", test)), no_std)]
#![warn(clippy::wildcard_enum_match_arm)]

#[cfg(feature = "check")]
pub mod check;
pub mod engine;
pub mod event;
#[cfg(feature = "check")]
pub mod render;
pub mod segment;
pub mod seq;
pub mod state;
pub mod table;

pub use engine::{Accepted, Challenge, Fired, Host, Prediction, SynReceivedTcb, Tcb, TimeWaitTcb, step};
pub use event::{Call, Event, Reply, Signal, Timer, Urgency};
pub use segment::{Flag, Flags, Segment};
pub use seq::{Mod, Seq, SeqNum};
pub use state::{State, StateSet};
pub use table::{Policy, Profile, Rule, RuleId, Table};
