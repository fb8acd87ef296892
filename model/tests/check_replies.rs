//! Every call in every state returns what RFC 9293 §3.10.1 to §3.10.6 say, and a wrong answer or signal is noticed
//! (S23).

use lockstep_model::check::bounds::{Bounds, Move, Times};
use lockstep_model::check::endpoint::Side;
use lockstep_model::check::environments::named;
use lockstep_model::check::explore::{Explored, explore, hunt};
use lockstep_model::check::mutate::{Edit, Mutant};
use lockstep_model::check::properties::Property;
use lockstep_model::check::replies::{Situation, expected};
use lockstep_model::check::world::{Action, Witness, World};
use lockstep_model::table::Act;
use lockstep_model::{Call, Profile, Reply, Signal, State, Table, Urgency};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Every call, at the place of the script where it stands.
const CALLS: [(Move, Times); 10] = {
    const fn any(call: Call) -> (Move, Times) {
        (Move::Call(call), Times::Any)
    }
    [
        any(Call::OpenPassive),
        any(Call::OpenActive { remote: false }),
        any(Call::OpenActive { remote: true }),
        any(Call::Send { remote: false }),
        any(Call::Send { remote: true }),
        any(Call::Receive),
        any(Call::Close),
        any(Call::Release),
        any(Call::Abort),
        any(Call::Status),
    ]
};

/// What each call in each situation returned, over all states of a world.
type Answers = BTreeMap<String, BTreeSet<Option<Reply>>>;

#[derive(Default)]
struct Listener(Option<Reply>);

impl Witness for Listener {
    fn replied(&mut self, _: Side, reply: Reply) {
        self.0 = Some(reply);
    }
}

/// In the first every state is visited; in the second a CLOSE waits in CLOSE-WAIT for the window to open.
const WORLDS: [&str; 2] = ["calls", "window"];

/// All that these worlds reach.
fn found(table: &'static Table) -> Vec<(World, Explored)> {
    let world = |name| named(name, table).expect("it exists");
    WORLDS.map(world).into_iter().map(|world| (world, explore(&world, |_| {}))).collect()
}

static REPAIRED: LazyLock<Vec<(World, Explored)>> = LazyLock::new(|| found(Table::repaired()));

/// The answers of this table to every call in each of these states that are not the expected ones.
fn wrong(found: &[(World, Explored)], table: &'static Table) -> Answers {
    let mut wrong = Answers::new();
    for (world, found) in found {
        let world = World { bounds: Bounds { scripts: [&CALLS, &CALLS], ..world.bounds }, table, ..*world };
        for (state, side) in found.states.iter().flat_map(|state| Side::BOTH.map(|side| (state, side))) {
            let situation = Situation::of(&state.ends[side.index()]);
            for (&(what, _), place) in CALLS.iter().zip(0..) {
                let Move::Call(call) = what else { continue };
                let mut listener = Listener::default();
                world.apply(state, Action::Move(side, place), &mut listener);
                if listener.0 != Some(expected(call, &situation)) {
                    wrong.entry(format!("{what} in {}", situation.state)).or_default().insert(listener.0);
                }
            }
        }
    }
    wrong
}

#[test]
fn every_call_in_every_state_returns_what_the_text_says() {
    assert!(State::ALL.into_iter().all(|state| REPAIRED[0].1.visits(state)));
    assert_eq!(wrong(&REPAIRED, Table::repaired()), Answers::new());
}

/// Defect D9: §3.10.3 refuses what §3.9.1.4 promises.
#[test]
fn to_the_letter_only_text_that_came_with_the_fin_is_refused() {
    let literal = Table::of(Profile::Literal9293);
    let refused = ["CLOSING", "LAST-ACK", "TIME-WAIT"]
        .map(|state| (format!("RECEIVE in {state}"), BTreeSet::from([Some(Reply::Closing)])));
    assert_eq!(wrong(&found(literal), literal), Answers::from(refused));
}

fn mutant(edits: &'static [Edit]) -> &'static Table {
    Mutant { name: "", wrong: "", edits, falls: Property::S23, world: "calls" }.leaked_table()
}

#[test]
fn a_wrong_answer_is_noticed() {
    let twice = mutant(&[Edit::Then("close/fin-wait/again", &[Act::Reply(Reply::Ok)])]);
    let ok = BTreeSet::from([Some(Reply::Ok)]);
    let expected = ["FIN-WAIT-1", "FIN-WAIT-2"].map(|state| (format!("CLOSE in {state}"), ok.clone()));
    assert_eq!(wrong(&REPAIRED, twice), Answers::from(expected));

    let after_close = mutant(&[Edit::Drop("send/close-wait/closing")]);
    let expected = ["SEND", "SEND (remote specified)"].map(|send| (format!("{send} in CLOSE-WAIT"), ok.clone()));
    assert_eq!(wrong(&REPAIRED, after_close), Answers::from(expected));

    let unanswered = mutant(&[Edit::Then("status/other/report", &[])]);
    let nothing = |state: State| (format!("STATUS in {state}"), BTreeSet::from([None]));
    let expected = State::ALL.into_iter().filter(|&state| state != State::Closed).map(nothing);
    assert_eq!(wrong(&REPAIRED, unanswered), expected.collect());
}

/// Each told wrongly in another way: not at all, twice, unasked, by the wrong name.
const WRONG_SIGNALS: [(&str, Edit); 6] = [
    ("close", Edit::Then("rst/open/reset", &[Act::Flush, Act::Delete])),
    ("close", Edit::Then("fin/established", &[Act::AdvanceOverFin, Act::Acknowledge(Urgency::Now)])),
    ("close", Edit::Then("ack-of-fin/last-ack/acked", &[Act::Delete])),
    (
        "simultaneous-open",
        Edit::Then(
            "rst/syn-received/active",
            &[Act::Flush, Act::Signal(Signal::Refused), Act::Signal(Signal::Reset), Act::Delete],
        ),
    ),
    ("handshake", Edit::Then("rst/syn-received/passive", &[Act::ReenterListen, Act::Signal(Signal::Refused)])),
    ("calls", Edit::Then("timeout/user", &[Act::Flush, Act::Signal(Signal::Reset), Act::Delete])),
];

#[test]
fn a_wrong_signal_is_noticed() {
    for (name, edit) in WRONG_SIGNALS {
        let table = mutant(Box::leak(Box::new([edit])));
        let world = named(name, table).expect("it exists");
        assert!(hunt(&world, Property::S23).is_some(), "{} in {name}", edit.rule());
    }
}
