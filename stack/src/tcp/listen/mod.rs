//! Listeners: each a `Tcb` in LISTEN that forks.
//!
//! A segment for a listener steps a *copy* of its `Tcb`. If the copy is in LISTEN afterwards, there is no child; if not,
//! the copy is a new connection, and the listener is as it was. A child whose handshake comes to nothing is back in LISTEN
//! by the table, and then forgotten: its parent still listens.
//!
//! There are two queues with a bound each. Children in the handshake are kept packed in the SYN queue ([`half_open`]);
//! what happens to them, and when it is full, is in [`handshake`] (RFC 4987), and how a child can be kept in the number of
//! its own SYN,ACK in [`cookie`]. Those whose handshake is over wait to be accepted, as many as the user's backlog.

pub(super) mod cookie;
pub(super) mod half_open;
mod handshake;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use super::connection::Connection;
use super::demux::Pair;
use super::slab::{Key, Slab};
use crate::time::Instant;

/// Half-open children of one listener that are kept whole because they remember more than a packed one can: those whose SYN
/// brought text, and those reopened from TIME-WAIT. The text of more SYNs is left for their senders to repeat.
const MOST_WHOLE: usize = 16;

/// How listeners hold out against floods of SYNs (RFC 4987).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenConfig {
    /// So many children of each listener may be in the handshake.
    pub half_open: usize,
    /// What happens to one SYN more.
    pub syn_cookies: SynCookies,
    /// A SYN,ACK is sent again so often before the child is forgotten: 5 times take 63 seconds.
    pub syn_ack_retries: u8,
    /// What happens when a handshake ends and the backlog is full.
    pub backlog_full: BacklogFull,
}

/// When a listener answers a SYN without keeping anything (RFC 4987 §3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SynCookies {
    /// Never: the oldest half-open child gives way (RFC 4987 §3.4).
    Never,
    /// When as many children as may be are in the handshake.
    OnOverflow,
    /// Always: nothing is kept before the peer has proved that he receives what is sent to him.
    Always,
}

/// What becomes of a handshake that ends when as many connections as may wait to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BacklogFull {
    /// Its last ACK is as if lost, as in Linux: the SYN,ACK or the client's text is sent again, and a place may be free then.
    Ignore,
    /// The peer is reset: a client that shall try another server learns at once.
    Reset,
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            half_open: 1_024,
            syn_cookies: SynCookies::OnOverflow,
            syn_ack_retries: 5,
            backlog_full: BacklogFull::Ignore,
        }
    }
}

/// What a user says when he begins to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenOptions {
    /// So many connections may wait to be accepted, one at least.
    pub backlog: usize,
    /// Connections of an earlier listener on the port, in TIME-WAIT above all, are no obstacle (`SO_REUSEADDR`, which
    /// `std::net::TcpListener` sets, too). Their segments are told from others by their pairs.
    pub reuse_address: bool,
}

impl ListenOptions {
    /// As `std::net::TcpListener::bind` listens.
    #[must_use]
    pub fn new(backlog: usize) -> Self {
        Self { backlog, reuse_address: true }
    }
}

/// A listener.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    /// In LISTEN; its pair has no remote socket.
    pub connection: Connection,
    /// Its children in the SYN queue, by their age and their place there.
    pub half_open: BTreeSet<(Instant, usize)>,
    /// Its other children in the handshake: those that have something to say, or remember more than a packed one can.
    pub whole: BTreeSet<usize>,
    /// Its children that wait to be accepted, in the order in which they were established.
    pub established: VecDeque<usize>,
    backlog: usize,
}

impl Listener {
    pub fn new(connection: Connection, backlog: usize) -> Self {
        Self {
            connection,
            half_open: BTreeSet::new(),
            whole: BTreeSet::new(),
            established: VecDeque::new(),
            backlog: backlog.max(1),
        }
    }

    /// Whether one more established child may wait here.
    pub fn has_room(&self) -> bool {
        self.established.len() < self.backlog
    }

    /// How many children are in the handshake.
    pub fn handshakes(&self) -> usize {
        self.half_open.len() + self.whole.len()
    }

    /// Whether one more half-open child may be kept whole.
    pub fn has_room_for_whole(&self) -> bool {
        self.has_room() && self.whole.len() < MOST_WHOLE
    }

    /// The socket it listens on.
    pub fn local(&self) -> SocketAddr {
        self.connection.pair().local
    }

    /// How many children may wait to be accepted.
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

    /// Whoever listens for this pair.
    pub fn of(&self, pair: Pair) -> Option<&Listener> {
        self.slab.at(self.on_port(pair.local.port())?)
    }

    /// Whoever listens for this pair.
    pub fn of_mut(&mut self, pair: Pair) -> Option<&mut Listener> {
        let index = self.on_port(pair.local.port())?;
        self.slab.at_mut(index)
    }

    /// Whether somebody listens on this port for whom a connection may be reopened.
    pub fn may_reopen_on(&self, port: u16) -> bool {
        self.on_port(port).and_then(|index| self.slab.at(index)).is_some_and(Listener::has_room_for_whole)
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
