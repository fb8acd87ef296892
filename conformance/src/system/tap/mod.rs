//! Any stack behind an interface of this machine: an embedded board, a virtual machine, `lockstep serve`.
//!
//! ```text
//!   the tester                                        the stack under test
//!   packet socket ---- interface (TAP, veth, eth0) ---- echo (7), discard (9)
//!   ADDR.254, an address that is not the kernel's
//! ```
//!
//! The only help that the stack gives is two services, echo (RFC 862) and discard (RFC 863), which play the user of those
//! scripts whose user does no more ([`plan()`] says which). It tells no states. The tester answers ARP himself and is no
//! host of the kernel's: on a TAP whose other end a program holds he is on the kernel's side, and the kernel takes no
//! notice. An interface without anybody behind it is refused; the tester attaches to none himself.
//!
//! Every scenario is a connection from a new port, and what is left of it is reset in the end.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::pending::Pending;
use super::posix::Attempt;
use super::{
    Call, CallId, Datagram, Fault, FourTuple, Progress, Returned, State, System, Timing, Turned, Unsupported, Wake,
    knob,
};
use crate::run::wire::{self as segments, Ip, Segment};
use crate::run::{PEER_PORT, SYSTEM_PORT};
use crate::script::Flags;
use etherparse::{Ipv4Header, TcpSlice};
use names::Names;
use plan::Service;
use user::User;
use wire::Wire;

mod names;
mod plan;
mod target;
mod user;
mod wire;

pub use plan::{Plan, plan};
pub use target::{TapTarget, TargetError};

/// A port at which nobody listens: that of a multiplexer which nobody uses (RFC 1078, historic).
const NOBODY: u16 = 1;

/// The ports of the tester: below those that systems give to their own clients.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// How many scenarios there have been.
static SCENARIOS: AtomicU16 = AtomicU16::new(0);

/// A stack behind an interface, and who plays the user there.
pub struct Tap {
    name: String,
    began: Instant,
    wire: Wire,
    names: Names,
    user: User,
    arrived: VecDeque<Datagram>,
    pending: Pending<Call>,
}

impl Tap {
    /// Finds the stack, for one scenario.
    ///
    /// # Errors
    /// [`Fault::Harness`] if the interface cannot be used, or nobody answers there.
    pub fn new(target: &TapTarget, plan: &Plan) -> Result<Self, Fault> {
        let service = match plan.service {
            Service::Nobody => NOBODY,
            Service::Echo => target.echo,
            Service::Discard => target.discard,
        };
        let names = Names { target: target.address, service, tester: target.tester, port: fresh_port() };
        Ok(Self {
            name: format!("tap:{}", target.interface),
            began: Instant::now(),
            wire: Wire::open(target).map_err(harness("reach the stack under test"))?,
            names,
            user: User::default(),
            arrived: VecDeque::new(),
            pending: Pending::default(),
        })
    }

    /// Takes everything from the wire. The time of a datagram is when it is noticed: what the service does at once it
    /// has then done, by the trace.
    fn listen(&mut self) -> Result<(), Fault> {
        while let Some(datagram) = self.wire.recv().map_err(harness("receive from the wire"))? {
            let Some(bytes) = self.names.inwards(&datagram) else { continue };
            if let Ok(segment) = segments::read(&bytes) {
                self.user.heard(&segment);
            }
            self.arrived.push_back(Datagram { at: self.began.elapsed(), bytes });
        }
        Ok(())
    }

    /// Makes the calls that block once more, until one of them returns.
    fn retry(&mut self) -> Result<Option<CallId>, Fault> {
        let Self { pending, user, began, .. } = self;
        pending.retry(|call| Ok(user.attempt(call)?.returned(began.elapsed())))
    }
}

impl System for Tap {
    fn name(&self) -> &str {
        &self.name
    }

    /// A little more than the kernel is granted: nobody knows what is behind the interface.
    fn timing(&self) -> Timing {
        Timing {
            silence: Duration::from_millis(30),
            delayed_ack: Duration::from_millis(550),
            tick: Duration::from_millis(10),
            slack: Duration::from_millis(200),
            stretch: Some(8),
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn run_until(&mut self, deadline: Duration) -> Result<Wake, Fault> {
        // Each turn either returns or waits, at most until the deadline.
        loop {
            // Whoever gives it no time at all is about to tell what the service does at once: that comes first.
            if deadline > self.now() {
                self.listen()?;
            }
            if !self.arrived.is_empty() {
                return Ok(Wake::Datagram);
            }
            if let Some(id) = self.retry()? {
                return Ok(Wake::Returned(id));
            }
            match deadline.checked_sub(self.now()) {
                None | Some(Duration::ZERO) => return Ok(Wake::Deadline),
                Some(rest) => self.wire.wait(rest).map_err(harness("wait"))?,
            }
        }
    }

    fn call(&mut self, call: &Call) -> Result<Progress, Fault> {
        match self.user.attempt(call)? {
            Attempt::Returned(ret) => Ok(Progress::Returned(ret)),
            Attempt::Blocked => Ok(self.pending.keep(call.clone())),
        }
    }

    fn result(&mut self, id: CallId) -> Option<Returned> {
        self.pending.take(id)
    }

    fn inject(&mut self, datagram: &[u8]) -> Result<Duration, Fault> {
        let at = self.now();
        self.wire.send(&self.names.outwards(datagram)).map_err(harness("send to the wire"))?;
        if let Some(segment) = glance(datagram) {
            self.user.injected(&segment);
        }
        Ok(at)
    }

    fn recv(&mut self) -> Result<Option<Datagram>, Fault> {
        self.listen()?;
        Ok(self.arrived.pop_front())
    }

    /// It tells none: this is what the exchange so far makes of it, so that the runner knows which SYN begins something.
    /// No plan asks for more.
    fn probe(&mut self, _connection: FourTuple) -> Result<State, Fault> {
        self.listen()?;
        Ok(self.user.state())
    }

    /// What a stack answers only where it is offered, and a script does not offer, is off.
    fn knob(&mut self, name: &str, value: &str) -> Result<Turned, Fault> {
        match (name.strip_prefix("net.ipv4.").unwrap_or(name), value) {
            ("tcp_window_scaling" | "tcp_sack" | "tcp_timestamps" | "tcp_fastopen", "0") => Ok(Turned::Done),
            _ if knob::is_default(name, value) => Ok(Turned::AtDefault),
            _ => Err(Unsupported::Knob { name: name.to_owned() }.into()),
        }
    }
}

impl Drop for Tap {
    /// Resets what is left of the connection, lest the stack send it again and again.
    fn drop(&mut self) {
        let Some(seq) = self.user.reset_at() else { return };
        let reset = Segment {
            system_port: SYSTEM_PORT,
            peer_port: PEER_PORT,
            flags: Flags::RST,
            seq,
            ack: 0,
            window: 0,
            urgent: 0,
            ip: Ip::default(),
            options: Vec::new(),
            text: Vec::new(),
        };
        if let Ok(datagram) = segments::write(&reset) {
            // Whoever is gone needs no reset.
            let _ = self.wire.send(&self.names.outwards(&datagram));
        }
    }
}

/// The segment in a datagram, whatever its options are; none in one that a stack has to drop (RFC 9293 MUST-3).
fn glance(datagram: &[u8]) -> Option<Segment> {
    let (ip, rest) = Ipv4Header::from_slice(datagram).ok()?;
    let tcp = TcpSlice::from_slice(rest).ok()?;
    let is_whole = Ok(tcp.checksum()) == tcp.calc_checksum_ipv4(ip.source, ip.destination);
    let segment = segments::bare(&tcp);
    is_whole.then_some(Segment { system_port: segment.peer_port, peer_port: segment.system_port, ..segment })
}

/// A port that no scenario has used for a while: other runs may have left connections.
fn fresh_port() -> u16 {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    let start = u16::try_from(nanos % u128::from(PORTS)).unwrap_or(0);
    // The clock says where this process begins, the count goes on from there.
    static START: std::sync::OnceLock<u16> = std::sync::OnceLock::new();
    let start = *START.get_or_init(|| start);
    let count = SCENARIOS.fetch_add(2, Ordering::Relaxed);
    FIRST_PORT + (start.wrapping_add(count)) % PORTS
}

fn harness(doing: &'static str) -> impl FnOnce(io::Error) -> Fault {
    move |error| Fault::Harness { doing, error }
}
