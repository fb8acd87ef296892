//! What a state still owes: the beginnings and the ends that L1, L2, L4 to L6, L8 and L9 speak of.

use super::bounds::{Move, Times};
use super::endpoint::{Endpoint, Owner, Side};
use super::world::{State, TIMERS_OF_THE_TABLE, World};
use crate::event::{Call, Timer};
use crate::state::State as Connection;

impl World {
    /// Whether everything has come to rest: L1.
    #[must_use]
    pub fn is_quiescent(state: &State) -> bool {
        state.ends.iter().all(rests) && state.network.is_empty()
    }

    /// Whether both ends are open for the first time, one of them actively, and no user has closed: L2.
    #[must_use]
    pub fn awaits_establishment(&self, state: &State) -> bool {
        let opening = |side: Side| {
            let Endpoint { tcb, owner } = &state.ends[side.index()];
            let early = matches!(
                tcb.state(),
                Connection::Listen | Connection::SynSent | Connection::SynReceived | Connection::Established
            );
            let accepts = tcb.state() != Connection::Listen || !self.bounds.are_used_up(&state.ends[side.index()]);
            early && accepts && !tcb.close_queued() && self.opens_made(side, owner) == 1
        };
        let all_listen = state.ends.iter().all(|end| end.tcb.state() == Connection::Listen);
        Side::BOTH.into_iter().all(opening) && !all_listen
    }

    /// Whether both ends are ESTABLISHED: L2's goal.
    #[must_use]
    pub fn is_established(state: &State) -> bool {
        state.ends.iter().all(|end| end.tcb.state() == Connection::Established)
    }

    /// Whether both ends are ESTABLISHED and this one has text that is not acknowledged: L6.
    #[must_use]
    pub fn waits_for_acknowledgment(state: &State, side: Side) -> bool {
        let owner = &state.ends[side.index()].owner;
        World::is_established(state) && owner.acked < owner.queued
    }

    /// Whether all text of this end is acknowledged: L6's goal.
    #[must_use]
    pub fn is_acknowledged(state: &State, side: Side) -> bool {
        let Endpoint { tcb, owner } = &state.ends[side.index()];
        tcb.state().is_synchronized() && owner.queued > 0 && owner.acked == owner.queued
    }

    /// Whether this end has opened and is not yet ESTABLISHED, as far as that is not for want of incarnations: L4. A
    /// listener that has none left hears no SYN.
    #[must_use]
    pub fn is_opening(&self, state: &State, side: Side) -> bool {
        let [here, there] = [side, side.other()].map(|side| &state.ends[side.index()]);
        let unheard = there.tcb.state() == Connection::Listen && self.bounds.are_used_up(there);
        match here.tcb.state() {
            Connection::SynSent => !unheard,
            Connection::SynReceived => true,
            Connection::Closed
            | Connection::Listen
            | Connection::Established
            | Connection::FinWait1
            | Connection::FinWait2
            | Connection::CloseWait
            | Connection::Closing
            | Connection::LastAck
            | Connection::TimeWait => false,
        }
    }

    /// Whether text of this end is not acknowledged although its connection is synchronized and the peer's user, if there
    /// still is one, reads: L4.
    #[must_use]
    pub fn is_owed(&self, state: &State, side: Side) -> bool {
        let Endpoint { tcb, owner } = &state.ends[side.index()];
        tcb.state().is_synchronized() && owner.acked < owner.queued && self.bounds.reads(side.other())
    }

    /// Whether each user has closed or has no connection, and not all has come to rest: L4. One who only waits in
    /// FIN-WAIT-2 for a peer that is gone may have to wait for ever.
    #[must_use]
    pub fn is_closing(state: &State) -> bool {
        let waits = |end: &Endpoint| end.tcb.state() == Connection::FinWait2;
        let [a, b] = &state.ends;
        let done = |end: &Endpoint| rests(end) || end.tcb.close_queued();
        let abandoned = (rests(a) && waits(b)) || (waits(a) && rests(b));
        done(a) && done(b) && !(rests(a) && rests(b)) && !abandoned
    }

    /// Whether this end is synchronized with an incarnation of the peer that is gone, and says something: L5.
    #[must_use]
    pub fn speaks_to_the_dead(state: &State, side: Side) -> bool {
        let [here, there] = [side, side.other()].map(|side| &state.ends[side.index()]);
        let gone = rests(there) || here.owner.peer != there.owner.incarnation;
        let speaks = here.tcb.armed(Timer::Retransmit) || here.tcb.armed(Timer::Persist);
        here.tcb.state().is_synchronized() && gone && speaks
    }

    /// Whether some end sends into a closed window: L6.
    #[must_use]
    pub fn faces_a_closed_window(state: &State) -> bool {
        state.ends.iter().any(|end| end.tcb.window_known() && end.tcb.snd_wnd() == 0)
    }

    /// Whether this end waits for its first peer, the other may still open, and no user has closed: L8.
    #[must_use]
    pub fn awaits_a_peer(&self, state: &State, side: Side) -> bool {
        let [here, there] = [side, side.other()].map(|side| &state.ends[side.index()]);
        let waits = match here.tcb.state() {
            Connection::Listen => true,
            Connection::SynReceived => here.tcb.is_passive() && !here.tcb.close_queued(),
            Connection::Closed
            | Connection::SynSent
            | Connection::Established
            | Connection::FinWait1
            | Connection::FinWait2
            | Connection::CloseWait
            | Connection::Closing
            | Connection::LastAck
            | Connection::TimeWait => false,
        };
        let may_open = self.moves(side.other(), there).any(|place| {
            matches!(self.move_at(side.other(), place), Some((Move::Call(Call::OpenActive { remote: true }), _)))
        });
        waits && !self.bounds.are_used_up(here) && there.tcb.state() == Connection::Closed && may_open
    }

    /// Whether an end waits for its peer with no timer running, and its user is gone: L9.
    #[must_use]
    pub fn strands_somebody(state: &State) -> bool {
        let stranded = |end: &Endpoint| {
            !rests(end) && end.tcb.user_gone() && !TIMERS_OF_THE_TABLE.into_iter().any(|timer| end.tcb.armed(timer))
        };
        state.ends.iter().any(stranded)
    }

    fn opens_made(&self, side: Side, owner: &Owner) -> u32 {
        let places = self.bounds.scripts[side.index()].iter().zip(0_u32..);
        places.fold(0, |made, (&(what, times), place)| match (what, times) {
            (Move::Call(Call::OpenActive { .. } | Call::OpenPassive), Times::AtMost(n)) => {
                made + u32::from(n) - owner.left(place)
            }
            (
                Move::Call(_) | Move::CloseLast | Move::Timeout(_) | Move::Crash | Move::Shrink,
                Times::AtMost(_) | Times::Any,
            ) => made,
        })
    }
}

/// Whether an end has no connection, nor the beginning of one.
fn rests(end: &Endpoint) -> bool {
    matches!(end.tcb.state(), Connection::Closed | Connection::Listen)
}
