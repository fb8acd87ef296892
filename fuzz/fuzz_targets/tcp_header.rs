//! `cargo +nightly fuzz run tcp_header`; on stable, the files given as arguments are replayed.
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(tcp_header);
