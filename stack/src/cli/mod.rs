//! The program: what its user says, and what he hears when it goes wrong.

mod connect;
mod link;
mod options;
mod ping;
mod serve;
mod tcp;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use thiserror::Error;

use lockstep::ConfigError;
use lockstep::device::DeviceError;
use lockstep::device::tap::TapError;
use lockstep::drive::DriveError;

/// A user-space TCP/IP stack on a TAP device.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve whoever connects, until Ctrl-C
    Serve(serve::Options),
    /// Connect, send what comes from standard input, print what arrives; ends when both directions have ended
    Connect(connect::Options),
    /// Ask a host whether it is there
    Ping(ping::Options),
}

/// Why the program does not do what it was asked to.
#[derive(Debug, Error)]
enum CliError {
    #[error("{0} is not in the subnet {1}")]
    Elsewhere(Ipv4Addr, options::Subnet),
    #[error("the address {0} is already in use by the host's side of the TAP")]
    HostsOwn(Ipv4Addr),
    #[error("bad address: {0}")]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Tap(#[from] TapError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Drive(#[from] DriveError),
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
    #[error("cannot catch signals: {0}")]
    Signals(#[from] ctrlc::Error),
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    #[error("cannot connect to {0}: {1}")]
    Connect(SocketAddr, io::Error),
    #[error("cannot ping {0}: {1}")]
    Ping(Ipv4Addr, io::Error),
    #[error("{0}")]
    Talk(io::Error),
}

/// Does what the command line says. The exit status is 0 if that went well, 1 if not, 2 if the command line makes no
/// sense, and 130 if a signal ended it before it was done.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.kind() == ErrorKind::ValueValidation => return complain_in_one_line(&error),
        Err(error) => error.exit(),
    };
    let outcome = match cli.command {
        Command::Serve(options) => serve::run(&options),
        Command::Connect(options) => connect::run(&options),
        Command::Ping(options) => ping::run(&options),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("lockstep: {error}");
        ExitCode::FAILURE
    })
}

/// What a signal has ended.
const INTERRUPTED: u8 = 130;

/// A value that cannot be: the first line says which, and why.
fn complain_in_one_line(error: &clap::Error) -> ExitCode {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    eprintln!("lockstep: {}", line.trim_start_matches("error: "));
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
