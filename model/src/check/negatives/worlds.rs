//! Small worlds, each for one negative, and those of the list of all that show one well enough.

use crate::check::bounds::{Bounds, Order, Script};
use crate::check::environments::{
    ABORT, ACTIVE, ACTIVE_TWICE, CLOSE, CLOSE_LAST, CRASH, E2, E4, E5, E6, E7, E8, PASSIVE, PASSIVE_TWICE, RECEIVE,
    RELEASE, SEND, SEND_TWICE, USER_TIMEOUT, named,
};
use crate::check::world::World;
use crate::table::{Policy, Table};

/// Worlds of the list of all.
macro_rules! listed {
    ($($function:ident: $name:literal;)+) => {
        $(pub(super) fn $function(table: &'static Table) -> World {
            named($name, table).expect("it is in the list")
        })+
    };
}

listed! {
    handshake: "handshake";
    close: "close";
    data: "data";
    window: "window";
    both_ways: "both-ways";
    attack: "attack";
    injection: "injection";
}

fn small(table: &'static Table, bounds: Bounds) -> World {
    World { name: "small", question: "Does it fall here?", bounds, properties: &[], visits: &[], table }
}

/// B serves and closes first; A calls and closes last.
const SERVER_FIRST: [Script; 2] = [&[ACTIVE_TWICE, SEND, CLOSE_LAST], &[PASSIVE_TWICE, CLOSE]];
const SERVER_LAST: [Script; 2] = [&[ACTIVE_TWICE, CLOSE], &[PASSIVE_TWICE, CLOSE_LAST]];
const TWICE: Bounds = Bounds { scripts: SERVER_FIRST, capacity: 2, incarnations: 2, ..E5 };
const WITHOUT_1337: [&[Policy]; 2] = [&[Policy::Rfc5961, Policy::ReopenTimeWait]; 2];

/// How far an ISS is from the last one of its side: far enough, or so near that numbers overlap.
pub(in crate::check) const CLEAR: u8 = 8;
pub(in crate::check) const OVERLAPS: u8 = 1;

/// Two incarnations, where TIME-WAIT protects as long as it should, with the fix of RFC 1337 or without.
pub(in crate::check) fn kept<const A: u8, const B: u8, const FIX: bool>(table: &'static Table) -> World {
    let policies = if FIX { TWICE.policies } else { WITHOUT_1337 };
    small(table, Bounds { iss_stride: [A, B], policies, last_ack_arrives: true, ..TWICE })
}

/// The same, but TIME-WAIT has no length: its timer may go off at once.
pub(in crate::check) fn no_length<const A: u8, const B: u8, const FIX: bool>(table: &'static Table) -> World {
    let policies = if FIX { TWICE.policies } else { WITHOUT_1337 };
    small(table, Bounds { iss_stride: [A, B], policies, msl: false, ..TWICE })
}

/// The same, but 2MSL may end while the peer still sends its FIN again.
pub(super) fn too_short<const A: u8, const B: u8>(table: &'static Table) -> World {
    small(table, Bounds { iss_stride: [A, B], ..TWICE })
}

/// The server closes last, so that it passes no TIME-WAIT.
pub(super) fn passive_closer<const B: u8>(table: &'static Table) -> World {
    small(table, Bounds { scripts: SERVER_LAST, iss_stride: [CLEAR, B], last_ack_arrives: true, ..TWICE })
}

pub(super) fn handshake_overlapping(table: &'static Table) -> World {
    let world = handshake(table);
    World { bounds: Bounds { iss_stride: [OVERLAPS; 2], capacity: 2, incarnations: 2, ..world.bounds }, ..world }
}

pub(super) fn handshake_clear(table: &'static Table) -> World {
    let world = handshake(table);
    World { bounds: Bounds { capacity: 2, incarnations: 2, ..world.bounds }, ..world }
}

/// Both open at once, and both close.
pub(super) fn simultaneous(table: &'static Table) -> World {
    small(table, Bounds { scripts: [&[ACTIVE, CLOSE], &[ACTIVE, CLOSE]], ..E2 })
}

/// Old segments of an earlier incarnation meet a later one.
pub(super) fn old_segments<const B: u8>(table: &'static Table) -> World {
    const SCRIPTS: [Script; 2] = [&[ACTIVE_TWICE, CLOSE, ABORT], &[PASSIVE_TWICE, CLOSE, ABORT]];
    let iss_stride = [CLEAR, B];
    small(table, Bounds { scripts: SCRIPTS, capacity: 2, incarnations: 2, duplications: 0, iss_stride, ..E4 })
}

/// The same, and nobody follows RFC 5961.
pub(super) fn old_segments_without_5961(table: &'static Table) -> World {
    let world = old_segments::<CLEAR>(table);
    World { bounds: Bounds { policies: [&[]; 2], ..world.bounds }, ..world }
}

const ONCE: Bounds = Bounds { capacity: 2, incarnations: 1, ..E6 };

/// B crashes; A has nobody to help it.
pub(super) fn crash(table: &'static Table) -> World {
    small(table, Bounds { scripts: [&[ACTIVE, CLOSE], &[PASSIVE, CLOSE, CRASH]], ..ONCE })
}

/// B crashes; A's user timeout goes off.
pub(super) fn crash_with_user_timeout(table: &'static Table) -> World {
    small(table, Bounds { scripts: [&[ACTIVE, CLOSE, USER_TIMEOUT], &[PASSIVE, CLOSE, CRASH]], ..ONCE })
}

/// B crashes; A's user is gone.
pub(super) fn crash_of_an_orphan_s_peer(table: &'static Table) -> World {
    small(table, Bounds { scripts: [&[ACTIVE, RELEASE], &[PASSIVE, CLOSE, CRASH]], ..ONCE })
}

/// A's user is gone, and B's reset may be lost.
pub(super) fn reset_of_an_orphan(table: &'static Table) -> World {
    small(table, Bounds { scripts: [&[ACTIVE, RELEASE], &[PASSIVE, ABORT]], capacity: 2, ..E2 })
}

/// B crashes; its clock goes on or not, and it keeps quiet for an MSL or not.
pub(super) fn clock<const SURVIVES: bool, const QUIET: bool>(table: &'static Table) -> World {
    const SCRIPTS: [Script; 2] = [&[ACTIVE_TWICE, CLOSE], &[PASSIVE_TWICE, CLOSE, CRASH]];
    let bounds = Bounds { scripts: SCRIPTS, capacity: 2, incarnations: 2, ..E6 };
    small(table, Bounds { clock_survives: SURVIVES, quiet_time: QUIET, ..bounds })
}

/// B has crashed and A does not know it; an old SYN of A reaches B.
pub(super) fn half_open(table: &'static Table) -> World {
    const SCRIPTS: [Script; 2] = [&[ACTIVE, RELEASE], &[PASSIVE_TWICE, CRASH, RELEASE]];
    small(table, Bounds { scripts: SCRIPTS, capacity: 2, incarnations: 2, quiet_time: false, ..E6 })
}

/// Nothing is lost, both windows may be closed, and both ends have more to send.
pub(super) fn both_probe(table: &'static Table) -> World {
    const SCRIPTS: [Script; 2] = [&[ACTIVE, SEND_TWICE, RECEIVE, ABORT], &[PASSIVE, SEND_TWICE, RECEIVE, ABORT]];
    small(table, Bounds { scripts: SCRIPTS, capacity: 4, order: Order::Fifo, loss: false, ..E8 })
}

/// B's text and FIN find a reader who takes his time, and has closed.
pub(super) fn slow_reader(table: &'static Table) -> World {
    small(table, Bounds { scripts: [&[ACTIVE, RECEIVE, CLOSE], &[PASSIVE, SEND, CLOSE]], buffer: 2, ..E8 })
}

pub(super) fn listener_attacked(table: &'static Table) -> World {
    small(table, Bounds { scripts: [&[ACTIVE], &[PASSIVE]], forgeries: 1, ..E7 })
}
