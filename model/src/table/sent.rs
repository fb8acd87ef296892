use super::Rule;
pub(super) const RULES: &[Rule] = &[];
pub(super) const PERSIST_RULES: &[Rule] = &[];
