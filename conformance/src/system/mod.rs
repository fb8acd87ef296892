//! Systems under test, all behind one trait.
//!
//! A scenario is a conversation with a TCP from two sides at once: its *user* makes socket [`Call`]s, its *peer*
//! [injects](System::inject) IP datagrams and [receives](System::recv) what the system sends. A [`System`] offers both
//! sides, a clock, and a [probe](System::probe) into the state of a connection. It knows nothing of scripts,
//! expectations or verdicts.
//!
//! One thread drives it. A call that blocks is therefore not a blocked thread but
//! a [`CallId`] that resolves while [`System::run_until`] lets time pass:
//!
//! ```text
//! call(accept)  -> Pending(id)
//! inject(SYN), recv() -> SYN,ACK, inject(ACK)
//! run_until(t)  -> Wake::Returned(id)         result(id) -> at, Ok(4)
//! ```
//!
//! Time is a [`Duration`] since the scenario began; virtual systems jump, real ones wait. Every system is reached at
//! [`SYSTEM_ADDRESS`] and sees its peer at [`PEER_ADDRESS`].

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::RangeInclusive;
use std::time::Duration;

mod arp;
mod call;
mod errno;
pub mod info;
mod knob;
pub mod linux;
pub mod lockstep;
mod message;
mod option;
mod pending;
mod poll;
mod posix;
#[cfg(test)]
mod promises;
pub mod smoltcp;
pub mod tap;

pub use call::{Call, Descriptor, FileControl, IoctlRequest, Output, Ret, ShutdownHow, Success};
pub use errno::Errno;
pub use info::TcpInfo;
pub use knob::Turned;
pub(crate) use knob::turn_lockstep;
pub use lockstep_model::State;
pub use message::MessageFlags;
pub use option::{OptionKind, OptionValue, SocketOption};
pub use poll::{PollEvents, PollFd};

/// The address of the system under test (TEST-NET-1, RFC 5737).
pub const SYSTEM_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// The address of the tester, the only peer on the system's /24 (TEST-NET-1, RFC 5737).
pub const PEER_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// The MTU of Ethernet in octets, which a link has where nothing else is asked for.
pub const ETHERNET_MTU: u16 = 1500;

/// A TCP under test: its socket calls, its wire, its clock, its states.
pub trait System {
    /// The name of this system in a report, such as `linux 6.18` or `lockstep`.
    fn name(&self) -> &str;

    /// What an observer must grant this system before he calls it silent or late.
    fn timing(&self) -> Timing;

    /// The time since the scenario began.
    fn now(&self) -> Duration;

    /// Lets time pass until `deadline`, or until there is a datagram to [receive](System::recv), or a pending call
    /// whose [result](System::result) may be taken, whichever comes first. While either of these waits to be taken it
    /// returns at once. A deadline in the past lets no time pass, but still notices what is there already.
    ///
    /// # Errors
    /// [`Fault::Harness`] when the wait itself fails.
    fn run_until(&mut self, deadline: Duration) -> Result<Wake, Fault>;

    /// Makes a socket call, which never blocks the caller.
    ///
    /// What blocks is decided as on a POSIX system: a call that cannot complete on a descriptor without `O_NONBLOCK`
    /// (set by [`FileControl::SetFlags`]) is [`Progress::Pending`]; with it, it returns `EAGAIN` or `EINPROGRESS`.
    ///
    /// # Errors
    /// [`Fault::Unsupported`] when the system has no such call, flag or option: the scenario cannot be judged here.
    fn call(&mut self, call: &Call) -> Result<Progress, Fault>;

    /// Takes the result of a pending call, once it has returned. `None` while it blocks, and after it was taken.
    fn result(&mut self, id: CallId) -> Option<Returned>;

    /// Gives the system an IPv4 datagram, as from the wire. The bytes may be malformed in any way.
    ///
    /// Returns when the datagram was handed over, read *before* doing so: an answer never bears an earlier time than
    /// its stimulus, so that a lower bound on a delay is strict.
    ///
    /// # Errors
    /// [`Fault::Harness`] when the wire does not take the datagram, for instance because it exceeds the MTU.
    fn inject(&mut self, datagram: &[u8]) -> Result<Duration, Fault>;

    /// Takes the next TCP or ICMP datagram that the system sent to [`PEER_ADDRESS`], in the order of sending. `None` if
    /// there is none *yet*; only [`Timing::silence`] makes silence certain.
    ///
    /// # Errors
    /// [`Fault::Lost`] when the observer missed datagrams, [`Fault::Harness`] when reading failed.
    fn recv(&mut self) -> Result<Option<Datagram>, Fault>;

    /// The state a segment of this connection would meet: that of the connection, else LISTEN where a listener would
    /// take it, else CLOSED, which is no connection at all (RFC 9293 §3.3.2).
    ///
    /// # Errors
    /// [`Fault::Harness`] when the system cannot be asked.
    fn probe(&mut self, connection: FourTuple) -> Result<State, Fault>;

    /// Whether the wire took an offer out of a SYN of this system: a knob asked for none, and it always makes it.
    fn took_offers_away(&self) -> bool {
        false
    }

    /// Sets a knob, by the name that Linux (`net.ipv4.tcp_rfc1337`) or FreeBSD (`net.inet.tcp.msl`) gives it, for this
    /// scenario only. Of one that the system has not, only the default is taken.
    ///
    /// # Errors
    /// [`Fault::Unsupported`] when the system has no such knob or refuses the value.
    fn knob(&mut self, name: &str, value: &str) -> Result<Turned, Fault>;

    /// What the system tells of the inside of the connection behind this socket: `getsockopt(TCP_INFO)`.
    ///
    /// # Errors
    /// [`Fault::Unsupported`] when the system tells nothing, [`Fault::Harness`] when there is no such socket.
    fn info(&mut self, fd: Descriptor) -> Result<TcpInfo, Fault> {
        let Descriptor(_) = fd;
        Err(Unsupported::Call { what: "TCP_INFO" }.into())
    }

    /// Ends this connection from outside, as `tcpdrop` does on FreeBSD and `ss --kill` on Linux: its user finds it
    /// aborted (`ECONNABORTED`), the peer may be sent a reset. One that does not exist is dropped already.
    ///
    /// # Errors
    /// [`Fault::Unsupported`] when the system has no such thing, [`Fault::Harness`] when it fails.
    fn drop_connection(&mut self, connection: FourTuple) -> Result<(), Fault> {
        let FourTuple { .. } = connection;
        Err(Unsupported::Call { what: "tcpdrop" }.into())
    }

    /// Runs a shell command beside the system under test, in its own network namespace, and waits for its end.
    ///
    /// # Errors
    /// [`Fault::Unsupported`] when the system has no shell of its own: nothing is ever run on the host.
    /// [`Fault::Command`] when the command fails.
    fn shell(&mut self, command: &str) -> Result<(), Fault> {
        let _ = command;
        Err(Unsupported::Call { what: "shell for commands" }.into())
    }

    /// The next active OPEN takes this initial sequence number (RFC 9293 §3.4.1), so that a scenario can come to the end
    /// of the number space.
    ///
    /// # Errors
    /// [`Fault::Unsupported`] when the system always chooses itself, or does not take this number.
    fn initial_sequence(&mut self, iss: u32) -> Result<(), Fault> {
        let _ = iss;
        Err(Unsupported::Call { what: "initial sequence number of the tester's choice" }.into())
    }
}

/// Why [`System::run_until`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The deadline has come.
    Deadline,
    /// There is a datagram to take with [`System::recv`].
    Datagram,
    /// This call has returned; [`System::result`] tells what.
    Returned(CallId),
}

/// How far a call got while it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is done.
    Returned(Ret),
    /// It blocks.
    Pending(CallId),
}

/// A call that blocks. Unique within a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u32);

/// The end of a call that blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// When it was seen to return.
    pub at: Duration,
    /// What it returned.
    pub ret: Ret,
}

/// An IPv4 datagram that the system under test sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// When it was on the wire (the kernel's receive timestamp, where there is a kernel).
    pub at: Duration,
    /// The datagram, from the first byte of its IPv4 header to its last byte.
    pub bytes: Vec<u8>,
}

/// A connection, seen from the system under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FourTuple {
    /// The system's own end.
    pub local: SocketAddrV4,
    /// The peer's end.
    pub remote: SocketAddrV4,
}

impl fmt::Display for FourTuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <-> {}", self.local, self.remote)
    }
}

/// The patience an observer owes a system. In virtual time everything is exact and all of it may be zero, but for
/// `delayed_ack`, which a standard grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// An answer not seen after this long will not come, unless a timer sends it.
    pub silence: Duration,
    /// An ACK of text or of a FIN may take this long (RFC 9293 §3.8.6.3: less than 0.5 seconds).
    pub delayed_ack: Duration,
    /// The resolution of the system's timers: any of them may be two of these late.
    pub tick: Duration,
    /// What scheduling and observing may add to any delay.
    pub slack: Duration,
    /// One part in so many of its length that a timer may add to it; `None` where timers are exact.
    pub stretch: Option<u32>,
}

impl Timing {
    /// Exact timers, seen exactly: virtual time.
    pub const EXACT: Timing = Timing {
        silence: Duration::ZERO,
        delayed_ack: Duration::from_millis(500),
        tick: Duration::ZERO,
        slack: Duration::ZERO,
        stretch: None,
    };

    /// The delays after its stimulus at which something due after `expected` may be seen: never earlier, later by at
    /// most the stretch, two ticks and the slack.
    ///
    /// ```
    /// # use lockstep_conformance::system::Timing;
    /// # use std::time::Duration;
    /// let second = Duration::from_secs(1);
    /// assert_eq!(Timing::EXACT.window(second), second..=second);
    /// ```
    #[must_use]
    pub fn window(&self, expected: Duration) -> RangeInclusive<Duration> {
        let stretch = self.stretch.and_then(|parts| expected.checked_div(parts)).unwrap_or_default();
        expected..=expected + stretch + 2 * self.tick + self.slack
    }
}

/// The system under test has no such thing; a scenario that needs it is skipped, never failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// No knob of this name, or none that a scenario may touch.
    #[error("this system has no knob {name}")]
    Knob {
        /// The name asked for.
        name: String,
    },
    /// The knob exists, the value does not fit it.
    #[error("knob {name} does not take the value {value:?}")]
    KnobValue {
        /// The knob's name.
        name: String,
        /// The value refused.
        value: String,
    },
    /// There is no such knob here, and the value is not the one that a fresh host has.
    #[error("this system knows {name} only at its default, {default}, not {value}")]
    KnobNotAtDefault {
        /// The knob's name.
        name: String,
        /// The value refused.
        value: String,
        /// The one that passes.
        default: String,
    },
    /// There is no such system here.
    #[error("{reason}")]
    Absent {
        /// Why not, and what to do.
        reason: &'static str,
    },
    /// A call, flag or option that this system cannot make.
    #[error("this system has no {what}")]
    Call {
        /// What is missing, such as `close that lingers`.
        what: &'static str,
    },
}

/// Something went wrong beside the system under test: no verdict about it is possible.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The scenario asks for something that this system has not.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The harness itself failed.
    #[error("the test harness cannot {doing}: {error}")]
    Harness {
        /// What it was about to do.
        doing: &'static str,
        /// Why it could not.
        error: std::io::Error,
    },
    /// A shell command of the scenario did not succeed.
    #[error("the command `{command}` {how}")]
    Command {
        /// The command.
        command: String,
        /// What became of it, such as `ends with status 1: no such device`.
        how: String,
    },
    /// The observer was too slow for what the system sent.
    #[error("the observer missed {datagrams} datagrams of the system under test")]
    Lost {
        /// How many it missed.
        datagrams: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_bound_is_strict_and_upper_bound_generous() {
        let timing = Timing {
            tick: Duration::from_millis(4),
            slack: Duration::from_millis(100),
            stretch: Some(8),
            ..Timing::EXACT
        };
        let window = timing.window(Duration::from_secs(8));
        assert_eq!(window, Duration::from_secs(8)..=Duration::from_millis(9_108));
    }
}
