//! The SYN queue: connections in the handshake, each as a small block (RFC 4987 §3.3, "SYN cache").
//!
//! A child of a listener has nothing in its buffers and nothing measured; [`HalfOpen`] keeps what its answers depend on.
//! Whatever happens to one makes it a [`Connection`] again, which the table steps like any other. A block is made only of
//! a connection that [`HalfOpen::expand`] gives back, the same in every variable.

use lockstep_model::{Seq, SynReceivedTcb, Timer};

use crate::tcp::challenge::Budgets;
use crate::tcp::connection::{Common, Connection};
use crate::tcp::demux::{CompactPair, Demux, Pair};
use crate::tcp::ecn::Ecn;
use crate::tcp::options::{Agreed, TimestampClock};
use crate::tcp::settings::Settings;
use crate::tcp::slab::Slab;
use crate::tcp::timers::TimerQueue;
use crate::time::Instant;

/// All that a half-open connection still needs.
#[derive(Clone, Debug)]
pub(in crate::tcp) struct HalfOpen {
    pair: CompactPair,
    tcb: SynReceivedTcb<Seq>,
    clock: TimestampClock,
    agreed: Agreed,
    /// Congestion notification is agreed on.
    ecn: bool,
    send_mss: u16,
    rcv_wnd: u32,
    /// How often its SYN,ACK has been sent again.
    timeouts: u8,
    /// When the SYN arrived.
    begun: Instant,
    retransmit_at: Instant,
    give_up_at: Instant,
    challenges: Budgets,
    own_settings: Option<Box<Settings>>,
}

const _: () = assert!(size_of::<HalfOpen>() <= 128);

impl HalfOpen {
    /// The small form, if the connection is half-open and remembers no more than a block can.
    pub fn pack(common: &Common, connection: &Connection) -> Option<Self> {
        let flow = &connection.flow;
        let packed = Self {
            pair: connection.pair().into(),
            tcb: SynReceivedTcb::pack(connection.tcb())?,
            clock: flow.clock,
            agreed: flow.agreed,
            ecn: flow.ecn.is_agreed(),
            send_mss: flow.send_mss,
            rcv_wnd: u32::try_from(flow.recv.rcv_wnd()).ok()?,
            timeouts: flow.timeouts,
            begun: flow.syn_sent?,
            retransmit_at: flow.timers.deadline(Timer::Retransmit)?,
            give_up_at: flow.timers.deadline(Timer::User)?,
            challenges: flow.challenges.clone(),
            own_settings: flow.own_settings.clone(),
        };
        (packed.expand(common) == *connection).then_some(packed)
    }

    /// The connection again.
    pub fn expand(&self, common: &Common) -> Connection {
        let tcb = self.tcb.expand();
        let mut connection = Connection::of(common, self.pair(), tcb);
        let flow = &mut connection.flow;
        flow.clock = self.clock;
        flow.agreed = self.agreed;
        flow.ecn = Ecn::new(self.ecn);
        flow.use_send_mss(common, self.send_mss);
        flow.recv.begin_with(usize::try_from(self.rcv_wnd).unwrap_or(usize::MAX));
        flow.syn_outstanding = true;
        flow.syn_sent = Some(self.begun);
        flow.timers.set(Timer::Retransmit, self.retransmit_at);
        flow.timers.set(Timer::User, self.give_up_at);
        flow.challenges = self.challenges.clone();
        flow.own_settings.clone_from(&self.own_settings);
        flow.timeouts = self.timeouts;
        flow.syn_repeated = self.timeouts > 0;
        for _ in 0..self.timeouts {
            flow.rtt.on_timeout();
        }
        connection
    }

    pub fn pair(&self) -> Pair {
        (&self.pair).into()
    }

    /// When the SYN arrived.
    pub fn begun(&self) -> Instant {
        self.begun
    }

    fn deadline(&self) -> Instant {
        self.retransmit_at.min(self.give_up_at)
    }
}

/// All half-open connections of a stack that are packed.
#[derive(Clone, Debug)]
pub(in crate::tcp) struct SynQueue {
    blocks: Slab<HalfOpen>,
    places: Demux,
    deadlines: TimerQueue,
}

impl SynQueue {
    pub fn new(key: [u8; 16]) -> Self {
        // Whoever puts something here has counted it.
        Self { blocks: Slab::new(usize::MAX), places: Demux::new(key), deadlines: TimerQueue::new() }
    }

    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Where the block of this pair is.
    pub fn find(&self, pair: &Pair) -> Option<usize> {
        self.places.find(pair)
    }

    /// Keeps one more, and says where.
    pub fn insert(&mut self, block: HalfOpen) -> usize {
        let (pair, deadline) = (block.pair(), block.deadline());
        let place = self.blocks.insert_anyway(block).index();
        self.places.insert(pair, place);
        self.deadlines.schedule(place, Some(deadline));
        place
    }

    /// Takes out the block at this place.
    pub fn take(&mut self, place: usize) -> Option<HalfOpen> {
        let block = self.blocks.remove(place)?;
        self.places.remove(&block.pair(), place);
        self.deadlines.remove(place);
        Some(*block)
    }

    /// The next place whose block wants to be looked at.
    pub fn pop_due(&mut self, now: Instant) -> Option<usize> {
        self.deadlines.pop_due(now)
    }

    /// When [`pop_due`](Self::pop_due) has something to say.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.poll_timeout()
    }

    /// All of them, by place.
    pub fn iter(&self) -> impl Iterator<Item = &HalfOpen> {
        self.blocks.iter()
    }
}
