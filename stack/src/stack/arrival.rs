//! The way of a frame through the layers: Ethernet, then ARP or IPv4, then ICMP or TCP.

use std::net::Ipv4Addr;

use lockstep_model::{Seq, SeqNum};

use super::{Event, Pair, Stack};
use crate::drops::DropReason;
use crate::ip::icmp::Quoted;
use crate::ip::{HEADROOM, Undelivered, write_headers};
use crate::tcp::Conveyance;
use crate::time::Instant;
use crate::wire::{
    ArpPacket, Checksum, EtherType, EthernetFrame, Icmpv4Message, Ipv4Packet, MacAddr, Protocol, SourceRoute,
    TcpSegment, UnreachableCode, Way, ethernet,
};

impl Stack {
    pub(super) fn ethernet(&mut self, now: Instant, bytes: &[u8]) -> Result<(), DropReason> {
        let frame = EthernetFrame::parse(bytes)?;
        let for_us = frame.destination() == self.interface.mac();
        match frame.ethertype() {
            EtherType::ARP if for_us || frame.destination() == MacAddr::BROADCAST => {
                let packet = ArpPacket::parse(frame.payload())?;
                if !self.interface.is_other_host(packet.sender_ip) && packet.sender_ip != self.interface.address() {
                    return Err(DropReason::ArpBadSender);
                }
                self.link.input(now, &packet, &mut self.drops)
            }
            EtherType::IPV4 if for_us => self.ipv4(now, frame.payload()),
            EtherType::ARP | EtherType::IPV4 => Err(DropReason::NotOurFrame),
            EtherType(_) => Err(DropReason::UnknownEtherType),
        }
    }

    fn ipv4(&mut self, now: Instant, bytes: &[u8]) -> Result<(), DropReason> {
        let packet = Ipv4Packet::parse(bytes, Checksum::Verify)?;
        self.interface.admit(&packet)?;
        if packet.is_fragment() {
            return Err(DropReason::Fragment);
        }
        let return_route = match SourceRoute::read(packet.options()) {
            Way::Any => None,
            Way::Complete(route) if self.source_routes => Some(route),
            Way::Complete(_) | Way::Onward(_) => return Err(DropReason::SourceRouted),
        };
        match packet.protocol() {
            Protocol::TCP => {
                let segment = TcpSegment::parse(packet.payload(), packet.pseudo_header(), Checksum::Verify)?;
                let pair = Pair {
                    local: (packet.destination(), segment.destination_port()).into(),
                    remote: (packet.source(), segment.source_port()).into(),
                };
                self.tcp.input(now, pair, &segment, Conveyance { dscp_ecn: packet.dscp_ecn(), return_route })
            }
            Protocol::ICMP => self.icmp(now, &packet),
            Protocol(_) => Err(DropReason::UnknownProtocol),
        }
    }

    fn icmp(&mut self, now: Instant, packet: &Ipv4Packet<'_>) -> Result<(), DropReason> {
        match Icmpv4Message::parse(packet.payload(), Checksum::Verify)? {
            Icmpv4Message::EchoRequest { identifier, sequence, data } => {
                self.icmp_to(now, packet.source(), &Icmpv4Message::EchoReply { identifier, sequence, data })
            }
            Icmpv4Message::EchoReply { identifier, sequence, data } => {
                if self.echo_replies.len() >= self.most_echo_replies {
                    return Err(DropReason::EventsFull);
                }
                let from = packet.source().into();
                self.echo_replies.push_back(Event::EchoReply { from, identifier, sequence, len: data.len() });
                Ok(())
            }
            Icmpv4Message::DestinationUnreachable {
                code: UnreachableCode::FRAGMENTATION_NEEDED,
                next_hop_mtu,
                quoted,
            } => {
                let (pair, seq) = self.quoted(quoted)?;
                self.tcp.too_large(now, pair, seq, next_hop_mtu)
            }
            Icmpv4Message::DestinationUnreachable { code, quoted, .. } => {
                self.undelivered(now, quoted, Undelivered::Unreachable(code))
            }
            Icmpv4Message::TimeExceeded { quoted, .. } => self.undelivered(now, quoted, Undelivered::TimeExceeded),
            Icmpv4Message::ParameterProblem { quoted, .. } => {
                self.undelivered(now, quoted, Undelivered::ParameterProblem)
            }
            // Source quench is nobody's business any more (RFC 6633, RFC 9293 MUST-55).
            Icmpv4Message::Unknown { .. } => Err(DropReason::IcmpIgnored),
        }
    }

    /// A segment of ours did not arrive: its connection hears of it, if it is one in flight.
    fn undelivered(&mut self, now: Instant, datagram: &[u8], why: Undelivered) -> Result<(), DropReason> {
        let (pair, seq) = self.quoted(datagram)?;
        self.tcp.unreachable(now, pair, seq, why)
    }

    /// Whose segment is quoted, and its SEG.SEQ.
    fn quoted(&self, datagram: &[u8]) -> Result<(Pair, Seq), DropReason> {
        let quoted = Quoted::parse(datagram)?;
        let pair = Pair {
            local: (quoted.source, quoted.tcp.source_port).into(),
            remote: (quoted.destination, quoted.tcp.destination_port).into(),
        };
        Ok((pair, Seq::new(quoted.tcp.seq)))
    }

    pub(super) fn icmp_to(
        &mut self,
        now: Instant,
        destination: Ipv4Addr,
        message: &Icmpv4Message<'_>,
    ) -> Result<(), DropReason> {
        let next_hop = self.interface.next_hop(destination).ok_or(DropReason::NoRoute)?;
        let mut frame = vec![0; HEADROOM + message.emitted_len()];
        message.emit(&mut frame[HEADROOM..]);
        write_headers(&mut frame, &self.interface, destination, Protocol::ICMP);
        self.link.enqueue(now, next_hop, frame, &mut self.drops);
        Ok(())
    }

    /// What the link could not deliver is as if a router had said that the host is unreachable.
    pub(super) fn give_up_undeliverable(&mut self, now: Instant) {
        while let Some(frame) = self.link.poll_undeliverable() {
            self.drops.add(DropReason::NeighbourSilent);
            let datagram = frame.get(ethernet::HEADER_LEN..).unwrap_or_default();
            // A ping, or a segment whose connection has ended, is nobody's any more.
            let _ = self.undelivered(now, datagram, Undelivered::SILENT_NEIGHBOUR);
        }
    }
}
