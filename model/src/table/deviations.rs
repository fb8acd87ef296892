//! What deployed stacks are known to do against the words they are cited with. Where, since when and why is not for the
//! table to say; only the oracle puts these rows in force.

use super::rule::rule;
use super::{AckClass, Act::*, Atom::*, Flow::*, Form, Kind::*, Next::*, Rule, Stage};
use crate::event::Timer::Retransmit as Rexmit;
use crate::event::{Reply, Signal, Urgency::Now};
use crate::segment::Flag::{Ack as ACK, Rst as RST, Syn as SYN};
use crate::state::State::{Closed, Established};

/// Those of Linux 6.
pub(super) const LINUX: &[Rule] = &[
    rule! { "linux/abort/with-ack": Abort in SynReceived | Established | FinWait1 | FinWait2 | CloseWait;
    when [];
    then [Emit(Form::RstNxtAck), Flush, Signal(Signal::Reset), Reply(Reply::Ok), Delete]; To(Closed), Done;
    NONE Deviation { id: "L14" }; Rfc9293 "3.10.5" "Send a reset segment: <SEQ=SND.NXT><CTL=RST>" },
    rule! { "linux/release/unread-with-ack": Release in Established | FinWait1 | FinWait2 | CloseWait;
    when [Unread(true)];
    then [Emit(Form::RstNxtAck), Flush, Reply(Reply::Ok), Delete]; To(Closed), Done;
    NONE Deviation { id: "L14" }; Rfc9293 "3.10.5" "Send a reset segment: <SEQ=SND.NXT><CTL=RST>" },
    rule! { "linux/syn-sent/bad-rst-then-syn": SynSentAck in SynSent;
    when [Ack(AckClass::Missing, false), Ack(AckClass::New, false), Has(RST, true)];
    then [Emit(Form::Syn), Start(Rexmit)]; Stay, Done;
    NONE Deviation { id: "L02" }; Rfc9293 "3.10.7.3" "unless the RST bit is set, if so drop the segment and return" },
    rule! { "linux/syn-sent/bad-ack-then-syn": SynSentAck in SynSent;
    when [Ack(AckClass::Missing, false), Ack(AckClass::New, false)];
    then [Emit(Form::RstFromAck), Emit(Form::Syn), Start(Rexmit)]; Stay, Done;
    NONE Deviation { id: "L02" }; Rfc9293 "3.10.7.3" "If SEG.ACK =< ISS or SEG.ACK > SND.NXT, send a reset" },
    rule! { "linux/syn-received/crossed-syn-ack-acknowledged": Sequence in SynReceived;
    when [Passive(false), Has(SYN, true), Has(RST, false), AtIrs(true), Ack(AckClass::New, true)];
    then [AdvanceUna, SetWindow, Signal(Signal::Established), Acknowledge(Now)]; To(Established), Jump(Stage::DeferredClose);
    NONE Deviation { id: "L20" }; Rfc9293 "3.5" "A TCP implementation MUST support simultaneous open attempts" },
    rule! { "linux/syn-received/syn-resets": Syn in SynReceived;
    when [Has(SYN, true), Passive(true), Reopened(false), Has(ACK, false)];
    then [Emit(Form::RstFromSeq), Delete]; To(Closed), Done;
    NONE Deviation { id: "L04" }; Rfc9293 "3.10.7.4" "If the connection was initiated with a passive OPEN, then return this connection to the LISTEN state and return." },
    rule! { "linux/syn-received/syn-ack-resets": Syn in SynReceived;
    when [Has(SYN, true), Passive(true), Reopened(false)];
    then [Emit(Form::RstFromAck), Delete]; To(Closed), Done;
    NONE Deviation { id: "L04" }; Rfc9293 "3.10.7.4" "If the connection was initiated with a passive OPEN, then return this connection to the LISTEN state and return." },
];
