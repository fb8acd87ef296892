//! What may be the case: sets of [`Facts`], one fact at a time, for running the table on all of them at once.

use super::words;
use crate::engine::guard::Facts;
use crate::segment::Flag;
use crate::table::{AckClass, Atom, Policy, SeqClass, TimestampClass};
use core::fmt;

/// For every fact that guards ask about, the values it may have: a product of sets.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Valuation {
    /// One bit for each value of a fact; for a fact that is or is not the case, [`NO`] and [`YES`].
    may: [u16; FACTS],
}

/// How many facts there are: one for each kind of guard, flag and policy; `Acceptable` is a question about `Seq`.
const FACTS: usize = SIMPLE + Flag::ALL.len() + Policy::ALL.len();
/// Those that belong to no flag and no policy.
const SIMPLE: usize = 28;
const NO: u16 = 0b01;
const YES: u16 = 0b10;
const SEQ_CLASSES: u16 = 0b11_1111_1111;
const ACK_CLASSES: u16 = 0b0111_1111;
const TIMESTAMP_CLASSES: u16 = 0b0001_1111;

impl Valuation {
    /// Nothing is known.
    #[must_use]
    pub fn anything() -> Valuation {
        let mut all = Valuation { may: [NO | YES; FACTS] };
        for atom in every_atom() {
            let (fact, _, values) = question(atom);
            all.may[fact] = values;
        }
        all
    }

    /// Exactly these facts.
    #[must_use]
    pub fn of(facts: &Facts) -> Valuation {
        every_atom().into_iter().fold(Valuation::anything(), |known, atom| {
            let (fact, when, _) = question(atom);
            let mut known = known;
            known.may[fact] &= if facts.satisfy(atom) { when } else { !when };
            known
        })
    }

    /// Those of them in which the guard holds, if there are any.
    #[must_use]
    pub fn where_holds(self, atom: Atom) -> Option<Valuation> {
        let (fact, when, _) = question(atom);
        self.restrict(fact, when)
    }

    /// Those of them in which the guard does not hold, if there are any.
    #[must_use]
    pub fn where_fails(self, atom: Atom) -> Option<Valuation> {
        let (fact, when, _) = question(atom);
        self.restrict(fact, !when)
    }

    fn restrict(mut self, fact: usize, values: u16) -> Option<Valuation> {
        self.may[fact] &= values;
        (self.may[fact] != 0).then_some(self)
    }

    /// Divides them into those in which all guards hold and those in which one fails, by the first that does.
    #[must_use]
    pub fn split(self, guards: &[Atom]) -> (Option<Valuation>, Vec<Valuation>) {
        let mut rest = Vec::new();
        let mut all_hold = Some(self);
        for &atom in guards {
            rest.extend(all_hold.and_then(|here| here.where_fails(atom)));
            all_hold = all_hold.and_then(|here| here.where_holds(atom));
        }
        (all_hold, rest)
    }

    /// From now on the guard holds, whatever was known about its fact.
    pub fn learn(&mut self, atom: Atom) {
        let (fact, when, _) = question(atom);
        self.may[fact] = when;
    }

    /// From now on nothing is known about this guard's fact.
    pub fn forget(&mut self, atom: Atom) {
        let (fact, _, values) = question(atom);
        self.may[fact] = values;
    }

    /// What is known about these guards' facts, and nothing else.
    #[must_use]
    pub fn only(self, atoms: &[Atom]) -> Valuation {
        let mut only = Valuation::anything();
        for &atom in atoms {
            let (fact, ..) = question(atom);
            only.may[fact] = self.may[fact];
        }
        only
    }

    /// Whether all of the others are among them.
    #[must_use]
    pub fn includes(self, others: Valuation) -> bool {
        self.may.iter().zip(others.may).all(|(mine, theirs)| theirs & !mine == 0)
    }

    /// Whether one of them has none of these contradictions: sets of guards that never hold together.
    #[must_use]
    pub fn is_possible<'c>(self, contradictions: &(impl Iterator<Item = &'c [Atom]> + Clone)) -> bool {
        let mut open = None;
        for guards in contradictions.clone() {
            if guards.iter().any(|&atom| self.where_holds(atom).is_none()) {
                continue;
            }
            match guards.iter().find(|&&atom| self.where_fails(atom).is_some()) {
                Some(&atom) => open = Some(atom),
                None => return false,
            }
        }
        let Some(atom) = open else { return true };
        [self.where_fails(atom), self.where_holds(atom)]
            .into_iter()
            .flatten()
            .any(|narrower| narrower.is_possible(contradictions))
    }
}

impl fmt::Display for Valuation {
    /// What is known, in the words of the guards.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let anything = Valuation::anything();
        let known = every_atom().into_iter().filter(|&atom| {
            let (fact, when, _) = question(atom);
            self.may[fact] != anything.may[fact] && self.may[fact] & !when == 0
        });
        f.write_str(&known.map(words::guard).collect::<Vec<_>>().join("; "))
    }
}

impl fmt::Debug for Valuation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The fact that a guard asks about, the values for which the guard holds, and all values of the fact.
fn question(atom: Atom) -> (usize, u16, u16) {
    let yes_or_no = |fact, is| (fact, if is { YES } else { NO }, YES | NO);
    let class = |fact, holds: u16, is, all| (fact, if is { holds } else { !holds & all }, all);
    match atom {
        Atom::Seq(one, is) => class(0, seq_bit(one), is, SEQ_CLASSES),
        Atom::Acceptable(is) => class(0, acceptable(), is, SEQ_CLASSES),
        Atom::Ack(one, is) => class(1, ack_bit(one), is, ACK_CLASSES),
        Atom::Active(is) => yes_or_no(2, is),
        Atom::Remote(is) => yes_or_no(3, is),
        Atom::Carries(is) => yes_or_no(4, is),
        Atom::Deliverable(is) => yes_or_no(5, is),
        Atom::AtRcvNxt(is) => yes_or_no(6, is),
        Atom::AtIrs(is) => yes_or_no(7, is),
        Atom::NewerThanRcvNxt(is) => yes_or_no(8, is),
        Atom::WindowNewer(is) => yes_or_no(9, is),
        Atom::UrgentNews(is) => yes_or_no(10, is),
        Atom::Passive(is) => yes_or_no(11, is),
        Atom::Reopened(is) => yes_or_no(12, is),
        Atom::SynAcked(is) => yes_or_no(13, is),
        Atom::FinAcked(is) => yes_or_no(14, is),
        Atom::FinReady(is) => yes_or_no(15, is),
        Atom::SentFin(is) => yes_or_no(16, is),
        Atom::AllAcked(is) => yes_or_no(17, is),
        Atom::SendPending(is) => yes_or_no(18, is),
        Atom::CloseQueued(is) => yes_or_no(19, is),
        Atom::UserGone(is) => yes_or_no(20, is),
        Atom::Unread(is) => yes_or_no(21, is),
        Atom::WindowClosed(is) => yes_or_no(22, is),
        Atom::Probing(is) => yes_or_no(23, is),
        Atom::MayAnswer(is) => yes_or_no(24, is),
        Atom::Listening(is) => yes_or_no(25, is),
        Atom::NewText(is) => yes_or_no(26, is),
        Atom::Timestamp(one, is) => class(27, timestamp_bit(one), is, TIMESTAMP_CLASSES),
        Atom::Has(flag, is) => yes_or_no(SIMPLE + flag_index(flag), is),
        Atom::Follows(policy, is) => yes_or_no(SIMPLE + Flag::ALL.len() + policy.index(), is),
    }
}

const fn flag_index(flag: Flag) -> usize {
    match flag {
        Flag::Fin => 0,
        Flag::Syn => 1,
        Flag::Rst => 2,
        Flag::Psh => 3,
        Flag::Ack => 4,
        Flag::Urg => 5,
    }
}

const fn seq_bit(class: SeqClass) -> u16 {
    match class {
        SeqClass::Exact => 1,
        SeqClass::Ahead => 1 << 1,
        SeqClass::Straddles => 1 << 2,
        SeqClass::ZeroWindow => 1 << 3,
        SeqClass::RepeatedFin => 1 << 4,
        SeqClass::Old => 1 << 5,
        SeqClass::Beyond => 1 << 6,
        SeqClass::Repeated => 1 << 7,
        SeqClass::JustBefore => 1 << 8,
        SeqClass::RightEdge => 1 << 9,
    }
}

fn acceptable() -> u16 {
    SeqClass::ALL.into_iter().filter(|class| class.is_acceptable()).map(seq_bit).sum()
}

const fn ack_bit(class: AckClass) -> u16 {
    match class {
        AckClass::Missing => 1,
        AckClass::TooOld => 1 << 1,
        AckClass::Old => 1 << 2,
        AckClass::Duplicate => 1 << 3,
        AckClass::New => 1 << 4,
        AckClass::Future => 1 << 5,
        AckClass::NeverSent => 1 << 6,
    }
}

const fn timestamp_bit(class: TimestampClass) -> u16 {
    match class {
        TimestampClass::NotInUse => 1,
        TimestampClass::Missing => 1 << 1,
        TimestampClass::Older => 1 << 2,
        TimestampClass::Same => 1 << 3,
        TimestampClass::Newer => 1 << 4,
    }
}

/// Every guard that can be written.
#[must_use]
pub fn every_atom() -> Vec<Atom> {
    [true, false].into_iter().flat_map(atoms_that_say).collect()
}

fn atoms_that_say(is: bool) -> impl Iterator<Item = Atom> {
    let simple = [
        Atom::Active,
        Atom::Remote,
        Atom::Carries,
        Atom::Deliverable,
        Atom::NewText,
        Atom::Acceptable,
        Atom::AtRcvNxt,
        Atom::AtIrs,
        Atom::NewerThanRcvNxt,
        Atom::WindowNewer,
        Atom::UrgentNews,
        Atom::Passive,
        Atom::Reopened,
        Atom::SynAcked,
        Atom::FinAcked,
        Atom::FinReady,
        Atom::SentFin,
        Atom::AllAcked,
        Atom::SendPending,
        Atom::CloseQueued,
        Atom::UserGone,
        Atom::Unread,
        Atom::WindowClosed,
        Atom::Probing,
        Atom::MayAnswer,
        Atom::Listening,
    ];
    (simple.into_iter().map(move |says| says(is)))
        .chain(Flag::ALL.into_iter().map(move |flag| Atom::Has(flag, is)))
        .chain(SeqClass::ALL.into_iter().map(move |class| Atom::Seq(class, is)))
        .chain(AckClass::ALL.into_iter().map(move |class| Atom::Ack(class, is)))
        .chain(TimestampClass::ALL.into_iter().map(move |class| Atom::Timestamp(class, is)))
        .chain(Policy::ALL.into_iter().map(move |policy| Atom::Follows(policy, is)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::contradictions::OF_A_SEGMENT;
    use crate::segment::Flags;
    use quickcheck::quickcheck;

    quickcheck! {
        fn facts_and_their_valuation_satisfy_the_same_guards(bits: u64) -> bool {
            let facts = facts(bits);
            let known = Valuation::of(&facts);
            every_atom().into_iter().all(|atom| {
                known.where_holds(atom).is_some() == facts.satisfy(atom)
                    && known.where_fails(atom).is_none() == facts.satisfy(atom)
            })
        }
        fn a_split_puts_every_fact_on_its_side(bits: u64, choice: Vec<u8>) -> bool {
            let facts = facts(bits);
            let atoms = every_atom();
            let guards: Vec<Atom> = choice.into_iter().map(|n| atoms[usize::from(n) % atoms.len()]).collect();
            let (hold, fail) = Valuation::anything().split(&guards);
            let is_in = |known: &Valuation| known.includes(Valuation::of(&facts));
            let all_hold = guards.iter().all(|&guard| facts.satisfy(guard));
            hold.iter().filter(|&known| is_in(known)).count() == usize::from(all_hold)
                && fail.iter().filter(|&known| is_in(known)).count() == usize::from(!all_hold)
        }
        fn exact_facts_are_possible_unless_they_contradict(bits: u64) -> bool {
            let facts = facts(bits);
            let contradicts = |guards: &[Atom]| guards.iter().all(|&guard| facts.satisfy(guard));
            let all = OF_A_SEGMENT.iter().map(|one| one.guards);
            Valuation::of(&facts).is_possible(&all) != all.clone().any(contradicts)
        }
    }

    #[test]
    fn what_only_follows_from_several_contradictions_is_not_possible() {
        let at_rcv_nxt = Valuation::anything().where_holds(Atom::AtRcvNxt(true));
        let and_old = at_rcv_nxt.and_then(|known| known.where_holds(Atom::Seq(SeqClass::Old, true)));
        let all = OF_A_SEGMENT.iter().map(|one| one.guards);
        assert!(at_rcv_nxt.is_some_and(|known| known.is_possible(&all)));
        assert!(!and_old.is_some_and(|known| known.is_possible(&all)));
    }

    /// Facts of every kind, consistent or not.
    fn facts(bits: u64) -> Facts {
        let bit = |place: u32| bits >> place & 1 == 1;
        let class = |place: u32, of: u64| usize::try_from((bits >> place) % of).expect("few");
        Facts {
            active: bit(0),
            remote: bit(1),
            flags: Flags::from_wire(u8::try_from(bits >> 2 & 63).expect("six bits")),
            carries: bit(8),
            deliverable: bit(9),
            new_text: bit(10),
            seq: SeqClass::ALL[class(40, 10)],
            at_rcv_nxt: bit(11),
            at_irs: bit(12),
            newer_than_rcv_nxt: bit(13),
            ack: AckClass::ALL[class(50, 7)],
            window_newer: bit(14),
            urgent_news: bit(15),
            passive: bit(16),
            reopened: bit(17),
            syn_acked: bit(18),
            fin_acked: bit(19),
            fin_ready: bit(20),
            sent_fin: bit(21),
            all_acked: bit(22),
            send_pending: bit(23),
            close_queued: bit(24),
            user_gone: bit(25),
            unread: bit(26),
            window_closed: bit(27),
            probing: bit(28),
            may_answer: bit(29),
            listening: bit(30),
            timestamp: TimestampClass::ALL[class(56, 5)],
            follows: [bit(31), bit(32), bit(33)],
        }
    }
}
