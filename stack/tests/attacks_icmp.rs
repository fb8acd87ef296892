//! What ICMP may do to a connection, and what not: RFC 5927, RFC 9293 §3.9.2.2, RFC 1191 (threats T18), and what its
//! datagrams tell others (threats T08).

mod raw;

use std::net::Ipv4Addr;

use lockstep::DropReason;
use lockstep::ip::Undelivered;
use lockstep::stack::{ConnectionId, Event, Failure};
use lockstep::time::Micros;
use lockstep::wire::{Icmpv4Message, TcpHeader, TcpOptions, UnreachableCode};
use lockstep_model::State;
use raw::{ACK, Established, FIN_ACK, HERE, Raw, SYN, SYN_ACK, Segment, THERE, header};

const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 254);

/// What somebody on the way may say about a datagram.
#[derive(Clone, Copy, Debug)]
enum Word {
    Unreachable(u8),
    TooLarge(u16),
    TimeExceeded,
    ParameterProblem,
    SourceQuench,
}

/// Says `word` about the segment that `header` is the header of; the least that has to be quoted is.
fn say(raw: &mut Raw, word: Word, header: &TcpHeader) -> Option<DropReason> {
    let frame = raw::tcp_frame(HERE, THERE, header, b"");
    let quoted = &frame[14..14 + 28];
    let message = match word {
        Word::Unreachable(code) => {
            Icmpv4Message::DestinationUnreachable { code: UnreachableCode(code), next_hop_mtu: 0, quoted }
        }
        Word::TooLarge(next_hop_mtu) => {
            let code = UnreachableCode::FRAGMENTATION_NEEDED;
            Icmpv4Message::DestinationUnreachable { code, next_hop_mtu, quoted }
        }
        Word::TimeExceeded => Icmpv4Message::TimeExceeded { code: 0, quoted },
        Word::ParameterProblem => Icmpv4Message::ParameterProblem { code: 0, pointer: 20, quoted },
        Word::SourceQuench => Icmpv4Message::Unknown { kind: 4, code: 0, rest_of_header: [0; 4], data: quoted },
    };
    raw.stack.input(raw.now, &raw::icmp_frame(ROUTER, &message))
}

/// A connection in `state` with something in flight, and the header of that.
fn in_state(state: State) -> (Raw, ConnectionId, TcpHeader) {
    let mut raw = Raw::new();
    if state == State::SynSent {
        let id = raw.stack.connect_from(raw.now, (HERE, 80).into(), (THERE, 4000).into()).unwrap();
        let syn = raw.segment().header;
        return (raw, id, syn);
    }
    let at = raw.established();
    let before: &[State] = &[State::CloseWait, State::LastAck];
    if before.contains(&state) {
        raw.send(FIN_ACK, at.seq, at.ack, b"");
    }
    raw.stack.send(raw.now, at.id, b"in flight").unwrap();
    if [State::FinWait1, State::Closing, State::LastAck].contains(&state) {
        raw.stack.close(raw.now, at.id).unwrap();
    }
    let text = raw.segments().into_iter().find(|segment| !segment.text.is_empty()).unwrap().header;
    if state == State::Closing {
        raw.send(FIN_ACK, at.seq, at.ack, b"");
        raw.segments();
    }
    assert_eq!(raw.state(), state);
    (raw, at.id, text)
}

const STATES_WITH_SOMETHING_IN_FLIGHT: [State; 6] =
    [State::SynSent, State::Established, State::FinWait1, State::CloseWait, State::Closing, State::LastAck];

const WORDS: [Word; 16] = [
    Word::Unreachable(0),
    Word::Unreachable(1),
    Word::Unreachable(2),
    Word::Unreachable(3),
    Word::Unreachable(5),
    Word::Unreachable(6),
    Word::Unreachable(9),
    Word::Unreachable(13),
    Word::Unreachable(15),
    Word::TooLarge(0),
    Word::TooLarge(68),
    Word::TooLarge(1000),
    Word::TooLarge(u16::MAX),
    Word::TimeExceeded,
    Word::ParameterProblem,
    Word::SourceQuench,
];

/// Type by sequence number by state: what is about nothing in flight changes nothing at all, and what is about something
/// in flight ends only an attempt to connect, and only when the destination itself says that it is in vain.
#[test]
fn each_error_in_each_state_about_something_in_flight_and_about_nothing() {
    for state in STATES_WITH_SOMETHING_IN_FLIGHT {
        for word in WORDS {
            let (mut raw, id, quoted) = in_state(state);
            let before = raw.stack.project(raw.now);
            for guess in [1_u32 << 31, 0_u32.wrapping_sub(1), 1000] {
                let guessed = TcpHeader { seq: quoted.seq.wrapping_add(guess), ..quoted };
                let reason = say(&mut raw, word, &guessed);
                let expected =
                    if matches!(word, Word::SourceQuench) { DropReason::IcmpIgnored } else { DropReason::IcmpNotOurs };
                assert_eq!(reason, Some(expected), "{state} {word:?} {guess}");
            }
            assert!(raw.stack.project(raw.now) == before, "{state} {word:?}");

            say(&mut raw, word, &quoted);
            let hard = matches!(word, Word::Unreachable(2 | 3));
            let expected = if state == State::SynSent && hard { State::Closed } else { state };
            assert_eq!(raw.state(), expected, "{state} {word:?}");
            let told = raw.stack.status(raw.now, id).unwrap().soft_error.is_some();
            let soft = !matches!(word, Word::TooLarge(_) | Word::SourceQuench);
            assert_eq!(told, soft, "{state} {word:?}");
        }
    }
}

/// RFC 9293 MUST-56, SHLD-25: the user hears of it, and of what it was.
#[test]
fn a_soft_error_is_told_and_forgotten_when_the_way_is_good_again() {
    for (word, expected) in [
        (Word::Unreachable(1), Undelivered::Unreachable(UnreachableCode::HOST)),
        (Word::TimeExceeded, Undelivered::TimeExceeded),
        (Word::ParameterProblem, Undelivered::ParameterProblem),
    ] {
        let (mut raw, id, quoted) = in_state(State::Established);
        assert_eq!(say(&mut raw, word, &quoted), None);
        assert_eq!(raw.stack.status(raw.now, id).unwrap().soft_error, Some(expected));
        assert!(std::iter::from_fn(|| raw.stack.poll_event()).any(|event| event == Event::Doubtful(id)));
        raw.send(ACK, 1001, quoted.seq.wrapping_add(9), b"");
        assert_eq!(raw.stack.status(raw.now, id).unwrap().soft_error, None);
    }
}

/// RFC 1122 §4.2.3.9: what ICMP said is the reason that is given when patience is at an end.
#[test]
fn a_soft_error_is_the_reason_of_a_timeout() {
    let (mut raw, id, quoted) = in_state(State::SynSent);
    say(&mut raw, Word::TimeExceeded, &quoted);
    raw.wait(Micros::from_secs(200));
    let closed = Event::Closed(id, Some(Failure::Unreachable(Undelivered::TimeExceeded)));
    assert!(std::iter::from_fn(|| raw.stack.poll_event()).any(|event| event == closed));
}

// ---- Path MTU ------------------------------------------------------------------------------------------------------------

/// A connection to a peer who takes segments of 1460 octets.
fn connected(raw: &mut Raw) -> Established {
    let listener = raw.listen();
    let options = TcpOptions { mss: Some(1460), ..TcpOptions::default() };
    raw.send_header(TcpHeader { flags: SYN, seq: 1000, options, ..header() }, b"");
    let syn_ack = raw.segment();
    let ack = syn_ack.header.seq.wrapping_add(1);
    raw.send(ACK, 1001, ack, b"");
    let id = raw.stack.accept(listener).unwrap().unwrap().connection;
    Established { id, seq: 1001, ack }
}

fn lengths(segments: &[Segment]) -> Vec<usize> {
    segments.iter().map(|segment| segment.text.len()).collect()
}

/// RFC 1191 §6.5: what was too large leaves again at once, smaller; and the congestion window has not heard of it.
#[test]
fn what_is_too_large_for_a_link_is_sent_again_smaller() {
    let mut raw = Raw::new();
    let at = connected(&mut raw);
    let text: Vec<u8> = (0..4000_u32).map(|n| n.to_be_bytes()[3]).collect();
    raw.stack.send(raw.now, at.id, &text).unwrap();
    let first = raw.segments();
    let largest = first[0].text.len();
    let cwnd = raw.stack.status(raw.now, at.id).unwrap().cwnd;
    for segment in &first {
        say(&mut raw, Word::TooLarge(1000), &segment.header);
    }
    let again = raw.segments();
    let overhead = 1500 - u16::try_from(largest).unwrap();
    let smaller = usize::from(1000 - overhead);
    assert!(again.iter().all(|segment| segment.text.len() <= smaller), "{:?}", lengths(&again));
    let mut offset = 0;
    for segment in &again {
        assert_eq!(segment.header.seq, at.ack.wrapping_add(u32::try_from(offset).unwrap()));
        assert_eq!(segment.text, text[offset..offset + segment.text.len()]);
        offset += segment.text.len();
    }
    assert!(offset >= first.iter().map(|segment| segment.text.len()).sum());
    let status = raw.stack.status(raw.now, at.id).unwrap();
    assert_eq!((usize::from(status.send_mss), status.ssthresh), (smaller, u32::MAX));
    assert!(status.cwnd <= cwnd);
    // The next connection to the same host knows it already; ten minutes later nobody does.
    for (wait, expected) in [(Micros::ZERO, 1000), (Micros::from_secs(600), 1500)] {
        raw.wait(wait);
        let id = raw.stack.connect_from(raw.now, (HERE, 0).into(), (THERE, 4000).into()).unwrap();
        let syn = raw.segments().into_iter().find(|segment| segment.header.flags == SYN).unwrap().header;
        assert_eq!(syn.options.mss, Some(1460), "what we take has not changed");
        let options = TcpOptions { mss: Some(1460), ..TcpOptions::default() };
        let syn_ack = TcpHeader { destination_port: syn.source_port, flags: SYN_ACK, options, ..header() };
        raw.send_header(TcpHeader { ack: syn.seq.wrapping_add(1), ..syn_ack }, b"");
        assert_eq!(raw.stack.status(raw.now, id).unwrap().send_mss, expected - overhead);
        raw.stack.abort(raw.now, id).unwrap();
        raw.segments();
    }
}

/// RFC 5927 §7: a forger guesses the sequence number right, and gains nothing.
#[test]
fn a_forged_report_does_no_harm_while_large_segments_arrive() {
    let mut raw = Raw::new();
    let mut at = connected(&mut raw);
    for _ in 0..50 {
        raw.stack.send(raw.now, at.id, &[7; 3000]).unwrap();
        for segment in raw.segments() {
            say(&mut raw, Word::TooLarge(68), &segment.header);
            at.ack = segment.header.seq.wrapping_add(u32::try_from(segment.text.len()).unwrap());
        }
        raw.wait(Micros::from_millis(1));
        raw.send(ACK, at.seq, at.ack, b"");
        if raw.stack.status(raw.now, at.id).unwrap().unsent > 0 {
            for segment in raw.segments() {
                at.ack = segment.header.seq.wrapping_add(u32::try_from(segment.text.len()).unwrap());
            }
            raw.send(ACK, at.seq, at.ack, b"");
        }
    }
    // Before anything had arrived the first report could not be told from a true one, and the floor held.
    let mss = raw.stack.status(raw.now, at.id).unwrap().send_mss;
    assert!(mss >= 552 - 60, "{mss}");
}

/// No router says a word, and large segments vanish (RFC 4821).
#[test]
fn a_black_hole_is_found_and_avoided() {
    let mut raw = Raw::new();
    let mut at = connected(&mut raw);
    raw.stack.send(raw.now, at.id, &[7; 20_000]).unwrap();
    let mut received = 0;
    for _ in 0..100_000 {
        for segment in raw.segments() {
            let size = segment.header.emitted_len() + 20 + segment.text.len();
            if size <= 1300 && segment.header.seq == at.ack {
                received += segment.text.len();
                at.ack = at.ack.wrapping_add(u32::try_from(segment.text.len()).unwrap());
                raw.send(ACK, at.seq, at.ack, b"");
            }
        }
        if received == 20_000 {
            break;
        }
        raw.wait(Micros::from_millis(10));
    }
    assert_eq!(received, 20_000);
    assert!(raw.stack.status(raw.now, at.id).unwrap().send_mss < 1260);
}

/// RFC 6864; CVE-2020-36516: whoever talks to us as well learns nothing from what his own datagrams are called.
#[test]
fn the_identification_tells_nobody_anything() {
    let mut raw = Raw::new();
    let at = raw.established();
    raw.stack.send(raw.now, at.id, &[7; 3000]).unwrap();
    // Every datagram is looked at on the way: identification 0, and not to be fragmented.
    assert!(raw.segments().len() > 1);
    let request = Icmpv4Message::EchoRequest { identifier: 7, sequence: 9, data: b"" };
    raw.stack.input(raw.now, &raw::icmp_frame(THERE, &request));
    assert_eq!(raw.sent().len(), 1);
}
