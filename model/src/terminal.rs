//! The checks as a user sees them: each world's verdicts as soon as they are known, and a line of progress below.

use indicatif::{ProgressBar, ProgressStyle};
use lockstep_model::check::explore::Progress;
use lockstep_model::check::large::Large;
use lockstep_model::check::negatives::{CASES, Case, Negative, Shown, negatives};
use lockstep_model::check::rates::rates;
use lockstep_model::check::sweep::SweepProgress;
use lockstep_model::check::swept::{SweepReport, sweep_world};
use lockstep_model::check::world::World;
use lockstep_model::check::{self, Report, WorldReport, environments};
use lockstep_model::{Profile, Table};
use stateright::{Checker, Model};
use std::fmt::Display;
use std::time::{Duration, Instant};

/// Checks worlds one after the other, if wanted with Stateright too; whether the two searches agree.
pub fn check_worlds(worlds: &[World], profile: Profile, threads: usize, stateright: bool) -> (Report, bool) {
    let line = Line::new(worlds.len());
    let mut report = check::begin(profile);
    let mut agreed = true;
    for (world, place) in worlds.iter().zip(1..) {
        let begun = Instant::now();
        let checked = check::check(world, profile, threads, |Progress { states, explored }| {
            line.tell(place, world, begun, states, &format_args!("{} to explore", states - explored));
        });
        line.print(&checked);
        if stateright {
            let (same, said) = compare(world, &checked);
            line.print(&format_args!("{said}\n"));
            agreed &= same;
        }
        line.print(&'\n');
        report.worlds.push(checked);
    }
    line.print(&report.conclusion());
    (report, agreed)
}

/// Sweeps through worlds one after the other.
pub fn sweep_worlds(worlds: &[Large], profile: Profile, threads: usize) -> SweepReport {
    let line = Line::new(worlds.len());
    let mut report = SweepReport { profile: profile.name(), threads, worlds: Vec::new() };
    for (large, place) in worlds.iter().zip(1..) {
        let begun = Instant::now();
        let swept = sweep_world(large, profile, threads, |SweepProgress { states, level }| {
            line.tell(place, &large.world, begun, states, &format_args!("{level} steps away"));
        });
        line.print(&format_args!("{swept}\n"));
        report.worlds.push(swept);
    }
    line.print(&report);
    report
}

/// Prints how fast each search is in one of the worlds.
pub fn print_rates(table: &'static Table) {
    if let Some(world) = environments::named("close", table) {
        rates(&world).iter().for_each(|rate| println!("{rate}"));
    }
}

/// The wrong tables that fall in these worlds.
pub fn wrong_tables(worlds: &[World]) -> Vec<Negative> {
    let names: Vec<&str> = worlds.iter().map(|world| world.name).collect();
    let line = Line::new(worlds.len());
    negatives(&names, |mutant| line.bar.set_message(format!("wrong table: {}", mutant.name)))
}

/// The numbered negatives, in worlds of their own.
pub fn numbered_negatives() -> Vec<Shown> {
    let line = Line::new(CASES.len());
    let show = |case: &'static Case| {
        line.bar.set_message(format!("negative: {}", case.id));
        case.show()
    };
    CASES.iter().map(show).collect()
}

/// Searches a world with Stateright: the counts must be the same.
fn compare(world: &World, ours: &WorldReport) -> (bool, String) {
    let theirs = world.checker().spawn_dfs().join();
    let counts = (theirs.unique_state_count(), theirs.state_count() - 1);
    let same = counts == (ours.states, ours.transitions);
    let said = format!(
        "  Stateright: {} states, {} transitions: {}; probability that it took two states for one {:.0e}",
        counts.0,
        counts.1,
        if same { "the same" } else { "DIFFERENT" },
        ours.collision_probability(),
    );
    (same, said)
}

/// A line of progress, if somebody is looking.
struct Line {
    bar: ProgressBar,
    worlds: usize,
}

impl Line {
    fn new(worlds: usize) -> Line {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Line { bar, worlds }
    }

    /// The world at this place has come so far.
    fn tell(&self, place: usize, world: &World, begun: Instant, states: usize, more: &dyn Display) {
        if self.bar.is_hidden() {
            return;
        }
        let milliseconds = usize::try_from(begun.elapsed().as_millis()).unwrap_or(usize::MAX).max(1);
        let rate = states.saturating_mul(1_000) / milliseconds;
        let worlds = self.worlds;
        self.bar.set_message(format!("{place} of {worlds}, {}: {states} states, {rate}/s, {more}", world.name));
    }

    /// Prints above the line.
    fn print(&self, what: &dyn Display) {
        self.bar.suspend(|| print!("{what}"));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
