//! The user's calls (RFC 9293 §3.9.1, §3.10.1 to §3.10.6): who is meant, what goes to the table, what the user is answered.

use std::net::SocketAddr;

use lockstep_model::{Call, Event as Happening, Reply, Seq, State};

use super::api::{Accepted, CallError, ConnectionId, Failure, ListenerId, OpenError, Status};
use super::config::TcpConfig;
use super::congestion::Congestion;
use super::connection::{Connection, Given};
use super::demux::Pair;
use super::endpoints::{Endpoints, Entry, News, Owner};
use super::listen::{ListenOptions, Listener};
use super::settings::Settings;
use crate::time::Instant;

impl Endpoints {
    // ---- Opening -----------------------------------------------------------------------------------------------------

    /// Passive OPEN. A port of zero asks for one that is free.
    pub fn listen(&mut self, now: Instant, local: SocketAddr, options: ListenOptions) -> Result<ListenerId, OpenError> {
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
        if !options.reuse_address && self.is_used(local.port()) {
            return Err(OpenError::AddressInUse(local));
        }
        let mut connection = Connection::closed(&self.common, listener_pair(local));
        let effects = connection.call(&self.common, now, Call::OpenPassive);
        let key =
            self.listeners.insert(Listener::new(connection, options.backlog)).ok_or(OpenError::TooManyListeners)?;
        self.record(now, listener_pair(local), &effects);
        Ok(ListenerId(key))
    }

    /// Active OPEN. A local port of zero asks for one that is free; the ISS is chosen where none is given.
    pub fn connect(
        &mut self,
        now: Instant,
        (local, remote): (SocketAddr, SocketAddr),
        settings: Option<Settings>,
        iss: Option<Seq>,
    ) -> Result<ConnectionId, OpenError> {
        let pair = match local.port() {
            0 => self.free_pair(local, remote)?,
            _ => Pair { local, remote },
        };
        if let Some(index) = self.find(&pair) {
            self.call_at(now, index, Call::OpenActive { remote: true });
            return Err(OpenError::AddressInUse(local));
        }
        if self.is_full() {
            return Err(OpenError::TooManyConnections);
        }
        let mut connection = Connection::closed(&self.common, pair);
        connection.set_settings(&self.common, now, settings.unwrap_or(self.common.settings));
        let entry = Entry { connection, owner: Owner::User, news: News::default(), failure: None };
        let key = self.connections.insert(entry).ok_or(OpenError::TooManyConnections)?;
        self.demux.insert(pair, key.index());
        let open = Happening::Call(Call::OpenActive { remote: true });
        self.step_at(now, key.index(), open, Given { iss, ..Given::default() });
        Ok(ConnectionId(key))
    }

    /// The next established connection of a listener.
    pub fn accept(&mut self, listener: ListenerId) -> Result<Option<Accepted>, CallError> {
        let listener = self.listeners.get_mut(listener.0).ok_or(CallError::DoesNotExist)?;
        let Some(index) = listener.established.pop_front() else {
            return Ok(None);
        };
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
        self.wake_children(listener);
        let mut listener = self.listeners.remove(listener.0).ok_or(CallError::DoesNotExist)?;
        let effects = listener.connection.call(&self.common, now, Call::Close);
        self.record(now, listener.connection.pair(), &effects);
        for &index in listener.whole.iter().chain(&listener.established) {
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
        self.send_given(now, id, Given { text, ..Given::default() })
    }

    /// SEND with the URGENT flag. Returns how many octets were taken; the last of them is the last that is urgent.
    pub fn send_urgent(&mut self, now: Instant, id: ConnectionId, text: &[u8]) -> Result<usize, CallError> {
        let taken = self.send_given(now, id, Given { text, urgent: true, ..Given::default() })?;
        if let Some(entry) = self.connections.get_mut(id.0) {
            entry.connection.announce_urgent();
        }
        Ok(taken)
    }

    fn send_given(&mut self, now: Instant, id: ConnectionId, given: Given<'_>) -> Result<usize, CallError> {
        let index = self.users(id)?;
        let effects = self.step_at(now, index, Happening::Call(Call::Send { remote: true }), given);
        match effects.and_then(|effects| Some((effects.reply?, effects.queued))) {
            Some((Reply::Ok | Reply::Queued, 0)) if !given.text.is_empty() => Err(CallError::WouldBlock),
            Some((Reply::Ok | Reply::Queued, taken)) => Ok(taken),
            Some((reply, _)) => Err(self.refusal(index, reply)),
            None => Err(CallError::DoesNotExist),
        }
    }

    /// RECEIVE. Returns how many octets were given; zero means that the peer has closed and all has been received.
    pub fn receive(&mut self, now: Instant, id: ConnectionId, buf: &mut [u8]) -> Result<usize, CallError> {
        self.receive_by(now, id, |connection, config| connection.read(config, now, buf))
    }

    /// RECEIVE of what remains to be received.
    pub fn peek(&mut self, now: Instant, id: ConnectionId, buf: &mut [u8]) -> Result<usize, CallError> {
        self.receive_by(now, id, |connection, _| connection.flow.recv.peek(buf))
    }

    fn receive_by(
        &mut self,
        now: Instant,
        id: ConnectionId,
        take: impl FnOnce(&mut Connection, &TcpConfig) -> usize,
    ) -> Result<usize, CallError> {
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
                let n = take(&mut entry.connection, &self.common.config);
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

    /// ABORT by somebody who is not the connection's user. Whether there is such a connection.
    pub fn drop_connection(&mut self, now: Instant, pair: &Pair) -> bool {
        let Some(index) = self.find(pair) else { return false };
        self.fail(index, Failure::Aborted);
        self.call_at(now, index, Call::Abort).is_some()
    }

    /// The user forgets the connection, which ends by itself.
    pub fn release(&mut self, now: Instant, id: ConnectionId) -> Result<(), CallError> {
        let index = self.users(id)?;
        if let Some(entry) = self.connections.at_mut(index) {
            entry.owner = Owner::Nobody;
            entry.news = News::default();
        }
        self.call_at(now, index, Call::Release);
        if self.connections.get(id.0).is_some() {
            self.orphans.insert(index);
        }
        if let Some(oldest) = self.orphans.one_too_many() {
            self.call_at(now, oldest, Call::Abort);
        }
        Ok(())
    }

    /// STATUS.
    pub fn status(&mut self, now: Instant, id: ConnectionId) -> Result<Status, CallError> {
        let index = self.users(id)?;
        self.call_at(now, index, Call::Status);
        let entry = self.connections.at(index).ok_or(CallError::DoesNotExist)?;
        let (tcb, flow) = (entry.connection.tcb(), &entry.connection.flow);
        let agreed = flow.agreed;
        Ok(Status {
            pair: entry.connection.pair(),
            state: tcb.state(),
            tcb: *tcb,
            unread: flow.recv.unread(),
            urgent_ahead: entry.connection.urgent_ahead(),
            unacknowledged: flow.send.len(),
            unsent: flow.send.len() - flow.sent,
            room: flow.send.room(),
            rcv_wnd: flow.recv.rcv_wnd(),
            receive_buffer: flow.recv.capacity(),
            send_mss: flow.smss,
            ecn: flow.ecn.is_agreed(),
            rto: flow.rtt.rto(),
            srtt: flow.rtt.srtt(),
            cwnd: flow.congestion.cwnd(),
            ssthresh: flow.congestion.ssthresh(),
            rttvar: flow.rtt.rttvar(),
            min_rtt: flow.recovery.min_rtt(),
            in_flight: flow.recovery.in_flight(),
            path_mtu: flow.pmtu.mtu(),
            receive_mss: flow.acks.rmss(),
            window_shifts: agreed.window_scaling.then_some((agreed.snd_wind_shift, agreed.rcv_wind_shift)),
            sack: agreed.sack,
            timestamps: agreed.timestamps,
            timeouts: flow.timeouts,
            probes: flow.probes,
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

    /// The next segments with text are each acknowledged at once, and so is what waits to be; or none is any more.
    pub fn set_quick_acks(&mut self, id: ConnectionId, quick: bool) -> Result<(), CallError> {
        let index = self.users(id)?;
        let entry = self.connections.at_mut(index).ok_or(CallError::DoesNotExist)?;
        entry.connection.flow.acks.set_quick(quick);
        self.dirty.push(index);
        Ok(())
    }

    /// What the user has chosen for a connection, and what holds where he has not.
    pub fn settings(&self, id: ConnectionId) -> Result<Settings, CallError> {
        let entry = self.connections.at(self.users(id)?).ok_or(CallError::DoesNotExist)?;
        Ok(*entry.connection.flow.settings(&self.common))
    }

    /// The user chooses.
    pub fn set_settings(&mut self, now: Instant, id: ConnectionId, settings: Settings) -> Result<(), CallError> {
        let index = self.users(id)?;
        let entry = self.connections.at_mut(index).ok_or(CallError::DoesNotExist)?;
        entry.connection.set_settings(&self.common, now, settings);
        self.schedule(index);
        self.dirty.push(index);
        Ok(())
    }

    /// What holds for the connections that a listener will have.
    pub fn listener_settings(&self, listener: ListenerId) -> Result<Settings, CallError> {
        let listener = self.listeners.get(listener.0).ok_or(CallError::DoesNotExist)?;
        Ok(*listener.connection.flow.settings(&self.common))
    }

    /// The user of a listener chooses for all connections that it will have.
    pub fn set_listener_settings(
        &mut self,
        now: Instant,
        listener: ListenerId,
        settings: Settings,
    ) -> Result<(), CallError> {
        let listener = self.listeners.get_mut(listener.0).ok_or(CallError::DoesNotExist)?;
        listener.connection.set_settings(&self.common, now, settings);
        Ok(())
    }

    // ---- Who is meant, and what the table's word means --------------------------------------------------------------

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

    /// The children of a listener that are packed are connections again.
    fn wake_children(&mut self, listener: ListenerId) {
        let half_open = self.listeners.get(listener.0).map(|listener| listener.half_open.clone());
        for (_, place) in half_open.unwrap_or_default() {
            self.wake_half_open(place);
        }
    }

    /// Whether a connection of ours has this port. O(n), for the few who ask.
    fn is_used(&self, port: u16) -> bool {
        self.states().any(|(pair, state)| pair.local.port() == port && state != State::Closed)
    }

    fn free_port_to_listen(&mut self, local: SocketAddr) -> Result<SocketAddr, OpenError> {
        let listeners = &self.listeners;
        let port = self.ports.choose(None, |port| listeners.on_port(port).is_none());
        Ok(SocketAddr::new(local.ip(), port.ok_or(OpenError::NoPortFree)?))
    }

    fn free_pair(&mut self, local: SocketAddr, remote: SocketAddr) -> Result<Pair, OpenError> {
        let Self { listeners, demux, time_waits, half_open, ports, .. } = self;
        let with = |port| Pair { local: SocketAddr::new(local.ip(), port), remote };
        let is_bound = |pair: &Pair| {
            demux.find(pair).is_some() || time_waits.get(pair).is_some() || half_open.find(pair).is_some()
        };
        let is_free = |port| listeners.on_port(port).is_none() && !is_bound(&with(port));
        ports.choose(Some(remote), is_free).map(with).ok_or(OpenError::NoPortFree)
    }
}

/// The pair of a listener: nobody at the other end.
fn listener_pair(local: SocketAddr) -> Pair {
    Pair { local, remote: (std::net::Ipv4Addr::UNSPECIFIED, 0).into() }
}
