//! What must remain possible, and what must end: decided on the whole graph, exactly.
//!
//! Stateright's `eventually` overlooks cycles, so it has no part in this.

use super::endpoint::Side;
use super::explore::Explored;
use super::graph::{index, number};
use super::properties::Property;
use super::world::{Agent, World};

/// How a property falls: a shortest way to a state, and, if it falls by going round, the way round from there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counterexample {
    /// The numbers of the states from the initial one on.
    pub way: Vec<u32>,
    /// The numbers of the states of a cycle that begins where the way ends; empty if there is none.
    pub round: Vec<u32>,
}

/// Decides a property on the explored space; `None` if it holds.
#[must_use]
pub fn decide(world: &World, found: &Explored, property: Property) -> Option<Counterexample> {
    match property {
        Property::L1 => {
            let rests = |state| World::is_quiescent(found.states.get(state));
            nearest_lost(found, |_| true, rests, |_| true)
        }
        Property::L2 => {
            let opening = |state| world.awaits_establishment(found.states.get(state));
            let established = |state| World::is_established(found.states.get(state));
            nearest_lost(found, opening, established, |agent| !matches!(agent, Agent::User | Agent::Reader))
        }
        Property::L3 => {
            let round = found.graph.cycle(|agent| agent == Agent::Delivery)?;
            Some(Counterexample { way: found.way_to(round[0]), round })
        }
        Property::L8 => Side::BOTH.into_iter().find_map(|side| {
            let listens = |state| world.awaits_a_peer(found.states.get(state), side);
            let established = |state| World::is_established(found.states.get(state));
            nearest_lost(found, listens, established, |agent| agent != Agent::Adversary)
        }),
        Property::L9 => {
            let mut states = 0..number(found.states.len());
            let stranded = states.find(|&state| World::strands_somebody(found.states.get(state)))?;
            Some(Counterexample { way: found.way_to(stranded), round: Vec::new() })
        }
        Property::L4 | Property::L5 => None,
        Property::L6 => Side::BOTH.into_iter().find_map(|side| {
            let waiting = |state| World::waits_for_acknowledgment(found.states.get(state), side);
            let done = |state| World::is_acknowledged(found.states.get(state), side);
            nearest_lost(found, waiting, done, |agent| agent != Agent::User)
        }),
        Property::S1
        | Property::S2
        | Property::S3
        | Property::S4
        | Property::S5
        | Property::S6
        | Property::S7
        | Property::S8
        | Property::S9
        | Property::S10
        | Property::S11
        | Property::S12
        | Property::S13
        | Property::S14
        | Property::S15
        | Property::S16
        | Property::S17
        | Property::S18
        | Property::S19
        | Property::S20
        | Property::S21
        | Property::S22
        | Property::S23
        | Property::S24
        | Property::L7 => {
            let state = found.first_broken(property)?;
            Some(Counterexample { way: found.way_to(state), round: Vec::new() })
        }
    }
}

/// The nearest of the states concerned from which no goal can be reached with the help of these agents.
fn nearest_lost(
    found: &Explored,
    concerned: impl Fn(u32) -> bool,
    goal: impl Fn(u32) -> bool,
    help: impl Fn(Agent) -> bool,
) -> Option<Counterexample> {
    let reaches = found.graph.can_reach(goal, help);
    let lost = (0..number(reaches.len())).find(|&state| !reaches[index(state)] && concerned(state))?;
    Some(Counterexample { way: found.way_to(lost), round: Vec::new() })
}
