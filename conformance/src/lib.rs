//! Placeholder.

pub mod namespace;
pub mod oracle;
pub mod script;
pub mod system;
pub mod trace;
