//! `lockstep ping`: is a host there, and how far away?

use std::io;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use clap::Args;

use lockstep::net::{EchoReply, Pinger};

use super::CliError;
use super::link::Link;
use super::options::LinkOptions;

/// Octets of data in each request, as many as with everybody else's ping.
const DATA: [u8; 56] = [0x5a; 56];

#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The host's address
    #[arg(value_name = "ADDR")]
    host: Ipv4Addr,
    /// Stop after so many requests; at Ctrl-C if not given
    #[arg(short, long, value_parser = clap::value_parser!(u16).range(1..))]
    count: Option<u16>,
    /// Between requests
    #[arg(short, long, value_name = "MILLISECONDS", default_value_t = 1_000)]
    interval: u32,
    /// How long to wait for each reply
    #[arg(short = 'W', long, value_name = "MILLISECONDS", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    timeout: u32,
    #[command(flatten)]
    link: LinkOptions,
}

/// Asks and reports; it is a failure if there was no reply at all.
pub fn run(options: &Options) -> Result<ExitCode, CliError> {
    let link = Link::open(&options.link)?;
    let (tell, interrupted) = mpsc::channel();
    let handle = link.handle().clone();
    ctrlc::set_handler(move || {
        // Nobody listens any more at the very end, and it does not matter.
        let _ = tell.send(());
        handle.interrupt();
    })?;

    let fail = |error| cannot_ping(options.host, error);
    let mut pinger = Pinger::new(link.handle()).map_err(fail)?;
    let (mut sent, mut received) = (0_u16, 0_u16);
    for sequence in 1..=options.count.unwrap_or(u16::MAX) {
        let timeout = Duration::from_millis(options.timeout.into());
        let reply = match pinger.ping(options.host.into(), sequence, &DATA, timeout) {
            Ok(reply) => reply,
            // The signal is the reason, not the failure.
            Err(_) if interrupted.try_recv().is_ok() => break,
            Err(error) => return Err(fail(error)),
        };
        sent += 1;
        received += u16::from(reply.is_some());
        print_reply(sequence, reply);
        let is_last = options.count == Some(sequence);
        if !is_last && interrupted.recv_timeout(Duration::from_millis(options.interval.into())).is_ok() {
            break;
        }
    }
    println!("{sent} sent, {received} received");
    link.stop(Duration::ZERO)?;
    Ok(if received > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn cannot_ping(host: Ipv4Addr, error: io::Error) -> CliError {
    let error = match error.kind() {
        io::ErrorKind::InvalidInput => io::Error::other("no other single host has this address"),
        io::ErrorKind::NetworkUnreachable => io::Error::other("there is no route"),
        _ => error,
    };
    CliError::Ping(host, error)
}

fn print_reply(sequence: u16, reply: Option<EchoReply>) {
    match reply {
        Some(EchoReply { from, len, time, .. }) => {
            println!("{len} octets from {from}: sequence {sequence}, {:.3} ms", time.as_secs_f64() * 1_000.0);
        }
        None => println!("no reply to sequence {sequence}"),
    }
}
