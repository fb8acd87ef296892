//! What a check found, for people and for programs.

use super::figures::FigureReport;
use crate::render::ladder::Ladder;
use serde::{Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// What a check of some worlds found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The name of the profile.
    pub profile: &'static str,
    /// One for each world, in order.
    pub worlds: Vec<WorldReport>,
    /// One for each of the RFC's figures 6 to 13.
    pub figures: Vec<FigureReport>,
}

/// What was found in a world.
#[derive(Clone, Debug, Serialize)]
pub struct WorldReport {
    /// Its name.
    pub world: &'static str,
    /// What it asks.
    pub question: &'static str,
    /// What may befall the connections there: `E1 E2` ...
    pub environment: String,
    /// What it does not look beyond, a line each.
    pub bounds: Vec<String>,
    /// Different states.
    pub states: usize,
    /// Steps between them.
    pub transitions: usize,
    /// Steps from the initial state to the farthest.
    pub depth: u32,
    /// How long the exploration took, in seconds.
    pub seconds: f64,
    /// Segments lost because the network was full, over all steps.
    pub overflows: u64,
    /// One verdict for each property.
    pub verdicts: Vec<Verdict>,
    /// States of the connection that should be visited, but are not, and why that is expected, if it is.
    pub not_visited: Vec<(&'static str, Option<&'static str>)>,
    /// The names of the rules that fired.
    pub rules_fired: Vec<&'static str>,
}

/// What was found about a property.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Its number.
    pub property: &'static str,
    /// What it says.
    pub gist: &'static str,
    /// How it falls, if it does.
    pub falls: Option<Falls>,
    /// Why it is expected to fall, if it is.
    pub expected_to_fall: Option<&'static str>,
}

/// How a property falls.
#[derive(Clone, Debug, Serialize)]
pub struct Falls {
    /// Steps of the shortest way there.
    pub steps: usize,
    /// Steps of the cycle that follows, 0 if there is none.
    pub round: usize,
    /// All of them.
    #[serde(serialize_with = "as_text")]
    pub ladder: Ladder,
}

/// A ladder is text to programs too.
pub(super) fn as_text<S: Serializer>(ladder: &Ladder, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(ladder)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for world in &self.worlds {
            writeln!(f, "{world}")?;
        }
        f.write_str(&self.conclusion())
    }
}

impl fmt::Display for WorldReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.world, self.question)?;
        for line in &self.bounds {
            writeln!(f, "  {line}")?;
        }
        writeln!(
            f,
            "  {} states, {} transitions, depth {}, {:.1} s, {:.0} states/s; {} segments found the network full; \
             {} rules fired",
            self.states,
            self.transitions,
            self.depth,
            self.seconds,
            self.rate(),
            self.overflows,
            self.rules_fired.len(),
        )?;
        for (state, why) in &self.not_visited {
            writeln!(f, "  {state} is never visited: {}", why.unwrap_or("NOT EXPECTED"))?;
        }
        self.verdicts.iter().try_for_each(|verdict| write!(f, "{verdict}"))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict { property, gist, falls, expected_to_fall } = self;
        match (falls, expected_to_fall) {
            (None, None) => writeln!(f, "  {property:<3} holds: {gist}"),
            (None, Some(why)) => writeln!(f, "  {property:<3} holds, NOT EXPECTED: {gist}; {why}"),
            (Some(falls), why) => {
                writeln!(
                    f,
                    "  {property:<3} FALLS, {}: {gist}",
                    if why.is_some() { "as expected" } else { "NOT EXPECTED" }
                )?;
                if let Some(why) = why {
                    writeln!(f, "      {why}")?;
                }
                write!(f, "{falls}")
            }
        }
    }
}

impl fmt::Display for Falls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.round {
            0 => writeln!(f, "      after {} steps:", self.steps)?,
            round => writeln!(f, "      the last {round} of these steps for ever:")?,
        }
        self.ladder.to_string().lines().try_for_each(|line| writeln!(f, "      {line}"))
    }
}

impl Report {
    /// What comes after the worlds: the figures, and a line for all together.
    #[must_use]
    pub fn conclusion(&self) -> String {
        let figures: String = self.figures.iter().map(ToString::to_string).collect();
        let drawn = self.figures.iter().filter(|figure| figure.differs.is_none()).count();
        let states: usize = self.worlds.iter().map(|world| world.states).sum();
        let transitions: usize = self.worlds.iter().map(|world| world.transitions).sum();
        let verdict = if self.is_as_expected() { "every verdict is the expected one" } else { "NOT AS EXPECTED" };
        format!(
            "{figures}{}: {} worlds, {states} states, {transitions} transitions, {drawn} of {} figures as drawn: \
             {verdict}\n",
            self.profile,
            self.worlds.len(),
            self.figures.len()
        )
    }

    /// Whether every verdict is the expected one, and every figure goes as expected.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.worlds.iter().all(WorldReport::is_as_expected) && self.figures.iter().all(FigureReport::is_as_expected)
    }
}

impl WorldReport {
    /// Whether every verdict is the expected one, and every state was visited that should be.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.verdicts.iter().all(Verdict::is_as_expected) && self.not_visited.iter().all(|(_, why)| why.is_some())
    }

    /// States found per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        rate(self.states, self.seconds)
    }

    /// The probability that a search that remembers states by 64-bit fingerprints, as Stateright does, would have
    /// missed one.
    #[must_use]
    pub fn collision_probability(&self) -> f64 {
        collision_probability(self.states)
    }
}

/// So many in so much time.
pub(super) fn rate(states: usize, seconds: f64) -> f64 {
    count(states) / seconds.max(Duration::from_micros(1).as_secs_f64())
}

/// Two of n states share a fingerprint of 64 bits with probability about n^2 / 2^65.
pub(super) fn collision_probability(states: usize) -> f64 {
    count(states).powi(2) / 2_f64.powi(65)
}

impl Verdict {
    /// Whether it falls if and only if that is expected.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.falls.is_some() == self.expected_to_fall.is_some()
    }
}

/// A number as a fraction, exactly below 2^53 and nearly beyond.
pub(super) fn count(number: usize) -> f64 {
    let number = u64::try_from(number).unwrap_or(u64::MAX);
    let half = |bits: u64| f64::from(u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(u32::MAX));
    half(number >> 32) * 2_f64.powi(32) + half(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::figures;
    use crate::table::Profile;

    fn report(falls: bool, expected: bool) -> Report {
        let ladder = || Ladder {
            names: ["A", "B"].map(str::to_owned),
            begin: ["CLOSED", "LISTEN"].map(str::to_owned),
            rungs: Vec::new(),
        };
        let falls = falls.then(|| Falls { steps: 1, round: 2, ladder: ladder() });
        let verdict =
            Verdict { property: "L3", gist: "no packet war", falls, expected_to_fall: expected.then_some("a reason") };
        let world = WorldReport {
            world: "a world",
            question: "a question?",
            environment: "E0".to_owned(),
            bounds: Vec::new(),
            states: 4,
            transitions: 5,
            depth: 3,
            seconds: 2.0,
            overflows: 0,
            verdicts: vec![verdict],
            not_visited: Vec::new(),
            rules_fired: Vec::new(),
        };
        Report { profile: "repaired", worlds: vec![world], figures: Vec::new() }
    }

    #[test]
    fn what_falls_unexpectedly_and_what_holds_unexpectedly_are_both_news() {
        assert!(report(false, false).is_as_expected() && report(true, true).is_as_expected());
        assert!(!report(true, false).is_as_expected() && !report(false, true).is_as_expected());
    }

    #[test]
    fn a_state_that_is_never_visited_is_news() {
        let mut report = report(false, false);
        report.worlds[0].not_visited = vec![("CLOSING", Some("a reason"))];
        assert!(report.is_as_expected());
        report.worlds[0].not_visited = vec![("CLOSING", None)];
        assert!(!report.is_as_expected());
    }

    #[test]
    fn a_figure_that_goes_another_way_is_news() {
        let mut report = report(false, false);
        report.figures = figures::all(Profile::Literal9293);
        assert!(report.is_as_expected());
        report.figures[0].expected_to_differ = None;
        assert!(!report.is_as_expected());
    }

    #[test]
    fn it_reads_as_a_list_of_verdicts() {
        insta::assert_snapshot!(report(true, false), @r"
    a world: a question?
      4 states, 5 transitions, depth 3, 2.0 s, 2 states/s; 0 segments found the network full; 0 rules fired
      L3  FALLS, NOT EXPECTED: no packet war
          the last 2 of these steps for ever:
                A                                                              B
                CLOSED                                                         LISTEN

    repaired: 1 worlds, 4 states, 5 transitions, 0 of 0 figures as drawn: NOT AS EXPECTED
    ");
    }
}
