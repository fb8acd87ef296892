//! Two hosts on a bad cable, in virtual time: no device, no thread, no clock, no root.
//!
//! Whoever embeds the stack, in a VPN, a simulator or a test, writes the loop of [`Host::go_round`] around it: frames in,
//! timers, events to the application, frames out. The rest is this example's cable and its two applications. The four
//! minutes of TIME-WAIT take no time, and every run is the same.
//!
//! `cargo run --example two_stacks`

use std::error::Error;
use std::net::Ipv4Addr;

use lockstep::device::impair::{Chance, Impairment};
use lockstep::device::{Device, DeviceError, ETHERNET_HEADER, Impaired, Pipe};
use lockstep::stack::{CallError, Config, ConfigError, ConnectionId, Event, Stack};
use lockstep::time::{Instant, Micros};
use lockstep::wire::{Checksum, EthernetFrame, Ipv4Packet, TcpFlags, TcpSegment};
use lockstep_model::Table;

/// Octets of a datagram; it is what [`Config::new`] assumes.
const MTU: usize = 1500;

fn main() -> Result<(), Box<dyn Error>> {
    // A frame takes 20 ms, and one of seven is lost: it is in the receiver's device that this happens.
    let bad = Impairment { delay: Micros::from_millis(20), loss: Chance::percent(14), ..Impairment::default() };
    let good = Impairment::default();
    let (near, far) = Pipe::pair(MTU, 64);
    let mut client = Host::new("client", 1, Impaired::new(near, 4, bad, good))?;
    let mut server = Host::new("server", 2, Impaired::new(far, 5, bad, good))?;

    let mut now = Instant::ZERO;
    server.stack.listen(now, "192.0.2.2:80".parse()?, 1)?;
    client.stack.connect(now, "192.0.2.2:80".parse()?)?;
    loop {
        while client.go_round(now)? | server.go_round(now)? {}
        // Nothing moves any more: time does.
        match [client.wakes_at(), server.wakes_at()].into_iter().flatten().min() {
            Some(next) => now = next,
            None => return Ok(()),
        }
    }
}

/// A stack, its device and its application.
struct Host {
    name: &'static str,
    stack: Stack,
    device: Impaired<Pipe>,
    frame: Vec<u8>,
}

impl Host {
    fn new(name: &'static str, number: u8, device: Impaired<Pipe>) -> Result<Self, ConfigError> {
        let config = Config::new(Ipv4Addr::new(192, 0, 2, number), 24);
        // The secret has to come from a random source, except where a run is to be repeated.
        let mut stack = Stack::new(config, Table::repaired(), [number; 16])?;
        stack.set_tracing(true);
        Ok(Self { name, stack, device, frame: Vec::new() })
    }

    /// Does all there is to do at this moment. Returns whether anything was sent, so that the other host has work.
    fn go_round(&mut self, now: Instant) -> Result<bool, DeviceError> {
        let mut buf = [0; MTU + ETHERNET_HEADER];
        while let Some(len) = self.device.recv(now, &mut buf)? {
            self.stack.input(now, &buf[..len]);
        }
        if self.stack.poll_timeout().is_some_and(|due| due <= now) {
            self.stack.timeout(now);
        }
        while let Some(event) = self.stack.poll_event() {
            self.hear(now, event);
        }
        while let Some(change) = self.stack.poll_transition() {
            println!("{now} {} {} -> {} by {}", self.name, change.from, change.to, change.rule);
        }
        let mut sent = false;
        while self.stack.poll_transmit(now, &mut self.frame) {
            println!("{now} {} sends {}", self.name, describe(&self.frame));
            self.device.send(now, &self.frame)?;
            sent = true;
        }
        Ok(sent)
    }

    /// When this host has something to do, if nothing arrives before.
    fn wakes_at(&self) -> Option<Instant> {
        [self.stack.poll_timeout(), self.device.poll_timeout()].into_iter().flatten().min()
    }

    /// The application. A call that fails has an event that says so sooner or later.
    fn hear(&mut self, now: Instant, event: Event) {
        let done = match event {
            // The client says what it wants, and that this is all.
            Event::Connected(id) => {
                self.stack.send(now, id, b"which way is up?").and_then(|_| self.stack.close(now, id))
            }
            Event::Acceptable(listener) => self.stack.accept(listener).map(|_| ()),
            Event::Readable(id) => self.read(now, id),
            // The id has served: every connection is released once.
            Event::Closed(id, _) => self.stack.release(now, id),
            Event::Writable(_)
            | Event::Urgent(_)
            | Event::Delivered(_)
            | Event::Doubtful(_)
            | Event::EchoReply { .. } => Ok(()),
        };
        if let Err(error) = done {
            println!("{now} {} hears: {error}", self.name);
        }
    }

    /// Prints what has arrived; the server answers, and closes when the client has.
    fn read(&mut self, now: Instant, id: ConnectionId) -> Result<(), CallError> {
        let mut buf = [0; 1500];
        loop {
            let text = match self.stack.receive(now, id, &mut buf) {
                Ok(0) if self.name == "server" => return self.stack.close(now, id),
                Ok(0) | Err(CallError::WouldBlock) => return Ok(()),
                Ok(len) => String::from_utf8_lossy(&buf[..len]).into_owned(),
                Err(error) => return Err(error),
            };
            println!("{now} {} reads {text:?}", self.name);
            if self.name == "server" {
                self.stack.send(now, id, b"away from the table")?;
            }
        }
    }
}

/// A frame in a few words.
fn describe(frame: &[u8]) -> String {
    let segment = || {
        let frame = EthernetFrame::parse(frame).ok()?;
        let packet = Ipv4Packet::parse(frame.payload(), Checksum::Verify).ok()?;
        let segment = TcpSegment::parse(packet.payload(), packet.pseudo_header(), Checksum::Verify).ok()?;
        let names = [(TcpFlags::SYN, "SYN"), (TcpFlags::FIN, "FIN"), (TcpFlags::RST, "RST"), (TcpFlags::ACK, "ACK")];
        let flags: Vec<_> =
            names.iter().filter(|(flag, _)| segment.flags().contains(*flag)).map(|(_, name)| *name).collect();
        Some(format!(
            "{} seq {} ack {} and {} octets",
            flags.join(","),
            segment.seq(),
            segment.ack(),
            segment.text().len()
        ))
    };
    segment().unwrap_or_else(|| "ARP".to_owned())
}
