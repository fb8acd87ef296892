//! Links that carry little at a time, and much.

use lockstep::drive::Driver;

use super::common::in_network_namespace;
use super::support::{LONG, have, stack, tap_of_mtu};
use super::transfer::{accept, connect, exchange};

#[test]
fn datagrams_of_576_to_65535_octets() {
    in_network_namespace("sizes::inside::datagrams_of_576_to_65535_octets");
}

/// What runs in the namespace.
mod inside {
    use super::*;

    /// The kernel's TAP carries 65,521 octets at most, so that a frame has 65,535.
    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn datagrams_of_576_to_65535_octets() {
        if !have(&["sha256sum"]) {
            return;
        }
        for (ours, kernels) in [(576, 576), (1500, 1500), (9000, 9000), (65_535, 65_521), (576, 9000), (9000, 576)] {
            let Some(device) = tap_of_mtu(kernels) else { return };
            let driver = Driver::spawn(stack(|config| config.mtu = ours), device).unwrap();
            println!("MTU {ours} and {kernels}");
            exchange(connect(&driver), 2_000_000);
            exchange(accept(&driver), 2_000_000);
            driver.stop(LONG).unwrap();
        }
    }
}
