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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Micros;
    use crate::wire::EthernetFrame;

    const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
    const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    struct Bench {
        link: Link,
        drops: Drops,
        now: Instant,
    }

    fn neighbour(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(192, 0, 2, last)
    }

    fn mac(last: u8) -> MacAddr {
        MacAddr([2, 0, 0, 0, 1, last])
    }

    impl Bench {
        fn new() -> Bench {
            let limits = Limits { neighbours: 3, waiting_per_neighbour: 2, answers: 5, ..Limits::default() };
            Bench { link: Link::new(MAC, US, &limits), drops: Drops::default(), now: Instant::ZERO }
        }

        /// Sends a frame that is told by its last byte.
        fn send(&mut self, to: u8, content: u8) -> Delivery {
            let mut frame = vec![0; 15];
            frame[14] = content;
            self.link.send(self.now, neighbour(to), &mut frame, &mut self.drops)
        }

        fn hears(&mut self, operation: ArpOperation, from: u8, target_ip: Ipv4Addr) -> Result<(), DropReason> {
            self.hears_from(operation, from, mac(from), target_ip)
        }

        fn hears_from(
            &mut self,
            operation: ArpOperation,
            from: u8,
            sender_mac: MacAddr,
            target_ip: Ipv4Addr,
        ) -> Result<(), DropReason> {
            let sender_ip = neighbour(from);
            let packet = ArpPacket { operation, sender_mac, sender_ip, target_mac: MAC, target_ip };
            self.link.input(self.now, &packet, &mut self.drops)
        }

        fn reply(&mut self, from: u8) -> Result<(), DropReason> {
            self.hears(ArpOperation::Reply, from, US)
        }

        fn wait(&mut self, seconds: u64) {
            let end = self.now + Micros::from_secs(seconds);
            while let Some(due) = self.link.poll_timeout().filter(|&due| due <= end) {
                self.now = due;
                self.link.timeout(due, &mut self.drops);
            }
            self.now = end;
        }

        /// What leaves: questions as `who-has 2 ->destination`, answers as `is-at`, frames by their last byte.
        fn leaves(&mut self) -> Vec<String> {
            let describe = |bytes: Vec<u8>| {
                let frame = EthernetFrame::parse(&bytes);
                let to = |mac: MacAddr| if mac == MacAddr::BROADCAST { "all".into() } else { mac.0[5].to_string() };
                match frame {
                    Ok(frame) if frame.ethertype() == EtherType::ARP => {
                        let arp = ArpPacket::parse(frame.payload()).unwrap();
                        let [.., last] = arp.target_ip.octets();
                        match arp.operation {
                            ArpOperation::Request => format!("who-has {last} ->{}", to(frame.destination())),
                            ArpOperation::Reply => format!("is-at ->{}", to(frame.destination())),
                        }
                    }
                    Ok(_) | Err(_) => format!("{} ->{}", bytes[14], bytes[5]),
                }
            };
            std::iter::from_fn(|| self.link.poll()).map(describe).collect()
        }

        fn undeliverable(&mut self) -> Vec<u8> {
            std::iter::from_fn(|| self.link.poll_undeliverable()).map(|frame| frame[14]).collect()
        }
    }

    #[test]
    fn frames_wait_for_the_answer_and_leave_in_order() {
        let mut bench = Bench::new();
        assert_eq!(bench.send(7, 1), Delivery::Later);
        assert_eq!(bench.send(7, 2), Delivery::Later);
        assert_eq!(bench.leaves(), ["who-has 7 ->all"]);
        bench.reply(7).unwrap();
        assert_eq!(bench.leaves(), ["1 ->7", "2 ->7"]);
        assert_eq!(bench.send(7, 3), Delivery::Now);
        assert_eq!(bench.leaves(), [""; 0]);
    }

    #[test]
    fn of_too_many_waiting_frames_the_oldest_gives_way() {
        let mut bench = Bench::new();
        for content in 1..=4 {
            bench.send(7, content);
        }
        assert_eq!(bench.drops.count(DropReason::ResolutionQueueFull), 2);
        bench.reply(7).unwrap();
        assert_eq!(bench.leaves(), ["who-has 7 ->all", "3 ->7", "4 ->7"]);
    }

    #[test]
    fn a_silent_neighbour_is_asked_three_times_a_second_apart_and_given_up() {
        let mut bench = Bench::new();
        bench.send(7, 1);
        assert_eq!(bench.leaves(), ["who-has 7 ->all"]);
        bench.wait(1);
        bench.send(7, 2);
        assert_eq!(bench.leaves(), ["who-has 7 ->all"]);
        bench.wait(1);
        assert_eq!(bench.leaves(), ["who-has 7 ->all"]);
        bench.wait(1);
        assert_eq!((bench.leaves(), bench.undeliverable()), (vec![], vec![1, 2]));
        assert_eq!(bench.link.poll_timeout(), None);
    }

    #[test]
    fn a_neighbour_that_is_used_is_asked_again_after_a_minute_and_one_that_is_not_is_forgotten() {
        let mut bench = Bench::new();
        bench.send(7, 1);
        bench.reply(7).unwrap();
        bench.leaves();
        bench.wait(60);
        // Asked where it was last, and used while the answer is out.
        assert_eq!(bench.leaves(), ["who-has 7 ->7"]);
        assert_eq!(bench.send(7, 2), Delivery::Now);
        bench.reply(7).unwrap();
        bench.wait(60);
        assert_eq!((bench.leaves(), bench.link.poll_timeout()), (vec![], None));

        bench.send(8, 1);
        bench.reply(8).unwrap();
        bench.wait(60);
        bench.wait(3);
        assert_eq!(bench.send(8, 2), Delivery::Later, "it did not answer any more");
    }

    #[test]
    fn only_whom_we_asked_is_learnt_and_a_live_neighbour_is_not_overwritten() {
        let mut bench = Bench::new();
        assert_eq!(bench.reply(7), Err(DropReason::ArpUnsolicited));
        assert_eq!(bench.hears(ArpOperation::Request, 7, neighbour(9)), Err(DropReason::ArpNotForUs));
        bench.send(7, 1);
        bench.reply(7).unwrap();
        assert_eq!(bench.hears_from(ArpOperation::Reply, 7, mac(66), US), Err(DropReason::ArpOverride));
        // In doubt it may have moved: R1 of TCP.
        bench.leaves();
        bench.link.doubt(bench.now, neighbour(7), &mut bench.drops);
        assert_eq!(bench.leaves(), ["who-has 7 ->all"]);
        bench.hears_from(ArpOperation::Reply, 7, mac(66), US).unwrap();
        let mut frame = vec![0; 15];
        bench.link.send(bench.now, neighbour(7), &mut frame, &mut bench.drops);
        assert_eq!(frame[..6], mac(66).0);
    }

    #[test]
    fn senders_that_cannot_be_are_not_heard() {
        let mut bench = Bench::new();
        bench.send(7, 1);
        bench.leaves();
        for bad in [MacAddr::BROADCAST, MacAddr([1, 0, 0x5e, 0, 0, 1]), MacAddr::ZERO] {
            assert_eq!(bench.hears_from(ArpOperation::Reply, 7, bad, US), Err(DropReason::ArpBadSender));
        }
        assert_eq!(bench.hears_from(ArpOperation::Reply, 1, mac(9), US), Err(DropReason::ArpConflict));
        assert_eq!(bench.leaves(), [""; 0]);
    }

    #[test]
    fn who_asks_for_us_is_answered() {
        let mut bench = Bench::new();
        bench.hears(ArpOperation::Request, 7, US).unwrap();
        assert_eq!(bench.leaves(), ["is-at ->7"]);
        for _ in 0..8 {
            bench.hears(ArpOperation::Request, 7, US).unwrap();
        }
        assert_eq!(bench.leaves().len(), 5);
        assert_eq!(bench.drops.count(DropReason::OutputFull), 3);
    }

    /// Ten thousand spoofed neighbours (threats T22): the table stays small, and who is alive stays in it.
    #[test]
    fn when_the_cache_is_full_the_unanswered_give_way_first() {
        let mut bench = Bench::new();
        bench.send(7, 1);
        bench.reply(7).unwrap();
        for n in 0..10_000_u32 {
            let [_, _, high, low] = n.to_be_bytes();
            let mut frame = vec![0; 15];
            frame[14] = low;
            bench.link.send(bench.now, Ipv4Addr::new(192, 0, high, low | 8), &mut frame, &mut bench.drops);
            bench.leaves();
        }
        assert_eq!(bench.send(7, 2), Delivery::Now);
        assert!(bench.undeliverable().len() > 9_000);
    }
}
