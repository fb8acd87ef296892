//! The same text each way on every kind of bad network between Lockstep and the kernel.

use lockstep::Config;
use lockstep::device::Impaired;
use lockstep::device::impair::{Bottleneck, Chance, Impairment, ImpairmentCounts, Outage};
use lockstep::drive::Driver;
use lockstep::time::{Instant, Micros};

use super::common::in_network_namespace;
use super::support::{LONG, have, stack, tap};
use super::transfer::{accept, connect, exchange};

/// Makes of each case a test, and a test that runs in the namespace.
macro_rules! networks {
    ($($name:ident($octets:expr, $impairment:expr, $check:expr);)*) => {
        $(
            #[test]
            fn $name() {
                in_network_namespace(concat!("networks::inside::", stringify!($name)));
            }
        )*

        /// What runs in the namespace.
        mod inside {
            use super::*;
            $(
                #[test]
                #[ignore = "run in a namespace by the test of the same name"]
                fn $name() {
                    both_roles($octets, $impairment, $check);
                }
            )*
        }
    };
}

networks! {
    nothing_lost(20_000_000, NOTHING, |counts| counts.lost == 0);
    one_percent_lost(10_000_000, losing(1), |counts| counts.lost > 10);
    five_percent_lost(3_000_000, losing(5), |counts| counts.lost > 10);
    twenty_percent_lost(200_000, losing(20), |counts| counts.lost > 10);
    thirty_percent_lost(60_000, losing(30), |counts| counts.lost > 10);
    a_quarter_reordered(3_000_000, REORDERED, |counts| counts.reordered > 50);
    a_tenth_doubled(3_000_000, DOUBLED, |counts| counts.duplicated > 20);
    one_bit_wrong_in_one_frame_of_fifty(3_000_000, CORRUPTED, |counts| counts.corrupted > 5);
    a_tenth_of_a_second_each_way(1_000_000, FAR, |counts| counts.lost == 0);
    ten_seconds_of_darkness(1_000_000, DARK, |counts| counts.lost > 1);
}

const REORDERED: Impairment =
    Impairment { reorder: Chance::percent(25), reorder_by: Micros::from_millis(2), ..NOTHING };
const DOUBLED: Impairment = Impairment { duplicate: Chance::percent(10), ..NOTHING };
const CORRUPTED: Impairment = Impairment { corrupt: Chance::percent(2), ..NOTHING };
const FAR: Impairment = Impairment { delay: Micros::from_millis(100), ..NOTHING };

/// A line that is busy for some seconds, and dead for ten of them.
const DARK: Impairment = Impairment {
    outage: Some(Outage { from: Instant::from_micros(1_000_000), until: Instant::from_micros(11_000_000) }),
    bottleneck: Some(Bottleneck::new(300_000, 100_000)),
    ..NOTHING
};

const NOTHING: Impairment = Impairment::NONE;

const fn losing(percent: u32) -> Impairment {
    Impairment { loss: Chance::percent(percent), ..NOTHING }
}

/// Once with the kernel as the client, once with the kernel as the server; what `check` says must have happened each way.
fn both_roles(octets: usize, impairment: Impairment, check: fn(ImpairmentCounts) -> bool) {
    if !have(&["sha256sum"]) {
        return;
    }
    for kernel_opens in [true, false] {
        let Some(device) = tap() else { return };
        let device = Impaired::new(device, 9293, impairment, impairment);
        // As long as the kernel, who repeats a segment for a quarter of an hour.
        let patient = |config: &mut Config| config.tcp.user_timeout = Micros::from_secs(900);
        let driver = Driver::spawn(stack(patient), device).unwrap();
        exchange(if kernel_opens { accept(&driver) } else { connect(&driver) }, octets);
        let device = driver.stop(LONG).unwrap();
        for counts in [device.incoming(), device.outgoing()] {
            assert!(check(counts), "{counts:?}");
        }
    }
}
