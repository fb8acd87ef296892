//! What is to be seen: which verdicts, which system, which section.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::exhibit::Exhibit;
use super::sign::badge;
use crate::report::by_number;
use crate::report::sign::Sign;
use crate::verdict::Subject;

/// The form; the script of the page reads it.
pub fn form(subjects: &[Subject], exhibits: &[&Exhibit]) -> Markup {
    let earned: BTreeSet<Sign> = exhibits.iter().flat_map(|exhibit| &exhibit.shown).map(|shown| shown.sign).collect();
    let sections: BTreeSet<&str> = exhibits.iter().map(|exhibit| exhibit.section.as_str()).collect();
    let mut sections: Vec<&str> = sections.into_iter().collect();
    sections.sort_by_cached_key(|section| by_number(section));
    html! {
        form #filters aria-label="Filters" {
            fieldset {
                legend { "verdict" }
                @for sign in earned {
                    label.chip { input type="checkbox" name="sign" value=(sign.name()); (badge(sign)) " " (sign.meaning()) }
                }
            }
            fieldset {
                legend { "system" }
                label.chip { input type="radio" name="system" value="" checked; "all" }
                @for subject in subjects {
                    label.chip { input type="radio" name="system" value=(subject.name()); (subject.name()) }
                }
            }
            fieldset {
                legend { "section" }
                select name="section" aria-label="section" {
                    option value="" { "all" }
                    @for section in sections { option value=(section) { (section) } }
                }
            }
            button type="reset" { "reset" }
            output name="count" role="status" {}
        }
    }
}
