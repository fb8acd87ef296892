//! Every stimulus in every state: the matrix of 13 configurations and 26 stimuli, a *cell* for each pair.
//!
//! ```text
//!   configuration -- way ----------> script ----+
//!   stimulus ------- segment ----------^        |
//!                                               v
//!                             system -- trial -- reaction, trace
//!                                                  |        |
//!                                     Lockstep's reaction   oracle
//!                                                   \ verdict / ---- deviations
//! ```
//!
//! * A [`Configuration`] is a state, and how a connection got there; its way is written in the script language, each one
//!   step longer than another's. That it leads there is asserted by every cell. What R, W and the acceptable
//!   acknowledgments are there is read off the way, not written a second time.
//! * A [`Stimulus`] is a segment, placed relative to them.
//! * A [`Trial`] plays the way, asserts the state, injects the stimulus, and watches without expecting anything.
//! * The [`Reaction`] says in a few letters what was seen. It is compared, never judged: the oracle judges the whole
//!   exchange, and a [`CellVerdict`] needs both, and the ledger where a system is known to differ.
//!
//! Every cell is a script that runs alone, [`CellOutcome::script`]: the way, the assertion, the stimulus, and what was
//! seen. Where Lockstep is the system, that is what the RFC wants.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

mod configuration;
mod matrix;
mod outcome;
mod reaction;
mod stimulus;
mod trial;

pub use configuration::{Configuration, Here};
pub use matrix::Matrix;
pub use outcome::{CellOutcome, CellVerdict, examine, examine_on};
pub use reaction::Reaction;
pub use stimulus::Stimulus;
pub use trial::Trial;

/// One stimulus in one configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Cell {
    /// Where it arrives.
    pub configuration: Configuration,
    /// What arrives.
    pub stimulus: Stimulus,
}

/// All cells, stimulus by stimulus.
pub fn all() -> Vec<Cell> {
    let row = |stimulus| Configuration::ALL.into_iter().map(move |configuration| Cell { configuration, stimulus });
    Stimulus::all().flat_map(row).collect()
}

/// `FIN-WAIT-2/RST R-1`
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.configuration, self.stimulus)
    }
}

/// Why a name is that of no cell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no cell; a cell is called CONFIGURATION/STIMULUS, as `ESTABLISHED/RST R+10` is")]
pub struct NoCell(String);

impl FromStr for Cell {
    type Err = NoCell;

    /// Reads a name; the short name of the configuration will do.
    fn from_str(name: &str) -> Result<Self, NoCell> {
        let cell = || {
            let (configuration, stimulus) = name.split_once('/')?;
            Some(Self { configuration: Configuration::named(configuration)?, stimulus: Stimulus::named(stimulus)? })
        };
        cell().ok_or_else(|| NoCell(name.to_owned()))
    }
}

impl TryFrom<String> for Cell {
    type Error = NoCell;

    fn try_from(name: String) -> Result<Self, NoCell> {
        name.parse()
    }
}

impl From<Cell> for String {
    fn from(cell: Cell) -> Self {
        cell.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_cell_has_a_name_of_its_own_that_leads_back_to_it() {
        let cells = all();
        assert_eq!(cells.len(), 13 * 26);
        let names: BTreeSet<String> = cells.iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), cells.len());
        for cell in cells {
            assert_eq!(cell.to_string().parse(), Ok(cell));
            let short = format!("{}/{}", cell.configuration.short_name(), cell.stimulus);
            assert_eq!(short.parse(), Ok(cell));
        }
        for wrong in ["", "/", "ESTABLISHED", "ESTABLISHED/", "NOWHERE/RST R", "ESTABLISHED/RST"] {
            assert!(wrong.parse::<Cell>().is_err(), "{wrong}");
        }
    }
}
