//! RFC 9293 §3.10.7.4, fifth: check the ACK field; and the CLOSE that waited for ESTABLISHED.

use super::rule::rule;
use super::{AckClass, Act::*, Atom::*, Doc, Flow::*, Form, Kind::*, Next::*, Policy, Rule, Stage};
use crate::event::Timer::{FinWait2 as FinWait2Timer, TimeWait as TimeWaitTimer};
use crate::event::{Signal, Urgency::Now};
use crate::state::State::{Closed, Established, FinWait1, FinWait2, TimeWait};

pub(super) const RULES: &[Rule] = &[
    // ---- Is there an ACK, and in range? ----------------------------------------------------------------------------
    rule! { "ack/absent": AckRange in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Ack(AckClass::Missing, true)];
    then []; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.4" "if the ACK bit is off, drop the segment and return" },
    rule! { "ack/syn-received/any": AckRange in SynReceived;
    when [];
    then []; Stay, Continue;
    REPAIRED Repair {
        defect: "D5",
        why: "an ACK in answer to an unacceptable ACK comes before the reset that tells a half-open peer to give up",
        counterexample: "N16: SYN-RECEIVED, ACK beyond SND.NXT from an old incarnation",
    }; Rfc9293 "3.10.7.4" "If the segment acknowledgment is not acceptable, form a reset segment <SEQ=SEG.ACK><CTL=RST>" },
    rule! { "ack/too-old/unthrottled": AckRange in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Follows(Policy::Rfc5961, true), Ack(AckClass::TooOld, true)];
    then [Acknowledge(Now)]; Stay, Done;
    LITERAL9293 Updated(Doc::Rfc5961); Rfc9293 "3.10.7.4" "All incoming segments whose ACK value doesn't satisfy the above condition MUST be discarded and an ACK sent back." },
    rule! { "ack/too-new/unthrottled": AckRange in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Follows(Policy::Rfc5961, true), Ack(AckClass::Future, true)];
    then [Acknowledge(Now)]; Stay, Done;
    LITERAL9293 Updated(Doc::Rfc5961); Rfc9293 "3.10.7.4" "All incoming segments whose ACK value doesn't satisfy the above condition MUST be discarded and an ACK sent back." },
    rule! { "ack/unsent/unthrottled": AckRange in Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck;
    when [Ack(AckClass::Future, true)];
    then [Acknowledge(Now)]; Stay, Done;
    LITERAL Literal; Rfc9293 "3.10.7.4" "If the ACK acks something not yet sent (SEG.ACK > SND.NXT), then send an ACK, drop the segment, and return." },
    rule! { "ack/too-old/answered": AckRange in Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Follows(Policy::Rfc5961, true), Ack(AckClass::TooOld, true), MayAnswer(true)];
    then [TakeChallenge, Acknowledge(Now)]; Stay, Done;
    REPAIRED Updated(Doc::Rfc5961); Rfc9293 "3.10.7.4" "All incoming segments whose ACK value doesn't satisfy the above condition MUST be discarded and an ACK sent back." },
    rule! { "ack/too-old/silent": AckRange in Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Follows(Policy::Rfc5961, true), Ack(AckClass::TooOld, true)];
    then []; Stay, Done;
    REPAIRED Updated(Doc::Rfc5961); Rfc9293 "3.10.7.4" "All incoming segments whose ACK value doesn't satisfy the above condition MUST be discarded and an ACK sent back." },
    rule! { "ack/never-sent/answered": AckRange in Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck;
    when [Follows(Policy::Rfc5961, true), Ack(AckClass::NeverSent, true), MayAnswer(true)];
    then [TakeChallenge, Acknowledge(Now)]; Stay, Done;
    REPAIRED Repair {
        defect: "D14",
        why: "right after the handshake MAX.SND.WND reaches far below ISS, so that who has not seen one octet of ours guesses an acceptable SEG.ACK with one try in 65,536 and puts in text",
        counterexample: "ESTABLISHED, nothing sent; text with SEG.ACK = ISS-1000 is delivered",
    }; Rfc9293 "3.10.7.4" "All incoming segments whose ACK value doesn't satisfy the above condition MUST be discarded and an ACK sent back." },
    rule! { "ack/never-sent/silent": AckRange in Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck;
    when [Follows(Policy::Rfc5961, true), Ack(AckClass::NeverSent, true)];
    then []; Stay, Done;
    REPAIRED Repair {
        defect: "D14",
        why: "right after the handshake MAX.SND.WND reaches far below ISS, so that who has not seen one octet of ours guesses an acceptable SEG.ACK with one try in 65,536 and puts in text",
        counterexample: "ESTABLISHED, nothing sent; text with SEG.ACK = ISS-1000 is delivered",
    }; Rfc9293 "3.10.7.4" "All incoming segments whose ACK value doesn't satisfy the above condition MUST be discarded and an ACK sent back." },
    rule! { "ack/unsent/answered": AckRange in Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Ack(AckClass::Future, true), MayAnswer(true)];
    then [TakeChallenge, Acknowledge(Now)]; Stay, Done;
    REPAIRED Repair {
        defect: "N8",
        why: "unthrottled, two ends that each find the other's bare ACK out of range acknowledge for ever",
        counterexample: "N19: an injected ACK for both ends of an idle connection",
    }; Rfc9293 "3.10.7.4" "If the ACK acks something not yet sent (SEG.ACK > SND.NXT), then send an ACK, drop the segment, and return." },
    rule! { "ack/unsent/silent": AckRange in Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [Ack(AckClass::Future, true)];
    then []; Stay, Done;
    REPAIRED Repair {
        defect: "N8",
        why: "unthrottled, two ends that each find the other's bare ACK out of range acknowledge for ever",
        counterexample: "N19: an injected ACK for both ends of an idle connection",
    }; Rfc9293 "3.10.7.4" "If the ACK acks something not yet sent (SEG.ACK > SND.NXT), then send an ACK, drop the segment, and return." },
    rule! { "ack/in-range": AckRange in SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [];
    then [HeedAck]; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "When the ACK value is acceptable, the per-state processing below applies:" },
    // ---- What does it acknowledge? ---------------------------------------------------------------------------------
    rule! { "ack/syn-received/established": Ack in SynReceived;
    when [Ack(AckClass::New, true)];
    then [AdvanceUna, SetWindow, ForgetPrevious, Signal(Signal::Established)]; To(Established), Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "If SND.UNA < SEG.ACK =< SND.NXT, then enter ESTABLISHED state and continue processing" },
    // Erratum 3301: an ACK of nothing establishes.
    rule! { "ack/syn-received/established-by-duplicate": Ack in SynReceived;
    when [Ack(AckClass::Duplicate, true)];
    then [SetWindow, Signal(Signal::Established)]; To(Established), Continue;
    RFC793 Literal; Rfc793 "3.9" "If SND.UNA =< SEG.ACK =< SND.NXT then enter ESTABLISHED state and continue processing." },
    rule! { "ack/syn-received/bad-falls-through": Ack in SynReceived;
    when [];
    then [Emit(Form::RstFromAck)]; Stay, Jump(Stage::Fin);
    LITERAL Literal; Rfc9293 "3.10.7.4" "If the segment acknowledgment is not acceptable, form a reset segment <SEQ=SEG.ACK><CTL=RST>" },
    rule! { "ack/syn-received/bad": Ack in SynReceived;
    when [];
    then [Emit(Form::RstFromAck)]; Stay, Done;
    REPAIRED Repair {
        defect: "D8",
        why: "the text forms a reset but does not return, so the FIN of a segment with a bad ACK is processed",
        counterexample: "SYN-RECEIVED, FIN,ACK of an old incarnation: CLOSE-WAIT with our SYN unacknowledged (S16)",
    }; Rfc9293 "3.10.7.4" "If the segment acknowledgment is not acceptable, form a reset segment <SEQ=SEG.ACK><CTL=RST>" },
    rule! { "ack/new/with-window": Ack in Established | FinWait1 | CloseWait | Closing | LastAck;
    when [Ack(AckClass::New, true), WindowNewer(true)];
    then [AdvanceUna, SetWindow]; Stay, Continue;
    RFC793 Literal; Rfc793 "3.9" "If SND.UNA < SEG.ACK =< SND.NXT, the send window should be updated." },
    rule! { "ack/new/window-not-newer": Ack in Established | FinWait1 | CloseWait | Closing | LastAck;
    when [Ack(AckClass::New, true), WindowNewer(false)];
    then [AdvanceUna, SetWindow]; Stay, Continue;
    REPAIRED Repair {
        defect: "D11",
        why: "SND.WND counts from SND.UNA, so an ACK that moves SND.UNA and leaves SND.WND alone moves the right edge beyond what was ever offered; but SEG.SEQ is old only because the segment was sent again: no segment whose window is known acknowledged as much, so none was sent later, and its window is the one to believe",
        counterexample: "the peer's first segment is lost, its second sets SND.WL1; then its buffer fills, and it sends the first again, with a new ACK and a smaller window (S11)",
    }; Rfc9293 "3.10.7.4" "Note that SND.WND is an offset from SND.UNA",
    Rfc9293 "3.10.7.4" "The check here prevents using old segments to update the window." },
    rule! { "ack/new": Ack in Established | FinWait1 | CloseWait | Closing | LastAck;
    when [Ack(AckClass::New, true)];
    then [AdvanceUna]; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "If SND.UNA < SEG.ACK =< SND.NXT, then set SND.UNA <- SEG.ACK." },
    rule! { "ack/nothing-new": Ack in Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "If the ACK is a duplicate (SEG.ACK =< SND.UNA), it can be ignored." },
    // ---- The send window -----------------------------------------------------------------------------------------
    // SND.UNA has moved, so here an acceptable ACK equals it.
    rule! { "window/update": Window in Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck;
    when [Ack(AckClass::Duplicate, true), WindowNewer(true)];
    then [SetWindow]; Stay, Continue;
    RFC9293 Literal; Rfc9293 "3.10.7.4" "If SND.UNA =< SEG.ACK =< SND.NXT, the send window should be updated." },
    rule! { "window/keep": Window in Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait;
    when [];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "The check here prevents using old segments to update the window." },
    // ---- The ACK of our FIN ----------------------------------------------------------------------------------------
    rule! { "ack-of-fin/fin-wait-1/orphan": AckOfFin in FinWait1;
    when [FinAcked(true), UserGone(true)];
    then [Signal(Signal::CloseComplete), Start(FinWait2Timer)]; To(FinWait2), Continue;
    REPAIRED Repair {
        defect: "D10",
        why: "a peer that crashed or never closes leaves a connection that nobody owns and no timer ends",
        counterexample: "N10, N11: FIN-WAIT-2 here, CLOSED there, the net empty",
    }; Rfc9293 "3.10.7.4" "if the FIN segment is now acknowledged, then enter FIN- WAIT-2 and continue processing in that state" },
    rule! { "ack-of-fin/fin-wait-1/acked": AckOfFin in FinWait1;
    when [FinAcked(true)];
    then [Signal(Signal::CloseComplete)]; To(FinWait2), Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "if the FIN segment is now acknowledged, then enter FIN- WAIT-2 and continue processing in that state" },
    rule! { "ack-of-fin/open/continue": AckOfFin in Established | FinWait1 | CloseWait;
    when [];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "Do the same processing as for the ESTABLISHED state." },
    rule! { "ack-of-fin/fin-wait-2/continue": AckOfFin in FinWait2;
    when [];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "if the retransmission queue is empty, the user's CLOSE can be acknowledged (\"ok\") but do not delete the TCB" },
    rule! { "ack-of-fin/closing/acked": AckOfFin in Closing;
    when [FinAcked(true)];
    then [Signal(Signal::CloseComplete), StopAll, Start(TimeWaitTimer)]; To(TimeWait), Done;
    ALL Literal; Rfc9293 "3.10.7.4" "if the ACK acknowledges our FIN, then enter the TIME-WAIT state; otherwise, ignore the segment" },
    rule! { "ack-of-fin/closing/unacked": AckOfFin in Closing;
    when [];
    then []; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.4" "if the ACK acknowledges our FIN, then enter the TIME-WAIT state; otherwise, ignore the segment" },
    rule! { "ack-of-fin/last-ack/acked": AckOfFin in LastAck;
    when [FinAcked(true)];
    then [Signal(Signal::CloseComplete), Delete]; To(Closed), Done;
    ALL Literal; Rfc9293 "3.10.7.4" "If our FIN is now acknowledged, delete the TCB, enter the CLOSED state, and return." },
    rule! { "ack-of-fin/last-ack/unacked": AckOfFin in LastAck;
    when [];
    then []; Stay, Done;
    ALL Literal; Rfc9293 "3.10.7.4" "The only thing that can arrive in this state is an acknowledgment of our FIN." },
    rule! { "ack-of-fin/time-wait/acknowledge": AckOfFin in TimeWait;
    when [];
    then [Acknowledge(Now), Start(TimeWaitTimer)]; Stay, Continue;
    LITERAL Literal; Rfc9293 "3.10.7.4" "The only thing that can arrive in this state is a retransmission of the remote FIN. Acknowledge it, and restart the 2 MSL timeout." },
    rule! { "ack-of-fin/time-wait/occupying": AckOfFin in TimeWait;
    when [Carries(true)];
    then [Acknowledge(Now)]; Stay, Done;
    REPAIRED Repair {
        defect: "D2",
        why: "what is acceptable here is no retransmission of the remote FIN; it proves nothing that would justify another 2 MSL",
        counterexample: "N7: two ends in TIME-WAIT after a simultaneous close keep each other there for ever",
    }; Rfc9293 "3.10.7.4" "This should not occur since a FIN has been received from the remote side. Ignore the segment text." },
    rule! { "ack-of-fin/time-wait/bare": AckOfFin in TimeWait;
    when [];
    then []; Stay, Done;
    REPAIRED Repair {
        defect: "D2",
        why: "an acknowledgment of an acknowledgment never ends",
        counterexample: "N7: two ends in TIME-WAIT after a simultaneous close acknowledge each other for ever",
    }; Rfc9293 "3.10.7.4" "The only thing that can arrive in this state is a retransmission of the remote FIN." },
    // ---- The CLOSE that waited for ESTABLISHED -----------------------------------------------------------------------
    rule! { "deferred-close/established": DeferredClose in Established;
    when [CloseQueued(true)];
    then []; To(FinWait1), Continue;
    ALL Literal; Rfc9293 "3.10.4" "otherwise, queue for processing after entering ESTABLISHED state" },
    rule! { "deferred-close/none": DeferredClose in Established | FinWait1 | FinWait2 | CloseWait | TimeWait;
    when [];
    then []; Stay, Continue;
    ALL Literal; Rfc9293 "3.10.7.4" "Sixth, check the URG bit:" },
];
