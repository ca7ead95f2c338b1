//! Cases that share a conversion, head by head and trial by trial.

use std::sync::Arc;

use rayon::prelude::*;

use super::Notes;
use super::shelf::Shelf;

use crate::base::rng::Seed;
use crate::hardware::attention::{Finish, HeadCost, Met, Prepared, Stopped, Trial};
use crate::shell::config::{Case, HeadsWork};
use crate::study::metrics::HeadTally;

/// What a group keeps ready between blocks of trials.
pub(super) struct Block<'a> {
    pub seed: Seed,
    pub cases: Vec<&'a Case>,
    /// By head.
    pub prepared: Arc<Vec<Prepared>>,
    /// By head, then by case.
    pub finishes: Vec<Vec<Finish<'a>>>,
}

/// Noise against the ramp's full scale, both in LSB, above which codes say little about scores.
const LOUD: f64 = 0.5;

/// Tallies by trial, case and head.
pub(super) type Tallies = Vec<Vec<Vec<HeadTally>>>;

/// What the first trial tells beside its numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct First {
    /// Of each case.
    pub spent: Vec<Option<HeadCost>>,
    /// Total noise at the comparator, root mean square over heads.
    pub noise_lsb: f64,
}

impl First {
    /// Adds what a head's first trial spent, case by case.
    pub fn join(&mut self, heads: &[Option<HeadCost>]) {
        self.spent.resize(heads.len(), None);
        for (total, spent) in self.spent.iter_mut().zip(heads) {
            match (total.as_mut(), spent) {
                (Some(total), Some(spent)) => total.join(spent),
                (None, Some(spent)) => *total = Some(spent.clone()),
                (_, None) => {}
            }
        }
    }
}

/// One head of one trial: a tally a case, and what the first trial keeps beside.
struct Unit {
    tallies: Vec<HeadTally>,
    spent: Vec<Option<HeadCost>>,
    noise: (f64, u64),
}

impl<'a> Block<'a> {
    /// Takes the heads ready from the shelf, and loads every case's design for them.
    pub fn prepare(seed: Seed, work: &HeadsWork, cases: Vec<&'a Case>, shelf: &mut Shelf) -> Self {
        let (front, workload) = (cases[0].attention.as_ref(), &work.workload);
        let prepared = shelf.heads(work, &cases);
        let reads_rows = cases.iter().any(|case| Finish::reads_rows(&case.attention));
        let finishes = prepared
            .par_iter()
            .enumerate()
            .map(|(head, prepared)| {
                let rows = reads_rows.then(|| {
                    let rows = &workload.calibration[head];
                    Prepared::of(front, rows, prepared.calibration, 1)
                });
                let rows = rows.as_ref().unwrap_or(prepared);
                let load =
                    |case: &&'a Case| Finish::load(&case.attention, case.datapath, head, rows);
                cases.iter().map(load).collect()
            })
            .collect();
        Self {
            seed,
            cases,
            prepared,
            finishes,
        }
    }

    /// Runs trials; the first one of all tells more.
    pub fn run(&self, trials: std::ops::Range<u64>) -> (Tallies, Option<First>) {
        let front = &self.cases[0].attention;
        let numbers: Vec<u64> = trials.collect();
        let trials: Vec<Trial<'_>> = numbers
            .par_iter()
            .map(|number| front.trial(self.seed, *number))
            .collect();
        let heads = self.prepared.len();
        let units: Vec<(usize, usize)> = (0..trials.len())
            .flat_map(|trial| (0..heads).map(move |head| (trial, head)))
            .collect();
        let done: Vec<Unit> = units
            .par_iter()
            .map(|&(trial, head)| self.unit(&trials[trial], head))
            .collect();
        let first = (numbers.first() == Some(&0)).then(|| {
            let mut first = First::default();
            let (mut square, mut live) = (0.0, 0);
            for unit in &done[..heads] {
                square += unit.noise.0;
                live += unit.noise.1;
                first.join(&unit.spent);
            }
            first.noise_lsb = (square / f64::max(live as f64, 1.0)).sqrt();
            first
        });
        let mut units = done.into_iter();
        let by_trial = |_: &u64| {
            let mut by_case = vec![Vec::with_capacity(heads); self.cases.len()];
            for unit in units.by_ref().take(heads) {
                for (case, tally) in by_case.iter_mut().zip(unit.tallies) {
                    case.push(tally);
                }
            }
            by_case
        };
        (numbers.iter().map(by_trial).collect(), first)
    }

    fn unit(&self, trial: &Trial<'_>, head: usize) -> Unit {
        let prepared = &self.prepared[head];
        let written = trial.write(prepared);
        let mut tallies = Vec::with_capacity(self.cases.len());
        let mut kept = Vec::with_capacity(self.cases.len());
        for (case, finish) in self.cases.iter().zip(&self.finishes[head]) {
            let mut tally = HeadTally::of(prepared);
            let k = case.attention.topk[head].k;
            let spent = written.head(finish, |query, outcome| {
                tally.add(&case.attention, case.datapath, k, prepared, query, &outcome);
            });
            let prices = &case.attention.device.prices;
            tally.cost = spent.as_ref().map(|spent| spent.price(prices));
            kept.push(spent.filter(|_| trial.chip().trial == 0));
            tallies.push(tally);
        }
        Unit {
            tallies,
            spent: kept,
            noise: (written.conversion.noise_square_sum, written.conversion.live),
        }
    }

    /// What the full scale came to, and whether one clock can make a step.
    pub fn tell(&self, first: &First, notes: &mut Notes) {
        let front = &self.cases[0].attention;
        let range = |of: &dyn Fn(&Prepared) -> f64| {
            let values: Vec<f64> = self.prepared.iter().map(of).collect();
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            // Three digits behind the point, unless these show nothing, or nothing but digits.
            let shown = |value: f64| match value.abs() {
                plain if plain == 0.0 || (1e-2..1e7).contains(&plain) => format!("{value:.3}"),
                _ => format!("{value:.3e}"),
            };
            if high - low < 1e-9 * high.abs() {
                shown(high)
            } else {
                format!("{} to {}", shown(low), shown(high))
            }
        };
        let scores = range(&|p| p.calibration.full_scale);
        let charges = range(&|p| p.calibration.full_scale_charges());
        let lsb = range(&|p| p.calibration.lsb_charges());
        notes.lines.push(format!(
            "full scale {scores} in scores = {} LSB = {charges} unit charges; one LSB is {lsb} unit charges; total noise {:.3} LSB rms",
            (1e6 / front.ramp.lsb(1.0)).round() / 1e6,
            first.noise_lsb
        ));
        let cells = front.crossbar.ramp_cells as f64 / f64::from(front.ramp.steps());
        let reach =
            front.device.line.charge_per_picosecond * front.timing.clock().get() as f64 * cells;
        let needed = self
            .prepared
            .iter()
            .map(|p| p.calibration.lsb_charges())
            .fold(0.0, f64::max)
            * front.ramp.largest_step();
        let steps_cut = front.ramp.is_in_column() && !front.ramp.is_exact();
        if steps_cut && needed > reach {
            notes.notices.warn_worst(
                "clock",
                needed / reach,
                format!(
                    "a ramp step needs up to {needed:.1} unit charges and its {cells} replica cells can take {reach:.1} in one clock of {}: a step that size needs a slower clock, more replicas a step, or a smaller full scale",
                    front.timing.clock()
                ),
            );
        }
        // The start is set by all calibration cells at once, in one clock.
        let start = self
            .prepared
            .iter()
            .map(|p| p.calibration.full_scale_charges())
            .fold(0.0, f64::max);
        let set = reach / cells * f64::from(front.replicas.calibration_rows);
        if steps_cut && start / set > (needed / reach).max(1.0) * (1.0 + 1e-9) {
            notes.notices.warn_worst(
                "calibration clock",
                start / set,
                format!(
                    "crossbar.calibration_rows = {}: the start of the ramp needs up to {start:.1} unit charges and these cells can take {set:.1} in one clock of {}; no error of the start is simulated for it: a start that far needs more of them, a slower clock, or a smaller full scale",
                    front.replicas.calibration_rows,
                    front.timing.clock()
                ),
            );
        }
        let calibrations: Vec<_> = self.prepared.iter().map(|p| p.calibration).collect();
        front.tell_wires(&calibrations, &mut notes.notices);
        let met: Vec<(Stopped, Met)> = self
            .prepared
            .par_iter()
            .map(|prepared| {
                let stopped = Stopped::of(prepared.place.head, front, prepared);
                (stopped, Met::of(front, prepared))
            })
            .collect();
        let (stopped, met): (Vec<Stopped>, Vec<Met>) = met.into_iter().unzip();
        Stopped::tell(&stopped, &mut notes.notices);
        Met::tell(&met, &mut notes.notices);
        let steps = f64::from(front.ramp.steps());
        if first.noise_lsb > LOUD * steps && !front.ramp.is_exact() {
            notes.notices.warn_worst(
                "noise",
                first.noise_lsb / steps,
                format!(
                    "what cells, wires, lines and comparator add to a score is {:.1} LSB rms, and the whole ramp has {steps} steps: its codes say little about the scores",
                    first.noise_lsb
                ),
            );
        }
        if let Some(endurance) = front.device.endurance {
            let latency = first
                .spent
                .iter()
                .flatten()
                .map(|spent| spent.makespan.seconds().si() / spent.heads.max(1) as f64)
                .fold(f64::INFINITY, f64::min);
            if latency.is_finite() {
                let hours = endurance * latency / 3600.0;
                notes.notices.warn_worst(
                    "endurance",
                    -hours,
                    format!(
                        "K and V are written once a head and {} endures {endurance:.1e} writes: at this run's fastest design ({:.1} us a head) the tiles last {}",
                        front.device.name,
                        latency * 1e6,
                        match hours {
                            hours if hours < 0.1 => format!("{:.3} s", hours * 3600.0),
                            hours => format!("{hours:.2} h"),
                        }
                    ),
                );
            }
        }
    }
}
