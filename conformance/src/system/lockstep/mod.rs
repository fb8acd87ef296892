//! Lockstep as system under test, in this process and in virtual time.
//!
//! ```text
//!   socket calls of the user      datagrams of the peer
//!            |                             |
//!         sockets  ---------- Stack ---- wire (Ethernet, ARP)
//! ```
//!
//! Time passes only in [`System::run_until`], from one of the stack's timers to the next: hours of waiting take no
//! time, every delay is exact, and that nothing happens until a deadline is proven by there being no timer before it.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use ::lockstep::stack::{Config, Pair, Stack};
use ::lockstep::time::{Instant, Micros};
use lockstep_model::Table;

use super::pending::Pending;
use super::posix::Attempt;
use super::{
    Call, CallId, Datagram, Descriptor, Fault, FourTuple, PEER_ADDRESS, Progress, Returned, SYSTEM_ADDRESS, State,
    System, TcpInfo, Timing, Turned, Unsupported, Wake, knob,
};
use sockets::{Effort, Sockets};

mod info;
mod sockets;
#[cfg(test)]
mod tests;
mod wire;

/// Runs are to be repeated: initial sequence numbers and ports follow from this.
const SECRET: [u8; 16] = *b"not a secret one";

/// Datagrams that wait to be received, at most: far more than any honest stack sends at once.
const MOST_WAITING: usize = 1_000;

/// A stack that does so many things without time passing will never stop.
const MOST_STEPS: usize = 100_000;

/// The stack, its only wire, and its clock.
pub struct Lockstep {
    table: &'static Table,
    config: Config,
    stack: Stack,
    /// Whether anything has happened: then it is too late for knobs.
    begun: bool,
    now: Duration,
    sockets: Sockets,
    heard: VecDeque<Datagram>,
    pending: Pending<Blocked>,
}

/// A call that blocks.
struct Blocked {
    call: Call,
    effort: Effort,
}

impl Lockstep {
    /// A stack that runs `table`, on a link with this MTU in bytes.
    ///
    /// # Errors
    /// [`Fault::Harness`] if there is no stack for such a link.
    pub fn new(mtu: u16, table: &'static Table) -> Result<Self, Fault> {
        Self::on(Config { mtu, ..Config::new(SYSTEM_ADDRESS, 24) }, table)
    }

    /// A stack with this configuration that runs `table`. Its only neighbour is the gateway, or else the peer.
    ///
    /// # Errors
    /// [`Fault::Harness`] if there is no such stack.
    pub fn on(config: Config, table: &'static Table) -> Result<Self, Fault> {
        Ok(Self {
            table,
            stack: stack(&config, table)?,
            sockets: Sockets::new(&config.tcp),
            config,
            begun: false,
            now: Duration::ZERO,
            heard: VecDeque::new(),
            pending: Pending::default(),
        })
    }

    /// The stack, for what no other system can tell.
    #[must_use]
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Takes what the stack has to send, and answers it where the link must.
    fn exchange(&mut self) {
        let now = instant(self.now);
        let neighbour = self.config.gateway.unwrap_or(PEER_ADDRESS.into());
        let mut frame = Vec::new();
        // What does not fit into the queue is still there when some of it was taken.
        while self.heard.len() < MOST_WAITING && self.stack.poll_transmit(now, &mut frame) {
            match wire::arrived(&frame, neighbour) {
                wire::Arrived::Datagram(bytes) => self.heard.push_back(Datagram { at: self.now, bytes }),
                wire::Arrived::Question(answer) => {
                    self.stack.input(now, &answer);
                }
                wire::Arrived::Nothing => {}
            }
        }
        // The user is asked again whenever something may have changed; events tell nothing more.
        while self.stack.poll_event().is_some() {}
    }

    /// When something happens next, to the stack or to a call that has waited long enough.
    fn next_due(&self) -> Option<Duration> {
        let calls = self.pending.blocked().filter_map(|blocked| blocked.effort.until);
        calls.chain(self.stack.poll_timeout()).min().map(duration)
    }

    /// Makes the calls that block once more, until one of them returns.
    fn retry(&mut self) -> Result<Option<CallId>, Fault> {
        let Self { pending, sockets, stack, now, .. } = self;
        pending.retry(|Blocked { call, effort }| {
            let attempt = sockets.attempt(stack, instant(*now), call, effort)?;
            Ok(attempt.returned(*now))
        })
    }
}

impl System for Lockstep {
    fn name(&self) -> &str {
        "lockstep"
    }

    fn timing(&self) -> Timing {
        Timing::EXACT
    }

    fn now(&self) -> Duration {
        self.now
    }

    fn run_until(&mut self, deadline: Duration) -> Result<Wake, Fault> {
        for _ in 0..MOST_STEPS {
            self.exchange();
            if !self.heard.is_empty() {
                return Ok(Wake::Datagram);
            }
            if let Some(id) = self.retry()? {
                // A call may make the stack send, as reading that opens the window does.
                self.exchange();
                return Ok(Wake::Returned(id));
            }
            match self.next_due().filter(|due| *due <= deadline.max(self.now)) {
                Some(due) => {
                    self.now = self.now.max(due);
                    self.stack.timeout(instant(self.now));
                }
                None => {
                    self.now = self.now.max(deadline);
                    return Ok(Wake::Deadline);
                }
            }
        }
        let error = io::Error::other("it does things without end, and no time passes");
        Err(Fault::Harness { doing: "let time pass for lockstep", error })
    }

    fn call(&mut self, call: &Call) -> Result<Progress, Fault> {
        self.begun = true;
        let mut effort = Effort::default();
        let attempt = self.sockets.attempt(&mut self.stack, instant(self.now), call, &mut effort)?;
        self.exchange();
        match attempt {
            Attempt::Returned(ret) => Ok(Progress::Returned(ret)),
            Attempt::Blocked => Ok(self.pending.keep(Blocked { call: call.clone(), effort })),
        }
    }

    fn result(&mut self, id: CallId) -> Option<Returned> {
        self.pending.take(id)
    }

    fn inject(&mut self, datagram: &[u8]) -> Result<Duration, Fault> {
        self.begun = true;
        if datagram.len() > usize::from(self.config.mtu) {
            let error = io::Error::other(format!("{} octets exceed the MTU", datagram.len()));
            return Err(Fault::Harness { doing: "send to the wire", error });
        }
        self.stack.input(instant(self.now), &wire::frame(self.stack.mac(), datagram));
        self.exchange();
        Ok(self.now)
    }

    fn recv(&mut self) -> Result<Option<Datagram>, Fault> {
        self.exchange();
        Ok(self.heard.pop_front())
    }

    fn probe(&mut self, connection: FourTuple) -> Result<State, Fault> {
        self.exchange();
        Ok(self.stack.state(&Pair { local: connection.local.into(), remote: connection.remote.into() }))
    }

    fn knob(&mut self, name: &str, value: &str) -> Result<Turned, Fault> {
        if self.begun {
            return Err(Unsupported::Call { what: "knob that can be turned while it runs" }.into());
        }
        let turned = knob::turn_lockstep(&mut self.config.tcp, name, value)?;
        self.stack = stack(&self.config, self.table)?;
        let chosen = self.sockets.initial_sequence;
        self.sockets = Sockets::new(&self.config.tcp);
        self.sockets.initial_sequence = chosen;
        Ok(turned)
    }

    fn info(&mut self, fd: Descriptor) -> Result<TcpInfo, Fault> {
        self.exchange();
        let status = self.sockets.connection(fd).and_then(|id| self.stack.status(instant(self.now), id).ok());
        let error = || io::Error::other("the socket has no connection");
        let status = status.ok_or_else(|| Fault::Harness { doing: "ask for TCP_INFO", error: error() })?;
        // The headers of IPv4 and TCP without options (RFC 9293 §3.7.1).
        Ok(info::info(&status, self.config.mtu.saturating_sub(40)))
    }

    fn drop_connection(&mut self, connection: FourTuple) -> Result<(), Fault> {
        let pair = Pair { local: connection.local.into(), remote: connection.remote.into() };
        self.stack.drop_connection(instant(self.now), &pair);
        self.exchange();
        Ok(())
    }

    fn initial_sequence(&mut self, iss: u32) -> Result<(), Fault> {
        self.sockets.initial_sequence = Some(iss);
        Ok(())
    }
}

fn stack(config: &Config, table: &'static Table) -> Result<Stack, Fault> {
    Stack::new(config.clone(), table, SECRET)
        .map_err(|error| Fault::Harness { doing: "make a stack", error: io::Error::other(error) })
}

/// The stack counts microseconds.
fn instant(time: Duration) -> Instant {
    Instant::ZERO + Micros::new(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

fn duration(instant: Instant) -> Duration {
    Duration::from_micros(instant.as_micros())
}
