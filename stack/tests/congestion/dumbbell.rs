//! Several senders, one receiver, and the narrow line between them.
//!
//! The senders share a switch. What they send passes a bottleneck with a drop-tail queue on its way to the receiver; what he
//! answers comes back unhindered, and each of them hears it all and knows by the Ethernet address what is his. A guest at the
//! switch may be any device, the kernel behind a TAP for one.

#![allow(dead_code, reason = "each test program uses its part of this")]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use lockstep::device::impair::{Bottleneck, Impairment};
use lockstep::device::{Device, ETHERNET_HEADER, Impaired, Pipe};
use lockstep::stack::{Config, ConnectionId, Event, Stack};
use lockstep::tcp::congestion::CongestionConfig;
use lockstep::tcp::pacing::PacingConfig;
use lockstep::time::{Instant, Micros};
use lockstep_model::Table;

const MTU: usize = 1500;
pub const PORT: u16 = 80;
pub const RECEIVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// Memory for each direction of each connection: more than line and queue hold.
const BUFFER: usize = 1 << 20;

/// The narrow line.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Octets per second.
    pub rate: u64,
    /// Octets that may wait for it.
    pub queue: u64,
    /// There and back, without waiting.
    pub rtt: Micros,
}

/// One who sends as much as he may.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flow {
    pub congestion: CongestionConfig,
    pub pacing: PacingConfig,
    pub begins: Instant,
}

/// What is seen at one moment.
#[derive(Clone, Debug)]
pub struct Sample {
    pub at: Instant,
    /// Frames that have found the queue full so far.
    pub dropped: u64,
    pub flows: Vec<Seen>,
}

/// What is seen of one flow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub cwnd: u32,
    pub ssthresh: u32,
    /// Octets that have arrived at the receiver's user.
    pub received: u64,
}

/// Lets the flows share the line for so long, and looks at them at such intervals.
pub fn run(line: Line, flows: &[Flow], lasts: Micros, interval: Micros) -> Vec<Sample> {
    let mut dumbbell = Dumbbell::new(line, flows, None);
    let end = Instant::ZERO + lasts;
    let mut samples = Vec::new();
    let mut look = Instant::ZERO;
    loop {
        while dumbbell.round() {}
        if dumbbell.now >= look {
            samples.push(dumbbell.look());
            look += interval;
        }
        if dumbbell.now >= end {
            return samples;
        }
        dumbbell.now = dumbbell.next().map_or(look, |next| next.min(look));
    }
}

/// Stacks, line and clock.
pub struct Dumbbell {
    pub now: Instant,
    senders: Vec<Sender>,
    receiver: Stack,
    /// The connections the receiver has accepted, and how much came by each, by the address of the sender.
    accepted: BTreeMap<Ipv4Addr, (ConnectionId, u64)>,
    /// The switch's end of the line, and the receiver's.
    near: Impaired<Pipe>,
    far: Pipe,
    guest: Option<Box<dyn Device>>,
}

struct Sender {
    stack: Stack,
    address: Ipv4Addr,
    begins: Instant,
    id: Option<ConnectionId>,
}

impl Dumbbell {
    pub fn new(line: Line, flows: &[Flow], guest: Option<Box<dyn Device>>) -> Self {
        let (near, far) = Pipe::pair(MTU, 1 << 20);
        let half = Micros::new(line.rtt.get() / 2);
        let back = Impairment { delay: half, ..Impairment::default() };
        let there = Impairment { bottleneck: Some(Bottleneck::new(line.rate, line.queue)), ..back };
        let mut receiver = stack(2, RECEIVER, Flow::default());
        receiver.listen(Instant::ZERO, SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)), flows.len() + 1).unwrap();
        let senders = (3..).zip(flows).map(|(number, flow)| {
            let address = Ipv4Addr::new(192, 0, 2, number);
            Sender { stack: stack(number, address, *flow), address, begins: flow.begins, id: None }
        });
        Self {
            now: Instant::ZERO,
            senders: senders.collect(),
            receiver,
            accepted: BTreeMap::new(),
            near: Impaired::new(near, 9438, back, there),
            far,
            guest,
        }
    }

    /// All do what there is to do now. Returns whether any frame moved.
    pub fn round(&mut self) -> bool {
        let heard = self.hear() | self.forward();
        let Self { now, senders, near, .. } = self;
        let mut moved = heard;
        for sender in senders {
            sender.talk(*now);
            moved |= transmit(&mut sender.stack, *now, near);
        }
        let arrived = self.receive();
        moved | arrived | transmit(&mut self.receiver, self.now, &mut self.far)
    }

    /// What comes back is heard by all senders.
    fn hear(&mut self) -> bool {
        let mut frame = [0; MTU + ETHERNET_HEADER];
        let mut moved = false;
        while let Some(len) = self.near.recv(self.now, &mut frame).unwrap() {
            for sender in &mut self.senders {
                sender.stack.input(self.now, &frame[..len]);
            }
            if let Some(guest) = &mut self.guest {
                guest.send(self.now, &frame[..len]).unwrap();
            }
            moved = true;
        }
        moved
    }

    /// What the guest sends goes the way of all.
    fn forward(&mut self) -> bool {
        let Some(guest) = &mut self.guest else { return false };
        let mut frame = [0; MTU + ETHERNET_HEADER];
        let mut moved = false;
        while let Some(len) = guest.recv(self.now, &mut frame).unwrap() {
            self.near.send(self.now, &frame[..len]).unwrap();
            moved = true;
        }
        moved
    }

    /// The receiver reads whatever arrives.
    fn receive(&mut self) -> bool {
        let mut frame = [0; MTU + ETHERNET_HEADER];
        let mut moved = false;
        while let Some(len) = self.far.recv(self.now, &mut frame).unwrap() {
            self.receiver.input(self.now, &frame[..len]);
            moved = true;
        }
        expire(&mut self.receiver, self.now);
        while let Some(event) = self.receiver.poll_event() {
            if let Event::Acceptable(listener) = event {
                let accepted = self.receiver.accept(listener).unwrap().unwrap();
                let std::net::IpAddr::V4(address) = accepted.pair.remote.ip() else { unreachable!() };
                self.accepted.insert(address, (accepted.connection, 0));
            }
        }
        let mut buf = [0; 1 << 14];
        for (id, received) in self.accepted.values_mut() {
            while let Ok(len) = self.receiver.receive(self.now, *id, &mut buf) {
                *received += u64::try_from(len).unwrap();
            }
        }
        moved
    }

    fn next(&mut self) -> Option<Instant> {
        let senders = self.senders.iter_mut().filter_map(|sender| match sender.id {
            Some(_) => sender.stack.poll_timeout(),
            None => Some(sender.begins),
        });
        senders.chain(self.receiver.poll_timeout()).chain(self.near.poll_timeout()).min()
    }

    /// How much has arrived from this address.
    pub fn received_from(&self, address: Ipv4Addr) -> u64 {
        self.accepted.get(&address).map_or(0, |&(_, received)| received)
    }

    pub fn look(&mut self) -> Sample {
        let Self { now, senders, accepted, near, .. } = self;
        let flows = senders.iter_mut().map(|sender| {
            let status = sender.id.and_then(|id| sender.stack.status(*now, id).ok());
            let received = accepted.get(&sender.address).map_or(0, |&(_, received)| received);
            status.map_or(Seen::default(), |status| Seen { cwnd: status.cwnd, ssthresh: status.ssthresh, received })
        });
        Sample { at: *now, dropped: near.outgoing().overflowed, flows: flows.collect() }
    }
}

impl Sender {
    /// Connects when the time has come, and sends all it can.
    fn talk(&mut self, now: Instant) {
        expire(&mut self.stack, now);
        while let Some(event) = self.stack.poll_event() {
            assert!(!matches!(event, Event::Closed(..)), "{event:?}");
        }
        if now < self.begins {
            return;
        }
        let stack = &mut self.stack;
        let id = *self.id.get_or_insert_with(|| stack.connect(now, (RECEIVER, PORT).into()).unwrap());
        while stack.send(now, id, &[7; 1 << 14]).is_ok() {}
    }
}

fn stack(number: u8, address: Ipv4Addr, flow: Flow) -> Stack {
    let mut config = Config::new(address, 24);
    config.tcp.send_buffer = BUFFER;
    config.tcp.receive_buffer = BUFFER;
    config.tcp.congestion = flow.congestion;
    config.tcp.pacing = flow.pacing;
    Stack::new(config, Table::repaired(), [number; 16]).unwrap()
}

fn expire(stack: &mut Stack, now: Instant) {
    if stack.poll_timeout().is_some_and(|due| due <= now) {
        stack.timeout(now);
    }
}

fn transmit(stack: &mut Stack, now: Instant, device: &mut impl Device) -> bool {
    let mut frame = Vec::new();
    let mut moved = false;
    while stack.poll_transmit(now, &mut frame) {
        device.send(now, &frame).unwrap();
        moved = true;
    }
    moved
}
