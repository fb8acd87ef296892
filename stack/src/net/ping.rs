//! Asking whether a host is there.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use crate::drive::{Bell, EchoSeat, Handle};

/// Sends ICMP echo requests, one at a time, and waits for the replies.
#[derive(Debug)]
pub struct Pinger {
    handle: Handle,
    identifier: u16,
    bell: Bell,
}

/// The answer to an echo request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoReply {
    /// Who answered.
    pub from: IpAddr,
    /// Which request.
    pub sequence: u16,
    /// Octets of data that came back.
    pub len: usize,
    /// How long it took.
    pub time: Duration,
}

impl Pinger {
    /// A pinger whose requests have an identifier that no other pinger of this stack uses.
    ///
    /// # Errors
    /// `AddrInUse` if all are in use, `NetworkDown` if the stack is not driven any more.
    pub fn new(stack: &Handle) -> io::Result<Self> {
        let bell = Bell::default();
        let identifier = stack.call(|station, _| {
            let free = (1..=u16::MAX).find(|identifier| !station.echoes.contains_key(identifier))?;
            station.echoes.insert(free, EchoSeat { bell: Bell::clone(&bell), heard: None });
            Some(free)
        })?;
        let identifier = identifier.ok_or(io::ErrorKind::AddrInUse)?;
        Ok(Self { handle: stack.clone(), identifier, bell })
    }

    /// Sends one request with `data` to `destination` and waits for the reply, at most `timeout`; `None` if it did not
    /// come. Replies to earlier requests are passed over.
    ///
    /// # Errors
    /// `InvalidInput` for an address that no single other host has, `NetworkUnreachable` if there is no route,
    /// `NetworkDown` if the stack is not driven any more.
    pub fn ping(
        &mut self,
        destination: IpAddr,
        sequence: u16,
        data: &[u8],
        timeout: Duration,
    ) -> io::Result<Option<EchoReply>> {
        let asked_at = self.handle.call(|station, now| {
            station.stack.ping(now, destination, self.identifier, sequence, data)?;
            Ok::<_, io::Error>(now)
        })??;
        let reply = self.handle.wait(&self.bell, Some(timeout), |station, _| {
            let heard = station.echoes.get_mut(&self.identifier)?.heard.take()?;
            let time = heard.at.since(asked_at).into();
            (heard.sequence == sequence).then_some(EchoReply { from: heard.from, sequence, len: heard.len, time })
        })?;
        Ok(reply)
    }
}

impl Drop for Pinger {
    fn drop(&mut self) {
        self.handle.tidy(|station, _| station.echoes.remove(&self.identifier));
    }
}
