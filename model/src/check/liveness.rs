//! What must remain possible, and what must end: decided on the whole graph, exactly.
//!
//! Stateright's `eventually` overlooks cycles, so it has no part in this.

use super::bounds::Move;
use super::endpoint::Side;
use super::explore::Explored;
use super::fairness::{Fairness, Strength, fair_round};
use super::graph::{index, number};
use super::packet::{Fate, Packet};
use super::properties::Property;
use super::world::{Action, Agent, State, Witness, World};
use crate::event::{Call, Timer};
use crate::state::State as Connection;

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
        Property::L4 => begun_for_ever(world, found),
        Property::L5 => Side::BOTH.into_iter().find_map(|side| {
            let speaks = |state: &State| World::speaks_to_the_dead(state, side);
            never_left(world, found, speaks)
        }),
        Property::L6 => given_up(world, found).or_else(|| stalled(found)),
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

/// What was begun and, in a fair run, does not come to its end: an OPEN, a SEND or two CLOSEs: L4.
fn begun_for_ever(world: &World, found: &Explored) -> Option<Counterexample> {
    let opens = |side| never_left(world, found, |state| world.is_opening(state, side));
    let sends = |side| never_left(world, found, |state| world.is_owed(state, side));
    let ends = || never_left(world, found, World::is_closing);
    let each = || Side::BOTH.into_iter();
    each().find_map(opens).or_else(|| each().find_map(sends)).or_else(ends)
}

/// The nearest state where text can be acknowledged no more with no other call than RECEIVE: L6, MUST-36.
fn stalled(found: &Explored) -> Option<Counterexample> {
    Side::BOTH.into_iter().find_map(|side| {
        let waiting = |state| World::waits_for_acknowledgment(found.states.get(state), side);
        let done = |state| World::is_acknowledged(found.states.get(state), side);
        nearest_lost(found, waiting, done, |agent| agent != Agent::User)
    })
}

/// The nearest state where a retransmission or a probe into a closed window ends the connection: L6, MUST-37.
fn given_up(world: &World, found: &Explored) -> Option<Counterexample> {
    let gives_up = |&(state, action, end): &(u32, Action, u32)| match action {
        Action::Timeout(side, Timer::Retransmit | Timer::Persist) => {
            let [before, after] = [state, end].map(|state| &found.states.get(state).ends[side.index()].tcb);
            before.window_known() && before.snd_wnd() == 0 && after.state() == Connection::Closed
        }
        Action::Timeout(..)
        | Action::Deliver(_)
        | Action::DeliverCopy(_)
        | Action::Lose(_)
        | Action::Forge(_)
        | Action::Move(..)
        | Action::Tick(_)
        | Action::Wake(_) => false,
    };
    let closed = |&state: &u32| World::faces_a_closed_window(found.states.get(state));
    let steps = |state| found.steps(world, state).map(move |(action, end)| (state, action, end));
    let (state, _, end) = (0..number(found.states.len())).filter(closed).flat_map(steps).find(gives_up)?;
    let mut way = found.way_to(state);
    way.push(end);
    Some(Counterexample { way, round: Vec::new() })
}

/// A fair run that stays in a region for ever: the shortest way to where it goes round.
fn never_left(world: &World, found: &Explored, region: impl Fn(&State) -> bool) -> Option<Counterexample> {
    let region: Vec<bool> = found.states.iter().map(region).collect();
    let round = fair_round(&found.graph, &region, &Runs { world, found })?;
    Some(Counterexample { way: found.way_to(round[0]), round })
}

/// The runs of a world, and what is promised to them: what is sent again and again arrives at last, timers that run go
/// off, and who reads goes on reading. Users may stop at any moment, and a network that loses need not.
///
/// The user timeout is promised in SYN-RECEIVED alone, to worlds that have one: a SYN,ACK is not sent for ever (R2, RFC
/// 9293 §3.8.3 MUST-23). An old SYN can set an end there against a half-open one, and neither ever finds a segment of
/// the other acceptable. Everywhere else an end must find out without it.
///
/// That a segment sent into a full network is lost is a bound of the world, and no network loses every one of a series
/// for that reason; so no step that makes it overflow is taken without end. To promise room to the timers alone would
/// not do, for the answer to a retransmission can be lost in the same way.
struct Runs<'a> {
    world: &'a World,
    found: &'a Explored,
}

/// What a world promises.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Promise {
    /// This segment arrives, whichever of its repetitions.
    Arrives(u64),
    /// A timer goes off.
    GoesOff(Side, Timer),
    /// A bucket of challenge ACKs is filled.
    Ticks(Side),
    /// A quiet time is over.
    Wakes(Side),
    /// A user takes what has arrived.
    Reads(Side),
}

impl Fairness for Runs<'_> {
    type Step = Action;
    type Promise = Promise;

    fn steps(&self, state: u32, steps: &mut Vec<Action>) {
        self.world.actions(self.found.states.get(state), steps);
    }

    fn promise(&self, state: u32, action: Action) -> Option<(Promise, Strength)> {
        match action {
            Action::Deliver(packet) => Some((Promise::Arrives(packet.as_sent()), Strength::Strong)),
            Action::Timeout(side, timer) => Some((Promise::GoesOff(side, timer), Strength::Weak)),
            Action::Tick(side) => Some((Promise::Ticks(side), Strength::Weak)),
            Action::Wake(side) => Some((Promise::Wakes(side), Strength::Weak)),
            Action::Move(side, place) => {
                let connection = self.found.states.get(state).ends[side.index()].tcb.state();
                match self.world.move_at(side, place)?.0 {
                    Move::Call(Call::Receive) => Some((Promise::Reads(side), Strength::Weak)),
                    Move::Timeout(Timer::User) if connection == Connection::SynReceived => {
                        Some((Promise::GoesOff(side, Timer::User), Strength::Weak))
                    }
                    Move::Call(_) | Move::CloseLast | Move::Timeout(_) | Move::Crash | Move::Shrink => None,
                }
            }
            Action::DeliverCopy(_) | Action::Lose(_) | Action::Forge(_) => None,
        }
    }

    fn recurs(&self, state: u32, action: Action) -> bool {
        match action {
            Action::Lose(_) | Action::Tick(_) | Action::Wake(_) => true,
            Action::Deliver(_) | Action::DeliverCopy(_) | Action::Forge(_) | Action::Move(..) | Action::Timeout(..) => {
                let mut overflow = Overflow(false);
                self.world.apply(self.found.states.get(state), action, &mut overflow);
                !overflow.0
            }
        }
    }
}

/// Whether something was sent into a full network.
struct Overflow(bool);

impl Witness for Overflow {
    fn sent(&mut self, _: Packet, fate: Fate) {
        self.0 |= fate == Fate::Overflowed;
    }
}
