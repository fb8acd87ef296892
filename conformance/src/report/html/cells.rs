//! The matrix: stimulus by configuration, a sign for each system in each cell.

use lockstep_model::table::Rule;
use maud::{Markup, html};

use super::Page;
use super::exhibit::{Exhibit, Shown};
use super::{rule, sign};
use crate::cells::{Cell, all};
use crate::cells::{CellOutcome, CellVerdict, Configuration, Matrix, Stimulus};
use crate::report::ladder::Side;
use crate::report::sign::Sign;
use crate::system::State;
use crate::verdict::{Failure, Subject};

/// All cells that were run, in the order of the matrix.
pub fn exhibits(page: &Page) -> Vec<Exhibit> {
    let exhibit = |(place, cell): (usize, Cell)| {
        let shown: Vec<Shown> = page.matrices.iter().filter_map(|matrix| matrix.get(cell)).map(shown).collect();
        let title = format!("{} ← {}", cell.configuration, cell.stimulus);
        let section = format!("{} {}", section_of(cell.configuration.state()), "segment arrives");
        let (command, rules) = (format!("matrix --print '{cell}'"), rules(&shown));
        (!shown.is_empty()).then(|| Exhibit { id: id(place), title, section, command, words: Vec::new(), rules, shown })
    };
    all().into_iter().enumerate().filter_map(exhibit).collect()
}

/// Its script as far as it asks: what follows the stimulus was seen.
fn asked(outcome: &CellOutcome) -> String {
    let last = outcome.ladder.iter().filter_map(|row| row.line).max().and_then(|line| usize::try_from(line).ok());
    outcome.script.lines().take(last.unwrap_or(usize::MAX)).map(|line| format!("{line}\n")).collect()
}

/// What the RFC says of it: the rules that the stimulus fired where a system does as it says.
fn rules(shown: &[Shown]) -> Vec<&'static Rule> {
    let conforming = shown.iter().find(|shown| shown.sign == Sign::Conforms);
    let stimulus = |shown: &Shown| shown.ladder.iter().rfind(|row| row.side == Side::Injected).cloned();
    let rules = conforming.and_then(stimulus).map(|row| row.rules).unwrap_or_default();
    rule::deciding(&rules)
}

fn id(place: usize) -> String {
    format!("c{place}")
}

/// Where RFC 9293 says what happens to a segment in this state.
const fn section_of(state: State) -> &'static str {
    match state {
        State::Closed => "3.10.7.1",
        State::Listen => "3.10.7.2",
        State::SynSent => "3.10.7.3",
        State::SynReceived
        | State::Established
        | State::FinWait1
        | State::FinWait2
        | State::CloseWait
        | State::Closing
        | State::LastAck
        | State::TimeWait => "3.10.7.4",
    }
}

fn shown(outcome: &CellOutcome) -> Shown {
    let (reason, failure, deviations) = match &outcome.verdict {
        CellVerdict::Conform => (None, None, Vec::new()),
        CellVerdict::Allowed => {
            (outcome.lockstep.as_ref().map(|lockstep| format!("Lockstep reacts with {lockstep}.")), None, Vec::new())
        }
        CellVerdict::Deviates { ids } | CellVerdict::Stale { ids } => (None, None, ids.clone()),
        CellVerdict::Fail { difference, divergence } => {
            let script = outcome.cell.to_string();
            (
                Some(difference.clone()),
                Some(Failure { script, difference: None, divergence: divergence.clone() }),
                Vec::new(),
            )
        }
        CellVerdict::Unreached { difference } => (
            Some(format!("The way there was left: expected {}, seen {}", difference.expected, difference.seen)),
            None,
            Vec::new(),
        ),
        CellVerdict::Skip { reason } | CellVerdict::Error { reason } => (Some(reason.clone()), None, Vec::new()),
    };
    Shown {
        subject: outcome.subject,
        system: outcome.system.clone(),
        sign: Sign::from(&outcome.verdict),
        reaction: outcome.seen.clone(),
        reason,
        failure,
        deviations,
        normalised: Vec::new(),
        script: asked(outcome),
        ladder: outcome.ladder.clone(),
    }
}

/// The table.
pub fn section(matrices: &[Matrix], exhibits: &[Exhibit]) -> Markup {
    let subjects: Vec<Subject> = matrices.iter().map(|matrix| matrix.subject).collect();
    let mut exhibits = exhibits.iter().peekable();
    html! {
        section #matrix {
            h2 { "Every stimulus in every state" }
            p.key {
                "Rows: what arrives; R is RCV.NXT, W the window that the system advertises. Columns: where. With one system "
                "chosen the reactions are written out: A an ACK, lower-case where it comes later, SA a SYN,ACK, R and RA resets, - nothing, "
                "→ the new state, ! what the user is told."
            }
            div.wide tabindex="-1" {
                table.grid.cells {
                    thead {
                        tr {
                            td {}
                            @for configuration in Configuration::ALL {
                                th scope="colgroup" colspan=(subjects.len()) data-span=(subjects.len()) title=(configuration.to_string()) { (configuration.short_name()) }
                            }
                        }
                        tr.systems {
                            td {}
                            @for _ in Configuration::ALL {
                                @for (place, subject) in subjects.iter().enumerate() {
                                    th.first[place == 0] scope="col" data-system=(subject.name()) { (subject.name()) }
                                }
                            }
                        }
                    }
                    tbody {
                        @for (row, stimulus) in Stimulus::all().enumerate() {
                            tr {
                                th scope="row" { (stimulus.name()) }
                                @for (column, _) in Configuration::ALL.iter().enumerate() {
                                    @let wanted = id(row * Configuration::ALL.len() + column);
                                    @let exhibit = exhibits.next_if(|exhibit| exhibit.id == wanted);
                                    @for (place, subject) in subjects.iter().enumerate() {
                                        td.first[place == 0] data-system=(subject.name()) { (sign::open(exhibit, *subject)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
