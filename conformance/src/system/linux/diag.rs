//! The kernel's own word on the state of a connection: sock_diag(7).

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};

use netlink_packet_core::NLM_F_DUMP;
use netlink_packet_sock_diag::constants::{
    IPPROTO_TCP, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_CLOSING, TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_LAST_ACK,
    TCP_LISTEN, TCP_SYN_RECV, TCP_SYN_SENT, TCP_TIME_WAIT,
};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
use netlink_packet_sock_diag::{AF_INET, SockDiagDestroy, SockDiagMessage};

use super::netlink::Netlink;
use crate::system::{FourTuple, State};

/// A question about exactly one connection, open in one network namespace.
pub(super) struct SockDiag {
    netlink: Netlink,
}

impl SockDiag {
    /// Opens it in the calling thread's network namespace, where there must be no TCP socket yet.
    pub(super) fn open() -> io::Result<Self> {
        let netlink = Netlink::open(netlink_sys::protocols::NETLINK_SOCK_DIAG)?;
        // A kernel without tcp_diag says of every connection what it says of one that is not there. The list of all,
        // still empty, tells the difference; asking for it also loads the module.
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        netlink.ask(request(FourTuple { local: any, remote: any }), NLM_F_DUMP)?;
        Ok(Self { netlink })
    }

    /// The state of the socket that a segment of this connection would be given to. The kernel looks it up just as it
    /// does for a segment, so requests in SYN-RECEIVED, connections in TIME-WAIT and listeners are found too; none is
    /// CLOSED.
    pub(super) fn state(&self, connection: FourTuple) -> io::Result<State> {
        match self.netlink.ask(request(connection), 0) {
            Ok(Some(SockDiagMessage::InetResponse(response))) => state(response.header.state),
            Ok(_) => Err(io::Error::other("sock_diag answered without a socket")),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(State::Closed),
            Err(error) => Err(error),
        }
    }

    /// Ends the connection, `SOCK_DESTROY`. A listener that would take its segments is not meant.
    pub(super) fn destroy(&self, connection: FourTuple) -> io::Result<()> {
        match self.state(connection)? {
            State::Closed | State::Listen => Ok(()),
            State::SynSent
            | State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => self.netlink.tell(SockDiagDestroy::new(request(connection)), 0),
        }
    }
}

fn request(connection: FourTuple) -> SockDiagMessage {
    SockDiagMessage::InetRequest(InetRequest {
        family: AF_INET,
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::empty(),
        states: StateFlags::all(),
        socket_id: SocketId {
            source_port: connection.local.port(),
            destination_port: connection.remote.port(),
            source_address: IpAddr::V4(*connection.local.ip()),
            destination_address: IpAddr::V4(*connection.remote.ip()),
            interface_id: 0,
            // INET_DIAG_NOCOOKIE: we know the connection by its addresses only.
            cookie: [0xff; 8],
        },
    })
}

/// The numbers of `net/tcp_states.h`. TCP_CLOSE is a socket without a connection.
fn state(number: u8) -> io::Result<State> {
    match number {
        TCP_ESTABLISHED => Ok(State::Established),
        TCP_SYN_SENT => Ok(State::SynSent),
        TCP_SYN_RECV => Ok(State::SynReceived),
        TCP_FIN_WAIT1 => Ok(State::FinWait1),
        TCP_FIN_WAIT2 => Ok(State::FinWait2),
        TCP_TIME_WAIT => Ok(State::TimeWait),
        TCP_CLOSE => Ok(State::Closed),
        TCP_CLOSE_WAIT => Ok(State::CloseWait),
        TCP_LAST_ACK => Ok(State::LastAck),
        TCP_LISTEN => Ok(State::Listen),
        TCP_CLOSING => Ok(State::Closing),
        unknown => Err(io::Error::other(format!("sock_diag told the unknown state {unknown}"))),
    }
}
