//! What is ready: poll(2) and the ioctls of tcp(7).

use std::time::Duration;

use ::lockstep::stack::{Stack, Status};
use ::lockstep::time::Instant;

use super::caller::Caller;
use super::{Socket, What};
use crate::system::posix::{Done, Refusal};
use crate::system::{Descriptor, Errno, IoctlRequest, Output, PollEvents, PollFd, State, Success};

impl Caller<'_> {
    /// What is ready now; none at all is for those who do not wait.
    pub(super) fn poll(&mut self, fds: &[PollFd], timeout: Option<Duration>) -> Done {
        let mut ready = Vec::new();
        for PollFd { fd, events } in fds {
            let always = PollEvents::ERR | PollEvents::HUP | PollEvents::NVAL;
            let seen = match self.sockets.get(*fd) {
                Ok(socket) => socket.events(self.stack, self.now),
                // One less than zero stands for none at all.
                Err(_) if fd.0 < 0 => PollEvents::NONE,
                Err(_) => PollEvents::NVAL,
            };
            ready.push(seen.both(*events | always));
        }
        let count = ready.iter().filter(|events| **events != PollEvents::NONE).count();
        if count == 0 && timeout != Some(Duration::ZERO) {
            return Err(Refusal::Wait);
        }
        Ok(Success { output: Output::Poll(ready), ..Success::octets(count) })
    }

    /// How much waits, on either side.
    pub(super) fn ask(&mut self, fd: Descriptor, request: IoctlRequest) -> Done {
        let status = match self.sockets.get(fd)?.what {
            What::Listener(_) => return Err(Errno::EINVAL.into()),
            What::Idle => None,
            What::Connection { id, .. } => self.stack.status(self.now, id).ok(),
        };
        let count = status.map_or(0, |status| match request {
            IoctlRequest::Unread => status.unread,
            IoctlRequest::Unacknowledged => status.unacknowledged,
            IoctlRequest::Unsent => status.unsent,
            IoctlRequest::AtMark => usize::from(status.urgent_ahead == Some(0)),
        });
        Ok(Success { value: 0, output: Output::Number(i32::try_from(count).unwrap_or(i32::MAX)) })
    }
}

const READABLE: PollEvents = PollEvents(PollEvents::IN.0 | PollEvents::RDNORM.0);
const WRITABLE: PollEvents = PollEvents(PollEvents::OUT.0 | PollEvents::WRNORM.0);

impl Socket {
    /// All that poll can say of it, as Linux says it.
    fn events(&self, stack: &mut Stack, now: Instant) -> PollEvents {
        match self.what {
            What::Idle => WRITABLE | PollEvents::HUP,
            // Looking is accepting in a copy of the world.
            What::Listener(listener) => match stack.clone().accept(listener) {
                Ok(Some(_)) => READABLE,
                Ok(None) | Err(_) => PollEvents::NONE,
            },
            What::Connection { id, .. } => match stack.status(now, id) {
                Ok(status) => self.of_connection(&status),
                Err(_) => READABLE | WRITABLE | PollEvents::HUP,
            },
        }
    }

    fn of_connection(&self, status: &Status) -> PollEvents {
        let (open, writes) = match status.state {
            State::Listen | State::SynSent | State::SynReceived => return PollEvents::NONE,
            State::Established => (true, true),
            State::FinWait1 | State::FinWait2 => (true, false),
            State::CloseWait => (false, true),
            State::Closed | State::Closing | State::LastAck | State::TimeWait => (false, false),
        };
        let reads = open && !self.deaf;
        let failed = status.failure.is_some() && !self.told;
        let events = [
            (status.unread > 0 || !reads, READABLE),
            (!reads, PollEvents::RDHUP),
            (status.room > 0 || !writes, WRITABLE),
            (!reads && !writes, PollEvents::HUP),
            (failed, PollEvents::ERR),
            (status.urgent_ahead.is_some_and(|ahead| ahead > 0), PollEvents::PRI),
        ];
        events.into_iter().filter(|(so, _)| *so).fold(PollEvents::NONE, |all, (_, events)| all | events)
    }

    /// Whether more is to come of what a read waits for.
    pub(super) fn waits_for(&self, stack: &mut Stack, now: Instant, length: usize) -> bool {
        let What::Connection { id, .. } = self.what else { return false };
        stack.status(now, id).is_ok_and(|status| {
            let more = matches!(status.state, State::Established | State::FinWait1 | State::FinWait2) && !self.deaf;
            more && status.unread < length
        })
    }
}
