//! From lists of winners to what is measured, for one design: softmax macro and A x V.

use super::book::{Book, Tariff};
use super::candidates::PlannedRow;
use super::front::Front;
use super::quotas;
use super::value::{Design, Handed, ValueCase, ValueTiles};
use crate::base::cost::QueryTrace;
use crate::base::kernel::{
    Known, LANES, Lanes, Level, RowSums, RowTables, Rows, Slot, Stops, Weighing, merge,
    plain_product, softmax_row, take_stop, unpack,
};
use crate::hardware::attention::Finish;
use crate::hardware::attention::{Account, Datapath, Prepared, Spent};
use crate::hardware::softmax::{Reciprocal, Weights};

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
    /// Places of each tile, query by query; one entry if all are alike.
    quotas: Vec<Vec<usize>>,
    /// Whether time and energy are counted.
    pub counted: bool,
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
    /// Squared distance of the output from the float output, component by component modulo 16.
    pub distance: Lanes<[f32; 16]>,
    /// Squared norm of the float output.
    pub norm_square: f64,
    /// How often so many rows of each tile of V were driven: tile by tile, rows from 0.
    pub value_rows: Vec<Lanes<u32>>,
    pub(super) book: Book,
    /// Traces of the first lane, where its whole account was asked for.
    traces: Option<Vec<QueryTrace>>,
    handed: Handed,
    /// The whole account of the first lane, where it was asked for.
    pub account: Option<Spent>,
}

/// Room for one row of a block.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// Columns that came though they were left out: their tokens, and what is known of them.
    extra: Vec<usize>,
    known: Known,
    slots: Vec<Slot>,
    which: Vec<usize>,
    weights: Vec<Lanes<f32>>,
    tokens: Vec<Lanes<u16>>,
}

impl Row {
    pub fn open(&mut self) {
        self.extra.clear();
    }

    /// Tokens of the survivors of the last design.
    pub fn survivors(&self) -> &[Lanes<u16>] {
        &self.tokens
    }

    /// Makes a column known that was left out.
    pub fn know(&mut self, row: &PlannedRow, token: usize, prepared: &Prepared, query: usize) {
        if self.extra.contains(&token) {
            return;
        }
        if self.extra.is_empty() {
            self.known.clone_from(&row.known);
        }
        self.extra.push(token);
        know(&mut self.known, token, prepared, query);
    }

    /// Codes and indices of the places of every tile.
    pub fn unpack(&mut self, level: Level, tag_bits: u32, row: &PlannedRow, lists: &[Lanes<u16>]) {
        self.slots.resize(row.depth, Slot::EMPTY);
        let mask = (1 << tag_bits) - 1;
        let mut at = 0;
        for tile in row.tiles.iter().filter(|tile| tile.depth > 0) {
            let range = at..at + tile.depth;
            unpack(
                level,
                &lists[range.clone()],
                tile.quota,
                tag_bits,
                &row.index[tile.start..],
                &mut self.slots[range.clone()],
            );
            if !self.extra.is_empty() {
                let places = &lists[range.start..range.start + tile.quota];
                for (list, slot) in places.iter().zip(&mut self.slots[range]) {
                    for (key, index) in list.iter().zip(&mut slot.index) {
                        if *index == super::candidates::NONE {
                            let token = tile.start + usize::from(key & mask);
                            let extra = self.extra.iter().position(|extra| *extra == token);
                            *index = (row.known.identity.len() + extra.unwrap_or(0)) as u16;
                        }
                    }
                }
            }
            at += tile.depth;
        }
    }
}

/// Appends what is known of a column.
pub(super) fn know(known: &mut Known, token: usize, prepared: &Prepared, query: usize) {
    let order = prepared.true_order[query]
        .iter()
        .position(|other| *other == token);
    let order = order.map_or(u16::MAX, |at| at as u16);
    let probability = prepared.reference.probabilities[(token, query)];
    known.identity.push(u32::from(order) << 16 | token as u32);
    known.clean.push(prepared.clean_depth(token, query) as f32);
    // Finite where the probability underflowed.
    known
        .log_probability
        .push(probability.max(f64::MIN_POSITIVE).ln() as f32);
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
        let value = tiles
            .map(|tiles| tiles.case(finish, &front.normal))
            .transpose()?;
        Ok(Self {
            finish,
            value,
            tariff: Tariff::plan(finish, prepared, front),
            tables: tables(finish, prepared),
            values: Rows::of(prepared.v.ncols(), prepared.v.nrows(), |token, row| {
                prepared.v[(row, token)] as f32
            }),
            float: Rows::of(prepared.q.ncols(), prepared.v.nrows(), |query, row| {
                prepared.reference.output[(row, query)] as f32
            }),
            norm_square: prepared.reference.output.norm_squared(),
            quotas,
            counted: true,
        })
    }

    /// Opens a tally; with a whole account of its first lane if that is wanted.
    pub fn open(&self, whole: bool, queries: usize) -> FastTally {
        let tiles = self.finish.attention.crossbar.tiles().len();
        let mut handed = Handed::default();
        if let Some(value) = &self.value {
            handed.open(queries, value);
        }
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
            value_rows: vec![[0; LANES]; self.tariff.value_tiles() * (self.finish.topk.k + 1)],
            traces: whole.then(Vec::new),
            handed,
        }
    }

    fn steps(&self) -> usize {
        self.finish.attention.ramp.steps() as usize
    }

    pub fn finish(
        &self,
        level: Level,
        query: usize,
        planned: &PlannedRow,
        row: &mut Row,
        tally: &mut FastTally,
    ) {
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
        tally.queries += 1;
        tally.driven_rows += u64::from(tally.driven > before);
        if self.counted {
            self.tariff.spend(level, &mut tally.book, query, &row.slots);
        }
        if let Some(traces) = &mut tally.traces {
            traces.push(self.tariff.first_trace(query, &row.slots));
        }
        let k = self.finish.topk.k;
        if self.finish.sorts_whole_row() && row.which.len() > k {
            let identity = match row.extra.is_empty() {
                true => &planned.known.identity,
                false => &row.known.identity,
            };
            merge(level, k, identity, &mut row.slots, &mut row.which);
        }
        tally.survivors += row.which.len() as u64;
        let wanted = k.min(planned.live);
        tally.wanted_rows += u64::from(wanted > 0);
        row.weights.resize(row.which.len(), [0.0; LANES]);
        row.tokens.resize(row.which.len(), [0; LANES]);
        let mut gain = [0.0; LANES];
        let known = match row.extra.is_empty() {
            true => &planned.known,
            false => &row.known,
        };
        softmax_row(
            level,
            &self.tables,
            known,
            &row.slots,
            &row.which,
            wanted as u16,
            &mut tally.row,
            &mut row.weights,
            &mut row.tokens,
            &mut gain,
        );
        if let Some(value) = &self.value {
            tally
                .handed
                .put(value, query, &row.tokens, &row.weights, &gain);
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

    /// What A x V on tiles takes over.
    pub fn hand_over<'t>(&'t self, tally: &'t mut FastTally) -> Option<Design<'t>> {
        Some(Design {
            case: self.value.as_ref()?,
            handed: &tally.handed,
            distance: &mut tally.distance,
            rows: &mut tally.value_rows,
            traces: tally.traces.as_mut(),
        })
    }

    /// Closes a block's tally.
    pub fn close(&self, tally: &mut FastTally) {
        if let Some(traces) = tally.traces.take() {
            let mut account = Account::of_layout(self.finish);
            for trace in &traces {
                account.add_trace(trace);
            }
            tally.account = Some(account.close(traces.len()));
        }
    }
}

/// The macro's tables.
fn tables(finish: &Finish<'_>, prepared: &Prepared) -> RowTables {
    let ramp = &finish.attention.ramp;
    let softmax = &finish.attention.softmax;
    let unit = prepared.calibration.v.unit;
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
