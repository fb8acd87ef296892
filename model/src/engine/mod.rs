//! The interpreter of the table, and the privacy boundary around a connection's variables.
//!
//! Top to bottom: [`step()`] walks the stages, [`guard`] says what is the case, `action` does one line of
//! RFC prose; [`predict`] is a short cut for what usually arrives, [`pack`] makes waiting
//! connections small. Nothing outside this folder can change a [`Tcb`].

mod action;
pub mod guard;
mod host;
pub mod pack;
pub mod predict;
mod step;
mod tcb;

pub use host::{Accepted, Challenge, Host};
pub use pack::{SynReceivedTcb, TimeWaitTcb};
pub use predict::Prediction;
pub use step::{Fired, step};
pub use tcb::Tcb;
