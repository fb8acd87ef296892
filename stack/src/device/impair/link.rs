//! One direction of a bad network.

use std::collections::BTreeMap;

use super::bottleneck::{Line, Passage, mark};
use super::{ETHERNET_HEADER, ETHERTYPE_IPV4, Impairment, ImpairmentCounts, MAX_KEPT};
use crate::device::prng::SplitMix64;
use crate::time::{Instant, Micros};

/// Decides the fate of frames and keeps them until they are due.
#[derive(Clone, Debug)]
pub(super) struct Link {
    impairment: Impairment,
    random: SplitMix64,
    /// The dice of [`Bursts`](super::Bursts): a sequence of its own, thrown once for each frame.
    weather: SplitMix64,
    in_burst: bool,
    line: Line,
    /// By due time, then by order of arrival.
    kept: BTreeMap<(Instant, u64), Vec<u8>>,
    copies: u64,
    pub counts: ImpairmentCounts,
}

impl Link {
    pub fn new(impairment: Impairment, random: SplitMix64) -> Self {
        let weather = SplitMix64::new(!random.clone().next_u64());
        Self {
            impairment,
            random,
            weather,
            in_burst: false,
            line: Line::default(),
            kept: BTreeMap::new(),
            copies: 0,
            counts: ImpairmentCounts::default(),
        }
    }

    /// A frame enters the network.
    pub fn offer(&mut self, now: Instant, frame: &[u8]) {
        let mut fate = self.random.split();
        self.counts.offered += 1;
        let lost = self.impairment.loss.strikes(&mut fate);
        let duplicated = self.impairment.duplicate.strikes(&mut fate);
        let swallowed = self.burst();
        let dark = self.impairment.outage.is_some_and(|outage| outage.is_at(now));
        if lost || swallowed || dark {
            self.counts.lost += 1;
            return;
        }
        self.keep(now, frame.to_vec(), &mut fate);
        if duplicated {
            self.counts.duplicated += 1;
            self.keep(now, frame.to_vec(), &mut fate);
        }
    }

    /// Whether a burst of losses takes this frame.
    fn burst(&mut self) -> bool {
        let Some(bursts) = self.impairment.bursts else { return false };
        let turns = if self.in_burst { bursts.end } else { bursts.begin };
        self.in_burst ^= turns.strikes(&mut self.weather);
        self.in_burst
    }

    /// One copy of a frame travels. Every die is thrown whether it counts or not, so that each has its place in the
    /// sequence.
    fn keep(&mut self, now: Instant, mut frame: Vec<u8>, fate: &mut SplitMix64) {
        let Impairment { corrupt, reorder, reorder_by, delay, jitter, .. } = self.impairment;
        let corrupted = corrupt.strikes(fate);
        let bit = fate.next_u64();
        let reordered = reorder.strikes(fate);
        let jitter = Micros::new(fate.below(jitter.get().saturating_add(1)));

        if self.kept.len() >= MAX_KEPT {
            self.counts.no_room += 1;
            return;
        }
        let Some(through) = self.pass(now, &mut frame) else { return };
        if corrupted && flip_bit(&mut frame, bit) {
            self.counts.corrupted += 1;
        }
        let mut due = through + delay + jitter;
        if reordered {
            self.counts.reordered += 1;
            due += reorder_by;
        }
        self.kept.insert((due, self.copies), frame);
        self.copies += 1;
    }

    /// When a frame is through the bottleneck; `None` if it found the queue full.
    fn pass(&mut self, now: Instant, frame: &mut [u8]) -> Option<Instant> {
        let Some(bottleneck) = self.impairment.bottleneck else { return Some(now) };
        match self.line.enter(bottleneck, now, frame.len()) {
            Passage::Through { at, marked } => {
                if marked && mark(frame) {
                    self.counts.marked += 1;
                }
                Some(at)
            }
            Passage::Overflow => {
                self.counts.overflowed += 1;
                None
            }
        }
    }

    pub fn next_due(&self) -> Option<Instant> {
        self.kept.first_key_value().map(|(&(due, _), _)| due)
    }

    pub fn pop_due(&mut self, now: Instant) -> Option<Vec<u8>> {
        let first = self.kept.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

/// Flips one of the bits of the IPv4 packet in `frame`, if there is one.
pub(super) fn flip_bit(frame: &mut [u8], random: u64) -> bool {
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
