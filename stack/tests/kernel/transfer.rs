//! Much text in both directions at once, on a good network and on a bad one.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use lockstep::device::impair::{Chance, Impairment};
use lockstep::device::{Device, Impaired};
use lockstep::drive::Driver;
use lockstep::net;
use lockstep::stack::Stack;
use lockstep::time::Micros;

use super::common::in_network_namespace;
use super::support::{KERNEL, LONG, US, have, run_with_input, stack, tap, text};

#[test]
fn ten_megabytes_each_way() {
    in_network_namespace("transfer::inside::ten_megabytes_each_way");
}

#[test]
fn a_megabyte_each_way_on_a_bad_network() {
    in_network_namespace("transfer::inside::a_megabyte_each_way_on_a_bad_network");
}

/// What runs in the namespace.
mod inside {
    use super::*;

    /// Once with the kernel as the client, once with the kernel as the server.
    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn ten_megabytes_each_way() {
        if !have(&["sha256sum"]) {
            return;
        }
        let Some(device) = tap() else { return };
        let driver = Driver::spawn(stack(|_| {}), device).unwrap();
        exchange(connect(&driver), 10_000_000);
        exchange(accept(&driver), 10_000_000);
        driver.stop(LONG).unwrap();
    }

    /// One frame of a hundred is lost, and five are overtaken by others, in each direction.
    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn a_megabyte_each_way_on_a_bad_network() {
        if !have(&["sha256sum"]) {
            return;
        }
        let Some(device) = tap() else { return };
        let bad = Impairment {
            loss: Chance::percent(1),
            reorder: Chance::percent(5),
            reorder_by: Micros::from_millis(2),
            ..Impairment::default()
        };
        let driver = Driver::spawn(impatient(), Impaired::new(device, 9293, bad, bad)).unwrap();
        exchange(accept(&driver), 1_000_000);
        let device = driver.stop(LONG).unwrap();
        for counts in [device.incoming(), device.outgoing()] {
            assert!(counts.lost > 0 && counts.reordered > 10, "{counts:?}");
        }
    }
}

/// A stack that repeats a lost segment after 200 ms, as the kernel does, not after the second of RFC 6298.
fn impatient() -> Stack {
    stack(|config| config.tcp.rto.min = Micros::from_millis(200))
}

/// Both ends of a connection.
pub type Ends = (net::TcpStream, std::net::TcpStream);

/// The kernel connects to us.
pub fn accept<D: Device + Send + 'static>(driver: &Driver<D>) -> Ends {
    let listener = net::TcpListener::bind(driver.handle(), (US, 7000)).unwrap();
    let kernel = std::net::TcpStream::connect((US, 7000)).unwrap();
    let (ours, peer) = listener.accept().unwrap();
    assert_eq!(peer, kernel.local_addr().unwrap());
    (ours, kernel)
}

/// We connect to the kernel.
pub fn connect<D: Device + Send + 'static>(driver: &Driver<D>) -> Ends {
    let listener = std::net::TcpListener::bind((KERNEL, 7000)).unwrap();
    let ours = net::TcpStream::connect(driver.handle(), (KERNEL, 7000)).unwrap();
    let (kernel, peer) = listener.accept().unwrap();
    assert_eq!(peer, ours.local_addr().unwrap());
    (ours, kernel)
}

/// Where three frames of ten are lost, one and the same may be lost many times, and is repeated less and less often.
const VERY_LONG: Duration = Duration::from_secs(300);

/// Each end sends `len` octets and then its end, and receives what the other has sent.
pub fn exchange(ends: Ends, len: usize) {
    exchange_after(ends, len, || {});
}

/// The same, but nobody reads before `meanwhile` is over.
pub fn exchange_after((mut ours, mut kernel): Ends, len: usize, meanwhile: impl FnOnce()) {
    let (there, back) = (text(len, 1), text(len, 2));
    ours.set_read_timeout(Some(VERY_LONG)).unwrap();
    ours.set_write_timeout(Some(VERY_LONG)).unwrap();
    kernel.set_read_timeout(Some(VERY_LONG)).unwrap();
    kernel.set_write_timeout(Some(VERY_LONG)).unwrap();
    let (mut our_writer, mut kernel_writer) = (ours.try_clone().unwrap(), kernel.try_clone().unwrap());
    let begun = Instant::now();
    let (at_kernel, at_ours) = thread::scope(|scope| {
        scope.spawn(|| {
            our_writer.write_all(&there).unwrap();
            our_writer.shutdown(Shutdown::Write).unwrap();
        });
        scope.spawn(|| {
            kernel_writer.write_all(&back).unwrap();
            kernel_writer.shutdown(Shutdown::Write).unwrap();
        });
        meanwhile();
        let at_kernel = scope.spawn(|| {
            let mut received = Vec::new();
            kernel.read_to_end(&mut received).unwrap();
            received
        });
        let mut received = Vec::new();
        ours.read_to_end(&mut received).unwrap();
        (at_kernel.join().unwrap(), received)
    });
    eprintln!("{len} octets each way in {:?}", begun.elapsed());
    assert_eq!((at_kernel.len(), at_ours.len()), (len, len));
    assert_eq!(sha256(&at_kernel), sha256(&there));
    assert_eq!(sha256(&at_ours), sha256(&back));
}

pub fn sha256(text: &[u8]) -> String {
    let output = run_with_input("sha256sum", &[], text);
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}
