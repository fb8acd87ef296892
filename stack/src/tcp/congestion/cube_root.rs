//! The cube root that RFC 9438 asks for, without floating point.

/// Bits of the largest root looked for: its cube has 126.
const ROOT_BITS: u32 = 42;

/// The largest integer whose cube is not greater than `n`, for `n` below 2^126: less than one too small.
///
/// One bit of the root after the other, the highest first. It is asked for once in an epoch, not with every
/// acknowledgment.
pub(super) fn cube_root(n: u128) -> u64 {
    let mut root: u64 = 0;
    for bit in (0..ROOT_BITS).rev() {
        let candidate = root | 1 << bit;
        if u128::from(candidate).pow(3) <= n {
            root = candidate;
        }
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_roots_and_the_largest() {
        let roots: Vec<u64> = [0, 1, 7, 8, 26, 27, 63, 64].map(cube_root).into();
        assert_eq!(roots, [0, 1, 1, 2, 2, 3, 3, 4]);
        assert_eq!(cube_root((1 << 126) - 1), (1 << 42) - 1);
    }

    proptest! {
        #[test]
        fn it_is_the_floor_of_the_root(n in 0_u128..1 << 126) {
            let root = u128::from(cube_root(n));
            prop_assert!(root.pow(3) <= n && n < (root + 1).pow(3));
        }

        #[test]
        fn cubes_have_their_root_and_their_predecessors_one_less(root in 1_u64..1 << ROOT_BITS) {
            let cube = u128::from(root).pow(3);
            prop_assert_eq!(cube_root(cube), root);
            prop_assert_eq!(cube_root(cube - 1), root - 1);
        }
    }
}
