//! `lockstep-model`: checks the table, explores it in a browser, prints it.

use clap::{Parser, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use lockstep_model::check::explore::Progress;
use lockstep_model::check::negatives::{Negative, negatives};
use lockstep_model::check::world::World;
use lockstep_model::check::{self, Report, environments, html};
use lockstep_model::{Profile, Table, render};
use stateright::{Checker, Model};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// The TCP connection state machine of RFC 9293 as a table: checked, explored, printed.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Decide every property in every world; the exit status is 0 only if each verdict is the expected one.
    Check {
        /// Only this world; may be given several times.
        #[arg(long)]
        world: Vec<String>,
        /// The rules in force.
        #[arg(long, value_enum, default_value = "repaired")]
        profile: ProfileName,
        /// Write the report here, as JSON.
        #[arg(long)]
        json: Option<PathBuf>,
        /// Write the report here, as a page for a browser or a printer, with a counterexample to each wrong table.
        #[arg(long)]
        html: Option<PathBuf>,
        /// Search each world with Stateright too, and compare.
        #[arg(long)]
        stateright: bool,
    },
    /// Walk through a world in the browser, with Stateright's Explorer.
    Explore {
        /// The world.
        #[arg(long)]
        world: String,
        /// The rules in force.
        #[arg(long, value_enum, default_value = "repaired")]
        profile: ProfileName,
        /// Where to listen.
        #[arg(long, default_value = "localhost:3000")]
        address: String,
    },
    /// Print the table or its state diagram.
    Table {
        /// The table as Markdown, or the diagram in one of three forms.
        #[arg(long, value_enum, default_value = "md")]
        format: Format,
        /// The rules in force.
        #[arg(long, value_enum, default_value = "repaired")]
        profile: ProfileName,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum ProfileName {
    /// RFC 9293 to the letter.
    Literal9293,
    /// RFC 793 to the letter.
    Rfc793,
    /// RFC 9293 with its defects repaired.
    Repaired,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Markdown.
    Md,
    /// Mermaid.
    Mermaid,
    /// The language of Graphviz.
    Dot,
    /// A drawing.
    Svg,
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Profile {
        match name {
            ProfileName::Literal9293 => Profile::Literal9293,
            ProfileName::Rfc793 => Profile::Rfc793,
            ProfileName::Repaired => Profile::Repaired,
        }
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lockstep-model: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        Command::Check { world, profile, json, html, stateright } => {
            let profile = profile.into();
            let worlds = chosen(&world, profile)?;
            let report = check_worlds(&worlds, profile);
            print!("{report}");
            if let Some(path) = json {
                write(&path, &serde_json::to_string_pretty(&report)?)?;
            }
            if let Some(path) = html {
                write(&path, &html::page(&report, Table::of(profile), &wrong_tables(&worlds)))?;
            }
            let agreed = !stateright || agrees(&worlds, &report);
            Ok(ExitCode::from(u8::from(!(report.is_as_expected() && agreed))))
        }
        Command::Explore { world, profile, address } => {
            let [world] = chosen(&[world], profile.into())?[..] else {
                return Err("choose one world".into());
            };
            println!("{}: {}\nopen http://{address}/", world.name, world.question);
            world.checker().serve(address);
            Ok(ExitCode::SUCCESS)
        }
        Command::Table { format, profile } => {
            let table = Table::of(profile.into());
            match format {
                Format::Md => print!("{}", render::markdown::table(table)),
                Format::Mermaid => print!("{}", render::diagram::mermaid(table)),
                Format::Dot => print!("{}", render::diagram::dot(table)),
                Format::Svg => print!("{}", render::diagram::svg(table)),
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The worlds of these names; all if there is none.
fn chosen(names: &[String], profile: Profile) -> Result<Vec<World>, String> {
    let worlds = environments::worlds(profile);
    if let Some(unknown) = names.iter().find(|name| worlds.iter().all(|world| world.name != **name)) {
        let known: Vec<_> = worlds.iter().map(|world| world.name).collect();
        return Err(format!("there is no world {unknown:?}; there are {}", known.join(", ")));
    }
    Ok(worlds.into_iter().filter(|world| names.is_empty() || names.iter().any(|name| name == world.name)).collect())
}

/// Checks with a line of progress, if somebody is looking.
fn check_worlds(worlds: &[World], profile: Profile) -> Report {
    let bar = spinner();
    let report = check::run(worlds, profile, |world, Progress { states, explored }| {
        bar.set_prefix(world.name);
        bar.set_message(format!("{states} states, {} to explore", states - explored));
    });
    bar.finish_and_clear();
    report
}

/// What turns while somebody waits.
fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// The wrong tables that fall in these worlds, with a line of progress.
fn wrong_tables(worlds: &[World]) -> Vec<Negative> {
    let names: Vec<&str> = worlds.iter().map(|world| world.name).collect();
    let bar = spinner();
    let caught = negatives(&names, |mutant| bar.set_message(format!("wrong table: {}", mutant.name)));
    bar.finish_and_clear();
    caught
}

/// Searches the same worlds with Stateright: the counts must be the same, and so must be what is never broken.
fn agrees(worlds: &[World], report: &Report) -> bool {
    let mut all = true;
    for (world, ours) in worlds.iter().zip(&report.worlds) {
        let theirs = world.checker().spawn_dfs().join();
        let counts = (theirs.unique_state_count(), theirs.state_count() - 1);
        let same = counts == (ours.states, ours.transitions);
        println!(
            "Stateright, {}: {} states, {} transitions: {}; probability that it took two states for one {:.0e}",
            world.name,
            counts.0,
            counts.1,
            if same { "the same" } else { "DIFFERENT" },
            ours.collision_probability(),
        );
        all &= same;
    }
    all
}
