//! What may panic, without a word.

use std::panic;

/// Does something whose panics are expected. For the only test of a process: it silences all of them.
pub fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let loud = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = work();
    panic::set_hook(loud);
    result
}
