//! What the driver's thread and the users' threads share: the stack, and the bells of those who wait.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lockstep_model::State;
use thiserror::Error;

use crate::device::DeviceError;
use crate::stack::{ConnectionId, Event, ListenerId, Stack, Transition};
use crate::time::{Instant, Micros};

/// Rings when there is reason to look again. It goes with the lock on the [`Station`].
pub(crate) type Bell = Arc<Condvar>;

/// A way to the stack of a [`Driver`](super::Driver), for as many threads as want one. It outlives the driver; calls then
/// fail.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// Why the stack answers no calls any more.
#[derive(Clone, Debug, Error)]
pub enum Outage {
    /// Somebody stopped it.
    #[error("the stack has been stopped")]
    Stopped,
    /// The device failed.
    #[error("{0}")]
    Device(Arc<DeviceError>),
}

impl From<Outage> for io::Error {
    fn from(outage: Outage) -> Self {
        Self::new(io::ErrorKind::NetworkDown, outage)
    }
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Looks at the stack: its counters, its states.
    pub fn look<T>(&self, look: impl FnOnce(&Stack) -> T) -> T {
        look(&self.shared.lock().stack)
    }

    /// All calls that wait end with [`Outage::Stopped`], and so does every later one. What is open stays open until the
    /// driver is stopped. For a handler of signals, which then wakes the thread that stops the driver.
    pub fn interrupt(&self) {
        self.shared.lock().fail(Outage::Stopped);
    }

    pub(super) fn stop(&self, patience: Duration) {
        let now = self.shared.now();
        self.shared.lock().stop(now, now + patience.into());
        self.shared.wake();
    }

    /// Does something that never waits.
    ///
    /// # Errors
    /// Why the stack is down.
    pub(crate) fn call<T>(&self, call: impl FnOnce(&mut Station, Instant) -> T) -> Result<T, Outage> {
        let mut station = self.shared.lock();
        match &station.outage {
            Some(outage) => Err(outage.clone()),
            None => {
                let result = call(&mut station, self.shared.now());
                self.shared.rouse(&mut station);
                Ok(result)
            }
        }
    }

    /// As [`call`](Self::call), and does not mind that the stack is down: for what has to be tidied up all the same.
    pub(crate) fn tidy<T>(&self, call: impl FnOnce(&mut Station, Instant) -> T) -> T {
        let mut station = self.shared.lock();
        let result = call(&mut station, self.shared.now());
        self.shared.rouse(&mut station);
        result
    }

    /// Tries until it gives something, at most `timeout`, again whenever `bell` rings. `None` when time is up.
    ///
    /// # Errors
    /// Why the stack is down.
    pub(crate) fn wait<T>(
        &self,
        bell: &Bell,
        timeout: Option<Duration>,
        mut attempt: impl FnMut(&mut Station, Instant) -> Option<T>,
    ) -> Result<Option<T>, Outage> {
        let mut station = self.shared.lock();
        let deadline = timeout.map(|timeout| self.shared.now() + timeout.into());
        loop {
            if let Some(outage) = &station.outage {
                return Err(outage.clone());
            }
            if let Some(result) = attempt(&mut station, self.shared.now()) {
                self.shared.rouse(&mut station);
                return Ok(Some(result));
            }
            let left = deadline.map(|at| at.since(self.shared.now()));
            station = match left {
                None => bell.wait(station).unwrap_or_else(PoisonError::into_inner),
                Some(Micros::ZERO) => return Ok(None),
                Some(left) => bell.wait_timeout(station, left.into()).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }
}

/// The stack under its lock, the way to wake the driver, and the clock. The clock is read with the lock held, so that the
/// stack's time never runs backwards.
#[derive(Debug)]
pub(super) struct Shared {
    station: Mutex<Station>,
    waker: UnixStream,
    epoch: std::time::Instant,
}

/// One station on the Ethernet: the stack, and all who may wait for it.
#[derive(Debug)]
pub(crate) struct Station {
    pub stack: Stack,
    /// Connections whose user has not released them.
    pub connections: HashMap<ConnectionId, Bell>,
    /// Listeners that are open.
    pub listeners: HashMap<ListenerId, Bell>,
    /// Who waits for echo replies, by identifier.
    pub echoes: HashMap<u16, EchoSeat>,
    outage: Option<Outage>,
    /// The driver is about to sleep, or sleeps.
    asleep: bool,
    ending: Ending,
}

/// Who waits for echo replies with one identifier, and the last that came.
#[derive(Debug, Default)]
pub(crate) struct EchoSeat {
    pub bell: Bell,
    pub heard: Option<Heard>,
}

/// An echo reply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub from: IpAddr,
    pub sequence: u16,
    pub len: usize,
    pub at: Instant,
}

/// How far the end has come.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// It has not begun.
    No,
    /// Everything is closed, and peers may acknowledge it until then.
    Until(Instant),
    /// What was left has been reset; that has to leave.
    Reset,
}

/// What the driver is to do after a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// Another round at once.
    Busy,
    /// Nothing until then, or until something happens.
    Sleep(Option<Instant>),
    /// Nothing for ever.
    Over,
}

impl Shared {
    pub fn new(stack: Stack, waker: UnixStream) -> Self {
        let station = Station {
            stack,
            connections: HashMap::new(),
            listeners: HashMap::new(),
            echoes: HashMap::new(),
            outage: None,
            asleep: false,
            ending: Ending::No,
        };
        Self { station: Mutex::new(station), waker, epoch: std::time::Instant::now() }
    }

    /// The driver's clock.
    pub fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed().into()
    }

    /// One round of the driver: gives the stack what arrived and what time it is, takes frames to send, as many as there
    /// are places in `outgoing`, and the changes of state, and rings the bells. Returns how many frames there are to send.
    pub fn round(
        &self,
        incoming: &[Vec<u8>],
        outgoing: &mut [Vec<u8>],
        transitions: &mut Vec<Transition>,
    ) -> (usize, Outlook) {
        let mut station = self.lock();
        let now = self.now();
        station.asleep = false;
        for frame in incoming {
            station.stack.input(now, frame);
        }
        if station.stack.poll_timeout().is_some_and(|due| due <= now) {
            station.stack.timeout(now);
        }
        station.go_on_ending(now);
        let mut sent = 0;
        while sent < outgoing.len() && station.stack.poll_transmit(now, &mut outgoing[sent]) {
            sent += 1;
        }
        while let Some(event) = station.stack.poll_event() {
            station.ring(now, event);
        }
        transitions.extend(std::iter::from_fn(|| station.stack.poll_transition()));
        (sent, station.outlook(sent < outgoing.len()))
    }

    /// Ends the driver's sleep, or keeps it from falling asleep. A full pipe has bytes enough in it to do that.
    pub fn wake(&self) {
        let _ = (&self.waker).write(&[0]);
    }

    pub fn lock(&self) -> MutexGuard<'_, Station> {
        self.station.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a user did may have given the stack something to send.
    fn rouse(&self, station: &mut Station) {
        if std::mem::take(&mut station.asleep) {
            self.wake();
        }
    }
}

impl Station {
    /// Whoever can do something about this event looks again.
    fn ring(&mut self, now: Instant, event: Event) {
        let bell = match event {
            Event::Acceptable(listener) => self.listeners.get(&listener),
            Event::Connected(id)
            | Event::Readable(id)
            | Event::Writable(id)
            | Event::Urgent(id)
            | Event::Delivered(id)
            | Event::Doubtful(id)
            | Event::Closed(id, _) => self.connections.get(&id),
            Event::EchoReply { from, identifier, sequence, len } => self.echoes.get_mut(&identifier).map(|seat| {
                seat.heard = Some(Heard { from, sequence, len, at: now });
                &seat.bell
            }),
        };
        if let Some(bell) = bell {
            bell.notify_all();
        }
    }

    /// All calls fail from now on. The first reason is the one that counts.
    fn fail(&mut self, outage: Outage) {
        self.outage.get_or_insert(outage);
        let echoes = self.echoes.values().map(|seat| &seat.bell);
        for bell in self.connections.values().chain(self.listeners.values()).chain(echoes) {
            bell.notify_all();
        }
    }

    fn stop(&mut self, now: Instant, until: Instant) {
        self.fail(Outage::Stopped);
        for (listener, _) in self.listeners.drain() {
            // It was open, or it would not have been here.
            let _ = self.stack.close_listener(now, listener);
        }
        for &id in self.connections.keys() {
            // One that has been closed already needs nothing more.
            let _ = self.stack.close(now, id);
        }
        self.ending = Ending::Until(until);
    }

    /// When all is acknowledged, or patience is at an end, what is left is reset. A peer that has it all is not: it may not
    /// have read it yet, and a reset would take it away.
    fn go_on_ending(&mut self, now: Instant) {
        let Ending::Until(until) = self.ending else {
            return;
        };
        if now < until && !self.stack.states().all(|(_, state)| is_delivered(state)) {
            return;
        }
        for &id in self.connections.keys() {
            if !self.stack.state_of(id).is_none_or(is_delivered) {
                // It exists, so that it can be reset.
                let _ = self.stack.abort(now, id);
            }
        }
        self.ending = Ending::Reset;
    }

    /// `drained`: the stack has no frame left to send.
    fn outlook(&mut self, drained: bool) -> Outlook {
        let next = self.stack.poll_timeout();
        match (drained, self.ending) {
            (false, _) => return Outlook::Busy,
            (true, Ending::Reset) => return Outlook::Over,
            (true, Ending::No | Ending::Until(_)) => self.asleep = true,
        }
        match self.ending {
            Ending::Until(until) => Outlook::Sleep(next.into_iter().chain([until]).min()),
            Ending::No | Ending::Reset => Outlook::Sleep(next),
        }
    }
}

/// Whether the peer has acknowledged all that we had to say, our FIN too.
pub(crate) fn is_delivered(state: State) -> bool {
    match state {
        State::Closed | State::Listen | State::FinWait2 | State::TimeWait => true,
        State::SynSent
        | State::SynReceived
        | State::Established
        | State::FinWait1
        | State::CloseWait
        | State::Closing
        | State::LastAck => false,
    }
}

/// Takes back what [`Shared::wake`] has written.
pub(super) fn silence(mut alarm: &UnixStream) {
    // Nothing to read is no matter, and what does not fit is read the next time.
    let _ = alarm.read(&mut [0; 64]);
}

/// Says when the driver's thread ends, by a panic too, that nobody needs to wait any longer.
pub(super) struct Farewell(pub Arc<Shared>);

impl Farewell {
    pub fn because_of(&self, error: &Arc<DeviceError>) {
        self.0.lock().fail(Outage::Device(Arc::clone(error)));
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.lock().fail(Outage::Stopped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::wire::{CLIENT, stack};

    /// More to send than there are places for: another round at once, not sleep.
    #[test]
    fn what_does_not_fit_into_one_round_leaves_in_the_next() {
        let (waker, _alarm) = UnixStream::pair().unwrap();
        let shared = Shared::new(stack(CLIENT), waker);
        for neighbour in ["192.0.2.3:80", "192.0.2.4:80", "192.0.2.5:80"] {
            shared.lock().stack.connect(shared.now(), neighbour.parse().unwrap()).unwrap();
        }
        let (mut outgoing, mut transitions) = (vec![Vec::new(); 2], Vec::new());
        assert_eq!(shared.round(&[], &mut outgoing, &mut transitions), (2, Outlook::Busy));
        let (sent, outlook) = shared.round(&[], &mut outgoing, &mut transitions);
        assert!(sent == 1 && matches!(outlook, Outlook::Sleep(Some(_))), "{sent} {outlook:?}");
    }
}
