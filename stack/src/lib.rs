//! A user-space TCP/IP stack whose connections change state only by the rows of a checked table.

pub mod device;
pub mod tcp;
pub mod time;
pub mod wire;
