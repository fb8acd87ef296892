//! The link layer: frames out, and the Ethernet addresses they need (RFC 826, RFC 1122 §2.3.2).

mod neighbours;

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use crate::drops::{DropReason, Drops};
use crate::limits::Limits;
use crate::time::Instant;
use crate::wire::{ArpOperation, ArpPacket, EtherType, EthernetHeader, MacAddr, arp, ethernet};
use neighbours::{Neighbours, Outcome};

/// The link of one interface: its neighbours, and the frames that are ready to leave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    mac: MacAddr,
    address: Ipv4Addr,
    neighbours: Neighbours,
    ready: VecDeque<Vec<u8>>,
    most_ready: usize,
    /// Frames whose neighbour never answered.
    undeliverable: VecDeque<Vec<u8>>,
}

/// What became of a frame given to [`Link::send`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Its destination is filled in: it can leave.
    Now,
    /// The link keeps it until the neighbour answers.
    Later,
}

impl Link {
    /// The link of a station that knows nobody yet.
    #[must_use]
    pub fn new(mac: MacAddr, address: Ipv4Addr, limits: &Limits) -> Self {
        Self {
            mac,
            address,
            neighbours: Neighbours::new(limits.neighbours, limits.waiting_per_neighbour),
            ready: VecDeque::new(),
            most_ready: limits.answers,
            undeliverable: VecDeque::new(),
        }
    }

    /// Fills in the Ethernet destination of `frame`, or takes the frame and asks who `next_hop` is.
    pub fn send(&mut self, now: Instant, next_hop: Ipv4Addr, frame: &mut Vec<u8>, drops: &mut Drops) -> Delivery {
        match self.neighbours.find(next_hop) {
            Some(mac) => {
                address_to(frame, mac);
                Delivery::Now
            }
            None => {
                let kept = self.neighbours.keep(now, next_hop, std::mem::take(frame));
                self.undeliverable.extend(kept.evicted);
                for _ in 0..kept.overflowed {
                    drops.add(DropReason::ResolutionQueueFull);
                }
                if kept.ask {
                    self.request(next_hop, MacAddr::BROADCAST, drops);
                }
                Delivery::Later
            }
        }
    }

    /// Sends `frame` as [`send`](Self::send) does, but keeps it until [`poll`](Self::poll) asks for it.
    pub fn enqueue(&mut self, now: Instant, next_hop: Ipv4Addr, mut frame: Vec<u8>, drops: &mut Drops) {
        match self.send(now, next_hop, &mut frame, drops) {
            Delivery::Now => self.push(frame, drops),
            Delivery::Later => {}
        }
    }

    /// An ARP packet arrives: answers it if it asks for us, learns from it if we have asked (RFC 826).
    ///
    /// # Errors
    /// Why it was of no use.
    pub fn input(&mut self, now: Instant, packet: &ArpPacket, drops: &mut Drops) -> Result<(), DropReason> {
        if packet.sender_mac.is_multicast() || packet.sender_mac == MacAddr::ZERO {
            return Err(DropReason::ArpBadSender);
        }
        if packet.sender_ip == self.address {
            return Err(DropReason::ArpConflict);
        }
        let learnt = self.learn(now, packet, drops);
        match packet.operation {
            ArpOperation::Request if packet.target_ip == self.address => {
                self.answer(packet, drops);
                Ok(())
            }
            ArpOperation::Request => learnt.map_err(|_| DropReason::ArpNotForUs),
            ArpOperation::Reply => learnt,
        }
    }

    /// The neighbour has been silent while TCP retransmitted: ask whether it still has its address (RFC 1122 §2.3.2.1).
    pub fn doubt(&mut self, now: Instant, next_hop: Ipv4Addr, drops: &mut Drops) {
        if self.neighbours.doubt(now, next_hop) {
            self.request(next_hop, MacAddr::BROADCAST, drops);
        }
    }

    /// The next frame that is ready to leave.
    pub fn poll(&mut self) -> Option<Vec<u8>> {
        self.ready.pop_front()
    }

    /// The next frame that could not be delivered: as if a router had said so.
    pub fn poll_undeliverable(&mut self) -> Option<Vec<u8>> {
        self.undeliverable.pop_front()
    }

    /// When [`timeout`](Self::timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.neighbours.next_due()
    }

    /// Asks again for those who have not answered, gives up on those asked often enough, forgets those not needed.
    pub fn timeout(&mut self, now: Instant, drops: &mut Drops) {
        while let Some((neighbour, outcome)) = self.neighbours.pop_due(now) {
            match outcome {
                Outcome::Ask(mac) => self.request(neighbour, mac, drops),
                Outcome::Forgotten => {}
                Outcome::Silent(frames) => self.undeliverable.extend(frames),
            }
        }
    }

    /// The same link with its times relative to `now`.
    #[must_use]
    pub fn project(&self, now: Instant) -> Self {
        Self { neighbours: self.neighbours.project(now), ..self.clone() }
    }

    fn learn(&mut self, now: Instant, packet: &ArpPacket, drops: &mut Drops) -> Result<(), DropReason> {
        for mut frame in self.neighbours.learn(now, packet.sender_ip, packet.sender_mac)? {
            address_to(&mut frame, packet.sender_mac);
            self.push(frame, drops);
        }
        Ok(())
    }

    fn answer(&mut self, request: &ArpPacket, drops: &mut Drops) {
        let reply = ArpPacket {
            operation: ArpOperation::Reply,
            sender_mac: self.mac,
            sender_ip: self.address,
            target_mac: request.sender_mac,
            target_ip: request.sender_ip,
        };
        self.push_arp(&reply, request.sender_mac, drops);
    }

    fn request(&mut self, target_ip: Ipv4Addr, destination: MacAddr, drops: &mut Drops) {
        let request = ArpPacket {
            operation: ArpOperation::Request,
            sender_mac: self.mac,
            sender_ip: self.address,
            target_mac: MacAddr::ZERO,
            target_ip,
        };
        self.push_arp(&request, destination, drops);
    }

    fn push_arp(&mut self, packet: &ArpPacket, destination: MacAddr, drops: &mut Drops) {
        let mut frame = vec![0; ethernet::HEADER_LEN + arp::PACKET_LEN];
        let header = EthernetHeader { destination, source: self.mac, ethertype: EtherType::ARP };
        let at = header.emit(&mut frame);
        packet.emit(&mut frame[at..]);
        self.push(frame, drops);
    }

    fn push(&mut self, frame: Vec<u8>, drops: &mut Drops) {
        if self.ready.len() < self.most_ready {
            self.ready.push_back(frame);
        } else {
            drops.add(DropReason::OutputFull);
        }
    }
}

/// The destination is the first field of a frame.
fn address_to(frame: &mut [u8], mac: MacAddr) {
    frame[..mac.0.len()].copy_from_slice(&mac.0);
}
