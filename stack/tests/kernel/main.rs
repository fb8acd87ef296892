//! Lockstep and the Linux kernel talk across a TAP, each test in a network namespace of its own.
//!
//! A test needs `/dev/net/tun`, `unshare` and the programs it names; what is missing is said in one line, and is a failure
//! where `LOCKSTEP_REQUIRE` names `tap` or `netns`.

#[path = "../common/mod.rs"]
mod common;
#[path = "../congestion/dumbbell.rs"]
mod dumbbell;
mod fairness;
mod gate;
mod networks;
mod program;
mod simultaneous;
mod sizes;
mod support;
mod transfer;
mod urgent;
mod windows;
mod wrap;
