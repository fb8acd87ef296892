//! RFC 9293 §3.10.7.4, sixth to eighth: check the URG bit, process the segment text, check the FIN bit.

use super::rule::rule;
use super::{Act::*, Atom::*, Flow::*, Form, Kind::*, Next::*, Rule};
use crate::event::Timer::TimeWait as TimeWaitTimer;
use crate::event::{Signal, Urgency};
use crate::segment::Flag::Fin as FIN;
use crate::state::State::{CloseWait, Closed, Closing, TimeWait};

pub(super) const RULES: &[Rule] = &[
    rule! { "urg/news": Urg in Established | FinWait1 | FinWait2;
    when [UrgentNews(true)];
    then [RecordUrgent, Signal(Signal::Urgent)]; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "If the URG bit is set, RCV.UP <- max(RCV.UP,SEG.UP), and signal the user that the remote side has urgent data" },
    rule! { "urg/nothing-new": Urg in Established | FinWait1 | FinWait2;
    when [];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "If the user has already been signaled (or is still in the \"urgent mode\") for this continuous sequence of urgent data, do not signal the user again." },
    rule! { "urg/after-fin": Urg in CloseWait | TimeWait;
    when [];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "This should not occur since a FIN has been received from the remote side. Ignore the URG." },
    // ---- Text ----------------------------------------------------------------------------------------------------
    rule! { "text/none": Text in Established | FinWait1 | FinWait2;
    when [Deliverable(false)];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "Seventh, process the segment text:" },
    rule! { "text/user-gone": Text in FinWait1 | FinWait2;
    when [UserGone(true), NewText(true)];
    then [Emit(Form::RstNxt), Flush, Signal(Signal::Reset), Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.6.1" "if new data is received after CLOSE is called, its TCP implementation SHOULD send a RST to show that data was lost (SHLD-3)" },
    rule! { "text/accept": Text in Established | FinWait1 | FinWait2;
    when [];
    then [AcceptText, Acknowledge(Urgency::Delayable)]; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "it advances RCV.NXT over the data accepted, and adjusts RCV.WND as appropriate to the current buffer availability",
    Rfc9293 "3.10.7.4" "This acknowledgment should be piggybacked on a segment being transmitted if possible without incurring undue delay." },
    rule! { "text/after-fin": Text in CloseWait | TimeWait;
    when [];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "This should not occur since a FIN has been received from the remote side. Ignore the segment text." },
    // ---- FIN -----------------------------------------------------------------------------------------------------
    rule! { "fin/syn-received": Fin in SynReceived;
    when [Has(FIN, true)];
    then [AdvanceOverFin, Signal(Signal::Closing), Acknowledge(Urgency::Now)]; To(CloseWait), Done;
    LITERAL Literal; Rfc9293 "3.10.7.4" "Enter the CLOSE-WAIT state." },
    rule! { "fin/syn-received/none": Fin in SynReceived;
    when [];
    then []; Stay, Done;
    LITERAL Literal; Rfc9293 "3.10.7.4" "Eighth, check the FIN bit:" },
    rule! { "fin/established": Fin in Established;
    when [FinReady(true)];
    then [AdvanceOverFin, Signal(Signal::Closing), Acknowledge(Urgency::Now)]; To(CloseWait), Done;
    ALL Literal; Rfc9293 "3.10.7.4" "If the FIN bit is set, signal the user \"connection closing\" and return any pending RECEIVEs with same message, advance RCV.NXT over the FIN, and send an acknowledgment for the FIN.",
    Rfc9293 "3.10.7.4" "Enter the CLOSE-WAIT state." },
    // Erratum 8805 (held): the fifth check has already moved such a connection to FIN-WAIT-2.
    rule! { "fin/fin-wait-1/acked": Fin in FinWait1;
    when [FinReady(true), FinAcked(true)];
    then [AdvanceOverFin, Signal(Signal::Closing), Acknowledge(Urgency::Now), StopAll, Start(TimeWaitTimer)]; To(TimeWait), Done;
    LITERAL Literal; Rfc9293 "3.10.7.4" "If our FIN has been ACKed (perhaps in this segment), then enter TIME-WAIT, start the time-wait timer, turn off the other timers; otherwise, enter the CLOSING state." },
    rule! { "fin/fin-wait-1": Fin in FinWait1;
    when [FinReady(true)];
    then [AdvanceOverFin, Signal(Signal::Closing), Acknowledge(Urgency::Now)]; To(Closing), Done;
    ALL Literal; Rfc9293 "3.10.7.4" "otherwise, enter the CLOSING state" },
    rule! { "fin/fin-wait-2": Fin in FinWait2;
    when [FinReady(true)];
    then [AdvanceOverFin, Signal(Signal::Closing), Acknowledge(Urgency::Now), StopAll, Start(TimeWaitTimer)]; To(TimeWait), Done;
    ALL Literal; Rfc9293 "3.10.7.4" "Enter the TIME-WAIT state. Start the time-wait timer, turn off the other timers." },
    rule! { "fin/none": Fin in Established | FinWait1 | FinWait2;
    when [];
    then []; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.4" "Segments with higher beginning sequence numbers SHOULD be held for later processing (SHLD-31)." },
    // D7: between conforming peers nothing gets this far; the one FIN fails the sequence check when it comes again.
    rule! { "fin/close-wait/remain": Fin in CloseWait;
    when [Has(FIN, true)];
    then [AdvanceOverFin, Signal(Signal::Closing), Acknowledge(Urgency::Now)]; Stay, Done;
    LITERAL Literal; Rfc9293 "3.10.7.4" "Remain in the CLOSE-WAIT state." },
    rule! { "fin/time-wait/remain": Fin in TimeWait;
    when [Has(FIN, true)];
    then [AdvanceOverFin, Signal(Signal::Closing), Acknowledge(Urgency::Now), Start(TimeWaitTimer)]; Stay, Done;
    LITERAL Literal; Rfc9293 "3.10.7.4" "Remain in the TIME-WAIT state. Restart the 2 MSL time- wait timeout." },
    rule! { "fin/after-fin": Fin in CloseWait | TimeWait;
    when [];
    then []; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.4" "Remain in the CLOSE-WAIT state." },
];
