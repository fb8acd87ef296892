//! The peer: what a script injects.

use std::borrow::Cow;
use std::io;

use super::Stop;
use super::conversation::{self, PEER_PORT};
use super::player::Player;
use super::rules::Normalisation;
use super::wire::icmp::Message;
use super::wire::{self, Segment, Unwritable};
use crate::script::{Flags, Icmp, Layer, Packet, Raw, SeqNumber, Sequence, Spoil};
use crate::system::{Fault, State};

impl Player<'_> {
    /// Sends a segment.
    pub(super) fn inject(&mut self, packet: &Packet, line: u32) -> Result<(), Stop> {
        let counts = packet.spoiled.iter().all(|spoil| matches!(spoil, Spoil::Reserved(_)));
        if counts && opens(packet.flags) {
            self.open(packet.sequence.start.unwrap_or(SeqNumber::relative(0)))?;
        }
        let packet = self.rebased(packet);
        let segment = self.conversation.segment(&packet);
        let mut datagram = wire::write(&segment).map_err(unwritable)?;
        if !packet.spoiled.is_empty() {
            datagram = wire::spoil(&datagram, segment.ip, &packet.spoiled).map_err(unwritable)?;
        }
        self.put(datagram, &segment, line)?;
        // What is to be thrown away is no part of the conversation.
        if counts {
            self.acks.injected(&segment);
            self.edge.injected(&packet);
        }
        Ok(())
    }

    /// Tells of a segment of the system what a router might, or the peer's host.
    pub(super) fn inject_icmp(&mut self, icmp: &Icmp, line: u32) -> Result<(), Stop> {
        let (Ok(numbers), Some(quoted)) = (icmp.numbers(), icmp.quoted) else { return Ok(()) };
        let model = self.conversation.quotable(quoted);
        let is_quoted = |segment: &&Segment| {
            segment.seq == model.seq && quoted.length.is_none_or(|length| segment.text.len() == usize::from(length))
        };
        let segment = self.heard.iter().rev().find(is_quoted).unwrap_or(&model);
        let message = Message {
            ip: conversation::ip(icmp.ip),
            kind: numbers.kind,
            code: numbers.code,
            mtu: icmp.mtu.map_or(0, |mtu| u16::try_from(mtu).unwrap_or(u16::MAX)),
            quoted: wire::write_sent(segment).map_err(unwritable)?,
        };
        let datagram = wire::icmp::write(&message).map_err(unwritable)?;
        let at = self.observer.inject(datagram, false, line)?;
        self.clock.set(at);
        Ok(())
    }

    /// Sends octets. What is a segment of the conversation all the same counts as one.
    pub(super) fn inject_raw(&mut self, raw: &Raw, line: u32) -> Result<(), Stop> {
        let system_port = self.conversation.connection().local.port();
        let datagram = match raw.layer {
            Layer::Datagram => raw.octets.clone(),
            Layer::Segment => wire::complete(&raw.octets, PEER_PORT, system_port).map_err(unwritable)?,
        };
        let segment = wire::read_injected(&datagram).ok().filter(|segment| self.conversation.includes(segment));
        let Some(segment) = segment else {
            let at = self.observer.inject(datagram, false, line)?;
            self.clock.set(at);
            return Ok(());
        };
        if opens(segment.flags) {
            self.open(SeqNumber { value: segment.seq, absolute: true })?;
        }
        self.put(datagram, &segment, line)?;
        self.acks.injected(&segment);
        Ok(())
    }

    fn put(&mut self, datagram: Vec<u8>, segment: &Segment, line: u32) -> Result<(), Stop> {
        let elicits = !segment.text.is_empty() || segment.flags.contains(Flags::FIN);
        let at = self.observer.inject(datagram, elicits, line)?;
        self.clock.set(at);
        Ok(())
    }

    /// The peer is about to send a SYN with this number.
    fn open(&mut self, number: SeqNumber) -> Result<(), Stop> {
        match self.observer.peek(self.conversation.connection())? {
            State::Closed | State::Listen | State::TimeWait => self.conversation.opens_passively(number),
            State::SynSent => self.conversation.answers(number),
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck => {}
        }
        Ok(())
    }

    /// The packet, at the edge of the system's window if it is written to lie there.
    fn rebased<'p>(&mut self, packet: &'p Packet) -> Cow<'p, Packet> {
        let moved = packet.sequence.start.filter(|_| self.rules.rebase).and_then(|start| self.edge.rebased(start));
        let Some(start) = moved else { return Cow::Borrowed(packet) };
        self.normalised.insert(Normalisation::Rebased);
        Cow::Owned(Packet { sequence: Sequence { start: Some(start), ..packet.sequence }, ..packet.clone() })
    }
}

/// Whether a segment with these flags may open a connection.
fn opens(flags: Flags) -> bool {
    flags.contains(Flags::SYN) && !flags.contains(Flags::RST)
}

fn unwritable(error: Unwritable) -> Fault {
    Fault::Harness { doing: "write a datagram", error: io::Error::other(error) }
}
