//! Guards that never hold together, each with the definition it follows from. What is left are the situations that the
//! table must have an answer for.

use crate::segment::Flag;
use crate::state::State::{
    self, CloseWait, Closed, Established, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait,
};
use crate::state::StateSet;
use crate::table::{AckClass, Atom, Atom::*, SeqClass};

/// Guards that never hold together.
#[derive(Clone, Copy, Debug)]
pub struct Contradiction {
    /// In these states.
    pub states: StateSet,
    /// Not all of these hold.
    pub guards: &'static [Atom],
    /// Because of this.
    pub why: &'static str,
}

const fn never(guards: &'static [Atom], why: &'static str) -> Contradiction {
    Contradiction { states: StateSet::ALL, guards, why }
}

const fn never_in(states: &[State], guards: &'static [Atom], why: &'static str) -> Contradiction {
    Contradiction { states: StateSet::of(states), guards, why }
}

/// What the definitions of the facts exclude, at any moment at which a segment is processed.
pub const OF_A_SEGMENT: &[Contradiction] = &[
    never(&[Ack(AckClass::Missing, true), Has(Flag::Ack, true)], "without the ACK bit there is no acknowledgment"),
    never(&[Ack(AckClass::Missing, false), Has(Flag::Ack, false)], "with the ACK bit there is one"),
    never(&[Has(Flag::Fin, true), Carries(false)], "a FIN is carried"),
    never(&[Carries(true), Deliverable(false)], "what is carried can be processed"),
    never(&[NewText(true), Carries(false)], "text is carried"),
    never(&[NewText(true), Seq(SeqClass::Old, true)], "old text ends before RCV.NXT"),
    never(&[NewText(true), Seq(SeqClass::Repeated, true)], "repeated text ends at RCV.NXT"),
    never(&[Carries(true), Seq(SeqClass::JustBefore, true)], "it occupies nothing"),
    never(&[Carries(true), Seq(SeqClass::RightEdge, true)], "it occupies nothing"),
    never(&[Has(Flag::Syn, true), Seq(SeqClass::JustBefore, true)], "it occupies nothing"),
    never(&[Has(Flag::Syn, true), Seq(SeqClass::RightEdge, true)], "it occupies nothing"),
    never(&[Seq(SeqClass::Repeated, true), Carries(false), Has(Flag::Syn, false)], "it occupies something"),
    never(&[NewText(true), Seq(SeqClass::RepeatedFin, true)], "a FIN that ends at RCV.NXT has its text before that"),
    never(&[Seq(SeqClass::Exact, true), AtRcvNxt(false)], "exact means at RCV.NXT"),
    never(
        &[AtRcvNxt(true), Seq(SeqClass::Exact, false), Seq(SeqClass::ZeroWindow, false)],
        "what begins at RCV.NXT is exact unless a closed window forbids it",
    ),
    never(
        &[AtRcvNxt(true), Seq(SeqClass::ZeroWindow, true), Carries(false), Has(Flag::Syn, false)],
        "what occupies nothing passes a closed window",
    ),
    never(&[AtRcvNxt(true), NewerThanRcvNxt(true)], "equal is not newer"),
    never(&[Seq(SeqClass::Ahead, true), NewerThanRcvNxt(false)], "ahead means after RCV.NXT"),
    never(&[Seq(SeqClass::Beyond, true), NewerThanRcvNxt(false)], "beyond the window means after RCV.NXT"),
    never(&[Seq(SeqClass::Straddles, true), NewerThanRcvNxt(true)], "a straddling segment begins before RCV.NXT"),
    never(&[Seq(SeqClass::RepeatedFin, true), NewerThanRcvNxt(true)], "a repeated FIN begins before RCV.NXT"),
    never(&[Seq(SeqClass::Old, true), NewerThanRcvNxt(true)], "an old segment begins before RCV.NXT"),
    never(&[Seq(SeqClass::Repeated, true), NewerThanRcvNxt(true)], "a repeated segment begins before RCV.NXT"),
    never(&[Seq(SeqClass::JustBefore, true), NewerThanRcvNxt(true)], "before RCV.NXT is not after it"),
    never(&[Seq(SeqClass::RightEdge, true), NewerThanRcvNxt(false)], "beyond the window means after RCV.NXT"),
    never(&[Seq(SeqClass::Straddles, true), Carries(false)], "a segment of fewer than two octets straddles nothing"),
    never(&[Seq(SeqClass::RepeatedFin, true), Has(Flag::Fin, false)], "a repeated FIN is a FIN"),
    never(&[Seq(SeqClass::Repeated, true), Has(Flag::Fin, true)], "what is repeated with a FIN has a class of its own"),
    never(&[UrgentNews(true), Has(Flag::Urg, false)], "without the URG bit nothing is urgent"),
    never(
        &[MayAnswer(false), Carries(true), Has(Flag::Syn, false), Has(Flag::Rst, false)],
        "the sender of text or a FIN waits for the answer, and always gets it",
    ),
    never(&[Ack(AckClass::New, true), AllAcked(true)], "a new acknowledgment needs something unacknowledged"),
    never_in(&[SynReceived], &[AtIrs(true), AtRcvNxt(true)], "RCV.NXT = IRS+1"),
    never_in(&[SynReceived], &[AtIrs(true), NewerThanRcvNxt(true)], "RCV.NXT = IRS+1"),
];

/// What the definitions of the facts and the contract of the host exclude, at any moment.
pub const OF_A_CONNECTION: &[Contradiction] = &[
    never(&[FinAcked(true), AllAcked(false)], "the FIN is the last thing sent"),
    never_in(
        &[FinWait2, LastAck, TimeWait],
        &[FinAcked(false), AllAcked(true)],
        "these states are entered when the FIN has been sent",
    ),
    never_in(
        &[Closed, Listen, SynSent, SynReceived, Established, CloseWait],
        &[FinAcked(true)],
        "these states are left when the FIN is sent",
    ),
    never(&[SentFin(true), CloseQueued(false)], "the host sends the FIN of a CLOSE only"),
    never(&[Reopened(true), Passive(false)], "a reopened connection belongs to the listener that reopened it"),
];
