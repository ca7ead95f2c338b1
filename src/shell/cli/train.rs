//! `topkima train`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Failure;
use super::run::{parse_seed, parse_set, parse_threads};
use crate::shell::config::TrainingPlan;
use crate::shell::journal::{hold, write_whole};
use crate::shell::training::{Run, TrainingError, header, row};

/// Arguments of `topkima train`.
#[derive(Debug, clap::Args)]
pub(crate) struct TrainArguments {
    /// Training file
    pub file: PathBuf,
    /// Folder of the results [default: out/<file>]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Set a key of the file, for instance --set way[0].schedule.steps=100
    #[arg(long, value_name = "PATH=VALUE", value_parser = parse_set)]
    pub set: Vec<(String, toml::Value)>,
    /// Only these ways of the file, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    pub way: Vec<String>,
    /// Only these seeds of the file, separated by commas [default: all]
    #[arg(long, value_delimiter = ',', value_parser = parse_seed, allow_negative_numbers = true)]
    pub seed: Vec<u64>,
    /// Threads; results do not depend on it [default: all cores]
    #[arg(long, value_parser = parse_threads, allow_negative_numbers = true)]
    pub threads: Option<usize>,
    /// Leave what is finished, and go on from the last checkpoint of what is not
    #[arg(long)]
    pub resume: bool,
    /// Print nothing but mistakes
    #[arg(long)]
    pub quiet: bool,
}

impl From<TrainingError> for Failure {
    fn from(error: TrainingError) -> Self {
        match error {
            TrainingError::Files(mistakes) => mistakes.into(),
            TrainingError::Journal(error) => error.into(),
            TrainingError::Diverged { .. } => Self::System(error.to_string()),
        }
    }
}

/// What is chosen of a list of the file, or a line that says what is not in it.
fn chosen<T: PartialEq + Clone + std::fmt::Debug>(
    option: &str,
    asked: &[T],
    known: &[T],
    wrong: &mut Vec<String>,
) -> Vec<T> {
    for one in asked.iter().filter(|one| !known.contains(one)) {
        wrong.push(format!(
            "command line: --{option} {one:?}: is not in the file; it holds {known:?}"
        ));
    }
    let is_chosen = |one: &&T| asked.is_empty() || asked.contains(one);
    known.iter().filter(is_chosen).cloned().collect()
}

pub(super) fn train(arguments: &TrainArguments) -> Result<(), Failure> {
    let started = Instant::now();
    // A pool that exists already is as good.
    let _ = rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.threads.unwrap_or(0))
        .build_global();
    let plan = TrainingPlan::load(&arguments.file, &arguments.set)?;
    let folder = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("out").join(&plan.name));
    let mut wrong = super::run::unfit(&folder);
    let names: Vec<String> = plan.params.way.iter().map(|way| way.name.clone()).collect();
    let ways = chosen("way", &arguments.way, &names, &mut wrong);
    let seeds = chosen("seed", &arguments.seed, &plan.params.seeds, &mut wrong);
    if !wrong.is_empty() {
        return Err(Failure::Asked(wrong));
    }
    let held = hold(&folder)?;
    let run = |way: usize, seed: u64| Run {
        plan: &plan,
        way,
        seed,
        folder: &folder,
    };
    let all: Vec<usize> = (0..names.len()).collect();
    for &way in all.iter().filter(|way| ways.contains(&names[**way])) {
        let own = plan.params.seeds_of(&plan.params.way[way]);
        for &seed in seeds.iter().filter(|seed| own.contains(seed)) {
            let run = run(way, seed);
            if arguments.resume && run.finished()?.is_some() {
                continue;
            }
            let steps = plan.params.way[way].schedule.steps;
            let bar = progress(arguments.quiet, &run.name(), steps);
            let done = run.train(arguments.resume, &mut |stand| {
                bar.set_position(stand.step as u64);
                bar.set_message(format!("{:.3}", stand.loss));
            });
            bar.finish_and_clear();
            done?;
        }
    }
    let mut table = vec![header(&plan)];
    for seed in &plan.params.seeds {
        for way in &all {
            if let Some(metadata) = run(*way, *seed).finished()? {
                table.push(row(&plan, &metadata));
            }
        }
    }
    write_whole(&folder.join("rows.csv"), &csv(&table)?)?;
    let resolved =
        toml::to_string(&plan.params).map_err(|error| Failure::System(error.to_string()))?;
    write_whole(&folder.join("resolved.toml"), resolved.as_bytes())?;
    drop(held);
    let _ = std::fs::remove_file(folder.join("lock"));
    if !arguments.quiet {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", plan.params.question)?;
        for line in &table {
            writeln!(out, "{}", line.join("  "))?;
        }
        let place = folder.join("rows.csv");
        let seconds = started.elapsed().as_secs_f64();
        writeln!(
            out,
            "{} rows in {} ({seconds:.0} s)",
            table.len() - 1,
            place.display()
        )?;
    }
    Ok(())
}

fn csv(table: &[Vec<String>]) -> Result<Vec<u8>, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in table {
        let written = writer.write_record(line);
        written.map_err(|error| Failure::System(error.to_string()))?;
    }
    writer
        .into_inner()
        .map_err(|error| Failure::System(error.to_string()))
}

fn progress(quiet: bool, name: &str, steps: usize) -> ProgressBar {
    if quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
    let template = "{prefix} {bar:40} {pos}/{len} steps, loss {msg}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(name.to_owned());
    bar
}
