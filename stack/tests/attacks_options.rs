//! What a peer's options may do, and what they must not (RFC 7323, RFC 2018, RFC 9293 §3.7.1; threats T04, T17, T34).

mod raw;

use lockstep::stack::{ConnectionId, OptionsConfig};
use lockstep::time::Micros;
use lockstep::wire::{TcpFlags, TcpHeader, TcpOptions, Timestamps};
use lockstep_model::State;
use raw::{ACK, FIN_ACK, HERE, RST, Raw, SYN, SYN_ACK, Segment, THERE, header};

/// The peer's clock when he opens a connection.
const FIRST: u32 = 1_000_000;

fn stamped(value: u32, echo: u32) -> TcpOptions {
    TcpOptions { timestamps: Some(Timestamps { value, echo }), ..TcpOptions::default() }
}

/// A SYN that offers all there is.
fn full_offer() -> TcpOptions {
    TcpOptions { mss: Some(1460), window_scale: Some(7), sack_permitted: true, ..stamped(FIRST, 0) }
}

/// A connection with all options, as the peer knows it.
struct Peer {
    raw: Raw,
    id: ConnectionId,
    seq: u32,
    ack: u32,
    /// TSval of the stack's last segment.
    heard: u32,
}

impl Peer {
    fn established(change: impl FnOnce(&mut OptionsConfig)) -> Peer {
        let mut raw = Raw::with(|config| change(&mut config.tcp.options));
        let listener = raw.listen();
        raw.send_header(TcpHeader { flags: SYN, seq: 1000, options: full_offer(), ..header() }, b"");
        let syn_ack = raw.segment().header;
        let heard = syn_ack.options.timestamps.expect("it was offered").value;
        let (seq, ack) = (1001, syn_ack.seq.wrapping_add(1));
        raw.send_header(TcpHeader { seq, ack, options: stamped(FIRST, heard), ..header() }, b"");
        let id = raw.stack.accept(listener).unwrap().unwrap().connection;
        Peer { raw, id, seq, ack, heard }
    }

    /// The peer sends this, `ahead` of what was next, with his clock at `value`.
    fn sends(&mut self, flags: TcpFlags, ahead: u32, value: u32, text: &[u8]) {
        let options = stamped(value, self.heard);
        let header = TcpHeader { flags, seq: self.seq.wrapping_add(ahead), ack: self.ack, options, ..header() };
        self.raw.send_header(header, text);
    }

    fn state(&self) -> State {
        self.raw.state()
    }

    fn reads(&mut self) -> Vec<u8> {
        self.raw.receive(self.id)
    }

    /// What the stack says now, a timestamp in all of it; nothing is acknowledged late.
    fn says(&mut self) -> Segment {
        self.raw.wait(Micros::from_millis(50));
        let segment = self.raw.segment();
        self.heard = segment.header.options.timestamps.expect("every segment carries one").value;
        segment
    }

    fn echo(segment: &Segment) -> u32 {
        segment.header.options.timestamps.expect("every segment carries one").echo
    }
}

// ---- What the SYNs agree on ----------------------------------------------------------------------------------------------

/// A SYN,ACK has of what was offered only what is switched on here; and a peer who offers nothing gets nothing.
#[test]
fn an_option_is_used_only_if_both_have_it() {
    for ours in 0..8_u8 {
        for theirs in 0..8_u8 {
            let [scale, stamps, sack] = [1, 2, 4].map(|bit| (ours & bit > 0, theirs & bit > 0));
            let mut raw = Raw::with(|config| {
                let options = &mut config.tcp.options;
                (options.window_scaling, options.timestamps, options.sack) = (scale.0, stamps.0, sack.0);
            });
            let listener = raw.listen();
            let all = full_offer();
            let offer = TcpOptions {
                window_scale: all.window_scale.filter(|_| scale.1),
                timestamps: all.timestamps.filter(|_| stamps.1),
                sack_permitted: sack.1,
                ..all
            };
            raw.send_header(TcpHeader { flags: SYN, seq: 1000, options: offer, ..header() }, b"");
            let answer = raw.segment().header;
            let both = |(ours, theirs)| ours && theirs;
            assert_eq!(answer.options.window_scale.is_some(), both(scale), "{ours} {theirs}");
            assert_eq!(answer.options.timestamps.map(|stamp| stamp.echo), both(stamps).then_some(FIRST));
            assert_eq!(answer.options.sack_permitted, both(sack));
            assert_eq!(answer.window, u16::MAX, "the window of a SYN is not scaled");

            let options = TcpOptions { timestamps: all.timestamps.filter(|_| both(stamps)), ..TcpOptions::default() };
            let ack = answer.seq.wrapping_add(1);
            raw.send_header(TcpHeader { seq: 1001, ack, window: 600, options, ..header() }, b"");
            let id = raw.stack.accept(listener).unwrap().unwrap().connection;
            let status = raw.stack.status(raw.now, id).unwrap();
            assert_eq!(status.tcb.snd_wnd(), if both(scale) { 600 << 7 } else { 600 });
            assert_eq!(status.send_mss, if both(stamps) { 1448 } else { 1460 });
        }
    }
}

/// RFC 7323 §2.3: more than 14 means 14. The window of a SYN is as it stands there.
#[test]
fn a_shift_of_more_than_fourteen_is_fourteen() {
    for (shift, window) in [(0, 5), (14, 5 << 14), (15, 5 << 14), (255, 5 << 14)] {
        let mut raw = Raw::new();
        let listener = raw.listen();
        let options = TcpOptions { window_scale: Some(shift), ..TcpOptions::default() };
        raw.send_header(TcpHeader { flags: SYN, seq: 1000, window: 9, options, ..header() }, b"");
        let ack = raw.segment().header.seq.wrapping_add(1);
        raw.send_header(TcpHeader { seq: 1001, ack, window: 5, ..header() }, b"");
        let id = raw.stack.accept(listener).unwrap().unwrap().connection;
        assert_eq!(raw.stack.status(raw.now, id).unwrap().tcb.snd_wnd(), window, "{shift}");
    }
}

/// A SYN sent again offers the same as the first; its clock has gone on.
#[test]
fn a_syn_sent_again_offers_the_same() {
    let mut raw = Raw::new();
    raw.stack.connect_from(raw.now, (HERE, 80).into(), (THERE, 4000).into()).unwrap();
    let first = raw.segment().header;
    let stamp = first.options.timestamps.expect("timestamps are offered");
    assert_eq!((stamp.echo, first.window), (0, 65_535));
    assert!(first.options.sack_permitted && first.options.window_scale.is_some());
    for millis in [1_000, 3_000, 7_000] {
        raw.wait(Micros::from_millis(millis).min(Micros::from_secs(4)));
        let again = raw.segments().pop().expect("it is sent again").header;
        let value = again.options.timestamps.expect("timestamps are offered").value;
        assert!(value.wrapping_sub(stamp.value) >= 1_000);
        let options = TcpOptions { timestamps: first.options.timestamps, ..again.options };
        assert_eq!(TcpHeader { options, ..again }, first);
    }
}

/// Both SYNs offer everything; each end answers what it was offered.
#[test]
fn crossing_syns_agree_too() {
    let mut raw = Raw::new();
    let id = raw.stack.connect_from(raw.now, (HERE, 80).into(), (THERE, 4000).into()).unwrap();
    let syn = raw.segment().header;
    raw.send_header(TcpHeader { flags: SYN, seq: 1000, options: full_offer(), ..header() }, b"");
    let syn_ack = raw.segment().header;
    assert_eq!(syn_ack.options.timestamps.map(|stamp| stamp.echo), Some(FIRST));
    assert_eq!(syn_ack.options.window_scale, syn.options.window_scale);
    let ack = syn_ack.seq.wrapping_add(1);
    raw.send_header(TcpHeader { flags: SYN_ACK, seq: 1000, ack, window: 3, options: full_offer(), ..header() }, b"");
    assert_eq!(raw.state(), State::Established);
    // It was a SYN: its window is not scaled.
    assert_eq!(raw.stack.status(raw.now, id).unwrap().tcb.snd_wnd(), 3);
}

// ---- Which timestamp is echoed (RFC 7323 §4.3) ----------------------------------------------------------------------------

#[test]
fn the_earliest_that_is_not_acknowledged_is_echoed() {
    let mut peer = Peer::established(|_| {});
    peer.sends(ACK, 0, FIRST + 10, &[1; 10]);
    peer.sends(ACK, 10, FIRST + 20, &[2; 10]);
    let ack = peer.says();
    assert_eq!((Peer::echo(&ack), ack.header.ack), (FIRST + 10, peer.seq + 20));
    // After a hole what came before it is echoed, and what fills it counts.
    peer.sends(ACK, 30, FIRST + 40, &[4; 10]);
    assert_eq!(Peer::echo(&peer.says()), FIRST + 10);
    peer.sends(ACK, 20, FIRST + 50, &[3; 10]);
    assert_eq!(Peer::echo(&peer.says()), FIRST + 50);
}

/// §3.2: TSecr means something where there is an ACK, and is zero where there is none.
#[test]
fn a_reset_carries_a_timestamp_too() {
    let mut peer = Peer::established(|_| {});
    peer.raw.stack.abort(peer.raw.now, peer.id).unwrap();
    let reset = peer.says();
    assert_eq!((reset.header.flags, Peer::echo(&reset)), (RST, 0));
}

/// §5.4, §7: timestamps tell nobody how long the host has been up, nor, seen on one connection, what they are on another.
#[test]
fn each_pair_has_its_own_clock() {
    let mut raw = Raw::new();
    raw.listen();
    let values = [4000, 4001, 4002].map(|source_port| {
        raw.send_header(TcpHeader { source_port, flags: SYN, seq: 1000, options: full_offer(), ..header() }, b"");
        raw.segment().header.options.timestamps.expect("it was offered").value
    });
    let days = |from: u32, to: u32| to.wrapping_sub(from).min(from.wrapping_sub(to)) / 86_400_000;
    assert!(days(0, values[0]) > 0 && days(values[0], values[1]) > 0 && days(values[1], values[2]) > 0, "{values:?}");
}

// ---- Protection against wrapped sequence numbers (RFC 7323 §5; threats T17) ------------------------------------------------

/// Every class of timestamp and of sequence number: only what is not older gets through, and no harm comes of the rest.
#[test]
fn old_timestamps_are_acknowledged_and_dropped() {
    for age in [1, 1000, (1 << 31) - 1] {
        for ahead in [0, 1, 1000] {
            let mut peer = Peer::established(|_| {});
            peer.sends(ACK, ahead, FIRST.wrapping_sub(age), b"old text");
            let ack = peer.says();
            assert_eq!((ack.header.flags, ack.header.seq, ack.header.ack), (ACK, peer.ack, peer.seq));
            assert_eq!(Peer::echo(&ack), FIRST, "TS.Recent is what it was");
            assert_eq!(peer.reads(), b"");
            peer.sends(FIN_ACK, 0, FIRST.wrapping_sub(age), b"");
            assert_eq!(peer.state(), State::Established);
            peer.sends(ACK, 0, FIRST, b"new text");
            assert_eq!(peer.reads(), b"new text");
        }
    }
}

/// A timestamp from the future, on text that is not next, is not recorded: the flow goes on (CVE-2005-0356).
#[test]
fn a_timestamp_from_the_future_does_not_wedge_the_flow() {
    for future in [1, 1000, 1 << 30, (1 << 31) - 1] {
        let mut peer = Peer::established(|_| {});
        peer.sends(ACK, 5, FIRST.wrapping_add(future), b"forged");
        peer.says();
        // Neither does one that is refused for its sequence number or its acknowledgment.
        peer.sends(ACK, 0_u32.wrapping_sub(100), FIRST.wrapping_add(future), b"forged");
        peer.says();
        peer.sends(ACK, 0, FIRST + 1, b"text!");
        assert_eq!(peer.reads(), b"text!forged");
    }
}

/// A RST is exempt, with an old timestamp or with none (§3.2, §5.2): its sequence number must be exact.
#[test]
fn a_reset_needs_no_timestamp() {
    for options in [stamped(FIRST - 1, 0), TcpOptions::default()] {
        let mut peer = Peer::established(|_| {});
        let reset = TcpHeader { flags: RST, seq: peer.seq, options, ..header() };
        peer.raw.send_header(reset, b"");
        assert_eq!(peer.raw.stack.state_of(peer.id), Some(State::Closed));
    }
}

/// §3.2: what should have a timestamp and has none is dropped silently, unless somebody wants it otherwise.
#[test]
fn a_missing_timestamp_is_silence() {
    for (require_timestamps, text) in [(true, &b""[..]), (false, b"no timestamp")] {
        let mut peer = Peer::established(|options| options.require_timestamps = require_timestamps);
        let bare = TcpHeader { seq: peer.seq, ack: peer.ack, ..header() };
        peer.raw.send_header(bare, b"no timestamp");
        assert_eq!(peer.reads(), text);
        if require_timestamps {
            peer.raw.wait(Micros::from_secs(1));
            peer.raw.expect_silence();
        }
    }
}

/// §5.5: after 24 days of silence the peer's clock may be anywhere, and is believed again.
#[test]
fn after_twenty_four_days_any_timestamp_is_new() {
    for (days, text) in [(23, &b""[..]), (25, b"late")] {
        let mut peer = Peer::established(|_| {});
        peer.raw.wait(Micros::from_secs(days * 86_400));
        peer.sends(ACK, 0, FIRST - 5, b"late");
        assert_eq!(peer.reads(), text, "after {days} days");
    }
}

/// The peer's clock goes round, and the sequence numbers with it: at 2^31 and at 2^32 nothing happens.
#[test]
fn clocks_and_numbers_go_round() {
    for edge in [1_u32 << 31, 0] {
        let mut raw = Raw::new();
        let listener = raw.listen();
        let first = edge.wrapping_sub(50);
        let options = TcpOptions { timestamps: Some(Timestamps { value: first, echo: 0 }), ..full_offer() };
        raw.send_header(TcpHeader { flags: SYN, seq: first, options, ..header() }, b"");
        let syn_ack = raw.segment().header;
        let (ack, heard) = (syn_ack.seq.wrapping_add(1), syn_ack.options.timestamps.unwrap().value);
        raw.send_header(TcpHeader { seq: first.wrapping_add(1), ack, options: stamped(first, heard), ..header() }, b"");
        let id = raw.stack.accept(listener).unwrap().unwrap().connection;
        let mut peer = Peer { raw, id, seq: first.wrapping_add(1), ack, heard };
        for step in 0..20 {
            let value = first.wrapping_add(10 * step);
            peer.sends(ACK, 0, value, &[7; 10]);
            let said = peer.says();
            peer.seq = peer.seq.wrapping_add(10);
            assert_eq!((said.header.ack, Peer::echo(&said)), (peer.seq, value));
            peer.sends(ACK, 0, value.wrapping_sub(1), b"old");
            peer.says();
        }
        assert_eq!(peer.reads(), [7; 200]);
    }
}

/// RFC 7323 §4.1: the echo measures the round trip, that of text that was sent again too, of which nothing else says which
/// transmission has arrived (RFC 6298 §3). One that was never sent measures nothing.
#[test]
fn the_echo_measures_the_round_trip() {
    for (never_sent, measures) in [(0, true), (1 << 20, false)] {
        let mut peer = Peer::established(|_| {});
        peer.raw.stack.send(peer.raw.now, peer.id, b"text").unwrap();
        peer.says();
        peer.raw.wait(Micros::from_secs(2));
        let again = peer.raw.segments().pop().expect("it is sent again").header;
        peer.heard = again.options.timestamps.unwrap().value.wrapping_add(never_sent);
        peer.ack = peer.ack.wrapping_add(4);
        let before = peer.raw.stack.status(peer.raw.now, peer.id).unwrap().srtt;
        peer.raw.wait(Micros::from_millis(300));
        peer.sends(ACK, 0, FIRST + 1, b"");
        let after = peer.raw.stack.status(peer.raw.now, peer.id).unwrap().srtt;
        assert_eq!(after > before, measures, "{before:?} {after:?}");
    }
}

// ---- TIME-WAIT cut short by timestamps (RFC 6191) -------------------------------------------------------------------------

/// The peer closes a connection of which we close first, so that we are in TIME-WAIT.
fn time_wait() -> Peer {
    let mut peer = Peer::established(|_| {});
    peer.raw.stack.close(peer.raw.now, peer.id).unwrap();
    peer.says();
    peer.raw.stack.release(peer.raw.now, peer.id).unwrap();
    peer.ack = peer.ack.wrapping_add(1);
    peer.sends(FIN_ACK, 0, FIRST + 10, b"");
    peer.says();
    assert_eq!(peer.state(), State::TimeWait);
    peer.seq = peer.seq.wrapping_add(1);
    peer
}

#[test]
fn a_newer_timestamp_reopens_whatever_the_number() {
    for (ahead, value, state) in [
        (1000, FIRST + 11, State::SynReceived),
        (0_u32.wrapping_sub(1000), FIRST + 11, State::SynReceived),
        (1000, FIRST + 10, State::SynReceived),
        (0_u32.wrapping_sub(1000), FIRST + 10, State::TimeWait),
        (1000, FIRST + 9, State::TimeWait),
    ] {
        let mut peer = time_wait();
        let options = TcpOptions { timestamps: Some(Timestamps { value, echo: 0 }), ..full_offer() };
        let syn = TcpHeader { flags: SYN, seq: peer.seq.wrapping_add(ahead), options, ..header() };
        peer.raw.send_header(syn, b"");
        assert_eq!(peer.state(), state, "{ahead} {value}");
    }
}

// ---- Ghosts (threats T04) ------------------------------------------------------------------------------------------------------

/// MAX.SND.WND reaches far below ISS; what was never sent cannot be acknowledged, not even an hour ago.
#[test]
fn text_that_acknowledges_what_was_never_sent_does_not_reach_the_user() {
    for (back, text) in
        [(0, &b"text"[..]), (1, b""), (2, b""), (1000, b""), (59_999, b""), (60_000, b""), (65_535, b"")]
    {
        let mut raw = Raw::new();
        let at = raw.established();
        raw.send(ACK, at.seq, at.ack.wrapping_sub(back), b"text");
        assert_eq!(raw.receive(at.id), text, "ISS+1-{back}");
        if back > 0 {
            let answer = raw.segment().header;
            assert_eq!((answer.flags, answer.seq, answer.ack), (ACK, at.ack, at.seq));
        }
    }
}
