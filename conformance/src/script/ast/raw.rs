//! Octets injected as they are: our own addition to the language, for what no well-formed packet can say.

/// `< raw [45 00 ...]` or `< raw tcp [9c 40 ...]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// What the octets are.
    pub layer: Layer,
    /// The octets.
    pub octets: Vec<u8>,
}

/// What the octets of a [`Raw`] line are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// A whole datagram, from the first octet of its IP header on. Nothing is added or put right.
    Datagram,
    /// The payload of an IPv4 datagram of protocol 6, from the source port on; the IP header is the runner's. So is what a
    /// script cannot know: a port of 0 becomes that of the connection, and a checksum of 0 the right one.
    Segment,
}
