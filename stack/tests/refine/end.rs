//! One end of a world: a real stack with its user and its clock, and the reference that does the same things.
//!
//! [`Turn`] does one thing to both and takes what the stack says byte by byte. Whatever the two do not agree on is a complaint.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use lockstep::stack::{CallError, Event, OpenError, Pair, Projected, Projection, Stack, Transition};
use lockstep::time::{Instant, Micros};
use lockstep_model::{Call, Flag, Reply, RuleId, State, Tcb, Timer};

use crate::reference::{Counters, MSS, Outcome, Owed, Reference};
use crate::user::{Reads, User, octet};
use crate::wire::{ADDRESSES, PORTS, Said, decode};
use crate::world::World;

/// What is wrong: the property that fell, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Complaint {
    pub property: &'static str,
    pub what: String,
}

/// The property that everything else rests on: the stack does what the reference does.
pub const REFINES: &str = "refines";

pub fn broken(property: &'static str, what: impl Into<String>) -> Complaint {
    Complaint { property, what: what.into() }
}

fn differs(what: impl Into<String>) -> Complaint {
    broken(REFINES, what)
}

/// One end. Two ends are equal if nothing tells their futures apart: names of connections, counts and memory do not matter.
#[derive(Clone, Debug)]
pub struct End {
    pub stack: Stack,
    pub now: Instant,
    pub user: User,
    pub reference: Reference,
    /// When the last incarnation began: its ISS is that moment's.
    numbered_at: Option<Instant>,
    /// The connection as the stack's projection shows it; a CLOSED one that nobody has released is none.
    pub connection: Option<Projected>,
    view: View,
    digest: u64,
}

/// What [`End`]s are compared by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct View {
    projection: Projection,
    /// The clock itself, for initial sequence numbers follow it.
    now: Instant,
    numbered_at: Option<Instant>,
    user: User,
    reference: Reference,
}

impl PartialEq for End {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest && self.view == other.view
    }
}

impl Eq for End {}

impl Hash for End {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.digest);
    }
}

impl End {
    pub fn new(stack: Stack, now: Instant, user: User, reference: Reference) -> Self {
        let projection = stack.project(now);
        let view = View { projection, now, numbered_at: None, user: user.clone(), reference: reference.clone() };
        let mut end = End { stack, now, user, reference, numbered_at: None, connection: None, view, digest: 0 };
        end.look();
        end
    }

    fn look(&mut self) {
        let reference = self.reference.project(self.now);
        let projection = self.stack.project(self.now);
        self.connection = projection.connections().find(|connection| connection.tcb.state() != State::Closed);
        self.view =
            View { projection, now: self.now, numbered_at: self.numbered_at, user: self.user.clone(), reference };
        let mut hasher = std::collections::hash_map::DefaultHasher::new();
        self.view.hash(&mut hasher);
        self.digest = hasher.finish();
    }
}

/// Something that happens at one end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Stimulus {
    /// A frame arrives; the reference gets what it said when it was sent.
    Arrives {
        frame: Arc<[u8]>,
        said: Said,
        forged: bool,
    },
    /// The clock goes on to the next deadline.
    Timeout,
    /// The user opens the connection actively.
    Open,
    /// He opens it once more, while it is there.
    OpenAgain,
    /// The listener goes away, and with it a connection that nobody has accepted.
    StopListening,
    /// The user sends so many octets.
    Send(u8),
    /// The user reads, where he does not read at once.
    Read,
    Close,
    Release,
    Abort,
}

/// One stimulus and all that follows from it at once.
pub struct Turn<'w> {
    world: &'w World,
    side: usize,
    /// How it was.
    before: &'w End,
    pub end: End,
    /// What left, in order.
    pub said: Vec<(Arc<[u8]>, Said)>,
    pub changes: Vec<Transition>,
    /// The reference's rules, and the control segments that it waits for.
    pub outcome: Outcome,
}

impl<'w> Turn<'w> {
    pub fn new(world: &'w World, side: usize, before: &'w End) -> Self {
        let (said, changes, outcome) = (Vec::new(), Vec::new(), Outcome::default());
        Turn { world, side, before, end: before.clone(), said, changes, outcome }
    }

    /// Does it, and whatever the user does at once, and compares.
    pub fn run(&mut self, stimulus: &Stimulus) -> Result<(), Complaint> {
        self.end.user.left.spend(stimulus);
        self.stimulate(stimulus)?;
        if self.end.reference.is_bound() && !self.before.reference.is_bound() {
            self.end.numbered_at = Some(self.end.now);
        }
        self.transmit()?;
        while let Some(event) = self.end.stack.poll_event() {
            self.react(&event)?;
            self.transmit()?;
        }
        self.status()?;
        while let Some(change) = self.end.stack.poll_transition() {
            self.changes.push(change);
        }
        self.end.reference.lay_to_rest();
        self.end.look();
        self.compare()
    }

    /// The rules that the stack says have fired, in the order of their ids.
    fn fired_in_the_stack(&self) -> impl Iterator<Item = RuleId> + '_ {
        let earlier = self.before.stack.fired();
        let count_before = move |rule| earlier.get(&rule).copied().unwrap_or_default();
        let counts = self.end.stack.fired().into_iter();
        counts.flat_map(move |(rule, count)| (count_before(rule)..count).map(move |_| rule))
    }

    // ---- The same thing to both --------------------------------------------------------------------------------------

    fn stimulate(&mut self, stimulus: &Stimulus) -> Result<(), Complaint> {
        match stimulus {
            Stimulus::Arrives { frame, said, .. } => self.arrives(frame, said),
            Stimulus::Timeout => self.timeout(),
            Stimulus::Open => self.open(),
            Stimulus::OpenAgain => self.open_again(),
            Stimulus::StopListening => self.stop_listening(),
            &Stimulus::Send(octets) => self.send(octets),
            Stimulus::Read => self.read(),
            Stimulus::Close => self.call(Call::Close),
            Stimulus::Release => self.release(),
            Stimulus::Abort => self.call(Call::Abort),
        }
    }

    fn arrives(&mut self, frame: &[u8], said: &Said) -> Result<(), Complaint> {
        if self.end.reference.listens && !self.end.reference.is_bound() {
            self.tick_of_the_isn_clock();
        }
        if let Some(reason) = self.end.stack.input(self.end.now, frame) {
            return Err(differs(format!("{} is dropped: {reason:?}", said.segment)));
        }
        let outcome = self.end.reference.arrives(&self.world.settings[self.side], self.end.now, said.segment);
        self.note(outcome);
        Ok(())
    }

    fn timeout(&mut self) -> Result<(), Complaint> {
        let waiting = self.end.connection.clone().ok_or_else(|| differs("no connection has a timer"))?;
        let deadline = waiting.next_deadline.ok_or_else(|| differs("no timer is armed"))?;
        self.end.now += deadline.since(Instant::ZERO);
        self.end.stack.timeout(self.end.now);
        for timer in Timer::ALL.into_iter().filter(|&timer| waiting.timers.deadline(timer) == Some(deadline)) {
            let outcome = self.end.reference.timeout(&self.world.settings[self.side], self.end.now, timer);
            self.note(outcome);
        }
        Ok(())
    }

    fn open(&mut self) -> Result<(), Complaint> {
        self.tick_of_the_isn_clock();
        let Pair { local, remote } = self.pair();
        let opened = self.end.stack.connect_from(self.end.now, local, remote);
        let id = opened.map_err(|error| differs(format!("connect: {error}")))?;
        self.reference_call(Call::OpenActive { remote: true });
        self.end.reference.accepted();
        self.end.user.begins(id, self.end.reference.tcb.iss());
        Ok(())
    }

    /// An OPEN of what is open: active if there is a connection, and passive if there is a listener.
    fn open_again(&mut self) -> Result<(), Complaint> {
        let Pair { local, remote } = self.pair();
        let in_use = OpenError::AddressInUse(local);
        if self.end.reference.is_bound() {
            let refused = self.end.stack.connect_from(self.end.now, local, remote);
            let reply = self.reference_call(Call::OpenActive { remote: true });
            if (refused, reply) != (Err(in_use), Some(Reply::AlreadyExists)) {
                return Err(differs(format!("a second active OPEN: {refused:?}, not {reply:?}")));
            }
        }
        if self.end.reference.listens {
            let refused = self.end.stack.listen(self.end.now, local, 1);
            let outcome = self.end.reference.listen_again(&self.world.settings[self.side], self.end.now);
            let reply = outcome.reply;
            self.note(outcome);
            if (refused, reply) != (Err(in_use), Some(Reply::RemoteUnspecified)) {
                return Err(differs(format!("a second passive OPEN: {refused:?}, not {reply:?}")));
            }
        }
        Ok(())
    }

    fn stop_listening(&mut self) -> Result<(), Complaint> {
        let Some(listener) = self.end.user.listener.0.take() else { return Ok(()) };
        let done = self.end.stack.close_listener(self.end.now, listener);
        let outcome = self.end.reference.stop_listening(&self.world.settings[self.side], self.end.now);
        self.note(outcome);
        done.map_err(|error| differs(format!("close a listener: {error}")))
    }

    /// A second incarnation comes a second after the first, so that its ISS is another one. No timer runs meanwhile.
    fn tick_of_the_isn_clock(&mut self) {
        if self.end.numbered_at == Some(self.end.now) {
            self.end.now += Micros::from_secs(1);
        }
    }

    fn send(&mut self, octets: u8) -> Result<(), Complaint> {
        let Some(id) = self.end.user.connection.0 else { return Ok(()) };
        let text = self.end.user.next_text(self.side, octets);
        let taken = self.end.stack.send(self.end.now, id, &text);
        let outcome = self.end.reference.send(&self.world.settings[self.side], self.end.now, octets.into());
        let reply = outcome.reply;
        self.note(outcome);
        let expected = match reply {
            Some(Reply::Ok | Reply::Queued) => Some(text.len()),
            Some(Reply::Closing | Reply::DoesNotExist) => None,
            _ => return Err(differs(format!("SEND: {reply:?}"))),
        };
        if taken.ok() != expected {
            return Err(differs(format!("SEND: {taken:?}, not {reply:?}")));
        }
        if expected.is_some() {
            self.end.user.sent(octets);
        }
        if self.end.user.has_closed() && expected.is_some() {
            return Err(broken("S12", format!("SEND after CLOSE: {taken:?}")));
        }
        Ok(())
    }

    fn call(&mut self, call: Call) -> Result<(), Complaint> {
        let Some(id) = self.end.user.connection.0 else { return Ok(()) };
        let done = match call {
            Call::Abort => self.end.stack.abort(self.end.now, id),
            _ => self.end.stack.close(self.end.now, id),
        };
        let reply = self.reference_call(call);
        if done.is_ok() != matches!(reply, Some(Reply::Ok | Reply::Queued)) {
            return Err(differs(format!("{call:?}: {done:?}, not {reply:?}")));
        }
        if done.is_ok() {
            self.end.user.closes(call == Call::Abort);
        }
        Ok(())
    }

    fn release(&mut self) -> Result<(), Complaint> {
        let Some(id) = self.end.user.connection.0.take() else { return Ok(()) };
        let done = self.end.stack.release(self.end.now, id);
        self.reference_call(Call::Release);
        self.end.user.closes(true);
        done.map_err(|error| differs(format!("RELEASE: {error}")))
    }

    /// Reads until there is nothing more. The octets are those that the peer has sent, the end comes after the last.
    fn read(&mut self) -> Result<(), Complaint> {
        let Some(id) = self.end.user.connection.0 else { return Ok(()) };
        while !self.end.user.at_end {
            let mut buf = [0; 64];
            let read = self.end.stack.receive(self.end.now, id, &mut buf);
            let reply = self.reference_call(Call::Receive);
            let unread = self.end.reference.counters.unread;
            let agrees = match (&read, reply) {
                (Ok(0), Some(Reply::Closing | Reply::DoesNotExist)) => unread == 0 && self.end.reference.counters.ended,
                (&Ok(n), Some(Reply::Deliver | Reply::DoesNotExist)) => n > 0 && u32::try_from(n) == Ok(unread),
                (Err(CallError::WouldBlock), Some(Reply::Queued)) => unread == 0,
                (Err(CallError::Failed(_) | CallError::DoesNotExist), Some(Reply::DoesNotExist)) => unread == 0,
                _ => false,
            };
            if !agrees {
                return Err(differs(format!("RECEIVE: {read:?}, not {reply:?} with {unread} octets unread")));
            }
            match read {
                Err(_) => break,
                Ok(0) => self.end.user.at_end = true,
                Ok(n) => {
                    self.end.user.received.extend(&buf[..n]);
                    self.end.reference.read(&self.world.settings[self.side], unread);
                }
            }
        }
        Ok(())
    }

    /// STATUS says what the reference counts.
    fn status(&mut self) -> Result<(), Complaint> {
        let Some(id) = self.end.user.connection.0 else { return Ok(()) };
        let status = self.end.stack.status(self.end.now, id).map_err(|error| differs(format!("STATUS: {error}")))?;
        self.reference_call(Call::Status);
        let Counters { queued, sent, acked, unread, window, .. } = self.end.reference.counters;
        let counts = [queued - acked, queued - sent, unread, window].map(|count| usize::try_from(count).ok());
        let said = [status.unacknowledged, status.unsent, status.unread, status.rcv_wnd].map(Some);
        if said != counts || status.tcb != self.end.reference.tcb {
            return Err(differs(format!("STATUS: {status:?}, not {counts:?}")));
        }
        Ok(())
    }

    fn reference_call(&mut self, call: Call) -> Option<Reply> {
        let outcome = self.end.reference.call(&self.world.settings[self.side], self.end.now, call);
        let reply = outcome.reply;
        self.note(outcome);
        reply
    }

    fn note(&mut self, outcome: Outcome) {
        self.outcome.fired.extend(outcome.fired);
        self.outcome.controls.extend(outcome.controls);
    }

    // ---- What follows ------------------------------------------------------------------------------------------------

    /// Takes every frame that the stack has to send, and judges it.
    fn transmit(&mut self) -> Result<(), Complaint> {
        let mut frame = Vec::new();
        while self.end.stack.poll_transmit(self.end.now, &mut frame) {
            let said = decode(self.side, &frame).map_err(differs)?;
            self.judge(&said)?;
            self.said.push((frame.as_slice().into(), said));
        }
        if let Some(missing) = self.outcome.controls.front() {
            return Err(differs(format!("{missing} is not sent")));
        }
        self.end.reference.has_said_all().map_err(differs)
    }

    fn judge(&mut self, said: &Said) -> Result<(), Complaint> {
        let right = match self.outcome.controls.pop_front() {
            Some(control) => control,
            None => {
                let setting = &self.world.settings[self.side];
                let judged = self.end.reference.transmits(setting, self.end.now, said);
                let (right, outcome) = judged.map_err(differs)?;
                self.note(outcome);
                right
            }
        };
        let place = self.end.reference.place(said.segment.text_seq());
        let text =
            (place..).take(said.text.len()).map(|place| octet(self.side, self.end.user.incarnations.len(), place));
        let mss = said.segment.has(Flag::Syn).then_some(MSS);
        if said.segment != right || said.mss != mss {
            return Err(differs(format!("{said:?} is sent, not {right:?}")));
        }
        if !said.text.iter().copied().eq(text) {
            return Err(differs(format!("{:?} is sent, which is not the text at {place}", said.text)));
        }
        Ok(())
    }

    /// The user hears something, and may do something at once.
    fn react(&mut self, event: &Event) -> Result<(), Complaint> {
        match event {
            &Event::Acceptable(listener) => {
                let accepted = self.end.stack.accept(listener);
                let Ok(Some(accepted)) = accepted else { return Err(differs(format!("accept: {accepted:?}"))) };
                self.end.reference.accepted();
                self.end.user.begins(accepted.connection, self.end.reference.tcb.iss());
                Ok(())
            }
            Event::Readable(_) if self.world.reads[self.side] == Reads::AtOnce => self.read(),
            Event::Closed(_, failure) => {
                let expected = self.end.reference.counters.failure;
                if *failure != expected {
                    return Err(differs(format!("the user is told {failure:?}, not {expected:?}")));
                }
                self.end.user.failure = *failure;
                self.status()?;
                self.read()?;
                if self.world.insists {
                    self.send(1)?;
                    self.call(Call::Close)?;
                    self.call(Call::Abort)?;
                }
                self.release()
            }
            Event::Connected(_)
            | Event::Readable(_)
            | Event::Writable(_)
            | Event::Urgent(_)
            | Event::Delivered(_)
            | Event::Doubtful(_)
            | Event::EchoReply { .. } => Ok(()),
        }
    }

    // ---- Whether they agree ------------------------------------------------------------------------------------------

    fn compare(&self) -> Result<(), Complaint> {
        let End { reference, .. } = &self.end;
        let connection = self.end.connection.as_ref();
        let tcb = connection.map_or_else(Tcb::closed, |connection| connection.tcb);
        if tcb != reference.tcb {
            return Err(differs(format!("the stack's TCB is {tcb:?}, the engine's {:?}", reference.tcb)));
        }
        let mut expected = self.outcome.fired.clone();
        expected.sort_unstable();
        if !self.fired_in_the_stack().eq(expected) {
            let fired: Vec<_> = self.fired_in_the_stack().collect();
            return Err(differs(format!("the stack fired {fired:?}, the engine {:?}", self.outcome.fired)));
        }
        let listens = self.end.stack.state(&self.pair()) == State::Listen;
        if listens != (reference.listens && !reference.is_bound()) {
            return Err(differs("they do not agree on whether somebody listens"));
        }
        connection.map_or(Ok(()), |connection| self.compare_timers(connection))
    }

    /// A timer of the table runs in the stack if and only if the engine has started it, that of delayed acknowledgments if and only
    /// if one is owed.
    fn compare_timers(&self, connection: &Projected) -> Result<(), Complaint> {
        for timer in [Timer::Retransmit, Timer::Persist, Timer::TimeWait, Timer::FinWait2] {
            if connection.timers.deadline(timer).is_some() != self.end.reference.tcb.armed(timer) {
                return Err(broken("S24", format!("the stack and its TCB do not agree on {timer:?}")));
            }
        }
        let counters = &self.end.reference.counters;
        let delayed = connection.timers.deadline(Timer::DelayedAck).is_some();
        if delayed != counters.delayed_ack_runs || (delayed && counters.owed != Owed::Delayed) {
            return Err(differs("an acknowledgment is delayed by one and not by the other"));
        }
        Ok(())
    }

    fn pair(&self) -> Pair {
        let [local, remote] = [self.side, 1 - self.side].map(|side| (ADDRESSES[side], PORTS[side]).into());
        Pair { local, remote }
    }
}
