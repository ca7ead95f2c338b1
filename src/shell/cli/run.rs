//! `topkima run`.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sha2::{Digest, Sha256};

use super::Failure;
use super::about::{Went, about, exact_note};
use crate::base::notice::Notices;
use crate::shell::config::{MAX_TRIALS, Overrides, Plan};
use crate::shell::experiment::{Shelf, groups, run_group};
use crate::shell::journal::{Journal, write_whole};
use crate::shell::report::{Entry, breakdown_csv, entry, figures, header, rows_csv};
use crate::study::workload::MAX_TOKENS;

/// Arguments of `topkima run`.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArguments {
    /// Experiment file
    pub experiment: PathBuf,
    /// Folder of the results [default: out/<experiment>-seed<seed>]
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
    /// Go on with an unfinished run
    #[arg(long)]
    pub resume: bool,
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
        .ok_or("write PATH=VALUE, for instance topk.k=8")?;
    let parsed = toml::from_str::<toml::Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    Ok((path.trim().to_owned(), parsed))
}

/// What a journal's first line names: a resumed run must be the same run, and a journal written
/// without a breakdown holds none to write.
fn title(plan: &Plan, resolved: &str, breakdown: bool) -> String {
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    hash.update(resolved);
    hash.update([u8::from(breakdown)]);
    for input in plan.inputs() {
        hash.update(input.sha256);
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

pub(super) fn run(arguments: &RunArguments) -> Result<(), Failure> {
    let started = Instant::now();
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
    let folder = arguments.out.clone().unwrap_or_else(|| {
        PathBuf::from("out").join(format!("{}-seed{}", plan.name, plan.params.seed))
    });
    let mut wrong = unfit(&folder);
    if let Some(path) = &arguments.dump {
        wrong.extend(super::dump::unfit(&mut plan, path, &arguments.queries)?);
    }
    if !wrong.is_empty() {
        return Err(Failure::Asked(wrong));
    }
    if let Some(path) = &arguments.dump {
        super::dump::dump(&mut plan, path, &arguments.queries)?;
    }
    let resolved =
        toml::to_string(&plan.params).map_err(|error| Failure::System(error.to_string()))?;
    let (mut journal, mut entries) = Journal::open::<Vec<Entry>>(
        &folder,
        &title(&plan, &resolved, arguments.breakdown),
        arguments.resume,
    )
    .map(|(journal, groups)| {
        (
            journal,
            groups.into_iter().flatten().collect::<Vec<Entry>>(),
        )
    })?;
    if !arguments.quiet {
        tell(&plan.notices);
    }
    let mut found = Notices::none();
    let groups = groups(&plan);
    let bar = progress(arguments.quiet, groups.len() as u64 * plan.params.trials);
    let mut notes: Vec<String> = Vec::new();
    let mut paths: Vec<Went<'_>> = Vec::new();
    let mut shelf = Shelf::default();
    for group in &groups {
        let finished = |case: &(usize, usize)| {
            entries
                .iter()
                .any(|entry| (entry.point, entry.design) == *case)
        };
        if arguments.resume && group.cases.iter().all(finished) {
            bar.inc(plan.params.trials);
            continue;
        }
        let (results, said) =
            run_group(&mut plan, group, &mut shelf, &mut |trials| bar.inc(trials))?;
        let mut rows = Vec::with_capacity(results.len());
        for result in &results {
            let mut row = entry(&plan, result);
            if !arguments.breakdown {
                row.breakdown.clear();
            }
            rows.push(row);
        }
        journal.append(&rows)?;
        entries.extend(rows);
        paths.extend(said.path.map(|path| (group, path)));
        found.join(&said.notices);
        for line in said.lines {
            if !notes.contains(&line) {
                notes.push(line);
            }
        }
    }
    notes.extend(exact_note(&plan, &paths));
    bar.finish_and_clear();
    entries.sort_by_key(|entry| (entry.point, entry.design));
    write_whole(&folder.join("rows.csv"), &rows_csv(&plan, &entries))?;
    write_whole(&folder.join("resolved.toml"), resolved.as_bytes())?;
    if arguments.breakdown {
        write_whole(&folder.join("breakdown.csv"), &breakdown_csv(&entries))?;
    }
    let (pictures, left_out) = figures(&plan, &entries);
    for (name, svg) in pictures {
        write_whole(&folder.join(name), svg.as_bytes())?;
    }
    found.join(&left_out);
    let mut notices = plan.notices.clone();
    notices.join(&found);
    let about = about(&plan, (&notes, &notices), &paths, started);
    write_whole(&folder.join("run.json"), about.as_bytes())?;
    journal.finish()?;
    if !arguments.quiet {
        tell(&found);
        say(&plan, &entries, &notes)?;
        writeln!(
            io::stdout(),
            "{} rows in {} ({:.1} s)",
            entries.len(),
            folder.join("rows.csv").display(),
            started.elapsed().as_secs_f64()
        )?;
    }
    Ok(())
}

/// What stands where a run wants to write, seen before the first number is drawn.
pub(super) fn unfit(folder: &Path) -> Vec<String> {
    if let Some(file) = folder.ancestors().find(|above| above.is_file()) {
        return vec![format!(
            "command line: --out = {}: {} is a file, not a folder; name another folder with --out",
            folder.display(),
            file.display()
        )];
    }
    ["rows.csv", "resolved.toml", "run.json", "breakdown.csv"]
        .map(|name| folder.join(name))
        .iter()
        .filter(|path| path.is_dir())
        .map(|path| {
            format!(
                "command line: --out = {}: {} is a folder where a file is to be written; move it away, or name another folder",
                folder.display(),
                path.display()
            )
        })
        .collect()
}

/// Notices go to the error stream, so that they never mix with a table.
pub(super) fn tell(notices: &Notices) {
    for (weight, text) in notices.iter() {
        let _ = writeln!(io::stderr(), "{}: {text}", weight.name());
    }
}

fn progress(quiet: bool, length: u64) -> ProgressBar {
    if quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} trials, {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// Columns of the summary on the screen.
const SHOWN: [(&str, &str); 7] = [
    ("recall_mean", "recall"),
    ("output_error_mean", "out. error"),
    ("alpha_mean", "alpha"),
    ("tie_rate_mean", "tie rate"),
    ("latency_ns_mean", "latency us"),
    ("energy_pj_mean", "energy nJ"),
    ("tops_per_w_mean", "TOPS/W"),
];

/// The same for a whole encoder.
const SHOWN_OF_ENCODER: [(&str, &str); 7] = [
    ("float", "float"),
    ("score_mean", "score"),
    ("delta_mean", "delta"),
    ("delta_low", "from"),
    ("delta_high", "to"),
    ("alpha", "alpha"),
    ("energy_nj", "nJ a sample"),
];

/// Most rows of the summary.
const MOST_ROWS: usize = 60;

fn say(plan: &Plan, entries: &[Entry], notes: &[String]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", plan.params.question)?;
    for line in notes {
        writeln!(out, "{line}")?;
    }
    let header = header(plan);
    let keys = 1 + plan.swept.len();
    let mut lines: Vec<Vec<String>> = vec![header[..keys].to_vec()];
    let shown = if plan.params.model.is_some() {
        &SHOWN_OF_ENCODER
    } else {
        &SHOWN
    };
    lines[0].extend(shown.iter().map(|(_, name)| (*name).to_owned()));
    lines[0].push("noise LSB".to_owned());
    for entry in entries.iter().take(MOST_ROWS) {
        let mut line = entry.row[..keys].to_vec();
        for (column, name) in shown {
            let at = header.iter().position(|known| known == column).unwrap_or(0);
            let value = entry.row[at].parse::<f64>().ok();
            line.push(value.map_or_else(
                || "-".to_owned(),
                |value| match *name {
                    "latency us" | "energy nJ" => format!("{:.2}", value / 1e3),
                    "TOPS/W" => format!("{value:.2}"),
                    _ => format!("{value:.4}"),
                },
            ));
        }
        line.push(
            entry
                .noise_lsb
                .map_or_else(|| "-".to_owned(), |noise| format!("{noise:.3}")),
        );
        lines.push(line);
    }
    let widths: Vec<usize> = (0..lines[0].len())
        .map(|at| {
            lines
                .iter()
                .map(|line| line[at].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (cell, width))| {
                if at < keys {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            })
            .collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    if entries.len() > MOST_ROWS {
        writeln!(
            out,
            "... and {} more rows in rows.csv",
            entries.len() - MOST_ROWS
        )?;
    }
    Ok(())
}
