//! The receive buffer: text in order that the user has not read yet, text ahead of RCV.NXT, and the window to
//! advertise (RFC 9293 §3.8.6.2.2, RFC 7323 §2).
//!
//! Offsets are from RCV.NXT, in bytes of text. The engine trims a segment to the left of RCV.NXT and decides whether
//! its text counts; [`RecvBuffer::accept`] stores it and answers how far RCV.NXT moves and whether a FIN is now in
//! order.

use std::ops::Range;

use super::deque::Deque;
use super::reassembly::Reassembly;

/// The largest window a header can say without the window scale option (RFC 9293 §3.1).
pub const UNSCALED_CAPACITY: usize = 65_535;

/// Memory that an empty buffer keeps, so that a little text now and then costs no allocation.
const KEPT_WHEN_EMPTY: usize = 64;

/// A bounded buffer that stores text where it belongs, in whichever order it comes.
///
/// Equality and hash are those of the contents, not of the memory they lie in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecvBuffer {
    /// RCV.BUFF of RFC 9293 §3.8.6.2.2.
    capacity: usize,
    /// RCV.USER: the text that is in order, acknowledged and not yet read.
    unread: Deque<u8>,
    /// What lies ahead of RCV.NXT, if anything does.
    ahead: Option<Box<Reassembly>>,
    rcv_wnd: usize,
    /// RCV.NXT has moved over the FIN.
    ended: bool,
}

/// What accepting a segment's text did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Accepted {
    /// How many bytes RCV.NXT moves forward, over this text and over what waited behind it.
    pub advance: usize,
    /// All text before a FIN, of this or of an earlier segment, is here: the FIN is next in order.
    pub fin: bool,
    /// Not all was kept: some lay beyond the window, or the farthest text was forgotten because there were too many
    /// holes.
    pub cut: bool,
}

impl RecvBuffer {
    /// An empty buffer of `capacity` bytes, of which a SYN can offer what a header can say (RFC 7323 §2.2: the window of a
    /// SYN is never scaled). Memory is taken as it is needed.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, unread: Deque::new(), ahead: None, rcv_wnd: capacity.min(UNSCALED_CAPACITY), ended: false }
    }

    /// Stores `text` at `offset` from RCV.NXT, `fin` saying that a FIN follows it, and moves RCV.NXT over all that is
    /// in order then.
    ///
    /// Bytes that are already held stay as they came first. What lies beyond the window is cut, the FIN too (RFC 9293
    /// §3.10.7.4: "trimming off any portions that lie outside the window (including SYN and FIN)").
    pub fn accept(&mut self, offset: usize, text: &[u8], fin: bool) -> Accepted {
        if offset == 0 && !fin && self.ahead.is_none() && !self.ended {
            return self.accept_next(text);
        }
        let kept = self.hold(offset, text, fin);
        let advance = self.ahead.as_mut().map_or(0, |ahead| ahead.advance(&mut self.unread));
        self.rcv_wnd -= advance;
        let fin = self.fin_is_next();
        self.ahead.take_if(|ahead| ahead.is_empty() && ahead.fin().is_none());
        Accepted { advance, fin, cut: !kept }
    }

    /// What nearly always happens: nothing is ahead of this text.
    fn accept_next(&mut self, text: &[u8]) -> Accepted {
        let advance = text.len().min(self.rcv_wnd);
        self.unread.extend(&text[..advance]);
        self.rcv_wnd -= advance;
        Accepted { advance, fin: false, cut: advance < text.len() }
    }

    /// Stores as [`accept`](Self::accept) does and leaves RCV.NXT where it is: the text came with a SYN, and the
    /// connection is not established. The next `accept`, of anything, counts it. Returns whether all was kept.
    pub fn hold(&mut self, offset: usize, text: &[u8], fin: bool) -> bool {
        let fits = text.len().min(self.rcv_wnd.saturating_sub(offset));
        let end = offset.saturating_add(fits);
        let fin_fits = fin && end < self.rcv_wnd;
        let all_fits = fits == text.len() && fin_fits == fin;
        if self.ended || (fits == 0 && !fin_fits) {
            return all_fits;
        }
        let ahead = self.ahead.get_or_insert_default();
        if fin_fits {
            ahead.hold_fin(end);
        }
        ahead.insert(offset, &text[..fits]) && all_fits
    }

    /// Whether text or a FIN that begins at RCV.NXT is held, because it came with a SYN.
    #[must_use]
    pub fn holds_next(&self) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| ahead.starts_at_rcv_nxt() || ahead.fin_in_order())
    }

    /// RCV.NXT moved over the FIN: the stream has ended, and whatever text is held or still comes is no part of it.
    pub fn fin_received(&mut self) {
        self.ended = true;
        self.ahead = None;
        self.rcv_wnd = self.rcv_wnd.saturating_sub(1);
    }

    /// Whether RCV.NXT has moved over the FIN.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The stream has ended, all of it has been read, and so much of the window is left: a connection in TIME-WAIT.
    pub fn end_with(&mut self, rcv_wnd: usize) {
        self.fin_received();
        self.rcv_wnd = rcv_wnd;
    }

    /// Nothing has arrived, and so much of the window is left: a connection in the handshake.
    pub fn begin_with(&mut self, rcv_wnd: usize) {
        self.rcv_wnd = rcv_wnd;
    }

    /// Whether the user has read all there will ever be.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.ended && self.unread.is_empty()
    }

    /// Moves text in order to the user: at most `buf.len()` bytes. Returns how many; zero means that nothing is there
    /// now.
    pub fn read(&mut self, buf: &mut [u8]) -> usize {
        let n = self.peek(buf);
        self.unread.drain(..n);
        if self.unread.is_empty() && self.unread.capacity() > KEPT_WHEN_EMPTY {
            self.unread = Deque::new();
        }
        n
    }

    /// Copies what [`read`](Self::read) would return, and leaves it.
    pub fn peek(&self, buf: &mut [u8]) -> usize {
        let n = buf.len().min(self.unread.len());
        let (head, tail) = self.unread.as_slices();
        let split = n.min(head.len());
        buf[..split].copy_from_slice(&head[..split]);
        buf[split..n].copy_from_slice(&tail[..n - split]);
        n
    }

    /// Bytes received in order that the user has not read. If a user goes away while there are any, the peer must learn
    /// that data was lost (RFC 9293 §3.6.1, SHLD-3).
    #[must_use]
    pub fn unread(&self) -> usize {
        self.unread.len()
    }

    /// RCV.WND: how far beyond RCV.NXT text is accepted. RCV.NXT + RCV.WND never moves left.
    #[must_use]
    pub fn rcv_wnd(&self) -> usize {
        self.rcv_wnd
    }

    /// RCV.BUFF: how much text may wait for the user.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// More text may wait from now on. Less never: the peer has been promised room.
    pub fn grow(&mut self, capacity: usize) {
        self.capacity = self.capacity.max(capacity);
    }

    /// The window that could be offered now, if the difference is worth a word to the peer, in a header that counts
    /// in units of 2^`shift` (Rcv.Wind.Shift, RFC 7323 §2.2).
    ///
    /// Receiver's silly window syndrome avoidance (RFC 9293 §3.8.6.2.2, MUST-39): the right edge stays until it can
    /// move by min(RCV.BUFF / 2, Eff.snd.MSS).
    #[must_use]
    pub fn window_update(&self, eff_snd_mss: usize, shift: u8) -> Option<usize> {
        let space = self.capacity.min(UNSCALED_CAPACITY << shift).saturating_sub(self.unread.len());
        let reduction = space.saturating_sub(self.rcv_wnd);
        let worthwhile = eff_snd_mss.min(self.capacity / 2).max(1);
        (reduction >= worthwhile).then_some(space)
    }

    /// Opens the window if [`window_update`](Self::window_update) says so: to be called when a segment is about to
    /// carry it. Returns whether it did.
    ///
    /// A header says the window in units of 2^`shift`. So that the right edge that the peer sees does not move left by
    /// what is lost in rounding, it is rounded up: the edge moves right by less than a unit. What that promises beyond the
    /// buffer is bounded by an eighth of it; a user who reads nothing while the peer sends so many tiny segments that
    /// more would be promised has the edge rounded down, which RFC 7323 §2.4 prepares every sender for, and what has been
    /// promised is still accepted.
    pub fn open_window(&mut self, eff_snd_mss: usize, shift: u8) -> bool {
        let wider = self.window_update(eff_snd_mss, shift);
        let window = wider.unwrap_or(self.rcv_wnd);
        let rounded = window.next_multiple_of(1 << shift).min(UNSCALED_CAPACITY << shift);
        let fits = self.unread.len() + rounded <= self.capacity + self.capacity / 8;
        self.rcv_wnd = if fits { rounded.max(window) } else { window };
        wider.is_some()
    }

    /// Opens the window as far as there is room, unless it would be silly: less than a segment, and less than a quarter of
    /// the buffer (RFC 9293 §3.8.6.2.2). A header rounds it down.
    pub fn open_window_exactly(&mut self, eff_snd_mss: usize, shift: u8) {
        let space = self.capacity.saturating_sub(self.unread.len()).min(UNSCALED_CAPACITY << shift);
        if space >= eff_snd_mss.min(self.capacity / 4) {
            self.rcv_wnd = self.rcv_wnd.max(space);
        }
    }

    /// Whether there is a hole: text has arrived ahead of RCV.NXT.
    #[must_use]
    pub fn has_holes(&self) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| !ahead.is_empty())
    }

    /// The range ahead of RCV.NXT that holds the octet at `offset`, if one does.
    #[must_use]
    pub fn range_around(&self, offset: usize) -> Option<Range<usize>> {
        self.ahead.as_ref()?.range_around(offset)
    }

    /// The first range ahead of RCV.NXT that holds anything of `wanted`.
    #[must_use]
    pub fn first_range_in(&self, wanted: Range<usize>) -> Option<Range<usize>> {
        self.ahead.as_ref()?.first_range_in(wanted)
    }

    /// The ranges held ahead of RCV.NXT, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.ahead.iter().flat_map(|ahead| ahead.ranges())
    }

    /// Octets of memory that text takes, in order or not.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.unread.capacity() + self.ahead.as_ref().map_or(0, |ahead| ahead.memory())
    }

    /// Forgets all text, read or not, and a held FIN: the connection was reset or aborted. Gives the memory back; the
    /// window stays.
    pub fn clear(&mut self) {
        self.unread = Deque::new();
        self.ahead = None;
    }

    fn fin_is_next(&self) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| ahead.fin_in_order())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::reassembly::MAX_RANGES;
    use proptest::prelude::*;
    use std::hash::BuildHasher;

    const MSS: usize = 10;

    fn accepted(advance: usize, fin: bool) -> Accepted {
        Accepted { advance, fin, cut: false }
    }

    /// No progress, and something was not kept.
    const CUT: Accepted = Accepted { advance: 0, fin: false, cut: true };

    fn drain(buffer: &mut RecvBuffer) -> Vec<u8> {
        let mut all = vec![0; buffer.unread()];
        assert_eq!(buffer.read(&mut all), all.len());
        all
    }

    #[test]
    fn exact_windows_say_all_the_room_there_is() {
        let mut b = RecvBuffer::new(65_536);
        b.grow(65_700);
        b.open_window_exactly(1_460, 6);
        assert_eq!(b.rcv_wnd(), 65_700);
        let _ = b.accept(0, &[0; 1_000], false);
        b.open_window_exactly(1_460, 6);
        assert_eq!(b.rcv_wnd(), 64_700);
        b.open_window_exactly(1_460, 0);
        assert_eq!(b.rcv_wnd(), 64_700, "never less");
        let mut silly = RecvBuffer::new(4_000);
        let _ = silly.accept(0, &[0; 3_500], false);
        let _ = silly.read(&mut [0; 100]);
        silly.open_window_exactly(1_460, 0);
        assert_eq!(silly.rcv_wnd(), 500, "600 are less than a segment, and than a quarter of the buffer");
    }

    #[test]
    fn text_in_order_is_readable_and_takes_window() {
        let mut b = RecvBuffer::new(100);
        assert_eq!(b.accept(0, b"hello ", false), accepted(6, false));
        assert_eq!(b.accept(0, b"world", true), accepted(5, true));
        assert_eq!((b.unread(), b.rcv_wnd()), (11, 89));
        let mut peeked = [0; 4];
        assert_eq!(b.peek(&mut peeked), 4);
        assert_eq!(&peeked, b"hell");
        assert_eq!(drain(&mut b), b"hello world");
        assert_eq!(b.read(&mut [0; 4]), 0);
    }

    #[test]
    fn a_held_fin_becomes_in_order_when_the_hole_is_filled() {
        let mut b = RecvBuffer::new(100);
        assert_eq!(b.accept(5, b"world", true), accepted(0, false));
        assert_eq!(b.unread(), 0);
        assert_eq!(b.accept(0, b"hello", false), accepted(10, true));
        assert_eq!(drain(&mut b), b"helloworld");
    }

    #[test]
    fn what_came_first_stays() {
        let mut b = RecvBuffer::new(100);
        let _ = b.accept(3, b"DEF", false);
        let _ = b.accept(0, b"abcdefgh", false);
        assert_eq!(drain(&mut b), b"abcDEFgh");
    }

    #[test]
    fn text_and_fin_beyond_the_window_are_cut() {
        let mut b = RecvBuffer::new(4);
        assert_eq!(b.accept(2, b"cdEF", true), CUT);
        assert_eq!(b.accept(4, b"", true), CUT);
        assert_eq!(b.accept(usize::MAX, b"x", true), CUT);
        assert_eq!(b.accept(0, b"ab", false), accepted(4, false));
        assert_eq!(b.accept(0, b"x", false), CUT);
        assert_eq!(b.accept(0, b"", true), CUT);
        assert_eq!(b.accept(0, b"", false), accepted(0, false));
        assert_eq!(drain(&mut b), b"abcd");
        assert!(b.open_window(MSS, 0));
        assert_eq!(b.accept(0, b"EF", true), accepted(2, true));
        assert_eq!(drain(&mut b), b"EF");
    }

    #[test]
    fn what_came_with_a_syn_waits_for_the_connection() {
        let mut b = RecvBuffer::new(100);
        assert!(!b.holds_next());
        assert!(b.hold(0, b"early", true));
        assert!(b.holds_next());
        assert_eq!((b.unread(), b.rcv_wnd()), (0, 100));
        assert_eq!(b.accept(0, b"", false), accepted(5, true));
        b.fin_received();
        assert!(!b.holds_next());
        assert_eq!(b.rcv_wnd(), 94);
        assert!(!b.is_at_end());
        assert_eq!(drain(&mut b), b"early");
        assert!(b.is_at_end());
        assert_eq!(b.accept(0, b"more", true), accepted(0, false));
        assert_eq!(b.unread(), 0);
    }

    #[test]
    fn a_fin_that_came_with_a_syn_waits_too() {
        let mut b = RecvBuffer::new(100);
        assert!(b.hold(0, b"", true));
        assert!(b.holds_next());
        assert_eq!(b.accept(0, b"", false), accepted(0, true));
    }

    #[test]
    fn nothing_follows_a_fin_that_the_rules_took() {
        let mut b = RecvBuffer::new(100);
        let _ = b.accept(0, b"abc", false);
        let _ = b.accept(2, b"beyond", false);
        b.fin_received();
        let mut twin = RecvBuffer::new(100);
        let _ = twin.accept(0, b"abc", true);
        twin.fin_received();
        assert_eq!(b, twin);
        assert_eq!(b.accept(0, b"xy", false), accepted(0, false));
        assert_eq!(drain(&mut b), b"abc");
        assert!(b.is_at_end());
    }

    #[test]
    fn text_beyond_a_held_fin_is_not_delivered() {
        let mut b = RecvBuffer::new(100);
        let _ = b.accept(3, b"", true);
        assert_eq!(b.accept(0, b"abcdef", false), accepted(3, true));
        let mut twin = RecvBuffer::new(100);
        let _ = twin.accept(0, b"abc", true);
        assert_eq!(b, twin);
        assert_eq!(drain(&mut b), b"abc");
        assert_eq!(b.accept(0, b"x", false), accepted(0, true));
        assert_eq!(b.unread(), 0);
    }

    #[test]
    fn right_edge_stays_until_it_can_move_by_a_segment() {
        let mut b = RecvBuffer::new(100);
        let _ = b.accept(0, &[7; 60], false);
        assert_eq!(b.rcv_wnd(), 40);
        assert!(!b.open_window(MSS, 0));
        b.read(&mut [0; 9]);
        assert_eq!(b.window_update(MSS, 0), None);
        b.read(&mut [0; 1]);
        assert_eq!(b.window_update(MSS, 0), Some(50));
        assert!(b.open_window(MSS, 0));
        assert_eq!(b.rcv_wnd(), 50);
    }

    #[test]
    fn a_small_buffer_opens_by_half_of_itself() {
        let mut b = RecvBuffer::new(8);
        let _ = b.accept(0, &[7; 8], false);
        b.read(&mut [0; 3]);
        assert!(!b.open_window(1460, 0));
        b.read(&mut [0; 1]);
        assert!(b.open_window(1460, 0));
        assert_eq!(b.rcv_wnd(), 4);
    }

    #[test]
    fn too_many_holes_lose_the_farthest_text_only() {
        let stream: Vec<u8> = (0..=255).cycle().take(2 * MAX_RANGES + 30).collect();
        let mut b = RecvBuffer::new(1000);
        for n in (1..=MAX_RANGES + 10).rev() {
            let did = b.accept(2 * n, &stream[2 * n..2 * n + 1], false);
            assert_eq!(did.cut, n <= 10);
        }
        assert_eq!(b.ranges().last(), Some(2 * MAX_RANGES..2 * MAX_RANGES + 1));

        let mut rcv_nxt = 0;
        for _ in 0..stream.len() {
            rcv_nxt += b.accept(0, stream.get(rcv_nxt..rcv_nxt + 1).unwrap_or_default(), false).advance;
        }
        assert_eq!(drain(&mut b), stream);
    }

    #[test]
    fn clear_forgets_text_and_keeps_the_edge() {
        let mut b = RecvBuffer::new(100);
        let _ = b.accept(0, b"abc", false);
        let _ = b.accept(5, b"f", true);
        b.clear();
        assert_eq!((b.unread(), b.rcv_wnd()), (0, 97));
        assert!(!b.has_holes() && !b.holds_next());
        assert_eq!(b.memory(), 0);
        assert_eq!(b.accept(0, b"d", false), accepted(1, false));
    }

    #[test]
    fn a_syn_offers_what_it_can_say_and_a_scaled_window_the_rest() {
        let mut b = RecvBuffer::new(200_000);
        assert_eq!(b.rcv_wnd(), UNSCALED_CAPACITY);
        assert!(!b.open_window(1460, 0));
        assert!(b.open_window(1460, 2));
        assert_eq!(b.rcv_wnd(), 200_000);
        let mut greater = RecvBuffer::new(1 << 30);
        greater.open_window(1460, 14);
        assert_eq!(greater.rcv_wnd(), UNSCALED_CAPACITY << 14);
    }

    /// A user who reads nothing, and segments of an octet, each of which would move the edge right by a unit.
    #[test]
    fn rounding_promises_no_more_than_an_eighth_beyond_the_buffer() {
        let mut b = RecvBuffer::new(10_000);
        for _ in 0..3000 {
            let _ = b.accept(0, &[1], false);
            b.open_window(1460, 9);
            assert!(b.unread() + b.rcv_wnd() <= 10_000 + 10_000 / 8);
        }
    }

    #[test]
    fn growing_lets_the_window_open_and_nothing_makes_it_smaller() {
        let mut b = RecvBuffer::new(1000);
        b.grow(500);
        assert_eq!((b.capacity(), b.window_update(MSS, 0)), (1000, None));
        b.grow(3000);
        assert!(b.open_window(MSS, 0));
        assert_eq!(b.rcv_wnd(), 3000);
    }

    #[test]
    fn memory_is_given_back_when_all_is_read() {
        let mut b = RecvBuffer::new(60_000);
        let _ = b.accept(0, &[1; 50_000], false);
        let _ = b.accept(100, &[2; 1000], false);
        assert!(b.memory() >= 51_000);
        let _ = b.accept(0, &[3; 100], false);
        drain(&mut b);
        assert_eq!(b.memory(), 0);
    }

    /// A position in the stream for each segment, relative to what the receiver has then, and how much is read after
    /// it.
    fn segments() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
        prop::collection::vec((0_usize..40, 0_usize..25, 0_usize..30), 1..120)
    }

    proptest! {
        /// Any order of overlapping segments of one stream, in any interleaving with reads, delivers the stream, within
        /// its window.
        #[test]
        fn any_order_of_overlapping_segments_yields_the_stream(
            stream in prop::collection::vec(1_u8.., 1..200),
            capacity in 1_usize..60,
            segments in segments(),
        ) {
            let mut b = RecvBuffer::new(capacity);
            let (mut rcv_nxt, mut delivered) = (0, Vec::<u8>::new());
            let mut edge = capacity;
            let mut fin = false;
            // After the random part, the peer retransmits from RCV.NXT on until all is through.
            let retransmissions = std::iter::repeat_n((0, 20, 30), 800);
            for (ahead, len, read) in segments.into_iter().chain(retransmissions) {
                let from = (rcv_nxt + ahead).min(stream.len());
                let to = (from + len).min(stream.len());
                let did = b.accept(from - rcv_nxt, &stream[from..to], to == stream.len());
                rcv_nxt += did.advance;
                fin = did.fin;
                prop_assert!(!fin || rcv_nxt == stream.len());
                prop_assert_eq!(rcv_nxt + b.rcv_wnd(), edge);

                let mut buf = vec![0; read];
                let n = b.read(&mut buf);
                delivered.extend(&buf[..n]);
                prop_assert_eq!(rcv_nxt - delivered.len(), b.unread());
                b.open_window(4, 0);
                prop_assert!(rcv_nxt + b.rcv_wnd() >= edge);
                edge = rcv_nxt + b.rcv_wnd();
                prop_assert!(b.unread() + b.rcv_wnd() <= capacity);
            }
            prop_assert!(fin);
            prop_assert_eq!(delivered, stream);
        }

        /// RFC 9293 §3.8.6 (SHLD-14): the right edge that the peer computes from a scaled window never moves left, unless
        /// more would be promised than an eighth beyond the buffer; what was promised is accepted in any case.
        #[test]
        fn the_right_edge_that_the_peer_sees_never_moves_left(
            shift in 0_u8..=9,
            capacity in 10_000_usize..200_000,
            turns in prop::collection::vec((1_usize..3000, 0_usize..4000), 1..200),
        ) {
            let mut b = RecvBuffer::new(capacity);
            let (mut rcv_nxt, mut promised, mut seen) = (0, 0, 0);
            for (len, read) in turns {
                rcv_nxt += b.accept(0, &vec![1; len], false).advance;
                b.read(&mut vec![0; read]);
                b.open_window(1460, shift);
                prop_assert!(rcv_nxt + b.rcv_wnd() >= promised);
                promised = rcv_nxt + b.rcv_wnd();
                let field = b.rcv_wnd() >> shift;
                prop_assert!(field <= UNSCALED_CAPACITY);
                let edge = rcv_nxt + (field << shift);
                let full = b.unread() + b.rcv_wnd() + (1 << shift) > capacity + capacity / 8;
                prop_assert!(edge >= seen || full);
                prop_assert!(b.unread() + b.rcv_wnd() <= capacity + capacity / 8);
                seen = edge;
            }
        }

        /// Segments that contradict each other: each byte is the one that came first, as in a map from position to
        /// byte.
        #[test]
        fn behaves_as_a_map_where_the_first_byte_wins(
            segments in prop::collection::vec((0_usize..60, prop::collection::vec(any::<u8>(), 0..20)), 1..40),
        ) {
            let mut b = RecvBuffer::new(500);
            let mut map = std::collections::BTreeMap::new();
            let mut rcv_nxt = 0;
            for (offset, text) in segments {
                for (i, &byte) in text.iter().enumerate() {
                    if rcv_nxt + offset + i < 500 {
                        map.entry(rcv_nxt + offset + i).or_insert(byte);
                    }
                }
                rcv_nxt += b.accept(offset, &text, false).advance;
                let contiguous = (0..).take_while(|i| map.contains_key(i)).count();
                prop_assert_eq!(rcv_nxt, contiguous);
            }
            let text: Vec<u8> = map.into_values().take(rcv_nxt).collect();
            prop_assert_eq!(drain(&mut b), text);
        }

        /// Equal contents are equal, whatever memory they lie in: the checker compares and hashes buffers.
        #[test]
        fn equality_is_that_of_contents(first in 1_usize..50, second in 1_usize..20) {
            let mut b = RecvBuffer::new(100);
            let _ = b.accept(0, &vec![1; first], false);
            drain(&mut b);
            b.open_window(1, 0);
            let _ = b.accept(0, &vec![2; second], false);
            let _ = b.accept(30, &[3; 5], true);

            let mut twin = RecvBuffer::new(100);
            let _ = twin.accept(30 + second, &[3; 5], true);
            let _ = twin.accept(0, &vec![2; second], false);
            prop_assert_eq!(&b, &twin);
            let hasher = std::hash::RandomState::new();
            prop_assert_eq!(hasher.hash_one(&b), hasher.hash_one(&twin));
        }
    }
}
