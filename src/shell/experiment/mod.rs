//! Running a plan: designs x sweep x trials. Parallel map over trials and heads, ordered fold.
//!
//! Cases that agree in everything up to the trips run together: one write, one MAC and one ramp
//! serve every k, split, softmax and design of theirs. Trials go through in blocks, so memory does
//! not grow with their number, and the fold is in the order of trials, so results do not depend on
//! the number of threads.

mod accuracy;
mod block;
mod nominal;
mod quick;
mod shelf;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use accuracy::{Accuracy, Spread};
pub use shelf::Shelf;

use super::config::{Case, FileMistakes, Key, Mode, Plan};
use crate::base::notice::Notices;
use crate::base::rng::Seed;
use crate::hardware::attention::{Attention, HeadCost};
use crate::study::metrics::{Summary, Values, fold};
use block::{Block, First, Tallies};
use quick::Quick;

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
    pub spent: Option<HeadCost>,
    /// Root mean square deviation at the comparator in LSB: over the first trial, or of the law where 32 trials run at
    /// once.
    pub noise_lsb: Option<f64>,
    /// What a whole encoder came to.
    pub accuracy: Option<Accuracy>,
    /// The hardware of the case.
    pub attention: Arc<Attention>,
}

/// What a run tells about itself.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// What was found out, for instance the ramp's full scale.
    pub lines: Vec<String>,
    /// What to know of it.
    pub notices: Notices,
    /// Which path did the work; none where nothing was drawn.
    pub path: Option<Path>,
}

/// The path that did the work of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// 32 trials at once.
    Fast,
    /// Every cell and every column drawn, for this reason.
    Exact(&'static str),
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

/// Runs every case of a group; `shelf` goes from group to group, `ticked` is called with the number of
/// trials done.
///
/// # Errors
/// A file that was changed since the plan was checked; heads of an encoder that its calibration samples give no scale.
pub fn run_group(
    plan: &mut Plan,
    group: &Group,
    shelf: &mut Shelf,
    ticked: &mut dyn FnMut(u64),
) -> std::result::Result<(Vec<Result>, Notes), FileMistakes> {
    let mut cases: Vec<Case> = Vec::new();
    let mut index: BTreeMap<(Key, Key), usize> = BTreeMap::new();
    let mut which = Vec::with_capacity(group.cases.len());
    for &(point, design) in &group.cases {
        let keys = plan.keys(point, design);
        let at = match index.get(&keys) {
            Some(at) => *at,
            None => {
                cases.push(plan.case(point, design)?);
                index.insert(keys, cases.len() - 1);
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
    let encoders = accuracy::run((seed, trials), &cases, group, &which, &paired, ticked);
    if let Some(done) = encoders.map_err(|wrong| plan.blame(wrong))? {
        return Ok(done);
    }
    if let Some(results) = nominal::run(&cases, group, &which, &paired, reference) {
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
    let blocks: Vec<Block<'_>> = fronts
        .iter()
        .map(|members| Block::prepare(seed, members.iter().map(|at| &cases[*at]).collect(), shelf))
        .collect();
    let mut summaries: Vec<Summary> = group
        .cases
        .iter()
        .map(|(_, design)| Summary::new(reference.is_some_and(|reference| reference != *design)))
        .collect();
    // Deltas are paired by trial, so either all fronts of a group take the fast path or none.
    let quick: std::result::Result<Vec<Quick<'_, '_>>, &'static str> = match plan.params.mode {
        Mode::Fast {} => blocks.iter().map(Quick::plan).collect(),
        Mode::Exact {} => Err("asked for"),
    };
    let pass = match &quick {
        Ok(quick) => quick.iter().map(Quick::pass).min().unwrap_or(BLOCK),
        Err(_) => BLOCK,
    };
    let mut firsts = vec![First::default(); blocks.len()];
    // By trial, then by case.
    let mut run = |trials: std::ops::Range<u64>| -> Tallies {
        let count = (trials.end - trials.start) as usize;
        let mut tallies: Tallies = vec![vec![Vec::new(); cases.len()]; count];
        for (at, members) in fronts.iter().enumerate() {
            let (ran, first) = match &quick {
                Ok(quick) => quick[at].run(trials.clone()),
                Err(_) => blocks[at].run(trials.clone()),
            };
            if let Some(first) = first {
                firsts[at] = first;
            }
            for (trial, by_member) in tallies.iter_mut().zip(ran) {
                for (case, heads) in members.iter().zip(by_member) {
                    trial[*case] = heads;
                }
            }
        }
        tallies
    };
    let mut take = |tallies: Tallies| {
        for heads_of_cases in tallies {
            let values: Vec<Values> = heads_of_cases.iter().map(|heads| fold(heads)).collect();
            for ((summary, case), pair) in summaries.iter_mut().zip(&which).zip(&paired) {
                summary.add(&values[*case], pair.map(|pair| &values[pair]));
                summary.count(&heads_of_cases[*case]);
            }
        }
    };
    // What one pass came to is taken in, trial by trial in order, while the next one runs.
    let (mut done, mut waiting) = (0, Tallies::new());
    while done < trials {
        let upto = trials.min(done + pass);
        let before = std::mem::take(&mut waiting);
        (waiting, ()) = rayon::join(|| run(done..upto), || take(before));
        ticked(upto - done);
        done = upto;
    }
    take(waiting);
    let home = |case: usize| {
        let found = fronts.iter().zip(&firsts).find_map(|(members, first)| {
            let at = members.iter().position(|member| *member == case)?;
            Some((first, at))
        });
        found.map_or((None, None), |(first, at)| {
            (first.spent[at].clone(), Some(first.noise_lsb))
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
                accuracy: None,
                attention: Arc::clone(&cases[*case].attention),
            }
        })
        .collect();
    let mut notes = Notes {
        path: Some(match quick {
            Ok(_) => Path::Fast,
            Err(why) => Path::Exact(why),
        }),
        ..Notes::default()
    };
    for (block, first) in blocks.iter().zip(&firsts) {
        block.tell(first, &mut notes);
    }
    Ok((results, notes))
}
