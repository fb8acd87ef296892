//! From a trace to what happened to each connection, in the words of RFC 9293 §3.10.

use super::decode::{Heard, NetworkError, Unheard, hear, hear_error};
use super::stamp::Stamp;
use crate::system::{Call, Descriptor, Errno, FourTuple, OptionValue, Output, Ret, ShutdownHow, SocketOption, State};
use crate::trace::{Trace, What};
use lockstep_model::{Flag, Segment, Seq};
use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

/// One connection's part of a trace.
#[derive(Clone, Debug)]
pub struct Story {
    /// The connection.
    pub connection: FourTuple,
    /// The system's initial sequence number, if it ever sent a SYN.
    pub iss: Vec<Seq>,
    /// What happened, in order.
    pub events: Vec<Happening>,
}

/// One thing that happened to a connection.
#[derive(Clone, Copy, Debug)]
pub struct Happening {
    /// When.
    pub at: Duration,
    /// Its place in the trace.
    pub index: usize,
    /// What.
    pub event: Happened,
}

/// What can happen to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A segment arrived; its window is scaled.
    Arrived(Segment<Seq>, Stamp),
    /// The system sent a segment; its window is scaled.
    Emitted(Segment<Seq>),
    /// Somebody listens on the local port from now on, or no longer.
    Listening(bool),
    /// The user's active OPEN.
    Opened,
    /// The user's SEND was accepted.
    Sent {
        /// So many octets of it.
        octets: u32,
        /// They are urgent.
        urgent: bool,
    },
    /// The user wants keep-alives from now on, or no longer (RFC 9293 §3.8.4).
    KeepsAlive(bool),
    /// The user gives the peer this long to acknowledge anything (RFC 9293 §3.8.3, RFC 5482).
    GivesUpAfter(Duration),
    /// A SYN of the system is sent again so many times at most, if somebody has said so (RFC 9293 §3.8.3, R2).
    RepeatsSyn(Option<u32>),
    /// The network says something about a segment of the system.
    Network(NetworkError),
    /// The user took so many octets.
    Received(u32),
    /// The user's CLOSE.
    Closed,
    /// The user is gone.
    Released,
    /// The user's ABORT, or the operator's.
    Aborted,
    /// The system says that the connection is in this state.
    Probed(State),
}

/// The stories of all connections in a trace.
///
/// # Errors
/// The place in the trace and the reason, when the system sent something malformed.
pub fn stories(trace: &Trace) -> Result<Vec<Story>, (usize, Unheard)> {
    let mut telling = Telling::new(trace)?;
    for index in 0..trace.observations.len() {
        telling.tell(index);
    }
    Ok(telling.finish())
}

/// What is known of a socket.
#[derive(Clone, Copy, Debug, Default)]
struct Socket {
    port: Option<u16>,
    listens: bool,
    connection: Option<FourTuple>,
    aborts_on_close: bool,
    keeps_alive: bool,
    repeats_syn: Option<u32>,
    /// The user has shut the receiving direction: being given nothing says nothing.
    deaf: bool,
}

struct Telling<'t> {
    trace: &'t Trace,
    /// The segments of the trace, by their places.
    heard: HashMap<usize, Heard>,
    /// What the calls returned, by their ids.
    returned: HashMap<u32, &'t Ret>,
    /// Window scales of the system and of its peer, where both offered one.
    scales: HashMap<FourTuple, (u8, u8)>,
    /// Connections whose SYNs both have timestamps.
    timed: HashSet<FourTuple>,
    sockets: HashMap<Descriptor, Socket>,
    events: HashMap<FourTuple, Vec<Happening>>,
    connections: Vec<FourTuple>,
}

impl<'t> Telling<'t> {
    /// Decodes first and looks ahead: a call's meaning may depend on what came of it.
    fn new(trace: &'t Trace) -> Result<Self, (usize, Unheard)> {
        let mut telling = Telling {
            trace,
            heard: HashMap::new(),
            returned: HashMap::new(),
            scales: HashMap::new(),
            timed: HashSet::new(),
            sockets: HashMap::new(),
            events: HashMap::new(),
            connections: Vec::new(),
        };
        for (index, observation) in trace.observations.iter().enumerate() {
            match &observation.what {
                What::Injected(datagram) => {
                    // What a TCP must ignore cannot be wrong to inject.
                    if let Ok(heard) = hear(datagram) {
                        telling.meet(heard.inbound());
                        telling.heard.insert(index, heard);
                    }
                }
                What::Sent(datagram) => match hear(datagram) {
                    Ok(heard) => {
                        telling.meet(heard.outbound());
                        telling.heard.insert(index, heard);
                    }
                    Err(Unheard::NotTcp) => {}
                    Err(unheard) => return Err((index, unheard)),
                },
                What::Returned { id, ret } => {
                    telling.returned.insert(*id, ret);
                }
                What::Called { .. } | What::Probed { .. } | What::Dropped(_) | What::Turned { .. } => {}
            }
        }
        telling.learn_options();
        Ok(telling)
    }

    fn meet(&mut self, connection: FourTuple) {
        if !self.connections.contains(&connection) {
            self.connections.push(connection);
            self.events.insert(connection, Vec::new());
        }
    }

    fn learn_options(&mut self) {
        for &connection in &self.connections {
            let syns = |of_system: bool| {
                let all = self.trace.observations.iter().enumerate().filter_map(|(index, observation)| {
                    let sent = matches!(observation.what, What::Sent(_));
                    let heard = self.heard.get(&index)?;
                    let whose = if sent { heard.outbound() } else { heard.inbound() };
                    (sent == of_system && whose == connection && heard.segment.has(Flag::Syn)).then_some(heard)
                });
                all.collect::<Vec<_>>()
            };
            let (own, peer) = (syns(true), syns(false));
            let scale = |syns: &[&Heard]| syns.iter().find_map(|heard| heard.window_scale);
            if let (Some(own), Some(peer)) = (scale(&own), scale(&peer)) {
                self.scales.insert(connection, (own, peer));
            }
            if [own, peer].iter().all(|syns| syns.iter().any(|heard| heard.timestamp.is_some())) {
                self.timed.insert(connection);
            }
        }
    }

    fn tell(&mut self, index: usize) {
        let observation = &self.trace.observations[index];
        match &observation.what {
            What::Injected(datagram) if !self.heard.contains_key(&index) => {
                if let Some((connection, error)) = hear_error(datagram) {
                    self.add(index, connection, Happened::Network(error));
                }
            }
            What::Injected(_) | What::Sent(_) => self.tell_segment(index),
            What::Called { id, call } => self.tell_call(index, *id, call),
            What::Returned { id, ret } => self.tell_return(index, *id, ret),
            What::Probed { connection, state } => self.add(index, *connection, Happened::Probed(*state)),
            // Who does it makes no difference to the connection.
            What::Dropped(connection) => self.add(index, *connection, Happened::Aborted),
            What::Turned { knob, value } => self.tell_knob(index, knob, value),
        }
    }

    /// How long a SYN,ACK is sent again is the operator's to say; of the SYN of an active OPEN this says nothing.
    fn tell_knob(&mut self, index: usize, knob: &str, value: &str) {
        if knob == "net.ipv4.tcp_synack_retries" {
            for connection in self.connections.clone() {
                self.add(index, connection, Happened::RepeatsSyn(value.parse().ok()));
            }
        }
    }

    fn tell_segment(&mut self, index: usize) {
        let Some(heard) = self.heard.get(&index) else { return };
        let sent = matches!(self.trace.observations[index].what, What::Sent(_));
        let connection = if sent { heard.outbound() } else { heard.inbound() };
        let (own, peer) = self.scales.get(&connection).copied().unwrap_or_default();
        // The window of a SYN is never scaled (RFC 7323 §2.2).
        let shift = if heard.segment.has(Flag::Syn) {
            0
        } else if sent {
            own
        } else {
            peer
        };
        let segment = Segment { wnd: heard.segment.wnd << shift, ..heard.segment };
        let stamp = match heard.timestamp {
            _ if !self.timed.contains(&connection) => Stamp::NotInUse,
            Some(value) => Stamp::Value(value),
            None => Stamp::Missing,
        };
        self.add(index, connection, if sent { Happened::Emitted(segment) } else { Happened::Arrived(segment, stamp) });
    }

    fn tell_call(&mut self, index: usize, id: u32, call: &Call) {
        let outcome = self.returned.get(&id).copied();
        let succeeded = matches!(outcome, Some(Ok(_)));
        match call {
            Call::Bind { fd, address } if succeeded => self.socket(*fd).port = Some(address.port()),
            Call::Listen { fd, .. } if succeeded => {
                self.socket(*fd).listens = true;
                self.tell_listening(index, *fd, true);
            }
            Call::Connect { fd, address } => self.tell_connect(index, *fd, *address, outcome),
            Call::Write { fd, data } | Call::SendTo { fd, data, .. } => {
                self.tell_send(index, *fd, data.len(), false, outcome);
            }
            Call::Send { fd, data, flags } => self.tell_send(index, *fd, data.len(), flags.out_of_band, outcome),
            Call::Shutdown { fd, how } if succeeded => self.tell_shutdown(index, *fd, *how),
            Call::SetSockOpt { fd, option, value } if succeeded => self.tell_option(index, *fd, *option, value),
            Call::Close { fd } => self.tell_close(index, *fd),
            Call::Socket
            | Call::Bind { .. }
            | Call::Listen { .. }
            | Call::Accept { .. }
            | Call::Read { .. }
            | Call::Recv { .. }
            | Call::Shutdown { .. }
            | Call::Fcntl { .. }
            | Call::Poll { .. }
            | Call::Ioctl { .. }
            | Call::GetSockOpt { .. }
            | Call::SetSockOpt { .. } => {}
        }
    }

    fn tell_option(&mut self, index: usize, fd: Descriptor, option: SocketOption, value: &OptionValue) {
        match (option, value) {
            (SocketOption::Linger, OptionValue::Linger { on, seconds }) => {
                self.socket(fd).aborts_on_close = *on && *seconds == 0;
            }
            (SocketOption::KeepAlive, OptionValue::Int(on)) => {
                self.socket(fd).keeps_alive = *on != 0;
                self.add_to(index, fd, Happened::KeepsAlive(*on != 0));
            }
            (SocketOption::UserTimeout, OptionValue::Int(milliseconds @ 1..)) => {
                let patience = Duration::from_millis(u64::from(milliseconds.unsigned_abs()));
                self.add_to(index, fd, Happened::GivesUpAfter(patience));
            }
            (SocketOption::SynCnt, OptionValue::Int(most)) => self.socket(fd).repeats_syn = u32::try_from(*most).ok(),
            _ => {}
        }
    }

    fn tell_return(&mut self, index: usize, id: u32, ret: &Ret) {
        let Ok(success) = ret else { return };
        let call = self.trace.observations[..index].iter().find_map(|observation| match &observation.what {
            What::Called { id: called, call } if *called == id => Some(call),
            What::Called { .. }
            | What::Injected(_)
            | What::Sent(_)
            | What::Returned { .. }
            | What::Probed { .. }
            | What::Dropped(_)
            | What::Turned { .. } => None,
        });
        match (call, &success.output) {
            (Some(Call::Accept { fd }), Output::Address(remote)) => {
                let Socket { port, keeps_alive, .. } = *self.socket(*fd);
                let connection = self
                    .connections
                    .iter()
                    .copied()
                    .find(|connection| connection.remote == *remote && Some(connection.local.port()) == port);
                if let Ok(accepted) = i32::try_from(success.value) {
                    let accepted = Descriptor(accepted);
                    self.sockets.insert(accepted, Socket { connection, keeps_alive, ..Socket::default() });
                    self.add_to(index, accepted, Happened::KeepsAlive(keeps_alive));
                }
            }
            (Some(Call::Read { fd, .. }), Output::Data(data)) => self.tell_receive(index, *fd, data.len()),
            (Some(Call::Recv { fd, flags, .. }), Output::Data(data)) if !flags.peek => {
                self.tell_receive(index, *fd, data.len());
            }
            _ => {}
        }
    }

    /// The local port of a connection that the user opens shows in the SYN that follows, if one does.
    fn tell_connect(&mut self, index: usize, fd: Descriptor, remote: SocketAddrV4, outcome: Option<&Ret>) {
        let refused_at_once =
            matches!(outcome, Some(Err(errno)) if *errno == Errno::EINVAL || *errno == Errno::EISCONN);
        if refused_at_once || self.socket(fd).connection.is_some() {
            return;
        }
        let syn = (index..self.trace.observations.len()).find_map(|later| {
            let heard = self.heard.get(&later)?;
            let sent = matches!(self.trace.observations[later].what, What::Sent(_));
            (sent && heard.destination == remote && heard.segment.has(Flag::Syn)).then(|| heard.outbound())
        });
        let unknown = FourTuple { local: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0), remote };
        let connection = syn.unwrap_or(unknown);
        self.meet(connection);
        self.socket(fd).connection = Some(connection);
        self.add(index, connection, Happened::Opened);
        let Socket { keeps_alive, repeats_syn, .. } = *self.socket(fd);
        self.add(index, connection, Happened::KeepsAlive(keeps_alive));
        self.add(index, connection, Happened::RepeatsSyn(repeats_syn));
    }

    fn tell_send(&mut self, index: usize, fd: Descriptor, length: usize, urgent: bool, outcome: Option<&Ret>) {
        let accepted = match outcome {
            Some(Ok(success)) => u32::try_from(success.value).unwrap_or(0),
            Some(Err(_)) => 0,
            // A call that never returns may have taken any part.
            None => u32::try_from(length).unwrap_or(u32::MAX),
        };
        if accepted > 0 {
            self.add_to(index, fd, Happened::Sent { octets: accepted, urgent });
        }
    }

    /// Shutting the receiving direction is between the user and his socket.
    fn tell_shutdown(&mut self, index: usize, fd: Descriptor, how: ShutdownHow) {
        self.socket(fd).deaf |= how.receiving();
        if how.sending() {
            self.add_to(index, fd, Happened::Closed);
        }
    }

    fn tell_receive(&mut self, index: usize, fd: Descriptor, length: usize) {
        if length == 0 && self.socket(fd).deaf {
            return;
        }
        self.add_to(index, fd, Happened::Received(u32::try_from(length).unwrap_or(u32::MAX)));
    }

    /// Closing a listener aborts what it has not handed over (RFC 9293 leaves that to the implementation).
    fn tell_close(&mut self, index: usize, fd: Descriptor) {
        let Some(socket) = self.sockets.remove(&fd) else { return };
        if socket.listens {
            let handed_over: Vec<_> = self.sockets.values().filter_map(|socket| socket.connection).collect();
            let waiting: Vec<_> = self
                .connections
                .iter()
                .copied()
                .filter(|connection| Some(connection.local.port()) == socket.port && !handed_over.contains(connection))
                .collect();
            self.sockets.insert(fd, socket);
            self.tell_listening(index, fd, false);
            self.sockets.remove(&fd);
            for connection in waiting {
                self.add(index, connection, Happened::Aborted);
            }
        } else if let Some(connection) = socket.connection {
            let event = if socket.aborts_on_close { Happened::Aborted } else { Happened::Released };
            self.add(index, connection, event);
        }
    }

    fn tell_listening(&mut self, index: usize, fd: Descriptor, listening: bool) {
        let port = self.socket(fd).port;
        let concerned: Vec<_> =
            self.connections.iter().copied().filter(|connection| Some(connection.local.port()) == port).collect();
        for connection in concerned {
            self.add(index, connection, Happened::Listening(listening));
        }
    }

    fn socket(&mut self, fd: Descriptor) -> &mut Socket {
        self.sockets.entry(fd).or_default()
    }

    fn add_to(&mut self, index: usize, fd: Descriptor, event: Happened) {
        if let Some(connection) = self.socket(fd).connection {
            self.add(index, connection, event);
        }
    }

    fn add(&mut self, index: usize, connection: FourTuple, event: Happened) {
        if let Some(events) = self.events.get_mut(&connection) {
            events.push(Happening { at: self.trace.observations[index].at, index, event });
        }
    }

    fn finish(mut self) -> Vec<Story> {
        let connections = std::mem::take(&mut self.connections);
        connections
            .into_iter()
            .map(|connection| {
                let events = self.events.remove(&connection).unwrap_or_default();
                let mut iss = Vec::new();
                for happening in &events {
                    if let Happened::Emitted(segment) = happening.event
                        && segment.has(Flag::Syn)
                        && !iss.contains(&segment.seq)
                    {
                        iss.push(segment.seq);
                    }
                }
                Story { connection, iss, events }
            })
            .collect()
    }
}
