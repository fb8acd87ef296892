//! The oracle: the table as a nondeterministic acceptor of what was seen.
//!
//! It follows each connection of a [`Trace`] with the table's own [`step`](lockstep_model::step()) and keeps the set of
//! beliefs that explain everything so far: under every reading of the RFC (literal or repaired), with every optional part
//! followed or not, with every delay the RFC allows. When none is left the system has diverged, and what the last ones
//! expected is the reason. The bytes are decoded by `etherparse`, never by Lockstep's own parsers.

mod belief;
mod decode;
mod emission;
mod ledger;
mod project;
mod stamp;
mod why;

pub use decode::{Heard, NetworkError, Unheard, hear};
pub use why::Reasons;

use crate::system::{FourTuple, Timing};
use crate::trace::Trace;
use belief::Belief;
use ledger::Ledger;
use lockstep_model::{Profile, RuleId, Table};
use project::{Happened, Happening, Story};
use std::collections::BTreeSet;
use std::time::Duration;

/// What a system is judged by.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The readings of the RFC that conform.
    pub tables: Vec<&'static Table>,
    /// Tables that put known deviations of this system first.
    pub deviant: Vec<&'static Table>,
    /// The patience it is owed.
    pub timing: Timing,
    /// The shortest retransmission timeout (RFC 6298 (2.4) says one second; many use less).
    pub min_rto: Duration,
    /// How long TIME-WAIT lasts at least: 2 MSL, for the MSL this system assumes.
    pub time_wait: Duration,
    /// How long FIN-WAIT-2 lasts at least once its user is gone.
    pub fin_wait_2: Duration,
    /// After how long without an acknowledgment it may give up (RFC 9293 §3.8.3, R2).
    pub give_up: Duration,
}

impl Terms {
    /// The RFC's, for a system whose clock is `timing` and whose TIME-WAIT lasts `time_wait`.
    #[must_use]
    pub fn new(timing: Timing, time_wait: Duration) -> Terms {
        Terms {
            tables: vec![Table::of(Profile::Repaired), Table::of(Profile::Literal9293)],
            deviant: Vec::new(),
            timing,
            // One second is a SHOULD (RFC 6298 (2.4)), which Lockstep follows; Linux takes 200 ms (TCP_RTO_MIN).
            min_rto: Duration::from_millis(200),
            time_wait,
            // No RFC knows this timer. The shortest that a user can ask for is TCP_LINGER2 of one second.
            fin_wait_2: Duration::from_secs(1),
            // RFC 9293 §3.8.3, R2: "SHOULD correspond to at least 100 seconds". Who asked for less has said so in the trace.
            give_up: Duration::from_secs(100),
        }
    }

    /// The latest time for a retransmission after a wait of `last`: twice as long, or 3 seconds for the first (RFC 6298
    /// (5.5), (5.7)), and a quarter more.
    fn latest_retransmission(&self, last: Option<Duration>) -> Duration {
        let wait = last.map_or(Duration::from_secs(3), |last| (2 * last).max(Duration::from_secs(3)));
        wait + wait / 4 + self.timing.slack + 2 * self.timing.tick
    }

    /// The latest time for text, or a FIN, that nothing holds back: what may be sent at all may at most wait for more to
    /// send (RFC 9293 §3.8.6.2.1: 0.1 to 1.0 seconds).
    fn latest_transmission(&self) -> Duration {
        Duration::from_secs(1) + self.timing.slack + 2 * self.timing.tick
    }

    fn latest_time_wait(&self) -> Duration {
        self.time_wait + self.time_wait / 4 + self.timing.slack + 2 * self.timing.tick
    }
}

/// What the oracle says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// All that was seen is explained; by these deviations where the RFC alone does not explain it.
    Explained {
        /// Rows of kind deviation, none for a system that conforms.
        deviations: BTreeSet<RuleId>,
    },
    /// Something has no explanation.
    Diverged(Divergence),
}

/// The first thing that has no explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The connection, where it concerns one.
    pub connection: Option<FourTuple>,
    /// Its place in the trace; the trace's length if something is missing at the end.
    pub index: usize,
    /// What it is, in words.
    pub seen: String,
    /// What each of the last beliefs would have expected.
    pub expected: BTreeSet<String>,
    /// The rules that fired last before it, in any of the last beliefs.
    pub rules: Vec<RuleId>,
}

/// Judges everything that was seen.
#[must_use]
pub fn judge(trace: &Trace, terms: &Terms) -> Judgement {
    explain(trace, terms).0
}

/// Judges everything that was seen, and tells the rules that explain it, as far as it is explained.
#[must_use]
pub fn explain(trace: &Trace, terms: &Terms) -> (Judgement, Reasons) {
    let mut reasons = Reasons::new();
    let stories = match project::stories(trace) {
        Ok(stories) => stories,
        Err((index, unheard)) => {
            let expected = BTreeSet::from(["a well-formed segment with a valid checksum".to_owned()]);
            let seen = format!("the system sent a datagram, but {unheard}");
            let divergence = Divergence { connection: None, index, seen, expected, rules: Vec::new() };
            return (Judgement::Diverged(divergence), reasons);
        }
    };
    let mut deviations = BTreeSet::new();
    for story in &stories {
        match follow(story, trace, terms, &mut reasons) {
            Ok(needed) => deviations.extend(needed),
            Err(divergence) => return (Judgement::Diverged(divergence), reasons),
        }
    }
    (Judgement::Explained { deviations }, reasons)
}

/// Follows one connection to the end; returns the fewest deviations that explain it. The rules that do are added to the
/// reasons, as far as there are any.
fn follow(story: &Story, trace: &Trace, terms: &Terms, reasons: &mut Reasons) -> Result<BTreeSet<RuleId>, Divergence> {
    let mut beliefs = Belief::all(terms);
    for belief in &mut beliefs {
        belief.ledger = Ledger::with_iss(&story.iss);
    }
    for happening in &story.events {
        let last = beliefs.first().cloned();
        beliefs = advance(beliefs, happening, story, terms)
            .inspect_err(|_| reasons.extend(last.iter().flat_map(Belief::reasons)))?;
    }
    let end = trace.ended;
    let mut late = BTreeSet::new();
    let rules = last_rules(&beliefs);
    let so_far = beliefs.first().map(Belief::reasons).unwrap_or_default();
    let best = beliefs
        .into_iter()
        .flat_map(|belief| belief.with_silent_timeouts(end, terms))
        .filter(|belief| belief.overdue(end, terms).map(|reason| late.insert(reason)).is_none())
        .min_by_key(|belief| belief.deviations().len());
    reasons.extend(best.as_ref().map_or(so_far, Belief::reasons));
    best.map(|belief| belief.deviations().clone()).ok_or_else(|| Divergence {
        connection: Some(story.connection),
        index: trace.observations.len(),
        seen: format!("the trace ends at {end:?}"),
        expected: late,
        rules,
    })
}

/// All beliefs after one more happening.
fn advance(
    beliefs: Vec<Belief>,
    happening: &Happening,
    story: &Story,
    terms: &Terms,
) -> Result<Vec<Belief>, Divergence> {
    let now = happening.at;
    let mut next: Vec<Belief> = Vec::new();
    let mut reasons = BTreeSet::new();
    let rules = last_rules(&beliefs);
    for belief in beliefs.into_iter().flat_map(|belief| belief.with_silent_timeouts(now, terms)) {
        if let Some(reason) = belief.overdue(now, terms) {
            reasons.insert(reason);
            continue;
        }
        match belief.explain(happening.event, now, terms) {
            Ok(explained) => {
                for mut belief in explained {
                    belief.remember(happening.event, happening.index);
                    if !next.contains(&belief) {
                        next.push(belief);
                    }
                }
            }
            Err(reason) => {
                reasons.insert(reason);
            }
        }
    }
    if next.is_empty() {
        let seen = describe(happening.event);
        let connection = Some(story.connection);
        return Err(Divergence { connection, index: happening.index, seen, expected: reasons, rules });
    }
    Ok(next)
}

/// The rules that fired last in any belief, each once.
fn last_rules(beliefs: &[Belief]) -> Vec<RuleId> {
    let mut rules = Vec::new();
    for rule in beliefs.iter().flat_map(Belief::last_fired) {
        if !rules.contains(rule) {
            rules.push(*rule);
        }
    }
    rules
}

fn describe(event: Happened) -> String {
    match event {
        Happened::Arrived(segment, _) => format!("{segment} arrives"),
        Happened::Emitted(segment) => format!("the system sends {segment}"),
        Happened::Listening(true) => "somebody listens".to_owned(),
        Happened::Listening(false) => "nobody listens any more".to_owned(),
        Happened::Opened => "the user opens".to_owned(),
        Happened::Sent { octets, urgent: false } => format!("the user sends {octets} octets"),
        Happened::Sent { octets, urgent: true } => format!("the user sends {octets} urgent octets"),
        Happened::KeepsAlive(true) => "the user wants keep-alives".to_owned(),
        Happened::KeepsAlive(false) => "the user wants no keep-alives".to_owned(),
        Happened::GivesUpAfter(patience) => format!("the user waits for an acknowledgment for {patience:?} at most"),
        Happened::RepeatsSyn(Some(most)) => format!("a SYN is sent again {most} times at most"),
        Happened::RepeatsSyn(None) => "a SYN is sent again as often as the system likes".to_owned(),
        Happened::Network(NetworkError::Hard) => "the network says that nobody is there".to_owned(),
        Happened::Network(NetworkError::TooBig) => "the network says that a segment was too big".to_owned(),
        Happened::Received(octets) => format!("the user receives {octets} octets"),
        Happened::Closed => "the user closes".to_owned(),
        Happened::Released => "the user is gone".to_owned(),
        Happened::Aborted => "the user aborts".to_owned(),
        Happened::Probed(state) => format!("the system says that it is in {state}"),
    }
}
