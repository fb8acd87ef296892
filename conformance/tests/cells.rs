//! The matrix of configurations and stimuli.

use lockstep_conformance::cells::{self, Matrix};
use lockstep_conformance::lab::Lab;
use lockstep_conformance::verdict::Subject;

#[test]
fn lockstep_conforms_in_every_cell() {
    let lab = Lab::committed().expect("the ledger is well-formed");
    let mut matrix = Matrix::new(Subject::Lockstep);
    cells::all().into_iter().for_each(|cell| matrix.add(cells::examine(cell, Subject::Lockstep, &lab)));
    println!("{matrix}");
}
