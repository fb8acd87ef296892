//! The matrix of configurations and stimuli.

use lockstep_conformance::cells::{self, Matrix};
use lockstep_conformance::lab::Lab;
use lockstep_conformance::verdict::Subject;

#[test]
fn lockstep_conforms_in_every_cell() {
    let lab = Lab::committed().expect("the ledger is well-formed");
    let mut matrix = Matrix::new(Subject::Lockstep);
    cells::run(&cells::all(), Subject::Lockstep, &lab, |outcome| matrix.add(outcome)).expect("no child");
    println!("{matrix}");
}
