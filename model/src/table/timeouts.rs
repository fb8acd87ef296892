//! RFC 9293 §3.10.8: timeouts, and those of §3.8.4, §3.8.6 and §3.6.1 that it does not list.

use super::rule::rule;
use super::{Act::*, Atom::*, Flow::Done, Form, Kind::*, Next::*, Rule};
use crate::event::Timer::{Persist as PersistTimer, Retransmit as Rexmit};
use crate::event::{Signal, Urgency::Now};
use crate::state::State::Closed;

pub(super) const RULES: &[Rule] = &[
    rule! { "timeout/user": UserTimeout in Listen | SynSent | SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [];
    then [Flush, Signal(Signal::UserTimeout), Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.10.8" "For any state if the user timeout expires, flush all queues, signal the user \"error: connection aborted due to user timeout\" in general and for any outstanding calls, delete the TCB, enter the CLOSED state, and return." },
    rule! { "timeout/retransmission/syn": RetransmissionTimeout in SynSent;
    when [];
    then [Emit(Form::Syn), Start(Rexmit)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.8" "send the segment at the front of the retransmission queue again, reinitialize the retransmission timer, and return" },
    rule! { "timeout/retransmission/syn-ack": RetransmissionTimeout in SynReceived;
    when [];
    then [Emit(Form::SynAck), Start(Rexmit)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.8" "send the segment at the front of the retransmission queue again, reinitialize the retransmission timer, and return" },
    // D3: only a CLOSE or an ACK of nothing in SYN-RECEIVED, both repaired, leads here.
    rule! { "timeout/retransmission/syn-unacked": RetransmissionTimeout in Established | FinWait1 | CloseWait | Closing | LastAck;
    when [SynAcked(false)];
    then [Emit(Form::SynAck), Start(Rexmit)]; Stay, Done;
    LITERAL Literal; Rfc9293 "3.10.8" "send the segment at the front of the retransmission queue again, reinitialize the retransmission timer, and return" },
    rule! { "timeout/retransmission/oldest": RetransmissionTimeout in Established | FinWait1 | CloseWait | Closing | LastAck;
    when [];
    then [Retransmit, Start(Rexmit)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.8" "send the segment at the front of the retransmission queue again, reinitialize the retransmission timer, and return" },
    rule! { "timeout/time-wait": TimeWaitTimeout in TimeWait;
    when [];
    then [Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.10.8" "If the time-wait timeout expires on a connection, delete the TCB, enter the CLOSED state, and return." },
    rule! { "timeout/persist": PersistTimeout in Established | FinWait1 | CloseWait | Closing;
    when [];
    then [Probe, Start(PersistTimer)]; Stay, Done;
    ALL Literal; Rfc9293 "3.8.6.1" "The transmitting host SHOULD send the first zero-window probe when a zero window has existed for the retransmission timeout period" },
    rule! { "timeout/keep-alive": KeepAliveTimeout in Established | FinWait2 | CloseWait;
    when [];
    then [Emit(Form::KeepAlive)]; Stay, Done;
    ALL Literal; Rfc9293 "3.8.4" "An implementation SHOULD send a keep-alive segment with no data" },
    rule! { "timeout/fin-wait-2": FinWait2Timeout in FinWait2;
    when [];
    then [Flush, Delete]; To(Closed), Done;
    ALL Repair {
        defect: "D10",
        why: "a peer that crashed or never closes leaves a connection that nobody owns and no timer ends",
        counterexample: "N10, N11: FIN-WAIT-2 here, CLOSED there, the net empty",
    }; Rfc9293 "3.6.1" "A host MAY implement a \"half-duplex\" TCP close sequence" },
    rule! { "timeout/delayed-ack": DelayedAckTimeout in Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [];
    then [Acknowledge(Now)]; Stay, Done;
    ALL Literal; Rfc9293 "3.8.6.3" "an ACK should not be excessively delayed; in particular, the delay MUST be less than 0.5 seconds (MUST-40)" },
];
