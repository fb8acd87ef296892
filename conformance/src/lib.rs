//! Placeholder.

pub mod namespace;
pub mod script;
pub mod system;
pub mod trace;
