//! A bad network around any device: loss, bursts of it, outages, duplication, corruption, reordering, delay, and a
//! bottleneck with a queue, all from one seed.
//!
//! A frame is lost or not, doubled or not; each copy then passes the bottleneck, is perhaps damaged, and travels.
//!
//! The same seed, frames and times give the same fate to the byte, for ever. The two directions draw from sequences of
//! their own, and every frame from one of its own, so that a frame more in one direction or one impairment more changes
//! nothing for the others.

mod bottleneck;
mod link;

use std::num::NonZeroU64;
use std::os::fd::BorrowedFd;

use super::prng::SplitMix64;
use super::{Device, DeviceError, ETHERNET_HEADER, Sent, check_frame};
use crate::time::{Instant, Micros};

use link::Link;

/// The most frames kept for later in each direction; more are dropped and counted.
pub const MAX_KEPT: usize = 4096;

/// The most frames taken from the device beneath in one [`Device::recv`], so that a flood of lost ones does not hold up
/// the driver.
const MAX_TAKEN: usize = 4096;

const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];

/// A probability in parts per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chance(u32);

impl Chance {
    /// It never happens.
    pub const NEVER: Self = Self(0);

    /// `n` times in a million; always, from a million on.
    #[must_use]
    pub const fn per_million(n: u32) -> Self {
        Self(n)
    }

    /// `n` times in a hundred; always, from a hundred on.
    #[must_use]
    pub const fn percent(n: u32) -> Self {
        Self(n.saturating_mul(10_000))
    }

    /// Throws the dice once.
    fn strikes(self, random: &mut SplitMix64) -> bool {
        random.below(1_000_000) < u64::from(self.0)
    }
}

/// What is wrong with one direction. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Impairment {
    /// A frame vanishes.
    pub loss: Chance,
    /// A frame arrives twice; each copy has a delay of its own.
    pub duplicate: Chance,
    /// One bit flips in an IPv4 packet. Frames that nothing above the link protects (ARP, the Ethernet header) are
    /// spared: on a wire the frame check sequence discards them, which is loss.
    pub corrupt: Chance,
    /// A frame is kept for [`reorder_by`](Self::reorder_by) longer than the others, so that later ones overtake it.
    pub reorder: Chance,
    /// How long a reordered frame is held back.
    pub reorder_by: Micros,
    /// How long every frame takes.
    pub delay: Micros,
    /// At most how much longer a frame takes than `delay`, evenly distributed. This alone reorders frames.
    pub jitter: Micros,
    /// Frames vanish many at a time, besides those of [`loss`](Self::loss).
    pub bursts: Option<Bursts>,
    /// Every frame vanishes for a while.
    pub outage: Option<Outage>,
    /// The line is not infinitely fast.
    pub bottleneck: Option<Bottleneck>,
}

impl Impairment {
    /// Nothing is wrong.
    pub const NONE: Self = Self {
        loss: Chance::NEVER,
        duplicate: Chance::NEVER,
        corrupt: Chance::NEVER,
        reorder: Chance::NEVER,
        reorder_by: Micros::ZERO,
        delay: Micros::ZERO,
        jitter: Micros::ZERO,
        bursts: None,
        outage: None,
        bottleneck: None,
    };
}

/// Loss that comes in bursts: Gilbert's channel. While it is good no frame is lost, while it is bad every frame is; before
/// each frame it may turn. A burst takes 1 / `end` frames on average, and there is one every 1 / `begin` + 1 / `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bursts {
    /// The channel turns bad.
    pub begin: Chance,
    /// The channel turns good again.
    pub end: Chance,
}

/// A while in which every frame that sets out vanishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outage {
    /// Its first moment, by the driver's clock.
    pub from: Instant,
    /// The first moment after it.
    pub until: Instant,
}

impl Outage {
    fn is_at(self, now: Instant) -> bool {
        self.from <= now && now < self.until
    }
}

/// A line that takes its time for every octet, and the queue in front of it, first come first served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bottleneck {
    /// Octets per second, Ethernet headers included.
    pub rate: NonZeroU64,
    /// The most octets that wait for the line or are on it; a frame that finds no room is dropped.
    pub queue: u64,
    /// A frame that finds more octets than this before it is marked instead of left as it is, if its ends know ECN: Congestion
    /// Experienced, RFC 3168 §5.
    pub mark_above: Option<u64>,
}

impl Bottleneck {
    /// A line of so many octets per second (at least one) that drops what finds its queue full, and marks nothing.
    #[must_use]
    pub const fn new(rate: u64, queue: u64) -> Self {
        let rate = match NonZeroU64::new(rate) {
            Some(rate) => rate,
            None => NonZeroU64::MIN,
        };
        Self { rate, queue, mark_above: None }
    }
}

/// What happened in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ImpairmentCounts {
    /// Frames that came in.
    pub offered: u64,
    /// Frames that vanished: by chance, in a burst, or in an outage.
    pub lost: u64,
    /// Frames that were doubled.
    pub duplicated: u64,
    /// Copies in which a bit was flipped.
    pub corrupted: u64,
    /// Copies that were held back.
    pub reordered: u64,
    /// Copies that went out.
    pub delivered: u64,
    /// Copies that found the queue of the bottleneck full.
    pub overflowed: u64,
    /// Copies that were marked at the bottleneck.
    pub marked: u64,
    /// Copies dropped because [`MAX_KEPT`] were kept already, or because the device beneath had no room.
    pub no_room: u64,
}

/// A device behind a bad network.
#[derive(Clone, Debug)]
pub struct Impaired<D> {
    device: D,
    incoming: Link,
    outgoing: Link,
}

impl<D: Device> Impaired<D> {
    /// Puts a bad network in front of `device`: what it receives suffers `incoming`, what is sent to it suffers
    /// `outgoing`.
    #[must_use]
    pub fn new(device: D, seed: u64, incoming: Impairment, outgoing: Impairment) -> Self {
        let mut random = SplitMix64::new(seed);
        Self { device, incoming: Link::new(incoming, random.split()), outgoing: Link::new(outgoing, random.split()) }
    }

    /// What happened to the frames the device received.
    #[must_use]
    pub fn incoming(&self) -> ImpairmentCounts {
        self.incoming.counts
    }

    /// What happened to the frames sent to the device.
    #[must_use]
    pub fn outgoing(&self) -> ImpairmentCounts {
        self.outgoing.counts
    }

    /// The device behind the network.
    pub fn device(&self) -> &D {
        &self.device
    }

    /// Hands the frames that are due on their way out to the device.
    fn forward(&mut self, now: Instant) -> Result<(), DeviceError> {
        while let Some(frame) = self.outgoing.pop_due(now) {
            match self.device.send(now, &frame)? {
                Sent::Taken => self.outgoing.counts.delivered += 1,
                Sent::NoRoom => self.outgoing.counts.no_room += 1,
            }
        }
        Ok(())
    }
}

impl<D: Device> Device for Impaired<D> {
    fn recv(&mut self, now: Instant, buf: &mut [u8]) -> Result<Option<usize>, DeviceError> {
        self.forward(now)?;
        for _ in 0..MAX_TAKEN {
            if let Some(frame) = self.incoming.pop_due(now) {
                self.incoming.counts.delivered += 1;
                buf[..frame.len()].copy_from_slice(&frame);
                return Ok(Some(frame.len()));
            }
            match self.device.recv(now, buf)? {
                Some(len) => self.incoming.offer(now, &buf[..len]),
                None => break,
            }
        }
        Ok(None)
    }

    /// A frame that vanishes is [`Sent::Taken`]: the network does not say what it loses.
    fn send(&mut self, now: Instant, frame: &[u8]) -> Result<Sent, DeviceError> {
        check_frame(frame.len(), self.mtu())?;
        self.outgoing.offer(now, frame);
        self.forward(now)?;
        Ok(Sent::Taken)
    }

    fn mtu(&self) -> usize {
        self.device.mtu()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.device.fd()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let kept = [self.incoming.next_due(), self.outgoing.next_due()];
        kept.into_iter().chain([self.device.poll_timeout()]).flatten().min()
    }
}

#[cfg(test)]
mod tests;
