//! What the stack knows of a connection, in the terms of Linux's `struct tcp_info`. What it does not keep account of is
//! not there: how much there was of everything since the beginning, and when it last was.

use ::lockstep::stack::{LossPhase, Status};
use ::lockstep::time::Micros;

use crate::system::TcpInfo;
use crate::system::info::{INFINITE_SSTHRESH, state_number};

/// The MSS that the system announces on a link with this MTU.
pub(super) fn info(status: &Status, announced_mss: u16) -> TcpInfo {
    let mut info = TcpInfo::default();
    info.set("state", state_number(status.state));
    info.set("ca_state", phase(status.in_flight.phase));
    info.set("retransmits", status.timeouts);
    info.set("probes", status.probes);
    info.set("backoff", status.timeouts.max(status.probes));
    info.set("options", options(status));
    let (theirs, ours) = status.window_shifts.unwrap_or_default();
    info.set("snd_wscale", theirs);
    info.set("rcv_wscale", ours);
    info.set("rto", status.rto.get());
    info.set("rtt", micros(status.srtt));
    info.set("rttvar", micros(status.rttvar));
    info.set("min_rtt", status.min_rtt.map_or(u32::MAX.into(), Micros::get));
    info.set("snd_mss", status.send_mss);
    info.set("rcv_mss", status.receive_mss);
    info.set("advmss", announced_mss);
    info.set("pmtu", status.path_mtu);
    info.set("unacked", status.in_flight.segments);
    info.set("sacked", status.in_flight.held);
    info.set("lost", status.in_flight.lost);
    info.set("retrans", status.in_flight.again);
    info.set("snd_cwnd", segments(status.cwnd, status.send_mss));
    let ssthresh = segments(status.ssthresh, status.send_mss);
    info.set("snd_ssthresh", if status.ssthresh == u32::MAX { INFINITE_SSTHRESH } else { ssthresh.into() });
    info.set("notsent_bytes", status.unsent);
    info.set("snd_wnd", status.tcb.snd_wnd());
    info.set("rcv_wnd", status.rcv_wnd);
    info
}

/// `enum tcp_ca_state`. Linux has a fifth, of a window that falls without a loss, which is none of ours.
fn phase(phase: LossPhase) -> u8 {
    match phase {
        LossPhase::Open => 0,
        LossPhase::Disorder => 1,
        LossPhase::Fast => 3,
        LossPhase::Timeout => 4,
    }
}

/// `TCPI_OPT_TIMESTAMPS`, `_SACK`, `_WSCALE`, `_ECN`.
fn options(status: &Status) -> u8 {
    let bits = [status.timestamps, status.sack, status.window_shifts.is_some(), status.ecn];
    bits.into_iter().rev().fold(0, |bits, bit| bits << 1 | u8::from(bit))
}

/// Windows are counted in segments there.
fn segments(octets: u32, mss: u16) -> u32 {
    octets / u32::from(mss.max(1))
}

fn micros(time: Option<Micros>) -> u64 {
    time.map_or(0, Micros::get)
}
