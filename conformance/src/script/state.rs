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

/// The state that Linux gives this number (`include/net/tcp_states.h`), as packetdrill's `tcpi_state` does.
pub(super) fn state_numbered(number: &str) -> Option<State> {
    match number {
        "1" => Some(State::Established),
        "2" => Some(State::SynSent),
        "3" => Some(State::SynReceived),
        "4" => Some(State::FinWait1),
        "5" => Some(State::FinWait2),
        "6" => Some(State::TimeWait),
        "7" => Some(State::Closed),
        "8" => Some(State::CloseWait),
        "9" => Some(State::LastAck),
        "10" => Some(State::Listen),
        "11" => Some(State::Closing),
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
    fn linux_numbers_eleven_states() {
        let states: Vec<State> = (1..=11).filter_map(|number| state_numbered(&number.to_string())).collect();
        assert_eq!(states.len(), 11);
        assert_eq!((states[0], states[6], states[10]), (State::Established, State::Closed, State::Closing));
        assert_eq!(state_numbered("0"), None);
        assert_eq!(state_numbered("12"), None);
    }
}
