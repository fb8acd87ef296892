//! Whether the figures of RFC 9293 happen as drawn: each is replayed, line by line, in a world of its own.
//!
//! Nothing is searched for. A figure says who acts and which segment arrives; the replay makes exactly that happen, and
//! where it cannot, or something else follows from it, it says in which line and what.

use super::bounds::{Bounds, Move, Script, Times, call_name, timer_name};
use super::drawings::{Cause, DrawnSegment, FIGURES, Figure, Line, read};
use super::endpoint::{N, Side};
use super::environments::E2;
use super::ladder;
use super::packet::{Fate, Packet};
use super::report::as_text;
use super::world::{Action, State, Witness, World};
use crate::event::Call;
use crate::render::ladder::Ladder;
use crate::segment::{Flags, Segment};
use crate::seq::{Seq, SeqNum};
use crate::table::{Profile, Table};
use serde::Serialize;
use std::fmt;

/// What became of a figure.
#[derive(Clone, Debug, Serialize)]
pub struct FigureReport {
    /// Its number.
    pub figure: u8,
    /// Its title.
    pub title: &'static str,
    /// What happened, as far as it went as drawn.
    #[serde(serialize_with = "as_text")]
    pub ladder: Ladder,
    /// Where it goes another way than drawn, if it does.
    pub differs: Option<Difference>,
    /// In which line that is expected and why, if it is.
    pub expected_to_differ: Option<(u8, &'static str)>,
    /// Where the RFC's words disagree with it.
    pub remark: Option<&'static str>,
}

/// Where a figure goes another way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Difference {
    /// The number of the line.
    pub line: u8,
    /// The line as drawn.
    pub drawn: &'static str,
    /// What is the case instead.
    pub instead: String,
}

/// A difference that is known.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Under this profile ...
    pub profile: Profile,
    /// ... this figure ...
    pub figure: u8,
    /// ... differs from this line on ...
    pub line: u8,
    /// ... for this reason.
    pub why: &'static str,
}

const fn known(profile: Profile, figure: u8, line: u8, why: &'static str) -> Known {
    Known { profile, figure, line, why }
}

const WINDOW_UNSET: &str = "D1: after an active OPEN nothing sets SND.WND, and what was never offered is a closed window: \
                            what A sends leaves only as a probe";
const CROSSED_SYN_ACK: &str = "N15: the SYN,ACK is acknowledged and dropped; only that ACK establishes the peer";

/// All differences; under the repaired table there are none.
pub const KNOWN: &[Known] = &[
    known(Profile::Literal9293, 6, 5, WINDOW_UNSET),
    known(Profile::Literal9293, 7, 6, CROSSED_SYN_ACK),
    known(Profile::Literal9293, 12, 2, WINDOW_UNSET),
    known(Profile::Literal9293, 13, 2, WINDOW_UNSET),
    known(Profile::Rfc793, 6, 5, WINDOW_UNSET),
    known(Profile::Rfc793, 7, 6, CROSSED_SYN_ACK),
    known(Profile::Rfc793, 12, 2, WINDOW_UNSET),
    known(Profile::Rfc793, 13, 2, WINDOW_UNSET),
];

/// Every figure under a profile.
#[must_use]
pub fn all(profile: Profile) -> Vec<FigureReport> {
    FIGURES.iter().map(|figure| report(figure, profile)).collect()
}

fn report(figure: &Figure, profile: Profile) -> FigureReport {
    let (ladder, differs) = replay(figure, Table::of(profile));
    let known = KNOWN.iter().find(|known| known.profile == profile && known.figure == figure.number);
    FigureReport {
        figure: figure.number,
        title: figure.title,
        ladder,
        differs,
        expected_to_differ: known.map(|known| (known.line, known.why)),
        remark: figure.remark,
    }
}

impl FigureReport {
    /// Whether it differs if and only if that is expected, and where.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.differs.as_ref().map(|differs| differs.line) == self.expected_to_differ.map(|(line, _)| line)
    }
}

impl fmt::Display for FigureReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let news = if self.is_as_expected() { "" } else { ", NOT EXPECTED" };
        write!(f, "Figure {}, {}: ", self.figure, self.title)?;
        match &self.differs {
            None => writeln!(f, "as drawn{news}")?,
            Some(Difference { line, drawn, instead }) => {
                let drawn = drawn.split_whitespace().collect::<Vec<_>>().join(" ");
                writeln!(f, "differs from line {line} on{news}\n  drawn: {drawn}\n  but {instead}")?;
            }
        }
        let why = self.expected_to_differ.map(|(_, why)| why);
        why.into_iter().chain(self.remark).try_for_each(|words| writeln!(f, "  {words}"))
    }
}

/// Replays a figure over a table, as far as it goes: what happened, and where and how it goes another way.
#[must_use]
pub fn replay(figure: &Figure, table: &'static Table) -> (Ladder, Option<Difference>) {
    let world = world(table);
    let mut replay = Replay::new(figure, &world);
    let differs = replay.run().err();
    let pen = |packet| replay.as_figure(packet).to_string();
    (ladder::written_by(&pen, &world, &replay.begin, &replay.actions), differs)
}

const EITHER: Script = &[
    (Move::Call(Call::OpenActive { remote: true }), Times::AtMost(2)),
    (Move::Call(Call::OpenPassive), Times::Any),
    (Move::Call(Call::Send { remote: false }), Times::AtMost(1)),
    (Move::Call(Call::Close), Times::Any),
    (Move::Crash, Times::AtMost(1)),
];

/// A world where all that the figures show may happen.
fn world(table: &'static Table) -> World {
    World {
        name: "figures",
        question: "Do the figures of RFC 9293 happen as drawn?",
        bounds: Bounds { scripts: [EITHER, EITHER], incarnations: 2, msl: true, ..E2 },
        properties: &[],
        visits: &[],
        table,
    }
}

/// A figure on its way through a world.
struct Replay<'a> {
    figure: &'a Figure,
    world: &'a World,
    /// The state before the first line.
    begin: State,
    state: State,
    /// What has happened since the first line.
    actions: Vec<Action>,
    /// What has been sent since then and not yet been drawn.
    undrawn: Vec<Undrawn>,
}

/// A packet that was sent: in which line, and by which action, counted from 1.
struct Undrawn {
    packet: Packet,
    line: Line,
    action: usize,
}

impl<'a> Replay<'a> {
    fn new(figure: &'a Figure, world: &'a World) -> Replay<'a> {
        let (begin, actions, undrawn) = (world.initial(), Vec::new(), Vec::new());
        Replay { figure, world, begin, state: begin, actions, undrawn }
    }

    fn run(&mut self) -> Result<(), Difference> {
        let differs = |line: &Line, instead| Difference { line: line.number, drawn: line.drawn, instead };
        let Some(first) = self.figure.lines.first() else {
            return Ok(());
        };
        for &cause in self.figure.before {
            self.cause(first, cause).map_err(|instead| differs(first, instead))?;
        }
        self.begin = self.state;
        self.actions.clear();
        self.undrawn.clear();
        for line in self.figure.lines {
            self.line(line).map_err(|instead| differs(line, instead))?;
        }
        // What the last action sent would be drawn in the next line.
        match self.undrawn.iter().find(|undrawn| undrawn.action < self.actions.len()) {
            Some(Undrawn { packet, line, .. }) => {
                let sent = self.as_figure(*packet);
                Err(differs(line, format!("{:?} sends {sent}, too", packet.ghost().from)))
            }
            None => Ok(()),
        }
    }

    /// Makes a line happen; if it cannot, or something else does, says what.
    fn line(&mut self, line: &Line) -> Result<(), String> {
        let drawn = read(line.drawn).ok_or("it cannot be read")?;
        for &cause in line.first {
            self.cause(line, cause)?;
        }
        if let Some(segment) = drawn.segment {
            self.segment(line, &segment)?;
        }
        for (side, wanted) in Side::BOTH.into_iter().zip(drawn.states) {
            let state = self.state.ends[side.index()].tcb.state();
            if wanted.is_some_and(|wanted| wanted != state) {
                return Err(format!("{side:?} is in {state} instead"));
            }
        }
        Ok(())
    }

    fn cause(&mut self, line: &Line, cause: Cause) -> Result<(), String> {
        let (action, refusal) = match cause {
            Cause::Calls(side, call) => {
                (self.place_of(side, Move::Call(call)), format!("{side:?} cannot call {}", call_name(call)))
            }
            Cause::Reboots(side) => (self.place_of(side, Move::Crash), format!("{side:?} has nothing to lose")),
            Cause::Timeout(side, timer) => {
                (Some(Action::Timeout(side, timer)), format!("no {} timer of {side:?} can go off", timer_name(timer)))
            }
            Cause::AllArrives => {
                while !self.state.network.is_empty() {
                    let packet = self.state.network.packets().next();
                    self.act(line, packet.map(Action::Deliver)).ok_or("it cannot arrive")?;
                }
                return Ok(());
            }
        };
        self.act(line, action).ok_or(refusal)
    }

    /// The action that makes this move of a script.
    fn place_of(&self, side: Side, wanted: Move) -> Option<Action> {
        let places = (0..).map_while(|place| Some((place, self.world.move_at(side, place)?)));
        places.filter(|&(_, (what, _))| what == wanted).map(|(place, _)| Action::Move(side, place)).next()
    }

    /// The segment leaves, arrives, or both.
    fn segment(&mut self, line: &Line, drawn: &DrawnSegment) -> Result<(), String> {
        if drawn.departs {
            let Some(place) = self.undrawn.iter().position(|sent| self.is_drawn(sent.packet, drawn)) else {
                return Err(self.instead_of_departure(drawn.from));
            };
            self.undrawn.remove(place);
        }
        if drawn.arrives {
            let packet = self.state.network.packets().find(|&packet| self.is_drawn(packet, drawn));
            self.act(line, packet.map(Action::Deliver)).ok_or("no such segment is on its way")?;
        }
        Ok(())
    }

    /// Does what is possible; `None` if it is not.
    fn act(&mut self, line: &Line, action: Option<Action>) -> Option<()> {
        let action = action?;
        let mut possible = Vec::new();
        self.world.actions(&self.state, &mut possible);
        possible.contains(&action).then(|| {
            let mut sent = Sent::default();
            self.state = self.world.apply(&self.state, action, &mut sent);
            self.actions.push(action);
            let action = self.actions.len();
            self.undrawn.extend(sent.0.into_iter().map(|packet| Undrawn { packet, line: *line, action }));
        })
    }

    fn instead_of_departure(&self, from: Side) -> String {
        let sent = self.undrawn.iter().map(|undrawn| undrawn.packet).filter(|packet| packet.ghost().from == from);
        let sent: Vec<String> = sent.map(|packet| self.as_figure(packet).to_string()).collect();
        if sent.is_empty() { format!("{from:?} sends nothing") } else { format!("{from:?} sends {}", sent.join(", ")) }
    }

    /// Whether a packet is the one that is drawn.
    fn is_drawn(&self, packet: Packet, drawn: &DrawnSegment) -> bool {
        let Segment { seq, ack, flags, text, .. } = self.as_figure(packet);
        let has_text = text > 0;
        (packet.ghost().from, flags, has_text) == (drawn.from, drawn.flags, drawn.text)
            && seq.raw() == drawn.seq
            && drawn.ack.is_none_or(|drawn| ack.raw() == drawn)
    }

    /// A packet in the figure's numbers. A RST,ACK begins at no number but zero.
    fn as_figure(&self, packet: Packet) -> Segment<Seq> {
        let Segment { seq, ack, flags, text, wnd, up } = packet.segment();
        let from = packet.ghost().from;
        let seq = if flags == Flags::RST_ACK { Seq::new(0) } else { self.number(from, seq) };
        let ack = self.number(from.other(), ack);
        Segment { seq, ack, flags, text: text.into(), wnd: wnd.into(), up: up.into() }
    }

    /// What a number of this side is in the figure: as far from the last ISS before it.
    fn number(&self, side: Side, number: N) -> Seq {
        let incarnations = self.figure.iss[side.index()].iter().zip(1..);
        let distances = incarnations.map(|(&iss, nth)| (number.forward_from(self.world.bounds.iss(side, nth)), iss));
        distances.min().map_or(Seq::new(0), |(distance, iss)| Seq::new(iss).plus(distance))
    }
}

/// Notes what is sent.
#[derive(Default)]
struct Sent(Vec<Packet>);

impl Witness for Sent {
    fn sent(&mut self, packet: Packet, _: Fate) {
        self.0.push(packet);
    }
}
