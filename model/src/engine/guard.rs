//! What is the case: the facts that guards ask about, each computed in one place.

use super::{Accepted, Challenge, Host, Tcb};
use crate::event::{Call, Event, Timer};
use crate::segment::{Flag, Flags, Segment};
use crate::seq::SeqNum;
use crate::table::{AckClass, Atom, Policy, SeqClass, TimestampClass};

/// Everything a guard can ask, at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Facts {
    /// The OPEN is active.
    pub active: bool,
    /// The call names the remote socket.
    pub remote: bool,
    /// The segment's control bits; none if the event is no segment.
    pub flags: Flags,
    /// The segment carries text or a FIN.
    pub carries: bool,
    /// Text or a FIN can be processed now.
    pub deliverable: bool,
    /// The segment has octets of text that RCV.NXT has not moved over.
    pub new_text: bool,
    /// Where the segment lies.
    pub seq: SeqClass,
    /// SEG.SEQ = RCV.NXT
    pub at_rcv_nxt: bool,
    /// SEG.SEQ = IRS
    pub at_irs: bool,
    /// SEG.SEQ > RCV.NXT
    pub newer_than_rcv_nxt: bool,
    /// What SEG.ACK says.
    pub ack: AckClass,
    /// The segment may set the window.
    pub window_newer: bool,
    /// The urgent pointer is news.
    pub urgent_news: bool,
    /// The connection came from LISTEN.
    pub passive: bool,
    /// It was reopened from TIME-WAIT.
    pub reopened: bool,
    /// Our SYN is acknowledged.
    pub syn_acked: bool,
    /// Our FIN is acknowledged.
    pub fin_acked: bool,
    /// The next FIN in order has arrived.
    pub fin_ready: bool,
    /// What was sent ends with the FIN.
    pub sent_fin: bool,
    /// SND.UNA = SND.NXT
    pub all_acked: bool,
    /// Text or a FIN waits to be sent.
    pub send_pending: bool,
    /// The user has closed.
    pub close_queued: bool,
    /// The user is gone.
    pub user_gone: bool,
    /// Text waits for the user.
    pub unread: bool,
    /// SND.WND = 0
    pub window_closed: bool,
    /// The persist timer runs.
    pub probing: bool,
    /// The segment may be answered.
    pub may_answer: bool,
    /// What the segment's timestamp says.
    pub timestamp: TimestampClass,
    /// Somebody listens.
    pub listening: bool,
    /// The optional parts that the host follows, in the order of [`Policy::ALL`].
    pub follows: [bool; Policy::ALL.len()],
}

impl Facts {
    /// The facts about `tcb` and `event` now; `accepted` is what the host made of the segment's text, if it was asked.
    pub fn gather<S: SeqNum, H: Host<S>>(
        tcb: &Tcb<S>,
        event: &Event<S>,
        accepted: Accepted<S::Len>,
        host: &H,
    ) -> Facts {
        let facts = Facts::of_connection(tcb, accepted.fin, host);
        match event {
            Event::Call(Call::OpenActive { remote }) => Facts { active: true, remote: *remote, ..facts },
            Event::Call(Call::Send { remote }) => Facts { remote: *remote, ..facts },
            Event::Call(
                Call::OpenPassive | Call::Receive | Call::Close | Call::Release | Call::Abort | Call::Status,
            )
            | Event::Timeout(_) => facts,
            Event::Sent { fin, .. } => Facts { sent_fin: *fin, ..facts },
            Event::Arrives(segment) => facts.with_segment(tcb, segment, host),
        }
    }

    fn of_connection<S: SeqNum, H: Host<S>>(tcb: &Tcb<S>, fin_ready: bool, host: &H) -> Facts {
        Facts {
            active: false,
            remote: false,
            flags: Flags::default(),
            carries: false,
            deliverable: false,
            new_text: false,
            seq: SeqClass::Exact,
            at_rcv_nxt: false,
            at_irs: false,
            newer_than_rcv_nxt: false,
            ack: AckClass::Missing,
            window_newer: false,
            urgent_news: false,
            passive: tcb.is_passive(),
            reopened: tcb.reopened(),
            syn_acked: tcb.syn_acked(),
            fin_acked: tcb.fin_acked(),
            fin_ready,
            sent_fin: false,
            all_acked: tcb.retransmission_queue_is_empty(),
            send_pending: host.unsent() || tcb.fin_due(),
            close_queued: tcb.close_queued(),
            user_gone: tcb.user_gone(),
            unread: host.unread(),
            window_closed: tcb.snd_wnd().into() == 0,
            probing: tcb.armed(Timer::Persist),
            may_answer: false,
            timestamp: TimestampClass::NotInUse,
            listening: false,
            follows: Policy::ALL.map(|policy| host.policy(policy)),
        }
    }

    fn with_segment<S: SeqNum, H: Host<S>>(self, tcb: &Tcb<S>, segment: &Segment<S>, host: &H) -> Facts {
        let text: u32 = segment.text.into();
        let carries = text > 0 || segment.has(Flag::Fin);
        Facts {
            flags: segment.flags,
            carries,
            deliverable: carries || host.holds_next(),
            new_text: text > 0 && segment.text_seq().plus(text).after(tcb.rcv_nxt()),
            seq: classify_seq(tcb.rcv_nxt(), host.rcv_wnd().into(), segment),
            at_rcv_nxt: segment.seq == tcb.rcv_nxt(),
            at_irs: segment.seq == tcb.irs(),
            newer_than_rcv_nxt: segment.seq.after(tcb.rcv_nxt()),
            ack: classify_ack(tcb, segment),
            window_newer: window_is_newer(tcb, segment),
            urgent_news: segment.has(Flag::Urg) && urgent_is_news(tcb, segment),
            may_answer: is_always_answered(segment)
                || host.may_challenge(challenge_of(tcb, host.rcv_wnd().into(), segment)),
            timestamp: host.timestamp(),
            listening: host.has_listener(),
            ..self
        }
    }

    /// Whether a guard holds.
    #[must_use]
    pub fn satisfy(&self, atom: Atom) -> bool {
        match atom {
            Atom::Active(is) => self.active == is,
            Atom::Remote(is) => self.remote == is,
            Atom::Has(flag, is) => self.flags.has(flag) == is,
            Atom::Carries(is) => self.carries == is,
            Atom::Deliverable(is) => self.deliverable == is,
            Atom::NewText(is) => self.new_text == is,
            Atom::Acceptable(is) => self.seq.is_acceptable() == is,
            Atom::Seq(class, is) => (self.seq == class) == is,
            Atom::AtRcvNxt(is) => self.at_rcv_nxt == is,
            Atom::AtIrs(is) => self.at_irs == is,
            Atom::NewerThanRcvNxt(is) => self.newer_than_rcv_nxt == is,
            Atom::Ack(class, is) => (self.ack == class) == is,
            Atom::WindowNewer(is) => self.window_newer == is,
            Atom::UrgentNews(is) => self.urgent_news == is,
            Atom::Passive(is) => self.passive == is,
            Atom::Reopened(is) => self.reopened == is,
            Atom::SynAcked(is) => self.syn_acked == is,
            Atom::FinAcked(is) => self.fin_acked == is,
            Atom::FinReady(is) => self.fin_ready == is,
            Atom::SentFin(is) => self.sent_fin == is,
            Atom::AllAcked(is) => self.all_acked == is,
            Atom::SendPending(is) => self.send_pending == is,
            Atom::CloseQueued(is) => self.close_queued == is,
            Atom::UserGone(is) => self.user_gone == is,
            Atom::Unread(is) => self.unread == is,
            Atom::WindowClosed(is) => self.window_closed == is,
            Atom::Probing(is) => self.probing == is,
            Atom::MayAnswer(is) => self.may_answer == is,
            Atom::Timestamp(class, is) => (self.timestamp == class) == is,
            Atom::Listening(is) => self.listening == is,
            Atom::Follows(policy, is) => self.follows[policy.index()] == is,
        }
    }
}

/// Whether a suspicious segment is acknowledged even if the bucket is empty: its sender waits for that acknowledgment,
/// and will send the text or the FIN again and again until it comes. A SYN, a RST and a bare ACK can do without.
pub(super) fn is_always_answered<S: SeqNum>(segment: &Segment<S>) -> bool {
    let text: u32 = segment.text.into();
    (text > 0 || segment.has(Flag::Fin)) && !segment.has(Flag::Syn) && !segment.has(Flag::Rst)
}

/// What is suspicious about a segment, if anything is.
pub(super) fn challenge_of<S: SeqNum>(tcb: &Tcb<S>, rcv_wnd: u32, segment: &Segment<S>) -> Challenge {
    let seq = classify_seq(tcb.rcv_nxt(), rcv_wnd, segment);
    if segment.has(Flag::Rst) {
        Challenge::Rst
    } else if segment.has(Flag::Syn) {
        Challenge::Syn
    } else if seq.is_acceptable() || seq == SeqClass::ZeroWindow {
        Challenge::Ack
    } else if seq == SeqClass::JustBefore {
        Challenge::KeepAlive
    } else {
        Challenge::Sequence
    }
}

/// Table 6 of RFC 9293 §3.10.7.4, and what lies around it.
pub fn classify_seq<S: SeqNum>(rcv_nxt: S, rcv_wnd: u32, segment: &Segment<S>) -> SeqClass {
    let len = segment.len();
    let begins = segment.seq.since(rcv_nxt);
    let ends_after = segment.end().after(rcv_nxt);
    if begins >= 0 {
        if begins == 0 && (rcv_wnd > 0 || len == 0) {
            SeqClass::Exact
        } else if segment.seq.in_window(rcv_nxt, rcv_wnd) {
            SeqClass::Ahead
        } else if rcv_wnd == 0 && begins <= 1 {
            SeqClass::ZeroWindow
        } else if len == 0 && segment.seq == rcv_nxt.plus(rcv_wnd) {
            SeqClass::RightEdge
        } else {
            SeqClass::Beyond
        }
    } else if ends_after {
        if rcv_wnd > 0 { SeqClass::Straddles } else { SeqClass::ZeroWindow }
    } else if segment.end() == rcv_nxt {
        if segment.has(Flag::Fin) { SeqClass::RepeatedFin } else { SeqClass::Repeated }
    } else if len == 0 && begins == -1 {
        SeqClass::JustBefore
    } else {
        SeqClass::Old
    }
}

/// RFC 9293 §3.10.7.4, fifth check, RFC 5961 §5.2, and what was never sent (draft-ietf-tcpm-tcp-ghost-acks).
pub fn classify_ack<S: SeqNum>(tcb: &Tcb<S>, segment: &Segment<S>) -> AckClass {
    if !segment.has(Flag::Ack) {
        AckClass::Missing
    } else if segment.ack.after(tcb.snd_nxt()) {
        AckClass::Future
    } else if segment.ack.after(tcb.snd_una()) {
        AckClass::New
    } else if segment.ack == tcb.snd_una() {
        AckClass::Duplicate
    } else if segment.ack.before(tcb.snd_una().minus(tcb.max_snd_wnd().into())) {
        AckClass::TooOld
    } else if !tcb.is_far_beyond_iss() && !segment.ack.after(tcb.iss()) {
        AckClass::NeverSent
    } else {
        AckClass::Old
    }
}

/// `SND.WL1 < SEG.SEQ or (SND.WL1 = SEG.SEQ and SND.WL2 =< SEG.ACK)` (RFC 9293 §3.10.7.4, fifth check).
pub(super) fn window_is_newer<S: SeqNum>(tcb: &Tcb<S>, segment: &Segment<S>) -> bool {
    tcb.snd_wl1().before(segment.seq) || (tcb.snd_wl1() == segment.seq && !segment.ack.before(tcb.snd_wl2()))
}

/// Whether SEG.SEQ+SEG.UP lies after all urgent data known of, and after what has arrived in order: an RCV.UP that
/// RCV.NXT has passed says nothing any more.
fn urgent_is_news<S: SeqNum>(tcb: &Tcb<S>, segment: &Segment<S>) -> bool {
    let announced = segment.seq.plus(segment.up.into());
    announced.after(tcb.rcv_nxt()) && tcb.rcv_up().is_none_or(|known| announced.after(known))
}
