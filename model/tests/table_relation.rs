//! What the relation says a table can do is what the engine does with it: a long random walk meets no situation that is
//! called contradictory, and all changes and rules of the relation, and no others.

use lockstep_model::engine::guard::Facts;
use lockstep_model::render::contradictions::{Contradiction, OF_A_CONNECTION, OF_A_SEGMENT};
use lockstep_model::render::relation::{Change, Relation};
use lockstep_model::table::{Next, Stage};
use lockstep_model::{
    Accepted, Call, Event, Fired, Flag, Flags, Host, Mod, Policy, Profile, Reply, RuleId, Segment, SeqNum, Signal,
    State, Table, Tcb, Timer, Urgency, step,
};
use std::collections::BTreeSet;

/// A circle that a walk goes round many times.
type Seq = Mod<5>;

/// Enough for the rarest rule.
const EVENTS: u32 = 4_000_000;

#[test]
fn the_engine_does_to_the_letter_of_rfc_9293_what_the_relation_says() {
    compare(Table::of(Profile::Literal9293));
}

#[test]
fn the_engine_does_to_the_letter_of_rfc_793_what_the_relation_says() {
    compare(Table::of(Profile::Rfc793));
}

#[test]
fn the_engine_does_with_the_repaired_table_what_the_relation_says() {
    compare(Table::repaired());
}

#[test]
fn the_engine_does_with_the_rows_of_linux_what_the_relation_says() {
    compare(Table::linux());
}

fn compare(table: &'static Table) {
    let relation = Relation::of(table);
    let seen = Walk::through(table);
    assert!(relation.holes.is_empty(), "situations without a rule: {:?}", relation.holes);
    assert_same("rules", &seen.fired, &relation.fired);
    assert_same("checks without a rule", &seen.uncovered, &relation.uncovered);
    assert_same("changes", &seen.changes, &relation.changes.iter().map(steps_of).collect());
}

fn assert_same<T: Ord + std::fmt::Debug>(what: &str, seen: &BTreeSet<T>, said: &BTreeSet<T>) {
    let unsaid: Vec<&T> = seen.difference(said).collect();
    let unseen: Vec<&T> = said.difference(seen).collect();
    assert!(
        unsaid.is_empty() && unseen.is_empty(),
        "{what}: seen but not said {unsaid:#?}, said but not seen {unseen:#?}"
    );
}

/// A change without its causes, which the engine does not know.
type Steps = Vec<(State, State, RuleId)>;

fn steps_of(change: &Change) -> Steps {
    change.steps.iter().map(|step| (step.from, step.to, step.rule)).collect()
}

/// A connection to which everything happens.
struct Walk {
    table: &'static Table,
    tcb: Tcb<Seq>,
    host: Whim,
    fired: BTreeSet<(RuleId, State)>,
    uncovered: BTreeSet<(Stage, State)>,
    changes: BTreeSet<Steps>,
}

impl Walk {
    fn through(table: &'static Table) -> Walk {
        let mut walk = Walk {
            table,
            tcb: Tcb::closed(),
            host: Whim::default(),
            fired: BTreeSet::new(),
            uncovered: BTreeSet::new(),
            changes: BTreeSet::new(),
        };
        for _ in 0..EVENTS {
            walk.host.change_mind();
            if let Some(event) = walk.host.any_event(&walk.tcb) {
                walk.happens(event);
            }
        }
        walk
    }

    fn happens(&mut self, event: Event<Seq>) {
        let from = self.tcb.state();
        self.check_situation(&event);
        let fired = step(self.table, &mut self.tcb, event, &mut self.host);
        let steps = self.follow(from, fired);
        assert_eq!(steps.last().map_or(from, |step| step.1), self.tcb.state());
        if !steps.is_empty() {
            self.changes.insert(steps);
        }
        let first = fired.iter().next().and_then(|id| self.table.rule(id));
        let stage = Stage::entered_by(&event, from);
        if first.is_none_or(|rule| rule.stage != stage) {
            self.uncovered.insert((stage, from));
        }
    }

    fn check_situation(&self, event: &Event<Seq>) {
        let facts = Facts::gather(&self.tcb, event, Accepted::default(), &self.host);
        let of_a_segment = if matches!(event, Event::Arrives(_)) { OF_A_SEGMENT } else { &[] };
        for Contradiction { states, guards, why } in of_a_segment.iter().chain(OF_A_CONNECTION) {
            let applies = states.has(self.tcb.state());
            let holds = guards.iter().all(|&guard| facts.satisfy(guard));
            assert!(!(applies && holds), "{why}, but {guards:?} in {:?} before {event:?}", self.tcb);
        }
    }

    /// The steps of the rules that fired.
    fn follow(&mut self, from: State, fired: Fired) -> Steps {
        let mut state = from;
        let mut steps = Steps::new();
        for id in fired.iter() {
            self.fired.insert((id, state));
            match self.table.rule(id).map(|rule| rule.next) {
                Some(Next::To(to)) => {
                    steps.push((state, to, id));
                    state = to;
                }
                Some(Next::Stay) => {}
                None => panic!("{id} is a rule of another table"),
            }
        }
        steps
    }
}

/// A host that answers as it likes, within its contract.
#[derive(Default)]
struct Whim {
    dice: Dice,
    rcv_wnd: u8,
    follows: [bool; 3],
    unsent: bool,
    unread: bool,
    holds_next: bool,
    may_challenge: bool,
    has_listener: bool,
}

impl Whim {
    /// What may be different at each event.
    fn change_mind(&mut self) {
        self.rcv_wnd = self.dice.among([0, 1, 2, 4]);
        self.follows = [(); 3].map(|()| self.dice.one_in(2));
        self.unread = self.dice.one_in(4);
        self.holds_next = self.dice.one_in(4);
        self.may_challenge = self.dice.one_in(2);
        self.has_listener = self.dice.one_in(2);
    }

    fn any_event(&mut self, tcb: &Tcb<Seq>) -> Option<Event<Seq>> {
        match self.dice.below(16) {
            0..9 => Some(Event::Arrives(self.any_segment(tcb))),
            9..11 => Some(Event::Call(self.any_call())),
            11..14 => self.transmit(tcb),
            _ => self.any_timer(tcb).map(Event::Timeout),
        }
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
    fn any_segment(&mut self, tcb: &Tcb<Seq>) -> Segment<Seq> {
        let usual = [Flags::SYN, Flags::SYN_ACK, Flags::ACK, Flags::ACK, Flags::FIN_ACK, Flags::FIN_ACK];
        let flags = if self.dice.one_in(2) {
            self.dice.among(usual)
        } else {
            Flags::from_wire(u8::try_from(self.dice.below(64)).expect("six bits"))
        };
        let flags = if self.dice.one_in(3) { flags } else { without_rst(flags) };
        let seq = match self.dice.below(4) {
            0 => Seq::new(self.dice.below(32)),
            1 => tcb.irs(),
            _ => tcb.rcv_nxt().minus(2).plus(self.dice.below(6)),
        };
        let ack = if self.dice.one_in(4) {
            Seq::new(self.dice.below(32))
        } else {
            self.dice.among([tcb.snd_una(), tcb.snd_nxt()])
        };
        let [text, wnd, up] = [(); 3].map(|()| self.dice.among([0, 0, 1, 2]));
        Segment { seq, ack, flags, text, wnd, up }
    }

    /// Text that waits, then the FIN, and never so much that the circle is too small; now and then in a state in which
    /// nothing can be sent, which the table ignores.
    fn transmit(&mut self, tcb: &Tcb<Seq>) -> Option<Event<Seq>> {
        if tcb.snd_nxt().forward_from(tcb.snd_una()) > 4 {
            return None;
        }
        if !tcb.may_send_text() {
            let ignored = self.dice.one_in(8) && !matches!(tcb.state(), State::FinWait1 | State::Closing);
            return ignored.then_some(Event::Sent { text: 1, fin: false });
        }
        let text = u8::from(self.unsent);
        self.unsent = self.unsent && self.dice.one_in(2);
        let fin = tcb.fin_due() && !self.unsent;
        (text > 0 || fin).then_some(Event::Sent { text, fin })
    }

    /// One that runs, or that the host runs on its own account; now and then another, which the table ignores.
    fn any_timer(&mut self, tcb: &Tcb<Seq>) -> Option<Timer> {
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

impl Host<Seq> for Whim {
    fn rcv_wnd(&self) -> u8 {
        self.rcv_wnd
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
    fn may_challenge(&self) -> bool {
        self.may_challenge
    }
    fn has_listener(&self) -> bool {
        self.has_listener
    }
    fn iss(&mut self, above: Option<Seq>) -> Seq {
        above.map_or_else(|| Seq::new(self.dice.below(32)), |above| above.plus(1))
    }
    fn take_challenge(&mut self) {
        self.may_challenge = self.dice.one_in(2);
    }
    fn queue_text(&mut self) {
        self.unsent = true;
    }
    fn hold(&mut self, _: &Tcb<Seq>, _: &Segment<Seq>) {
        self.holds_next = true;
    }
    fn accept(&mut self, _: &Tcb<Seq>, _: &Segment<Seq>) -> Accepted<u8> {
        self.unread = self.dice.one_in(2);
        Accepted { advance: self.dice.among([0, 1, 2]), fin: self.dice.one_in(2) }
    }
    fn flush(&mut self) {
        (self.unsent, self.unread, self.holds_next) = (false, false, false);
    }
    fn emit(&mut self, _: &Tcb<Seq>, _: Segment<Seq>) {}
    fn acknowledge(&mut self, _: &Tcb<Seq>, _: Urgency) {}
    fn fin_received(&mut self, _: &Tcb<Seq>) {}
    fn acked(&mut self, _: &Tcb<Seq>, _: Seq) {}
    fn retransmit(&mut self, _: &Tcb<Seq>) {}
    fn probe(&mut self, _: &Tcb<Seq>) {}
    fn start(&mut self, _: Timer) {}
    fn stop(&mut self, _: Timer) {}
    fn signal(&mut self, _: Signal) {}
    fn reply(&mut self, _: Reply) {}
}

/// The same throws every time: Marsaglia's xorshift.
struct Dice(u64);

impl Default for Dice {
    fn default() -> Self {
        Dice(0x9e37_79b9_7f4a_7c15)
    }
}

impl Dice {
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
