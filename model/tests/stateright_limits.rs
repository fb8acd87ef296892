//! Where Stateright must not be taken at its word, each shown on a model of a few lines.
//!
//! The checker avoids all of these. A new version of Stateright that behaves differently makes a test fail here, and
//! its message says what may then be reconsidered.

use stateright::actor::{Actor, ActorModel, Envelope, Id, Network, Out};
use stateright::{Checker, Chooser, Expectation, Model, Property};
use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU64;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// A graph of numbers from 0 on: for each, where its actions lead; `None` refuses.
#[derive(Clone)]
struct Walk {
    steps: fn(u32) -> Vec<Option<u32>>,
    claims: Vec<Property<Walk>>,
}

impl Model for Walk {
    type State = u32;
    type Action = usize;

    fn init_states(&self) -> Vec<u32> {
        vec![0]
    }

    fn actions(&self, &state: &u32, actions: &mut Vec<usize>) {
        actions.extend(0..(self.steps)(state).len());
    }

    fn next_state(&self, &state: &u32, action: usize) -> Option<u32> {
        (self.steps)(state)[action]
    }

    fn properties(&self) -> Vec<Property<Walk>> {
        self.claims.clone()
    }
}

/// What keeps a search going to its end.
fn exhaustive() -> Property<Walk> {
    Property::always("the search is exhaustive", |_, _| true)
}

/// The last state of a long chain.
const END: u32 = 5_000;

fn never_ends() -> Property<Walk> {
    Property::always("never ends", |_, &state| state != END)
}

/// 0, 1, 2, ... to the end.
fn chain() -> Walk {
    Walk {
        steps: |state| if state < END { vec![Some(state + 1)] } else { Vec::new() },
        claims: vec![exhaustive(), never_ends()],
    }
}

#[test]
fn breadth_first_search_does_not_report_the_shortest_way() {
    let walk = Walk {
        // 1 is bad and one step away; so is 100, along a chain that begins at 2.
        steps: |state| match state {
            0 => vec![Some(1), Some(2)],
            2..100 => vec![Some(state + 1)],
            _ => Vec::new(),
        },
        claims: vec![exhaustive(), Property::always("good", |_, &state| state != 1 && state != 100)],
    };
    let found = walk.checker().spawn_bfs().join().discovery("good").expect("it is bad").into_actions().len();
    assert_eq!(
        found, 99,
        "Stateright's bfs now reports a way of {found} steps: is it the shortest? ours may be dropped"
    );
}

#[test]
fn a_search_cut_short_by_count_passes() {
    let checker = chain().checker().target_state_count(10).spawn_bfs().join();
    assert!(
        checker.is_done() && checker.discovery("never ends").is_none() && checker.unique_state_count() < 5_000,
        "Stateright no longer takes a search cut short by count for done: reconsider never to set limits"
    );
    checker.assert_properties();
    chain().checker().spawn_bfs().join().assert_any_discovery("never ends");
}

#[test]
fn a_search_cut_short_by_depth_passes() {
    let checker = chain().checker().target_max_depth(10).spawn_dfs().join();
    assert!(
        checker.is_done() && checker.discovery("never ends").is_none() && checker.unique_state_count() == 10,
        "Stateright no longer takes a search cut short by depth for done: reconsider never to set limits"
    );
    checker.assert_properties();
}

/// A binary tree whose root takes much longer than [`TIMEOUT`].
fn slow_tree() -> Walk {
    let steps = |state| {
        if state == 0 {
            sleep(4 * TIMEOUT);
        }
        if state < END { vec![Some(2 * state + 1), Some(2 * state + 2)] } else { Vec::new() }
    };
    Walk { steps, claims: vec![exhaustive(), Property::always("no leaf", |_, &state| state < 2 * END)] }
}

const TIMEOUT: Duration = Duration::from_millis(150);

/// How many states the tree has.
const TREE: usize = 10_001;

#[test]
fn a_timeout_is_ignored_by_one_thread() {
    let checker = slow_tree().checker().timeout(TIMEOUT).spawn_dfs().join();
    let states = checker.unique_state_count();
    assert_eq!(states, TREE, "Stateright's timeout now stops a single thread: does such a search still pass?");
}

#[test]
fn a_search_cut_short_by_time_passes() {
    let checker = slow_tree().checker().threads(2).timeout(TIMEOUT).spawn_bfs().join();
    assert!(
        checker.is_done() && checker.unique_state_count() < TREE,
        "Stateright no longer takes a search cut short by time for done: reconsider never to set limits"
    );
    checker.assert_no_discovery("no leaf");
}

#[test]
fn eventually_overlooks_a_cycle() {
    let arrives = || vec![exhaustive(), Property::eventually("arrives", |_, &state| state == 9)];
    let stops = Walk { steps: |state| if state == 0 { vec![Some(1)] } else { Vec::new() }, claims: arrives() };
    stops.checker().spawn_dfs().join().assert_any_discovery("arrives");
    let circles = Walk { steps: |state| vec![Some(1 - state)], claims: arrives() };
    assert!(
        circles.clone().checker().spawn_dfs().join().discovery("arrives").is_none()
            && circles.checker().spawn_bfs().join().discovery("arrives").is_none(),
        "Stateright's `eventually` now sees a cycle that never arrives: reconsider deciding liveness with it"
    );
}

#[test]
fn eventually_depends_on_the_order_of_actions_where_ways_join() {
    // From 0 to 3 by way of 1, which arrives, or of 2, which does not: so not every way arrives.
    let arrives = || vec![exhaustive(), Property::eventually("arrives", |_, &state| state == 1)];
    let join = |steps| Walk { steps, claims: arrives() }.checker().spawn_bfs().join().discovery("arrives").is_some();
    let first_arrives = join(|state| match state {
        0 => vec![Some(1), Some(2)],
        1 | 2 => vec![Some(3)],
        _ => Vec::new(),
    });
    let second_arrives = join(|state| match state {
        0 => vec![Some(2), Some(1)],
        1 | 2 => vec![Some(3)],
        _ => Vec::new(),
    });
    assert_eq!(
        (first_arrives, second_arrives),
        (false, true),
        "Stateright's `eventually` now treats joining ways otherwise: reconsider deciding liveness with it"
    );
}

/// Always chooses what comes first.
#[derive(Clone)]
struct First;

impl Chooser<Walk> for First {
    type State = ();

    fn new_state(&self, _: u64) {}
    fn choose_initial_state(&self, (): &mut (), _: &[u32]) -> usize {
        0
    }
    fn choose_action(&self, (): &mut (), _: &u32, _: &[usize]) -> usize {
        0
    }
}

#[test]
fn simulation_replays_another_way_where_an_action_was_refused() {
    let walk = Walk {
        steps: |state| if state == 0 { vec![None, Some(1), Some(2)] } else { Vec::new() },
        claims: vec![Property::always("starts", |_, &state| state == 0)],
    };
    let way = walk.checker().spawn_simulation(0, First).join().discovery("starts").expect("it leaves 0");
    assert_eq!(
        *way.last_state(),
        0,
        "Stateright's simulation now replays refused actions rightly: `next_state` might refuse in simulations"
    );
}

/// Says one word to the other, who does not listen.
struct Deaf;

impl Actor for Deaf {
    type Msg = ();
    type State = ();
    type Timer = ();
    type Random = ();
    type Storage = ();

    fn on_start(&self, id: Id, _: &Option<()>, out: &mut Out<Self>) {
        if id == Id::from(0) {
            out.send(Id::from(1), ());
        }
    }
    fn on_msg(&self, _: Id, _: &mut Cow<()>, _: Id, (): (), _: &mut Out<Self>) {}
}

#[test]
fn an_ignored_message_is_never_delivered_between_actors() {
    let model = ActorModel::new((), ())
        .actor(Deaf)
        .actor(Deaf)
        .init_network(Network::new_unordered_nonduplicating(Vec::<Envelope<()>>::new()))
        .property(Expectation::Always, "the search is exhaustive", |_, _| true)
        .property(Expectation::Sometimes, "the network is empty", |_, state| state.network.len() == 0);
    let checker = model.checker().spawn_bfs().join();
    assert!(
        checker.unique_state_count() == 1 && checker.discovery("the network is empty").is_none(),
        "Stateright's `ActorModel` now consumes ignored messages: reconsider a network of our own"
    );
}

#[test]
fn breadth_first_search_ignores_symmetry() {
    // Two digits of three values each, both counting up on their own.
    let walk = Walk {
        steps: |state| {
            let (tens, ones) = (state / 10, state % 10);
            let up = [(tens + 1, ones), (tens, ones + 1)].into_iter().filter(|&(tens, ones)| tens < 3 && ones < 3);
            up.map(|(tens, ones)| Some(10 * tens + ones)).collect()
        },
        claims: vec![exhaustive()],
    };
    let sorted = |&state: &u32| (10 * (state / 10) + state % 10).min(10 * (state % 10) + state / 10);
    let dfs = walk.clone().checker().symmetry_fn(sorted).spawn_dfs().join().unique_state_count();
    let bfs = walk.checker().symmetry_fn(sorted).spawn_bfs().join().unique_state_count();
    assert_eq!((dfs, bfs), (6, 9), "Stateright now applies symmetry otherwise: reconsider which search to use with it");
}

/// Two of these have the same hash if their last digits are the same.
#[derive(Clone, PartialEq, Debug)]
struct Blurred(u32);

impl Hash for Blurred {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.0 % 10).hash(hasher);
    }
}

struct BlurredChain;

impl Model for BlurredChain {
    type State = Blurred;
    type Action = ();

    fn init_states(&self) -> Vec<Blurred> {
        vec![Blurred(0)]
    }
    fn actions(&self, state: &Blurred, actions: &mut Vec<()>) {
        actions.extend((state.0 < 100).then_some(()));
    }
    fn next_state(&self, state: &Blurred, (): ()) -> Option<Blurred> {
        Some(Blurred(state.0 + 1))
    }
    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("below 50", |_, state: &Blurred| state.0 < 50)]
    }
}

#[test]
fn states_of_one_hash_are_taken_for_one() {
    let checker = BlurredChain.checker().spawn_dfs().join();
    assert_eq!(
        checker.unique_state_count(),
        10,
        "Stateright now compares states and not their fingerprints alone: reconsider the probability that we print"
    );
    checker.assert_properties();
}

#[test]
fn fingerprints_have_64_bits_and_are_the_same_in_every_run() {
    // Were fingerprints of another type, this would not compile: reconsider the probability that we print.
    chain().checker().spawn_on_demand().check_fingerprint(NonZeroU64::MIN);
    let way = chain().checker().spawn_dfs().join().discovery("never ends").expect("it ends");
    let encoded = way.encode(&chain());
    if std::env::var_os(CHILD).is_some() {
        println!("{encoded}");
        return;
    }
    let this = ["--exact", "fingerprints_have_64_bits_and_are_the_same_in_every_run", "--nocapture"];
    let program = std::env::current_exe().expect("it has a path");
    let again = Command::new(program).args(this).env(CHILD, "").output().expect("it runs again");
    assert!(
        String::from_utf8_lossy(&again.stdout).contains(&encoded),
        "Stateright's fingerprints now differ from run to run: its searches cannot be repeated"
    );
}

/// Tells the run of a test that another run compares itself with it.
const CHILD: &str = "LOCKSTEP_PRINT_FINGERPRINTS";

#[test]
fn a_search_for_examples_alone_stops_when_it_has_them() {
    let example = Property::sometimes("three", |_: &Walk, &state| state == 3);
    let alone = Walk { claims: vec![example.clone()], ..chain() }.checker().spawn_bfs().join().unique_state_count();
    let all = Walk { claims: vec![exhaustive(), example], ..chain() }.checker().spawn_bfs().join().unique_state_count();
    assert!(
        alone < 10 && all == 5_001,
        "Stateright now searches on when all examples are found ({alone}, {all}): `the search is exhaustive` may go"
    );
}
