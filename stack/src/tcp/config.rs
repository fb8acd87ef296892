//! TCP's durations, sizes and policies.

use std::ops::RangeInclusive;

use lockstep_model::{Event, Flag, Seq};

use super::ack_policy::AckConfig;
use super::congestion::CongestionConfig;
use super::listen::ListenConfig;
use super::options::OptionsConfig;
use super::pacing::PacingConfig;
use super::pmtu::PathMtuConfig;
use super::ports::PortSelection;
use super::recovery::RecoveryConfig;
use super::recv::UNSCALED_CAPACITY;
use super::rtt::RtoConfig;
use crate::time::Micros;

/// What the RFCs leave to a host. The defaults are what they recommend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpConfig {
    /// Maximum segment lifetime; TIME-WAIT lasts two of them (RFC 9293 §3.4.2: 2 minutes).
    pub msl: Micros,
    /// Bounds of the retransmission timeout (RFC 6298).
    pub rto: RtoConfig,
    /// Congestion control (RFC 5681).
    pub congestion: CongestionConfig,
    /// Loss recovery, mechanism by mechanism.
    pub recovery: RecoveryConfig,
    /// Explicit congestion notification (RFC 3168); off unless asked for.
    pub ecn: bool,
    /// Segments that leave one after the other instead of all at once.
    pub pacing: PacingConfig,
    /// Path MTU discovery (RFC 1191, RFC 4821).
    pub path_mtu: PathMtuConfig,
    /// Which options are offered and accepted (RFC 7323, RFC 2018).
    pub options: OptionsConfig,
    /// Octets of text kept for the user, and the window offered. Without window scaling no more than 65,535 are offered.
    pub receive_buffer: usize,
    /// A receive buffer of more than 65,535 octets grows with the pace of its user, up to this. A smaller one is what
    /// somebody wanted, and stays.
    pub receive_buffer_max: usize,
    /// A receive buffer of more than a segment is made larger by less than one, so that it takes whole segments of the size
    /// that both can take, as the BSDs do.
    pub round_receive_buffer: bool,
    /// Every segment that leaves offers all the room there is, and a RST none, as in the BSDs. Without it the right edge waits until it
    /// can move by a segment (RFC 9293 §3.8.6.2.2), and is rounded up to what a header can say.
    pub exact_windows: bool,
    /// Octets of text kept until they are acknowledged.
    pub send_buffer: usize,
    /// When received text is acknowledged (RFC 9293 §3.8.6.3).
    pub acks: AckConfig,
    /// How long small segments wait when the window has only little room, nothing is in flight and no better comes
    /// (RFC 9293 §3.8.6.2.1: 0.1 to 1.0 seconds).
    pub silly_window_override: Micros,
    /// R1: after so many retransmissions of one segment the neighbour is doubted (RFC 9293 §3.8.3, MUST-20: at least 3).
    pub r1: u8,
    /// R2: a segment that has not been acknowledged for so long closes the connection (§3.8.3: at least 100 seconds).
    pub user_timeout: Micros,
    /// R2 for a SYN (MUST-23: at least 3 minutes).
    pub syn_timeout: Micros,
    /// How long FIN-WAIT-2 lasts when the user is gone. The RFCs have no such bound; 60 seconds is common.
    pub fin_wait_2: Micros,
    /// Keep-alives; off unless asked for (MUST-25).
    pub keep_alive: Option<KeepAlive>,
    /// Between acknowledgments of suspicious segments of one kind on one connection (RFC 5961 §7).
    pub challenge_interval: Micros,
    /// Small segments wait until nothing is in flight (RFC 9293 §3.7.4, SHLD-7). Each connection may switch it off.
    pub nagle: bool,
    /// RST, SYN and ACK must be exact, else a challenge ACK (RFC 5961).
    pub rfc5961: bool,
    /// In spite of that, a RST need only be in the window, as before RFC 5961.
    pub insecure_rst: bool,
    /// In spite of that, a SYN in the window resets the connection, as before RFC 5961.
    pub insecure_syn: bool,
    /// A segment that is SYN and FIN at once is dropped, as if it had never come: no honest TCP sends one (but RFC 9293
    /// knows what to do with it).
    pub drop_syn_fin: bool,
    /// A RST does not end TIME-WAIT (RFC 1337, fix F1).
    pub rfc1337: bool,
    /// A new SYN may cut TIME-WAIT short (RFC 9293 §3.6.1, MAY-2).
    pub reopen_time_wait: bool,
    /// The ports that connections get when the user names none (RFC 6335: 49152 to 65535).
    pub ephemeral_ports: RangeInclusive<u16>,
    /// How one of them is chosen (RFC 6056).
    pub port_selection: PortSelection,
    /// How listeners hold out against floods (RFC 4987).
    pub listen: ListenConfig,
}

/// When an idle connection is probed (RFC 9293 §3.8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeepAlive {
    /// Idle this long before the first probe (MUST-28: at least two hours by default).
    pub idle: Micros,
    /// Between probes.
    pub interval: Micros,
    /// So many unanswered probes end the connection (MUST-29: one is not enough).
    pub probes: u8,
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self { idle: Micros::from_secs(7_200), interval: Micros::from_secs(75), probes: 10 }
    }
}

impl TcpConfig {
    /// Whether what arrives is held against RFC 5961.
    pub(super) fn protects_from(&self, event: &Event<Seq>) -> bool {
        let excepted = match event {
            Event::Arrives(segment) if segment.has(Flag::Rst) => self.insecure_rst,
            Event::Arrives(segment) if segment.has(Flag::Syn) => self.insecure_syn,
            Event::Arrives(_) | Event::Call(_) | Event::Sent { .. } | Event::Timeout(_) => false,
        };
        self.rfc5961 && !excepted
    }

    /// The most octets that a receive buffer may come to have.
    pub(super) fn most_receive_buffer(&self) -> usize {
        let fixed = self.receive_buffer <= UNSCALED_CAPACITY;
        if fixed { self.receive_buffer } else { self.receive_buffer_max.max(self.receive_buffer) }
    }
}

impl Default for TcpConfig {
    fn default() -> Self {
        Self {
            msl: Micros::from_secs(120),
            rto: RtoConfig::default(),
            congestion: CongestionConfig::default(),
            recovery: RecoveryConfig::default(),
            ecn: false,
            pacing: PacingConfig::default(),
            path_mtu: PathMtuConfig::default(),
            options: OptionsConfig::default(),
            receive_buffer: 1 << 20,
            receive_buffer_max: 6 << 20,
            round_receive_buffer: false,
            exact_windows: false,
            send_buffer: 1 << 20,
            acks: AckConfig::default(),
            silly_window_override: Micros::from_millis(200),
            r1: 3,
            user_timeout: Micros::from_secs(100),
            syn_timeout: Micros::from_secs(180),
            fin_wait_2: Micros::from_secs(60),
            keep_alive: None,
            challenge_interval: Micros::from_millis(500),
            nagle: true,
            rfc5961: true,
            insecure_rst: false,
            insecure_syn: false,
            drop_syn_fin: false,
            rfc1337: true,
            reopen_time_wait: true,
            ephemeral_ports: 49_152..=65_535,
            port_selection: PortSelection::DoubleHash,
            listen: ListenConfig::default(),
        }
    }
}
