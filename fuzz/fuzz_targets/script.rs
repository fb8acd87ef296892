//! `cargo +nightly fuzz run script`; on stable, the files given as arguments are replayed.
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(script);
