//! What a user may choose for one connection; where he chooses nothing, the stack's configuration holds.

use lockstep_model::Timer;

use super::config::{KeepAlive, TcpConfig};
use super::connection::{Common, Connection, Flow};
use crate::ip::Handling;
use crate::time::{Instant, Micros};
use crate::wire::SourceRoute;

/// The choices of one connection, besides Nagle's algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Keep-alives (RFC 9293 §3.8.4, MUST-24, MUST-27).
    pub keep_alive: Option<KeepAlive>,
    /// R2: how long text or a FIN may go unacknowledged (§3.8.3, MUST-21), but not less than R1 takes.
    pub user_timeout: Micros,
    /// How long FIN-WAIT-2 lasts when the user is gone.
    pub fin_wait_2: Micros,
    /// Time to live of what is sent, in hops, if not the host's (RFC 9293 MUST-49). Zero would get nowhere, and counts as
    /// one.
    pub ttl: Option<u8>,
    /// Differentiated services code point of what is sent, of which the low six bits count (RFC 9293 MUST-48, SHLD-21).
    pub dscp: u8,
    /// Whether congestion notification is asked for, and agreed to (RFC 3168). It is the SYN that asks.
    pub ecn: bool,
    /// The hosts that what is sent is to pass on its way, whatever way the peer's datagrams came (RFC 9293 MUST-51, MUST-52).
    pub source_route: Option<SourceRoute>,
    /// Whether the user hears of soft errors (RFC 9293 MUST-47, SHLD-20).
    pub error_reports: bool,
}

impl Settings {
    /// What holds for connections whose users have chosen nothing.
    #[must_use]
    pub fn of(config: &TcpConfig) -> Self {
        Self {
            keep_alive: config.keep_alive,
            user_timeout: config.user_timeout,
            fin_wait_2: config.fin_wait_2,
            ttl: None,
            dscp: 0,
            ecn: config.ecn,
            source_route: None,
            error_reports: true,
        }
    }
}

impl Settings {
    /// How routers are to handle what is sent, whichever way it takes.
    pub(super) fn handling(&self) -> Handling {
        Handling { ttl: self.ttl.map(|ttl| ttl.max(1)), dscp_ecn: self.dscp << 2, route: None }
    }
}

impl Connection {
    /// The user has chosen. What is running already counts from now.
    pub fn set_settings(&mut self, common: &Common, now: Instant, settings: Settings) {
        let before = *self.flow.settings(common);
        self.flow.own_settings = (settings != common.settings).then(|| Box::new(settings));
        let flow = &mut self.flow;
        if settings.source_route != before.source_route {
            flow.smss = flow.effective_send_mss();
        }
        if settings.user_timeout != before.user_timeout && flow.timers.deadline(Timer::User).is_some() {
            flow.timers.stop(Timer::User);
            flow.start_user_timeout(common, now);
        }
        if settings.keep_alive != before.keep_alive {
            flow.timers.stop(Timer::KeepAlive);
            if self.tcb().syn_acked() {
                self.flow.keep_alive_from(common, now);
            }
        }
    }
}

impl Flow {
    /// What holds for this connection.
    pub fn settings<'a>(&'a self, common: &'a Common) -> &'a Settings {
        self.own_settings.as_deref().unwrap_or(&common.settings)
    }
}
