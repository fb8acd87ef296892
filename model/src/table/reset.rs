//! RFC 9293 §3.10.7.4, second and third: check the RST bit, check security.

use super::rule::rule;
use super::{Act::*, Atom::*, Doc, Flow::*, Kind::*, Next::*, Policy, Rule};
use crate::event::Timer::TimeWait as TimeWaitTimer;
use crate::event::{Signal, Urgency::Now};
use crate::segment::Flag::Rst as RST;
use crate::state::State::{Closed, Listen, TimeWait};

pub(super) const RULES: &[Rule] = &[
    rule! { "rst/absent": Rst in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Has(RST, false)];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "Second, check the RST bit:" },
    rule! { "rst/not-exact/unthrottled": Rst in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Follows(Policy::Rfc5961, true), AtRcvNxt(false)];
    then [Acknowledge(Now)]; Stay, Done;
    LITERAL9293 Updated(Doc::Rfc5961); Rfc9293 "3.10.7.4" "If the RST bit is set and the sequence number does not exactly match the next expected sequence value, yet is within the current receive window, TCP endpoints MUST send an acknowledgment (challenge ACK)" },
    rule! { "rst/not-exact/challenged": Rst in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Follows(Policy::Rfc5961, true), AtRcvNxt(false), MayAnswer(true)];
    then [TakeChallenge, Acknowledge(Now)]; Stay, Done;
    REPAIRED Updated(Doc::Rfc5961); Rfc9293 "3.10.7.4" "If the RST bit is set and the sequence number does not exactly match the next expected sequence value, yet is within the current receive window, TCP endpoints MUST send an acknowledgment (challenge ACK)" },
    rule! { "rst/not-exact/silent": Rst in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Follows(Policy::Rfc5961, true), AtRcvNxt(false)];
    then []; Stay, Done;
    REPAIRED Updated(Doc::Rfc5961); Rfc9293 "3.10.7.4" "Note that RFC 5961 and Errata ID 4772 [99] contain additional considerations for ACK throttling in an implementation." },
    rule! { "rst/time-wait/ignored": Rst in TimeWait;
    when [Follows(Policy::Rfc1337, true)];
    then []; Stay, Done;
    REPAIRED Updated(Doc::Rfc1337); Rfc1337 "3" "Ignore RST segments in TIME-WAIT state." },
    rule! { "rst/syn-received/reopened": Rst in SynReceived;
    when [Reopened(true)];
    then [StopAll, Flush, RestorePrevious, Start(TimeWaitTimer)]; To(TimeWait), Done;
    REPAIRED Literal; Rfc9293 "3.6.1" "returns to TIME-WAIT state if the SYN turns out to be an old duplicate" },
    rule! { "rst/syn-received/close-queued": Rst in SynReceived;
    when [Passive(true), CloseQueued(true)];
    then [Flush, Signal(Signal::Refused), Delete]; To(Closed), Done;
    REPAIRED Repair {
        defect: "D12",
        why: "back in LISTEN the connection has forgotten the CLOSE that its user was told is ok, and accepts a peer that nobody wants; a CLOSE in LISTEN deletes it",
        counterexample: "passive OPEN, SYN arrives, CLOSE is queued, RST arrives: LISTEN (S14)",
    }; Rfc9293 "3.10.7.4" "In either case, the retransmission queue should be flushed.",
    Rfc9293 "3.10.4" "Delete TCB, enter CLOSED state, and return." },
    rule! { "rst/syn-received/passive": Rst in SynReceived;
    when [Passive(true)];
    then [ReenterListen]; To(Listen), Done;
    ALL Literal; Rfc9293 "3.10.7.4" "If this connection was initiated with a passive OPEN (i.e., came from the LISTEN state), then return this connection to LISTEN state and return. The user need not be informed.",
    Rfc9293 "3.10.7.4" "In either case, the retransmission queue should be flushed." },
    rule! { "rst/syn-received/active": Rst in SynReceived;
    when [];
    then [Flush, Signal(Signal::Refused), Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.10.7.4" "If this connection was initiated with an active OPEN (i.e., came from SYN-SENT state), then the connection was refused; signal the user \"connection refused\"." },
    rule! { "rst/open/reset": Rst in Established | FinWait1 | FinWait2 | CloseWait;
    when [];
    then [Flush, Signal(Signal::Reset), Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.10.7.4" "Users should also receive an unsolicited general \"connection reset\" signal. Enter the CLOSED state, delete the TCB, and return." },
    rule! { "rst/both-closed/closed": Rst in Closing | LastAck | TimeWait;
    when [];
    then [Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.10.7.4" "If the RST bit is set, then enter the CLOSED state, delete the TCB, and return." },
    // ---- Security ------------------------------------------------------------------------------------------------
    rule! { "security/not-implemented": Security in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "Third, check security:",
    Rfc9293 "A.1.2" "can be ignored for non-MLS implementations, consistent with running code on the Internet" },
];
