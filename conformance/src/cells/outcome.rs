//! What a cell says of a system.

use std::path::Path;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use super::{Cell, Reaction, Stimulus, Trial};
use crate::deviations::{Deviation, Deviations};
use crate::lab::Lab;
use crate::oracle::{self, Judgement, Terms};
use crate::report::ladder;
use crate::run::{Difference, End};
use crate::system::{ETHERNET_MTU, Fault, System};
use crate::verdict::{Divergence, Subject};

/// A cell on a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellOutcome {
    /// The cell.
    pub cell: Cell,
    /// The system.
    pub subject: Subject,
    /// The system's own name with its version, if it got so far.
    pub system: Option<String>,
    /// How it reacted, if it came so far.
    pub seen: Option<String>,
    /// How Lockstep reacts.
    pub lockstep: Option<String>,
    /// What it says.
    pub verdict: CellVerdict,
    /// The exchange.
    pub ladder: Vec<ladder::Row>,
    /// What was done and seen, as a script.
    pub script: String,
    /// How often it was tried: in real time a machine with too much to do may spoil the first attempt.
    pub attempts: u32,
}

impl CellOutcome {
    fn new(cell: Cell, subject: Subject, verdict: CellVerdict) -> Self {
        let (ladder, script) = (Vec::new(), String::new());
        Self { cell, subject, system: None, seen: None, lockstep: None, verdict, ladder, script, attempts: 1 }
    }

    /// One that says that the harness failed, and how.
    pub fn error(cell: Cell, subject: Subject, reason: String) -> Self {
        Self::new(cell, subject, CellVerdict::Error { reason })
    }

    /// Writes its script into a folder below this one, that of its configuration.
    ///
    /// # Errors
    ///
    /// If the folder or the file cannot be made.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let plain = |name: &str| name.replace([' ', ',', '(', '='], "_").replace(')', "");
        let folder = folder.join(plain(&self.cell.configuration.to_string()));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(plain(self.cell.stimulus.name()) + ".pkt"), &self.script)
    }
}

/// What a cell says of a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum CellVerdict {
    /// It reacts as Lockstep does, and the table explains that.
    Conform,
    /// It reacts otherwise, and the table explains that too: where the RFC leaves a choice, it took another.
    Allowed,
    /// It differs, in a way that is known.
    Deviates {
        /// The numbers of the deviations.
        ids: Vec<String>,
    },
    /// It differs.
    Fail {
        /// How.
        difference: String,
        /// What the oracle cannot explain, if there is something.
        divergence: Option<Divergence>,
    },
    /// It reacts as Lockstep does, and the ledger says that it does not.
    Stale {
        /// The entries.
        ids: Vec<String>,
    },
    /// The way does not lead there on this system, as the RFC allows, so that nothing is known.
    Unreached {
        /// Where it left the way.
        difference: Difference,
    },
    /// The system has no such thing as the way needs.
    Skip {
        /// What it lacks.
        reason: String,
    },
    /// The harness failed.
    Error {
        /// How.
        reason: String,
    },
}

impl CellVerdict {
    /// Whether it is as it should be.
    pub const fn is_green(&self) -> bool {
        match self {
            Self::Conform | Self::Allowed | Self::Deviates { .. } | Self::Skip { .. } => true,
            Self::Fail { .. } | Self::Stale { .. } | Self::Unreached { .. } | Self::Error { .. } => false,
        }
    }
}

/// Runs a cell on a fresh system of this sort, and on Lockstep, with which it is compared.
pub fn examine(cell: Cell, subject: Subject, lab: &Lab) -> CellOutcome {
    match subject.system(ETHERNET_MTU, lab) {
        Ok(mut system) => {
            let terms = subject.terms(system.as_ref());
            examine_on(system.as_mut(), cell, subject, &terms, &lab.deviations)
        }
        Err(fault) => CellOutcome::new(cell, subject, fault.into()),
    }
}

/// Runs a cell on this fresh system, which passes for one of that sort, on these terms.
pub fn examine_on(
    system: &mut dyn System,
    cell: Cell,
    subject: Subject,
    terms: &Terms,
    ledger: &Deviations,
) -> CellOutcome {
    let mut outcome = CellOutcome::error(cell, subject, "it was not run".to_owned());
    outcome.verdict = outcome.judge(system, terms, ledger).unwrap_or_else(CellVerdict::from);
    outcome
}

impl CellOutcome {
    fn judge(&mut self, system: &mut dyn System, terms: &Terms, ledger: &Deviations) -> Result<CellVerdict, Fault> {
        let Trial { text, trace, reaction } = Trial::on(system, self.cell);
        let name = self.system.insert(system.name().to_owned());
        self.script = text;
        let (judgement, reasons) = oracle::explain(&trace, terms);
        self.ladder = ladder::draw(&trace, &reasons);
        let seen = match reaction {
            Ok(seen) => seen,
            Err(end) => return Ok(unreached(end, &judgement)),
        };
        let model = match on_lockstep(self.cell)? {
            Ok(model) => model,
            Err(end) => return Ok(unreached(end, &judgement)),
        };
        self.seen = Some(seen.to_string());
        self.lockstep = Some(model.to_string());
        Ok(match ledger.of_cell(name, &self.cell.to_string()) {
            Some((entry, recorded)) => compare_recorded(&seen, &model, &judgement, entry, recorded),
            None => {
                let is_told_as_due = is_told_as_due(self.cell, &seen, &model)?;
                compare(&seen, &model, &judgement, is_told_as_due, |id| ledger.has(name, id))
            }
        })
    }
}

/// What Lockstep does in a cell.
fn on_lockstep(cell: Cell) -> Result<Result<Reaction, End>, Fault> {
    let mut lockstep = Subject::Lockstep.system(ETHERNET_MTU, &Lab::default())?;
    Ok(Trial::on(lockstep.as_mut(), cell).reaction)
}

/// Whether the user is told what Lockstep tells him, or of an end that Lockstep does not tell him of. The table knows no
/// error numbers. A system that takes a reset where Lockstep is more careful is to tell what Lockstep tells of the
/// reset that it takes.
fn is_told_as_due(cell: Cell, seen: &Reaction, model: &Reaction) -> Result<bool, Fault> {
    let reset = Cell { stimulus: Stimulus::RESET, ..cell };
    let due = if seen.state == model.state { model.error } else { on_lockstep(reset)?.ok().and_then(|it| it.error) };
    Ok(seen.error == due || due.is_none())
}

/// Brings together what was seen, what Lockstep does, and what the oracle says. A row of kind deviation explains only what
/// the ledger has the reason of.
fn compare(
    seen: &Reaction,
    model: &Reaction,
    judgement: &Judgement,
    is_told_as_due: bool,
    is_known: impl Fn(&str) -> bool,
) -> CellVerdict {
    match judgement.needs() {
        None => fail(format!("{seen} has no explanation"), judgement),
        Some(needed) if !needed.iter().all(|id| is_known(id)) => {
            let needed: Vec<&str> = needed.into_iter().collect();
            fail(format!("{seen} is {}, of which the ledger knows nothing", needed.join(" ")), judgement)
        }
        Some(needed) if !needed.is_empty() => {
            CellVerdict::Deviates { ids: needed.into_iter().map(str::to_owned).collect() }
        }
        Some(_) if seen.to_string() == model.to_string() => CellVerdict::Conform,
        Some(_) if is_told_as_due => CellVerdict::Allowed,
        Some(_) => fail(format!("{seen}: the user is told otherwise than with {model}"), judgement),
    }
}

/// The same where the ledger has an entry for this very cell, which records a reaction.
fn compare_recorded(
    seen: &Reaction,
    model: &Reaction,
    judgement: &Judgement,
    entry: &Deviation,
    recorded: &str,
) -> CellVerdict {
    let ids = vec![entry.id.clone()];
    let conforms = judgement.needs().is_some_and(|needed| needed.is_empty());
    if conforms && seen.to_string() == model.to_string() {
        CellVerdict::Stale { ids }
    } else if seen.to_string() == recorded && judgement.is_excused_by(&[entry]) {
        CellVerdict::Deviates { ids }
    } else if seen.to_string() == recorded {
        fail(format!("{seen} is recorded of {}, which does not explain the exchange", entry.id), judgement)
    } else {
        fail(format!("{seen} is not {recorded}, which is recorded of {}", entry.id), judgement)
    }
}

fn fail(difference: String, judgement: &Judgement) -> CellVerdict {
    CellVerdict::Fail { difference, divergence: judgement.divergence() }
}

/// What a run says that ended before there was a reaction.
fn unreached(end: End, judgement: &Judgement) -> CellVerdict {
    match end {
        End::Differs(difference) if judgement.needs().is_some() => CellVerdict::Unreached { difference },
        End::Differs(Difference { expected, seen, .. }) => fail(format!("wanted {expected}, seen {seen}"), judgement),
        End::Skipped(reason) => CellVerdict::Skip { reason },
        End::Broken(reason) => CellVerdict::Error { reason },
        End::Completed => CellVerdict::Error { reason: "it ended without a reaction".to_owned() },
    }
}

/// The system could not even be made.
impl From<Fault> for CellVerdict {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unsupported(lack) => Self::Skip { reason: lack.to_string() },
            Fault::Harness { .. } | Fault::Lost { .. } | Fault::Command { .. } => {
                Self::Error { reason: fault.to_string() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lockstep_model::Table;

    use super::*;
    use crate::system::State;

    fn silent(state: Option<State>) -> Reaction {
        Reaction { at_once: Vec::new(), later: Vec::new(), state, error: None }
    }

    fn explained_by(names: &[&str]) -> Judgement {
        let rule = |name: &&str| Table::catalogue().rules().iter().find(|rule| rule.name == *name).expect("a rule").id;
        Judgement::Explained { deviations: names.iter().map(rule).collect() }
    }

    /// The letters say neither numbers nor what came before: the oracle has to agree.
    #[test]
    fn a_recorded_reaction_is_expected_only_as_far_as_its_row_explains_the_exchange() {
        let diverged = oracle::Divergence {
            connection: None,
            index: 0,
            seen: String::new(),
            expected: BTreeSet::new(),
            rules: Vec::new(),
        };
        let diverged = Judgement::Diverged(diverged);
        let verdict = |id: &str, judgement: &Judgement| {
            let entry = format!(
                "[[deviation]]\nid = '{id}'\nsystem = 'linux'\nreason = 'a test'\nsource = 'a test'\n\
                 cells = {{ 'LISTEN/SYN,FIN' = '-→CLO' }}"
            );
            let ledger = Deviations::parse(&entry).expect("a ledger");
            let (entry, recorded) = ledger.of_cell("linux 6.18", "LISTEN/SYN,FIN").expect("an entry");
            compare_recorded(&silent(Some(State::Closed)), &silent(None), judgement, entry, recorded)
        };
        let deviates = |id: &str| CellVerdict::Deviates { ids: vec![id.to_owned()] };
        assert_eq!(verdict("L03", &explained_by(&["linux/listen/syn-fin-dropped"])), deviates("L03"));
        assert_eq!(verdict("S99", &diverged), deviates("S99"), "no row could explain it");
        assert!(matches!(verdict("L03", &diverged), CellVerdict::Fail { .. }), "the row should have");
        let other = explained_by(&["linux/sequence/right-edge"]);
        assert!(matches!(verdict("L03", &other), CellVerdict::Fail { .. }), "another row does");
    }
}
