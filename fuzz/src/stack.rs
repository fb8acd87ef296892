//! The whole stack, against a peer that is as bad as the bytes want, and a user who is as erratic.
//!
//! The bytes are a script of frames, calls and waits. Segments get valid checksums and numbers close to those that matter,
//! so that they come past the parsers; raw frames and datagrams need not. What must hold: no panic, what leaves is well
//! formed, no input is answered by more than a bounded number of frames, a reset is never answered by one, bounds on what
//! is kept are kept, and when the peer falls silent every connection comes to its end.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use arbitrary::{Arbitrary, Unstructured};
use etherparse::{
    ArpOperation, ArpPacket, EtherType, Ethernet2Header, IpNumber, Ipv4Header, NetSlice, SlicedPacket, TcpHeader,
    TransportSlice,
};
use lockstep::stack::{Accepted, CallError, Config, ConnectionId, Event, ListenerId, Stack};
use lockstep::time::{Instant, Micros};
use lockstep_model::Table;

const STACK: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
/// The port that the stack listens on, and the one of the peer that it connects to.
const PORT: u16 = 80;
/// A script longer than this only repeats itself.
const MOST_STEPS: usize = 200;
/// Connections the stack may have.
const MOST_CONNECTIONS: usize = 8;
/// Frames that one step may bring about: what fits a window, for each connection, and their acknowledgments.
const MOST_FRAMES: usize = 1_024;
/// Timeouts before everything has ended: TIME-WAIT, retransmissions and probes of all connections.
const MOST_TIMEOUTS: usize = 4_096;

/// One step of a script.
#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// A segment from the peer, with valid checksums.
    Segment(Fragment<'a>),
    /// A datagram of any protocol, with a valid header.
    Datagram {
        protocol: u8,
        payload: &'a [u8],
    },
    /// Any frame at all.
    Frame(&'a [u8]),
    /// Time passes, in milliseconds.
    Wait(u16),
    Connect,
    Accept,
    Send {
        which: u8,
        octets: u16,
    },
    Receive {
        which: u8,
        octets: u16,
    },
    Close(u8),
    Release(u8),
    Abort(u8),
}

/// A segment whose numbers are small distances from those the stack expects.
#[derive(Arbitrary, Debug)]
struct Fragment<'a> {
    /// Which of the peer's ports: a few are enough to collide.
    port: u8,
    flags: u8,
    seq: i16,
    ack: i16,
    window: u16,
    urgent: u16,
    options: &'a [u8],
    text: &'a [u8],
}

/// Runs a script against a stack.
pub fn stack(data: &[u8]) {
    let mut script = Unstructured::new(data);
    let mut world = World::new();
    for _ in 0..MOST_STEPS {
        let Ok(step) = Step::arbitrary(&mut script) else { break };
        world.take(&step);
        if script.is_empty() {
            break;
        }
    }
    world.fall_silent();
}

/// What the peer knows of a connection: where the stack's numbers are.
#[derive(Clone, Copy, Default)]
struct Heard {
    /// The number after the stack's last.
    next: u32,
    /// The stack's last acknowledgment.
    ack: u32,
}

struct World {
    stack: Stack,
    now: Instant,
    listener: ListenerId,
    connections: Vec<ConnectionId>,
    /// By the stack's port and the peer's.
    heard: BTreeMap<(u16, u16), Heard>,
    frame: Vec<u8>,
}

impl World {
    fn new() -> Self {
        let mut config = Config::new(STACK, 24);
        config.limits.connections = MOST_CONNECTIONS;
        let mut stack = Stack::new(config, Table::repaired(), [7; 16]).expect("a configuration that can be");
        let listener = stack.listen(Instant::ZERO, SocketAddr::from((STACK, PORT)), 4).expect("a free port");
        let frame = Vec::new();
        let mut world =
            Self { stack, now: Instant::ZERO, listener, connections: Vec::new(), heard: BTreeMap::new(), frame };
        world.introduce();
        world
    }

    /// The peer asks for the stack's Ethernet address, so that the stack knows his.
    fn introduce(&mut self) {
        let arp = ArpPacket::new(
            etherparse::ArpHardwareId::ETHERNET,
            EtherType::IPV4,
            ArpOperation::REQUEST,
            &PEER_MAC,
            &PEER.octets(),
            &[0; 6],
            &STACK.octets(),
        )
        .expect("addresses of equal length");
        let mut frame = ethernet(EtherType::ARP);
        arp.write(&mut frame).expect("a vector takes all");
        self.input(&frame, false);
    }

    fn take(&mut self, step: &Step<'_>) {
        match step {
            Step::Segment(fragment) => self.segment(fragment),
            Step::Datagram { protocol, payload } => self.datagram(IpNumber(*protocol), payload, false),
            Step::Frame(frame) => self.input(frame, false),
            Step::Wait(milliseconds) => self.wait(Micros::from_millis((*milliseconds).into())),
            Step::Connect => self.connect(),
            Step::Accept => self.accept(),
            Step::Send { which, octets } => {
                let text = vec![0xa5; usize::from(*octets)];
                self.call(*which, |stack, now, id| stack.send(now, id, &text).map(|sent| assert!(sent <= text.len())));
            }
            Step::Receive { which, octets } => {
                let mut buf = vec![0; usize::from(*octets)];
                self.call(*which, |stack, now, id| stack.receive(now, id, &mut buf).map(drop));
            }
            Step::Close(which) => self.call(*which, |stack, now, id| stack.close(now, id)),
            Step::Abort(which) => self.call(*which, |stack, now, id| stack.abort(now, id)),
            Step::Release(which) => self.release(*which),
        }
        assert!(self.stack.connections() <= MOST_CONNECTIONS);
        self.drain(false);
    }

    fn segment(&mut self, fragment: &Fragment<'_>) {
        let (local, remote) = self.pair(fragment.port);
        let heard = self.heard.get(&(local, remote)).copied().unwrap_or_default();
        let seq = heard.ack.wrapping_add_signed(fragment.seq.into());
        let mut tcp = TcpHeader::new(remote, local, seq, fragment.window);
        tcp.acknowledgment_number = heard.next.wrapping_add_signed(fragment.ack.into());
        let bit = |place: u8| fragment.flags >> place & 1 == 1;
        (tcp.fin, tcp.syn, tcp.rst, tcp.psh, tcp.ack, tcp.urg) = (bit(0), bit(1), bit(2), bit(3), bit(4), bit(5));
        tcp.urgent_pointer = fragment.urgent;
        let options = &fragment.options[..fragment.options.len().min(40)];
        tcp.set_options_raw(options).expect("at most 40 octets");
        let text = &fragment.text[..fragment.text.len().min(1_400)];
        tcp.checksum = tcp.calc_checksum_ipv4_raw(PEER.octets(), STACK.octets(), text).expect("short enough");
        let mut payload = Vec::new();
        tcp.write(&mut payload).expect("a vector takes all");
        payload.extend_from_slice(text);
        self.datagram(IpNumber::TCP, &payload, tcp.rst);
    }

    /// Even ports of the peer talk to the listener, the odd one to whatever the stack has connected to.
    fn pair(&self, port: u8) -> (u16, u16) {
        let opened = self.heard.keys().rev().find(|(_, remote)| *remote == PORT);
        match opened {
            Some(&pair) if port % 2 == 1 => pair,
            Some(_) | None => (PORT, 40_000 + u16::from(port % 8)),
        }
    }

    fn datagram(&mut self, protocol: IpNumber, payload: &[u8], is_reset: bool) {
        let payload = &payload[..payload.len().min(1_480)];
        let length = u16::try_from(payload.len()).expect("at most 1480");
        let mut ip = Ipv4Header::new(length, 64, protocol, PEER.octets(), STACK.octets()).expect("short enough");
        ip.header_checksum = ip.calc_header_checksum();
        let mut frame = ethernet(EtherType::IPV4);
        ip.write(&mut frame).expect("a vector takes all");
        frame.extend_from_slice(payload);
        self.input(&frame, is_reset);
    }

    fn input(&mut self, frame: &[u8], is_reset: bool) {
        self.drain(false);
        self.stack.input(self.now, frame);
        self.drain(is_reset);
    }

    fn wait(&mut self, time: Micros) {
        let until = self.now + time;
        for _ in 0..MOST_TIMEOUTS {
            match self.stack.poll_timeout() {
                Some(at) if at <= until => {
                    self.now = self.now.max(at);
                    self.stack.timeout(self.now);
                    self.drain(false);
                }
                Some(_) | None => break,
            }
        }
        self.now = until;
    }

    fn connect(&mut self) {
        if let Ok(id) = self.stack.connect(self.now, SocketAddr::from((PEER, PORT))) {
            self.connections.push(id);
        }
    }

    fn accept(&mut self) {
        if let Ok(Some(Accepted { connection, .. })) = self.stack.accept(self.listener) {
            self.connections.push(connection);
        }
    }

    fn call(&mut self, which: u8, call: impl FnOnce(&mut Stack, Instant, ConnectionId) -> Result<(), CallError>) {
        if let Some(&id) = self.connections.get(usize::from(which) % self.connections.len().max(1)) {
            // Any answer will do.
            let _ = call(&mut self.stack, self.now, id);
        }
    }

    fn release(&mut self, which: u8) {
        if !self.connections.is_empty() {
            let id = self.connections.remove(usize::from(which) % self.connections.len());
            self.stack.release(self.now, id).expect("a connection that was not released before");
        }
    }

    /// Takes all frames and events out, and looks at the frames.
    fn drain(&mut self, answers_a_reset: bool) {
        let mut frames = 0;
        let mut frame = std::mem::take(&mut self.frame);
        while self.stack.poll_transmit(self.now, &mut frame) {
            frames += 1;
            assert!(frames <= MOST_FRAMES, "a step sets off an endless stream of frames");
            self.hear(&frame, answers_a_reset);
        }
        self.frame = frame;
        while let Some(event) = self.stack.poll_event() {
            if let Event::EchoReply { len, .. } = event {
                assert!(len <= 1_480);
            }
        }
    }

    /// What leaves is well formed, sums up, and comes from the stack.
    fn hear(&mut self, frame: &[u8], answers_a_reset: bool) {
        let packet = SlicedPacket::from_ethernet(frame).expect("a well-formed frame");
        let Some(NetSlice::Ipv4(ip)) = &packet.net else { return };
        assert_eq!(ip.header().source_addr(), STACK);
        assert!(crate::sums_to_zero(&[ip.header().slice()]));
        let Some(TransportSlice::Tcp(tcp)) = &packet.transport else { return };
        let sum = tcp.calc_checksum_ipv4(ip.header().source(), ip.header().destination()).expect("short enough");
        assert_eq!(sum, tcp.checksum());
        assert!(!(answers_a_reset && tcp.rst()), "a reset is answered by a reset (RFC 9293 §3.5.2)");
        let octets = u32::try_from(tcp.payload().len()).expect("a short payload");
        let heard = self.heard.entry((tcp.source_port(), tcp.destination_port())).or_default();
        if !tcp.rst() {
            heard.next = tcp.sequence_number().wrapping_add(octets + u32::from(tcp.syn()) + u32::from(tcp.fin()));
            if tcp.ack() {
                heard.ack = tcp.acknowledgment_number();
            }
        }
    }

    /// Nobody answers any more, and every user goes: in the end nothing is left.
    fn fall_silent(mut self) {
        self.stack.close_listener(self.now, self.listener).expect("the listener is still there");
        while !self.connections.is_empty() {
            self.release(0);
        }
        self.drain(false);
        for _ in 0..MOST_TIMEOUTS {
            let Some(at) = self.stack.poll_timeout() else { break };
            self.now = self.now.max(at);
            self.stack.timeout(self.now);
            self.drain(false);
            if self.stack.connections() == 0 {
                return;
            }
        }
        assert_eq!(self.stack.connections(), 0, "a connection outlives its user and its peer");
    }
}

fn ethernet(ether_type: EtherType) -> Vec<u8> {
    let stack = Config::new(STACK, 24).mac.0;
    Ethernet2Header { source: PEER_MAC, destination: stack, ether_type }.to_bytes().to_vec()
}
