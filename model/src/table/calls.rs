//! RFC 9293 §3.10.1 to §3.10.6: the user's calls.

use super::rule::rule;
use super::{Act::*, Atom::*, Doc, Flow::Done, Form, Kind::*, Next::*, Room, Rule};
use crate::event::Reply::{self, AlreadyExists, DoesNotExist, RemoteUnspecified};
use crate::event::Signal;
use crate::event::Timer::{FinWait2 as FinWait2Timer, Retransmit as Rexmit, TimeWait as TimeWaitTimer};
use crate::state::State::{Closed, FinWait1, Listen, SynSent, TimeWait};

const CLOSING: super::Act = Reply(Reply::Closing);

pub(super) const RULES: &[Rule] = &[
    // ---- OPEN ----------------------------------------------------------------------------------------------------
    rule! { "open/closed/passive": Open in Closed;
    when [Active(false)];
    then [SetPassive(true), Reply(Reply::Ok)]; To(Listen), Done;
    ALL Literal; Rfc9293 "3.10.1" "If passive, enter the LISTEN state and return." },
    rule! { "open/closed/unspecified": Open in Closed;
    when [Remote(false)];
    then [Reply(RemoteUnspecified)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.1" "If active and the remote socket is unspecified, return \"error: remote socket unspecified\"" },
    rule! { "open/closed/active": Open in Closed;
    when [];
    then [SetPassive(false), SelectIss(Room::Anywhere), Emit(Form::Syn), Start(Rexmit), Reply(Reply::Ok)]; To(SynSent), Done;
    ALL Literal; Rfc9293 "3.10.1" "Set SND.UNA to ISS, SND.NXT to ISS+1, enter SYN-SENT state, and return." },
    rule! { "open/listen/active": Open in Listen;
    when [Active(true), Remote(true)];
    then [SetPassive(false), SelectIss(Room::Anywhere), Emit(Form::Syn), Start(Rexmit), Reply(Reply::Ok)]; To(SynSent), Done;
    ALL Literal; Rfc9293 "3.10.1" "change the connection from passive to active, select an ISS. Send a SYN segment, set SND.UNA to ISS, SND.NXT to ISS+1. Enter SYN-SENT state." },
    rule! { "open/listen/unspecified": Open in Listen;
    when [];
    then [Reply(RemoteUnspecified)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.1" "If the remote socket was not specified, then return \"error: remote socket unspecified\"." },
    rule! { "open/other/exists": Open in SynSent | SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [];
    then [Reply(AlreadyExists)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.1" "Return \"error: connection already exists\"." },
    // ---- SEND ----------------------------------------------------------------------------------------------------
    rule! { "send/closed/no-connection": Send in Closed;
    when [];
    then [Reply(DoesNotExist)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.2" "Otherwise, return \"error: connection does not exist\"." },
    rule! { "send/listen/active": Send in Listen;
    when [Remote(true)];
    then [SetPassive(false), SelectIss(Room::Anywhere), Emit(Form::Syn), Start(Rexmit), QueueText, Reply(Reply::Queued)]; To(SynSent), Done;
    ALL Literal; Rfc9293 "3.10.2" "Data associated with SEND may be sent with SYN segment or queued for transmission after entering ESTABLISHED state." },
    rule! { "send/listen/unspecified": Send in Listen;
    when [];
    then [Reply(RemoteUnspecified)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.2" "If the remote socket was not specified, then return \"error: remote socket unspecified\"." },
    rule! { "send/handshake/closing": Send in SynReceived;
    when [CloseQueued(true)];
    then [CLOSING]; Stay, Done;
    ALL Literal; Rfc9293 "3.9.1.4" "CLOSE means \"I have no more to send\"" },
    rule! { "send/handshake/queue": Send in SynSent | SynReceived;
    when [];
    then [QueueText, Reply(Reply::Queued)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.2" "Queue the data for transmission after entering ESTABLISHED state." },
    rule! { "send/close-wait/closing": Send in CloseWait;
    when [CloseQueued(true)];
    then [CLOSING]; Stay, Done;
    ALL Literal; Rfc9293 "3.9.1.4" "CLOSE means \"I have no more to send\"" },
    rule! { "send/open/segmentize": Send in Established | CloseWait;
    when [];
    then [QueueText, Reply(Reply::Ok)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.2" "Segmentize the buffer and send it with a piggybacked acknowledgment" },
    rule! { "send/closed-by-user/closing": Send in FinWait1 | FinWait2 | Closing | LastAck | TimeWait;
    when [];
    then [CLOSING]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.2" "Return \"error: connection closing\" and do not service request." },
    // ---- RECEIVE -------------------------------------------------------------------------------------------------
    rule! { "receive/closed/no-connection": Receive in Closed;
    when [];
    then [Reply(DoesNotExist)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.3" "Otherwise, return \"error: connection does not exist\"." },
    rule! { "receive/handshake/queue": Receive in Listen | SynSent | SynReceived;
    when [];
    then [Reply(Reply::Queued)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.3" "Queue for processing after entering ESTABLISHED state." },
    rule! { "receive/open/queue": Receive in Established | FinWait1 | FinWait2;
    when [Unread(false)];
    then [Reply(Reply::Queued)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.3" "If insufficient incoming segments are queued to satisfy the request, queue the request." },
    rule! { "receive/open/deliver": Receive in Established | FinWait1 | FinWait2;
    when [];
    then [Reply(Reply::Deliver)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.3" "Reassemble queued incoming segments into receive buffer and return to user." },
    rule! { "receive/close-wait/deliver": Receive in CloseWait;
    when [Unread(true)];
    then [Reply(Reply::Deliver)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.3" "Otherwise, any remaining data can be used to satisfy the RECEIVE." },
    rule! { "receive/close-wait/closing": Receive in CloseWait;
    when [];
    then [CLOSING]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.3" "If no text is awaiting delivery, the RECEIVE will get an \"error: connection closing\" response." },
    rule! { "receive/both-closed/deliver": Receive in Closing | LastAck | TimeWait;
    when [Unread(true)];
    then [Reply(Reply::Deliver)]; Stay, Done;
    REPAIRED Repair {
        defect: "D9",
        why: "text that was acknowledged before the remote FIN took the connection out of FIN-WAIT-2 can never be received",
        counterexample: "text and FIN arrive in FIN-WAIT-2 in one segment; the RECEIVE comes in TIME-WAIT",
    }; Rfc9293 "3.9.1.4" "users should continue to RECEIVE on CLOSING connections since the remote peer may be trying to transmit the last of its data" },
    rule! { "receive/both-closed/closing": Receive in Closing | LastAck | TimeWait;
    when [];
    then [CLOSING]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.3" "Return \"error: connection closing\"." },
    // ---- CLOSE ---------------------------------------------------------------------------------------------------
    rule! { "close/closed/no-connection": Close in Closed;
    when [];
    then [Reply(DoesNotExist)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.4" "Otherwise, return \"error: connection does not exist\"." },
    rule! { "close/listen/delete": Close in Listen;
    when [];
    then [Reply(Reply::Ok), Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.10.4" "Delete TCB, enter CLOSED state, and return." },
    rule! { "close/syn-sent/delete": Close in SynSent;
    when [];
    then [Flush, Reply(Reply::Ok), Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.10.4" "Delete the TCB and return \"error: closing\" responses to any queued SENDs, or RECEIVEs." },
    rule! { "close/syn-received/again": Close in SynReceived;
    when [CloseQueued(true)];
    then [CLOSING]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.4" "Strictly speaking, this is an error and should receive an \"error: connection closing\" response." },
    rule! { "close/syn-received/at-once": Close in SynReceived;
    when [SendPending(false)];
    then [QueueClose, Reply(Reply::Ok)]; To(FinWait1), Done;
    LITERAL Literal; Rfc9293 "3.10.4" "If no SENDs have been issued and there is no pending data to send, then form a FIN segment and send it, and enter FIN-WAIT-1 state" },
    rule! { "close/syn-received/pending": Close in SynReceived;
    when [];
    then [QueueClose, Reply(Reply::Ok)]; Stay, Done;
    LITERAL Literal; Rfc9293 "3.10.4" "otherwise, queue for processing after entering ESTABLISHED state" },
    rule! { "close/syn-received/deferred": Close in SynReceived;
    when [];
    then [QueueClose, Reply(Reply::Ok)]; Stay, Done;
    REPAIRED Repair {
        defect: "D3",
        why: "in FIN-WAIT-1 with our SYN unacknowledged the send window is undefined, text and FIN are accepted half-synchronized, and the ACK of our SYN means nothing",
        counterexample: "N6: passive OPEN, SYN arrives, CLOSE",
    }; Rfc9293 "3.10.4" "otherwise, queue for processing after entering ESTABLISHED state" },
    rule! { "close/established/fin-wait-1": Close in Established;
    when [];
    then [QueueClose, Reply(Reply::Ok)]; To(FinWait1), Done;
    ALL Literal; Rfc9293 "3.10.4" "Queue this until all preceding SENDs have been segmentized, then form a FIN segment and send it. In any case, enter FIN-WAIT-1 state." },
    rule! { "close/fin-wait/again": Close in FinWait1 | FinWait2;
    when [];
    then [CLOSING]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.4" "Strictly speaking, this is an error and should receive an \"error: connection closing\" response." },
    rule! { "close/close-wait/again": Close in CloseWait;
    when [CloseQueued(true)];
    then [CLOSING]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.4" "Strictly speaking, this is an error and should receive an \"error: connection closing\" response." },
    rule! { "close/close-wait/queue": Close in CloseWait;
    when [];
    then [QueueClose, Reply(Reply::Ok)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.4" "Queue this request until all preceding SENDs have been segmentized" },
    rule! { "close/both-closed/closing": Close in Closing | LastAck | TimeWait;
    when [];
    then [CLOSING]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.4" "Respond with \"error: connection closing\"." },
    // ---- RELEASE: CLOSE by a user who will not RECEIVE either ------------------------------------------------------
    rule! { "release/closed/no-connection": Release in Closed;
    when [];
    then [Reply(DoesNotExist)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.4" "Otherwise, return \"error: connection does not exist\"." },
    rule! { "release/listen/delete": Release in Listen;
    when [];
    then [Reply(Reply::Ok), Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.10.4" "Delete TCB, enter CLOSED state, and return." },
    rule! { "release/syn-sent/delete": Release in SynSent;
    when [];
    then [Flush, Reply(Reply::Ok), Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.10.4" "Delete the TCB and return \"error: closing\" responses to any queued SENDs, or RECEIVEs." },
    rule! { "release/syn-received/deferred": Release in SynReceived;
    when [];
    then [QueueClose, MarkUserGone, Reply(Reply::Ok)]; Stay, Done;
    ALL Updated(Doc::Rfc1122); Rfc9293 "3.10.4" "otherwise, queue for processing after entering ESTABLISHED state" },
    rule! { "release/open/unread": Release in Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck;
    when [Unread(true)];
    then [Emit(Form::RstNxt), Flush, Reply(Reply::Ok), Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.6.1" "If such a host issues a CLOSE call while received data is still pending in the TCP connection, or if new data is received after CLOSE is called, its TCP implementation SHOULD send a RST to show that data was lost (SHLD-3)." },
    rule! { "release/established/fin-wait-1": Release in Established;
    when [];
    then [QueueClose, MarkUserGone, Reply(Reply::Ok)]; To(FinWait1), Done;
    ALL Literal; Rfc9293 "3.6.1" "A host MAY implement a \"half-duplex\" TCP close sequence, so that an application that has called CLOSE cannot continue to read data from the connection (MAY-1)." },
    rule! { "release/fin-wait-2/bounded": Release in FinWait2;
    when [];
    then [MarkUserGone, Start(FinWait2Timer), Reply(Reply::Ok)]; Stay, Done;
    REPAIRED Repair {
        defect: "D10",
        why: "a peer that crashed or never closes leaves a connection that nobody owns and no timer ends",
        counterexample: "N10, N11: FIN-WAIT-2 here, CLOSED there, the net empty",
    }; Rfc9293 "3.6.1" "A host MAY implement a \"half-duplex\" TCP close sequence" },
    rule! { "release/closed-by-user/gone": Release in FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [];
    then [QueueClose, MarkUserGone, Reply(Reply::Ok)]; Stay, Done;
    ALL Literal; Rfc9293 "3.6.1" "A host MAY implement a \"half-duplex\" TCP close sequence, so that an application that has called CLOSE cannot continue to read data from the connection (MAY-1)." },
    // ---- ABORT ---------------------------------------------------------------------------------------------------
    rule! { "abort/closed/no-connection": Abort in Closed;
    when [];
    then [Reply(DoesNotExist)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.5" "Otherwise, return \"error: connection does not exist\"." },
    rule! { "abort/listen/delete": Abort in Listen;
    when [];
    then [Reply(Reply::Ok), Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.10.5" "Any outstanding RECEIVEs should be returned with \"error: connection reset\" responses. Delete TCB, enter CLOSED state, and return." },
    rule! { "abort/syn-sent/delete": Abort in SynSent;
    when [];
    then [Flush, Reply(Reply::Ok), Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.10.5" "All queued SENDs and RECEIVEs should be given \"connection reset\" notification. Delete the TCB, enter CLOSED state, and return." },
    // D4: no reading follows these words, for the text of the call itself says otherwise.
    rule! { "abort/open/time-wait": Abort in SynReceived | Established | FinWait1 | FinWait2 | CloseWait;
    when [];
    then [Emit(Form::RstNxt), Flush, StopAll, Start(TimeWaitTimer), Signal(Signal::Reset), Reply(Reply::Ok)]; To(TimeWait), Done;
    NONE Literal; Rfc9293 "3.5.2" "The side of a connection issuing a reset should enter the TIME-WAIT state",
    Rfc9293 "3.3.2" "A RST can be sent from any state with a corresponding transition to TIME-WAIT" },
    rule! { "abort/open/reset": Abort in SynReceived | Established | FinWait1 | FinWait2 | CloseWait;
    when [];
    then [Emit(Form::RstNxt), Flush, Signal(Signal::Reset), Reply(Reply::Ok), Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.10.5" "all segments queued for transmission (except for the RST formed above) or retransmission should be flushed. Delete the TCB, enter CLOSED state, and return." },
    rule! { "abort/both-closed/silent": Abort in Closing | LastAck | TimeWait;
    when [];
    then [Flush, Reply(Reply::Ok), Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.10.5" "Respond with \"ok\" and delete the TCB, enter CLOSED state, and return." },
    // ---- STATUS --------------------------------------------------------------------------------------------------
    rule! { "status/closed/no-connection": Status in Closed;
    when [];
    then [Reply(DoesNotExist)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.6" "Otherwise, return \"error: connection does not exist\"." },
    rule! { "status/other/report": Status in Listen | SynSent | SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [];
    then [Reply(Reply::State)]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.6" "Return \"state = LISTEN\" and the TCB pointer." },
];
