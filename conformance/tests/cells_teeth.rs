//! Wrong tables: on a stack that runs one, some cell turns red, unless it takes more than a way and one segment to show
//! what is wrong.

use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};

use lockstep_conformance::cells::{self, Cell, CellVerdict, examine_on};
use lockstep_conformance::deviations::Deviations;
use lockstep_conformance::system::lockstep::Lockstep;
use lockstep_conformance::verdict::Subject;
use lockstep_model::Table;
use lockstep_model::check::mutate::MUTANTS;

use quiet::quietly;

mod quiet;

/// What a cell lacks to show that a table is wrong, and the tables that are wrong only there.
const UNSEEN: &[(&str, &[&str])] = &[
    (
        "a time-out: none is waited for",
        &[
            "no-retransmission",
            "no-zero-window-probe",
            "orphan-without-timer",
            "syn-ack-sent-once",
            "syn-without-timer",
            "time-wait-without-timer",
        ],
    ),
    (
        "a call of the user: none comes after the stimulus",
        &["aborter-enters-time-wait", "close-in-syn-received", "send-after-close"],
    ),
    (
        "another number: no stimulus acknowledges our SYN or FIN but not all, and no FIN comes with a bad ACK",
        &["ack-of-nothing-establishes", "bad-ack-falls-through", "last-ack-ends-at-any-ack"],
    ),
    (
        "a second segment",
        &["closed-window-closes", "fin-out-of-order", "reopening-forgets", "unthrottled-acks", "window-never-updated"],
    ),
    ("a listener that does not fork: this one remains in LISTEN", &["passive-end-is-refused"]),
];

#[test]
fn wrong_tables_turn_cells_red() {
    assert_eq!(red_cells(Table::repaired()), Vec::<Cell>::new(), "the right table");
    let mut unseen = BTreeSet::new();
    println!("{:30} cells that turn red", "wrong table");
    for mutant in MUTANTS {
        let red = quietly(|| red_cells(mutant.leaked_table()));
        let first = red.first().map_or_else(|| "-".to_owned(), ToString::to_string);
        println!("{:30} {:3} {first}", mutant.name, red.len());
        if red.is_empty() {
            unseen.insert(mutant.name);
        }
    }
    assert_eq!(unseen, UNSEEN.iter().flat_map(|(_, names)| *names).copied().collect());
}

/// The cells in which a stack with this table does not what Lockstep does, or not what a table explains. One that panics,
/// or never ends, does neither.
fn red_cells(table: &'static Table) -> Vec<Cell> {
    let ledger = Deviations::default();
    let conforms = |cell: &Cell| {
        let examine = || {
            let mut system = Lockstep::new(1500, table).expect("a stack");
            let terms = Subject::Lockstep.terms(&system);
            examine_on(&mut system, *cell, Subject::Lockstep, &terms, &ledger).verdict == CellVerdict::Conform
        };
        panic::catch_unwind(AssertUnwindSafe(examine)).unwrap_or(false)
    };
    cells::all().into_iter().filter(|cell| !conforms(cell)).collect()
}
