//! What a system tells of a connection's inside: Linux's `struct tcp_info`.

use std::collections::BTreeMap;

use lockstep_model::State;

/// The fields of `struct tcp_info` that a system knows, by the names they have in C without `tcpi_`: `snd_cwnd`, `rto`.
///
/// Units are those of Linux: times in microseconds but for the `last_*` ones and `ato`'s kind, which say so in tcp(7);
/// windows of congestion in segments; `state`, `ca_state` and the bits of `options` by the numbers of
/// [`constant`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcpInfo {
    fields: BTreeMap<&'static str, i64>,
}

impl TcpInfo {
    /// The value of a field, if the system knows it.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<i64> {
        self.fields.get(field).copied()
    }

    /// Adds a field. What does not fit is as great as can be.
    pub fn set(&mut self, field: &'static str, value: impl TryInto<i64>) {
        self.fields.insert(field, value.try_into().unwrap_or(i64::MAX));
    }

    /// All fields, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, i64)> + '_ {
        self.fields.iter().map(|(field, value)| (*field, *value))
    }
}

/// The number behind a name that assertions about [`TcpInfo`] use: a state (`TCP_ESTABLISHED`), a state of congestion
/// control (`TCP_CA_Recovery`), an option (`TCPI_OPT_SACK`).
#[must_use]
pub fn constant(name: &str) -> Option<i64> {
    CONSTANTS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// The number that Linux gives a state (`net/tcp_states.h`), which is what `tcpi_state` is.
#[must_use]
pub const fn state_number(state: State) -> i64 {
    match state {
        State::Established => 1,
        State::SynSent => 2,
        State::SynReceived => 3,
        State::FinWait1 => 4,
        State::FinWait2 => 5,
        State::TimeWait => 6,
        State::Closed => 7,
        State::CloseWait => 8,
        State::LastAck => 9,
        State::Listen => 10,
        State::Closing => 11,
    }
}

/// The slow start threshold before anything was lost (`net/tcp.h`).
pub(super) const INFINITE_SSTHRESH: i64 = 0x7fff_ffff;

/// From `net/tcp_states.h`, `net/tcp.h`, `linux/tcp.h` and `uapi/linux/tcp.h`.
const CONSTANTS: &[(&str, i64)] = &[
    ("TCP_ESTABLISHED", state_number(State::Established)),
    ("TCP_SYN_SENT", state_number(State::SynSent)),
    ("TCP_SYN_RECV", state_number(State::SynReceived)),
    ("TCP_FIN_WAIT1", state_number(State::FinWait1)),
    ("TCP_FIN_WAIT2", state_number(State::FinWait2)),
    ("TCP_TIME_WAIT", state_number(State::TimeWait)),
    ("TCP_CLOSE", state_number(State::Closed)),
    ("TCP_CLOSE_WAIT", state_number(State::CloseWait)),
    ("TCP_LAST_ACK", state_number(State::LastAck)),
    ("TCP_LISTEN", state_number(State::Listen)),
    ("TCP_CLOSING", state_number(State::Closing)),
    ("TCP_INFINITE_SSTHRESH", INFINITE_SSTHRESH),
    ("TCP_CA_Open", 0),
    ("TCP_CA_Disorder", 1),
    ("TCP_CA_CWR", 2),
    ("TCP_CA_Recovery", 3),
    ("TCP_CA_Loss", 4),
    ("TCPI_OPT_TIMESTAMPS", 1),
    ("TCPI_OPT_SACK", 2),
    ("TCPI_OPT_WSCALE", 4),
    ("TCPI_OPT_ECN", 8),
    ("TCPI_OPT_ECN_SEEN", 16),
    ("TCPI_OPT_SYN_DATA", 32),
    ("TCPI_OPT_USEC_TS", 64),
    ("TCPI_OPT_TFO_CHILD", 128),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_constants_have_names() {
        let mut info = TcpInfo::default();
        info.set("state", 1_u8);
        info.set("delivery_rate", u64::MAX);
        assert_eq!(info.get("state"), constant("TCP_ESTABLISHED"));
        assert_eq!(info.get("delivery_rate"), Some(i64::MAX), "no kernel's rate, and no panic");
        assert_eq!(info.get("nonsense"), None);
        assert_eq!(info.iter().map(|(field, _)| field).collect::<Vec<_>>(), ["delivery_rate", "state"]);
        assert_eq!(constant("TCP_NONSENSE"), None);
    }
}
