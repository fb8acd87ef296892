//! Every defect of the text is two things in the catalogue: the rows that follow the words, and those of the repaired
//! table instead. Where the defect takes one connection only, the exchange is here too.

use lockstep_model::render::relation::Relation;
use lockstep_model::table::Kind;
use lockstep_model::{
    Accepted, Call, Challenge, Event, Flag, Flags, Host, Policy, Profile, Reply, RuleId, Segment, Seq, SeqNum, Signal,
    State, Table, Tcb, Timer, Urgency, step,
};
use std::collections::BTreeSet;

/// A defect of RFC 9293: its number, the rows that have it, and those that do without.
type Defect = (&'static str, &'static [&'static str], &'static [&'static str]);

const DEFECTS: &[Defect] = &[
    ("D1", &["syn-sent/syn/established-window-unset"], &["syn-sent/syn/established"]),
    (
        "D2",
        &["ack-of-fin/time-wait/acknowledge", "fin/time-wait/remain"],
        &["sequence/repeated-fin", "ack-of-fin/time-wait/occupying", "ack-of-fin/time-wait/bare"],
    ),
    ("D3", &["close/syn-received/at-once"], &["close/syn-received/deferred"]),
    ("D4", &["abort/open/time-wait"], &["abort/open/reset"]),
    ("D5", &["ack/too-new/unthrottled"], &["ack/syn-received/any"]),
    ("D6", &["reopen/other"], &["reopen/syn/new"]),
    ("D7", &["fin/close-wait/remain", "fin/time-wait/remain"], &["fin/after-fin"]),
    ("D8", &["ack/syn-received/bad-falls-through"], &["ack/syn-received/bad"]),
    ("D9", &["receive/both-closed/closing"], &["receive/both-closed/deliver"]),
    (
        "D10",
        &["release/closed-by-user/gone", "ack-of-fin/fin-wait-1/acked"],
        &["release/fin-wait-2/bounded", "ack-of-fin/fin-wait-1/orphan", "timeout/fin-wait-2"],
    ),
    ("D11", &["ack/new"], &["ack/new/window-not-newer"]),
    (
        "D12",
        &["rst/syn-received/passive", "syn/syn-received/passive"],
        &["rst/syn-received/close-queued", "syn/syn-received/close-queued"],
    ),
    ("D13", &["syn-sent/rst/reset"], &["syn-sent/rst/refused"]),
    ("D14", &["ack/nothing-new"], &["ack/never-sent/answered", "ack/never-sent/silent"]),
    (
        "N8",
        &["sequence/unacceptable/unthrottled", "ack/unsent/unthrottled"],
        &["sequence/unacceptable/answered", "sequence/unacceptable/silent", "ack/unsent/answered", "ack/unsent/silent"],
    ),
];

#[test]
fn every_repair_belongs_to_a_defect_of_the_list() {
    let repairs = Table::catalogue().rules().iter().filter_map(|rule| match rule.kind {
        Kind::Repair { defect, .. } => Some((defect, rule.name)),
        Kind::Literal | Kind::Erratum(_) | Kind::Updated(_) | Kind::Deviation { .. } => None,
    });
    let listed = DEFECTS.iter().flat_map(|&(defect, _, instead)| instead.iter().map(move |&rule| (defect, rule)));
    // D4 is a contradiction, and one side of it is right; D7 is repaired by absence.
    let by_literal_rows = [("D4", "abort/open/reset"), ("D7", "fin/after-fin")];
    let listed = listed.filter(|one| !by_literal_rows.contains(one));
    assert_eq!(repairs.collect::<BTreeSet<_>>(), listed.collect());
}

#[test]
fn the_letter_has_a_row_for_every_defect_and_the_repaired_table_another() {
    let fired =
        |table: &Table| Relation::of(table).fired.into_iter().map(|(rule, _)| rule).collect::<BTreeSet<RuleId>>();
    let [letter, repaired] = [Profile::Literal9293, Profile::Repaired].map(|profile| fired(Table::of(profile)));
    let fires = |fired: &BTreeSet<RuleId>, name| fired.iter().any(|rule| rule.name() == name);
    for &(defect, literal, instead) in DEFECTS {
        for &name in literal {
            let rule = Table::catalogue().named(name).expect(name);
            assert!(!matches!(rule.kind, Kind::Repair { .. }), "{defect}: {name} repairs something");
            assert_eq!(fires(&letter, name), defect != "D4", "{defect}: only {name} of D4 is no reading's row");
        }
        assert!(!instead.contains(&literal[0]), "{defect}: {literal:?}");
        assert!(instead.iter().all(|name| fires(&repaired, name)), "{defect}: {instead:?}");
    }
}

/// D11: the peer's first segment is lost and sent again later, with a new ACK and a smaller window.
#[test]
fn the_right_edge_never_runs_past_the_offer_in_whatever_order_segments_arrive() {
    let order = |table| orders(&[0, 1, 2, 3, 4]).into_iter().find(|order| edge_passes_offer(table, order));
    assert_eq!(order(Table::of(Profile::Repaired)), None);
    assert_eq!(order(Table::of(Profile::Literal9293)), Some(vec![1, 2]), "the second, then the first once more");
}

/// What the peer sends, in this order: its buffer of four fills, and it promises nothing that it does not keep.
fn sent_by_peer(number: usize) -> Segment<Seq> {
    let (seq, ack, text, wnd) =
        [(301, 101, 1, 4), (302, 101, 1, 4), (301, 103, 1, 2), (303, 104, 0, 1), (301, 104, 2, 3)][number];
    Segment { text, ..Segment::control(Seq::new(seq), Seq::new(ack), Flags::ACK, wnd) }
}

/// Whether SND.UNA+SND.WND is ever beyond all that the segments so far have offered.
fn edge_passes_offer(table: &Table, order: &[usize]) -> bool {
    let mut tcb = syn_received(table, &mut Meek::default());
    let mut happens = |event| _ = step(table, &mut tcb, event, &mut Meek::default());
    happens(Event::Arrives(Segment::control(Seq::new(301), Seq::new(101), Flags::ACK, 4)));
    happens(Event::Sent { text: 4, fin: false });
    let mut offered = Seq::new(105);
    order.iter().any(|&number| {
        let segment = sent_by_peer(number);
        step(table, &mut tcb, Event::Arrives(segment), &mut Meek::default());
        let edge = segment.ack.plus(segment.wnd);
        offered = if edge.after(offered) { edge } else { offered };
        tcb.snd_una().plus(tcb.snd_wnd()).after(offered)
    })
}

/// Every order in which some of them arrive, short ones first.
fn orders(all: &[usize]) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    let mut next = 0;
    while let Some(order) = orders.get(next).cloned() {
        let missing = all.iter().copied().filter(|one| !order.contains(one));
        orders.extend(missing.map(|one| [&order[..], &[one]].concat()));
        next += 1;
    }
    orders
}

/// D12: text waits, so that the letter queues the CLOSE too.
#[test]
fn who_has_closed_in_syn_received_does_not_listen_again() {
    let rst = Segment::control(Seq::new(301), Seq::new(0), Flags::RST, 0);
    let syn = Segment::control(Seq::new(302), Seq::new(0), Flags::SYN, 4);
    let syn_ack = Segment { ack: Seq::new(777), flags: Flags::SYN_ACK, ..syn };
    for (segment, answer) in [
        (rst, vec![]),
        (syn, vec![Segment::control(Seq::new(0), Seq::new(303), Flags::RST_ACK, 4)]),
        (syn_ack, vec![Segment::control(Seq::new(777), Seq::new(0), Flags::RST, 4)]),
    ] {
        let after = |profile| {
            let table = Table::of(profile);
            let mut host = Meek { unsent: true, ..Meek::default() };
            let mut tcb = syn_received(table, &mut host);
            step(table, &mut tcb, Event::Call(Call::Close), &mut host);
            host.emitted.clear();
            step(table, &mut tcb, Event::Arrives(segment), &mut host);
            (tcb.state(), host.emitted)
        };
        assert_eq!(after(Profile::Literal9293), (State::Listen, vec![]), "{segment}");
        assert_eq!(after(Profile::Repaired), (State::Closed, answer), "{segment}");
    }
}

/// D4: in TIME-WAIT, whoever has reset the connection acknowledges the peer's FIN, and the peer waits for ours.
#[test]
fn who_has_aborted_into_time_wait_answers_instead_of_resetting() {
    let literal = Table::catalogue().mutate(|rule| {
        let in_force = rule.profiles.has(Profile::Repaired) || rule.name == "abort/open/time-wait";
        in_force.then_some(rule)
    });
    let fin = Segment::control(Seq::new(301), Seq::new(101), Flags::FIN_ACK, 4);
    let after = |table: &Table| {
        let mut host = Meek::default();
        let mut tcb = syn_received(table, &mut host);
        for event in [Event::Arrives(fin), Event::Call(Call::Abort)] {
            step(table, &mut tcb, event, &mut host);
        }
        (host.acknowledgments, _) = (0, host.emitted.clear());
        step(table, &mut tcb, Event::Arrives(fin), &mut host);
        (tcb.state(), host.acknowledgments, host.emitted.iter().map(|answer| answer.flags).collect::<Vec<_>>())
    };
    assert_eq!(after(&literal), (State::TimeWait, 1, vec![]));
    assert_eq!(after(Table::repaired()), (State::Closed, 0, vec![Flags::RST]));
}

/// A passive connection with ISS 100 to which a peer with ISS 300 has sent its SYN.
fn syn_received(table: &Table, host: &mut Meek) -> Tcb<Seq> {
    let mut tcb = Tcb::closed();
    let syn = Segment::control(Seq::new(300), Seq::new(0), Flags::SYN, 4);
    for event in [Event::Call(Call::OpenPassive), Event::Arrives(syn)] {
        step(table, &mut tcb, event, host);
    }
    assert_eq!(tcb.state(), State::SynReceived);
    tcb
}

/// A host that follows every optional part, takes the text that is in order, holds none, and notes what is sent.
#[derive(Default)]
struct Meek {
    unsent: bool,
    acknowledgments: u32,
    emitted: Vec<Segment<Seq>>,
}

impl Host<Seq> for Meek {
    fn rcv_wnd(&self) -> u32 {
        4
    }
    fn policy(&self, _: Policy) -> bool {
        true
    }
    fn unsent(&self) -> bool {
        self.unsent
    }
    fn unread(&self) -> bool {
        false
    }
    fn holds_next(&self) -> bool {
        false
    }
    fn may_challenge(&self, _: Challenge) -> bool {
        true
    }
    fn has_listener(&self) -> bool {
        false
    }
    fn iss(&mut self, _: Option<Seq>) -> Seq {
        Seq::new(100)
    }
    fn emit(&mut self, _: &Tcb<Seq>, segment: Segment<Seq>) {
        self.emitted.push(segment);
    }
    fn acknowledge(&mut self, _: &Tcb<Seq>, _: Urgency) {
        self.acknowledgments += 1;
    }
    fn accept(&mut self, tcb: &Tcb<Seq>, segment: &Segment<Seq>) -> Accepted<u32> {
        let in_order = !segment.text_seq().after(tcb.rcv_nxt());
        let advance = if in_order { segment.end().forward_from(tcb.rcv_nxt()) } else { 0 };
        let fin = u32::from(in_order && segment.has(Flag::Fin));
        Accepted { advance: advance - fin, fin: fin == 1 }
    }
    fn take_challenge(&mut self, _: Challenge) {}
    fn queue_text(&mut self) {}
    fn hold(&mut self, _: &Tcb<Seq>, _: &Segment<Seq>) {}
    fn fin_received(&mut self, _: &Tcb<Seq>) {}
    fn acked(&mut self, _: &Tcb<Seq>, _: Seq) {}
    fn retransmit(&mut self, _: &Tcb<Seq>) {}
    fn probe(&mut self, _: &Tcb<Seq>) {}
    fn flush(&mut self) {}
    fn start(&mut self, _: Timer) {}
    fn stop(&mut self, _: Timer) {}
    fn signal(&mut self, _: Signal) {}
    fn reply(&mut self, _: Reply) {}
}
