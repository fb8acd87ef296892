//! Looking at all connections without changing any: states, counts, and what TCP will do as a value that can be compared
//! and hashed.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use lockstep_model::{RuleId, Seq, State, Tcb};

use super::api::{ConnectionId, Failure, ListenerId};
use super::connection::Connection;
use super::demux::Pair;
use super::endpoints::{Endpoints, Entry, News, Owner};
use super::listen::Listener;
use super::options::Dressed;
use super::timers::TimerTable;
use crate::ip::pmtu::PathMtus;
use crate::time::Instant;

/// All connections and listeners in the order of their addresses, and what waits to leave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EndpointsProjection {
    connections: Vec<(Connection, Holder, News, Option<Failure>)>,
    listeners: Vec<(SocketAddr, usize, Vec<Pair>)>,
    control: Vec<(Pair, Dressed)>,
    paths: PathMtus,
}

/// Whose a connection is, without saying where that one is in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Holder {
    User,
    Listener { established: bool },
    Nobody,
}

/// One connection in a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projected {
    /// Its two ends.
    pub pair: Pair,
    /// Its variables.
    pub tcb: Tcb<Seq>,
    /// Its timers; deadlines count from the moment of the projection.
    pub timers: TimerTable,
    /// When something is next to be done without anybody asking, counted in the same way.
    pub next_deadline: Option<Instant>,
}

impl EndpointsProjection {
    /// All connections, those that have ended and are not released included.
    pub fn connections(&self) -> impl Iterator<Item = Projected> + '_ {
        self.connections.iter().map(|(connection, ..)| Projected {
            pair: connection.pair(),
            tcb: *connection.tcb(),
            timers: connection.flow.timers.clone(),
            next_deadline: connection.next_deadline(),
        })
    }
}

impl Endpoints {
    /// The state that a segment of this pair would meet.
    pub fn state(&self, pair: &Pair) -> State {
        let connection = self.demux.find(pair).and_then(|index| self.connections.at(index));
        if connection.is_none() && self.time_waits.get(pair).is_some() {
            return State::TimeWait;
        }
        if connection.is_none() && self.half_open.find(pair).is_some() {
            return State::SynReceived;
        }
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
        let half_open = self.half_open.iter().map(|block| (block.pair(), State::SynReceived));
        let packed = self.time_waits.iter().map(|block| (block.pair(), State::TimeWait)).chain(half_open);
        self.connections.iter().map(|entry| (entry.connection.pair(), entry.connection.tcb().state())).chain(packed)
    }

    /// How many connections there are, TIME-WAIT and those that ended but were not released included.
    pub fn len(&self) -> usize {
        self.connections.len() + self.time_waits.len() + self.half_open.len()
    }

    /// How often each rule has fired.
    pub fn fired(&self) -> BTreeMap<RuleId, u64> {
        self.fired.fired()
    }

    /// How many segments were the expected ones.
    pub fn predicted(&self) -> u64 {
        self.predicted
    }

    /// The projection at `now`.
    pub fn project(&self, now: Instant) -> EndpointsProjection {
        let of_entry = |entry: &Entry| {
            let holder = match entry.owner {
                Owner::User => Holder::User,
                Owner::Listener { established } => Holder::Listener { established },
                Owner::Nobody => Holder::Nobody,
            };
            (entry.connection.project(now), holder, entry.news, entry.failure)
        };
        let waiting = self.time_waits.iter().map(|block| (block.expand(&self.common), Holder::Nobody));
        let child = Holder::Listener { established: false };
        let half_open = self.half_open.iter().map(|block| (block.expand(&self.common), child));
        let of_packed =
            |(connection, holder): (Connection, _)| (connection.project(now), holder, News::default(), None);
        let mut connections: Vec<_> =
            self.connections.iter().map(of_entry).chain(waiting.chain(half_open).map(of_packed)).collect();
        connections.sort_by_key(|(connection, holder, ..)| (connection.pair(), connection.tcb().state(), *holder));
        let pair_at = |&index: &usize| self.connections.at(index).map(|entry| entry.connection.pair());
        let mut listeners: Vec<_> = self
            .listeners
            .iter()
            .map(|listener| {
                (listener.local(), listener.backlog(), listener.established.iter().filter_map(pair_at).collect())
            })
            .collect();
        listeners.sort();
        EndpointsProjection {
            connections,
            listeners,
            control: self.control.iter().copied().collect(),
            paths: self.common.paths.project(now),
        }
    }
}
