//! Flows that share a line with a queue, in virtual time.

mod dumbbell;
mod pacing;
