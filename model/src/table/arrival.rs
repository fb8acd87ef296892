//! RFC 9293 §3.10.7.1 to §3.10.7.3: a segment arrives in CLOSED, LISTEN or SYN-SENT.
//!
//! Security and compartment are not implemented (§A.1.2), so their checks have no row here; see `security/...`.

use super::rule::rule;
use super::{AckClass, Act::*, Atom::*, Flow::*, Form, Kind::*, Next::*, Policy, Room, Rule, Stage};
use crate::event::Timer::Retransmit as Rexmit;
use crate::event::{Signal, Urgency};
use crate::segment::Flag::{Ack as ACK, Rst as RST, Syn as SYN};
use crate::state::State::{Closed, Established, SynReceived};

pub(super) const RULES: &[Rule] = &[
    // ---- CLOSED --------------------------------------------------------------------------------------------------
    rule! { "arrives/closed/rst": Closed in Closed;
    when [Has(RST, true)];
    then []; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.1" "An incoming segment containing a RST is discarded." },
    rule! { "arrives/closed/no-ack": Closed in Closed;
    when [Has(ACK, false)];
    then [Emit(Form::RstFromSeq)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.1" "If the ACK bit is off, sequence number zero is used, <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>" },
    rule! { "arrives/closed/ack": Closed in Closed;
    when [];
    then [Emit(Form::RstFromAck)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.1" "If the ACK bit is on, <SEQ=SEG.ACK><CTL=RST>" },
    // ---- LISTEN --------------------------------------------------------------------------------------------------
    rule! { "arrives/listen/rst": Listen in Listen;
    when [Has(RST, true)];
    then []; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.2" "An incoming RST should be ignored. Return." },
    rule! { "arrives/listen/ack": Listen in Listen;
    when [Has(ACK, true)];
    then [Emit(Form::RstFromAck)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.2" "An acceptable reset segment should be formed for any arriving ACK-bearing segment." },
    rule! { "arrives/listen/syn": Listen in Listen;
    when [Has(SYN, true)];
    then [RecordIrs, HoldText, SelectIss(Room::Anywhere), Emit(Form::SynAck), Start(Rexmit)]; To(SynReceived), Done;
    ALL Literal; Rfc9293 "3.10.7.2" "Set RCV.NXT to SEG.SEQ+1, IRS is set to SEG.SEQ, and any other control or text should be queued for processing later.",
    Rfc9293 "3.10.7.2" "SND.NXT is set to ISS+1 and SND.UNA to ISS. The connection state should be changed to SYN-RECEIVED." },
    rule! { "arrives/listen/other": Listen in Listen;
    when [];
    then []; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.2" "This should not be reached. Drop the segment and return." },
    // ---- SYN-SENT, first: the ACK bit ------------------------------------------------------------------------------
    rule! { "syn-sent/ack/absent": SynSentAck in SynSent;
    when [Ack(AckClass::Missing, true)];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.3" "This step should be reached only if the ACK is ok, or there is no ACK, and the segment did not contain a RST." },
    rule! { "syn-sent/ack/acceptable": SynSentAck in SynSent;
    when [Ack(AckClass::New, true)];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.3" "If SND.UNA < SEG.ACK =< SND.NXT, then the ACK is acceptable." },
    rule! { "syn-sent/ack/bad-rst": SynSentAck in SynSent;
    when [Has(RST, true)];
    then []; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.3" "unless the RST bit is set, if so drop the segment and return" },
    rule! { "syn-sent/ack/bad": SynSentAck in SynSent;
    when [];
    then [Emit(Form::RstFromAck)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.3" "If SEG.ACK =< ISS or SEG.ACK > SND.NXT, send a reset" },
    // ---- SYN-SENT, second: the RST bit -----------------------------------------------------------------------------
    rule! { "syn-sent/rst/absent": SynSentRst in SynSent;
    when [Has(RST, false)];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.3" "Second, check the RST bit:" },
    // Repaired by absence: RCV.NXT is undefined here (erratum 8167).
    rule! { "syn-sent/rst/rfc5961": SynSentRst in SynSent;
    when [Follows(Policy::Rfc5961, true), AtRcvNxt(false)];
    then []; Stay, Done;
    LITERAL9293 Literal; Rfc9293 "3.10.7.3" "SHOULD first check that the sequence number exactly matches RCV.NXT prior to executing the action in the next paragraph" },
    rule! { "syn-sent/rst/reset": SynSentRst in SynSent;
    when [Ack(AckClass::New, true)];
    then [Flush, Signal(Signal::Reset), Delete]; To(Closed), Done;
    LITERAL Literal; Rfc9293 "3.10.7.3" "If the ACK was acceptable, then signal to the user \"error: connection reset\", drop the segment, enter CLOSED state, delete TCB, and return." },
    rule! { "syn-sent/rst/refused": SynSentRst in SynSent;
    when [Ack(AckClass::New, true)];
    then [Flush, Signal(Signal::Refused), Delete]; To(Closed), Done;
    REPAIRED Repair {
        defect: "D13",
        why: "the same reset is a \"connection refused\" in SYN-RECEIVED, if the SYNs have crossed; to the user it is one event, and nothing was established that could be reset",
        counterexample: "SYN, RST,ACK from a port where nobody listens: \"connection reset\"",
    }; Rfc9293 "3.10.7.3" "If the ACK was acceptable, then signal to the user \"error: connection reset\", drop the segment, enter CLOSED state, delete TCB, and return." },
    rule! { "syn-sent/rst/no-ack": SynSentRst in SynSent;
    when [];
    then []; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.3" "Otherwise (no ACK), drop the segment and return." },
    // ---- SYN-SENT, fourth and fifth: the SYN bit -------------------------------------------------------------------
    rule! { "syn-sent/syn/absent": SynSentSyn in SynSent;
    when [Has(SYN, false)];
    then []; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.3" "Fifth, if neither of the SYN or RST bits is set, then drop the segment and return." },
    rule! { "syn-sent/syn/established-window-unset": SynSentSyn in SynSent;
    when [Ack(AckClass::New, true)];
    then [RecordIrs, AdvanceUna, Signal(Signal::Established), Acknowledge(Urgency::Now)]; To(Established), Jump(Stage::Urg);
    LITERAL Literal; Rfc9293 "3.10.7.3" "If SND.UNA > ISS (our SYN has been ACKed), change the connection state to ESTABLISHED, form an ACK segment" },
    rule! { "syn-sent/syn/established": SynSentSyn in SynSent;
    when [Ack(AckClass::New, true)];
    then [RecordIrs, AdvanceUna, SetWindow, Signal(Signal::Established), Acknowledge(Urgency::Now)]; To(Established), Jump(Stage::Urg);
    REPAIRED Repair {
        defect: "D1",
        why: "the assignment of SND.WND, SND.WL1 and SND.WL2 stands in the other branch, so after an active open they are never set",
        counterexample: "SYN, SYN,ACK: ESTABLISHED with an undefined send window (S17)",
    }; Rfc9293 "3.10.7.3" "If SND.UNA > ISS (our SYN has been ACKed), change the connection state to ESTABLISHED, form an ACK segment",
    Rfc9293 "3.10.7.3" "SND.WND <- SEG.WND SND.WL1 <- SEG.SEQ SND.WL2 <- SEG.ACK" },
    rule! { "syn-sent/syn/simultaneous": SynSentSyn in SynSent;
    when [];
    then [RecordIrs, HoldText, Emit(Form::SynAck), Start(Rexmit), SetWindow]; To(SynReceived), Done;
    ALL Literal; Rfc9293 "3.10.7.3" "Otherwise, enter SYN-RECEIVED, form a SYN,ACK segment <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>",
    Rfc9293 "3.10.7.3" "If there are other controls or text in the segment, queue them for processing after the ESTABLISHED state has been reached, return." },
];
