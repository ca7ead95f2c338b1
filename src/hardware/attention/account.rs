//! What a head costs as one design runs it: every query's trace and counts, folded as they come.

use super::{Attention, AvParams, Datapath, Finish, Outcome, Prepared};
use crate::base::cost::{
    Action, Cost, Ledger, QueryTrace, Stage, TileShape, TileTrace, sort_compares,
};
use crate::base::energy::Corner;
use crate::base::timing::{HeadShape, Progress, Run, StageTimes, pulse_units};
use crate::base::units::Joules;
use crate::hardware::quantise::Matrix;
use crate::hardware::topk::TileOutcome;

/// Width of a word of the local buffer.
const WORD_BITS: u64 = 64;

/// The book of one head: opened with what happens once, a query at a time, then closed.
#[derive(Clone, Debug)]
pub struct Account<'a> {
    attention: &'a Attention,
    datapath: Datapath,
    k: usize,
    d_value: u64,
    shape: HeadShape,
    ledger: Ledger,
    /// Key tiles that get no place and leak nothing.
    idle: u64,
    progress: Progress,
}

/// A closed book.
#[derive(Clone, Debug)]
pub struct Spent {
    /// Counts by stage.
    pub ledger: Ledger,
    /// Times.
    pub run: Run,
    /// Tiles that leak.
    pub tiles: u64,
    /// Operations: two a multiply-accumulate of Q K^T and A x V, the same for every design.
    pub operations: u64,
}

impl<'a> Account<'a> {
    /// Opens the book of a head: K and V written, the table loaded.
    #[must_use]
    pub fn open(finish: &Finish<'a>, d_value: usize) -> Self {
        let attention = finish.attention;
        let crossbar = &attention.crossbar;
        let d_value = d_value as u64;
        let (value_rows, value_columns, per_adc) = match (&attention.values, attention.av) {
            (
                Some(values),
                AvParams::Tiles {
                    columns_per_adc, ..
                },
            ) => (
                values.tiles.first().map_or(0, ExactSizeIterator::len) as u64,
                values.cells_per_token() as u64,
                columns_per_adc as u64,
            ),
            _ => (0, 0, 0),
        };
        let q_max = attention.quantise.q.max_code().unwrap_or(31);
        let lut_entries = finish.lut.entries() as u64;
        let shape = HeadShape {
            key_rows: crossbar.d_head as u64,
            value_rows,
            lut_entries,
            input_units: pulse_units(
                q_max,
                attention.device.cell.radix(),
                crossbar.places.len() as u32,
            ),
            // Without tiles A x V is digital, and its time is not simulated.
            av_units: match &attention.values {
                Some(_) => pulse_units(attention.softmax.max_code(), 2, 1),
                None => 0,
            },
            av_conversions: per_adc.min(value_columns),
        };
        let mut ledger = Ledger::ZERO;
        // A tile that gets no place is not written.
        let written: usize = crossbar
            .tiles()
            .iter()
            .zip(0..)
            .filter(|(_, at)| !finish.is_idle(*at))
            .map(|(tile, _)| tile.len())
            .sum();
        let keys = written as u64 * crossbar.cells_per_column() as u64;
        ledger.charge(Stage::WriteK, Cost::of(Action::CellWrite, keys));
        ledger.charge(
            Stage::WriteV,
            Cost::of(Action::CellWrite, crossbar.tokens() as u64 * value_columns),
        );
        ledger.charge(Stage::LutLoad, Cost::of(Action::LutWrite, lut_entries));
        Self {
            attention,
            datapath: finish.datapath,
            k: finish.topk.k,
            d_value,
            shape,
            ledger,
            idle: crossbar.tiles().len() as u64
                - (0..crossbar.tiles().len())
                    .filter(|at| !finish.is_idle(*at))
                    .count() as u64,
            progress: attention
                .timing
                .switches()
                .schedule
                .start(&attention.timing.once(&shape)),
        }
    }

    /// What time and the ramp's counts depend on.
    fn trace(&self, tiles: &[TileOutcome], live: u64) -> QueryTrace {
        let crossbar = self.attention.crossbar.tiles();
        let k = self.k as u64;
        let sorts = matches!(self.datapath, Datapath::DigitalTopk { .. });
        let global = self.datapath
            == Datapath::DigitalTopk {
                sort: super::Sort::Global {},
            };
        let trace = |(outcome, tile): (&TileOutcome, &std::ops::Range<usize>)| {
            let Some(stop) = outcome.stop else {
                return TileTrace::default();
            };
            let (columns, live) = (tile.len() as u32, outcome.live as u32);
            let places = outcome.quota.min(outcome.live) as u64;
            let early = self.datapath == Datapath::Topkima {};
            TileTrace {
                columns,
                live,
                stop_step: stop as u32,
                grants: outcome.grants.clone(),
                sort_cycles: if sorts && !global {
                    sort_compares(u64::from(live), places)
                } else {
                    0
                },
                codes: if early { 0 } else { live },
                survivors: outcome.kept as u32,
            }
        };
        let tiles: Vec<TileTrace> = tiles.iter().zip(crossbar).map(trace).collect();
        let driven = tiles.iter().filter(|tile| tile.columns > 0).count() as u64;
        let mut merge_compares = driven.saturating_sub(1);
        if self.datapath != (Datapath::Conventional {})
            && !global
            && self.attention.topk.iter().any(|topk| topk.merges)
        {
            // The k best of the tiles' sorted lists: one compare a tile and place.
            merge_compares += k * driven.saturating_sub(1);
        }
        QueryTrace {
            tiles,
            merge_compares,
            sort_cycles: if global { sort_compares(live, k) } else { 0 },
        }
    }

    /// Adds a query: `q` holds its codes.
    pub fn add(&mut self, q: &[f64], outcome: &Outcome) {
        let pulses = q.iter().filter(|code| **code != 0.0).count() as u64;
        let live = outcome.tiles.iter().map(|tile| tile.live as u64).sum();
        let trace = self.trace(&outcome.tiles, live);
        let rows: Vec<u32> = match &self.attention.values {
            None => Vec::new(),
            Some(values) => {
                let driven = |tile: &std::ops::Range<usize>| {
                    let pairs = outcome.survivors.iter().zip(&outcome.row.codes);
                    pairs
                        .filter(|(winner, code)| **code != 0.0 && tile.contains(&winner.token))
                        .count() as u32
                };
                values.tiles.iter().map(driven).collect()
            }
        };
        let counts = self.counts(&trace, pulses, outcome.survivors.len() as u64, &rows);
        self.ledger.add(&counts);
        self.progress
            .push(&self.attention.timing.query(&self.shape, &trace));
    }

    /// Adds `queries` alike without any data: each tile stops at `stop` (a full ramp for designs
    /// that do not stop) with its grants spread over different steps, every input is driven.
    pub fn add_nominal(&mut self, finish: &Finish<'_>, queries: u64, stop: u32) {
        let crossbar = &self.attention.crossbar;
        let steps = self.attention.ramp.steps();
        let sizes: Vec<usize> = crossbar
            .tiles()
            .iter()
            .map(ExactSizeIterator::len)
            .collect();
        let mut tiles: Vec<TileOutcome> = sizes
            .iter()
            .zip(finish.topk.row_quota(&sizes))
            .map(|(size, quota)| finish.nominal(*size, quota, stop.clamp(1, steps)))
            .collect();
        if self.datapath != (Datapath::Conventional {}) {
            // One softmax after a merge or a sort over the whole row sees k elements.
            let mut left = self.k;
            if let Datapath::DigitalTopk {
                sort: super::Sort::Global {},
            } = self.datapath
                && let Some(first) = tiles.first_mut()
            {
                first.kept = left;
            }
            for tile in &mut tiles {
                tile.kept = tile.kept.min(left);
                left -= tile.kept;
            }
        }
        let live = crossbar.tokens() as u64;
        let trace = self.trace(&tiles, live);
        let survivors = trace.survivors();
        let rows: Vec<u32> = self
            .attention
            .values
            .as_ref()
            .map_or_else(Vec::new, |values| {
                let share = |tile: &std::ops::Range<usize>| {
                    (survivors * tile.len() as u64).div_ceil(live.max(1)) as u32
                };
                values.tiles.iter().map(share).collect()
            });
        let counts = self.counts(&trace, crossbar.d_head as u64, survivors, &rows);
        self.ledger.add(&counts.times(queries));
        let times: StageTimes = self.attention.timing.query(&self.shape, &trace);
        self.progress.repeat(&times, queries);
    }

    /// Counts of one query: `pulses` inputs that are not zero, `survivors` in the softmax, `rows`
    /// driven in each value tile.
    fn counts(&self, trace: &QueryTrace, pulses: u64, survivors: u64, rows: &[u32]) -> Ledger {
        let attention = self.attention;
        let digits = attention.crossbar.places.len() as u64;
        let mut ledger = Ledger::ZERO;
        let q_bits = u64::from(attention.quantise.q.max_code().unwrap_or(31).ilog2()) + 2;
        let words = (attention.crossbar.d_head as u64 * q_bits).div_ceil(WORD_BITS);
        ledger.charge(Stage::Input, Cost::of(Action::BufferRead, words));
        for tile in trace.tiles.iter().filter(|tile| tile.columns > 0) {
            ledger.charge(
                Stage::Input,
                attention.tile.mac((pulses * digits) as u32, tile.columns),
            );
            let (ramp, arbiter) = tile.conversion(&attention.tile);
            ledger.charge(Stage::Ramp, ramp);
            ledger.charge(Stage::Arbiter, arbiter);
            ledger.charge(Stage::Sort, Cost::of(Action::SortCompare, tile.sort_cycles));
        }
        ledger.charge(
            Stage::Sort,
            Cost::of(Action::SortCompare, trace.sort_cycles),
        );
        ledger.charge(
            Stage::Merge,
            Cost::of(Action::CodeCompare, trace.merge_compares),
        );
        let after_av = attention.softmax.divides_after_av();
        let mut softmax = Cost::of(Action::Subtract, survivors)
            .and(Action::ExpLookup, survivors)
            .and(Action::Accumulate, survivors)
            .and(Action::Reciprocal, u64::from(survivors > 0))
            .and(
                Action::Multiply,
                if after_av { self.d_value } else { survivors },
            );
        if self.datapath == (Datapath::Conventional {}) {
            // Codes come in address order: the smallest step of each tile has to be looked for. The
            // smallest of the tiles is counted as a merge, in every design.
            let driven = trace.tiles.iter().filter(|tile| tile.columns > 0).count() as u64;
            softmax = softmax.and(Action::CodeCompare, survivors.saturating_sub(driven));
        }
        ledger.charge(Stage::Softmax, softmax);
        if let (Some(values), AvParams::Tiles { wordlines, .. }) = (&attention.values, attention.av)
        {
            let columns = values.cells_per_token() as u64;
            let shape = TileShape {
                wordlines: wordlines as u32,
                bitlines: columns as u32,
                calibration_rows: 0,
                code_bits: 0,
            };
            for &rows in rows.iter().filter(|rows| **rows > 0) {
                let conversions = Cost::of(Action::AdcConversion, columns)
                    .and(Action::ShiftAdd, columns)
                    .and(Action::Accumulate, self.d_value);
                ledger.charge(Stage::Av, shape.mac(rows, columns as u32).then(conversions));
            }
        } else {
            let products = survivors * self.d_value;
            ledger.charge(
                Stage::Av,
                Cost::of(Action::Multiply, products).and(Action::Accumulate, products),
            );
        }
        ledger.charge(
            Stage::Av,
            Cost::of(Action::BufferWrite, (self.d_value * 8).div_ceil(WORD_BITS)),
        );
        ledger
    }

    /// Closes the book of a head of `queries` queries.
    #[must_use]
    pub fn close(self, queries: usize) -> Spent {
        let crossbar = &self.attention.crossbar;
        let tokens = crossbar.tokens() as u64;
        Spent {
            run: self.progress.finish(),
            ledger: self.ledger,
            tiles: crossbar.tiles().len() as u64 - self.idle
                + self
                    .attention
                    .values
                    .as_ref()
                    .map_or(0, |v| v.tiles.len() as u64),
            operations: 2 * queries as u64 * tokens * (crossbar.d_head as u64 + self.d_value),
        }
    }
}

impl Spent {
    /// Energy at one corner of the price list.
    #[must_use]
    pub fn energy(&self, attention: &Attention, corner: Corner) -> Joules {
        attention
            .device
            .prices
            .energy(&self.ledger, self.run.makespan, self.tiles, corner)
    }

    /// Operations a second, in units of 1e12.
    #[must_use]
    pub fn tops(&self) -> f64 {
        self.operations as f64 / self.run.makespan.get().max(1) as f64
    }

    /// Operations a joule, in units of 1e12.
    #[must_use]
    pub fn tops_per_watt(&self, attention: &Attention) -> f64 {
        self.operations as f64
            / self
                .energy(attention, Corner::Nominal)
                .si()
                .max(f64::MIN_POSITIVE)
            * 1e-12
    }
}

impl Prepared {
    /// The codes of one query.
    #[must_use]
    pub fn query(&self, query: usize) -> &[f64] {
        let rows = self.q.nrows();
        &Matrix::as_slice(&self.q)[query * rows..(query + 1) * rows]
    }
}
