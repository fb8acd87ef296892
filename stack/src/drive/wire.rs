//! For tests: a pipe between two drivers, with a descriptor to wait for.

use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use lockstep_model::Table;

use crate::device::{Device, DeviceError, Pipe, Sent};
use crate::stack::{Config, Stack};
use crate::time::{Instant, Micros};

use super::Driver;

/// One end of a [`Pipe`] that rings at the other end when it sends.
#[derive(Debug)]
pub(crate) struct Wire {
    pipe: Pipe,
    bell: UnixStream,
}

impl Wire {
    pub(crate) fn pair() -> (Self, Self) {
        let (near, far) = Pipe::pair(1500, 1024);
        let (here, there) = UnixStream::pair().unwrap();
        for bell in [&here, &there] {
            bell.set_nonblocking(true).unwrap();
        }
        (Self { pipe: near, bell: here }, Self { pipe: far, bell: there })
    }
}

impl Device for Wire {
    fn recv(&mut self, now: Instant, buf: &mut [u8]) -> Result<Option<usize>, DeviceError> {
        // First the bell, then the pipe: a frame that comes in between has rung.
        let _ = self.bell.read(&mut [0; 4096]);
        self.pipe.recv(now, buf)
    }

    fn send(&mut self, now: Instant, frame: &[u8]) -> Result<Sent, DeviceError> {
        let sent = self.pipe.send(now, frame)?;
        let _ = self.bell.write(&[0]);
        Ok(sent)
    }

    fn mtu(&self) -> usize {
        self.pipe.mtu()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.bell.as_fd())
    }
}

/// The client's address, and the server's.
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

pub(crate) fn stack(address: Ipv4Addr) -> Stack {
    let mut config = Config::new(address, 24);
    // The wire loses nothing: what is not acknowledged was not received yet.
    config.tcp.rto.min = Micros::from_secs(30);
    config.tcp.acks.delay = Micros::from_millis(1);
    Stack::new(config, Table::repaired(), [address.octets()[3]; 16]).unwrap()
}

/// The drivers of a client and of a server, who are neighbours.
pub(crate) fn neighbours() -> (Driver<Wire>, Driver<Wire>) {
    let (near, far) = Wire::pair();
    (Driver::spawn(stack(CLIENT), near).unwrap(), Driver::spawn(stack(SERVER), far).unwrap())
}
