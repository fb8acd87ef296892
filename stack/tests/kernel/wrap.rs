//! Sequence numbers that cross 2^31 and 2^32, ours and the kernel's.

use lockstep::device::Tap;
use lockstep::drive::Driver;
use lockstep::net::TcpStream;
use lockstep::stack::{Config, Stack};
use lockstep::time::Instant;
use lockstep_model::{SeqNum, Table};

use super::common::in_network_namespace;
use super::support::{KERNEL, LONG, US, have, stack, tap, tcb};
use super::transfer::{Ends, accept, exchange};

/// The middle and the end of the sequence space.
const BORDERS: [u32; 2] = [1 << 31, 0];

/// Octets in each direction. Whoever begins less than this before a border crosses it.
const OCTETS: u32 = 4_000_000;

const OUR_PORT: u16 = 5000;
const KERNELS_PORT: u16 = 7000;

#[test]
fn our_numbers_cross_the_middle_and_the_end() {
    in_network_namespace("wrap::inside::our_numbers_cross_the_middle_and_the_end");
}

#[test]
fn the_kernels_numbers_cross_the_middle_and_the_end() {
    in_network_namespace("wrap::inside::the_kernels_numbers_cross_the_middle_and_the_end");
}

/// What runs in the namespace.
mod inside {
    use super::*;

    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn our_numbers_cross_the_middle_and_the_end() {
        if !have(&["sha256sum"]) {
            return;
        }
        for border in BORDERS {
            let Some(device) = tap() else { return };
            let driver = Driver::spawn(stack_that_begins_before(border), device).unwrap();
            let (ours, kernel) = connect_from_our_port(&driver);
            let iss = tcb(&driver, kernel.local_addr().unwrap()).iss().raw();
            assert!((1..OCTETS).contains(&border.wrapping_sub(iss)), "{iss}");
            exchange((ours, kernel), octets());
            driver.stop(LONG).unwrap();
        }
    }

    /// The kernel chooses by itself: it connects again and again, until it begins shortly before a border.
    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn the_kernels_numbers_cross_the_middle_and_the_end() {
        if !have(&["sha256sum"]) {
            return;
        }
        let Some(device) = tap() else { return };
        let driver = Driver::spawn(stack(|_| {}), device).unwrap();
        for border in BORDERS {
            let ends = (0..20_000).map(|_| accept(&driver)).find(|(_, kernel)| {
                let irs = tcb(&driver, kernel.local_addr().unwrap()).irs().raw();
                (1..OCTETS).contains(&border.wrapping_sub(irs))
            });
            exchange(ends.expect("one of so many begins there"), octets());
        }
        driver.stop(LONG).unwrap();
    }
}

fn octets() -> usize {
    usize::try_from(OCTETS).unwrap()
}

/// A stack whose secret makes its connection from [`OUR_PORT`] begin so shortly before `border` that the clock of initial
/// sequence numbers does not reach it in the second until it connects.
fn stack_that_begins_before(border: u32) -> Stack {
    const A_SECOND: u32 = 250_000;
    let begins_there = |secret: &u64| {
        let mut stack = with_secret(*secret);
        let id = stack.connect_from(Instant::ZERO, (US, OUR_PORT).into(), (KERNEL, KERNELS_PORT).into()).unwrap();
        let iss = stack.status(Instant::ZERO, id).unwrap().tcb.iss().raw();
        (A_SECOND..OCTETS).contains(&border.wrapping_sub(iss))
    };
    with_secret((1..).find(begins_there).unwrap())
}

fn with_secret(secret: u64) -> Stack {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&secret.to_be_bytes());
    Stack::new(Config::new(US, 24), Table::repaired(), bytes).unwrap()
}

fn connect_from_our_port(driver: &Driver<Tap>) -> Ends {
    let listener = std::net::TcpListener::bind((KERNEL, KERNELS_PORT)).unwrap();
    let remote = (KERNEL, KERNELS_PORT).into();
    let ours = TcpStream::connect_from(driver.handle(), (US, OUR_PORT).into(), remote, Some(LONG)).unwrap();
    (ours, listener.accept().unwrap().0)
}
