//! RFC 9293 §3.10.7.4, first: check sequence number; before it, the SYN that may cut TIME-WAIT short.

use super::rule::rule;
use super::{AckClass, Act::*, Atom::*, Flow::*, Form, Kind::*, Next::*, Policy, Room, Rule, SeqClass, Stage};
use crate::event::Timer::{Retransmit as Rexmit, TimeWait as TimeWaitTimer};
use crate::event::{Signal, Urgency::Now};
use crate::segment::Flag::{Ack as ACK, Rst as RST, Syn as SYN};
use crate::state::State::{Established, SynReceived};

pub(super) const RULES: &[Rule] = &[
    rule! { "reopen/syn/new": Reopen in TimeWait;
    when [Follows(Policy::ReopenTimeWait, true), Has(SYN, true), Has(ACK, false), Has(RST, false), NewerThanRcvNxt(true), Listening(true)];
    then [KeepPrevious, StopAll, RecordIrs, HoldText, SetPassive(true), SelectIss(Room::AbovePrevious), Emit(Form::SynAck), Start(Rexmit)]; To(SynReceived), Done;
    REPAIRED Repair {
        defect: "D6",
        why: "a SYN above the window fails the sequence check, so the reopening that is allowed has no place in the processing",
        counterexample: "TIME-WAIT, SYN with SEG.SEQ beyond RCV.NXT+RCV.WND: acknowledged and dropped",
    }; Rfc9293 "3.6.1" "it MAY accept a new SYN from the remote TCP endpoint to reopen the connection directly from TIME-WAIT state (MAY-2)",
    Rfc9293 "3.6.1" "assigns its initial sequence number for the new connection to be larger than the largest sequence number it used on the previous connection incarnation" },
    rule! { "reopen/other": Reopen in TimeWait;
    when [];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "First, check sequence number:" },
    // ---- Sequence number -----------------------------------------------------------------------------------------
    rule! { "sequence/crossed-syn-ack": Sequence in SynReceived;
    when [Passive(false), Has(SYN, true), Has(RST, false), AtIrs(true), Ack(AckClass::New, true)];
    then [AdvanceUna, SetWindow, Signal(Signal::Established)]; To(Established), Jump(Stage::DeferredClose);
    REPAIRED Erratum(3305); Rfc9293 "3.5" "A TCP implementation MUST support simultaneous open attempts" },
    rule! { "sequence/acceptable": Sequence in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Acceptable(true)];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "There are four cases for the acceptability test for an incoming segment:" },
    rule! { "sequence/zero-window/text": Sequence in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Seq(SeqClass::ZeroWindow, true), Carries(true), Has(RST, false)];
    then [Acknowledge(Now)]; Stay, Continue;
    ALL Literal; Rfc9293 "3.8.6.1" "When the receiving TCP peer has a zero window and a segment arrives, it must still send an acknowledgment showing its next expected sequence number and current window (zero).",
    Rfc9293 "3.10.7.4" "special allowance should be made to accept valid ACKs, URGs, and RSTs" },
    rule! { "sequence/zero-window/control": Sequence in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Seq(SeqClass::ZeroWindow, true)];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.4" "A TCP receiver MUST process the RST and URG fields of all incoming segments, even when the receive window is zero (MUST-66).",
    Rfc9293 "3.10.7.4" "special allowance should be made to accept valid ACKs, URGs, and RSTs" },
    rule! { "sequence/unacceptable/rst": Sequence in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Has(RST, true)];
    then []; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.4" "unless the RST bit is set, if so drop the segment and return" },
    rule! { "sequence/repeated-fin": Sequence in TimeWait;
    when [Seq(SeqClass::RepeatedFin, true), Has(SYN, false)];
    then [Acknowledge(Now), Start(TimeWaitTimer)]; Stay, Done;
    REPAIRED Repair {
        defect: "D2",
        why: "the retransmitted FIN ends at RCV.NXT, so it fails the sequence check and never reaches the step that restarts the 2 MSL timer",
        counterexample: "FIN, its ACK is lost, FIN again: acknowledged, but the timer runs on",
    }; Rfc9293 "3.10.7.4" "The only thing that can arrive in this state is a retransmission of the remote FIN. Acknowledge it, and restart the 2 MSL timeout." },
    rule! { "sequence/unacceptable/unthrottled": Sequence in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [];
    then [Acknowledge(Now)]; Stay, Done;
    LITERAL Literal; Rfc9293 "3.10.7.4" "If an incoming segment is not acceptable, an acknowledgment should be sent in reply" },
    rule! { "sequence/unacceptable/answered": Sequence in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [MayAnswer(true)];
    then [TakeChallenge, Acknowledge(Now)]; Stay, Done;
    REPAIRED Repair {
        defect: "N8",
        why: "two ends that each find the other's bare ACK unacceptable acknowledge for ever",
        counterexample: "an old SYN in LISTEN while the other end is in TIME-WAIT",
    }; Rfc9293 "3.10.7.4" "If an incoming segment is not acceptable, an acknowledgment should be sent in reply" },
    rule! { "sequence/unacceptable/silent": Sequence in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [];
    then []; Stay, Done;
    REPAIRED Repair {
        defect: "N8",
        why: "two ends that each find the other's bare ACK unacceptable acknowledge for ever",
        counterexample: "an old SYN in LISTEN while the other end is in TIME-WAIT",
    }; Rfc9293 "3.10.7.4" "After sending the acknowledgment, drop the unacceptable segment and return." },
];
