//! Deadlines: which timers of one connection are armed, and which connection is due next.
//!
//! [`TimerTable`] belongs to a connection. [`TimerQueue`] belongs to the stack and holds one entry per connection: its
//! earliest deadline, *lazily corrected*. A retransmission timer is restarted later and later with each
//! acknowledgement; the queue moves nothing until the old entry comes up, is found too early, and is put where it
//! belongs. The price is an occasional wake-up for nothing.

mod wheel;

use lockstep_model::Timer;

use self::wheel::Wheel;
use crate::time::Instant;

/// The armed timers of one connection, each with its deadline.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TimerTable {
    /// By [`index`]. [`NOT_ARMED`] instead of an `Option` makes an idle connection 56 bytes smaller.
    deadlines: [Instant; Timer::ALL.len()],
}

const NOT_ARMED: Instant = Instant::MAX;

impl TimerTable {
    /// No timer armed.
    #[must_use]
    pub fn new() -> Self {
        Self { deadlines: [NOT_ARMED; Timer::ALL.len()] }
    }

    /// Arms `timer`, or moves it, so that it fires at `deadline`.
    pub fn set(&mut self, timer: Timer, deadline: Instant) {
        self.deadlines[index(timer)] = deadline;
    }

    /// Disarms `timer`.
    pub fn stop(&mut self, timer: Timer) {
        self.deadlines[index(timer)] = NOT_ARMED;
    }

    /// When `timer` fires, if it is armed.
    #[must_use]
    pub fn deadline(&self, timer: Timer) -> Option<Instant> {
        armed(self.deadlines[index(timer)])
    }

    /// When the first timer fires, if any is armed: what the [`TimerQueue`] is to be told.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.iter().min().copied().and_then(armed)
    }

    /// Disarms and returns the timer that is due first at `now`; of several with one deadline, the first in
    /// [`Timer::ALL`].
    ///
    /// To be called until it returns `None`: what one timer does may stop or move another.
    pub fn expire(&mut self, now: Instant) -> Option<Timer> {
        let deadline = self.next_deadline().filter(|&deadline| deadline <= now)?;
        let timer = Timer::ALL.into_iter().find(|&timer| self.deadline(timer) == Some(deadline))?;
        self.stop(timer);
        Some(timer)
    }
}

impl Default for TimerTable {
    fn default() -> Self {
        Self::new()
    }
}

fn armed(deadline: Instant) -> Option<Instant> {
    (deadline != NOT_ARMED).then_some(deadline)
}

/// The place of a timer in [`Timer::ALL`].
const fn index(timer: Timer) -> usize {
    match timer {
        Timer::Retransmit => 0,
        Timer::Persist => 1,
        Timer::TimeWait => 2,
        Timer::FinWait2 => 3,
        Timer::User => 4,
        Timer::KeepAlive => 5,
        Timer::DelayedAck => 6,
    }
}

/// The connections of a stack by the time they want to be looked at, at most one entry for each.
///
/// A connection is named by its *slot*, a small index. Who handles a due slot, or changes a connection's timers, calls
/// [`schedule`](Self::schedule) with its real next deadline. Everything is O(1). Slots come by their entries, those of
/// one moment in the order in which they were entered.
#[derive(Clone, Debug, Default)]
pub struct TimerQueue {
    wheel: Wheel,
}

impl TimerQueue {
    /// Nothing scheduled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next deadline of `slot` is `deadline`, or it has none.
    ///
    /// An entry that is too early stays where it is; it will come up, and this will be called again.
    pub fn schedule(&mut self, slot: usize, deadline: Option<Instant>) {
        let Some(deadline) = deadline else { return };
        if self.wheel.deadline(slot).is_none_or(|entry| deadline < entry) {
            self.wheel.remove(slot);
            self.wheel.enter(slot, deadline);
        }
    }

    /// Forgets `slot`: its connection is gone, and the next one there starts afresh.
    pub fn remove(&mut self, slot: usize) {
        self.wheel.remove(slot);
    }

    /// Takes out the next slot whose entry is due at `now`. Its connection may find that nothing of its own is: the
    /// entry was too early.
    ///
    /// The slot has no entry from now on, until it is scheduled.
    pub fn pop_due(&mut self, now: Instant) -> Option<usize> {
        self.wheel.pop_due(now)
    }

    /// One of the slots that come up soonest: none waits much shorter, compared with how long they wait.
    #[must_use]
    pub fn soonest(&self) -> Option<usize> {
        self.wheel.soonest()
    }

    /// When [`pop_due`](Self::pop_due) has something to say: no later than the earliest deadline of all connections,
    /// possibly sooner.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.wheel.earliest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn index_is_the_place_in_all() {
        let places: Vec<usize> = Timer::ALL.into_iter().map(index).collect();
        assert_eq!(places, [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn timers_fire_by_deadline_then_by_order() {
        let mut table = TimerTable::new();
        table.set(Timer::DelayedAck, at(20));
        table.set(Timer::KeepAlive, at(30));
        table.set(Timer::Retransmit, at(30));
        table.set(Timer::User, at(40));
        assert_eq!(table.next_deadline(), Some(at(20)));
        assert_eq!(table.expire(at(19)), None);
        assert_eq!(table.expire(at(30)), Some(Timer::DelayedAck));
        assert_eq!(table.expire(at(30)), Some(Timer::Retransmit));
        assert_eq!(table.expire(at(30)), Some(Timer::KeepAlive));
        assert_eq!(table.expire(at(30)), None);
        assert_eq!(table.deadline(Timer::User), Some(at(40)));
        table.stop(Timer::User);
        assert_eq!(table, TimerTable::new());
    }

    #[test]
    fn a_later_deadline_waits_for_its_old_entry() {
        let mut queue = TimerQueue::new();
        queue.schedule(3, Some(at(10)));
        queue.schedule(3, Some(at(50)));
        assert_eq!(queue.poll_timeout(), Some(at(10)));
        assert_eq!(queue.pop_due(at(10)), Some(3));
        queue.schedule(3, Some(at(50)));
        assert_eq!(queue.poll_timeout(), Some(at(50)));
        queue.schedule(3, Some(at(20)));
        assert_eq!(queue.poll_timeout(), Some(at(20)));
    }

    #[test]
    fn slots_due_together_come_as_they_were_entered() {
        let mut queue = TimerQueue::new();
        for slot in [5, 1, 4, 2] {
            queue.schedule(slot, Some(at(7)));
        }
        queue.remove(4);
        let due: Vec<usize> = std::iter::from_fn(|| queue.pop_due(at(7))).take(9).collect();
        assert_eq!(due, [5, 1, 2]);
        assert_eq!(queue.poll_timeout(), None);
    }

    proptest! {
        /// Against the plain list of deadlines: every slot is handed out at its deadline, and none is missed.
        #[test]
        fn every_deadline_is_met(
            changes in prop::collection::vec((0_usize..6, prop::option::of(0_u64..100), 0_u64..20), 1..200),
        ) {
            let mut queue = TimerQueue::new();
            let mut real: [Option<Instant>; 6] = [None; 6];
            let mut now = Instant::ZERO;
            for (slot, delay, step) in changes {
                real[slot] = delay.map(|delay| at(now.as_micros() + delay));
                queue.schedule(slot, real[slot]);
                let earliest = real.iter().flatten().min().copied();
                prop_assert!(earliest.is_none() || queue.poll_timeout() <= earliest);

                now = at(now.as_micros() + step);
                let mut fired = Vec::new();
                for _ in 0..2 * real.len() {
                    let Some(slot) = queue.pop_due(now) else { break };
                    if real[slot].is_some_and(|deadline| deadline <= now) {
                        real[slot] = None;
                        fired.push(slot);
                    }
                    queue.schedule(slot, real[slot]);
                }
                prop_assert_eq!(queue.pop_due(now), None);
                prop_assert!(real.iter().flatten().all(|&deadline| deadline > now), "missed, fired {:?}", fired);
            }
        }
    }
}
