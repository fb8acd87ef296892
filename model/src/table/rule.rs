//! A row of the table, where it comes from, and which profile it belongs to.

use super::vocabulary::{Act, Atom, Stage};
use crate::state::{State, StateSet};
use core::fmt;

/// Names a rule among all rules of all profiles: small to store, cheap to compare.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(u16);

impl RuleId {
    /// Before the table has given the rule its number.
    pub(crate) const UNNUMBERED: RuleId = RuleId(u16::MAX);

    pub(super) const fn new(number: u16) -> RuleId {
        RuleId(number)
    }

    /// Its place among all rules, below [`Table::CAPACITY`](super::Table::CAPACITY).
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The rule's name, as written in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        super::CATALOGUE.rule(self).map_or("?", |rule| rule.name)
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A row: in these states, when all guards hold, do this, then be in that state, and go on there.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its number among all rules.
    pub id: RuleId,
    /// Its name: lasting, unique among all profiles, and readable.
    pub name: &'static str,
    /// The check it belongs to.
    pub stage: Stage,
    /// The states it applies in.
    pub states: StateSet,
    /// All of these must hold.
    pub when: &'static [Atom],
    /// These are done in order.
    pub then: &'static [Act],
    /// The state afterwards.
    pub next: Next,
    /// Where the event goes on.
    pub flow: Flow,
    /// The words it follows.
    pub cite: &'static [Cite],
    /// What it is, compared with the words.
    pub kind: Kind,
    /// The tables it is a row of.
    pub profiles: Profiles,
}

/// The state after a rule.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Next {
    /// Unchanged.
    Stay,
    /// This one.
    To(State),
}

/// Where an event goes after a rule.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Flow {
    /// To the check that follows.
    Continue,
    /// Nowhere: "return".
    Done,
    /// To this check.
    Jump(Stage),
}

/// A document that rules cite.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Doc {
    /// RFC 793, of 1981.
    Rfc793,
    /// RFC 1122: Requirements for Internet Hosts.
    Rfc1122,
    /// RFC 1337: TIME-WAIT Assassination Hazards.
    Rfc1337,
    /// RFC 5961: Improving TCP's Robustness to Blind In-Window Attacks.
    Rfc5961,
    /// RFC 6191: Reducing the TIME-WAIT State Using TCP Timestamps.
    Rfc6191,
    /// RFC 7323: TCP Extensions for High Performance.
    Rfc7323,
    /// RFC 9293, of 2022: TCP.
    Rfc9293,
}

impl Doc {
    /// The number of the RFC.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Doc::Rfc793 => 793,
            Doc::Rfc1122 => 1122,
            Doc::Rfc1337 => 1337,
            Doc::Rfc5961 => 5961,
            Doc::Rfc6191 => 6191,
            Doc::Rfc7323 => 7323,
            Doc::Rfc9293 => 9293,
        }
    }
}

/// A few words of a document that say what a rule does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Cite {
    /// The document.
    pub doc: Doc,
    /// The section, as `3.10.7.4`.
    pub section: &'static str,
    /// The words, verbatim but for line breaks.
    pub quote: &'static str,
}

impl fmt::Display for Cite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RFC {} §{}: \"{}\"", self.doc.number(), self.section, self.quote)
    }
}

/// What a rule is, compared with the words it cites.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// It does what they say.
    Literal,
    /// It does what this erratum of RFC 9293 (or of RFC 793) says instead.
    Erratum(u32),
    /// It does what this document says in addition.
    Updated(Doc),
    /// The words have a defect, which this repairs.
    Repair {
        /// The defect's number in the list of findings, `D1` ...
        defect: &'static str,
        /// What goes wrong when the words are followed.
        why: &'static str,
        /// The exchange in which it goes wrong, or the negative world that shows it.
        counterexample: &'static str,
    },
    /// A deployed stack does this instead.
    Deviation {
        /// The difference's number in the list of the stack's differences, `L01` ...
        id: &'static str,
    },
}

impl Kind {
    /// Whether it is what a deployed stack does against the words.
    #[must_use]
    pub const fn is_deviation(self) -> bool {
        matches!(self, Kind::Deviation { .. })
    }
}

/// A reading of the RFC: which rows are in force.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Profile {
    /// RFC 9293 to the letter, defects included.
    Literal9293,
    /// RFC 793 to the letter.
    Rfc793,
    /// RFC 9293 with its defects repaired: what the stack runs.
    Repaired,
}

impl Profile {
    /// All three.
    pub const ALL: [Profile; 3] = [Profile::Literal9293, Profile::Rfc793, Profile::Repaired];

    /// Its name on a command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Literal9293 => "literal9293",
            Profile::Rfc793 => "rfc793",
            Profile::Repaired => "repaired",
        }
    }
}

/// A set of profiles.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Profiles {
    literal: bool,
    rfc793: bool,
    repaired: bool,
}

impl Profiles {
    /// Every profile.
    pub const ALL: Profiles = Profiles { literal: true, rfc793: true, repaired: true };
    /// Both that follow a text to the letter.
    pub const LITERAL: Profiles = Profiles { literal: true, rfc793: true, repaired: false };
    /// RFC 9293, repaired or not.
    pub const RFC9293: Profiles = Profiles { literal: true, rfc793: false, repaired: true };
    /// RFC 9293 to the letter.
    pub const LITERAL9293: Profiles = Profiles { literal: true, rfc793: false, repaired: false };
    /// RFC 793 to the letter.
    pub const RFC793: Profiles = Profiles { literal: false, rfc793: true, repaired: false };
    /// No reading of the RFC.
    pub const NONE: Profiles = Profiles { literal: false, rfc793: false, repaired: false };
    /// What the stack runs.
    pub const REPAIRED: Profiles = Profiles { literal: false, rfc793: false, repaired: true };

    /// Whether `profile` is in it.
    #[must_use]
    pub const fn has(self, profile: Profile) -> bool {
        match profile {
            Profile::Literal9293 => self.literal,
            Profile::Rfc793 => self.rfc793,
            Profile::Repaired => self.repaired,
        }
    }
}

/// A row, written so that a part of the table reads as a table:
///
/// `name: stage in STATES; when guards; then actions; next, flow; PROFILES Kind; cites`
macro_rules! rule {
    ($name:literal: $stage:ident in $($state:ident)|+;
     when [$($when:expr),* $(,)?]; then [$($then:expr),* $(,)?]; $next:expr, $flow:expr;
     $profiles:ident $kind:expr; $($doc:ident $section:literal $quote:literal),+ $(,)?) => {
        $crate::table::Rule {
            id: $crate::table::RuleId::UNNUMBERED,
            name: $name,
            stage: $crate::table::Stage::$stage,
            states: $crate::state::StateSet::of(&[$($crate::state::State::$state),+]),
            when: &[$($when),*],
            then: &[$($then),*],
            next: $next,
            flow: $flow,
            cite: &[$($crate::table::Cite {
                doc: $crate::table::Doc::$doc, section: $section, quote: $quote
            }),+],
            kind: $kind,
            profiles: $crate::table::Profiles::$profiles,
        }
    };
}
pub(super) use rule;
