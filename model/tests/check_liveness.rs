//! What must happen at last: what only fairness notices, and how it is told.

use lockstep_model::check::environments::named;
use lockstep_model::check::explore::{Explored, explore};
use lockstep_model::check::falls;
use lockstep_model::check::liveness::decide;
use lockstep_model::check::mutate::variant;
use lockstep_model::check::properties::Property::{L1, L2, L4, L6};
use lockstep_model::check::world::World;
use lockstep_model::{State, Table};

fn explored(name: &str, table: &'static Table) -> (World, Explored) {
    let world = named(name, table).expect("it exists");
    let found = explore(&world, |_| {});
    (world, found)
}

fn wrong(name: &str) -> &'static Table {
    variant(name).expect("it exists").leaked_table()
}

fn connections(found: &Explored, state: u32) -> [State; 2] {
    found.states.get(state).ends.map(|end| end.tcb.state())
}

/// Both could still be established, with luck; but the one is half-open, an old SYN has set the other to SYN-RECEIVED,
/// and to each the segments of the other lie outside the window. Only a user timeout ends it, and this world has none.
#[test]
fn an_old_syn_and_a_half_open_end_can_go_round_for_ever_where_nobody_gives_up() {
    let (world, found) = explored("handshake", Table::repaired());
    let example = decide(&world, &found, L4).expect("L4 falls, therefore this world does not ask for it");
    assert!(example.round.len() > 1 && example.way.last() == example.round.first());
    for &state in &example.round {
        let mut ends = connections(&found, state);
        ends.sort_unstable();
        assert_eq!(ends, [State::SynReceived, State::Established]);
    }
    let told = falls(&world, &found, &example);
    assert!(told.round == example.round.len() && told.ladder.to_string().contains("sequence/unacceptable/answered"));
}

#[test]
fn fairness_notices_what_possibility_does_not() {
    let (world, found) = explored("simultaneous-open", wrong("closing-has-no-end"));
    assert_eq!([L1, L2].map(|property| decide(&world, &found, property)), [None, None]);
    let example = decide(&world, &found, L4).expect("CLOSING has no end");
    assert!(example.round.iter().all(|&state| connections(&found, state).contains(&State::Closing)));
}

#[test]
fn a_probe_that_gives_up_is_noticed_where_it_does() {
    let (world, found) = explored("window", wrong("closed-window-closes"));
    let example = decide(&world, &found, L6).expect("MUST-37 falls");
    let [before, after] = example.way[example.way.len() - 2..] else { panic!("it takes a step") };
    assert!(!connections(&found, before).contains(&State::Closed));
    assert!(connections(&found, after).contains(&State::Closed));
}
