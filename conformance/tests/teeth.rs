//! Wrong tables: on a stack that runs one, some scenario fails. With the right one, the same scenarios pass.

use std::collections::BTreeSet;

use lockstep_conformance::scenario;
use lockstep_model::Table;
use lockstep_model::check::mutate::MUTANTS;

use playing::{passes, quietly};

mod playing;

/// Wrong tables that no scenario can show to be wrong, each with the reason.
const UNSEEN: &[(&str, &str)] = &[
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
