//! The exact explorer: every state of a world once, every step between them, nothing hashed away.
//!
//! Breadth first, so that the way to a state, and with it each counterexample, is a shortest one.

use super::endpoint::{N, Side};
use super::graph::{Graph, index, number};
use super::intern::Interned;
use super::packet::{Fate, Packet};
use super::properties::{Property, Violations};
use super::world::{Action, Agent, State, Witness, World};
use crate::engine::Fired;
use crate::event::Event;
use crate::state::State as Connection;
use crate::table::RuleId;

/// The space of states of a world, as far as it was searched.
pub struct Explored {
    /// The states in the order in which they were found; the first is the initial one.
    pub states: Interned<State>,
    /// The steps between them; the states whose steps are not known yet have no node here.
    pub graph: Graph<Agent>,
    /// How many steps away from the initial state the farthest is.
    pub depth: u32,
    /// How many segments were lost because the network was full, over all steps.
    pub overflows: u64,
    /// From which state each was found first.
    parents: Vec<u32>,
    /// The rules of the table, in the order of their ids, and whether they fired.
    fired: Vec<(RuleId, bool)>,
    /// For each safety property that some step breaks, the first state where it is broken.
    first_broken: Vec<(Property, u32)>,
}

/// How far an exploration has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// States found.
    pub states: usize,
    /// Of these, states whose steps are known.
    pub explored: usize,
}

/// How often progress is told, in states.
const EVERY: usize = 1 << 12;

/// Explores a world to its end; now and then `progress` is told how far it has come.
pub fn explore(world: &World, mut progress: impl FnMut(Progress)) -> Explored {
    let mut found = Explored::begin(world);
    while found.expand(world) {
        let explored = found.graph.nodes();
        if explored.is_multiple_of(EVERY) {
            progress(Progress { states: found.states.len(), explored });
        }
    }
    found
}

/// Explores a world until this safety property is broken; the state where it is, and the space as far as it was
/// searched. `None` if it holds.
#[must_use]
pub fn hunt(world: &World, property: Property) -> Option<(Explored, u32)> {
    let mut found = Explored::begin(world);
    while found.first_broken(property).is_none() && found.expand(world) {}
    found.first_broken(property).map(|state| (found, state))
}

impl Explored {
    fn begin(world: &World) -> Self {
        let mut found = Explored {
            states: Interned::default(),
            graph: Graph::default(),
            depth: 0,
            overflows: 0,
            parents: Vec::new(),
            fired: world.table.rules().iter().map(|rule| (rule.id, false)).collect(),
            first_broken: Vec::new(),
        };
        found.discover(world.initial(), 0);
        found
    }

    /// Takes all steps from the next state in order; false if there is none left.
    fn expand(&mut self, world: &World) -> bool {
        if self.graph.nodes() == self.states.len() {
            self.depth = number(self.way_to(number(self.states.len() - 1)).len() - 1);
            return false;
        }
        let here = number(self.graph.nodes());
        let state = *self.states.get(here);
        let mut actions = Vec::new();
        world.actions(&state, &mut actions);
        let mut edges = Vec::with_capacity(actions.len());
        for action in actions {
            let mut tally = Tally { fired: &mut self.fired, overflows: &mut self.overflows };
            let next = world.apply(&state, action, &mut tally);
            edges.push((self.discover(next, here), world.agent(action)));
        }
        self.graph.push(edges);
        true
    }

    fn discover(&mut self, state: State, parent: u32) -> u32 {
        let (number, new) = self.states.insert(state);
        if new {
            self.parents.push(parent);
            self.note_violations(state.violations, number);
        }
        number
    }

    fn note_violations(&mut self, violations: Violations, state: u32) {
        if !violations.any() {
            return;
        }
        for property in Property::ALL {
            if violations.of(property) && self.first_broken(property).is_none() {
                self.first_broken.push((property, state));
            }
        }
    }

    /// The nearest state where this safety property is broken.
    #[must_use]
    pub fn first_broken(&self, property: Property) -> Option<u32> {
        self.first_broken.iter().find(|&&(broken, _)| broken == property).map(|&(_, state)| state)
    }

    /// The rules that fired, in the order of the table.
    pub fn rules_fired(&self) -> impl Iterator<Item = RuleId> + '_ {
        self.fired.iter().filter(|&&(_, fired)| fired).map(|&(rule, _)| rule)
    }

    /// Whether some end is in this state of the connection somewhere.
    #[must_use]
    pub fn visits(&self, connection: Connection) -> bool {
        self.states.iter().any(|state| state.ends.iter().any(|end| end.tcb.state() == connection))
    }

    /// The numbers of the states on a shortest way to this one, both ends included.
    #[must_use]
    pub fn way_to(&self, state: u32) -> Vec<u32> {
        let mut way = vec![state];
        let mut here = state;
        while here != 0 {
            here = self.parents[index(here)];
            way.push(here);
        }
        way.reverse();
        way
    }

    /// The actions along a way, each the first that leads from a state to the next.
    #[must_use]
    pub fn actions_along(&self, world: &World, way: &[u32]) -> Vec<Action> {
        let step = |pair: &[u32]| {
            let (from, to) = (self.states.get(pair[0]), self.states.get(pair[1]));
            let mut actions = Vec::new();
            world.actions(from, &mut actions);
            actions.into_iter().find(|&action| world.apply(from, action, &mut ()) == *to)
        };
        way.windows(2).filter_map(step).collect()
    }
}

/// Counts over all steps.
struct Tally<'a> {
    fired: &'a mut [(RuleId, bool)],
    overflows: &'a mut u64,
}

impl Witness for Tally<'_> {
    fn fired(&mut self, _: Side, _: &Event<N>, fired: &Fired) {
        for rule in fired.iter() {
            if let Ok(place) = self.fired.binary_search_by_key(&rule, |&(id, _)| id) {
                self.fired[place].1 = true;
            }
        }
    }

    fn sent(&mut self, _: Packet, fate: Fate) {
        *self.overflows += u64::from(fate == Fate::Overflowed);
    }
}
