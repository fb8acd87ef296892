//! What people and programs are told: the matrix, the failures, and all of it as JSON and as JUnit XML.

pub mod brief;
pub mod html;
pub mod junit;
pub mod ladder;
pub mod matrix;
pub mod overview;
pub mod sign;

/// The folder of a scenario of this name, a section of the RFC for one of ours.
fn folder(scenario: &str) -> &str {
    scenario.rsplit_once('/').map_or("", |(folder, _)| folder)
}
