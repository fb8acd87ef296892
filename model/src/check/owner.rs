//! The host part of the model: what an endpoint's owner answers the engine, and what it transmits by itself.
//!
//! It transmits eagerly: after each event all that the connection may send leaves at once, and the acknowledgments
//! asked for leave as one segment, on text or a FIN if there is any.

use super::bounds::Bounds;
use super::endpoint::{Endpoint, N, Owner, Side};
use super::packet::{Ghost, Packet};
use super::properties::{Property, Violations};
use super::replies::Signals;
use crate::engine::guard::classify_seq;
use crate::engine::{Accepted, Challenge, Host, Tcb};
use crate::event::{Reply, Signal, Timer, Urgency};
use crate::segment::{Flag, Flags, Segment};
use crate::seq::SeqNum;
use crate::state::State;
use crate::table::{Policy, SeqClass, TimestampClass};
use core::cmp::Ordering;

/// The owner during one event, and what comes out of it.
pub(super) struct Turn<'a> {
    pub side: Side,
    pub owner: Owner,
    pub bounds: &'a Bounds,
    /// Last.ACK.sent (RFC 7323 §4.3): RCV.NXT before the event, for what has arrived is acknowledged by then.
    pub last_ack_sent: N,
    /// The packet that arrived, if that is the event.
    pub cause: Option<Packet>,
    /// What is to be sent, in order.
    pub out: Outgoing,
    /// An acknowledgment is to leave with this event.
    pub ack_now: bool,
    /// What a probe has put on the wire, to be reported: octets of text, and whether the FIN.
    pub probed: Option<(u8, bool)>,
    /// The 2MSL timer was started.
    pub time_wait_began: bool,
    /// The reply to the user's call.
    pub reply: Option<Reply>,
    /// What the user was told unasked.
    pub signals: Signals,
    /// What the properties on effects found.
    pub violations: Violations,
}

/// The packets that one event sends.
#[derive(Clone, Copy, Default)]
pub(super) struct Outgoing {
    packets: [Option<Packet>; Outgoing::CAPACITY],
    len: usize,
}

impl Outgoing {
    /// More than any event sends.
    pub const CAPACITY: usize = 8;

    fn push(&mut self, packet: Packet) {
        if let Some(slot) = self.packets.get_mut(self.len) {
            *slot = Some(packet);
            self.len += 1;
        }
    }

    pub fn packets(&self) -> impl Iterator<Item = Packet> + '_ {
        self.packets.iter().flatten().copied()
    }
}

/// Whether a segment says nothing new: no text, no FIN.
fn is_mere_answer(segment: &Segment<N>) -> bool {
    segment.text == 0 && !segment.has(Flag::Fin)
}

/// How far ahead of RCV.NXT an octet can be held.
const HELD_BITS: u32 = u8::BITS;

impl<'a> Turn<'a> {
    pub fn new(side: Side, end: &Endpoint, bounds: &'a Bounds, cause: Option<Packet>) -> Self {
        Turn {
            side,
            owner: end.owner,
            bounds,
            last_ack_sent: end.tcb.rcv_nxt(),
            cause,
            out: Outgoing::default(),
            ack_now: false,
            probed: None,
            time_wait_began: false,
            reply: None,
            signals: Signals::default(),
            violations: Violations::default(),
        }
    }

    /// Sends the next piece of text, with the FIN if it is due and ends there, or the FIN alone, if the connection and
    /// its window allow; returns what is to be reported.
    pub fn transmit(&mut self, tcb: &Tcb<N>) -> Option<(u8, bool)> {
        if let Some(probed) = self.probed.take() {
            return Some(probed);
        }
        if !tcb.may_send_text() {
            return None;
        }
        let room = tcb.usable_window();
        let text = self.unsent_octets().min(self.bounds.mss).min(N::len(room));
        let ends = text == self.unsent_octets();
        let fin = tcb.fin_due() && ends && room > u32::from(text);
        if text == 0 && !fin {
            return None;
        }
        self.launch(tcb, tcb.snd_nxt(), self.owner.sent, text, fin);
        self.owner.sent += text;
        Some((text, fin))
    }

    /// Sends the acknowledgment that was asked for and that nothing else has carried.
    pub fn acknowledge_at_last(&mut self, tcb: &Tcb<N>) {
        if core::mem::take(&mut self.ack_now) {
            self.launch(tcb, tcb.snd_nxt(), self.owner.sent, 0, false);
        }
    }

    /// The user takes an octet; a window that was closed is announced open again.
    pub fn read(&mut self) {
        if self.rcv_wnd() == 0 {
            self.ack_now = true;
        }
        self.owner.unread = self.owner.unread.saturating_sub(1);
    }

    /// S21: one arrival is answered by at most one segment without text or FIN, and by nothing else if it was not
    /// acceptable, unless its ACK counted: where the window is closed it does (MUST-66), and of a crossed SYN,ACK.
    pub fn judge_answers(&mut self, Endpoint { tcb: before, owner }: &Endpoint, after: &Tcb<N>) {
        let Some(arrived) = self.cause.map(Packet::segment) else {
            return;
        };
        let answers = self.out.packets().filter(|packet| is_mere_answer(&packet.segment())).count();
        let checked = before.state().is_synchronized() || before.state() == State::SynReceived;
        let rcv_wnd = self.bounds.buffer.saturating_sub(owner.unread + owner.shrunk);
        let class = classify_seq(before.rcv_nxt(), rcv_wnd.into(), &arrived);
        let counted = class == SeqClass::ZeroWindow || before.snd_una() != after.snd_una();
        let refused = checked && !class.is_acceptable() && !counted && before.state() != State::TimeWait;
        let beside = self.out.packets().count() - answers;
        self.violations.note(Property::S21, answers > 1 || (refused && beside > 0));
    }

    fn unsent_octets(&self) -> u8 {
        self.owner.queued.saturating_sub(self.owner.sent)
    }

    /// Sends `<SEQ=seq><ACK=RCV.NXT><CTL=ACK>` with text that begins at octet `at` of the stream, and perhaps the FIN.
    fn launch(&mut self, tcb: &Tcb<N>, seq: N, at: u8, text: u8, fin: bool) {
        let flags = if fin { Flags::FIN_ACK } else { Flags::ACK };
        let mut segment = Segment { text, ..Segment::control(seq, tcb.rcv_nxt(), flags, self.rcv_wnd()) };
        if self.bounds.urgent && text > 0 && at == 0 {
            segment = Segment { flags: flags.with(Flag::Urg), up: text, ..segment };
        }
        self.judge_numbers(tcb, &segment, at);
        self.judge_acknowledgment(tcb, &segment);
        self.ack_now = false;
        self.owner.ack_owed = false;
        self.push(&segment, at);
    }

    fn push(&mut self, segment: &Segment<N>, at: u8) {
        let peer = match self.cause {
            Some(packet) if segment.has(Flag::Rst) => packet.ghost().incarnation,
            Some(_) | None if segment.has(Flag::Ack) || segment.has(Flag::Rst) => self.paired_with(segment),
            Some(_) | None => 0,
        };
        let ghost = Ghost { from: self.side, incarnation: self.owner.incarnation, peer, at, aged: [false; 2] };
        self.out.push(Packet::new(segment, ghost).stamped(self.stamp(segment)));
    }

    /// SEG.TSval: on a SYN, and on all but resets once it is agreed on (RFC 7323 §3.2).
    fn stamp(&self, segment: &Segment<N>) -> u8 {
        let opens = segment.has(Flag::Syn) && !segment.has(Flag::Ack);
        let agreed = opens || self.owner.ts_recent() > 0;
        if self.bounds.timestamps && agreed && !segment.has(Flag::Rst) { self.owner.incarnation } else { 0 }
    }

    /// The incarnation of the peer whose SYN we have seen: that of the SYN that has just arrived, or an earlier one.
    fn paired_with(&self, segment: &Segment<N>) -> u8 {
        match self.cause {
            Some(packet) if segment.has(Flag::Syn) && packet.segment().has(Flag::Syn) => packet.ghost().incarnation,
            Some(_) | None => self.owner.peer,
        }
    }

    /// S12: each octet, and the FIN, has one number for ever.
    fn judge_numbers(&mut self, tcb: &Tcb<N>, segment: &Segment<N>, at: u8) {
        let first = tcb.iss().plus(1);
        let text_moved = segment.text > 0 && segment.seq != first.plus(at.into());
        let fin_moved =
            segment.has(Flag::Fin) && segment.seq.plus(segment.text.into()) != first.plus(self.owner.queued.into());
        self.violations.note(Property::S12, text_moved || fin_moved);
    }

    /// S10: what is acknowledged is what has arrived in order, and nothing is before the peer's ISS is known. After a
    /// return to TIME-WAIT the numbers are the old ones and the counters are not.
    fn judge_acknowledgment(&mut self, tcb: &Tcb<N>, segment: &Segment<N>) {
        let received = u32::from(self.owner.received) + u32::from(self.owner.end_of_file);
        let right = !segment.has(Flag::Ack) || segment.ack == tcb.irs().plus(1 + received);
        self.violations.note(Property::S10, !right && tcb.state() != State::TimeWait);
    }

    /// S9: the forms of a reset, and none in answer to one.
    fn judge_reset(&mut self, tcb: &Tcb<N>, reset: &Segment<N>) {
        let form = (reset.seq, reset.flags);
        let has_numbers = !matches!(tcb.state(), State::Closed | State::Listen | State::SynSent);
        let abort = has_numbers && form == (tcb.snd_nxt(), Flags::RST);
        let right = match self.cause.map(Packet::segment) {
            None => abort,
            Some(arrived) if arrived.has(Flag::Rst) => false,
            Some(arrived) if arrived.has(Flag::Ack) => abort || form == (arrived.ack, Flags::RST),
            Some(arrived) => abort || (form == (N::new(0), Flags::RST_ACK) && reset.ack == arrived.end()),
        };
        self.violations.note(Property::S9, !right);
    }

    /// Puts text and FIN of a segment where they belong, as far as the window reaches. S4 and S6 are judged here, where
    /// an octet or a FIN becomes one that the user will be given.
    fn place(&mut self, tcb: &Tcb<N>, segment: &Segment<N>) {
        let window = u32::from(self.rcv_wnd()).min(HELD_BITS);
        let Some(ghost) = self.cause.map(Packet::ghost) else {
            return;
        };
        let ours = ghost.incarnation == self.owner.peer || segment.has(Flag::Syn);
        for (octet, place) in (0..u32::from(segment.text)).zip(u32::from(ghost.at)..) {
            let ahead = segment.text_seq().plus(octet).forward_from(tcb.rcv_nxt());
            if ahead < window {
                self.owner.held |= 1 << ahead;
                self.violations.note(Property::S4, !ours || place != u32::from(self.owner.received) + ahead);
            }
        }
        let ahead = segment.end().minus(1).forward_from(tcb.rcv_nxt());
        if segment.has(Flag::Fin) && ahead < window {
            self.owner.held_fin = N::len(ahead + 1);
            let place = u32::from(ghost.at) + u32::from(segment.text);
            self.violations.note(Property::S6, !ours || place != u32::from(self.owner.received) + ahead);
        }
    }
}

impl Host<N> for Turn<'_> {
    fn rcv_wnd(&self) -> u8 {
        self.bounds.buffer.saturating_sub(self.owner.unread + self.owner.shrunk)
    }
    fn policy(&self, policy: Policy) -> bool {
        self.bounds.policies[self.side.index()].contains(&policy)
    }
    fn unsent(&self) -> bool {
        self.unsent_octets() > 0
    }
    fn unread(&self) -> bool {
        self.owner.unread > 0
    }
    fn holds_next(&self) -> bool {
        self.owner.held & 1 == 1 || self.owner.held_fin == 1
    }
    /// One token for all kinds: the bucket may be filled again at any moment, so that this allows whatever more would.
    fn may_challenge(&self, _: Challenge) -> bool {
        self.owner.token
    }
    fn timestamp(&self) -> TimestampClass {
        let stamp = self.cause.map_or(0, Packet::stamp);
        match (self.owner.ts_recent(), stamp.cmp(&self.owner.ts_recent())) {
            (0, _) => TimestampClass::NotInUse,
            _ if stamp == 0 => TimestampClass::Missing,
            (_, Ordering::Less) => TimestampClass::Older,
            (_, Ordering::Equal) => TimestampClass::Same,
            (_, Ordering::Greater) => TimestampClass::Newer,
        }
    }
    fn has_listener(&self) -> bool {
        self.bounds.listeners && self.owner.incarnation < self.bounds.incarnations
    }

    fn iss(&mut self, above: Option<N>) -> N {
        self.owner.begin_sending();
        self.owner.incarnation = (self.owner.incarnation + 1).min(self.bounds.incarnations);
        self.owner.set_clock((self.owner.clock() + 1).min(self.bounds.incarnations));
        let iss = self.bounds.iss(self.side, self.owner.clock());
        match above {
            Some(above) if !iss.after(above) => above.plus(1),
            Some(_) | None => iss,
        }
    }

    fn synchronized(&mut self, _: &Tcb<N>, _: &Segment<N>) {
        self.owner.set_ts_recent(self.cause.map_or(0, Packet::stamp));
    }

    fn record_timestamp(&mut self, segment: &Segment<N>) {
        let newer = self.timestamp() == TimestampClass::Newer;
        if newer && !segment.seq.after(self.last_ack_sent) {
            self.owner.set_ts_recent(self.cause.map_or(0, Packet::stamp));
        }
    }

    fn emit(&mut self, tcb: &Tcb<N>, segment: Segment<N>) {
        if segment.has(Flag::Rst) {
            self.judge_reset(tcb, &segment);
        } else {
            self.judge_acknowledgment(tcb, &segment);
        }
        self.push(&segment, 0);
    }

    fn acknowledge(&mut self, _: &Tcb<N>, urgency: Urgency) {
        match urgency {
            Urgency::Delayable if self.bounds.delayed_acks => self.owner.ack_owed = true,
            Urgency::Delayable | Urgency::Now => self.ack_now = true,
        }
    }

    fn take_challenge(&mut self, _: Challenge) {
        self.owner.token = false;
    }

    fn queue_text(&mut self) {
        self.owner.queued += 1;
    }

    fn hold(&mut self, tcb: &Tcb<N>, segment: &Segment<N>) {
        self.owner.begin_receiving();
        self.place(tcb, segment);
    }

    fn accept(&mut self, tcb: &Tcb<N>, segment: &Segment<N>) -> Accepted<u8> {
        self.place(tcb, segment);
        let advance = self.owner.held.trailing_ones();
        self.owner.held = self.owner.held.checked_shr(advance).unwrap_or(0);
        let advance = N::len(advance);
        self.violations.note(Property::S16, advance > 0 && !tcb.syn_acked());
        self.owner.received = self.owner.received.saturating_add(advance);
        if self.bounds.slow_reader {
            self.owner.unread += advance;
        }
        if self.owner.held_fin > 0 {
            self.owner.held_fin = self.owner.held_fin.saturating_sub(advance).max(1);
        }
        Accepted { advance, fin: self.owner.held_fin == 1 }
    }

    fn fin_received(&mut self, tcb: &Tcb<N>) {
        self.violations.note(Property::S16, !tcb.syn_acked());
        // A FIN that the rules take without having asked for its text is judged by its own place.
        let early = self.owner.held_fin != 1;
        self.violations.note(Property::S6, early);
        self.owner.held_fin = 0;
        self.owner.end_of_file = true;
    }

    fn acked(&mut self, tcb: &Tcb<N>, from: N) {
        let numbers = tcb.snd_una().forward_from(from);
        let syn = u32::from(from == tcb.iss());
        let fin = u32::from(tcb.fin_acked());
        let octets = N::len(numbers.saturating_sub(syn + fin));
        self.owner.acked = self.owner.acked.saturating_add(octets);
    }

    fn retransmit(&mut self, tcb: &Tcb<N>) {
        let outstanding = self.owner.sent.saturating_sub(self.owner.acked);
        self.launch(tcb, tcb.snd_una(), self.owner.acked, outstanding, tcb.fin_sent());
    }

    fn probe(&mut self, tcb: &Tcb<N>) {
        let text = self.unsent_octets().min(1);
        let fin = text == 0 && tcb.fin_due();
        if text > 0 || fin {
            self.launch(tcb, tcb.snd_nxt(), self.owner.sent, text, fin);
            self.owner.sent += text;
            self.probed = Some((text, fin));
        }
    }

    fn flush(&mut self) {
        self.owner.flush();
    }

    fn start(&mut self, timer: Timer) {
        self.time_wait_began |= timer == Timer::TimeWait;
    }

    fn stop(&mut self, timer: Timer) {
        if timer == Timer::DelayedAck {
            self.owner.ack_owed = false;
        }
    }

    fn signal(&mut self, signal: Signal) {
        self.signals.note(signal);
    }

    fn reply(&mut self, reply: Reply) {
        self.reply = Some(reply);
    }
}
