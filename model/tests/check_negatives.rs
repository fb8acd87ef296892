//! The negatives that a checker of TCP must reproduce, each with a shortest counterexample.

use lockstep_model::check::bounds::{Bounds, Move, Script, Times};
use lockstep_model::check::environments::named;
use lockstep_model::check::explore::{explore, hunt};
use lockstep_model::check::falls;
use lockstep_model::check::liveness::{Counterexample, decide};
use lockstep_model::check::mutate::variant;
use lockstep_model::check::properties::Property;
use lockstep_model::check::world::World;
use lockstep_model::{Call, Table};

/// How the property that a mutant must break falls in its world.
fn counterexample(name: &str) -> String {
    let mutant = variant(name).expect("it is in the list");
    let world = named(mutant.world, mutant.leaked_table()).expect("its world exists");
    let found = explore(&world, |_| {});
    let example = decide(&world, &found, mutant.falls).expect("the property falls");
    let falls = falls(&world, &found, &example);
    format!("{} falls: {}\n{}", mutant.falls, mutant.falls.gist(), falls.ladder)
}

#[test]
fn n1_two_way_handshake() {
    insta::assert_snapshot!(counterexample("two-way-handshake"));
}

#[test]
fn n6_close_in_syn_received_done_literally() {
    insta::assert_snapshot!(counterexample("close-in-syn-received"));
}

#[test]
fn n7_time_wait_acknowledges_whatever_is_acceptable() {
    insta::assert_snapshot!(counterexample("time-wait-acknowledges-all"));
}

#[test]
fn n22_no_retransmission() {
    insta::assert_snapshot!(counterexample("no-retransmission"));
}

/// Not the table is wrong here but the world: segments live for ever, and a new incarnation's numbers overlap the old
/// ones'. It is what MSL and the clock that chooses the ISS are for, and shows that S4 would notice an octet that is
/// not the user's.
#[test]
fn an_old_octet_is_taken_for_a_new_one_where_numbers_overlap_and_no_segment_dies() {
    const A: Script = &[
        (Move::Call(Call::OpenActive { remote: true }), Times::AtMost(2)),
        (Move::Call(Call::Send { remote: false }), Times::AtMost(2)),
        (Move::Call(Call::Close), Times::Any),
    ];
    const B: Script = &[(Move::Call(Call::OpenPassive), Times::AtMost(2)), (Move::Call(Call::Close), Times::Any)];
    let reopen = named("reopen", Table::repaired()).expect("it exists");
    let bounds = Bounds { scripts: [A, B], capacity: 2, iss_stride: 1, msl: false, ..reopen.bounds };
    let world = World { bounds, ..reopen };
    let (found, state) = hunt(&world, Property::S4).expect("S4 falls");
    let example = Counterexample { way: found.way_to(state), round: Vec::new() };
    insta::assert_snapshot!(falls(&world, &found, &example).ladder);
}
