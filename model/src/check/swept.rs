//! What a sweep found, for people and for programs.

use super::expected::why_falls;
use super::large::Large;
use super::properties::Property;
use super::report::{collision_probability, count, rate};
use super::sweep::{SweepProgress, sweep};
use crate::table::Profile;
use serde::Serialize;
use std::fmt;
use std::time::Instant;

/// What the sweep of some worlds found.
#[derive(Clone, Debug, Serialize)]
pub struct SweepReport {
    /// The name of the profile.
    pub profile: &'static str,
    /// How many threads swept.
    pub threads: usize,
    /// One for each world, in order.
    pub worlds: Vec<SweptWorld>,
}

/// What the sweep of a world found.
#[derive(Clone, Debug, Serialize)]
pub struct SweptWorld {
    /// Its name.
    pub world: &'static str,
    /// What it asks.
    pub question: &'static str,
    /// What it does not look beyond, a line each.
    pub bounds: Vec<String>,
    /// Different states.
    pub states: usize,
    /// Steps between them.
    pub transitions: usize,
    /// Steps from the initial state to the farthest.
    pub depth: usize,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The most memory that states and fingerprints took at a time, in octets.
    pub memory: usize,
    /// How many rules fired.
    pub rules_fired: usize,
    /// One verdict for each safety property.
    pub verdicts: Vec<StepVerdict>,
}

/// What was found about a safety property.
#[derive(Clone, Debug, Serialize)]
pub struct StepVerdict {
    /// Its number.
    pub property: &'static str,
    /// What it says.
    pub gist: &'static str,
    /// After how many steps it falls first, if it does.
    pub falls: Option<usize>,
    /// Why it is expected to fall, if it is.
    pub expected_to_fall: Option<&'static str>,
}

/// Sweeps through a world with so many threads; `progress` is told now and then how far it has come.
pub fn sweep_world(
    &Large { world, of }: &Large,
    profile: Profile,
    threads: usize,
    progress: impl FnMut(SweepProgress),
) -> SweptWorld {
    let begun = Instant::now();
    let swept = sweep(&world, threads, progress);
    let seconds = begun.elapsed().as_secs_f64();
    let verdict = |&property: &Property| StepVerdict {
        property: property.id(),
        gist: property.gist(),
        falls: swept.broken.iter().find(|&&(broken, _)| broken == property).map(|&(_, level)| level),
        expected_to_fall: why_falls(profile, of, property),
    };
    SweptWorld {
        world: world.name,
        question: world.question,
        bounds: world.bounds.to_string().lines().map(str::to_owned).collect(),
        states: swept.states,
        transitions: swept.transitions,
        depth: swept.depth,
        seconds,
        memory: swept.memory,
        rules_fired: world.table.rules().iter().filter(|rule| swept.tally.has(rule.id)).count(),
        verdicts: world.properties.iter().filter(|property| property.is_safety()).map(verdict).collect(),
    }
}

impl SweepReport {
    /// Whether every verdict is the expected one.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.worlds.iter().flat_map(|world| &world.verdicts).all(StepVerdict::is_as_expected)
    }
}

impl StepVerdict {
    /// Whether it falls if and only if that is expected.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.falls.is_some() == self.expected_to_fall.is_some()
    }
}

impl SweptWorld {
    /// The probability that two states shared a fingerprint, and one of them was taken for the other.
    #[must_use]
    pub fn collision_probability(&self) -> f64 {
        collision_probability(self.states)
    }
}

impl fmt::Display for SweptWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.world, self.question)?;
        for line in &self.bounds {
            writeln!(f, "  {line}")?;
        }
        writeln!(
            f,
            "  {} states, {} transitions, depth {}, {:.1} s, {:.0} states/s, {:.0} octets per state; {} rules fired; \
             probability that a state was missed {:.0e}",
            self.states,
            self.transitions,
            self.depth,
            self.seconds,
            rate(self.states, self.seconds),
            count(self.memory) / count(self.states),
            self.rules_fired,
            self.collision_probability(),
        )?;
        let unnoticed = |verdict: &&StepVerdict| verdict.falls.is_none() && verdict.is_as_expected();
        let holds: Vec<_> = self.verdicts.iter().filter(unnoticed).map(|verdict| verdict.property).collect();
        writeln!(f, "  hold: {}", holds.join(" "))?;
        self.verdicts.iter().filter(|verdict| !unnoticed(verdict)).try_for_each(|verdict| write!(f, "{verdict}"))
    }
}

impl fmt::Display for StepVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StepVerdict { property, gist, falls, expected_to_fall } = self;
        let news = if self.is_as_expected() { "as expected" } else { "NOT EXPECTED" };
        match falls {
            Some(steps) => writeln!(f, "  {property:<3} FALLS after {steps} steps, {news}: {gist}")?,
            None => writeln!(f, "  {property:<3} holds, {news}: {gist}")?,
        }
        expected_to_fall.map_or(Ok(()), |why| writeln!(f, "      {why}"))
    }
}

/// The totals.
impl fmt::Display for SweepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states: usize = self.worlds.iter().map(|world| world.states).sum();
        let transitions: usize = self.worlds.iter().map(|world| world.transitions).sum();
        let seconds: f64 = self.worlds.iter().map(|world| world.seconds).sum();
        let missed: f64 = self.worlds.iter().map(SweptWorld::collision_probability).sum();
        let verdict = if self.is_as_expected() { "every verdict is the expected one" } else { "NOT AS EXPECTED" };
        writeln!(
            f,
            "{}: {} worlds, {states} states, {transitions} transitions, {seconds:.0} s with {} threads, {:.0} states/s; \
             probability that a state was missed {missed:.0e}: {verdict}",
            self.profile,
            self.worlds.len(),
            self.threads,
            rate(states, seconds),
        )
    }
}
