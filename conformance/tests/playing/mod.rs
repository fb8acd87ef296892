//! Scenarios on stacks that may do anything.

use std::panic::{self, AssertUnwindSafe};

use lockstep_conformance::scenario::Scenario;
use lockstep_conformance::system::lockstep::Lockstep;
use lockstep_conformance::verdict::{Played, Subject, Unjudged};
use lockstep_model::Table;

pub use quiet::quietly;

#[path = "../quiet/mod.rs"]
mod quiet;

/// Whether both judges agree that a stack with this table does what the scenario says. What panics, or never ends, does not.
pub fn passes(scenario: &Scenario, table: &'static Table) -> bool {
    let script = scenario.script(&[]).expect("a script");
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
