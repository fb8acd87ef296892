//! What a sign opens: the RFC's words, why a difference is known, and the exchange beside the script.

use std::ops::Range;

use maud::{Markup, html};

use super::exhibit::{Exhibit, Shown};
use super::rule;
use super::sign::badge;
use crate::lab::Lab;
use crate::report::ladder::{Row, Side};
use crate::verdict::Failure;

/// All of it, until it is opened.
pub fn template(exhibit: &Exhibit, lab: &Lab) -> Markup {
    html! {
        template id=(exhibit.id) {
            h2 { (exhibit.title) }
            @if let Some((first, rest)) = exhibit.words.split_first() {
                p.gist { (linked(first)) }
                @for words in rest { blockquote { (linked(words)) } }
            }
            @for rule in &exhibit.rules { (rule::quoted(rule)) }
            @for shown in &exhibit.shown { (system(shown, lab)) }
            p.again { "To see it again: " code { "lockstep-conformance " (exhibit.command) } }
        }
    }
}

fn system(shown: &Shown, lab: &Lab) -> Markup {
    let name = shown.system.as_deref().unwrap_or(shown.subject.name());
    html! {
        details.system data-system=(shown.subject.name()) {
            summary {
                (badge(shown.sign)) " " b { (name) } " " (shown.sign.meaning())
                @if let Some(reaction) = &shown.reaction { " " code { (reaction) } }
            }
            @if let Some(reason) = &shown.reason { p { (reason) } }
            @for id in &shown.deviations { (deviation(id, shown, lab)) }
            @for what in &shown.normalised { p.normalised { "let pass by the profile: " (what) } }
            @if let Some(failure) = &shown.failure { (differs(failure)) }
            (ladder(shown))
        }
    }
}

fn deviation(id: &str, shown: &Shown, lab: &Lab) -> Markup {
    let entry = lab.deviations.named(shown.subject.name(), id);
    html! {
        aside.deviation {
            b { (id) }
            @if let Some(entry) = entry {
                " " (linked(&entry.reason))
                @if !entry.words.is_empty() { blockquote { (linked(&entry.words)) } }
                p.source { "Source: " (entry.source) }
            }
        }
    }
}

fn differs(failure: &Failure) -> Markup {
    html! {
        dl.differs {
            @if let Some(difference) = &failure.difference {
                dt { "the script, line " (difference.line) }
                dd { "expected " code { (difference.expected) } }
                dd { "seen " code { (difference.seen) } }
            }
            @if let Some(divergence) = &failure.divergence {
                dt { "the table cannot explain this" }
                @for expected in &divergence.expected { dd { "expected " code { (expected) } } }
                dd { "seen " code { (divergence.seen) } }
                @if !divergence.rules.is_empty() { dd { "after " @for rule in &divergence.rules { code { (rule) } " " } } }
            }
        }
    }
}

/// Expected on the left, seen on the right.
fn ladder(shown: &Shown) -> Markup {
    let wrong =
        shown.failure.as_ref().and_then(|failure| failure.difference.as_ref()).map(|difference| difference.line);
    html! {
        div.wide tabindex="0" role="region" aria-label="expected and seen" {
            table.ladder {
                thead {
                    tr {
                        th scope="col" colspan="2" { "script: expected" }
                        th scope="col" { "s" }
                        th scope="col" { "seen: " (shown.subject.name()) }
                        th scope="col" { span { (shown.subject.name()) } span { "peer" } }
                    }
                }
                tbody {
                    @for rung in rungs(&shown.script, &shown.ladder) {
                        tr.wrong[rung.line.is_some() && rung.line == wrong] {
                            td.number { @if let Some(line) = rung.line { (line) } }
                            td.expected { code { (rung.expected) } }
                            (seen(rung.seen))
                        }
                    }
                }
            }
        }
    }
}

fn seen(row: Option<&Row>) -> Markup {
    html! {
        @match row {
            None => { td.time {} td.user {} td.wire {} },
            Some(row) => {
                td.time { (row.time()) }
                @match row.side {
                    Side::System => { td.user { (row.words) " " (rules(row)) } td.wire {} },
                    Side::Sent => { td.user {} td.wire.sent { span { (row.words) } } },
                    Side::Injected => { td.user { (rules(row)) } td.wire.injected { span { (row.words) } } },
                }
            },
        }
    }
}

/// The rules that it fired.
fn rules(row: &Row) -> Markup {
    html! {
        @for rule in rule::deciding(&row.rules) {
            span.rule { (rule.name) } " "
        }
    }
}

/// A line of the script beside a thing that was done or seen; one of both may be missing.
#[derive(Debug, PartialEq)]
struct Rung<'a> {
    line: Option<u32>,
    expected: &'a str,
    seen: Option<&'a Row>,
}

/// The lines of a script in their order, each beside the first thing that happened for it.
fn rungs<'a>(script: &'a str, ladder: &'a [Row]) -> Vec<Rung<'a>> {
    let lines: Vec<&str> = script.lines().map(str::trim).collect();
    let written = |numbers: Range<u32>| {
        let numbered =
            numbers.filter_map(|line| Some((line, *lines.get(usize::try_from(line).ok()?.checked_sub(1)?)?)));
        numbered.filter(|(_, text)| !text.is_empty() && !text.starts_with("//"))
    };
    let mut rungs = Vec::new();
    let mut next = 1;
    for row in ladder {
        let line = row.line.filter(|line| *line >= next);
        if let Some(line) = line {
            rungs.extend(written(next..line).map(|(line, expected)| Rung { line: Some(line), expected, seen: None }));
            next = line.saturating_add(1);
        }
        let expected = line.and_then(|line| written(line..line.saturating_add(1)).next()).map_or("", |(_, text)| text);
        rungs.push(Rung { line, expected, seen: Some(row) });
    }
    let end = u32::try_from(lines.len()).unwrap_or(u32::MAX).saturating_add(1);
    rungs.extend(written(next..end).map(|(line, expected)| Rung { line: Some(line), expected, seen: None }));
    rungs
}

/// With a link wherever a section of an RFC is named: `RFC 9293 §3.10.7.4`.
pub fn linked(text: &str) -> Markup {
    let mut parts = text.split("RFC ");
    let first = parts.next().unwrap_or_default();
    html! {
        (first)
        @for part in parts {
            @match reference(part) {
                Some((number, section, rest)) => {
                    a href={ "https://www.rfc-editor.org/rfc/rfc" (number) "#section-" (section) } { "RFC " (number) " §" (section) } (rest)
                },
                None => { "RFC " (part) },
            }
        }
    }
}

/// `9293 §3.4: and more` or `9293 section 3.4 and more`
fn reference(text: &str) -> Option<(&str, &str, &str)> {
    let (number, rest) = text.split_once(' ')?;
    let rest = rest.strip_prefix('§').or_else(|| rest.strip_prefix("section "))?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let section = rest.get(..end)?.trim_end_matches('.');
    let is_number = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    (is_number && !section.is_empty()).then_some((number, section, rest.get(section.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: Option<u32>, words: &str) -> Row {
        Row { line, microseconds: 0, side: Side::Sent, words: words.to_owned(), rules: Vec::new() }
    }

    #[test]
    fn what_happened_stands_beside_the_line_that_asked_for_it() {
        let script = "// a remark\n\n+0 < S\n+0 > S.\n+0 < .\n+1 > .\n";
        let ladder = [row(Some(3), "SYN"), row(None, "again"), row(Some(5), "ACK"), row(Some(5), "more")];
        let told: Vec<(Option<u32>, &str, Option<&str>)> = rungs(script, &ladder)
            .into_iter()
            .map(|rung| (rung.line, rung.expected, rung.seen.map(|row| row.words.as_str())))
            .collect();
        let wanted = [
            (Some(3), "+0 < S", Some("SYN")),
            (None, "", Some("again")),
            (Some(4), "+0 > S.", None),
            (Some(5), "+0 < .", Some("ACK")),
            (None, "", Some("more")),
            (Some(6), "+1 > .", None),
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn a_section_that_is_named_is_linked() {
        let words = linked("see RFC 9293 §3.4. And RFC 5961, not RFC 9293 section 3.10.7.4").into_string();
        assert_eq!(
            words,
            "see <a href=\"https://www.rfc-editor.org/rfc/rfc9293#section-3.4\">RFC 9293 §3.4</a>. And RFC 5961, not \
             <a href=\"https://www.rfc-editor.org/rfc/rfc9293#section-3.10.7.4\">RFC 9293 §3.10.7.4</a>"
        );
    }
}
