//! The program talks to the kernel's own, and says what is wrong.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Output, Stdio};
use std::thread;

use super::common::in_network_namespace;
use super::support::{
    LOCKSTEP, Running, Scratch, changes, command, have, run, run_with_input, send_signal, tap, text, tshark,
};

#[test]
fn ping_and_nc_talk_to_serve_echo() {
    in_network_namespace("program::inside::ping_and_nc_talk_to_serve_echo");
}

#[test]
fn nc_talks_to_two_services_until_ctrl_c() {
    in_network_namespace("program::inside::nc_talks_to_two_services_until_ctrl_c");
}

#[test]
fn serve_survives_a_cable_pulled_out_but_not_a_device_taken_away() {
    in_network_namespace("program::inside::serve_survives_a_cable_pulled_out_but_not_a_device_taken_away");
}

#[test]
fn connect_talks_to_a_server_of_the_kernel() {
    in_network_namespace("program::inside::connect_talks_to_a_server_of_the_kernel");
}

#[test]
fn connect_stops_at_ctrl_c() {
    in_network_namespace("program::inside::connect_stops_at_ctrl_c");
}

#[test]
fn ping_asks_the_kernel() {
    in_network_namespace("program::inside::ping_asks_the_kernel");
}

#[test]
fn what_goes_wrong_is_one_line() {
    in_network_namespace("program::inside::what_goes_wrong_is_one_line");
}

/// What runs in the namespace.
mod inside {
    use super::*;

    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn ping_and_nc_talk_to_serve_echo() {
        let pcap = Scratch::new("echo.pcap");
        let arguments = ["serve", "echo", "--tap", "lockstep0", "--trace", "--pcap", pcap.name()];
        if !have(&["ping", "nc", "tshark"]) {
            return;
        }
        let Some(server) = Running::start(&arguments) else { return };

        let ping = run("ping", &["-n", "-c", "3", "-i", "0.01", "192.0.2.2"]);
        assert!(said(&ping).contains("3 packets transmitted, 3 received"), "{}", said(&ping));
        let sent = text(100_000, 1);
        let nc = run_with_input("nc", &["-N", "192.0.2.2", "7"], &sent);
        assert!(nc.status.success() && nc.stdout == sent, "{} octets came back", nc.stdout.len());
        let nobody = run("nc", &["-v", "192.0.2.2", "8"]);
        assert!(said(&nobody).contains("Connection refused"), "{}", said(&nobody));

        let ended = server.stop("TERM");
        assert_eq!(ended.status.code(), Some(0));
        insta::assert_snapshot!(trace(&ended), @r"
        CLOSED -> LISTEN by open/closed/passive
        LISTEN -> SYN-RECEIVED by arrives/listen/syn
        SYN-RECEIVED -> ESTABLISHED by ack/syn-received/established
        ESTABLISHED -> CLOSE-WAIT by fin/established
        CLOSE-WAIT -> LAST-ACK by sent/close-wait/fin
        LAST-ACK -> CLOSED by ack-of-fin/last-ack/acked
        LISTEN -> CLOSED by close/listen/delete
        ");
        for frames in ["icmp.type == 0", "tcp.srcport == 7 && tcp.len > 1000", "tcp.flags.reset == 1", "arp"] {
            assert_ne!(tshark(&pcap, frames), "", "{frames}");
        }
        assert_eq!(tshark(&pcap, BAD), "");
    }

    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn nc_talks_to_two_services_until_ctrl_c() {
        if !have(&["nc"]) {
            return;
        }
        let arguments = ["serve", "discard", "echo", "--tap", "lockstep0", "--port", "99"];
        let Some(server) = Running::start(&arguments) else { return };
        let nc = run_with_input("nc", &["-N", "192.0.2.2", "99"], &text(1_000_000, 2));
        assert!(nc.status.success() && nc.stdout.is_empty());
        // The second service has the next port.
        assert_eq!(run_with_input("nc", &["-N", "192.0.2.2", "100"], b"hello").stdout, b"hello");

        // Somebody who is connected at the end hears of it.
        let mut waiting = command("nc", &["192.0.2.2", "99"]).stdin(Stdio::piped()).spawn().unwrap();
        let ended = server.stop("INT");
        assert_eq!((ended.status.code(), ended.stderr.len()), (Some(0), 0), "{}", said(&ended));
        drop(waiting.stdin.take());
        waiting.wait().unwrap();
    }

    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn serve_survives_a_cable_pulled_out_but_not_a_device_taken_away() {
        if !have(&["nc", "ip"]) {
            return;
        }
        let Some(server) = Running::start(&["serve", "echo", "--tap", "lockstep0"]) else { return };
        let hello = || run_with_input("nc", &["-N", "192.0.2.2", "7"], b"hello").stdout;
        assert_eq!(hello(), b"hello");
        assert!(run("ip", &["link", "set", "lockstep0", "down"]).status.success());
        assert!(run("ip", &["link", "set", "lockstep0", "up"]).status.success());
        assert_eq!(hello(), b"hello");
        assert!(run("ip", &["link", "delete", "lockstep0"]).status.success());
        let ended = server.wait();
        assert_eq!((ended.status.code(), said(&ended).as_str()), (Some(1), "lockstep: the device is gone\n"));
    }

    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn connect_talks_to_a_server_of_the_kernel() {
        let Some(tap) = tap() else { return };
        drop(tap);
        let (there, back) = (text(300_000, 3), text(200_000, 4));
        let listener = TcpListener::bind(("0.0.0.0", 8000)).unwrap();
        let output = thread::scope(|scope| {
            let server = scope.spawn(|| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut received = Vec::new();
                stream.read_to_end(&mut received).unwrap();
                stream.write_all(&back).unwrap();
                received
            });
            let arguments = ["connect", "192.0.2.1", "8000", "--tap", "lockstep0", "--local-port", "4000", "--trace"];
            let output = run_with_input(LOCKSTEP, &arguments, &there);
            // A client that fails before it connects would leave the server waiting.
            assert!(output.status.success(), "{}", said(&output));
            assert!(server.join().unwrap() == there);
            output
        });
        assert!(output.stdout == back);
        insta::assert_snapshot!(trace(&output), @r"
        CLOSED -> SYN-SENT by open/closed/active
        SYN-SENT -> ESTABLISHED by syn-sent/syn/established
        ESTABLISHED -> FIN-WAIT-1 by close/established/fin-wait-1
        FIN-WAIT-1 -> FIN-WAIT-2 by ack-of-fin/fin-wait-1/acked
        FIN-WAIT-2 -> TIME-WAIT by fin/fin-wait-2
        ");
    }

    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn connect_stops_at_ctrl_c() {
        let Some(tap) = tap() else { return };
        drop(tap);
        let listener = TcpListener::bind(("0.0.0.0", 8000)).unwrap();
        let mut client = command(LOCKSTEP, &["connect", "192.0.2.1", "8000", "--tap", "lockstep0"]);
        let mut client = client.stdin(Stdio::piped()).spawn().unwrap();
        let _open = client.stdin.take();
        let (mut stream, _) = listener.accept().unwrap();
        send_signal(&client, "INT");
        let ended = client.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), ended.stderr.len()), (Some(130), 0), "{}", said(&ended));
        // It has not said that this was all: it has broken off.
        assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    }

    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn ping_asks_the_kernel() {
        let Some(tap) = tap() else { return };
        drop(tap);
        let output = run(LOCKSTEP, &["ping", "192.0.2.1", "-c", "3", "-i", "1", "--tap", "lockstep0"]);
        assert!(output.status.success() && said(&output).ends_with("3 sent, 3 received\n"), "{}", said(&output));
        let output = run(LOCKSTEP, &["ping", "192.0.2.9", "-c", "1", "-W", "10", "--tap", "lockstep0"]);
        assert_eq!(output.status.code(), Some(1));
        insta::assert_snapshot!(said(&output), @r"
        no reply to sequence 1
        1 sent, 0 received
        ");
    }

    #[test]
    #[ignore = "run in a namespace by the test of the same name"]
    fn what_goes_wrong_is_one_line() {
        let Some(tap) = tap() else { return };
        let line = |arguments: &[&str]| {
            let output = run(LOCKSTEP, &[arguments, &["--tap", "lockstep0"]].concat());
            assert!(output.stdout.is_empty());
            format!("{}: {}", output.status.code().unwrap(), said(&output))
        };
        let busy = line(&["serve", "echo"]);
        drop(tap);
        let lines = [
            busy,
            line(&["connect", "192.0.2.1", "9"]),
            line(&["connect", "192.0.2.9", "9", "--timeout", "1"]),
            line(&["connect", "192.0.2.255", "9"]),
            line(&["connect", "198.51.100.1", "9"]),
            line(&["connect", "192.0.2.1", "9", "--pcap", "/nonexistent/pcap"]),
            line(&["connect", "nobody", "9"]),
            line(&["ping", "198.51.100.1"]),
            line(&["serve", "echo", "--addr", "192.0.2.1/24"]),
            line(&["serve", "echo", "--addr", "192.0.2.255/24"]),
            line(&["serve", "echo", "--addr", "192.0.3.2/24"]),
            line(&["serve", "echo", "--addr", "192.0.2.2"]),
            line(&["serve", "echo", "--gateway", "198.51.100.1"]),
        ];
        insta::assert_snapshot!(lines.concat(), @r"
        1: lockstep: lockstep0 is busy: another program is attached to it
        1: lockstep: cannot connect to 192.0.2.1:9: connection refused
        1: lockstep: cannot connect to 192.0.2.9:9: connection timed out
        1: lockstep: cannot connect to 192.0.2.255:9: 192.0.2.255:9 is not a socket to connect to
        1: lockstep: cannot connect to 198.51.100.1:9: there is no route to 198.51.100.1:9
        1: lockstep: cannot write the capture file: No such file or directory (os error 2)
        2: lockstep: invalid value 'nobody' for '<ADDR>': invalid IPv4 address syntax
        1: lockstep: cannot ping 198.51.100.1: there is no route
        1: lockstep: the address 192.0.2.1 is already in use by the host's side of the TAP
        1: lockstep: bad address: 192.0.2.255/24 is not the address of a host
        1: lockstep: 192.0.2.1 is not in the subnet 192.0.3.2/24
        2: lockstep: invalid value '192.0.2.2' for '--addr <ADDR/LEN>': an IPv4 address, a slash and a prefix length of 0 to 32 are expected, as in 192.0.2.2/24
        1: lockstep: bad address: the gateway 198.51.100.1 is not a neighbour
        ");
        let not_a_tap = run(LOCKSTEP, &["ping", "192.0.2.1", "--tap", "lo"]);
        insta::assert_snapshot!(said(&not_a_tap), @"lockstep: lo is no TAP device, or not a plain one (one queue, no vnet header)");
        let bad_name = run(LOCKSTEP, &["ping", "192.0.2.1", "--tap", "no/name"]);
        insta::assert_snapshot!(said(&bad_name), @r#"lockstep: "no/name" is no name for a network interface: it takes 1 to 15 visible characters without '/', ':' or '%'"#);
    }
}

/// What no frame may be, the kernel's own included: it computes the checksums of what it sends to a TAP.
const BAD: &str = "_ws.malformed || tcp.checksum.status == \"Bad\" || ip.checksum.status == \"Bad\" || \
     icmp.checksum.status == \"Bad\"";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stderr[..], &output.stdout].concat()).into_owned()
}

/// What `--trace` said, without times and addresses.
fn trace(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).lines().map(changes).collect::<Vec<_>>().join("\n")
}
