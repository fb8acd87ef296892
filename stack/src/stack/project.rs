//! A stack's state, as a checker compares it.

use crate::link::Link;
use crate::tcp::EndpointsProjection;

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
}
