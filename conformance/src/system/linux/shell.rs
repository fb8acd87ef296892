//! Shell commands of a scenario, such as `tc qdisc ...` or `nstat`, in its network namespace.
//!
//! They are programs of this machine, and have the rights of whoever runs them; only their network is another. So they
//! are run only if that was asked for ([`allow_shell`](super::Linux::allow_shell)), for scenarios whose author one trusts as
//! much as a shell script's. packetdrill runs them all.

use std::io::{self, PipeReader, Read};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::sys;
use crate::system::Fault;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much of what a command says is told when it fails.
const MOST_SAID: usize = 500;

/// How often it is looked whether the command has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Runs a command in the calling thread's network namespace, and waits for its end. Nothing that it started outlives it.
///
/// # Errors
/// [`Fault::Command`] if it cannot be run, takes too long, or does not exit with zero.
pub(super) fn run(command: &str) -> Result<(), Fault> {
    let failed = |how: String| Fault::Command { command: command.to_owned(), how };
    let (mut reader, mut child) = start(command).map_err(|error| failed(format!("cannot be run: {error}")))?;
    let mut said = Vec::new();
    let ended = wait(&mut child, &mut reader, &mut said);
    sys::kill_group(child.id());
    let status = ended.map_err(|error| failed(format!("cannot be waited for: {error}")))?;
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(failed(format!("ends with {status}{}", tell(&said)))),
        None => {
            // It was killed just now; that leaves no zombie behind.
            let _ = child.wait();
            Err(failed(format!("still runs after {PATIENCE:?}{}", tell(&said))))
        }
    }
}

fn start(command: &str) -> io::Result<(PipeReader, Child)> {
    let (reader, writer) = io::pipe()?;
    let child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .spawn()?;
    Ok((reader, child))
}

/// Waits for the end, and reads what the command says meanwhile, so that it never blocks on that.
fn wait(child: &mut Child, reader: &mut PipeReader, said: &mut Vec<u8>) -> io::Result<Option<ExitStatus>> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let ended = child.try_wait()?;
        let more = hear(reader, said, if ended.is_some() { Duration::ZERO } else { LOOK_AGAIN })?;
        match ended {
            Some(status) if !more => return Ok(Some(status)),
            // A pipe that is closed is always readable.
            None if !more => std::thread::sleep(LOOK_AGAIN),
            Some(_) | None => {}
        }
    }
    child.try_wait()
}

/// Reads once, if there is anything within this time. Says whether there was.
fn hear(reader: &mut PipeReader, said: &mut Vec<u8>, time: Duration) -> io::Result<bool> {
    let mut events = [libc::pollfd { fd: reader.as_raw_fd(), events: libc::POLLIN, revents: 0 }];
    sys::poll(&mut events, time)?;
    if events[0].revents == 0 {
        return Ok(false);
    }
    let mut buffer = [0; 4_096];
    let length = reader.read(&mut buffer)?;
    said.extend(&buffer[..length.min(MOST_SAID.saturating_sub(said.len()))]);
    Ok(length > 0)
}

/// `: ` and what the command said, on one line.
fn tell(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(command: &str) -> String {
        run(command).expect_err(command).to_string()
    }

    #[test]
    fn a_command_succeeds_or_tells_why_not() {
        run("true").expect("it succeeds");
        run("seq 1 100000").expect("however much it says");
        assert_eq!(failure("exit 3"), "the command `exit 3` ends with exit status: 3");
        let said = failure("echo no such; echo device >&2; false");
        assert!(said.ends_with("ends with exit status: 1: no such device"), "{said}");
        assert!(failure("kill -9 $$").ends_with("ends with signal: 9 (SIGKILL)"));
    }

    #[test]
    fn what_a_command_leaves_behind_is_ended() {
        let began = Instant::now();
        let mark = std::env::temp_dir().join(format!("lockstep-shell-{}", std::process::id()));
        run(&format!("(sleep 1; touch {}) & true", mark.display())).expect("it succeeds");
        assert!(began.elapsed() < Duration::from_millis(900), "it is not waited for");
        std::thread::sleep(Duration::from_millis(1_300));
        assert!(!mark.exists());
    }
}
