//! Receivers who do not take it all at once: one who stops reading for a while, one who has room for one segment.

use std::env;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use lockstep::device::Recorded;
use lockstep::drive::Driver;

use super::common::in_network_namespace;
use super::support::{LONG, Scratch, US, have, stack, tap, tcb, tshark};
use super::transfer::{accept, connect, exchange, exchange_after};

/// How long nobody reads: not long, unless `LOCKSTEP_PATIENCE` is set, then a minute.
fn pause() -> Duration {
    Duration::from_secs(if env::var_os("LOCKSTEP_PATIENCE").is_some() { 60 } else { 12 })
}

#[test]
fn both_stop_reading_for_a_while() {
    in_network_namespace("windows::inside::both_stop_reading_for_a_while");
}

#[test]
fn the_kernel_has_room_for_one_segment() {
    in_network_namespace("windows::inside::the_kernel_has_room_for_one_segment");
}

#[test]
fn we_have_room_for_one_segment() {
    in_network_namespace("windows::inside::we_have_room_for_one_segment");
}

/// What runs in the namespace.
mod inside {
    use super::*;

    /// Both send more than there is room for, and nobody reads: the windows close, and are probed until they open.
    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn both_stop_reading_for_a_while() {
        const LEN: usize = 20_000_000;
        if !have(&["sha256sum"]) {
            return;
        }
        let Some(device) = tap() else { return };
        let driver = Driver::spawn(stack(|_| {}), device).unwrap();
        let ends = accept(&driver);
        let remote = ends.1.local_addr().unwrap();
        exchange_after(ends, LEN, || {
            thread::sleep(pause() / 2);
            let before = tcb(&driver, remote);
            thread::sleep(pause() / 2);
            let after = tcb(&driver, remote);
            assert!(after.snd_wnd() < 1460, "{after:?}");
            assert_eq!((before.rcv_nxt(), before.snd_una()), (after.rcv_nxt(), after.snd_una()), "{after:?}");
        });
        driver.stop(LONG).unwrap();
    }

    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn the_kernel_has_room_for_one_segment() {
        if !have(&["sha256sum", "tshark"]) {
            return;
        }
        // Of a buffer, about half is window.
        fs::write("/proc/sys/net/ipv4/tcp_rmem", "2304 2304 2304").unwrap();
        let pcap = Scratch::new("narrow.pcap");
        let Some(device) = tap() else { return };
        let device = Recorded::create(device, Path::new(pcap.name()), Duration::ZERO).unwrap();
        let driver = Driver::spawn(stack(|_| {}), device).unwrap();
        exchange(connect(&driver), 100_000);
        driver.stop(LONG).unwrap();
        assert_eq!(tshark(&pcap, &format!("ip.dst == {US} && tcp.window_size > 1460 && tcp.flags.syn == 0")), "");
    }

    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn we_have_room_for_one_segment() {
        if !have(&["sha256sum"]) {
            return;
        }
        let Some(device) = tap() else { return };
        let driver = Driver::spawn(stack(|config| config.tcp.receive_buffer = 1460), device).unwrap();
        exchange(connect(&driver), 100_000);
        driver.stop(LONG).unwrap();
    }
}
