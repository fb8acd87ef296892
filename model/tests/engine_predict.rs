//! Header prediction does what the table does: the same to the connection, the same to the host, by the same rules.

mod common;

use common::whim::Whim;
use lockstep_model::check::environments::named;
use lockstep_model::check::explore::explore;
use lockstep_model::check::mutate::MUTANTS;
use lockstep_model::check::world::Action;
use lockstep_model::table::{Act, Flow, Next};
use lockstep_model::{
    Call, Event, Flags, Host, Mod, Prediction, Profile, Rule, Segment, Seq, SeqNum, State, Table, Tcb, Urgency, step,
};
use quickcheck::quickcheck;

/// How often segments arrived, in ESTABLISHED and anywhere, and how often they were expected.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    arrived: u32,
    established: u32,
    predicted: u32,
}

impl Tally {
    /// Both ways of one arrival; afterwards `tcb` and `host` are as the table leaves them.
    fn compare<S: SeqNum>(
        &mut self,
        prediction: &Prediction<'_>,
        table: &Table,
        (tcb, host): (&mut Tcb<S>, &mut Whim<S>),
        segment: Segment<S>,
    ) {
        let (before, mut predicted, mut other) = (*tcb, *tcb, host.clone());
        let foreseen = prediction.predict(&mut predicted, &segment, &mut other);
        if foreseen.is_none() {
            assert_eq!((&predicted, &other), (&*tcb, &*host), "what is not predicted is not touched");
        }
        let fired = step(table, tcb, Event::Arrives(segment), host);
        if let Some(foreseen) = foreseen {
            assert_eq!((foreseen, &predicted, &other), (fired, &*tcb, &*host), "{before:?} {segment}");
        }
        self.arrived += 1;
        self.established += u32::from(before.state() == State::Established);
        self.predicted += u32::from(foreseen.is_some());
    }

    fn add(&mut self, other: Tally) {
        self.arrived += other.arrived;
        self.established += other.established;
        self.predicted += other.predicted;
    }
}

/// A connection to which everything happens, `events` times. Left to itself it is seldom in ESTABLISHED, so now and then
/// another one takes its place.
fn walk<S: SeqNum>(table: &Table, seed: u64, events: u32) -> Tally {
    let prediction = Prediction::of(table);
    let (mut tcb, mut host, mut tally) = (Tcb::closed(), Whim::<S>::new(seed), Tally::default());
    for n in 0..events {
        host.change_mind();
        if n % 32 == 0 {
            tcb = established(&mut host);
        }
        match host.any_event_of_a_transfer(&tcb) {
            Some(Event::Arrives(segment)) => {
                tally.compare(&prediction, table, (&mut tcb, &mut host), segment);
            }
            Some(event) => {
                step(table, &mut tcb, event, &mut host);
            }
            None => {}
        }
    }
    tally
}

/// A connection that has opened as it should.
fn established<S: SeqNum>(host: &mut Whim<S>) -> Tcb<S> {
    let mut tcb = Tcb::closed();
    step(Table::repaired(), &mut tcb, Event::Call(Call::OpenActive { remote: true }), host);
    let syn_ack = Segment::control(S::new(0), tcb.snd_nxt(), Flags::SYN_ACK, S::len(4));
    step(Table::repaired(), &mut tcb, Event::Arrives(syn_ack), host);
    tcb
}

quickcheck! {
    fn what_is_predicted_is_what_the_table_does(seed: u64) -> bool {
        walk::<Seq>(Table::repaired(), seed, 2_000).arrived > 0
    }
}

#[test]
fn prediction_follows_every_table_a_wrong_one_too() {
    let mutants: Vec<Table> = MUTANTS.iter().map(|mutant| mutant.table()).collect();
    let profiles = Profile::ALL.map(Table::of);
    for table in profiles.into_iter().chain([Table::linux()]).chain(&mutants) {
        let tally = walk::<Mod<5>>(table, 0, 200_000);
        assert!(5 * tally.predicted > tally.established && tally.predicted > 500, "{tally:?}");
    }
}

#[test]
fn prediction_follows_a_table_in_which_any_rule_is_missing_or_does_something_else_or_leads_elsewhere() {
    let wrong: [fn(Rule) -> Option<Rule>; 6] = [
        |_| None,
        |rule| Some(Rule { then: &[], ..rule }),
        |rule| Some(Rule { then: &[Act::Acknowledge(Urgency::Now)], ..rule }),
        |rule| Some(Rule { next: Next::Stay, ..rule }),
        |rule| Some(Rule { next: Next::To(State::CloseWait), ..rule }),
        |rule| Some(Rule { flow: Flow::Done, ..rule }),
    ];
    let mut tally = Tally::default();
    for spoilt in Table::repaired().rules() {
        for change in wrong {
            let table = Table::repaired().mutate(|rule| if rule.id == spoilt.id { change(rule) } else { Some(rule) });
            tally.add(walk::<Mod<5>>(&table, 1, 2_000));
        }
    }
    assert!(tally.predicted > 30_000, "{tally:?}");
}

/// Whatever arrives anywhere in a world with text, and in one with closed windows, at a host in changing moods who always has
/// more to send.
#[test]
fn prediction_is_the_table_s_way_in_every_state_of_a_world() {
    let (mut host, mut tally, mut actions) = (Whim::new(2), Tally::default(), Vec::new());
    for world in ["data", "window"].map(|name| named(name, Table::repaired()).expect("it exists")) {
        let prediction = Prediction::of(world.table);
        for state in explore(&world, |_| {}).states.iter() {
            actions.clear();
            world.actions(state, &mut actions);
            for &action in &actions {
                if let Action::Deliver(packet) = action {
                    let mut tcb = state.ends[packet.ghost().from.other().index()].tcb;
                    host.change_mind();
                    host.queue_text();
                    tally.compare(&prediction, world.table, (&mut tcb, &mut host), packet.segment());
                }
            }
        }
    }
    assert!(tally.arrived > 100_000 && 20 * tally.predicted > tally.established, "{tally:?}");
}
