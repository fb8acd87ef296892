//! Connections in TIME-WAIT that nobody owns, each as a small block (RFC 9293 §3.6.1).
//!
//! A server that closes first has as many of them as it had clients in the last four minutes. Nothing of their buffers and
//! measurements is needed any more, so [`TimeWait`] keeps what their answers depend on. Whatever happens to one, its
//! time being over included, makes it a [`Connection`] again, which the table steps like any other; once that has
//! nothing more to say, it is packed again.
//!
//! When there are too many, one that has not long to wait goes: its port may then be used again before the last of its
//! old segments has died out, against which RFC 6191 and PAWS remain.

use std::net::SocketAddrV4;

use lockstep_model::{Seq, TimeWaitTcb, Timer};

use super::challenge::Budgets;
use super::connection::{Common, Connection, Flow};
use super::demux::{CompactPair, Demux, Pair};
use super::options::Agreed;
use super::settings::Settings;
use super::timers::TimerQueue;
use crate::ip::Handling;
use crate::time::Instant;

/// All that a connection in TIME-WAIT still needs.
#[derive(Clone, Debug)]
pub(super) struct TimeWait {
    local: SocketAddrV4,
    remote: SocketAddrV4,
    tcb: TimeWaitTcb<Seq>,
    rcv_wnd: u32,
    agreed: Agreed,
    ts_recent: Option<u32>,
    deadline: Instant,
    challenges: Budgets,
}

const _: () = assert!(size_of::<TimeWait>() <= 64);

impl TimeWait {
    /// The small form, if it answers as the connection would: one that has nothing left to say or to deliver, over IPv4,
    /// whose segments take no way and get no treatment of their own (RFC 9293 MUST-48, MUST-49, MUST-51).
    pub fn pack(connection: &Connection) -> Option<Self> {
        let (CompactPair::V4 { local, remote }, flow) = (CompactPair::from(connection.pair()), &connection.flow) else {
            return None;
        };
        let handling = flow.own_settings.as_deref().map(Settings::handling).unwrap_or_default();
        let like_any_other = flow.route().is_none() && handling == Handling::default();
        let at_rest = flow.acks.is_at_rest() && flow.recv.unread() == 0 && like_any_other;
        Some(Self {
            local,
            remote,
            tcb: TimeWaitTcb::pack(connection.tcb()).filter(|_| at_rest)?,
            rcv_wnd: u32::try_from(flow.recv.rcv_wnd()).ok()?,
            agreed: flow.agreed,
            ts_recent: flow.clock.ts_recent(),
            deadline: flow.timers.deadline(Timer::TimeWait)?,
            challenges: flow.challenges.clone(),
        })
    }

    /// The connection again.
    pub fn expand(&self, common: &Common) -> Connection {
        let tcb = self.tcb.expand();
        let mut connection = Connection::of(common, self.pair(), tcb);
        let Flow { recv, timers, agreed, clock, challenges, .. } = &mut connection.flow;
        recv.end_with(usize::try_from(self.rcv_wnd).unwrap_or(usize::MAX));
        timers.set(Timer::TimeWait, self.deadline);
        *agreed = self.agreed;
        if let Some(ts_recent) = self.ts_recent {
            // All has been acknowledged; and 24 days (RFC 7323 §5.5) are not over before TIME-WAIT is.
            clock.resume(self.deadline, ts_recent, tcb.rcv_nxt());
        }
        *challenges = self.challenges.clone();
        connection
    }

    pub fn pair(&self) -> Pair {
        Pair { local: self.local.into(), remote: self.remote.into() }
    }
}

/// The blocks of a stack.
#[derive(Clone, Debug)]
pub(super) struct TimeWaits {
    blocks: Vec<TimeWait>,
    /// Places in `blocks` whose content means nothing.
    free: Vec<usize>,
    places: Demux,
    deadlines: TimerQueue,
    most: usize,
}

impl TimeWaits {
    /// None yet; at most `most`, and if that is zero, nothing is packed.
    pub fn new(key: [u8; 16], most: usize) -> Self {
        Self { blocks: Vec::new(), free: Vec::new(), places: Demux::new(key), deadlines: TimerQueue::new(), most }
    }

    pub fn len(&self) -> usize {
        self.blocks.len() - self.free.len()
    }

    /// Whether blocks are kept at all.
    pub fn are_kept(&self) -> bool {
        self.most > 0
    }

    /// The block of this pair.
    pub fn get(&self, pair: &Pair) -> Option<&TimeWait> {
        self.blocks.get(self.places.find(pair)?)
    }

    /// Keeps one more, in place of another if there are too many.
    pub fn insert(&mut self, block: TimeWait) {
        if self.len() >= self.most
            && let Some(index) = self.deadlines.soonest()
        {
            self.remove(index);
        }
        let (pair, deadline) = (block.pair(), block.deadline);
        let index = match self.free.pop() {
            Some(index) => {
                self.blocks[index] = block;
                index
            }
            None => {
                self.blocks.push(block);
                self.blocks.len() - 1
            }
        };
        self.places.insert(pair, index);
        self.deadlines.schedule(index, Some(deadline));
    }

    /// Takes out the block of this pair.
    pub fn take(&mut self, pair: &Pair) -> Option<TimeWait> {
        let index = self.places.find(pair)?;
        self.remove(index)
    }

    /// Takes out the next block whose time is over.
    pub fn take_due(&mut self, now: Instant) -> Option<TimeWait> {
        let index = self.deadlines.pop_due(now)?;
        self.remove(index)
    }

    /// When [`take_due`](Self::take_due) has something to say, or finds that it has not.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.poll_timeout()
    }

    /// All of them, by place.
    pub fn iter(&self) -> impl Iterator<Item = &TimeWait> {
        let is_kept = |(index, block): &(usize, &TimeWait)| self.places.find(&block.pair()) == Some(*index);
        self.blocks.iter().enumerate().filter(is_kept).map(|(_, block)| block)
    }

    fn remove(&mut self, index: usize) -> Option<TimeWait> {
        let block = self.blocks.get(index)?.clone();
        self.places.remove(&block.pair(), index);
        self.deadlines.remove(index);
        self.free.push(index);
        Some(block)
    }
}
