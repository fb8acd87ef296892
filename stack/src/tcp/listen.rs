//! Listeners: each a `Tcb` in LISTEN that forks.
//!
//! A segment for a listener steps a *copy* of its `Tcb`. If the copy is in LISTEN afterwards, there is no child; if not,
//! the copy is a new connection, and the listener is as it was. A child whose handshake comes to nothing is back in LISTEN
//! by the table, and then forgotten: its parent still listens.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use super::connection::Connection;
use super::slab::{Key, Slab};

/// A listener.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    /// In LISTEN; its pair has no remote socket.
    pub connection: Connection,
    /// Children that have not been accepted, in the handshake or after it: at most the backlog.
    pub children: BTreeSet<usize>,
    /// Those of them that are established, in the order in which they were.
    pub established: VecDeque<usize>,
    backlog: usize,
}

impl Listener {
    pub fn new(connection: Connection, backlog: usize) -> Self {
        Self { connection, children: BTreeSet::new(), established: VecDeque::new(), backlog: backlog.max(1) }
    }

    /// Whether one more child may wait here.
    pub fn has_room(&self) -> bool {
        self.children.len() < self.backlog
    }

    /// The socket it listens on.
    pub fn local(&self) -> SocketAddr {
        self.connection.pair().local
    }

    /// How many children may wait.
    pub fn backlog(&self) -> usize {
        self.backlog
    }
}

/// All listeners, by port.
#[derive(Clone, Debug)]
pub(super) struct Listeners {
    slab: Slab<Listener>,
    ports: BTreeMap<u16, usize>,
}

impl Listeners {
    pub fn new(capacity: usize) -> Self {
        Self { slab: Slab::new(capacity), ports: BTreeMap::new() }
    }

    /// Adds one; `None` if there are too many. The port is free: it was asked before.
    pub fn insert(&mut self, listener: Listener) -> Option<Key> {
        let port = listener.local().port();
        let key = self.slab.insert(listener)?;
        self.ports.insert(port, key.index());
        Some(key)
    }

    pub fn remove(&mut self, key: Key) -> Option<Box<Listener>> {
        let port = self.slab.get(key)?.local().port();
        self.ports.remove(&port);
        self.slab.remove(key.index())
    }

    /// Where the listener on this port is.
    pub fn on_port(&self, port: u16) -> Option<usize> {
        self.ports.get(&port).copied()
    }

    /// Whether somebody listens on this port who may have one more child.
    pub fn has_room_on(&self, port: u16) -> bool {
        self.on_port(port).and_then(|index| self.slab.at(index)).is_some_and(Listener::has_room)
    }

    pub fn key(&self, index: usize) -> Option<Key> {
        self.slab.key(index)
    }

    pub fn at(&self, index: usize) -> Option<&Listener> {
        self.slab.at(index)
    }

    pub fn at_mut(&mut self, index: usize) -> Option<&mut Listener> {
        self.slab.at_mut(index)
    }

    pub fn get(&self, key: Key) -> Option<&Listener> {
        self.slab.get(key)
    }

    pub fn get_mut(&mut self, key: Key) -> Option<&mut Listener> {
        self.slab.get_mut(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Listener> {
        self.slab.iter()
    }
}
