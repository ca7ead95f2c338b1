//! `topkima train`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use toml::{Table, Value};

use super::print::{is_watched, out, tell};
use super::run::{parse_seed, parse_set, parse_threads};
use super::stop::Stop;
use super::{Failure, folder};
use crate::base::notice::Notices;
use crate::shell::config::{Overrides, TrainingPlan, is_training};
use crate::shell::journal::{changes, foreign, hold, no_file, shortened, unhold, write_whole};
use crate::shell::training::{ENDINGS, Run, Stands, TrainingError, header, row};

/// Arguments of `topkima train`.
#[derive(Debug, clap::Args)]
pub(crate) struct TrainArguments {
    /// Training file
    pub file: PathBuf,
    /// Folder of the results [default: out/<file>, and what --set changes]
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
    /// Replace another training in the folder, or start an unfinished one again
    #[arg(long, conflicts_with = "resume")]
    pub force: bool,
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

/// Names of all trainings of a file, `plain-seed1`.
fn trainings(tree: &Table) -> Vec<String> {
    let list = |table: &Table, key: &str| -> Vec<Value> {
        let held = table.get(key).and_then(Value::as_array);
        held.cloned().unwrap_or_default()
    };
    let mut names = Vec::new();
    for way in list(tree, "way") {
        let Some(way) = way.as_table() else { continue };
        let own = list(way, "seeds");
        let seeds = if own.is_empty() {
            list(tree, "seeds")
        } else {
            own
        };
        let name = way.get("name").and_then(Value::as_str).unwrap_or_default();
        let is_name = !name.is_empty() && !name.contains(['/', '\\']);
        names.extend(
            seeds
                .iter()
                .filter(|_| is_name)
                .map(|seed| format!("{name}-seed{seed}")),
        );
    }
    names
}

fn files_of(name: &str) -> Vec<String> {
    ENDINGS.map(|ending| format!("{name}.{ending}")).into()
}

/// What lies in the folder of a training, and what is to be done with it.
struct Shelf<'a> {
    arguments: &'a TrainArguments,
    folder: &'a Path,
    /// The training file with its defaults, now.
    resolved: &'a str,
    /// The same, as a training left it there.
    old: Option<String>,
}

impl Shelf<'_> {
    /// Refuses what would be lost without a word, or makes room for it where that was asked for.
    fn clear(&self, all: &[Run<'_>], chosen: &[String], said: &mut Notices) -> Result<(), Failure> {
        let shown = self.folder.display();
        let refused = |text: String| Err(Failure::Asked(vec![format!("{shown} {text}")]));
        let mut others = Vec::new();
        let mut unfinished = Vec::new();
        for run in all {
            match run.stands() {
                Ok(Stands::Other) => others.push(run.name()),
                Ok(Stands::Unfinished) if chosen.contains(&run.name()) => {
                    unfinished.push(run.name())
                }
                Err(_) if self.arguments.force && chosen.contains(&run.name()) => {
                    others.push(run.name())
                }
                stands => drop(stands?),
            }
        }
        let own: Vec<String> = all.iter().map(Run::name).collect();
        let old = self
            .old
            .as_deref()
            .and_then(|text| text.parse::<Table>().ok());
        let left = old.as_ref().map(trainings).unwrap_or_default();
        let is_there = |name: &String| {
            files_of(name)
                .iter()
                .any(|name| self.folder.join(name).exists())
        };
        others.extend(
            left.into_iter()
                .filter(|name| !own.contains(name) && is_there(name)),
        );
        if !others.is_empty() {
            let found = self
                .old
                .as_deref()
                .map_or_else(Vec::new, |old| changes(old, self.resolved));
            let differs = match found.is_empty() {
                true => "it differs in its images, or in the program's version".to_owned(),
                false => format!("it differs in {}", shortened(&found)),
            };
            let listed = shortened(&others);
            if !self.arguments.force {
                let without = if self.arguments.resume {
                    " without --resume"
                } else {
                    ""
                };
                return refused(format!(
                    "holds another training ({differs}): name another folder with --out, or say --force{without} to replace {listed}"
                ));
            }
            said.note(format!(
                "{shown} held another training ({differs}); removed: {listed}"
            ));
            for name in others.iter().flat_map(|name| files_of(name)) {
                let path = self.folder.join(name);
                if no_file(&path).is_none() {
                    let _ = fs::remove_file(path);
                }
            }
        }
        if !(unfinished.is_empty() || self.arguments.resume || self.arguments.force) {
            return refused(format!(
                "holds {}, unfinished: go on with --resume, or say --force to start again",
                shortened(&unfinished)
            ));
        }
        Ok(())
    }
}

pub(super) fn train(arguments: &TrainArguments) -> Result<(), Failure> {
    let started = Instant::now();
    let stop = Stop::listen();
    // A pool that exists already is as good.
    let _ = rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.threads.unwrap_or(0))
        .build_global();
    let plan = TrainingPlan::load(&arguments.file, &arguments.set)?;
    let overrides = Overrides {
        set: arguments.set.clone(),
        ..Overrides::default()
    };
    let folder = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("out").join(overrides.folder_name(&plan.name, None)));
    let resolved = toml::to_string(&plan.params).map_err(|error| {
        Failure::Asked(vec![format!(
            "{}: resolved.toml cannot be written ({error}); every path that the file names must be UTF-8",
            arguments.file.display()
        )])
    })?;
    let all: Vec<Run<'_>> = (0..plan.params.way.len())
        .flat_map(|way| {
            let seeds = plan.params.seeds_of(&plan.params.way[way]).to_vec();
            let (plan, folder) = (&plan, folder.as_path());
            seeds.into_iter().map(move |seed| Run {
                plan,
                way,
                seed,
                folder,
            })
        })
        .collect();
    let mut files: Vec<String> = all.iter().flat_map(|run| files_of(&run.name())).collect();
    files.extend(["rows.csv", "resolved.toml"].map(str::to_owned));
    let mut wrong = folder::unfit(&folder, &files, &plan.inputs());
    let names: Vec<String> = plan.params.way.iter().map(|way| way.name.clone()).collect();
    let ways = chosen("way", &arguments.way, &names, &mut wrong);
    let seeds = chosen("seed", &arguments.seed, &plan.params.seeds, &mut wrong);
    let old = fs::read_to_string(folder.join("resolved.toml")).ok();
    let old = old.filter(|text| text.parse::<Table>().is_ok_and(|tree| is_training(&tree)));
    if wrong.is_empty() && old.is_none() {
        wrong.extend(foreign(&folder, &files, |name| {
            match name == "resolved.toml" {
                true => "is no training's",
                false => "no resolved.toml beside it says that a training wrote it",
            }
        }));
    }
    if !wrong.is_empty() {
        return Err(Failure::Asked(wrong));
    }
    let held = hold(&folder)?;
    let is_chosen = |run: &&Run<'_>| ways.contains(&names[run.way]) && seeds.contains(&run.seed);
    let picked: Vec<&Run<'_>> = all.iter().filter(is_chosen).collect();
    let mut said = Notices::none();
    let shelf = Shelf {
        arguments,
        folder: &folder,
        resolved: &resolved,
        old,
    };
    let picked_names: Vec<String> = picked.iter().map(|run| run.name()).collect();
    shelf.clear(&all, &picked_names, &mut said)?;
    if !arguments.quiet {
        tell(&said);
    }
    write_whole(&folder.join("resolved.toml"), resolved.as_bytes())?;
    for (at, run) in picked.iter().enumerate() {
        stop.say(format!(
            "{at} of {} trainings are done in {}; the same command with --resume goes on from the last checkpoint",
            picked.len(),
            folder.display()
        ));
        if arguments.resume && run.finished()?.is_some() {
            run.leave_no_state()?;
            continue;
        }
        let steps = plan.params.way[run.way].schedule.steps;
        let bar = progress(arguments.quiet, &run.name(), steps);
        let done = run.train(arguments.resume, &mut |stand| {
            bar.set_position(stand.step as u64);
            bar.set_message(format!("{:.3}", stand.loss));
        });
        bar.finish_and_clear();
        done?;
    }
    let mut table = vec![header(&plan)];
    for seed in &plan.params.seeds {
        for run in all.iter().filter(|run| run.seed == *seed) {
            if let Some(metadata) = run.finished()? {
                table.push(row(&plan, &metadata));
            }
        }
    }
    write_whole(&folder.join("rows.csv"), &csv(&table)?)?;
    unhold(&folder, held);
    if !arguments.quiet {
        let mut out = out();
        writeln!(out, "{}", plan.params.question)?;
        for line in &table {
            writeln!(out, "{}", line.join("  "))?;
        }
        let place = folder.join("rows.csv");
        let seconds = started.elapsed().as_secs_f64();
        out.line(&format!(
            "{} rows in {} ({seconds:.0} s)",
            table.len() - 1,
            place.display()
        ))?;
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
    if quiet || !is_watched() {
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
