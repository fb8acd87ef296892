//! One question and its answer over netlink.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader, NetlinkMessage, NetlinkPayload, NetlinkSerializable,
};
use netlink_sys::{Socket, SocketAddr};

/// Far more than any answer to one question about one object.
const ANSWER: usize = 16 * 1024;

/// A netlink socket in the network namespace where it was opened.
pub(super) struct Netlink {
    socket: Socket,
}

impl Netlink {
    pub(super) fn open(protocol: isize) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket })
    }

    /// Asks the kernel for one thing, or with `NLM_F_DUMP` for the first of many. `Ok(None)` is a bare acknowledgment,
    /// or the end of an empty list. An error carries the kernel's errno.
    pub(super) fn ask<M>(&self, message: M, flags: u16) -> io::Result<Option<M>>
    where
        M: NetlinkSerializable + NetlinkDeserializable,
    {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        let mut packet = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
        packet.finalize();
        let mut bytes = vec![0; packet.buffer_len()];
        packet.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;
        self.answer()
    }

    /// Tells the kernel to do one thing, and waits until it is done.
    pub(super) fn tell<M>(&self, message: M, flags: u16) -> io::Result<()>
    where
        M: NetlinkSerializable + NetlinkDeserializable,
    {
        self.ask(message, NLM_F_ACK | flags).map(drop)
    }

    /// Both families answer before `send` returns, so an answer that is not there never comes.
    fn answer<M: NetlinkDeserializable>(&self) -> io::Result<Option<M>> {
        let mut bytes = Vec::with_capacity(ANSWER);
        self.socket.recv(&mut bytes, libc::MSG_DONTWAIT)?;
        let packet = NetlinkMessage::<M>::deserialize(&bytes).map_err(io::Error::other)?;
        match packet.payload {
            NetlinkPayload::InnerMessage(message) => Ok(Some(message)),
            NetlinkPayload::Done(_) => Ok(None),
            NetlinkPayload::Error(error) if error.code.is_none() => Ok(None),
            NetlinkPayload::Error(error) => Err(error.to_io()),
            _ => Err(io::Error::other("netlink answered with a message of no use")),
        }
    }
}
