//! smoltcp as system under test, in this process and in virtual time: a stack for embedded systems, and the one that
//! many users of a user-space TCP in Rust pick.
//!
//! ```text
//!   socket calls of the user      datagrams of the peer
//!            |                             |
//!         sockets  ----------- Host ----- Link (IP, no Ethernet)
//! ```
//!
//! It is set up as its documentation recommends: Reno for congestion control, Nagle and delayed ACKs as they are, no
//! keep-alive, no timeout, buffers of 65,535 octets. Time passes only in [`System::run_until`], from one moment that
//! `poll_at` names to the next.
//!
//! Two things of POSIX are not smoltcp's, and are made of what it has: a listener's queue is as many sockets that listen,
//! and errors are read off the states that a socket goes through. The rest that it has not is [`Unsupported`] by name.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use smoltcp::socket::tcp;

use super::pending::Pending;
use super::posix::Attempt;
use super::{
    Call, CallId, Datagram, Fault, FourTuple, Progress, Returned, State, System, Timing, Turned, Unsupported, Wake,
    knob,
};
use connection::Cause;
use host::Host;
pub(super) use knobs::Knobs;
use sockets::Sockets;

mod connection;
mod device;
mod host;
mod knobs;
mod offers;
mod options;
mod sockets;
#[cfg(test)]
mod tests;

/// The version that is built in.
const NAME: &str = "smoltcp 0.14";

/// How long TIME-WAIT lasts: `CLOSE_DELAY` in its `socket/tcp.rs`.
pub const TIME_WAIT: Duration = Duration::from_secs(10);

/// A stack that does so many things without time passing will never stop.
const MOST_STEPS: usize = 100_000;

/// smoltcp, its only wire, and its clock.
pub struct Smoltcp {
    host: Host,
    knobs: Knobs,
    /// Whether anything has happened: then it is too late for knobs.
    begun: bool,
    took_offers_away: bool,
    now: Duration,
    sockets: Sockets,
    heard: VecDeque<Datagram>,
    pending: Pending<Blocked>,
}

/// A call that blocks.
struct Blocked {
    call: Call,
    /// How much of its data is written.
    sent: usize,
}

impl Smoltcp {
    /// A fresh one, on a link with this MTU in bytes.
    #[must_use]
    pub fn new(mtu: u16) -> Self {
        Self {
            host: Host::new(mtu),
            knobs: Knobs::default(),
            begun: false,
            took_offers_away: false,
            now: Duration::ZERO,
            sockets: Sockets::default(),
            heard: VecDeque::new(),
            pending: Pending::default(),
        }
    }

    /// Lets smoltcp do what there is to do now, and hears what it sends.
    fn exchange(&mut self, cause: Cause) {
        self.host.poll(self.now);
        self.sockets.watch(&mut self.host, cause);
        while let Some(datagram) = self.host.link.take() {
            let without = offers::without(&datagram, &self.knobs);
            self.took_offers_away |= without.is_some();
            self.heard.push_back(Datagram { at: self.now, bytes: without.unwrap_or(datagram) });
        }
    }

    /// Makes the calls that block once more, until one of them returns.
    fn retry(&mut self) -> Result<Option<CallId>, Fault> {
        let Self { pending, sockets, host, now, .. } = self;
        pending.retry(|Blocked { call, sent }| {
            let attempt = sockets.attempt(host, call, sent)?;
            Ok(attempt.returned(*now))
        })
    }
}

impl System for Smoltcp {
    fn name(&self) -> &str {
        NAME
    }

    fn timing(&self) -> Timing {
        Timing::EXACT
    }

    fn now(&self) -> Duration {
        self.now
    }

    fn run_until(&mut self, deadline: Duration) -> Result<Wake, Fault> {
        for _ in 0..MOST_STEPS {
            self.exchange(Cause::Time);
            if !self.heard.is_empty() {
                return Ok(Wake::Datagram);
            }
            if let Some(id) = self.retry()? {
                // A call may make it send, as reading that opens the window does.
                self.exchange(Cause::User);
                return Ok(Wake::Returned(id));
            }
            match self.host.poll_at().filter(|due| *due <= deadline.max(self.now)) {
                Some(due) => self.now = self.now.max(due),
                None => {
                    self.now = self.now.max(deadline);
                    return Ok(Wake::Deadline);
                }
            }
        }
        let error = io::Error::other("it wants to be polled without end, and no time passes");
        Err(Fault::Harness { doing: "let time pass for smoltcp", error })
    }

    fn call(&mut self, call: &Call) -> Result<Progress, Fault> {
        self.begun = true;
        let mut sent = 0;
        let attempt = self.sockets.attempt(&mut self.host, call, &mut sent)?;
        self.exchange(Cause::User);
        match attempt {
            Attempt::Returned(ret) => Ok(Progress::Returned(ret)),
            Attempt::Blocked => Ok(self.pending.keep(Blocked { call: call.clone(), sent })),
        }
    }

    fn result(&mut self, id: CallId) -> Option<Returned> {
        self.pending.take(id)
    }

    fn inject(&mut self, datagram: &[u8]) -> Result<Duration, Fault> {
        self.begun = true;
        if datagram.len() > self.host.link.mtu() {
            let error = io::Error::other(format!("{} octets exceed the MTU", datagram.len()));
            return Err(Fault::Harness { doing: "send to the wire", error });
        }
        self.host.link.carry(datagram);
        self.exchange(Cause::Arrival);
        Ok(self.now)
    }

    fn recv(&mut self) -> Result<Option<Datagram>, Fault> {
        self.exchange(Cause::Time);
        Ok(self.heard.pop_front())
    }

    fn probe(&mut self, connection: FourTuple) -> Result<State, Fault> {
        self.exchange(Cause::Time);
        Ok(state(self.host.state(connection)))
    }

    fn took_offers_away(&self) -> bool {
        self.took_offers_away
    }

    fn knob(&mut self, name: &str, value: &str) -> Result<Turned, Fault> {
        if self.begun {
            return Err(Unsupported::Call { what: "knob that can be turned while it runs" }.into());
        }
        let turned = knob::turn_smoltcp(&mut self.knobs, name, value)?;
        self.host.set_timestamps(self.knobs.timestamps);
        Ok(turned)
    }
}

fn state(state: tcp::State) -> State {
    match state {
        tcp::State::Closed => State::Closed,
        tcp::State::Listen => State::Listen,
        tcp::State::SynSent => State::SynSent,
        tcp::State::SynReceived => State::SynReceived,
        tcp::State::Established => State::Established,
        tcp::State::FinWait1 => State::FinWait1,
        tcp::State::FinWait2 => State::FinWait2,
        tcp::State::CloseWait => State::CloseWait,
        tcp::State::Closing => State::Closing,
        tcp::State::LastAck => State::LastAck,
        tcp::State::TimeWait => State::TimeWait,
    }
}
