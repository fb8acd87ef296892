//! Places for things that users hold by name: a name is never used twice, a place is.

/// Where something is, and which of the things that were there in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    index: usize,
    generation: u32,
}

impl Key {
    /// The place, a small number.
    pub(super) fn index(self) -> usize {
        self.index
    }
}

/// A bounded set of places.
#[derive(Clone, Debug)]
pub(super) struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<usize>,
    capacity: usize,
}

#[derive(Clone, Debug)]
struct Place<T> {
    generation: u32,
    content: Option<Box<T>>,
}

impl<T> Slab<T> {
    /// No places yet; at most `capacity`.
    pub fn new(capacity: usize) -> Self {
        Self { places: Vec::new(), free: Vec::new(), capacity }
    }

    /// How many things there may be.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether there is no room for one more.
    pub fn is_full(&self) -> bool {
        self.len() >= self.capacity
    }

    /// Whether there is more than there is room for.
    pub fn is_overfull(&self) -> bool {
        self.len() > self.capacity
    }

    /// How many things there are.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Puts `thing` into a free place; `None` if there is none.
    pub fn insert(&mut self, thing: T) -> Option<Key> {
        if self.is_full() { None } else { Some(self.insert_anyway(thing)) }
    }

    /// Puts `thing` into a place beyond all bounds, if need be: it is counted somewhere else.
    pub fn insert_anyway(&mut self, thing: T) -> Key {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { generation: 0, content: None });
            self.places.len() - 1
        });
        let place = &mut self.places[index];
        place.content = Some(Box::new(thing));
        Key { index, generation: place.generation }
    }

    /// Empties a place.
    pub fn remove(&mut self, index: usize) -> Option<Box<T>> {
        let place = self.places.get_mut(index)?;
        let thing = place.content.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(index);
        Some(thing)
    }

    /// What is in this place becomes another thing: its old name means nothing any more.
    pub fn rename(&mut self, index: usize) {
        if let Some(place) = self.places.get_mut(index).filter(|place| place.content.is_some()) {
            place.generation = place.generation.wrapping_add(1);
        }
    }

    /// What is in this place now.
    pub fn at(&self, index: usize) -> Option<&T> {
        self.places.get(index)?.content.as_deref()
    }

    /// What is in this place now.
    pub fn at_mut(&mut self, index: usize) -> Option<&mut T> {
        self.places.get_mut(index)?.content.as_deref_mut()
    }

    /// The name of what is in this place now.
    pub fn key(&self, index: usize) -> Option<Key> {
        let place = self.places.get(index).filter(|place| place.content.is_some())?;
        Some(Key { index, generation: place.generation })
    }

    /// What has this name, if it still exists.
    pub fn get(&self, key: Key) -> Option<&T> {
        if self.key(key.index) == Some(key) { self.at(key.index) } else { None }
    }

    /// What has this name, if it still exists.
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        if self.key(key.index) == Some(key) { self.at_mut(key.index) } else { None }
    }

    /// All that there is, by place.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|place| place.content.as_deref())
    }
}

/// Places that want to be looked at, in the order in which they said so, each at most once: never longer than the
/// number of places, however many things come and go there.
#[derive(Clone, Debug, Default)]
pub(super) struct WorkList {
    queue: std::collections::VecDeque<usize>,
    queued: Vec<bool>,
}

impl WorkList {
    /// Adds a place, if it is not already waiting.
    pub fn push(&mut self, index: usize) {
        if self.queued.len() <= index {
            self.queued.resize(index + 1, false);
        }
        if !self.queued[index] {
            self.queued[index] = true;
            self.queue.push_back(index);
        }
    }

    /// The place that has waited longest. What was there may be gone.
    pub fn pop(&mut self) -> Option<usize> {
        let index = self.queue.pop_front()?;
        self.queued[index] = false;
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_used_twice() {
        let mut slab = Slab::new(2);
        let first = slab.insert('a').unwrap();
        let second = slab.insert('b').unwrap();
        assert_eq!(slab.insert('c'), None);
        assert_eq!(slab.remove(first.index()), Some(Box::new('a')));
        let third = slab.insert('c').unwrap();
        assert_eq!(third.index(), first.index());
        assert_eq!((slab.get(first), slab.get(second), slab.get(third)), (None, Some(&'b'), Some(&'c')));
        assert_eq!(slab.len(), 2);
    }

    #[test]
    fn a_place_waits_once_however_often_it_calls() {
        let mut list = WorkList::default();
        for index in [3, 1, 3, 3, 1] {
            list.push(index);
        }
        assert_eq!((list.pop(), list.pop(), list.pop()), (Some(3), Some(1), None));
        list.push(3);
        assert_eq!(list.pop(), Some(3));
    }
}
