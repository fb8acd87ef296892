//! All states of a world, breadth first and exactly; and the same world for Stateright.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockstep_model::check::graph::Graph;
use lockstep_model::check::intern::Interned;
use lockstep_model::{RuleId, State as Connection};
use stateright::{Model, Property};

use crate::end::{Complaint, End, broken};
use crate::properties;
use crate::world::{Action, Packet, State, World};

/// What was found.
pub struct Found {
    pub states: usize,
    pub transitions: usize,
    pub depth: usize,
    pub fired: BTreeSet<RuleId>,
    /// The states of the connection that were visited.
    pub visited: BTreeSet<Connection>,
    pub took: Duration,
    /// The first complaint, and the shortest way to it; the search ends there.
    pub fall: Option<Fall>,
}

/// A property that fell.
pub struct Fall {
    pub complaint: Complaint,
    pub way: Vec<Action>,
}

impl fmt::Display for Fall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Complaint { property, what } = &self.complaint;
        write!(f, "{property} falls: {what}\nafter {:?}", self.way)
    }
}

/// A state by the numbers of its parts. A whole state is kept only until it has been looked at.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    ends: [u32; 2],
    /// The frames in order, and as many zeros as make them so many.
    network: [u32; Key::FRAMES],
    budgets: [u8; 2],
}

impl Key {
    /// As many frames as any world may have on their way.
    const FRAMES: usize = 6;
}

/// The numbers of parts: equal parts, equal numbers.
#[derive(Default)]
struct Parts {
    ends: HashMap<Arc<End>, u32>,
    frames: HashMap<Packet, u32>,
}

impl Parts {
    fn key(&mut self, state: &State) -> Key {
        let mut network = [0; Key::FRAMES];
        for (slot, packet) in network.iter_mut().zip(&state.network) {
            // Zero is no frame.
            *slot = 1 + number_of(&mut self.frames, packet);
        }
        let ends = [0, 1].map(|side| number_of(&mut self.ends, &state.ends[side]));
        Key { ends, network, budgets: [state.duplicates, state.forgeries] }
    }
}

fn number_of<T: Clone + Eq + Hash>(numbers: &mut HashMap<T, u32>, part: &T) -> u32 {
    let next = u32::try_from(numbers.len()).expect("fewer parts than memory holds");
    *numbers.entry(part.clone()).or_insert(next)
}

/// A world with more states is not small. A search is never cut short: it would pass.
const MOST_STATES: usize = 400_000;

/// Looks at every state of a world, until one complains. Then looks for a packet war (L3): a cycle of deliveries.
pub fn explore(world: &World) -> Found {
    assert!(world.capacity <= Key::FRAMES, "a key has place for every frame");
    let mut search = Search::new(world);
    let fall = search.run().or_else(|| search.war());
    Found {
        states: search.seen.len(),
        transitions: search.graph.edges(),
        depth: search.depth,
        fired: search.fired,
        visited: search.visited,
        took: search.begun.elapsed(),
        fall,
    }
}

struct Search<'w> {
    world: &'w World,
    begun: Instant,
    parts: Parts,
    seen: Interned<Key>,
    /// How each state was first reached.
    parents: Vec<Option<(u32, Action)>>,
    /// The states that wait to be looked at, in the order of their numbers, each with its depth.
    queue: VecDeque<(State, usize)>,
    graph: Graph<Action>,
    depth: usize,
    fired: BTreeSet<RuleId>,
    visited: BTreeSet<Connection>,
}

impl<'w> Search<'w> {
    fn new(world: &'w World) -> Self {
        let initial = world.initial();
        // Listeners listen already.
        let fired = initial.ends.iter().flat_map(|end| end.stack.fired().into_keys()).collect();
        let mut parts = Parts::default();
        let mut seen = Interned::default();
        seen.insert(parts.key(&initial));
        Search {
            world,
            begun: Instant::now(),
            parts,
            seen,
            parents: vec![None],
            queue: VecDeque::from([(initial, 0)]),
            graph: Graph::default(),
            depth: 0,
            fired,
            visited: BTreeSet::new(),
        }
    }

    fn run(&mut self) -> Option<Fall> {
        let mut node = 0;
        let mut actions = Vec::new();
        while let Some((state, depth)) = self.queue.pop_front() {
            self.depth = depth;
            self.visited.extend([0, 1].map(|side| state.connection(side)));
            if let Some(complaint) = state.complaint {
                return Some(Fall { complaint, way: self.way_to(node) });
            }
            actions.clear();
            self.world.possible(&state, &mut actions);
            let mut edges = Vec::with_capacity(actions.len());
            for &action in &actions {
                edges.push((self.step(&state, depth, node, action), action));
            }
            self.graph.push(edges);
            node += 1;
        }
        None
    }

    fn step(&mut self, state: &State, depth: usize, node: u32, action: Action) -> u32 {
        assert!(self.seen.len() < MOST_STATES, "the world {} is too large", self.world.name);
        let (next, fired) = self.world.apply(state, action);
        self.fired.extend(fired);
        let (number, new) = match next.complaint {
            None => self.seen.insert(self.parts.key(&next)),
            // It will be looked at and end the search: it may have any number that no other has.
            Some(_) => (u32::MAX, true),
        };
        if new {
            self.parents.push(Some((node, action)));
            self.queue.push_back((next, depth + 1));
        }
        number
    }

    /// L3: deliveries alone, without user, timer or attacker, never lead back to the same state.
    fn war(&self) -> Option<Fall> {
        let round = self.graph.cycle(Action::is_delivery)?;
        let complaint = broken("L3", format!("{} deliveries lead back to the same state", round.len()));
        Some(Fall { complaint, way: self.way_to(*round.first()?) })
    }

    fn way_to(&self, mut node: u32) -> Vec<Action> {
        let mut way = Vec::new();
        while let Some((parent, action)) = usize::try_from(node).ok().and_then(|node| self.parents[node]) {
            way.push(action);
            node = parent;
        }
        way.reverse();
        way
    }
}

/// The claims that properties make of each state, as the plain functions that Stateright asks for.
macro_rules! claims {
    ($($place:literal)+) => {
        fn claims() -> Vec<Property<World>> {
            vec![$(Property::always(properties::ALL[$place], |_, state: &State| {
                state.complaint.as_ref().is_none_or(|complaint| complaint.property != properties::ALL[$place])
            })),+]
        }
    };
}
claims!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19);

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.initial()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(self.apply(state, action).0)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        // A search ends when nothing is left to find. This is never found, so every search is exhaustive.
        let exhaustive = Property::always("the search is exhaustive", |_, _: &State| true);
        let blind = Property::always(properties::BLIND, |_, state: &State| {
            state.complaint.as_ref().is_none_or(|complaint| complaint.property != properties::BLIND)
        });
        [exhaustive, blind].into_iter().chain(claims()).collect()
    }
}
