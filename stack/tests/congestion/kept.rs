//! Drawings that are kept in the repository and must be what the stack does today.

use std::path::Path;
use std::{env, fs};

/// Compares `drawing` with the file of this name in `stack/docs`; with `LOCKSTEP_DRAW` set, writes it.
pub fn compare(name: &str, drawing: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if env::var_os("LOCKSTEP_DRAW").is_some() {
        fs::write(&path, drawing).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == drawing,
        "stack/docs/{name} is not what the stack does; look at what has changed, then draw it again:\n    \
         LOCKSTEP_DRAW=1 cargo test -p lockstep --test congestion"
    );
}
