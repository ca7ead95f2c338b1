//! From lists of winners to what is measured, for one design: softmax macro and A x V.

use super::book::{Book, Tariff};
use super::candidates::PlannedRow;
use super::front::Front;
use super::row::Row;
use super::value::{Design, Handed, ValueCase, ValueTiles};
use super::{keeps_all, most_survivors, quotas};
use crate::hardware::attention::Finish;
use crate::hardware::attention::{Account, Datapath, HeadCost, Prepared};
use crate::hardware::events::QueryTrace;
use crate::hardware::kernel::{
    LANES, Lanes, Level, RowSums, RowTables, Rows, Stops, Weighing, merge, plain_product,
    softmax_all, softmax_row, take_stop,
};
use crate::hardware::softmax::{Reciprocal, Weights};

/// Largest code of V over the largest float output that squares of 32 bits have room for: (k x 2^40)^2, summed
/// over 2^30 components, lies below 2^128 for any k up to 2^9.
const LARGEST_VALUE: f64 = 1_099_511_627_776.0;

/// A design's end of a head.
#[derive(Debug)]
pub(super) struct Case<'a> {
    finish: &'a Finish<'a>,
    pub tariff: Tariff<'a>,
    /// Its end of A x V, if that is on tiles.
    pub value: Option<ValueCase>,
    tables: RowTables,
    values: Rows,
    float: Rows,
    norm_square: f64,
    /// Live pairs of the head.
    live: u64,
    /// Places of each tile, query by query; one entry if all are alike.
    quotas: Vec<Vec<usize>>,
    /// Whether time and energy are counted.
    pub counted: bool,
    /// Bits of a key below its code.
    tag_bits: u32,
}

/// What a block of trials of one design came to, lane by lane.
#[derive(Clone, Debug)]
pub struct FastTally {
    /// Queries.
    pub queries: u64,
    /// Queries with something to hit.
    pub wanted_rows: u64,
    /// Sums of the rows.
    pub row: RowSums,
    /// Survivors of all queries.
    pub survivors: u64,
    /// Driven tiles of all queries.
    pub driven: u64,
    /// Queries with a driven tile.
    pub driven_rows: u64,
    /// Stop steps and ties.
    pub stops: Stops,
    /// How often each tile stopped at each step: tile by tile, steps from 0.
    pub stop_steps: Vec<Lanes<u32>>,
    /// Squared distance of the output from the float output, both in units of a power of two, component by component
    /// modulo 16.
    pub distance: Lanes<[f32; 16]>,
    /// Squared norm of the float output, in the same units.
    pub norm_square: f64,
    /// How often so many rows of each tile of V were driven: tile by tile, rows from 0.
    pub value_rows: Vec<Lanes<u32>>,
    /// Conversions of A x V, and those of them whose sum lies beyond the ADC's largest code.
    pub conversions: Lanes<u64>,
    /// See [`conversions`](Self::conversions).
    pub beyond: Lanes<u64>,
    pub(super) book: Book,
    /// Traces of the first lane, where its whole account was asked for.
    traces: Option<Vec<QueryTrace>>,
    handed: Handed,
    /// The whole account of the first lane, where it was asked for.
    pub account: Option<HeadCost>,
}

impl<'a> Case<'a> {
    pub fn plan(
        finish: &'a Finish<'a>,
        prepared: &Prepared,
        front: &Front,
        tiles: Option<&ValueTiles>,
    ) -> Result<Self, &'static str> {
        let open = prepared.mask.is_open();
        let rows = if open {
            &front.rows[..front.rows.len().min(1)]
        } else {
            &front.rows[..]
        };
        let quotas = rows
            .iter()
            .map(|row| {
                let live: Vec<usize> = row.tiles.iter().map(|tile| tile.live).collect();
                quotas(finish, &live)
            })
            .collect();
        let factor = prepared.output_factor();
        let calibration = &prepared.calibration;
        if calibration.v.unit * calibration.v.max * factor > LARGEST_VALUE {
            return Err("the largest code of V stands far above the float output");
        }
        let value = tiles
            .map(|tiles| tiles.case(finish, &front.normal))
            .transpose()?;
        Ok(Self {
            finish,
            value,
            tariff: Tariff::plan(finish, prepared, front)?,
            tables: tables(finish, calibration.v.unit * factor),
            values: Rows::of(prepared.v.ncols(), prepared.v.nrows(), |token, row| {
                prepared.v[(row, token)] as f32
            }),
            float: Rows::of(prepared.q.ncols(), prepared.v.nrows(), |query, row| {
                (prepared.reference.output[(row, query)] * factor) as f32
            }),
            live: prepared.live,
            norm_square: (&prepared.reference.output * factor).norm_squared(),
            quotas,
            counted: true,
            tag_bits: front.statics.tag_bits,
        })
    }

    /// Opens a tally; with a whole account of its first lane if that is wanted.
    pub fn open(&self, whole: bool, queries: usize) -> FastTally {
        let tiles = self.finish.attention.crossbar.tiles().len();
        let handed = self.value.as_ref().map(|value| Handed::of(queries, value));
        FastTally {
            queries: 0,
            wanted_rows: 0,
            row: RowSums::default(),
            survivors: 0,
            driven: 0,
            driven_rows: 0,
            stops: Stops::default(),
            stop_steps: vec![[0; LANES]; tiles * (self.steps() + 1)],
            distance: [[0.0; 16]; LANES],
            norm_square: self.norm_square,
            book: self.tariff.open(),
            account: None,
            value_rows: vec![
                [0; LANES];
                self.tariff.value_tiles() * (most_survivors(self.finish) + 1)
            ],
            conversions: [0; LANES],
            beyond: [0; LANES],
            traces: whole.then(Vec::new),
            handed: handed.unwrap_or_default(),
        }
    }

    fn steps(&self) -> usize {
        self.finish.attention.ramp.steps() as usize
    }

    /// A query: `keys` are those of its converted columns.
    pub fn finish(
        &self,
        level: Level,
        query: usize,
        planned: &PlannedRow,
        keys: &[Lanes<u16>],
        row: &mut Row,
        tally: &mut FastTally,
    ) {
        tally.queries += 1;
        let gain = if keeps_all(self.finish) {
            self.keep_all(level, planned, keys, row, tally)
        } else {
            self.choose(level, query, planned, row, tally)
        };
        self.tariff.spend(level, &mut tally.book, query, &row.slots);
        if let Some(traces) = &mut tally.traces {
            traces.push(self.tariff.first_trace(query, &row.slots));
        }
        if let Some(value) = &self.value {
            let handed = &mut tally.handed;
            handed.put(value, query, &row.tokens, &row.weights, &gain);
            return;
        }
        plain_product(
            level,
            &self.values,
            &self.float,
            query,
            &row.tokens,
            &row.weights,
            &gain,
            &mut tally.distance,
        );
    }

    /// Selection and softmax of a design that keeps k; the gain of the row.
    fn choose(
        &self,
        level: Level,
        query: usize,
        planned: &PlannedRow,
        row: &mut Row,
        tally: &mut FastTally,
    ) -> Lanes<f32> {
        let quotas = &self.quotas[query.min(self.quotas.len() - 1)];
        let early = self.finish.datapath == Datapath::Topkima {};
        let steps = self.steps();
        let full = (!early).then_some(steps as u16);
        row.which.clear();
        let (mut slowest, mut stop) = ([0; LANES], [0; LANES]);
        let mut at = 0;
        let before = tally.driven;
        for (number, (tile, &quota)) in planned.tiles.iter().zip(quotas).enumerate() {
            if quota > 0 {
                row.which.extend(at..at + quota);
                tally.driven += 1;
                let [last, next] = [quota - 1, quota].map(|slot| &row.slots[at + slot].code);
                let stops = &mut tally.stops;
                take_stop(level, last, next, full, stops, &mut slowest, &mut stop);
                let counts = &mut tally.stop_steps[number * (steps + 1)..];
                for (lane, stop) in stop.iter().enumerate() {
                    counts[usize::from(*stop)][lane] += 1;
                }
            }
            at += tile.depth;
        }
        for (sum, slowest) in tally.stops.slowest.iter_mut().zip(slowest) {
            *sum += u64::from(slowest);
        }
        tally.driven_rows += u64::from(tally.driven > before);
        let k = self.finish.topk.k;
        if self.finish.sorts_whole_row() && row.which.len() > k {
            let identity = &row.come.known(planned).identity;
            merge(level, k, identity, &mut row.slots, &mut row.which);
        }
        tally.survivors += row.which.len() as u64;
        let wanted = k.min(planned.live);
        tally.wanted_rows += u64::from(wanted > 0);
        row.weights.resize(row.which.len(), [0.0; LANES]);
        row.tokens.resize(row.which.len(), [0; LANES]);
        let mut gain = [0.0; LANES];
        softmax_row(
            level,
            &self.tables,
            row.come.known(planned),
            &row.slots,
            &row.which,
            wanted as u16,
            &mut tally.row,
            &mut row.weights,
            &mut row.tokens,
            &mut gain,
        );
        gain
    }

    /// The same of the conventional design: every ramp runs to its end, every column enters.
    fn keep_all(
        &self,
        level: Level,
        planned: &PlannedRow,
        keys: &[Lanes<u16>],
        row: &mut Row,
        tally: &mut FastTally,
    ) -> Lanes<f32> {
        let steps = self.steps();
        let driven = planned
            .tiles
            .iter()
            .enumerate()
            .filter(|(_, tile)| tile.live > 0);
        let mut tiles = 0;
        for (number, _) in driven {
            tiles += 1;
            for count in &mut tally.stop_steps[number * (steps + 1) + steps] {
                *count += 1;
            }
        }
        tally.driven += tiles;
        tally.driven_rows += u64::from(tiles > 0);
        let Stops { sum, slowest, .. } = &mut tally.stops;
        for lane in 0..LANES {
            sum[lane] += steps as u64 * tiles;
            slowest[lane] += if tiles > 0 { steps as u64 } else { 0 };
        }
        tally.survivors += keys.len() as u64;
        row.weights.resize(keys.len(), [0.0; LANES]);
        row.tokens.resize(keys.len(), [0; LANES]);
        let mut gain = [0.0; LANES];
        softmax_all(
            level,
            &self.tables,
            &planned.known,
            keys,
            self.tag_bits,
            &mut tally.row,
            &mut row.weights,
            &mut row.tokens,
            &mut gain,
        );
        gain
    }

    /// What A x V on tiles takes over.
    pub fn hand_over<'t>(&'t self, tally: &'t mut FastTally) -> Option<Design<'t>> {
        Some(Design {
            case: self.value.as_ref()?,
            handed: &tally.handed,
            distance: &mut tally.distance,
            rows: &mut tally.value_rows,
            beyond: &mut tally.beyond,
            traces: tally.traces.as_mut(),
        })
    }

    /// Closes a block's tally.
    pub fn close(&self, tally: &mut FastTally) {
        if let Some(value) = &self.value {
            tally.conversions = value.conversions(&tally.value_rows);
        }
        if let Some(traces) = tally.traces.take() {
            let mut account = Account::of_layout(self.finish);
            for trace in &traces {
                account.add_trace(trace);
            }
            tally.account = Some(account.close(self.live));
        }
    }
}

/// The macro's tables; `unit` is what a code of V is worth.
fn tables(finish: &Finish<'_>, unit: f64) -> RowTables {
    let ramp = &finish.attention.ramp;
    let softmax = &finish.attention.softmax;
    let steps = ramp.steps();
    let depth = |code: u32| ramp.decode(f64::from(code + 1)) - ramp.first_depth();
    let lut = &finish.lut.value;
    let mut tables = RowTables {
        values: [0.0; 32],
        entropies: [0.0; 32],
        weights: [0.0; 32],
        gain: match softmax.weights {
            Weights::Exact {} => unit,
            Weights::RowMax { max_code } => {
                lut.value_beside(depth(0), depth(0)) / f64::from(max_code) * unit
            }
            Weights::Unit { max_code } => unit / f64::from(max_code),
        } as f32,
        decoded: [0.0; 32],
        weighing: match softmax.weights {
            Weights::Unit { max_code } => Weighing::Unit(max_code as f32),
            Weights::Exact {} | Weights::RowMax { .. } => Weighing::Looked,
        },
        reciprocal_bits: match softmax.reciprocal {
            Reciprocal::Exact {} => 24,
            Reciprocal::Bits(bits) => bits.min(24),
        },
    };
    for code in 0..steps {
        let at = code as usize;
        let value = lut.value_beside(depth(code), depth(0));
        tables.values[at] = value as f32;
        tables.entropies[at] = if value > 0.0 {
            (value * value.ln()) as f32
        } else {
            0.0
        };
        tables.weights[at] = lut.row(&[depth(0), depth(code)]).value.codes[1] as f32;
        tables.decoded[at] = ramp.decode(f64::from(code + 1)) as f32;
    }
    tables
}
