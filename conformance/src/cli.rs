//! What can be said on the command line.

use std::collections::BTreeSet;
use std::error::Error;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::thread;

use clap::{Args, Parser, Subcommand};
use lockstep_conformance::cells::Cell;
use lockstep_conformance::lab::Lab;
use lockstep_conformance::personality::Personality;
use lockstep_conformance::profile::Profile;
use lockstep_conformance::system::linux::Link;
use lockstep_conformance::system::tap::TapTarget;
use lockstep_conformance::verdict::Subject;
use lockstep_conformance::worker::{self, Kind};

/// The same TCP scenarios on Lockstep, the Linux kernel, smoltcp and any stack behind an interface, every segment and state
/// judged by the table.
///
/// Without a subcommand: checks the model briefly, then tries every stimulus in every state, and runs all scenarios, on all
/// systems.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub files: Files,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run scenarios.
    Run(Run),
    /// Every stimulus in every state, on every system.
    Matrix(Matrix),
    /// Every numbered requirement of RFC 9293: done or not, how, and what shows it.
    Requirements {
        /// Write all of them as one page to this file.
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// The attacks and faults that must be withstood: how, and what shows it.
    Threats {
        /// Write all of them as one page to this file.
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// Do what is told on the standard input (the program starts itself so).
    #[command(name = worker::SUBCOMMAND, hide = true)]
    Worker { kind: Kind },
}

/// Which scenarios to run, and what to make of them.
#[derive(Args, Default)]
pub struct Run {
    #[command(flatten)]
    pub bench: Bench,
    #[command(flatten)]
    pub files: Files,
    /// Write the verdicts as JUnit XML to this file.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Scripts, and folders of scripts; those of this repository without one.
    pub paths: Vec<PathBuf>,
}

/// What to make of the matrix.
#[derive(Args)]
pub struct Matrix {
    #[command(flatten)]
    pub bench: Bench,
    #[command(flatten)]
    pub files: Files,
    /// Print the script of this cell, with what the first system does, and nothing else.
    #[arg(long, value_name = "CELL")]
    pub print: Option<Cell>,
    /// Write the script of each cell, with what the first system does, to this folder, and nothing else.
    #[arg(long, value_name = "FOLDER", conflicts_with = "print")]
    pub write: Option<PathBuf>,
}

/// What is tested, and how.
#[derive(Args, Default)]
pub struct Bench {
    /// A system under test; several may be given, those that everybody has without one.
    #[arg(long = "system", value_name = "lockstep|linux|smoltcp|tap:NAME")]
    systems: Vec<Choice>,
    /// Where the stack behind the interface tap:NAME is: its address, the ports of its echo and discard services if they
    /// are not 7 and 9, and an address for the tester if the last of the /24 is somebody's.
    #[arg(long, value_name = "ADDR[:ECHO[,DISCARD]][@TESTER]")]
    target: Option<String>,
    /// Define a name for the `#ifdef` lines of scripts.
    #[arg(short = 'D', value_name = "NAME")]
    defines: Vec<String>,
    /// What scripts let pass that is not as they say: lockstep, linux, smoltcp, freebsd, or a file. Nothing without it.
    #[arg(long, value_name = "NAME|FILE")]
    profile: Option<String>,
    /// How Lockstep behaves where the RFCs leave it the choice: rfc, linux, freebsd, or a file. As itself without it.
    #[arg(long, value_name = "NAME|FILE")]
    personality: Option<String>,
    /// What joins the tester to the kernel; all but veth need root.
    #[arg(long, value_name = "veth|tun|tap", default_value_t)]
    link: Link,
    /// Run the commands of scripts that are not understood here, in the kernel's network namespace but with your rights on
    /// your files.
    #[arg(long)]
    shell: bool,
    /// How many run side by side, as many as there are cores without it; on the kernel, which mostly waits, a multiple.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Skip scripts that take more than so much real time; 20 seconds without it.
    #[arg(long, value_name = "SECONDS")]
    patience: Option<u32>,
}

impl Bench {
    /// The systems, in the order of the columns.
    pub fn subjects(&self) -> Vec<Subject> {
        let mut subjects: Vec<Subject> = self.systems.iter().map(|Choice(subject, _)| *subject).collect();
        if subjects.is_empty() {
            subjects.extend(Subject::DEFAULT);
        }
        // A name that is said twice is one system.
        let mut seen = BTreeSet::new();
        subjects.retain(|subject| seen.insert(*subject));
        subjects
    }

    /// What holds for all of them.
    ///
    /// # Errors
    ///
    /// In one sentence, if there is no ledger, or no such target, profile or personality.
    pub fn lab(&self) -> Result<Lab, Box<dyn Error>> {
        let mut lab = Lab { defines: self.defines.clone(), link: self.link, shell: self.shell, ..Lab::committed()? };
        lab.tap = self.tap()?;
        if let Some(name) = &self.profile {
            lab.rules = Profile::named(name)?.rules;
        }
        lab.personality = self.personality.as_deref().map(Personality::named).transpose()?;
        lab.rules.patience = self.patience.unwrap_or(lab.rules.patience);
        Ok(lab)
    }

    /// The stack behind an interface, if one is to be tested.
    fn tap(&self) -> Result<Option<TapTarget>, Box<dyn Error>> {
        let named: Vec<&str> = self
            .systems
            .iter()
            .filter(|Choice(subject, _)| *subject == Subject::Tap)
            .map(|choice| &*choice.1)
            .collect();
        match (named.as_slice(), &self.target) {
            ([], None) => Ok(None),
            ([system], Some(target)) => {
                let target = TapTarget::parse(system, target)?;
                target.reach().map_err(|error| format!("cannot reach {target}: {error}"))?;
                Ok(Some(target))
            }
            ([system], None) => Err(format!("{system} needs a --target: the address of the stack behind it").into()),
            ([], Some(_)) => Err("--target needs a system behind an interface: --system tap:NAME".into()),
            ([_, _, ..], _) => Err("only one system behind an interface can be tested at a time".into()),
        }
    }

    /// How many run side by side.
    pub fn jobs(&self) -> usize {
        self.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }
}

/// A system, and how it was named.
#[derive(Clone)]
struct Choice(Subject, String);

impl FromStr for Choice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let subject = match name {
            name if TapTarget::is_named_by(name) => Some(Subject::Tap),
            name => Subject::ALL.into_iter().find(|subject| *subject != Subject::Tap && subject.name() == name),
        };
        let subject = subject.ok_or("there is no such system: say lockstep, linux, smoltcp or tap:NAME")?;
        Ok(Self(subject, name.to_owned()))
    }
}

/// Where else to tell it.
#[derive(Args, Default)]
pub struct Files {
    /// Write everything as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write everything as one page to this file.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}
