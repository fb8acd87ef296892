//! What the tests share: a stack on a TAP, the programs of others, and patience with an end.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use lockstep::Config;
use lockstep::device::tap::{TapConfig, TapError};
use lockstep::device::{Device, Tap};
use lockstep::drive::Driver;
use lockstep::stack::{Stack, Transition};
use lockstep_model::{Seq, Table, Tcb};

use super::common;

/// The kernel's address, and ours.
pub const KERNEL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// Nothing here takes so long.
pub const LONG: Duration = Duration::from_secs(60);

/// A configured TAP, or a skip.
pub fn tap() -> Option<Tap> {
    tap_of_mtu(1500)
}

pub fn tap_of_mtu(mtu: u16) -> Option<Tap> {
    match Tap::open("lockstep0") {
        Ok(mut tap) => {
            tap.configure(TapConfig { host_addr: KERNEL, prefix_len: 24, mtu }).unwrap();
            Some(tap)
        }
        Err(error @ (TapError::NoDriver | TapError::MayNotOpen | TapError::MayNotAttach { .. })) => {
            common::skip("tap", &error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A stack that does not wait for hours.
pub fn stack(change: impl FnOnce(&mut Config)) -> Stack {
    let mut config = Config::new(US, 24);
    change(&mut config);
    Stack::new(config, Table::repaired(), *b"not quite random").unwrap()
}

/// The variables of the connection with this socket of the kernel's.
pub fn tcb<D: Device + Send + 'static>(driver: &Driver<D>, remote: SocketAddr) -> Tcb<Seq> {
    // The time matters only for timers.
    let projection = driver.handle().look(|stack| stack.project(lockstep::time::Instant::ZERO));
    let connection = projection.connections().find(|connection| connection.pair.remote == remote);
    connection.expect("a connection").tcb
}

/// Whether all these programs are there; says which is not.
pub fn have(programs: &[&str]) -> bool {
    let is_there = |program: &&&str| {
        let look = format!("command -v {program}");
        Command::new("sh").args(["-c", &look]).output().is_ok_and(|output| output.status.success())
    };
    match programs.iter().find(|program| !is_there(program)) {
        Some(missing) => {
            common::skip("tap", &format!("the test across it needs the program `{missing}`"));
            false
        }
        None => true,
    }
}

/// The changes of state that were traced, as `--trace` prints them, without time and addresses.
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Vec<String>>>);

impl Trace {
    pub fn sink(&self) -> impl FnMut(Transition) + Send + 'static {
        let lines = Arc::clone(&self.0);
        move |transition| lines.lock().unwrap().push(changes(&transition.to_string()))
    }

    pub fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }

    pub fn wait_for(&self, change: &str) {
        eventually(change, || self.0.lock().unwrap().iter().any(|line| line.starts_with(change)).then_some(()));
    }
}

/// `FROM -> TO by RULE` of a line of `--trace`.
pub fn changes(line: &str) -> String {
    line.split(' ').skip(4).collect::<Vec<_>>().join(" ")
}

/// Looks again and again until there is something, not for ever.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    while begun.elapsed() < LONG {
        if let Some(seen) = look() {
            return seen;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("waited in vain for: {what}");
}

/// A command that ends after a minute at the latest.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=1", "60", program]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end.
pub fn run(program: &str, arguments: &[&str]) -> Output {
    command(program, arguments).output().unwrap()
}

/// Runs a command to its end with this as its standard input.
pub fn run_with_input(program: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = command(program, arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || match stdin.write_all(input) {
            // A program may end before it has read everything.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written.unwrap(),
        });
        child.wait_with_output().unwrap()
    })
}

/// `lockstep` in the background, which has said in one line that it is ready.
pub struct Running {
    child: Option<Child>,
}

impl Running {
    /// `None`, and a skip, if there is no TAP for it.
    pub fn start(arguments: &[&str]) -> Option<Self> {
        // It is the one who is to say so if there is none.
        drop(tap()?);
        let mut child = command(LOCKSTEP, arguments).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains(" on 192.0.2.2:"), "{line:?}");
        Some(Self { child: Some(child) })
    }

    /// Ends it by this signal.
    pub fn stop(self, signal: &str) -> Output {
        send_signal(self.child.as_ref().unwrap(), signal);
        self.wait()
    }

    /// Waits until it has ended by itself.
    pub fn wait(mut self) -> Output {
        self.child.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            send_signal(&child, "TERM");
            let _ = child.wait();
        }
    }
}

/// The program under test.
pub const LOCKSTEP: &str = env!("CARGO_BIN_EXE_lockstep");

/// `timeout` hands it on to its own child.
pub fn send_signal(child: &Child, signal: &str) {
    let status = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// The kernel's state of its connection to us from this port of its own, as `ss` says it.
pub fn kernel_state(port: u16) -> Option<String> {
    let output = run("ss", &["-Htan", &format!("sport = :{port} and dst {US}")]);
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().next().map(str::to_owned)
}

pub fn wait_for_kernel_state(port: u16, state: &str) {
    let mut last = None;
    eventually(&format!("the kernel in {state}"), || {
        last = kernel_state(port);
        (last.as_deref() == Some(state)).then_some(())
    });
}

/// Octets that are not the same anywhere.
pub fn text(len: usize, seed: u64) -> Vec<u8> {
    let mut random = lockstep::device::prng::SplitMix64::new(seed);
    let mut text: Vec<u8> = (0..len.div_ceil(8)).flat_map(|_| random.next_u64().to_be_bytes()).collect();
    text.truncate(len);
    text
}

/// A file for one test, gone afterwards.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("lockstep-{}-{name}", std::process::id())))
    }

    pub fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The frames of a recording that match a display filter of Wireshark, with every checksum checked.
pub fn tshark(pcap: &Scratch, filter: &str) -> String {
    let checks = ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE"].map(|option| ["-o", option]);
    let output = run("tshark", &[&["-r", pcap.name()], &checks.concat()[..], &["-Y", filter]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
