//! The one loop over a plan: group after group, into a table.

use serde::{Deserialize, Serialize};

use super::columns::{columns, row};
use super::table::{Row, Table};
use super::{Group, Notes, Path, Result, Shelf, groups, run_group};
use crate::base::notice::Notices;
use crate::shell::config::{FileMistakes, Plan};

/// A finished group of cases: its rows, and what it tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Done {
    /// Its place among the groups of the plan.
    pub group: usize,
    /// A row a case.
    pub rows: Vec<Row>,
    /// What it tells.
    pub notes: Notes,
}

/// Who follows a run: keeps what is finished, and may have kept it from an earlier start.
pub trait Sink {
    /// Why a run ends early.
    type Error: From<FileMistakes>;

    /// A group that is finished already; it is not run again.
    fn kept(&mut self, _group: usize) -> Option<Done> {
        None
    }

    /// Called before each group with the number of finished ones.
    fn begins(&mut self, _finished: usize) {}

    /// Called with the number of trials done since.
    fn ticked(&mut self, _trials: u64) {}

    /// Whether rows hold a breakdown of time and energy by stage and action.
    fn wants_breakdown(&self) -> bool {
        false
    }

    /// Called after each group that was run, with its results before they became rows.
    ///
    /// # Errors
    /// What could not be kept; the run ends.
    fn finished(
        &mut self,
        _done: &Done,
        _results: &[Result],
    ) -> std::result::Result<(), Self::Error> {
        Ok(())
    }
}

/// Follows a run without a word.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Sink for Silent {
    type Error = FileMistakes;
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// A row a point and design, in order.
    pub table: Table,
    /// What was found out, for instance the ramp's full scale; each line once.
    pub lines: Vec<String>,
    /// What to know of it, beside the plan's own notices.
    pub notices: Notices,
    /// The groups on which a path did the work, each with it.
    pub paths: Vec<(usize, Path)>,
}

/// Runs a plan.
///
/// ```
/// use topkima::shell::config::{Overrides, Plan};
/// use topkima::shell::experiment::{Part, Silent, run};
///
/// let few = Overrides { trials: Some(1), ..Overrides::default() };
/// let mut plan = Plan::load("experiments/cost_vs_length.toml".as_ref(), &few).unwrap();
/// let table = run(&mut plan, &mut Silent).unwrap().table;
/// let latency = table.number(&table.rows[0], "latency_ns", Part::Mean).unwrap();
/// assert!(latency > 1e4 && table.rows.len() == plan.points() * plan.designs());
/// ```
///
/// # Errors
/// A file that was changed since the plan was checked; heads that calibration samples give no scale; what the sink could
/// not keep.
pub fn run<S: Sink>(plan: &mut Plan, sink: &mut S) -> std::result::Result<Outcome, S::Error> {
    let groups = groups(plan);
    run_groups(plan, &groups, sink)
}

/// The same for who has the groups of the plan at hand.
///
/// # Errors
/// Those of [`run`].
pub fn run_groups<S: Sink>(
    plan: &mut Plan,
    groups: &[Group],
    sink: &mut S,
) -> std::result::Result<Outcome, S::Error> {
    let mut done: Vec<Option<Done>> = (0..groups.len()).map(|at| sink.kept(at)).collect();
    let mut shelf = Shelf::default();
    let mut finished = done.iter().flatten().count();
    for (at, group) in groups.iter().enumerate() {
        sink.begins(finished);
        if done[at].is_some() {
            continue;
        }
        let (results, notes) =
            run_group(plan, group, &mut shelf, &mut |trials| sink.ticked(trials))?;
        let with_breakdown = sink.wants_breakdown();
        let rows = results
            .iter()
            .map(|result| row(plan, result, with_breakdown));
        let new = Done {
            group: at,
            rows: rows.collect(),
            notes,
        };
        sink.finished(&new, &results)?;
        done[at] = Some(new);
        finished += 1;
    }
    let mut outcome = Outcome {
        table: Table {
            columns: columns(plan),
            rows: Vec::new(),
        },
        lines: Vec::new(),
        notices: Notices::none(),
        paths: Vec::new(),
    };
    for (at, done) in done.into_iter().enumerate() {
        let Some(done) = done else { continue };
        outcome.table.rows.extend(done.rows);
        outcome.paths.extend(done.notes.path.map(|path| (at, path)));
        outcome.notices.join(&done.notes.notices);
        for line in done.notes.lines {
            if !outcome.lines.contains(&line) {
                outcome.lines.push(line);
            }
        }
    }
    outcome
        .table
        .rows
        .sort_by_key(|row| (row.point, row.design));
    Ok(outcome)
}
