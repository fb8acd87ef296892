//! The reference: the engine alone, with a host that counts where the stack buffers, and says what RFC 9293 says.
//!
//! It knows no bytes. *What* happens to a connection the table decides, for the reference as for the stack; *how much* is sent, and
//! when, the stack decides, and the reference says whether it might, whether it had to, and what the header then is.

mod turn;

use std::collections::VecDeque;

use lockstep::stack::{Failure, TcpConfig};
use lockstep::time::{Instant, Micros};
use lockstep_model::{
    Call, Challenge, Event, Flag, Flags, Reply, RuleId, Segment, Seq, SeqNum, State, Table, Tcb, TimeWaitTcb, Timer,
    step,
};

use crate::wire::Said;
use turn::Turn;

/// The MSS of the worlds' links: larger than anything sent, so that only windows cut text into pieces.
pub const MSS: u16 = 28;

/// One host's end of the one connection that a world is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The connection; CLOSED if there is none.
    pub tcb: Tcb<Seq>,
    pub counters: Counters,
    /// Somebody listens on the port.
    pub listens: bool,
    /// A user has the connection's name.
    pub held: bool,
    /// It waits to be accepted.
    is_child: bool,
}

/// What never changes about a host.
#[derive(Clone, Debug)]
pub struct Setting {
    pub table: &'static Table,
    pub config: TcpConfig,
    /// When its clock begins, and its ISS at that moment: the clock of §3.4.1 counts from there.
    pub epoch: Instant,
    pub first_iss: Seq,
}

/// What the host of a connection counts. Octets are counted from the first of the incarnation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Counters {
    /// Octets that the user has sent; that have left; that are acknowledged.
    pub queued: u32,
    pub sent: u32,
    pub acked: u32,
    /// Octets that arrived in order and wait for the user.
    pub unread: u32,
    /// RCV.WND.
    pub window: u32,
    /// Octets ahead of RCV.NXT: bit `i` for the one at RCV.NXT+i; and the distance of a FIN.
    ahead: u64,
    fin_ahead: Option<u32>,
    /// RCV.NXT has moved over the FIN.
    pub ended: bool,
    pub owed: Owed,
    /// Octets of text since an acknowledgment left.
    unacknowledged: u32,
    /// The timer of delayed acknowledgments runs.
    pub delayed_ack_runs: bool,
    /// Everything below may be sent again; and its first segment must be, now.
    resend_until: Option<Seq>,
    resend_now: bool,
    /// A probe must leave; some have left and the window has not opened since.
    probe: bool,
    probed: bool,
    syn_outstanding: bool,
    /// Retransmissions since anything was acknowledged.
    timeouts: u8,
    /// For each kind of suspicious segment.
    no_challenge_until: [Instant; Challenge::ALL.len()],
    keep_alives: u8,
    /// What the user is to be told about a bad end; the first reason counts.
    pub failure: Option<Failure>,
}

/// An acknowledgment that is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owed {
    No,
    Delayed,
    Now,
}

/// What came of one event.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub fired: Vec<RuleId>,
    /// Control segments that must leave before anything else.
    pub controls: VecDeque<Segment<Seq>>,
    pub reply: Option<Reply>,
    /// Text that waited for the user was thrown away.
    text_lost: bool,
}

impl Reference {
    /// Nothing, or a listener.
    pub fn new(setting: &Setting, listens: bool) -> Self {
        Reference {
            tcb: Tcb::closed(),
            counters: Counters::new(&setting.config),
            listens,
            held: false,
            is_child: false,
        }
    }

    /// The listener itself, of which each connection is a copy at first.
    fn listener(setting: &Setting, now: Instant) -> Self {
        let mut listener = Reference::new(setting, true);
        listener.step(setting, now, Event::Call(Call::OpenPassive), 0);
        listener
    }

    /// The same with times relative to `now`.
    pub fn project(&self, now: Instant) -> Self {
        Reference { counters: self.counters.project(now), ..self.clone() }
    }

    /// Whether segments find a connection here.
    pub fn is_bound(&self) -> bool {
        self.tcb.state() != State::Closed
    }

    /// A segment arrives: for the connection, else a listener's copy, else nobody.
    pub fn arrives(&mut self, setting: &Setting, now: Instant, segment: Segment<Seq>) -> Outcome {
        let event = Event::Arrives(segment);
        if !self.is_bound() {
            let mut child =
                if self.listens { Reference::listener(setting, now) } else { Reference::new(setting, false) };
            let outcome = child.step(setting, now, event, segment.text);
            child.after_arrival();
            if child.is_bound() {
                *self = Reference { is_child: true, ..child };
            }
            return outcome;
        }
        let outcome = self.step(setting, now, event, segment.text);
        // A connection reopened from TIME-WAIT is a new one (MAY-2); back there, it is nobody's again.
        self.is_child = self.is_child && self.tcb.state() != State::TimeWait || self.tcb.reopened();
        self.after_arrival();
        outcome
    }

    /// All has been said. The stack packs a connection in TIME-WAIT that nobody owns and that has nothing for anybody, and
    /// forgets what does nothing there.
    pub fn lay_to_rest(&mut self) {
        if !self.held
            && self.counters.unread == 0
            && let Some(packed) = TimeWaitTcb::pack(&self.tcb)
        {
            self.tcb = packed.expand();
        }
    }

    /// A user has accepted it.
    pub fn accepted(&mut self) {
        (self.held, self.is_child) = (true, false);
    }

    /// A user's call. Opening begins with empty buffers.
    pub fn call(&mut self, setting: &Setting, now: Instant, call: Call) -> Outcome {
        match call {
            Call::OpenActive { .. } if !self.is_bound() => self.counters = Counters::new(&setting.config),
            Call::Release => self.held = false,
            Call::Abort => {
                self.counters.failure.get_or_insert(Failure::Aborted);
            }
            Call::OpenPassive
            | Call::OpenActive { .. }
            | Call::Send { .. }
            | Call::Receive
            | Call::Close
            | Call::Status => {}
        }
        self.step(setting, now, Event::Call(call), 0)
    }

    /// SEND of so many octets.
    pub fn send(&mut self, setting: &Setting, now: Instant, octets: u32) -> Outcome {
        self.step(setting, now, Event::Call(Call::Send { remote: true }), octets)
    }

    /// A passive OPEN where somebody listens.
    pub fn listen_again(&self, setting: &Setting, now: Instant) -> Outcome {
        Reference::listener(setting, now).step(setting, now, Event::Call(Call::OpenPassive), 0)
    }

    /// The listener is closed; a connection that waits to be accepted is aborted.
    pub fn stop_listening(&mut self, setting: &Setting, now: Instant) -> Outcome {
        let mut outcome = Reference::listener(setting, now).step(setting, now, Event::Call(Call::Close), 0);
        self.listens = false;
        if self.is_bound() && self.is_child {
            let aborted = self.step(setting, now, Event::Call(Call::Abort), 0);
            outcome.fired.extend(aborted.fired);
            outcome.controls.extend(aborted.controls);
        }
        outcome
    }

    /// The stack's clock has come to the deadline of this timer; nothing happens if the table no longer has it running.
    pub fn timeout(&mut self, setting: &Setting, now: Instant, timer: Timer) -> Outcome {
        let in_vain = self.answers_in_vain(setting);
        let counters = &mut self.counters;
        let timer = match timer {
            Timer::Retransmit | Timer::Persist | Timer::TimeWait | Timer::FinWait2 if !self.tcb.armed(timer) => {
                return Outcome::default();
            }
            Timer::Retransmit if in_vain => Timer::User,
            Timer::Retransmit => {
                let probes = self.tcb.window_known() && self.tcb.snd_wnd() == 0;
                counters.probed |= probes;
                counters.timeouts += u8::from(!probes);
                timer
            }
            // R2 comes after R1 (RFC 9293 §3.8.3).
            Timer::User if counters.timeouts <= setting.config.r1 && self.tcb.armed(Timer::Retransmit) => {
                return Outcome::default();
            }
            Timer::DelayedAck if !std::mem::take(&mut counters.delayed_ack_runs) => return Outcome::default(),
            Timer::KeepAlive => {
                let probes = setting.config.keep_alive.map_or(0, |keep_alive| keep_alive.probes);
                let in_vain = counters.keep_alives >= probes;
                counters.keep_alives += 1;
                if in_vain { Timer::User } else { timer }
            }
            Timer::Persist | Timer::TimeWait | Timer::FinWait2 | Timer::User | Timer::DelayedAck => timer,
        };
        self.step(setting, now, Event::Timeout(timer), 0)
    }

    /// A listener's SYN,ACK has been sent again often enough.
    fn answers_in_vain(&self, setting: &Setting) -> bool {
        let half_open_child = self.tcb.state() == State::SynReceived && self.tcb.is_passive();
        half_open_child && self.counters.timeouts >= setting.config.listen.syn_ack_retries
    }

    /// The user takes `octets` of text; a window that can open wide is announced (RFC 9293 §3.8.6.2.2).
    pub fn read(&mut self, setting: &Setting, octets: u32) {
        self.counters.unread -= octets;
        if self.is_bound() && !self.counters.ended && self.counters.wider_window(&setting.config).is_some() {
            self.counters.owed = Owed::Now;
        }
    }

    fn step(&mut self, setting: &Setting, now: Instant, event: Event<Seq>, given: u32) -> Outcome {
        // Only a connection that nobody holds, and that has nothing for anybody, can become another one.
        let listening = self.listens && !self.held && self.counters.unread == 0;
        let outcome = Outcome::default();
        let mut turn = Turn { counters: &mut self.counters, setting, now, listening, given, outcome };
        let fired = step(setting.table, &mut self.tcb, event, &mut turn);
        let outcome = Outcome { fired: fired.iter().collect(), ..turn.outcome };
        // A user who finds less than was acknowledged must not take it for the end (RFC 9293 MUST-12).
        if outcome.text_lost {
            self.counters.failure.get_or_insert(Failure::Reset);
        }
        if matches!(event, Event::Arrives(_)) && self.tcb.state() == State::Listen {
            // The parent still listens; the child is forgotten.
            self.tcb = Tcb::closed();
        }
        if !self.is_bound() {
            self.counters.fall_silent();
        }
        outcome
    }

    /// What a host does on its own when a segment has been processed: an open window ends probing, and who is heard is alive.
    fn after_arrival(&mut self) {
        if self.tcb.snd_wnd() > 0 {
            self.counters.probe = false;
            if std::mem::take(&mut self.counters.probed) && self.tcb.armed(Timer::Retransmit) {
                (self.counters.resend_until, self.counters.resend_now) = (Some(self.tcb.snd_nxt()), true);
            }
        }
        if self.tcb.syn_acked() {
            self.counters.keep_alives = 0;
        }
    }

    // ---- What the stack puts on the wire -----------------------------------------------------------------------------

    /// The stack says this of its own accord. Returns what it should have said, and what its transmission did, if it might.
    pub fn transmits(
        &mut self,
        setting: &Setting,
        now: Instant,
        said: &Said,
    ) -> Result<(Segment<Seq>, Outcome), String> {
        if !self.is_bound() {
            return Err(format!("{} of nobody", said.segment));
        }
        let Segment { seq, text, .. } = said.segment;
        let fin = said.segment.has(Flag::Fin);
        let offset = match (text, fin) {
            (0, false) if self.counters.owed != Owed::Now => return Err(format!("{} was not asked for", said.segment)),
            (0, false) => None,
            _ if seq == self.tcb.snd_nxt() => Some(self.may_send(text, fin)?),
            _ => Some(self.may_resend(seq, text, fin)?),
        };
        if let Some(wider) = self.counters.wider_window(&setting.config) {
            self.counters.window = wider;
        }
        let fresh = seq == self.tcb.snd_nxt() && offset.is_some();
        let seq = offset.map_or(self.tcb.snd_nxt(), |_| seq);
        // The last of what is buffered is pushed (MUST-61).
        let push = text > 0 && offset.is_some_and(|offset| offset + text == self.counters.queued);
        let flags = if fin { Flags::FIN_ACK } else { Flags::ACK };
        let flags = if push { flags.with(Flag::Psh) } else { flags };
        let right = Segment { text, ..Segment::control(seq, self.tcb.rcv_nxt(), flags, self.counters.window) };
        self.counters.acknowledged();
        if !fresh {
            return Ok((right, Outcome::default()));
        }
        self.counters.sent += text;
        Ok((right, self.step(setting, now, Event::Sent { text, fin }, 0)))
    }

    /// The place in the user's text of what begins at `seq`.
    pub fn place(&self, seq: Seq) -> u32 {
        seq.forward_from(self.tcb.iss().plus(1))
    }

    /// Text and FIN never sent before fit the window, but for a probe (RFC 9293 §3.8.6.1).
    fn may_send(&mut self, text: u32, fin: bool) -> Result<u32, String> {
        let Counters { queued, sent, .. } = self.counters;
        let probe = std::mem::take(&mut self.counters.probe) && text + u32::from(fin) == 1;
        let fits = text + u32::from(fin) <= self.tcb.usable_window();
        let is_next = text <= queued - sent && (!fin || (self.tcb.fin_due() && sent + text == queued));
        if self.tcb.may_send_text() && is_next && (probe || fits) {
            Ok(sent)
        } else {
            Err(format!("it may not send {text} octets of text, FIN: {fin}"))
        }
    }

    /// What has been sent and is not acknowledged may be sent again after a timeout.
    fn may_resend(&mut self, seq: Seq, text: u32, fin: bool) -> Result<u32, String> {
        let until = self.counters.resend_until.ok_or("it sends again what is not due")?;
        let place = self.place(seq);
        let inside = !seq.before(self.tcb.snd_una()) && !seq.plus(text + u32::from(fin)).after(until);
        let fin_fits = !fin || (self.tcb.fin_sent() && place + text == self.counters.sent);
        if !inside || place + text > self.counters.sent || !fin_fits {
            return Err(format!("{text} octets of text at {place}, FIN: {fin}, are not what was sent"));
        }
        self.counters.resend_now &= seq != self.tcb.snd_una();
        Ok(place)
    }

    /// Nothing is left that had to leave at once (Nagle's algorithm is off).
    pub fn has_said_all(&self) -> Result<(), String> {
        let Counters { queued, sent, owed, resend_now, probe, .. } = self.counters;
        let unsent = queued - sent;
        let waits = self.tcb.may_send_text() && (unsent > 0 || self.tcb.fin_due());
        let usable = self.tcb.usable_window();
        let fin_fits = self.tcb.fin_due() && unsent == 0 && usable > 0;
        if self.is_bound() && owed == Owed::Now {
            return Err("an acknowledgment is owed".to_owned());
        }
        if resend_now {
            return Err("the front of the retransmission queue is due".to_owned());
        }
        if waits && (probe || (unsent > 0 && unsent <= usable) || fin_fits) {
            return Err(format!("{unsent} octets, or a FIN, are withheld from a window of {usable}"));
        }
        Ok(())
    }
}

impl Counters {
    fn new(config: &TcpConfig) -> Self {
        Counters {
            queued: 0,
            sent: 0,
            acked: 0,
            unread: 0,
            window: capacity(config),
            ahead: 0,
            fin_ahead: None,
            ended: false,
            owed: Owed::No,
            unacknowledged: 0,
            delayed_ack_runs: false,
            resend_until: None,
            resend_now: false,
            probe: false,
            probed: false,
            syn_outstanding: false,
            timeouts: 0,
            no_challenge_until: [Instant::ZERO; Challenge::ALL.len()],
            keep_alives: 0,
            failure: None,
        }
    }

    fn project(&self, now: Instant) -> Self {
        let ahead = |at: Instant| Instant::ZERO + at.since(now);
        Counters { no_challenge_until: self.no_challenge_until.map(ahead), ..self.clone() }
    }

    /// Receiver's silly window syndrome avoidance (RFC 9293 §3.8.6.2.2): the window that may be offered, if it is worth it.
    fn wider_window(&self, config: &TcpConfig) -> Option<u32> {
        let space = capacity(config) - self.unread;
        let worthwhile = u32::from(MSS).min(capacity(config) / 2).max(1);
        // The FIN took a number that no octet needs.
        (space - self.window >= worthwhile).then_some(space)
    }

    fn acknowledged(&mut self) {
        (self.owed, self.unacknowledged, self.delayed_ack_runs) = (Owed::No, 0, false);
    }

    fn fall_silent(&mut self) {
        self.acknowledged();
        (self.resend_until, self.resend_now) = (None, false);
    }
}

fn capacity(config: &TcpConfig) -> u32 {
    u32::try_from(config.receive_buffer).unwrap_or(u32::MAX)
}

/// Beyond the last incarnation's numbers the next one's begin at least so far on: more than any window.
pub const ISS_GAP: u32 = 1 << 17;

/// The clock of initial sequence numbers ticks every 4 microseconds (RFC 9293 §3.4.1).
pub const ISS_TICK: Micros = Micros::new(4);
