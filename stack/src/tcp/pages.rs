//! Octets in a stream that is known only in places: memory where there are octets, none for what lies between.

use std::collections::BTreeMap;
use std::ops::Range;

/// Octets that are allocated together. An octet that stands alone costs as much.
pub(super) const PAGE: usize = 4096;

/// Octets by their place in the stream. Who asks knows which of them mean something.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    pages: BTreeMap<u64, Box<[u8; PAGE]>>,
}

impl Pages {
    /// Puts `text` at `at`.
    pub fn write(&mut self, at: u64, text: &[u8]) {
        let mut rest = text;
        let (mut page, mut from) = split(at);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(PAGE - from));
            let octets = self.pages.entry(page).or_insert_with(|| Box::new([0; PAGE]));
            octets[from..from + now.len()].copy_from_slice(now);
            (rest, page, from) = (later, page + 1, 0);
        }
    }

    /// What was written at `range`, in pieces.
    pub fn slices(&self, range: Range<u64>) -> impl Iterator<Item = &[u8]> {
        let (first, from) = split(range.start);
        let (last, to) = split(range.end);
        self.pages.range(first..=last).map(move |(&page, octets)| {
            let from = if page == first { from } else { 0 };
            let to = if page == last { to } else { PAGE };
            &octets[from..to]
        })
    }

    /// Nothing before `at` is wanted any more.
    pub fn release_before(&mut self, at: u64) {
        let (page, _) = split(at);
        while self.pages.first_key_value().is_some_and(|(&first, _)| first < page) {
            self.pages.pop_first();
        }
    }

    /// Nothing from `at` on is wanted any more.
    pub fn release_from(&mut self, at: u64) {
        let (page, within) = split(at);
        let kept = page + u64::from(within > 0);
        while self.pages.last_key_value().is_some_and(|(&last, _)| last >= kept) {
            self.pages.pop_last();
        }
    }

    /// Octets of memory taken.
    pub fn memory(&self) -> usize {
        self.pages.len() * PAGE
    }
}

/// The page of a place, and where in it.
fn split(at: u64) -> (u64, usize) {
    const SIZE: u64 = PAGE as u64;
    (at / SIZE, usize::try_from(at % SIZE).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pages: &Pages, range: Range<u64>) -> Vec<u8> {
        pages.slices(range).flatten().copied().collect()
    }

    #[test]
    fn text_is_found_where_it_was_put_across_pages() {
        let text: Vec<u8> = (0..=255).cycle().take(3 * PAGE).collect();
        let at = 5 * PAGE as u64 - 7;
        let mut pages = Pages::default();
        pages.write(at, &text);
        assert_eq!(read(&pages, at..at + text.len() as u64), text);
        assert_eq!(read(&pages, at + 3..at + 12), text[3..12]);
        assert!(read(&pages, at..at).is_empty());
        assert_eq!(pages.memory(), 4 * PAGE);
    }

    #[test]
    fn memory_is_taken_where_octets_are_and_given_back() {
        const SIZE: u64 = PAGE as u64;
        let mut pages = Pages::default();
        pages.write(0, b"a");
        pages.write(1000 * SIZE, b"b");
        pages.write(2000 * SIZE - 1, b"c");
        assert_eq!(pages.memory(), 3 * PAGE);
        pages.release_before(SIZE - 1);
        assert_eq!(pages.memory(), 3 * PAGE);
        pages.release_before(SIZE);
        assert_eq!(pages.memory(), 2 * PAGE);
        pages.release_from(2000 * SIZE - 1);
        assert_eq!(pages.memory(), 2 * PAGE);
        pages.release_from(1000 * SIZE);
        assert_eq!(pages.memory(), 0);
    }
}
