//! All connections and listeners of a stack: the user's calls, timeouts, and what follows from each step.
//!
//! Arrivals are in [`input`](super::input). Whatever happens to a connection ends in [`Endpoints::settle`].

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use lockstep_model::{Call, Event as Happening, Reply, RuleId, Segment, Seq, Signal, State, Table};
use siphasher::sip::SipHasher24;

use super::api::{Accepted, CallError, ConnectionId, Event, Failure, ListenerId, OpenError, Status, Transition};
use super::config::TcpConfig;
use super::connection::{Common, Connection, Effects, Given};
use super::demux::{Demux, Pair};
use super::isn::IsnSecret;
use super::listen::{Listener, Listeners};
use super::output::write_segment;
use super::ports::Ports;
use super::slab::{Slab, WorkList};
use super::timers::TimerQueue;
use super::trace::Trace;
use crate::drops::DropReason;
use crate::ip::Unreachable;
use crate::limits::Limits;
use crate::time::Instant;

/// Everything TCP knows.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    pub(super) common: Common,
    pub(super) connections: Slab<Entry>,
    pub(super) demux: Demux,
    pub(super) listeners: Listeners,
    ports: Ports,
    deadlines: TimerQueue,
    /// Connections that may have something to send.
    dirty: WorkList,
    /// Connections, and listeners, whose user has something to hear.
    ready: WorkList,
    acceptable: WorkList,
    /// Control segments that wait to leave.
    control: VecDeque<(Pair, Segment<Seq>)>,
    most_control: usize,
    /// Peers who have been silent for long.
    doubted: VecDeque<IpAddr>,
    fired: BTreeMap<RuleId, u64>,
    trace: Trace,
}

/// A connection and whose it is.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub connection: Connection,
    pub owner: Owner,
    pub news: News,
    pub failure: Option<Failure>,
}

/// Who will release a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    /// A user has its name.
    User,
    /// The listener at this place, until it is accepted.
    Listener { index: usize, established: bool },
    /// The user is gone; it ends by itself.
    Nobody,
}

/// Whether there was anybody to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// There was, or it did not matter.
    Well,
    /// A connection was reopened for a listener that is gone.
    ByNobody,
}

/// What a user has not heard yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct News {
    pub connected: bool,
    pub readable: bool,
    pub writable: bool,
    pub urgent: bool,
    pub delivered: bool,
    pub doubtful: bool,
    pub closed: bool,
}

impl News {
    /// The next event, in an order that makes sense to hear.
    fn take(&mut self, id: ConnectionId, failure: Option<Failure>) -> Option<Event> {
        let said = |news: &mut bool, event: Event| std::mem::take(news).then_some(event);
        said(&mut self.connected, Event::Connected(id))
            .or_else(|| said(&mut self.readable, Event::Readable(id)))
            .or_else(|| said(&mut self.writable, Event::Writable(id)))
            .or_else(|| said(&mut self.urgent, Event::Urgent(id)))
            .or_else(|| said(&mut self.delivered, Event::Delivered(id)))
            .or_else(|| said(&mut self.doubtful, Event::Doubtful(id)))
            .or_else(|| said(&mut self.closed, Event::Closed(id, failure)))
    }
}

impl Endpoints {
    pub fn new(
        table: &'static Table,
        config: TcpConfig,
        limits: &Limits,
        mss: u16,
        secret: [u8; 16],
    ) -> Result<Self, super::isn::IsnSecretError> {
        let ports = Ports::new(derived_key(secret, "ports"), config.ephemeral_ports.clone());
        Ok(Self {
            common: Common { table, config, mss, secret: IsnSecret::from_random(secret)? },
            connections: Slab::new(limits.connections),
            demux: Demux::new(derived_key(secret, "demux")),
            listeners: Listeners::new(limits.listeners),
            ports,
            deadlines: TimerQueue::new(),
            dirty: WorkList::default(),
            ready: WorkList::default(),
            acceptable: WorkList::default(),
            control: VecDeque::new(),
            most_control: limits.answers,
            doubted: VecDeque::new(),
            fired: BTreeMap::new(),
            trace: Trace::new(limits.events),
        })
    }

    // ---- Opening -----------------------------------------------------------------------------------------------------

    /// Passive OPEN. A port of zero asks for one that is free.
    pub fn listen(&mut self, now: Instant, local: SocketAddr, backlog: usize) -> Result<ListenerId, OpenError> {
        let local = match local.port() {
            0 => self.free_port_to_listen(local)?,
            _ => local,
        };
        let existing = self.listeners.on_port(local.port());
        if let Some(listener) = existing.and_then(|index| self.listeners.at_mut(index)) {
            let effects = listener.connection.call(&self.common, now, Call::OpenPassive);
            self.record(now, listener_pair(local), &effects);
            return Err(OpenError::AddressInUse(local));
        }
        let mut connection = Connection::closed(&self.common, listener_pair(local));
        let effects = connection.call(&self.common, now, Call::OpenPassive);
        let key = self.listeners.insert(Listener::new(connection, backlog)).ok_or(OpenError::TooManyListeners)?;
        self.record(now, listener_pair(local), &effects);
        Ok(ListenerId(key))
    }

    /// Active OPEN. A local port of zero asks for one that is free.
    pub fn connect(&mut self, now: Instant, local: SocketAddr, remote: SocketAddr) -> Result<ConnectionId, OpenError> {
        let pair = match local.port() {
            0 => self.free_pair(local, remote)?,
            _ => Pair { local, remote },
        };
        if let Some(index) = self.demux.find(&pair) {
            self.call_at(now, index, Call::OpenActive { remote: true });
            return Err(OpenError::AddressInUse(local));
        }
        let connection = Connection::closed(&self.common, pair);
        let entry = Entry { connection, owner: Owner::User, news: News::default(), failure: None };
        let key = self.connections.insert(entry).ok_or(OpenError::TooManyConnections)?;
        self.demux.insert(pair, key.index());
        self.call_at(now, key.index(), Call::OpenActive { remote: true });
        Ok(ConnectionId(key))
    }

    /// The next established connection of a listener.
    pub fn accept(&mut self, listener: ListenerId) -> Result<Option<Accepted>, CallError> {
        let listener = self.listeners.get_mut(listener.0).ok_or(CallError::DoesNotExist)?;
        let Some(index) = listener.established.pop_front() else {
            return Ok(None);
        };
        listener.children.remove(&index);
        let (Some(key), Some(entry)) = (self.connections.key(index), self.connections.at_mut(index)) else {
            return Ok(None);
        };
        entry.owner = Owner::User;
        if entry.news != News::default() {
            self.ready.push(index);
        }
        Ok(Some(Accepted { connection: ConnectionId(key), pair: entry.connection.pair() }))
    }

    /// The listener goes away, and with it the connections that nobody has accepted.
    pub fn close_listener(&mut self, now: Instant, listener: ListenerId) -> Result<(), CallError> {
        let mut listener = self.listeners.remove(listener.0).ok_or(CallError::DoesNotExist)?;
        let effects = listener.connection.call(&self.common, now, Call::Close);
        self.record(now, listener.connection.pair(), &effects);
        for &index in &listener.children {
            if let Some(entry) = self.connections.at_mut(index) {
                entry.owner = Owner::Nobody;
            }
            self.call_at(now, index, Call::Abort);
        }
        Ok(())
    }

    // ---- The user's calls on a connection ------------------------------------------------------------------------------

    /// SEND. Returns how many octets were taken.
    pub fn send(&mut self, now: Instant, id: ConnectionId, text: &[u8]) -> Result<usize, CallError> {
        let index = self.users(id)?;
        let given = Given { text, ..Given::default() };
        let effects = self.step_at(now, index, Happening::Call(Call::Send { remote: true }), given);
        match effects.and_then(|effects| Some((effects.reply?, effects.queued))) {
            Some((Reply::Ok | Reply::Queued, 0)) if !text.is_empty() => Err(CallError::WouldBlock),
            Some((Reply::Ok | Reply::Queued, taken)) => Ok(taken),
            Some((reply, _)) => Err(self.refusal(index, reply)),
            None => Err(CallError::DoesNotExist),
        }
    }

    /// RECEIVE. Returns how many octets were given; zero means that the peer has closed and all has been received.
    pub fn receive(&mut self, now: Instant, id: ConnectionId, buf: &mut [u8]) -> Result<usize, CallError> {
        let index = self.users(id)?;
        let reply = self.call_at(now, index, Call::Receive).ok_or(CallError::DoesNotExist)?;
        let entry = self.connections.at_mut(index).ok_or(CallError::DoesNotExist)?;
        let flow = &entry.connection.flow;
        match reply {
            Reply::Closing => Ok(0),
            Reply::Queued => Err(CallError::WouldBlock),
            // Text that arrived before the connection ended well is the user's all the same, and so is its end.
            Reply::DoesNotExist if flow.recv.unread() == 0 && (entry.failure.is_some() || !flow.recv.is_at_end()) => {
                Err(self.refusal(index, reply))
            }
            Reply::Deliver | Reply::DoesNotExist => {
                let n = entry.connection.read(buf);
                self.dirty.push(index);
                Ok(n)
            }
            Reply::Ok | Reply::State | Reply::AlreadyExists | Reply::RemoteUnspecified => {
                Err(self.refusal(index, reply))
            }
        }
    }

    /// CLOSE, ABORT: calls that are answered and change the state.
    pub fn call(&mut self, now: Instant, id: ConnectionId, call: Call) -> Result<(), CallError> {
        let index = self.users(id)?;
        if call == Call::Abort {
            self.fail(index, Failure::Aborted);
        }
        match self.call_at(now, index, call).ok_or(CallError::DoesNotExist)? {
            Reply::Ok | Reply::Queued | Reply::Deliver | Reply::State => Ok(()),
            reply @ (Reply::DoesNotExist | Reply::AlreadyExists | Reply::RemoteUnspecified | Reply::Closing) => {
                Err(self.refusal(index, reply))
            }
        }
    }

    /// The user forgets the connection, which ends by itself.
    pub fn release(&mut self, now: Instant, id: ConnectionId) -> Result<(), CallError> {
        let index = self.users(id)?;
        if let Some(entry) = self.connections.at_mut(index) {
            entry.owner = Owner::Nobody;
            entry.news = News::default();
        }
        self.call_at(now, index, Call::Release);
        Ok(())
    }

    /// STATUS.
    pub fn status(&mut self, now: Instant, id: ConnectionId) -> Result<Status, CallError> {
        let index = self.users(id)?;
        self.call_at(now, index, Call::Status);
        let entry = self.connections.at(index).ok_or(CallError::DoesNotExist)?;
        let (tcb, flow) = (entry.connection.tcb(), &entry.connection.flow);
        Ok(Status {
            pair: entry.connection.pair(),
            state: tcb.state(),
            tcb: *tcb,
            unread: flow.recv.unread(),
            unacknowledged: flow.send.len(),
            unsent: flow.send.len() - flow.sent,
            room: flow.send.room(),
            rcv_wnd: flow.recv.rcv_wnd(),
            send_mss: flow.smss,
            rto: flow.rtt.rto(),
            srtt: flow.rtt.srtt(),
            cwnd: flow.congestion.cwnd(),
            ssthresh: flow.congestion.ssthresh(),
            timeouts: flow.timeouts,
            soft_error: flow.soft_error,
            failure: entry.failure,
        })
    }

    /// Switches Nagle's algorithm off, or on again (RFC 9293 MUST-17).
    pub fn set_nodelay(&mut self, id: ConnectionId, nodelay: bool) -> Result<(), CallError> {
        let index = self.users(id)?;
        let entry = self.connections.at_mut(index).ok_or(CallError::DoesNotExist)?;
        entry.connection.flow.nagle = !nodelay;
        self.dirty.push(index);
        Ok(())
    }

    // ---- What happens by itself ----------------------------------------------------------------------------------------

    /// Timers that are due go off.
    pub fn timeout(&mut self, now: Instant) {
        while let Some(index) = self.deadlines.pop_due(now) {
            while let Some(entry) = self.connections.at_mut(index) {
                let Some(effects) = entry.connection.timeout(&self.common, now) else {
                    break;
                };
                self.settle(now, index, &effects);
            }
            self.schedule(index);
            self.dirty.push(index);
        }
    }

    /// When [`timeout`](Self::timeout) has something to do, or will find that it has not.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.poll_timeout()
    }

    /// Writes the next segment that may leave into `frame`, behind the headroom, and says who it is for.
    pub fn poll_segment(&mut self, now: Instant, frame: &mut Vec<u8>) -> Option<Pair> {
        if let Some((pair, segment)) = self.control.pop_front() {
            write_segment(frame, pair, &segment, (&[], &[]), self.common.mss);
            return Some(pair);
        }
        while let Some(index) = self.dirty.pop() {
            let Some(entry) = self.connections.at_mut(index) else {
                continue;
            };
            let pair = entry.connection.pair();
            let transmitted = entry.connection.transmit(&self.common, now, frame);
            self.schedule(index);
            if let Some(transmitted) = transmitted {
                self.dirty.push(index);
                if let Some(effects) = transmitted.reported {
                    self.settle(now, index, &effects);
                }
                return Some(pair);
            }
        }
        None
    }

    /// The next thing a user should hear.
    pub fn poll_event(&mut self) -> Option<Event> {
        while let Some(index) = self.acceptable.pop() {
            if let Some(key) = self.listeners.key(index) {
                return Some(Event::Acceptable(ListenerId(key)));
            }
        }
        while let Some(index) = self.ready.pop() {
            let (Some(key), Some(entry)) = (self.connections.key(index), self.connections.at_mut(index)) else {
                continue;
            };
            if let Some(event) = entry.news.take(ConnectionId(key), entry.failure) {
                self.ready.push(index);
                return Some(event);
            }
        }
        None
    }

    /// The next peer to whom the way is in doubt (RFC 9293 §3.8.3, R1).
    pub fn poll_doubted(&mut self) -> Option<IpAddr> {
        self.doubted.pop_front()
    }

    /// ICMP says that the segment with `seq` did not arrive.
    pub fn unreachable(&mut self, now: Instant, pair: Pair, seq: Seq, why: Unreachable) -> Result<(), DropReason> {
        let index = self.demux.find(&pair).ok_or(DropReason::IcmpNotOurs)?;
        let entry = self.connections.at_mut(index).ok_or(DropReason::IcmpNotOurs)?;
        if !entry.connection.has_in_flight(seq) {
            return Err(DropReason::IcmpNotOurs);
        }
        entry.connection.flow.soft_error = Some(why);
        entry.news.doubtful = true;
        if why.is_hard() && entry.connection.is_unanswered_attempt() {
            self.fail(index, Failure::Unreachable(why));
            self.call_at(now, index, Call::Abort);
        }
        self.announce(index);
        Ok(())
    }

    // ---- Looking -------------------------------------------------------------------------------------------------------

    /// The state that a segment of this pair would meet.
    pub fn state(&self, pair: &Pair) -> State {
        let connection = self.demux.find(pair).and_then(|index| self.connections.at(index));
        let listener = self.listeners.on_port(pair.local.port()).and_then(|index| self.listeners.at(index));
        match (connection, listener) {
            (Some(entry), _) => entry.connection.tcb().state(),
            (None, Some(listener)) => listener.connection.tcb().state(),
            (None, None) => State::Closed,
        }
    }

    /// The state of a user's connection.
    pub fn state_of(&self, id: ConnectionId) -> Option<State> {
        self.connections.get(id.0).map(|entry| entry.connection.tcb().state())
    }

    /// The socket on which a listener listens.
    pub fn listener_address(&self, listener: ListenerId) -> Option<SocketAddr> {
        self.listeners.get(listener.0).map(Listener::local)
    }

    /// All connections and their states.
    pub fn states(&self) -> impl Iterator<Item = (Pair, State)> + '_ {
        self.connections.iter().map(|entry| (entry.connection.pair(), entry.connection.tcb().state()))
    }

    /// How many connections there are, TIME-WAIT and those that ended but were not released included.
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Switches tracing on or off.
    pub fn set_tracing(&mut self, on: bool) {
        self.trace.switch(on);
    }

    /// The next change of state that was traced.
    pub fn poll_transition(&mut self) -> Option<Transition> {
        self.trace.poll()
    }

    /// How often each rule has fired.
    pub fn fired(&self) -> &BTreeMap<RuleId, u64> {
        &self.fired
    }

    /// Control segments that wait to leave.
    pub fn control(&self) -> impl Iterator<Item = &(Pair, Segment<Seq>)> {
        self.control.iter()
    }

    // ---- What follows from a step ----------------------------------------------------------------------------------------

    /// Steps the connection at `index` and settles what follows.
    pub(super) fn step_at(
        &mut self,
        now: Instant,
        index: usize,
        event: Happening<Seq>,
        given: Given<'_>,
    ) -> Option<Effects> {
        let entry = self.connections.at_mut(index)?;
        let effects = entry.connection.step(&self.common, now, event, given);
        self.settle(now, index, &effects);
        Some(effects)
    }

    fn call_at(&mut self, now: Instant, index: usize, call: Call) -> Option<Reply> {
        self.step_at(now, index, Happening::Call(call), Given::default())?.reply
    }

    /// Sees to everything that a step of the connection at `index` asks for. The connection may be gone afterwards.
    pub(super) fn settle(&mut self, now: Instant, index: usize, effects: &Effects) {
        let Some(entry) = self.connections.at_mut(index) else {
            return;
        };
        let pair = entry.connection.pair();
        entry.news.readable |= effects.readable;
        entry.news.writable |= effects.writable;
        let mut orphaned = false;
        for &signal in &effects.signals {
            orphaned |= self.signalled(index, signal) == Heard::ByNobody;
        }
        // A user who finds less than was acknowledged must not take it for the end (RFC 9293 MUST-12).
        if effects.text_lost {
            self.fail(index, Failure::Reset);
        }
        if effects.doubtful {
            self.doubted.push_back(pair.remote.ip());
        }
        self.record(now, pair, effects);
        for &segment in &effects.emitted {
            self.emit(pair, segment);
        }
        self.end_if_over(index);
        self.announce(index);
        self.schedule(index);
        self.dirty.push(index);
        if orphaned {
            self.call_at(now, index, Call::Abort);
        }
    }

    /// A control segment is to leave. When too many wait, it is as if it had been lost; whoever needs it asks again.
    pub(super) fn emit(&mut self, pair: Pair, segment: Segment<Seq>) {
        if self.control.len() < self.most_control {
            self.control.push_back((pair, segment));
        }
    }

    /// Counts the rules that fired, and traces what they changed.
    pub(super) fn record(&mut self, now: Instant, pair: Pair, effects: &Effects) {
        for rule in effects.fired.iter() {
            let count = self.fired.entry(rule).or_default();
            *count = count.saturating_add(1);
        }
        self.trace.record(self.common.table, now, pair, effects);
    }

    fn signalled(&mut self, index: usize, signal: Signal) -> Heard {
        let Some(entry) = self.connections.at_mut(index) else {
            return Heard::Well;
        };
        match signal {
            Signal::Established => return self.established(index),
            Signal::Closing => entry.news.readable = true,
            Signal::CloseComplete => entry.news.delivered = true,
            Signal::Urgent => entry.news.urgent = true,
            Signal::Refused => self.fail(index, Failure::Refused),
            Signal::Reset => self.fail(index, Failure::Reset),
            Signal::UserTimeout => {
                let why = entry.connection.flow.soft_error;
                self.fail(index, why.map_or(Failure::TimedOut, Failure::Unreachable));
            }
        }
        Heard::Well
    }

    /// The first reason for a bad end is the one that counts.
    fn fail(&mut self, index: usize, failure: Failure) {
        if let Some(entry) = self.connections.at_mut(index) {
            entry.failure.get_or_insert(failure);
        }
    }

    /// A connection is established: its user hears of it, or it waits to be accepted.
    fn established(&mut self, index: usize) -> Heard {
        let Some(entry) = self.connections.at_mut(index) else {
            return Heard::Well;
        };
        let parent = match entry.owner {
            Owner::User => {
                entry.news.connected = true;
                return Heard::Well;
            }
            Owner::Listener { index, .. } => Some(index),
            // Reopened from TIME-WAIT (MAY-2): whoever listens now gets it.
            Owner::Nobody => self.listeners.on_port(entry.connection.pair().local.port()),
        };
        let Some((parent, listener)) = parent.and_then(|at| Some((at, self.listeners.at_mut(at)?))) else {
            return Heard::ByNobody;
        };
        entry.owner = Owner::Listener { index: parent, established: true };
        listener.children.insert(index);
        listener.established.push_back(index);
        self.acceptable.push(parent);
        Heard::Well
    }

    /// A connection that is CLOSED gets no more segments, and is forgotten when nobody has its name. A child that is back
    /// in LISTEN is forgotten: its parent listens.
    fn end_if_over(&mut self, index: usize) {
        let Some(entry) = self.connections.at_mut(index) else {
            return;
        };
        let (closed, unborn) = match entry.connection.tcb().state() {
            State::Closed => (true, false),
            State::Listen => (true, true),
            State::SynSent
            | State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => (false, false),
        };
        if !closed {
            return;
        }
        entry.connection.fall_silent();
        let pair = entry.connection.pair();
        let bound = self.demux.find(&pair) == Some(index);
        entry.news.closed |= bound;
        self.demux.remove(&pair, index);
        self.deadlines.remove(index);
        match entry.owner {
            Owner::User | Owner::Listener { established: true, .. } if !unborn => {}
            Owner::Listener { index: parent, .. } => {
                if let Some(listener) = self.listeners.at_mut(parent) {
                    listener.children.remove(&index);
                }
                self.connections.remove(index);
            }
            Owner::User | Owner::Nobody => {
                self.connections.remove(index);
            }
        }
    }

    /// Puts a connection whose user has something to hear on the list.
    fn announce(&mut self, index: usize) {
        let news = self.connections.at(index).filter(|entry| entry.owner == Owner::User).map(|entry| entry.news);
        if news.is_some_and(|news| news != News::default()) {
            self.ready.push(index);
        }
    }

    fn schedule(&mut self, index: usize) {
        if let Some(entry) = self.connections.at(index) {
            self.deadlines.schedule(index, entry.connection.next_deadline());
        }
    }

    /// Where the connection is that a user calls by this name, if it is his.
    fn users(&self, id: ConnectionId) -> Result<usize, CallError> {
        match self.connections.get(id.0) {
            Some(entry) if entry.owner == Owner::User => Ok(id.0.index()),
            Some(_) | None => Err(CallError::DoesNotExist),
        }
    }

    /// What a call is answered that the table refuses.
    fn refusal(&self, index: usize, reply: Reply) -> CallError {
        let failure = self.connections.at(index).and_then(|entry| entry.failure);
        match (failure, reply) {
            (Some(failure), _) => CallError::Failed(failure),
            (None, Reply::Closing) => CallError::Closing,
            (
                None,
                Reply::DoesNotExist
                | Reply::AlreadyExists
                | Reply::RemoteUnspecified
                | Reply::Ok
                | Reply::Queued
                | Reply::Deliver
                | Reply::State,
            ) => CallError::DoesNotExist,
        }
    }

    fn free_port_to_listen(&mut self, local: SocketAddr) -> Result<SocketAddr, OpenError> {
        let listeners = &self.listeners;
        let port = self.ports.choose(None, |port| listeners.on_port(port).is_none());
        Ok(SocketAddr::new(local.ip(), port.ok_or(OpenError::NoPortFree)?))
    }

    fn free_pair(&mut self, local: SocketAddr, remote: SocketAddr) -> Result<Pair, OpenError> {
        let (listeners, demux) = (&self.listeners, &self.demux);
        let with = |port| Pair { local: SocketAddr::new(local.ip(), port), remote };
        let is_free = |port| listeners.on_port(port).is_none() && demux.find(&with(port)).is_none();
        self.ports.choose(Some(remote), is_free).map(with).ok_or(OpenError::NoPortFree)
    }
}

/// The pair of a listener: nobody at the other end.
fn listener_pair(local: SocketAddr) -> Pair {
    Pair { local, remote: (std::net::Ipv4Addr::UNSPECIFIED, 0).into() }
}

/// A key for one purpose, from which the secret does not follow.
fn derived_key(secret: [u8; 16], purpose: &str) -> [u8; 16] {
    let hasher = SipHasher24::new_with_key(&secret);
    let half = |n: u8| hasher.hash(&[purpose.as_bytes(), &[n]].concat()).to_be_bytes();
    let (a, b) = (half(0), half(1));
    let mut key = [0; 16];
    key[..8].copy_from_slice(&a);
    key[8..].copy_from_slice(&b);
    key
}
