//! Socket options: what a user chooses before there is a connection, and what the stack makes of it.

use std::time::Duration;

use ::lockstep::stack::{KeepAlive, Settings};
use ::lockstep::tcp::congestion::Algorithm;
use ::lockstep::time::Micros;

use super::What;
use super::caller::Caller;
use crate::system::posix::{Done, Refusal, no, nothing};
use crate::system::{Descriptor, Errno, OptionValue, Output, SocketOption, Success};

/// The time to live of what nobody has chosen one for.
const TTL: u8 = 64;

/// The Eff.snd.MSS of a socket without a connection (RFC 9293 §3.7.1).
const DEFAULT_MSS: u16 = 536;

/// What the user of a socket has chosen, and the connections of a listener with him.
#[derive(Clone, Default)]
pub(super) struct Choices {
    pub(super) reuse: i32,
    pub(super) nodelay: i32,
    pub(super) linger: Option<i32>,
    /// `SO_RCVTIMEO` and `SO_SNDTIMEO`; zero is no limit.
    pub(super) receive_limit: Duration,
    pub(super) send_limit: Duration,
    keep_alive: bool,
    keep_idle: Option<u64>,
    keep_interval: Option<u64>,
    keep_probes: Option<u8>,
    /// In milliseconds; zero is no choice.
    user_timeout: u64,
    /// In seconds; zero is no choice, less is no time at all.
    fin_wait_2: i32,
    ttl: Option<u8>,
    tos: u8,
}

impl Choices {
    /// The stack's settings for this user.
    pub(super) fn over(&self, defaults: Settings) -> Settings {
        Settings {
            keep_alive: self.keep_alive.then(|| self.keep_alive(defaults)),
            user_timeout: match self.user_timeout {
                0 => defaults.user_timeout,
                millis => Micros::from_millis(millis),
            },
            fin_wait_2: match self.fin_wait_2 {
                0 => defaults.fin_wait_2,
                seconds => Micros::from_secs(u64::try_from(seconds).unwrap_or(0)),
            },
            ttl: self.ttl.or(defaults.ttl),
            dscp: self.tos >> 2,
            ..defaults
        }
    }

    fn keep_alive(&self, defaults: Settings) -> KeepAlive {
        let KeepAlive { idle, interval, probes } = defaults.keep_alive.unwrap_or_default();
        KeepAlive {
            idle: self.keep_idle.map_or(idle, Micros::from_secs),
            interval: self.keep_interval.map_or(interval, Micros::from_secs),
            probes: self.keep_probes.unwrap_or(probes),
        }
    }

    /// Takes in a choice that is a number.
    fn choose(&mut self, option: SocketOption, value: i32) -> Result<(), Refusal> {
        match option {
            SocketOption::ReuseAddr => self.reuse = i32::from(value != 0),
            SocketOption::NoDelay => self.nodelay = i32::from(value != 0),
            SocketOption::KeepAlive => self.keep_alive = value != 0,
            SocketOption::KeepIdle => self.keep_idle = Some(within(value, 32_767)?),
            SocketOption::KeepIntvl => self.keep_interval = Some(within(value, 32_767)?),
            SocketOption::KeepCnt => self.keep_probes = Some(within(value, 127)?),
            SocketOption::UserTimeout => self.user_timeout = u64::try_from(value).map_err(|_| Errno::EINVAL)?,
            SocketOption::Linger2 => self.fin_wait_2 = value.max(-1),
            SocketOption::Ttl if value == -1 => self.ttl = None,
            SocketOption::Ttl => self.ttl = Some(within(value, 255)?),
            // The two bits of ECN are not the user's (RFC 3168 §5).
            SocketOption::Tos => self.tos = u8::try_from(value & 0xfc).map_err(|_| Errno::EINVAL)?,
            // Urgent data is always delivered in line (RFC 6093 §6).
            SocketOption::OobInline if value != 0 => {}
            SocketOption::OobInline => return Err(no("SO_OOBINLINE that can be switched off")),
            other => return Err(no(other.name())),
        }
        Ok(())
    }
}

impl Caller<'_> {
    pub(super) fn set_option(&mut self, fd: Descriptor, option: SocketOption, value: &OptionValue) -> Done {
        let algorithm = self.algorithm();
        let socket = self.sockets.get(fd)?;
        match (option, value) {
            (SocketOption::QuickAck, OptionValue::Int(on)) => {
                let What::Connection { id, .. } = socket.what else { return Err(no("TCP_QUICKACK of no connection")) };
                // A connection that has ended has nothing to acknowledge.
                let _ = self.stack.set_quick_acks(id, *on != 0);
            }
            (SocketOption::Linger, OptionValue::Linger { on, seconds }) => {
                socket.choices.linger = on.then_some((*seconds).max(0));
            }
            (SocketOption::RcvTimeo, OptionValue::Time(time)) => socket.choices.receive_limit = *time,
            (SocketOption::SndTimeo, OptionValue::Time(time)) => socket.choices.send_limit = *time,
            (SocketOption::Congestion, OptionValue::Text(name)) if name == algorithm => {}
            (SocketOption::Congestion, OptionValue::Text(name)) if matches!(name.as_str(), "reno" | "cubic") => {
                return Err(no("TCP_CONGESTION that differs from connection to connection"));
            }
            (SocketOption::Congestion, OptionValue::Text(_)) => return Err(Errno::ENOENT.into()),
            (option, OptionValue::Int(value)) => socket.choices.choose(option, *value)?,
            (
                other,
                OptionValue::Linger { .. } | OptionValue::Time(_) | OptionValue::Text(_) | OptionValue::Bytes(_),
            ) => return Err(no(other.name())),
        }
        self.choose(fd)
    }

    /// Tells the stack what the user of a socket has chosen. A connection that has ended does not care.
    pub(super) fn choose(&mut self, fd: Descriptor) -> Done {
        let defaults = self.sockets.defaults;
        let socket = self.sockets.get(fd)?;
        let settings = socket.choices.over(defaults);
        match socket.what {
            What::Idle => {}
            What::Listener(listener) => {
                let _ = self.stack.set_listener_settings(self.now, listener, settings);
            }
            What::Connection { id, .. } => {
                let _ = self.stack.set_settings(self.now, id, settings);
                let _ = self.stack.set_nodelay(id, socket.choices.nodelay != 0);
            }
        }
        nothing()
    }

    pub(super) fn get_option(&mut self, fd: Descriptor, option: SocketOption) -> Done {
        let (stack, now, defaults) = (&mut *self.stack, self.now, self.sockets.defaults);
        let algorithm = self.sockets.stack.congestion.algorithm;
        let buffers = (self.sockets.stack.receive_buffer, self.sockets.stack.send_buffer);
        let socket = self.sockets.get(fd)?;
        let status = match socket.what {
            What::Connection { id, .. } => stack.status(now, id).ok(),
            What::Idle | What::Listener(_) => None,
        };
        let choices = &socket.choices;
        let keep_alive = choices.keep_alive(defaults);
        let value = match option {
            SocketOption::Linger => {
                OptionValue::Linger { on: choices.linger.is_some(), seconds: choices.linger.unwrap_or(0) }
            }
            SocketOption::RcvTimeo => OptionValue::Time(choices.receive_limit),
            SocketOption::SndTimeo => OptionValue::Time(choices.send_limit),
            SocketOption::Congestion => OptionValue::Text(name(algorithm).to_owned()),
            SocketOption::Error => OptionValue::Int(socket.error(stack, now).map_or(0, |errno| errno.0)),
            SocketOption::ReuseAddr => OptionValue::Int(choices.reuse),
            SocketOption::NoDelay => OptionValue::Int(choices.nodelay),
            SocketOption::KeepAlive => OptionValue::Int(choices.keep_alive.into()),
            SocketOption::KeepIdle => int(keep_alive.idle.get() / 1_000_000),
            SocketOption::KeepIntvl => int(keep_alive.interval.get() / 1_000_000),
            SocketOption::KeepCnt => int(keep_alive.probes),
            SocketOption::UserTimeout => int(choices.user_timeout),
            SocketOption::Linger2 if choices.fin_wait_2 < 0 => OptionValue::Int(-1),
            SocketOption::Linger2 => int(choices.over(defaults).fin_wait_2.get() / 1_000_000),
            SocketOption::Ttl => int(choices.ttl.unwrap_or(TTL)),
            SocketOption::Tos => int(choices.tos),
            SocketOption::OobInline => OptionValue::Int(1),
            SocketOption::RcvBuf => int(status.map_or(buffers.0, |status| status.receive_buffer)),
            SocketOption::SndBuf => int(buffers.1),
            SocketOption::MaxSeg => int(status.map_or(DEFAULT_MSS, |status| status.send_mss)),
            SocketOption::Mtu => int(status.ok_or(Errno::ENOTCONN)?.path_mtu),
            SocketOption::Type => OptionValue::Int(libc::SOCK_STREAM),
            SocketOption::Protocol => OptionValue::Int(libc::IPPROTO_TCP),
            SocketOption::Domain => OptionValue::Int(libc::AF_INET),
            SocketOption::AcceptConn => OptionValue::Int(matches!(socket.what, What::Listener(_)).into()),
            other => return Err(no(other.name())),
        };
        Ok(Success { value: 0, output: Output::Option(value) })
    }

    fn algorithm(&self) -> &'static str {
        name(self.sockets.stack.congestion.algorithm)
    }
}

/// As Linux calls it.
fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::NewReno => "reno",
        Algorithm::Cubic => "cubic",
    }
}

/// A number from one to `most`.
fn within<N: TryFrom<i32>>(value: i32, most: i32) -> Result<N, Refusal> {
    let in_range = Some(value).filter(|value| (1..=most).contains(value));
    in_range.and_then(|value| N::try_from(value).ok()).ok_or(Refusal::Errno(Errno::EINVAL))
}

fn int(value: impl TryInto<i32>) -> OptionValue {
    OptionValue::Int(value.try_into().unwrap_or(i32::MAX))
}
