//! A user-space TCP/IP stack whose connections change state only by the rows of a checked table.

#[cfg(feature = "historical-bugs")]
pub mod bugs;
#[cfg(not(feature = "historical-bugs"))]
mod bugs;
pub mod device;
pub mod drive;
pub mod drops;
pub mod ip;
pub mod limits;
pub mod link;
pub mod net;
pub mod stack;
pub mod tcp;
pub mod time;
pub mod wire;

pub use drops::{DropReason, Drops};
pub use limits::Limits;
pub use stack::{Config, ConfigError, Stack};
