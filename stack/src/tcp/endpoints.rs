//! All connections and listeners of a stack: timeouts, what leaves, and what follows from each step.
//!
//! Arrivals are in [`input`](super::input), the user's calls in [`calls`](super::calls). Whatever happens to a connection
//! ends in [`Endpoints::settle`].

use std::collections::VecDeque;
use std::net::IpAddr;

use lockstep_model::{Call, Event as Happening, Prediction, Reply, Seq, Signal, State, Table};
use siphasher::sip::SipHasher24;

use super::api::{ConnectionId, Event, Failure, ListenerId, Transition};
use super::config::TcpConfig;
use super::connection::{Common, Connection, Effects, Given};
use super::counts::RuleCounts;
use super::demux::{Demux, Pair};
use super::isn::IsnSecret;
use super::listen::Listeners;
use super::listen::cookie::Cookies;
use super::listen::half_open::SynQueue;
use super::options::Dressed;
use super::orphans::Orphans;
use super::output::write_segment;
use super::pmtu::Heed;
use super::ports::Ports;
use super::settings::Settings;
use super::slab::{Slab, WorkList};
use super::time_wait::{TimeWait, TimeWaits};
use super::timers::TimerQueue;
use super::trace::Trace;
use crate::drops::DropReason;
use crate::ip::pmtu::PathMtus;
use crate::ip::{Handling, Undelivered};
use crate::limits::Limits;
use crate::time::Instant;
use crate::wire::UnreachableCode;

/// Everything TCP knows.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    pub(super) common: Common,
    pub(super) connections: Slab<Entry>,
    pub(super) demux: Demux,
    /// Connections in TIME-WAIT that nobody owns are here, and not among the others.
    pub(super) time_waits: TimeWaits,
    pub(super) half_open: SynQueue,
    pub(super) cookies: Cookies,
    pub(super) orphans: Orphans,
    pub(super) listeners: Listeners,
    pub(super) ports: Ports,
    deadlines: TimerQueue,
    /// Connections that may have something to send.
    pub(super) dirty: WorkList,
    /// Connections, and listeners, whose user has something to hear.
    pub(super) ready: WorkList,
    acceptable: WorkList,
    /// Control segments that wait to leave.
    pub(super) control: VecDeque<(Pair, Dressed)>,
    most_control: usize,
    /// Those that found no room since somebody asked.
    overflowed: u64,
    /// Peers who have been silent for long.
    doubted: VecDeque<IpAddr>,
    pub(super) fired: RuleCounts,
    /// Of the segments that arrived, those that were expected.
    pub(super) predicted: u64,
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

/// What an idle connection takes besides what is in its buffers (Linux: 2,304 octets in its slab).
const _: () = assert!(size_of::<Option<Box<Entry>>>() + size_of::<Entry>() <= 576);

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
        let ports = Ports::new(derived_key(secret, "ports"), config.ephemeral_ports.clone(), config.port_selection);
        Ok(Self {
            common: Common {
                prediction: Prediction::of(table),
                paths: PathMtus::new(config.path_mtu.destinations, config.path_mtu.lifetime),
                rto: config.rto.into(),
                settings: Settings::of(&config),
                config,
                mss,
                secret: IsnSecret::from_random(secret)?,
            },
            connections: Slab::new(limits.connections),
            demux: Demux::new(derived_key(secret, "demux")),
            time_waits: TimeWaits::new(derived_key(secret, "time-wait"), limits.time_waits),
            half_open: SynQueue::new(derived_key(secret, "half-open")),
            cookies: Cookies::new(derived_key(secret, "cookies")),
            orphans: Orphans::new(limits.orphans),
            listeners: Listeners::new(limits.listeners),
            ports,
            deadlines: TimerQueue::new(),
            dirty: WorkList::default(),
            ready: WorkList::default(),
            acceptable: WorkList::default(),
            control: VecDeque::new(),
            most_control: limits.answers,
            overflowed: 0,
            doubted: VecDeque::new(),
            fired: RuleCounts::new(),
            predicted: 0,
            trace: Trace::new(limits.events),
        })
    }

    // ---- What happens by itself ----------------------------------------------------------------------------------------

    /// Timers that are due go off.
    pub fn timeout(&mut self, now: Instant) {
        while let Some(block) = self.time_waits.take_due(now) {
            self.wake(&block);
        }
        while let Some(place) = self.half_open.pop_due(now) {
            self.wake_half_open(place);
        }
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
        let all = [self.deadlines.poll_timeout(), self.time_waits.poll_timeout(), self.half_open.poll_timeout()];
        all.into_iter().flatten().min()
    }

    /// Writes the next segment that may leave into `frame`, behind the headroom, and says who it is for.
    pub fn poll_segment(&mut self, now: Instant, frame: &mut Vec<u8>) -> Option<(Pair, Handling)> {
        if let Some((pair, dressed)) = self.control.pop_front() {
            write_segment(frame, pair, &dressed, (&[], &[]));
            return Some((pair, dressed.handling));
        }
        while let Some(index) = self.dirty.pop() {
            let Some(entry) = self.connections.at_mut(index) else {
                continue;
            };
            let pair = entry.connection.pair();
            let transmitted = entry.connection.transmit(&self.common, now, frame);
            self.schedule(index);
            let Some(transmitted) = transmitted else {
                self.lay_to_rest(index);
                continue;
            };
            self.dirty.push(index);
            let handling = transmitted.handling;
            if let Some(effects) = transmitted.reported {
                self.settle(now, index, &effects);
            }
            return Some((pair, handling));
        }
        None
    }

    /// How many control segments found no room since the last time.
    pub fn take_overflowed(&mut self) -> u64 {
        std::mem::take(&mut self.overflowed)
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
            // Who has released a connection hears nothing more of it.
            if entry.owner != Owner::User {
                continue;
            }
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

    /// Switches tracing on or off.
    pub fn set_tracing(&mut self, on: bool) {
        self.trace.switch(on);
    }

    /// The next change of state that was traced.
    pub fn poll_transition(&mut self) -> Option<Transition> {
        self.trace.poll()
    }

    /// ICMP says that the segment with `seq` did not arrive.
    pub fn unreachable(&mut self, now: Instant, pair: Pair, seq: Seq, why: Undelivered) -> Result<(), DropReason> {
        let index = self.demux.find(&pair).ok_or(DropReason::IcmpNotOurs)?;
        let entry = self.connections.at_mut(index).ok_or(DropReason::IcmpNotOurs)?;
        if !entry.connection.has_in_flight(seq) {
            return Err(DropReason::IcmpNotOurs);
        }
        entry.connection.flow.soft_error = Some(why);
        entry.news.doubtful |= entry.connection.flow.settings(&self.common).error_reports;
        if why.is_hard() && entry.connection.is_unanswered_attempt() {
            self.fail(index, Failure::Unreachable(why));
            self.call_at(now, index, Call::Abort);
        }
        self.announce(index);
        Ok(())
    }

    /// A router says that the segment with `seq` was too large for the next link, which takes `mtu` octets (RFC 1191).
    pub fn too_large(&mut self, now: Instant, pair: Pair, seq: Seq, mtu: u16) -> Result<(), DropReason> {
        if !self.common.config.path_mtu.discovery {
            let why = Undelivered::Unreachable(UnreachableCode::FRAGMENTATION_NEEDED);
            return self.unreachable(now, pair, seq, why);
        }
        let index = self.demux.find(&pair).ok_or(DropReason::IcmpNotOurs)?;
        let entry = self.connections.at_mut(index).ok_or(DropReason::IcmpNotOurs)?;
        if !entry.connection.has_in_flight(seq) {
            return Err(DropReason::IcmpNotOurs);
        }
        let (heed, found) = entry.connection.too_large(&self.common, now, seq, mtu);
        if let Some(mtu) = found {
            self.common.paths.learn(pair.remote.ip(), mtu, now);
        }
        self.dirty.push(index);
        match heed {
            Heed::Now | Heed::Later => Ok(()),
            Heed::Never => Err(DropReason::IcmpImplausible),
        }
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

    pub(super) fn call_at(&mut self, now: Instant, index: usize, call: Call) -> Option<Reply> {
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
        if let Some(mtu) = effects.path_mtu {
            self.common.paths.learn(pair.remote.ip(), mtu, now);
        }
        if effects.doubtful {
            self.doubted.push_back(pair.remote.ip());
        }
        self.record(now, pair, effects);
        for &dressed in &effects.emitted {
            self.emit(pair, dressed);
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
    pub(super) fn emit(&mut self, pair: Pair, dressed: Dressed) {
        if self.control.len() < self.most_control {
            self.control.push_back((pair, dressed));
        } else {
            self.overflowed += 1;
        }
    }

    /// Sees to what follows from a step of a connection that is not kept.
    pub(super) fn answer(&mut self, now: Instant, pair: Pair, effects: &Effects) {
        self.record(now, pair, effects);
        effects.emitted.iter().for_each(|&answer| self.emit(pair, answer));
    }

    /// Counts the rules that fired, and traces what they changed.
    pub(super) fn record(&mut self, now: Instant, pair: Pair, effects: &Effects) {
        effects.fired.iter().for_each(|rule| self.fired.add(rule));
        self.predicted = self.predicted.saturating_add(effects.predicted.into());
        self.trace.record(self.common.table(), now, pair, effects);
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
    pub(super) fn fail(&mut self, index: usize, failure: Failure) {
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
            Owner::Listener { index, .. } => index,
            // He has gone in SYN-RECEIVED: what he has sent is delivered, and his FIN follows (RFC 9293 §3.10.4).
            Owner::Nobody if entry.connection.tcb().user_gone() => return Heard::Well,
            Owner::Nobody => return Heard::ByNobody,
        };
        let Some(listener) = self.listeners.at_mut(parent) else {
            return Heard::ByNobody;
        };
        entry.owner = Owner::Listener { index: parent, established: true };
        listener.whole.remove(&index);
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
                    listener.whole.remove(&index);
                }
                self.forget(index);
            }
            Owner::User | Owner::Nobody => self.forget(index),
        }
    }

    /// The connection at `index`, to which no segments go any more, is gone.
    pub(super) fn forget(&mut self, index: usize) {
        self.deadlines.remove(index);
        self.orphans.remove(index);
        self.connections.remove(index);
    }

    // ---- Packed connections -------------------------------------------------------------------------------------------------------

    /// The place of this pair's connection, awake if it was packed.
    pub(super) fn find(&mut self, pair: &Pair) -> Option<usize> {
        if let Some(index) = self.demux.find(pair) {
            Some(index)
        } else if let Some(place) = self.half_open.find(pair) {
            self.wake_half_open(place)
        } else {
            let block = self.time_waits.take(pair)?;
            Some(self.wake(&block))
        }
    }

    /// What was packed is a connection again, until it has nothing more to say.
    fn wake(&mut self, block: &TimeWait) -> usize {
        let connection = block.expand(&self.common);
        let entry = Entry { connection, owner: Owner::Nobody, news: News::default(), failure: None };
        let index = self.connections.insert_anyway(entry).index();
        self.attend(block.pair(), index);
        index
    }

    /// What has just been woken gets segments again and is heard.
    pub(super) fn attend(&mut self, pair: Pair, index: usize) {
        self.demux.insert(pair, index);
        self.schedule(index);
        self.dirty.push(index);
    }

    /// A connection that has nothing to say is packed if it is in TIME-WAIT and nobody owns it, or in the handshake.
    pub(super) fn lay_to_rest(&mut self, index: usize) {
        self.pack_half_open(index);
        let entry = self.connections.at(index).filter(|entry| entry.owner == Owner::Nobody);
        let block = entry.filter(|_| self.time_waits.are_kept()).and_then(|entry| TimeWait::pack(&entry.connection));
        if let Some(block) = block {
            self.demux.remove(&block.pair(), index);
            self.forget(index);
            self.time_waits.insert(block);
        }
    }

    /// Puts a connection whose user has something to hear on the list.
    fn announce(&mut self, index: usize) {
        let news = self.connections.at(index).filter(|entry| entry.owner == Owner::User).map(|entry| entry.news);
        if news.is_some_and(|news| news != News::default()) {
            self.ready.push(index);
        }
    }

    pub(super) fn schedule(&mut self, index: usize) {
        if let Some(entry) = self.connections.at(index) {
            self.deadlines.schedule(index, entry.connection.next_deadline());
        }
    }
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
