//! Knobs: what `sysctl` calls the choices of a host, on Linux and on FreeBSD, and what they are here.
//!
//! One [table](table::KNOBS) says of each knob what it is on a host that nobody has touched, which other knob means the
//! same, and how Lockstep and smoltcp are told. Whatever a system does not know is what it is on a fresh host, or else the
//! script is for another system: a default that means nothing here is [told](Turned::AtDefault) and passes, anything
//! else is a reason to skip.

mod table;

use ::lockstep::stack::TcpConfig;

use super::Unsupported;
use super::smoltcp::Knobs;

/// What became of a knob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// The system is as it was asked to be.
    Done,
    /// The system has no such knob, and was asked for nothing but its default.
    AtDefault,
}

/// One knob.
pub(super) struct Knob {
    name: &'static str,
    /// Its value on a host that nobody has touched.
    default: &'static str,
    /// The knobs that mean the same, with the value that each of them then has. Where Linux has one, it is among them.
    same_as: &'static [(&'static str, Translation)],
    lockstep: Option<Turn<TcpConfig>>,
    smoltcp: Option<Turn<Knobs>>,
}

/// Makes a system what a value says; `None` if it cannot be so.
type Turn<C> = fn(&mut C, &str) -> Option<()>;

/// The value of a knob that another value means; `None` if none does.
type Translation = fn(&str) -> Option<String>;

impl Knob {
    /// The one with this name. `net.ipv4.` may be left out.
    fn named(name: &str) -> Option<&'static Self> {
        let short = |name: &'static str| name.strip_prefix("net.ipv4.");
        table::KNOBS.iter().find(|knob| knob.name == name || short(knob.name) == Some(name))
    }

    /// Whether a fresh host has this value; how many blanks are between numbers does not matter.
    fn is_default(&self, value: &str) -> bool {
        self.default.split_whitespace().eq(value.split_whitespace())
    }
}

/// Turns a knob of Lockstep.
///
/// # Errors
/// [`Unsupported`] if there is no such thing to configure, or not this way.
pub(crate) fn turn_lockstep(tcp: &mut TcpConfig, name: &str, value: &str) -> Result<Turned, Unsupported> {
    turn(tcp, name, value, |knob| knob.lockstep)
}

/// Turns a knob of smoltcp.
///
/// # Errors
/// [`Unsupported`] if smoltcp has no such thing, or is not so.
pub(super) fn turn_smoltcp(knobs: &mut Knobs, name: &str, value: &str) -> Result<Turned, Unsupported> {
    turn(knobs, name, value, |knob| knob.smoltcp)
}

/// The knobs of Linux that mean what this one does, with their values. A name that is not in the table is Linux's own.
///
/// # Errors
/// [`Unsupported`] if Linux has nothing of the sort, and this is not the default.
pub(super) fn of_linux(name: &str, value: &str) -> Result<Vec<(String, String)>, Unsupported> {
    let is_its_own = |name: &str| name.starts_with("net.ipv4.") || name.starts_with("net.core.");
    if is_its_own(name) {
        return Ok(vec![(name.to_owned(), value.to_owned())]);
    }
    let knob = Knob::named(name).ok_or_else(|| Unsupported::Knob { name: name.to_owned() })?;
    let same = knob.same_as.iter().filter(|(name, _)| is_its_own(name));
    let same: Option<Vec<_>> = same.map(|(name, to)| Some(((*name).to_owned(), to(value)?))).collect();
    match same {
        Some(same) if !same.is_empty() || knob.is_default(value) => Ok(same),
        Some(_) | None => Err(unsupported(knob, value)),
    }
}

/// Whether this is a knob, and what it is on a fresh host.
pub(super) fn is_default(name: &str, value: &str) -> bool {
    Knob::named(name).is_some_and(|knob| knob.is_default(value))
}

fn turn<C>(config: &mut C, name: &str, value: &str, how: fn(&Knob) -> Option<Turn<C>>) -> Result<Turned, Unsupported> {
    let knob = Knob::named(name).ok_or_else(|| Unsupported::Knob { name: name.to_owned() })?;
    if let Some(turn) = how(knob) {
        let no_such_value = || Unsupported::KnobValue { name: name.to_owned(), value: value.to_owned() };
        return turn(config, value).map(|()| Turned::Done).ok_or_else(no_such_value);
    }
    let known = |(name, _): &&(&str, Translation)| Knob::named(name).is_some_and(|knob| how(knob).is_some());
    let mut turned = None;
    for (same, translated) in knob.same_as.iter().filter(known) {
        let value = translated(value).ok_or_else(|| unsupported(knob, value))?;
        turned = Some(turn(config, same, &value, how)?);
    }
    match turned {
        Some(turned) => Ok(turned),
        None if knob.is_default(value) => Ok(Turned::AtDefault),
        None => Err(unsupported(knob, value)),
    }
}

fn unsupported(knob: &Knob, value: &str) -> Unsupported {
    Unsupported::KnobNotAtDefault {
        name: knob.name.to_owned(),
        value: value.to_owned(),
        default: knob.default.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use ::lockstep::stack::{BacklogFull, ListenConfig, OptionsConfig, SynCookies};
    use ::lockstep::tcp::congestion::{Algorithm, InitialWindow};
    use ::lockstep::time::Micros;

    /// A fresh Lockstep with these knobs turned.
    fn lockstep(knobs: &[(&str, &str)]) -> TcpConfig {
        let mut tcp = TcpConfig::default();
        for (name, value) in knobs {
            assert_eq!(turn_lockstep(&mut tcp, name, value), Ok(Turned::Done), "{name}={value}");
        }
        tcp
    }

    #[test]
    fn every_knob_is_in_the_table_once_and_leads_somewhere() {
        let names: BTreeSet<&str> = table::KNOBS.iter().map(|knob| knob.name).collect();
        assert_eq!(names.len(), table::KNOBS.len());
        for knob in table::KNOBS {
            for (same, translated) in knob.same_as {
                let found = Knob::named(same).unwrap_or_else(|| panic!("{} is the same as {same}", knob.name));
                assert!(found.same_as.is_empty(), "{same} leads on");
                assert!(translated(knob.default).is_some(), "{}", knob.name);
            }
        }
    }

    #[test]
    fn every_default_passes_everywhere_or_is_known_to_be_otherwise() {
        let otherwise = |turned: fn(&Knob) -> bool| -> Vec<&str> {
            table::KNOBS.iter().filter(|knob| turned(knob)).map(|knob| knob.name).collect()
        };
        let on_lockstep = |knob: &Knob| turn_lockstep(&mut TcpConfig::default(), knob.name, knob.default).is_err();
        assert_eq!(
            otherwise(on_lockstep),
            [
                "net.ipv4.tcp_ecn",
                "net.ipv4.tcp_fastopen",
                "net.ipv4.tcp_syn_linear_timeouts",
                "net.inet.tcp.ecn.enable",
                "net.inet.tcp.fastopen.client_enable",
            ]
        );
        assert_eq!(otherwise(|knob| of_linux(knob.name, knob.default).is_err()), Vec::<&str>::new());
    }

    #[test]
    fn what_nobody_knows_here_can_only_be_at_its_default() {
        let mut tcp = TcpConfig::default();
        assert_eq!(turn_lockstep(&mut tcp, "net.inet.tcp.blackhole", "0"), Ok(Turned::AtDefault));
        assert_eq!(turn_lockstep(&mut tcp, "net.ipv4.ip_local_port_range", "32768\t60999"), Ok(Turned::AtDefault));
        assert_eq!(tcp, TcpConfig::default());
        let refused = turn_lockstep(&mut tcp, "net.inet.tcp.blackhole", "2").expect_err("nobody is silent");
        assert_eq!(refused.to_string(), "this system knows net.inet.tcp.blackhole only at its default, 0, not 2");
        for (name, value) in [("net.ipv4.tcp_nonsense", "0"), ("kernel.hostname", "1"), ("net.ipv4.tcp_rfc1337", "x")] {
            assert!(turn_lockstep(&mut tcp, name, value).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_missing_can_only_be_off() {
        let mut tcp = lockstep(&[("net.ipv4.tcp_fastopen", "0")]);
        assert_eq!(tcp, TcpConfig::default());
        let refused = turn_lockstep(&mut tcp, "net.ipv4.tcp_fastopen", "1");
        assert!(matches!(refused, Err(Unsupported::KnobValue { .. })), "{refused:?}");
    }

    #[test]
    fn linuxs_names() {
        let turned = lockstep(&[
            ("net.ipv4.tcp_rfc1337", "0"),
            ("net.ipv4.tcp_invalid_ratelimit", "0"),
            ("net.ipv4.tcp_fin_timeout", "3"),
            ("net.ipv4.tcp_ecn", "1"),
            ("tcp_window_scaling", "0"),
            ("net.ipv4.tcp_sack", "0"),
            ("net.ipv4.tcp_timestamps", "0"),
            ("net.ipv4.tcp_synack_retries", "2"),
            ("net.ipv4.tcp_syncookies", "2"),
            ("net.ipv4.tcp_abort_on_overflow", "1"),
            ("net.ipv4.tcp_rmem", "4096  70000\t80000"),
            ("net.ipv4.tcp_syn_retries", "2"),
        ]);
        let expected = TcpConfig {
            rfc1337: false,
            challenge_interval: Micros::ZERO,
            fin_wait_2: Micros::from_secs(3),
            ecn: true,
            options: OptionsConfig {
                window_scaling: false,
                sack: false,
                timestamps: false,
                ..OptionsConfig::default()
            },
            listen: ListenConfig {
                syn_ack_retries: 2,
                syn_cookies: SynCookies::Always,
                backlog_full: BacklogFull::Reset,
                ..ListenConfig::default()
            },
            receive_buffer: 70_000,
            receive_buffer_max: 80_000,
            syn_timeout: Micros::from_secs(7),
            ..TcpConfig::default()
        };
        assert_eq!(turned, expected);
    }

    #[test]
    fn freebsds_names() {
        let turned = lockstep(&[
            ("net.inet.tcp.msl", "30000"),
            ("net.inet.tcp.rfc1323", "0"),
            ("net.inet.tcp.sack.enable", "0"),
            ("net.inet.tcp.ecn.enable", "1"),
            ("net.inet.tcp.recvspace", "65536"),
            ("net.inet.tcp.sendspace", "32768"),
            ("kern.ipc.maxsockbuf", "2097152"),
            ("net.inet.tcp.insecure_rst", "1"),
            ("net.inet.tcp.insecure_syn", "1"),
            ("net.inet.tcp.drop_synfin", "1"),
            ("net.inet.tcp.delacktime", "100"),
            ("net.inet.tcp.finwait2_timeout", "3000"),
            ("net.inet.tcp.keepinit", "75000"),
            ("net.inet.tcp.rexmit_slop", "200"),
            ("net.inet.tcp.rexmit_initial", "3000"),
            ("net.inet.tcp.initcwnd_segments", "4"),
            ("net.inet.tcp.cc.algorithm", "newreno"),
            ("net.inet.tcp.syncookies_only", "1"),
        ]);
        let mut expected = TcpConfig {
            msl: Micros::from_secs(30),
            options: OptionsConfig {
                window_scaling: false,
                sack: false,
                timestamps: false,
                ..OptionsConfig::default()
            },
            ecn: true,
            receive_buffer: 65_536,
            send_buffer: 32_768,
            receive_buffer_max: 2_097_152,
            insecure_rst: true,
            insecure_syn: true,
            drop_syn_fin: true,
            fin_wait_2: Micros::from_secs(3),
            syn_timeout: Micros::from_secs(75),
            ..TcpConfig::default()
        };
        expected.acks.delay = Micros::from_millis(100);
        (expected.rto.slop, expected.rto.initial) = (Micros::from_millis(200), Micros::from_secs(3));
        expected.congestion.initial_window = InitialWindow::Segments(4);
        expected.congestion.algorithm = Algorithm::NewReno;
        expected.listen.syn_cookies = SynCookies::Always;
        assert_eq!(turned, expected);
    }

    #[test]
    fn of_smoltcp_only_what_is_so_can_be_asked_for() {
        let mut knobs = Knobs::default();
        for (name, value) in [("net.inet.tcp.msl", "5000"), ("net.ipv4.tcp_rfc1337", "0")] {
            assert_eq!(turn_smoltcp(&mut knobs, name, value), Ok(Turned::Done), "it is so");
        }
        assert_eq!(knobs, Knobs::default());
        for (name, value) in [("net.inet.tcp.msl", "120000"), ("net.ipv4.tcp_rfc1337", "1"), ("net.ipv4.tcp_sack", "2")]
        {
            let refused = turn_smoltcp(&mut knobs, name, value);
            assert!(matches!(refused, Err(Unsupported::KnobValue { .. })), "{refused:?}");
        }
        let refused = turn_smoltcp(&mut knobs, "kernel.hostname", "1");
        assert!(matches!(refused, Err(Unsupported::Knob { .. })), "{refused:?}");
        assert_eq!(turn_smoltcp(&mut knobs, "net.inet.tcp.sack.enable", "0"), Ok(Turned::Done), "an offer taken away");
        assert_eq!(knobs, Knobs { sack: false, ..Knobs::default() });
    }

    #[test]
    fn linux_has_its_own_names_for_what_freebsd_asks() {
        let of = |name, value| of_linux(name, value).map_err(|error| error.to_string());
        let named = |name: &str, value: &str| (format!("net.ipv4.tcp_{name}"), value.to_owned());
        assert_eq!(of("net.inet.tcp.rfc1323", "0"), Ok(vec![named("timestamps", "0"), named("window_scaling", "0")]));
        assert_eq!(of("net.inet.tcp.finwait2_timeout", "3000"), Ok(vec![named("fin_timeout", "3")]));
        assert_eq!(of("net.ipv4.tcp_nonsense", "1"), Ok(vec![named("nonsense", "1")]), "the kernel knows better");
        assert_eq!(of("net.inet.tcp.msl", "30000"), Ok(vec![]));
        assert!(of("net.inet.tcp.msl", "5000").is_err());
        assert!(of("net.inet.tcp.finwait2_timeout", "3500").is_err(), "Linux counts seconds");
        assert!(of("kernel.hostname", "x").is_err());
    }
}
