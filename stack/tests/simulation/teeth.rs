//! Wrong tables: between two stacks that run one, something goes wrong before long. With the right one it does not.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use lockstep_model::Table;
use lockstep_model::check::mutate::MUTANTS;

use crate::SEEDS;
use crate::world::World;

/// A seed whose world does not end well, and what is said of it.
type Failure = (u64, String);

#[test]
fn every_wrong_table_fails_in_some_world() {
    silence_panics_of_hunters();
    let killers = hunt_all();
    println!("{:30} {:26} simulation", "wrong table", "model");
    for (mutant, killer) in MUTANTS.iter().zip(&killers) {
        let model = format!("{:?} in {}", mutant.falls, mutant.world);
        let said = killer.as_ref().map_or("-", |(_, said)| said);
        println!("{:30} {model:26} {said:.100}", mutant.name);
    }
    let unseen = MUTANTS.iter().zip(&killers).filter(|(_, killer)| killer.is_none());
    assert_eq!(unseen.map(|(mutant, _)| mutant.name).collect::<Vec<_>>(), [""; 0]);

    let last = killers.iter().flatten().map(|(seed, _)| *seed).max().unwrap_or_default();
    assert_eq!(first_failure(Table::repaired(), last + 1), None, "the right table fails");
}

/// What kills each wrong table, in their order.
fn hunt_all() -> Vec<Option<Failure>> {
    let killers = Mutex::new(vec![None; MUTANTS.len()]);
    let next = AtomicUsize::new(0);
    let hunt = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(mutant) = MUTANTS.get(index) else {
                return;
            };
            let killer = first_failure(mutant.leaked_table(), SEEDS);
            killers.lock().unwrap()[index] = killer;
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(hunt);
        }
    });
    killers.into_inner().unwrap()
}

/// The first failure with a seed below `seeds`.
fn first_failure(table: &'static Table, seeds: u64) -> Option<Failure> {
    HUNTS.set(true);
    let failure = (0..seeds).find_map(|seed| {
        let failed = panic::catch_unwind(AssertUnwindSafe(|| World::new(seed, table, false).run())).err()?;
        let said = failed.downcast::<String>().map_or_else(|_| "a panic".to_owned(), |said| *said);
        Some((seed, said))
    });
    HUNTS.set(false);
    failure
}

thread_local! {
    /// Whether panics are expected in this thread.
    static HUNTS: Cell<bool> = const { Cell::new(false) };
}

fn silence_panics_of_hunters() {
    let loud = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !HUNTS.get() {
            loud(info);
        }
    }));
}
