//! SACK blocks, read with suspicion (RFC 2018 §3, RFC 2883 §4).
//!
//! A block tells what the peer holds, or, if it comes first and lies below what is acknowledged or within the second block,
//! what has reached him twice (D-SACK). A block about anything else (empty, inside out, of what was never sent) is a lie
//! or a ghost and says nothing.

use std::ops::Range;

use super::sent::Place;
use crate::wire::SackBlock;

/// As many blocks as options have room for (RFC 2018 §3).
const MOST: usize = 4;

/// What the blocks of one segment say, in places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Blocks {
    /// What the peer holds, from left to right.
    held: [Option<(Place, Place)>; MOST],
    /// What has reached him twice.
    pub twice: Option<(Place, Place)>,
}

impl Blocks {
    /// Reads blocks of a segment that acknowledges all before `ack`, as far as they lie in what is `outstanding`; `place` says
    /// where a number lies, if it lies anywhere.
    ///
    /// What a segment calls a duplicate lies below its own acknowledgment: if another one has overtaken it, the text that it
    /// told of out of order may meanwhile be acknowledged, too.
    pub fn read(
        blocks: &[SackBlock],
        ack: Place,
        outstanding: Range<Place>,
        place: impl Fn(u32) -> Option<Place>,
    ) -> Self {
        let Range { start: una, end: nxt } = outstanding;
        let mut read = Self::default();
        let mut places = blocks.iter().map(|block| {
            let (left, right) = (place(block.left)?, place(block.right)?);
            (left < right && right <= nxt).then_some((left, right))
        });
        let first = places.next().flatten();
        let mut rest = [None; MOST - 1];
        rest.iter_mut().zip(places).for_each(|(slot, block)| *slot = block);
        let within = |(left, right), outer: Option<(Place, Place)>| outer.is_some_and(|(l, r)| l <= left && right <= r);
        read.twice = first.filter(|&block| block.1 <= ack || within(block, rest[0]));
        let first = first.filter(|_| read.twice.is_none());
        read.held = [first, rest[0], rest[1], rest[2]].map(|block| block.filter(|&(left, _)| left >= una));
        read.held.sort_unstable();
        read
    }

    /// What the peer holds, from left to right.
    pub fn held(&self) -> impl Iterator<Item = (Place, Place)> + '_ {
        self.held.iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNA: Place = 100;
    const NXT: Place = 200;

    type Run = (Place, Place);

    fn read(blocks: &[(u32, u32)]) -> (Vec<Run>, Option<Run>) {
        read_from(UNA, blocks)
    }

    fn read_from(ack: Place, blocks: &[(u32, u32)]) -> (Vec<Run>, Option<Run>) {
        let blocks: Vec<_> = blocks.iter().map(|&(left, right)| SackBlock { left, right }).collect();
        let read = Blocks::read(&blocks, ack, UNA..NXT, |seq| Some(seq.into()));
        (read.held().collect(), read.twice)
    }

    #[test]
    fn what_is_held_comes_from_left_to_right() {
        assert_eq!(read(&[(150, 160), (110, 120), (130, 140)]), (vec![(110, 120), (130, 140), (150, 160)], None));
    }

    #[test]
    fn a_first_block_that_is_old_or_within_the_second_tells_of_a_duplicate() {
        assert_eq!(read(&[(90, 100), (110, 120)]), (vec![(110, 120)], Some((90, 100))));
        assert_eq!(read(&[(112, 114), (110, 120)]), (vec![(110, 120)], Some((112, 114))));
        assert_eq!(read(&[(110, 120), (112, 114)]), (vec![(110, 120), (112, 114)], None));
    }

    #[test]
    fn what_was_out_of_order_for_an_overtaken_acknowledgment_is_no_duplicate() {
        assert_eq!(read_from(50, &[(80, 90), (110, 120)]), (vec![(110, 120)], None));
        assert_eq!(read_from(50, &[(40, 50), (110, 120)]), (vec![(110, 120)], Some((40, 50))));
    }

    #[test]
    fn lies_say_nothing() {
        let lies = [(120, 110), (120, 120), (190, 201), (95, 105), (300, 400)];
        for lie in lies {
            assert_eq!(read(&[lie]), (vec![], None), "{lie:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_outside_of_what_is_outstanding_is_ever_held(
            blocks in prop::collection::vec((0_u32..300, 0_u32..300), 0..5),
        ) {
            let (held, twice) = read(&blocks);
            prop_assert!(held.iter().all(|&(left, right)| UNA <= left && left < right && right <= NXT));
            prop_assert!(twice.is_none_or(|(left, right)| left < right && right <= NXT));
        }
    }
}
