//! The model checker: two connections that run the table over a network that loses, duplicates and reorders.
//!
//! Top to bottom: [`run`] decides the properties of every [`world`] and says whether each verdict is the expected one.
//! A world is two [`endpoint`]s and a network of [`packet`]s within [`bounds`]; [`environments`] lists the worlds,
//! [`properties`] what must hold. [`explore`] finds all states exactly, [`liveness`] decides on their graph what must
//! remain possible and, with [`fairness`], what must happen at last; Stateright searches the same worlds a second time.
//! [`sweep`] goes through larger worlds, which [`large`] lists, and remembers less of them. [`mutate`] makes wrong tables,
//! to see that they are caught. [`replies`] is a second reading of what a user is told, [`figures`] replays those of the
//! RFC, which [`drawings`] holds.

pub mod attacker;
pub mod bounds;
mod crew;
pub mod drawings;
pub mod endpoint;
pub mod environments;
pub mod expected;
pub mod explore;
pub mod fairness;
pub mod figure5;
pub mod figures;
mod fingerprints;
pub mod graph;
pub mod html;
pub mod intern;
pub mod ladder;
pub mod large;
pub mod liveness;
pub mod matrix;
pub mod mutate;
pub mod negatives;
mod obligations;
mod owner;
pub mod packet;
mod passage;
pub mod properties;
pub mod rates;
pub mod replies;
pub mod report;
mod run;
mod show;
mod stateright;
pub mod summary;
pub mod sweep;
pub mod swept;
pub mod tally;
mod words;
pub mod world;

pub use report::{Falls, Report, Verdict, WorldReport};
pub use run::{begin, check, falls, run, run_all};
