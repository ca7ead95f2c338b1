//! Time and energy of 32 trials of one design.
//!
//! Designs whose ramp runs to its end cost the same in every trial. Where it stops early, a query costs
//! what it would with every ramp stopped at step 1, and for each tile what its own stop adds: both come
//! from [`Finish::count`], priced once, so nothing is counted by a second rule.

use super::front::Front;
use super::{keeps_all, most_survivors};
use crate::base::energy::{Corner, Leaking};
use crate::base::units::Picos;
use crate::hardware::attention::{Account, Datapath, Finish, HeadPrice, Prepared};
use crate::hardware::events::{Ledger, QueryTrace, StepGrants, TileTrace};
use crate::hardware::kernel::{Granted, LANES, Lanes, Level, Slot, Station};
use crate::hardware::timing::{HeadShape, LaneProgress};

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
    stations: Vec<Station>,
    /// Softmax of the row, if it has one for all tiles.
    softmax: Picos,
    /// By tile: where among the slots of a query its grants stand; none in a ramp that runs to its end.
    granted: Vec<Granted>,
    /// By tile, by stop code: yoctojoules beyond those of step 1.
    beyond: Vec<Vec<[u64; CORNERS]>>,
}

/// What 32 trials of a head have spent so far.
#[derive(Clone, Debug)]
pub struct Book {
    energy: [Lanes<u64>; CORNERS],
    progress: LaneProgress,
}

impl<'a> Tariff<'a> {
    /// # Errors
    /// Why lanes of 64 bits do not hold its energy.
    pub fn plan(
        finish: &'a Finish<'a>,
        prepared: &Prepared,
        front: &Front,
    ) -> Result<Self, &'static str> {
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
                    .bill(ledger, Leaking::NONE, corner)
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
                            std::array::from_fn(|c| narrow(price[c].saturating_sub(least[c])))
                        });
                        beyond.push(more.collect());
                    }
                    same = Some((live.clone(), query));
                }
            }
            let timing = &attention.timing;
            let (alike, softmax) = timing.lanes(&shape, &first, early);
            let mut at = 0;
            let granted = first.tiles.iter().zip(&row.tiles).map(|(tile, planned)| {
                at += planned.depth;
                Granted {
                    clock: timing.tile_clock(u64::from(tile.survivors)),
                    first: at - planned.depth,
                    count: tile
                        .grants
                        .first()
                        .map_or(0, |grants| grants.count as usize),
                }
            });
            queries.push(Planned {
                stations: progress.stations(&alike),
                softmax,
                granted: granted.collect(),
                trace: first,
                beyond,
            });
        }
        let value_rows = Self::rows_driven(finish, &queries, &yocto);
        let closed = opened.close(prepared.live);
        // 64 bits hold the sum over queries and tiles.
        let tiles = attention.crossbar.tiles().len();
        let most = u64::MAX / (front.rows.len() * tiles).max(1) as u64;
        let beyond = queries.iter().flat_map(|query| &query.beyond);
        let mut prices = beyond.chain(&value_rows).flatten().flatten();
        if prices.any(|price| *price > most) {
            return Err("a step or a row costs more than 64 bits of yoctojoules hold");
        }
        let tariff = Self {
            finish,
            shape,
            queries,
            base: yocto(&all),
            tiles: finish.leaking_tiles(),
            operations: closed.operations,
            early,
            value_rows,
            alike: prepared.mask.is_open(),
        };
        Ok(tariff)
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
                std::array::from_fn(|c| narrow(some[c].saturating_sub(none[c])))
            };
            (0..=most_survivors(finish)).map(more).collect()
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

    /// Adds a query: its slots hold the grants of each tile, ascending in code.
    pub fn spend(&self, level: Level, book: &mut Book, query: usize, slots: &[Slot]) {
        let planned = &self.queries[query];
        if !self.alike {
            for (tile, beyond) in planned.granted.iter().zip(&planned.beyond) {
                let Some(stop) = tile.grants(slots).last() else {
                    continue;
                };
                for lane in 0..LANES {
                    let more = &beyond[usize::from(stop.code[lane])];
                    for (energy, more) in book.energy.iter_mut().zip(more) {
                        energy[lane] += more;
                    }
                }
            }
        }
        let tiles = (&planned.granted[..], slots);
        book.progress
            .push(level, tiles, planned.softmax, &planned.stations);
    }

    /// What each trial spent.
    pub fn close(
        &self,
        book: &Book,
        stop_steps: &[Lanes<u32>],
        value_rows: &[Lanes<u32>],
    ) -> Vec<HeadPrice> {
        let attention = self.finish.attention;
        let mut beyond = Beyond::default();
        let counted = value_rows.chunks(most_survivors(self.finish) + 1);
        for (tile, counts) in self.value_rows.iter().zip(counted) {
            beyond.add(tile, counts);
        }
        if self.early && self.alike {
            let steps = attention.ramp.steps() as usize + 1;
            for (tile, counts) in self.queries[0].beyond.iter().zip(stop_steps.chunks(steps)) {
                beyond.add(tile, &counts[1..]);
            }
        }
        let spent = |lane: usize| {
            let (makespan, interval) = book.progress.finish(lane);
            let leaking = Leaking::of(self.tiles, makespan);
            let energy = Corner::ALL.map(|corner| {
                let at = corner as usize;
                let own = beyond.of(at, lane) + u128::from(book.energy[at][lane]);
                let prices = &attention.device.prices;
                prices.with_leakage(self.base[at] + own, leaking, corner)
            });
            HeadPrice {
                latency: makespan,
                interval,
                energy,
                operations: self.operations,
            }
        };
        (0..LANES).map(spent).collect()
    }

    /// The trace of a query of the first lane.
    pub fn first_trace(&self, query: usize, slots: &[Slot]) -> QueryTrace {
        let planned = &self.queries[query];
        let mut trace = planned.trace.clone();
        for (tile, granted) in trace.tiles.iter_mut().zip(&planned.granted) {
            let grants = granted.grants(slots).iter();
            let codes: Vec<u16> = grants.map(|slot| slot.code[0]).collect();
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
        trace
    }
}

/// Yoctojoules of counts, lane by lane and corner by corner: those of the lower and the upper 32 bits of a price apart,
/// so that 64 bits hold a sum.
#[derive(Default)]
struct Beyond([[Lanes<u64>; 2]; CORNERS]);

impl Beyond {
    /// Adds counts of what has these prices.
    fn add(&mut self, prices: &[[u64; CORNERS]], counts: &[Lanes<u32>]) {
        for (prices, counts) in prices.iter().zip(counts) {
            for (price, [low, high]) in prices.iter().zip(&mut self.0) {
                for lane in 0..LANES {
                    let count = u64::from(counts[lane]);
                    low[lane] += (price & 0xFFFF_FFFF) * count;
                    high[lane] += (price >> 32) * count;
                }
            }
        }
    }

    fn of(&self, corner: usize, lane: usize) -> u128 {
        let [low, high] = &self.0[corner];
        u128::from(low[lane]) + (u128::from(high[lane]) << 32)
    }
}

/// The largest number of 64 bits in place of a larger one, which [`Tariff::plan`] refuses.
fn narrow(price: u128) -> u64 {
    u64::try_from(price).unwrap_or(u64::MAX)
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
    let all = live.iter().sum();
    let mut left = if keeps_all(finish) {
        all
    } else {
        finish.topk.k.min(all)
    };
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
