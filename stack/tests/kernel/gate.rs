//! A device that holds back what the kernel sends, so that a test and not a race decides what crosses what.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex};

use lockstep::device::{Device, DeviceError, Sent, Tap};
use lockstep::time::{Instant, Micros};
use lockstep::wire::{Checksum, EthernetFrame, Ipv4Packet, TcpFlags, TcpSegment};

use super::support::eventually;

/// How soon it is noticed that something may pass.
const ATTENTION: Micros = Micros::from_millis(1);

/// A TAP behind a gate.
pub struct Gated {
    tap: Tap,
    gate: Arc<Mutex<Held>>,
    now: Instant,
}

/// The test's end of the gate.
pub struct Gate(Arc<Mutex<Held>>);

/// Segments that wait, and frames that may pass.
#[derive(Default)]
struct Held {
    closed: bool,
    segments: VecDeque<(TcpFlags, Vec<u8>)>,
    passing: VecDeque<Vec<u8>>,
}

impl Gated {
    pub fn new(tap: Tap) -> (Self, Gate) {
        let gate = Arc::default();
        (Self { tap, gate: Arc::clone(&gate), now: Instant::ZERO }, Gate(gate))
    }
}

impl Gate {
    /// From now on TCP segments from the kernel wait.
    pub fn close(&self) {
        self.0.lock().unwrap().closed = true;
    }

    /// What waits may pass, in order, and so may everything after it.
    pub fn open(&self) {
        let mut held = self.0.lock().unwrap();
        held.closed = false;
        let segments: Vec<_> = held.segments.drain(..).map(|(_, frame)| frame).collect();
        held.passing.extend(segments);
    }

    /// Waits until a segment with exactly these flags, PSH aside, is held.
    pub fn wait_for(&self, flags: TcpFlags) {
        let is_held = || self.0.lock().unwrap().segments.iter().any(|(held, _)| *held == flags);
        eventually("a segment at the gate", || is_held().then_some(()));
    }

    /// The first segment with these flags may pass. Its repetitions have no meaning any more.
    pub fn pass(&self, flags: TcpFlags) {
        let mut held = self.0.lock().unwrap();
        let first = held.segments.iter().position(|(held, _)| *held == flags).unwrap();
        let (_, frame) = held.segments.remove(first).unwrap();
        held.segments.retain(|(held, _)| *held != flags);
        held.passing.push_back(frame);
    }
}

impl Device for Gated {
    fn recv(&mut self, now: Instant, buf: &mut [u8]) -> Result<Option<usize>, DeviceError> {
        self.now = now;
        let mut held = self.gate.lock().unwrap();
        if let Some(frame) = held.passing.pop_front() {
            buf[..frame.len()].copy_from_slice(&frame);
            return Ok(Some(frame.len()));
        }
        while let Some(len) = self.tap.recv(now, buf)? {
            match tcp_flags(&buf[..len]) {
                Some(flags) if held.closed => held.segments.push_back((flags, buf[..len].to_vec())),
                Some(_) | None => return Ok(Some(len)),
            }
        }
        Ok(None)
    }

    fn send(&mut self, now: Instant, frame: &[u8]) -> Result<Sent, DeviceError> {
        self.tap.send(now, frame)
    }

    fn mtu(&self) -> usize {
        self.tap.mtu()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.tap.fd()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.now + ATTENTION)
    }
}

fn tcp_flags(frame: &[u8]) -> Option<TcpFlags> {
    let frame = EthernetFrame::parse(frame).ok()?;
    let packet = Ipv4Packet::parse(frame.payload(), Checksum::Verify).ok()?;
    let segment = TcpSegment::parse(packet.payload(), packet.pseudo_header(), Checksum::Verify).ok()?;
    Some(TcpFlags(segment.flags().0 & !TcpFlags::PSH.0))
}
