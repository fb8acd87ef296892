//! Challenge ACKs: who is blind gets one answer and changes nothing, in every state, and takes no answer from anybody else
//! (RFC 5961; threats T01, T02, T03, T05).

mod raw;

use lockstep::stack::ConnectionId;
use lockstep::time::Micros;
use lockstep::wire::{TcpFlags, TcpHeader};
use lockstep_model::State;
use raw::{ACK, Established, FIN_ACK, HERE, RST, Raw, SYN, SYN_ACK, Segment, header};

const WINDOW: u32 = 65_535;

/// A flood of each kind of suspicious segment, of which the first is answered.
fn kinds(at: Established) -> [(&'static str, TcpFlags, u32, u32); 5] {
    [
        ("a RST in the window", RST, at.seq.wrapping_add(1), 0),
        ("a SYN", SYN, at.seq.wrapping_add(7), 0),
        ("an ACK of the future", ACK, at.seq, at.ack.wrapping_add(1000)),
        ("a bare ACK beyond the window", ACK, at.seq.wrapping_add(1 << 30), at.ack),
        ("a keep-alive", ACK, at.seq.wrapping_sub(1), at.ack),
    ]
}

#[test]
fn no_kind_of_challenge_starves_another() {
    for flooded in 0..5 {
        let mut raw = Raw::new();
        let at = raw.established();
        let (_, flags, seq, ack) = kinds(at)[flooded];
        for _ in 0..1000 {
            raw.send(flags, seq, ack, b"");
        }
        assert_eq!(raw.segment().header.flags, ACK);
        for (kind, (name, flags, seq, ack)) in kinds(at).into_iter().enumerate() {
            raw.send(flags, seq, ack, b"");
            let answers = raw.segments();
            assert_eq!(answers.len(), usize::from(kind != flooded), "{name} after a flood of {flooded}");
        }
        raw.wait(Micros::from_millis(500));
        raw.send(flags, seq, ack, b"");
        assert_eq!(raw.segments().len(), 1);
    }
}

/// Whoever knows when a keep-alive comes but not the sequence numbers cannot keep it from being answered.
#[test]
fn keep_alives_are_answered_under_fire() {
    let mut raw = Raw::new();
    let at = raw.established();
    for round in 0..10 {
        raw.wait(Micros::from_secs(75));
        for (_, flags, seq, ack) in &kinds(at)[..4] {
            raw.send(*flags, *seq, *ack, b"");
        }
        raw.segments();
        raw.send(ACK, at.seq.wrapping_sub(1), at.ack, b"");
        assert_eq!(raw.segment().header.ack, at.seq, "keep-alive {round}");
    }
}

/// What B answers while A is flooded, and while it is not: the same frames at the same times (CVE-2016-5696).
#[test]
fn a_flood_on_one_connection_shows_nowhere_else() {
    let calm = answers_of_b(0);
    assert!(!calm.is_empty());
    assert!(answers_of_b(1000) == calm);
}

fn answers_of_b(resets_on_a: usize) -> Vec<Segment> {
    let mut raw = Raw::new();
    let a = raw.established();
    let listener = raw.stack.listen(raw.now, (HERE, 81).into(), 1).unwrap();
    let b = TcpHeader { destination_port: 81, ..header() };
    raw.send_header(TcpHeader { flags: SYN, seq: 1, ..b }, b"");
    let ack = raw.segment().header.seq.wrapping_add(1);
    raw.send_header(TcpHeader { seq: 2, ack, ..b }, b"");
    assert!(raw.stack.accept(listener).unwrap().is_some());

    let mut answers = Vec::new();
    for n in 0..20 {
        for _ in 0..resets_on_a {
            raw.send(RST, a.seq.wrapping_add(1), 0, b"");
        }
        let flags = if n % 3 == 0 { SYN } else { RST };
        raw.send_header(TcpHeader { flags, seq: 3, ack, ..b }, b"");
        answers.extend(raw.segments().into_iter().filter(|answer| answer.header.source_port == 81));
        raw.wait(Micros::from_millis(130));
    }
    answers
}

// ---- Every synchronized state -------------------------------------------------------------------------------------------

/// What is kept packed answers as rarely as the whole connection would, and with the same window.
#[test]
fn a_flood_in_time_wait_gets_one_answer() {
    let mut raw = Raw::new();
    let at = raw.established();
    raw.stack.release(raw.now, at.id).unwrap();
    raw.segment();
    raw.send(FIN_ACK, at.seq, at.ack.wrapping_add(1), b"");
    let last = raw.segment().header;
    assert_eq!(raw.state(), State::TimeWait);
    let mut answers = Vec::new();
    for _ in 0..100 {
        raw.send(SYN, at.seq.wrapping_sub(1000), 0, b"");
        answers.extend(raw.segments());
    }
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].header, last);
}

/// What the peer may send next, and the user's name for the connection, if he has one.
#[derive(Clone, Copy)]
struct Peer {
    seq: u32,
    ack: u32,
    id: Option<ConnectionId>,
}

/// Brings a fresh connection to a synchronized state.
fn brought_to(state: State, raw: &mut Raw) -> Peer {
    let peer = if state == State::SynReceived {
        raw.listen();
        raw.send(SYN, 1000, 0, b"");
        Peer { seq: 1001, ack: raw.segment().header.seq.wrapping_add(1), id: None }
    } else {
        let Established { id, seq, ack, .. } = raw.established();
        Peer { seq, ack, id: Some(id) }
    };
    let peer = match state {
        State::FinWait1 | State::FinWait2 | State::Closing => our_fin(raw, peer),
        State::CloseWait | State::LastAck => their_fin(raw, peer),
        State::Closed | State::Listen | State::SynSent | State::SynReceived | State::Established | State::TimeWait => {
            peer
        }
    };
    let peer = match state {
        State::FinWait2 => {
            let peer = Peer { ack: peer.ack.wrapping_add(1), ..peer };
            raw.send(ACK, peer.seq, peer.ack, b"");
            peer
        }
        State::Closing => their_fin(raw, peer),
        State::LastAck => our_fin(raw, peer),
        State::Closed
        | State::Listen
        | State::SynSent
        | State::SynReceived
        | State::Established
        | State::FinWait1
        | State::CloseWait
        | State::TimeWait => peer,
    };
    assert_eq!(raw.state(), state);
    peer
}

fn our_fin(raw: &mut Raw, peer: Peer) -> Peer {
    raw.stack.close(raw.now, peer.id.unwrap()).unwrap();
    assert_eq!(raw.segment().header.flags, FIN_ACK);
    peer
}

fn their_fin(raw: &mut Raw, peer: Peer) -> Peer {
    raw.send(FIN_ACK, peer.seq, peer.ack, b"");
    raw.segments();
    Peer { seq: peer.seq.wrapping_add(1), ..peer }
}

/// The states in which a connection has numbers to lose.
const SYNCHRONIZED: [State; 7] = [
    State::SynReceived,
    State::Established,
    State::FinWait1,
    State::FinWait2,
    State::CloseWait,
    State::Closing,
    State::LastAck,
];

/// threats T01: of all resets only the exact one ends the connection; one in the window gets one answer, others none.
#[test]
fn a_reset_that_is_not_exact_ends_no_state() {
    for state in SYNCHRONIZED {
        for offset in [u32::MAX, 0, 1, WINDOW - 2, WINDOW, 1 << 31] {
            let mut raw = Raw::new();
            let at = brought_to(state, &mut raw);
            raw.send(RST, at.seq.wrapping_add(offset), 0, b"");
            // What the next segment meets after the exact one is the listener.
            let after = if offset == 0 { State::Listen } else { state };
            assert_eq!(raw.state(), after, "{state}, offset {offset}");
            let answers = raw.segments().len();
            assert_eq!(answers, usize::from(offset == 1 || offset == WINDOW - 2), "{state}, offset {offset}");
        }
    }
}

/// threats T02: a SYN changes nothing, whatever its number; one answer. (In SYN-RECEIVED one in the window means that the peer
/// begins anew: §3.10.7.4, fourth check.)
#[test]
fn a_syn_changes_no_state() {
    for state in SYNCHRONIZED.into_iter().filter(|&state| state != State::SynReceived) {
        for flags in [SYN, SYN_ACK] {
            for offset in [u32::MAX - 5, 0, 1, WINDOW, 1 << 31] {
                let mut raw = Raw::new();
                let at = brought_to(state, &mut raw);
                raw.send(flags, at.seq.wrapping_add(offset), at.ack, b"text");
                assert_eq!(raw.state(), state, "offset {offset}");
                assert_eq!(raw.segment().header.ack, at.seq, "{state}, offset {offset}");
            }
        }
    }
}

/// threats T03: text whose acknowledgment is false never reaches the user, and the answer is one bare ACK.
#[test]
fn text_with_a_false_acknowledgment_is_dropped_where_text_is_received() {
    for state in [State::Established, State::FinWait1, State::FinWait2] {
        for ack in [1, 60_000, 1 << 31, 0_u32.wrapping_sub(60_002), 0_u32.wrapping_sub(1 << 30)] {
            let mut raw = Raw::new();
            let at = brought_to(state, &mut raw);
            let snd_nxt = if state == State::FinWait1 { at.ack.wrapping_add(1) } else { at.ack };
            raw.send(ACK, at.seq, snd_nxt.wrapping_add(ack), b"forged");
            assert_eq!(raw.receive(at.id.unwrap()), b"", "{state}, ACK {ack} beyond SND.NXT");
            let answer = raw.segment();
            assert_eq!((answer.header.flags, answer.header.ack), (ACK, at.seq));
        }
    }
}
