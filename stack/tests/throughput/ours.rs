//! A host that runs Lockstep.

use std::net::{Ipv4Addr, SocketAddr};

use lockstep::device::{Device, ETHERNET_HEADER};
use lockstep::stack::{Config, ConnectionId, Event, Stack};
use lockstep::time::Instant;
use lockstep_model::Table;

use super::host::{Cable, Host, MTU, PORT};

pub struct Ours {
    pub stack: Stack,
    pub id: Option<ConnectionId>,
    device: Cable,
    established: bool,
    frame: Vec<u8>,
}

impl Ours {
    /// The host with this number, which waits for the other to connect.
    pub fn server(number: u8, config: Config, device: Cable) -> Self {
        let mut host = Self::new(number, config, device);
        host.stack.listen(Instant::ZERO, SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)), 1).unwrap();
        host
    }

    /// The host with this number, which connects to another.
    pub fn client(number: u8, config: Config, device: Cable, server: Ipv4Addr) -> Self {
        let mut host = Self::new(number, config, device);
        host.id = Some(host.stack.connect(Instant::ZERO, (server, PORT).into()).unwrap());
        host
    }

    fn new(number: u8, config: Config, device: Cable) -> Self {
        let stack = Stack::new(config, Table::repaired(), [number; 16]).unwrap();
        Self { stack, id: None, device, established: false, frame: Vec::new() }
    }

    /// Frames sent.
    pub fn sent(&self) -> u64 {
        self.device.outgoing().offered
    }

    fn receive(&mut self, now: Instant) -> bool {
        let mut buf = [0; MTU + ETHERNET_HEADER];
        let mut moved = false;
        while let Some(len) = self.device.recv(now, &mut buf).unwrap() {
            self.stack.input(now, &buf[..len]);
            moved = true;
        }
        moved
    }

    fn transmit(&mut self, now: Instant) -> bool {
        let mut moved = false;
        while self.stack.poll_transmit(now, &mut self.frame) {
            self.device.send(now, &self.frame).unwrap();
            moved = true;
        }
        moved
    }

    fn hear(&mut self) {
        while let Some(event) = self.stack.poll_event() {
            match event {
                Event::Acceptable(listener) => {
                    self.id = self.stack.accept(listener).unwrap().map(|accepted| accepted.connection);
                }
                Event::Connected(_) => self.established = true,
                Event::Closed(_, Some(failure)) => panic!("a connection failed: {failure}"),
                _ => {}
            }
        }
    }
}

impl Host for Ours {
    fn round(&mut self, now: Instant) -> bool {
        let received = self.receive(now);
        if self.stack.poll_timeout().is_some_and(|due| due <= now) {
            self.stack.timeout(now);
        }
        let sent = self.transmit(now);
        self.hear();
        received || sent
    }

    fn is_established(&mut self) -> bool {
        self.established
    }

    fn write(&mut self, now: Instant, text: &[u8]) -> usize {
        self.id.and_then(|id| self.stack.send(now, id, text).ok()).unwrap_or(0)
    }

    fn read(&mut self, now: Instant, buf: &mut [u8]) -> usize {
        self.id.and_then(|id| self.stack.receive(now, id, buf).ok()).unwrap_or(0)
    }

    fn close(&mut self, now: Instant) {
        self.stack.close(now, self.id.unwrap()).unwrap();
    }

    fn wakes_at(&mut self, _now: Instant) -> Option<Instant> {
        [self.stack.poll_timeout(), self.device.poll_timeout()].into_iter().flatten().min()
    }
}
