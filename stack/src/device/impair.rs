//! A bad network around any device: loss, duplication, corruption, reordering and delay, all from one seed.
//!
//! The same seed, frames and times give the same fate to the byte, for ever. The two directions draw from sequences of
//! their own, and every frame from one of its own, so that a frame more in one direction or one impairment more changes
//! nothing for the others.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;

use super::prng::SplitMix64;
use super::{Device, DeviceError, ETHERNET_HEADER, Sent, check_frame};
use crate::time::{Instant, Micros};

/// The most frames kept for later in each direction; more are dropped and counted.
pub const MAX_KEPT: usize = 4096;

/// The most frames taken from the device beneath in one [`Device::recv`], so that a flood of lost ones does not hold up
/// the driver.
const MAX_TAKEN: usize = 4096;

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
}

/// What happened in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ImpairmentCounts {
    /// Frames that came in.
    pub offered: u64,
    /// Frames that vanished.
    pub lost: u64,
    /// Frames that were doubled.
    pub duplicated: u64,
    /// Copies in which a bit was flipped.
    pub corrupted: u64,
    /// Copies that were held back.
    pub reordered: u64,
    /// Copies that went out.
    pub delivered: u64,
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

/// One direction: decides the fate of frames and keeps them until they are due.
#[derive(Clone, Debug)]
struct Link {
    impairment: Impairment,
    random: SplitMix64,
    /// By due time, then by order of arrival.
    kept: BTreeMap<(Instant, u64), Vec<u8>>,
    copies: u64,
    counts: ImpairmentCounts,
}

impl Link {
    fn new(impairment: Impairment, random: SplitMix64) -> Self {
        Self { impairment, random, kept: BTreeMap::new(), copies: 0, counts: ImpairmentCounts::default() }
    }

    /// A frame enters the network.
    fn offer(&mut self, now: Instant, frame: &[u8]) {
        let mut fate = self.random.split();
        self.counts.offered += 1;
        let lost = self.impairment.loss.strikes(&mut fate);
        let duplicated = self.impairment.duplicate.strikes(&mut fate);
        if lost {
            self.counts.lost += 1;
            return;
        }
        self.keep(now, frame.to_vec(), &mut fate);
        if duplicated {
            self.counts.duplicated += 1;
            self.keep(now, frame.to_vec(), &mut fate);
        }
    }

    /// One copy of a frame travels. Every die is thrown whether it counts or not, so that each has its place in the
    /// sequence.
    fn keep(&mut self, now: Instant, mut frame: Vec<u8>, fate: &mut SplitMix64) {
        let Impairment { corrupt, reorder, reorder_by, delay, jitter, loss: _, duplicate: _ } = self.impairment;
        let corrupted = corrupt.strikes(fate);
        let bit = fate.next_u64();
        let reordered = reorder.strikes(fate);
        let jitter = Micros::new(fate.below(jitter.get().saturating_add(1)));

        if self.kept.len() >= MAX_KEPT {
            self.counts.no_room += 1;
            return;
        }
        if corrupted && flip_bit(&mut frame, bit) {
            self.counts.corrupted += 1;
        }
        let mut due = now + delay + jitter;
        if reordered {
            self.counts.reordered += 1;
            due += reorder_by;
        }
        self.kept.insert((due, self.copies), frame);
        self.copies += 1;
    }

    fn next_due(&self) -> Option<Instant> {
        self.kept.first_key_value().map(|(&(due, _), _)| due)
    }

    fn pop_due(&mut self, now: Instant) -> Option<Vec<u8>> {
        let first = self.kept.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

/// Flips one of the bits of the IPv4 packet in `frame`, if there is one.
fn flip_bit(frame: &mut [u8], random: u64) -> bool {
    const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
    let Some((header, packet)) = frame.split_at_mut_checked(ETHERNET_HEADER) else {
        return false;
    };
    if !header.ends_with(&ETHERTYPE_IPV4) || packet.is_empty() {
        return false;
    }
    let mut place = SplitMix64::new(random);
    let index = usize::try_from(place.below(u64::try_from(packet.len()).unwrap_or(u64::MAX)));
    let bit = place.below(8);
    if let Some(byte) = index.ok().and_then(|index| packet.get_mut(index)) {
        *byte ^= 1 << bit;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Pipe;
    use proptest::prelude::*;

    const HEADER: &[u8; ETHERNET_HEADER] = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\x00";

    fn frame(number: u16) -> Vec<u8> {
        let mut frame = HEADER.to_vec();
        frame.extend(number.to_be_bytes());
        frame.extend([0; 30]);
        frame
    }

    fn number(frame: &[u8]) -> u16 {
        u16::from_be_bytes([frame[14], frame[15]])
    }

    /// Sends `count` frames, one per millisecond, through `outgoing`, and returns those that come out with their times.
    fn run(seed: u64, outgoing: Impairment, count: u16) -> (Vec<(Instant, Vec<u8>)>, ImpairmentCounts) {
        let (near, mut far) = Pipe::pair(100, MAX_KEPT);
        let mut near = Impaired::new(near, seed, Impairment::default(), outgoing);
        let mut out = Vec::new();
        let mut now = Instant::ZERO;
        let mut buf = [0; 114];
        let mut next = 0;
        for _ in 0..4 * u32::from(count) {
            let sending = (next < count).then(|| Instant::ZERO + Micros::from_millis(u64::from(next)));
            let Some(when) = sending.into_iter().chain(near.poll_timeout()).min() else { break };
            now = now.max(when);
            assert_eq!(near.recv(now, &mut buf).unwrap(), None);
            if sending == Some(now) {
                near.send(now, &frame(next)).unwrap();
                next += 1;
            }
            while let Some(len) = far.recv(now, &mut buf).unwrap() {
                out.push((now, buf[..len].to_vec()));
            }
        }
        assert_eq!(near.poll_timeout(), None);
        (out, near.outgoing())
    }

    fn numbers(out: &[(Instant, Vec<u8>)]) -> Vec<u16> {
        out.iter().map(|(_, frame)| number(frame)).collect()
    }

    #[test]
    fn nothing_wrong_changes_nothing() {
        let (out, counts) = run(1, Impairment::default(), 100);
        let expected: Vec<_> =
            (0..100).map(|n| (Instant::ZERO + Micros::from_millis(u64::from(n)), frame(n))).collect();
        assert_eq!(out, expected);
        let untouched = ImpairmentCounts { offered: 100, delivered: 100, ..ImpairmentCounts::default() };
        assert_eq!(counts, untouched);
    }

    /// The numbers follow from the seed; a change of the sequence is a change of every recorded simulation.
    #[test]
    fn a_seed_has_its_fate_for_ever() {
        let bad = Impairment {
            loss: Chance::percent(10),
            duplicate: Chance::percent(5),
            corrupt: Chance::percent(3),
            reorder: Chance::percent(20),
            reorder_by: Micros::from_millis(3),
            delay: Micros::from_millis(50),
            jitter: Micros::from_millis(1),
        };
        let (out, counts) = run(2024, bad, 2000);
        insta::assert_snapshot!(format!("{counts:?}"), @"ImpairmentCounts { offered: 2000, lost: 208, duplicated: 83, corrupted: 55, reordered: 381, delivered: 1875, no_room: 0 }");
        assert_eq!(run(2024, bad, 2000).0, out);
        assert_ne!(run(2025, bad, 2000).0, out);
    }

    #[test]
    fn delay_delivers_at_the_microsecond() {
        let slow = Impairment { delay: Micros::new(12_345), ..Impairment::default() };
        let (out, _) = run(1, slow, 3);
        let times: Vec<u64> = out.iter().map(|(at, _)| at.as_micros()).collect();
        assert_eq!(times, [12_345, 13_345, 14_345]);
    }

    #[test]
    fn jitter_adds_at_most_what_it_says() {
        let uneven = Impairment { delay: Micros::from_millis(5), jitter: Micros::new(10), ..Impairment::default() };
        let (out, _) = run(1, uneven, 200);
        let extras: std::collections::BTreeSet<u64> = out
            .iter()
            .map(|(at, frame)| at.since(Instant::ZERO + Micros::from_millis(u64::from(number(frame)) + 5)).get())
            .collect();
        assert_eq!(extras, (0..=10).collect());
    }

    #[test]
    fn a_reordered_frame_is_overtaken_by_as_many_as_fit() {
        let shuffled =
            Impairment { reorder: Chance::percent(10), reorder_by: Micros::new(2_500), ..Impairment::default() };
        let (out, counts) = run(3, shuffled, 200);
        let mut order = numbers(&out);
        let late = order.windows(2).filter(|pair| pair[0] > pair[1]).count();
        assert!(late > 0 && counts.reordered > 10);
        for (place, &n) in order.iter().enumerate() {
            assert!(place.abs_diff(usize::from(n)) <= 3);
        }
        order.sort_unstable();
        assert_eq!(order, (0..200).collect::<Vec<u16>>());
    }

    #[test]
    fn corruption_flips_one_bit_of_a_packet_and_spares_the_rest() {
        let noisy = Impairment { corrupt: Chance::percent(100), ..Impairment::default() };
        let (out, counts) = run(4, noisy, 500);
        assert_eq!(counts.corrupted, 500);
        for (sent, (_, received)) in (0..500).zip(&out) {
            let flipped: u32 = frame(sent).iter().zip(received).map(|(a, b)| (a ^ b).count_ones()).sum();
            assert_eq!(flipped, 1);
            assert_eq!(&received[..ETHERNET_HEADER], HEADER);
        }
        let mut arp = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\x06who has".to_vec();
        assert!(!flip_bit(&mut arp, 7));
        assert!(!flip_bit(&mut [1, 2, 3], 7));
    }

    /// One more impairment does not move the others: the same frames are lost with and without duplication.
    #[test]
    fn impairments_do_not_shift_each_other() {
        let lossy = Impairment { loss: Chance::percent(30), ..Impairment::default() };
        let worse = Impairment { duplicate: Chance::percent(30), ..lossy };
        let mut doubled = numbers(&run(5, worse, 300).0);
        let single = numbers(&run(5, lossy, 300).0);
        assert!(doubled.len() > single.len());
        doubled.dedup();
        assert_eq!(doubled, single);
    }

    #[test]
    fn incoming_frames_suffer_too_and_wait_for_their_time() {
        let (near, mut far) = Pipe::pair(100, MAX_KEPT);
        let slow =
            Impairment { delay: Micros::from_millis(10), duplicate: Chance::percent(100), ..Impairment::default() };
        let mut near = Impaired::new(near, 6, slow, Impairment::default());
        let mut buf = [0; 114];
        far.send(Instant::ZERO, &frame(1)).unwrap();
        assert_eq!(near.recv(Instant::ZERO, &mut buf).unwrap(), None);
        let due = near.poll_timeout().unwrap();
        assert_eq!(due, Instant::ZERO + Micros::from_millis(10));
        assert_eq!(near.recv(due, &mut buf).unwrap(), Some(46));
        assert_eq!(near.recv(due, &mut buf).unwrap(), Some(46));
        assert_eq!(near.recv(due, &mut buf).unwrap(), None);
        assert_eq!(near.incoming().delivered, 2);
    }

    #[test]
    fn no_more_than_the_bound_is_kept() {
        let (near, _far) = Pipe::pair(100, 1);
        let stuck = Impairment { delay: Micros::from_secs(1), ..Impairment::default() };
        let mut near = Impaired::new(near, 7, Impairment::default(), stuck);
        for _ in 0..MAX_KEPT + 5 {
            near.send(Instant::ZERO, &frame(0)).unwrap();
        }
        assert_eq!(near.outgoing().no_room, 5);
    }

    proptest! {
        /// Every frame is accounted for.
        #[test]
        fn books_balance(seed in any::<u64>(), loss in 0_u32..60, duplicate in 0_u32..60, jitter in 0_u64..9_000) {
            let bad = Impairment {
                loss: Chance::percent(loss),
                duplicate: Chance::percent(duplicate),
                jitter: Micros::new(jitter),
                ..Impairment::default()
            };
            let (out, counts) = run(seed, bad, 60);
            prop_assert_eq!(counts.offered, 60);
            prop_assert_eq!(counts.delivered, counts.offered - counts.lost + counts.duplicated);
            prop_assert_eq!(u64::try_from(out.len()).unwrap(), counts.delivered);
        }
    }
}
