//! Flows that share a line with a queue, in virtual time: how their windows move, and whether they share fairly. What is measured
//! is drawn, and the drawings are those in `stack/docs`.

mod dumbbell;
mod fairness;
mod kept;
mod pacing;
mod plot;
mod windows;
