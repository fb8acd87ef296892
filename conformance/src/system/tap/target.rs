//! Where the stack under test is, as its user says it: `tap:NAME --target ADDR[:ECHO[,DISCARD]][@TESTER]`.

use std::fmt;
use std::io;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::wire::Wire;

/// What begins the name of such a system.
const PREFIX: &str = "tap:";

/// The longest name of an interface (`IFNAMSIZ`, with the zero that ends it).
const LONGEST_NAME: usize = 15;

/// The ports of RFC 862 and RFC 863.
const ECHO: u16 = 7;
const DISCARD: u16 = 9;

/// The stack under test, and what the tester calls himself on its link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapTarget {
    /// The interface of this machine behind which it is.
    pub interface: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Where it sends back what it receives.
    pub echo: u16,
    /// Where it forgets what it receives.
    pub discard: u16,
    /// The tester's address, which must be nobody's on that link, this machine's neither.
    pub tester: Ipv4Addr,
}

/// Why this is no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// No interface.
    #[error("`{0}` is not an interface: say tap:NAME, with a name of 1 to 15 characters, as in tap:tap0")]
    Interface(String),
    /// No address, or no ports.
    #[error(
        "`{0}` is not a target: say ADDR[:ECHO[,DISCARD]][@TESTER], as in 192.0.2.1:7,9@192.0.2.254, with the stack's \
         address, the ports of its services, and an address for the tester that nobody has"
    )]
    Target(String),
    /// One address for two.
    #[error("the tester cannot have the address of the stack under test, {0}: give him another after an @")]
    Same(Ipv4Addr),
}

impl TapTarget {
    /// Whether this names such a system, whatever its interface.
    pub fn is_named_by(system: &str) -> bool {
        system.starts_with(PREFIX)
    }

    /// The target that `--system` and `--target` name together.
    ///
    /// # Errors
    ///
    /// [`TargetError`] if they name none.
    pub fn parse(system: &str, target: &str) -> Result<Self, TargetError> {
        let no_target = || TargetError::Target(target.to_owned());
        let interface = system
            .strip_prefix(PREFIX)
            .filter(|name| (1..=LONGEST_NAME).contains(&name.len()) && !name.contains(['/', ' ']))
            .ok_or_else(|| TargetError::Interface(system.to_owned()))?;
        let (place, tester) = target.split_once('@').map_or((target, None), |(place, tester)| (place, Some(tester)));
        let (address, ports) = place.split_once(':').map_or((place, None), |(address, ports)| (address, Some(ports)));
        let address = address.parse().map_err(|_| no_target())?;
        let (echo, discard) = match ports.map(|ports| ports.split_once(',').unwrap_or((ports, ""))) {
            None => (ECHO, DISCARD),
            Some((echo, "")) => (port(echo).ok_or_else(no_target)?, DISCARD),
            Some((echo, discard)) => (port(echo).ok_or_else(no_target)?, port(discard).ok_or_else(no_target)?),
        };
        let tester = match tester {
            Some(tester) => tester.parse().map_err(|_| no_target())?,
            None => neighbour(address),
        };
        if tester == address {
            return Err(TargetError::Same(address));
        }
        Ok(Self { interface: interface.to_owned(), address, echo, discard, tester })
    }

    /// Looks whether it is there, so that not every script has to find out that it is not.
    ///
    /// # Errors
    ///
    /// If the interface cannot be opened, or nobody there has the address.
    pub fn reach(&self) -> io::Result<()> {
        Wire::open(self).map(drop)
    }
}

impl fmt::Display for TapTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} behind {}", self.address, self.interface)
    }
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

/// The last address of its /24, or the one before: rarely anybody's.
fn neighbour(address: Ipv4Addr) -> Ipv4Addr {
    let [a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b, c, if d == 254 { 253 } else { 254 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Result<TapTarget, TargetError> {
        TapTarget::parse("tap:tap0", text)
    }

    #[test]
    fn a_target_is_an_address_and_what_differs_from_the_rule() {
        let [stack, last, other] = [1, 254, 77].map(|host| Ipv4Addr::new(192, 0, 2, host));
        let expected = TapTarget { interface: "tap0".to_owned(), address: stack, echo: 7, discard: 9, tester: last };
        assert_eq!(target("192.0.2.1"), Ok(expected.clone()));
        assert_eq!(target("192.0.2.1:7007"), Ok(TapTarget { echo: 7007, ..expected.clone() }));
        let all = TapTarget { echo: 7007, discard: 9009, tester: other, ..expected };
        assert_eq!(target("192.0.2.1:7007,9009@192.0.2.77"), Ok(all));
        assert_eq!(target("192.0.2.254").map(|target| target.tester), Ok(Ipv4Addr::new(192, 0, 2, 253)));
        assert!(TapTarget::is_named_by("tap:x") && !TapTarget::is_named_by("tap"));
    }

    #[test]
    fn what_is_none_is_refused_in_one_sentence() {
        for bad in ["", "192.0.2", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:7,x", "192.0.2.1@", "::1", "192.0.2.1:7,9,"]
        {
            let error = target(bad).expect_err(bad).to_string();
            assert!(error.contains("is not a target") && error.lines().count() == 1, "{error}");
        }
        for bad in ["tap", "tap:", "tap:a-name-too-long-for-linux", "tap:a/b"] {
            let error = TapTarget::parse(bad, "192.0.2.1").expect_err(bad);
            assert_eq!(error, TargetError::Interface(bad.to_owned()));
        }
        assert_eq!(target("192.0.2.1@192.0.2.1"), Err(TargetError::Same(Ipv4Addr::new(192, 0, 2, 1))));
    }
}
