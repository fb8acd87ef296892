//! Who forges segments: one who is blind sends every class that he might hit, for an endpoint as it is; one on the path
//! hits.

use super::bounds::Attacker;
use super::endpoint::{Endpoint, N, Side};
use super::packet::{Ghost, Packet};
use crate::segment::{Flag, Flags, Segment};
use crate::seq::SeqNum;

/// The incarnation of what he sends: one that no end reaches.
pub const NOBODY: u8 = 7;

/// The control bits and octets of text that a blind one tries.
const KINDS: [(Flags, u8); 7] = [
    (Flags::SYN, 0),
    (Flags::SYN_ACK, 0),
    (Flags::RST, 0),
    (Flags::ACK, 0),
    (Flags::ACK, 1),
    (Flags::FIN_ACK, 0),
    (Flags::of(&[Flag::Psh]), 1),
];

/// SEG.SEQ, from RCV.NXT: before it, exact, in the window, beyond it.
const DISTANCES: [u32; 4] = [u32::MAX - 1, 0, 1, 16];

/// What one on the path puts in: text that the peer has never sent.
const INJECTION: (Flags, u8) = (Flags::ACK, 1);

/// All that he might send to this endpoint.
pub(super) fn forgeries(attacker: Attacker, to: Side, end: &Endpoint) -> impl Iterator<Item = Packet> {
    match attacker {
        Attacker::Blind => guesses(to, end),
        Attacker::Lucky => lucky_guesses(to, end),
        Attacker::OnPath => vec![forge(to, (end.tcb.rcv_nxt(), end.tcb.snd_nxt()), INJECTION)],
    }
    .into_iter()
}

fn guesses(to: Side, end: &Endpoint) -> Vec<Packet> {
    let tcb = end.tcb;
    let acks = [tcb.snd_una(), tcb.snd_nxt(), tcb.snd_nxt().plus(1)];
    let numbers = DISTANCES.into_iter().flat_map(move |distance| acks.map(|ack| (tcb.rcv_nxt().plus(distance), ack)));
    let mut all: Vec<Packet> = numbers.flat_map(|pair| KINDS.map(|kind| forge(to, pair, kind))).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Text in order without a timestamp, and acknowledgments of our SYN's own number and so of nothing (*ghosts*), bare and
/// with text, whose timestamp is right. He tries where there is a connection.
fn lucky_guesses(to: Side, end: &Endpoint) -> Vec<Packet> {
    let tcb = end.tcb;
    if !tcb.state().is_synchronized() {
        return Vec::new();
    }
    let forged = |ack, kind| forge(to, (tcb.rcv_nxt(), ack), kind);
    let ghosts = [(Flags::ACK, 0), INJECTION].map(|kind| forged(tcb.iss(), kind).stamped(end.owner.ts_recent()));
    [forged(tcb.snd_nxt(), INJECTION)].into_iter().chain(ghosts).collect()
}

fn forge(to: Side, (seq, ack): (N, N), (flags, text): (Flags, u8)) -> Packet {
    let ghost = Ghost { from: to.other(), incarnation: NOBODY, peer: 0, at: 0, aged: [false; 2] };
    let ack = if Flags::has(flags, Flag::Ack) { ack } else { N::new(0) };
    Packet::new(&Segment { text, ..Segment::control(seq, ack, flags, 4) }, ghost)
}
