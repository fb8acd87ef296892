//! A packed connection does what it would have done unpacked: step(expand(pack(t))) = step(t).

mod common;

use common::whim::Whim;
use lockstep_model::check::environments::named;
use lockstep_model::check::explore::explore;
use lockstep_model::check::world::Action;
use lockstep_model::{
    Call, Event, Mod, Profile, Seq, SeqNum, State, SynReceivedTcb, Table, Tcb, TimeWaitTcb, Timer, step,
};
use quickcheck::quickcheck;
use std::collections::HashSet;

/// How many events happened to packed connections.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    time_wait: u32,
    syn_received: u32,
}

impl Tally {
    /// The event happens to the connection as it is and to the one that was packed.
    fn compare<S: SeqNum>(&mut self, table: &Table, tcb: &Tcb<S>, host: &Whim<S>, event: Event<S>) {
        let (time_wait, syn_received) = (TimeWaitTcb::pack(tcb), SynReceivedTcb::pack(tcb));
        if let Some(packed) = time_wait {
            assert_same(without_the_forgotten, table, (tcb, &packed.expand()), host, event);
            assert_eq!(TimeWaitTcb::pack(&packed.expand()), Some(packed));
            assert_eq!(kept(&packed.expand()), kept(tcb));
            self.time_wait += 1;
        }
        if let Some(packed) = syn_received {
            assert_eq!(packed.expand(), *tcb);
            assert_same(|tcb| tcb, table, (tcb, &packed.expand()), host, event);
            self.syn_received += 1;
        }
    }
}

/// The same happens to both, and the same is asked of the host, by the same rules; where connections are compared, it is as
/// they `appear`.
fn assert_same<S: SeqNum>(
    appear: impl Fn(Tcb<S>) -> Tcb<S>,
    table: &Table,
    (tcb, expanded): (&Tcb<S>, &Tcb<S>),
    host: &Whim<S>,
    event: Event<S>,
) {
    let outcome = |tcb: &Tcb<S>| {
        let (mut tcb, mut host) = (*tcb, host.clone());
        let fired = step(table, &mut tcb, event, &mut host);
        host.log.iter_mut().filter_map(|(_, at)| at.as_mut()).for_each(|at| *at = appear(*at));
        (fired, appear(tcb), host)
    };
    assert_eq!(outcome(expanded), outcome(tcb), "{tcb:?} {event:?}");
}

/// A connection in TIME-WAIT as it is after packing; any other as it is.
fn without_the_forgotten<S: SeqNum>(tcb: Tcb<S>) -> Tcb<S> {
    TimeWaitTcb::pack(&tcb).map_or(tcb, TimeWaitTcb::expand)
}

/// What a host can still learn from a packed connection in TIME-WAIT.
fn kept<S: SeqNum>(tcb: &Tcb<S>) -> impl PartialEq + std::fmt::Debug + use<S> {
    let marks = [tcb.is_passive(), tcb.syn_acked(), tcb.window_known(), tcb.close_queued()];
    let ended = [tcb.fin_sent(), tcb.fin_acked(), tcb.user_gone(), tcb.reopened()];
    let timers = Timer::ALL.map(|timer| tcb.armed(timer));
    (tcb.snd_una(), tcb.snd_nxt(), tcb.rcv_nxt(), tcb.max_snd_wnd(), marks, ended, timers)
}

/// Whether the connection is one that has a small form.
fn waits<S: SeqNum>(tcb: &Tcb<S>) -> bool {
    matches!(tcb.state(), State::TimeWait | State::SynReceived)
}

fn is_packed<S: SeqNum>(tcb: &Tcb<S>) -> bool {
    TimeWaitTcb::pack(tcb).is_some() != SynReceivedTcb::pack(tcb).is_some()
}

/// A connection to which everything happens, `events` times; while it can be packed, to the packed one too.
fn walk<S: SeqNum>(table: &Table, seed: u64, events: u32) -> Tally {
    let (mut tcb, mut host, mut tally) = (Tcb::closed(), Whim::<S>::new(seed), Tally::default());
    for _ in 0..events {
        host.change_mind();
        if let Some(event) = host.any_event(&tcb) {
            assert!(is_packed(&tcb) == waits(&tcb), "{tcb:?}");
            tally.compare(table, &tcb, &host, event);
            step(table, &mut tcb, event, &mut host);
        }
    }
    tally
}

quickcheck! {
    fn packing_makes_no_difference(seed: u64) -> bool {
        let Tally { time_wait, syn_received } = walk::<Seq>(Table::repaired(), seed, 5_000);
        time_wait + syn_received > 0
    }
}

/// Not so under a wrong table, which may carry over into a reopened connection what TIME-WAIT forgets.
#[test]
fn packing_makes_no_difference_under_any_table_of_a_profile_or_of_linux() {
    for table in Profile::ALL.map(Table::of).into_iter().chain([Table::linux()]) {
        let tally = walk::<Mod<5>>(table, 0, 500_000);
        assert!(tally.time_wait > 1_000 && tally.syn_received > 1_000, "{tally:?}");
    }
}

/// All that can happen to every connection that waits somewhere in a world.
fn everything_in(world: &str) -> Tally {
    let world = named(world, Table::repaired()).expect("it exists");
    let (mut seen, mut actions) = (HashSet::new(), Vec::new());
    for state in explore(&world, |_| {}).states.iter() {
        let waiting = state.ends.iter().map(|end| end.tcb).filter(waits);
        seen.extend(waiting.flat_map(|tcb| calls_and_timers().map(move |event| (tcb, event))));
        actions.clear();
        world.actions(state, &mut actions);
        for &action in &actions {
            if let Action::Deliver(packet) = action {
                let tcb = state.ends[packet.ghost().from.other().index()].tcb;
                seen.extend(waits(&tcb).then_some((tcb, Event::Arrives(packet.segment()))));
            }
        }
    }
    let (mut host, mut tally) = (Whim::new(0), Tally::default());
    for (tcb, event) in seen {
        assert!(is_packed(&tcb), "{tcb:?}");
        for _mood in 0..8 {
            host.change_mind();
            tally.compare(world.table, &tcb, &host, event);
        }
    }
    tally
}

fn calls_and_timers<S: SeqNum>() -> impl Iterator<Item = Event<S>> {
    let calls = [
        Call::OpenPassive,
        Call::OpenActive { remote: true },
        Call::OpenActive { remote: false },
        Call::Send { remote: true },
        Call::Send { remote: false },
        Call::Receive,
        Call::Close,
        Call::Release,
        Call::Abort,
        Call::Status,
    ];
    calls.into_iter().map(Event::Call).chain(Timer::ALL.into_iter().map(Event::Timeout))
}

#[test]
fn packing_makes_no_difference_anywhere_in_the_world_that_reopens() {
    let tally = everything_in("reopen");
    assert!(tally.time_wait > 100 && tally.syn_received > 100, "{tally:?}");
}

#[test]
fn packing_makes_no_difference_anywhere_in_the_world_of_simultaneous_opens() {
    let tally = everything_in("simultaneous-open");
    assert!(tally.time_wait > 100 && tally.syn_received > 100, "{tally:?}");
}
