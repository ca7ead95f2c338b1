//! `topkima run`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use indicatif::ProgressBar;

use super::Failure;
use super::about::{About, Went, exact_note};
use super::folder::{self, Place, Start};
use super::print::{out, tell};
use super::screen::{progress, say};
use super::stop::Stop;
use crate::base::notice::Notices;
use crate::shell::config::{MAX_TRIALS, Overrides, Plan};
use crate::shell::experiment::{
    BREAKDOWN, Done, Group, Result as Came, Row, Sink, columns, groups, run_groups,
};
use crate::shell::journal::{Found, Head, Journal, JournalError, Title, clean, probe};
use crate::shell::report::{breakdown_csv, figures, rows_csv};
use crate::study::workload::MAX_TOKENS;

/// Arguments of `topkima run`.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArguments {
    /// Experiment file
    pub experiment: PathBuf,
    /// Folder of the results; another finished run there is replaced [default:
    /// out/<experiment>-seed<seed>, and what else the command line sets]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Set a key of the file, for instance --set topk.k=8 or --set device.with.column.noise="0.5 LSB"
    #[arg(long, value_name = "PATH=VALUE", value_parser = parse_set)]
    pub set: Vec<(String, toml::Value)>,
    /// Seed of every draw
    #[arg(long, value_parser = parse_seed, allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// Number of chips
    #[arg(long, value_parser = parse_trials, allow_negative_numbers = true)]
    pub trials: Option<u64>,
    /// Run so many samples of the task only, spread evenly over it
    #[arg(long, value_parser = parse_samples, allow_negative_numbers = true)]
    pub samples: Option<u64>,
    /// Threads; results do not depend on it [default: all cores]
    #[arg(long, value_parser = parse_threads, allow_negative_numbers = true)]
    pub threads: Option<usize>,
    /// Go on with an unfinished run; done at once if it is finished
    #[arg(long)]
    pub resume: bool,
    /// Replace another run in the folder, or start an unfinished one again
    #[arg(long, conflicts_with = "resume")]
    pub force: bool,
    /// Print nothing but mistakes
    #[arg(long)]
    pub quiet: bool,
    /// Also write breakdown.csv: energy and time by stage and action
    #[arg(long)]
    pub breakdown: bool,
    /// Also write scores, trip steps, survivors and A of chosen queries (first point, first trial)
    #[arg(long, value_name = "FILE.npz")]
    pub dump: Option<PathBuf>,
    /// Queries for --dump, separated by commas, counted after those given to calibration
    #[arg(long, value_delimiter = ',', default_value = "0", requires = "dump", value_parser = parse_query, allow_negative_numbers = true)]
    pub queries: Vec<usize>,
}

fn whole(text: &str, low: u64, high: u64, example: u64) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|number| (low..=high).contains(number))
        .ok_or_else(|| {
            format!("must be a whole number from {low} to {high}; write for instance {example}")
        })
}

pub(super) fn parse_seed(text: &str) -> Result<u64, String> {
    whole(text, 0, i64::MAX as u64, 42)
}

fn parse_trials(text: &str) -> Result<u64, String> {
    whole(text, 1, MAX_TRIALS, 32)
}

fn parse_samples(text: &str) -> Result<u64, String> {
    whole(text, 1, 1 << 20, 100)
}

pub(super) fn parse_threads(text: &str) -> Result<usize, String> {
    whole(text, 1, 1024, 4)
        .map(|threads| threads as usize)
        .map_err(|problem| format!("{problem}, or leave it out to use all cores"))
}

fn parse_query(text: &str) -> Result<usize, String> {
    whole(text, 0, MAX_TOKENS as u64 - 1, 0).map(|query| query as usize)
}

/// `path=value`, where the value is TOML, or text if it is not.
pub(super) fn parse_set(text: &str) -> Result<(String, toml::Value), String> {
    let (path, value) = text
        .split_once('=')
        .filter(|(path, _)| !path.trim().is_empty())
        .ok_or("write PATH=VALUE, for instance topk.k=8")?;
    let parsed = toml::from_str::<toml::Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    Ok((path.trim().to_owned(), parsed))
}

/// What a run does, by all that its rows depend on.
fn title(plan: &Plan, experiment: &Path, breakdown: bool) -> Result<Title, Failure> {
    let resolved = toml::to_string(&plan.params).map_err(|error| {
        Failure::Asked(vec![format!(
            "{}: resolved.toml cannot be written ({error}); every path that the experiment names, and its own, must be UTF-8: rename the folder or file",
            experiment.display()
        )])
    })?;
    let inputs = plan.inputs().into_iter();
    let inputs = inputs.filter(|input| input.path != experiment);
    Ok(Title {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        breakdown,
        inputs: inputs
            .map(|input| (input.path.display().to_string(), input.sha256))
            .collect(),
        resolved,
    })
}

/// Whether it is what a group of this plan comes to.
fn fits(done: &Done, groups: &[Group], columns: usize, breakdown: bool) -> bool {
    let cases = done.rows.iter().map(|row| (row.point, row.design));
    let is_whole = |row: &Row| {
        row.cells.len() == columns
            && row
                .breakdown
                .iter()
                .all(|line| line.len() == BREAKDOWN.len())
            && (breakdown || row.breakdown.is_empty())
    };
    let group = groups.get(done.group);
    group.is_some_and(|group| cases.eq(group.cases.iter().copied()))
        && done.rows.iter().all(is_whole)
}

/// The finished groups in a journal, each at its place; what is damaged is said.
fn finished(
    plan: &Plan,
    groups: &[Group],
    head: &Head,
    found: &Found,
    said: &mut Notices,
) -> Vec<Option<Done>> {
    let mut all: Vec<Option<Done>> = groups.iter().map(|_| None).collect();
    let kept = found.kept::<Done>(&head.title);
    let mut damaged = kept.damaged;
    let columns = columns(plan).len();
    for (line, done) in kept.lines {
        if fits(&done, groups, columns, head.title.breakdown) {
            let group = done.group;
            all[group].get_or_insert(done);
        } else {
            damaged.push(line);
        }
    }
    damaged.sort_unstable();
    for line in damaged {
        said.note(match line {
            1 => "journal.jsonl: line 1, which says what is run, is damaged; the groups below it are this run's".to_owned(),
            _ => format!("journal.jsonl: line {line} is damaged and not used; its group is computed again"),
        });
    }
    all
}

/// Keeps every finished group in the journal, and says at any time how to go on.
struct Keeper<'a> {
    journal: &'a mut Journal,
    kept: Vec<Option<Done>>,
    breakdown: bool,
    bar: &'a ProgressBar,
    stop: &'a Stop,
    folder: &'a Path,
}

impl Sink for Keeper<'_> {
    type Error = Failure;

    fn kept(&mut self, group: usize) -> Option<Done> {
        self.kept[group].take()
    }

    fn begins(&mut self, finished: usize) {
        self.stop.say(format!(
            "{finished} of {} groups are done and kept in {}; the same command with --resume goes on",
            self.kept.len(),
            self.folder.display()
        ));
    }

    fn ticked(&mut self, trials: u64) {
        self.bar.inc(trials);
    }

    fn wants_breakdown(&self) -> bool {
        self.breakdown
    }

    fn finished(&mut self, done: &Done, _results: &[Came]) -> Result<(), Failure> {
        Ok(self.journal.append(done)?)
    }
}

pub(super) fn run(arguments: &RunArguments) -> Result<(), Failure> {
    let started = Instant::now();
    let stop = Stop::listen();
    // A pool that exists already (a second run in one process) is as good.
    let _ = rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.threads.unwrap_or(0))
        .build_global();
    let overrides = Overrides {
        set: arguments.set.clone(),
        seed: arguments.seed,
        trials: arguments.trials,
        samples: arguments.samples,
    };
    let mut plan = Plan::load(&arguments.experiment, &overrides)?;
    let place = Place {
        folder: arguments.out.clone().unwrap_or_else(|| {
            PathBuf::from("out").join(overrides.folder_name(&plan.name, Some(plan.params.seed)))
        }),
        is_default: arguments.out.is_none(),
        resume: arguments.resume,
        force: arguments.force,
    };
    let folder = &place.folder;
    let inputs = plan.inputs();
    let mut wrong = folder::unfit(folder, &folder::names(folder), &inputs);
    if let Some(path) = &arguments.dump {
        wrong.extend(super::dump::unfit(
            &mut plan,
            (path, folder),
            &arguments.queries,
        )?);
    }
    if !wrong.is_empty() {
        return Err(Failure::Asked(wrong));
    }
    let experiment = fs::canonicalize(&arguments.experiment);
    let experiment = experiment.unwrap_or_else(|_| arguments.experiment.clone());
    let groups = groups(&plan);
    let head = Head {
        title: title(&plan, &experiment, arguments.breakdown)?,
        groups: groups.len(),
    };
    let mut expected = vec!["rows.csv", "resolved.toml", "run.json"];
    expected.extend((!plan.swept.is_empty()).then_some("figure.svg"));
    expected.extend(arguments.breakdown.then_some("breakdown.csv"));
    let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
    let mut said = Notices::none();
    let start = place.start(&head, &expected, &mut said)?;
    if !arguments.quiet {
        tell(&said);
    }
    if let Some(path) = &arguments.dump {
        probe(path)?;
    }
    let mut damage = Notices::none();
    let (mut journal, kept) = match start {
        Start::Done => {
            dump(&mut plan, arguments)?;
            if !arguments.quiet {
                let shown = folder.display();
                out().line(&format!(
                    "{shown} holds this run, finished: nothing is left to do"
                ))?;
            }
            return Ok(());
        }
        Start::Begin(found) => {
            fs::create_dir_all(folder).map_err(|error| JournalError::Io {
                path: folder.clone(),
                error,
            })?;
            let journal = Journal::begin(folder, &head, found)?;
            (journal, groups.iter().map(|_| None).collect())
        }
        Start::GoOn(found) => {
            let done = finished(&plan, &groups, &head, &found, &mut damage);
            (Journal::go_on(found, &head.title)?, done)
        }
    };
    clean(folder);
    probe(&folder.join("rows.csv"))?;
    dump(&mut plan, arguments)?;
    if !arguments.quiet {
        tell(&damage);
        tell(&plan.notices);
    }
    let resumed = kept.iter().flatten().count();
    let bar = progress(arguments.quiet, groups.len() as u64 * plan.params.trials);
    bar.inc(resumed as u64 * plan.params.trials);
    let mut keeper = Keeper {
        journal: &mut journal,
        kept,
        breakdown: arguments.breakdown,
        bar: &bar,
        stop: &stop,
        folder,
    };
    let came = run_groups(&mut plan, &groups, &mut keeper)?;
    stop.say(format!(
        "its results were being written to {}; the same command with --resume writes them",
        folder.display()
    ));
    bar.finish_and_clear();
    let paths = came.paths.into_iter();
    let paths: Vec<Went<'_>> = paths.map(|(at, path)| (&groups[at], path)).collect();
    let (table, mut notes, mut found) = (came.table, came.lines, came.notices);
    notes.extend(exact_note(&plan, &paths));
    let mut files = vec![
        ("rows.csv".to_owned(), rows_csv(&table)),
        (
            "resolved.toml".to_owned(),
            head.title.resolved.clone().into_bytes(),
        ),
    ];
    if arguments.breakdown {
        files.push(("breakdown.csv".to_owned(), breakdown_csv(&table)));
    }
    let (pictures, left_out) = figures(&plan, &table);
    let pictures = pictures.into_iter();
    files.extend(pictures.map(|(name, svg)| (name, svg.into_bytes())));
    found.join(&left_out);
    if arguments.breakdown && plan.params.trials > 1 && plan.params.workload.shape.is_none() {
        found.note("breakdown.csv is of the first trial, and rows.csv holds means over all");
    }
    let mut notices = plan.notices.clone();
    notices.join(&damage);
    notices.join(&found);
    let about = About {
        plan: &plan,
        experiment: &experiment,
        files: files.iter().map(|(name, _)| name.as_str()).collect(),
        notes: &notes,
        notices: &notices,
        paths: &paths,
        resumed,
        started,
    };
    place.write(&files, &expected, about.text().as_bytes())?;
    journal.finish()?;
    if !arguments.quiet {
        tell(&found);
        say(&plan, &table, &notes)?;
        out().line(&format!(
            "{} rows in {} ({:.1} s)",
            table.rows.len(),
            folder.join("rows.csv").display(),
            started.elapsed().as_secs_f64()
        ))?;
    }
    Ok(())
}

fn dump(plan: &mut Plan, arguments: &RunArguments) -> Result<(), Failure> {
    match &arguments.dump {
        Some(path) => super::dump::dump(plan, path, &arguments.queries),
        None => Ok(()),
    }
}
