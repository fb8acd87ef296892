//! What was really transmitted (RFC 9293 §3.4, §3.10.2, §3.10.4), and whether the closed window is probed (§3.8.6.1).

use super::rule::rule;
use super::{Act::*, Atom::*, Flow::Done, Kind::*, Next::*, Rule};
use crate::event::Timer::Persist as PersistTimer;
use crate::state::State::{Closing, LastAck};

pub(super) const RULES: &[Rule] = &[
    rule! { "sent/close-wait/fin": Sent in CloseWait;
    when [SentFin(true)];
    then [AdvanceNxt, MarkFinSent]; To(LastAck), Done;
    RFC9293 Literal; Rfc9293 "3.10.4" "Queue this request until all preceding SENDs have been segmentized; then send a FIN segment, enter LAST-ACK state." },
    // RFC 1122 §4.2.2.20 (a) has corrected this: LAST-ACK, not CLOSING.
    rule! { "sent/close-wait/fin-then-closing": Sent in CloseWait;
    when [SentFin(true)];
    then [AdvanceNxt, MarkFinSent]; To(Closing), Done;
    RFC793 Literal; Rfc793 "3.9" "Queue this request until all preceding SENDs have been segmentized; then send a FIN segment, enter CLOSING state." },
    rule! { "sent/closed-by-user/fin": Sent in FinWait1 | Closing;
    when [SentFin(true)];
    then [AdvanceNxt, MarkFinSent]; Stay, Done;
    ALL Literal; Rfc9293 "3.10.4" "Queue this until all preceding SENDs have been segmentized, then form a FIN segment and send it." },
    rule! { "sent/text": Sent in Established | FinWait1 | CloseWait | Closing;
    when [];
    then [AdvanceNxt]; Stay, Done;
    ALL Literal; Rfc9293 "3.8" "When the sender creates a segment and transmits it, the sender advances SND.NXT." },
];

pub(super) const PERSIST_RULES: &[Rule] = &[
    rule! { "persist/start": Persist in Established | FinWait1 | CloseWait | Closing;
    when [WindowClosed(true), AllAcked(true), SendPending(true), Probing(false)];
    then [Start(PersistTimer)]; Stay, Done;
    ALL Literal; Rfc9293 "3.8.6.1" "Probing of zero (offered) windows MUST be supported (MUST-36)." },
    rule! { "persist/go-on": Persist in Established | FinWait1 | CloseWait | Closing;
    when [WindowClosed(true), AllAcked(true), SendPending(true)];
    then []; Stay, Done;
    ALL Literal; Rfc9293 "3.8.6.1" "As long as the receiving TCP peer continues to send acknowledgments in response to the probe segments, the sending TCP peer MUST allow the connection to stay open (MUST-37)." },
    rule! { "persist/stop": Persist in Established | FinWait1 | CloseWait | Closing | LastAck;
    when [Probing(true)];
    then [Stop(PersistTimer)]; Stay, Done;
    ALL Literal; Rfc9293 "3.8.6.1" "The sending TCP peer must regularly transmit at least one octet of new data (if available), or retransmit to the receiving TCP peer even if the send window is zero" },
    rule! { "persist/off": Persist in Established | FinWait1 | CloseWait | Closing | LastAck;
    when [];
    then []; Stay, Done;
    ALL Literal; Rfc9293 "3.8.6.1" "The sending TCP peer must regularly transmit at least one octet of new data (if available), or retransmit to the receiving TCP peer even if the send window is zero" },
];
