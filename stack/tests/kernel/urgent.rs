//! The kernel reads our urgent pointer as RFC 6093 says, but for delivering the last urgent octet beside the stream.

use std::io::{Read, Write};
use std::net::Shutdown;

use lockstep::drive::Driver;

use super::common::in_network_namespace;
use super::support::{LONG, stack, tap};
use super::transfer::{accept, connect};

#[test]
fn the_kernel_finds_the_urgent_octet() {
    in_network_namespace("urgent::inside::the_kernel_finds_the_urgent_octet");
}

/// What runs in the namespace.
mod inside {
    use super::*;

    /// Without `SO_OOBINLINE` the kernel takes the octet before the pointer out of the stream, so that the hole says where
    /// it was: once with the kernel as the server, once as the client.
    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn the_kernel_finds_the_urgent_octet() {
        let Some(device) = tap() else { return };
        let driver = Driver::spawn(stack(|_| {}), device).unwrap();
        for (mut ours, mut kernel) in [connect(&driver), accept(&driver)] {
            kernel.set_read_timeout(Some(LONG)).unwrap();
            ours.write_all(b"calm, ").unwrap();
            assert_eq!(ours.send_urgent(b"").unwrap(), 0);
            assert_eq!(ours.send_urgent(b"hurry!").unwrap(), 6);
            ours.write_all(b" calm").unwrap();
            ours.shutdown(Shutdown::Write).unwrap();
            let mut received = String::new();
            kernel.read_to_string(&mut received).unwrap();
            assert_eq!(received, "calm, hurry calm");
        }
        driver.stop(LONG).unwrap();
    }
}
