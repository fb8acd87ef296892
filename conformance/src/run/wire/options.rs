//! TCP options as octets.

use super::{Unreadable, Unwritable};
use crate::script::TcpOption;

/// The options as octets.
pub(super) fn write(options: &[TcpOption]) -> Result<Vec<u8>, Unwritable> {
    let mut bytes = Vec::new();
    for option in options {
        let length = u8::try_from(option.length()).map_err(|_| Unwritable::Options)?;
        match option {
            TcpOption::EndOfList => bytes.push(0),
            TcpOption::NoOperation => bytes.push(1),
            TcpOption::MaximumSegmentSize(size) => {
                bytes.extend([2, length]);
                bytes.extend(size.to_be_bytes());
            }
            TcpOption::WindowScale(shift) => bytes.extend([3, length, *shift]),
            TcpOption::SackPermitted => bytes.extend([4, length]),
            TcpOption::Sack(blocks) => {
                bytes.extend([5, length]);
                bytes.extend(
                    blocks.iter().flat_map(|(first, after)| [first.to_be_bytes(), after.to_be_bytes()].concat()),
                );
            }
            TcpOption::Timestamps { val, ecr } => {
                bytes.extend([8, length]);
                bytes.extend([val.to_be_bytes(), ecr.to_be_bytes()].concat());
            }
            TcpOption::FastOpen { experimental: false, cookie } => {
                bytes.extend([34, length]);
                bytes.extend(cookie);
            }
            // RFC 6994, with the identifier that RFC 7413 §4.1 once had.
            TcpOption::FastOpen { experimental: true, cookie } => {
                bytes.extend([254, length, 0xf9, 0x89]);
                bytes.extend(cookie);
            }
            TcpOption::Octets(octets) => bytes.extend(octets),
            // A script with one of these is not run.
            TcpOption::Foreign(_) => {}
        }
    }
    Ok(bytes)
}

/// All of them, in order: etherparse's own iterator leaves out the end of the list, which scripts name.
pub(super) fn read(mut bytes: &[u8]) -> Result<Vec<TcpOption>, Unreadable> {
    let mut options = Vec::new();
    // Each turn takes at least one octet.
    while let [kind, rest @ ..] = bytes {
        match kind {
            0 => {
                options.push(TcpOption::EndOfList);
                // What follows is padding, which scripts name, too: nobody reads what is none.
                bytes = if rest.first() == Some(&0) { rest } else { &[] };
            }
            1 => {
                options.push(TcpOption::NoOperation);
                bytes = rest;
            }
            _ => {
                let unreadable = || Unreadable::Option(*kind);
                let length = usize::from(*rest.first().ok_or_else(unreadable)?);
                let (option, after) = bytes.split_at_checked(length).ok_or_else(unreadable)?;
                options.push(read_option(option).ok_or_else(unreadable)?);
                bytes = after;
            }
        }
    }
    Ok(options)
}

/// An option of two octets or more. A well-formed one of another kind is its octets.
fn read_option(bytes: &[u8]) -> Option<TcpOption> {
    match bytes {
        [2, _, a, b] => Some(TcpOption::MaximumSegmentSize(u16::from_be_bytes([*a, *b]))),
        [3, _, shift] => Some(TcpOption::WindowScale(*shift)),
        [4, _] => Some(TcpOption::SackPermitted),
        [5, _, blocks @ ..] if blocks.len() % 8 == 0 => {
            let number = |bytes: &[u8]| Some(u32::from_be_bytes(bytes.first_chunk::<4>().copied()?));
            let block = |block: &[u8]| Some((number(block)?, number(block.get(4..)?)?));
            blocks.chunks_exact(8).map(block).collect::<Option<_>>().map(TcpOption::Sack)
        }
        [8, _, a, b, c, d, e, f, g, h] => Some(TcpOption::Timestamps {
            val: u32::from_be_bytes([*a, *b, *c, *d]),
            ecr: u32::from_be_bytes([*e, *f, *g, *h]),
        }),
        [34, _, cookie @ ..] => Some(TcpOption::FastOpen { experimental: false, cookie: cookie.to_vec() }),
        [254, _, 0xf9, 0x89, cookie @ ..] => Some(TcpOption::FastOpen { experimental: true, cookie: cookie.to_vec() }),
        [2..=5 | 8, ..] | [] | [_] => None,
        octets => Some(TcpOption::Octets(octets.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn illegal_options_are_told() {
        for (bytes, kind) in [(&[2u8, 3, 1][..], 2), (&[8], 8), (&[99, 0, 0, 0], 99), (&[99, 1], 99), (&[5, 200], 5)] {
            assert_eq!(read(bytes), Err(Unreadable::Option(kind)), "{bytes:?}");
        }
        assert_eq!(read(&[3, 1, 0]), Err(Unreadable::Option(3)));
        assert_eq!(read(&[1, 0, 7]), Ok(vec![TcpOption::NoOperation, TcpOption::EndOfList]));
    }

    #[test]
    fn what_is_unknown_is_its_octets() {
        let options = vec![
            TcpOption::Octets(vec![99, 4, 1, 2]),
            TcpOption::FastOpen { experimental: false, cookie: vec![1, 2, 3, 4] },
            TcpOption::FastOpen { experimental: true, cookie: Vec::new() },
        ];
        assert_eq!(read(&write(&options).expect("they fit")), Ok(options));
    }
}
