//! The peer's end of the link: two queues of datagrams. There is no Ethernet on it, and nobody to be looked for.

use std::collections::VecDeque;

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// Datagrams that wait to be received, at most: far more than any honest stack sends at once.
const MOST_WAITING: usize = 1_000;

/// A point-to-point link that carries IP datagrams.
pub(super) struct Link {
    mtu: u16,
    /// To smoltcp.
    arriving: VecDeque<Vec<u8>>,
    /// From smoltcp.
    leaving: VecDeque<Vec<u8>>,
}

impl Link {
    pub(super) fn new(mtu: u16) -> Self {
        Self { mtu, arriving: VecDeque::new(), leaving: VecDeque::new() }
    }

    /// The octets that one datagram may have.
    pub(super) fn mtu(&self) -> usize {
        usize::from(self.mtu)
    }

    /// Puts a datagram on the way to smoltcp.
    pub(super) fn carry(&mut self, datagram: &[u8]) {
        self.arriving.push_back(datagram.to_vec());
    }

    /// Takes the next datagram that smoltcp sent.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        self.leaving.pop_front()
    }
}

impl Device for Link {
    type RxToken<'a> = Arriving;
    type TxToken<'a> = Leaving<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Arriving, Leaving<'_>)> {
        // An answer needs a place, too.
        if self.leaving.len() >= MOST_WAITING {
            return None;
        }
        let datagram = self.arriving.pop_front()?;
        Some((Arriving(datagram), Leaving(&mut self.leaving)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Leaving<'_>> {
        (self.leaving.len() < MOST_WAITING).then_some(Leaving(&mut self.leaving))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu();
        capabilities
    }
}

/// A datagram that arrives.
pub(super) struct Arriving(Vec<u8>);

impl phy::RxToken for Arriving {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

/// The place of a datagram that leaves.
pub(super) struct Leaving<'a>(&'a mut VecDeque<Vec<u8>>);

impl phy::TxToken for Leaving<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut datagram = vec![0; length];
        let result = write(&mut datagram);
        self.0.push_back(datagram);
        result
    }
}
