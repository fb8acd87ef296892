//! Each named wrong table is caught by the property that it is named for.

use lockstep_model::Table;
use lockstep_model::check::environments::named;
use lockstep_model::check::explore::{explore, hunt};
use lockstep_model::check::liveness::decide;
use lockstep_model::check::mutate::{MUTANTS, Mutant};
use lockstep_model::check::properties::Property;
use std::collections::BTreeSet;

fn is_caught(mutant: &Mutant) -> bool {
    let world = named(mutant.world, mutant.leaked_table()).expect("its world exists");
    assert!(world.properties.contains(&mutant.falls), "{}: its world decides its property", mutant.name);
    if mutant.falls.is_safety() {
        hunt(&world, mutant.falls).is_some()
    } else {
        decide(&world, &explore(&world, |_| {}), mutant.falls).is_some()
    }
}

#[test]
fn every_wrong_table_is_caught() {
    let survivors: Vec<_> = MUTANTS.iter().filter(|mutant| !is_caught(mutant)).map(|mutant| mutant.name).collect();
    assert_eq!(survivors, [""; 0]);
}

#[test]
fn there_are_twenty_wrong_tables_with_names_of_their_own() {
    let names: BTreeSet<_> = MUTANTS.iter().map(|mutant| mutant.name).collect();
    assert!(MUTANTS.len() >= 20 && names.len() == MUTANTS.len());
}

#[test]
fn every_edit_changes_the_table() {
    for mutant in MUTANTS {
        for edit in mutant.edits {
            assert!(Table::catalogue().named(edit.rule()).is_some(), "{}: no rule {}", mutant.name, edit.rule());
        }
        let [wrong, right] = [mutant.table(), Table::repaired().clone()].map(|table| format!("{:?}", table.rules()));
        assert!(wrong != right, "{}: nothing is wrong with it", mutant.name);
    }
}

#[test]
fn every_property_is_broken_by_some_wrong_table_but_for_s4() {
    let broken: BTreeSet<_> = MUTANTS.iter().map(|mutant| mutant.falls).collect();
    let unbroken: Vec<_> = Property::ALL.into_iter().filter(|property| !broken.contains(property)).collect();
    use Property::*;
    let without = [S4];
    assert_eq!(unbroken, without, "the buffers keep octets in place whatever the table does; see the negatives");
}
