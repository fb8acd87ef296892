//! The bounds of a world: everything that makes its space of states finite, or its network kinder than the real one.

use super::endpoint::{N, Side};
use crate::event::{Call, Timer};
use crate::seq::SeqNum;
use crate::table::Policy;
use core::fmt;

/// Something that a user does, or a timer that his host runs on its own account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Move {
    /// A call.
    Call(Call),
    /// The user timeout or keep-alive timer goes off.
    Timeout(Timer),
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
    /// The network may lose any segment at any moment.
    pub loss: bool,
    /// How many segments the network may deliver twice.
    pub duplications: u8,
    /// How many segments a blind attacker may forge (FORMAL E7).
    pub forgeries: u8,
    /// Each side selects at most this many different initial sequence numbers; later ones repeat the last.
    pub incarnations: u8,
    /// From one ISS to the next.
    pub iss_stride: u8,
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
    /// A segment that was on its way when 2MSL began is gone when it ends (FORMAL E5; else E4).
    pub msl: bool,
    /// Somebody listens on each side, so that TIME-WAIT may be cut short.
    pub listeners: bool,
    /// The optional parts that each follows.
    pub policies: [&'static [Policy]; 2],
}

impl Bounds {
    /// The initial sequence number of an incarnation, counted from 1.
    #[must_use]
    pub fn iss(&self, side: Side, incarnation: u8) -> N {
        let earlier = u32::from(incarnation.saturating_sub(1));
        side.first_iss().plus(earlier * u32::from(self.iss_stride))
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
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes_no = |yes| if yes { "yes" } else { "no" };
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
            "network: {} segments at once, unordered, loss {}, duplications {}, forgeries {}, none outlives 2MSL {}",
            self.capacity,
            yes_no(self.loss),
            self.duplications,
            self.forgeries,
            yes_no(self.msl)
        )?;
        writeln!(
            f,
            "ends: sequence space 2^{}, {} incarnations, ISS {} apart, MSS {}, buffer {}, slow reader {}, urgent {}, \
             delayed ACKs {}, listeners {}",
            N::BITS,
            self.incarnations,
            self.iss_stride,
            self.mss,
            self.buffer,
            yes_no(self.slow_reader),
            yes_no(self.urgent),
            yes_no(self.delayed_acks),
            yes_no(self.listeners)
        )?;
        let [a, b] = self.policies;
        write!(f, "policies: A {a:?}, B {b:?}; retransmission unlimited")
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Move::Call(call) => f.write_str(call_name(*call)),
            Move::Timeout(timer) => write!(f, "{} timeout", timer_name(*timer)),
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
