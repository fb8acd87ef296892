//! One end of a world: its connection, and what little of a host the checker needs around it.

use crate::engine::Tcb;
use crate::seq::{Mod, SeqNum};

/// The sequence space of every world: small, so that numbers wrap, but more than twice as large as any live distance.
pub type N = Mod<6>;

/// One of the two ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Side {
    /// The left one in a ladder.
    A,
    /// The right one.
    B,
}

impl Side {
    /// Both.
    pub const BOTH: [Side; 2] = [Side::A, Side::B];

    /// The other end.
    #[must_use]
    pub const fn other(self) -> Side {
        match self {
            Side::A => Side::B,
            Side::B => Side::A,
        }
    }

    /// Its place in an array of both.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Side::A => 0,
            Side::B => 1,
        }
    }

    /// The ISS of this side's first incarnation: A's numbers wrap at once, B's pass the antipode.
    #[must_use]
    pub fn first_iss(self) -> N {
        match self {
            Side::A => N::new(62),
            Side::B => N::new(29),
        }
    }
}

/// A connection and its owner.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Endpoint {
    /// The connection; the engine's own.
    pub tcb: Tcb<N>,
    /// Buffers and ghosts.
    pub owner: Owner,
}

/// What the host of a connection remembers: counters instead of octets, for it is enough to know *which* octet it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Owner {
    /// Ghost: how often an ISS was selected here, up to the bound of the world.
    pub incarnation: u8,
    /// Ghost: the incarnation of the peer whose SYN set RCV.NXT; 0 for none.
    pub peer: u8,
    /// The clock that chooses the ISS, and in the upper half TS.Recent.
    clocks: u8,
    /// Octets that the user has sent.
    pub queued: u8,
    /// Of these, octets that have been on the wire.
    pub sent: u8,
    /// Of these, octets that are acknowledged.
    pub acked: u8,
    /// Octets that arrived in order.
    pub received: u8,
    /// Of these, octets that wait for the user; always 0 where the user reads at once.
    pub unread: u8,
    /// Octets held out of order: bit `i` for the one at RCV.NXT+i.
    pub held: u8,
    /// The distance of a held FIN from RCV.NXT, plus one; 0 for none.
    pub held_fin: u8,
    /// The remote FIN was taken: the user has his end of file.
    pub end_of_file: bool,
    /// One more suspicious segment may be answered before the next tick.
    pub token: bool,
    /// An acknowledgment is owed that may wait.
    pub ack_owed: bool,
    /// Octets of the receive buffer that the host has taken back.
    pub shrunk: u8,
    /// The host has crashed and keeps quiet.
    pub quiet: bool,
    /// How often each limited move of the user's script may still be made, four bits each; the lowest octet first.
    left: [u8; 4],
}

impl Owner {
    /// An owner with nothing but a user's script.
    #[must_use]
    pub fn idle(incarnation: u8, left: u32) -> Owner {
        Owner {
            incarnation,
            peer: 0,
            clocks: incarnation,
            queued: 0,
            sent: 0,
            acked: 0,
            received: 0,
            unread: 0,
            held: 0,
            held_fin: 0,
            end_of_file: false,
            token: true,
            ack_owed: false,
            shrunk: 0,
            quiet: false,
            left: left.to_le_bytes(),
        }
    }

    /// The owner of a connection that is gone: what he may still do is left.
    #[must_use]
    pub fn bereft(&self) -> Owner {
        let Owner { incarnation, quiet, .. } = *self;
        Owner { clocks: self.clock(), quiet, ..Owner::idle(incarnation, u32::from_le_bytes(self.left)) }
    }

    /// Empties all buffers.
    pub fn flush(&mut self) {
        let Owner { peer, clocks, token, shrunk, .. } = *self;
        *self = Owner { peer, clocks, token, shrunk, ..self.bereft() };
    }

    /// Back in LISTEN, nothing is known of a peer.
    pub fn forget_peer(&mut self) {
        *self = Owner { peer: 0, clocks: self.clock(), ..*self };
    }

    /// How often an ISS was selected since the clock that chooses it began.
    #[must_use]
    pub fn clock(&self) -> u8 {
        self.clocks & 0xf
    }

    /// TS.Recent; 0 if the connection has not agreed on timestamps.
    #[must_use]
    pub fn ts_recent(&self) -> u8 {
        self.clocks >> 4
    }

    /// Sets [`Owner::clock`].
    pub fn set_clock(&mut self, clock: u8) {
        self.clocks = self.clocks & 0xf0 | clock;
    }

    /// Sets [`Owner::ts_recent`].
    pub fn set_ts_recent(&mut self, ts_recent: u8) {
        self.clocks = self.clock() | ts_recent << 4;
    }

    /// A new incarnation sends: nothing that the old one had to send is left.
    pub fn begin_sending(&mut self) {
        *self = Owner { queued: 0, sent: 0, acked: 0, ..*self };
    }

    /// A new incarnation receives: nothing that the old one received is left.
    pub fn begin_receiving(&mut self) {
        *self = Owner { received: 0, unread: 0, held: 0, held_fin: 0, end_of_file: false, ..*self };
    }

    /// How often the limited move at this place of the script may still be made.
    #[must_use]
    pub fn left(&self, place: u32) -> u32 {
        (u32::from_le_bytes(self.left) >> (4 * place)) & 0xf
    }

    /// The limited move at this place of the script was made.
    pub fn spend(&mut self, place: u32) {
        self.left = (u32::from_le_bytes(self.left) - (1 << (4 * place))).to_le_bytes();
    }
}
