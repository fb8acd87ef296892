//! The same TCP scenarios on Lockstep, the Linux kernel and other stacks, every segment and state judged by the table.
//!
//! ```text
//!   script ---- run ---- system (lockstep | linux | smoltcp | tap)
//!                |
//!              trace ---- oracle ---- the table of lockstep-model
//!                |           |
//!               script's   table's
//!                   \ verdict / ---- deviations ---- report
//! ```
//!
//! * A [`scenario`] is a [`script`] in the packetdrill language.
//! * [`run`] plays it on a [`system`] and writes down a [`trace`] of all that was done and seen.
//! * The script says what should have been seen, the [`oracle`] what the table can explain; a [`verdict`] needs both.
//! * [`deviations`] knows where a system is different on purpose; a [`lab`] is what is chosen once for all scenarios.
//! * [`claims`] says what Lockstep claims to be, and names the test that shows it.
//! * A [`profile`] says what scripts let pass on a stack, a [`personality`] makes Lockstep behave as another host does.
//! * Everything runs in child processes, [`jobs`] for the [`worker`]: what a script does to its process is a verdict on
//!   this script. The kernel runs in a [`namespace`] besides.
//! * A [`report`] tells people and programs.

pub mod cells;
pub mod claims;
pub mod deviations;
pub mod jobs;
pub mod lab;
pub mod namespace;
pub mod oracle;
pub mod personality;
pub mod profile;
pub mod report;
pub mod run;
pub mod scenario;
pub mod script;
pub mod settings;
pub mod system;
pub mod trace;
pub mod verdict;
pub mod worker;
