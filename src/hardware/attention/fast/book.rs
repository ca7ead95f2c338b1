//! Time and energy of 32 trials of one design.
//!
//! Designs whose ramp runs to its end cost the same in every trial. Where it stops early, a query costs
//! what it would with every ramp stopped at step 1, and for each tile what its own stop adds: both come
//! from [`Finish::count`], priced once, so nothing is counted by a second rule.

use super::front::Front;
use crate::base::cost::{Ledger, QueryTrace, StepGrants, TileTrace};
use crate::base::energy::Corner;
use crate::base::kernel::{LANES, Lanes, Level, Slot, TileClock};
use crate::base::timing::{HeadShape, LaneProgress, LaneTimes};
use crate::base::units::Picos;
use crate::hardware::attention::{Account, Datapath, Finish, Prepared};

const CORNERS: usize = Corner::ALL.len();

/// The tariff of one design for one head.
#[derive(Debug)]
pub(super) struct Tariff<'a> {
    finish: &'a Finish<'a>,
    shape: HeadShape,
    /// Queries with the same live columns and inputs share a trace.
    queries: Vec<Planned>,
    /// Yoctojoules of the whole head with every ramp stopped at step 1, without leakage.
    base: [u128; CORNERS],
    tiles: u64,
    operations: u64,
    early: bool,
    /// By tile of V, by rows driven: yoctojoules beyond none.
    value_rows: Vec<Vec<[u64; CORNERS]>>,
    /// Whether all queries have the same live columns: then counting stops by step is enough.
    alike: bool,
}

#[derive(Debug)]
struct Planned {
    trace: QueryTrace,
    /// What each station takes in all lanes alike, in ps, and the softmax of the row if it has one for all tiles.
    alike: Vec<u64>,
    softmax: Picos,
    /// By tile.
    clocks: Vec<TileClock>,
    /// By tile, by stop code: yoctojoules beyond those of step 1.
    beyond: Vec<Vec<[u64; CORNERS]>>,
}

/// What 32 trials of a head have spent so far.
#[derive(Clone, Debug)]
pub struct Book {
    energy: [Lanes<u64>; CORNERS],
    progress: LaneProgress,
}

/// What one trial of a head spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FastSpent {
    /// From the first write to the last output.
    pub makespan: Picos,
    /// Time between queries in the long run.
    pub interval: Picos,
    /// Joules at each corner.
    pub joules: [f64; CORNERS],
    /// Operations of the head.
    pub operations: u64,
}

impl<'a> Tariff<'a> {
    pub fn plan(finish: &'a Finish<'a>, prepared: &Prepared, front: &Front) -> Self {
        let attention = finish.attention;
        let prices = &attention.device.prices;
        let early = finish.datapath == Datapath::Topkima {};
        let steps = attention.ramp.steps();
        let shape = finish.shape();
        let progress = progress(finish, &shape);
        let opened = Account::of_layout(finish);
        let mut all = opened.ledger().clone();
        let mut queries: Vec<Planned> = Vec::new();
        let yocto = |ledger: &Ledger| {
            Corner::ALL.map(|corner| {
                prices
                    .bill(ledger, Picos::ZERO, 0, corner)
                    .dynamic_yoctojoules()
            })
        };
        let mut same: Option<(Vec<usize>, usize)> = None;
        for (query, row) in front.rows.iter().enumerate() {
            let inputs = prepared
                .q
                .column(query)
                .iter()
                .filter(|q| **q != 0.0)
                .count();
            let live: Vec<usize> = row.tiles.iter().map(|tile| tile.live).collect();
            let trace = |stopped: Option<(usize, u32)>| {
                trace(finish, &live, inputs as u32, |tile| match stopped {
                    Some((other, stop)) if other == tile => stop,
                    _ => 1,
                })
            };
            let first = trace(None);
            let mut ledger = Ledger::ZERO;
            finish.count(&first, &mut ledger);
            all.add(&ledger);
            let mut beyond = Vec::new();
            if early {
                if let Some((before, at)) = &same
                    && *before == live
                {
                    if !prepared.mask.is_open() {
                        beyond = queries[*at].beyond.clone();
                    }
                } else {
                    let least = yocto(&ledger);
                    for (tile, part) in first.tiles.iter().enumerate() {
                        let driven = if part.columns > 0 { steps } else { 0 };
                        let more = (1..=driven).map(|stop| {
                            let mut ledger = Ledger::ZERO;
                            finish.count(&trace(Some((tile, stop))), &mut ledger);
                            let price = yocto(&ledger);
                            std::array::from_fn(|c| price[c].saturating_sub(least[c]) as u64)
                        });
                        beyond.push(more.collect());
                    }
                    same = Some((live.clone(), query));
                }
            }
            let timing = &attention.timing;
            let (alike, softmax) = timing.lanes(&shape, &first, early);
            let clock = |tile: &TileTrace| timing.tile_clock(u64::from(tile.survivors));
            queries.push(Planned {
                alike: progress.alike(&alike),
                softmax,
                clocks: first.tiles.iter().map(clock).collect(),
                trace: first,
                beyond,
            });
        }
        let value_rows = Self::rows_driven(finish, &queries, &yocto);
        let closed = opened.close(front.rows.len());
        Self {
            finish,
            shape,
            queries,
            base: yocto(&all),
            tiles: closed.tiles,
            operations: closed.operations,
            early,
            value_rows,
            alike: prepared.mask.is_open(),
        }
    }

    /// What driving rows of V adds, the same for every query.
    fn rows_driven(
        finish: &Finish<'_>,
        queries: &[Planned],
        yocto: &impl Fn(&Ledger) -> [u128; CORNERS],
    ) -> Vec<Vec<[u64; CORNERS]>> {
        let (Some(values), Some(first)) = (&finish.attention.values, queries.first()) else {
            return Vec::new();
        };
        let price = |tile: usize, rows: u32| {
            let mut trace = first.trace.clone();
            trace.value_rows[tile] = rows;
            let mut ledger = Ledger::ZERO;
            finish.count(&trace, &mut ledger);
            yocto(&ledger)
        };
        let tile = |tile: usize| {
            let none = price(tile, 0);
            let more = |rows: usize| {
                let some = price(tile, rows as u32);
                std::array::from_fn(|c| some[c].saturating_sub(none[c]) as u64)
            };
            (0..=finish.topk.k).map(more).collect()
        };
        (0..values.tiles.len()).map(tile).collect()
    }

    /// Tiles of V.
    pub fn value_tiles(&self) -> usize {
        self.value_rows.len()
    }

    pub fn open(&self) -> Book {
        Book {
            energy: [[0; LANES]; CORNERS],
            progress: progress(self.finish, &self.shape),
        }
    }

    /// Starts a query.
    pub fn begin(&self, query: usize, times: &mut LaneTimes) {
        times.clear(self.queries[query].softmax);
    }

    /// Adds a driven tile from its grants, ascending in code.
    pub fn add(
        &self,
        level: Level,
        book: &mut Book,
        times: &mut LaneTimes,
        query: usize,
        tile: usize,
        grants: &[Slot],
    ) {
        let planned = &self.queries[query];
        if !self.alike
            && let Some(stop) = grants.last()
        {
            let beyond = &planned.beyond[tile];
            for lane in 0..LANES {
                let more = &beyond[usize::from(stop.code[lane])];
                for (energy, more) in book.energy.iter_mut().zip(more) {
                    energy[lane] += more;
                }
            }
        }
        times.take(level, &planned.clocks[tile], grants);
    }

    /// Ends a query.
    pub fn end(&self, level: Level, book: &mut Book, query: usize, times: &LaneTimes) {
        book.progress.push(level, &self.queries[query].alike, times);
    }

    /// What a trial spent.
    pub fn close(
        &self,
        book: &Book,
        stop_steps: &[Lanes<u32>],
        value_rows: &[Lanes<u32>],
        lane: usize,
    ) -> FastSpent {
        let attention = self.finish.attention;
        let (makespan, interval) = book.progress.finish(lane);
        let mut beyond = [0_u128; CORNERS];
        let counted = value_rows.chunks(self.finish.topk.k + 1);
        for (tile, counts) in self.value_rows.iter().zip(counted) {
            for (more, count) in tile.iter().zip(counts) {
                for (sum, more) in beyond.iter_mut().zip(more) {
                    *sum += u128::from(*more) * u128::from(count[lane]);
                }
            }
        }
        if self.early && self.alike {
            let steps = attention.ramp.steps() as usize + 1;
            for (tile, counts) in self.queries[0].beyond.iter().zip(stop_steps.chunks(steps)) {
                for (more, count) in tile.iter().zip(&counts[1..]) {
                    for (sum, more) in beyond.iter_mut().zip(more) {
                        *sum += u128::from(*more) * u128::from(count[lane]);
                    }
                }
            }
        }
        let joules = Corner::ALL.map(|corner| {
            let at = corner as usize;
            let dynamic = self.base[at] + beyond[at] + u128::from(book.energy[at][lane]);
            let prices = &attention.device.prices;
            prices
                .with_leakage(dynamic, makespan, self.tiles, corner)
                .si()
        });
        FastSpent {
            makespan,
            interval,
            joules,
            operations: self.operations,
        }
    }

    /// The trace of a query of one lane.
    pub fn trace_of(&self, query: usize, tiles: &[Vec<u16>]) -> QueryTrace {
        let mut trace = self.queries[query].trace.clone();
        if self.early {
            for (tile, codes) in trace.tiles.iter_mut().zip(tiles) {
                if let Some(last) = codes.last() {
                    tile.stop_step = u32::from(*last) + 1;
                    tile.grants = codes
                        .chunk_by(|a, b| a == b)
                        .map(|alike| StepGrants {
                            step: u32::from(alike[0]) + 1,
                            count: alike.len() as u32,
                        })
                        .collect();
                }
            }
        }
        trace
    }
}

/// Heads before their first query.
fn progress(finish: &Finish<'_>, shape: &HeadShape) -> LaneProgress {
    let timing = &finish.attention.timing;
    LaneProgress::of(&timing.switches().schedule.start(&timing.once(shape)))
}

/// The trace of a row whose ramps stop where `stop` says, with all grants there.
fn trace(
    finish: &Finish<'_>,
    live: &[usize],
    inputs: u32,
    stop: impl Fn(usize) -> u32,
) -> QueryTrace {
    let attention = finish.attention;
    let steps = attention.ramp.steps();
    let early = finish.datapath == Datapath::Topkima {};
    let places = finish.places(live);
    let mut left = finish.topk.k.min(live.iter().sum());
    let tiles = attention.crossbar.tiles().iter().zip(live).zip(&places);
    let tiles = tiles.enumerate().map(|(at, ((tile, &live), &places))| {
        let driven = live > 0 && places > 0;
        let stop = if early { stop(at) } else { steps };
        let grants = (early && driven).then_some(StepGrants {
            step: stop,
            count: places as u32,
        });
        let mut trace: TileTrace = finish.tile(
            [tile.len(), live, places],
            driven.then_some(stop),
            grants.into_iter().collect(),
        );
        // What a sort over the whole row leaves goes through one softmax, that of the first tile.
        let kept = match (driven, finish.sorts_whole_row()) {
            (false, _) => 0,
            (true, true) => left,
            (true, false) => places.min(left),
        };
        left -= kept;
        trace.survivors = kept as u32;
        trace
    });
    let mut trace = QueryTrace {
        inputs,
        tiles: tiles.collect(),
        ..QueryTrace::default()
    };
    finish.between_tiles(&mut trace);
    if let Some(values) = &attention.values {
        trace.value_rows = vec![0; values.tiles.len()];
    }
    trace
}
