//! Linux's names, and one of FreeBSD's, for what can be configured here too.

use ::lockstep::stack::{BacklogFull, SynCookies, TcpConfig};
use ::lockstep::time::Micros;

use crate::system::Unsupported;

/// Turns a knob.
///
/// # Errors
/// [`Unsupported`] if there is no such thing to configure, or not this way.
pub(super) fn turn(tcp: &mut TcpConfig, name: &str, value: &str) -> Result<(), Unsupported> {
    let no_such_value = || Unsupported::KnobValue { name: name.to_owned(), value: value.to_owned() };
    let number: u64 = value.parse().map_err(|_| no_such_value())?;
    match (name.strip_prefix("net.ipv4.").unwrap_or(name), number) {
        ("net.inet.tcp.msl", millis) => tcp.msl = Micros::from_millis(millis),
        ("tcp_rfc1337", 0 | 1) => tcp.rfc1337 = number == 1,
        ("tcp_invalid_ratelimit", millis) => tcp.challenge_interval = Micros::from_millis(millis),
        ("tcp_fin_timeout", seconds) => tcp.fin_wait_2 = Micros::from_millis(seconds.saturating_mul(1_000)),
        ("tcp_window_scaling", 0 | 1) => tcp.options.window_scaling = number == 1,
        ("tcp_sack", 0 | 1) => tcp.options.sack = number == 1,
        ("tcp_timestamps", 0 | 1) => tcp.options.timestamps = number == 1,
        ("tcp_ecn", 0 | 1) => tcp.ecn = number == 1,
        ("tcp_synack_retries", retries) => {
            tcp.listen.syn_ack_retries = u8::try_from(retries).map_err(|_| no_such_value())?;
        }
        ("tcp_abort_on_overflow", 0) => tcp.listen.backlog_full = BacklogFull::Ignore,
        ("tcp_abort_on_overflow", 1) => tcp.listen.backlog_full = BacklogFull::Reset,
        ("tcp_syncookies", 0) => tcp.listen.syn_cookies = SynCookies::Never,
        ("tcp_syncookies", 1) => tcp.listen.syn_cookies = SynCookies::OnOverflow,
        ("tcp_syncookies", 2) => tcp.listen.syn_cookies = SynCookies::Always,
        // What this stack does not have is off already.
        ("tcp_fastopen" | "tcp_syn_linear_timeouts", 0) => {}
        (
            "tcp_rfc1337"
            | "tcp_window_scaling"
            | "tcp_sack"
            | "tcp_timestamps"
            | "tcp_ecn"
            | "tcp_fastopen"
            | "tcp_syncookies"
            | "tcp_abort_on_overflow"
            | "tcp_syn_linear_timeouts",
            _,
        ) => return Err(no_such_value()),
        _ => return Err(Unsupported::Knob { name: name.to_owned() }),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::lockstep::stack::{ListenConfig, OptionsConfig};

    #[test]
    fn what_is_missing_can_only_be_off() {
        let mut tcp = TcpConfig::default();
        assert_eq!(turn(&mut tcp, "net.ipv4.tcp_fastopen", "0"), Ok(()));
        assert_eq!(tcp, TcpConfig::default());
        let refused = turn(&mut tcp, "net.ipv4.tcp_fastopen", "1");
        assert!(matches!(refused, Err(Unsupported::KnobValue { .. })), "{refused:?}");
        for (name, value) in [("net.ipv4.tcp_nonsense", "0"), ("kernel.hostname", "1"), ("net.ipv4.tcp_rfc1337", "x")] {
            assert!(turn(&mut tcp, name, value).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_there_can_be_turned() {
        let mut tcp = TcpConfig::default();
        turn(&mut tcp, "net.ipv4.tcp_rfc1337", "0").expect("a knob");
        turn(&mut tcp, "net.ipv4.tcp_invalid_ratelimit", "0").expect("a knob");
        turn(&mut tcp, "net.ipv4.tcp_fin_timeout", "3").expect("a knob");
        turn(&mut tcp, "net.inet.tcp.msl", "30000").expect("a knob");
        turn(&mut tcp, "net.ipv4.tcp_ecn", "1").expect("a knob");
        for option in ["tcp_window_scaling", "tcp_sack", "tcp_timestamps"] {
            turn(&mut tcp, &format!("net.ipv4.{option}"), "0").expect("a knob");
        }
        for (knob, value) in [("tcp_synack_retries", "2"), ("tcp_syncookies", "2"), ("tcp_abort_on_overflow", "1")] {
            turn(&mut tcp, &format!("net.ipv4.{knob}"), value).expect("a knob");
        }
        let turned = TcpConfig {
            rfc1337: false,
            challenge_interval: Micros::ZERO,
            fin_wait_2: Micros::from_millis(3_000),
            msl: Micros::from_secs(30),
            ecn: true,
            options: OptionsConfig::NONE,
            listen: ListenConfig {
                syn_ack_retries: 2,
                syn_cookies: SynCookies::Always,
                backlog_full: BacklogFull::Reset,
                ..ListenConfig::default()
            },
            ..TcpConfig::default()
        };
        assert_eq!(tcp, turned);
    }
}
