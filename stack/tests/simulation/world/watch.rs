//! What the observer gets to see, and what becomes of the world when he complains.

use lockstep::device::Device;
use lockstep::stack::{Pair, Status, Transition};
use lockstep::time::{Instant, Micros};
use lockstep_model::State;

use super::{Host, Plan, World};
use crate::attacker;
use crate::observer::{self, Complaint, Heard};
use crate::user::User;

/// So long after a host has spoken it still knows the Ethernet address of its only neighbour; later it may have come to doubt it.
const NEIGHBOURS_ARE_KNOWN_FOR: Micros = Micros::from_secs(1);

impl World {
    /// A frame comes out of the network.
    pub(super) fn arrive(&mut self, host: usize, frame: &[u8]) {
        let there = &mut self.hosts[host];
        let heard = Heard::parse(frame).map(|heard| (heard, there.stack.state(&heard.receivers())));
        if let Some((heard, state)) = heard.filter(|_| !self.climate.attacks) {
            there.observer.hears(&heard, state);
        }
        match heard {
            Some((heard, state)) if heard.is_delicate(state) => {
                self.arrive_alone(host, heard, frame);
            }
            Some(_) | None => {
                there.stack.input(self.now, frame);
            }
        }
    }

    /// A frame of the attacker's arrives, and again at once. However suspicious, it is answered at most once (RFC 5961 §7).
    pub(super) fn arrive_twice(&mut self, host: usize, frame: &[u8]) {
        let Some(heard) = Heard::parse(frame) else {
            return;
        };
        let is_synchronized = |world: &World| world.hosts[host].stack.state(&heard.receivers()).is_synchronized();
        let was_synchronized = is_synchronized(self);
        self.arrive_alone(host, heard, frame);
        if was_synchronized && is_synchronized(self) && heard.carries_nothing() {
            let again = self.arrive_alone(host, heard, frame);
            // Text is no answer: a duplicate acknowledgment may tell of a loss, and then some leaves again.
            let verdict = if !again.iter().any(Heard::carries_nothing) {
                Ok(())
            } else {
                Err("a suspicious segment is answered twice")
            };
            self.heed(host, verdict, || heard.to_string());
        }
    }

    /// A segment arrives while the host has nothing else to say. Returns what it answers at once.
    fn arrive_alone(&mut self, host: usize, heard: Heard, frame: &[u8]) -> Vec<Heard> {
        self.transmit(host);
        self.transitions(host);
        let pair = heard.receivers();
        let there = &mut self.hosts[host];
        let mut before = there.observer.before(heard, there.stack.state(&pair));
        before.rcv_nxt = there.status(self.now, |known| *known == pair).map(|status| status.tcb.rcv_nxt());
        before.rfc5961 = there.config.tcp.rfc5961;
        there.stack.input(self.now, frame);
        let mut answers = self.transmit(host);
        let spoke_at = self.hosts[host].spoke_at;
        before.knows_the_way = spoke_at.is_some_and(|at| self.now.since(at) < NEIGHBOURS_ARE_KNOWN_FOR);
        answers.retain(|answer| answer.senders() == pair);
        let mut changes = self.transitions(host);
        changes.retain(|change| change.pair == pair);
        self.heed(host, before.judge(&answers, &changes), || format!("{before:?}, {answers:?}, {changes:?}"));
        answers
    }

    /// Sends what the host has to send.
    pub(super) fn transmit(&mut self, index: usize) -> Vec<Heard> {
        let mut said = Vec::new();
        let mut frame = Vec::new();
        while self.hosts[index].stack.poll_transmit(self.now, &mut frame) {
            self.hosts[index].device.send(self.now, &frame).unwrap();
            self.overhear(index, &frame);
            let heard = Heard::parse(&frame);
            // What is no segment may ask for the neighbour, and then what there is to say waits.
            self.hosts[index].spoke_at = heard.map(|_| self.now);
            self.say(|_| match heard {
                Some(heard) => format!("{index} sends {heard}"),
                None => format!("{index} sends {} octets that are no segment", frame.len()),
            });
            if let Some(heard) = heard {
                let verdict = self.hosts[index].observer.says(&heard);
                self.heed(index, verdict, || heard.to_string());
                said.push(heard);
            }
        }
        said
    }

    /// Takes what the host tells of its states.
    pub(super) fn transitions(&mut self, index: usize) -> Vec<Transition> {
        let mut changes = Vec::new();
        while let Some(change) = self.hosts[index].stack.poll_transition() {
            self.say(|_| format!("{index} {change}"));
            let there = &mut self.hosts[index];
            let verdict = there.observer.moves(&change, there.table);
            self.heed(index, verdict, || change.to_string());
            changes.push(change);
        }
        changes
    }

    /// Looks at a user's connection.
    pub(super) fn look_at(&mut self, index: usize, name: u64) {
        let there = &mut self.hosts[index];
        let Some(id) = there.users.get(&name).map(User::connection) else {
            return;
        };
        if let Ok(status) = there.stack.status(self.now, id) {
            self.heed(index, observer::is_sound(&status), || format!("{status:?}"));
        }
    }

    /// Keeps some of what is said for the attacker, who is quick where a connection is being established.
    fn overhear(&mut self, index: usize, frame: &[u8]) {
        if !self.climate.attacks {
            return;
        }
        let heard = &mut self.overheard[index];
        if heard.len() < 16 {
            heard.push(frame.to_vec());
        } else {
            heard[usize::try_from(self.random.below(16)).unwrap()] = frame.to_vec();
        }
        if Heard::parse(frame).is_some_and(|heard| heard.accepts()) && self.random.below(3) == 0 {
            self.accepted[index] = frame.to_vec();
            self.plan_within(20_000, Plan::Interfere(index));
        }
    }

    /// The attacker answers the SYN,ACK of this host before its peer does.
    pub(super) fn interfere(&mut self, victim: usize) {
        if let Some(forged) = attacker::answer(&self.accepted[victim], &mut self.random) {
            self.say(|_| format!("{victim} is interfered with"));
            self.arrive_twice(victim, &forged);
        }
    }

    fn heed(&self, host: usize, verdict: Result<(), Complaint>, what: impl FnOnce() -> String) {
        if let Err(complaint) = verdict {
            panic!("seed {}: {complaint}: host {host} at {}: {}", self.seed, self.now, what());
        }
    }
}

impl Host {
    /// What a user can know of his connection, if it has not ended.
    pub(super) fn status(&mut self, now: Instant, is_it: impl Fn(&Pair) -> bool) -> Option<Status> {
        let ids: Vec<_> = self.users.values().map(User::connection).collect();
        let mut known = ids.into_iter().filter_map(|id| self.stack.status(now, id).ok());
        known.find(|status| is_it(&status.pair) && status.state != State::Closed)
    }
}
