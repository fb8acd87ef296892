//! The source route options of IPv4 (RFC 791 §3.1): the hosts a datagram is to pass on its way, and those it has passed.

use std::net::Ipv4Addr;

const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const LOOSE: u8 = 131;
const STRICT: u8 = 137;

/// Octets before the addresses: type, length, pointer.
const FIXED: usize = 3;

/// The pointer to the first address.
const FIRST: u8 = 4;

/// The most addresses an option has room for: 40 octets of options, less the three before them.
pub const MAX_HOPS: usize = 9;

/// The hosts that a datagram passes before it comes to its destination, the first of them first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceRoute {
    strict: bool,
    hops: [Ipv4Addr; MAX_HOPS],
    count: u8,
}

/// What the options of a datagram that has arrived say about its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// Nothing.
    Any,
    /// It has passed all hosts it was to pass; this leads back.
    Complete(SourceRoute),
    /// It is here only to be passed on, and ends there.
    Onward(Ipv4Addr),
}

impl SourceRoute {
    /// Through `hops` in this order; `strict` if through no other. `None` if there are none, or more than [`MAX_HOPS`].
    #[must_use]
    pub fn new(hops: &[Ipv4Addr], strict: bool) -> Option<Self> {
        let mut all = [Ipv4Addr::UNSPECIFIED; MAX_HOPS];
        all.get_mut(..hops.len())?.copy_from_slice(hops);
        let count = u8::try_from(hops.len()).ok().filter(|&count| count > 0)?;
        Some(Self { strict, hops: all, count })
    }

    /// The hosts on the way.
    #[must_use]
    pub fn hops(&self) -> &[Ipv4Addr] {
        &self.hops[..usize::from(self.count)]
    }

    /// The first host on the way: where a datagram with this route is sent to.
    #[must_use]
    pub fn first(&self) -> Ipv4Addr {
        self.hops[0]
    }

    /// Whether it may pass no others.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// The octets that the option takes in a header, a multiple of four.
    #[must_use]
    pub fn option_len(&self) -> usize {
        (FIXED + 4 * usize::from(self.count)).next_multiple_of(4)
    }

    /// The option of a datagram that begins this way, to the first hop, and ends at `destination`: padded with zeros to
    /// [`option_len`](Self::option_len).
    #[must_use]
    pub fn option(&self, destination: Ipv4Addr) -> Vec<u8> {
        let kind = if self.strict { STRICT } else { LOOSE };
        let mut option = vec![kind, 3 + 4 * self.count, FIRST];
        let ahead = self.hops()[1..].iter().chain([&destination]);
        ahead.for_each(|address| option.extend(address.octets()));
        option.resize(self.option_len(), END);
        option
    }

    /// What the options of a header say about the way of its datagram. An option that cannot be says nothing, and hides what
    /// follows it.
    #[must_use]
    pub fn read(mut options: &[u8]) -> Way {
        while let [kind, rest @ ..] = options {
            if *kind == END {
                break;
            }
            if *kind == NO_OPERATION {
                options = rest;
                continue;
            }
            let Some(option) = rest.first().and_then(|&length| options.get(..usize::from(length))) else {
                break;
            };
            if *kind == LOOSE || *kind == STRICT {
                return Self::way(option).unwrap_or(Way::Any);
            }
            if option.len() < 2 {
                break;
            }
            options = &options[option.len()..];
        }
        Way::Any
    }

    fn way(option: &[u8]) -> Option<Way> {
        let (&[kind, length, pointer], addresses) = option.split_first_chunk()?;
        let (addresses, []) = addresses.as_chunks::<4>() else { return None };
        if pointer < FIRST || !pointer.is_multiple_of(4) {
            return None;
        }
        if pointer <= length {
            return addresses.last().map(|&end| Way::Onward(end.into()));
        }
        let back: Vec<Ipv4Addr> = addresses.iter().rev().map(|&address| address.into()).collect();
        Some(Self::new(&back, kind == STRICT).map_or(Way::Any, Way::Complete))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn host(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(192, 0, 2, last)
    }

    /// A router that is the next hop passes the datagram on (RFC 791 §3.1): the new destination is what the pointer points
    /// to, and its own address takes that place.
    fn passed_on(option: &mut [u8], router: Ipv4Addr) -> Ipv4Addr {
        let at = usize::from(option[2]) - 1;
        let next = Ipv4Addr::from(<[u8; 4]>::try_from(&option[at..at + 4]).unwrap());
        option[at..at + 4].copy_from_slice(&router.octets());
        option[2] += 4;
        next
    }

    #[test]
    fn a_datagram_finds_its_way_and_the_answer_the_way_back() {
        for strict in [false, true] {
            let route = SourceRoute::new(&[host(10), host(20), host(30)], strict).unwrap();
            let mut option = route.option(host(99));
            assert_eq!((option.len(), route.first()), (16, host(10)));
            // Each router has another address on its other side.
            for (router, expected) in [(11, host(20)), (21, host(30)), (31, host(99))] {
                assert_eq!(SourceRoute::read(&option), Way::Onward(host(99)));
                assert_eq!(passed_on(&mut option, host(router)), expected);
            }
            let back = SourceRoute::new(&[host(31), host(21), host(11)], strict).unwrap();
            assert_eq!(SourceRoute::read(&option), Way::Complete(back));
        }
    }

    #[test]
    fn it_is_found_among_others_and_not_behind_nonsense() {
        let route = SourceRoute::new(&[host(10)], false).unwrap();
        let option = route.option(host(99));
        let router_alert = [148, 4, 0, 0];
        assert_eq!(SourceRoute::read(&[&[1, 1], &router_alert[..], &option].concat()), Way::Onward(host(99)));
        for nonsense in [&[0][..], &[148, 0], &[148, 1], &[148], &[148, 60], &[131, 3, 0], &[131, 6, 4, 1, 2, 3]] {
            let way = SourceRoute::read(&[nonsense, &option].concat());
            assert_eq!(way, Way::Any, "{nonsense:?}");
        }
        assert_eq!(SourceRoute::read(&[131, 3, 4]), Way::Any);
    }

    #[test]
    fn there_are_one_to_nine_hops() {
        assert_eq!(SourceRoute::new(&[], false), None);
        assert_eq!(SourceRoute::new(&[host(1); 10], false), None);
        let longest = SourceRoute::new(&[host(1); 9], false).unwrap();
        assert_eq!(longest.option(host(2)).len(), 40);
    }

    proptest! {
        #[test]
        fn any_options_are_read(options in prop::collection::vec(any::<u8>(), 0..=40)) {
            if let Way::Complete(route) = SourceRoute::read(&options) {
                prop_assert!(!route.hops().is_empty());
            }
        }
    }
}
