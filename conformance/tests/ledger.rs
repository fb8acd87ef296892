//! The ledger of deviations: whole, and held together with the table, the scenarios, the cells and the RFC's text.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::PathBuf;

use lockstep_conformance::cells::Cell;
use lockstep_conformance::deviations::{Deviation, Deviations, Kind};
use lockstep_conformance::lab::Lab;
use lockstep_conformance::scenario::{self, Scenario};
use lockstep_conformance::verdict::{Subject, Verdict, examine};
use lockstep_model::Table;
use lockstep_model::table;

fn ledger() -> Deviations {
    Deviations::committed().expect("the ledger is well-formed")
}

fn of_linux(ledger: &Deviations) -> impl Iterator<Item = &Deviation> {
    ledger.entries().iter().filter(|entry| entry.system == "linux")
}

/// Twenty-five differences were measured before there was a ledger. Each has an entry; that it has something to show it,
/// the parser sees to.
#[test]
fn every_difference_that_was_measured_has_an_entry_with_the_words_it_is_held_against() {
    let ledger = ledger();
    let ids: BTreeSet<&str> = of_linux(&ledger).map(|entry| &*entry.id).collect();
    let missing: Vec<String> = (1..=25).map(|n| format!("L{n:02}")).filter(|id| !ids.contains(&**id)).collect();
    assert_eq!(missing, Vec::<String>::new());
    for entry in of_linux(&ledger) {
        assert!(entry.words.contains("RFC"), "{} quotes no RFC", entry.id);
    }
    let all: Vec<_> = ledger.entries().iter().map(|entry| (&entry.system, &entry.id)).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "each number has one entry");
}

/// A row of kind deviation has its reason here, and no choice of a system is a deviation of the table.
#[test]
fn every_row_of_kind_deviation_has_an_entry() {
    let ledger = ledger();
    let deviations: BTreeSet<&str> =
        of_linux(&ledger).filter(|entry| entry.kind == Kind::Deviation).map(|entry| &*entry.id).collect();
    for rule in Table::catalogue().rules() {
        if let table::Kind::Deviation { id } = rule.kind {
            assert!(deviations.contains(id), "{} is {id}, which has no entry", rule.name);
        }
    }
}

/// What is seen instead of what is recorded is not excused, nor the same at another line.
#[test]
fn only_what_is_recorded_is_excused() {
    let scenario = Scenario::new(scenario::folder().join("3.8.6-window/established-text-old_window.pkt"));
    let recorded = include_str!("../deviations.toml");
    let verdict = |ledger: &str| {
        let lab = Lab::new(Deviations::parse(ledger).expect("a ledger"));
        examine(&scenario, Subject::Smoltcp, &lab).verdict
    };
    assert_eq!(verdict(recorded), Verdict::Deviates { ids: vec!["S11".to_owned()] });
    for instead in ["line 23: nothing for 4.000ms", "line 24: nothing for 5.000ms"] {
        let other = recorded.replace("line 24: nothing for 4.000ms\" }", &format!("{instead}\" }}"));
        assert_ne!(other, recorded);
        assert!(matches!(verdict(&other), Verdict::Fail(_)), "{instead}");
    }
}

#[test]
fn every_scenario_and_every_cell_that_is_named_exists() {
    for entry in ledger().entries() {
        for name in entry.scenarios.iter().chain(entry.seen.keys()) {
            let file = scenario::folder().join(format!("{name}.pkt"));
            assert!(file.is_file(), "{}: there is no scenario {name}", entry.id);
        }
        for name in entry.cells.keys() {
            assert_eq!(name.parse::<Cell>().map(|cell| cell.to_string()).as_ref(), Ok(name), "{}", entry.id);
        }
    }
}

/// As the scenarios' are, those words of RFC 9293 that stand in quotation marks after their section are looked up.
#[test]
fn the_words_are_in_the_rfc() {
    let Some(folder) = env::var_os("RFC_DIR").map(PathBuf::from) else {
        return eprintln!("skipped: RFC_DIR does not name a folder of RFC texts");
    };
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace("- ", "-");
    let rfc = one_line(&fs::read_to_string(folder.join("rfc9293.txt")).expect("rfc9293.txt"));
    for entry in ledger().entries() {
        for quotation in entry.words.split("RFC 9293 §").skip(1) {
            let Some((_, words)) = quotation.split_once(": \"") else { continue };
            let words = words.split("\"; ").next().unwrap_or(words).trim_end_matches(['"', ';', ' ']);
            for words in words.split("\", \"") {
                assert!(rfc.contains(&one_line(words)), "{}: RFC 9293 does not say {words:?}", entry.id);
            }
        }
    }
}
