//! All connections and listeners of a stack: what there is, what happens by itself, and what leaves.
//!
//! Arrivals are in [`input`](super::input), the user's calls in [`calls`](super::calls). Whatever happens to a connection
//! ends in [`settle`](super::settle).

use std::collections::VecDeque;
use std::net::IpAddr;

use lockstep_model::{Call, Prediction, Seq, Table};
use siphasher::sip::SipHasher24;

use super::api::{ConnectionId, Event, Failure, ListenerId, Transition};
use super::config::TcpConfig;
use super::connection::{Common, Connection};
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
use super::time_wait::TimeWaits;
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
    pub(super) deadlines: TimerQueue,
    /// Connections that may have something to send.
    pub(super) dirty: WorkList,
    /// Connections, and listeners, whose user has something to hear.
    pub(super) ready: WorkList,
    pub(super) acceptable: WorkList,
    /// Control segments that wait to leave.
    pub(super) control: VecDeque<(Pair, Dressed)>,
    pub(super) most_control: usize,
    /// Those that found no room since somebody asked.
    pub(super) overflowed: u64,
    /// Peers who have been silent for long.
    pub(super) doubted: VecDeque<IpAddr>,
    pub(super) fired: RuleCounts,
    /// Of the segments that arrived, those that were expected.
    pub(super) predicted: u64,
    pub(super) trace: Trace,
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
const _: () = assert!(size_of::<Option<Box<Entry>>>() + size_of::<Entry>() <= 512);

/// Who will release a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    /// A user has its name.
    User,
    /// The listener on its port, until it is accepted.
    Listener { established: bool },
    /// The user is gone; it ends by itself.
    Nobody,
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
