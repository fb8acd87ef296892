//! The worlds: each asks one question, within bounds small enough to look at every state.
//!
//! Where an end can lose its peer, by an ABORT or a crash, its user can give up too, by ABORT, RELEASE or the user timeout:
//! one who has only closed may have to wait for ever in FIN-WAIT-2 for a peer that is gone, which is no defect if he can.

use super::bounds::{Attacker, Bounds, Move, Order, Times};
use super::properties::Property::{
    self, L1, L2, L3, L4, L5, L6, L7, L8, L9, S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, S12, S13, S14, S15, S16,
    S17, S18, S19, S20, S21, S22, S23, S24,
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
        calm(table),
        handshake(table),
        simultaneous_open(table),
        close(table),
        data(table),
        window(table),
        both_ways(table),
        shrinking(table),
        reopen(table),
        crash(table),
        calls(table),
        attack(table),
        injection(table),
        timestamps(table),
        incarnations(table),
    ]
}

/// The world of this name, over any table.
#[must_use]
pub fn named(name: &str, table: &'static Table) -> Option<World> {
    over(table).into_iter().find(|world| world.name == name)
}

/// Each segment arrives, in the order of sending. From here on each environment adds something to an earlier one; what
/// the ends and their users do is a part of each world.
pub const E0: Bounds = Bounds {
    scripts: [&[], &[]],
    capacity: 5,
    order: Order::Fifo,
    loss: false,
    duplications: 0,
    forgeries: 0,
    attacker: Attacker::Blind,
    incarnations: 1,
    iss_stride: [8; 2],
    clock_survives: true,
    quiet_time: false,
    mss: 1,
    buffer: 4,
    slow_reader: false,
    urgent: false,
    delayed_acks: false,
    msl: false,
    last_ack_arrives: false,
    listeners: false,
    timestamps: false,
    policies: [&Policy::ALL, &Policy::ALL],
};
/// Segments overtake each other.
pub const E1: Bounds = Bounds { capacity: 3, order: Order::Any, ..E0 };
/// Any segment may be lost, as often as it is sent.
pub const E2: Bounds = Bounds { loss: true, ..E1 };
/// One segment may arrive twice.
pub const E3: Bounds = Bounds { duplications: 1, ..E2 };
/// There are several incarnations, and segments outlive theirs.
pub const E4: Bounds = Bounds { incarnations: 3, ..E3 };
/// So there are, but a segment on its way when 2MSL begins is gone when it ends.
pub const E5: Bounds = Bounds { msl: true, duplications: 0, ..E4 };
/// A host crashes (which is a move of its script), and keeps quiet for an MSL before it speaks again.
pub const E6: Bounds = Bounds { quiet_time: true, ..E5 };
/// An attacker who sees nothing forges two segments.
pub const E7: Bounds = Bounds { capacity: 1, forgeries: 2, incarnations: 3, ..E2 };
/// An attacker on the path forges two segments with text.
pub const E7B: Bounds = Bounds { attacker: Attacker::OnPath, incarnations: 1, ..E7 };
/// The receive buffer holds one octet, and the reader takes his time.
pub const E8: Bounds = Bounds { capacity: 2, buffer: 1, slow_reader: true, ..E2 };

/// All that is decided step by step, but S20, which says nothing where nobody forges; and these.
macro_rules! steps_and {
    ($($more:ident),*) => {
        &[S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, S12, S13, S14, S15, S16, S17, S18, S19, S21, S22, S23, S24, L7, $($more),*]
    };
}

/// What holds even there: a reset meant for an earlier incarnation may hit a later one with the same numbers.
const WHERE_SEGMENTS_LIVE_FOR_EVER: &[Property] =
    &[S1, S2, S3, S4, S6, S7, S9, S10, S11, S12, S13, S14, S15, S16, S17, S18, S19, S21, S22, S23, S24, L1, L2, L3, L7];

/// What holds against an attacker who may guess every number: all but what he thereby takes part in.
const AGAINST_FORGERY: &[Property] =
    &[S1, S3, S9, S11, S12, S13, S14, S15, S16, S17, S18, S19, S20, S21, S22, S23, S24, L1, L3, L7, L8];

fn calm(table: &'static Table) -> World {
    World {
        name: "calm",
        question: "Where nothing is lost and nothing overtakes, is every conversation had to its end?",
        bounds: Bounds { scripts: [&[ACTIVE, PASSIVE, SEND, CLOSE, ABORT], &[ACTIVE, PASSIVE, CLOSE, ABORT]], ..E0 },
        properties: steps_and!(L1, L3, L4, L6),
        visits: &State::ALL,
        table,
    }
}

fn handshake(table: &'static Table) -> World {
    World {
        name: "handshake",
        question: "Does the three-way handshake establish both ends and nobody else, old duplicates notwithstanding?",
        bounds: Bounds { scripts: [&[ACTIVE_TWICE, ABORT], &[PASSIVE_TWICE, ABORT]], ..E4 },
        properties: WHERE_SEGMENTS_LIVE_FOR_EVER,
        visits: &[Closed, Listen, SynSent, SynReceived, Established],
        table,
    }
}

fn simultaneous_open(table: &'static Table) -> World {
    World {
        name: "simultaneous-open",
        question: "Do two active OPENs that cross establish one connection, and close it?",
        bounds: Bounds { scripts: [&[ACTIVE, CLOSE, ABORT], &[ACTIVE, CLOSE, ABORT]], ..E3 },
        properties: steps_and!(L1, L2, L3, L4),
        visits: &[SynSent, SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait],
        table,
    }
}

fn close(table: &'static Table) -> World {
    World {
        name: "close",
        question: "Does each order of closing, at once or one after the other, with text or without, end as it should?",
        bounds: Bounds { scripts: [&[ACTIVE, SEND, CLOSE, ABORT], &[PASSIVE, CLOSE, ABORT]], ..E2 },
        properties: steps_and!(L1, L2, L3, L4, L6),
        visits: &State::ALL,
        table,
    }
}

fn data(table: &'static Table) -> World {
    World {
        name: "data",
        question: "Does each octet arrive once, in order and before the end of file, whatever the network does?",
        bounds: Bounds { scripts: [&[ACTIVE, SEND_TWICE, CLOSE, ABORT], &[PASSIVE, SEND, ABORT]], capacity: 2, ..E3 },
        properties: steps_and!(L1, L2, L3, L4, L6),
        visits: &[Established, FinWait1, FinWait2, CloseWait],
        table,
    }
}

fn window(table: &'static Table) -> World {
    World {
        name: "window",
        question: "Does a reader who takes his time stop the sender, and does probing get it going again?",
        bounds: Bounds { scripts: [&[ACTIVE, RECEIVE, CLOSE, ABORT], &[PASSIVE, SEND_TWICE, CLOSE, ABORT]], ..E8 },
        properties: steps_and!(L1, L2, L3, L4, L6),
        visits: &State::ALL,
        table,
    }
}

fn both_ways(table: &'static Table) -> World {
    World {
        name: "both-ways",
        question: "Does a sender keep to the window when text goes both ways?",
        bounds: Bounds {
            scripts: [&[ACTIVE, SEND_THRICE, ABORT], &[PASSIVE, SEND_TWICE, RECEIVE, ABORT]],
            buffer: 2,
            ..E8
        },
        properties: steps_and!(L1, L2, L3),
        visits: &[Established],
        table,
    }
}

fn shrinking(table: &'static Table) -> World {
    World {
        name: "shrinking",
        question: "Does a sender whose peer takes buffer back keep to the window, and get going again?",
        bounds: Bounds {
            scripts: [&[ACTIVE, SEND_THRICE, CLOSE, ABORT], &[PASSIVE, RECEIVE, SHRINK, ABORT]],
            buffer: 2,
            ..E8
        },
        properties: steps_and!(L1, L2, L3, L4, L6),
        visits: &[Established],
        table,
    }
}

fn reopen(table: &'static Table) -> World {
    World {
        name: "reopen",
        question: "Does a new connection between the same sockets, also out of TIME-WAIT, keep clear of the old one?",
        bounds: Bounds { scripts: [&[ACTIVE_TWICE, CLOSE], &[PASSIVE, CLOSE]], listeners: true, ..E5 },
        properties: steps_and!(L1, L2, L3, L4),
        visits: &State::ALL,
        table,
    }
}

fn incarnations(table: &'static Table) -> World {
    World {
        name: "incarnations",
        question: "Do two incarnations keep clear of each other, with text, loss, reordering and duplication?",
        bounds: Bounds {
            scripts: [&[ACTIVE_TWICE, SEND, CLOSE], &[PASSIVE_TWICE, CLOSE]],
            duplications: 1,
            incarnations: 2,
            ..E5
        },
        properties: steps_and!(L1, L2, L3, L6),
        visits: &State::ALL,
        table,
    }
}

fn crash(table: &'static Table) -> World {
    World {
        name: "crash",
        question: "Does an end find out that its peer has crashed, and is nothing of the old connection taken for new?",
        bounds: Bounds {
            scripts: [&[ACTIVE_TWICE, SEND, CLOSE, USER_TIMEOUT], &[PASSIVE_TWICE, CLOSE, USER_TIMEOUT, CRASH]],
            capacity: 2,
            quiet_time: false,
            ..E6
        },
        properties: steps_and!(L1, L2, L3, L4, L5, L9),
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
            urgent: true,
            delayed_acks: true,
            ..E8
        },
        properties: steps_and!(L1, L2, L3, L4, L6, L9),
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
            listeners: true,
            policies: [&Policy::ALL, &[Policy::ReopenTimeWait]],
            ..E7
        },
        properties: AGAINST_FORGERY,
        visits: &State::ALL,
        table,
    }
}

fn injection(table: &'static Table) -> World {
    World {
        name: "injection",
        question: "Does text that somebody on the path puts in set both ends to answering each other for ever?",
        bounds: Bounds { scripts: [&[ACTIVE, SEND, CLOSE, ABORT], &[PASSIVE, CLOSE, ABORT]], capacity: 2, ..E7B },
        properties: AGAINST_FORGERY,
        visits: &[Established, FinWait1, CloseWait, LastAck],
        table,
    }
}

/// Numbers of the two incarnations overlap, and a SYN with a newer timestamp cuts TIME-WAIT short: only timestamps tell what is
/// old. A reset has none (RFC 7323 §5.2), so that one of the last incarnation may hit the next: S5 and S8 fall.
fn timestamps(table: &'static Table) -> World {
    World {
        name: "timestamps",
        question: "Do timestamps tell old duplicates from new text where numbers overlap, and cut TIME-WAIT short?",
        bounds: Bounds {
            scripts: [&[ACTIVE_TWICE, SEND, CLOSE_LAST, USER_TIMEOUT], &[PASSIVE, CLOSE, USER_TIMEOUT]],
            capacity: 2,
            incarnations: 2,
            iss_stride: [1; 2],
            last_ack_arrives: true,
            listeners: true,
            timestamps: true,
            forgeries: 1,
            attacker: Attacker::Lucky,
            ..E5
        },
        properties: WHERE_SEGMENTS_LIVE_FOR_EVER,
        visits: &[Established, TimeWait],
        table,
    }
}

const fn any(call: Call) -> (Move, Times) {
    (Move::Call(call), Times::Any)
}

const fn at_most(n: u8, call: Call) -> (Move, Times) {
    (Move::Call(call), Times::AtMost(n))
}

pub(super) const ACTIVE: (Move, Times) = at_most(1, Call::OpenActive { remote: true });
pub(super) const ACTIVE_TWICE: (Move, Times) = at_most(2, Call::OpenActive { remote: true });
pub(super) const PASSIVE: (Move, Times) = at_most(1, Call::OpenPassive);
pub(super) const PASSIVE_TWICE: (Move, Times) = at_most(2, Call::OpenPassive);
const UNSPECIFIED: (Move, Times) = any(Call::OpenActive { remote: false });
pub(super) const SEND: (Move, Times) = at_most(1, Call::Send { remote: false });
pub(super) const SEND_TWICE: (Move, Times) = at_most(2, Call::Send { remote: false });
pub(super) const SEND_THRICE: (Move, Times) = at_most(3, Call::Send { remote: false });
const SEND_REMOTE: (Move, Times) = at_most(1, Call::Send { remote: true });
pub(super) const RECEIVE: (Move, Times) = any(Call::Receive);
pub(super) const CLOSE: (Move, Times) = any(Call::Close);
pub(super) const CLOSE_LAST: (Move, Times) = (Move::CloseLast, Times::Any);
pub(super) const RELEASE: (Move, Times) = any(Call::Release);
pub(super) const ABORT: (Move, Times) = any(Call::Abort);
const STATUS: (Move, Times) = any(Call::Status);
pub(super) const USER_TIMEOUT: (Move, Times) = (Move::Timeout(Timer::User), Times::Any);
const KEEP_ALIVE: (Move, Times) = (Move::Timeout(Timer::KeepAlive), Times::Any);
pub(super) const CRASH: (Move, Times) = (Move::Crash, Times::AtMost(1));
pub(super) const SHRINK: (Move, Times) = (Move::Shrink, Times::AtMost(1));

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
            (Move::Call(_) | Move::CloseLast | Move::Timeout(_) | Move::Crash | Move::Shrink, _) => octets,
        })
    }

    #[test]
    fn bounds_fit_the_packed_forms_and_the_sequence_space() {
        for world in worlds(Profile::Repaired) {
            let Bounds { scripts, capacity, incarnations, iss_stride, buffer, .. } = world.bounds;
            assert!(scripts.iter().all(|script| script.len() <= 8), "a script has eight places");
            assert!((1..=Network::CAPACITY).contains(&capacity));
            assert!(incarnations < NOBODY);
            assert!(buffer <= 8, "held octets are bits of an octet");
            let most = Side::BOTH.map(|side| octets(&world, side)).into_iter().max().unwrap_or(0) + 2;
            assert!(
                world.bounds.timestamps || iss_stride.iter().all(|&stride| most <= u32::from(stride)),
                "{}: incarnations keep clear of each other",
                world.name
            );
            let reach =
                u32::from(incarnations) * iss_stride.map(u32::from).into_iter().fold(0, u32::max) + u32::from(buffer);
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
        assert!(decided.is_subset(&BTreeSet::from(Property::ALL)));
    }

    #[test]
    fn each_property_is_decided_in_the_weakest_environments_that_it_must_survive() {
        let worlds = worlds(Profile::Repaired);
        for property in Property::ALL {
            for together in property.weakest() {
                let survives = |world: &World| {
                    let all = together.iter().all(|environment| environment.is_in(&world.bounds));
                    all && world.properties.contains(&property)
                };
                assert!(worlds.iter().any(survives), "{property} in {together:?}");
            }
        }
    }
}
