//! The kernel as system under test: what the runner relies on, shown on the kernel of this machine.
//!
//! Without the ordinary harness, because a namespace must be entered before any thread exists. Every test is a child of
//! its own, run as the current user and, where that is root, once more as nobody.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Output as Finished};
use std::time::{Duration, Instant};

use lockstep_conformance::namespace::{self, require};

mod basics;
mod calls;
mod links;
mod peer;

/// What runs as every user.
const TESTS: &[(&str, fn())] = &[
    ("calls_that_block_return_later", basics::calls_that_block_return_later),
    ("nonblocking_calls_return_at_once", basics::nonblocking_calls_return_at_once),
    ("what_the_observer_misses_is_told", basics::what_the_observer_misses_is_told),
    ("options_are_set_and_read", basics::options_are_set_and_read),
    ("every_option_is_known", basics::every_option_is_known),
    ("foreign_descriptors_are_bad", basics::foreign_descriptors_are_bad),
    ("knobs_turn_in_one_namespace_only", basics::knobs_turn_in_one_namespace_only),
    ("a_hundred_scenarios_in_one_process", basics::a_hundred_scenarios_in_one_process),
    ("tcp_info_tells_of_the_connection", calls::tcp_info_tells_of_the_connection),
    ("polling_waits_for_what_is_wanted", calls::polling_waits_for_what_is_wanted),
    ("an_ioctl_counts_octets", calls::an_ioctl_counts_octets),
    ("flags_mean_what_they_mean_in_c", calls::flags_mean_what_they_mean_in_c),
    ("what_blocks_gives_up_in_time", calls::what_blocks_gives_up_in_time),
    ("a_close_that_lingers_waits_for_the_peer", calls::a_close_that_lingers_waits_for_the_peer),
    ("connections_are_dropped", calls::connections_are_dropped),
    ("commands_run_in_the_namespace_only", calls::commands_run_in_the_namespace_only),
    ("numbers_wrap_where_we_want", calls::numbers_wrap_where_we_want),
];

/// The exit status of a child that has no `/dev/net/tun`; the sentence is on its standard error.
const EXIT_NO_TAP: u8 = 78;

/// An argument that makes the child start a thread before it enters.
const THREADED: &str = "threaded";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if namespace::is_child() { child(&arguments) } else { parent(&arguments) }
}

fn child(arguments: &[String]) -> ExitCode {
    let name = arguments.first().map(String::as_str).unwrap_or_default();
    if name == THREADED {
        std::thread::spawn(|| std::thread::sleep(Duration::from_secs(60)));
    }
    if let Err(refused) = namespace::enter() {
        eprintln!("{refused}");
        return ExitCode::from(namespace::EXIT_REFUSED);
    }
    let all = [TESTS, links::VETH, links::TUNNELS].concat();
    let (_, test) = all.iter().find(|(known, _)| *known == name).expect("a test of this name");
    test();
    ExitCode::SUCCESS
}

fn parent(arguments: &[String]) -> ExitCode {
    let began = Instant::now();
    let filters: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(*filter));
    let mut tally = Tally::default();
    for user in users() {
        let tunnels = if user.may_have_tunnels() { links::TUNNELS } else { &[] };
        for (name, _) in [TESTS, links::VETH, tunnels].concat() {
            let full = format!("{name}::{}", user.name);
            if wanted(&full) {
                let outcome = match user.run(name) {
                    Ok(finished) => outcome(&finished),
                    Err(error) => skipped(user.name, &error.to_string()),
                };
                tally.add(&full, outcome);
            } else {
                tally.filtered += 1;
            }
        }
    }
    if wanted("a_threaded_process_is_refused") {
        let finished = namespace::reexec([THREADED]).output().expect("this program starts again");
        tally.add("a_threaded_process_is_refused", threaded_is_refused(&finished));
    }
    tally.report(began.elapsed())
}

/// Whom a test runs as.
struct User {
    name: &'static str,
    id: Option<u32>,
}

impl User {
    /// `/dev/net/tun` is root's, and an ordinary user is told so; nobody need not be told twice.
    fn may_have_tunnels(&self) -> bool {
        self.id.is_none()
    }

    /// Runs a test in a child. It cannot start where root is not free to become this user, as in a container of one
    /// user.
    fn run(&self, test: &str) -> io::Result<Finished> {
        let mut command: Command = namespace::reexec([test]);
        if let Some(id) = self.id {
            command.uid(id).gid(id);
        }
        command.output()
    }
}

fn users() -> Vec<User> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|this| std::os::unix::fs::MetadataExt::uid(&this) == 0);
    if is_root {
        vec![User { name: "root", id: None }, User { name: "nobody", id: Some(65_534) }]
    } else {
        vec![User { name: "user", id: None }]
    }
}

enum Outcome {
    Passed,
    Skipped,
    Failed(String),
}

fn outcome(finished: &Finished) -> Outcome {
    let error = String::from_utf8_lossy(&finished.stderr);
    match finished.status.code() {
        Some(0) => Outcome::Passed,
        Some(code) if code == i32::from(namespace::EXIT_REFUSED) => skipped(require::NETNS, error.trim()),
        Some(code) if code == i32::from(EXIT_NO_TAP) => skipped("tap", error.trim()),
        _ => Outcome::Failed(format!("{}\n{error}", finished.status)),
    }
}

fn skipped(feature: &str, reason: &str) -> Outcome {
    match require::skip(feature, reason) {
        Ok(()) => Outcome::Skipped,
        Err(missing) => Outcome::Failed(missing.to_string()),
    }
}

fn threaded_is_refused(finished: &Finished) -> Outcome {
    let error = String::from_utf8_lossy(&finished.stderr);
    let refused = finished.status.code() == Some(i32::from(namespace::EXIT_REFUSED));
    if refused && error == "a network namespace needs a process with one thread, and this one has 2\n" {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("{}\n{error}", finished.status))
    }
}

#[derive(Default)]
struct Tally {
    passed: u32,
    failed: u32,
    skipped: u32,
    filtered: u32,
}

impl Tally {
    fn add(&mut self, name: &str, outcome: Outcome) {
        match outcome {
            Outcome::Passed => {
                self.passed += 1;
                println!("test {name} ... ok");
            }
            Outcome::Skipped => {
                self.skipped += 1;
                println!("test {name} ... ignored");
            }
            Outcome::Failed(why) => {
                self.failed += 1;
                println!("test {name} ... FAILED\n{why}");
            }
        }
    }

    fn report(&self, took: Duration) -> ExitCode {
        let Tally { passed, failed, skipped, filtered } = self;
        let word = if *failed == 0 { "ok" } else { "FAILED" };
        let seconds = took.as_secs_f64();
        print!("\ntest result: {word}. {passed} passed; {failed} failed; {skipped} ignored; 0 measured; ");
        println!("{filtered} filtered out; finished in {seconds:.2}s\n");
        if *failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
