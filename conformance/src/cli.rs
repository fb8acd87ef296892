//! What can be said on the command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use lockstep_conformance::verdict::Subject;
use lockstep_conformance::worker;

/// The same TCP scenarios on Lockstep and on the Linux kernel, every segment and state judged by the table.
///
/// Without a subcommand: checks the model briefly, then runs all scenarios on all systems.
#[derive(Parser)]
#[command(version)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Write everything as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run scenarios.
    Run(Run),
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
    /// Run scenarios that are told on the standard input (the program starts itself so).
    #[command(name = worker::SUBCOMMAND, hide = true)]
    Worker,
}

/// What to run, and what to make of it.
#[derive(Args, Default)]
pub struct Run {
    /// A system to run them on; several may be given, all that everybody has without one.
    #[arg(long = "system", value_enum)]
    pub systems: Vec<Subject>,
    /// Define a name for the `#ifdef` lines of scripts.
    #[arg(short = 'D', value_name = "NAME")]
    pub defines: Vec<String>,
    /// How many scripts run side by side; as many as there are cores without it. On the kernel twice as many, for
    /// they mostly wait.
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    pub files: Files,
    /// Scripts, and folders of scripts; those of this repository without one.
    pub paths: Vec<PathBuf>,
}

/// Where else to tell it.
#[derive(Args, Default)]
pub struct Files {
    /// Write everything as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the verdicts as JUnit XML to this file.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}
