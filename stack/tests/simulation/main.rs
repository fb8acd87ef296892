//! Two stacks, a bad network, users who do anything, an attacker and a power cut, from one seed each.
//!
//! Every byte is compared at its offset in its stream; nothing stalls; nothing is left over in the end; and all of this
//! together makes every rule of the table fire but those on a committed list. An observer watches what the stacks say; wrong
//! tables show that he, or somebody, notices.
//!
//! `LOCKSTEP_SEED=n` runs one seed and tells its story, `LOCKSTEP_SEEDS=n` runs so many.

mod attacker;
#[path = "../common/coverage.rs"]
mod coverage;
mod observer;
mod teeth;
mod user;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use lockstep_model::Table;
use world::{Outcome, World};

const SEEDS: u64 = 1_000;

#[test]
fn every_byte_arrives_nothing_stalls_and_nothing_is_left() {
    let total = match seed("LOCKSTEP_SEED") {
        Some(seed) => World::new(seed, Table::repaired(), true).run(),
        None => run_all(seed("LOCKSTEP_SEEDS").unwrap_or(SEEDS)),
    };
    println!("{total}");
    if seed("LOCKSTEP_SEED").is_none() {
        let fired = total.fired.keys().copied().collect();
        coverage::every_rule_fired_but(&[coverage::UNSAYABLE, coverage::UNSEEN_IN_SIMULATION], &fired);
    }
}

fn seed(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn run_all(seeds: u64) -> Outcome {
    let next = AtomicU64::new(0);
    let total = Mutex::new(Outcome::default());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    let outcome = World::new(seed, Table::repaired(), false).run();
                    add(&mut total.lock().unwrap(), outcome);
                }
            });
        }
    });
    total.into_inner().unwrap()
}

fn add(total: &mut Outcome, other: Outcome) {
    for (rule, count) in other.fired {
        *total.fired.entry(rule).or_default() += count;
    }
    for (failure, count) in other.failures {
        *total.failures.entry(failure).or_default() += count;
    }
    total.worlds += other.worlds;
    total.connections += other.connections;
    total.octets += other.octets;
    total.virtual_time += other.virtual_time;
    total.most_events = total.most_events.max(other.most_events);
}
