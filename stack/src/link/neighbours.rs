//! The neighbour cache: whose Ethernet address is known, asked for, or in doubt.
//!
//! A neighbour is learnt only because we need it, so that nobody can fill the cache from outside. Each has one moment at
//! which something is due: a question to repeat, an age to check. When the cache is full, the one that is due first gives
//! way; those asked in vain are due within a second, so that they go before any that is alive.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

use crate::drops::DropReason;
use crate::time::{Instant, Micros};
use crate::wire::MacAddr;

/// How long an answer is believed without asking again ("on the order of a minute", RFC 1122 §2.3.2.1).
const REACHABLE: Micros = Micros::from_secs(60);
/// Between two questions (RFC 1122 §2.3.2.1: at most one per second per destination).
const INTERVAL: Micros = Micros::from_secs(1);
/// So many questions, then the neighbour is silent.
const QUESTIONS: u8 = 3;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Neighbours {
    entries: BTreeMap<Ipv4Addr, Entry>,
    /// When each of `entries` is due.
    due: BTreeSet<(Instant, Ipv4Addr)>,
    capacity: usize,
    most_waiting: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Entry {
    due: Instant,
    knowledge: Knowledge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Knowledge {
    /// Asked so often, with no answer ever; these frames wait for one.
    Unknown { asked: u8, waiting: VecDeque<Vec<u8>> },
    /// It answered; `used` tells whether it is worth asking again.
    Known { mac: MacAddr, used: bool },
    /// It answered once; now it has been asked so often whether that is still true.
    Doubted { mac: MacAddr, asked: u8 },
}

/// What is due for a neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Ask it, at this address.
    Ask(MacAddr),
    /// It has not been needed.
    Forgotten,
    /// It never answered; these frames waited for it.
    Silent(VecDeque<Vec<u8>>),
}

/// What [`Neighbours::keep`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// The neighbour is to be asked.
    pub ask: bool,
    /// So many frames that waited longer had to go.
    pub overflowed: usize,
    /// The frames of a neighbour that gave way.
    pub evicted: VecDeque<Vec<u8>>,
}

impl Neighbours {
    pub fn new(capacity: usize, most_waiting: usize) -> Self {
        Self { entries: BTreeMap::new(), due: BTreeSet::new(), capacity, most_waiting }
    }

    /// The neighbour's address, if it is known. Using it keeps it alive.
    pub fn find(&mut self, neighbour: Ipv4Addr) -> Option<MacAddr> {
        match &mut self.entries.get_mut(&neighbour)?.knowledge {
            Knowledge::Unknown { .. } => None,
            Knowledge::Known { mac, used } => {
                *used = true;
                Some(*mac)
            }
            Knowledge::Doubted { mac, .. } => Some(*mac),
        }
    }

    /// Keeps `frame` until the neighbour, whose address is not known, answers.
    pub fn keep(&mut self, now: Instant, neighbour: Ipv4Addr, frame: Vec<u8>) -> Kept {
        let mut kept = Kept::default();
        if !self.entries.contains_key(&neighbour) {
            kept.evicted = self.make_room();
            let knowledge = Knowledge::Unknown { asked: 1, waiting: VecDeque::new() };
            self.put(neighbour, now + INTERVAL, knowledge);
            kept.ask = true;
        }
        let most_waiting = self.most_waiting;
        if let Some(Entry { knowledge: Knowledge::Unknown { waiting, .. }, .. }) = self.entries.get_mut(&neighbour) {
            waiting.push_back(frame);
            while waiting.len() > most_waiting {
                waiting.pop_front();
                kept.overflowed += 1;
            }
        }
        kept
    }

    /// The neighbour says what its address is. Returns the frames that waited for it.
    pub fn learn(&mut self, now: Instant, neighbour: Ipv4Addr, mac: MacAddr) -> Result<VecDeque<Vec<u8>>, DropReason> {
        let entry = self.entries.get_mut(&neighbour).ok_or(DropReason::ArpUnsolicited)?;
        let waiting = match &mut entry.knowledge {
            Knowledge::Known { mac: old, .. } if *old != mac => return Err(DropReason::ArpOverride),
            Knowledge::Known { .. } | Knowledge::Doubted { .. } => VecDeque::new(),
            Knowledge::Unknown { waiting, .. } => std::mem::take(waiting),
        };
        self.put(neighbour, now + REACHABLE, Knowledge::Known { mac, used: !waiting.is_empty() });
        Ok(waiting)
    }

    /// Somebody has reason to believe that a known neighbour is not there any more. Returns whether to ask it.
    pub fn doubt(&mut self, now: Instant, neighbour: Ipv4Addr) -> bool {
        let Some(Entry { knowledge: Knowledge::Known { mac, .. }, .. }) = self.entries.get(&neighbour) else {
            return false;
        };
        let doubted = Knowledge::Doubted { mac: *mac, asked: 1 };
        self.put(neighbour, now + INTERVAL, doubted);
        true
    }

    pub fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|&(due, _)| due)
    }

    /// The next neighbour for which something is due at `now`, and what.
    pub fn pop_due(&mut self, now: Instant) -> Option<(Ipv4Addr, Outcome)> {
        let &(_, neighbour) = self.due.first().filter(|&&(due, _)| due <= now)?;
        let entry = self.remove(neighbour)?;
        let (outcome, knowledge) = match entry.knowledge {
            Knowledge::Unknown { asked, waiting } if asked < QUESTIONS => {
                (Outcome::Ask(MacAddr::BROADCAST), Some(Knowledge::Unknown { asked: asked + 1, waiting }))
            }
            Knowledge::Unknown { waiting, .. } => (Outcome::Silent(waiting), None),
            Knowledge::Known { mac, used: true } => (Outcome::Ask(mac), Some(Knowledge::Doubted { mac, asked: 1 })),
            Knowledge::Doubted { mac, asked } if asked < QUESTIONS => {
                (Outcome::Ask(MacAddr::BROADCAST), Some(Knowledge::Doubted { mac, asked: asked + 1 }))
            }
            Knowledge::Known { .. } | Knowledge::Doubted { .. } => (Outcome::Forgotten, None),
        };
        if let Some(knowledge) = knowledge {
            self.put(neighbour, now + INTERVAL, knowledge);
        }
        Some((neighbour, outcome))
    }

    pub fn project(&self, now: Instant) -> Self {
        let relative = |due: Instant| Instant::ZERO + due.since(now);
        let entries = self.entries.iter().map(|(&ip, e)| (ip, Entry { due: relative(e.due), ..e.clone() })).collect();
        let due = self.due.iter().map(|&(due, ip)| (relative(due), ip)).collect();
        Self { entries, due, ..*self }
    }

    fn put(&mut self, neighbour: Ipv4Addr, due: Instant, knowledge: Knowledge) {
        if let Some(old) = self.entries.insert(neighbour, Entry { due, knowledge }) {
            self.due.remove(&(old.due, neighbour));
        }
        self.due.insert((due, neighbour));
    }

    fn remove(&mut self, neighbour: Ipv4Addr) -> Option<Entry> {
        let entry = self.entries.remove(&neighbour)?;
        self.due.remove(&(entry.due, neighbour));
        Some(entry)
    }

    fn make_room(&mut self) -> VecDeque<Vec<u8>> {
        if self.entries.len() < self.capacity {
            return VecDeque::new();
        }
        let first = self.due.first().map(|&(_, neighbour)| neighbour);
        match first.and_then(|neighbour| self.remove(neighbour)) {
            Some(Entry { knowledge: Knowledge::Unknown { waiting, .. }, .. }) => waiting,
            Some(Entry { knowledge: Knowledge::Known { .. } | Knowledge::Doubted { .. }, .. }) | None => {
                VecDeque::new()
            }
        }
    }
}
