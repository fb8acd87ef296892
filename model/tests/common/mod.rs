//! What several tests share.

pub mod markup;
