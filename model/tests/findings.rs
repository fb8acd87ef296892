//! The page of findings says what is so: its ladders and its matrix are the generated ones, its rules exist, its quotations
//! are the RFC's words, and no defect that the table repairs is missing. `FINDINGS_UPDATE=1` writes what is generated.

use lockstep_model::Table;
use lockstep_model::check::matrix::{self, CELLS, Cell};
use lockstep_model::check::negatives::{CASES, Case, DEFECTS};
use lockstep_model::table::Kind;
use std::collections::BTreeSet;
use std::path::Path;

const PAGE: &str = include_str!("../FINDINGS.md");

/// Before each generated block, with its name.
const MARK: &str = "<!-- generated: ";

#[test]
fn what_is_generated_is_up_to_date() {
    let mut page = String::new();
    let mut rest = PAGE;
    while let Some((before, from_name)) = rest.split_once(MARK) {
        let (name, from_block) = from_name.split_once(" -->\n").expect("a mark ends");
        let empty = from_block.strip_prefix('\n');
        let after = empty.or_else(|| Some(from_block.split_once("\n\n")?.1)).expect("an empty line ends a block");
        page += &format!("{before}{MARK}{name} -->\n{}\n\n", block(name).trim_end());
        rest = after;
    }
    page += rest;
    if std::env::var_os("FINDINGS_UPDATE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("FINDINGS.md");
        return std::fs::write(path, page).expect("it can be written");
    }
    assert!(page == PAGE, "FINDINGS.md is out of date: FINDINGS_UPDATE=1 cargo test --test findings");
}

/// What belongs under this name: the matrix, or the ladder of a case, `D1 S17`, empty lines left out.
fn block(name: &str) -> String {
    if name == "matrix" {
        return matrix::markdown(&CELLS.map(Cell::find));
    }
    let (id, property) = name.split_once(' ').expect("a case and a property");
    let falls = |case: &&Case| case.falls.iter().any(|falls| falls.id() == property);
    let case = DEFECTS.iter().chain(CASES).filter(|case| case.id == id).find(falls).expect("a case of this name");
    let shown = case.show();
    let (_, falls) = shown.falls.into_iter().find(|(falls, _)| falls.id() == property).expect("it was asked");
    let falls = falls.expect("it falls");
    let steps = match falls.round {
        0 => format!("{property} falls after {} steps", falls.steps),
        round => format!("{property} falls: the last {round} steps for ever"),
    };
    let ladder = falls.ladder.to_string();
    let lines = ladder.lines().filter(|line| !line.trim().is_empty());
    format!("```text\n{steps}. {}\n{}\n```", case.variant, lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn every_defect_that_the_table_repairs_has_a_section_and_every_case_a_ladder() {
    let repaired = Table::catalogue().rules().iter().filter_map(|rule| match rule.kind {
        Kind::Repair { defect, .. } => Some(defect),
        Kind::Literal | Kind::Erratum(_) | Kind::Updated(_) | Kind::Deviation { .. } => None,
    });
    for defect in repaired.chain(["D4", "D7"]) {
        assert!(PAGE.lines().any(|line| line.starts_with(&format!("### {defect}: "))), "{defect} has no section");
    }
    for case in DEFECTS {
        assert!(PAGE.contains(&format!("{MARK}{} ", case.id)), "{} has no ladder", case.id);
        assert!(case.show().is_as_expected(), "{}", case.show());
    }
}

#[test]
fn every_rule_that_it_names_exists() {
    let named: BTreeSet<_> = PAGE.split('`').skip(1).step_by(2).filter(|code| is_rule_name(code)).collect();
    let unknown: Vec<_> = named.iter().filter(|name| Table::catalogue().named(name).is_none()).collect();
    assert!(named.len() > 20 && unknown.is_empty(), "{unknown:?}");
}

fn is_rule_name(code: &str) -> bool {
    let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte == b'-' || byte.is_ascii_alphanumeric());
    code.contains('/') && code.split('/').all(word) && code.bytes().all(|byte| !byte.is_ascii_uppercase())
}

/// A quotation is a line that begins with `> "` and ends with the section.
#[test]
fn its_quotations_are_the_words_of_the_rfc() {
    let quotations: Vec<&str> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("> \"")?.rsplit_once("\" (§").map(|(quote, _)| quote))
        .collect();
    assert!(quotations.len() >= 12, "{} quotations", quotations.len());
    let Some(folder) = std::env::var_os("RFC_DIR") else {
        return;
    };
    let text = std::fs::read_to_string(Path::new(&folder).join("rfc9293.txt")).expect("RFC_DIR has rfc9293.txt");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = words(&text);
    for quote in quotations {
        assert!(text.contains(&words(quote)), "not in RFC 9293: {quote}");
    }
}
