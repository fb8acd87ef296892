//! The words that rules are written in: stages, guards and actions, all closed sets.

use crate::event::{Call, Event, Reply, Signal, Timer, Urgency};
use crate::segment::Flag;
use crate::seq::SeqNum;
use crate::state::State;

/// A check, or a call, of RFC 9293 §3.10: the place where a rule stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stage {
    /// §3.10.1
    Open,
    /// §3.10.2
    Send,
    /// §3.10.3
    Receive,
    /// §3.10.4
    Close,
    /// §3.6.1 (MAY-1): the user is gone.
    Release,
    /// §3.10.5
    Abort,
    /// §3.10.6
    Status,
    /// §3.10.7.1
    Closed,
    /// §3.10.7.2, all four checks: each of them ends the processing.
    Listen,
    /// §3.10.7.3, first: check the ACK bit.
    SynSentAck,
    /// §3.10.7.3, second: check the RST bit.
    SynSentRst,
    /// §3.10.7.3, fourth and fifth: check the SYN bit.
    SynSentSyn,
    /// §3.6.1 (MAY-2): a SYN that may cut TIME-WAIT short, looked at before its sequence number.
    Reopen,
    /// §3.10.7.4, first: check sequence number.
    Sequence,
    /// §3.10.7.4, second: check the RST bit.
    Rst,
    /// §3.10.7.4, third: check security.
    Security,
    /// §3.10.7.4, fourth: check the SYN bit.
    Syn,
    /// §3.10.7.4, fifth: is there an ACK, and in range?
    AckRange,
    /// §3.10.7.4, fifth: what the ACK acknowledges, and the handshake's end.
    Ack,
    /// §3.10.7.4, fifth: the send window.
    Window,
    /// §3.10.7.4, fifth: what the ACK of our FIN does to the state.
    AckOfFin,
    /// §3.10.4: a CLOSE that waited for ESTABLISHED.
    DeferredClose,
    /// §3.10.7.4, sixth: check the URG bit.
    Urg,
    /// §3.10.7.4, seventh: process the segment text.
    Text,
    /// §3.10.7.4, eighth: check the FIN bit.
    Fin,
    /// What was really transmitted.
    Sent,
    /// §3.10.8
    UserTimeout,
    /// §3.10.8
    RetransmissionTimeout,
    /// §3.10.8
    TimeWaitTimeout,
    /// §3.8.6.1
    PersistTimeout,
    /// §3.8.4
    KeepAliveTimeout,
    /// §3.6.1
    FinWait2Timeout,
    /// §3.8.6.3
    DelayedAckTimeout,
    /// After every event: does the closed window need probing (§3.8.6.1)?
    Persist,
}

impl Stage {
    /// All of them, in the table's order.
    pub const ALL: [Stage; 34] = [
        Stage::Open,
        Stage::Send,
        Stage::Receive,
        Stage::Close,
        Stage::Release,
        Stage::Abort,
        Stage::Status,
        Stage::Closed,
        Stage::Listen,
        Stage::SynSentAck,
        Stage::SynSentRst,
        Stage::SynSentSyn,
        Stage::Reopen,
        Stage::Sequence,
        Stage::Rst,
        Stage::Security,
        Stage::Syn,
        Stage::AckRange,
        Stage::Ack,
        Stage::Window,
        Stage::AckOfFin,
        Stage::DeferredClose,
        Stage::Urg,
        Stage::Text,
        Stage::Fin,
        Stage::Sent,
        Stage::UserTimeout,
        Stage::RetransmissionTimeout,
        Stage::TimeWaitTimeout,
        Stage::PersistTimeout,
        Stage::KeepAliveTimeout,
        Stage::FinWait2Timeout,
        Stage::DelayedAckTimeout,
        Stage::Persist,
    ];

    /// Its place in [`Stage::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Where an event enters the table.
    #[must_use]
    pub fn entered_by<S: SeqNum>(event: &Event<S>, state: State) -> Stage {
        match event {
            Event::Call(call) => Stage::of_call(*call),
            Event::Arrives(_) => Stage::of_arrival(state),
            Event::Sent { .. } => Stage::Sent,
            Event::Timeout(timer) => Stage::of_timer(*timer),
        }
    }

    const fn of_call(call: Call) -> Stage {
        match call {
            Call::OpenPassive | Call::OpenActive { .. } => Stage::Open,
            Call::Send { .. } => Stage::Send,
            Call::Receive => Stage::Receive,
            Call::Close => Stage::Close,
            Call::Release => Stage::Release,
            Call::Abort => Stage::Abort,
            Call::Status => Stage::Status,
        }
    }

    pub(crate) const fn of_arrival(state: State) -> Stage {
        match state {
            State::Closed => Stage::Closed,
            State::Listen => Stage::Listen,
            State::SynSent => Stage::SynSentAck,
            State::TimeWait => Stage::Reopen,
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck => Stage::Sequence,
        }
    }

    const fn of_timer(timer: Timer) -> Stage {
        match timer {
            Timer::User => Stage::UserTimeout,
            Timer::Retransmit => Stage::RetransmissionTimeout,
            Timer::TimeWait => Stage::TimeWaitTimeout,
            Timer::Persist => Stage::PersistTimeout,
            Timer::KeepAlive => Stage::KeepAliveTimeout,
            Timer::FinWait2 => Stage::FinWait2Timeout,
            Timer::DelayedAck => Stage::DelayedAckTimeout,
        }
    }

    /// The check that follows when a rule says to continue; `None` after the last.
    #[must_use]
    pub const fn following(self) -> Option<Stage> {
        match self {
            Stage::SynSentAck => Some(Stage::SynSentRst),
            Stage::SynSentRst => Some(Stage::SynSentSyn),
            Stage::Reopen => Some(Stage::Sequence),
            Stage::Sequence => Some(Stage::Rst),
            Stage::Rst => Some(Stage::Security),
            Stage::Security => Some(Stage::Syn),
            Stage::Syn => Some(Stage::AckRange),
            Stage::AckRange => Some(Stage::Ack),
            Stage::Ack => Some(Stage::Window),
            Stage::Window => Some(Stage::AckOfFin),
            Stage::AckOfFin => Some(Stage::DeferredClose),
            Stage::DeferredClose => Some(Stage::Urg),
            Stage::Urg => Some(Stage::Text),
            Stage::Text => Some(Stage::Fin),
            Stage::Open
            | Stage::Send
            | Stage::Receive
            | Stage::Close
            | Stage::Release
            | Stage::Abort
            | Stage::Status
            | Stage::Closed
            | Stage::Listen
            | Stage::SynSentSyn
            | Stage::Fin
            | Stage::Sent
            | Stage::UserTimeout
            | Stage::RetransmissionTimeout
            | Stage::TimeWaitTimeout
            | Stage::PersistTimeout
            | Stage::KeepAliveTimeout
            | Stage::FinWait2Timeout
            | Stage::DelayedAckTimeout
            | Stage::Persist => None,
        }
    }
}

/// A guard: something that is or is not the case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Atom {
    /// The OPEN is active.
    Active(bool),
    /// The call names the remote socket.
    Remote(bool),
    /// The control bit is set.
    Has(Flag, bool),
    /// SEG.LEN counts text or a FIN.
    Carries(bool),
    /// There is text or a FIN to process: in the segment, or held since its SYN.
    Deliverable(bool),
    /// The segment has octets of text that RCV.NXT has not moved over.
    NewText(bool),
    /// SEG.SEQ passes the acceptability test (Table 6).
    Acceptable(bool),
    /// SEG.SEQ is of this class.
    Seq(SeqClass, bool),
    /// SEG.SEQ = RCV.NXT
    AtRcvNxt(bool),
    /// SEG.SEQ = IRS
    AtIrs(bool),
    /// SEG.SEQ > RCV.NXT: a SYN newer than all of the old incarnation.
    NewerThanRcvNxt(bool),
    /// SEG.ACK is of this class.
    Ack(AckClass, bool),
    /// SEG.SEQ and SEG.ACK are no older than SND.WL1 and SND.WL2.
    WindowNewer(bool),
    /// The urgent pointer announces more than is known.
    UrgentNews(bool),
    /// The connection came from LISTEN.
    Passive(bool),
    /// It was reopened from TIME-WAIT and its SYN has not proved new.
    Reopened(bool),
    /// Our SYN is acknowledged.
    SynAcked(bool),
    /// Our FIN is acknowledged.
    FinAcked(bool),
    /// The next FIN in order has arrived.
    FinReady(bool),
    /// What was sent ends with the FIN.
    SentFin(bool),
    /// All that was sent is acknowledged.
    AllAcked(bool),
    /// Text waits to be sent, or a FIN.
    SendPending(bool),
    /// The user has closed.
    CloseQueued(bool),
    /// The user is gone.
    UserGone(bool),
    /// Text on hand waits for the user.
    Unread(bool),
    /// SND.WND = 0
    WindowClosed(bool),
    /// The persist timer runs.
    Probing(bool),
    /// This segment may be answered: its sender needs it (text or a FIN, no SYN, no RST), or the bucket has a token.
    MayAnswer(bool),
    /// The segment's timestamp is of this class (RFC 7323).
    Timestamp(TimestampClass, bool),
    /// Somebody listens for new connections.
    Listening(bool),
    /// The host follows this optional part.
    Follows(Policy, bool),
}

/// Where a segment lies, relative to the receive window (RFC 9293 §3.10.7.4, Table 6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SeqClass {
    /// It begins at RCV.NXT and the window has room, or it occupies nothing.
    Exact,
    /// It begins inside the window, after RCV.NXT.
    Ahead,
    /// It begins before RCV.NXT and reaches into the window.
    Straddles,
    /// The window is closed, and the segment begins at RCV.NXT or one octet after it, or reaches RCV.NXT: not
    /// acceptable, but its ACK, URG and RST count.
    ZeroWindow,
    /// It ends at RCV.NXT with a FIN: the remote FIN once more.
    RepeatedFin,
    /// It ends at RCV.NXT without a FIN, and occupies something: text, or the SYN, once more.
    Repeated,
    /// It begins at RCV.NXT-1 and occupies nothing: a keep-alive, or a reset that has not heard of our ACK.
    JustBefore,
    /// It ends before RCV.NXT, and not so.
    Old,
    /// It begins where the window ends, at RCV.NXT+RCV.WND, and occupies nothing.
    RightEdge,
    /// It begins beyond the window, and not so.
    Beyond,
}

impl SeqClass {
    /// All ten.
    pub const ALL: [SeqClass; 10] = [
        SeqClass::Exact,
        SeqClass::Ahead,
        SeqClass::Straddles,
        SeqClass::ZeroWindow,
        SeqClass::RepeatedFin,
        SeqClass::Repeated,
        SeqClass::JustBefore,
        SeqClass::Old,
        SeqClass::RightEdge,
        SeqClass::Beyond,
    ];

    /// Whether the segment passes Table 6.
    #[must_use]
    pub const fn is_acceptable(self) -> bool {
        matches!(self, SeqClass::Exact | SeqClass::Ahead | SeqClass::Straddles)
    }
}

/// What an acknowledgment says, relative to SND.UNA and SND.NXT.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AckClass {
    /// There is no ACK bit.
    Missing,
    /// SEG.ACK < SND.UNA - MAX.SND.WND
    TooOld,
    /// SEG.ACK =< ISS, and no older than that: of what this connection has never sent, a *ghost*.
    NeverSent,
    /// SND.UNA - MAX.SND.WND =< SEG.ACK < SND.UNA, and ISS < SEG.ACK
    Old,
    /// SEG.ACK = SND.UNA
    Duplicate,
    /// SND.UNA < SEG.ACK =< SND.NXT
    New,
    /// SEG.ACK > SND.NXT
    Future,
}

impl AckClass {
    /// All seven.
    pub const ALL: [AckClass; 7] = [
        AckClass::Missing,
        AckClass::TooOld,
        AckClass::NeverSent,
        AckClass::Old,
        AckClass::Duplicate,
        AckClass::New,
        AckClass::Future,
    ];
}

/// What a segment's timestamp says, relative to TS.Recent (RFC 7323 §4.3, §5.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum TimestampClass {
    /// The connection has not agreed on timestamps.
    #[default]
    NotInUse,
    /// It has, and the segment carries none.
    Missing,
    /// SEG.TSval < TS.Recent, which is valid.
    Older,
    /// SEG.TSval = TS.Recent
    Same,
    /// SEG.TSval > TS.Recent, or TS.Recent is too long ago to say anything (§5.5).
    Newer,
}

impl TimestampClass {
    /// All five.
    pub const ALL: [TimestampClass; 5] = [
        TimestampClass::NotInUse,
        TimestampClass::Missing,
        TimestampClass::Older,
        TimestampClass::Same,
        TimestampClass::Newer,
    ];
}

/// A part of the RFC that an implementation may follow or not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Policy {
    /// RFC 5961: RST, SYN and ACK must be exact, else a challenge ACK (RFC 9293 §3.10.7.4, MAY-12).
    Rfc5961,
    /// RFC 1337, fix F1: a RST does not end TIME-WAIT.
    Rfc1337,
    /// RFC 9293 §3.6.1 (MAY-2): a new SYN may cut TIME-WAIT short.
    ReopenTimeWait,
}

impl Policy {
    /// All three.
    pub const ALL: [Policy; 3] = [Policy::Rfc5961, Policy::Rfc1337, Policy::ReopenTimeWait];

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// An action: one line of RFC prose.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Act {
    /// The connection's origin is this: from LISTEN (`true`) or an active OPEN.
    SetPassive(bool),
    /// Select an ISS; SND.UNA <- ISS, SND.NXT <- ISS+1.
    SelectIss(Room),
    /// IRS <- SEG.SEQ, RCV.NXT <- SEG.SEQ+1.
    RecordIrs,
    /// SND.WND <- SEG.WND, SND.WL1 <- SEG.SEQ, SND.WL2 <- SEG.ACK.
    SetWindow,
    /// SND.UNA <- SEG.ACK; what is thereby acknowledged leaves the retransmission queue, whose timer is restarted, or
    /// stopped when nothing is left in it (RFC 6298 (5.2), (5.3)).
    AdvanceUna,
    /// SND.NXT moves over what was sent; the retransmission timer runs (RFC 6298 (5.1)).
    AdvanceNxt,
    /// What was sent ended with our FIN.
    MarkFinSent,
    /// Queue the text of the user's SEND.
    QueueText,
    /// The user has closed: after the text on the queue comes a FIN.
    QueueClose,
    /// Nobody will RECEIVE any more.
    MarkUserGone,
    /// TS.Recent <- SEG.TSval, if the segment lies across what was last acknowledged (RFC 7323 §4.3).
    RecordTimestamp,
    /// Keep text and FIN of the SYN for later.
    HoldText,
    /// Take the text into the user's buffer, in order; RCV.NXT moves over what is in order.
    AcceptText,
    /// RCV.NXT moves over the FIN.
    AdvanceOverFin,
    /// RCV.UP <- max(RCV.UP, SEG.UP).
    RecordUrgent,
    /// Send a segment of this form.
    Emit(Form),
    /// Send an acknowledgment, this soon.
    Acknowledge(Urgency),
    /// Take a token for a suspicious segment's answer, if it needs one.
    TakeChallenge,
    /// Send the front of the retransmission queue again.
    Retransmit,
    /// Send one octet into the closed window.
    Probe,
    /// (Re)start a timer.
    Start(Timer),
    /// Stop a timer.
    Stop(Timer),
    /// Stop all timers.
    StopAll,
    /// Flush all queues.
    Flush,
    /// Tell the user.
    Signal(Signal),
    /// Return from the call.
    Reply(Reply),
    /// Delete the TCB: stop its timers and forget all its variables.
    Delete,
    /// Back to what a passive OPEN made: timers stopped, queues flushed, variables forgotten.
    ReenterListen,
    /// Remember SND.NXT and RCV.NXT of this incarnation, in case the SYN is an old duplicate.
    KeepPrevious,
    /// Return to the remembered incarnation's numbers.
    RestorePrevious,
    /// The SYN has proved new: forget the old incarnation.
    ForgetPrevious,
    /// Tell loss recovery what the segment acknowledges, selectively too, and if that is nothing new.
    HeedAck,
}

/// How an ISS is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Room {
    /// By the clock alone (§3.4.1).
    Anywhere,
    /// Larger than the largest sequence number of the previous incarnation (MAY-2).
    AbovePrevious,
}

/// The form of a control segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Form {
    /// `<SEQ=ISS><CTL=SYN>`
    Syn,
    /// `<SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>`
    SynAck,
    /// `<SEQ=SND.NXT-1><ACK=RCV.NXT><CTL=ACK>`
    KeepAlive,
    /// `<SEQ=SEG.ACK><CTL=RST>`
    RstFromAck,
    /// `<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>`
    RstFromSeq,
    /// `<SEQ=SND.NXT><CTL=RST>`
    RstNxt,
    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>`, which no RFC asks for
    RstNxtAck,
}
