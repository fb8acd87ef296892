//! The words of the table in the notation of the RFC: what a reader of §3.10 would call them.
//!
//! Notation that stands in backticks (`SEG.ACK > SND.NXT`) is the RFC's own.

use super::relation::Cause;
use crate::event::{Reply, Signal, Timer, Urgency};
use crate::segment::Flag;
use crate::state::{State, StateSet};
use crate::table::{AckClass, Act, Atom, Flow, Form, Kind, Next, Policy, Room, Rule, SeqClass, Stage, TimestampClass};

/// The section of RFC 9293 that a stage belongs to, and its title.
#[must_use]
pub const fn section(stage: Stage) -> (&'static str, &'static str) {
    match stage {
        Stage::Open => ("3.10.1", "OPEN Call"),
        Stage::Send => ("3.10.2", "SEND Call"),
        Stage::Receive => ("3.10.3", "RECEIVE Call"),
        Stage::Close => ("3.10.4", "CLOSE Call"),
        Stage::Release => ("3.6.1", "Half-Closed Connections: the user is gone"),
        Stage::Abort => ("3.10.5", "ABORT Call"),
        Stage::Status => ("3.10.6", "STATUS Call"),
        Stage::Closed => ("3.10.7.1", "SEGMENT ARRIVES, CLOSED STATE"),
        Stage::Listen => ("3.10.7.2", "SEGMENT ARRIVES, LISTEN STATE"),
        Stage::SynSentAck | Stage::SynSentRst | Stage::SynSentSyn => ("3.10.7.3", "SEGMENT ARRIVES, SYN-SENT STATE"),
        Stage::Reopen
        | Stage::Sequence
        | Stage::Rst
        | Stage::Security
        | Stage::Syn
        | Stage::AckRange
        | Stage::Ack
        | Stage::Window
        | Stage::AckOfFin
        | Stage::DeferredClose
        | Stage::Urg
        | Stage::Text
        | Stage::Fin => ("3.10.7.4", "SEGMENT ARRIVES, Other States"),
        Stage::Sent => ("3.7", "Segmentation: what was really sent"),
        Stage::UserTimeout
        | Stage::RetransmissionTimeout
        | Stage::TimeWaitTimeout
        | Stage::PersistTimeout
        | Stage::KeepAliveTimeout
        | Stage::FinWait2Timeout
        | Stage::DelayedAckTimeout => ("3.10.8", "Timeouts"),
        Stage::Persist => ("3.8.6.1", "Zero-Window Probing: after every event"),
    }
}

/// What is checked at a stage, if its section has several.
#[must_use]
pub const fn check(stage: Stage) -> Option<&'static str> {
    match stage {
        Stage::Open
        | Stage::Send
        | Stage::Receive
        | Stage::Close
        | Stage::Release
        | Stage::Abort
        | Stage::Status
        | Stage::Closed
        | Stage::Listen
        | Stage::Sent
        | Stage::Persist => None,
        Stage::SynSentAck => Some("First, check the ACK bit"),
        Stage::SynSentRst => Some("Second, check the RST bit"),
        Stage::SynSentSyn => Some("Fourth, check the SYN bit"),
        Stage::Reopen => Some("Before all: a SYN in TIME-WAIT (MAY-2)"),
        Stage::Sequence => Some("First, check sequence number"),
        Stage::Rst => Some("Second, check the RST bit"),
        Stage::Security => Some("Third, check security"),
        Stage::Syn => Some("Fourth, check the SYN bit"),
        Stage::AckRange => Some("Fifth, check the ACK field: its range"),
        Stage::Ack => Some("Fifth, check the ACK field: what it acknowledges"),
        Stage::Window => Some("Fifth, check the ACK field: the send window"),
        Stage::AckOfFin => Some("Fifth, check the ACK field: is our FIN acknowledged"),
        Stage::DeferredClose => Some("A CLOSE that waited for ESTABLISHED"),
        Stage::Urg => Some("Sixth, check the URG bit"),
        Stage::Text => Some("Seventh, process the segment text"),
        Stage::Fin => Some("Eighth, check the FIN bit"),
        Stage::UserTimeout => Some("User timeout"),
        Stage::RetransmissionTimeout => Some("Retransmission timeout"),
        Stage::TimeWaitTimeout => Some("Time-wait timeout"),
        Stage::PersistTimeout => Some("Persist timeout (§3.8.6.1)"),
        Stage::KeepAliveTimeout => Some("Keep-alive timeout (§3.8.4)"),
        Stage::FinWait2Timeout => Some("FIN-WAIT-2 timeout (§3.6.1)"),
        Stage::DelayedAckTimeout => Some("Delayed-acknowledgment timeout (§3.8.6.3)"),
    }
}

/// A set of states: by name, in a word where the RFC has one, or by what is not in it where that is shorter.
#[must_use]
pub fn states(set: StateSet) -> String {
    let names = |states: Vec<State>| states.into_iter().map(State::name).collect::<Vec<_>>().join(", ");
    let missing: Vec<State> = State::ALL.into_iter().filter(|&state| !set.has(state)).collect();
    if missing.is_empty() {
        "any".to_owned()
    } else if set == StateSet::SYNCHRONIZED {
        "the synchronized states".to_owned()
    } else if missing.len() <= 3 {
        format!("any but {}", names(missing))
    } else {
        names(set.iter().collect())
    }
}

/// What a guard says.
#[must_use]
pub fn guard(atom: Atom) -> String {
    match atom {
        Atom::Active(is) => choose(is, "the OPEN is active", "the OPEN is passive"),
        Atom::Remote(is) => choose(is, "remote socket specified", "remote socket unspecified"),
        Atom::Has(flag, is) => format!("{} bit {}", control_bit(flag), if is { "on" } else { "off" }),
        Atom::Carries(is) => choose(is, "text or a FIN in the segment", "neither text nor a FIN in the segment"),
        Atom::Deliverable(is) => choose(is, "text or a FIN to process", "neither text nor a FIN to process"),
        Atom::NewText(is) => choose(is, "text after `RCV.NXT`", "no text after `RCV.NXT`"),
        Atom::Acceptable(is) => choose(is, "the segment is acceptable", "the segment is not acceptable"),
        Atom::Seq(class, is) => either(is, sequence(class)),
        Atom::AtRcvNxt(is) => choose(is, "`SEG.SEQ = RCV.NXT`", "`SEG.SEQ` ≠ `RCV.NXT`"),
        Atom::AtIrs(is) => choose(is, "`SEG.SEQ = IRS`", "`SEG.SEQ` ≠ `IRS`"),
        Atom::NewerThanRcvNxt(is) => choose(is, "`SEG.SEQ > RCV.NXT`", "`SEG.SEQ =< RCV.NXT`"),
        Atom::Ack(class, is) => either(is, acknowledgment(class)),
        Atom::WindowNewer(is) => either(is, "`SND.WL1 < SEG.SEQ`, or `SND.WL1 = SEG.SEQ` and `SND.WL2 =< SEG.ACK`"),
        Atom::UrgentNews(is) => choose(is, "the urgent pointer is news", "the urgent pointer is no news"),
        Atom::Passive(is) => choose(is, "came from LISTEN", "came from SYN-SENT"),
        Atom::Reopened(is) => choose(is, "reopened from TIME-WAIT", "not reopened from TIME-WAIT"),
        Atom::SynAcked(is) => choose(is, "our SYN is acknowledged", "our SYN is not acknowledged"),
        Atom::FinAcked(is) => choose(is, "our FIN is acknowledged", "our FIN is not acknowledged"),
        Atom::FinReady(is) => choose(is, "the FIN is next in order", "no FIN is next in order"),
        Atom::SentFin(is) => choose(is, "our FIN was sent", "no FIN was sent"),
        Atom::AllAcked(is) => choose(is, "`SND.UNA = SND.NXT`", "`SND.UNA < SND.NXT`"),
        Atom::SendPending(is) => choose(is, "text or our FIN waits to be sent", "nothing waits to be sent"),
        Atom::CloseQueued(is) => choose(is, "the user has closed", "the user has not closed"),
        Atom::UserGone(is) => choose(is, "the user is gone", "the user is there"),
        Atom::Unread(is) => choose(is, "text waits for the user", "no text waits for the user"),
        Atom::WindowClosed(is) => choose(is, "`SND.WND = 0`", "`SND.WND > 0`"),
        Atom::Probing(is) => choose(is, "the persist timer runs", "the persist timer is off"),
        Atom::MayAnswer(is) => choose(is, "it may be answered", "it may not be answered: throttled"),
        Atom::Timestamp(class, is) => either(is, timestamp(class)),
        Atom::Listening(is) => choose(is, "somebody listens", "nobody listens"),
        Atom::Follows(policy, is) => choose(is, follows(policy), ignores(policy)),
    }
}

fn choose(is: bool, yes: &str, no: &str) -> String {
    if is { yes.to_owned() } else { no.to_owned() }
}

fn either(is: bool, what: &str) -> String {
    if is { what.to_owned() } else { format!("not ({what})") }
}

const fn control_bit(flag: Flag) -> &'static str {
    match flag {
        Flag::Fin => "FIN",
        Flag::Syn => "SYN",
        Flag::Rst => "RST",
        Flag::Psh => "PSH",
        Flag::Ack => "ACK",
        Flag::Urg => "URG",
    }
}

const fn sequence(class: SeqClass) -> &'static str {
    match class {
        SeqClass::Exact => "`SEG.SEQ = RCV.NXT`, in the window",
        SeqClass::Ahead => "`RCV.NXT < SEG.SEQ < RCV.NXT+RCV.WND`",
        SeqClass::Straddles => "`SEG.SEQ < RCV.NXT < SEG.SEQ+SEG.LEN`",
        SeqClass::ZeroWindow => "`RCV.WND = 0`, `SEG.SEQ` at `RCV.NXT` or the segment reaches it",
        SeqClass::RepeatedFin => "`SEG.SEQ+SEG.LEN = RCV.NXT` with a FIN",
        SeqClass::Repeated => "`SEG.SEQ+SEG.LEN = RCV.NXT` without a FIN",
        SeqClass::JustBefore => "`SEG.SEQ = RCV.NXT-1`, `SEG.LEN = 0`",
        SeqClass::Old => "`SEG.SEQ+SEG.LEN < RCV.NXT`, old",
        SeqClass::RightEdge => "`SEG.SEQ = RCV.NXT+RCV.WND`, `SEG.LEN = 0`",
        SeqClass::Beyond => "`SEG.SEQ >= RCV.NXT+RCV.WND`",
    }
}

const fn timestamp(class: TimestampClass) -> &'static str {
    match class {
        TimestampClass::NotInUse => "no timestamps in use",
        TimestampClass::Missing => "no timestamp, though in use",
        TimestampClass::Older => "`SEG.TSval < TS.Recent`",
        TimestampClass::Same => "`SEG.TSval = TS.Recent`",
        TimestampClass::Newer => "`SEG.TSval > TS.Recent`",
    }
}

const fn acknowledgment(class: AckClass) -> &'static str {
    match class {
        AckClass::Missing => "ACK bit off",
        AckClass::TooOld => "`SEG.ACK < SND.UNA-MAX.SND.WND`",
        AckClass::NeverSent => "`SEG.ACK =< ISS`, never sent",
        AckClass::Old => "`SND.UNA-MAX.SND.WND =< SEG.ACK < SND.UNA`, once sent",
        AckClass::Duplicate => "`SEG.ACK = SND.UNA`",
        AckClass::New => "`SND.UNA < SEG.ACK =< SND.NXT`",
        AckClass::Future => "`SEG.ACK > SND.NXT`",
    }
}

const fn follows(policy: Policy) -> &'static str {
    match policy {
        Policy::Rfc5961 => "RFC 5961 is followed",
        Policy::Rfc1337 => "RFC 1337 (F1) is followed",
        Policy::ReopenTimeWait => "MAY-2 is followed",
    }
}

const fn ignores(policy: Policy) -> &'static str {
    match policy {
        Policy::Rfc5961 => "RFC 5961 is not followed",
        Policy::Rfc1337 => "RFC 1337 (F1) is not followed",
        Policy::ReopenTimeWait => "MAY-2 is not followed",
    }
}

/// What an action does.
#[must_use]
pub fn action(act: Act) -> String {
    match act {
        Act::SetPassive(is) => choose(is, "the connection is passive", "the connection is active"),
        Act::SelectIss(room) => iss(room).to_owned(),
        Act::Emit(form) => format!("send `{}`", self::form(form)),
        Act::Acknowledge(urgency) => acknowledge(urgency).to_owned(),
        Act::Start(timer) => format!("start the {}", self::timer(timer)),
        Act::Stop(timer) => format!("stop the {}", self::timer(timer)),
        Act::Signal(signal) => format!("signal \"{}\"", self::signal(signal)),
        Act::Reply(reply) => format!("return \"{}\"", self::reply(reply)),
        Act::RecordIrs => "`IRS <- SEG.SEQ`, `RCV.NXT <- SEG.SEQ+1`".to_owned(),
        Act::SetWindow => "`SND.WND <- SEG.WND`, `SND.WL1 <- SEG.SEQ`, `SND.WL2 <- SEG.ACK`".to_owned(),
        Act::AdvanceUna => "`SND.UNA <- SEG.ACK`".to_owned(),
        Act::AdvanceNxt => "`SND.NXT` moves over what was sent".to_owned(),
        Act::MarkFinSent => "our FIN is sent".to_owned(),
        Act::QueueText => "queue the text".to_owned(),
        Act::QueueClose => "queue our FIN".to_owned(),
        Act::MarkUserGone => "the user is gone".to_owned(),
        Act::RecordTimestamp => "`TS.Recent <- SEG.TSval`, if not older and `SEG.SEQ =< Last.ACK.sent`".to_owned(),
        Act::HoldText => "hold text and FIN for later".to_owned(),
        Act::AcceptText => "take the text, `RCV.NXT` moves over what is in order".to_owned(),
        Act::AdvanceOverFin => "`RCV.NXT` moves over the FIN".to_owned(),
        Act::RecordUrgent => "`RCV.UP <- max(RCV.UP,SEG.UP)`".to_owned(),
        Act::TakeChallenge => "the answer counts against the throttle".to_owned(),
        Act::Retransmit => "retransmit the front of the queue".to_owned(),
        Act::Probe => "probe the closed window".to_owned(),
        Act::StopAll => "stop all timers".to_owned(),
        Act::Flush => "flush all queues".to_owned(),
        Act::Delete => "delete TCB".to_owned(),
        Act::ReenterListen => "delete all but the passive OPEN".to_owned(),
        Act::KeepPrevious => "remember the old incarnation's numbers".to_owned(),
        Act::RestorePrevious => "return to the old incarnation's numbers".to_owned(),
        Act::ForgetPrevious => "forget the old incarnation".to_owned(),
        Act::HeedAck => "tell loss recovery".to_owned(),
    }
}

const fn iss(room: Room) -> &'static str {
    match room {
        Room::Anywhere => "select ISS, `SND.UNA <- ISS`, `SND.NXT <- ISS+1`",
        Room::AbovePrevious => "select ISS above the old incarnation, `SND.UNA <- ISS`, `SND.NXT <- ISS+1`",
    }
}

const fn acknowledge(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Delayable => "acknowledge, perhaps later",
        Urgency::Now => "send `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`",
    }
}

/// A control segment, as the RFC writes it.
#[must_use]
pub const fn form(form: Form) -> &'static str {
    match form {
        Form::Syn => "<SEQ=ISS><CTL=SYN>",
        Form::SynAck => "<SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>",
        Form::KeepAlive => "<SEQ=SND.NXT-1><ACK=RCV.NXT><CTL=ACK>",
        Form::RstFromAck => "<SEQ=SEG.ACK><CTL=RST>",
        Form::RstFromSeq => "<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>",
        Form::RstNxt => "<SEQ=SND.NXT><CTL=RST>",
        Form::RstNxtAck => "<SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>",
    }
}

const fn timer(timer: Timer) -> &'static str {
    match timer {
        Timer::Retransmit => "retransmission timer",
        Timer::Persist => "persist timer",
        Timer::TimeWait => "time-wait timer",
        Timer::FinWait2 => "FIN-WAIT-2 timer",
        Timer::User => "user timer",
        Timer::KeepAlive => "keep-alive timer",
        Timer::DelayedAck => "delayed-acknowledgment timer",
    }
}

const fn signal(signal: Signal) -> &'static str {
    match signal {
        Signal::Established => "connection established",
        Signal::Closing => "connection closing",
        Signal::CloseComplete => "ok: all is delivered",
        Signal::Urgent => "urgent data",
        Signal::Refused => "connection refused",
        Signal::Reset => "connection reset",
        Signal::UserTimeout => "error: connection aborted due to user timeout",
    }
}

const fn reply(reply: Reply) -> &'static str {
    match reply {
        Reply::Ok => "ok",
        Reply::Queued => "queued",
        Reply::Deliver => "text, now or when it arrives",
        Reply::State => "the state",
        Reply::DoesNotExist => "error: connection does not exist",
        Reply::AlreadyExists => "error: connection already exists",
        Reply::RemoteUnspecified => "error: remote socket unspecified",
        Reply::Closing => "error: connection closing",
    }
}

/// The state afterwards; nothing if it stays.
#[must_use]
pub const fn next(next: Next) -> &'static str {
    match next {
        Next::Stay => "",
        Next::To(state) => state.name(),
    }
}

/// Where the event goes on.
#[must_use]
pub fn flow(rule: &Rule) -> String {
    match rule.flow {
        Flow::Continue => rule.stage.following().map_or_else(|| "return".to_owned(), |_| "continue".to_owned()),
        Flow::Done => "return".to_owned(),
        Flow::Jump(stage) => format!("go to \"{}\"", check(stage).unwrap_or(section(stage).1)),
    }
}

/// What a rule is, compared with the words it cites.
#[must_use]
pub fn kind(kind: Kind) -> String {
    match kind {
        Kind::Literal => "literal".to_owned(),
        Kind::Erratum(number) => format!("erratum {number}"),
        Kind::Updated(doc) => format!("RFC {}", doc.number()),
        Kind::Repair { defect, why, counterexample } => format!("repair of {defect}: {why} ({counterexample})"),
        Kind::Deviation { id } => format!("deviation {id}"),
    }
}

/// An event in the words of Figure 5.
#[must_use]
pub const fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::PassiveOpen => "passive OPEN",
        Cause::ActiveOpen => "active OPEN",
        Cause::Send => "SEND",
        Cause::Receive => "RECEIVE",
        Cause::Close => "CLOSE",
        Cause::Release => "CLOSE for good",
        Cause::Abort => "ABORT",
        Cause::Status => "STATUS",
        Cause::QueuedClose => "queued CLOSE",
        Cause::FinSent => "FIN sent",
        Cause::Syn => "rcv SYN",
        Cause::SynAck => "rcv SYN,ACK",
        Cause::AckOfSyn => "rcv ACK of SYN",
        Cause::AckOfFin => "rcv ACK of FIN",
        Cause::Fin => "rcv FIN",
        Cause::Rst => "rcv RST",
        Cause::Text => "rcv text",
        Cause::Other => "rcv segment",
        Cause::Timeout(Timer::TimeWait) => "Timeout=2MSL",
        Cause::Timeout(Timer::User) => "user timeout",
        Cause::Timeout(Timer::FinWait2) => "FIN-WAIT-2 timeout",
        Cause::Timeout(Timer::Retransmit) => "retransmission timeout",
        Cause::Timeout(Timer::Persist) => "persist timeout",
        Cause::Timeout(Timer::KeepAlive) => "keep-alive timeout",
        Cause::Timeout(Timer::DelayedAck) => "delayed-acknowledgment timeout",
    }
}

/// An action in the words of Figure 5, if it is one that a figure shows.
#[must_use]
pub const fn deed(act: Act) -> Option<&'static str> {
    match act {
        Act::Emit(Form::Syn) => Some("snd SYN"),
        Act::Emit(Form::SynAck) => Some("snd SYN,ACK"),
        Act::Emit(Form::KeepAlive) => Some("snd keep-alive"),
        Act::Emit(Form::RstFromAck | Form::RstFromSeq | Form::RstNxt | Form::RstNxtAck) => Some("snd RST"),
        Act::Acknowledge(_) => Some("snd ACK"),
        Act::QueueClose => Some("queue FIN"),
        Act::Delete => Some("delete TCB"),
        Act::KeepPrevious => Some("keep old numbers"),
        Act::RestorePrevious => Some("restore old numbers"),
        Act::SetPassive(_)
        | Act::SelectIss(_)
        | Act::RecordIrs
        | Act::SetWindow
        | Act::AdvanceUna
        | Act::AdvanceNxt
        | Act::MarkFinSent
        | Act::QueueText
        | Act::MarkUserGone
        | Act::RecordTimestamp
        | Act::HoldText
        | Act::AcceptText
        | Act::AdvanceOverFin
        | Act::RecordUrgent
        | Act::TakeChallenge
        | Act::Retransmit
        | Act::Probe
        | Act::Start(_)
        | Act::Stop(_)
        | Act::StopAll
        | Act::Flush
        | Act::Signal(_)
        | Act::Reply(_)
        | Act::ReenterListen
        | Act::ForgetPrevious
        | Act::HeedAck => None,
    }
}
