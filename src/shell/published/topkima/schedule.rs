//! One head of each design through the simulator's own serial schedule, as the paper counts it.
//!
//! Neither A x V nor the load of the exponential table is in the paper's equations, and it counts
//! no compare between arrays; everything else is the code every run uses. The paper's mean stop,
//! 0.31 x 32 = 9.92 steps, is no whole number of clocks, so rows stop at nine or at ten steps in
//! the shares whose sum is the whole number of steps next to 384 x 9.92: 31 rows at nine and 353 at
//! ten, 3809 steps, alpha 0.30998.

use super::paper;
use crate::base::mistake::Mistakes;
use crate::base::sourced::Sourced;
use crate::base::units::Picos;
use crate::hardware::events::{QueryTrace, Run, Schedule, Stage, TileTrace, sort_compares};
use crate::hardware::timing::{Arbiter, HeadShape, Switches, TimeConstants, Timing, pulse_units};

/// (columns, winners) of the arrays of one row, which work side by side; the slowest counts.
pub(super) type Reading = &'static [(u32, u32)];

/// The two column arrays of the paper's mapping.
pub(super) const SELECTED: Reading = &[(256, 3), (128, 2)];
/// The equations taken at their word: d = 384 columns, k = 5.
pub(super) const LITERAL: Reading = &[(384, 5)];

/// Rows by the step at which they stop: (step, rows).
pub(super) type Stops = Vec<(u32, u64)>;

/// Stops whose mean is the paper's alpha, to one step in the sum over all rows.
pub(super) fn mean_stops() -> Stops {
    let rows = paper::ROWS;
    let sum = (paper::ALPHA * f64::from(paper::STEPS) * rows as f64).round() as u64;
    let (low, later) = (sum / rows, sum % rows);
    vec![(low as u32, rows - later), (low as u32 + 1, later)]
}

/// The stops in words, with the alpha that they make.
pub(super) fn in_words(stops: &Stops) -> String {
    let rows: u64 = stops.iter().map(|(_, rows)| rows).sum();
    let sum: u64 = stops
        .iter()
        .map(|(step, rows)| u64::from(*step) * rows)
        .sum();
    let each: Vec<String> = stops
        .iter()
        .map(|(step, rows)| format!("{rows} rows stop at step {step}"))
        .collect();
    let alpha = sum as f64 / (rows * u64::from(paper::STEPS)) as f64;
    format!("{}, alpha {alpha:.5}", each.join(" and "))
}

/// Every row at the same step.
pub(super) fn stops_at(step: u32) -> Stops {
    vec![(step, paper::ROWS)]
}

/// The three designs, one head each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads {
    pub conventional: Run,
    pub digital: Run,
    pub topkima: Run,
}

impl Heads {
    pub fn over_conventional(&self) -> f64 {
        ratio(self.conventional.makespan, self.topkima.makespan)
    }

    pub fn over_digital(&self) -> f64 {
        ratio(self.digital.makespan, self.topkima.makespan)
    }

    pub fn sort_share(&self) -> f64 {
        ratio(self.digital.busy.get(Stage::Sort), self.digital.makespan)
    }
}

/// a / b.
pub(super) fn ratio(a: Picos, b: Picos) -> f64 {
    a.get() as f64 / b.get() as f64
}

/// Sizes of the paper's head, as far as its equations go.
pub(super) fn shape() -> HeadShape {
    HeadShape {
        key_rows: paper::D_HEAD,
        input_units: pulse_units(paper::Q_LEVELS, 2, paper::CELLS),
        ..HeadShape::default()
    }
}

/// Constants and switches as the paper counts: eq. 4 for the arbiter, no compare between arrays.
///
/// # Errors
/// Constants that do not check.
pub(super) fn timing(constants: &TimeConstants) -> Result<Timing, Mistakes> {
    let constants = TimeConstants {
        merge_compare: Sourced::bare(Picos::ZERO),
        ..constants.clone()
    };
    let switches = Switches {
        arbiter: Arbiter::PaperMax {},
        schedule: Schedule::Serial {},
        ..Switches::default()
    };
    Timing::check(&constants, &switches)
}

/// One head of each design.
///
/// # Errors
/// Constants that do not check.
pub(super) fn heads(
    constants: &TimeConstants,
    reading: Reading,
    stops: &Stops,
) -> Result<Heads, Mistakes> {
    let timing = timing(constants)?;
    let full = |columns, _| TileTrace::full_ramp(columns, columns, paper::STEPS);
    let sorted = |columns: u32, k: u32| TileTrace {
        sort_cycles: sort_compares(columns.into(), k.into()),
        survivors: k,
        ..TileTrace::full_ramp(columns, columns, paper::STEPS)
    };
    let whole = stops_at(paper::STEPS);
    Ok(Heads {
        conventional: run(&timing, reading, &whole, |_, columns, k| full(columns, k)),
        digital: run(&timing, reading, &whole, |_, columns, k| sorted(columns, k)),
        topkima: run(&timing, reading, stops, stopped),
    })
}

/// A tile whose k winners trip one a step, the last at `stop`.
fn stopped(stop: u32, columns: u32, k: u32) -> TileTrace {
    let trips: Vec<u32> = (1..=columns)
        .map(|at| (stop + at).saturating_sub(k))
        .collect();
    TileTrace::stopped(columns, paper::STEPS, k, trips.into_iter())
}

fn run(
    timing: &Timing,
    reading: Reading,
    stops: &Stops,
    tile: impl Fn(u32, u32, u32) -> TileTrace,
) -> Run {
    let head = shape();
    let mut progress = timing.switches().schedule.start(&timing.once(&head));
    for &(stop, rows) in stops {
        let trace = QueryTrace {
            tiles: reading.iter().map(|&(n, k)| tile(stop, n, k)).collect(),
            merge_compares: reading.len() as u64 - 1,
            ..QueryTrace::default()
        };
        progress.repeat(&timing.query(&head, &trace), rows);
    }
    progress.finish()
}
