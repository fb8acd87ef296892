//! What TCP will do, as a value that can be compared and hashed.

use std::net::SocketAddr;

use lockstep_model::{Segment, Seq};

use super::api::Failure;
use super::connection::Connection;
use super::demux::Pair;
use super::endpoints::{Endpoints, Entry, News, Owner};
use crate::time::Instant;

/// All connections and listeners in the order of their addresses, and what waits to leave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EndpointsProjection {
    connections: Vec<(Connection, Holder, News, Option<Failure>)>,
    listeners: Vec<(SocketAddr, usize, Vec<Pair>)>,
    control: Vec<(Pair, Segment<Seq>)>,
}

/// Whose a connection is, without saying where that one is in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Holder {
    User,
    Listener { established: bool },
    Nobody,
}

impl Endpoints {
    /// The projection at `now`.
    pub fn project(&self, now: Instant) -> EndpointsProjection {
        let of_entry = |entry: &Entry| {
            let holder = match entry.owner {
                Owner::User => Holder::User,
                Owner::Listener { established, .. } => Holder::Listener { established },
                Owner::Nobody => Holder::Nobody,
            };
            (entry.connection.project(now), holder, entry.news, entry.failure)
        };
        let mut connections: Vec<_> = self.connections.iter().map(of_entry).collect();
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
        EndpointsProjection { connections, listeners, control: self.control().copied().collect() }
    }
}
