//! What is expected to fall: by following the RFCs to the letter, and why. Whatever else falls, or holds although it is
//! listed here, is news.

use super::properties::Property::{
    self, L1, L2, L3, L4, L5, L7, L9, S1, S2, S4, S6, S7, S10, S11, S14, S15, S16, S17, S19, S20, S21, S23,
};
use crate::state::State;
use crate::table::Profile;

/// A property that falls.
#[derive(Clone, Copy, Debug)]
pub struct Fall {
    /// Under this profile ...
    pub profile: Profile,
    /// ... this property ...
    pub property: Property,
    /// ... in these worlds ...
    pub worlds: &'static [&'static str],
    /// ... for this reason.
    pub why: &'static str,
}

const fn fall(profile: Profile, property: Property, worlds: &'static [&'static str], why: &'static str) -> Fall {
    Fall { profile, property, worlds, why }
}

const ALL: &[&str] = &[
    "calm",
    "handshake",
    "simultaneous-open",
    "close",
    "data",
    "window",
    "both-ways",
    "shrinking",
    "reopen",
    "crash",
    "calls",
    "attack",
    "injection",
    "timestamps",
    "incarnations",
];
const WITH_PACKET_WARS: &[&str] = &[
    "handshake",
    "simultaneous-open",
    "close",
    "window",
    "both-ways",
    "reopen",
    "crash",
    "calls",
    "attack",
    "injection",
    "timestamps",
    "incarnations",
];
const WITH_TWO_CLOSES: &[&str] =
    &["simultaneous-open", "close", "window", "reopen", "crash", "attack", "injection", "timestamps", "incarnations"];
const WITH_CLOSE_IN_CLOSE_WAIT: &[&str] =
    &["calm", "simultaneous-open", "close", "window", "reopen", "crash", "calls", "incarnations"];

const WINDOW_UNSET: &str = "D1: an active OPEN leaves SND.WND, SND.WL1 and SND.WL2 unset; D3: so does CLOSE in \
                            SYN-RECEIVED";
const UNTHROTTLED: &str =
    "N7: TIME-WAIT acknowledges bare ACKs; N8: each of two ends finds the other's ACK unacceptable and says so";
const PROLONGED: &str = "N7: any acceptable segment restarts 2MSL, as the fifth check says";
const ORPHAN: &str = "D10: nothing ends FIN-WAIT-2 when the user and the peer are gone";
const BAD_ACK_FALLS_THROUGH: &str = "D8: after a bad ACK in SYN-RECEIVED the FIN is processed all the same";

const UNREAD_REFUSED: &str = "D9: RECEIVE in CLOSING, LAST-ACK and TIME-WAIT refuses the text on hand";
const CLOSE_FORGOTTEN: &str = "D12: back in LISTEN nothing is known of the CLOSE that was queued";
const HALF_OPEN: &str = "D3: CLOSE in SYN-RECEIVED, entered by an old SYN, leads to FIN-WAIT-1 with a SYN that no half-open \
                         peer acknowledges, and each acknowledges the other's numbers in vain";
const RIGHT_EDGE: &str = "D11: an ACK on an old segment moves SND.UNA and, with it, the right edge of the send window";

const UNTIMED: &str =
    "RFC 7323 is not followed: where the numbers of two incarnations overlap, what is old is taken for new";

/// All falls.
pub const FALLS: &[Fall] = &[
    fall(Profile::Literal9293, S17, ALL, WINDOW_UNSET),
    fall(Profile::Literal9293, S2, &["timestamps"], UNTIMED),
    fall(Profile::Literal9293, S4, &["timestamps"], UNTIMED),
    fall(Profile::Literal9293, S6, &["timestamps"], UNTIMED),
    fall(Profile::Literal9293, S7, &["timestamps"], UNTIMED),
    fall(Profile::Literal9293, S10, &["timestamps"], UNTIMED),
    fall(Profile::Literal9293, S16, &["timestamps"], UNTIMED),
    fall(Profile::Literal9293, L2, &["timestamps"], UNTIMED),
    fall(Profile::Literal9293, L3, WITH_PACKET_WARS, UNTHROTTLED),
    fall(Profile::Literal9293, L7, WITH_TWO_CLOSES, PROLONGED),
    fall(Profile::Literal9293, L1, &["calls"], ORPHAN),
    fall(Profile::Literal9293, L9, &["calls"], ORPHAN),
    fall(Profile::Literal9293, L4, &["crash"], HALF_OPEN),
    fall(Profile::Literal9293, L5, &["crash"], HALF_OPEN),
    fall(Profile::Literal9293, S11, &["both-ways"], RIGHT_EDGE),
    fall(Profile::Literal9293, S21, &["attack"], BAD_ACK_FALLS_THROUGH),
    fall(Profile::Literal9293, S14, &["calm", "window", "calls"], CLOSE_FORGOTTEN),
    fall(Profile::Literal9293, S1, &["attack"], "D7: CLOSE-WAIT takes a second FIN; only an attacker sends one"),
    fall(Profile::Literal9293, S16, &["attack"], BAD_ACK_FALLS_THROUGH),
    fall(Profile::Literal9293, S19, &["attack"], BAD_ACK_FALLS_THROUGH),
    fall(Profile::Literal9293, S23, &["calls"], UNREAD_REFUSED),
    fall(Profile::Literal9293, S23, &["attack"], BAD_ACK_FALLS_THROUGH),
    fall(Profile::Rfc793, S17, ALL, WINDOW_UNSET),
    fall(Profile::Rfc793, S2, &["timestamps"], UNTIMED),
    fall(Profile::Rfc793, S4, &["timestamps"], UNTIMED),
    fall(Profile::Rfc793, S6, &["timestamps"], UNTIMED),
    fall(Profile::Rfc793, S7, &["timestamps"], UNTIMED),
    fall(Profile::Rfc793, S10, &["timestamps"], UNTIMED),
    fall(Profile::Rfc793, S16, &["timestamps"], UNTIMED),
    fall(Profile::Rfc793, L2, &["timestamps"], UNTIMED),
    fall(Profile::Rfc793, S15, &["timestamps"], UNTIMED),
    fall(Profile::Rfc793, S19, &["timestamps"], UNTIMED),
    fall(Profile::Rfc793, L3, WITH_PACKET_WARS, UNTHROTTLED),
    fall(Profile::Rfc793, L7, WITH_TWO_CLOSES, PROLONGED),
    fall(Profile::Rfc793, L1, &["calls"], ORPHAN),
    fall(Profile::Rfc793, L9, &["calls"], ORPHAN),
    fall(Profile::Rfc793, L4, &["crash"], HALF_OPEN),
    fall(Profile::Rfc793, L5, &["crash"], HALF_OPEN),
    fall(Profile::Rfc793, S11, &["both-ways"], RIGHT_EDGE),
    fall(Profile::Rfc793, S21, &["attack", "crash", "injection"], BAD_ACK_FALLS_THROUGH),
    fall(Profile::Rfc793, S1, &["crash"], BAD_ACK_FALLS_THROUGH),
    fall(Profile::Rfc793, S6, &["crash"], BAD_ACK_FALLS_THROUGH),
    fall(Profile::Rfc793, S10, &["crash"], BAD_ACK_FALLS_THROUGH),
    fall(Profile::Rfc793, S14, &["calm", "window", "calls"], CLOSE_FORGOTTEN),
    fall(
        Profile::Rfc793,
        S19,
        WITH_CLOSE_IN_CLOSE_WAIT,
        "RFC 1122 §4.2.2.20 (a): CLOSE in CLOSE-WAIT enters CLOSING, not LAST-ACK",
    ),
    fall(Profile::Rfc793, S19, &["attack", "injection"], BAD_ACK_FALLS_THROUGH),
    fall(Profile::Rfc793, S1, &["attack"], "D7: CLOSE-WAIT takes a second FIN; only an attacker sends one"),
    fall(Profile::Rfc793, S15, &["attack"], "erratum 3301: an ACK of nothing establishes"),
    fall(Profile::Rfc793, S16, &["attack", "crash", "injection"], BAD_ACK_FALLS_THROUGH),
    fall(Profile::Rfc793, S23, &["calls"], UNREAD_REFUSED),
    fall(Profile::Rfc793, S23, &["attack", "crash", "injection"], BAD_ACK_FALLS_THROUGH),
    fall(Profile::Rfc793, S20, &["attack"], "RFC 5961: a RST or SYN anywhere in the window resets"),
];

/// Why this property is expected to fall in this world, if it is.
#[must_use]
pub fn why_falls(profile: Profile, world: &str, property: Property) -> Option<&'static str> {
    FALLS
        .iter()
        .find(|fall| fall.profile == profile && fall.property == property && fall.worlds.contains(&world))
        .map(|fall| fall.why)
}

/// Why this state is expected not to be visited in a world that visits it under the repaired table, if it is.
#[must_use]
pub fn why_not_visited(profile: Profile, state: State) -> Option<&'static str> {
    (profile == Profile::Rfc793 && state == State::LastAck)
        .then_some("RFC 1122 §4.2.2.20 (a): CLOSE in CLOSE-WAIT enters CLOSING, not LAST-ACK")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::environments::worlds;

    #[test]
    fn every_fall_is_of_a_property_that_its_world_decides() {
        for fall in FALLS {
            for name in fall.worlds {
                let world = worlds(fall.profile).into_iter().find(|world| world.name == *name);
                assert!(world.is_some_and(|world| world.properties.contains(&fall.property)), "{fall:?} in {name}");
            }
        }
    }
}
