//! The send buffer: the bytes from SND.UNA on that the user has written and the peer has not acknowledged.
//!
//! Offset 0 is the first unacknowledged byte of *text*. SYN and FIN occupy sequence numbers but no bytes; the
//! connection, which knows which of them are outstanding, takes them off before it comes here. What lies beyond SND.NXT
//! has not been sent yet: also the connection's knowledge, as is everything else about sequence numbers.

use super::deque::Deque;

/// A bounded queue of bytes, written at one end, acknowledged at the other, and readable anywhere without copying.
///
/// Equality and hash are those of the bytes, the urgent mark and the capacity, not of the memory they lie in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SendBuffer {
    capacity: u32,
    /// How many of the bytes, from the first on, lie before the end of urgent data.
    urgent: u32,
    bytes: Deque<u8>,
}

impl SendBuffer {
    /// An empty buffer that will hold at most `capacity` bytes. Memory is taken as it is needed.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity: count(capacity), urgent: 0, bytes: Deque::new() }
    }

    /// Appends as much of `text` as there is room for and returns how many bytes that was.
    pub fn push(&mut self, text: &[u8]) -> usize {
        let accepted = text.len().min(self.room());
        self.bytes.extend(&text[..accepted]);
        accepted
    }

    /// The first `n` bytes were acknowledged: they are released. Returns how many that were, at most
    /// [`len`](Self::len).
    pub fn acked(&mut self, n: usize) -> usize {
        let released = n.min(self.bytes.len());
        if released > 0 {
            self.bytes.drain(..released);
            self.urgent = self.urgent.saturating_sub(count(released));
        }
        released
    }

    /// Urgent data ends with the last byte that was written; where it ended before does not matter any more.
    pub fn mark_urgent(&mut self) {
        self.urgent = count(self.bytes.len());
    }

    /// How many bytes from `offset` on lie before the end of urgent data; none if there is no such data.
    #[must_use]
    pub fn urgent_from(&self, offset: usize) -> u32 {
        self.urgent.saturating_sub(count(offset))
    }

    /// The bytes from `offset` on, at most `len` of them, as two slices of which the second continues the first.
    ///
    /// Both are empty where nothing is held.
    #[must_use]
    pub fn slices(&self, offset: usize, len: usize) -> (&[u8], &[u8]) {
        let from = offset.min(self.bytes.len());
        let to = from.saturating_add(len).min(self.bytes.len());
        let (head, tail) = self.bytes.as_slices();
        let split = head.len();
        (&head[from.min(split)..to.min(split)], &tail[from.saturating_sub(split)..to.saturating_sub(split)])
    }

    /// Forgets everything: the connection was reset or aborted. Gives the memory back.
    pub fn clear(&mut self) {
        self.bytes = Deque::new();
        self.urgent = 0;
    }

    /// Bytes held, sent or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether everything written has been acknowledged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes the user may write before the buffer is full.
    #[must_use]
    pub fn room(&self) -> usize {
        usize::try_from(self.capacity).unwrap_or(usize::MAX) - self.bytes.len()
    }
}

/// Bytes as 32 bits count them: no buffer of a connection has more.
fn count(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn takes_what_fits_and_says_how_much() {
        let mut buffer = SendBuffer::new(5);
        assert_eq!(buffer.push(b"abc"), 3);
        assert_eq!(buffer.push(b"defg"), 2);
        assert_eq!(buffer.push(b"h"), 0);
        assert_eq!((buffer.len(), buffer.room()), (5, 0));
        assert_eq!(buffer.slices(0, 9), (&b"abcde"[..], &b""[..]));
    }

    #[test]
    fn acknowledging_more_than_is_held_releases_what_is_held() {
        let mut buffer = SendBuffer::new(8);
        buffer.push(b"abc");
        assert_eq!(buffer.acked(usize::MAX), 3);
        assert!(buffer.is_empty());
        assert_eq!(buffer.slices(usize::MAX, usize::MAX), (&b""[..], &b""[..]));
    }

    #[test]
    fn clear_releases_everything() {
        let mut buffer = SendBuffer::new(8);
        buffer.push(b"abc");
        buffer.mark_urgent();
        buffer.clear();
        assert_eq!(buffer, SendBuffer::new(8));
    }

    #[test]
    fn the_urgent_mark_stays_where_the_text_ended() {
        let mut buffer = SendBuffer::new(20);
        buffer.push(b"abc");
        assert_eq!(buffer.urgent_from(0), 0);
        buffer.mark_urgent();
        buffer.push(b"defg");
        assert_eq!([0, 2, 3, 7].map(|offset| buffer.urgent_from(offset)), [3, 1, 0, 0]);
        buffer.acked(2);
        assert_eq!(buffer.urgent_from(0), 1);
        buffer.mark_urgent();
        assert_eq!(buffer.urgent_from(0), 5, "it advances");
        buffer.acked(5);
        buffer.push(b"h");
        assert_eq!(buffer.urgent_from(0), 0);
    }

    #[derive(Clone, Debug)]
    enum Op {
        Push(Vec<u8>),
        Acked(usize),
        Read(usize, usize),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40).prop_map(Op::Push),
            (0_usize..40).prop_map(Op::Acked),
            (0_usize..60, 0_usize..60).prop_map(|(offset, len)| Op::Read(offset, len)),
        ]
    }

    proptest! {
        /// The buffer against a plain vector; equal contents are equal and hash alike whatever happened before.
        #[test]
        fn behaves_as_a_vector_cut_at_the_front(capacity in 0_usize..50, ops in prop::collection::vec(op(), 0..80)) {
            let mut buffer = SendBuffer::new(capacity);
            let mut model: Vec<u8> = Vec::new();
            for op in ops {
                match op {
                    Op::Push(text) => {
                        let fits = text.len().min(capacity - model.len());
                        prop_assert_eq!(buffer.push(&text), fits);
                        model.extend(&text[..fits]);
                    }
                    Op::Acked(n) => {
                        let released = n.min(model.len());
                        prop_assert_eq!(buffer.acked(n), released);
                        model.drain(..released);
                    }
                    Op::Read(offset, len) => {
                        let (head, tail) = buffer.slices(offset, len);
                        let expected: Vec<u8> = model.iter().skip(offset).take(len).copied().collect();
                        prop_assert_eq!([head, tail].concat(), expected);
                    }
                }
                let mut twin = SendBuffer::new(capacity);
                twin.push(&model);
                prop_assert_eq!(&buffer, &twin);
                prop_assert_eq!(buffer.room(), capacity - model.len());
            }
        }
    }
}
