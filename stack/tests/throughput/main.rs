//! Much text in virtual time between Lockstep and smoltcp in every combination: how fast, and every octet where it belongs.

mod host;
mod matrix;
mod ours;
mod soak;
mod theirs;
mod transfer;
