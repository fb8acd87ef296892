//! `lockstep-model`: checks the table, explores it in a browser, prints it.

mod terminal;

use clap::{Args, Parser, Subcommand, ValueEnum};
use lockstep_model::check::large::{self, Large};
use lockstep_model::check::negatives::CASES;
use lockstep_model::check::{environments, html, matrix, summary};
use lockstep_model::{Profile, Table, render};
use serde::Serialize;
use stateright::Model;
use std::error::Error;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::available_parallelism;

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
    Check(Check),
    /// Show the numbered negatives: what falls when the rules, or the world, are wrong in one way.
    Negatives {
        /// Only those of this number.
        #[arg(long)]
        id: Option<String>,
    },
    /// Print what falls with TIME-WAIT and without, for numbers that overlap and for those that do not.
    Matrix,
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

#[derive(Args)]
struct Check {
    /// Only this world; may be given several times.
    #[arg(long)]
    world: Vec<String>,
    /// The rules in force.
    #[arg(long, value_enum, default_value = "repaired")]
    profile: ProfileName,
    /// Write the report here, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write a table of the worlds here, as Markdown.
    #[arg(long)]
    md: Option<PathBuf>,
    /// Write the report here, as a page for a browser or a printer, with a counterexample to each wrong table.
    #[arg(long)]
    html: Option<PathBuf>,
    /// Search each world with Stateright too, and compare.
    #[arg(long)]
    stateright: bool,
    /// Sweep through larger worlds instead, which remembers states by fingerprints and decides safety alone; at
    /// last measure how fast each search is.
    #[arg(long, conflicts_with_all = ["stateright", "html", "md"])]
    sweep: bool,
    /// How many threads search [default: as many as there are processors].
    #[arg(long)]
    threads: Option<NonZeroUsize>,
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
        Command::Check(check) => {
            let as_expected = if check.sweep { check.sweep_worlds()? } else { check.check_worlds()? };
            Ok(ExitCode::from(u8::from(!as_expected)))
        }
        Command::Negatives { id } => show_negatives(id.as_deref()),
        Command::Matrix => {
            print!("{}", matrix::markdown(&matrix::CELLS.map(matrix::Cell::find)));
            Ok(ExitCode::SUCCESS)
        }
        Command::Explore { world, profile, address } => {
            let [world] = chosen(&[world], environments::worlds(profile.into()), |world| world.name)?[..] else {
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

impl Check {
    /// Whether every verdict is the expected one, and Stateright, if asked, found the same.
    fn check_worlds(&self) -> Result<bool, Box<dyn Error>> {
        let profile = self.profile.into();
        let worlds = chosen(&self.world, environments::worlds(profile), |world| world.name)?;
        let (report, agreed) = terminal::check_worlds(&worlds, profile, self.threads(), self.stateright);
        self.write_json(&report)?;
        if let Some(path) = &self.md {
            write(path, &summary::markdown(&report))?;
        }
        if let Some(path) = &self.html {
            // The numbered negatives have worlds of their own: they belong to the whole.
            let numbered = if self.world.is_empty() { terminal::numbered_negatives() } else { Vec::new() };
            write(path, &html::page(&report, Table::of(profile), &terminal::wrong_tables(&worlds), &numbered))?;
        }
        Ok(report.is_as_expected() && agreed)
    }

    /// All large worlds, and how fast the searches are; or the worlds that were asked for, large or not. Whether every
    /// verdict is the expected one.
    fn sweep_worlds(&self) -> Result<bool, Box<dyn Error>> {
        let profile = self.profile.into();
        let mut worlds = large::over(Table::of(profile));
        if !self.world.is_empty() {
            let others = environments::worlds(profile).into_iter();
            worlds.extend(others.map(|world| Large { of: world.name, world }));
        }
        let worlds = chosen(&self.world, worlds, |Large { world, .. }| world.name)?;
        let report = terminal::sweep_worlds(&worlds, profile, self.threads());
        self.write_json(&report)?;
        if self.world.is_empty() {
            terminal::print_rates(Table::of(profile));
        }
        Ok(report.is_as_expected())
    }

    fn threads(&self) -> usize {
        self.threads.or(available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }

    fn write_json(&self, report: &impl Serialize) -> Result<(), Box<dyn Error>> {
        match &self.json {
            Some(path) => Ok(write(path, &serde_json::to_string_pretty(report)?)?),
            None => Ok(()),
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Shows the negatives of a number, or all, as each is known.
fn show_negatives(id: Option<&str>) -> Result<ExitCode, Box<dyn Error>> {
    let mut wanted = CASES.iter().filter(|case| id.is_none_or(|id| case.id == id)).peekable();
    if wanted.peek().is_none() {
        return Err(
            "there is no such negative; there are N1 to N22, and N14 is a matter of figures (see `check`)".into()
        );
    }
    let mut as_expected = true;
    for case in wanted {
        let shown = case.show();
        println!("{shown}");
        as_expected &= shown.is_as_expected();
    }
    Ok(ExitCode::from(u8::from(!as_expected)))
}

/// The worlds of these names; all if there is none.
fn chosen<W>(names: &[String], worlds: Vec<W>, name_of: impl Fn(&W) -> &str) -> Result<Vec<W>, String> {
    if let Some(unknown) = names.iter().find(|name| worlds.iter().all(|world| name_of(world) != **name)) {
        let known: Vec<_> = worlds.iter().map(name_of).collect();
        return Err(format!("there is no world {unknown:?}; there are {}", known.join(", ")));
    }
    Ok(worlds.into_iter().filter(|world| names.is_empty() || names.iter().any(|name| name == name_of(world))).collect())
}
