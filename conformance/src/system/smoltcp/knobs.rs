//! Linux's names, and one of FreeBSD's, for what is so in smoltcp, and for the little that can be chosen.

use crate::system::Unsupported;

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Knobs {
    /// A SYN may offer window scaling, which smoltcp's does.
    pub(super) window_scaling: bool,
    /// A SYN may offer selective acknowledgments, which smoltcp's does.
    pub(super) sack: bool,
    /// A SYN offers timestamps.
    pub(super) timestamps: bool,
}

impl Default for Knobs {
    /// smoltcp's own.
    fn default() -> Self {
        Self { window_scaling: true, sack: true, timestamps: false }
    }
}

/// Turns a knob.
///
/// # Errors
/// [`Unsupported`] if smoltcp has no such thing, or is not so.
pub(super) fn turn(knobs: &mut Knobs, name: &str, value: &str) -> Result<(), Unsupported> {
    let no_such_value = || Unsupported::KnobValue { name: name.to_owned(), value: value.to_owned() };
    let number: u64 = value.parse().map_err(|_| no_such_value())?;
    match (name.strip_prefix("net.ipv4.").unwrap_or(name), number) {
        ("tcp_window_scaling", 0 | 1) => knobs.window_scaling = number == 1,
        ("tcp_sack", 0 | 1) => knobs.sack = number == 1,
        ("tcp_timestamps", 0 | 1) => knobs.timestamps = number == 1,
        // CLOSE_DELAY, ten seconds, is twice that; challenge_ack_reply() lets one pass in a second; a SYN that no
        // socket listens for is reset.
        ("net.inet.tcp.msl", 5_000) | ("tcp_invalid_ratelimit", 1_000) | ("tcp_abort_on_overflow", 1) => {}
        // What it does not have is off already.
        (
            "tcp_rfc1337"
            | "tcp_ecn"
            | "tcp_fastopen"
            | "tcp_syncookies"
            | "tcp_syn_linear_timeouts"
            | "tcp_slow_start_after_idle",
            0,
        ) => {}
        (
            "net.inet.tcp.msl"
            | "tcp_invalid_ratelimit"
            | "tcp_abort_on_overflow"
            | "tcp_rfc1337"
            | "tcp_window_scaling"
            | "tcp_sack"
            | "tcp_timestamps"
            | "tcp_ecn"
            | "tcp_fastopen"
            | "tcp_syncookies"
            | "tcp_syn_linear_timeouts"
            | "tcp_slow_start_after_idle",
            _,
        ) => return Err(no_such_value()),
        _ => return Err(Unsupported::Knob { name: name.to_owned() }),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_so_can_be_asked_for() {
        let mut knobs = Knobs::default();
        for (name, value) in [("net.inet.tcp.msl", "5000"), ("net.ipv4.tcp_rfc1337", "0")] {
            turn(&mut knobs, name, value).expect("it is so");
        }
        assert_eq!(knobs, Knobs::default());
        for (name, value) in [("net.inet.tcp.msl", "120000"), ("net.ipv4.tcp_rfc1337", "1"), ("net.ipv4.tcp_sack", "2")]
        {
            let refused = turn(&mut knobs, name, value);
            assert!(matches!(refused, Err(Unsupported::KnobValue { .. })), "{refused:?}");
        }
        let refused = turn(&mut knobs, "kernel.hostname", "1");
        assert!(matches!(refused, Err(Unsupported::Knob { .. })), "{refused:?}");
        turn(&mut knobs, "net.ipv4.tcp_sack", "0").expect("offers can be taken away");
        assert_eq!(knobs, Knobs { sack: false, ..Knobs::default() });
    }
}
