//! Header prediction: the way of an expected segment through a table, found once and then only followed.
//!
//! A segment is expected if it arrives in ESTABLISHED, begins at RCV.NXT and has no control bit but ACK and PSH. That
//! settles most guards on its way, whatever else is the case. [`Prediction::of`] walks through the table with just this
//! knowledge and notes what the rules do that must fire, up to the first check that asks for more;
//! [`Prediction::predict`] does it, and leaves the rest to the interpreter. So it is the table's own way in every table,
//! a wrong one included.

use super::guard::{classify_ack, window_is_newer};
use super::step::{Run, onward};
use super::{Fired, Host, Tcb};
use crate::event::Event;
use crate::segment::{Flag, Flags, Segment};
use crate::seq::SeqNum;
use crate::state::State;
use crate::table::{AckClass, Act, Atom, Next, Rule, SeqClass, Stage, Table};

/// What a table does to expected segments.
#[derive(Clone, Copy, Debug)]
pub struct Prediction<'t> {
    table: &'t Table,
    ways: [Way; Expected::ALL.len()],
}

impl<'t> Prediction<'t> {
    /// The ways of expected segments through this table.
    #[must_use]
    pub fn of(table: &'t Table) -> Self {
        Prediction { table, ways: Expected::ALL.map(|expected| Way::through(table, expected)) }
    }

    /// Does to `tcb` what [`step()`](super::step()) with this table does about the arrival of `segment`, and returns the
    /// rules that fired; `None`, and nothing is done, if the segment is not an expected one.
    pub fn predict<S: SeqNum, H: Host<S>>(
        &self,
        tcb: &mut Tcb<S>,
        segment: &Segment<S>,
        host: &mut H,
    ) -> Option<Fired> {
        let way = &self.ways[Expected::of(tcb, segment, host)?.index()];
        let mut run = Run::new(tcb, Event::Arrives(*segment), host, way.fired);
        for &act in way.acts.iter().flatten() {
            run.perform(act);
        }
        Some(run.walk(self.table, way.on))
    }
}

/// A kind of expected segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Expected {
    /// It carries text.
    text: bool,
    /// It acknowledges something; if not, SEG.ACK = SND.UNA.
    acknowledges: bool,
}

impl Expected {
    const ALL: [Expected; 4] = [
        Expected { text: false, acknowledges: false },
        Expected { text: false, acknowledges: true },
        Expected { text: true, acknowledges: false },
        Expected { text: true, acknowledges: true },
    ];

    /// Its place in [`Expected::ALL`].
    fn index(self) -> usize {
        2 * usize::from(self.text) + usize::from(self.acknowledges)
    }

    /// The kind of this segment, if it is an expected one.
    fn of<S: SeqNum, H: Host<S>>(tcb: &Tcb<S>, segment: &Segment<S>, host: &H) -> Option<Expected> {
        const PSH_ACK: Flags = Flags::ACK.with(Flag::Psh);
        let plain = segment.flags == Flags::ACK || segment.flags == PSH_ACK;
        let text = !segment.is_empty();
        let expected = plain
            && tcb.state == State::Established
            && segment.seq == tcb.rcv_nxt
            && window_is_newer(tcb, segment)
            && !tcb.marks.close_queued
            && (!text || host.rcv_wnd().into() > 0);
        match classify_ack(tcb, segment) {
            AckClass::New if expected => Some(Expected { text, acknowledges: true }),
            AckClass::Duplicate if expected => Some(Expected { text, acknowledges: false }),
            AckClass::New
            | AckClass::Duplicate
            | AckClass::Missing
            | AckClass::TooOld
            | AckClass::Old
            | AckClass::Future => None,
        }
    }
}

/// The first part of a way through the table: all that is certain.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// The rules that fire.
    fired: Fired,
    /// What they do, in order.
    acts: [Option<Act>; Way::CAPACITY],
    /// Where the event goes on.
    on: Option<Stage>,
}

impl Way {
    /// The most actions of a way; one with more to do ends early.
    const CAPACITY: usize = 8;

    fn through(table: &Table, expected: Expected) -> Way {
        let on = Some(Stage::of_arrival(State::Established));
        let mut way = Way { fired: Fired::default(), acts: [None; Way::CAPACITY], on };
        let mut known = Some(Known::at_first(expected));
        while let (Some(stage), Some(now)) = (way.on, known) {
            let certain = now.certain_match(table, stage);
            let Some(rule) = certain.filter(|rule| way.take(rule.then)) else { break };
            way.fired.push(rule.id);
            way.on = onward(rule, stage);
            known = rule.then.iter().try_fold(now, |known, &act| known.after(act));
        }
        way
    }

    /// Adds a rule's actions, all of them or, if there is no room, none.
    fn take(&mut self, acts: &[Act]) -> bool {
        let len = self.acts.iter().flatten().count();
        let Some(room) = self.acts.get_mut(len..len + acts.len()) else { return false };
        room.iter_mut().zip(acts).for_each(|(place, &act)| *place = Some(act));
        true
    }
}

/// What is known while an expected segment is on its way.
#[derive(Clone, Copy, Debug)]
struct Known {
    text: bool,
    ack: AckClass,
    /// The host has done nothing yet: the receive window is what it was.
    untouched: bool,
}

impl Known {
    fn at_first(expected: Expected) -> Known {
        let ack = if expected.acknowledges { AckClass::New } else { AckClass::Duplicate };
        Known { text: expected.text, ack, untouched: true }
    }

    /// The rule that must fire, unless it depends on more than is known or leads out of ESTABLISHED.
    fn certain_match<'t>(&self, table: &'t Table, stage: Stage) -> Option<&'t Rule> {
        let tells = |atom: &Atom| self.tells(*atom);
        let mut rules = table.rules_in(stage, State::Established);
        let first = rules.find(|rule| !rule.when.iter().any(|atom| tells(atom) == Some(false)))?;
        let certain = first.when.iter().all(|atom| tells(atom) == Some(true)) && first.next == Next::Stay;
        certain.then_some(first)
    }

    /// Whether a guard holds; `None` if that is not known.
    fn tells(&self, atom: Atom) -> Option<bool> {
        match atom {
            Atom::Has(Flag::Psh, _) => None,
            Atom::Has(flag, is) => Some((flag == Flag::Ack) == is),
            Atom::Carries(is) => Some(self.text == is),
            Atom::Deliverable(is) => self.text.then_some(is),
            Atom::Acceptable(is) => self.untouched.then_some(is),
            Atom::Seq(class, is) => self.untouched.then_some((class == SeqClass::Exact) == is),
            Atom::AtRcvNxt(is) | Atom::WindowNewer(is) => Some(is),
            Atom::NewerThanRcvNxt(is) | Atom::UrgentNews(is) | Atom::CloseQueued(is) => Some(!is),
            Atom::Ack(class, is) => Some((class == self.ack) == is),
            Atom::Active(_)
            | Atom::Remote(_)
            | Atom::NewText(_)
            | Atom::AtIrs(_)
            | Atom::Passive(_)
            | Atom::Reopened(_)
            | Atom::SynAcked(_)
            | Atom::FinAcked(_)
            | Atom::FinReady(_)
            | Atom::SentFin(_)
            | Atom::AllAcked(_)
            | Atom::SendPending(_)
            | Atom::UserGone(_)
            | Atom::Unread(_)
            | Atom::WindowClosed(_)
            | Atom::Probing(_)
            | Atom::MayAnswer(_)
            | Atom::Listening(_)
            | Atom::Follows(..) => None,
        }
    }

    /// What is known after an action; `None` if there is no telling.
    fn after(self, act: Act) -> Option<Known> {
        match act {
            Act::AdvanceUna => Some(Known { ack: AckClass::Duplicate, untouched: false, ..self }),
            Act::SetWindow => Some(self),
            Act::Acknowledge(_) => Some(Known { untouched: false, ..self }),
            Act::AcceptText
            | Act::SetPassive(_)
            | Act::SelectIss(_)
            | Act::RecordIrs
            | Act::AdvanceNxt
            | Act::MarkFinSent
            | Act::QueueText
            | Act::QueueClose
            | Act::MarkUserGone
            | Act::HoldText
            | Act::AdvanceOverFin
            | Act::RecordUrgent
            | Act::Emit(_)
            | Act::TakeChallenge
            | Act::Retransmit
            | Act::Probe
            | Act::Start(_)
            | Act::Stop(_)
            | Act::StopAll
            | Act::Flush
            | Act::Signal(_)
            | Act::Reply(_)
            | Act::Delete
            | Act::ReenterListen
            | Act::KeepPrevious
            | Act::RestorePrevious
            | Act::ForgetPrevious => None,
        }
    }
}
