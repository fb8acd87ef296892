//! What people and programs are told: the matrix, the failures, and all of it as JSON.

pub mod ladder;
pub mod matrix;
