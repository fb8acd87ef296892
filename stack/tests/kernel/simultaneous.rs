//! Both ends do the same at the same time; the gate makes it so. The kernel's states are what `ss` says, ours what the
//! trace says.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::process::Stdio;
use std::thread;

use lockstep::drive::Driver;
use lockstep::net::TcpStream;
use lockstep::wire::TcpFlags;

use super::common::in_network_namespace;
use super::gate::{Gate, Gated};
use super::support::{KERNEL, LONG, Trace, US, command, have, kernel_state, stack, tap, wait_for_kernel_state};

const KERNELS_PORT: u16 = 4000;
const OUR_PORT: u16 = 5000;
const SYN: TcpFlags = TcpFlags::SYN;
const SYN_ACK: TcpFlags = TcpFlags(TcpFlags::SYN.0 | TcpFlags::ACK.0);
const FIN_ACK: TcpFlags = TcpFlags(TcpFlags::FIN.0 | TcpFlags::ACK.0);

#[test]
fn simultaneous_open() {
    in_network_namespace("simultaneous::inside::simultaneous_open");
}

#[test]
fn simultaneous_close() {
    in_network_namespace("simultaneous::inside::simultaneous_close");
}

/// What runs in the namespace.
mod inside {
    use super::*;

    /// The kernel's SYN is on its way when ours leaves.
    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn simultaneous_open() {
        if !have(&["nc", "ss"]) {
            return;
        }
        let Some((driver, gate, trace)) = start() else { return };
        gate.close();
        let mut nc = command("nc", &["-s", "192.0.2.1", "-p", "4000", "-N", "192.0.2.2", "5000"]);
        let mut nc = nc.stdin(Stdio::piped()).spawn().unwrap();
        gate.wait_for(SYN);
        assert_eq!(kernel_state(KERNELS_PORT).as_deref(), Some("SYN-SENT"));

        let handle = driver.handle().clone();
        let opening = thread::spawn(move || TcpStream::connect_from(&handle, OURS, KERNELS, Some(LONG)));
        gate.wait_for(SYN_ACK);
        trace.wait_for("CLOSED -> SYN-SENT");
        assert_eq!(kernel_state(KERNELS_PORT).as_deref(), Some("SYN-RECV"));
        gate.pass(SYN);
        trace.wait_for("SYN-SENT -> SYN-RECEIVED");
        gate.open();
        let mut stream = opening.join().unwrap().unwrap();
        wait_for_kernel_state(KERNELS_PORT, "ESTAB");
        insta::assert_snapshot!(trace.text(), @r"
        CLOSED -> SYN-SENT by open/closed/active
        SYN-SENT -> SYN-RECEIVED by syn-sent/syn/simultaneous
        SYN-RECEIVED -> ESTABLISHED by sequence/crossed-syn-ack
        ");

        nc.stdin.take().unwrap().write_all(b"from the kernel").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!(text, "from the kernel");
        stream.write_all(b"to the kernel").unwrap();
        drop(stream);
        assert_eq!(nc.wait_with_output().unwrap().stdout, b"to the kernel");
    }

    /// The kernel's FIN is on its way when ours leaves.
    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn simultaneous_close() {
        if !have(&["ss"]) {
            return;
        }
        let Some((driver, gate, trace)) = start() else { return };
        let listener = TcpListener::bind(KERNELS).unwrap();
        let stream = TcpStream::connect_from(driver.handle(), OURS, KERNELS, Some(LONG)).unwrap();
        let (kernel, _) = listener.accept().unwrap();
        gate.close();
        kernel.shutdown(Shutdown::Write).unwrap();
        gate.wait_for(FIN_ACK);
        assert_eq!(kernel_state(KERNELS_PORT).as_deref(), Some("FIN-WAIT-1"));

        stream.shutdown(Shutdown::Write).unwrap();
        trace.wait_for("ESTABLISHED -> FIN-WAIT-1");
        wait_for_kernel_state(KERNELS_PORT, "CLOSING");
        gate.pass(FIN_ACK);
        trace.wait_for("FIN-WAIT-1 -> CLOSING");
        wait_for_kernel_state(KERNELS_PORT, "TIME-WAIT");
        gate.open();
        trace.wait_for("CLOSING -> TIME-WAIT");
        insta::assert_snapshot!(trace.text(), @r"
        CLOSED -> SYN-SENT by open/closed/active
        SYN-SENT -> ESTABLISHED by syn-sent/syn/established
        ESTABLISHED -> FIN-WAIT-1 by close/established/fin-wait-1
        FIN-WAIT-1 -> CLOSING by fin/fin-wait-1
        CLOSING -> TIME-WAIT by ack-of-fin/closing/acked
        ");
        assert_eq!((&stream).read(&mut [0; 1]).unwrap(), 0);
    }
}

const KERNELS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(KERNEL), KERNELS_PORT);
const OURS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(US), OUR_PORT);

/// A traced stack behind a gate.
fn start() -> Option<(Driver<Gated>, Gate, Trace)> {
    let (device, gate) = Gated::new(tap()?);
    let trace = Trace::default();
    let driver = Driver::spawn_traced(stack(|_| {}), device, trace.sink()).unwrap();
    Some((driver, gate, trace))
}
