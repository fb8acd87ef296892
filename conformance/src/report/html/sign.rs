//! Signs: some can be opened.

use maud::{Markup, html};

use super::exhibit::Exhibit;
use crate::report::sign::Sign;
use crate::verdict::Subject;

/// What a system earned, to be opened.
pub fn open(exhibit: Option<&Exhibit>, subject: Subject) -> Markup {
    let Some((exhibit, shown)) = exhibit.and_then(|exhibit| Some((exhibit, exhibit.on(subject)?))) else {
        return html! { span class={ "sign " (Sign::Untried.name()) } data-system=(subject.name()) title="not run" { (Sign::Untried.symbol()) } };
    };
    let reaction = shown.reaction.as_deref().unwrap_or_default();
    let ids = shown.deviations.join(" ");
    let says = format!("{} on {}: {} {ids} {reaction}", exhibit.title, subject.name(), shown.sign.meaning());
    html! {
        button type="button" tabindex="-1" class={ "sign " (shown.sign.name()) } data-open=(exhibit.id) data-system=(subject.name())
            data-sign=(shown.sign.name()) data-section=(exhibit.section) title=(says.trim()) aria-label=(says.trim()) {
            i { (shown.sign.symbol()) }
            @if let Some(reaction) = &shown.reaction { span { (reaction) } }
            @else if !ids.is_empty() { span { (ids) } }
        }
    }
}

/// A sign that cannot be opened.
pub fn badge(sign: Sign) -> Markup {
    html! { span class={ "sign " (sign.name()) } aria-hidden="true" { (sign.symbol()) } }
}
