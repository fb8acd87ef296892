//! `lockstep serve`: the echo service (RFC 862) and the discard service (RFC 863).

use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum};

use lockstep::net::{TcpListener, TcpStream};

use super::CliError;
use super::link::Link;
use super::options::LinkOptions;

/// So many connections of a service are served at a time; others wait to be accepted.
const WORKERS: usize = 64;

/// How long peers have to acknowledge the end of the program.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Args)]
pub struct Options {
    /// What to do with what arrives; several services have a port each
    #[arg(required = true)]
    services: Vec<Service>,
    /// The port of the first service, those of the others follow; the services' own (7 for echo, 9 for discard) if not given,
    /// any free ones if zero
    #[arg(long)]
    port: Option<u16>,
    #[command(flatten)]
    link: LinkOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Service {
    /// Send it back
    Echo,
    /// Forget it
    Discard,
}

/// Serves until a signal comes, which is no failure, or the device fails, which is one.
pub fn run(options: &Options) -> Result<ExitCode, CliError> {
    let Options { services, port, link } = options;
    let link = Link::open(link)?;
    let handle = link.handle().clone();
    ctrlc::set_handler(move || handle.interrupt())?;

    let mut listeners = Vec::new();
    for (place, service) in (0..).zip(services) {
        let port = port.map_or(service.port(), |first| if first == 0 { 0 } else { first.saturating_add(place) });
        let socket = link.socket(port);
        let fail = |error| CliError::Listen(socket, error);
        let listener = TcpListener::bind(link.handle(), socket).map_err(fail)?;
        println!("{} on {}", service.name(), listener.local_addr().map_err(fail)?);
        listeners.push((*service, listener));
    }
    thread::scope(|scope| {
        for (service, listener) in &listeners {
            for _ in 0..WORKERS {
                scope.spawn(|| service.work(listener));
            }
        }
    });
    link.stop(PATIENCE)?;
    Ok(ExitCode::SUCCESS)
}

impl Service {
    fn port(self) -> u16 {
        match self {
            Self::Echo => 7,
            Self::Discard => 9,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Discard => "discard",
        }
    }

    /// Serves one connection after the other, as long as the stack runs.
    fn work(self, listener: &TcpListener) {
        while let Ok((stream, _)) = listener.accept() {
            // What goes wrong with one connection is its peer's concern; `--trace` shows it.
            let _ = self.serve(&stream);
        }
    }

    fn serve(self, mut stream: &TcpStream) -> io::Result<u64> {
        match self {
            Self::Echo => io::copy(&mut stream.try_clone()?, &mut stream),
            Self::Discard => io::copy(&mut stream, &mut io::sink()),
        }
    }
}
