//! Devices: where frames come from and go to.
//!
//! A [`Device`] moves whole Ethernet frames and knows nothing of what is in them. Devices stack: [`Recorded`] writes
//! what passes into a pcap file, [`Impaired`] loses, duplicates, delays and damages it and lets it queue, around any
//! device. [`Tap`] is the kernel's, [`Pipe`] is memory.

pub mod impair;
mod interface;
pub mod pcap;
pub mod pipe;
pub mod poll;
pub mod prng;
pub mod tap;

use std::io;
use std::os::fd::BorrowedFd;

use thiserror::Error;

use crate::time::Instant;

pub use impair::Impaired;
pub use pcap::Recorded;
pub use pipe::Pipe;
pub use tap::Tap;

/// Octets before the payload of an untagged Ethernet II frame: a frame has at most `mtu` + this many.
pub const ETHERNET_HEADER: usize = 14;

/// Something that carries Ethernet frames. It never blocks.
///
/// `now` is the driver's clock, of which nothing but differences matters; it must not run backwards. Devices that keep
/// frames for a while do so by it. A driver waits until [`fd`](Self::fd) is readable or
/// [`poll_timeout`](Self::poll_timeout) has come, and then calls [`recv`](Self::recv) until it returns `None`; that
/// also moves the frames kept on their way out.
pub trait Device {
    /// Takes one frame that has arrived into `buf` and returns its length; `None` if there is none now.
    ///
    /// # Errors
    /// [`DeviceError::BufferTooSmall`] if `buf` is shorter than `mtu` + [`ETHERNET_HEADER`]; otherwise what the device
    /// says.
    fn recv(&mut self, now: Instant, buf: &mut [u8]) -> Result<Option<usize>, DeviceError>;

    /// Hands one frame to the device.
    ///
    /// # Errors
    /// [`DeviceError::FrameTooLong`] if the device cannot carry it; otherwise what the device says. No room is not an
    /// error: see [`Sent`].
    fn send(&mut self, now: Instant, frame: &[u8]) -> Result<Sent, DeviceError>;

    /// The most octets a frame carries after its [`ETHERNET_HEADER`].
    fn mtu(&self) -> usize;

    /// What to poll for a frame that arrives, where there is such a thing.
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// When a frame that the device itself has kept is due, if it keeps any.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sent {
    /// The device took it.
    Taken,
    /// The device had no room and dropped it, as a busy link does. Whoever needs it will send it again.
    NoRoom,
}

/// Why a device does not work.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// A frame of more octets than the device carries.
    #[error("a frame of {len} octets is too long for a device that carries {max}")]
    FrameTooLong {
        /// Octets of the frame.
        len: usize,
        /// Octets the device can carry.
        max: usize,
    },
    /// A buffer that might cut a frame.
    #[error("a buffer of {len} octets is too small for frames of up to {max}")]
    BufferTooSmall {
        /// Octets of the buffer.
        len: usize,
        /// Octets a frame may have.
        max: usize,
    },
    /// The network interface exists and is down.
    #[error("the network interface is down")]
    Down,
    /// The other end, or the network interface, no longer exists.
    #[error("the device is gone")]
    Gone,
    /// The capture file cannot be written.
    #[error("cannot write the capture file: {0}")]
    Capture(#[source] io::Error),
    /// Anything else the operating system reports.
    #[error("the device failed: {0}")]
    Io(#[source] io::Error),
}

/// `Err` unless a buffer of `len` octets takes every frame of a device with this `mtu`.
fn check_buffer(len: usize, mtu: usize) -> Result<(), DeviceError> {
    let max = mtu + ETHERNET_HEADER;
    if len < max {
        return Err(DeviceError::BufferTooSmall { len, max });
    }
    Ok(())
}

/// `Err` if a device with this `mtu` cannot carry a frame of `len` octets.
fn check_frame(len: usize, mtu: usize) -> Result<(), DeviceError> {
    let max = mtu + ETHERNET_HEADER;
    if len > max {
        return Err(DeviceError::FrameTooLong { len, max });
    }
    Ok(())
}
