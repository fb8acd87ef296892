//! Two stacks on a wire in virtual time: what the tests of whole conversations share.

#![allow(dead_code, reason = "each test program uses its part of this")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use lockstep::stack::{AckConfig, CallError, Config, ConnectionId, Event, ListenerId, OptionsConfig, Pair, Stack};
use lockstep::time::{Instant, Micros};
use lockstep::wire::{Checksum, EtherType, EthernetFrame, Ipv4Packet, Protocol, TcpFlags, TcpSegment};
use lockstep_model::{State, Table};

/// One end of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    A,
    B,
}

impl Side {
    pub fn other(self) -> Side {
        match self {
            Side::A => Side::B,
            Side::B => Side::A,
        }
    }

    fn index(self) -> usize {
        match self {
            Side::A => 0,
            Side::B => 1,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Side::A => "a",
            Side::B => "b",
        }
    }

    pub fn address(self) -> Ipv4Addr {
        match self {
            Side::A => Ipv4Addr::new(192, 0, 2, 1),
            Side::B => Ipv4Addr::new(192, 0, 2, 2),
        }
    }

    pub fn socket(self, port: u16) -> SocketAddr {
        (self.address(), port).into()
    }
}

/// What the wire does with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Arrive,
    Lose,
    /// Arrives this much later than others.
    Late(Micros),
}

type Weather = Box<dyn FnMut(Side, &Seen) -> Fate>;

/// A TCP segment on the wire, its numbers relative to the initial ones of each side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub seq: u32,
    pub ack: u32,
    pub flags: TcpFlags,
    pub window: u16,
    pub text: Vec<u8>,
    /// How many segments this side has sent before.
    pub index: usize,
}

impl Seen {
    pub fn has(&self, flags: TcpFlags) -> bool {
        self.flags.contains(flags)
    }
}

/// The wire, the stacks and the clock.
pub struct Net {
    pub now: Instant,
    pub a: Stack,
    pub b: Stack,
    pub delay: Micros,
    weather: Weather,
    flying: BTreeMap<(Instant, u64), (Side, Vec<u8>)>,
    sent: u64,
    segments: [usize; 2],
    initial: [Option<u32>; 2],
    log: String,
}

/// What both ends are unless a test says otherwise: connections are plain to read.
pub fn config(side: Side) -> Config {
    let mut config = Config::new(side.address(), 24);
    config.tcp.options = OptionsConfig::NONE;
    (config.tcp.receive_buffer, config.tcp.send_buffer) = (65_535, 65_535);
    config.tcp.acks = AckConfig::STEADY;
    config
}

impl Net {
    pub fn new() -> Net {
        Net::with(|_| {})
    }

    /// Both configurations changed alike.
    pub fn with(change: impl Fn(&mut Config)) -> Net {
        let stack = |side: Side| {
            let mut config = config(side);
            change(&mut config);
            Stack::new(config, Table::repaired(), [side.address().octets()[3]; 16]).unwrap()
        };
        Net::of(stack(Side::A), stack(Side::B))
    }

    /// These two stacks, who know each other's Ethernet address already.
    pub fn of(a: Stack, b: Stack) -> Net {
        let mut net = Net {
            now: Instant::ZERO,
            a,
            b,
            delay: Micros::from_millis(10),
            weather: Box::new(|_, _| Fate::Arrive),
            flying: BTreeMap::new(),
            sent: 0,
            segments: [0; 2],
            initial: [None; 2],
            log: String::new(),
        };
        net.a.ping(net.now, Side::B.address().into(), 1, 1, b"").unwrap();
        net.run_for(Micros::from_millis(900));
        let answered = net.a.poll_event();
        assert!(matches!(answered, Some(Event::EchoReply { .. })), "{answered:?}");
        // Times in snapshots begin at a full second.
        net.now = Instant::ZERO + Micros::from_secs(1);
        net.a.set_tracing(true);
        net.b.set_tracing(true);
        net
    }

    /// From now on this decides about each TCP segment.
    pub fn weather(&mut self, weather: impl FnMut(Side, &Seen) -> Fate + 'static) {
        self.weather = Box::new(weather);
    }

    pub fn stack(&mut self, side: Side) -> &mut Stack {
        match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }

    // ---- Users --------------------------------------------------------------------------------------------------------

    pub fn listen(&mut self, side: Side, port: u16) -> ListenerId {
        let now = self.now;
        self.stack(side).listen(now, side.socket(port), 8).unwrap()
    }

    pub fn connect(&mut self, side: Side, from: u16, to: u16) -> ConnectionId {
        let now = self.now;
        self.stack(side).connect_from(now, side.socket(from), side.other().socket(to)).unwrap()
    }

    pub fn accept(&mut self, side: Side, listener: ListenerId) -> ConnectionId {
        self.stack(side).accept(listener).unwrap().expect("a connection to accept").connection
    }

    pub fn send(&mut self, side: Side, id: ConnectionId, text: &[u8]) -> usize {
        let now = self.now;
        self.stack(side).send(now, id, text).unwrap()
    }

    /// All that can be received now.
    pub fn receive(&mut self, side: Side, id: ConnectionId) -> Vec<u8> {
        let now = self.now;
        let mut text = Vec::new();
        let mut buf = [0; 4096];
        for _ in 0..1000 {
            match self.stack(side).receive(now, id, &mut buf) {
                Ok(0) | Err(_) => break,
                Ok(n) => text.extend_from_slice(&buf[..n]),
            }
        }
        text
    }

    pub fn receive_error(&mut self, side: Side, id: ConnectionId) -> Result<usize, CallError> {
        let now = self.now;
        self.stack(side).receive(now, id, &mut [0; 16])
    }

    pub fn close(&mut self, side: Side, id: ConnectionId) {
        let now = self.now;
        self.stack(side).close(now, id).unwrap();
    }

    pub fn release(&mut self, side: Side, id: ConnectionId) {
        let now = self.now;
        self.stack(side).release(now, id).unwrap();
    }

    pub fn abort(&mut self, side: Side, id: ConnectionId) {
        let now = self.now;
        self.stack(side).abort(now, id).unwrap();
    }

    pub fn state(&mut self, side: Side, id: ConnectionId) -> State {
        self.stack(side).state_of(id).unwrap_or(State::Closed)
    }

    pub fn events(&mut self, side: Side) -> Vec<Event> {
        std::iter::from_fn(|| self.stack(side).poll_event()).take(1000).collect()
    }

    /// An established connection from port 4000 of A to port 80 of B, nothing logged yet.
    pub fn established(&mut self) -> (ConnectionId, ConnectionId) {
        let listener = self.listen(Side::B, 80);
        let client = self.connect(Side::A, 4000, 80);
        self.run_for(Micros::from_millis(900));
        let server = self.accept(Side::B, listener);
        let now = self.now;
        self.b.close_listener(now, listener).unwrap();
        self.events(Side::A);
        self.events(Side::B);
        self.now = Instant::ZERO + Micros::from_secs(2);
        self.flush();
        self.log.clear();
        (client, server)
    }

    pub fn pair(side: Side, local: u16, remote: u16) -> Pair {
        Pair { local: side.socket(local), remote: side.other().socket(remote) }
    }

    // ---- Time ---------------------------------------------------------------------------------------------------------

    /// Lets time pass until this moment.
    pub fn run_until(&mut self, end: Instant) {
        for _ in 0..10_000_000 {
            self.flush();
            let next = [self.a.poll_timeout(), self.b.poll_timeout(), self.flying.keys().next().map(|&(at, _)| at)];
            match next.into_iter().flatten().min().filter(|&at| at <= end) {
                Some(at) => self.happen(at),
                None => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("too many events");
    }

    pub fn run_for(&mut self, span: Micros) {
        self.run_until(self.now + span);
    }

    pub fn run_millis(&mut self, millis: u64) {
        self.run_for(Micros::from_millis(millis));
    }

    pub fn run_secs(&mut self, secs: u64) {
        self.run_for(Micros::from_secs(secs));
    }

    fn happen(&mut self, at: Instant) {
        self.now = self.now.max(at);
        let now = self.now;
        while let Some(entry) = self.flying.first_entry().filter(|entry| entry.key().0 <= now) {
            let (to, frame) = entry.remove();
            self.stack(to).input(now, &frame);
        }
        for side in [Side::A, Side::B] {
            if self.stack(side).poll_timeout().is_some_and(|due| due <= now) {
                self.stack(side).timeout(now);
            }
        }
    }

    /// Takes what the stacks have to send, and writes down what happened.
    pub fn flush(&mut self) {
        for side in [Side::A, Side::B] {
            self.log_transitions(side);
            let now = self.now;
            let mut frame = Vec::new();
            for _ in 0..100_000 {
                if !self.stack(side).poll_transmit(now, &mut frame) {
                    break;
                }
                self.log_transitions(side);
                self.travel(side, &frame);
            }
        }
    }

    fn travel(&mut self, from: Side, frame: &[u8]) {
        let fate = match self.see(from, frame) {
            None => Fate::Arrive,
            Some(seen) => {
                let fate = (self.weather)(from, &seen);
                self.log_segment(from, &seen, fate);
                fate
            }
        };
        let late = match fate {
            Fate::Lose => return,
            Fate::Arrive => Micros::ZERO,
            Fate::Late(late) => late,
        };
        self.sent += 1;
        self.flying.insert((self.now + self.delay + late, self.sent), (from.other(), frame.to_vec()));
    }

    /// Puts a frame on the wire that neither stack has sent.
    pub fn inject(&mut self, to: Side, frame: &[u8]) {
        self.sent += 1;
        self.flying.insert((self.now + self.delay, self.sent), (to, frame.to_vec()));
    }

    // ---- The log --------------------------------------------------------------------------------------------------------

    /// What happened since the last time, line by line.
    pub fn story(&mut self) -> String {
        self.flush();
        std::mem::take(&mut self.log)
    }

    fn see(&mut self, from: Side, frame: &[u8]) -> Option<Seen> {
        let frame = EthernetFrame::parse(frame).unwrap();
        if frame.ethertype() != EtherType::IPV4 {
            return None;
        }
        let packet = Ipv4Packet::parse(frame.payload(), Checksum::Verify).unwrap();
        if packet.protocol() != Protocol::TCP {
            return None;
        }
        let segment = TcpSegment::parse(packet.payload(), packet.pseudo_header(), Checksum::Verify).unwrap();
        let (mine, theirs) = (from.index(), from.other().index());
        if segment.flags().contains(TcpFlags::SYN) {
            self.initial[mine] = Some(segment.seq());
        }
        let index = self.segments[mine];
        self.segments[mine] += 1;
        Some(Seen {
            seq: segment.seq().wrapping_sub(self.initial[mine].unwrap_or(0)),
            ack: segment.ack().wrapping_sub(self.initial[theirs].unwrap_or(0)),
            flags: segment.flags(),
            window: segment.window(),
            text: segment.text().to_vec(),
            index,
        })
    }

    fn log_segment(&mut self, from: Side, seen: &Seen, fate: Fate) {
        let mut line = format!("<SEQ={}>", seen.seq);
        if seen.has(TcpFlags::ACK) {
            write!(line, "<ACK={}>", seen.ack).unwrap();
        }
        if !seen.text.is_empty() {
            write!(line, "<TEXT={}>", seen.text.len()).unwrap();
        }
        write!(line, "<CTL={}>", seen.flags).unwrap();
        if seen.window < 60_000 && !seen.has(TcpFlags::RST) {
            write!(line, "<WND={}>", seen.window).unwrap();
        }
        let end = match fate {
            Fate::Arrive => "",
            Fate::Lose => " lost",
            Fate::Late(_) => " late",
        };
        let arrow = match from {
            Side::A => "a -> b",
            Side::B => "a <- b",
        };
        writeln!(self.log, "{} {arrow} {line}{end}", self.now).unwrap();
    }

    fn log_transitions(&mut self, side: Side) {
        while let Some(change) = self.stack(side).poll_transition() {
            let (at, from, to, rule) = (change.at, change.from, change.to, change.rule);
            writeln!(self.log, "{at} {} {from} -> {to} by {rule}", side.name()).unwrap();
        }
    }
}
