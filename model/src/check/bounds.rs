//! The bounds of a world: everything that makes its space of states finite, or its network kinder than the real one.

use super::endpoint::{Endpoint, N, Side};
use crate::event::{Call, Timer};
use crate::seq::SeqNum;
use crate::table::Policy;
use core::fmt;

/// Something that a user does, a timer that his host runs on its own account, or something that befalls the host.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Move {
    /// A call.
    Call(Call),
    /// CLOSE by a user who waits for his peer to do so first.
    CloseLast,
    /// The user timeout or keep-alive timer goes off.
    Timeout(Timer),
    /// The host crashes and starts again: its connection is forgotten, and nobody is told.
    Crash,
    /// The host takes back an octet of the receive buffer, which RFC 9293 §3.8.6 discourages (SHLD-14).
    Shrink,
}

/// In which order segments arrive that one end has sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Order {
    /// As they were sent.
    Fifo,
    /// In any.
    Any,
}

/// Who forges segments.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Attacker {
    /// Somebody who sees nothing: he may guess any number, right or wrong.
    Blind,
    /// Somebody who sees nothing either and has guessed what comes next from the peer, but not the peer's timestamp or
    /// anything that the victim has ever sent.
    Lucky,
    /// Somebody on the path, who knows the numbers and puts in text that nobody has sent.
    OnPath,
}

/// What may befall a connection: the part of a world's bounds that a property is stated against.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Environment {
    /// Nothing: each segment arrives, in the order of sending.
    E0,
    /// Segments overtake each other.
    E1,
    /// Any segment may be lost, as often as it is sent.
    E2,
    /// Some segments arrive twice.
    E3,
    /// Segments outlive the incarnation that sent them.
    E4,
    /// So they do, but those on their way when 2MSL begins are gone when it ends.
    E5,
    /// A host crashes and starts again.
    E6,
    /// An attacker who sees nothing forges segments.
    E7,
    /// An attacker on the path forges text.
    E7b,
    /// The receive buffer is small, its reader slow, or the host takes some of it back.
    E8,
    /// The user timeout and keep-alive go off, and users go away.
    E9,
}

impl Environment {
    /// All of them.
    pub const ALL: [Environment; 11] = [
        Environment::E0,
        Environment::E1,
        Environment::E2,
        Environment::E3,
        Environment::E4,
        Environment::E5,
        Environment::E6,
        Environment::E7,
        Environment::E7b,
        Environment::E8,
        Environment::E9,
    ];

    /// Whether it is part of what these bounds allow.
    #[must_use]
    pub fn is_in(self, bounds: &Bounds) -> bool {
        let unordered = bounds.order == Order::Any;
        let attacked = bounds.forgeries > 0;
        match self {
            Environment::E0 => !unordered && !bounds.loss,
            Environment::E1 => unordered,
            Environment::E2 => unordered && bounds.loss,
            Environment::E3 => unordered && bounds.loss && bounds.duplications > 0,
            Environment::E4 => unordered && bounds.incarnations > 1 && !bounds.msl,
            Environment::E5 => unordered && bounds.incarnations > 1 && bounds.msl,
            Environment::E6 => bounds.moves(|what| what == Move::Crash),
            Environment::E7 => attacked && bounds.attacker != Attacker::OnPath,
            Environment::E7b => attacked && bounds.attacker == Attacker::OnPath,
            Environment::E8 => bounds.slow_reader || bounds.buffer <= 2 || bounds.moves(|what| what == Move::Shrink),
            Environment::E9 => bounds.moves(|what| matches!(what, Move::Timeout(_))),
        }
    }
}

/// How often a move may be made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Times {
    /// As often as it is accepted.
    Any,
    /// At most this often; an attempt that is refused does not count.
    AtMost(u8),
}

/// What the user of one side may do, in any order, at any moment.
pub type Script = &'static [(Move, Times)];

/// The bounds of a world. All are printed with its verdicts.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// What each user may do.
    pub scripts: [Script; 2],
    /// Segments on their way at once.
    pub capacity: usize,
    /// The order in which they arrive.
    pub order: Order,
    /// The network may lose any segment at any moment; if it may not, no segment is sent again while one is on its way.
    pub loss: bool,
    /// How many segments the network may deliver twice.
    pub duplications: u8,
    /// How many segments an attacker may forge.
    pub forgeries: u8,
    /// Who he is.
    pub attacker: Attacker,
    /// Each side selects at most this many initial sequence numbers; a call or a SYN that would need one more is not
    /// made, or is lost.
    pub incarnations: u8,
    /// From one ISS of a side to its next.
    pub iss_stride: [u8; 2],
    /// The clock that chooses the ISS goes on over a crash; else it begins again (RFC 9293 §3.4.1, §3.4.3).
    pub clock_survives: bool,
    /// After a crash a host keeps quiet until every segment that was on its way is gone (RFC 9293 §3.4.3).
    pub quiet_time: bool,
    /// Octets in a segment sent for the first time; a retransmission takes all that is outstanding.
    pub mss: u8,
    /// Receive buffer, in octets.
    pub buffer: u8,
    /// Text waits for a RECEIVE; else the user reads at once.
    pub slow_reader: bool,
    /// The first segment with text is urgent up to its end.
    pub urgent: bool,
    /// Acknowledgments that may be delayed are.
    pub delayed_acks: bool,
    /// A segment that was on its way when 2MSL began is gone when it ends; else segments live for ever.
    pub msl: bool,
    /// 2MSL is long enough: it does not end while the peer waits for our last acknowledgment, or anything that either has
    /// sent is on its way (see negative N12).
    pub last_ack_arrives: bool,
    /// Somebody listens on each side, so that TIME-WAIT may be cut short.
    pub listeners: bool,
    /// Both ends send timestamps (RFC 7323 §3). The clock that gives them ticks once for each initial sequence number.
    pub timestamps: bool,
    /// The optional parts that each follows.
    pub policies: [&'static [Policy]; 2],
}

impl Bounds {
    /// The initial sequence number that the clock of a side gives when asked for the `nth` time, counted from 1.
    #[must_use]
    pub fn iss(&self, side: Side, nth: u8) -> N {
        let earlier = u32::from(nth.saturating_sub(1));
        side.first_iss().plus(earlier * u32::from(self.iss_stride[side.index()]))
    }

    /// What the users may still do at the start.
    #[must_use]
    pub fn initially_left(&self, side: Side) -> u32 {
        let places = self.scripts[side.index()].iter().zip(0_u32..);
        places.fold(0, |left, ((_, times), place)| match times {
            Times::Any => left,
            Times::AtMost(n) => left | u32::from(*n) << (4 * place),
        })
    }

    /// Whether this end may select no further initial sequence number.
    pub(super) fn are_used_up(&self, end: &Endpoint) -> bool {
        end.owner.incarnation == self.incarnations
    }

    /// Whether the user of a side takes what arrives.
    pub(super) fn reads(&self, side: Side) -> bool {
        let script = self.scripts[side.index()].iter();
        !self.slow_reader || script.into_iter().any(|&(what, _)| what == Move::Call(Call::Receive))
    }

    /// The environments that they are made of.
    pub fn environments(&self) -> impl Iterator<Item = Environment> + '_ {
        Environment::ALL.into_iter().filter(|environment| environment.is_in(self))
    }

    /// Whether some script has such a move.
    fn moves(&self, wanted: impl Fn(Move) -> bool) -> bool {
        self.scripts.iter().any(|script| script.iter().any(|&(what, _)| wanted(what)))
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes_no = |yes| if yes { "yes" } else { "no" };
        write!(f, "environment:")?;
        self.environments().try_for_each(|environment| write!(f, " {environment:?}"))?;
        writeln!(f)?;
        for side in Side::BOTH {
            write!(f, "{side:?} may")?;
            for (i, (what, times)) in self.scripts[side.index()].iter().enumerate() {
                write!(f, "{} {what}", if i == 0 { "" } else { "," })?;
                if let Times::AtMost(n) = times {
                    write!(f, " x{n}")?;
                }
            }
            writeln!(f)?;
        }
        writeln!(
            f,
            "network: {} segments at once, reordering {}, loss {}, duplications {}, none outlives 2MSL {}, last ACK arrives \
             {}; forgeries {} \
             ({:?})",
            self.capacity,
            yes_no(self.order == Order::Any),
            yes_no(self.loss),
            self.duplications,
            yes_no(self.msl),
            yes_no(self.last_ack_arrives),
            self.forgeries,
            self.attacker,
        )?;
        writeln!(
            f,
            "ends: sequence space 2^{}, {} incarnations, ISS {} and {} apart, their clock survives a crash {}, quiet time {}, \
             MSS {}, buffer {}, slow reader {}, urgent {}, delayed ACKs {}, listeners {}, timestamps {}",
            N::BITS,
            self.incarnations,
            self.iss_stride[0],
            self.iss_stride[1],
            yes_no(self.clock_survives),
            yes_no(self.quiet_time),
            self.mss,
            self.buffer,
            yes_no(self.slow_reader),
            yes_no(self.urgent),
            yes_no(self.delayed_acks),
            yes_no(self.listeners),
            yes_no(self.timestamps)
        )?;
        let [a, b] = self.policies;
        write!(f, "policies: A {a:?}, B {b:?}; retransmission unlimited")
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Move::Call(call) => f.write_str(call_name(*call)),
            Move::CloseLast => f.write_str("CLOSE after the peer"),
            Move::Timeout(timer) => write!(f, "{} timeout", timer_name(*timer)),
            Move::Crash => f.write_str("crash"),
            Move::Shrink => f.write_str("shrink the receive buffer"),
        }
    }
}

/// A call as a ladder names it.
#[must_use]
pub const fn call_name(call: Call) -> &'static str {
    match call {
        Call::OpenPassive => "OPEN passive",
        Call::OpenActive { remote: true } => "OPEN active",
        Call::OpenActive { remote: false } => "OPEN active (remote unspecified)",
        Call::Send { remote: false } => "SEND",
        Call::Send { remote: true } => "SEND (remote specified)",
        Call::Receive => "RECEIVE",
        Call::Close => "CLOSE",
        Call::Release => "RELEASE",
        Call::Abort => "ABORT",
        Call::Status => "STATUS",
    }
}

/// A timer as a ladder names it.
#[must_use]
pub const fn timer_name(timer: Timer) -> &'static str {
    match timer {
        Timer::Retransmit => "retransmission",
        Timer::Persist => "persist",
        Timer::TimeWait => "2MSL",
        Timer::FinWait2 => "FIN-WAIT-2",
        Timer::User => "user",
        Timer::KeepAlive => "keep-alive",
        Timer::DelayedAck => "delayed ACK",
    }
}
