//! What several tests share.
#![allow(dead_code, reason = "each test program uses its part of this")]

pub mod markup;
pub mod whim;
