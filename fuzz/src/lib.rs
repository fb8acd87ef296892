//! One function per fuzz target. Each takes any bytes and panics if something that must hold does
//! not: besides "no panic", what was parsed survives being emitted and parsed again, and
//! `etherparse`, an independent decoder, reads the same, but for the differences named in the code.
//!
//! `fuzz_targets/NAME.rs` makes a program of each, `tests/replay.rs` runs the committed corpora on
//! stable. A new target is a function and a line in [`TARGETS`], such a program and its `[[bin]]`.

mod internet;
mod link;
mod script;
mod stack;
mod tcp;

pub use internet::{icmpv4, ipv4};
pub use link::{arp, ethernet};
pub use script::script;
pub use stack::stack;
pub use tcp::{tcp, tcp_header};

use std::io;

/// Takes any bytes; panics on a finding.
pub type Target = fn(&[u8]);

/// All targets by name, which is also that of the program and of the directory in `corpus`.
pub const TARGETS: [(&str, Target); 8] = [
    ("arp", arp),
    ("ethernet", ethernet),
    ("icmpv4", icmpv4),
    ("ipv4", ipv4),
    ("script", script),
    ("stack", stack),
    ("tcp", tcp),
    ("tcp_header", tcp_header),
];

/// Makes a program of a target: under `cargo fuzz` the fuzzer calls it, else `main` replays the
/// files given as arguments.
#[macro_export]
macro_rules! target {
    ($target:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$target(data));

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            $crate::replay_arguments($crate::$target)
        }
    };
}

/// Runs a target on each file that the program's arguments name.
///
/// # Errors
/// When a file cannot be read.
pub fn replay_arguments(target: Target) -> io::Result<()> {
    for file in std::env::args_os().skip(1) {
        println!("{}", file.display());
        target(&std::fs::read(file)?);
    }
    Ok(())
}

/// The Internet checksum as `etherparse` computes it, over pieces of which only the last may be odd.
fn sums_to_zero(pieces: &[&[u8]]) -> bool {
    let sum = pieces.iter().fold(etherparse::checksum::Sum16BitWords::new(), |sum, piece| sum.add_slice(piece));
    sum.ones_complement() == 0
}
