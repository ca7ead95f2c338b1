//! Running a plan: designs x sweep x trials. Parallel map over trials and heads, ordered fold.
//!
//! Cases that agree in everything up to the trips run together: one write, one MAC and one ramp
//! serve every k, split, softmax and design of theirs. Trials go through in blocks, so memory does
//! not grow with their number, and the fold is in the order of trials, so results do not depend on
//! the number of threads.

mod nominal;

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::config::{Case, FileMistakes, Key, Plan};
use crate::base::cost::Ledger;
use crate::base::rng::Seed;
use crate::base::timing::StageTimes;
use crate::hardware::attention::{Account, Calibration, Finish, Outcome, Prepared};
use crate::hardware::crossbar::Chip;
use crate::study::metrics::{CostTally, HeadTally, Summary, Values, fold};

/// Trials that are in memory at once.
const BLOCK: u64 = 16;

/// What one design came to at one point.
#[derive(Clone, Debug)]
pub struct Result {
    /// Index of the point.
    pub point: usize,
    /// Index of the design.
    pub design: usize,
    /// Statistics over trials.
    pub summary: Summary,
    /// Counts and stage times of all heads of the first trial, where they are taken.
    pub spent: Option<SpentTotal>,
    /// Root mean square deviation at the comparator over the first trial, in LSB.
    pub noise_lsb: Option<f64>,
}

/// Counts and busy times of the heads of one trial together.
#[derive(Clone, Debug)]
pub struct SpentTotal {
    /// Counts by stage.
    pub ledger: Ledger,
    /// Busy time by stage.
    pub busy: StageTimes,
    /// Heads that were added.
    pub heads: u64,
    /// Picoseconds times tiles, for leakage.
    pub leaking: u128,
    /// Picoseconds of all makespans.
    pub makespans: u128,
}

/// What a run tells about itself.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// Sentences for the reader, for instance on the ramp's full scale.
    pub lines: Vec<String>,
}

/// A part of a plan that runs together: cases that share a conversion, and with each of them the
/// reference design of its point, whose numbers of the same trial a delta needs.
#[derive(Debug)]
pub struct Group {
    /// (point, design) of each case.
    pub cases: Vec<(usize, usize)>,
}

/// The groups of a plan, in the order of their first case.
#[must_use]
pub fn groups(plan: &Plan) -> Vec<Group> {
    let mut of_front: BTreeMap<Key, usize> = BTreeMap::new();
    let mut parent: Vec<usize> = Vec::new();
    fn root(parent: &[usize], mut at: usize) -> usize {
        while parent[at] != at {
            at = parent[at];
        }
        at
    }
    let cases: Vec<(usize, usize)> = (0..plan.points())
        .flat_map(|point| (0..plan.designs()).map(move |design| (point, design)))
        .collect();
    for &(point, design) in &cases {
        let mut member = |design| {
            *of_front
                .entry(plan.keys(point, design).0)
                .or_insert_with(|| {
                    parent.push(parent.len());
                    parent.len() - 1
                })
        };
        let own = member(design);
        if let Some(reference) = plan.reference {
            let other = member(reference);
            let (a, b) = (root(&parent, own), root(&parent, other));
            parent[a.max(b)] = a.min(b);
        }
    }
    let mut order: BTreeMap<usize, Group> = BTreeMap::new();
    for &(point, design) in &cases {
        let front = of_front[&plan.keys(point, design).0];
        let group = order
            .entry(root(&parent, front))
            .or_insert_with(|| Group { cases: Vec::new() });
        group.cases.push((point, design));
    }
    order.into_values().collect()
}

/// Runs every case of a group; `ticked` is called with the number of trials done.
///
/// # Errors
/// A file that was changed since the plan was checked.
pub fn run_group(
    plan: &mut Plan,
    group: &Group,
    ticked: &mut dyn FnMut(u64),
) -> std::result::Result<(Vec<Result>, Notes), FileMistakes> {
    let mut cases: Vec<Case> = Vec::new();
    let mut index: BTreeMap<Key, usize> = BTreeMap::new();
    let mut which = Vec::with_capacity(group.cases.len());
    for &(point, design) in &group.cases {
        let back = plan.keys(point, design).1;
        let at = match index.get(&back) {
            Some(at) => *at,
            None => {
                cases.push(plan.case(point, design)?);
                index.insert(back, cases.len() - 1);
                cases.len() - 1
            }
        };
        which.push(at);
    }
    let seed = Seed(plan.params.seed);
    let trials = plan.params.trials;
    let reference = plan.reference;
    // Deltas need the reference design of the same point; it may lie in another group.
    let paired: Vec<Option<usize>> = group
        .cases
        .iter()
        .map(|&(point, design)| {
            let reference = reference.filter(|reference| *reference != design)?;
            group
                .cases
                .iter()
                .position(|case| *case == (point, reference))
                .map(|at| which[at])
        })
        .collect();
    if let Some(results) = nominal::run(&cases, group, &which, reference) {
        ticked(trials);
        return Ok((results, Notes::default()));
    }
    let mut fronts: Vec<Vec<usize>> = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        match fronts
            .iter_mut()
            .find(|members| cases[members[0]].front == case.front)
        {
            Some(members) => members.push(at),
            None => fronts.push(vec![at]),
        }
    }
    let mut blocks: Vec<Block<'_>> = fronts
        .iter()
        .map(|members| Block::prepare(seed, members.iter().map(|at| &cases[*at]).collect()))
        .collect();
    let mut summaries: Vec<Summary> = group
        .cases
        .iter()
        .map(|(_, design)| Summary::new(reference.is_some_and(|reference| reference != *design)))
        .collect();
    let mut done = 0;
    while done < trials {
        let upto = trials.min(done + BLOCK);
        // By trial, then by case.
        let mut tallies: Vec<Vec<Vec<HeadTally>>> =
            vec![vec![Vec::new(); cases.len()]; (upto - done) as usize];
        for (block, members) in blocks.iter_mut().zip(&fronts) {
            for (trial, by_member) in tallies.iter_mut().zip(block.run(done..upto)) {
                for (at, heads) in members.iter().zip(by_member) {
                    trial[*at] = heads;
                }
            }
        }
        for heads_of_cases in &tallies {
            let values: Vec<Values> = heads_of_cases.iter().map(|heads| fold(heads)).collect();
            for ((summary, case), pair) in summaries.iter_mut().zip(&which).zip(&paired) {
                summary.add(&values[*case], pair.map(|pair| &values[pair]));
                summary.count(&heads_of_cases[*case]);
            }
        }
        ticked(upto - done);
        done = upto;
    }
    let home = |case: usize| {
        let found = fronts.iter().zip(&blocks).find_map(|(members, block)| {
            let at = members.iter().position(|member| *member == case)?;
            Some((block, at))
        });
        found.map_or((None, None), |(block, at)| {
            (block.spent[at].clone(), Some(block.noise_lsb))
        })
    };
    let results = group
        .cases
        .iter()
        .zip(summaries)
        .zip(&which)
        .map(|((&(point, design), summary), case)| {
            let (spent, noise_lsb) = home(*case);
            Result {
                point,
                design,
                summary,
                spent,
                noise_lsb,
            }
        })
        .collect();
    let lines = blocks
        .iter()
        .flat_map(|block| block.notes().lines)
        .collect();
    Ok((results, Notes { lines }))
}

/// What a group keeps ready between blocks of trials.
struct Block<'a> {
    seed: Seed,
    cases: Vec<&'a Case>,
    prepared: Vec<Prepared>,
    finishes: Vec<Vec<Finish<'a>>>,
    spent: Vec<Option<SpentTotal>>,
    noise_lsb: f64,
}

/// One head of one trial: a tally a case, and what the first trial keeps beside.
struct Unit {
    tallies: Vec<HeadTally>,
    spent: Vec<Option<SpentTotal>>,
    noise: (f64, u64),
}

impl<'a> Block<'a> {
    fn prepare(seed: Seed, cases: Vec<&'a Case>) -> Self {
        let front = &cases[0].attention;
        let workload = &cases[0].workload;
        let largest_k = |head: usize| {
            cases
                .iter()
                .map(|case| case.attention.topk[head].k)
                .max()
                .unwrap_or(1)
        };
        let heads: Vec<usize> = (0..workload.heads.len()).collect();
        let both: Vec<(Prepared, Vec<Finish<'a>>)> = heads
            .par_iter()
            .map(|&head| {
                let rows = &workload.calibration[head];
                let calibration = Calibration::of(front, rows, head);
                let calibrated = Prepared::of(front, rows, calibration, 1);
                let finishes = cases
                    .iter()
                    .map(|case| Finish::load(&case.attention, case.datapath, head, &calibrated))
                    .collect();
                let prepared =
                    Prepared::of(front, &workload.heads[head], calibration, largest_k(head));
                (prepared, finishes)
            })
            .collect();
        let (prepared, finishes) = both.into_iter().unzip();
        Self {
            seed,
            spent: vec![None; cases.len()],
            cases,
            prepared,
            finishes,
            noise_lsb: 0.0,
        }
    }

    /// Tallies by trial, case and head.
    fn run(&mut self, trials: std::ops::Range<u64>) -> Vec<Vec<Vec<HeadTally>>> {
        let front = &self.cases[0].attention;
        let numbers: Vec<u64> = trials.clone().collect();
        let chips: Vec<Chip> = numbers
            .par_iter()
            .map(|trial| {
                Chip::fabricate(
                    self.seed,
                    *trial,
                    &front.device,
                    &front.crossbar,
                    front.values.as_ref(),
                )
            })
            .collect();
        let heads = self.prepared.len();
        let units: Vec<(usize, usize)> = (0..chips.len())
            .flat_map(|chip| (0..heads).map(move |head| (chip, head)))
            .collect();
        let done: Vec<Unit> = units
            .par_iter()
            .map(|&(chip, head)| self.unit(&chips[chip], head))
            .collect();
        if trials.start == 0 {
            let (mut square, mut live) = (0.0, 0);
            for unit in &done[..heads] {
                square += unit.noise.0;
                live += unit.noise.1;
                for (total, spent) in self.spent.iter_mut().zip(&unit.spent) {
                    match (total.as_mut(), spent) {
                        (Some(total), Some(spent)) => total.join(spent),
                        (None, Some(spent)) => *total = Some(spent.clone()),
                        (_, None) => {}
                    }
                }
            }
            self.noise_lsb = if live > 0 {
                (square / live as f64).sqrt()
            } else {
                0.0
            };
        }
        let mut units = done.into_iter();
        numbers
            .iter()
            .map(|_| {
                let mut by_case = vec![Vec::with_capacity(heads); self.cases.len()];
                for unit in units.by_ref().take(heads) {
                    for (case, tally) in by_case.iter_mut().zip(unit.tallies) {
                        case.push(tally);
                    }
                }
                by_case
            })
            .collect()
    }

    fn unit(&self, chip: &Chip, head: usize) -> Unit {
        let front = &self.cases[0].attention;
        let prepared = &self.prepared[head];
        let number = head as u64;
        let ladders = front.ladders(chip);
        let conversion = front.convert(self.seed, chip, &ladders, number, prepared);
        let stored = front
            .values
            .as_ref()
            .map(|values| values.program(self.seed, number, chip, &front.device, &prepared.v));
        let mut tallies = Vec::with_capacity(self.cases.len());
        let mut kept = Vec::with_capacity(self.cases.len());
        for (case, finish) in self.cases.iter().zip(&self.finishes[head]) {
            let mut tally = HeadTally::of(prepared);
            let mut account =
                (!front.ramp.is_exact()).then(|| Account::open(finish, prepared.v.nrows()));
            for query in 0..prepared.q.ncols() {
                let trips = conversion.trips.column(query);
                let mut outcome: Outcome = finish.select(trips.as_slice(), query, prepared);
                finish.drive(
                    self.seed,
                    chip,
                    (number, query),
                    prepared,
                    stored.as_ref(),
                    &mut outcome,
                );
                if let Some(account) = &mut account {
                    account.add(prepared.query(query), &outcome);
                }
                tally.add(
                    &case.attention,
                    case.datapath,
                    case.attention.topk[head].k,
                    prepared,
                    query,
                    &outcome,
                );
            }
            let spent = account.map(|account| account.close(prepared.q.ncols()));
            tally.cost = spent
                .as_ref()
                .map(|spent| CostTally::of(spent, &case.attention));
            kept.push(
                spent
                    .filter(|_| chip.trial == 0)
                    .map(|spent| SpentTotal::of(&spent)),
            );
            tallies.push(tally);
        }
        Unit {
            tallies,
            spent: kept,
            noise: (conversion.noise_square_sum, conversion.live),
        }
    }

    /// What the full scale came to, and whether one clock can make a step.
    fn notes(&self) -> Notes {
        let front = &self.cases[0].attention;
        let mut lines = Vec::new();
        let range = |of: &dyn Fn(&Prepared) -> f64| {
            let values: Vec<f64> = self.prepared.iter().map(of).collect();
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if high - low < 1e-9 * high.abs() {
                format!("{high:.3}")
            } else {
                format!("{low:.3} to {high:.3}")
            }
        };
        let scores = range(&|p| p.calibration.full_scale);
        let charges = range(&|p| p.calibration.full_scale_charges());
        let lsb = range(&|p| p.calibration.lsb_charges());
        lines.push(format!(
            "full scale {scores} in scores = {} LSB = {charges} unit charges; one LSB is {lsb} unit charges; total noise {:.3} LSB rms",
            front.ramp.steps(),
            self.noise_lsb
        ));
        let cells = front.crossbar.ramp_cells as f64 / f64::from(front.ramp.steps());
        let reach =
            front.device.line.charge_per_picosecond * front.timing.clock().get() as f64 * cells;
        let needed = self
            .prepared
            .iter()
            .map(|p| p.calibration.lsb_charges())
            .fold(0.0, f64::max);
        if front.ramp.is_in_column() && needed > reach {
            lines.push(format!(
                "warning: a ramp step needs up to {needed:.1} unit charges and its {cells} replica cells can take {reach:.1} in one clock of {}: a step that size needs a slower clock, more replicas a step, or a smaller full scale",
                front.timing.clock()
            ));
        }
        if let Some(endurance) = front.device.endurance {
            let latency = self
                .spent
                .iter()
                .flatten()
                .map(SpentTotal::seconds_a_head)
                .fold(f64::INFINITY, f64::min);
            if latency.is_finite() {
                lines.push(format!(
                    "warning: K and V are written once a head and {} endures {endurance:.1e} writes: at this run's fastest design ({:.1} us a head) the tiles last {:.2} h",
                    front.device.name,
                    latency * 1e6,
                    endurance * latency / 3600.0
                ));
            }
        }
        Notes { lines }
    }
}

impl SpentTotal {
    /// The book of one head.
    #[must_use]
    pub fn of(spent: &crate::hardware::attention::Spent) -> Self {
        Self {
            ledger: spent.ledger.clone(),
            busy: spent.run.busy,
            heads: 1,
            leaking: u128::from(spent.run.makespan.get()) * u128::from(spent.tiles),
            makespans: u128::from(spent.run.makespan.get()),
        }
    }

    fn join(&mut self, other: &Self) {
        self.ledger.add(&other.ledger);
        self.busy = self.busy.then(&other.busy);
        self.heads += other.heads;
        self.leaking += other.leaking;
        self.makespans += other.makespans;
    }

    /// Mean makespan of a head in seconds.
    fn seconds_a_head(&self) -> f64 {
        self.makespans as f64 * 1e-12 / self.heads.max(1) as f64
    }
}
