//! What a user is told: RFC 9293 §3.10.1 to §3.10.6 written down a second time, from the text and not from the table,
//! for property S23.
//!
//! [`expected`] is the immediate return of a call. [`signals_fit`] is about what comes unasked: a connection that ends
//! is reported at most once, by the signal that the RFC gives for this end (MUST-12).

use super::endpoint::{Endpoint, N};
use crate::event::{Call, Event, Reply, Signal, Timer};
use crate::segment::{Flag, Segment};
use crate::state::State;

/// All of a connection that the answers depend on, before the event.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Situation {
    /// The state.
    pub state: State,
    /// The user has called CLOSE, or is gone.
    pub closed_by_user: bool,
    /// Text is on hand that the user has not received.
    pub unread: bool,
    /// A SYN has cut TIME-WAIT short and has not yet proved new (MAY-2).
    pub reopened: bool,
}

impl Situation {
    /// That of an endpoint.
    #[must_use]
    pub fn of(end: &Endpoint) -> Situation {
        let Endpoint { tcb, owner } = end;
        Situation {
            state: tcb.state(),
            closed_by_user: tcb.close_queued(),
            unread: owner.unread > 0,
            reopened: tcb.reopened(),
        }
    }
}

/// What this call must return.
#[must_use]
pub fn expected(call: Call, before: &Situation) -> Reply {
    match call {
        Call::OpenPassive => open(before.state, None),
        Call::OpenActive { remote } => open(before.state, Some(remote)),
        Call::Send { remote } => send(before, remote),
        Call::Receive => receive(before),
        Call::Close => close(before),
        Call::Release => release(before.state),
        Call::Abort => abort(before.state),
        Call::Status => status(before.state),
    }
}

/// §3.10.1. `remote` says whether an active OPEN specifies the remote socket; a passive one, here, never does.
const fn open(state: State, remote: Option<bool>) -> Reply {
    match (state, remote) {
        // "If passive, enter the LISTEN state and return."
        (State::Closed, None) => Reply::Ok,
        // "if active and the remote socket is specified, issue a SYN segment"; in LISTEN "change the connection from
        // passive to active".
        (State::Closed | State::Listen, Some(true)) => Reply::Ok,
        // "If active and the remote socket is unspecified, return ..."
        (State::Closed, Some(false)) => Reply::RemoteUnspecified,
        // "If the remote socket was not specified, then return ...", whichever kind of OPEN it is.
        (State::Listen, None | Some(false)) => Reply::RemoteUnspecified,
        // "Return "error: connection already exists"."
        (
            State::SynSent
            | State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait,
            _,
        ) => Reply::AlreadyExists,
    }
}

/// §3.10.2.
const fn send(before: &Situation, remote: bool) -> Reply {
    match before.state {
        // "error: connection does not exist"
        State::Closed => Reply::DoesNotExist,
        // "If the remote socket is specified ... queued for transmission after entering ESTABLISHED state."
        State::Listen if remote => Reply::Queued,
        // "If the remote socket was not specified, then return "error: remote socket unspecified"."
        State::Listen => Reply::RemoteUnspecified,
        // "No further SENDs from the user will be accepted" after CLOSE (§3.6, case 1), wherever that CLOSE still waits.
        State::SynReceived | State::CloseWait if before.closed_by_user => Reply::Closing,
        // "Queue the data for transmission after entering ESTABLISHED state."
        State::SynSent | State::SynReceived => Reply::Queued,
        // "Segmentize the buffer and send it"
        State::Established | State::CloseWait => Reply::Ok,
        // "Return "error: connection closing" and do not service request."
        State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck | State::TimeWait => Reply::Closing,
    }
}

/// §3.10.3.
const fn receive(before: &Situation) -> Reply {
    match before.state {
        // "error: connection does not exist"
        State::Closed => Reply::DoesNotExist,
        // "Queue for processing after entering ESTABLISHED state."
        State::Listen | State::SynSent | State::SynReceived => Reply::Queued,
        // "Reassemble queued incoming segments into receive buffer and return to user."
        State::Established | State::FinWait1 | State::FinWait2 if before.unread => Reply::Deliver,
        // "If insufficient incoming segments are queued to satisfy the request, queue the request."
        State::Established | State::FinWait1 | State::FinWait2 => Reply::Queued,
        // "any remaining data can be used to satisfy the RECEIVE"
        State::CloseWait if before.unread => Reply::Deliver,
        // Here §3.10.3 refuses without asking for text on hand, against §3.9.1.4: "users should continue to RECEIVE on
        // CLOSING connections since the remote peer may be trying to transmit the last of its data" (defect D9).
        State::Closing | State::LastAck | State::TimeWait if before.unread => Reply::Deliver,
        // "error: connection closing"
        State::CloseWait | State::Closing | State::LastAck | State::TimeWait => Reply::Closing,
    }
}

/// §3.10.4.
const fn close(before: &Situation) -> Reply {
    match before.state {
        // "error: connection does not exist"
        State::Closed => Reply::DoesNotExist,
        // "Delete TCB, enter CLOSED state, and return."; the errors are for SENDs and RECEIVEs that are queued.
        State::Listen | State::SynSent => Reply::Ok,
        // A second CLOSE while the first waits is what the RFC says of FIN-WAIT-1.
        State::SynReceived | State::CloseWait if before.closed_by_user => Reply::Closing,
        // "form a FIN segment and send it", or "queue for processing": the CLOSE is taken either way (defect D3 is about
        // which of the two).
        State::SynReceived => Reply::Ok,
        // "In any case, enter FIN-WAIT-1 state."
        State::Established => Reply::Ok,
        // "Strictly speaking, this is an error and should receive an "error: connection closing" response."
        State::FinWait1 | State::FinWait2 => Reply::Closing,
        // "Queue this request until all preceding SENDs have been segmentized"
        State::CloseWait => Reply::Ok,
        // "Respond with "error: connection closing"."
        State::Closing | State::LastAck | State::TimeWait => Reply::Closing,
    }
}

/// The half-duplex CLOSE of §3.6.1 (MAY-1): a user may always go; only who has no connection cannot leave it.
const fn release(state: State) -> Reply {
    if matches!(state, State::Closed) { Reply::DoesNotExist } else { Reply::Ok }
}

/// §3.10.5: "Respond with "ok" and delete the TCB", or what comes to the same; in CLOSED "connection does not exist".
const fn abort(state: State) -> Reply {
    if matches!(state, State::Closed) { Reply::DoesNotExist } else { Reply::Ok }
}

/// §3.10.6: "Return "state = ..." and the TCB pointer."; in CLOSED "connection does not exist".
const fn status(state: State) -> Reply {
    if matches!(state, State::Closed) { Reply::DoesNotExist } else { Reply::State }
}

/// The signals of one event, in order.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Signals {
    heard: [Option<Signal>; Signals::CAPACITY],
}

impl Signals {
    /// More than any event may give.
    const CAPACITY: usize = 8;

    /// One more.
    pub fn note(&mut self, signal: Signal) {
        if let Some(slot) = self.heard.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(signal);
        }
    }

    fn times(&self, signal: Signal) -> usize {
        self.heard.iter().flatten().filter(|&&other| other == signal).count()
    }

    fn ends(&self) -> impl Iterator<Item = Signal> + '_ {
        self.heard.iter().flatten().copied().filter(|signal| ENDS.contains(signal))
    }
}

/// The signals that say that the connection is gone.
const ENDS: [Signal; 3] = [Signal::Refused, Signal::Reset, Signal::UserTimeout];

/// Whether these are the signals that this event gives: nothing that happens is told twice, nothing is told that has not
/// happened, and no end that comes unasked is kept from the user (MUST-12).
#[must_use]
pub fn signals_fit(event: &Event<N>, before: &Situation, after: State, signals: &Signals) -> bool {
    let between = |least: bool, signal: Signal, most: bool| {
        (usize::from(least)..=usize::from(most)).contains(&signals.times(signal))
    };
    let arrived = matches!(event, Event::Arrives(_));
    // A reopened connection that returns to TIME-WAIT was neither established nor closed again.
    let advances = arrived && !(before.reopened && after == State::TimeWait);
    let opens = advances && matches!(before.state, State::SynSent | State::SynReceived);
    let fin_is_new = advances && !knows_fin(before.state) && knows_fin(after);
    let ends = before.state != State::Closed && after == State::Closed;
    let end = if ends { end(event, before.state) } else { End::Silent };
    end.fits(signals)
        && between(opens && after.is_synchronized(), Signal::Established, opens)
        && between(fin_is_new, Signal::Closing, fin_is_new)
        && between(
            completes_close(event, before.state, after),
            Signal::CloseComplete,
            arrived && has_closed(before.state),
        )
        && between(false, Signal::Urgent, arrived)
}

/// What the user is told when the connection is deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// Nothing: he has asked for it, or has had everything.
    Silent,
    /// One of these.
    Told(&'static [Signal]),
    /// The RFC speaks of his queued calls only; he may be told one of these.
    Perhaps(&'static [Signal]),
}

impl End {
    fn fits(self, signals: &Signals) -> bool {
        let mut told = signals.ends();
        match (told.next(), told.next(), self) {
            (Some(_), Some(_), _) | (Some(_), None, End::Silent) | (None, _, End::Told(_)) => false,
            (None, _, End::Silent | End::Perhaps(_)) => true,
            (Some(signal), None, End::Told(names) | End::Perhaps(names)) => names.contains(&signal),
        }
    }
}

/// The end that an event brings which deletes a connection in this state.
fn end(event: &Event<N>, state: State) -> End {
    match event {
        // "signal the user "error: connection aborted due to user timeout"" (§3.10.8).
        Event::Timeout(Timer::User) => End::Told(&[Signal::UserTimeout]),
        Event::Timeout(
            Timer::Retransmit
            | Timer::Persist
            | Timer::TimeWait
            | Timer::FinWait2
            | Timer::KeepAlive
            | Timer::DelayedAck,
        )
        | Event::Sent { .. } => End::Silent,
        // "All queued SENDs and RECEIVEs should be given "connection reset" notification" (§3.10.5), but for the states
        // where it says only "Respond with "ok"".
        Event::Call(Call::Abort) if !both_have_closed(state) => End::Perhaps(&[Signal::Reset]),
        Event::Call(_) => End::Silent,
        Event::Arrives(segment) => end_by(segment, state),
    }
}

/// The same for a segment (§3.10.7.3; §3.10.7.4, second and fourth).
fn end_by(segment: &Segment<N>, state: State) -> End {
    let rst = segment.has(Flag::Rst);
    let reset = End::Told(&[Signal::Reset]);
    match state {
        // §3.10.7.3 calls "error: connection reset" what §3.10.7.4 calls "connection refused": the answer to our SYN is a
        // RST. Either name will do.
        State::SynSent => End::Told(&[Signal::Refused, Signal::Reset]),
        // "the connection was refused; signal the user "connection refused""
        State::SynReceived if rst => End::Told(&[Signal::Refused]),
        // "If the RST bit is set, then enter the CLOSED state, delete the TCB, and return."
        State::Closing | State::LastAck | State::TimeWait if rst => End::Silent,
        // "Users should also receive an unsolicited general "connection reset" signal.", by RST or by a SYN in the
        // window; so where text arrives for a user who is gone (SHLD-3).
        State::SynReceived | State::Established | State::FinWait1 | State::FinWait2 | State::CloseWait => reset,
        State::Closing | State::LastAck | State::TimeWait if segment.has(Flag::Syn) => reset,
        // "If our FIN is now acknowledged, delete the TCB" (fifth).
        State::Closing | State::LastAck | State::TimeWait | State::Closed | State::Listen => End::Silent,
    }
}

/// Whether an arrival acknowledges our FIN for the first time: "the user's CLOSE can be acknowledged" (§3.10.7.4,
/// fifth), and he need "only wait to hear the connection was CLOSED successfully" (§3.6).
fn completes_close(event: &Event<N>, before: State, after: State) -> bool {
    let Event::Arrives(segment) = event else {
        return false;
    };
    let last_ack = before == State::LastAck && !segment.has(Flag::Rst) && !segment.has(Flag::Syn);
    match after {
        State::FinWait2 => before == State::FinWait1,
        State::TimeWait => matches!(before, State::FinWait1 | State::Closing),
        State::Closed => last_ack,
        State::Listen
        | State::SynSent
        | State::SynReceived
        | State::Established
        | State::FinWait1
        | State::CloseWait
        | State::Closing
        | State::LastAck => false,
    }
}

/// Whether our FIN may be under way.
const fn has_closed(state: State) -> bool {
    matches!(state, State::FinWait1 | State::Closing | State::LastAck)
}

/// Whether the peer's FIN was taken.
const fn knows_fin(state: State) -> bool {
    matches!(state, State::CloseWait) || both_have_closed(state)
}

/// Whether both FINs are known.
const fn both_have_closed(state: State) -> bool {
    matches!(state, State::Closing | State::LastAck | State::TimeWait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::Flags;
    use crate::seq::SeqNum;

    fn arrives(flags: Flags) -> Event<N> {
        Event::Arrives(Segment::control(N::new(1), N::new(1), flags, 4))
    }

    fn fits(event: Event<N>, from: State, to: State, told: &[Signal]) -> bool {
        let mut signals = Signals::default();
        told.iter().for_each(|&signal| signals.note(signal));
        let before = Situation { state: from, closed_by_user: false, unread: false, reopened: false };
        signals_fit(&event, &before, to, &signals)
    }

    #[test]
    fn who_loses_a_connection_is_told_once_and_why() {
        let lost = |told: &[Signal]| fits(arrives(Flags::RST), State::Established, State::Closed, told);
        assert!(lost(&[Signal::Reset]));
        assert!(!lost(&[]) && !lost(&[Signal::Refused]) && !lost(&[Signal::Reset, Signal::Reset]));
        assert!(!lost(&[Signal::Reset, Signal::UserTimeout]));
        let refused = |told: &[Signal]| fits(arrives(Flags::RST), State::SynReceived, State::Closed, told);
        assert!(refused(&[Signal::Refused]) && !refused(&[Signal::Reset]) && !refused(&[]));
        let late = |told: &[Signal]| fits(Event::Timeout(Timer::User), State::FinWait1, State::Closed, told);
        assert!(late(&[Signal::UserTimeout]) && !late(&[Signal::Reset]) && !late(&[]));
    }

    #[test]
    fn who_loses_nothing_is_not_told() {
        let rst = arrives(Flags::RST);
        assert!(fits(rst, State::TimeWait, State::Closed, &[]));
        assert!(!fits(rst, State::TimeWait, State::Closed, &[Signal::Reset]));
        assert!(fits(rst, State::SynReceived, State::Listen, &[]), "the user need not be informed");
        assert!(!fits(rst, State::SynReceived, State::Listen, &[Signal::Refused]));
        assert!(!fits(rst, State::Established, State::Established, &[Signal::Reset]));
        assert!(fits(Event::Timeout(Timer::User), State::Closed, State::Closed, &[]));
        assert!(!fits(Event::Timeout(Timer::TimeWait), State::TimeWait, State::Closed, &[Signal::UserTimeout]));
    }

    #[test]
    fn each_stage_of_a_connection_is_told_when_it_is_reached() {
        let ack = arrives(Flags::ACK);
        assert!(fits(ack, State::SynReceived, State::Established, &[Signal::Established]));
        assert!(!fits(ack, State::SynReceived, State::Established, &[]));
        assert!(!fits(ack, State::Established, State::Established, &[Signal::Established]));
        let fin = arrives(Flags::FIN_ACK);
        assert!(fits(fin, State::FinWait1, State::TimeWait, &[Signal::CloseComplete, Signal::Closing]));
        assert!(!fits(fin, State::FinWait1, State::TimeWait, &[Signal::Closing]));
        assert!(!fits(fin, State::Established, State::CloseWait, &[]));
        assert!(!fits(fin, State::CloseWait, State::CloseWait, &[Signal::Closing]));
        assert!(fits(ack, State::LastAck, State::Closed, &[Signal::CloseComplete]));
        assert!(!fits(ack, State::LastAck, State::Closed, &[]));
    }
}
