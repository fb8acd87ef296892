//! A stack's state, as a checker compares it.

use crate::link::Link;
use crate::tcp::{EndpointsProjection, Projected};

/// All that decides what a stack will do: times are relative, counters left out, nothing depends on the order in which
/// memory was used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Projection {
    link: Link,
    tcp: EndpointsProjection,
}

impl Projection {
    pub(super) fn new(link: Link, tcp: EndpointsProjection) -> Self {
        Self { link, tcp }
    }

    /// All connections, those that have ended and are not released included.
    pub fn connections(&self) -> impl Iterator<Item = Projected> + '_ {
        self.tcp.connections()
    }
}
