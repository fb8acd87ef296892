//! Socket options, as getsockopt(2) and setsockopt(2) take them.

use std::io;
use std::os::fd::OwnedFd;

use super::sys;
use crate::system::{OptionKind, OptionValue, SocketOption};

/// Far more than any option's value.
const LONGEST: usize = 1_024;

/// The value of an option.
pub(super) fn get(fd: &OwnedFd, option: SocketOption) -> io::Result<OptionValue> {
    let (level, name) = option.number();
    match option.kind() {
        OptionKind::Int => Ok(OptionValue::Int(i32::from_ne_bytes(sys::get_option::<4>(fd, level, name)?))),
        OptionKind::Linger => {
            let [a, b, c, d, e, f, g, h] = sys::get_option::<8>(fd, level, name)?;
            let on = i32::from_ne_bytes([a, b, c, d]) != 0;
            Ok(OptionValue::Linger { on, seconds: i32::from_ne_bytes([e, f, g, h]) })
        }
        OptionKind::Time => Ok(OptionValue::Time(sys::get_time(fd, level, name)?)),
        OptionKind::Text => {
            let mut text = sys::get_bytes(fd, level, name, LONGEST)?;
            text.truncate(text.iter().position(|byte| *byte == 0).unwrap_or(text.len()));
            Ok(OptionValue::Text(String::from_utf8_lossy(&text).into_owned()))
        }
        OptionKind::Bytes => Ok(OptionValue::Bytes(sys::get_bytes(fd, level, name, LONGEST)?)),
    }
}

/// Sets an option.
pub(super) fn set(fd: &OwnedFd, option: SocketOption, value: &OptionValue) -> io::Result<()> {
    let (level, name) = option.number();
    match value {
        OptionValue::Int(value) => sys::set_option(fd, level, name, &value.to_ne_bytes()),
        OptionValue::Linger { on, seconds } => sys::set_option(fd, level, name, &linger(*on, *seconds)),
        OptionValue::Time(time) => sys::set_time(fd, level, name, *time),
        OptionValue::Text(text) => sys::set_option(fd, level, name, text.as_bytes()),
        OptionValue::Bytes(bytes) => sys::set_option(fd, level, name, bytes),
    }
}

/// `struct linger`.
pub(super) fn linger(on: bool, seconds: i32) -> [u8; 8] {
    let [a, b, c, d] = i32::from(on).to_ne_bytes();
    let [e, f, g, h] = seconds.to_ne_bytes();
    [a, b, c, d, e, f, g, h]
}

/// Those of `uapi/linux/tcp.h` that libc does not name.
const TCP_TX_DELAY: libc::c_int = 37;
const TCP_RTO_MAX_MS: libc::c_int = 44;
const TCP_RTO_MIN_US: libc::c_int = 45;
const TCP_DELACK_MAX_US: libc::c_int = 46;

impl SocketOption {
    /// Its level and number on Linux.
    #[must_use]
    pub fn number(self) -> (i32, i32) {
        match self {
            SocketOption::ReuseAddr => (libc::SOL_SOCKET, libc::SO_REUSEADDR),
            SocketOption::ReusePort => (libc::SOL_SOCKET, libc::SO_REUSEPORT),
            SocketOption::KeepAlive => (libc::SOL_SOCKET, libc::SO_KEEPALIVE),
            SocketOption::Linger => (libc::SOL_SOCKET, libc::SO_LINGER),
            SocketOption::RcvBuf => (libc::SOL_SOCKET, libc::SO_RCVBUF),
            SocketOption::SndBuf => (libc::SOL_SOCKET, libc::SO_SNDBUF),
            SocketOption::RcvBufForce => (libc::SOL_SOCKET, libc::SO_RCVBUFFORCE),
            SocketOption::SndBufForce => (libc::SOL_SOCKET, libc::SO_SNDBUFFORCE),
            SocketOption::Error => (libc::SOL_SOCKET, libc::SO_ERROR),
            SocketOption::OobInline => (libc::SOL_SOCKET, libc::SO_OOBINLINE),
            SocketOption::RcvTimeo => (libc::SOL_SOCKET, libc::SO_RCVTIMEO),
            SocketOption::SndTimeo => (libc::SOL_SOCKET, libc::SO_SNDTIMEO),
            SocketOption::RcvLowat => (libc::SOL_SOCKET, libc::SO_RCVLOWAT),
            SocketOption::SndLowat => (libc::SOL_SOCKET, libc::SO_SNDLOWAT),
            SocketOption::Type => (libc::SOL_SOCKET, libc::SO_TYPE),
            SocketOption::Protocol => (libc::SOL_SOCKET, libc::SO_PROTOCOL),
            SocketOption::Domain => (libc::SOL_SOCKET, libc::SO_DOMAIN),
            SocketOption::AcceptConn => (libc::SOL_SOCKET, libc::SO_ACCEPTCONN),
            SocketOption::Priority => (libc::SOL_SOCKET, libc::SO_PRIORITY),
            SocketOption::Mark => (libc::SOL_SOCKET, libc::SO_MARK),
            SocketOption::DontRoute => (libc::SOL_SOCKET, libc::SO_DONTROUTE),
            SocketOption::MaxPacingRate => (libc::SOL_SOCKET, libc::SO_MAX_PACING_RATE),
            SocketOption::ZeroCopy => (libc::SOL_SOCKET, libc::SO_ZEROCOPY),
            SocketOption::Timestamping => (libc::SOL_SOCKET, libc::SO_TIMESTAMPING),
            SocketOption::BindToDevice => (libc::SOL_SOCKET, libc::SO_BINDTODEVICE),
            SocketOption::NoDelay => (libc::IPPROTO_TCP, libc::TCP_NODELAY),
            SocketOption::MaxSeg => (libc::IPPROTO_TCP, libc::TCP_MAXSEG),
            SocketOption::Cork => (libc::IPPROTO_TCP, libc::TCP_CORK),
            SocketOption::KeepIdle => (libc::IPPROTO_TCP, libc::TCP_KEEPIDLE),
            SocketOption::KeepIntvl => (libc::IPPROTO_TCP, libc::TCP_KEEPINTVL),
            SocketOption::KeepCnt => (libc::IPPROTO_TCP, libc::TCP_KEEPCNT),
            SocketOption::SynCnt => (libc::IPPROTO_TCP, libc::TCP_SYNCNT),
            SocketOption::Linger2 => (libc::IPPROTO_TCP, libc::TCP_LINGER2),
            SocketOption::DeferAccept => (libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT),
            SocketOption::WindowClamp => (libc::IPPROTO_TCP, libc::TCP_WINDOW_CLAMP),
            SocketOption::QuickAck => (libc::IPPROTO_TCP, libc::TCP_QUICKACK),
            SocketOption::Congestion => (libc::IPPROTO_TCP, libc::TCP_CONGESTION),
            SocketOption::ThinLinearTimeouts => (libc::IPPROTO_TCP, libc::TCP_THIN_LINEAR_TIMEOUTS),
            SocketOption::UserTimeout => (libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT),
            SocketOption::FastOpen => (libc::IPPROTO_TCP, libc::TCP_FASTOPEN),
            SocketOption::FastOpenConnect => (libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT),
            SocketOption::FastOpenKey => (libc::IPPROTO_TCP, libc::TCP_FASTOPEN_KEY),
            SocketOption::FastOpenNoCookie => (libc::IPPROTO_TCP, libc::TCP_FASTOPEN_NO_COOKIE),
            SocketOption::Timestamp => (libc::IPPROTO_TCP, libc::TCP_TIMESTAMP),
            SocketOption::NotSentLowat => (libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT),
            SocketOption::SaveSyn => (libc::IPPROTO_TCP, libc::TCP_SAVE_SYN),
            SocketOption::SavedSyn => (libc::IPPROTO_TCP, libc::TCP_SAVED_SYN),
            SocketOption::Inq => (libc::IPPROTO_TCP, libc::TCP_INQ),
            SocketOption::Ulp => (libc::IPPROTO_TCP, libc::TCP_ULP),
            SocketOption::TxDelay => (libc::IPPROTO_TCP, TCP_TX_DELAY),
            SocketOption::RtoMax => (libc::IPPROTO_TCP, TCP_RTO_MAX_MS),
            SocketOption::RtoMin => (libc::IPPROTO_TCP, TCP_RTO_MIN_US),
            SocketOption::DelackMax => (libc::IPPROTO_TCP, TCP_DELACK_MAX_US),
            SocketOption::Tos => (libc::IPPROTO_IP, libc::IP_TOS),
            SocketOption::Ttl => (libc::IPPROTO_IP, libc::IP_TTL),
            SocketOption::MinTtl => (libc::IPPROTO_IP, libc::IP_MINTTL),
            SocketOption::MtuDiscover => (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER),
            SocketOption::Mtu => (libc::IPPROTO_IP, libc::IP_MTU),
            SocketOption::RecvErr => (libc::IPPROTO_IP, libc::IP_RECVERR),
            SocketOption::FreeBind => (libc::IPPROTO_IP, libc::IP_FREEBIND),
            SocketOption::BindAddressNoPort => (libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT),
        }
    }
}
