//! Placeholder.

pub mod deviations;
pub mod namespace;
pub mod oracle;
pub mod report;
pub mod run;
pub mod scenario;
pub mod script;
pub mod system;
pub mod trace;
pub mod verdict;
pub mod worker;
