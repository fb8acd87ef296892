//! Blocking sockets on a stack of our own, with the names, meanings and [`io::ErrorKind`]s of
//! [`std::net`].
//!
//! What differs is that there is no global network: whoever opens a socket says on which stack, by the
//! [`Handle`](crate::drive::Handle) of the [`Driver`](crate::drive::Driver) that runs it. When the driver ends, every call
//! fails with [`NetworkDown`](std::io::ErrorKind::NetworkDown).
//!
//! ```no_run
//! use lockstep::net::{TcpListener, TcpStream};
//! use std::io::{Read, Write};
//!
//! fn greet(stack: &lockstep::drive::Handle) -> std::io::Result<()> {
//!     let mut stream = TcpStream::connect(stack, "192.0.2.1:80")?;
//!     stream.write_all(b"hello")?;
//!     stream.shutdown(std::net::Shutdown::Write)?;
//!     let mut answer = String::new();
//!     stream.read_to_string(&mut answer)?;
//!     Ok(())
//! }
//! ```

mod error;
mod listener;
mod ping;
mod stream;

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

pub use listener::{Incoming, TcpListener};
pub use ping::{EchoReply, Pinger};
pub use stream::TcpStream;

/// Tries one address after the other, as `std::net` does: the first success counts, else the last failure.
fn each_address<A: ToSocketAddrs, T>(
    addresses: A,
    mut attempt: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let nothing = || io::Error::new(io::ErrorKind::InvalidInput, "could not resolve to any addresses");
    let mut outcome = Err(nothing());
    for address in addresses.to_socket_addrs()? {
        outcome = attempt(address);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

#[cfg(test)]
mod tests;
