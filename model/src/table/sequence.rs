//! RFC 9293 §3.10.7.4, first: check sequence number; before it, the SYN that may cut TIME-WAIT short, and timestamps.

use super::rule::rule;
use super::{
    AckClass, Act::*, Atom::*, Doc, Flow::*, Form, Kind::*, Next::*, Policy, Room, Rule, SeqClass, Stage,
    TimestampClass,
};
use crate::event::Timer::{Retransmit as Rexmit, TimeWait as TimeWaitTimer};
use crate::event::{Signal, Urgency::Now};
use crate::segment::Flag::{Ack as ACK, Rst as RST, Syn as SYN};
use crate::state::State::{Established, SynReceived};

pub(super) const RULES: &[Rule] = &[
    rule! { "reopen/syn/newer-timestamp": Reopen in TimeWait;
    when [Follows(Policy::ReopenTimeWait, true), Has(SYN, true), Has(ACK, false), Has(RST, false), Timestamp(TimestampClass::Newer, true), Listening(true)];
    then [KeepPrevious, StopAll, RecordIrs, HoldText, SetPassive(true), SelectIss(Room::AbovePrevious), Emit(Form::SynAck), Start(Rexmit)]; To(SynReceived), Done;
    REPAIRED Updated(Doc::Rfc6191); Rfc9293 "3.6.1" "When the TCP Timestamp Options are available, an improved algorithm is described in [40] in order to support higher connection establishment rates.",
    Rfc9293 "3.10.7.4" "When the improved algorithm is implemented, the logic above is not applicable for incoming SYN segments with Timestamp Options, received on a connection in the TIME-WAIT state." },
    // With an older timestamp it is an old duplicate, whatever its number (RFC 6191 §2).
    rule! { "reopen/syn/new": Reopen in TimeWait;
    when [Follows(Policy::ReopenTimeWait, true), Has(SYN, true), Has(ACK, false), Has(RST, false), Timestamp(TimestampClass::Older, false), NewerThanRcvNxt(true), Listening(true)];
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
    // ---- Timestamps ----------------------------------------------------------------------------------------------
    rule! { "timestamp/older/answered": Sequence in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck;
    when [Timestamp(TimestampClass::Older, true), Has(RST, false), MayAnswer(true)];
    then [TakeChallenge, Acknowledge(Now)]; Stay, Done;
    REPAIRED Updated(Doc::Rfc7323); Rfc7323 "5.3" "If there is a Timestamps option in the arriving segment, SEG.TSval < TS.Recent, TS.Recent is valid (see later discussion), and if the RST bit is not set, then treat the arriving segment as not acceptable" },
    // A bare ACK is not acknowledged there (D2), and an old SYN is dropped silently (RFC 6191 §2).
    rule! { "timestamp/older/time-wait": Sequence in TimeWait;
    when [Timestamp(TimestampClass::Older, true), Has(RST, false), Has(SYN, false), Carries(true)];
    then [Acknowledge(Now)]; Stay, Done;
    REPAIRED Updated(Doc::Rfc7323); Rfc7323 "5.3" "If there is a Timestamps option in the arriving segment, SEG.TSval < TS.Recent, TS.Recent is valid (see later discussion), and if the RST bit is not set, then treat the arriving segment as not acceptable" },
    rule! { "timestamp/older/silent": Sequence in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Timestamp(TimestampClass::Older, true), Has(RST, false)];
    then []; Stay, Done;
    REPAIRED Updated(Doc::Rfc7323); Rfc7323 "5.3" "If there is a Timestamps option in the arriving segment, SEG.TSval < TS.Recent, TS.Recent is valid (see later discussion), and if the RST bit is not set, then treat the arriving segment as not acceptable" },
    rule! { "timestamp/missing": Sequence in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Timestamp(TimestampClass::Missing, true), Has(RST, false)];
    then []; Stay, Done;
    REPAIRED Updated(Doc::Rfc7323); Rfc7323 "3.2" "If a non-<RST> segment is received without a TSopt, a TCP SHOULD silently drop the segment." },
    // ---- Sequence number -----------------------------------------------------------------------------------------
    rule! { "sequence/crossed-syn-ack": Sequence in SynReceived;
    when [Passive(false), Has(SYN, true), Has(RST, false), AtIrs(true), Ack(AckClass::New, true)];
    then [AdvanceUna, SetWindow, Signal(Signal::Established)]; To(Established), Jump(Stage::DeferredClose);
    REPAIRED Erratum(3305); Rfc9293 "3.5" "A TCP implementation MUST support simultaneous open attempts" },
    rule! { "sequence/acceptable": Sequence in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Acceptable(true)];
    then [RecordTimestamp]; Stay, Continue;
    REPAIRED Updated(Doc::Rfc7323); Rfc9293 "3.10.7.4" "There are four cases for the acceptability test for an incoming segment:",
    Rfc7323 "5.3" "If an arriving segment satisfies SEG.TSval >= TS.Recent and SEG.SEQ <= Last.ACK.sent (see Section 4.3), then record its timestamp in TS.Recent." },
    rule! { "sequence/acceptable/untimed": Sequence in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Acceptable(true)];
    then []; Stay, Continue;
    LITERAL Literal; Rfc9293 "3.10.7.4" "There are four cases for the acceptability test for an incoming segment:" },
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
