//! `cargo +nightly fuzz run stack`; on stable, the files given as arguments are replayed.
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(stack);
