//! What several tests share; none of them uses all of it.
#![allow(dead_code)]

pub mod markup;
pub mod whim;
