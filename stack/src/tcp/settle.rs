//! What follows from each step of a connection: who hears of it, what leaves, and when the connection is over or packed.
//!
//! Whatever happens to a connection ends in [`Endpoints::settle`].

use lockstep_model::{Call, Event as Happening, Reply, Seq, Signal, State};

use super::api::Failure;
use super::connection::{Effects, Given};
use super::demux::Pair;
use super::endpoints::{Endpoints, Entry, News, Owner};
use super::options::Dressed;
use super::time_wait::TimeWait;
use crate::time::Instant;

/// Whether there was anybody to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// There was, or it did not matter.
    Well,
    /// A connection was reopened for a listener that is gone.
    ByNobody,
}

impl Endpoints {
    /// Steps the connection at `index` and settles what follows.
    pub(super) fn step_at(
        &mut self,
        now: Instant,
        index: usize,
        event: Happening<Seq>,
        given: Given<'_>,
    ) -> Option<Effects> {
        let entry = self.connections.at_mut(index)?;
        let effects = entry.connection.step(&self.common, now, event, given);
        self.settle(now, index, &effects);
        Some(effects)
    }

    pub(super) fn call_at(&mut self, now: Instant, index: usize, call: Call) -> Option<Reply> {
        self.step_at(now, index, Happening::Call(call), Given::default())?.reply
    }

    /// Sees to everything that a step of the connection at `index` asks for. The connection may be gone afterwards.
    pub(super) fn settle(&mut self, now: Instant, index: usize, effects: &Effects) {
        let Some(entry) = self.connections.at_mut(index) else {
            return;
        };
        let pair = entry.connection.pair();
        entry.news.readable |= effects.readable;
        entry.news.writable |= effects.writable;
        let mut orphaned = false;
        for &signal in &effects.signals {
            orphaned |= self.signalled(index, signal) == Heard::ByNobody;
        }
        // A user who finds less than was acknowledged must not take it for the end (RFC 9293 MUST-12).
        if effects.text_lost {
            self.fail(index, Failure::Reset);
        }
        if let Some(mtu) = effects.path_mtu {
            self.common.paths.learn(pair.remote.ip(), mtu, now);
        }
        if effects.doubtful {
            self.doubted.push_back(pair.remote.ip());
        }
        self.record(now, pair, effects);
        for &dressed in &effects.emitted {
            self.emit(pair, dressed);
        }
        self.end_if_over(index);
        self.announce(index);
        self.schedule(index);
        self.dirty.push(index);
        if orphaned {
            self.call_at(now, index, Call::Abort);
        }
    }

    /// A control segment is to leave. When too many wait, it is as if it had been lost; whoever needs it asks again.
    pub(super) fn emit(&mut self, pair: Pair, dressed: Dressed) {
        if self.control.len() < self.most_control {
            self.control.push_back((pair, dressed));
        } else {
            self.overflowed += 1;
        }
    }

    /// Sees to what follows from a step of a connection that is not kept.
    pub(super) fn answer(&mut self, now: Instant, pair: Pair, effects: &Effects) {
        self.record(now, pair, effects);
        effects.emitted.iter().for_each(|&answer| self.emit(pair, answer));
    }

    /// Counts the rules that fired, and traces what they changed.
    pub(super) fn record(&mut self, now: Instant, pair: Pair, effects: &Effects) {
        effects.fired.iter().for_each(|rule| self.fired.add(rule));
        self.predicted = self.predicted.saturating_add(effects.predicted.into());
        self.trace.record(self.common.table(), now, pair, effects);
    }

    fn signalled(&mut self, index: usize, signal: Signal) -> Heard {
        let Some(entry) = self.connections.at_mut(index) else {
            return Heard::Well;
        };
        match signal {
            Signal::Established => return self.established(index),
            Signal::Closing => entry.news.readable = true,
            Signal::CloseComplete => entry.news.delivered = true,
            Signal::Urgent => entry.news.urgent = true,
            Signal::Refused => self.fail(index, Failure::Refused),
            Signal::Reset => self.fail(index, Failure::Reset),
            Signal::UserTimeout => {
                let why = entry.connection.flow.soft_error;
                self.fail(index, why.map_or(Failure::TimedOut, Failure::Unreachable));
            }
        }
        Heard::Well
    }

    /// The first reason for a bad end is the one that counts.
    pub(super) fn fail(&mut self, index: usize, failure: Failure) {
        if let Some(entry) = self.connections.at_mut(index) {
            entry.failure.get_or_insert(failure);
        }
    }

    /// A connection is established: its user hears of it, or it waits to be accepted.
    fn established(&mut self, index: usize) -> Heard {
        let Some(entry) = self.connections.at_mut(index) else {
            return Heard::Well;
        };
        let parent = match entry.owner {
            Owner::User => {
                entry.news.connected = true;
                return Heard::Well;
            }
            Owner::Listener { .. } => self.listeners.on_port(entry.connection.pair().local.port()),
            // He has gone in SYN-RECEIVED: what he has sent is delivered, and his FIN follows (RFC 9293 §3.10.4).
            Owner::Nobody if entry.connection.tcb().user_gone() => return Heard::Well,
            Owner::Nobody => return Heard::ByNobody,
        };
        let Some((parent, listener)) = parent.and_then(|at| Some((at, self.listeners.at_mut(at)?))) else {
            return Heard::ByNobody;
        };
        entry.owner = Owner::Listener { established: true };
        listener.whole.remove(&index);
        listener.established.push_back(index);
        self.acceptable.push(parent);
        Heard::Well
    }

    /// A connection that is CLOSED gets no more segments, and is forgotten when nobody has its name. A child that is back
    /// in LISTEN is forgotten: its parent listens.
    fn end_if_over(&mut self, index: usize) {
        let Some(entry) = self.connections.at_mut(index) else {
            return;
        };
        let (closed, unborn) = match entry.connection.tcb().state() {
            State::Closed => (true, false),
            State::Listen => (true, true),
            State::SynSent
            | State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => (false, false),
        };
        if !closed {
            return;
        }
        entry.connection.fall_silent();
        let pair = entry.connection.pair();
        let bound = self.demux.find(&pair) == Some(index);
        entry.news.closed |= bound;
        self.demux.remove(&pair, index);
        self.deadlines.remove(index);
        match entry.owner {
            Owner::User | Owner::Listener { established: true } if !unborn => {}
            Owner::Listener { .. } => {
                if let Some(listener) = self.listeners.of_mut(pair) {
                    listener.whole.remove(&index);
                }
                self.forget(index);
            }
            Owner::User | Owner::Nobody => self.forget(index),
        }
    }

    /// The connection at `index`, to which no segments go any more, is gone.
    pub(super) fn forget(&mut self, index: usize) {
        self.deadlines.remove(index);
        self.orphans.remove(index);
        self.connections.remove(index);
    }

    // ---- Packed connections -------------------------------------------------------------------------------------------------------

    /// The place of this pair's connection, awake if it was packed.
    pub(super) fn find(&mut self, pair: &Pair) -> Option<usize> {
        if let Some(index) = self.demux.find(pair) {
            Some(index)
        } else if let Some(place) = self.half_open.find(pair) {
            self.wake_half_open(place)
        } else {
            let block = self.time_waits.take(pair)?;
            Some(self.wake(&block))
        }
    }

    /// What was packed is a connection again, until it has nothing more to say.
    pub(super) fn wake(&mut self, block: &TimeWait) -> usize {
        let connection = block.expand(&self.common);
        let entry = Entry { connection, owner: Owner::Nobody, news: News::default(), failure: None };
        let index = self.connections.insert_anyway(entry).index();
        self.attend(block.pair(), index);
        index
    }

    /// What has just been woken gets segments again and is heard.
    pub(super) fn attend(&mut self, pair: Pair, index: usize) {
        self.demux.insert(pair, index);
        self.schedule(index);
        self.dirty.push(index);
    }

    /// A connection that has nothing to say is packed if it is in TIME-WAIT and nobody owns it, or in the handshake.
    pub(super) fn lay_to_rest(&mut self, index: usize) {
        self.pack_half_open(index);
        let entry = self.connections.at(index).filter(|entry| entry.owner == Owner::Nobody);
        let block = entry.filter(|_| self.time_waits.are_kept()).and_then(|entry| TimeWait::pack(&entry.connection));
        if let Some(block) = block {
            self.demux.remove(&block.pair(), index);
            self.forget(index);
            self.time_waits.insert(block);
        }
    }

    /// Puts a connection whose user has something to hear on the list.
    pub(super) fn announce(&mut self, index: usize) {
        let news = self.connections.at(index).filter(|entry| entry.owner == Owner::User).map(|entry| entry.news);
        if news.is_some_and(|news| news != News::default()) {
            self.ready.push(index);
        }
    }

    pub(super) fn schedule(&mut self, index: usize) {
        if let Some(entry) = self.connections.at(index) {
            self.deadlines.schedule(index, entry.connection.next_deadline());
        }
    }
}
