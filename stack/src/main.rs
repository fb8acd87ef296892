//! `lockstep`: the stack on a TAP device, as a server, a client, or just to see who is there.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
