//! Traces written by hand.

use etherparse::icmpv4::DestUnreachableHeader;
use etherparse::{Icmpv4Type, PacketBuilder};
use lockstep_conformance::oracle::{Judgement, Terms, judge};
use lockstep_conformance::system::{
    Call, Descriptor, FourTuple, MessageFlags, OptionValue, Output, PEER_ADDRESS, Ret, SYSTEM_ADDRESS, ShutdownHow,
    SocketOption, State, Success, Timing,
};
use lockstep_conformance::trace::{Observation, Trace, What};
use lockstep_model::{Flag, Flags, Table};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

const LISTENER: Descriptor = Descriptor(3);
const SOCKET: Descriptor = Descriptor(4);
const SYSTEM: SocketAddrV4 = SocketAddrV4::new(SYSTEM_ADDRESS, 8080);
const PEER: SocketAddrV4 = SocketAddrV4::new(PEER_ADDRESS, 40_000);
pub const CONNECTION: FourTuple = FourTuple { local: SYSTEM, remote: PEER };
const WINDOW: u16 = 4_000;

/// A trace under construction. Numbers are relative: the system's initial sequence number is 1000, the peer's 5000.
#[derive(Default)]
pub struct Tape {
    pub trace: Trace,
    now: Duration,
    calls: u32,
}

impl Tape {
    pub fn add(mut self, what: What) -> Self {
        self.trace.observations.push(Observation { at: self.now, what, line: None });
        self.trace.ended = self.now;
        self
    }

    pub fn after(mut self, milliseconds: u64) -> Self {
        self.now += Duration::from_millis(milliseconds);
        self.trace.ended = self.now;
        self
    }

    /// The peer's segment.
    pub fn hears(self, flags: Flags, seq: u32, ack: u32, text: usize) -> Self {
        let bytes = datagram(PEER, SYSTEM, flags, 5_000 + seq, 1_000 + ack, text);
        self.add(What::Injected(bytes))
    }

    /// The system's segment.
    pub fn says(self, flags: Flags, seq: u32, ack: u32, text: usize) -> Self {
        let bytes = datagram(SYSTEM, PEER, flags, 1_000 + seq, 5_000 + ack, text);
        self.add(What::Sent(bytes))
    }

    pub fn calls(mut self, call: Call, ret: Ret) -> Self {
        self.calls += 1;
        let id = self.calls;
        self.add(What::Called { id, call }).add(What::Returned { id, ret })
    }

    pub fn probed(self, state: State) -> Self {
        self.add(What::Probed { connection: CONNECTION, state })
    }

    pub fn writes(self, octets: u16) -> Self {
        let data = vec![0; usize::from(octets)];
        self.calls(Call::Write { fd: SOCKET, data }, Ok(Success::value(octets)))
    }

    pub fn reads(self, octets: u16) -> Self {
        let output = Output::Data(vec![0; usize::from(octets)]);
        let call = Call::Read { fd: SOCKET, length: usize::from(octets) };
        self.calls(call, Ok(Success { value: i64::from(octets), output }))
    }

    pub fn shuts(self) -> Self {
        self.shuts_down(ShutdownHow::Write)
    }

    pub fn shuts_down(self, how: ShutdownHow) -> Self {
        self.calls(Call::Shutdown { fd: SOCKET, how }, Ok(Success::value(0)))
    }

    pub fn closes(self) -> Self {
        self.calls(Call::Close { fd: SOCKET }, Ok(Success::value(0)))
    }

    pub fn listening() -> Self {
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, SYSTEM.port());
        Tape::default()
            .calls(Call::Socket, Ok(Success::value(LISTENER.0)))
            .calls(Call::Bind { fd: LISTENER, address: any }, Ok(Success::value(0)))
            .calls(Call::Listen { fd: LISTENER, backlog: 1 }, Ok(Success::value(0)))
    }

    pub fn established() -> Self {
        Tape::listening()
            .hears(Flags::SYN, 0, 0, 0)
            .says(Flags::SYN_ACK, 0, 1, 0)
            .after(10)
            .hears(Flags::ACK, 1, 1, 0)
            .calls(
                Call::Accept { fd: LISTENER },
                Ok(Success { value: i64::from(SOCKET.0), output: Output::Address(PEER) }),
            )
            .after(10)
    }

    pub fn verdict(self) -> Judgement {
        judge(&self.after(10_000).trace, &Terms::new(Timing::EXACT, Duration::from_secs(240)))
    }

    /// With these flags besides, and this urgent pointer, what was said last.
    pub fn urgently(mut self, pointer: u16) -> Self {
        let Some(Observation { what: What::Sent(bytes), .. }) = self.trace.observations.last_mut() else {
            panic!("nothing was said last");
        };
        let (header, rest) = bytes.split_at_mut(20);
        rest[13] |= 0b10_0000;
        rest[16..18].copy_from_slice(&[0, 0]);
        rest[18..20].copy_from_slice(&pointer.to_be_bytes());
        let (from, to) = (header[12..16].try_into(), header[16..20].try_into());
        let tcp = etherparse::TcpSlice::from_slice(rest).expect("a header");
        let sum = tcp.calc_checksum_ipv4(from.expect("four"), to.expect("four")).expect("short");
        rest[16..18].copy_from_slice(&sum.to_be_bytes());
        self
    }

    /// A router says this of what the system sends: destination unreachable, for this reason.
    pub fn hears_of_network(self, reason: DestUnreachableHeader) -> Self {
        let quoted = datagram(SYSTEM, PEER, Flags::ACK, 1_000, 5_000, 0);
        let router = PacketBuilder::ipv4(PEER.ip().octets(), SYSTEM.ip().octets(), 64);
        let message = router.icmpv4(Icmpv4Type::DestinationUnreachable(reason));
        let mut bytes = Vec::new();
        message.write(&mut bytes, &quoted[..28]).expect("a datagram that fits");
        self.add(What::Injected(bytes))
    }

    pub fn sets(self, option: SocketOption, value: i32) -> Self {
        let value = OptionValue::Int(value);
        self.calls(Call::SetSockOpt { fd: SOCKET, option, value }, Ok(Success::value(0)))
    }

    pub fn writes_urgently(self, octets: u16) -> Self {
        let flags = MessageFlags { out_of_band: true, ..MessageFlags::default() };
        let data = vec![0; usize::from(octets)];
        self.calls(Call::Send { fd: SOCKET, data, flags }, Ok(Success::value(octets)))
    }

    /// Which deviations of Linux it takes to explain this.
    pub fn takes_linux(self, rows: &[&str]) {
        let terms = Terms::new(Timing::EXACT, Duration::from_secs(60));
        let terms = Terms { deviant: vec![Table::linux()], ..terms };
        match judge(&self.after(10_000).trace, &terms) {
            Judgement::Explained { deviations } => {
                let names: Vec<&str> = deviations.iter().map(|rule| rule.name()).collect();
                assert_eq!(names, rows);
            }
            Judgement::Diverged(divergence) => panic!("{divergence:#?}"),
        }
    }

    /// Asserts that the fault is found, and that the reason says this.
    pub fn rejected(self, because: &str) {
        match self.verdict() {
            Judgement::Explained { .. } => panic!("explained, although: {because}"),
            Judgement::Diverged(divergence) => {
                let said = format!("{} / {:?}", divergence.seen, divergence.expected);
                assert!(said.contains(because), "{said}\ndoes not say: {because}");
            }
        }
    }

    pub fn explained(self) {
        let verdict = self.verdict();
        assert!(matches!(&verdict, Judgement::Explained { deviations } if deviations.is_empty()), "{verdict:#?}");
    }
}

pub fn datagram(
    source: SocketAddrV4,
    destination: SocketAddrV4,
    flags: Flags,
    seq: u32,
    ack: u32,
    text: usize,
) -> Vec<u8> {
    let mut builder = PacketBuilder::ipv4(source.ip().octets(), destination.ip().octets(), 64).tcp(
        source.port(),
        destination.port(),
        seq,
        WINDOW,
    );
    for (flag, set) in [Flag::Fin, Flag::Syn, Flag::Rst, Flag::Psh].map(|flag| (flag, flags.has(flag))) {
        builder = match (flag, set) {
            (Flag::Fin, true) => builder.fin(),
            (Flag::Syn, true) => builder.syn(),
            (Flag::Rst, true) => builder.rst(),
            (Flag::Psh, true) => builder.psh(),
            _ => builder,
        };
    }
    if flags.has(Flag::Ack) {
        builder = builder.ack(ack);
    }
    let payload = vec![0; text];
    let mut bytes = Vec::new();
    builder.write(&mut bytes, &payload).expect("a datagram that fits");
    bytes
}

/// The peer's ACK with a closed window.
pub fn windowless(seq: u32, ack: u32) -> Vec<u8> {
    let (source, destination) = (PEER.ip().octets(), SYSTEM.ip().octets());
    let tcp = PacketBuilder::ipv4(source, destination, 64).tcp(PEER.port(), SYSTEM.port(), 5_000 + seq, 0);
    let mut bytes = Vec::new();
    tcp.ack(1_000 + ack).write(&mut bytes, &[]).expect("a datagram that fits");
    bytes
}
