//! What a transfer asks of the hosts at its ends.

use lockstep::device::{Impaired, Pipe};
use lockstep::time::Instant;
use smoltcp::socket::tcp::CongestionControl;

/// The network between the hosts: each one's device impairs what arrives there.
pub type Cable = Impaired<Pipe>;

/// Octets of a datagram.
pub const MTU: usize = 1500;

/// The port of the server.
pub const PORT: u16 = 80;

/// Whose stack a host runs. Lockstep is as it comes; smoltcp comes without any congestion control, which RFC 9293 requires
/// (MUST-19), and has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    Lockstep,
    Smoltcp(CongestionControl),
}

/// A stack with one connection, and its end of the cable.
pub trait Host {
    /// Takes what has arrived, lets timers go off, sends what is to be sent. Returns whether any frame moved.
    fn round(&mut self, now: Instant) -> bool;

    /// Whether text may be sent.
    fn is_established(&mut self) -> bool;

    /// Queues text to be sent; returns how many octets there was room for.
    fn write(&mut self, now: Instant, text: &[u8]) -> usize;

    /// Takes text that has arrived; returns how many octets there were.
    fn read(&mut self, now: Instant, buf: &mut [u8]) -> usize;

    /// Nothing more will be written.
    fn close(&mut self, now: Instant);

    /// When `round` is to be called again, if nobody else does anything.
    fn wakes_at(&mut self, now: Instant) -> Option<Instant>;
}
