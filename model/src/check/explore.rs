//! The exact explorer: every state of a world once, every step between them, nothing hashed away.
//!
//! Breadth first, so that the way to a state, and with it each counterexample, is a shortest one.

use super::crew::crew;
use super::graph::{Graph, index, number};
use super::intern::Interned;
use super::properties::{Property, Violations};
use super::tally::Tally;
use super::words::hash_of;
use super::world::{Action, Agent, State, World};
use crate::state::State as Connection;
use crate::table::{RuleId, Table};

/// The space of states of a world, as far as it was searched.
pub struct Explored {
    /// The states in the order in which they were found; the first is the initial one.
    pub states: Interned<State>,
    /// The steps between them; the states whose steps are not known yet have no node here.
    pub graph: Graph<Agent>,
    /// How many steps away from the initial state the farthest is.
    pub depth: u32,
    /// The rules that fired, and the segments lost to a full network.
    pub tally: Tally,
    /// From which state each was found first.
    parents: Vec<u32>,
    table: &'static Table,
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

/// How many states are handed to a worker at once.
const BLOCK: usize = 64;

/// How many steps out of a state there is room for from the start.
const STEPS: usize = 16;

/// Explores a world to its end; now and then `progress` is told how far it has come.
pub fn explore(world: &World, progress: impl FnMut(Progress)) -> Explored {
    explore_with(1, world, progress)
}

/// The same with so many threads; what is found, and in which order, does not depend on their number.
pub fn explore_with(threads: usize, world: &World, mut progress: impl FnMut(Progress)) -> Explored {
    let mut found = Explored::begin(world);
    found.continue_while(threads, world, |found| {
        let explored = found.graph.nodes();
        if explored % EVERY < BLOCK {
            progress(Progress { states: found.states.len(), explored });
        }
        true
    });
    found.depth = number(found.way_to(number(found.states.len() - 1)).len() - 1);
    found
}

/// Explores a world until this safety property is broken; the state where it is, and the space as far as it was
/// searched. `None` if it holds.
#[must_use]
pub fn hunt(world: &World, property: Property) -> Option<(Explored, u32)> {
    let found = hunt_all(world, &[property]);
    found.first_broken(property).map(|state| (found, state))
}

/// Explores a world until all of these safety properties are broken, or to its end.
#[must_use]
pub fn hunt_all(world: &World, properties: &[Property]) -> Explored {
    let mut found = Explored::begin(world);
    let holds = |found: &Explored| properties.iter().any(|&property| found.first_broken(property).is_none());
    found.continue_while(1, world, holds);
    found
}

impl Explored {
    fn begin(world: &World) -> Self {
        let mut found = Explored {
            states: Interned::default(),
            graph: Graph::default(),
            depth: 0,
            tally: Tally::default(),
            parents: Vec::new(),
            table: world.table,
            first_broken: Vec::new(),
        };
        found.states.insert(world.initial());
        found.parents.push(0);
        found
    }

    /// Takes all steps from the states in order, until none is left or `going_on` says no. The steps are found by
    /// workers; their ends are numbered here alone, in order.
    fn continue_while(&mut self, threads: usize, world: &World, mut going_on: impl FnMut(&Self) -> bool) {
        crew(
            threads,
            |block: Vec<State>| Steps::from_all(world, &block),
            |crew| {
                let mut handed_out = 0;
                while going_on(self) {
                    while crew.has_room() && handed_out < self.states.len() {
                        let end = self.states.len().min(handed_out + BLOCK);
                        crew.hand_out((number(handed_out)..number(end)).map(|state| *self.states.get(state)).collect());
                        handed_out = end;
                    }
                    match crew.next() {
                        Some(steps) => self.take(&steps),
                        None => return,
                    }
                }
            },
        );
    }

    /// Numbers the ends of steps whose beginnings are the next states without a node.
    fn take(&mut self, steps: &Steps) {
        self.tally.join(&steps.tally);
        let Explored { states, graph, parents, first_broken, .. } = self;
        let first = number(graph.nodes());
        let mut numbers = Vec::with_capacity(steps.ends.len());
        states.insert_all(&steps.ends, &steps.hashes, |state, number, new| {
            if new {
                parents.push(first + steps.origins[numbers.len()]);
                note_violations(first_broken, state.violations, number);
            }
            numbers.push(number);
        });
        let mut numbers = numbers.into_iter();
        let mut begin = 0;
        for (&end, here) in steps.out.iter().zip(first..) {
            let mut end_of = |moves: bool| moves.then(|| numbers.next()).flatten().unwrap_or(here);
            graph.push(steps.taken[begin..end].iter().map(|&(agent, moves)| (end_of(moves), agent)));
            begin = end;
        }
    }

    /// The nearest state where this safety property is broken.
    #[must_use]
    pub fn first_broken(&self, property: Property) -> Option<u32> {
        self.first_broken.iter().find(|&&(broken, _)| broken == property).map(|&(_, state)| state)
    }

    /// The rules that fired, in the order of the table.
    pub fn rules_fired(&self) -> impl Iterator<Item = RuleId> + '_ {
        self.table.rules().iter().map(|rule| rule.id).filter(|&rule| self.tally.has(rule))
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

    /// What can happen next in a state, and the number of the state that it leads to.
    pub fn steps(&self, world: &World, state: u32) -> impl Iterator<Item = (Action, u32)> + '_ {
        let mut actions = Vec::new();
        world.actions(self.states.get(state), &mut actions);
        actions.into_iter().zip(self.graph.out(state)).map(|(action, &(to, _))| (action, to))
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

fn note_violations(first_broken: &mut Vec<(Property, u32)>, violations: Violations, state: u32) {
    if !violations.any() {
        return;
    }
    for property in Property::ALL {
        if violations.of(property) && !first_broken.iter().any(|&(broken, _)| broken == property) {
            first_broken.push((property, state));
        }
    }
}

/// All steps from some states in order: what a thread finds out by itself.
struct Steps {
    /// For each step who takes it, and whether it leads to another state.
    taken: Vec<(Agent, bool)>,
    /// For each state, where its steps end in that list.
    out: Vec<usize>,
    /// The other states that steps lead to, their hashes, and the states that they lead from, counted from the first.
    ends: Vec<State>,
    hashes: Vec<u64>,
    origins: Vec<u32>,
    tally: Tally,
}

impl Steps {
    fn from_all(world: &World, states: &[State]) -> Steps {
        let most = STEPS * states.len();
        let mut steps = Steps {
            taken: Vec::with_capacity(most),
            out: Vec::with_capacity(states.len()),
            ends: Vec::with_capacity(most),
            hashes: Vec::with_capacity(most),
            origins: Vec::with_capacity(most),
            tally: Tally::default(),
        };
        let mut actions = Vec::new();
        for (state, origin) in states.iter().zip(0..) {
            world.actions(state, &mut actions);
            for action in actions.drain(..) {
                let end = world.apply(state, action, &mut steps.tally);
                let moves = end != *state;
                steps.taken.push((world.agent(action), moves));
                if moves {
                    steps.hashes.push(hash_of(&end));
                    steps.ends.push(end);
                    steps.origins.push(origin);
                }
            }
            steps.out.push(steps.taken.len());
        }
        steps
    }
}
