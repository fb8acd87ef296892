//! A CUBIC flow of ours beside one of the kernel's: both go through one queue to one receiver, and share it.

use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use lockstep::tcp::congestion::{Algorithm, CongestionConfig};
use lockstep::time::{self, Micros};

use super::common::in_network_namespace;
use super::dumbbell::{Dumbbell, Flow, Line, PORT, RECEIVER};
use super::support::{KERNEL, have, run, tap};

/// 16 megabits per second, 20 ms, and a queue of 25 ms: recoveries follow each other within two seconds.
const LINE: Line = Line { rate: 2_000_000, queue: 50_000, rtt: Micros::from_millis(20) };

/// The first sender besides the kernel.
const SENDER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 3);

/// What it takes until both have found their place, and how long they are watched then.
const SETTLE: Duration = Duration::from_secs(4);
const WATCH: Duration = Duration::from_secs(12);

#[test]
fn a_flow_beside_one_of_the_kernels() {
    in_network_namespace("fairness::inside_a_flow_beside_one_of_the_kernels");
}

#[test]
#[ignore = "run in a namespace by the test above"]
fn inside_a_flow_beside_one_of_the_kernels() {
    if !have(&["ip", "ss"]) {
        return;
    }
    let Some(tap) = tap() else { return };
    // The kernel's own choice may be another.
    let route = run("ip", &["route", "add", &RECEIVER.to_string(), "dev", "lockstep0", "congctl", "cubic"]);
    assert!(route.status.success(), "{}", String::from_utf8_lossy(&route.stderr));
    let congestion = CongestionConfig { algorithm: Algorithm::Cubic, ..CongestionConfig::default() };
    let flow = Flow { congestion, ..Flow::default() };
    let mut dumbbell = Dumbbell::new(LINE, &[flow], Some(Box::new(tap)));
    thread::spawn(send_as_much_as_possible);

    let begun = Instant::now();
    run_until(&mut dumbbell, begun, SETTLE);
    let sockets = run("ss", &["-Htni", "dst", &RECEIVER.to_string()]);
    assert!(
        String::from_utf8_lossy(&sockets.stdout).contains(" cubic "),
        "the kernel does something else: {sockets:?}"
    );
    let before = [KERNEL, SENDER].map(|address| dumbbell.received_from(address));
    run_until(&mut dumbbell, begun, SETTLE + WATCH);
    let after = [KERNEL, SENDER].map(|address| dumbbell.received_from(address));

    let [kernel, ours] = [0, 1].map(|n| f64::from(u32::try_from(after[n] - before[n]).unwrap()) / WATCH.as_secs_f64());
    let index = (kernel + ours).powi(2) / (2.0 * (kernel.powi(2) + ours.powi(2)));
    println!("the kernel {kernel:.0}, we {ours:.0} octets per second: Jain's index {index:.3}");
    assert!(index >= 0.8, "the kernel {kernel:.0}, we {ours:.0} octets per second: Jain's index {index:.3}");
    assert!(kernel + ours > 1_500_000.0, "the line is not used: {kernel:.0} and {ours:.0} octets per second");
}

/// Until nobody listens any more.
fn send_as_much_as_possible() {
    let mut stream = TcpStream::connect((RECEIVER, PORT)).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    while stream.write(&[7; 1 << 16]).is_ok() {}
}

/// Lets all do what they have to do when it is time for it.
fn run_until(dumbbell: &mut Dumbbell, begun: Instant, end: Duration) {
    while begun.elapsed() < end {
        dumbbell.now = time::Instant::ZERO + Micros::from(begun.elapsed());
        if !dumbbell.round() {
            thread::sleep(Duration::from_micros(200));
        }
    }
}
