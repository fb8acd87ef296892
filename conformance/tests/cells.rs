//! The matrix of configurations and stimuli, on every system, as committed in `cells/`. After a change that is meant,
//! `INSTA_UPDATE=always cargo test -p lockstep-conformance --test cells` writes it anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockstep_conformance::cells::{self, Cell, CellVerdict, Matrix};
use lockstep_conformance::deviations::Deviations;
use lockstep_conformance::lab::Lab;
use lockstep_conformance::namespace::require;
use lockstep_conformance::script;
use lockstep_conformance::system::lockstep::Lockstep;
use lockstep_conformance::verdict::{Played, Subject};
use lockstep_model::Table;
use serde::Deserialize;

/// What Lockstep does in every cell; it conforms in all of them.
fn lockstep() -> Matrix {
    let lab = Lab::committed().expect("the ledger is well-formed");
    let mut matrix = Matrix::new(Subject::Lockstep);
    cells::all().into_iter().for_each(|cell| matrix.add(cells::examine(cell, Subject::Lockstep, &lab)));
    matrix
}

#[test]
fn lockstep_conforms_in_every_cell() {
    let matrix = lockstep();
    for outcome in matrix.outcomes() {
        assert_eq!(outcome.verdict, CellVerdict::Conform, "{}", outcome.cell);
    }
    is_as_committed("lockstep.txt", &matrix.table(false));
}

#[test]
fn linux_does_in_every_cell_what_is_committed() {
    let Some(matrix) = matrix_of("linux") else { return };
    assert!(matrix.is_green(), "{matrix}");
    chooses_as_recorded(&matrix);
    let version = matrix.system().replace(' ', "-");
    if committed(&format!("{version}.txt")).exists() || is_to_be_updated() {
        is_as_committed(&format!("{version}.txt"), &matrix.table(false));
    } else {
        println!("no matrix of {version} is committed");
    }
}

#[test]
fn smoltcp_does_in_every_cell_what_is_committed() {
    let matrix = matrix_of("smoltcp").expect("it needs nothing");
    assert!(matrix.is_green(), "{matrix}");
    chooses_as_recorded(&matrix);
    is_as_committed("smoltcp-0.14.txt", &matrix.table(false));
}

/// An entry of kind choice excuses nothing, so that nothing else holds it against what the system does.
fn chooses_as_recorded(matrix: &Matrix) {
    let ledger = Deviations::committed().expect("the ledger is well-formed");
    for entry in ledger.choices(matrix.system()) {
        for (name, recorded) in &entry.cells {
            let outcome = matrix.get(name.parse().expect("a cell")).expect("every cell was run");
            assert_eq!(outcome.seen.as_ref(), Some(recorded), "{}: {name}", entry.id);
        }
    }
}

/// The matrix of a system as the program finds it, which starts itself again for that; nothing where there is no namespace
/// for the kernel.
fn matrix_of(system: &str) -> Option<Matrix> {
    let json = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cells_of_{system}.json"));
    let output = Command::new(env!("CARGO_BIN_EXE_lockstep-conformance"))
        .args(["matrix", "--system", system, "--json"])
        .arg(&json)
        .output()
        .expect("the program starts");
    let told = String::from_utf8_lossy(&output.stdout);
    if require::skip_with(require::NETNS, &told).expect("nobody demands it") {
        return None;
    }
    let found = fs::read_to_string(json).expect("JSON was written");
    let Found { mut matrices } = serde_json::from_str(&found).expect("it is JSON");
    let matrix = matrices.pop().expect("one system, one matrix");
    assert_eq!(output.status.success(), matrix.is_green(), "{told}");
    Some(matrix)
}

/// What the program found.
#[derive(Deserialize)]
struct Found {
    matrices: Vec<Matrix>,
}

/// Every script that is printed is one, and runs alone.
#[test]
fn every_cell_is_a_script_that_lockstep_meets_again() {
    for outcome in lockstep().outcomes() {
        let script = script::parse(&outcome.cell.to_string(), &outcome.script).expect("a script");
        let printed = script::parse(&script.name, &script.to_string()).expect("a script");
        let without_places = |script: &script::Script| script.to_string();
        assert_eq!(without_places(&printed), without_places(&script), "{}", outcome.cell);
        let mut system = Lockstep::new(1500, Table::repaired()).expect("a stack");
        let terms = Subject::Lockstep.terms(&system);
        let played = Played::new(&script, &mut system, &terms).expect("it can be run");
        assert!(played.conforms(), "{:?}\n{}", played.run.end, outcome.script);
    }
}

/// What the ledger says of a cell is said of one that there is.
#[test]
fn the_ledger_names_cells() {
    let ledger = Deviations::committed().expect("the ledger is well-formed");
    for name in ledger.entries().iter().flat_map(|entry| entry.cells.keys()) {
        let cell: Cell = name.parse().expect("a cell");
        assert_eq!(cell.to_string(), *name, "the name is written in full");
    }
}

/// Compares a text with the one that is committed.
fn is_as_committed(name: &str, text: &str) {
    let path = committed(name);
    if is_to_be_updated() {
        fs::write(&path, text).expect("it can be written");
    }
    let before = fs::read_to_string(&path).expect("it is committed");
    let (before, after): (BTreeSet<_>, BTreeSet<_>) = (before.lines().collect(), text.lines().collect());
    let new: Vec<_> = after.difference(&before).collect();
    let gone: Vec<_> = before.difference(&after).collect();
    assert!(new.is_empty() && gone.is_empty(), "{name}: these lines are new:\n{new:#?}\nthese are gone:\n{gone:#?}");
}

fn committed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cells").join(name)
}

fn is_to_be_updated() -> bool {
    std::env::var("INSTA_UPDATE").is_ok_and(|value| value == "always")
}
