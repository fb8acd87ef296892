//! What happened in a world, as a ladder: numbers relative to each side's ISS, and the rules that did something.

use super::attacker::NOBODY;
use super::bounds::timer_name;
use super::endpoint::{N, Side};
use super::packet::{Fate, Packet};
use super::properties::Property;
use super::world::{Action, State, Witness, World};
use crate::engine::Fired;
use crate::event::{Event, Reply};
use crate::render::ladder::{End, Ladder, Rung, What};
use crate::segment::{Flag, Segment};
use crate::seq::SeqNum;
use crate::table::{Act, Flow, Next, Rule, Stage};
use std::fmt::Write;

/// How a ladder writes a packet.
type Pen<'a> = &'a dyn Fn(Packet) -> String;

/// The ladder of a sequence of actions from a state on.
#[must_use]
pub fn of_actions(world: &World, from: &State, actions: &[Action]) -> Ladder {
    written_by(&|packet| segment(world, packet), world, from, actions)
}

/// The same, with each packet written in another way.
#[must_use]
pub fn written_by(pen: Pen<'_>, world: &World, from: &State, actions: &[Action]) -> Ladder {
    let mut state = *from;
    let begin = states(&state);
    let mut rungs = Vec::new();
    for &action in actions {
        let mut scribe = Scribe { world, pen, notes: Vec::new(), rules: String::new(), sent: Vec::new() };
        let before = state.violations;
        state = world.apply(&state, action, &mut scribe);
        scribe.flush();
        let broken: Vec<_> = Property::ALL.iter().filter(|&&p| state.violations.of(p) && !before.of(p)).collect();
        if !broken.is_empty() {
            scribe.notes.push(format!("broken: {broken:?}"));
        }
        let Scribe { notes, sent, .. } = scribe;
        rungs.push(Rung { what: what(world, pen, action), states: states(&state), notes, sent });
    }
    Ladder { names: Side::BOTH.map(|side| format!("{side:?}")), begin, rungs }
}

/// An action in a line.
#[must_use]
pub fn describe(world: &World, action: Action) -> String {
    match what(world, &|packet| segment(world, packet), action) {
        What::Local(end, text) => format!("{}: {text}", name(end)),
        What::Arrival(end, segment) => format!("{segment} arrives at {}", name(end)),
        What::Loss(end, segment) => format!("{segment} to {} is lost", name(end)),
    }
}

fn states(state: &State) -> [String; 2] {
    state.ends.map(|end| end.tcb.state().name().to_owned())
}

const fn end(side: Side) -> End {
    match side {
        Side::A => End::Left,
        Side::B => End::Right,
    }
}

const fn name(end: End) -> &'static str {
    match end {
        End::Left => "A",
        End::Right => "B",
    }
}

fn what(world: &World, pen: Pen<'_>, action: Action) -> What {
    match action {
        Action::Deliver(packet) => What::Arrival(end(packet.ghost().from.other()), pen(packet)),
        Action::DeliverCopy(packet) => {
            What::Arrival(end(packet.ghost().from.other()), format!("{} (a copy)", pen(packet)))
        }
        Action::Forge(packet) => What::Arrival(end(packet.ghost().from.other()), format!("{} (forged)", pen(packet))),
        Action::Lose(packet) => What::Loss(end(packet.ghost().from.other()), pen(packet)),
        Action::Move(side, place) => {
            let what = world.move_at(side, place).map_or_else(String::new, |(what, _)| what.to_string());
            What::Local(end(side), what)
        }
        Action::Timeout(side, timer) => What::Local(end(side), format!("{} timeout", timer_name(timer))),
        Action::Wake(side) => What::Local(end(side), "the quiet time is over".to_owned()),
        Action::Tick(side) => What::Local(end(side), "a challenge ACK may leave again".to_owned()),
    }
}

/// A packet in the notation of the RFC, relative to the ISS of the incarnations that it belongs to; `#2` marks one that
/// is not the sender's first.
pub(super) fn segment(world: &World, packet: Packet) -> String {
    let (segment, ghost) = (packet.segment(), packet.ghost());
    let Segment { seq, ack, flags, text, wnd, up } = segment;
    let to_no_ack = segment.has(Flag::Rst) && segment.has(Flag::Ack);
    let incarnation = if ghost.incarnation == NOBODY { 1 } else { ghost.incarnation };
    let origin = if to_no_ack { N::new(0) } else { world.origin(ghost.from, incarnation) };
    let seq = seq.since(origin);
    let mut drawn = format!("<SEQ={seq}>");
    // Writing to a String does not fail.
    let mut add = |args: std::fmt::Arguments<'_>| drawn.write_fmt(args).unwrap_or(());
    if segment.has(Flag::Ack) {
        let peer = world.origin(ghost.from.other(), ghost.peer);
        add(format_args!("<ACK={}>", ack.since(peer)));
    }
    if text > 0 {
        add(format_args!("<TEXT={text}>"));
    }
    if up > 0 {
        add(format_args!("<UP={up}>"));
    }
    if wnd != world.bounds.buffer {
        add(format_args!("<WND={wnd}>"));
    }
    if packet.stamp() > 0 {
        add(format_args!("<TSval={}>", packet.stamp()));
    }
    add(format_args!("<CTL={flags}>"));
    if incarnation > 1 {
        add(format_args!(" #{incarnation}"));
    }
    drawn
}

/// Writes down what happens in one step.
struct Scribe<'a> {
    world: &'a World,
    pen: Pen<'a>,
    notes: Vec<String>,
    /// The rules of one event.
    rules: String,
    sent: Vec<(String, Option<String>)>,
}

impl Scribe<'_> {
    fn flush(&mut self) {
        if !self.rules.is_empty() {
            self.notes.push(std::mem::take(&mut self.rules));
        }
    }
}

impl Witness for Scribe<'_> {
    fn fired(&mut self, _: Side, _: &Event<N>, fired: &Fired) {
        self.flush();
        for rule in fired.iter().filter_map(|id| self.world.table.rule(id)).filter(|rule| does_something(rule)) {
            if !self.rules.is_empty() {
                self.rules.push(' ');
            }
            self.rules.push_str(rule.name);
        }
    }

    fn sent(&mut self, packet: Packet, fate: Fate) {
        let fate = match fate {
            Fate::Carried => None,
            Fate::Merged => Some("on its way already".to_owned()),
            Fate::Overflowed => Some("lost: the network is full".to_owned()),
        };
        self.sent.push(((self.pen)(packet), fate));
    }

    fn replied(&mut self, _: Side, reply: Reply) {
        if !matches!(reply, Reply::Ok | Reply::Queued) {
            self.flush();
            self.notes.push(format!("reply: {reply:?}"));
        }
    }
}

/// Whether a rule does more than to pass the event on, or to end it where it ends anyway; what only the host heeds is no news.
fn does_something(rule: &Rule) -> bool {
    let drops = rule.flow == Flow::Done && !matches!(rule.stage, Stage::Fin | Stage::Persist);
    let acts = rule.then.iter().any(|act| !matches!(act, Act::HeedAck | Act::RecordTimestamp));
    acts || rule.next != Next::Stay || drops
}
