//! The fast path: 32 trials of one head at once, the only place where the fused kernels meet the physics.
//!
//! It answers what the exact path answers - which columns survive, what the row and the output are, how
//! long and at what cost - from the same laws, and does less work for it:
//!
//! 1. In each row and tile only the columns that can win are converted (about a tenth), the
//!    *candidates*. Everything static in a chip - errors of weights, offsets, line differences, replicas -
//!    is drawn once a column and trial and multiplied with every query that keeps the column, so chips
//!    differ from each other as they do in the exact path.
//! 2. One uniform against a table decides whether any other column trips by the stop step; if so a walk
//!    draws which and where ([`excluded`]).
//! 3. Selection, softmax, A x V and metrics run in 32 lanes.
//!
//! Beside the conventional design, which keeps every column, all columns are converted, for every design of its run.
//!
//! **What is exact.** Columns of a row are independent given the chip, and each row's law is that of the
//! exact path: whatever the cut between candidates and others, it only moves work. Numbers are held more
//! coarsely than in the exact path: errors of weights in 2^-15 of their reach or, of rows whose sums would leave 32
//! bits, more coarsely; depths on uneven ladders
//! in a fraction of an LSB given by [`Statics::grid`](crate::hardware::kernel::Statics), normals to 4e-6 with
//! a reach of 6.3 sigma, table look-ups and sums of a row in f32; on the tiles of V cells in 1/32000 of
//! their reach, sums in 1/64 to 1/256 of an LSB of the ADC, its noise by 16 random bits.
//!
//! **What is not.** A column that is no candidate in a row is drawn there from its marginal law: that its
//! static error is shared with its other rows is dropped. At the default cut it concerns under 1 % of
//! row-tiles, and of these only the pairs of excluded columns.
//!
//! **Addresses.** A draw belongs to (seed, purpose, block of 32 trials, slot or query), so trial t is the same
//! for any number of trials and threads. Columns drawn jointly - those of a head that is alone in its workload,
//! or whose errors are its own - mix the draws of their pairs, so such a head has other draws than beside
//! other heads, of the same law, and two points of a sweep share their noise as far as they convert the same
//! pairs.
//!
//! **Where it does not apply**, [`Fast::plan`] says why, and the exact path does the work.

mod back;
mod book;
mod candidates;
mod excluded;
mod front;
mod normal;
mod row;
mod value;

use std::ops::Range;

use super::{Attention, Datapath, Finish, HeadPrice, Prepared};
use crate::base::rng::{Purpose, Seed};
use crate::hardware::address;
use crate::hardware::converter::Below;
use crate::hardware::crossbar::why_not_normal;
use crate::hardware::kernel::{Column, LANES, Lanes, Level, best, convert_column, convert_jointly};
use crate::hardware::timing::Arbiter;

use back::Case;
pub use back::FastTally;
use candidates::CUT;
use front::Front;
use row::Row;
use value::{ValueRoom, ValueTiles};

/// A block of trials: trials 32 b to 32 b + 31.
pub const BLOCK: u64 = LANES as u64;

/// A head ready for fast trials.
#[derive(Debug)]
pub struct Fast<'a> {
    prepared: &'a Prepared,
    front: Front,
    values: Option<ValueTiles>,
    cases: Vec<Case<'a>>,
    level: Level,
}

/// Room that a thread keeps from block to block.
#[derive(Clone, Debug, Default)]
pub struct FastRoom {
    column: Column,
    keys: Vec<Lanes<u16>>,
    lists: Vec<Lanes<u16>>,
    row: Row,
    value: ValueRoom,
}

/// Most places of a row, among which the network of the first ones grows.
const MOST: usize = 64;

/// Most pairs of a head all of whose columns are converted: 32 keys of each are held.
const MOST_PAIRS: usize = 1 << 20;

/// Whether a design keeps every column.
fn keeps_all(finish: &Finish<'_>) -> bool {
    finish.datapath == Datapath::Conventional {}
}

/// Most columns of a row that enter a design's softmax.
fn most_survivors(finish: &Finish<'_>) -> usize {
    let tokens = finish
        .attention
        .crossbar
        .tiles()
        .last()
        .map_or(0, |tile| tile.end);
    if keeps_all(finish) {
        tokens
    } else {
        finish.topk.k
    }
}

/// Why these designs on this hardware have no fast path; none if they have.
#[must_use]
pub fn why_exact(finish: &Finish<'_>) -> Option<&'static str> {
    let (attention, datapath) = (finish.attention, finish.datapath);
    let ramp = &attention.ramp;
    let normal = why_not_normal(&attention.device);
    let early = datapath == Datapath::Topkima {};
    normal
        .or((!ramp.is_in_column()).then_some("an external ramp bends the lines"))
        .or(ramp.is_exact().then_some("the converter has no steps"))
        .or(ramp
            .draws_each_step()
            .then_some("the comparator draws at each step"))
        .or((ramp.below() == (Below::Absent {}))
            .then_some("columns below the last level have no code"))
        .or(
            (early && attention.timing.switches().arbiter == (Arbiter::Queue {}))
                .then_some("a queueing arbiter selects on its own"),
        )
        .or(attention
            .quantise
            .q
            .max_code()
            .is_none_or(|max| max > 127)
            .then_some("Q is not in codes of at most 127"))
        .or(finish
            .merges()
            .then_some("the winners of all tiles are merged"))
        .or((ramp.steps() > 32).then_some("the ramp has more than 32 steps"))
        .or((!ramp.is_even()).then_some("the ramp's levels are uneven"))
        .or(attention
            .softmax
            .threshold_percentile()
            .map(|_| "the softmax looks at scores, not at differences"))
        .or((!keeps_all(finish) && finish.topk.k > MOST).then_some("k is above 64"))
        .or(
            (early && !attention.timing.fits_lanes(ramp.steps(), finish.topk.k))
                .then_some("a query takes longer than 2 ms"),
        )
}

impl<'a> Fast<'a> {
    /// Plans a head. `finishes` are the designs that share its conversion; `alone` says that no other
    /// head of the workload is written to the same chip.
    ///
    /// # Errors
    /// Why the fast path does not apply.
    pub fn plan(
        attention: &'a Attention,
        finishes: &'a [Finish<'a>],
        prepared: &'a Prepared,
        alone: bool,
    ) -> Result<Self, &'static str> {
        Self::plan_at(CUT, attention, finishes, prepared, alone)
    }

    /// The same with another cut: at most so many columns that are no candidates are expected to trip by
    /// the clean stop step of a row and tile. For tests: it may move work, not results.
    ///
    /// # Errors
    /// Why the fast path does not apply.
    pub fn plan_at(
        cut: f64,
        attention: &'a Attention,
        finishes: &'a [Finish<'a>],
        prepared: &'a Prepared,
        alone: bool,
    ) -> Result<Self, &'static str> {
        for finish in finishes {
            if let Some(why) = why_exact(finish) {
                return Err(why);
            }
        }
        let pairs = prepared.k.nrows() * prepared.q.ncols();
        if finishes.iter().any(keeps_all) && pairs > MOST_PAIRS {
            return Err("the conventional design keeps more than 2^20 pairs of a head");
        }
        let front = Front::plan(cut, attention, finishes, prepared, alone)?;
        let values = ValueTiles::plan(attention, prepared, alone);
        let cases = finishes
            .iter()
            .map(|finish| Case::plan(finish, prepared, &front, values.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            prepared,
            front,
            values,
            cases,
            level: Level::best(),
        })
    }

    /// Total noise at the comparator, root mean square over live pairs, in LSB.
    #[must_use]
    pub fn noise_lsb(&self) -> f64 {
        self.front.noise_lsb
    }

    /// The same on other instructions, for tests and benches.
    #[must_use]
    pub fn on(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// The same without its time and energy, for the bench that tells what they take: what it says it spent is wrong.
    #[must_use]
    pub fn uncounted(mut self) -> Self {
        for case in &mut self.cases {
            case.counted = false;
        }
        self
    }

    /// Runs a block of trials: a tally for each design.
    pub fn run(&self, seed: Seed, block: u64, room: &mut FastRoom) -> Vec<FastTally> {
        self.watch(seed, block, room, |_, _, _| ())
    }

    /// The same, and `seen(design, query, tokens)` is shown the survivors of every row, lane by lane.
    pub fn watch(
        &self,
        seed: Seed,
        block: u64,
        room: &mut FastRoom,
        mut seen: impl FnMut(usize, usize, &[Lanes<u16>]),
    ) -> Vec<FastTally> {
        let front = &self.front;
        let head = self.prepared.place.head;
        room.keys.resize(front.slots, [0; LANES]);
        for (token, column) in front.columns.iter().enumerate() {
            let (level, statics) = (self.level, &front.statics);
            let draws = &front.draws(seed, block, head, token);
            let (pairs, scratch, keys) = (&column.pairs, &mut room.column, &mut room.keys);
            match &column.factor {
                Some(factor) => {
                    convert_jointly(level, statics, draws, factor, pairs, scratch, keys);
                }
                None => {
                    convert_column(level, statics, draws, &column.sources, pairs, scratch, keys);
                }
            }
        }
        let mut tallies: Vec<FastTally> = self
            .cases
            .iter()
            .map(|case| case.open(block == 0, front.rows.len()))
            .collect();
        let deepest = front.rows.iter().map(|row| row.depth).max().unwrap_or(0);
        room.lists.resize(deepest, [0; LANES]);
        for (query, row) in front.rows.iter().enumerate() {
            let key = seed.key(
                Purpose::Excluded,
                block,
                address::query(head, self.prepared.address(query)),
            );
            room.row.come.open();
            let mut at = 0;
            for (tile, part) in row.tiles.iter().enumerate() {
                let list = &mut room.lists[at..at + part.depth];
                best(self.level, &room.keys[part.keys.clone()], list);
                if part.quota > 0 && part.live > part.keys.len() {
                    front.surprise(
                        self.level,
                        (seed, block, head),
                        (query, tile, key),
                        self.prepared,
                        list,
                        &mut room.row,
                    );
                }
                at += part.depth;
            }
            room.row
                .unpack(self.level, front.statics.tag_bits, row, &room.lists);
            let keys = &room.keys[row.keys()];
            for (design, (case, tally)) in self.cases.iter().zip(&mut tallies).enumerate() {
                case.finish(self.level, query, row, keys, &mut room.row, tally);
                seen(design, query, &room.row.tokens);
            }
        }
        if let Some(values) = &self.values {
            self.drive(values, (seed, block, head), &mut room.value, &mut tallies);
        }
        for (case, tally) in self.cases.iter().zip(&mut tallies) {
            case.close(tally);
        }
        tallies
    }

    /// A x V on tiles, trial by trial.
    fn drive(
        &self,
        values: &ValueTiles,
        (seed, block, head): (Seed, u64, u64),
        room: &mut ValueRoom,
        tallies: &mut [FastTally],
    ) {
        let pairs = self.cases.iter().zip(tallies);
        let mut designs: Vec<_> = pairs
            .filter_map(|(case, tally)| case.hand_over(tally))
            .collect();
        for lane in 0..BLOCK {
            let trial = (seed, block * BLOCK + lane, head);
            values.run(self.level, trial, room, &mut designs);
        }
    }

    /// What each trial of a design, counted as in [`Fast::plan`], spent.
    #[must_use]
    pub fn spent(&self, design: usize, tally: &FastTally) -> Vec<HeadPrice> {
        let tariff = &self.cases[design].tariff;
        tariff.close(&tally.book, &tally.stop_steps, &tally.value_rows)
    }
}

/// Places of each tile in a row of this design, from which its survivors come.
fn quotas(finish: &Finish<'_>, live: &[usize]) -> Vec<usize> {
    if finish.sorts_whole_row() {
        live.iter().map(|live| finish.topk.k.min(*live)).collect()
    } else {
        finish.places(live)
    }
}

/// A range of keys of one tile.
type Keys = Range<usize>;
