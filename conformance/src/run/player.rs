//! Plays the events of a script, one after the other.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use super::acks::Acks;
use super::calls::{self, Sockets};
use super::clock::{Bounds, Clock, Window};
use super::conversation::Conversation;
use super::edge::Edge;
use super::observer::Observer;
use super::rules::{Normalisation, Rules};
use super::wire::{self, Segment};
use super::{Difference, End, Run, Stop};
use crate::script::{
    Action, Call, Direction, Event, Flags, IpFields, Operation, Packet, Script, SeqNumber, Sequence, When,
};
use crate::system::{Fault, State, System, Timing};

/// How long an event that may happen at any time is waited for in virtual time.
const ANY: Duration = Duration::from_secs(60);

/// The state of a run.
pub(super) struct Player<'a> {
    pub(super) rules: &'a Rules,
    /// What they let pass.
    pub(super) normalised: BTreeSet<Normalisation>,
    pub(super) observer: Observer<'a>,
    pub(super) clock: Clock,
    pub(super) conversation: Conversation,
    pub(super) sockets: Sockets,
    /// Calls that are written as blocking and have not been seen to return.
    blocked: Vec<Blocked>,
    pub(super) acks: Acks,
    pub(super) edge: Edge,
    /// The segments that were heard.
    pub(super) heard: Vec<Segment>,
}

/// A call that blocks, as the script says.
struct Blocked {
    /// Its number in the trace.
    id: u32,
    event: Event,
    call: Call,
    operation: Operation,
    /// When it may return.
    returns: Window,
}

impl<'a> Player<'a> {
    pub(super) fn new(script: &Script, system: &'a mut dyn System, rules: &'a Rules) -> Self {
        let observer = Observer::new(system);
        let bounds = Bounds {
            timing: observer.timing(),
            tolerance: script.tolerance().0,
            lateness: rules.lateness(),
            any: if is_virtual(observer.timing()) { ANY } else { Duration::from_secs(rules.patience.into()) },
        };
        let clock = Clock::new(bounds, observer.now());
        Self {
            rules,
            normalised: BTreeSet::new(),
            observer,
            clock,
            conversation: Conversation::new(),
            sockets: Sockets::default(),
            blocked: Vec::new(),
            acks: Acks::default(),
            edge: Edge::default(),
            heard: Vec::new(),
        }
    }

    /// Plays all events, and then waits until it is certain that nothing else happens.
    pub(super) fn play(&mut self, script: &Script) -> Result<(), Stop> {
        self.have_patience(script)?;
        for event in &script.events {
            self.event(event)?;
        }
        self.unblock(|_| true)?;
        self.end(script)
    }

    /// Refuses a script that would wait for longer than anybody wants to.
    fn have_patience(&self, script: &Script) -> Result<(), Stop> {
        let seconds = self.clock.length(&script.events).as_secs();
        if is_virtual(self.observer.timing()) || seconds <= u64::from(self.rules.patience) {
            return Ok(());
        }
        Err(Stop::Skip(format!("it takes {seconds} s of real time; --patience {seconds} allows that")))
    }

    /// What became of the script that ended like this.
    pub(super) fn finish(self, end: End) -> Run {
        Run { trace: self.observer.into_trace(), end, normalised: self.normalised }
    }

    /// Plays one event.
    pub(super) fn event(&mut self, event: &Event) -> Result<(), Stop> {
        if let Action::Packet(packet) = &event.action
            && (packet.ip != IpFields::default() || !packet.spoiled.is_empty())
        {
            return Err(Stop::Skip("fields of the IP header and spoiled segments are not played yet".to_owned()));
        }
        if let Action::Packet(packet @ Packet { direction: Direction::Expected, .. }) = &event.action {
            return self.expect(packet, event);
        }
        let returns = self.clock.returns(event.when);
        let due = self.clock.advance(event.when);
        self.observer.wait_until(due)?;
        self.unblock(|call| call.returns.latest < due)?;
        match &event.action {
            Action::Packet(packet) => self.inject(packet, line(event)),
            Action::Icmp(_) | Action::Raw(_) => {
                Err(Stop::Skip("ICMP messages and raw octets are not played yet".to_owned()))
            }
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
        let packet = self.rebased(packet);
        let segment = self.conversation.segment(&packet);
        let datagram = wire::write(&segment)
            .map_err(|error| Fault::Harness { doing: "write a segment", error: io::Error::other(error) })?;
        let elicits = !segment.text.is_empty() || segment.flags.contains(Flags::FIN);
        let at = self.observer.inject(datagram, elicits, line)?;
        self.clock.set(at);
        self.acks.injected(&segment);
        self.edge.injected(&packet);
        Ok(())
    }

    /// The packet, at the edge of the system's window if it is written to lie there.
    fn rebased<'p>(&mut self, packet: &'p Packet) -> Cow<'p, Packet> {
        let moved = packet.sequence.start.filter(|_| self.rules.rebase).and_then(|start| self.edge.rebased(start));
        let Some(start) = moved else { return Cow::Borrowed(packet) };
        self.normalised.insert(Normalisation::Rebased);
        Cow::Owned(Packet { sequence: Sequence { start: Some(start), ..packet.sequence }, ..packet.clone() })
    }

    /// Takes note of what only the rules let pass.
    pub(super) fn note_late(&mut self, window: Window, at: Duration) {
        if at > window.in_time {
            self.normalised.insert(Normalisation::Late);
        }
    }

    /// Plays the user.
    fn call(&mut self, call: &Call, event: &Event, returns: Window) -> Result<(), Stop> {
        let Ok(operation) = call.operation() else { return Ok(()) };
        if !self.sockets.know(&operation) {
            // An accept() that blocks may be about to return the socket.
            let now = self.clock.happened();
            self.unblock(|call| call.returns.earliest <= now)?;
        }
        self.sockets.announce(&operation, &mut self.conversation);
        let made = self.observer.call(&self.sockets.call(&operation), Some(line(event)))?;
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
        let Some(returned) = self.observer.end_of_call(call.id, call.returns.latest)? else {
            return Err(differs(&call.event, "it blocks".to_owned()));
        };
        if returned.at < call.returns.earliest {
            return Err(differs(&call.event, format!("it returns {} too early", calls::returned(&returned.ret))));
        }
        self.note_late(call.returns, returned.at);
        let wanted = &call.call.outcome.returned;
        let settled = self
            .sockets
            .settle(&call.operation, wanted, &returned.ret, &self.conversation, self.rules)
            .map_err(|seen| differs(&call.event, seen))?;
        self.normalised.extend(settled.normalised);
        if let Some(further) = settled.further {
            self.observer.call(&further, Some(line(&call.event)))?;
        }
        Ok(())
    }
}

/// Whether time passes at once.
fn is_virtual(timing: Timing) -> bool {
    timing.slack.is_zero()
}

pub(super) fn line(event: &Event) -> u32 {
    u32::try_from(event.at.line).unwrap_or(u32::MAX)
}

pub(super) fn differs(event: &Event, seen: String) -> Stop {
    Stop::Differs(Difference { line: line(event), expected: event.to_string(), seen })
}
