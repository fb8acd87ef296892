//! Every rule's words stand in the document, and in the section, that it cites; and every rule has a name to last.

use lockstep_model::Table;
use lockstep_model::table::{Cite, Doc};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

/// The folder of the documents, as `rfc9293.txt`.
const FOLDER: &str = "RFC_DIR";

#[test]
fn the_words_of_every_citation_stand_in_the_section_it_names() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return say(&format!("citations: skipped, since {FOLDER} names no folder of RFC texts"));
    };
    let documents = documents(Path::new(&folder));
    let mut unchecked = BTreeSet::new();
    let mut checked = 0;
    let mut wrong = Vec::new();
    for rule in Table::catalogue().rules() {
        for cite in rule.cite {
            match documents.get(&cite.doc.number()) {
                None => _ = unchecked.insert(cite.doc.number()),
                Some(text) => {
                    checked += 1;
                    wrong.extend(fault(text, cite).map(|fault| format!("{}: {fault}: {cite}", rule.name)));
                }
            }
        }
    }
    if !unchecked.is_empty() {
        let names: Vec<String> = unchecked.iter().map(|number| format!("RFC {number}")).collect();
        say(&format!("citations: unchecked, since {FOLDER} lacks the text: {}", names.join(", ")));
    }
    assert!(checked > 0, "{FOLDER} has none of the documents that the table cites");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_cites() {
    for rule in Table::catalogue().rules() {
        assert!(!rule.cite.is_empty(), "{}", rule.name);
        assert!(rule.cite.iter().all(|cite| cite.quote.len() >= 10), "{}: a few words identify nothing", rule.name);
    }
}

/// `check/class/what`: two parts or more, of lower-case words, the same for as long as the rule is meant.
#[test]
fn names_are_unique_and_made_of_lower_case_words() {
    let mut seen = BTreeSet::new();
    for rule in Table::catalogue().rules() {
        assert!(seen.insert(rule.name), "{}: twice", rule.name);
        let parts: Vec<&str> = rule.name.split('/').collect();
        assert!((2..=3).contains(&parts.len()), "{}: is no check/class/what", rule.name);
        for word in parts.iter().flat_map(|part| part.split('-')) {
            assert!(!word.is_empty(), "{}: an empty word", rule.name);
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{}", rule.name);
        }
    }
}

/// Past the test harness, which keeps what is printed to itself.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("standard error can be written to");
}

fn fault(text: &str, cite: &Cite) -> Option<&'static str> {
    let Some(section) = section(text, cite.section) else {
        return Some("no such section");
    };
    if flat(&section).contains(&flat(cite.quote)) {
        None
    } else if flat(text).contains(&flat(cite.quote)) {
        Some("the words stand in another section")
    } else {
        Some("no such words")
    }
}

/// The texts found in the folder, without their page breaks, by number.
fn documents(folder: &Path) -> BTreeMap<u32, String> {
    [Doc::Rfc793, Doc::Rfc1122, Doc::Rfc1337, Doc::Rfc5961, Doc::Rfc6191, Doc::Rfc7323, Doc::Rfc9293]
        .into_iter()
        .filter_map(|doc| {
            let text = std::fs::read_to_string(folder.join(format!("rfc{}.txt", doc.number()))).ok()?;
            Some((doc.number(), without_page_breaks(&text)))
        })
        .collect()
}

/// Drops the foot of each page, and what is repeated at the head of the next.
fn without_page_breaks(text: &str) -> String {
    let pages = text.split('\u{c}').enumerate().map(|(number, page)| {
        let lines = page.lines().filter(|line| !(line.contains("[Page ") && line.trim_end().ends_with(']')));
        let body: Vec<&str> = if number == 0 {
            lines.collect()
        } else {
            lines.skip_while(|line| line.trim().is_empty()).skip_while(|line| !line.trim().is_empty()).collect()
        };
        body.join("\n")
    });
    pages.collect::<Vec<_>>().join("\n")
}

/// From a section's heading to the next heading; the table of contents, which comes first, has the headings too.
fn section(text: &str, number: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().rposition(|line| heading(line) == Some(number))?;
    let rest = lines[first + 1..].iter().take_while(|line| heading(line).is_none());
    Some(rest.copied().collect::<Vec<_>>().join("\n"))
}

/// The number of a heading, as in `3.10.1.  OPEN Call`, `A.1.  IP Security` or, indented, `4.2.2.20  Event Processing`.
fn heading(line: &str) -> Option<&str> {
    let (number, title) = line.trim_start().split_once("  ")?;
    let number = number.strip_suffix('.').unwrap_or(number);
    let is_number = number.split('.').enumerate().all(|(place, part)| {
        let appendix = place == 0 && part.len() == 1 && part.bytes().all(|byte| byte.is_ascii_uppercase());
        appendix || (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let at_the_margin = !line.starts_with(' ');
    let titled = title.trim_start().starts_with(|first: char| first.is_ascii_uppercase());
    (is_number && titled && (at_the_margin || number.contains('.'))).then_some(number)
}

/// One space between words; none after a hyphen, where a line may have been broken.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace("- ", "-")
}

#[test]
fn page_breaks_and_line_breaks_do_not_hide_words() {
    let text = "1.1.  Title ... 1\n\n1.1.  Title\n\n   some words of FIN-\n   WAIT-2 and\n\nAuthor  [Page 1]\n\u{c}\nRFC 1\n\n\
                \n   more\n1.2.  Next\n   other";
    let text = without_page_breaks(text);
    let cite = |section, quote| Cite { doc: Doc::Rfc793, section, quote };
    assert_eq!(fault(&text, &cite("1.1", "words of FIN-WAIT-2 and more")), None);
    assert_eq!(fault(&text, &cite("1.1", "other")), Some("the words stand in another section"));
    assert_eq!(fault(&text, &cite("1.2", "another")), Some("no such words"));
    assert_eq!(fault(&text, &cite("1.3", "other")), Some("no such section"));
}
