//! A peer by hand. Nothing of Lockstep's own wire formats: the tests are to see what is really there.

use std::net::SocketAddrV4;
use std::time::Duration;

use etherparse::{Ipv4Slice, PacketBuilder, TcpSlice};
use lockstep_conformance::system::linux::{Link, Linux};
use lockstep_conformance::system::{
    Call, CallId, Descriptor, ETHERNET_MTU, Fault, FourTuple, OptionValue, Output, PEER_ADDRESS, Progress, Ret,
    SYSTEM_ADDRESS, SocketOption, State, System, Unsupported, Wake,
};

pub(super) const SYSTEM_PORT: u16 = 8_080;
pub(super) const PEER_PORT: u16 = 40_000;

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const PSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;

/// Long enough for any machine; no test that passes waits so long.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Scenario {
    pub(super) system: Linux,
}

/// A segment of the system; PSH is the sender's own affair, and left out.
pub(super) struct Seen {
    pub(super) at: Duration,
    pub(super) flags: u8,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) data: Vec<u8>,
}

impl Scenario {
    pub(super) fn new() -> Self {
        Self::over(Link::Veth)
    }

    /// Ends this process as skipped where this user has no such link.
    pub(super) fn over(link: Link) -> Self {
        let mut system = match Linux::over(link, ETHERNET_MTU) {
            Ok(system) => system,
            Err(Fault::Unsupported(Unsupported::Absent { reason })) => {
                eprintln!("{reason}");
                std::process::exit(super::EXIT_NO_TAP.into());
            }
            Err(fault) => panic!("{fault}"),
        };
        assert!(system.recv().expect("the wire works").is_none(), "the wire is quiet at first");
        Self { system }
    }

    pub(super) fn bound(&mut self) -> Descriptor {
        let fd = descriptor(self.value(Call::Socket));
        let option = SocketOption::ReuseAddr;
        self.value(Call::SetSockOpt { fd, option, value: OptionValue::Int(1) });
        self.value(Call::Bind { fd, address: SocketAddrV4::new(SYSTEM_ADDRESS, SYSTEM_PORT) });
        fd
    }

    pub(super) fn listener(&mut self) -> Descriptor {
        let fd = self.bound();
        self.value(Call::Listen { fd, backlog: 1 });
        fd
    }

    /// A connection accepted by the system, and the next sequence number of the system; the peer's is 1001.
    pub(super) fn established(&mut self) -> (Descriptor, u32) {
        let fd = self.listener();
        self.inject(SYN, 1_000, 0, b"");
        let next = self.expect().seq.wrapping_add(1);
        self.inject(ACK, 1_001, next, b"");
        let accepted = self.value(Call::Accept { fd });
        assert_eq!(self.state(), State::Established);
        (descriptor(accepted), next)
    }

    pub(super) fn returns(&mut self, call: Call) -> Ret {
        match self.system.call(&call).expect("the call can be made") {
            Progress::Returned(ret) => ret,
            Progress::Pending(_) => panic!("{call:?} blocks"),
        }
    }

    pub(super) fn value(&mut self, call: Call) -> i64 {
        let text = format!("{call:.80?}");
        self.returns(call).unwrap_or_else(|errno| panic!("{text}: {errno}")).value
    }

    pub(super) fn data(&mut self, call: Call) -> Vec<u8> {
        match self.returns(call).expect("reading succeeds").output {
            Output::Data(data) => data,
            other => panic!("no data but {other:?}"),
        }
    }

    pub(super) fn pends(&mut self, call: Call) -> CallId {
        match self.system.call(&call).expect("the call can be made") {
            Progress::Pending(id) => id,
            Progress::Returned(ret) => panic!("{call:?} returned {ret:?}"),
        }
    }

    /// Waits for a call, and drops what the system sends meanwhile only if it is an ACK.
    pub(super) fn resolves(&mut self, id: CallId) -> Ret {
        for _ in 0..100 {
            match self.system.run_until(self.system.now() + PATIENCE).expect("time passes") {
                Wake::Returned(returned) if returned == id => {
                    return self.system.result(id).expect("it returned").ret;
                }
                Wake::Returned(other) => panic!("another call returned: {other:?}"),
                Wake::Datagram => assert_eq!(self.expect().flags, ACK),
                Wake::Deadline => panic!("the call does not return"),
            }
        }
        panic!("the system never stops sending");
    }

    pub(super) fn inject(&mut self, flags: u8, seq: u32, ack: u32, data: &[u8]) -> Duration {
        self.system.inject(&segment(flags, seq, ack, data)).expect("the wire takes it")
    }

    pub(super) fn expect(&mut self) -> Seen {
        self.expect_within(PATIENCE)
    }

    pub(super) fn expect_within(&mut self, time: Duration) -> Seen {
        let wake = self.system.run_until(self.system.now() + time).expect("time passes");
        assert_eq!(wake, Wake::Datagram);
        let datagram = self.system.recv().expect("the wire works").expect("a datagram");
        let ip = Ipv4Slice::from_slice(&datagram.bytes).expect("IPv4");
        assert_eq!(ip.header().destination_addr(), PEER_ADDRESS);
        let tcp = TcpSlice::from_slice(ip.payload().payload).expect("TCP");
        let sum = tcp.calc_checksum_ipv4(SYSTEM_ADDRESS.octets(), PEER_ADDRESS.octets());
        assert_eq!(sum.expect("short enough"), tcp.checksum(), "the TCP checksum");
        Seen {
            at: datagram.at,
            flags: tcp.slice()[13] & !PSH,
            seq: tcp.sequence_number(),
            ack: tcp.acknowledgment_number(),
            data: tcp.payload().to_vec(),
        }
    }

    pub(super) fn silence(&mut self) {
        let until = self.system.now() + self.system.timing().silence;
        assert_eq!(self.system.run_until(until).expect("time passes"), Wake::Deadline);
    }

    pub(super) fn state(&mut self) -> State {
        let local = SocketAddrV4::new(SYSTEM_ADDRESS, SYSTEM_PORT);
        let remote = SocketAddrV4::new(PEER_ADDRESS, PEER_PORT);
        self.system.probe(FourTuple { local, remote }).expect("sock_diag answers")
    }
}

pub(super) fn descriptor(value: i64) -> Descriptor {
    Descriptor(i32::try_from(value).expect("a descriptor"))
}

pub(super) fn segment(flags: u8, seq: u32, ack: u32, data: &[u8]) -> Vec<u8> {
    let mut builder = PacketBuilder::ipv4(PEER_ADDRESS.octets(), SYSTEM_ADDRESS.octets(), 64).tcp(
        PEER_PORT,
        SYSTEM_PORT,
        seq,
        65_535,
    );
    if flags & SYN != 0 {
        builder = builder.syn();
        builder = builder.options_raw(&[2, 4, 5, 180]).expect("MSS 1460");
    }
    if flags & FIN != 0 {
        builder = builder.fin();
    }
    if flags & RST != 0 {
        builder = builder.rst();
    }
    if flags & ACK != 0 {
        builder = builder.ack(ack);
    }
    let mut bytes = Vec::with_capacity(builder.size(data.len()));
    builder.write(&mut bytes, data).expect("a vector takes it");
    bytes
}
