//! The Internet checksum (RFC 1071) and the pseudo-header that TCP adds to it (RFC 9293 §3.1).

use super::ipv4::Protocol;
use std::net::Ipv4Addr;

/// Whether a checksum is to be verified when bytes are parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// A wrong checksum makes the bytes malformed.
    Verify,
    /// The device vouches for the bytes (it has verified them, or they never crossed a wire): the field is ignored.
    Vouched,
}

/// What a TCP checksum covers besides the segment: it protects against misrouted segments (RFC 9293 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PseudoHeader {
    /// Source address of the datagram.
    pub source: Ipv4Addr,
    /// Destination address of the datagram.
    pub destination: Ipv4Addr,
    /// Protocol of the datagram.
    pub protocol: Protocol,
}

impl PseudoHeader {
    /// The sum of the pseudo-header of a segment of `length` bytes, header and text.
    pub fn sum(self, length: usize) -> Sum {
        // The words above the sixteenth bit are zero and do no harm; in IPv6 they count.
        Sum::default()
            .plus(&self.source.octets())
            .plus(&self.destination.octets())
            .plus(&[0, self.protocol.0])
            .plus(&length.to_be_bytes())
    }
}

/// A ones' complement sum of 16-bit words that can be fed piece by piece, also at odd places.
///
/// ```
/// use lockstep::wire::Sum;
/// let whole = Sum::default().plus(b"lockstep");
/// assert_eq!(Sum::default().plus(b"loc").plus(b"kstep").checksum(), whole.checksum());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    /// The words are added as they lie in memory: the sum does not care which byte is the high one (RFC 1071 §2 B).
    native: u16,
    /// An odd number of bytes has been added: the next byte is the second one of its word.
    odd: bool,
}

impl Sum {
    /// The sum of what was added before, followed by `bytes`.
    #[must_use]
    pub fn plus(self, bytes: &[u8]) -> Sum {
        let piece = sum_of(bytes);
        let in_place = if self.odd { piece.swap_bytes() } else { piece };
        Sum { native: add_with_carry(self.native, in_place), odd: self.odd ^ (bytes.len() % 2 == 1) }
    }

    /// The checksum, to be written most significant byte first: the complement of the sum.
    /// Over bytes that include their own checksum it is zero when they are intact.
    pub fn checksum(self) -> u16 {
        !self.folded()
    }

    /// The sum itself, which is what a device that completes checksums wants to find in the field.
    pub fn folded(self) -> u16 {
        u16::from_be(self.native)
    }
}

/// Sums of 32-bit words cannot overflow 64 bits in any slice below 16 GiB, so that carries are folded only once.
fn sum_of(bytes: &[u8]) -> u16 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    let sum: u64 = words.iter().chain([&last]).map(|word| u64::from(u32::from_ne_bytes(*word))).sum();
    fold(sum)
}

/// 2^16 is one modulo 2^16 - 1: a number is congruent to the sum of its 16-bit digits.
fn fold(sum: u64) -> u16 {
    let [a, b, c, d, e, f, g, h] = sum.to_ne_bytes();
    [[a, b], [c, d], [e, f], [g, h]].into_iter().map(u16::from_ne_bytes).fold(0, add_with_carry)
}

fn add_with_carry(a: u16, b: u16) -> u16 {
    let (sum, carry) = a.overflowing_add(b);
    sum + u16::from(carry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quickcheck::quickcheck;

    /// RFC 1071 §1, word by word, as slowly as it is written there.
    fn by_the_book(bytes: &[u8]) -> u16 {
        let mut sum: u32 = 0;
        for pair in bytes.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !u16::try_from(sum).unwrap()
    }

    fn checksum(bytes: &[u8]) -> u16 {
        Sum::default().plus(bytes).checksum()
    }

    fn bytes_of(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn the_example_of_rfc_1071_section_3() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Sum::default().plus(&bytes).folded(), 0xddf2);
        assert_eq!(checksum(&bytes), !0xddf2);
    }

    #[test]
    fn the_longest_datagram_of_ones_does_not_overflow() {
        assert_eq!(checksum(&[0xff; 65_535]), by_the_book(&[0xff; 65_535]));
    }

    quickcheck! {
        fn agrees_with_the_book(bytes: Vec<u8>) -> bool {
            checksum(&bytes) == by_the_book(&bytes)
        }

        fn agrees_with_etherparse(words: Vec<u16>) -> bool {
            let bytes = bytes_of(&words);
            let theirs = etherparse::checksum::Sum16BitWords::new().add_slice(&bytes).ones_complement();
            checksum(&bytes) == u16::from_be(theirs)
        }

        fn the_order_of_words_does_not_matter(words: Vec<u16>, by: usize) -> bool {
            let mut rotated = words.clone();
            if !words.is_empty() {
                rotated.rotate_left(by % words.len());
            }
            let reversed: Vec<u16> = words.iter().rev().copied().collect();
            let ours = checksum(&bytes_of(&words));
            ours == checksum(&bytes_of(&rotated)) && ours == checksum(&bytes_of(&reversed))
        }

        fn pieces_sum_to_the_whole(pieces: Vec<Vec<u8>>) -> bool {
            let by_pieces = pieces.iter().fold(Sum::default(), |sum, piece| sum.plus(piece));
            by_pieces.checksum() == checksum(&pieces.concat())
        }

        fn appending_the_checksum_gives_zero(words: Vec<u16>) -> bool {
            let mut bytes = bytes_of(&words);
            let sum = checksum(&bytes);
            bytes.extend(sum.to_be_bytes());
            checksum(&bytes) == 0
        }

        /// RFC 1624 equation 3: HC' = ~(~HC + ~m + m'), where a word m of the bytes becomes m'.
        fn a_changed_word_can_be_accounted_for(words: Vec<u16>, at: usize, new: u16) -> bool {
            if words.is_empty() {
                return true;
            }
            let at = at % words.len();
            let old_checksum = checksum(&bytes_of(&words));
            let mut changed = words.clone();
            changed[at] = new;
            let updated = !add_with_carry(add_with_carry(!old_checksum, !words[at]), new);
            let recomputed = checksum(&bytes_of(&changed));
            // Zero has two representations; only a sum of nothing but zeros is written as +0 (RFC 1624 §3).
            updated == recomputed || changed.iter().all(|&word| word == 0)
        }
    }

    proptest! {
        #[test]
        fn long_slices_agree_with_the_book(bytes in prop::collection::vec(any::<u8>(), 0..5_000)) {
            prop_assert_eq!(checksum(&bytes), by_the_book(&bytes));
        }

        #[test]
        fn the_pseudo_header_is_that_of_rfc_9293(source: [u8; 4], destination: [u8; 4], length: u16) {
            let (from, to) = (source.into(), destination.into());
            let pseudo = PseudoHeader { source: from, destination: to, protocol: Protocol::TCP };
            let laid_out = [&source[..], &destination[..], &[0, 6], &length.to_be_bytes()[..]].concat();
            prop_assert_eq!(pseudo.sum(usize::from(length)).checksum(), by_the_book(&laid_out));
        }
    }
}
