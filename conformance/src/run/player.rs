//! Plays the events of a script, one after the other.

use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::calls::{self, Sockets};
use super::clock::Clock;
use super::conversation::Conversation;
use super::observer::Observer;
use super::wire::{self, Segment};
use super::{Difference, Stop};
use crate::script::{
    Action, Assertion, Builtin, Call, Direction, Event, Flags, Operation, Packet, Script, SeqNumber, When,
};
use crate::system::{Fault, FourTuple, State, System, Unsupported};
use crate::trace::Trace;

/// How often a state is asked for again while it is not the expected one, within the system's slack.
const ASK_AGAIN: Duration = Duration::from_millis(1);

/// The state of a run.
pub(super) struct Player<'a> {
    observer: Observer<'a>,
    clock: Clock,
    conversation: Conversation,
    sockets: Sockets,
    /// Calls that are written as blocking and have not been seen to return.
    blocked: Vec<Blocked>,
    /// The segments that were heard.
    heard: Vec<Segment>,
}

/// A call that blocks, as the script says.
struct Blocked {
    /// Its number in the trace.
    id: u32,
    event: Event,
    call: Call,
    operation: Operation,
    /// The earliest and the latest moment of its return.
    returns: RangeInclusive<Duration>,
}

impl<'a> Player<'a> {
    pub(super) fn new(script: &Script, system: &'a mut dyn System) -> Self {
        let observer = Observer::new(system);
        let clock = Clock::new(observer.timing(), script.tolerance().0, observer.now());
        Self {
            observer,
            clock,
            conversation: Conversation::new(),
            sockets: Sockets::default(),
            blocked: Vec::new(),
            heard: Vec::new(),
        }
    }

    /// Plays all events, and then waits until it is certain that nothing else happens.
    pub(super) fn play(&mut self, script: &Script) -> Result<(), Stop> {
        for event in &script.events {
            self.event(event)?;
        }
        self.end(script)
    }

    pub(super) fn into_trace(self) -> Trace {
        self.observer.into_trace()
    }

    fn event(&mut self, event: &Event) -> Result<(), Stop> {
        if let Action::Packet(packet @ Packet { direction: Direction::Expected, .. }) = &event.action {
            return self.expect(packet, event);
        }
        let returns = self.clock.returns(event.when);
        let due = self.clock.advance(event.when);
        self.observer.wait_until(due)?;
        self.unblock(|call| *call.returns.end() < due)?;
        match &event.action {
            Action::Packet(packet) => self.inject(packet, line(event)),
            Action::Call(call) => self.call(call, event, returns),
            Action::Command(command) => {
                let builtins = command.builtins().unwrap_or_default();
                builtins.iter().try_for_each(|builtin| self.command(builtin, event))
            }
            Action::Code(code) => {
                let assertions = code.assertions().unwrap_or_default();
                assertions.iter().try_for_each(|assertion| self.assert(*assertion, event))
            }
        }
    }

    /// Plays the peer.
    fn inject(&mut self, packet: &Packet, line: u32) -> Result<(), Stop> {
        if packet.flags.contains(Flags::SYN) && !packet.flags.contains(Flags::RST) {
            let state = self.observer.peek(self.conversation.connection())?;
            let number = packet.sequence.start.unwrap_or(SeqNumber::relative(0));
            match state {
                State::Closed | State::Listen | State::TimeWait => self.conversation.opens_passively(number),
                State::SynSent => self.conversation.answers(number),
                State::SynReceived
                | State::Established
                | State::FinWait1
                | State::FinWait2
                | State::CloseWait
                | State::Closing
                | State::LastAck => {}
            }
        }
        let segment = self.conversation.segment(packet);
        let datagram = wire::write(&segment)
            .map_err(|error| Fault::Harness { doing: "write a segment", error: io::Error::other(error) })?;
        let elicits = !segment.text.is_empty() || segment.flags.contains(Flags::FIN);
        let at = self.observer.inject(datagram, elicits, line)?;
        self.clock.set(at);
        Ok(())
    }

    /// Takes the next segment of the system, and compares it with the expected one.
    fn expect(&mut self, packet: &Packet, event: &Event) -> Result<(), Stop> {
        let window = self.clock.window(event.when);
        let Some(heard) = self.observer.next_datagram(*window.end())? else {
            let waited = window.end().saturating_sub(self.clock.happened());
            return Err(differs(event, format!("nothing for {waited:.3?}")));
        };
        let segment = wire::read(&heard.bytes).map_err(|unreadable| differs(event, unreadable.to_string()))?;
        self.conversation.learn(&segment, packet.sequence.start);
        let mut differences = self.conversation.differences(packet, &segment);
        if *window.start() > heard.at || heard.at > *window.end() {
            let (side, distance) = match heard.at.checked_sub(self.clock.happened()) {
                Some(after) => ("after", after),
                None => ("before", self.clock.happened() - heard.at),
            };
            differences.push(format!("it is sent {distance:.3?} {side} the last event"));
        }
        if !differences.is_empty() {
            let seen = self.conversation.packet(&segment);
            return Err(differs(event, format!("{seen} ({})", differences.join(", "))));
        }
        self.observer.was_expected(&heard, line(event));
        self.clock.saw(event.when, heard.at);
        self.heard.push(segment);
        Ok(())
    }

    /// Plays the user.
    fn call(&mut self, call: &Call, event: &Event, returns: RangeInclusive<Duration>) -> Result<(), Stop> {
        let Ok(operation) = call.operation() else { return Ok(()) };
        if !self.sockets.know(&operation) {
            // An accept() that blocks may be about to return the socket.
            let now = self.clock.happened();
            self.unblock(|call| *call.returns.start() <= now)?;
        }
        self.sockets.announce(&operation, &mut self.conversation);
        let made = self.observer.call(&self.sockets.call(&operation), line(event))?;
        self.clock.set(made.at);
        let blocked = Blocked { id: made.id, event: event.clone(), call: call.clone(), operation, returns };
        if let When::Blocking { .. } = event.when {
            self.blocked.push(blocked);
            return Ok(());
        }
        self.returned(&blocked)
    }

    /// Compares the calls that have returned, and waits for those that are `due`.
    fn unblock(&mut self, due: impl Fn(&Blocked) -> bool) -> Result<(), Stop> {
        let is_due = |call: &Blocked| due(call) || self.observer.has_returned(call.id);
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.blocked).into_iter().partition(is_due);
        self.blocked = later;
        due.iter().try_for_each(|call| self.returned(call))
    }

    /// Waits for a call to return, and compares what.
    fn returned(&mut self, call: &Blocked) -> Result<(), Stop> {
        let Some(returned) = self.observer.end_of_call(call.id, *call.returns.end())? else {
            return Err(differs(&call.event, "it blocks".to_owned()));
        };
        if returned.at < *call.returns.start() {
            return Err(differs(&call.event, format!("it returns {} too early", calls::returned(&returned.ret))));
        }
        let wanted = &call.call.outcome.returned;
        let further = self
            .sockets
            .settle(&call.operation, wanted, &returned.ret, &self.conversation)
            .map_err(|seen| differs(&call.event, seen))?;
        if let Some(further) = further {
            self.observer.call(&further, line(&call.event))?;
        }
        Ok(())
    }

    fn command(&mut self, builtin: &Builtin, event: &Event) -> Result<(), Stop> {
        match builtin {
            Builtin::Set(knob) => Ok(self.observer.knob(&knob.name, &knob.value)?),
            Builtin::Probe(probe) => self.ask(event, |states| {
                probe.count.allows(states.all.iter().filter(|state| probe.states.include(**state)).count())
            }),
            Builtin::Drop(_) => Err(Fault::Unsupported(Unsupported::Call { what: "tcpdrop" }).into()),
        }
    }

    fn assert(&mut self, assertion: Assertion, event: &Event) -> Result<(), Stop> {
        self.ask(event, |states| (states.newest == assertion.state) == assertion.equal)
    }

    /// Asks for the states, again and again for as long as the system may be slow, until they are as the script says.
    fn ask(&mut self, event: &Event, hold: impl Fn(&States) -> bool) -> Result<(), Stop> {
        let patience = self.observer.now() + self.observer.timing().slack;
        loop {
            let states = self.states()?;
            let (holds, now) = (hold(&states), self.observer.now());
            if holds || now >= patience {
                for (connection, state) in &states.connections {
                    self.observer.note_state(*connection, *state, line(event));
                }
                let seen = if holds { Ok(()) } else { Err(differs(event, states.to_string())) };
                return seen;
            }
            self.observer.wait_until(now + ASK_AGAIN)?;
        }
    }

    fn states(&mut self) -> Result<States, Fault> {
        let mut connections = Vec::new();
        for connection in self.conversation.connections().to_vec() {
            connections.push((connection, self.observer.peek(connection)?));
        }
        // One listener, however many connections it would take a segment of.
        let listener = Some(self.observer.peek(self.conversation.stranger())?).filter(|state| *state == State::Listen);
        let live = connections.iter().map(|(_, state)| *state).filter(|state| *state != State::Listen);
        let newest = self.observer.peek(self.conversation.connection())?;
        Ok(States { all: live.chain(listener).collect(), newest, connections })
    }

    /// Waits until it is certain that nothing else happens: an acknowledgment may be late, and a retransmission after
    /// the last event is no concern of the script.
    fn end(&mut self, script: &Script) -> Result<(), Stop> {
        let Some(last) = script.events.last() else { return Ok(()) };
        self.unblock(|_| true)?;
        let timing = self.observer.timing();
        let quiet = self.observer.now() + timing.silence;
        loop {
            let answered = self.observer.unanswered().map(|asked| asked + timing.delayed_ack);
            let Some(heard) = self.observer.next_datagram(quiet.max(answered.unwrap_or_default()))? else {
                return Ok(());
            };
            let nothing = |seen| Difference { line: line(last), expected: "nothing more".to_owned(), seen };
            let segment =
                wire::read(&heard.bytes).map_err(|unreadable| Stop::Differs(nothing(unreadable.to_string())))?;
            let is_over = heard.at >= self.clock.happened();
            if !(is_over && self.heard.iter().any(|before| is_again(before, &segment))) {
                return Err(Stop::Differs(nothing(self.conversation.packet(&segment).to_string())));
            }
        }
    }
}

/// The states of all connections of a script.
struct States {
    connections: Vec<(FourTuple, State)>,
    /// Their states, CLOSED where there is none any more, and that of the listener.
    all: Vec<State>,
    /// The state of the connection that is talked about.
    newest: State,
}

impl fmt::Display for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.all.iter().map(|state| state.name()).collect();
        f.write_str(&if names.is_empty() { State::Closed.name().to_owned() } else { names.join(" and ") })
    }
}

/// Whether a segment is a retransmission of one before.
fn is_again(before: &Segment, segment: &Segment) -> bool {
    let takes_numbers = |segment: &Segment| {
        !segment.text.is_empty() || segment.flags.contains(Flags::SYN) || segment.flags.contains(Flags::FIN)
    };
    let what = |segment: &Segment| (segment.seq, segment.flags.contains(Flags::SYN), segment.text.len());
    takes_numbers(segment) && what(before) == what(segment)
}

fn line(event: &Event) -> u32 {
    u32::try_from(event.at.line).unwrap_or(u32::MAX)
}

fn differs(event: &Event, seen: String) -> Stop {
    Stop::Differs(Difference { line: line(event), expected: event.to_string(), seen })
}
