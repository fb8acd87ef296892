//! A segment on its way, and what only the checker knows about it.

use super::bounds::Order;
use super::endpoint::{N, Side};
use crate::segment::{Flags, Segment};
use crate::seq::SeqNum;
use core::fmt;

/// A segment in the network, packed into one word so that a state of the world stays small and compares fast.
///
/// Beside the header it carries *ghosts*: who sent it in which incarnation, and which octets of its user it really
/// holds. No endpoint sees them; the properties are stated with them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packet(u64);

/// The ghosts of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ghost {
    /// Who sent it.
    pub from: Side,
    /// The incarnation of the sender; 0 if it has never had one.
    pub incarnation: u8,
    /// The incarnation of the receiver whose SYN the sender had seen; 0 for none.
    pub peer: u8,
    /// The place of its first octet in the stream of octets that its user has sent; of the FIN, if it has no text.
    pub at: u8,
    /// For each side: whether it was already in the network when this side's 2MSL timer was last started.
    pub aged: [bool; 2],
}

/// Where each field lies: the lowest bit and the number of bits.
mod field {
    pub const SEQ: (u32, u32) = (0, 8);
    pub const ACK: (u32, u32) = (8, 8);
    pub const FLAGS: (u32, u32) = (16, 6);
    pub const TEXT: (u32, u32) = (22, 4);
    pub const WND: (u32, u32) = (26, 4);
    pub const UP: (u32, u32) = (30, 4);
    pub const FROM: (u32, u32) = (34, 1);
    pub const INCARNATION: (u32, u32) = (35, 3);
    pub const PEER: (u32, u32) = (38, 3);
    pub const AT: (u32, u32) = (41, 4);
    pub const AGED_A: (u32, u32) = (45, 1);
    pub const AGED_B: (u32, u32) = (46, 1);
    /// Its place in the queue of what its sender has sent, from 1; 0 where order does not matter.
    pub const PLACE: (u32, u32) = (47, 3);
    /// SEG.TSval; 0 where there is none.
    pub const STAMP: (u32, u32) = (50, 3);
}

impl Packet {
    /// The segment with its ghosts. A segment without any flag does not exist, so no packet is the empty word.
    #[must_use]
    pub fn new(segment: &Segment<N>, ghost: Ghost) -> Packet {
        let [aged_a, aged_b] = ghost.aged;
        let fields = [
            (field::SEQ, segment.seq.raw()),
            (field::ACK, segment.ack.raw()),
            (field::FLAGS, u32::from(segment.flags.to_wire())),
            (field::TEXT, u32::from(segment.text)),
            (field::WND, u32::from(segment.wnd)),
            (field::UP, u32::from(segment.up)),
            (field::FROM, u32::from(ghost.from == Side::B)),
            (field::INCARNATION, u32::from(ghost.incarnation)),
            (field::PEER, u32::from(ghost.peer)),
            (field::AT, u32::from(ghost.at)),
            (field::AGED_A, u32::from(aged_a)),
            (field::AGED_B, u32::from(aged_b)),
        ];
        Packet(fields.into_iter().fold(0, |word, ((lowest, bits), value)| {
            debug_assert!(value < 1 << bits, "a field of a packet overflows");
            word | u64::from(value) << lowest
        }))
    }

    /// The segment.
    #[must_use]
    pub fn segment(self) -> Segment<N> {
        Segment {
            seq: N::new(self.get(field::SEQ).into()),
            ack: N::new(self.get(field::ACK).into()),
            flags: Flags::from_wire(self.get(field::FLAGS)),
            text: self.get(field::TEXT),
            wnd: self.get(field::WND),
            up: self.get(field::UP),
        }
    }

    /// What only the checker knows.
    #[must_use]
    pub fn ghost(self) -> Ghost {
        Ghost {
            from: if self.get(field::FROM) == 0 { Side::A } else { Side::B },
            incarnation: self.get(field::INCARNATION),
            peer: self.get(field::PEER),
            at: self.get(field::AT),
            aged: [self.get(field::AGED_A) == 1, self.get(field::AGED_B) == 1],
        }
    }

    /// The same with a timestamp (RFC 7323 §3); with 0, without one.
    #[must_use]
    pub fn stamped(self, stamp: u8) -> Packet {
        self.with(field::STAMP, stamp.into())
    }

    /// SEG.TSval, which no end begins at 0; 0 if it has none.
    #[must_use]
    pub fn stamp(self) -> u8 {
        self.get(field::STAMP)
    }

    /// Whether another segment of the same sender must arrive first.
    #[must_use]
    pub fn waits_its_turn(self) -> bool {
        self.get(field::PLACE) > 1
    }

    fn at_place(self, place: u64) -> Packet {
        self.with(field::PLACE, place)
    }

    fn with(self, (lowest, bits): (u32, u32), value: u64) -> Packet {
        Packet(self.0 & !(((1 << bits) - 1) << lowest) | value << lowest)
    }

    fn get(self, (lowest, bits): (u32, u32)) -> u8 {
        let value = (self.0 >> lowest) & ((1 << bits) - 1);
        value.to_le_bytes()[0]
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ghost { from, incarnation, .. } = self.ghost();
        write!(f, "{from:?}{incarnation} {}", self.segment())
    }
}

/// The segments on their way, in any order: a *set*, so that unlimited retransmission leaves the space of states
/// finite.
///
/// Its capacity is a bound of the world. A segment sent when it is full is lost at once, which a network that loses may
/// do anyway; a repetition of a segment still on its way changes nothing but that the younger copy counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Network {
    /// Sorted; the empty word fills the rest.
    words: [u64; Network::CAPACITY],
}

/// What became of a segment that was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is on its way.
    Carried,
    /// The same segment was on its way already.
    Merged,
    /// The network is full: it is lost.
    Overflowed,
}

impl Network {
    /// The largest capacity that a world may give it.
    pub const CAPACITY: usize = 5;

    /// The segments on their way.
    pub fn packets(&self) -> impl Iterator<Item = Packet> + '_ {
        self.words.iter().filter(|&&word| word != 0).map(|&word| Packet(word))
    }

    /// Whether nothing is on its way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packets().next().is_none()
    }

    /// Sends a packet into a network of this capacity and order.
    pub fn send(&mut self, packet: Packet, capacity: usize, order: Order) -> Fate {
        let same = |word: &&mut u64| **word != 0 && Packet(**word).as_sent() == packet.as_sent();
        if let Some(word) = self.words.iter_mut().find(same) {
            let place = Packet(*word).get(field::PLACE).into();
            *word = packet.at_place(place).0;
            self.sort();
            return Fate::Merged;
        }
        if self.packets().count() >= capacity.min(Network::CAPACITY) {
            return Fate::Overflowed;
        }
        let place = match order {
            Order::Any => 0,
            Order::Fifo => {
                self.packets().filter(|other| other.ghost().from == packet.ghost().from).fold(1, |n, _| n + 1)
            }
        };
        if let Some(free) = self.words.iter_mut().find(|word| **word == 0) {
            *free = packet.at_place(place).0;
        }
        self.sort();
        Fate::Carried
    }

    /// Takes a packet out; where order matters, those behind it move up.
    pub fn remove(&mut self, packet: Packet) {
        let place = packet.get(field::PLACE);
        for word in self.words.iter_mut().filter(|word| **word != 0) {
            let other = Packet(*word);
            if other == packet {
                *word = 0;
            } else if place > 0 && other.ghost().from == packet.ghost().from && other.get(field::PLACE) > place {
                *word = other.at_place(u64::from(other.get(field::PLACE)) - 1).0;
            }
        }
        self.sort();
    }

    /// Whether some packet was already on its way when `side` began to wait for all of them to be gone.
    #[must_use]
    pub fn has_aged(&self, side: Side) -> bool {
        self.packets().any(|packet| packet.ghost().aged[side.index()])
    }

    /// Notes for each packet that `side`'s 2MSL timer was started after it was sent, or that no such timer runs.
    pub fn age(&mut self, side: Side, aged: bool) {
        for word in self.words.iter_mut().filter(|word| **word != 0) {
            let packet = Packet(*word);
            let mut ghost = packet.ghost();
            ghost.aged[side.index()] = aged;
            let renewed = Packet::new(&packet.segment(), ghost).stamped(packet.stamp());
            *word = renewed.at_place(packet.get(field::PLACE).into()).0;
        }
        self.sort();
    }

    fn sort(&mut self) {
        self.words.sort_unstable_by_key(|&word| core::cmp::Reverse(word));
    }
}

impl Packet {
    /// The packet as if it had just been sent into an empty network: the same for each repetition of a segment.
    pub(super) fn as_sent(self) -> u64 {
        let ages = 1 << field::AGED_A.0 | 1 << field::AGED_B.0;
        self.at_place(0).0 & !ages
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.packets()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn packet(seq: u32, from: Side, aged: [bool; 2]) -> Packet {
        let ghost = Ghost { from, incarnation: 2, peer: 1, at: 3, aged };
        Packet::new(&Segment { text: 1, ..Segment::control(N::new(seq), N::new(7), Flags::ACK, 4) }, ghost)
    }

    quickcheck! {
        fn unpacking_undoes_packing(
            numbers: (u32, u32), flags: u8, small: (u8, u8, u8), ghost: (bool, u8, u8, u8), aged: (bool, bool)
        ) -> bool {
            let (seq, ack) = numbers;
            let (text, wnd, up) = small;
            let segment = Segment {
                seq: N::new(seq),
                ack: N::new(ack),
                flags: Flags::from_wire(flags),
                text: text % 16,
                wnd: wnd % 16,
                up: up % 16,
            };
            let (from_b, incarnation, peer, at) = ghost;
            let ghost = Ghost {
                from: if from_b { Side::B } else { Side::A },
                incarnation: incarnation % 8,
                peer: peer % 8,
                at: at % 16,
                aged: aged.into(),
            };
            let packet = Packet::new(&segment, ghost);
            packet.segment() == segment && packet.ghost() == ghost
        }

        /// The order of sending leaves no trace: one set, one state.
        fn a_network_is_a_set(seqs: Vec<u32>) -> bool {
            let few = || seqs.iter().take(Network::CAPACITY);
            let [mut there, mut back] = [Network::default(); 2];
            few().for_each(|&seq| { there.send(packet(seq, Side::A, [false; 2]), Network::CAPACITY, Order::Any); });
            few().rev().for_each(|&seq| { back.send(packet(seq, Side::A, [false; 2]), Network::CAPACITY, Order::Any); });
            there == back
        }
    }

    #[test]
    fn a_repetition_changes_nothing_and_a_full_network_loses() {
        let [one, other] = [packet(1, Side::A, [false; 2]), packet(1, Side::B, [false; 2])];
        let mut network = Network::default();
        assert_eq!(network.send(one, 1, Order::Any), Fate::Carried);
        assert_eq!(network.send(one, 1, Order::Any), Fate::Merged);
        assert_eq!(network.send(other, 1, Order::Any), Fate::Overflowed);
        network.remove(one);
        assert!(network.is_empty());
    }

    #[test]
    fn a_repetition_is_as_young_as_its_last_sending() {
        let one = packet(1, Side::A, [false; 2]);
        let mut network = Network::default();
        network.send(one, 2, Order::Any);
        network.age(Side::B, true);
        assert!(network.packets().all(|packet| packet.ghost().aged == [false, true]));
        assert_eq!(network.send(one, 2, Order::Any), Fate::Merged);
        assert!(network.packets().eq([one]));
    }

    #[test]
    fn in_a_queue_each_side_waits_its_turn() {
        let [first, second] = [9, 1].map(|seq| packet(seq, Side::A, [false; 2]));
        let other = packet(5, Side::B, [false; 2]);
        let mut network = Network::default();
        for packet in [first, second, other] {
            assert_eq!(network.send(packet, 4, Order::Fifo), Fate::Carried);
        }
        assert_eq!(network.send(second, 4, Order::Fifo), Fate::Merged);
        let deliverable = |network: &Network| {
            let ready = network.packets().filter(|packet| !packet.waits_its_turn());
            ready.map(|packet| packet.segment().seq).collect::<Vec<_>>()
        };
        let seqs = |seqs: &[u32]| seqs.iter().map(|&seq| N::new(seq)).collect::<Vec<_>>();
        assert_eq!(deliverable(&network).len(), 2);
        assert!(deliverable(&network).contains(&N::new(9)) && !deliverable(&network).contains(&N::new(1)));
        let head = network.packets().find(|packet| packet.segment().seq == N::new(9)).expect("it is there");
        network.remove(head);
        let mut ready = deliverable(&network);
        ready.sort_unstable_by_key(|seq| seq.raw());
        assert_eq!(ready, seqs(&[1, 5]));
    }
}
