//! Header prediction: the way of an expected segment through a table, found once and then only followed.
//!
//! A segment is expected if it arrives in ESTABLISHED, begins at RCV.NXT, has a timestamp if one is due and no older one
//! than the last, and has no control bit but ACK and PSH. That
//! settles most guards on its way, whatever else is the case. [`Prediction::of`] walks through the table with just this
//! knowledge and notes what the rules do that must fire, up to the first check that asks for more. From there it walks on
//! as if nothing special came to light, and notes the rules that fire then. [`Prediction::predict`] does what was noted,
//! looks once whether anything special has come to light, and if so leaves the rest to the interpreter. So it is the
//! table's own way in every table, a wrong one included.

use super::guard::{classify_ack, window_is_newer};
use super::step::{Run, onward};
use super::{Fired, Host, Tcb};
use crate::event::{Event, Timer};
use crate::segment::{Flag, Flags, Segment};
use crate::seq::SeqNum;
use crate::state::State;
use crate::table::{AckClass, Act, Atom, Next, Rule, SeqClass, Stage, Table, TimestampClass};

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

    /// The table.
    #[must_use]
    pub fn table(&self) -> &'t Table {
        self.table
    }

    /// Does to `tcb` what [`step()`](super::step()) with this table does about the arrival of `segment`, and returns the
    /// rules that fired; `None`, and nothing is done, if the segment is not an expected one.
    pub fn predict<S: SeqNum, H: Host<S>>(
        &self,
        tcb: &mut Tcb<S>,
        segment: &Segment<S>,
        host: &mut H,
    ) -> Option<Fired> {
        let expected = Expected::of(tcb, segment, host)?;
        let way = &self.ways[expected.index()];
        let mut run = Run::new(tcb, Event::Arrives(*segment), host, way.fired);
        for &act in way.acts.iter().flatten() {
            run.perform(act);
        }
        match way.usually {
            Some(fired) if expected.goes_as_usual(&run) => Some(fired),
            Some(_) | None => Some(run.walk(self.table, way.on)),
        }
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
            && (!text || host.rcv_wnd().into() > 0)
            && !matches!(host.timestamp(), TimestampClass::Missing | TimestampClass::Older);
        match classify_ack(tcb, segment) {
            AckClass::New if expected => Some(Expected { text, acknowledges: true }),
            AckClass::Duplicate if expected => Some(Expected { text, acknowledges: false }),
            AckClass::New
            | AckClass::Duplicate
            | AckClass::Missing
            | AckClass::TooOld
            | AckClass::NeverSent
            | AckClass::Old
            | AckClass::Future => None,
        }
    }

    /// Whether nothing special has come to light while a segment of this kind was processed: no FIN that was held, no text
    /// that came with the SYN, no closed window.
    fn goes_as_usual<S: SeqNum, H: Host<S>>(self, run: &Run<'_, S, H>) -> bool {
        let closed = run.tcb.snd_wnd.into() == 0 || run.tcb.armed(Timer::Persist);
        let held = run.accepted.fin || (!self.text && run.host.holds_next());
        !closed && !held
    }
}

/// A way through the table.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// The rules that fire for certain.
    fired: Fired,
    /// What they do, in order.
    acts: [Option<Act>; Way::CAPACITY],
    /// Where the event goes on.
    on: Option<Stage>,
    /// All the rules that fire if it goes on as usual, where the rest of them do nothing.
    usually: Option<Fired>,
}

impl Way {
    /// The most actions of a way; one with more to do ends early.
    const CAPACITY: usize = 8;

    fn through(table: &Table, expected: Expected) -> Way {
        let mut way = Way::from(Stage::of_arrival(State::Established), Fired::default());
        let known = way.extend(table, Some(Known::at_first(expected)));
        let as_usual = known.map(|known| Known { usual: true, ..known });
        if let Some(stage) = way.on {
            let mut rest = Way::from(stage, way.fired);
            rest.extend(table, as_usual);
            let ended = rest.on.is_none();
            rest.on = Some(Stage::Persist);
            rest.extend(table, as_usual);
            let idle = rest.acts.iter().flatten().next().is_none();
            way.usually = (ended && rest.on.is_none() && idle).then_some(rest.fired);
        }
        way
    }

    fn from(stage: Stage, fired: Fired) -> Way {
        Way { fired, acts: [None; Way::CAPACITY], on: Some(stage), usually: None }
    }

    /// Goes on as far as it is certain, and says what is known there.
    fn extend(&mut self, table: &Table, mut known: Option<Known>) -> Option<Known> {
        while let (Some(stage), Some(now)) = (self.on, known) {
            let certain = now.certain_match(table, stage);
            let Some(rule) = certain.filter(|rule| self.take(rule.then)) else { break };
            self.fired.push(rule.id);
            self.on = onward(rule, stage);
            known = rule.then.iter().try_fold(now, |known, &act| known.after(act));
        }
        known
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
    /// RCV.NXT has not moved.
    in_place: bool,
    /// The host has done nothing yet: the receive window is what it was.
    untouched: bool,
    /// [`Expected::goes_as_usual`]
    usual: bool,
}

impl Known {
    fn at_first(expected: Expected) -> Known {
        let ack = if expected.acknowledges { AckClass::New } else { AckClass::Duplicate };
        Known { text: expected.text, ack, in_place: true, untouched: true, usual: false }
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
            Atom::Deliverable(is) => (self.text || self.usual).then_some(self.text == is),
            Atom::Acceptable(is) => self.untouched.then_some(is),
            Atom::Seq(class, is) => self.untouched.then_some((class == SeqClass::Exact) == is),
            Atom::AtRcvNxt(is) => self.in_place.then_some(is),
            Atom::NewerThanRcvNxt(is) => self.in_place.then_some(!is),
            Atom::WindowNewer(is) => Some(is),
            Atom::UrgentNews(is) | Atom::CloseQueued(is) => Some(!is),
            Atom::Ack(class, is) => Some((class == self.ack) == is),
            Atom::Timestamp(TimestampClass::Missing | TimestampClass::Older, is) => Some(!is),
            Atom::FinReady(is) | Atom::WindowClosed(is) | Atom::Probing(is) => self.usual.then_some(!is),
            Atom::Active(_)
            | Atom::Remote(_)
            | Atom::NewText(_)
            | Atom::AtIrs(_)
            | Atom::Passive(_)
            | Atom::Reopened(_)
            | Atom::SynAcked(_)
            | Atom::FinAcked(_)
            | Atom::SentFin(_)
            | Atom::AllAcked(_)
            | Atom::SendPending(_)
            | Atom::UserGone(_)
            | Atom::Unread(_)
            | Atom::MayAnswer(_)
            | Atom::Timestamp(TimestampClass::NotInUse | TimestampClass::Same | TimestampClass::Newer, _)
            | Atom::Listening(_)
            | Atom::Follows(..) => None,
        }
    }

    /// What is known after an action; `None` if there is no telling.
    fn after(self, act: Act) -> Option<Known> {
        match act {
            Act::AdvanceUna => Some(Known { ack: AckClass::Duplicate, untouched: false, ..self }),
            Act::SetWindow | Act::HeedAck | Act::RecordTimestamp => Some(self),
            Act::Acknowledge(_) => Some(Known { untouched: false, ..self }),
            Act::AcceptText => Some(Known { in_place: false, untouched: false, ..self }),
            Act::SetPassive(_)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_the_table_that_the_stack_runs_every_way_is_known_to_its_end() {
        for (way, expected) in Prediction::of(Table::repaired()).ways.iter().zip(Expected::ALL) {
            assert!(way.usually.is_some(), "{expected:?}: {way:?}");
        }
    }
}
