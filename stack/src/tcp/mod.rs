//! TCP: everything about a connection that the table does not decide.
//!
//! The table says *what* happens; these modules say *how much* and *when*. None of them reads a clock, knows a frame,
//! or changes a state.

pub mod congestion;
pub mod isn;
pub mod reassembly;
pub mod recv;
pub mod rtt;
pub mod send;
pub mod timers;
