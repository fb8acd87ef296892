//! The names of the states, in every spelling that scripts use.

pub use lockstep_model::State;

/// The state that `name` means: RFC 9293's name, that of `ss`, of `sockstat`, or of a C header, in either case, with `-` or `_`.
pub(super) fn state_named(name: &str) -> Option<State> {
    let upper = name.to_ascii_uppercase().replace('_', "-");
    let bare = upper.strip_prefix("TCPS-").or_else(|| upper.strip_prefix("TCP-")).unwrap_or(&upper);
    match bare {
        "CLOSED" | "CLOSE" | "UNCONN" => Some(State::Closed),
        "LISTEN" | "LISTENING" => Some(State::Listen),
        "SYN-SENT" => Some(State::SynSent),
        "SYN-RECEIVED" | "SYN-RECV" | "SYN-RCVD" => Some(State::SynReceived),
        "ESTABLISHED" | "ESTAB" => Some(State::Established),
        "FIN-WAIT-1" | "FIN-WAIT1" => Some(State::FinWait1),
        "FIN-WAIT-2" | "FIN-WAIT2" => Some(State::FinWait2),
        "CLOSE-WAIT" => Some(State::CloseWait),
        "CLOSING" => Some(State::Closing),
        "LAST-ACK" => Some(State::LastAck),
        "TIME-WAIT" => Some(State::TimeWait),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_names_the_same_states() {
        for (state, names) in [
            (State::Closed, "CLOSED CLOSE TCP_CLOSE TCPS_CLOSED"),
            (State::Listen, "LISTEN TCP_LISTEN"),
            (State::SynSent, "SYN-SENT SYN_SENT TCP_SYN_SENT"),
            (State::SynReceived, "SYN-RECEIVED SYN-RECV SYN_RCVD TCP_SYN_RECV syn-recv"),
            (State::Established, "ESTABLISHED ESTAB TCP_ESTABLISHED"),
            (State::FinWait1, "FIN-WAIT-1 FIN_WAIT_1 FIN_WAIT1 TCP_FIN_WAIT1"),
            (State::FinWait2, "FIN-WAIT-2 FIN_WAIT_2 FIN_WAIT2"),
            (State::CloseWait, "CLOSE-WAIT CLOSE_WAIT"),
            (State::Closing, "CLOSING TCP_CLOSING"),
            (State::LastAck, "LAST-ACK LAST_ACK"),
            (State::TimeWait, "TIME-WAIT TIME_WAIT TCPS_TIME_WAIT"),
        ] {
            for name in names.split(' ') {
                assert_eq!(state_named(name), Some(state), "{name}");
            }
        }
        assert_eq!(state_named("WAITING"), None);
        assert_eq!(state_named(""), None);
    }

    #[test]
    fn linux_numbers_states_as_its_names_say() {
        use crate::system::info::{constant, state_number};
        for name in [
            "TCP_ESTABLISHED",
            "TCP_SYN_SENT",
            "TCP_SYN_RECV",
            "TCP_FIN_WAIT1",
            "TCP_FIN_WAIT2",
            "TCP_TIME_WAIT",
            "TCP_CLOSE",
            "TCP_CLOSE_WAIT",
            "TCP_LAST_ACK",
            "TCP_LISTEN",
            "TCP_CLOSING",
        ] {
            assert!(constant(name).is_some(), "{name}");
            assert_eq!(state_named(name).map(state_number), constant(name), "{name}");
        }
    }
}
