//! Plays the events of a script, one after the other.

use std::collections::BTreeSet;
use std::time::Duration;

use super::acks::Acks;
use super::calls::Sockets;
use super::clock::{Bounds, Clock, Window};
use super::conversation::Conversation;
use super::edge::Edge;
use super::observer::Observer;
use super::rules::{Normalisation, Rules};
use super::timestamps::Timestamps;
use super::user::Blocked;
use super::wire::Segment;
use super::{Difference, End, Run, Stop};
use crate::script::{Action, Builtin, Direction, Event, NonFatal, Script};
use crate::system::{System, Timing};

/// How long an event that may happen at any time is waited for in virtual time.
const ANY: Duration = Duration::from_secs(60);

/// The state of a run.
pub(super) struct Player<'a> {
    pub(super) rules: &'a Rules,
    /// What may differ without ending the run.
    pub(super) non_fatal: NonFatal,
    /// What they let pass.
    pub(super) normalised: BTreeSet<Normalisation>,
    /// The knobs that the system has not, and that were set to their defaults.
    pub(super) unknown_knobs: BTreeSet<String>,
    pub(super) observer: Observer<'a>,
    pub(super) clock: Clock,
    pub(super) conversation: Conversation,
    pub(super) sockets: Sockets,
    /// Calls that are written as blocking and have not been seen to return.
    pub(super) blocked: Vec<Blocked>,
    pub(super) acks: Acks,
    pub(super) edge: Edge,
    /// The segments that were heard.
    pub(super) heard: Vec<Segment>,
}

impl<'a> Player<'a> {
    pub(super) fn new(script: &Script, system: &'a mut dyn System, rules: &'a Rules) -> Self {
        let observer = Observer::new(system);
        let bounds = Bounds {
            timing: observer.timing(),
            tolerance: script.tolerance().0,
            tolerance_percent: script.tolerance_percent(),
            lateness: rules.lateness(),
            any: if is_virtual(observer.timing()) { ANY } else { Duration::from_secs(rules.patience.into()) },
        };
        let clock = Clock::new(bounds, observer.now());
        Self {
            rules,
            non_fatal: script.non_fatal(),
            normalised: BTreeSet::new(),
            unknown_knobs: BTreeSet::new(),
            observer,
            clock,
            conversation: Conversation::new(Timestamps::new(script.timestamp_tick(), script.tolerance().0)),
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
        if let Some(iss) = script.initial_sequence() {
            self.observer.initial_sequence(iss)?;
        }
        for event in &script.events {
            self.event(event)?;
        }
        self.unblock(|_| true)?;
        self.end(script)
    }

    /// Refuses a script that would wait for longer than anybody wants to.
    fn have_patience(&self, script: &Script) -> Result<(), Stop> {
        let sleeps: Duration = script.events.iter().map(sleep).sum();
        let seconds = (self.clock.length(&script.events) + sleeps).as_secs();
        if is_virtual(self.observer.timing()) || seconds <= u64::from(self.rules.patience) {
            return Ok(());
        }
        Err(Stop::Skip(format!("it takes {seconds} s of real time; --patience {seconds} allows that")))
    }

    /// What became of the script that ended like this.
    pub(super) fn finish(self, end: End) -> Run {
        Run { trace: self.observer.into_trace(), end, normalised: self.normalised, unknown_knobs: self.unknown_knobs }
    }

    /// Plays one event.
    pub(super) fn event(&mut self, event: &Event) -> Result<(), Stop> {
        match &event.action {
            Action::Packet(packet) if packet.direction == Direction::Expected => return self.expect(packet, event),
            Action::Icmp(icmp) if icmp.direction == Direction::Expected => return self.expect_icmp(icmp, event),
            Action::Packet(_)
            | Action::Icmp(_)
            | Action::Raw(_)
            | Action::Call(_)
            | Action::Command(_)
            | Action::Code(_) => {}
        }
        let returns = self.clock.returns(event.when);
        let due = self.clock.advance(event.when);
        self.observer.wait_until(due)?;
        self.unblock(|call| call.returns.latest < due)?;
        match &event.action {
            Action::Packet(packet) => self.inject(packet, line(event)),
            Action::Icmp(icmp) => self.inject_icmp(icmp, line(event)),
            Action::Raw(raw) => self.inject_raw(raw, line(event)),
            Action::Call(call) => self.call(call, event, returns),
            Action::Command(command) => {
                let builtins = command.builtins().unwrap_or_default();
                builtins.iter().try_for_each(|builtin| self.command(builtin, event))
            }
            Action::Code(code) => {
                let Ok(program) = code.program() else { return Ok(()) };
                self.assert(&program, event)
            }
        }
    }

    /// Takes note of what only the rules let pass.
    pub(super) fn note_late(&mut self, window: Window, at: Duration) {
        if at > window.in_time {
            self.normalised.insert(Normalisation::Late);
        }
    }
}

/// Whether time passes at once.
fn is_virtual(timing: Timing) -> bool {
    timing.slack.is_zero()
}

/// How long the commands of an event sleep.
fn sleep(event: &Event) -> Duration {
    let Action::Command(command) = &event.action else { return Duration::ZERO };
    let sleep = |builtin: &Builtin| if let Builtin::Sleep(time) = builtin { *time } else { Duration::ZERO };
    command.builtins().unwrap_or_default().iter().map(sleep).sum()
}

pub(super) fn line(event: &Event) -> u32 {
    u32::try_from(event.at.line).unwrap_or(u32::MAX)
}

pub(super) fn differs(event: &Event, seen: String) -> Stop {
    Stop::Differs(Difference { line: line(event), expected: event.to_string(), seen })
}
