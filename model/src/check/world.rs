//! A world: two endpoints, the network between them, and all that can happen next.

use super::attacker::forgeries;
use super::bounds::{Bounds, Move, Times};
use super::endpoint::{Endpoint, N, Owner, Side};
use super::owner::{Outgoing, Turn};
use super::packet::{Fate, Network, Packet};
use super::passage::Passage;
use super::properties::{Property, Violations, judge_state};
use crate::engine::{Fired, Tcb, step};
use crate::event::{Call, Event, Reply, Timer};
use crate::segment::Flag;
use crate::state::State as Connection;
use crate::table::Table;

/// A world asks one question; its bounds are part of the answer.
#[derive(Clone, Copy, Debug)]
pub struct World {
    /// Its name on a command line.
    pub name: &'static str,
    /// What it asks.
    pub question: &'static str,
    /// What it does not look beyond.
    pub bounds: Bounds,
    /// The properties it decides.
    pub properties: &'static [Property],
    /// The states that it must visit.
    pub visits: &'static [Connection],
    /// The rules that both ends follow.
    pub table: &'static Table,
}

/// A state of a world.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// A and B.
    pub ends: [Endpoint; 2],
    /// What is on its way.
    pub network: Network,
    /// How many more segments the network may deliver twice.
    pub duplications: u8,
    /// How many more segments an attacker may forge.
    pub forgeries: u8,
    /// Ghost: the safety properties that the step to this state broke.
    pub violations: Violations,
}

/// Something that can happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// A segment arrives.
    Deliver(Packet),
    /// A segment arrives, and a copy of it stays behind.
    DeliverCopy(Packet),
    /// A segment is lost.
    Lose(Packet),
    /// A segment that neither end sent arrives.
    Forge(Packet),
    /// The move at this place of the script.
    Move(Side, u32),
    /// A timer that the connection runs goes off.
    Timeout(Side, Timer),
    /// The bucket of challenge ACKs is filled again.
    Tick(Side),
    /// The quiet time after a crash is over.
    Wake(Side),
}

/// Who makes something happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Agent {
    /// The network does its work.
    Delivery,
    /// A user, or the user's timer.
    User,
    /// A user takes what has arrived.
    Reader,
    /// A timer.
    Timer,
    /// The network or the host does harm.
    Adversary,
}

/// What is told of a step to whoever wants to know.
pub trait Witness {
    /// Rules fired at an endpoint.
    fn fired(&mut self, _side: Side, _event: &Event<N>, _fired: &Fired) {}
    /// A segment was sent.
    fn sent(&mut self, _packet: Packet, _fate: Fate) {}
    /// The user's call was answered.
    fn replied(&mut self, _side: Side, _reply: Reply) {}
}

impl Witness for () {}

/// Timers whose running the connection knows; the delayed ACK is the owner's.
pub(super) const TIMERS_OF_THE_TABLE: [Timer; 4] =
    [Timer::Retransmit, Timer::Persist, Timer::TimeWait, Timer::FinWait2];

impl World {
    /// Nobody has done anything.
    #[must_use]
    pub fn initial(&self) -> State {
        let end = |side| Endpoint { tcb: Tcb::closed(), owner: Owner::idle(0, self.bounds.initially_left(side)) };
        State {
            ends: Side::BOTH.map(end),
            network: Network::default(),
            duplications: self.bounds.duplications,
            forgeries: self.bounds.forgeries,
            violations: Violations::default(),
        }
    }

    /// All that can happen next, always in the same order; each of them leads to a state.
    pub fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for packet in state.network.packets().filter(|packet| !packet.waits_its_turn()) {
            actions.push(Action::Deliver(packet));
            if state.duplications > 0 {
                actions.push(Action::DeliverCopy(packet));
            }
            if self.bounds.loss {
                actions.push(Action::Lose(packet));
            }
        }
        for side in Side::BOTH {
            let end = &state.ends[side.index()];
            if state.forgeries > 0 {
                actions.extend(forgeries(self.bounds.attacker, side, end).map(Action::Forge));
            }
            actions.extend(self.moves(side, end).map(|place| Action::Move(side, place)));
            actions.extend(self.timers(side, state).map(|timer| Action::Timeout(side, timer)));
            if !end.owner.token {
                actions.push(Action::Tick(side));
            }
            if end.owner.quiet && !state.network.has_aged(side) {
                actions.push(Action::Wake(side));
            }
        }
    }

    /// The places of a script where a move may be made.
    pub(super) fn moves(&self, side: Side, end: &Endpoint) -> impl Iterator<Item = u32> {
        let end = *end;
        let places = self.bounds.scripts[side.index()].iter().zip(0_u32..);
        places.filter_map(move |(&(what, times), place)| {
            let left = match times {
                Times::Any => true,
                Times::AtMost(_) => end.owner.left(place) > 0,
            };
            (left && self.can_move(&end, what)).then_some(place)
        })
    }

    /// A host that keeps quiet does nothing; only one that has a connection can lose it; one octet of buffer stays.
    fn can_move(&self, end: &Endpoint, what: Move) -> bool {
        match what {
            Move::Call(call) => {
                !(end.owner.quiet || (selects_iss(call, end.tcb.state()) && self.bounds.are_used_up(end)))
            }
            Move::CloseLast => end.tcb.state() == Connection::CloseWait,
            Move::Timeout(_) => !end.owner.quiet,
            Move::Crash => !matches!(end.tcb.state(), Connection::Closed | Connection::Listen),
            Move::Shrink => end.owner.shrunk + end.owner.unread + 1 < self.bounds.buffer,
        }
    }

    fn timers(&self, side: Side, state: &State) -> impl Iterator<Item = Timer> {
        let end = state.ends[side.index()];
        let too_early = (self.bounds.msl && state.network.has_aged(side))
            || (self.bounds.last_ack_arrives && World::is_still_heard_of(state, side));
        let waits = !self.bounds.loss && !state.network.is_empty();
        let delayed = end.owner.ack_owed.then_some(Timer::DelayedAck);
        let runs = move |&timer: &Timer| {
            let held_back = match timer {
                Timer::TimeWait => too_early,
                Timer::Retransmit | Timer::Persist => waits,
                Timer::FinWait2 | Timer::User | Timer::KeepAlive | Timer::DelayedAck => false,
            };
            end.tcb.armed(timer) && !held_back
        };
        TIMERS_OF_THE_TABLE.into_iter().filter(runs).chain(delayed)
    }

    /// Whether the peer of this end still knows it, or anything that either has sent is on its way.
    fn is_still_heard_of(state: &State, side: Side) -> bool {
        let [us, peer] = [side, side.other()].map(|side| &state.ends[side.index()]);
        let paired = peer.owner.incarnation == us.owner.peer && peer.owner.peer == us.owner.incarnation;
        let sent = |packet: Packet| {
            let ghost = packet.ghost();
            ghost.incarnation == if ghost.from == side { us.owner.incarnation } else { us.owner.peer }
        };
        (paired && peer.tcb.state().is_synchronized()) || state.network.packets().any(sent)
    }

    /// Who makes an action happen.
    #[must_use]
    pub fn agent(&self, action: Action) -> Agent {
        match action {
            Action::Deliver(_) => Agent::Delivery,
            Action::DeliverCopy(_) | Action::Lose(_) | Action::Forge(_) => Agent::Adversary,
            Action::Move(side, place) => match self.move_at(side, place) {
                Some((Move::Call(Call::Receive), _)) => Agent::Reader,
                Some((Move::Crash | Move::Shrink, _)) => Agent::Adversary,
                Some((Move::Call(_) | Move::CloseLast | Move::Timeout(_), _)) | None => Agent::User,
            },
            Action::Timeout(..) | Action::Tick(_) | Action::Wake(_) => Agent::Timer,
        }
    }

    /// The move at this place of a user's script.
    #[must_use]
    pub fn move_at(&self, side: Side, place: u32) -> Option<(Move, Times)> {
        let script = self.bounds.scripts[side.index()].iter().zip(0..);
        script.filter(|&(_, here)| here == place).map(|(&entry, _)| entry).next()
    }

    /// The state that an action leads to.
    pub fn apply(&self, state: &State, action: Action, witness: &mut impl Witness) -> State {
        let mut step = Step { world: self, state: *state, witness };
        step.state.violations = Violations::default();
        match action {
            Action::Deliver(packet) => {
                step.state.network.remove(packet);
                step.arrive(packet);
            }
            Action::DeliverCopy(packet) => {
                step.state.duplications -= 1;
                step.arrive(packet);
            }
            Action::Forge(packet) => {
                step.state.forgeries -= 1;
                step.arrive(packet);
            }
            Action::Lose(packet) => step.state.network.remove(packet),
            Action::Move(side, place) => step.make_move(side, place),
            Action::Timeout(side, timer) => {
                if timer == Timer::DelayedAck {
                    step.state.ends[side.index()].owner.ack_owed = false;
                }
                step.happen(side, Event::Timeout(timer), None);
            }
            Action::Tick(side) => step.state.ends[side.index()].owner.token = true,
            Action::Wake(side) => step.state.ends[side.index()].owner.quiet = false,
        }
        let mut violations = step.state.violations;
        judge_state(&step.state, &mut violations);
        State { violations, ..step.state }
    }

    /// The number that a ladder counts an incarnation's numbers from: its ISS; where a clock may have begun again, that
    /// of the first.
    #[must_use]
    pub fn origin(&self, side: Side, incarnation: u8) -> N {
        let nth = if self.bounds.clock_survives { incarnation } else { 1 };
        self.bounds.iss(side, nth)
    }
}

/// Whether a call in this state selects an initial sequence number.
const fn selects_iss(call: Call, state: Connection) -> bool {
    match call {
        Call::OpenActive { remote: true } | Call::Send { remote: true } => {
            matches!(state, Connection::Closed | Connection::Listen)
        }
        Call::OpenActive { remote: false }
        | Call::OpenPassive
        | Call::Send { remote: false }
        | Call::Receive
        | Call::Close
        | Call::Release
        | Call::Abort
        | Call::Status => false,
    }
}

/// An action under way.
struct Step<'a, W> {
    world: &'a World,
    state: State,
    witness: &'a mut W,
}

impl<W: Witness> Step<'_, W> {
    /// A host that keeps quiet answers nothing; a SYN that needs one more incarnation than the world counts is lost. One
    /// with an ACK needs none: LISTEN resets its sender.
    fn arrive(&mut self, packet: Packet) {
        let side = packet.ghost().from.other();
        let end = &self.state.ends[side.index()];
        let opens = packet.segment().has(Flag::Syn) && !packet.segment().has(Flag::Ack);
        let listens = end.tcb.state() == Connection::Listen;
        if !(end.owner.quiet || (listens && opens && self.world.bounds.are_used_up(end))) {
            self.happen(side, Event::Arrives(packet.segment()), Some(packet));
        }
    }

    /// A move that is refused, or that changes nothing by its nature, is not spent.
    fn make_move(&mut self, side: Side, place: u32) {
        let Some((what, times)) = self.world.move_at(side, place) else {
            return;
        };
        let served = match what {
            Move::Call(call) => {
                let reply = self.happen(side, Event::Call(call), None);
                matches!(reply, Some(Reply::Ok | Reply::Queued | Reply::Deliver))
            }
            Move::CloseLast => {
                self.happen(side, Event::Call(Call::Close), None);
                true
            }
            Move::Timeout(timer) => {
                self.happen(side, Event::Timeout(timer), None);
                true
            }
            Move::Crash => {
                self.crash(side);
                true
            }
            Move::Shrink => {
                self.state.ends[side.index()].owner.shrunk += 1;
                true
            }
        };
        if served && matches!(times, Times::AtMost(_)) {
            self.state.ends[side.index()].owner.spend(place);
        }
    }

    /// Everything that the host knew is forgotten, but for what the clock says.
    fn crash(&mut self, side: Side) {
        let Bounds { clock_survives, quiet_time, .. } = self.world.bounds;
        let end = &mut self.state.ends[side.index()];
        *end = Endpoint { tcb: Tcb::closed(), owner: end.owner.bereft() };
        end.owner.quiet = quiet_time;
        if !clock_survives {
            end.owner.set_clock(0);
        }
        self.state.network.age(side, quiet_time);
    }

    /// An event, then all that may be transmitted because of it.
    fn happen(&mut self, side: Side, event: Event<N>, cause: Option<Packet>) -> Option<Reply> {
        let world = self.world;
        let before = self.state.ends[side.index()];
        let mut tcb = before.tcb;
        let mut turn = Turn::new(side, &before, &world.bounds, cause);
        self.run(&mut tcb, &mut turn, event);
        if turn.reply == Some(Reply::Deliver) {
            turn.read();
        }
        // No event has more to transmit than this; only a table that forgets what was sent has.
        for _ in 0..Outgoing::CAPACITY {
            let Some((text, fin)) = turn.transmit(&tcb) else {
                break;
            };
            self.run(&mut tcb, &mut turn, Event::Sent { text, fin });
        }
        turn.acknowledge_at_last(&tcb);
        turn.judge_answers(&before, &tcb);
        self.settle(side, Endpoint { tcb, owner: turn.owner }, &turn);
        if let Some(reply) = turn.reply {
            self.witness.replied(side, reply);
        }
        turn.reply
    }

    /// One event through the engine, judged.
    fn run(&mut self, tcb: &mut Tcb<N>, turn: &mut Turn<'_>, event: Event<N>) {
        let before = Endpoint { tcb: *tcb, owner: turn.owner };
        let fired = step(self.world.table, tcb, event, turn);
        pair(&before.tcb, tcb, turn);
        let passage = Passage {
            table: self.world.table,
            before,
            after: Endpoint { tcb: *tcb, owner: turn.owner },
            peer: &self.state.ends[turn.side.other().index()],
            event,
            fired: &fired,
            turn,
        };
        let mut violations = self.state.violations;
        passage.judge(&mut violations);
        self.state.violations = violations;
        self.witness.fired(turn.side, &event, &fired);
    }

    /// Puts the endpoint back into the state, and what it sent into the network.
    fn settle(&mut self, side: Side, mut end: Endpoint, turn: &Turn<'_>) {
        match end.tcb.state() {
            Connection::Closed => end.owner = end.owner.bereft(),
            Connection::Listen => end.owner.forget_peer(),
            Connection::SynSent
            | Connection::SynReceived
            | Connection::Established
            | Connection::FinWait1
            | Connection::FinWait2
            | Connection::CloseWait
            | Connection::Closing
            | Connection::LastAck
            | Connection::TimeWait => {}
        }
        let waited = self.state.ends[side.index()].tcb.state() == Connection::TimeWait;
        let waits = end.tcb.state() == Connection::TimeWait;
        if self.world.bounds.msl && (turn.time_wait_began || waited != waits) {
            self.state.network.age(side, waits);
        }
        for packet in turn.out.packets() {
            let fate = self.state.network.send(packet, self.world.bounds.capacity, self.world.bounds.order);
            self.witness.sent(packet, fate);
        }
        self.state.violations.join(turn.violations);
        self.state.ends[side.index()] = end;
    }
}

/// Ghost: whose SYN RCV.NXT was set by, if this event set it; after a return to TIME-WAIT nobody's that is known.
fn pair(before: &Tcb<N>, after: &Tcb<N>, turn: &mut Turn<'_>) {
    let took_syn = match before.state() {
        Connection::Listen | Connection::SynSent | Connection::TimeWait => after.state() != before.state(),
        Connection::Closed
        | Connection::SynReceived
        | Connection::Established
        | Connection::FinWait1
        | Connection::FinWait2
        | Connection::CloseWait
        | Connection::Closing
        | Connection::LastAck => false,
    };
    match turn.cause {
        Some(packet) if took_syn && packet.segment().has(Flag::Syn) => turn.owner.peer = packet.ghost().incarnation,
        Some(_) | None => {}
    }
    if before.reopened() && after.state() == Connection::TimeWait {
        turn.owner.peer = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::environments::named;

    fn world() -> World {
        named("handshake", Table::repaired()).expect("it exists")
    }

    /// The state after the first action of each kind that `wanted` names, one after the other.
    fn after(world: &World, wanted: &[fn(&Action) -> bool]) -> State {
        wanted.iter().fold(world.initial(), |state, wanted| {
            let mut actions = Vec::new();
            world.actions(&state, &mut actions);
            let action = actions.into_iter().find(wanted).expect("it can happen");
            world.apply(&state, action, &mut ())
        })
    }

    const A_OPENS: fn(&Action) -> bool = |action| matches!(action, Action::Move(Side::A, 0));
    const B_OPENS: fn(&Action) -> bool = |action| matches!(action, Action::Move(Side::B, 0));
    const DELIVERY: fn(&Action) -> bool = |action| matches!(action, Action::Deliver(_));

    #[test]
    fn three_deliveries_establish() {
        let world = world();
        let state = after(&world, &[A_OPENS, B_OPENS, DELIVERY, DELIVERY, DELIVERY]);
        assert!(World::is_established(&state) && state.network.is_empty() && !state.violations.any());
    }

    #[test]
    fn a_state_is_small() {
        assert!(size_of::<State>() <= 128);
    }

    #[test]
    fn a_refused_call_leaves_the_script_as_it_was() {
        let world = world();
        let once = after(&world, &[A_OPENS]);
        let again = world.apply(&once, Action::Move(Side::A, 0), &mut ());
        assert_eq!(once, again, "OPEN in SYN-SENT: connection already exists");
        assert_eq!(once.ends[0].owner.left(0), 1);
    }

    #[test]
    fn a_retransmission_on_its_way_already_changes_nothing() {
        let world = world();
        let once = after(&world, &[A_OPENS]);
        let again = world.apply(&once, Action::Timeout(Side::A, Timer::Retransmit), &mut ());
        assert_eq!(once, again);
    }

    #[test]
    fn a_copy_stays_behind_and_is_paid_for() {
        let world = world();
        let copied = after(&world, &[A_OPENS, |action| matches!(action, Action::DeliverCopy(_))]);
        let delivered = after(&world, &[A_OPENS, DELIVERY]);
        assert_eq!(copied.network.packets().count(), delivered.network.packets().count() + 1);
        assert_eq!(copied.duplications + 1, delivered.duplications);
    }
}
