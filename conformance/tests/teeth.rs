//! Wrong tables: on a stack that runs one, some scenario fails. With the right one, the same scenarios pass.

use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};

use lockstep_conformance::scenario::{self, Scenario};
use lockstep_conformance::system::lockstep::Lockstep;
use lockstep_conformance::verdict::{Played, Subject, Unjudged};
use lockstep_model::Table;
use lockstep_model::check::mutate::MUTANTS;

/// Wrong tables that no scenario can show to be wrong, each with the reason.
const UNSEEN: &[(&str, &str)] = &[
    ("orphan-without-timer", "the letter of RFC 9293 knows no timer in FIN-WAIT-2; only that it never ends is wrong"),
    (
        "close-in-syn-received",
        "it is the letter of RFC 9293 §3.10.4, which no judge may hold against a system; only variables are wrong",
    ),
    (
        "passive-end-is-refused",
        "a listener forks: a refused child is forgotten in LISTEN as it is in CLOSED, and the listener remains",
    ),
];

#[test]
fn every_wrong_table_fails_in_some_scenario() {
    let scenarios = scenario::find(&scenario::folder()).expect("there are scenarios");
    let first_failure = |table| scenarios.iter().find(|scenario| !passes(scenario, table));
    assert_eq!(first_failure(Table::repaired()), None, "the right table fails");

    let mut unseen = BTreeSet::new();
    println!("{:30} {:26} conformance", "wrong table", "model");
    for mutant in MUTANTS {
        let killer = quietly(|| first_failure(mutant.leaked_table()));
        let model = format!("{:?} in {}", mutant.falls, mutant.world);
        println!("{:30} {model:26} {}", mutant.name, killer.map_or("-", |scenario| &scenario.name));
        if killer.is_none() {
            unseen.insert(mutant.name);
        }
    }
    assert_eq!(unseen, UNSEEN.iter().map(|(name, _)| *name).collect());
}

/// Whether both judges agree that a stack with this table does what the scenario says. What panics, or never ends, does not.
fn passes(scenario: &Scenario, table: &'static Table) -> bool {
    let script = scenario.script().expect("a script");
    let play = || {
        let mut system = Lockstep::new(script.mtu(), table).expect("a stack");
        let terms = Subject::Lockstep.terms(&system);
        Played::new(&script, &mut system, &terms).map(|played| played.conforms())
    };
    match panic::catch_unwind(AssertUnwindSafe(play)) {
        Ok(Ok(conforms)) => conforms,
        Ok(Err(Unjudged::Skip(_))) => true,
        Ok(Err(Unjudged::Error(_))) | Err(_) => false,
    }
}

/// Does something whose panics are expected. This is the only test of its process.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let loud = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = work();
    panic::set_hook(loud);
    result
}
