//! Cases that share a conversion, 32 trials of a head at once.

use std::sync::Mutex;

use rayon::prelude::*;

use super::block::{Block, First, Tallies};
use crate::hardware::attention::{BLOCK, Fast, FastRoom, HeadCost};
use crate::study::metrics::HeadTally;

/// A block whose heads all have a fast path.
pub(super) struct Quick<'b, 'a> {
    block: &'b Block<'a>,
    fasts: Vec<Fast<'b>>,
    /// Room for units, as many as have run at once. It keeps nothing that a result depends on: every unit
    /// overwrites what it reads.
    rooms: Mutex<Vec<FastRoom>>,
}

/// One head of 32 trials: tallies by trial and case, and what the first trial spent.
type Unit = (Vec<Vec<HeadTally>>, Vec<Option<HeadCost>>);

impl<'b, 'a> Quick<'b, 'a> {
    /// Plans every head.
    ///
    /// # Errors
    /// Why there is no fast path.
    pub fn plan(block: &'b Block<'a>) -> Result<Self, &'static str> {
        let front = &block.cases[0].attention;
        let heads: Vec<usize> = (0..block.prepared.len()).collect();
        let alone = heads.len() == 1;
        let fasts = heads
            .par_iter()
            .map(|&head| Fast::plan(front, &block.finishes[head], &block.prepared[head], alone))
            .collect::<Vec<_>>();
        // The first head's reason, whichever thread was first.
        let fasts = fasts.into_iter().collect::<Result<_, _>>()?;
        Ok(Self {
            block,
            fasts,
            rooms: Mutex::default(),
        })
    }

    /// Trials that go through in one pass: whole blocks of 32, 64 units of one head or more (at most 32 blocks), so that
    /// cores are busy and memory stays small.
    pub fn pass(&self) -> u64 {
        BLOCK * (64 / self.fasts.len().max(1) as u64).clamp(1, 32)
    }

    /// Runs trials that begin with a block; the first one of all tells more.
    pub fn run(&self, trials: std::ops::Range<u64>) -> (Tallies, Option<First>) {
        let heads = self.fasts.len();
        let units: Vec<(u64, usize)> = (trials.start / BLOCK..trials.end.div_ceil(BLOCK))
            .flat_map(|block| (0..heads).map(move |head| (block, head)))
            .collect();
        // One unit at a time, so that no core waits for another's last ones.
        let done: Vec<Unit> = units
            .par_iter()
            .with_max_len(1)
            .map(|&(block, head)| {
                let lanes = (trials.end - block * BLOCK).min(BLOCK);
                let mut room = self.rooms.lock().map_or_else(|_| None, |mut all| all.pop());
                let unit = self.unit(room.get_or_insert_default(), block, head, lanes as usize);
                if let (Some(room), Ok(mut all)) = (room, self.rooms.lock()) {
                    all.push(room);
                }
                unit
            })
            .collect();
        let first = (trials.start == 0).then(|| {
            let mut first = First::default();
            let square: f64 = self.fasts.iter().map(|fast| fast.noise_lsb().powi(2)).sum();
            for (_, spent) in &done[..heads] {
                first.join(spent);
            }
            first.noise_lsb = (square / heads.max(1) as f64).sqrt();
            first
        });
        let cases = self.block.cases.len();
        let count = (trials.end - trials.start) as usize;
        let mut tallies: Tallies = vec![vec![Vec::with_capacity(heads); cases]; count];
        for ((block, _), (unit, _)) in units.into_iter().zip(done) {
            let from = (block * BLOCK - trials.start) as usize;
            for (trial, by_case) in tallies[from..].iter_mut().zip(unit) {
                for (heads, tally) in trial.iter_mut().zip(by_case) {
                    heads.push(tally);
                }
            }
        }
        (tallies, first)
    }

    fn unit(&self, room: &mut FastRoom, block: u64, head: usize, lanes: usize) -> Unit {
        let fast = &self.fasts[head];
        let designs = fast.run(self.block.seed, block, room);
        let all = designs.iter().enumerate();
        let spent: Vec<_> = all
            .map(|(design, tally)| fast.spent(design, tally))
            .collect();
        let tallies = (0..lanes)
            .map(|lane| {
                let of_case = |(design, tally): (usize, _)| {
                    let spent = spent[design][lane];
                    let finish = &self.block.finishes[head][design];
                    HeadTally::of_fast(finish, &self.block.prepared[head], tally, lane, spent)
                };
                designs.iter().enumerate().map(of_case).collect()
            })
            .collect();
        let spent = designs.into_iter().map(|tally| tally.account).collect();
        (tallies, spent)
    }
}
