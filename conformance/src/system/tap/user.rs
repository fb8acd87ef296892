//! The user that a service plays: what its calls return, as far as the wire tells.

use std::collections::BTreeSet;
use std::net::SocketAddrV4;

use lockstep_model::{Seq, SeqNum};

use crate::run::wire::Segment;
use crate::run::{PEER_PORT, SYSTEM_PORT};
use crate::script::Flags;
use crate::system::posix::Attempt;
use crate::system::{Call, Descriptor, Errno, Output, PEER_ADDRESS, SocketOption, State, Success, Unsupported};

/// More text than any script sends.
const MOST_TEXT: usize = 1 << 20;

/// The user, and the connection as the wire shows it.
#[derive(Default)]
pub(super) struct User {
    opened: i32,
    listens: bool,
    nonblocking: BTreeSet<Descriptor>,
    accepted: Option<Descriptor>,
    connection: Option<Connection>,
    /// How many octets were read.
    read: usize,
    written: usize,
}

/// A connection.
struct Connection {
    /// The number of the peer's SYN.
    irs: Seq,
    /// The number of the system's SYN, once it has sent it.
    iss: Option<Seq>,
    established: bool,
    /// What the peer has sent, as far as it is known.
    text: Vec<Option<u8>>,
    /// Where its text ends.
    end: Option<usize>,
    /// The next number that the system expects, as it has told.
    acknowledged: Seq,
}

impl User {
    /// The peer sends this to the service.
    pub(super) fn injected(&mut self, segment: &Segment) {
        let has = |flag| segment.flags.contains(flag);
        let seq = Seq::new(segment.seq);
        if segment.system_port != SYSTEM_PORT || segment.peer_port != PEER_PORT {
            return;
        }
        if has(Flags::SYN) && !has(Flags::ACK) && !has(Flags::RST) && self.connection.is_none() && self.listens {
            let mut connection = Connection::new(seq);
            connection.take(seq.plus(1), &segment.text, has(Flags::FIN));
            self.connection = Some(connection);
            return;
        }
        let Some(connection) = &mut self.connection else { return };
        if has(Flags::RST) {
            if seq == connection.acknowledged {
                self.connection = None;
            }
        } else if has(Flags::ACK) && !has(Flags::SYN) {
            connection.established |= connection.iss.is_some_and(|iss| iss.plus(1) == Seq::new(segment.ack));
            connection.take(seq, &segment.text, has(Flags::FIN));
        }
    }

    /// The service sends this.
    pub(super) fn heard(&mut self, segment: &Segment) {
        let Some(connection) = &mut self.connection else { return };
        if segment.system_port == SYSTEM_PORT && segment.peer_port == PEER_PORT && segment.flags.contains(Flags::ACK) {
            if segment.flags.contains(Flags::SYN) {
                connection.iss = Some(Seq::new(segment.seq));
            }
            connection.acknowledged = Seq::new(segment.ack);
        }
    }

    /// The number at which a reset ends what is left of the connection.
    pub(super) fn reset_at(&self) -> Option<u32> {
        self.connection.as_ref().filter(|connection| connection.iss.is_some()).map(|it| it.acknowledged.raw())
    }

    /// In which state a SYN meets the service, as far as it decides what the SYN is: one that opens, or one that does
    /// not.
    pub(super) fn state(&self) -> State {
        match &self.connection {
            Some(connection) if connection.established => State::Established,
            Some(_) => State::SynReceived,
            None if self.listens => State::Listen,
            None => State::Closed,
        }
    }

    /// Makes a call, for the first time or again.
    ///
    /// # Errors
    /// [`Unsupported`] if no service makes such calls.
    pub(super) fn attempt(&mut self, call: &Call) -> Result<Attempt, Unsupported> {
        let success = match call {
            Call::Accept { fd } => return Ok(self.accept().map_or_else(|| self.wait(*fd), returned)),
            Call::Read { fd, length } => {
                return Ok(self.receive(*length, false).map_or_else(|| self.wait(*fd), returned));
            }
            Call::Recv { flags, length, .. } if flags.dont_wait => {
                let again = Attempt::Returned(Err(Errno::EAGAIN));
                return Ok(self.receive(*length, flags.peek).map_or(again, returned));
            }
            Call::Recv { fd, length, flags } => {
                return Ok(self.receive(*length, flags.peek).map_or_else(|| self.wait(*fd), returned));
            }
            Call::Socket => Success::value(self.open().0),
            Call::Bind { .. } | Call::SetSockOpt { option: SocketOption::ReuseAddr, .. } => Success::value(0),
            Call::Listen { .. } => {
                self.listens = true;
                Success::value(0)
            }
            Call::Fcntl { fd, control } => {
                let mut is_nonblocking = self.nonblocking.remove(fd);
                let success = control.apply(&mut is_nonblocking);
                self.nonblocking.extend(is_nonblocking.then_some(*fd));
                success
            }
            Call::Send { data, .. } | Call::Write { data, .. } => self.echo(data.len())?,
            Call::Close { fd } => self.close(*fd)?,
            Call::Connect { .. }
            | Call::SendTo { .. }
            | Call::Poll { .. }
            | Call::Ioctl { .. }
            | Call::Shutdown { .. }
            | Call::GetSockOpt { .. }
            | Call::SetSockOpt { .. } => return Err(no("user who makes such calls")),
        };
        Ok(returned(success))
    }

    /// A call that cannot be done at once.
    fn wait(&self, fd: Descriptor) -> Attempt {
        if self.nonblocking.contains(&fd) { Attempt::Returned(Err(Errno::EAGAIN)) } else { Attempt::Blocked }
    }

    /// As if the standard streams were open.
    fn open(&mut self) -> Descriptor {
        self.opened += 1;
        Descriptor(2 + self.opened)
    }

    fn accept(&mut self) -> Option<Success> {
        let is_new = self.accepted.is_none() && self.connection.as_ref().is_some_and(|it| it.established);
        let fd = is_new.then(|| self.open())?;
        self.accepted = Some(fd);
        let peer = SocketAddrV4::new(PEER_ADDRESS, PEER_PORT);
        Some(Success { value: fd.0.into(), output: Output::Address(peer) })
    }

    /// What the service has read by now: all that the system has acknowledged.
    fn receive(&mut self, length: usize, peek: bool) -> Option<Success> {
        let connection = self.connection.as_ref()?;
        let arrived = connection.arrived();
        let data: Vec<u8> = connection.text.get(self.read..arrived)?.iter().flatten().take(length).copied().collect();
        let is_over = connection.end == Some(self.read) && connection.has_acknowledged_the_end();
        if data.is_empty() && length > 0 && !is_over {
            return None;
        }
        if !peek {
            self.read += data.len();
        }
        let octets = Success::octets(data.len());
        Some(Success { output: Output::Data(data), ..octets })
    }

    /// The service writes what it reads, and nothing else.
    fn echo(&mut self, length: usize) -> Result<Success, Unsupported> {
        self.written += length;
        let sent = self.connection.as_ref().map_or(0, |connection| connection.text.len());
        if self.written > sent {
            return Err(no("user who writes something else than he reads"));
        }
        Ok(Success::octets(length))
    }

    /// The service closes when its peer has, after it has read everything.
    fn close(&mut self, fd: Descriptor) -> Result<Success, Unsupported> {
        let has_read_all = self.connection.as_ref().is_some_and(|connection| connection.end == Some(self.read));
        if self.accepted != Some(fd) || !has_read_all {
            return Err(no("user who closes before he has read everything"));
        }
        Ok(Success::value(0))
    }
}

impl Connection {
    fn new(irs: Seq) -> Self {
        Self { irs, iss: None, established: false, text: Vec::new(), end: None, acknowledged: irs }
    }

    /// Takes in text from the peer, and where it ends.
    fn take(&mut self, seq: Seq, text: &[u8], fin: bool) {
        let Ok(first) = usize::try_from(seq.since(self.irs.plus(1))) else { return };
        let after = first + text.len();
        if after > MOST_TEXT {
            return;
        }
        if self.text.len() < after {
            self.text.resize(after, None);
        }
        for (place, octet) in self.text[first..after].iter_mut().zip(text) {
            *place = Some(*octet);
        }
        if fin {
            self.end = Some(after);
        }
    }

    /// How much of the text has been acknowledged.
    fn arrived(&self) -> usize {
        usize::try_from(self.acknowledged.since(self.irs.plus(1))).unwrap_or(0).min(self.text.len())
    }

    fn has_acknowledged_the_end(&self) -> bool {
        let acknowledged = usize::try_from(self.acknowledged.since(self.irs.plus(1)));
        self.end.is_some_and(|end| acknowledged.is_ok_and(|acknowledged| acknowledged > end))
    }
}

fn returned(success: Success) -> Attempt {
    Attempt::Returned(Ok(success))
}

fn no(what: &'static str) -> Unsupported {
    Unsupported::Call { what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::wire::Ip;
    use crate::system::MessageFlags;
    use crate::system::Ret;

    const LISTENER: Descriptor = Descriptor(3);

    fn segment(flags: Flags, seq: u32, ack: u32, text: &[u8]) -> Segment {
        Segment {
            system_port: SYSTEM_PORT,
            peer_port: PEER_PORT,
            flags,
            seq,
            ack,
            window: 0,
            urgent: 0,
            ip: Ip::default(),
            options: Vec::new(),
            text: text.to_vec(),
        }
    }

    /// A user who has accepted a connection whose peer counts from 100 and whose system from 500.
    fn connected() -> User {
        let mut user = User::default();
        for call in [Call::Socket, Call::Listen { fd: LISTENER, backlog: 1 }] {
            assert!(matches!(user.attempt(&call), Ok(Attempt::Returned(Ok(_)))));
        }
        assert_eq!(user.state(), State::Listen);
        user.injected(&segment(Flags::SYN, 100, 0, b""));
        assert!(matches!(user.attempt(&Call::Accept { fd: LISTENER }), Ok(Attempt::Blocked)));
        user.heard(&segment(Flags::SYN.with(Flags::ACK), 500, 101, b""));
        assert_eq!(user.state(), State::SynReceived);
        user.injected(&segment(Flags::ACK, 101, 501, b""));
        assert_eq!(user.state(), State::Established);
        assert!(matches!(user.attempt(&Call::Accept { fd: LISTENER }), Ok(Attempt::Returned(Ok(_)))));
        user
    }

    fn read(user: &mut User) -> Option<Ret> {
        let flags = MessageFlags { dont_wait: true, ..MessageFlags::NONE };
        match user.attempt(&Call::Recv { fd: Descriptor(4), length: 100, flags }) {
            Ok(Attempt::Returned(ret)) => Some(ret),
            Ok(Attempt::Blocked) | Err(_) => None,
        }
    }

    fn data(text: &[u8]) -> Option<Ret> {
        let value = i64::try_from(text.len()).expect("short");
        Some(Ok(Success { value, output: Output::Data(text.to_vec()) }))
    }

    /// What is read is what the system has acknowledged, in whatever order it came.
    #[test]
    fn a_service_reads_what_is_acknowledged() {
        let mut user = connected();
        user.injected(&segment(Flags::ACK, 104, 501, b"def"));
        user.heard(&segment(Flags::ACK, 501, 101, b""));
        assert_eq!(read(&mut user), Some(Err(Errno::EAGAIN)));
        user.injected(&segment(Flags::ACK, 101, 501, b"abc"));
        assert_eq!(read(&mut user), Some(Err(Errno::EAGAIN)), "not acknowledged yet");
        user.heard(&segment(Flags::ACK, 501, 107, b""));
        assert_eq!(read(&mut user), data(b"abcdef"));
    }

    #[test]
    fn a_service_closes_when_it_has_read_everything_and_not_before() {
        let mut user = connected();
        let close = Call::Close { fd: Descriptor(4) };
        assert!(user.attempt(&close).is_err());
        user.injected(&segment(Flags::ACK.with(Flags::FIN), 101, 501, b"abc"));
        user.heard(&segment(Flags::ACK, 501, 105, b""));
        assert!(user.attempt(&close).is_err(), "three octets are unread");
        assert_eq!(read(&mut user), data(b"abc"));
        assert_eq!(read(&mut user), data(b""), "the end");
        assert!(matches!(user.attempt(&close), Ok(Attempt::Returned(Ok(_)))));
    }

    #[test]
    fn a_service_writes_what_it_was_sent_and_no_more() {
        let mut user = connected();
        user.injected(&segment(Flags::ACK, 101, 501, b"abc"));
        let write = |data: &[u8]| Call::Write { fd: Descriptor(4), data: data.to_vec() };
        assert!(matches!(user.attempt(&write(b"abc")), Ok(Attempt::Returned(Ok(_)))));
        assert!(user.attempt(&write(b"d")).is_err());
        assert_eq!(user.reset_at(), Some(101));
        user.injected(&segment(Flags::RST, 101, 0, b""));
        assert_eq!((user.state(), user.reset_at()), (State::Listen, None), "nothing is left to be reset");
    }
}
