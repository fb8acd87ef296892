//! Two stacks on a wire, and what both ends of many connections do.

use std::collections::VecDeque;

use lockstep::stack::{Config, ConnectionId, ListenerId, Stack};
use lockstep::time::{Instant, Micros};
use lockstep_model::Table;

/// Connections are opened and closed so many at a time: no bound on what waits to leave is met.
pub const BATCH: usize = 500;

/// A client that connects, a server that accepts, the wires between them, and the clock.
pub struct Couple {
    pub now: Instant,
    pub client: Stack,
    pub server: Stack,
    listeners: Vec<ListenerId>,
    wires: [Wire; 2],
}

/// One direction: frames in order, each with the moment when it arrives.
#[derive(Default)]
struct Wire {
    frames: VecDeque<(Instant, Vec<u8>)>,
    /// How long a frame takes besides, and so much more for a thousand octets, one frame after the other.
    delay: Micros,
    per_kilobyte: Micros,
    busy_until: Instant,
}

impl Wire {
    fn send(&mut self, now: Instant, frame: &[u8]) {
        let octets = u64::try_from(frame.len()).unwrap();
        let takes = Micros::new(self.per_kilobyte.saturating_mul(octets).get() / 1_000);
        self.busy_until = self.busy_until.max(now) + takes;
        self.frames.push_back((self.busy_until + self.delay, frame.to_vec()));
    }

    fn arrived(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.frames.front().filter(|&&(at, _)| at <= now)?;
        self.frames.pop_front().map(|(_, frame)| frame)
    }
}

impl Couple {
    /// A server that listens on these ports, and on the same wire a client.
    pub fn new(ports: &[u16], client: impl Fn(&mut Config), server: impl Fn(&mut Config)) -> Self {
        let stack = |last, change: &dyn Fn(&mut Config)| {
            let mut config = Config::new([192, 0, 2, last], 24);
            config.tcp.ephemeral_ports = 1_024..=65_535;
            change(&mut config);
            Stack::new(config, Table::repaired(), [last; 16]).unwrap()
        };
        let (client, mut server) = (stack(1, &client), stack(2, &server));
        let now = Instant::from_micros(1_000_000);
        let listen = |&port| server.listen(now, ([192, 0, 2, 2], port).into(), 2 * BATCH).unwrap();
        let listeners = ports.iter().map(listen).collect();
        Self { now, client, server, listeners, wires: Default::default() }
    }

    /// The wires take a thousand octets in so long, and a frame so much longer.
    pub fn slow_down(&mut self, per_kilobyte: Micros, delay: Micros) {
        self.wires.iter_mut().for_each(|wire| (wire.per_kilobyte, wire.delay) = (per_kilobyte, delay));
    }

    /// Opens so many connections, evenly to all ports. Returns the names of each, the client's and the server's.
    pub fn open(&mut self, count: usize) -> Vec<(ConnectionId, ConnectionId)> {
        let mut opened = Vec::with_capacity(count);
        while opened.len() < count {
            // The first alone: its SYN waits for the server's Ethernet address, and few others could.
            let batch = if opened.is_empty() { 1 } else { BATCH.min(count - opened.len()) };
            let listeners: Vec<_> = self.listeners.iter().copied().cycle().take(batch).collect();
            let connect = |&listener| {
                let server = self.server.listener_address(listener).unwrap();
                self.client.connect(self.now, server).unwrap()
            };
            let clients: Vec<_> = listeners.iter().map(connect).collect();
            self.exchange();
            let mut accept = |listener| self.server.accept(listener).unwrap().unwrap().connection;
            opened.extend(clients.into_iter().zip(listeners).map(|(client, listener)| (client, accept(listener))));
        }
        opened
    }

    /// The clients go, and each server follows when it hears of it.
    pub fn close(&mut self, opened: &[(ConnectionId, ConnectionId)]) {
        for opened in opened.chunks(BATCH) {
            opened.iter().for_each(|&(client, _)| self.client.release(self.now, client).unwrap());
            self.exchange();
            opened.iter().for_each(|&(_, server)| self.server.release(self.now, server).unwrap());
            self.exchange();
        }
    }

    /// Until nobody has anything to say now. What happened, the stacks' users know already.
    pub fn exchange(&mut self) {
        let mut frame = Vec::new();
        let [there, back] = &mut self.wires;
        loop {
            while self.client.poll_transmit(self.now, &mut frame) {
                there.send(self.now, &frame);
            }
            while self.server.poll_transmit(self.now, &mut frame) {
                back.send(self.now, &frame);
            }
            let (to_server, to_client) = (there.arrived(self.now), back.arrived(self.now));
            if to_server.is_none() && to_client.is_none() {
                break;
            }
            to_server.map(|frame| self.server.input(self.now, &frame));
            to_client.map(|frame| self.client.input(self.now, &frame));
        }
        while self.client.poll_event().is_some() || self.server.poll_event().is_some() {}
    }

    /// Time passes until something is to be done, at most until `end`.
    pub fn step(&mut self, end: Instant) {
        let frames = self.wires.iter().filter_map(|wire| wire.frames.front()).map(|&(at, _)| at);
        let timers = [self.client.poll_timeout(), self.server.poll_timeout()].into_iter().flatten();
        self.now = frames.chain(timers).chain([end]).min().unwrap_or(end).max(self.now);
        self.client.timeout(self.now);
        self.server.timeout(self.now);
        self.exchange();
    }

    /// So much time passes.
    pub fn run(&mut self, span: Micros) {
        let end = self.now + span;
        while self.now < end {
            self.step(end);
        }
    }
}
