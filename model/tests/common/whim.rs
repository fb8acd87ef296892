//! A host that answers as it likes, within its contract, and what may happen to its connection: for random walks.

use lockstep_model::table::TimestampClass;
use lockstep_model::{
    Accepted, Call, Challenge, Event, Flag, Flags, Host, Policy, Reply, Segment, SeqNum, Signal, State, Tcb, Timer,
    Urgency,
};

/// The host. Two that are equal answer equally.
#[derive(Clone, PartialEq, Debug)]
pub struct Whim<S: SeqNum> {
    dice: Dice,
    rcv_wnd: u32,
    follows: [bool; 3],
    unsent: bool,
    unread: bool,
    holds_next: bool,
    may_challenge: bool,
    timestamp: TimestampClass,
    has_listener: bool,
    /// What it was asked for since it last changed its mind, and what the connection was then.
    pub log: Vec<(Effect<S>, Option<Tcb<S>>)>,
}

/// Something that the engine asks a host for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Effect<S: SeqNum> {
    Iss(Option<S>),
    Emit(Segment<S>),
    Acknowledge(Urgency),
    TakeChallenge(Challenge),
    QueueText,
    Synchronized(Segment<S>),
    RecordTimestamp(Segment<S>),
    Hold(Segment<S>),
    Accept(Segment<S>),
    FinReceived,
    Acked(S),
    Retransmit,
    Probe,
    Flush,
    Start(Timer),
    Stop(Timer),
    Signal(Signal),
    Reply(Reply),
}

impl<S: SeqNum> Whim<S> {
    /// Each seed makes another one.
    pub fn new(seed: u64) -> Self {
        Whim {
            dice: Dice::new(seed),
            rcv_wnd: 0,
            follows: [false; 3],
            unsent: false,
            unread: false,
            holds_next: false,
            may_challenge: false,
            timestamp: TimestampClass::NotInUse,
            has_listener: false,
            log: Vec::new(),
        }
    }

    /// What may be different at each event.
    pub fn change_mind(&mut self) {
        self.log.clear();
        self.rcv_wnd = self.dice.among([0, 1, 2, 4]);
        self.follows = [(); 3].map(|()| self.dice.one_in(2));
        self.unread = self.dice.one_in(4);
        self.holds_next = self.dice.one_in(4);
        self.may_challenge = self.dice.one_in(2);
        self.has_listener = self.dice.one_in(2);
        self.timestamp = if self.dice.one_in(4) { self.dice.among(TimestampClass::ALL) } else { TimestampClass::Newer };
    }

    /// Something that may happen to this connection now.
    pub fn any_event(&mut self, tcb: &Tcb<S>) -> Option<Event<S>> {
        match self.dice.below(16) {
            0..9 => Some(Event::Arrives(self.any_segment(tcb))),
            9..11 => Some(Event::Call(self.any_call())),
            11..14 => self.transmit(tcb),
            _ => self.any_timer(tcb).map(Event::Timeout),
        }
    }

    /// Something that may happen now, where a transfer goes on if there is one.
    pub fn any_event_of_a_transfer(&mut self, tcb: &Tcb<S>) -> Option<Event<S>> {
        if tcb.state() != State::Established || self.dice.one_in(4) {
            return self.any_event(tcb);
        }
        if self.dice.one_in(4) {
            self.unsent = true;
            return self.transmit(tcb);
        }
        let any = self.any_segment(tcb);
        let flags = self.dice.among([Flags::ACK, Flags::ACK.with(Flag::Psh), Flags::FIN_ACK, any.flags]);
        let flags = if self.dice.one_in(2) { Flags::ACK } else { flags };
        let seq = if self.dice.one_in(4) { any.seq } else { tcb.rcv_nxt() };
        Some(Event::Arrives(Segment { seq, flags, ..any }))
    }

    fn any_call(&mut self) -> Call {
        let remote = self.dice.one_in(2);
        match self.dice.below(40) {
            0..4 => Call::OpenPassive,
            4..12 => Call::OpenActive { remote },
            12..18 => Call::Send { remote },
            18..22 => Call::Receive,
            22..36 => Call::Close,
            36 => Call::Release,
            37 => Call::Abort,
            _ => Call::Status,
        }
    }

    /// Mostly such as a peer might send now.
    fn any_segment(&mut self, tcb: &Tcb<S>) -> Segment<S> {
        let usual = [Flags::SYN, Flags::SYN_ACK, Flags::ACK, Flags::ACK, Flags::FIN_ACK, Flags::FIN_ACK];
        let flags = if self.dice.one_in(2) {
            self.dice.among(usual)
        } else {
            Flags::from_wire(u8::try_from(self.dice.below(64)).expect("six bits"))
        };
        let flags = if self.dice.one_in(3) { flags } else { without_rst(flags) };
        let seq = match self.dice.below(4) {
            0 => S::new(self.dice.below(32)),
            1 => tcb.irs(),
            _ => tcb.rcv_nxt().minus(2).plus(self.dice.below(6)),
        };
        let ack = if self.dice.one_in(4) {
            S::new(self.dice.below(32))
        } else {
            self.dice.among([tcb.snd_una(), tcb.snd_nxt(), tcb.snd_una(), tcb.snd_nxt(), tcb.iss()])
        };
        let [text, wnd, up] = [(); 3].map(|()| S::len(self.dice.among([0, 0, 1, 2])));
        Segment { seq, ack, flags, text, wnd, up }
    }

    /// Text that waits, then the FIN, and never so much that the circle is too small; now and then in a state in which
    /// nothing can be sent, which the table ignores.
    fn transmit(&mut self, tcb: &Tcb<S>) -> Option<Event<S>> {
        if tcb.snd_nxt().forward_from(tcb.snd_una()) > 4 {
            return None;
        }
        if !tcb.may_send_text() {
            let ignored = self.dice.one_in(8) && !matches!(tcb.state(), State::FinWait1 | State::Closing);
            return ignored.then_some(Event::Sent { text: S::len(1), fin: false });
        }
        let text = S::len(u32::from(self.unsent));
        self.unsent = self.unsent && self.dice.one_in(2);
        let fin = tcb.fin_due() && !self.unsent;
        (text > S::len(0) || fin).then_some(Event::Sent { text, fin })
    }

    /// One that runs, or that the host runs on its own account; now and then another, which the table ignores.
    fn any_timer(&mut self, tcb: &Tcb<S>) -> Option<Timer> {
        let timer = self.dice.among(Timer::ALL);
        match timer {
            Timer::User | Timer::TimeWait | Timer::FinWait2 => self.dice.one_in(8).then_some(timer),
            Timer::Retransmit | Timer::Persist => (tcb.armed(timer) || self.dice.one_in(8)).then_some(timer),
            Timer::KeepAlive | Timer::DelayedAck => Some(timer),
        }
    }
}

fn without_rst(flags: Flags) -> Flags {
    Flags::from_wire(flags.to_wire() & !Flags::of(&[Flag::Rst]).to_wire())
}

impl<S: SeqNum> Host<S> for Whim<S> {
    fn rcv_wnd(&self) -> S::Len {
        S::len(self.rcv_wnd)
    }
    fn policy(&self, policy: Policy) -> bool {
        Policy::ALL.iter().zip(self.follows).any(|(&one, follows)| one == policy && follows)
    }
    fn unsent(&self) -> bool {
        self.unsent
    }
    fn unread(&self) -> bool {
        self.unread
    }
    fn holds_next(&self) -> bool {
        self.holds_next
    }
    fn may_challenge(&self, _: Challenge) -> bool {
        self.may_challenge
    }
    fn timestamp(&self) -> TimestampClass {
        self.timestamp
    }
    fn has_listener(&self) -> bool {
        self.has_listener
    }
    fn iss(&mut self, above: Option<S>) -> S {
        self.log.push((Effect::Iss(above), None));
        above.map_or_else(|| S::new(self.dice.below(32)), |above| above.plus(1))
    }
    fn synchronized(&mut self, tcb: &Tcb<S>, segment: &Segment<S>) {
        self.log.push((Effect::Synchronized(*segment), Some(*tcb)));
    }
    fn record_timestamp(&mut self, segment: &Segment<S>) {
        self.log.push((Effect::RecordTimestamp(*segment), None));
        self.timestamp = self.dice.among([TimestampClass::NotInUse, TimestampClass::Same, TimestampClass::Newer]);
    }
    fn emit(&mut self, tcb: &Tcb<S>, segment: Segment<S>) {
        self.log.push((Effect::Emit(segment), Some(*tcb)));
    }
    fn acknowledge(&mut self, tcb: &Tcb<S>, urgency: Urgency) {
        self.log.push((Effect::Acknowledge(urgency), Some(*tcb)));
    }
    fn take_challenge(&mut self, challenge: Challenge) {
        self.log.push((Effect::TakeChallenge(challenge), None));
        self.may_challenge = self.dice.one_in(2);
    }
    fn queue_text(&mut self) {
        self.log.push((Effect::QueueText, None));
        self.unsent = true;
    }
    fn hold(&mut self, tcb: &Tcb<S>, segment: &Segment<S>) {
        self.log.push((Effect::Hold(*segment), Some(*tcb)));
        self.holds_next = true;
    }
    fn accept(&mut self, tcb: &Tcb<S>, segment: &Segment<S>) -> Accepted<S::Len> {
        self.log.push((Effect::Accept(*segment), Some(*tcb)));
        self.unread = self.dice.one_in(2);
        Accepted { advance: S::len(self.dice.among([0, 1, 2])), fin: self.dice.one_in(2) }
    }
    fn fin_received(&mut self, tcb: &Tcb<S>) {
        self.log.push((Effect::FinReceived, Some(*tcb)));
    }
    fn acked(&mut self, tcb: &Tcb<S>, from: S) {
        self.log.push((Effect::Acked(from), Some(*tcb)));
    }
    fn retransmit(&mut self, tcb: &Tcb<S>) {
        self.log.push((Effect::Retransmit, Some(*tcb)));
    }
    fn probe(&mut self, tcb: &Tcb<S>) {
        self.log.push((Effect::Probe, Some(*tcb)));
    }
    fn flush(&mut self) {
        self.log.push((Effect::Flush, None));
        (self.unsent, self.unread, self.holds_next) = (false, false, false);
    }
    fn start(&mut self, timer: Timer) {
        self.log.push((Effect::Start(timer), None));
    }
    fn stop(&mut self, timer: Timer) {
        self.log.push((Effect::Stop(timer), None));
    }
    fn signal(&mut self, signal: Signal) {
        self.log.push((Effect::Signal(signal), None));
    }
    fn reply(&mut self, reply: Reply) {
        self.log.push((Effect::Reply(reply), None));
    }
}

/// The same throws every time for the same seed: Marsaglia's xorshift.
#[derive(Clone, PartialEq, Debug)]
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        // Weyl's increment keeps small seeds apart; the state must not be 0.
        Dice(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15).max(1))
    }

    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 32) % u64::from(n)).expect("it is below n")
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    fn among<T: Copy, const N: usize>(&mut self, all: [T; N]) -> T {
        let n = u32::try_from(N).expect("few");
        all[usize::try_from(self.below(n)).expect("few")]
    }
}
