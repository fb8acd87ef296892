//! Connections that their users have released and that have not ended: they hold text until the peer takes it, or patience
//! ends.
//!
//! No RFC bounds their number; a peer who opens connections, asks for much and closes its window would fill our memory with
//! them (CVE-2008-4609). When there are too many, the one that was released first is reset.

use super::chain::{Chain, Links};

/// The orphans of a stack, in the order in which they were released.
#[derive(Clone, Debug)]
pub(super) struct Orphans {
    links: Links,
    chain: Chain,
    len: usize,
    most: usize,
}

impl Orphans {
    /// None yet; more than `most` are too many.
    pub fn new(most: usize) -> Self {
        Self { links: Links::default(), chain: Chain::EMPTY, len: 0, most }
    }

    /// The connection at `index`, which is none yet, is one.
    pub fn insert(&mut self, index: usize) {
        self.links.push(&mut self.chain, index);
        self.len += 1;
    }

    /// The connection at `index` has ended, or is somebody's again, if it was one.
    pub fn remove(&mut self, index: usize) {
        if self.links.has(&self.chain, index) {
            self.links.remove(&mut self.chain, index);
            self.len -= 1;
        }
    }

    /// If there are too many, the one that has to go.
    pub fn one_too_many(&self) -> Option<usize> {
        self.chain.first().filter(|_| self.len > self.most)
    }
}
