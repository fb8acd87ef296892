//! The table shown to people: as tables, as a diagram; an exchange as a ladder. Nothing here is written by hand that
//! the rules say themselves.

pub mod contradictions;
pub mod diagram;
pub mod effects;
pub mod ladder;
pub mod markdown;
pub mod relation;
mod run;
pub mod valuation;
pub mod words;

/// What the languages of drawings and pages would take for their own.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
