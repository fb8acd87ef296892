//! The worlds: each asks one question, within bounds small enough to look at every state.
//!
//! A user may ABORT in every world that asks whether all can come to rest: one who has only closed may have to wait for
//! ever in FIN-WAIT-2 for a peer that is gone, which is no defect as long as he can still give up.

use super::bounds::{Bounds, Move, Times};
use super::properties::Property::{
    self, L1, L2, L3, L6, S1, S2, S3, S4, S6, S7, S9, S11, S12, S13, S14, S15, S16, S17, S19, S20, S24,
};
use super::world::World;
use crate::event::{Call, Timer};
use crate::state::State::{
    self, CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait,
};
use crate::table::{Policy, Profile, Table};

/// Every world, over the table of a profile.
#[must_use]
pub fn worlds(profile: Profile) -> Vec<World> {
    over(Table::of(profile))
}

/// Every world, over any table.
#[must_use]
pub fn over(table: &'static Table) -> Vec<World> {
    vec![
        handshake(table),
        simultaneous_open(table),
        close(table),
        data(table),
        window(table),
        reopen(table),
        calls(table),
        attack(table),
    ]
}

/// The world of this name, over any table.
#[must_use]
pub fn named(name: &str, table: &'static Table) -> Option<World> {
    over(table).into_iter().find(|world| world.name == name)
}

/// What most worlds share.
pub(super) const PLAIN: Bounds = Bounds {
    scripts: [&[], &[]],
    capacity: 3,
    loss: true,
    duplications: 0,
    forgeries: 0,
    incarnations: 1,
    iss_stride: 8,
    mss: 1,
    buffer: 4,
    slow_reader: false,
    urgent: false,
    delayed_acks: false,
    msl: false,
    listeners: false,
    policies: [&Policy::ALL, &Policy::ALL],
};

/// All but S20, which says nothing where nobody forges, and L6, which says nothing where nobody sends.
const WITHOUT_TEXT: &[Property] =
    &[S1, S2, S3, S4, S6, S7, S9, S11, S12, S13, S14, S15, S16, S17, S19, S24, L1, L2, L3];
const WITH_TEXT: &[Property] =
    &[S1, S2, S3, S4, S6, S7, S9, S11, S12, S13, S14, S15, S16, S17, S19, S24, L1, L2, L3, L6];

/// What holds against an attacker who may guess every number: all but what he thereby takes part in.
const AGAINST_FORGERY: &[Property] = &[S1, S3, S9, S11, S12, S13, S14, S15, S16, S17, S19, S20, S24, L1, L3];

fn handshake(table: &'static Table) -> World {
    World {
        name: "handshake",
        question: "Does the three-way handshake establish both ends and nobody else, old duplicates notwithstanding?",
        bounds: Bounds {
            scripts: [&[ACTIVE_TWICE, ABORT], &[PASSIVE_TWICE, ABORT]],
            incarnations: 3,
            duplications: 1,
            ..PLAIN
        },
        properties: WITHOUT_TEXT,
        visits: &[Closed, Listen, SynSent, SynReceived, Established],
        table,
    }
}

fn simultaneous_open(table: &'static Table) -> World {
    World {
        name: "simultaneous-open",
        question: "Do two active OPENs that cross establish one connection, and close it?",
        bounds: Bounds { scripts: [&[ACTIVE, CLOSE, ABORT], &[ACTIVE, CLOSE, ABORT]], duplications: 1, ..PLAIN },
        properties: WITHOUT_TEXT,
        visits: &[SynSent, SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait],
        table,
    }
}

fn close(table: &'static Table) -> World {
    World {
        name: "close",
        question: "Does each order of closing, at once or one after the other, with text or without, end as it should?",
        bounds: Bounds { scripts: [&[ACTIVE, SEND, CLOSE, ABORT], &[PASSIVE, CLOSE, ABORT]], ..PLAIN },
        properties: WITH_TEXT,
        visits: &State::ALL,
        table,
    }
}

fn data(table: &'static Table) -> World {
    World {
        name: "data",
        question: "Does each octet arrive once, in order and before the end of file, whatever the network does?",
        bounds: Bounds {
            scripts: [&[ACTIVE, SEND_TWICE, CLOSE, ABORT], &[PASSIVE, SEND, ABORT]],
            capacity: 2,
            duplications: 1,
            ..PLAIN
        },
        properties: WITH_TEXT,
        visits: &[Established, FinWait1, FinWait2, CloseWait],
        table,
    }
}

fn window(table: &'static Table) -> World {
    World {
        name: "window",
        question: "Does a reader who takes his time stop the sender, and does probing get it going again?",
        bounds: Bounds {
            scripts: [&[ACTIVE, RECEIVE, CLOSE, ABORT], &[PASSIVE, SEND_TWICE, CLOSE, ABORT]],
            capacity: 2,
            buffer: 1,
            slow_reader: true,
            ..PLAIN
        },
        properties: WITH_TEXT,
        visits: &State::ALL,
        table,
    }
}

fn reopen(table: &'static Table) -> World {
    World {
        name: "reopen",
        question: "Does a new connection between the same sockets, also out of TIME-WAIT, keep clear of the old one?",
        bounds: Bounds {
            scripts: [&[ACTIVE_TWICE, CLOSE], &[PASSIVE, CLOSE]],
            incarnations: 3,
            msl: true,
            listeners: true,
            ..PLAIN
        },
        properties: WITHOUT_TEXT,
        visits: &State::ALL,
        table,
    }
}

fn calls(table: &'static Table) -> World {
    World {
        name: "calls",
        question: "Is every call in every state, and every timer that a host may run, answered as it should?",
        bounds: Bounds {
            scripts: [
                &[ACTIVE, SEND, RECEIVE, CLOSE, RELEASE, STATUS, USER_TIMEOUT, KEEP_ALIVE],
                &[PASSIVE, UNSPECIFIED, ACTIVE, SEND_REMOTE, RECEIVE, RELEASE, STATUS],
            ],
            capacity: 1,
            buffer: 2,
            slow_reader: true,
            urgent: true,
            delayed_acks: true,
            ..PLAIN
        },
        properties: WITH_TEXT,
        visits: &State::ALL,
        table,
    }
}

fn attack(table: &'static Table) -> World {
    World {
        name: "attack",
        question: "What can forged segments do, to an end that follows RFC 5961 and RFC 1337 and to one that does not?",
        bounds: Bounds {
            scripts: [&[ACTIVE, CLOSE, ABORT], &[PASSIVE, CLOSE, ABORT]],
            capacity: 1,
            forgeries: 2,
            incarnations: 2,
            listeners: true,
            policies: [&Policy::ALL, &[Policy::ReopenTimeWait]],
            ..PLAIN
        },
        properties: AGAINST_FORGERY,
        visits: &State::ALL,
        table,
    }
}

const fn any(call: Call) -> (Move, Times) {
    (Move::Call(call), Times::Any)
}

const fn at_most(n: u8, call: Call) -> (Move, Times) {
    (Move::Call(call), Times::AtMost(n))
}

const ACTIVE: (Move, Times) = at_most(1, Call::OpenActive { remote: true });
const ACTIVE_TWICE: (Move, Times) = at_most(2, Call::OpenActive { remote: true });
const PASSIVE: (Move, Times) = at_most(1, Call::OpenPassive);
const PASSIVE_TWICE: (Move, Times) = at_most(2, Call::OpenPassive);
const UNSPECIFIED: (Move, Times) = any(Call::OpenActive { remote: false });
const SEND: (Move, Times) = at_most(1, Call::Send { remote: false });
const SEND_TWICE: (Move, Times) = at_most(2, Call::Send { remote: false });
const SEND_REMOTE: (Move, Times) = at_most(1, Call::Send { remote: true });
const RECEIVE: (Move, Times) = any(Call::Receive);
const CLOSE: (Move, Times) = any(Call::Close);
const RELEASE: (Move, Times) = any(Call::Release);
const ABORT: (Move, Times) = any(Call::Abort);
const STATUS: (Move, Times) = any(Call::Status);
const USER_TIMEOUT: (Move, Times) = (Move::Timeout(Timer::User), Times::Any);
const KEEP_ALIVE: (Move, Times) = (Move::Timeout(Timer::KeepAlive), Times::Any);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::attacker::NOBODY;
    use crate::check::endpoint::{N, Side};
    use crate::check::packet::Network;
    use crate::seq::SeqNum;
    use std::collections::BTreeSet;

    /// Octets that one side's user may send in all.
    fn octets(world: &World, side: Side) -> u32 {
        let script = world.bounds.scripts[side.index()].iter();
        script.fold(0, |octets, &(what, times)| match (what, times) {
            (Move::Call(Call::Send { .. }), Times::AtMost(n)) => octets + u32::from(n),
            (Move::Call(Call::Send { .. }), Times::Any) => u32::MAX,
            (Move::Call(_) | Move::Timeout(_), _) => octets,
        })
    }

    #[test]
    fn bounds_fit_the_packed_forms_and_the_sequence_space() {
        for world in worlds(Profile::Repaired) {
            let Bounds { scripts, capacity, incarnations, iss_stride, forgeries, buffer, .. } = world.bounds;
            assert!(scripts.iter().all(|script| script.len() <= 8), "a script has eight places");
            assert!((1..=Network::CAPACITY).contains(&capacity));
            assert!(incarnations <= 3 && (forgeries == 0 || incarnations < NOBODY));
            assert!(buffer <= 8, "held octets are bits of an octet");
            let most = Side::BOTH.map(|side| octets(&world, side)).into_iter().max().unwrap_or(0) + 2;
            assert!(most <= u32::from(iss_stride), "{}: incarnations keep clear of each other", world.name);
            let reach = u32::from(incarnations) * u32::from(iss_stride) + u32::from(buffer);
            assert!(reach < 1 << (N::BITS - 1), "{}: no live distance reaches the antipode", world.name);
        }
    }

    #[test]
    fn names_are_unique_and_together_the_worlds_visit_every_state_and_decide_every_property() {
        let worlds = worlds(Profile::Repaired);
        let names: BTreeSet<_> = worlds.iter().map(|world| world.name).collect();
        assert_eq!(names.len(), worlds.len());
        let visited: BTreeSet<_> = worlds.iter().flat_map(|world| world.visits.iter().copied()).collect();
        assert_eq!(visited, BTreeSet::from(State::ALL));
        let decided: BTreeSet<_> = worlds.iter().flat_map(|world| world.properties.iter().copied()).collect();
        assert_eq!(decided, BTreeSet::from(Property::ALL));
    }
}
