//! A queue that takes no more room than a pointer until something is put into it: most connections wait for something most
//! of the time, and a `VecDeque` is four times as large.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};

/// A `VecDeque`, and used like one.
#[derive(Clone, Debug)]
#[allow(clippy::box_collection, reason = "to be small is what it is for")]
pub(super) struct Deque<T>(Option<Box<VecDeque<T>>>);

impl<T> Deque<T> {
    /// Empty; nothing is allocated.
    pub const fn new() -> Self {
        Self(None)
    }
}

impl<T: 'static> Deref for Deque<T> {
    type Target = VecDeque<T>;

    fn deref(&self) -> &VecDeque<T> {
        self.0.as_deref().unwrap_or(const { &VecDeque::new() })
    }
}

impl<T: 'static> DerefMut for Deque<T> {
    fn deref_mut(&mut self) -> &mut VecDeque<T> {
        self.0.get_or_insert_default()
    }
}

impl<T: PartialEq + 'static> PartialEq for Deque<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq + 'static> Eq for Deque<T> {}

impl<T: Hash + 'static> Hash for Deque<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_emptied_is_what_was_never_filled() {
        let mut queue = Deque::new();
        queue.push_back(1);
        assert_ne!(queue, Deque::new());
        queue.clear();
        assert_eq!(queue, Deque::new());
        assert_eq!(size_of::<Deque<u8>>(), size_of::<usize>());
    }
}
