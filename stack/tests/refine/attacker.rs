//! Somebody who sees nothing and knows the pair of sockets: classes of segments, each by where it lies.

use lockstep_model::{Flag, Flags, Segment, Seq, SeqNum};

use crate::reference::Reference;
use crate::wire::Said;

/// Where a forged sequence number lies, seen from RCV.NXT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Exact,
    InWindow,
    Outside,
}

/// What a forged acknowledgment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// What is outstanding, all of it.
    All,
    /// Nothing that is outstanding.
    Nothing,
    /// What has never been sent.
    Unsent,
    /// What was acknowledged long ago: more than any window back (RFC 5961 §5.2).
    Ancient,
    /// Our SYN's own number: of what came before it nothing was ever sent (draft-ietf-tcpm-tcp-ghost-acks).
    Ghost,
}

/// A class of segments.
#[derive(Clone, Copy, Debug)]
pub struct Forgery {
    pub flags: Flags,
    pub at: At,
    pub acks: Acks,
    /// Octets of text.
    pub text: u8,
}

const fn forgery(flags: Flags, at: At, acks: Acks, text: u8) -> Forgery {
    Forgery { flags, at, acks, text }
}

/// The classes. The last ones fit, and nobody can tell them from the real ones.
pub const LIST: &[Forgery] = &[
    forgery(Flags::RST, At::Exact, Acks::All, 0),
    forgery(Flags::RST, At::InWindow, Acks::All, 0),
    forgery(Flags::RST, At::Outside, Acks::All, 0),
    forgery(Flags::SYN, At::Exact, Acks::All, 0),
    forgery(Flags::SYN, At::InWindow, Acks::All, 0),
    forgery(Flags::SYN, At::Outside, Acks::All, 0),
    forgery(Flags::SYN_ACK, At::Exact, Acks::Unsent, 0),
    forgery(Flags::ACK, At::Exact, Acks::Nothing, 0),
    forgery(Flags::ACK, At::Exact, Acks::Unsent, 0),
    forgery(Flags::ACK, At::Exact, Acks::Ancient, 0),
    forgery(Flags::ACK, At::InWindow, Acks::All, 0),
    forgery(Flags::ACK, At::Exact, Acks::Unsent, 2),
    forgery(Flags::ACK, At::Exact, Acks::Ancient, 2),
    forgery(Flags::ACK, At::Exact, Acks::Ghost, 0),
    forgery(Flags::ACK, At::Outside, Acks::All, 2),
    forgery(Flags::FIN_ACK, At::Exact, Acks::Unsent, 0),
    forgery(Flags::FIN_ACK, At::Outside, Acks::All, 0),
    forgery(Flags::of(&[Flag::Fin]), At::Exact, Acks::All, 1),
    forgery(Flags::RST_ACK, At::Exact, Acks::Unsent, 0),
    forgery(Flags::of(&[Flag::Ack, Flag::Urg]), At::Exact, Acks::All, 0),
    forgery(Flags::ACK, At::Exact, Acks::All, 2),
];

/// The n-th segment, for this victim.
pub fn forge(n: usize, victim: &Reference) -> Said {
    let Forgery { flags, at, acks, text } = LIST[n];
    let window = victim.counters.window;
    let seq = match at {
        At::Exact => victim.tcb.rcv_nxt(),
        At::InWindow => victim.tcb.rcv_nxt().plus(window.saturating_sub(1)),
        At::Outside => victim.tcb.rcv_nxt().plus(window + 1000),
    };
    let ack = match acks {
        Acks::All => victim.tcb.snd_nxt(),
        Acks::Nothing => victim.tcb.snd_una(),
        Acks::Unsent => victim.tcb.snd_nxt().plus(1),
        Acks::Ancient => victim.tcb.snd_una().minus(victim.tcb.max_snd_wnd() + 1000),
        Acks::Ghost => victim.tcb.iss(),
    };
    let ack = if flags.has(Flag::Ack) { ack } else { Seq::new(0) };
    let segment =
        Segment { text: text.into(), up: u32::from(flags.has(Flag::Urg)) * 2, ..Segment::control(seq, ack, flags, 16) };
    Said { segment, text: vec![b'!'; text.into()], mss: None }
}
