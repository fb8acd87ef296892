//! Floods of SYNs, and handshakes that find no place: who is really there connects (RFC 4987; threats T09, T29, T32).

mod raw;

use std::net::Ipv4Addr;

use lockstep::DropReason;
use lockstep::stack::{BacklogFull, Config, ConnectionId, ListenOptions, ListenerId, SynCookies};
use lockstep::time::Micros;
use lockstep::wire::{TcpHeader, TcpOptions, Timestamps};
use lockstep_model::State;
use raw::{ACK, FIN_ACK, HERE, RST, RST_ACK, Raw, SYN, SYN_ACK, THERE, header};

/// Half-open children that may be: the bound that the flood cannot push.
const HALF_OPEN: usize = 256;

/// A stack whose way to everybody leads by the peer, and a listener with a backlog of 128.
fn target(syn_cookies: SynCookies) -> (Raw, ListenerId) {
    let config = move |config: &mut Config| {
        config.gateway = Some(THERE.into());
        config.tcp.listen.half_open = HALF_OPEN;
        config.tcp.listen.syn_cookies = syn_cookies;
    };
    let mut raw = Raw::with(config);
    let listener = raw.stack.listen(raw.now, (HERE, 80).into(), 128).unwrap();
    (raw, listener)
}

/// Spoofed SYNs, ten a millisecond; whoever they name never answers.
#[derive(Default)]
struct Flood {
    syns: u32,
    octets_in: usize,
    octets_out: usize,
}

impl Flood {
    fn pour(&mut self, raw: &mut Raw, syns: u32) {
        for _ in 0..syns {
            self.syns += 1;
            let [_, a, b, c] = self.syns.to_be_bytes();
            let syn = TcpHeader { source_port: 1, flags: SYN, seq: self.syns, options: offer(), ..header() };
            let frame = raw::tcp_frame(Ipv4Addr::new(10, a, b, c), HERE, &syn, b"");
            self.octets_in += frame.len();
            raw.stack.input(raw.now, &frame);
            if self.syns.is_multiple_of(10) {
                raw.wait(Micros::from_millis(1));
                self.count(raw);
            }
        }
    }

    /// What the stack has to say goes to those who were named.
    fn count(&mut self, raw: &mut Raw) {
        let segments = raw.segments();
        assert!(segments.iter().all(|segment| segment.header.destination_port == 1), "{segments:?}");
        self.octets_out += segments.iter().map(|segment| 34 + segment.header.emitted_len()).sum::<usize>();
    }
}

/// What a modern client offers.
fn offer() -> TcpOptions {
    TcpOptions {
        mss: Some(1460),
        window_scale: Some(7),
        sack_permitted: true,
        timestamps: Some(Timestamps { value: 1000, echo: 0 }),
        ..TcpOptions::default()
    }
}

/// A client at this port, whose acknowledgment comes so many spoofed SYNs after his SYN. Returns whether he is accepted.
fn connects(raw: &mut Raw, listener: ListenerId, flood: &mut Flood, port: u16, syns: u32) -> bool {
    let client = TcpHeader { source_port: port, ..header() };
    raw.segments();
    raw.send_header(TcpHeader { flags: SYN, seq: 1000, options: offer(), ..client }, b"");
    let syn_ack = raw.segment().header;
    assert_eq!((syn_ack.flags, syn_ack.ack, syn_ack.destination_port), (SYN_ACK, 1001, port));
    flood.pour(raw, syns);
    raw.send_header(acknowledging(client, &syn_ack), b"");
    raw.segments();
    raw.stack.accept(listener).unwrap().is_some_and(|accepted| accepted.pair.remote.port() == port)
}

/// The client's next segment.
fn acknowledging(client: TcpHeader, syn_ack: &TcpHeader) -> TcpHeader {
    let echo = |stamps: Timestamps| Timestamps { value: 1001, echo: stamps.value };
    let options = TcpOptions { timestamps: syn_ack.options.timestamps.map(echo), ..TcpOptions::default() };
    TcpHeader { seq: 1001, ack: syn_ack.seq.wrapping_add(1), options, ..client }
}

// ---- Floods ----------------------------------------------------------------------------------------------------------------

/// threats T09: a hundred thousand spoofed SYNs and a hundred clients among them, all of whom connect. What is kept is bounded,
/// what is sent is hardly more than what came (threats T32), and in time all of it is forgotten.
#[test]
fn everybody_who_is_really_there_connects_during_a_flood() {
    let (mut raw, listener) = target(SynCookies::OnOverflow);
    let mut flood = Flood::default();
    flood.pour(&mut raw, 1_000);
    for n in 0..100 {
        assert!(connects(&mut raw, listener, &mut flood, 4000 + n, 990), "client {n}");
        assert!(raw.stack.connections() <= HALF_OPEN + usize::from(n) + 1);
    }
    assert_eq!(flood.syns, 100_000);
    raw.wait(Micros::from_secs(100));
    flood.octets_out += 54 * raw.segments().len();
    assert!(flood.octets_out < flood.octets_in * 3 / 2, "{} octets for {}", flood.octets_out, flood.octets_in);
    assert_eq!(raw.stack.connections(), 100);
}

/// Without cookies the oldest child gives way: who answers before as many others have come as may be half-open connects.
#[test]
fn without_cookies_the_quick_connect() {
    let (mut raw, listener) = target(SynCookies::Never);
    let mut flood = Flood::default();
    flood.pour(&mut raw, 1_000);
    for (n, syns) in (0..40).map(|n| (n, u32::from(n) % 13 * 40)) {
        let quick = syns < u32::try_from(HALF_OPEN).unwrap();
        assert_eq!(connects(&mut raw, listener, &mut flood, 4000 + n, syns), quick, "after {syns} SYNs");
        assert!(raw.stack.connections() <= HALF_OPEN + usize::from(n) + 1);
    }
}

/// threats T32: a SYN is answered at most six times, about a minute long; then nothing is left of it.
#[test]
fn a_syn_is_answered_six_times_and_forgotten() {
    let mut raw = Raw::new();
    raw.listen();
    raw.send(SYN, 1000, 0, b"");
    let mut answers = raw.segments();
    for _ in 0..200 {
        raw.wait(Micros::from_secs(1));
        answers.extend(raw.segments());
    }
    assert_eq!(answers.len(), 6, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.header.flags == SYN_ACK && answer.header.seq == answers[0].header.seq));
    assert_eq!(raw.stack.connections(), 0);
}

/// The text of SYNs is kept for a few only; the others' comes again.
#[test]
fn a_flood_of_syns_with_text_keeps_little() {
    let (mut raw, listener) = target(SynCookies::OnOverflow);
    for n in 0..1_000 {
        let syn = TcpHeader { source_port: 5000 + n, flags: SYN, seq: 1000, ..header() };
        raw.send_header(syn, &[7; 1000]);
    }
    let answers = raw.segments();
    assert!(raw.stack.connections() <= HALF_OPEN);
    let mut flood = Flood::default();
    assert!(connects(&mut raw, listener, &mut flood, 4000, 0));
    let mut kept = 0;
    for answer in &answers[..100] {
        let client = TcpHeader { source_port: answer.header.destination_port, ..header() };
        raw.send_header(acknowledging(client, &answer.header), b"");
        let id = accepted(&mut raw, listener);
        kept += raw.receive(id).len();
    }
    assert_eq!(kept, 16 * 1000);
}

/// Children in the handshake are connections like others: all together are no more than there may be.
#[test]
fn half_open_connections_count_among_all() {
    let mut raw = Raw::with(|config| config.limits.connections = 10);
    raw.listen();
    let refused = (0..20).filter(|&n| {
        let syn = TcpHeader { source_port: 5000 + n, flags: SYN, seq: 1000, ..header() };
        raw.send_header(syn, b"") == Some(DropReason::ConnectionsFull)
    });
    assert_eq!(refused.count(), 10);
    assert_eq!((raw.segments().len(), raw.stack.connections()), (10, 10));
}

// ---- Cookies ---------------------------------------------------------------------------------------------------------------

/// A client who is answered with a cookie: the listener, his header and the SYN,ACK.
fn answered_with_a_cookie(options: TcpOptions) -> (Raw, ListenerId, TcpHeader, TcpHeader) {
    let (mut raw, listener) = target(SynCookies::Always);
    let client = header();
    raw.send_header(TcpHeader { flags: SYN, seq: 1000, options, ..client }, b"");
    let syn_ack = raw.segment().header;
    assert_eq!((syn_ack.flags, syn_ack.ack), (SYN_ACK, 1001));
    assert_eq!((raw.stack.connections(), raw.state()), (0, State::Listen));
    (raw, listener, client, syn_ack)
}

fn accepted(raw: &mut Raw, listener: ListenerId) -> ConnectionId {
    raw.stack.accept(listener).unwrap().expect("nobody is there").connection
}

/// With timestamps the window scale and SACK survive in what the client echoes; without them nothing but the MSS does, and
/// nothing else is agreed to.
#[test]
fn a_cookie_keeps_what_the_syn_offered() {
    let (mut raw, listener, client, syn_ack) = answered_with_a_cookie(offer());
    assert!(syn_ack.options.window_scale.is_some() && syn_ack.options.sack_permitted);
    raw.send_header(acknowledging(client, &syn_ack), b"");
    let id = accepted(&mut raw, listener);
    let status = raw.stack.status(raw.now, id).unwrap();
    assert_eq!((status.tcb.snd_wnd(), status.send_mss), (60_000 << 7, 1460 - 12));

    for scale in [None, Some(14)] {
        let options = TcpOptions { window_scale: scale, sack_permitted: false, ..offer() };
        let (mut raw, listener, client, syn_ack) = answered_with_a_cookie(options);
        raw.send_header(acknowledging(client, &syn_ack), b"");
        let id = accepted(&mut raw, listener);
        assert_eq!(raw.stack.status(raw.now, id).unwrap().tcb.snd_wnd(), 60_000 << scale.unwrap_or(0));
    }

    let (mut raw, listener, client, syn_ack) = answered_with_a_cookie(TcpOptions { timestamps: None, ..offer() });
    assert_eq!(syn_ack.options, TcpOptions { mss: syn_ack.options.mss, ..TcpOptions::default() });
    raw.send_header(acknowledging(client, &syn_ack), b"");
    let id = accepted(&mut raw, listener);
    let status = raw.stack.status(raw.now, id).unwrap();
    assert_eq!((status.tcb.snd_wnd(), status.send_mss), (60_000, 1460));
    assert_eq!(status.srtt, None, "when the SYN,ACK left is forgotten");
}

/// A cookie leads round the SYN queue, but not round the backlog.
#[test]
fn a_cookie_waits_for_room_in_the_backlog_too() {
    let mut raw = Raw::with(|config| config.tcp.listen.syn_cookies = SynCookies::Always);
    let listener = raw.stack.listen(raw.now, (HERE, 80).into(), 1).unwrap();
    let acks = [4000, 4001].map(|source_port| {
        let client = TcpHeader { source_port, ..header() };
        raw.send_header(TcpHeader { flags: SYN, seq: 1000, ..client }, b"");
        acknowledging(client, &raw.segment().header)
    });
    assert_eq!(raw.send_header(acks[0], b""), None);
    assert_eq!(raw.send_header(acks[1], b"text"), Some(DropReason::BacklogFull));
    accepted(&mut raw, listener);
    assert_eq!(raw.send_header(acks[1], b"text"), None);
    let id = accepted(&mut raw, listener);
    assert_eq!(raw.receive(id), b"text");
}

/// Whoever sends no timestamps himself gets none back to keep anything in.
#[test]
fn without_timestamps_of_ours_a_cookie_keeps_no_more_than_the_segment_size() {
    let mut raw = Raw::with(|config| {
        config.tcp.listen.syn_cookies = SynCookies::Always;
        config.tcp.options.timestamps = false;
    });
    raw.listen();
    raw.send_header(TcpHeader { flags: SYN, seq: 1000, options: offer(), ..header() }, b"");
    let options = raw.segment().header.options;
    assert_eq!(options, TcpOptions { mss: options.mss, ..TcpOptions::default() });
}

/// The client's ACK is lost, and his text, or even his FIN, is the first that arrives.
#[test]
fn text_may_bring_the_acknowledgment() {
    for (flags, state) in [(ACK, State::Established), (FIN_ACK, State::CloseWait)] {
        let (mut raw, listener, client, syn_ack) = answered_with_a_cookie(offer());
        raw.send_header(TcpHeader { flags, ..acknowledging(client, &syn_ack) }, b"request");
        let id = accepted(&mut raw, listener);
        assert_eq!(raw.stack.state_of(id), Some(state));
        assert_eq!(raw.receive(id), b"request");
        raw.stack.send(raw.now, id, b"answer").unwrap();
        let answer = raw.segment();
        assert_eq!((answer.text.as_slice(), answer.header.seq), (&b"answer"[..], syn_ack.seq.wrapping_add(1)));
    }
}

/// Whoever has not seen the SYN,ACK, or has seen it long ago, or answers for another, is reset, and nothing is kept.
#[test]
fn only_a_fresh_cookie_is_good() {
    let refused = |change: fn(TcpHeader) -> TcpHeader, wait: u64| {
        let (mut raw, listener, client, syn_ack) = answered_with_a_cookie(offer());
        raw.wait(Micros::from_secs(wait));
        raw.send_header(change(acknowledging(client, &syn_ack)), b"");
        assert_eq!(raw.segment().header.flags, RST);
        assert_eq!(raw.stack.accept(listener), Ok(None));
        assert_eq!(raw.stack.connections(), 0);
    };
    refused(|ack| TcpHeader { ack: ack.ack.wrapping_add(1), ..ack }, 0);
    refused(|ack| TcpHeader { ack: ack.ack ^ 1 << 27, ..ack }, 0);
    refused(|ack| TcpHeader { seq: ack.seq + 1, ..ack }, 0);
    refused(|ack| TcpHeader { source_port: 4001, ..ack }, 0);
    refused(|ack| ack, 128);
}

// ---- The backlog -----------------------------------------------------------------------------------------------------------

/// A full backlog: the handshake's last ACK is as if lost, and when there is room, what the client sends again brings it.
#[test]
fn a_handshake_waits_for_room_in_the_backlog() {
    let mut raw = Raw::new();
    let listener = raw.stack.listen(raw.now, (HERE, 80).into(), 1).unwrap();
    let clients = [4000, 4001].map(|source_port| TcpHeader { source_port, ..header() });
    let syn_acks = clients.map(|client| {
        raw.send_header(TcpHeader { flags: SYN, seq: 1000, ..client }, b"");
        raw.segment().header
    });
    raw.send_header(acknowledging(clients[0], &syn_acks[0]), b"");
    let late = acknowledging(clients[1], &syn_acks[1]);
    assert_eq!(raw.send_header(late, b"text"), Some(DropReason::BacklogFull));
    // Nor does anybody else begin.
    let other = TcpHeader { source_port: 4002, flags: SYN, ..header() };
    assert_eq!(raw.send_header(other, b""), Some(DropReason::BacklogFull));
    raw.expect_silence();
    accepted(&mut raw, listener);
    assert_eq!(raw.send_header(late, b"text"), None);
    let id = accepted(&mut raw, listener);
    assert_eq!(raw.receive(id), b"text");
}

#[test]
fn a_full_backlog_may_reset_instead() {
    let mut raw = Raw::with(|config| config.tcp.listen.backlog_full = BacklogFull::Reset);
    raw.stack.listen(raw.now, (HERE, 80).into(), 1).unwrap();
    let clients = [4000, 4001].map(|source_port| TcpHeader { source_port, ..header() });
    let syn_acks = clients.map(|client| {
        raw.send_header(TcpHeader { flags: SYN, seq: 1000, ..client }, b"");
        raw.segment().header
    });
    raw.send_header(acknowledging(clients[0], &syn_acks[0]), b"");
    raw.send_header(acknowledging(clients[1], &syn_acks[1]), b"");
    let reset = raw.segment().header;
    assert!(reset.flags == RST || reset.flags == RST_ACK, "{reset:?}");
    assert_eq!((reset.destination_port, reset.seq), (4001, syn_acks[1].seq.wrapping_add(1)));
    assert_eq!(raw.stack.connections(), 1);
}

/// Whoever does not ask to use the address again waits until the last connection of the port has left TIME-WAIT.
#[test]
fn a_port_with_connections_is_listened_on_again_by_those_who_ask() {
    let mut raw = Raw::new();
    let first = raw.listen();
    raw.send(SYN, 1000, 0, b"");
    let ack = raw.segment().header.seq.wrapping_add(1);
    raw.send(ACK, 1001, ack, b"");
    let id = accepted(&mut raw, first);
    raw.stack.close_listener(raw.now, first).unwrap();
    let listen_again = |raw: &mut Raw, reuse_address| {
        raw.stack.listen_with(raw.now, (HERE, 80).into(), ListenOptions { backlog: 1, reuse_address })
    };
    assert!(listen_again(&mut raw, false).is_err());
    raw.stack.release(raw.now, id).unwrap();
    raw.segments();
    raw.send(FIN_ACK, 1001, ack.wrapping_add(1), b"");
    raw.segments();
    assert_eq!(raw.state(), State::TimeWait);
    assert!(listen_again(&mut raw, false).is_err());
    let listener = listen_again(&mut raw, true).unwrap();
    raw.stack.close_listener(raw.now, listener).unwrap();
    raw.wait(Micros::from_secs(240));
    assert!(listen_again(&mut raw, false).is_ok());
}

/// threats T29: nobody connects to himself, and a SYN that claims to come from us is no SYN (see "martians").
#[test]
fn nobody_connects_to_himself() {
    let mut raw = Raw::new();
    raw.listen();
    assert!(raw.stack.connect(raw.now, (HERE, 80).into()).is_err());
    assert!(raw.stack.connect_from(raw.now, (HERE, 81).into(), (HERE, 81).into()).is_err());
    let syn = TcpHeader { source_port: 80, flags: SYN, ..header() };
    assert_eq!(raw.stack.input(raw.now, &raw::tcp_frame(HERE, HERE, &syn, b"")), Some(DropReason::MartianSource));
    raw.expect_silence();
    assert_eq!(raw.stack.connections(), 0);
}
