//! The tester and a stack behind an interface: Lockstep on a TAP, whose kernel's side is the tester's, and the Linux kernel
//! at the other end of a veth pair, each with the two services that are all the help it gives.
//!
//! Without the ordinary harness, because a namespace must be entered before any thread exists.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use lockstep::Config;
use lockstep::device::Tap;
use lockstep::device::tap::{TapConfig, TapError};
use lockstep::drive::Driver;
use lockstep::stack::Stack;
use lockstep_conformance::lab::Lab;
use lockstep_conformance::namespace::{self, require};
use lockstep_conformance::scenario;
use lockstep_conformance::system::linux::Linux;
use lockstep_conformance::system::tap::TapTarget;
use lockstep_conformance::verdict::{Subject, Verdict, examine};
use lockstep_model::Table;

const STACK: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

type Test = fn() -> ExitCode;

const TESTS: [(&str, Test); 2] = [("lockstep", lockstep_on_a_tap), ("linux", the_kernel_on_a_veth)];

/// Where the kernel does not do what the RFC says, as the ledger knows of it as `linux`: what its request sockets do with
/// a SYN, text that comes with one, and text that lacks its timestamp.
const KERNEL_DIFFERS: [&str; 4] = [
    "3.5-establish/listen-syn-with_text",
    "3.5-establish/syn_received-syn-listen",
    "3.5-establish/syn_received-syn-repeated",
    "rfc7323/established-text-no_timestamp",
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if namespace::is_child() {
        return child(arguments.first().map(String::as_str).unwrap_or_default());
    }
    let wanted = |name: &str| arguments.iter().all(|word| word.starts_with('-') || name.contains(word.as_str()));
    let mut good = true;
    for (name, _) in TESTS.iter().filter(|(name, _)| wanted(name)) {
        let status = namespace::reexec([name]).status().expect("this program starts again");
        good &= match status.code() {
            Some(code) if code == i32::from(namespace::EXIT_REFUSED) => {
                require::skip(require::NETNS, "see above").map_err(|missing| println!("{missing}")).is_ok()
            }
            code => code == Some(0),
        };
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn child(name: &str) -> ExitCode {
    if let Err(refused) = namespace::enter() {
        eprintln!("{refused}");
        return ExitCode::from(namespace::EXIT_REFUSED);
    }
    let (_, test) = TESTS.iter().find(|(known, _)| *known == name).expect("a test of this name");
    test()
}

fn lockstep_on_a_tap() -> ExitCode {
    let mut tap = match Tap::open("tap0") {
        Ok(tap) => tap,
        Err(error @ (TapError::NoDriver | TapError::MayNotOpen | TapError::MayNotAttach { .. })) => {
            let skipped = require::skip("tap", error);
            return skipped.map_or_else(|missing| fail(&missing.to_string()), |()| ExitCode::SUCCESS);
        }
        Err(error) => panic!("{error}"),
    };
    let host_addr = Ipv4Addr::new(192, 0, 2, 100);
    tap.configure(TapConfig { host_addr, prefix_len: 24, mtu: 1500 }).expect("the TAP gets an address");
    let stack = Stack::new(Config::new(STACK, 24), Table::repaired(), *b"not a secret one").expect("a stack");
    let driver = Driver::spawn(stack, tap).expect("a thread");
    for (port, service) in [(7, Service::Echo), (9, Service::Discard)] {
        let listener = lockstep::net::TcpListener::bind(driver.handle(), (STACK, port)).expect("a port");
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                thread::spawn(move || service.serve(&mut &stream, &mut &stream));
            }
        });
    }
    let told = judge("tap:tap0", &BTreeSet::new());
    driver.stop(Duration::ZERO).expect("it stops");
    told
}

fn the_kernel_on_a_veth() -> ExitCode {
    // Builds the pair `system` and `tester`; threads made from now on are in its network.
    let kernel = Linux::new(1500).expect("a veth pair");
    for (port, service) in [(7, Service::Echo), (9, Service::Discard)] {
        let listener = std::net::TcpListener::bind((STACK, port)).expect("a port");
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                thread::spawn(move || {
                    service.serve(&mut &stream, &mut &stream);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
    }
    let told = judge("tap:tester", &BTreeSet::from(KERNEL_DIFFERS));
    drop(kernel);
    told
}

#[derive(Clone, Copy)]
enum Service {
    Echo,
    Discard,
}

impl Service {
    /// Serves one connection to its end. What goes wrong with it is its peer's concern.
    fn serve(self, from: &mut impl Read, to: &mut impl Write) {
        let _ = match self {
            Self::Echo => io::copy(from, to),
            Self::Discard => io::copy(from, &mut io::sink()),
        };
    }
}

/// Runs every scenario, tells what became of them, and compares those that fail with those that should.
fn judge(system: &str, expected: &BTreeSet<&str>) -> ExitCode {
    let mut lab = Lab::committed().expect("the ledger is well-formed");
    lab.tap = Some(TapTarget::parse(system, &STACK.to_string()).expect("a target"));
    let (mut conform, mut skipped, mut failed) = (0, 0, BTreeSet::new());
    for scenario in scenario::find(&scenario::folder()).expect("there are scenarios") {
        let outcome = examine(&scenario, Subject::Tap, &lab);
        match &outcome.verdict {
            Verdict::Pass => conform += 1,
            Verdict::Skip { reason } => {
                skipped += 1;
                println!("  {system} {}: {reason}", scenario.name);
            }
            verdict => {
                println!("  {system} {}: {verdict:#?}", scenario.name);
                failed.insert(scenario.name.clone());
            }
        }
    }
    println!("{system}: {conform} conform, {skipped} skipped, {} fail", failed.len());
    let failed: BTreeSet<&str> = failed.iter().map(String::as_str).collect();
    if failed != *expected {
        return fail(&format!("{system}: those that fail are not those that should: {failed:?}"));
    }
    if conform < MOST_EASILY { fail(&format!("{system}: only {conform} conform")) } else { ExitCode::SUCCESS }
}

/// So many scenarios at least need nothing but a service.
const MOST_EASILY: usize = 20;

fn fail(why: &str) -> ExitCode {
    println!("FAILED {why}");
    ExitCode::FAILURE
}
