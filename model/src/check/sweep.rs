//! The sweep: breadth first through worlds too large for the graph, remembering states by fingerprints.
//!
//! It decides safety alone, and exactly but for the chance, which it states, that two states share a fingerprint. Each
//! thread owns the states of its shard, those whose fingerprints fall to it. It takes the steps from them and sorts
//! what it finds by owner; in rounds, owners are handed what is theirs. So nobody ever waits for a lock.

use super::fingerprints::{Fingerprint, Fingerprints};
use super::properties::Property;
use super::tally::Tally;
use super::words::hash_of;
use super::world::{State, World};
use std::mem;
use std::thread;

/// What a sweep found.
#[derive(Clone, Debug)]
pub struct Swept {
    /// Different states.
    pub states: usize,
    /// Steps between them.
    pub transitions: usize,
    /// How many steps away from the initial state the farthest is.
    pub depth: usize,
    /// Each safety property that was broken, and after how many steps first.
    pub broken: Vec<(Property, usize)>,
    /// The most memory that states and fingerprints took at a time, in octets.
    pub memory: usize,
    /// The rules that fired, and the segments lost to a full network.
    pub tally: Tally,
}

/// How far a sweep has come.
#[derive(Clone, Copy, Debug)]
pub struct SweepProgress {
    /// States found.
    pub states: usize,
    /// Steps from the initial state to those whose steps are being taken.
    pub level: usize,
}

/// How many states' steps a thread takes in a round.
const ROUND: usize = 1 << 12;

/// Sweeps through a world to its end with so many threads; now and then `progress` is told how far it has come.
pub fn sweep(world: &World, threads: usize, mut progress: impl FnMut(SweepProgress)) -> Swept {
    let mut owners = settle(threads.max(1), world.initial());
    let mut level = 0;
    let mut memory = 0;
    loop {
        side_by_side(&mut owners, |owner| owner.round(world, level));
        exchange(&mut owners);
        memory = memory.max(owners.iter().map(Owner::memory).sum());
        progress(SweepProgress { states: owners.iter().map(|owner| owner.known.len()).sum(), level });
        if owners.iter().all(Owner::has_finished_level) {
            if owners.iter().all(|owner| owner.found.is_empty()) {
                return sum_up(&owners, level, memory);
            }
            owners.iter_mut().for_each(Owner::begin_level);
            level += 1;
        }
    }
}

/// So many owners, of whom one has the initial state.
fn settle(threads: usize, initial: State) -> Vec<Owner> {
    let mut owners: Vec<Owner> = (0..threads).map(|_| Owner::new(threads)).collect();
    let fingerprint = fingerprint_of(&initial);
    let owner = &mut owners[fingerprint.shard(threads)];
    owner.known.add_all(&[fingerprint], |_| ());
    owner.level.push(initial);
    owners
}

/// Lets all work, each on a thread of its own; whoever panics takes the others along.
fn side_by_side(owners: &mut [Owner], work: impl Fn(&mut Owner) + Sync) {
    let Some((first, others)) = owners.split_first_mut() else {
        return;
    };
    let work = &work;
    thread::scope(|scope| {
        for owner in others {
            scope.spawn(move || work(owner));
        }
        work(first);
    });
}

/// What each has for each is swapped with what that one has for him.
fn exchange(owners: &mut [Owner]) {
    for to in 1..owners.len() {
        let (earlier, later) = owners.split_at_mut(to);
        for (from, owner) in earlier.iter_mut().enumerate() {
            mem::swap(&mut owner.parcels[to], &mut later[0].parcels[from]);
        }
    }
}

fn sum_up(owners: &[Owner], depth: usize, memory: usize) -> Swept {
    let mut tally = Tally::default();
    owners.iter().for_each(|owner| tally.join(&owner.tally));
    let first_broken = |property| {
        let all = owners.iter().flat_map(|owner| &owner.broken);
        all.filter(|&&(broken, _)| broken == property).map(|&(_, level)| level).min()
    };
    Swept {
        states: owners.iter().map(|owner| owner.known.len()).sum(),
        transitions: owners.iter().map(|owner| owner.transitions).sum(),
        depth,
        broken: Property::ALL.into_iter().filter_map(|property| Some((property, first_broken(property)?))).collect(),
        memory,
        tally,
    }
}

/// A thread and the states of its shard.
struct Owner {
    known: Fingerprints,
    /// The states whose steps are being taken, and how many of them are done.
    level: Vec<State>,
    done: usize,
    /// New states, one step farther away.
    found: Vec<State>,
    /// For each owner: in a round what goes to him, between two rounds what has come from him.
    parcels: Vec<Parcel>,
    transitions: usize,
    broken: Vec<(Property, usize)>,
    tally: Tally,
}

/// States that somebody has found for their owner; perhaps he knows them.
#[derive(Default)]
struct Parcel {
    states: Vec<State>,
    fingerprints: Vec<Fingerprint>,
}

impl Owner {
    fn new(owners: usize) -> Owner {
        Owner {
            known: Fingerprints::default(),
            level: Vec::new(),
            done: 0,
            found: Vec::new(),
            parcels: (0..owners).map(|_| Parcel::default()).collect(),
            transitions: 0,
            broken: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Takes in what has come, then takes the steps from some more states of this level.
    fn round(&mut self, world: &World, level: usize) {
        for mut parcel in mem::take(&mut self.parcels) {
            self.take_in(&parcel, world, level + 1);
            parcel.states.clear();
            parcel.fingerprints.clear();
            self.parcels.push(parcel);
        }
        let owners = self.parcels.len();
        let end = self.level.len().min(self.done + ROUND);
        let mut actions = Vec::new();
        for state in &self.level[self.done..end] {
            world.actions(state, &mut actions);
            self.transitions += actions.len();
            for action in actions.drain(..) {
                let next = world.apply(state, action, &mut self.tally);
                if next != *state {
                    let fingerprint = fingerprint_of(&next);
                    let parcel = &mut self.parcels[fingerprint.shard(owners)];
                    parcel.states.push(next);
                    parcel.fingerprints.push(fingerprint);
                }
            }
        }
        self.done = end;
    }

    fn take_in(&mut self, parcel: &Parcel, world: &World, level: usize) {
        let Owner { known, found, broken, .. } = self;
        known.add_all(&parcel.fingerprints, |place| {
            let state = parcel.states[place];
            found.push(state);
            if state.violations.any() {
                let properties = world.properties.iter().filter(|&&property| state.violations.of(property));
                for &property in properties {
                    if !broken.iter().any(|&(known, _)| known == property) {
                        broken.push((property, level));
                    }
                }
            }
        });
    }

    fn has_finished_level(&self) -> bool {
        self.done == self.level.len() && self.parcels.iter().all(|parcel| parcel.states.is_empty())
    }

    fn begin_level(&mut self) {
        mem::swap(&mut self.level, &mut self.found);
        self.found.clear();
        self.done = 0;
    }

    /// The memory it has taken, in octets.
    fn memory(&self) -> usize {
        let parcels: usize = self.parcels.iter().map(|parcel| parcel.states.capacity()).sum();
        let states = self.level.capacity() + self.found.capacity() + parcels;
        self.known.size() + states * size_of::<State>() + parcels * size_of::<Fingerprint>()
    }
}

fn fingerprint_of(state: &State) -> Fingerprint {
    Fingerprint::of_hash(hash_of(state))
}
