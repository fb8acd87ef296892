//! The worlds of a report as a table in Markdown: what the README shows.

use super::report::{Report, WorldReport};
use std::fmt::Write;

/// One row for each world, and one for all of them.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut table = String::from(
        "| world | asks | environment | states | transitions | depth | properties |\n|---|---|---|--:|--:|--:|---|\n",
    );
    let [mut states, mut transitions] = [0; 2];
    for world in &report.worlds {
        states += world.states;
        transitions += world.transitions;
        table.push_str(&row(world));
    }
    // Writing to a String does not fail.
    writeln!(table, "| all | | | {} | {} | | |", grouped(states, ','), grouped(transitions, ',')).unwrap_or(());
    table
}

/// The row of a world.
#[must_use]
pub fn row(world: &WorldReport) -> String {
    let WorldReport { world: name, question, environment, states, transitions, depth, verdicts, .. } = world;
    let falls: Vec<_> = verdicts.iter().filter(|verdict| verdict.falls.is_some()).map(|it| it.property).collect();
    let verdict = match &falls[..] {
        [] => format!("all {} hold", verdicts.len()),
        falls => format!("{} of {} fall: {}", falls.len(), verdicts.len(), falls.join(" ")),
    };
    let [states, transitions] = [states, transitions].map(|&n| grouped(n, ','));
    format!("| {name} | {question} | {environment} | {states} | {transitions} | {depth} | {verdict} |\n")
}

/// A number with its thousands apart.
pub(super) fn grouped(n: usize, apart: char) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(apart);
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([7, 1_234, 183_983_736].map(|n| grouped(n, ',')), ["7", "1,234", "183,983,736"]);
    }
}
