//! Socket options and flags, as far as smoltcp has what they ask for.

use std::time::Duration;

use super::sockets::Socket;
use crate::system::posix::{Done, Refusal, no};
use crate::system::{OptionValue, Output, SocketOption, Success};

/// The longest queue of a listener. Each place costs a socket and its buffers; Linux cuts longer ones, too.
pub(super) const MOST_WAITING: usize = 64;

/// After how long an idle connection is probed, unless the user says (RFC 1122 §4.2.3.6: at least two hours).
const KEEP_IDLE: i32 = 7_200;

/// Options that are the user's own affair, not smoltcp's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remembered {
    reuse_address: i32,
    linger: Option<i32>,
    keep_idle: i32,
}

impl Default for Remembered {
    fn default() -> Self {
        Self { reuse_address: 0, linger: None, keep_idle: KEEP_IDLE }
    }
}

impl Remembered {
    pub(super) fn reuses_address(&self) -> bool {
        self.reuse_address != 0
    }

    /// Whether closing aborts the connection.
    pub(super) fn aborts(&self) -> bool {
        self.linger == Some(0)
    }
}

/// `getsockopt`
pub(super) fn get(socket: &mut Socket, option: SocketOption) -> Done {
    let (settings, remembered) = (&socket.settings, &socket.options);
    let value = match option {
        SocketOption::Error => OptionValue::Int(socket.tell().map_or(0, |errno| errno.0)),
        SocketOption::ReuseAddr => OptionValue::Int(remembered.reuse_address),
        SocketOption::NoDelay => OptionValue::Int(i32::from(!settings.nagle)),
        SocketOption::KeepAlive => OptionValue::Int(i32::from(settings.keep_alive.is_some())),
        SocketOption::KeepIdle => OptionValue::Int(remembered.keep_idle),
        SocketOption::RcvBuf => size(settings.receive_buffer),
        SocketOption::SndBuf => size(settings.send_buffer),
        SocketOption::Linger => {
            OptionValue::Linger { on: remembered.linger.is_some(), seconds: remembered.linger.unwrap_or(0) }
        }
        other => return Err(no_option(other)),
    };
    Ok(Success { value: 0, output: Output::Option(value) })
}

/// `setsockopt`. Buffers keep the size with which they were made.
pub(super) fn set(socket: &mut Socket, option: SocketOption, value: &OptionValue) -> Result<(), Refusal> {
    let (settings, remembered) = (&mut socket.settings, &mut socket.options);
    match (option, value) {
        (SocketOption::ReuseAddr, OptionValue::Int(on)) => remembered.reuse_address = *on,
        (SocketOption::NoDelay, OptionValue::Int(on)) => settings.nagle = *on == 0,
        (SocketOption::QuickAck, OptionValue::Int(on)) => settings.delayed_ack = *on == 0,
        (SocketOption::RcvBuf, OptionValue::Int(octets @ 1..)) => settings.receive_buffer = positive(*octets),
        (SocketOption::SndBuf, OptionValue::Int(octets @ 1..)) => settings.send_buffer = positive(*octets),
        (SocketOption::KeepAlive, OptionValue::Int(on)) => {
            settings.keep_alive = (*on != 0).then(|| seconds(remembered.keep_idle));
        }
        (SocketOption::KeepIdle, OptionValue::Int(idle @ 1..)) => {
            remembered.keep_idle = *idle;
            settings.keep_alive = settings.keep_alive.map(|_| seconds(*idle));
        }
        (SocketOption::UserTimeout, OptionValue::Int(millis @ 0..)) => {
            let timeout = Duration::from_millis(u64::try_from(*millis).unwrap_or(0));
            settings.user_timeout = (!timeout.is_zero()).then_some(timeout);
        }
        (SocketOption::Linger, OptionValue::Linger { on: true, seconds: 1.. }) => {
            return Err(no("close that lingers"));
        }
        (SocketOption::Linger, OptionValue::Linger { on, seconds }) => remembered.linger = on.then_some(*seconds),
        (other, _) => return Err(no_option(other)),
    }
    Ok(())
}

fn no_option(option: SocketOption) -> Refusal {
    no(option.name())
}

fn size(octets: usize) -> OptionValue {
    OptionValue::Int(i32::try_from(octets).unwrap_or(i32::MAX))
}

fn positive(number: i32) -> usize {
    usize::try_from(number).unwrap_or(0)
}

fn seconds(number: i32) -> Duration {
    Duration::from_secs(u64::try_from(number).unwrap_or(0))
}
