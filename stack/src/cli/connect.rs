//! `lockstep connect`: standard input to a connection, and the connection to standard output.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::Args;

use lockstep::net::TcpStream;

use super::link::Link;
use super::options::LinkOptions;
use super::{CliError, INTERRUPTED};

/// How long the peer has to acknowledge our last octet and our FIN.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The peer's address
    #[arg(value_name = "ADDR")]
    host: Ipv4Addr,
    /// The peer's port
    port: u16,
    /// Our port; any free one if not given
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    local_port: u16,
    /// How long the peer has to answer; TCP's three minutes if not given
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: Option<u64>,
    #[command(flatten)]
    link: LinkOptions,
}

/// What the threads tell the main thread.
enum News {
    /// One direction has ended.
    Ended(io::Result<()>),
    /// A signal came.
    Interrupted,
}

/// Talks until both directions have ended.
pub fn run(options: &Options) -> Result<ExitCode, CliError> {
    let link = Link::open(&options.link)?;
    let (tell, news) = mpsc::channel();
    let (handle, teller) = (link.handle().clone(), tell.clone());
    ctrlc::set_handler(move || {
        // Nobody listens any more at the very end, and it does not matter.
        let _ = teller.send(News::Interrupted);
        handle.interrupt();
    })?;

    let remote = SocketAddr::from((options.host, options.port));
    let timeout = options.timeout.map(Duration::from_secs);
    let stream = TcpStream::connect_from(link.handle(), link.socket(options.local_port), remote, timeout);
    let outcome = match stream {
        Ok(stream) => talk(&stream, tell, &news),
        Err(error) => news.try_recv().map_err(|_| CliError::Connect(remote, error)),
    };
    match outcome {
        Ok(News::Ended(ended)) => {
            ended.map_err(CliError::Talk)?;
            link.stop(PATIENCE)?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(News::Interrupted) => {
            link.stop(Duration::ZERO)?;
            Ok(ExitCode::from(INTERRUPTED))
        }
        Err(error) => Err(error),
    }
}

/// Copies both ways; returns how it ended.
fn talk(stream: &TcpStream, tell: mpsc::Sender<News>, news: &mpsc::Receiver<News>) -> Result<News, CliError> {
    let [sending, receiving] = [stream.try_clone(), stream.try_clone()];
    let (mut sending, mut receiving) = (sending.map_err(CliError::Talk)?, receiving.map_err(CliError::Talk)?);
    let teller = tell.clone();
    thread::spawn(move || {
        let copied = copy(&mut io::stdin().lock(), &mut sending);
        teller.send(News::Ended(copied.and_then(|()| sending.shutdown(Shutdown::Write))))
    });
    thread::spawn(move || tell.send(News::Ended(copy(&mut receiving, &mut io::stdout().lock()))));

    for _ in 0..2 {
        match news.recv() {
            Ok(News::Ended(Ok(()))) => {}
            Ok(other @ (News::Interrupted | News::Ended(Err(_)))) => return Ok(other),
            // Both threads have ended, and have said so.
            Err(mpsc::RecvError) => break,
        }
    }
    Ok(News::Ended(Ok(())))
}

/// Copies to the end, and holds nothing back meanwhile.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buf = vec![0; 65_536];
    loop {
        match from.read(&mut buf) {
            Ok(0) => return Ok(()),
            Ok(len) => {
                to.write_all(&buf[..len])?;
                to.flush()?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
