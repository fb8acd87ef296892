//! The slowest hop of a path: a line that carries so many octets a second, and the queue in front of it.

use super::{Bottleneck, ETHERNET_HEADER};
use crate::time::Instant;

/// The line's state. Work is counted in octets times 10^6, the line's capacity in octets per second times microseconds, so
/// that nothing is ever rounded but the moment at which a frame is through.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line {
    /// How much the line could have carried since the epoch when it has carried all that was given to it.
    finished: u128,
}

/// What became of a frame at the bottleneck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// Its last bit is through at this moment; a router with RFC 3168 would mark it.
    Through { at: Instant, marked: bool },
    /// The queue was full.
    Overflow,
}

impl Line {
    /// A frame of `len` octets comes to the queue.
    pub fn enter(&mut self, bottleneck: Bottleneck, now: Instant, len: usize) -> Passage {
        let rate = u128::from(bottleneck.rate.get());
        let work = |octets: u64| u128::from(octets) * 1_000_000;
        let frame = work(u64::try_from(len).unwrap_or(u64::MAX));
        let spent = u128::from(now.as_micros()) * rate;
        let waiting = self.finished.saturating_sub(spent);
        // A queue without any room still lets through what finds the line idle.
        if waiting > 0 && waiting + frame > work(bottleneck.queue) {
            return Passage::Overflow;
        }
        self.finished = spent + waiting + frame;
        let micros = u64::try_from(self.finished.div_ceil(rate)).unwrap_or(u64::MAX);
        let marked = bottleneck.mark_above.is_some_and(|most| waiting > work(most));
        Passage::Through { at: Instant::from_micros(micros), marked }
    }
}

/// Sets Congestion Experienced on an IPv4 packet whose ends know ECN (RFC 3168 §5), and corrects the header's checksum as
/// RFC 1624 says, which leaves a wrong one wrong. False if the packet is not such a one.
pub(super) fn mark(frame: &mut [u8]) -> bool {
    const TYPE_OF_SERVICE: usize = ETHERNET_HEADER + 1;
    const CHECKSUM: usize = ETHERNET_HEADER + 10;
    const ECN: u8 = 0b11;
    let is_ipv4 = frame.get(ETHERNET_HEADER - 2..ETHERNET_HEADER) == Some(&super::ETHERTYPE_IPV4);
    let ecn = frame.get(TYPE_OF_SERVICE).map_or(0, |octet| octet & ECN);
    if !is_ipv4 || frame.len() < CHECKSUM + 2 || ecn == 0 {
        return false;
    }
    frame[TYPE_OF_SERVICE] |= ECN;
    let was = u16::from_be_bytes([frame[CHECKSUM], frame[CHECKSUM + 1]]);
    // The sum of the header has grown by this; its complement has shrunk by as much, in ones' complement.
    let (difference, borrow) = was.overflowing_sub(u16::from(ECN - ecn));
    let checksum = difference - u16::from(borrow);
    frame[CHECKSUM..CHECKSUM + 2].copy_from_slice(&checksum.to_be_bytes());
    true
}
