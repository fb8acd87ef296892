//! Lines of places, in which each stands behind the one that came before it and from which any may leave: O(1), without
//! an allocation for each.

/// The neighbours of each place, whichever line it stands in: at most one at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Links {
    links: Vec<Link>,
}

/// One line: its two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    first: usize,
    last: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link {
    before: usize,
    after: usize,
}

const NOBODY: usize = usize::MAX;
const ALONE: Link = Link { before: NOBODY, after: NOBODY };

impl Chain {
    pub const EMPTY: Self = Self { first: NOBODY, last: NOBODY };

    /// Who has stood longest.
    pub fn first(&self) -> Option<usize> {
        somebody(self.first)
    }
}

impl Links {
    /// Who came next after `index`.
    pub fn after(&self, index: usize) -> Option<usize> {
        self.links.get(index).and_then(|link| somebody(link.after))
    }

    /// Whether `index`, which stands in this line or in none, stands in this one.
    pub fn has(&self, chain: &Chain, index: usize) -> bool {
        chain.first == index || self.links.get(index).is_some_and(|link| link.before != NOBODY)
    }

    /// `index`, which stands in no line, comes to the end of this one.
    pub fn push(&mut self, chain: &mut Chain, index: usize) {
        if self.links.len() <= index {
            self.links.resize(index + 1, ALONE);
        }
        self.links[index] = Link { before: chain.last, after: NOBODY };
        match self.links.get_mut(chain.last) {
            Some(last) => last.after = index,
            None => chain.first = index,
        }
        chain.last = index;
    }

    /// `index`, which stands in this line, leaves it.
    pub fn remove(&mut self, chain: &mut Chain, index: usize) {
        let Some(link) = self.links.get_mut(index) else { return };
        let Link { before, after } = std::mem::replace(link, ALONE);
        match self.links.get_mut(before) {
            Some(link) => link.after = after,
            None => chain.first = after,
        }
        match self.links.get_mut(after) {
            Some(link) => link.before = before,
            None => chain.last = before,
        }
    }
}

fn somebody(index: usize) -> Option<usize> {
    (index != NOBODY).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(links: &Links, chain: &Chain) -> Vec<usize> {
        std::iter::successors(chain.first(), |&index| links.after(index)).collect()
    }

    #[test]
    fn anybody_may_leave_and_the_others_keep_their_order() {
        let (mut links, mut line, mut other) = (Links::default(), Chain::EMPTY, Chain::EMPTY);
        for index in [4, 2, 7, 0] {
            links.push(&mut line, index);
        }
        links.push(&mut other, 3);
        for (index, left) in [(2, &[4, 7, 0][..]), (4, &[7, 0]), (0, &[7])] {
            links.remove(&mut line, index);
            assert_eq!(all(&links, &line), left);
            assert!(!links.has(&line, index) && left.iter().all(|&index| links.has(&line, index)));
        }
        links.push(&mut line, 4);
        assert_eq!((all(&links, &line), all(&links, &other)), (vec![7, 4], vec![3]));
        links.remove(&mut line, 7);
        links.remove(&mut line, 4);
        assert_eq!(line, Chain::EMPTY);
    }
}
