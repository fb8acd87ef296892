//! A blind attacker: segments of every class that he might hit, for an endpoint as it is.

use super::endpoint::{Endpoint, N, Side};
use super::packet::{Ghost, Packet};
use crate::segment::{Flag, Flags, Segment};
use crate::seq::SeqNum;

/// The incarnation of what he sends: one that no end reaches in a world with forgeries.
pub const NOBODY: u8 = 3;

/// The control bits and octets of text that he tries.
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

/// All that he might send to this endpoint.
pub(super) fn forgeries(to: Side, end: &Endpoint) -> impl Iterator<Item = Packet> {
    let tcb = end.tcb;
    let acks = [tcb.snd_una(), tcb.snd_nxt(), tcb.snd_nxt().plus(1)];
    let numbers = DISTANCES.into_iter().flat_map(move |distance| acks.map(|ack| (tcb.rcv_nxt().plus(distance), ack)));
    let ghost = Ghost { from: to.other(), incarnation: NOBODY, peer: 0, at: 0, aged: [false; 2] };
    let packet = move |(seq, ack): (N, N), (flags, text)| {
        let ack = if Flags::has(flags, Flag::Ack) { ack } else { N::new(0) };
        Packet::new(&Segment { text, ..Segment::control(seq, ack, flags, 4) }, ghost)
    };
    let mut all: Vec<Packet> = numbers.flat_map(|pair| KINDS.map(|kind| packet(pair, kind))).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter()
}
