//! The host half of a belief: what the engine asks about buffers, windows and timers.

use super::belief::Debt;
use super::stamp::PeerClock;
use lockstep_model::table::TimestampClass;
use lockstep_model::{
    Accepted, Challenge, Flag, Host, Policy, Reply, Segment, Seq, SeqNum, Signal, Tcb, Timer, Urgency,
};
use std::time::Duration;

/// What a system may decide on its own when an event arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// A suspicious segment is answered.
    answer: bool,
    /// Text that came with a SYN is kept; a segment without the timestamp that is due is dropped (RFC 7323 §3.2: SHOULD).
    keep: bool,
    /// Of what came before its turn and is next in order now, so many pieces were kept (SHLD-31).
    kept: usize,
}

impl Choice {
    /// All combinations, where at most so many pieces were kept.
    pub fn all(most: usize) -> impl Iterator<Item = Choice> {
        let of = |answer, keep| (0..=most).rev().map(move |kept| Choice { answer, keep, kept });
        of(true, true).chain(of(true, false)).chain(of(false, true)).chain(of(false, false))
    }
}

/// Urgent data that the user has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Urgent {
    /// SND.UP: the number after it.
    pub ends: Seq,
    /// A segment without text has told of it.
    pub announced: bool,
}

/// What the user has asked for, once for the whole connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wishes {
    /// The peer is to be asked now and then whether it is there: the default is off (MUST-25).
    pub keeps_alive: bool,
    /// After how long without an acknowledgment to give up.
    pub gives_up_after: Option<Duration>,
    /// How often a SYN is sent again at most.
    pub repeats_syn: Option<u32>,
}

/// Buffers and timers, as far as they can be inferred from outside.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Ledger {
    /// RCV.NXT, as the engine last had it.
    pub(super) rcv_nxt: Seq,
    /// The highest right edge of the receive window that was offered.
    edge: Option<Seq>,
    /// The window offered while RCV.NXT was not known.
    offered_blind: u32,
    /// Text that came out of order, and may have been kept: first number and length. Whether it was shows only when its
    /// turn comes, and until then one belief does for both.
    held: Vec<(Seq, u32)>,
    /// The number of the remote FIN, if it came out of order; it may have been kept.
    fin_at: Option<Seq>,
    /// Octets on hand for the user.
    unread: u32,
    /// Octets of a SEND that is being made.
    offered: u32,
    /// Octets the user has sent that were never transmitted.
    pub(super) unsent: u32,
    /// The peer's timestamps.
    pub(super) peer_clock: PeerClock,
    /// ACK and window of the last segment emitted.
    pub(super) last_said: Option<(Seq, u32)>,
    /// Urgent data on its way out.
    pub(super) urgent: Option<Urgent>,
    pub(super) wishes: Wishes,
    /// Since when a keep-alive or the probe of a closed window is without an answer.
    pub(super) unanswered_since: Option<Duration>,
    /// A router said so: what is in flight may leave again at once.
    pub(super) was_too_big: bool,
    /// Bare ACKs since SND.UNA last moved that acknowledge nothing new while something is in flight (RFC 5681 §2).
    pub(super) duplicates: u8,
    /// A loss was noticed: what lies between these numbers may be lost too, and go out again without another wait (RFC 5681
    /// §3.1, RFC 6582 §3.2).
    perhaps_lost: Option<(Seq, Seq)>,
    /// A suspicious segment was answered: the next need not be.
    challenged: bool,
    /// Events whose rules have asked for an acknowledgment, less those that were seen: one may pay for all, but each may
    /// leave.
    pub(super) acks_asked_for: u32,
    /// Since when text or a FIN could leave that does not.
    pub(super) idle_since: Option<Duration>,
    /// How long the last wait for the next probe of a closed window was.
    pub(super) probe_interval: Option<Duration>,
    started: [Option<Duration>; Timer::ALL.len()],
    rexmit_interval: Option<Duration>,
    /// How often something was sent again since an acknowledgment came.
    pub(super) retransmissions: u32,
    /// When the oldest unacknowledged octet was first sent.
    outstanding_since: Option<Duration>,
    iss: Vec<Seq>,
}

impl Ledger {
    /// The initial sequence numbers that the system will choose, learned from its SYNs.
    pub fn with_iss(iss: &[Seq]) -> Ledger {
        Ledger { iss: iss.iter().rev().copied().collect(), ..Ledger::default() }
    }

    /// When a running timer was last started.
    pub fn started(&self, timer: Timer) -> Option<Duration> {
        self.started[index(timer)]
    }

    /// How long the last wait for an acknowledgment was before its segment was sent again.
    pub fn rexmit_interval(&self) -> Option<Duration> {
        self.rexmit_interval
    }

    /// For how long something has been unacknowledged.
    pub fn unacknowledged_since(&self, now: Duration) -> Duration {
        self.outstanding_since.map_or(Duration::ZERO, |since| now.saturating_sub(since))
    }

    /// Whether urgent data has not been told of yet by a segment without text; now it is.
    pub fn announce_urgent(&mut self) -> bool {
        self.urgent.as_mut().is_some_and(|urgent| !std::mem::replace(&mut urgent.announced, true))
    }

    /// The user offers octets to SEND; the rule decides whether they are queued.
    pub fn offer(&mut self, octets: u32) {
        self.offered = octets;
    }

    /// The user takes octets.
    pub fn take_unread(&mut self, octets: u32) -> Result<(), String> {
        match self.unread.checked_sub(octets) {
            Some(left) => {
                self.unread = left;
                Ok(())
            }
            None => Err(format!("the user was given {octets} octets, but only {} have arrived in order", self.unread)),
        }
    }

    /// A retransmission was seen: the next may take longer.
    pub fn retransmitted(&mut self, now: Duration) {
        self.retransmissions = self.retransmissions.saturating_add(1);
        if let Some(started) = self.started(Timer::Retransmit) {
            self.rexmit_interval = Some(now.saturating_sub(started));
        }
    }

    /// Something up to `next` was sent again, of what ends at `end`.
    pub fn sent_again(&mut self, next: Seq, end: Seq) {
        self.perhaps_lost = end.after(next).then_some((next, end));
    }

    /// Whether a segment here goes on with what was sent again.
    pub fn goes_on_at(&self, seq: Seq) -> bool {
        self.perhaps_lost.is_some_and(|(next, end)| !seq.before(next) && seq.before(end))
    }

    /// A closed window was probed: the next probe may take longer.
    pub fn probed(&mut self, now: Duration) {
        if let Some(started) = self.started(Timer::Persist) {
            self.probe_interval = Some(now.saturating_sub(started));
        }
        self.started[index(Timer::Persist)] = Some(now);
    }

    /// Notes whether text or a FIN could leave now: the window is open, and nothing is in flight that would justify
    /// waiting.
    pub fn note_idleness(&mut self, tcb: &Tcb<Seq>, now: Duration) {
        let waits = (self.unsent > 0 && tcb.may_send_text()) || tcb.fin_due();
        let could_leave = waits && tcb.retransmission_queue_is_empty() && tcb.usable_window() > 0;
        if could_leave {
            self.idle_since.get_or_insert(now);
        } else {
            self.idle_since = None;
        }
    }

    /// Whether this segment offers more than any before it.
    pub fn opens_the_window(&self, segment: &Segment<Seq>) -> bool {
        self.edge.is_some_and(|known| segment.ack.plus(segment.wnd).after(known))
    }

    /// A segment with this ACK and window was emitted.
    pub fn said(&mut self, segment: &Segment<Seq>) {
        if !segment.has(Flag::Ack) {
            self.offered_blind = segment.wnd;
            return;
        }
        self.last_said = Some((segment.ack, segment.wnd));
        let edge = segment.ack.plus(segment.wnd);
        if self.edge.is_none_or(|known| edge.after(known)) {
            self.edge = Some(edge);
        }
    }

    /// The connection is gone; numbers for later ones stay, and what an operator wishes of all of them.
    pub fn forget_connection(&mut self) {
        let wishes = Wishes { repeats_syn: self.wishes.repeats_syn, ..Wishes::default() };
        *self = Ledger { iss: std::mem::take(&mut self.iss), wishes, ..Ledger::default() };
    }

    fn window(&self) -> u32 {
        match self.edge {
            Some(edge) => u32::try_from(edge.since(self.rcv_nxt)).unwrap_or(0),
            None => self.offered_blind,
        }
    }

    /// How many pieces may be next in order when a hole is filled.
    pub fn pieces(&self) -> usize {
        self.held.len() + usize::from(self.fin_at.is_some())
    }

    fn keep(&mut self, segment: &Segment<Seq>, window: u32) {
        let right = self.rcv_nxt.plus(window);
        let end = segment.text_seq().plus(segment.text);
        let fits = |number: Seq| !number.after(right);
        let text = if fits(end) { segment.text } else { segment.text.saturating_sub(end.forward_from(right)) };
        let piece = (segment.text_seq(), text);
        if text > 0 && !self.held.contains(&piece) {
            self.held.push(piece);
        }
        if segment.has(Flag::Fin) && end.before(right) {
            self.fin_at = Some(end);
        }
    }

    /// Takes what this segment brings in order, and goes on over at most so many pieces. What is next in order then was not
    /// kept.
    fn join(&mut self, segment: &Segment<Seq>, window: u32, mut pieces: usize) -> Accepted<u32> {
        let before = self.rcv_nxt;
        let brings = segment.text_seq().plus(segment.text);
        if !segment.text_seq().after(before) && brings.after(before) {
            self.rcv_nxt = before.plus(brings.forward_from(before).min(window));
        }
        while let Some(end) = self.next_piece().filter(|_| pieces > 0) {
            self.rcv_nxt = end;
            pieces -= 1;
        }
        let here = self.rcv_nxt;
        self.held.retain(|(first, _)| first.after(here));
        let fin = self.fin_at == Some(here) && (pieces > 0 || (segment.has(Flag::Fin) && brings == here));
        self.fin_at = self.fin_at.filter(|at| fin || at.after(here));
        Accepted { advance: here.forward_from(before), fin }
    }

    /// Where the shortest piece ends that goes on at RCV.NXT.
    fn next_piece(&self) -> Option<Seq> {
        let next = self.rcv_nxt;
        let ends = self.held.iter().filter(|(first, _)| !first.after(next)).map(|(first, length)| first.plus(*length));
        ends.filter(|end| end.after(next)).reduce(|one, other| if other.before(one) { other } else { one })
    }
}

fn index(timer: Timer) -> usize {
    Timer::ALL.iter().position(|&known| known == timer).unwrap_or(0)
}

/// The engine's host while one event is tried.
pub(super) struct OracleHost<'a> {
    pub(super) ledger: &'a mut Ledger,
    pub(super) owed: Vec<(Debt, Option<Urgency>)>,
    pub(super) follows: [bool; Policy::ALL.len()],
    pub(super) listening: bool,
    pub(super) choice: Choice,
    pub(super) now: Duration,
}

impl Host<Seq> for OracleHost<'_> {
    fn rcv_wnd(&self) -> u32 {
        self.ledger.window()
    }
    fn policy(&self, policy: Policy) -> bool {
        Policy::ALL.iter().zip(self.follows).any(|(&known, follows)| known == policy && follows)
    }
    fn unsent(&self) -> bool {
        self.ledger.unsent > 0
    }
    fn unread(&self) -> bool {
        self.ledger.unread > 0
    }
    fn holds_next(&self) -> bool {
        self.ledger.fin_at == Some(self.ledger.rcv_nxt) || self.ledger.next_piece().is_some()
    }
    /// Who answers no suspicious segment at all has no limit for them (RFC 5961 §7), but no answer.
    fn may_challenge(&self, _: Challenge) -> bool {
        self.choice.answer || !self.ledger.challenged
    }
    fn timestamp(&self) -> TimestampClass {
        self.ledger.peer_clock.class(self.choice.keep)
    }
    fn has_listener(&self) -> bool {
        self.listening
    }
    /// The number that the system's SYN will show; if it never shows one, any will do.
    fn iss(&mut self, above: Option<Seq>) -> Seq {
        self.ledger.iss.pop().unwrap_or_else(|| above.unwrap_or_default().plus(1))
    }
    fn synchronized(&mut self, _: &Tcb<Seq>, _: &Segment<Seq>) {
        self.ledger.peer_clock.begin();
    }
    fn record_timestamp(&mut self, segment: &Segment<Seq>) {
        if self.ledger.last_said.is_some_and(|(ack, _)| !segment.seq.after(ack)) {
            self.ledger.peer_clock.record();
        }
    }
    fn emit(&mut self, _: &Tcb<Seq>, segment: Segment<Seq>) {
        self.owed.push((Debt::Control(segment), None));
    }
    fn acknowledge(&mut self, _: &Tcb<Seq>, urgency: Urgency) {
        self.owed.push((Debt::Ack, Some(urgency)));
    }
    fn take_challenge(&mut self, _: Challenge) {
        self.ledger.challenged = true;
    }
    fn queue_text(&mut self) {
        self.ledger.unsent += std::mem::take(&mut self.ledger.offered);
    }
    fn hold(&mut self, tcb: &Tcb<Seq>, segment: &Segment<Seq>) {
        self.ledger.rcv_nxt = tcb.rcv_nxt();
        if self.choice.keep {
            self.ledger.keep(segment, u32::from(u16::MAX));
        }
    }
    fn accept(&mut self, tcb: &Tcb<Seq>, segment: &Segment<Seq>) -> Accepted<u32> {
        self.ledger.rcv_nxt = tcb.rcv_nxt();
        let window = self.ledger.window();
        self.ledger.keep(segment, window);
        // What came with the SYN, and is released by an ACK, is no matter of choice any more.
        let pieces = if segment.is_empty() { usize::MAX } else { self.choice.kept };
        let accepted = self.ledger.join(segment, window, pieces);
        self.ledger.unread += accepted.advance;
        accepted
    }
    fn fin_received(&mut self, tcb: &Tcb<Seq>) {
        self.ledger.rcv_nxt = tcb.rcv_nxt();
    }
    fn acked(&mut self, tcb: &Tcb<Seq>, _: Seq) {
        self.ledger.rexmit_interval = None;
        self.ledger.retransmissions = 0;
        self.ledger.duplicates = 0;
        self.ledger.was_too_big = false;
        self.ledger.outstanding_since = (!tcb.retransmission_queue_is_empty()).then_some(self.now);
    }
    fn retransmit(&mut self, _: &Tcb<Seq>) {}
    fn probe(&mut self, _: &Tcb<Seq>) {}
    fn flush(&mut self) {
        self.ledger.unsent = 0;
    }
    fn start(&mut self, timer: Timer) {
        self.ledger.started[index(timer)] = Some(self.now);
        if timer == Timer::Retransmit {
            self.ledger.outstanding_since.get_or_insert(self.now);
        }
    }
    fn stop(&mut self, timer: Timer) {
        self.ledger.started[index(timer)] = None;
        if timer == Timer::Persist {
            self.ledger.probe_interval = None;
        }
    }
    fn signal(&mut self, _: Signal) {}
    fn reply(&mut self, _: Reply) {}
}
