//! Claims as one page: no network, no script, legible on a screen and on paper.

use lockstep_model::check::html::document;
use maud::{Markup, html};

use super::{Claim, Claims, Level, Status};

pub(super) fn page(claims: &Claims) -> String {
    let body = html! {
        h1 { (claims.title) }
        (counts(claims))
        @for level in Level::ALL {
            (section(claims, level))
        }
    };
    document(&claims.title, include_str!("page.css"), &body)
}

fn counts(claims: &Claims) -> Markup {
    html! {
        table.counts {
            thead { tr { th {} @for status in Status::ALL { th { (status.name()) } } } }
            tbody {
                @for level in Level::ALL {
                    tr {
                        th { (level.name()) }
                        @for status in Status::ALL { td.number { (claims.of(level, status).count()) } }
                    }
                }
            }
        }
    }
}

fn section(claims: &Claims, level: Level) -> Markup {
    let rows: Vec<&Claim> = claims.claims.iter().filter(|claim| claim.level == level).collect();
    html! {
        @if !rows.is_empty() {
            h2 { (level.name()) }
            table {
                thead { tr { th { "number" } th { "section" } th { "required" } th { "status" } th { "how, or why not" } th { "shown by" } } }
                tbody { @for claim in rows { (row(claim)) } }
            }
        }
    }
}

fn row(claim: &Claim) -> Markup {
    let class = match claim.status {
        Status::Done => "done",
        Status::NotDone => "not-done",
        Status::NotApplicable => "not-applicable",
    };
    html! {
        tr class=(class) {
            td.id { (claim.id) }
            td { (claim.section) }
            td { (claim.feature) span.group { (claim.group) } }
            td.status { (claim.status.name()) }
            td { (claim.says) }
            td { @for evidence in &claim.evidence { code { (evidence) } " " } }
        }
    }
}
