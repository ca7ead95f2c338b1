//! The command line: the only room that prints.
//!
//! Exit codes: 0 done; 2 what was asked is wrong, every mistake on a line of its own; 1 anything else.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod about;
mod dump;
mod folder;
mod list;
mod macro_;
mod print;
mod reproduce;
mod run;
mod screen;
mod stop;
mod train;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::config::FileMistakes;
use super::journal::JournalError;

/// Behavioural simulator of attention on analog in-memory computing: how accurate, how long, how
/// much energy, from one run.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run an experiment; writes rows.csv, resolved.toml, run.json and a figure
    Run(run::RunArguments),
    /// Train a small vision transformer whose attention keeps the k largest scores
    Train(train::TrainArguments),
    /// Tell every mistake in experiment and device files; runs nothing
    Check {
        /// Experiment or device files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// One screen: the three designs' latency and energy, by stage
    Macro(macro_::MacroArguments),
    /// Published numbers, the model's, the error, and how each was obtained
    Reproduce {
        /// What to reproduce
        #[arg(default_value = "topkima")]
        paper: reproduce::Paper,
    },
    /// Tell what there is
    List {
        /// What to list
        what: list::What,
    },
}

/// What a command ends with when it does not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked is wrong: a line each.
    Asked(Vec<String>),
    /// The system failed.
    System(String),
}

impl From<FileMistakes> for Failure {
    fn from(mistakes: FileMistakes) -> Self {
        Self::Asked(mistakes.0.iter().map(ToString::to_string).collect())
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Other { .. } | JournalError::NoFile { .. } => {
                Self::Asked(vec![error.to_string()])
            }
            _ => Self::System(error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            // The reader has seen enough.
            std::process::exit(0);
        }
        Self::System(error.to_string())
    }
}

/// Runs the command line and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Train(arguments) => train::train(&arguments),
        Command::Check { files } => list::check(&files),
        Command::Macro(arguments) => macro_::show(&arguments),
        Command::Reproduce { paper } => reproduce::reproduce(paper),
        Command::List { what } => list::list(what),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => ExitCode::from(print::blame(&failure)),
    }
}
