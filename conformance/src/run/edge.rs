//! Where the receive window of the system ends, as the script believes and really.

use lockstep_model::{Seq, SeqNum};

use super::wire::Segment;
use crate::script::{Flags, Packet, SeqNumber, TcpOption, TcpOptions};

/// How far from an edge a number may lie and still be about this edge.
const NEAR: i32 = 2;

/// The right edge of the system's window, by the last segment in which the script asserts one.
#[derive(Clone, Debug, Default)]
pub(super) struct Edge {
    /// Where it lies, both numbers counted from the peer's initial one.
    at: Option<Lies>,
    /// How the system's SYN offers to scale its windows.
    shift: Shift,
    /// Whether the peer's SYN allows scaling (RFC 7323 §2.2).
    offered: bool,
}

#[derive(Clone, Copy, Debug)]
struct Lies {
    written: Seq,
    really: Seq,
}

/// Window scales of the system.
#[derive(Clone, Copy, Debug, Default)]
struct Shift {
    written: u8,
    really: u8,
}

impl Edge {
    /// The peer sends a segment.
    pub(super) fn injected(&mut self, packet: &Packet) {
        if packet.flags.contains(Flags::SYN) {
            self.offered = shift_in(&packet.options).is_some();
        }
    }

    /// The system has sent this segment, as the script expected, acknowledging `acknowledged` of the peer's numbers.
    pub(super) fn heard(&mut self, expected: &Packet, segment: &Segment, acknowledged: u32) {
        let is_syn = segment.flags.contains(Flags::SYN);
        if is_syn {
            let written = shift_in(&expected.options).unwrap_or_default();
            self.shift = Shift { written, really: segment.options.iter().find_map(shift).unwrap_or_default() };
        }
        let Some(window) = expected.window.filter(|_| segment.flags.contains(Flags::ACK)) else { return };
        // The window of a SYN is never scaled (RFC 7323 §2.2).
        let shift = if is_syn || !self.offered { Shift::default() } else { self.shift };
        let edge = |window: u16, shift: u8| Seq::new(acknowledged).plus(u32::from(window) << shift.min(14));
        self.at = Some(Lies { written: edge(window, shift.written), really: edge(segment.window, shift.really) });
    }

    /// A number that lies at the edge as the script believes, moved to the real one; `None` where it is elsewhere, or
    /// where both are the same.
    pub(super) fn rebased(&self, number: SeqNumber) -> Option<SeqNumber> {
        let lies = self.at.filter(|lies| lies.written != lies.really && !number.absolute)?;
        let distance = Seq::new(number.value).since(lies.written);
        let moved = Seq::new(number.value).plus(lies.really.forward_from(lies.written));
        (-NEAR..=NEAR).contains(&distance).then(|| SeqNumber::relative(moved.raw()))
    }
}

fn shift_in(options: &TcpOptions) -> Option<u8> {
    match options {
        TcpOptions::Exactly(options) => options.iter().find_map(shift),
        TcpOptions::Any => None,
    }
}

fn shift(option: &TcpOption) -> Option<u8> {
    match option {
        TcpOption::WindowScale(shift) => Some(*shift),
        TcpOption::EndOfList
        | TcpOption::NoOperation
        | TcpOption::MaximumSegmentSize(_)
        | TcpOption::SackPermitted
        | TcpOption::Sack(_)
        | TcpOption::Timestamps { .. }
        | TcpOption::FastOpen { .. }
        | TcpOption::Octets(_)
        | TcpOption::Foreign(_) => None,
    }
}
