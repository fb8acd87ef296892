//! Sequence numbers: positions on a circle (RFC 9293 §3.4).
//!
//! There is no order on a circle, so there is no `Ord` here: two numbers are compared by the shorter way round
//! ([`SeqNum::since`]). The engine is generic over the size of the circle: the stack runs on 2^32 ([`Seq`]), the model
//! checker on a small one ([`Mod`]), with the same code. This is the only place that does arithmetic on them.

use core::fmt::{self, Debug, Display};
use core::hash::Hash;

/// A sequence number modulo `2^BITS`.
///
/// No method panics and none overflows.
pub trait SeqNum: Copy + Eq + Hash + Debug + Display {
    /// A number of octets: a window or a length of text. As small as the circle allows, to keep a checker's state small.
    type Len: Copy + Eq + Ord + Hash + Debug + Default + Into<u32>;

    /// The number of bits of the sequence space, 32 in TCP.
    const BITS: u32;

    /// The number congruent to `n`.
    fn new(n: u32) -> Self;

    /// The representative in `0..2^BITS`.
    fn raw(self) -> u32;

    /// `n` octets, or the largest length that exists here if that is fewer.
    fn len(n: u32) -> Self::Len;

    /// The number `n` octets further on.
    #[must_use]
    fn plus(self, n: u32) -> Self {
        Self::new(self.raw().wrapping_add(n))
    }

    /// The number `n` octets earlier.
    #[must_use]
    fn minus(self, n: u32) -> Self {
        Self::new(self.raw().wrapping_sub(n))
    }

    /// The signed distance from `origin` to `self` by the shorter way round, in octets; the antipode counts as behind.
    fn since(self, origin: Self) -> i32 {
        let unused = 32 - Self::BITS;
        // Moved to the top bits, the sign bit of the circle becomes the sign bit of an i32.
        (self.raw().wrapping_sub(origin.raw()) << unused).cast_signed() >> unused
    }

    /// The distance from `origin` forward to `self`, all the way round if need be, in octets.
    fn forward_from(self, origin: Self) -> u32 {
        Self::new(self.raw().wrapping_sub(origin.raw())).raw()
    }

    /// `self < other` in the notation of RFC 9293 §3.4.
    fn before(self, other: Self) -> bool {
        self.since(other) < 0
    }

    /// `self > other` in the notation of RFC 9293 §3.4.
    fn after(self, other: Self) -> bool {
        self.since(other) > 0
    }

    /// `start =< self < start+len`: whether this octet lies in the window of `len` octets from `start` on.
    fn in_window(self, start: Self, len: u32) -> bool {
        self.forward_from(start) < len
    }
}

/// A TCP sequence number, modulo 2^32.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Seq(u32);

impl SeqNum for Seq {
    type Len = u32;
    const BITS: u32 = 32;

    fn new(n: u32) -> Self {
        Self(n)
    }
    fn raw(self) -> u32 {
        self.0
    }
    fn len(n: u32) -> u32 {
        n
    }
}

impl Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

/// A sequence number modulo `2^BITS` with `3 <= BITS <= 8`, for models whose distances stay below `2^(BITS-1)`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Mod<const BITS: u32>(u8);

impl<const BITS: u32> Mod<BITS> {
    const MASK: u8 = {
        assert!(BITS >= 3 && BITS <= 8, "a Mod has 3 to 8 bits");
        u8::MAX >> (8 - BITS)
    };
}

impl<const B: u32> SeqNum for Mod<B> {
    type Len = u8;
    const BITS: u32 = B;

    fn new(n: u32) -> Self {
        Self(n.to_le_bytes()[0] & Self::MASK)
    }
    fn raw(self) -> u32 {
        u32::from(self.0)
    }
    fn len(n: u32) -> u8 {
        u8::try_from(n).unwrap_or(u8::MAX)
    }
}

impl<const BITS: u32> Display for Mod<BITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    const HALF: i32 = i32::MIN;

    quickcheck! {
        fn distance_undoes_addition(origin: u32, n: i32) -> bool {
            Seq::new(origin).plus(n.cast_unsigned()).since(Seq::new(origin)) == n
        }
        fn subtraction_undoes_addition(origin: u32, n: u32) -> bool {
            Seq::new(origin).plus(n).minus(n) == Seq::new(origin)
        }
        fn distance_is_antisymmetric_but_for_the_antipode(a: u32, b: u32) -> bool {
            let d = Seq::new(a).since(Seq::new(b));
            d == HALF || Seq::new(b).since(Seq::new(a)) == -d
        }
        fn comparison_does_not_see_a_translation(a: u32, b: u32, by: u32) -> bool {
            let (a, b) = (Seq::new(a), Seq::new(b));
            a.before(b) == a.plus(by).before(b.plus(by))
        }
        fn exactly_one_of_before_same_after(a: u32, b: u32) -> bool {
            let (a, b) = (Seq::new(a), Seq::new(b));
            u8::from(a.before(b)) + u8::from(a == b) + u8::from(a.after(b)) == 1
        }
        fn a_window_holds_exactly_its_octets(start: u32, len: u32, at: u32) -> bool {
            let start = Seq::new(start);
            start.plus(at).in_window(start, len) == (at < len)
        }
        fn a_small_circle_agrees_where_distances_are_small(a: u32, d: i8) -> bool {
            let d = i32::from(d / 4);
            let near = a.wrapping_add_signed(d);
            Mod::<6>::new(near).since(Mod::new(a)) == d && Seq::new(near).since(Seq::new(a)) == d
        }
    }

    #[test]
    fn order_of_three_close_numbers_is_transitive_on_every_point_of_a_small_circle() {
        for a in 0..32 {
            for (i, j) in [(1, 2), (3, 4), (7, 8), (1, 14)] {
                let (x, y, z) = (Mod::<5>::new(a), Mod::<5>::new(a).plus(i), Mod::<5>::new(a).plus(i).plus(j));
                assert!(x.before(y) && y.before(z) && x.before(z) == (i + j < 16));
            }
        }
    }

    #[test]
    fn the_wrap_is_no_edge() {
        assert!(Seq::new(u32::MAX).before(Seq::new(0)));
        assert!(Seq::new(5).after(Seq::new(u32::MAX - 5)));
        assert_eq!(Seq::new(2).since(Seq::new(u32::MAX)), 3);
        assert_eq!(Seq::new(u32::MAX).plus(1), Seq::new(0));
    }
}
