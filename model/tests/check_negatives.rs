//! The numbered negatives: what is wrong on purpose falls, with a shortest counterexample, and what should hold all the
//! same does.

use lockstep_model::check::bounds::{Bounds, Move, Script, Times};
use lockstep_model::check::environments::named;
use lockstep_model::check::explore::hunt;
use lockstep_model::check::falls;
use lockstep_model::check::liveness::Counterexample;
use lockstep_model::check::negatives::CASES;
use lockstep_model::check::properties::Property;
use lockstep_model::check::world::World;
use lockstep_model::{Call, Table};
use std::collections::BTreeSet;

/// A test and a snapshot for each negative.
macro_rules! negatives {
    ($($test:ident: $id:literal;)+) => {
        $(#[test]
        fn $test() {
            let shown: Vec<_> = CASES.iter().filter(|case| case.id == $id).map(|case| case.show()).collect();
            for shown in &shown {
                assert!(shown.is_as_expected(), "{shown}");
            }
            insta::assert_snapshot!(shown.iter().map(|shown| format!("{shown}\n")).collect::<String>());
        })+

        const TESTED: &[&str] = &[$($id),+];
    };
}

negatives! {
    n1_two_way_handshake: "N1";
    n2_no_time_wait: "N2";
    n3_time_wait_assassinated: "N3";
    n4_no_time_wait_where_numbers_are_clear: "N4";
    n5_the_passive_closer_has_no_time_wait: "N5";
    n6_close_in_syn_received_done_literally: "N6";
    n7_time_wait_acknowledges_whatever_is_acceptable: "N7";
    n8_unthrottled_acknowledgments: "N8";
    n9_an_ack_of_nothing_establishes: "N9";
    n10_a_crash_and_nobody_to_help: "N10";
    n11_fin_wait_2_without_a_timer: "N11";
    n12_the_last_ack_never_arrives: "N12";
    n13_the_clock_of_the_iss_is_lost: "N13";
    n15_the_crossed_syn_ack_is_dropped: "N15";
    n16_rfc_5961_in_syn_received: "N16";
    n17_a_reset_anywhere_in_the_window: "N17";
    n18_a_forged_syn_in_syn_received: "N18";
    n19_an_ack_storm: "N19";
    n20_zero_windows: "N20";
    n21_window_updates: "N21";
    n22_no_retransmission: "N22";
}

#[test]
fn every_number_has_a_case_but_that_of_the_figures() {
    let ids: BTreeSet<_> = CASES.iter().map(|case| case.id.to_owned()).collect();
    let wanted: BTreeSet<_> = (1..=22).filter(|&n| n != 14).map(|n| format!("N{n}")).collect();
    assert_eq!(ids, wanted);
    assert_eq!(TESTED.iter().map(|&id| id.to_owned()).collect::<BTreeSet<_>>(), wanted);
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
    let bounds = Bounds { scripts: [A, B], capacity: 2, iss_stride: [1; 2], msl: false, ..reopen.bounds };
    let world = World { bounds, ..reopen };
    let (found, state) = hunt(&world, Property::S4).expect("S4 falls");
    let example = Counterexample { way: found.way_to(state), round: Vec::new() };
    insta::assert_snapshot!(falls(&world, &found, &example).ladder);
}
