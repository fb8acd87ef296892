//! What an action does to what is known: the facts it makes so, and the facts it leaves open.

use super::valuation::Valuation;
use crate::event::Timer;
use crate::state::State;
use crate::table::{AckClass, Act, Atom, TimestampClass};

/// What is known after `act`, done in `state`, when `known` was known before.
///
/// It never claims what the engine might not do; where it knows no better it forgets.
pub fn perform(act: Act, state: State, known: &mut Valuation) {
    match act {
        Act::SetPassive(passive) => known.learn(Atom::Passive(passive)),
        Act::SelectIss(_) => learn(known, &[Atom::AllAcked(false), Atom::FinAcked(false)], &[ACK]),
        Act::RecordIrs => {
            let here = [Atom::AtIrs(true), Atom::AtRcvNxt(false), Atom::NewerThanRcvNxt(false)];
            learn(known, &here, &[SEQ, Atom::NewText(true), Atom::UrgentNews(true), TIMESTAMP]);
        }
        Act::SetWindow => learn(known, &[Atom::WindowNewer(true)], &[Atom::WindowClosed(true)]),
        Act::AdvanceUna => advance_una(state, known),
        Act::AdvanceNxt => learn(known, &[Atom::AllAcked(false), Atom::FinAcked(false)], &[Atom::SendPending(true)]),
        Act::QueueText | Act::Probe => known.forget(Atom::SendPending(true)),
        Act::QueueClose => learn(known, &[Atom::CloseQueued(true)], &[Atom::SendPending(true)]),
        Act::MarkUserGone => known.learn(Atom::UserGone(true)),
        Act::RecordTimestamp => known.forget(TIMESTAMP),
        Act::HoldText => known.forget(Atom::Deliverable(true)),
        Act::AcceptText => {
            move_rcv_nxt(known);
            learn(known, &[], &[Atom::FinReady(true), Atom::Unread(true)]);
        }
        Act::AdvanceOverFin => move_rcv_nxt(known),
        Act::RecordUrgent => known.learn(Atom::UrgentNews(false)),
        Act::TakeChallenge => known.forget(Atom::MayAnswer(true)),
        Act::Start(timer) => turn(timer, true, known),
        Act::Stop(timer) => turn(timer, false, known),
        Act::StopAll => known.learn(Atom::Probing(false)),
        Act::Flush => learn(known, &[], &[Atom::SendPending(true), Atom::Unread(true), Atom::Deliverable(true)]),
        Act::Delete => be_born_again(known),
        Act::ReenterListen => {
            be_born_again(known);
            known.learn(Atom::Passive(true));
        }
        Act::KeepPrevious => {
            be_born_again(known);
            learn(known, &[Atom::Reopened(true)], &[Atom::Probing(true)]);
        }
        Act::RestorePrevious => {
            be_born_again(known);
            let finished = [Atom::SynAcked(true), Atom::FinAcked(true), Atom::CloseQueued(true), Atom::UserGone(true)];
            learn(known, &finished, &[Atom::Probing(true)]);
        }
        Act::ForgetPrevious => known.learn(Atom::Reopened(false)),
        Act::MarkFinSent
        | Act::HeedAck
        | Act::Emit(_)
        | Act::Acknowledge(_)
        | Act::Retransmit
        | Act::Signal(_)
        | Act::Reply(_) => {}
    }
}

const TIMESTAMP: Atom = Atom::Timestamp(TimestampClass::NotInUse, true);
const SEQ: Atom = Atom::Acceptable(true);
const ACK: Atom = Atom::Ack(AckClass::Missing, true);

fn learn(known: &mut Valuation, now: &[Atom], no_more: &[Atom]) {
    no_more.iter().for_each(|&atom| known.forget(atom));
    now.iter().for_each(|&atom| known.learn(atom));
}

/// SND.UNA = SEG.ACK; a FIN can only be acknowledged where it can have been sent.
fn advance_una(state: State, known: &mut Valuation) {
    learn(known, &[Atom::Ack(AckClass::Duplicate, true), Atom::SynAcked(true)], &[Atom::AllAcked(true)]);
    match state {
        State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck | State::TimeWait => {
            known.forget(Atom::FinAcked(true));
        }
        State::Closed | State::Listen | State::SynSent | State::SynReceived | State::Established | State::CloseWait => {
        }
    }
}

/// No guard asks about the other timers.
fn turn(timer: Timer, on: bool, known: &mut Valuation) {
    if timer == Timer::Persist {
        known.learn(Atom::Probing(on));
    }
}

fn move_rcv_nxt(known: &mut Valuation) {
    let relative = [Atom::AtRcvNxt(true), Atom::NewerThanRcvNxt(true), Atom::NewText(true), Atom::UrgentNews(true)];
    learn(known, &[], &relative);
    learn(known, &[], &[SEQ, Atom::Deliverable(true)]);
}

/// Every variable is as in a new TCB.
fn be_born_again(known: &mut Valuation) {
    move_rcv_nxt(known);
    let fresh = [
        Atom::Passive(false),
        Atom::Reopened(false),
        Atom::SynAcked(false),
        Atom::FinAcked(false),
        Atom::AllAcked(true),
        Atom::CloseQueued(false),
        Atom::UserGone(false),
        Atom::WindowClosed(true),
        Atom::Probing(false),
    ];
    let open = [ACK, Atom::AtIrs(true), Atom::WindowNewer(true), Atom::SendPending(true), Atom::Unread(true)];
    learn(known, &fresh, &open);
}
