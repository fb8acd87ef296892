//! What a system tells of a connection's inside: Linux's `struct tcp_info`.

use std::collections::BTreeMap;

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

/// From `net/tcp_states.h`, `linux/tcp.h` and `uapi/linux/tcp.h`.
const CONSTANTS: &[(&str, i64)] = &[
    ("TCP_ESTABLISHED", 1),
    ("TCP_SYN_SENT", 2),
    ("TCP_SYN_RECV", 3),
    ("TCP_FIN_WAIT1", 4),
    ("TCP_FIN_WAIT2", 5),
    ("TCP_TIME_WAIT", 6),
    ("TCP_CLOSE", 7),
    ("TCP_CLOSE_WAIT", 8),
    ("TCP_LAST_ACK", 9),
    ("TCP_LISTEN", 10),
    ("TCP_CLOSING", 11),
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
