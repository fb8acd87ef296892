//! Wrong tables, each wrong in one named way, and the property that must notice.
//!
//! They show that the properties have teeth here, and the other hosts of the table run them too: whoever takes a table
//! as an argument can be given one of these.

use super::properties::Property::{
    self, L1, L2, L3, L4, L5, L6, L7, L8, L9, S1, S2, S3, S5, S6, S7, S8, S9, S10, S11, S12, S13, S14, S15, S16, S17,
    S18, S19, S20, S21, S22, S23, S24,
};
use crate::event::Reply::Ok as ReplyOk;
use crate::event::Timer::{self, Persist, Retransmit};
use crate::event::{Signal, Urgency};
use crate::segment::Flag;
use crate::state::State::{self, Closed, Established};
use crate::state::StateSet;
use crate::table::Act::{self, *};
use crate::table::{Atom, Flow, Form, Next, Profile, Room, Rule, Table};

/// A wrong table.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name.
    pub name: &'static str,
    /// What it does wrong.
    pub wrong: &'static str,
    /// How it differs from the repaired table.
    pub edits: &'static [Edit],
    /// The property that must fall ...
    pub falls: Property,
    /// ... in this world.
    pub world: &'static str,
}

/// One difference from the repaired table, at a rule of this name.
#[derive(Clone, Copy, Debug)]
pub enum Edit {
    /// It is missing.
    Drop(&'static str),
    /// It is there, although no rule of the repaired profile.
    Add(&'static str),
    /// It asks for this instead.
    When(&'static str, &'static [Atom]),
    /// It does this instead.
    Then(&'static str, &'static [Act]),
    /// It leads there instead.
    To(&'static str, Next),
    /// The event goes on there instead.
    Goes(&'static str, Flow),
    /// It applies in these states instead.
    In(&'static str, &'static [State]),
}

impl Edit {
    /// The rule that it is about.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Edit::Drop(rule)
            | Edit::Add(rule)
            | Edit::When(rule, _)
            | Edit::Then(rule, _)
            | Edit::To(rule, _)
            | Edit::Goes(rule, _)
            | Edit::In(rule, _) => rule,
        }
    }

    /// What becomes of its rule, if it is in force.
    fn applied(self, rule: Rule) -> Option<Rule> {
        match self {
            Edit::Drop(_) => None,
            Edit::Add(_) => Some(rule),
            Edit::When(_, when) => Some(Rule { when, ..rule }),
            Edit::Then(_, then) => Some(Rule { then, ..rule }),
            Edit::To(_, next) => Some(Rule { next, ..rule }),
            Edit::Goes(_, flow) => Some(Rule { flow, ..rule }),
            Edit::In(_, states) => Some(Rule { states: StateSet::of(states), ..rule }),
        }
    }
}

impl Mutant {
    /// The wrong table.
    #[must_use]
    pub fn table(&self) -> Table {
        edited(self.edits)
    }

    /// The wrong table, for as long as the program runs: hosts keep a reference to theirs.
    #[must_use]
    pub fn leaked_table(&self) -> &'static Table {
        Box::leak(Box::new(self.table()))
    }
}

/// The repaired table with these differences.
#[must_use]
pub fn edited(edits: &[Edit]) -> Table {
    Table::catalogue().mutate(|rule| {
        let edits = || edits.iter().filter(|edit| edit.rule() == rule.name);
        let added = edits().any(|edit| matches!(edit, Edit::Add(_)));
        let in_force = (added || rule.profiles.has(Profile::Repaired)).then_some(rule);
        edits().fold(in_force, |rule, edit| edit.applied(rule?))
    })
}

/// The mutant of this name.
#[must_use]
pub fn variant(name: &str) -> Option<&'static Mutant> {
    MUTANTS.iter().find(|mutant| mutant.name == name)
}

/// A SYN in LISTEN establishes at once.
pub(super) const TWO_WAY: &[Edit] = &[
    Edit::Then(
        "arrives/listen/syn",
        &[
            RecordIrs,
            HoldText,
            SelectIss(Room::Anywhere),
            Emit(Form::SynAck),
            Start(Retransmit),
            SetWindow,
            Signal(Signal::Established),
        ],
    ),
    Edit::To("arrives/listen/syn", Next::To(Established)),
];
/// CLOSE in SYN-RECEIVED sends the FIN at once, as written.
pub(super) const CLOSE_AT_ONCE: &[Edit] = &[
    Edit::Add("close/syn-received/at-once"),
    Edit::Add("close/syn-received/pending"),
    Edit::Drop("close/syn-received/deferred"),
    Edit::Add("timeout/retransmission/syn-unacked"),
];
/// Nothing is ever sent again.
pub(super) const NEVER_AGAIN: &[Edit] = &[
    Edit::Then("timeout/retransmission/syn", &[Start(Retransmit)]),
    Edit::Then("timeout/retransmission/syn-ack", &[Start(Retransmit)]),
    Edit::Then("timeout/retransmission/oldest", &[Start(Retransmit)]),
];

const fn mutant(
    name: &'static str,
    (falls, world): (Property, &'static str),
    wrong: &'static str,
    edits: &'static [Edit],
) -> Mutant {
    Mutant { name, wrong, edits, falls, world }
}

/// All of them. The first four are the negatives N1, N6, N7 and N22.
pub const MUTANTS: &[Mutant] = &[
    mutant("two-way-handshake", (S2, "handshake"), "A SYN in LISTEN establishes at once (N1).", TWO_WAY),
    mutant(
        "close-in-syn-received",
        (S17, "close"),
        "CLOSE in SYN-RECEIVED sends the FIN at once, as written (N6).",
        CLOSE_AT_ONCE,
    ),
    mutant(
        "time-wait-acknowledges-all",
        (L3, "close"),
        "TIME-WAIT acknowledges whatever is acceptable, as written (N7).",
        &[Edit::Add("ack-of-fin/time-wait/acknowledge")],
    ),
    mutant("no-retransmission", (L1, "reopen"), "Nothing is ever sent again (N22).", NEVER_AGAIN),
    mutant(
        "irs-recorded-again",
        (S3, "handshake"),
        "The ACK of our SYN is taken for the first number of the peer.",
        &[Edit::Then(
            "ack/syn-received/established",
            &[AdvanceUna, SetWindow, RecordIrs, ForgetPrevious, Signal(Signal::Established)],
        )],
    ),
    mutant(
        "syn-ack-sent-once",
        (L2, "handshake"),
        "A lost SYN,ACK is not sent again.",
        &[Edit::Then("timeout/retransmission/syn-ack", &[Start(Retransmit)])],
    ),
    mutant(
        "ack-of-nothing-establishes",
        (S15, "attack"),
        "In SYN-RECEIVED an ACK of ISS itself establishes (RFC 793, erratum 3301).",
        &[Edit::Add("ack/syn-received/established-by-duplicate")],
    ),
    mutant(
        "bad-ack-falls-through",
        (S16, "attack"),
        "After a bad ACK in SYN-RECEIVED the FIN is processed, as written (D8).",
        &[
            Edit::Add("ack/syn-received/bad-falls-through"),
            Edit::Add("fin/syn-received"),
            Edit::Add("fin/syn-received/none"),
        ],
    ),
    mutant(
        "no-time-wait",
        (S13, "close"),
        "The active closer forgets the connection at once.",
        &[
            Edit::Then("fin/fin-wait-2", &[AdvanceOverFin, Signal(Signal::Closing), Acknowledge(Urgency::Now), Delete]),
            Edit::To("fin/fin-wait-2", Next::To(Closed)),
        ],
    ),
    mutant(
        "closing-skips-time-wait",
        (S13, "close"),
        "A simultaneous close ends without TIME-WAIT.",
        &[
            Edit::Then("ack-of-fin/closing/acked", &[Signal(Signal::CloseComplete), Delete]),
            Edit::To("ack-of-fin/closing/acked", Next::To(Closed)),
        ],
    ),
    mutant(
        "fin-out-of-order",
        (S6, "data"),
        "A FIN is processed when it arrives, not when its turn comes.",
        &[Edit::When("fin/established", &[Atom::Has(Flag::Fin, true)])],
    ),
    mutant("rst-answered-by-rst", (S9, "handshake"), "CLOSED answers a RST.", &[Edit::Drop("arrives/closed/rst")]),
    mutant(
        "reset-with-own-number",
        (S9, "handshake"),
        "CLOSED answers an ACK with a number of its own.",
        &[
            Edit::Then("arrives/closed/ack", &[Emit(Form::RstNxt)]),
            Edit::Then("arrives/closed/no-ack", &[Emit(Form::RstNxt)]),
        ],
    ),
    mutant(
        "rst-anywhere-in-window",
        (S20, "attack"),
        "A RST need not be exact.",
        &[Edit::Drop("rst/not-exact/challenged"), Edit::Drop("rst/not-exact/silent")],
    ),
    mutant(
        "syn-in-window-resets",
        (S20, "attack"),
        "A SYN in the window resets the connection.",
        &[Edit::Drop("syn/unexpected/challenged"), Edit::Drop("syn/unexpected/silent")],
    ),
    mutant(
        "ack-of-unsent-is-taken",
        (S20, "attack"),
        "The text of a segment that acknowledges what was never sent is taken.",
        &[Edit::Drop("ack/unsent/answered"), Edit::Drop("ack/unsent/silent")],
    ),
    mutant(
        "passive-end-is-refused",
        (S14, "handshake"),
        "A RST in SYN-RECEIVED ends a passive OPEN.",
        &[Edit::Drop("rst/syn-received/passive")],
    ),
    mutant(
        "active-end-returns-to-listen",
        (S14, "simultaneous-open"),
        "A RST in SYN-RECEIVED makes an active OPEN passive.",
        &[Edit::When("rst/syn-received/passive", &[])],
    ),
    mutant(
        "unthrottled-acks",
        (L3, "window"),
        "Every unacceptable segment is acknowledged (N8).",
        &[Edit::Add("sequence/unacceptable/unthrottled")],
    ),
    mutant(
        "any-ack-is-of-our-fin",
        (S1, "close"),
        "In FIN-WAIT-1 every ACK counts as that of our FIN.",
        &[Edit::When("ack-of-fin/fin-wait-1/acked", &[])],
    ),
    mutant(
        "last-ack-ends-at-any-ack",
        (S7, "close"),
        "LAST-ACK ends before our FIN is acknowledged.",
        &[Edit::When("ack-of-fin/last-ack/acked", &[])],
    ),
    mutant(
        "send-after-close",
        (S12, "close"),
        "A SEND after CLOSE is accepted.",
        &[Edit::Then("send/closed-by-user/closing", &[QueueText, Reply(ReplyOk)])],
    ),
    mutant(
        "fin-not-counted",
        (S12, "close"),
        "Our FIN occupies no sequence number.",
        &[Edit::Then("sent/closed-by-user/fin", &[MarkFinSent])],
    ),
    mutant(
        "their-fin-not-counted",
        (S1, "close"),
        "RCV.NXT does not move over the FIN.",
        &[Edit::Then("fin/established", &[Signal(Signal::Closing), Acknowledge(Urgency::Now)])],
    ),
    mutant(
        "close-wait-to-closing",
        (S19, "close"),
        "CLOSE in CLOSE-WAIT enters CLOSING, as RFC 793 says.",
        &[Edit::Add("sent/close-wait/fin-then-closing"), Edit::Drop("sent/close-wait/fin")],
    ),
    mutant(
        "aborter-enters-time-wait",
        (S7, "close"),
        "An ABORT that resets enters TIME-WAIT, as §3.5.2 has it (D4).",
        &[Edit::Add("abort/open/time-wait")],
    ),
    mutant(
        "reopening-forgets",
        (S13, "reopen"),
        "A SYN in TIME-WAIT replaces the old numbers before it has proved new.",
        &[Edit::Then(
            "reopen/syn/new",
            &[
                StopAll,
                RecordIrs,
                HoldText,
                SetPassive(true),
                SelectIss(Room::AbovePrevious),
                Emit(Form::SynAck),
                Start(Retransmit),
            ],
        )],
    ),
    mutant(
        "syn-without-timer",
        (S24, "handshake"),
        "An active OPEN starts no retransmission timer.",
        &[Edit::Then(
            "open/closed/active",
            &[SetPassive(false), SelectIss(Room::Anywhere), Emit(Form::Syn), Reply(ReplyOk)],
        )],
    ),
    mutant(
        "time-wait-without-timer",
        (S24, "close"),
        "TIME-WAIT has no end.",
        &[Edit::Then("fin/fin-wait-2", &[AdvanceOverFin, Signal(Signal::Closing), Acknowledge(Urgency::Now), StopAll])],
    ),
    mutant(
        "no-zero-window-probe",
        (L6, "window"),
        "A closed window is not probed.",
        &[Edit::Then("timeout/persist", &[Start(Persist)])],
    ),
    mutant(
        "reset-in-silence",
        (S23, "close"),
        "Whose connection is reset is not told.",
        &[Edit::Then("rst/open/reset", &[Flush, Delete])],
    ),
    mutant(
        "window-never-updated",
        (S11, "window"),
        "The send window stays what it was at first.",
        &[Edit::Drop("window/update")],
    ),
    mutant(
        "closing-has-no-end",
        (L4, "simultaneous-open"),
        "CLOSING does not notice that our FIN is acknowledged.",
        &[Edit::Drop("ack-of-fin/closing/acked")],
    ),
    mutant(
        "closed-says-nothing",
        (L5, "crash"),
        "CLOSED leaves an ACK without an answer.",
        &[Edit::Then("arrives/closed/ack", &[])],
    ),
    mutant(
        "closed-window-closes",
        (L6, "window"),
        "A window that is still closed when it is probed closes the connection (MUST-37).",
        &[
            Edit::Then("timeout/persist", &[Flush, Signal(Signal::UserTimeout), Delete]),
            Edit::To("timeout/persist", Next::To(Closed)),
        ],
    ),
    mutant(
        "no-rule-without-urgent-data",
        (S18, "close"),
        "What is not urgent finds no rule at the sixth check.",
        &[Edit::Drop("urg/nothing-new")],
    ),
    mutant(
        "time-wait-restarted-by-any-ack",
        (L7, "close"),
        "In TIME-WAIT every bare ACK is acknowledged and restarts 2MSL.",
        &[Edit::Then("ack-of-fin/time-wait/bare", &[Acknowledge(Urgency::Now), Start(Timer::TimeWait)])],
    ),
    mutant(
        "orphan-without-timer",
        (L9, "calls"),
        "Nothing ends FIN-WAIT-2 when the user is gone (N11).",
        &[Edit::Drop("ack-of-fin/fin-wait-1/orphan"), Edit::Drop("release/fin-wait-2/bounded")],
    ),
    mutant(
        "listener-stuck-in-syn-received",
        (L8, "attack"),
        "A RST does not return SYN-RECEIVED to LISTEN.",
        &[Edit::Then("rst/syn-received/passive", &[]), Edit::To("rst/syn-received/passive", Next::Stay)],
    ),
    mutant(
        "answered-twice",
        (S21, "attack"),
        "LISTEN resets and acknowledges.",
        &[Edit::Then("arrives/listen/ack", &[Emit(Form::RstFromAck), Emit(Form::RstFromAck)])],
    ),
    mutant(
        "their-fin-counted-twice",
        (S10, "close"),
        "RCV.NXT moves two numbers over the FIN.",
        &[Edit::Then(
            "fin/established",
            &[AdvanceOverFin, AdvanceOverFin, Signal(Signal::Closing), Acknowledge(Urgency::Now)],
        )],
    ),
    mutant(
        "old-syn-begins-again",
        (S22, "data"),
        "The number of an unacceptable segment is taken for the peer's ISS.",
        &[Edit::Then("sequence/unacceptable/answered", &[TakeChallenge, RecordIrs, Acknowledge(Urgency::Now)])],
    ),
    mutant(
        "old-segments-are-reset",
        (S8, "close"),
        "What is not acceptable is answered by a reset.",
        &[Edit::Then("sequence/unacceptable/answered", &[Emit(Form::RstFromAck)])],
    ),
    mutant(
        "any-old-rst-resets",
        (S5, "reopen"),
        "A RST resets, whatever its number.",
        &[
            Edit::Goes("sequence/unacceptable/rst", Flow::Continue),
            Edit::Drop("rst/not-exact/challenged"),
            Edit::Drop("rst/not-exact/silent"),
        ],
    ),
];
