//! Cases of heads with their numbers: a parallel map over trials and heads, and an ordered fold.
//!
//! Trials go through in blocks, so memory does not grow with their number, and the fold is in the order of trials, so
//! results do not depend on the number of threads.

use super::block::{Block, First, Tallies};
use super::quick::Quick;
use super::{Batch, Found, Notes, Path, Result, Shelf};
use crate::shell::config::{Case, HeadsWork, Mode};
use crate::study::metrics::{Summary, Values, fold};

/// Trials that are in memory at once.
const BLOCK: u64 = 16;

/// Runs the cases of a group.
pub(super) fn run(
    batch: &Batch,
    cases: &[(&Case, &HeadsWork)],
    shelf: &mut Shelf,
    ticked: &mut dyn FnMut(u64),
) -> (Vec<Result>, Notes) {
    let mut fronts: Vec<Vec<usize>> = Vec::new();
    for (at, (case, _)) in cases.iter().enumerate() {
        match fronts
            .iter_mut()
            .find(|members| cases[members[0]].0.front == case.front)
        {
            Some(members) => members.push(at),
            None => fronts.push(vec![at]),
        }
    }
    let blocks: Vec<Block<'_>> = fronts
        .iter()
        .map(|members| {
            let cases_of = members.iter().map(|at| cases[*at].0).collect();
            Block::prepare(batch.seed, cases[members[0]].1, cases_of, shelf)
        })
        .collect();
    let mut summaries: Vec<Summary> = batch.members.iter().map(|one| batch.summary(one)).collect();
    // Deltas are paired by trial, so either all fronts of a group take the fast path or none.
    let quick: std::result::Result<Vec<Quick<'_, '_>>, &'static str> = match batch.mode {
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
            for (summary, member) in summaries.iter_mut().zip(&batch.members) {
                let reference = member.reference.map(|reference| &values[reference]);
                summary.add(&values[member.case], reference);
                summary.count(&heads_of_cases[member.case]);
            }
        }
    };
    // What one pass came to is taken in, trial by trial in order, while the next one runs.
    let (mut done, mut waiting) = (0, Tallies::new());
    while done < batch.trials {
        let upto = batch.trials.min(done + pass);
        let before = std::mem::take(&mut waiting);
        (waiting, ()) = rayon::join(|| run(done..upto), || take(before));
        ticked(upto - done);
        done = upto;
    }
    take(waiting);
    let first = |case: usize| {
        let found = fronts.iter().zip(&firsts).find_map(|(members, first)| {
            let at = members.iter().position(|member| *member == case)?;
            Some((first, at))
        });
        found.map_or((None, None), |(first, at)| {
            (first.spent[at].clone(), Some(first.noise_lsb))
        })
    };
    let found = summaries
        .into_iter()
        .map(|summary| Found::Heads(Box::new(summary)));
    let results = batch.results(found, first);
    let mut notes = Notes {
        path: Some(match quick {
            Ok(_) => Path::Fast,
            Err(why) => Path::Exact(why.to_owned()),
        }),
        ..Notes::default()
    };
    for (block, first) in blocks.iter().zip(&firsts) {
        block.tell(first, &mut notes);
    }
    (results, notes)
}
