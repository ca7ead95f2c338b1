//! V on noisy tiles, trial by trial: the chips' cells, and each design's ADC.

use super::normal::Normal;
use super::{keeps_all, most_survivors};
use crate::base::rng::{Purpose, Seed};
use crate::hardware::address;
use crate::hardware::attention::{Attention, Finish, Prepared};
use crate::hardware::crossbar::{Values, WeightLaw};
use crate::hardware::events::QueryTrace;
use crate::hardware::kernel::{
    Cells, Driven, FINEST, Joined, LANES, Lanes, Level, Rounding, Written, tile_product,
    write_cells,
};
use crate::hardware::softmax::Weights;

/// Spread of a cell's level that an i16 holds, in standard deviations; draws reach 6.3.
const REACH: f64 = 6.4;

/// The tiles of a head, the same for all designs.
#[derive(Debug)]
pub(super) struct ValueTiles {
    law: WeightLaw,
    cells: Cells,
    /// First draw of each token.
    first: Vec<u64>,
    /// i16 a level.
    scale: f64,
    tiles: usize,
    wordlines: usize,
    /// First draw of the ADC's noise, by query.
    noise: Vec<u64>,
    /// Float output in units of its power of two, padded to whole groups, query by query.
    float: Vec<f32>,
}

/// One design's end of A x V.
#[derive(Debug)]
pub(super) struct ValueCase {
    rounding: Rounding,
    /// i16 by code of A.
    codes: Vec<u16>,
    lsb: f32,
    /// Most rows that a query drives.
    most: usize,
    /// Columns of a tile.
    columns: u64,
    /// Whether columns whose code of A is zero, most of all columns, are left out at once.
    sparse: bool,
}

/// What a block of trials hands to A x V, lane by lane.
#[derive(Clone, Debug, Default)]
pub(super) struct Handed {
    /// Token and code of A, `token << 16 | code`, query by query.
    survivors: Vec<Vec<u32>>,
    /// Where those of a query end.
    ends: Vec<Vec<u32>>,
    /// What a joined code is worth in the output, by query.
    gains: Vec<Vec<f32>>,
}

/// One design at the end of a block: what it hands over, and where its numbers go.
pub(super) struct Design<'t> {
    pub case: &'t ValueCase,
    pub handed: &'t Handed,
    /// Squared distances from the float output.
    pub distance: &'t mut Lanes<[f32; 16]>,
    /// How often so many rows of each tile were driven: tile by tile, rows from 0.
    pub rows: &'t mut [Lanes<u32>],
    /// Sums beyond the ADC's largest code.
    pub beyond: &'t mut Lanes<u64>,
    /// Traces of the first lane.
    pub traces: Option<&'t mut Vec<QueryTrace>>,
}

/// Room of a thread.
#[derive(Clone, Debug, Default)]
pub(super) struct ValueRoom {
    written: Written,
    joined: Joined,
    /// Rows driven in each tile, query by query.
    rows: Vec<u32>,
}

impl ValueTiles {
    /// The tiles, if A x V is on tiles.
    pub fn plan(attention: &Attention, prepared: &Prepared, alone: bool) -> Option<Self> {
        let values: &Values = attention.values.as_ref()?;
        let law = values.law(&attention.device, &prepared.v);
        let bits = values.places.len();
        let reach = |at: (usize, usize)| law.mean[at].abs() + REACH * law.variance[at].sqrt();
        let all = (0..law.mean.nrows()).flat_map(|t| (0..law.mean.ncols()).map(move |c| (t, c)));
        let scale = 32_000.0 / all.map(reach).fold(1.0, f64::max);
        let sparse = alone || !law.is_fabricated_cells();
        let (tokens, columns) = (prepared.v.ncols(), prepared.v.nrows());
        let cells = Cells::of(tokens, [bits, columns], sparse, |token, bit, column| {
            let at = (token, column * bits + bit);
            let (mean, sigma) = (law.mean[at], law.variance[at].sqrt());
            ((mean * scale) as f32, (sigma * scale) as f32)
        });
        let groups = cells.groups() as u64;
        let first = law
            .slots
            .iter()
            .map(|slot| slot.wrapping_mul(groups))
            .collect();
        let width = cells.width();
        let factor = prepared.output_factor();
        let float = (0..prepared.q.ncols()).flat_map(|query| {
            let column = prepared.reference.output.column(query);
            let padded =
                move |at: usize| column.get(at).map_or(0.0, |value| (value * factor) as f32);
            (0..width).map(padded).collect::<Vec<_>>()
        });
        let tiles = values.tiles.len();
        let draws = (tiles * cells.groups().div_ceil(2)) as u64;
        let noise = |query| prepared.address(query).wrapping_mul(draws);
        Some(Self {
            noise: (0..prepared.q.ncols()).map(noise).collect(),
            float: float.collect(),
            first,
            scale,
            tiles,
            wordlines: values
                .tiles
                .first()
                .map_or(1, ExactSizeIterator::len)
                .max(1),
            law,
            cells,
        })
    }

    /// A design on these tiles.
    ///
    /// # Errors
    /// Why it has no fast path.
    pub fn case(&self, finish: &Finish<'_>, normal: &Normal) -> Result<ValueCase, &'static str> {
        let Some(adc) = &finish.adc else {
            return Err("A x V on tiles without an ADC");
        };
        // The bits of a code are joined by shifts; the one column of an exact V has a place of its own.
        if finish.attention.quantise.v.max_code().is_none() {
            return Err("V is not in codes");
        }
        if adc.max > 127.0 {
            return Err("the ADC of A x V has more than 8 bits");
        }
        let max_code = match finish.attention.softmax.weights {
            Weights::Exact {} => return Err("A is not in codes"),
            Weights::RowMax { max_code } | Weights::Unit { max_code } => max_code,
        };
        let most = self.tiles as f64 * adc.max * ((self.cells.bits() as f64).exp2() - 1.0);
        if most > 32_767.0 {
            return Err("the bits of V join to more than 16 bits");
        }
        // (a cell + 2^14) >> 15 counts the units of an LSB.
        let unit = |finer: &u32| Rounding::units(*finer) * 32_768.0 / (adc.lsb * self.scale);
        let fits = |finer: &u32| unit(finer) * f64::from(max_code) <= 32_767.0;
        let finer = (1..=FINEST).rev().find(fits);
        let Some(finer) = finer.filter(|_| max_code <= 4096) else {
            return Err("an LSB of the ADC of A x V is small beside the spread of V's cells");
        };
        let unit = unit(&finer);
        let sigma = finish.attention.device.column.adc_noise;
        Ok(ValueCase {
            rounding: Rounding::of(sigma, adc.max as i16, finer, |x| normal.below(x)),
            codes: (0..=max_code)
                .map(|code| (f64::from(code) * unit).round() as u16)
                .collect(),
            lsb: adc.lsb as f32,
            most: most_survivors(finish),
            columns: self.law.mean.ncols() as u64,
            sparse: keeps_all(finish),
        })
    }

    /// Runs a trial: writes V and drives every design's survivors.
    pub fn run(
        &self,
        level: Level,
        (seed, trial, head): (Seed, u64, u64),
        room: &mut ValueRoom,
        designs: &mut [Design<'_>],
    ) {
        let lane = (trial % LANES as u64) as usize;
        let key = self.law.key_of_all(seed, trial, head);
        write_cells(level, &self.cells, key, &self.first, &mut room.written);
        room.rows.resize(self.noise.len() * self.tiles, 0);
        let noise = seed.key(Purpose::PlainAdc, trial, address::conversions(head));
        for design in designs {
            let (case, handed) = (design.case, design.handed);
            let driven = Driven {
                survivors: &handed.survivors[lane],
                ends: &handed.ends[lane],
                key: noise,
                first: &self.noise,
                gains: &handed.gains[lane],
                float: &self.float,
            };
            design.beyond[lane] += tile_product(
                level,
                &self.cells,
                &room.written,
                &case.rounding,
                self.wordlines,
                driven,
                &mut room.joined,
                &mut design.distance[lane],
                &mut room.rows,
            );
            for (query, rows) in room.rows.chunks(self.tiles.max(1)).enumerate() {
                let counts = design.rows.chunks_mut(case.most + 1);
                for (counts, rows) in counts.zip(rows) {
                    counts[*rows as usize][lane] += 1;
                }
                if let (0, Some(traces)) = (lane, &mut design.traces) {
                    traces[query].value_rows = rows.to_vec();
                }
            }
        }
    }
}

impl ValueCase {
    /// Conversions of each lane: every column of a tile, as often as a row of it was driven. `rows` is that of a
    /// [`Design`].
    pub fn conversions(&self, rows: &[Lanes<u32>]) -> Lanes<u64> {
        let mut conversions = [0; LANES];
        for counts in rows.chunks(self.most + 1) {
            for driven in &counts[1..] {
                for (sum, count) in conversions.iter_mut().zip(driven) {
                    *sum += self.columns * u64::from(*count);
                }
            }
        }
        conversions
    }
}

impl Handed {
    /// Room for a block. Designs that choose hand over as many of each query; of a design that keeps all, most
    /// columns drive nothing.
    pub fn of(queries: usize, case: &ValueCase) -> Self {
        let (survivors, ends) = if case.sparse {
            (Vec::new(), Vec::new())
        } else {
            let ends = (1..=queries).map(|query| (query * case.most) as u32);
            (vec![0; queries * case.most], ends.collect())
        };
        Self {
            survivors: vec![survivors; LANES],
            ends: vec![ends; LANES],
            gains: vec![vec![0.0; queries]; LANES],
        }
    }

    /// Hands a query over, after the one before it.
    pub fn put(
        &mut self,
        case: &ValueCase,
        query: usize,
        tokens: &[Lanes<u16>],
        weights: &[Lanes<f32>],
        gain: &Lanes<f32>,
    ) {
        for lane in 0..LANES {
            self.gains[lane][query] = gain[lane] * case.lsb;
            let all = tokens.iter().zip(weights).map(|(token, weight)| {
                let code = case.codes[weight[lane] as usize];
                u32::from(token[lane]) << 16 | u32::from(code)
            });
            let own = &mut self.survivors[lane];
            if case.sparse {
                own.extend(all.filter(|survivor| survivor & 0xFFFF != 0));
                self.ends[lane].push(own.len() as u32);
            } else {
                for (own, survivor) in own[query * case.most..].iter_mut().zip(all) {
                    *own = survivor;
                }
            }
        }
    }
}
