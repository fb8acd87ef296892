//! What deployed stacks are known to do against the words they are cited with. Where, since when and why is not for the
//! table to say; only the oracle puts these rows in force.

use super::rule::rule;
use super::{AckClass, Act::*, Atom::*, Flow::*, Form, Kind::*, Next::*, Rule, SeqClass, Stage};
use crate::event::Timer::{Retransmit as Rexmit, TimeWait as TimeWaitTimer};
use crate::event::{Reply, Signal, Urgency::Now};
use crate::segment::Flag::{Ack as ACK, Fin as FIN, Rst as RST, Syn as SYN};
use crate::state::State::{Closed, Established, Listen};

/// Those of Linux 6.
pub(super) const LINUX: &[Rule] = &[
    // ---- Calls ---------------------------------------------------------------------------------------------------
    rule! { "linux/abort/with-ack": Abort in SynReceived | Established | FinWait1 | FinWait2 | CloseWait;
    when [];
    then [Emit(Form::RstNxtAck), Flush, Signal(Signal::Reset), Reply(Reply::Ok), Delete]; To(Closed), Done;
    NONE Deviation { id: "L14" }; Rfc9293 "3.10.5" "Send a reset segment: <SEQ=SND.NXT><CTL=RST>" },
    rule! { "linux/release/unread-with-ack": Release in Established | FinWait1 | FinWait2 | CloseWait;
    when [Unread(true)];
    then [Emit(Form::RstNxtAck), Flush, Reply(Reply::Ok), Delete]; To(Closed), Done;
    NONE Deviation { id: "L14" }; Rfc9293 "3.10.5" "Send a reset segment: <SEQ=SND.NXT><CTL=RST>" },
    // ---- Opening -------------------------------------------------------------------------------------------------
    rule! { "linux/listen/syn-fin-dropped": Listen in Listen;
    when [Has(SYN, true), Has(FIN, true), Has(ACK, false), Has(RST, false)];
    then []; Stay, Done;
    NONE Deviation { id: "L03" }; Rfc9293 "3.10.7.2" "any other control or text should be queued for processing later" },
    rule! { "linux/syn-sent/bad-rst-then-syn": SynSentAck in SynSent;
    when [Ack(AckClass::Missing, false), Ack(AckClass::New, false), Has(RST, true)];
    then [Emit(Form::Syn), Start(Rexmit)]; Stay, Done;
    NONE Deviation { id: "L02" }; Rfc9293 "3.10.7.3" "unless the RST bit is set, if so drop the segment and return" },
    rule! { "linux/syn-sent/bad-ack-then-syn": SynSentAck in SynSent;
    when [Ack(AckClass::Missing, false), Ack(AckClass::New, false)];
    then [Emit(Form::RstFromAck), Emit(Form::Syn), Start(Rexmit)]; Stay, Done;
    NONE Deviation { id: "L02" }; Rfc9293 "3.10.7.3" "If SEG.ACK =< ISS or SEG.ACK > SND.NXT, send a reset" },
    rule! { "linux/syn-sent/text-dropped": SynSentSyn in SynSent;
    when [Has(SYN, true), Ack(AckClass::New, true), Carries(true)];
    then [RecordIrs, AdvanceUna, SetWindow, Signal(Signal::Established), Acknowledge(Now)]; To(Established), Done;
    NONE Deviation { id: "L16" }; Rfc9293 "3.10.7.3" "If there are other controls or text in the segment, then continue processing at the sixth step" },
    rule! { "linux/syn-received/crossed-syn-ack-acknowledged": Sequence in SynReceived;
    when [Passive(false), Has(SYN, true), Has(RST, false), AtIrs(true), Ack(AckClass::New, true)];
    then [AdvanceUna, SetWindow, Signal(Signal::Established), Acknowledge(Now)]; To(Established), Jump(Stage::DeferredClose);
    NONE Deviation { id: "L20" }; Rfc9293 "3.5" "A TCP implementation MUST support simultaneous open attempts" },
    rule! { "linux/syn-received/syn-ack-again": Sequence in SynReceived;
    when [Passive(true), Has(SYN, true), Has(ACK, false), Has(RST, false), AtIrs(true)];
    then [Emit(Form::SynAck), Start(Rexmit)]; Stay, Done;
    NONE Deviation { id: "L27" }; Rfc9293 "3.10.7.4" "If an incoming segment is not acceptable, an acknowledgment should be sent in reply" },
    // ---- The edges of the window -----------------------------------------------------------------------------------
    rule! { "linux/sequence/rst-just-before": Sequence in CloseWait | Closing | LastAck;
    when [Seq(SeqClass::JustBefore, true), Has(RST, true)];
    then []; Stay, Continue;
    NONE Deviation { id: "L07" }; Rfc9293 "3.10.7.4" "If the RST bit is set and the sequence number is outside the current receive window, silently drop the segment." },
    rule! { "linux/sequence/right-edge": Sequence in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck;
    when [Seq(SeqClass::RightEdge, true)];
    then []; Stay, Continue;
    NONE Deviation { id: "L08" }; Rfc9293 "3.4" "RCV.NXT+RCV.WND-1 = last sequence number expected on an incoming segment, and is the right or upper edge of the receive window" },
    rule! { "linux/sequence/repeated-in-crossed-open": Sequence in SynReceived;
    when [Passive(false), Seq(SeqClass::Repeated, true), Ack(AckClass::New, true)];
    then [Acknowledge(Now)]; Stay, Continue;
    NONE Deviation { id: "L09" }; Rfc9293 "3.10.7.4" "After sending the acknowledgment, drop the unacceptable segment and return." },
    rule! { "linux/sequence/repeated-fin-in-crossed-open": Sequence in SynReceived;
    when [Passive(false), Seq(SeqClass::RepeatedFin, true), Ack(AckClass::New, true)];
    then [Acknowledge(Now)]; Stay, Continue;
    NONE Deviation { id: "L09" }; Rfc9293 "3.10.7.4" "After sending the acknowledgment, drop the unacceptable segment and return." },
    rule! { "linux/sequence/repeated": Sequence in Established | FinWait1 | CloseWait;
    when [Seq(SeqClass::Repeated, true), Ack(AckClass::New, true)];
    then [Acknowledge(Now)]; Stay, Continue;
    NONE Deviation { id: "L09" }; Rfc9293 "3.10.7.4" "After sending the acknowledgment, drop the unacceptable segment and return." },
    rule! { "linux/sequence/repeated-fin": Sequence in Established | FinWait1 | CloseWait;
    when [Seq(SeqClass::RepeatedFin, true), Ack(AckClass::New, true)];
    then [Acknowledge(Now)]; Stay, Continue;
    NONE Deviation { id: "L09" }; Rfc9293 "3.10.7.4" "After sending the acknowledgment, drop the unacceptable segment and return." },
    rule! { "linux/sequence/repeated-after-both-fins": Sequence in Closing | LastAck;
    when [Seq(SeqClass::Repeated, true), Ack(AckClass::New, true)];
    then []; Stay, Continue;
    NONE Deviation { id: "L09" }; Rfc9293 "3.10.7.4" "If an incoming segment is not acceptable, an acknowledgment should be sent in reply" },
    rule! { "linux/sequence/repeated-fin-after-both-fins": Sequence in Closing | LastAck;
    when [Seq(SeqClass::RepeatedFin, true), Ack(AckClass::New, true)];
    then []; Stay, Continue;
    NONE Deviation { id: "L09" }; Rfc9293 "3.10.7.4" "If an incoming segment is not acceptable, an acknowledgment should be sent in reply" },
    // ---- FIN-WAIT-2 without a user -----------------------------------------------------------------------------------
    rule! { "linux/orphan/rst-outside-answered": Sequence in FinWait2;
    when [UserGone(true), Has(RST, true), Acceptable(false), Seq(SeqClass::ZeroWindow, false)];
    then [Acknowledge(Now)]; Stay, Done;
    NONE Deviation { id: "L12" }; Rfc9293 "3.10.7.4" "unless the RST bit is set, if so drop the segment and return" },
    // ---- TIME-WAIT -------------------------------------------------------------------------------------------------
    rule! { "linux/time-wait/bare-restarts": Sequence in TimeWait;
    when [AtRcvNxt(true), Carries(false), Has(SYN, false), Has(RST, false)];
    then [Start(TimeWaitTimer)]; Stay, Done;
    NONE Deviation { id: "L13" }; Rfc9293 "3.10.7.4" "The only thing that can arrive in this state is a retransmission of the remote FIN. Acknowledge it, and restart the 2 MSL timeout." },
    rule! { "linux/time-wait/anything-restarts": Sequence in TimeWait;
    when [Has(ACK, true), Has(RST, false)];
    then [Acknowledge(Now), Start(TimeWaitTimer)]; Stay, Done;
    NONE Deviation { id: "L13" }; Rfc9293 "3.10.7.4" "The only thing that can arrive in this state is a retransmission of the remote FIN. Acknowledge it, and restart the 2 MSL timeout." },
    rule! { "linux/rst/just-before": Rst in CloseWait | Closing | LastAck;
    when [Seq(SeqClass::JustBefore, true), Has(RST, true)];
    then [Flush, Signal(Signal::Reset), Delete]; To(Closed), Done;
    NONE Deviation { id: "L07" }; Rfc9293 "3.10.7.4" "If the RST bit is set and the sequence number is outside the current receive window, silently drop the segment." },
    rule! { "linux/syn-received/reopened-forgotten": Rst in SynReceived;
    when [Has(RST, true), AtRcvNxt(true), Reopened(true)];
    then [ReenterListen]; To(Listen), Done;
    NONE Deviation { id: "L13" }; Rfc9293 "3.6.1" "returns to TIME-WAIT state if the SYN turns out to be an old duplicate" },
    // ---- SYN in a connection ---------------------------------------------------------------------------------------
    rule! { "linux/syn-received/syn-resets": Syn in SynReceived;
    when [Has(SYN, true), Passive(true), Has(ACK, false)];
    then [Emit(Form::RstFromSeq), Delete]; To(Closed), Done;
    NONE Deviation { id: "L04" }; Rfc9293 "3.10.7.4" "If the connection was initiated with a passive OPEN, then return this connection to the LISTEN state and return." },
    rule! { "linux/syn-received/syn-ack-resets": Syn in SynReceived;
    when [Has(SYN, true), Passive(true)];
    then [Emit(Form::RstFromAck), Delete]; To(Closed), Done;
    NONE Deviation { id: "L04" }; Rfc9293 "3.10.7.4" "If the connection was initiated with a passive OPEN, then return this connection to the LISTEN state and return." },
    rule! { "linux/orphan/syn-resets": Syn in FinWait2;
    when [Has(SYN, true), UserGone(true), Has(ACK, false)];
    then [Emit(Form::RstFromSeq), Flush, Delete]; To(Closed), Done;
    NONE Deviation { id: "L12" }; Rfc9293 "3.10.7.4" "if the SYN bit is set, irrespective of the sequence number, TCP endpoints MUST send a \"challenge ACK\" to the remote peer" },
    rule! { "linux/orphan/syn-ack-resets": Syn in FinWait2;
    when [Has(SYN, true), UserGone(true)];
    then [Emit(Form::RstFromAck), Flush, Delete]; To(Closed), Done;
    NONE Deviation { id: "L12" }; Rfc9293 "3.10.7.4" "if the SYN bit is set, irrespective of the sequence number, TCP endpoints MUST send a \"challenge ACK\" to the remote peer" },
    // ---- ACK and text -----------------------------------------------------------------------------------------------
    rule! { "linux/orphan/text-resets-before-ack": AckRange in FinWait2;
    when [UserGone(true), NewText(true), Has(ACK, true)];
    then [Emit(Form::RstFromAck), Flush, Delete]; To(Closed), Done;
    NONE Deviation { id: "L12" }; Rfc9293 "3.10.7.4" "If the ACK acks something not yet sent (SEG.ACK > SND.NXT), then send an ACK, drop the segment, and return." },
    rule! { "linux/time-wait/no-ack-answered": AckRange in TimeWait;
    when [Ack(AckClass::Missing, true), Carries(true)];
    then [Acknowledge(Now)]; Stay, Done;
    NONE Deviation { id: "L13" }; Rfc9293 "3.10.7.4" "if the ACK bit is off, drop the segment and return" },
    rule! { "linux/text/user-gone-reset-from-ack": Text in FinWait1;
    when [UserGone(true), NewText(true)];
    then [Emit(Form::RstFromAck), Flush, Signal(Signal::Reset), Delete]; To(Closed), Done;
    NONE Deviation { id: "L14" }; Rfc9293 "3.10.5" "Send a reset segment: <SEQ=SND.NXT><CTL=RST>" },
];
