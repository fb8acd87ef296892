//! The table of knobs. Defaults are those of Linux 6.18 and FreeBSD 14, but for two that scripts rely on as they were
//! before: FreeBSD's `delacktime` and `rexmit_slop`.

use ::lockstep::stack::{BacklogFull, KeepAlive, SynCookies, TcpConfig};
use ::lockstep::tcp::congestion::{Algorithm, InitialWindow};
use ::lockstep::time::Micros;

use super::{Knob, Translation, Turn};
use crate::system::smoltcp::Knobs;

/// All that are known, Linux's before FreeBSD's. A row is read so:
///
/// * `lockstep`, `smoltcp`: how this system is told; `off` where it lacks what the knob is for.
/// * `is`: the knob of which this is another name, and how its value is written there.
pub(super) const KNOBS: &[Knob] = &[
    // Linux: what a connection offers and accepts.
    knob("net.ipv4.tcp_window_scaling", "1")
        .lockstep(|c, v| put(&mut c.options.window_scaling, flag(v)))
        .smoltcp(|k, v| put(&mut k.window_scaling, flag(v))),
    knob("net.ipv4.tcp_sack", "1")
        .lockstep(|c, v| put(&mut c.options.sack, flag(v)))
        .smoltcp(|k, v| put(&mut k.sack, flag(v))),
    knob("net.ipv4.tcp_timestamps", "1")
        .lockstep(|c, v| put(&mut c.options.timestamps, flag(v)))
        .smoltcp(|k, v| put(&mut k.timestamps, flag(v))),
    knob("net.ipv4.tcp_ecn", "2").lockstep(|c, v| put(&mut c.ecn, flag(v))).smoltcp(off),
    knob("net.ipv4.tcp_fastopen", "1").lockstep(off).smoltcp(off),
    knob("net.ipv4.tcp_rmem", "4096 131072 6291456").lockstep(receive_memory),
    knob("net.ipv4.tcp_wmem", "4096 16384 4194304").lockstep(|c, v| put(&mut c.send_buffer, third(v))),
    // Linux: timers.
    knob("net.ipv4.tcp_rto_min_us", "200000").lockstep(|c, v| put(&mut c.rto.min, number(v).map(Micros::new))),
    knob("net.ipv4.tcp_rto_max_ms", "120000").lockstep(|c, v| put(&mut c.rto.max, millis(v))),
    knob("net.ipv4.tcp_syn_linear_timeouts", "4").lockstep(off).smoltcp(off),
    knob("net.ipv4.tcp_syn_retries", "6").lockstep(|c, v| put(&mut c.syn_timeout, retries(c.rto.initial, v))),
    knob("net.ipv4.tcp_synack_retries", "5").lockstep(|c, v| put(&mut c.listen.syn_ack_retries, number(v))),
    knob("net.ipv4.tcp_retries1", "3").lockstep(|c, v| put(&mut c.r1, number(v))),
    knob("net.ipv4.tcp_retries2", "15"),
    knob("net.ipv4.tcp_orphan_retries", "0"),
    knob("net.ipv4.tcp_fin_timeout", "60").lockstep(|c, v| put(&mut c.fin_wait_2, seconds(v))),
    knob("net.ipv4.tcp_keepalive_time", "7200").lockstep(|c, v| put(&mut keep_alive(c).idle, seconds(v))),
    knob("net.ipv4.tcp_keepalive_intvl", "75").lockstep(|c, v| put(&mut keep_alive(c).interval, seconds(v))),
    knob("net.ipv4.tcp_keepalive_probes", "9").lockstep(|c, v| put(&mut keep_alive(c).probes, number(v))),
    // Linux: congestion and recovery.
    knob("net.ipv4.tcp_congestion_control", "cubic").lockstep(|c, v| put(&mut c.congestion.algorithm, algorithm(v))),
    knob("net.ipv4.tcp_slow_start_after_idle", "1").smoltcp(off),
    knob("net.ipv4.tcp_recovery", "1").lockstep(|c, v| put(&mut c.recovery.rack, flag(v))),
    knob("net.ipv4.tcp_early_retrans", "3")
        .lockstep(|c, v| put(&mut c.recovery.tail_loss_probe, one_of(v, &["0", "1", "2"], &["3", "4"]))),
    knob("net.ipv4.tcp_frto", "2").lockstep(|c, v| put(&mut c.recovery.f_rto, one_of(v, &["0"], &["1", "2"]))),
    knob("net.ipv4.tcp_dsack", "1"),
    knob("net.ipv4.tcp_reordering", "3"),
    knob("net.ipv4.tcp_max_reordering", "300"),
    knob("net.ipv4.tcp_no_metrics_save", "0"),
    knob("net.ipv4.tcp_no_ssthresh_metrics_save", "1"),
    knob("net.ipv4.tcp_ecn_fallback", "1"),
    knob("net.ipv4.tcp_thin_linear_timeouts", "0"),
    knob("net.ipv4.tcp_retrans_collapse", "1"),
    knob("net.ipv4.tcp_comp_sack_nr", "44"),
    knob("net.ipv4.tcp_comp_sack_delay_ns", "1000000"),
    knob("net.ipv4.tcp_comp_sack_slack_ns", "100000"),
    // Linux: attacks and floods.
    knob("net.ipv4.tcp_rfc1337", "0").lockstep(|c, v| put(&mut c.rfc1337, flag(v))).smoltcp(off),
    // smoltcp's challenge_ack_reply() lets one pass in a second.
    knob("net.ipv4.tcp_invalid_ratelimit", "500")
        .lockstep(|c, v| put(&mut c.challenge_interval, millis(v)))
        .smoltcp(|_, v| only(v, "1000")),
    knob("net.ipv4.tcp_challenge_ack_limit", "2147483647"),
    knob("net.ipv4.tcp_syncookies", "1").lockstep(|c, v| put(&mut c.listen.syn_cookies, syn_cookies(v))).smoltcp(off),
    // A SYN that no socket of smoltcp listens for is reset.
    knob("net.ipv4.tcp_abort_on_overflow", "0")
        .lockstep(|c, v| put(&mut c.listen.backlog_full, backlog_full(v)))
        .smoltcp(|_, v| only(v, "1")),
    knob("net.ipv4.tcp_tw_reuse", "2"),
    knob("net.ipv4.tcp_max_syn_backlog", "4096"),
    knob("net.core.somaxconn", "4096"),
    // Linux: windows, pace, ports.
    knob("net.ipv4.tcp_moderate_rcvbuf", "1"),
    knob("net.ipv4.tcp_adv_win_scale", "1"),
    knob("net.ipv4.tcp_app_win", "31"),
    knob("net.ipv4.tcp_shrink_window", "0"),
    knob("net.ipv4.tcp_workaround_signed_windows", "0"),
    knob("net.ipv4.tcp_stdurg", "0"),
    knob("net.ipv4.tcp_mtu_probing", "0"),
    knob("net.ipv4.tcp_base_mss", "1024"),
    knob("net.ipv4.tcp_min_snd_mss", "48"),
    knob("net.ipv4.ip_no_pmtu_disc", "0").lockstep(|c, v| put(&mut c.path_mtu.discovery, flag(v).map(|off| !off))),
    knob("net.ipv4.tcp_autocorking", "1"),
    knob("net.ipv4.tcp_notsent_lowat", "4294967295"),
    knob("net.ipv4.tcp_limit_output_bytes", "4194304"),
    knob("net.ipv4.tcp_min_tso_segs", "2"),
    knob("net.ipv4.tcp_tso_win_divisor", "3"),
    knob("net.ipv4.tcp_pacing_ss_ratio", "200"),
    knob("net.ipv4.tcp_pacing_ca_ratio", "120"),
    knob("net.ipv4.ip_local_port_range", "32768 60999"),
    knob("net.ipv4.ip_default_ttl", "64"),
    // FreeBSD: what a connection offers and accepts.
    knob("net.inet.tcp.rfc1323", "1")
        .is(&[("net.ipv4.tcp_timestamps", as_it_is), ("net.ipv4.tcp_window_scaling", as_it_is)]),
    knob("net.inet.tcp.sack.enable", "1").is(&[("net.ipv4.tcp_sack", as_it_is)]),
    knob("net.inet.tcp.ecn.enable", "2").is(&[("net.ipv4.tcp_ecn", as_it_is)]),
    knob("net.inet.tcp.ecn.maxretries", "1"),
    knob("net.inet.tcp.fastopen.client_enable", "1").lockstep(off).smoltcp(off),
    knob("net.inet.tcp.fastopen.server_enable", "0").lockstep(off).smoltcp(off),
    knob("net.inet.tcp.recvspace", "65536").lockstep(|c, v| put(&mut c.receive_buffer, number(v))),
    knob("net.inet.tcp.sendspace", "32768").lockstep(|c, v| put(&mut c.send_buffer, number(v))),
    knob("kern.ipc.maxsockbuf", "2097152").lockstep(|c, v| put(&mut c.receive_buffer_max, number(v))),
    knob("net.inet.tcp.recvbuf_auto", "1"),
    knob("net.inet.tcp.sendbuf_auto", "1"),
    knob("net.inet.tcp.tolerate_missing_ts", "0")
        .lockstep(|c, v| put(&mut c.options.require_timestamps, flag(v).map(|tolerated| !tolerated))),
    knob("net.inet.tcp.ts_offset_per_conn", "1"),
    knob("net.inet.tcp.mssdflt", "536"),
    knob("net.inet.tcp.minmss", "216"),
    // FreeBSD: timers. Of smoltcp CLOSE_DELAY, ten seconds, is twice the MSL.
    knob("net.inet.tcp.msl", "30000").lockstep(|c, v| put(&mut c.msl, millis(v))).smoltcp(|_, v| only(v, "5000")),
    knob("net.inet.tcp.finwait2_timeout", "60000").is(&[("net.ipv4.tcp_fin_timeout", in_seconds)]),
    knob("net.inet.tcp.fast_finwait2_recycle", "0"),
    knob("net.inet.tcp.nolocaltimewait", "0"),
    knob("net.inet.tcp.rexmit_initial", "1000").lockstep(|c, v| put(&mut c.rto.initial, millis(v))),
    knob("net.inet.tcp.rexmit_min", "30").lockstep(|c, v| put(&mut c.rto.min, millis(v))),
    knob("net.inet.tcp.rexmit_slop", "200").lockstep(|c, v| put(&mut c.rto.slop, millis(v))),
    knob("net.inet.tcp.rexmit_drop_options", "0"),
    knob("net.inet.tcp.keepinit", "75000").lockstep(|c, v| put(&mut c.syn_timeout, millis(v))),
    knob("net.inet.tcp.keepidle", "7200000").is(&[("net.ipv4.tcp_keepalive_time", in_seconds)]),
    knob("net.inet.tcp.keepintvl", "75000").is(&[("net.ipv4.tcp_keepalive_intvl", in_seconds)]),
    knob("net.inet.tcp.keepcnt", "8").is(&[("net.ipv4.tcp_keepalive_probes", as_it_is)]),
    knob("net.inet.tcp.always_keepalive", "1"),
    knob("net.inet.tcp.delacktime", "100").lockstep(|c, v| put(&mut c.acks.delay, millis(v))),
    knob("net.inet.tcp.delayed_ack", "1").lockstep(delayed_ack),
    knob("net.inet.tcp.persmin", "5000"),
    knob("net.inet.tcp.persmax", "60000"),
    knob("net.inet.tcp.maxunacktime", "0"),
    // FreeBSD: attacks and floods.
    knob("net.inet.tcp.insecure_rst", "0").lockstep(|c, v| put(&mut c.insecure_rst, flag(v))),
    knob("net.inet.tcp.insecure_syn", "0").lockstep(|c, v| put(&mut c.insecure_syn, flag(v))),
    knob("net.inet.tcp.drop_synfin", "0").lockstep(|c, v| put(&mut c.drop_syn_fin, flag(v))).smoltcp(off),
    knob("net.inet.tcp.syncookies", "1").is(&[("net.ipv4.tcp_syncookies", as_it_is)]),
    knob("net.inet.tcp.syncookies_only", "0").is(&[("net.ipv4.tcp_syncookies", only_cookies)]),
    knob("net.inet.tcp.blackhole", "0"),
    knob("net.inet.tcp.icmp_may_rst", "1"),
    knob("net.inet.tcp.ack_war_timewindow", "1000"),
    knob("net.inet.tcp.ack_war_cnt", "5"),
    knob("net.inet.tcp.log_in_vain", "0"),
    knob("net.inet.tcp.isn_reseed_interval", "0"),
    // FreeBSD: congestion, recovery, paths.
    knob("net.inet.tcp.cc.algorithm", "cubic").is(&[("net.ipv4.tcp_congestion_control", linuxs_algorithm)]),
    knob("net.inet.tcp.initcwnd_segments", "10")
        .lockstep(|c, v| put(&mut c.congestion.initial_window, number(v).map(InitialWindow::Segments))),
    knob("net.inet.tcp.abc_l_var", "2").lockstep(|c, v| put(&mut c.congestion.slow_start_limit, number(v))),
    knob("net.inet.tcp.rfc3042", "1").lockstep(|c, v| put(&mut c.recovery.limited_transmit, flag(v))),
    knob("net.inet.tcp.rfc3390", "1"),
    knob("net.inet.tcp.rfc6675_pipe", "1"),
    knob("net.inet.tcp.do_prr", "1").lockstep(|c, v| put(&mut c.recovery.proportional_rate_reduction, flag(v))),
    knob("net.inet.tcp.functions_default", "freebsd"),
    knob("net.inet.tcp.tso", "1"),
    knob("net.inet.tcp.path_mtu_discovery", "1").is(&[("net.ipv4.ip_no_pmtu_disc", negated)]),
    knob("net.inet.tcp.pmtud_blackhole_detection", "0")
        .lockstep(|c, v| put(&mut c.path_mtu.blackhole_detection, flag(v))),
    knob("net.inet.tcp.udp_tunneling_port", "0").lockstep(off).smoltcp(off),
    knob("net.inet.tcp.udp_tunneling_overhead", "8"),
    knob("net.inet.tcp.hostcache.enable", "1"),
    // Nothing is remembered from one script to the next, so that a fresh host is as if it had just forgotten everything.
    knob("net.inet.tcp.hostcache.purgenow", "1").lockstep(whatever).smoltcp(whatever),
];

/// A knob of which only the default is known.
const fn knob(name: &'static str, default: &'static str) -> Knob {
    Knob { name, default, same_as: &[], lockstep: None, smoltcp: None }
}

impl Knob {
    const fn lockstep(self, turn: Turn<TcpConfig>) -> Self {
        Self { lockstep: Some(turn), ..self }
    }

    const fn smoltcp(self, turn: Turn<Knobs>) -> Self {
        Self { smoltcp: Some(turn), ..self }
    }

    const fn is(self, same_as: &'static [(&'static str, Translation)]) -> Self {
        Self { same_as, ..self }
    }
}

fn put<T>(place: &mut T, value: Option<T>) -> Option<()> {
    *place = value?;
    Some(())
}

/// What is not there is off.
fn off<C>(_: &mut C, value: &str) -> Option<()> {
    only(value, "0")
}

fn whatever<C>(_: &mut C, value: &str) -> Option<()> {
    number::<u64>(value).map(|_| ())
}

fn only(value: &str, so: &str) -> Option<()> {
    (value == so).then_some(())
}

fn flag(value: &str) -> Option<bool> {
    one_of(value, &["0"], &["1"])
}

fn one_of(value: &str, no: &[&str], yes: &[&str]) -> Option<bool> {
    yes.contains(&value).then_some(true).or_else(|| no.contains(&value).then_some(false))
}

fn number<N: std::str::FromStr>(value: &str) -> Option<N> {
    value.parse().ok()
}

fn millis(value: &str) -> Option<Micros> {
    Some(Micros::new(number::<u64>(value)?.checked_mul(1_000)?))
}

fn seconds(value: &str) -> Option<Micros> {
    Some(Micros::new(number::<u64>(value)?.checked_mul(1_000_000)?))
}

/// How long it takes to send a SYN so often again, and to hear nothing.
fn retries(first: Micros, value: &str) -> Option<Micros> {
    let doubled = 1_u64.checked_shl(number::<u32>(value)?.checked_add(1)?)?;
    Some(first.saturating_mul(doubled - 1))
}

fn keep_alive(tcp: &mut TcpConfig) -> &mut KeepAlive {
    tcp.keep_alive.get_or_insert_default()
}

/// Of minimum, default and maximum.
fn three(value: &str) -> Option<[usize; 3]> {
    let numbers: Option<Vec<usize>> = value.split_whitespace().map(number).collect();
    numbers?.try_into().ok()
}

fn third(value: &str) -> Option<usize> {
    three(value).map(|[_, _, most]| most)
}

fn receive_memory(tcp: &mut TcpConfig, value: &str) -> Option<()> {
    let [_, usual, most] = three(value)?;
    (tcp.receive_buffer, tcp.receive_buffer_max) = (usual, most);
    Some(())
}

fn delayed_ack(tcp: &mut TcpConfig, value: &str) -> Option<()> {
    if !flag(value)? {
        tcp.acks.delay = Micros::ZERO;
    }
    Some(())
}

fn algorithm(name: &str) -> Option<Algorithm> {
    match name {
        "reno" => Some(Algorithm::NewReno),
        "cubic" => Some(Algorithm::Cubic),
        _ => None,
    }
}

fn syn_cookies(value: &str) -> Option<SynCookies> {
    match value {
        "0" => Some(SynCookies::Never),
        "1" => Some(SynCookies::OnOverflow),
        "2" => Some(SynCookies::Always),
        _ => None,
    }
}

fn backlog_full(value: &str) -> Option<BacklogFull> {
    flag(value).map(|aborts| if aborts { BacklogFull::Reset } else { BacklogFull::Ignore })
}

fn as_it_is(value: &str) -> Option<String> {
    Some(value.to_owned())
}

fn in_seconds(millis: &str) -> Option<String> {
    let millis: u64 = number(millis)?;
    millis.is_multiple_of(1_000).then(|| (millis / 1_000).to_string())
}

fn negated(value: &str) -> Option<String> {
    flag(value).map(|on| u8::from(!on).to_string())
}

fn only_cookies(value: &str) -> Option<String> {
    flag(value).map(|only| (if only { "2" } else { "1" }).to_owned())
}

fn linuxs_algorithm(name: &str) -> Option<String> {
    Some(name.strip_prefix("new").unwrap_or(name).to_owned())
}
