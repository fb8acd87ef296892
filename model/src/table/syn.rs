//! RFC 9293 §3.10.7.4, fourth: check the SYN bit.

use super::rule::rule;
use super::{Act::*, Atom::*, Doc, Flow::*, Form, Kind::*, Next::*, Policy, Rule, Stage};
use crate::event::Timer::TimeWait as TimeWaitTimer;
use crate::event::{Signal, Urgency::Now};
use crate::segment::Flag::Syn as SYN;
use crate::state::State::{Closed, Listen, TimeWait};

pub(super) const RULES: &[Rule] = &[
    rule! { "syn/absent": Syn in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Has(SYN, false)];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "Fourth, check the SYN bit:" },
    rule! { "syn/syn-received/reopened": Syn in SynReceived;
    when [Reopened(true)];
    then [StopAll, Flush, RestorePrevious, Start(TimeWaitTimer)]; To(TimeWait), Done;
    REPAIRED Literal; Rfc9293 "3.6.1" "returns to TIME-WAIT state if the SYN turns out to be an old duplicate" },
    // Nobody listens any more, so the SYN is one that comes to CLOSED.
    rule! { "syn/syn-received/close-queued": Syn in SynReceived;
    when [Passive(true), CloseQueued(true)];
    then [Flush, Signal(Signal::Reset), Delete]; To(Closed), Jump(Stage::Closed);
    REPAIRED Repair {
        defect: "D12",
        why: "back in LISTEN the connection has forgotten the CLOSE that its user was told is ok, and accepts a peer that nobody wants; a CLOSE in LISTEN deletes it",
        counterexample: "passive OPEN, SYN arrives, CLOSE is queued, another SYN arrives in the window: LISTEN (S14)",
    }; Rfc9293 "3.10.4" "Delete TCB, enter CLOSED state, and return.",
    Rfc9293 "3.5.2" "If the connection does not exist (CLOSED), then a reset is sent in response to any incoming segment except another reset." },
    rule! { "syn/syn-received/passive": Syn in SynReceived;
    when [Passive(true)];
    then [ReenterListen]; To(Listen), Done;
    RFC9293 Literal; Rfc9293 "3.10.7.4" "If the connection was initiated with a passive OPEN, then return this connection to the LISTEN state and return." },
    rule! { "syn/unexpected/unthrottled": Syn in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Follows(Policy::Rfc5961, true)];
    then [Acknowledge(Now)]; Stay, Done;
    LITERAL9293 Updated(Doc::Rfc5961); Rfc9293 "3.10.7.4" "if the SYN bit is set, irrespective of the sequence number, TCP endpoints MUST send a \"challenge ACK\" to the remote peer" },
    rule! { "syn/unexpected/challenged": Syn in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Follows(Policy::Rfc5961, true), MayAnswer(true)];
    then [TakeChallenge, Acknowledge(Now)]; Stay, Done;
    REPAIRED Updated(Doc::Rfc5961); Rfc9293 "3.10.7.4" "if the SYN bit is set, irrespective of the sequence number, TCP endpoints MUST send a \"challenge ACK\" to the remote peer" },
    rule! { "syn/unexpected/silent": Syn in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Follows(Policy::Rfc5961, true)];
    then []; Stay, Done;
    REPAIRED Updated(Doc::Rfc5961); Rfc9293 "3.10.7.4" "Note that RFC 5961 and Errata ID 4772 [99] contain additional ACK throttling notes for an implementation." },
    rule! { "syn/unexpected/reset": Syn in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [];
    then [Emit(Form::RstNxt), Flush, Signal(Signal::Reset), Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.10.7.4" "If the SYN is in the window it is an error: send a reset, any outstanding RECEIVEs and SEND should receive \"reset\" responses" },
];
