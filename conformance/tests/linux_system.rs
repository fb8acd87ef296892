//! The kernel as system under test: what the runner relies on, shown on the kernel of this machine.
//!
//! Without the ordinary harness, because a namespace must be entered before any thread exists. Every test is a child of
//! its own, run as the current user and, where that is root, once more as nobody.

use std::io;
use std::net::SocketAddrV4;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Output as Finished};
use std::time::{Duration, Instant};

use etherparse::{Ipv4Slice, PacketBuilder, TcpSlice};
use lockstep_conformance::namespace::{self, require};
use lockstep_conformance::system::linux::{ETHERNET_MTU, Linux};
use lockstep_conformance::system::{
    Call, CallId, Descriptor, Errno, Fault, FileControl, FourTuple, MessageFlags, OptionValue, Output, PEER_ADDRESS,
    Progress, Ret, SYSTEM_ADDRESS, ShutdownHow, SocketOption, State, System, Unsupported, Wake,
};

const TESTS: &[(&str, fn())] = &[
    ("passive_open_to_time_wait", passive_open_to_time_wait),
    ("active_open_refused_and_accepted", active_open_refused_and_accepted),
    ("simultaneous_close_through_closing", simultaneous_close_through_closing),
    ("calls_that_block_return_later", calls_that_block_return_later),
    ("nonblocking_calls_return_at_once", nonblocking_calls_return_at_once),
    ("segments_leave_whole_and_summed", segments_leave_whole_and_summed),
    ("segments_to_no_connection", segments_to_no_connection),
    ("what_the_observer_misses_is_told", what_the_observer_misses_is_told),
    ("options_are_set_and_read", options_are_set_and_read),
    ("foreign_descriptors_are_bad", foreign_descriptors_are_bad),
    ("timers_are_never_seen_early", timers_are_never_seen_early),
    ("knobs_turn_in_one_namespace_only", knobs_turn_in_one_namespace_only),
    ("a_hundred_scenarios_in_one_process", a_hundred_scenarios_in_one_process),
];

/// An argument that makes the child start a thread before it enters.
const THREADED: &str = "threaded";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if namespace::is_child() { child(&arguments) } else { parent(&arguments) }
}

fn child(arguments: &[String]) -> ExitCode {
    let name = arguments.first().map(String::as_str).unwrap_or_default();
    if name == THREADED {
        std::thread::spawn(|| std::thread::sleep(Duration::from_secs(60)));
    }
    if let Err(refused) = namespace::enter() {
        eprintln!("{refused}");
        return ExitCode::from(namespace::EXIT_REFUSED);
    }
    let (_, test) = TESTS.iter().find(|(known, _)| *known == name).expect("a test of this name");
    test();
    ExitCode::SUCCESS
}

fn parent(arguments: &[String]) -> ExitCode {
    let began = Instant::now();
    let filters: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(*filter));
    let mut tally = Tally::default();
    for user in users() {
        for (name, _) in TESTS {
            let full = format!("{name}::{}", user.name);
            if wanted(&full) {
                let outcome = match user.run(name) {
                    Ok(finished) => outcome(&finished),
                    Err(error) => skipped(user.name, &error.to_string()),
                };
                tally.add(&full, outcome);
            } else {
                tally.filtered += 1;
            }
        }
    }
    if wanted("a_threaded_process_is_refused") {
        let finished = namespace::reexec([THREADED]).output().expect("this program starts again");
        tally.add("a_threaded_process_is_refused", threaded_is_refused(&finished));
    }
    tally.report(began.elapsed())
}

/// Whom a test runs as.
struct User {
    name: &'static str,
    id: Option<u32>,
}

impl User {
    /// Runs a test in a child. It cannot start where root is not free to become this user, as in a container of one
    /// user.
    fn run(&self, test: &str) -> io::Result<Finished> {
        let mut command: Command = namespace::reexec([test]);
        if let Some(id) = self.id {
            command.uid(id).gid(id);
        }
        command.output()
    }
}

fn users() -> Vec<User> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|this| std::os::unix::fs::MetadataExt::uid(&this) == 0);
    if is_root {
        vec![User { name: "root", id: None }, User { name: "nobody", id: Some(65_534) }]
    } else {
        vec![User { name: "user", id: None }]
    }
}

enum Outcome {
    Passed,
    Skipped,
    Failed(String),
}

fn outcome(finished: &Finished) -> Outcome {
    let error = String::from_utf8_lossy(&finished.stderr);
    match finished.status.code() {
        Some(0) => Outcome::Passed,
        Some(code) if code == i32::from(namespace::EXIT_REFUSED) => skipped(require::NETNS, error.trim()),
        _ => Outcome::Failed(format!("{}\n{error}", finished.status)),
    }
}

fn skipped(feature: &str, reason: &str) -> Outcome {
    match require::skip(feature, reason) {
        Ok(()) => Outcome::Skipped,
        Err(missing) => Outcome::Failed(missing.to_string()),
    }
}

fn threaded_is_refused(finished: &Finished) -> Outcome {
    let error = String::from_utf8_lossy(&finished.stderr);
    let refused = finished.status.code() == Some(i32::from(namespace::EXIT_REFUSED));
    if refused && error == "a network namespace needs a process with one thread, and this one has 2\n" {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("{}\n{error}", finished.status))
    }
}

#[derive(Default)]
struct Tally {
    passed: u32,
    failed: u32,
    skipped: u32,
    filtered: u32,
}

impl Tally {
    fn add(&mut self, name: &str, outcome: Outcome) {
        match outcome {
            Outcome::Passed => {
                self.passed += 1;
                println!("test {name} ... ok");
            }
            Outcome::Skipped => {
                self.skipped += 1;
                println!("test {name} ... ignored");
            }
            Outcome::Failed(why) => {
                self.failed += 1;
                println!("test {name} ... FAILED\n{why}");
            }
        }
    }

    fn report(&self, took: Duration) -> ExitCode {
        let Tally { passed, failed, skipped, filtered } = self;
        let word = if *failed == 0 { "ok" } else { "FAILED" };
        let seconds = took.as_secs_f64();
        print!("\ntest result: {word}. {passed} passed; {failed} failed; {skipped} ignored; 0 measured; ");
        println!("{filtered} filtered out; finished in {seconds:.2}s\n");
        if *failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

// The tests.

fn passive_open_to_time_wait() {
    let mut s = Scenario::new();
    let listener = s.listener();
    assert_eq!(s.state(), State::Listen);
    let accepting = s.pends(Call::Accept { fd: listener });

    s.inject(SYN, 1_000, 0, b"");
    let syn_ack = s.expect();
    assert_eq!((syn_ack.flags, syn_ack.ack), (SYN | ACK, 1_001));
    assert_eq!(s.state(), State::SynReceived);

    s.inject(ACK, 1_001, syn_ack.seq + 1, b"");
    let accepted = s.resolves(accepting).expect("accept succeeds");
    assert_eq!(accepted.output, Output::Address(SocketAddrV4::new(PEER_ADDRESS, PEER_PORT)));
    let fd = descriptor(accepted.value);
    assert_eq!(s.state(), State::Established);

    s.inject(ACK, 1_001, syn_ack.seq + 1, b"hello");
    assert_eq!(s.expect().ack, 1_006);
    assert_eq!(s.data(Call::Read { fd, length: 100 }), b"hello");

    s.value(Call::Write { fd, data: b"world".to_vec() });
    let world = s.expect();
    assert_eq!((world.seq, world.data.as_slice()), (syn_ack.seq + 1, &b"world"[..]));
    s.inject(ACK, 1_006, world.seq + 5, b"");

    s.value(Call::Close { fd });
    let fin = s.expect();
    assert_eq!((fin.flags & FIN, fin.seq), (FIN, world.seq + 5));
    assert_eq!(s.state(), State::FinWait1);
    s.inject(ACK, 1_006, fin.seq + 1, b"");
    assert_eq!(s.state(), State::FinWait2);
    s.inject(FIN | ACK, 1_006, fin.seq + 1, b"");
    assert_eq!(s.expect().ack, 1_007);
    assert_eq!(s.state(), State::TimeWait);
    s.silence();
}

fn active_open_refused_and_accepted() {
    let mut s = Scenario::new();
    let peer = SocketAddrV4::new(PEER_ADDRESS, PEER_PORT);
    let fd = s.bound();
    let connecting = s.pends(Call::Connect { fd, address: peer });
    let syn = s.expect();
    assert_eq!(syn.flags, SYN);
    assert_eq!(s.state(), State::SynSent);
    s.inject(RST | ACK, 0, syn.seq + 1, b"");
    assert_eq!(s.resolves(connecting), Err(Errno::ECONNREFUSED));
    assert_eq!(s.state(), State::Closed);
    s.value(Call::Close { fd });

    let fd = s.bound();
    let connecting = s.pends(Call::Connect { fd, address: peer });
    let syn = s.expect();
    s.inject(SYN | ACK, 5_000, syn.seq + 1, b"");
    assert_eq!(s.expect().ack, 5_001);
    assert_eq!(s.resolves(connecting).expect("connect succeeds").value, 0);
    assert_eq!(s.state(), State::Established);
}

fn simultaneous_close_through_closing() {
    let mut s = Scenario::new();
    let (fd, next) = s.established();
    s.value(Call::Shutdown { fd, how: ShutdownHow::Write });
    let fin = s.expect();
    s.inject(FIN | ACK, 1_001, next, b"");
    assert_eq!(s.state(), State::Closing);
    assert_eq!(s.expect().ack, 1_002);
    s.inject(ACK, 1_002, fin.seq + 1, b"");
    assert_eq!(s.state(), State::TimeWait);
}

fn calls_that_block_return_later() {
    let mut s = Scenario::new();
    let (fd, next) = s.established();

    let reading = s.pends(Call::Recv { fd, length: 10, flags: MessageFlags::default() });
    let peeking = s.pends(Call::Recv { fd, length: 10, flags: MessageFlags { peek: true, ..Default::default() } });
    let soon = s.system.now() + Duration::from_millis(20);
    assert_eq!(s.system.run_until(soon).expect("time passes"), Wake::Deadline);
    assert!(s.system.now() >= soon);
    s.inject(ACK, 1_001, next, b"abc");
    assert_eq!(s.resolves(reading).expect("recv succeeds").output, Output::Data(b"abc".to_vec()));
    s.inject(ACK, 1_004, next, b"de");
    assert_eq!(s.resolves(peeking).expect("recv succeeds").output, Output::Data(b"de".to_vec()));

    // More than send buffer and window take: the write ends when the peer has taken nearly all.
    let value = OptionValue::Int(8_192);
    s.value(Call::SetSockOpt { fd, option: SocketOption::SndBuf, value });
    let writing = s.pends(Call::Write { fd, data: vec![7; 200_000] });
    let mut received = 0;
    let mut end = None;
    for _ in 0..10_000 {
        match s.system.run_until(s.system.now() + PATIENCE).expect("time passes") {
            Wake::Deadline => panic!("the write does not go on after {received} bytes"),
            Wake::Returned(id) => end = Some((id, s.system.result(id).expect("it returned").ret)),
            Wake::Datagram => {
                let segment = s.expect();
                received += segment.data.len();
                let length = u32::try_from(segment.data.len()).expect("a segment's length");
                s.inject(ACK, 1_006, segment.seq.wrapping_add(length), b"");
            }
        }
        if end.is_some() && received == 200_000 {
            break;
        }
    }
    let (id, ret) = end.expect("the write returned");
    assert_eq!((id, ret.expect("write succeeds").value), (writing, 200_000));
    assert_eq!(received, 200_000);

    assert_eq!(s.data(Call::Read { fd, length: 10 }), b"de", "peeking leaves the bytes");
    let reading = s.pends(Call::Read { fd, length: 10 });
    s.inject(RST, 1_006, 0, b"");
    assert_eq!(s.resolves(reading), Err(Errno::ECONNRESET));
}

fn nonblocking_calls_return_at_once() {
    let mut s = Scenario::new();
    let fd = s.bound();
    assert_eq!(s.value(Call::Fcntl { fd, control: FileControl::GetFlags }), 2);
    s.value(Call::Fcntl { fd, control: FileControl::SetFlags { nonblocking: true } });
    assert_eq!(s.value(Call::Fcntl { fd, control: FileControl::GetFlags }), 0o4002);
    let address = SocketAddrV4::new(PEER_ADDRESS, PEER_PORT);
    let connect = Call::Connect { fd, address };
    assert_eq!(s.returns(connect.clone()), Err(Errno::EINPROGRESS));
    assert_eq!(s.returns(connect), Err(Errno::EALREADY));
    s.expect();

    let mut s = Scenario::new();
    let (fd, _) = s.established();
    let flags = MessageFlags { dont_wait: true, ..Default::default() };
    assert_eq!(s.returns(Call::Recv { fd, length: 1, flags }), Err(Errno::EAGAIN));
    s.value(Call::Fcntl { fd, control: FileControl::SetFlags { nonblocking: true } });
    assert_eq!(s.returns(Call::Read { fd, length: 1 }), Err(Errno::EAGAIN));
    let written = s.value(Call::Write { fd, data: vec![0; 10_000_000] });
    assert!(0 < written && written < 10_000_000, "a part is written: {written}");
}

fn segments_leave_whole_and_summed() {
    let mut s = Scenario::new();
    let (fd, next) = s.established();
    s.value(Call::Write { fd, data: (0..=255).cycle().take(5_000).collect() });
    let mut expected = next;
    for length in [1_460, 1_460, 1_460, 620] {
        let segment = s.expect();
        assert_eq!((segment.seq, segment.data.len()), (expected, length));
        expected += u32::try_from(length).expect("a segment's length");
    }
}

fn segments_to_no_connection() {
    let mut s = Scenario::new();
    assert_eq!(s.state(), State::Closed);
    let stimulus = s.inject(ACK, 7, 9, b"");
    let reset = s.expect();
    assert_eq!((reset.flags, reset.seq), (RST, 9));
    assert!(reset.at >= stimulus, "an answer before its stimulus");

    let mut wrong = segment(ACK, 7, 9, b"");
    wrong[36] ^= 1; // the TCP checksum
    s.system.inject(&wrong).expect("the wire takes it");
    s.silence();
    s.system.inject(&[0x45]).expect("the wire takes it");
    s.silence();
    assert!(matches!(s.system.inject(&[0; 1_501]), Err(Fault::Harness { .. })));
}

fn what_the_observer_misses_is_told() {
    let mut s = Scenario::new();
    for _ in 0..5_000 {
        s.inject(ACK, 7, 9, b"");
    }
    let mut seen = 0;
    let lost = loop {
        match s.system.recv() {
            Ok(Some(_)) => seen += 1,
            Ok(None) => panic!("only {seen} of 5000 resets, and none was lost"),
            Err(Fault::Lost { datagrams }) => break datagrams,
            Err(fault) => panic!("{fault}"),
        }
    };
    assert_eq!(seen + lost, 5_000);
}

fn options_are_set_and_read() {
    let mut s = Scenario::new();
    let fd = s.bound();
    let mut set = |option, value: OptionValue| {
        s.value(Call::SetSockOpt { fd, option, value });
        let success = s.returns(Call::GetSockOpt { fd, option }).expect("getsockopt succeeds");
        success.output
    };
    let int = |value| OptionValue::Int(value);
    assert_eq!(set(SocketOption::NoDelay, int(1)), Output::Option(int(1)));
    assert_eq!(set(SocketOption::UserTimeout, int(1_234)), Output::Option(int(1_234)));
    let abort = OptionValue::Linger { on: true, seconds: 0 };
    assert_eq!(set(SocketOption::Linger, abort.clone()), Output::Option(abort));
    let reno = OptionValue::Text("reno".into());
    assert_eq!(set(SocketOption::Congestion, reno.clone()), Output::Option(reno));
    let error = s.returns(Call::GetSockOpt { fd, option: SocketOption::Error });
    assert_eq!(error.expect("getsockopt succeeds").output, Output::Option(int(0)));

    let value = OptionValue::Linger { on: true, seconds: 2 };
    let lingering = s.system.call(&Call::SetSockOpt { fd, option: SocketOption::Linger, value });
    assert!(matches!(lingering, Err(Fault::Unsupported(Unsupported::Call { .. }))));
}

fn foreign_descriptors_are_bad() {
    let mut s = Scenario::new();
    // Standard output is open in this process, but not a socket of the scenario.
    assert_eq!(s.returns(Call::Close { fd: Descriptor(1) }), Err(Errno::EBADF));
    let fd = s.bound();
    s.value(Call::Close { fd });
    assert_eq!(s.returns(Call::Listen { fd, backlog: 1 }), Err(Errno::EBADF));
}

/// The lower bound of a delay is strict, because the stimulus is timed before it and the answer by the kernel. (An
/// upper bound would test the load of this machine.)
fn timers_are_never_seen_early() {
    let mut s = Scenario::new();
    let fd = s.bound();
    let began = s.system.now();
    s.pends(Call::Connect { fd, address: SocketAddrV4::new(PEER_ADDRESS, PEER_PORT) });
    let first = s.expect();
    let second = s.expect_within(Duration::from_secs(20));
    assert_eq!(first.seq, second.seq);
    assert!(first.at >= began);
    let rto = s.system.timing().window(Duration::from_secs(1));
    assert!(second.at - first.at >= *rto.start(), "{:?} {:?}", first.at, second.at);
}

fn knobs_turn_in_one_namespace_only() {
    let retries = || std::fs::read_to_string("/proc/sys/net/ipv4/tcp_syn_retries").expect("a sysctl");
    let mut first = Scenario::new();
    first.system.knob("net.ipv4.tcp_syn_retries", "3").expect("a knob");
    assert_eq!(retries(), "3\n");
    for (name, value) in [
        ("net.ipv4.tcp_syn_retries", "many"),
        ("net.ipv4.no_such_knob", "1"),
        ("net.ipv6.conf.all.disable_ipv6", "0"),
        ("kernel.hostname", "x"),
    ] {
        let refused = first.system.knob(name, value);
        assert!(matches!(refused, Err(Fault::Unsupported(_))), "{name}: {refused:?}");
    }
    // Another scenario begins afresh; the first one still finds its own.
    let mut second = Scenario::new();
    assert_eq!(retries(), "6\n");
    first.listener();
    assert_eq!(retries(), "3\n");
    assert_eq!(first.state(), State::Listen);
    assert_eq!(second.state(), State::Closed);
    second.listener();
    assert_eq!(second.state(), State::Listen);
}

fn a_hundred_scenarios_in_one_process() {
    for _ in 0..100 {
        let mut s = Scenario::new();
        let (_, next) = s.established();
        s.inject(ACK, 1_001, next, b"x");
        assert_eq!(s.expect().ack, 1_002);
    }
}

// A peer by hand. Nothing of Lockstep's own wire formats: the tests are to see what is really there.

const SYSTEM_PORT: u16 = 8_080;
const PEER_PORT: u16 = 40_000;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

/// Long enough for any machine; no test that passes waits so long.
const PATIENCE: Duration = Duration::from_secs(10);

struct Scenario {
    system: Linux,
}

/// A segment of the system; PSH is the sender's own affair, and left out.
struct Seen {
    at: Duration,
    flags: u8,
    seq: u32,
    ack: u32,
    data: Vec<u8>,
}

impl Scenario {
    fn new() -> Self {
        let mut system = Linux::new(ETHERNET_MTU).unwrap_or_else(|fault| panic!("{fault}"));
        assert!(system.recv().expect("the wire works").is_none(), "the wire is quiet at first");
        Self { system }
    }

    fn bound(&mut self) -> Descriptor {
        let fd = descriptor(self.value(Call::Socket));
        let option = SocketOption::ReuseAddr;
        self.value(Call::SetSockOpt { fd, option, value: OptionValue::Int(1) });
        self.value(Call::Bind { fd, address: SocketAddrV4::new(SYSTEM_ADDRESS, SYSTEM_PORT) });
        fd
    }

    fn listener(&mut self) -> Descriptor {
        let fd = self.bound();
        self.value(Call::Listen { fd, backlog: 1 });
        fd
    }

    /// A connection accepted by the system, and the next sequence number of the system; the peer's is 1001.
    fn established(&mut self) -> (Descriptor, u32) {
        let fd = self.listener();
        self.inject(SYN, 1_000, 0, b"");
        let next = self.expect().seq.wrapping_add(1);
        self.inject(ACK, 1_001, next, b"");
        let accepted = self.value(Call::Accept { fd });
        assert_eq!(self.state(), State::Established);
        (descriptor(accepted), next)
    }

    fn returns(&mut self, call: Call) -> Ret {
        match self.system.call(&call).expect("the call can be made") {
            Progress::Returned(ret) => ret,
            Progress::Pending(_) => panic!("{call:?} blocks"),
        }
    }

    fn value(&mut self, call: Call) -> i64 {
        let text = format!("{call:.80?}");
        self.returns(call).unwrap_or_else(|errno| panic!("{text}: {errno}")).value
    }

    fn data(&mut self, call: Call) -> Vec<u8> {
        match self.returns(call).expect("reading succeeds").output {
            Output::Data(data) => data,
            other => panic!("no data but {other:?}"),
        }
    }

    fn pends(&mut self, call: Call) -> CallId {
        match self.system.call(&call).expect("the call can be made") {
            Progress::Pending(id) => id,
            Progress::Returned(ret) => panic!("{call:?} returned {ret:?}"),
        }
    }

    /// Waits for a call, and drops what the system sends meanwhile only if it is an ACK.
    fn resolves(&mut self, id: CallId) -> Ret {
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

    fn inject(&mut self, flags: u8, seq: u32, ack: u32, data: &[u8]) -> Duration {
        self.system.inject(&segment(flags, seq, ack, data)).expect("the wire takes it")
    }

    fn expect(&mut self) -> Seen {
        self.expect_within(PATIENCE)
    }

    fn expect_within(&mut self, time: Duration) -> Seen {
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

    fn silence(&mut self) {
        let until = self.system.now() + self.system.timing().silence;
        assert_eq!(self.system.run_until(until).expect("time passes"), Wake::Deadline);
    }

    fn state(&mut self) -> State {
        let local = SocketAddrV4::new(SYSTEM_ADDRESS, SYSTEM_PORT);
        let remote = SocketAddrV4::new(PEER_ADDRESS, PEER_PORT);
        self.system.probe(FourTuple { local, remote }).expect("sock_diag answers")
    }
}

fn descriptor(value: i64) -> Descriptor {
    Descriptor(i32::try_from(value).expect("a descriptor"))
}

fn segment(flags: u8, seq: u32, ack: u32, data: &[u8]) -> Vec<u8> {
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
