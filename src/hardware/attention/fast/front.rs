//! What a head's trials have in common: the law of every pair, the candidates, the kernel's plan.

use super::back::know;
use super::{Attention, Finish, Keys, Prepared, quotas};
use crate::base::kernel::{ColumnDraws, Factor, Known, Pair, Source, Statics, StepMix};
use crate::base::rng::{Purpose, Seed, Site};
use crate::hardware::crossbar::{LineReading, WeightLaw};
use crate::hardware::quantise::Matrix;
use statrs::function::erf::erfc;

/// Expected number of columns left out that trip by the clean stop step, at most: it moves work between
/// candidates and the walk over the others. Flat between 5e-4 and 1e-2.
pub(super) const CUT: f64 = 1e-3;

/// Beyond so many standard deviations below a level a column is taken not to reach it (1e-15).
const FAR: f64 = 8.0;

/// Standard deviation of a ladder's step, of its nominal step, up to which levels come in order: a step
/// goes up in 1e-9 of cases, and a level's law is that of a plain sum.
const ORDERLY: f64 = 1.0 / 6.0;

/// Marks a token that is no candidate.
pub(super) const NONE: u16 = u16::MAX;

#[derive(Debug)]
pub(super) struct Front {
    pub statics: Statics,
    law: WeightLaw,
    offset_slots: bool,
    pub columns: Vec<PlannedColumn>,
    pub rows: Vec<PlannedRow>,
    /// Keys of a block.
    pub slots: usize,
    /// Depth of each pair without noise, in LSB, tokens x queries.
    pub depth: Matrix,
    /// Variance of each pair's depth but for its ladder.
    pub variance: Matrix,
    /// Depth of each level and the variance that replicas give it.
    pub levels: Vec<(f64, f64)>,
    cut: f64,
    pub noise_lsb: f64,
    normal: Normal,
}

#[derive(Debug, Default)]
pub(super) struct PlannedColumn {
    pub sources: Vec<Source>,
    pub pairs: Vec<Pair>,
    /// Of its pairs, if they are drawn jointly.
    pub factor: Option<Factor>,
}

/// One query.
#[derive(Debug, Default)]
pub(super) struct PlannedRow {
    pub tiles: Vec<PlannedTile>,
    /// Entries of all tiles' lists together.
    pub depth: usize,
    /// What is known of the candidates, tile by tile in address order.
    pub known: Known,
    /// Index of a token among the candidates, or [`NONE`].
    pub index: Vec<u16>,
    /// Live columns of the whole row.
    pub live: usize,
}

/// One tile of one query.
#[derive(Debug, Default)]
pub(super) struct PlannedTile {
    pub start: usize,
    pub live: usize,
    /// Most places of any design.
    pub quota: usize,
    /// Entries of its list: one more than places, so that a tie is seen.
    pub depth: usize,
    pub keys: Keys,
    /// Live tokens that are no candidates, the shallowest first.
    pub others: Vec<u16>,
    /// By stop code: 2^32 times the probability that none of the others has come by then.
    pub alone: Vec<u32>,
}

/// P(X < x) of a standard normal, by cubic pieces of 1/64 between values of `erfc`; error below 1e-10.
#[derive(Debug)]
struct Normal(Vec<[f64; 2]>);

impl Normal {
    const PIECES: f64 = 64.0;

    fn new() -> Self {
        let at = |piece: u32| {
            let x = f64::from(piece) / Self::PIECES - FAR;
            let density = (-x * x / 2.0).exp() / (std::f64::consts::TAU.sqrt() * Self::PIECES);
            [0.5 * erfc(-x * std::f64::consts::FRAC_1_SQRT_2), density]
        };
        Self(
            (0..=(2.0 * FAR * Self::PIECES) as u32 + 1)
                .map(at)
                .collect(),
        )
    }

    fn below(&self, x: f64) -> f64 {
        if !(x > -FAR) {
            return 0.0;
        }
        if x >= FAR {
            return 1.0;
        }
        let at = (x + FAR) * Self::PIECES;
        let piece = at as usize;
        let t = at - piece as f64;
        let ([a, da], [b, db]) = (self.0[piece], self.0[piece + 1]);
        let (cubic, square) = (da + db - 2.0 * (b - a), 3.0 * (b - a) - 2.0 * da - db);
        ((cubic * t + square) * t + da) * t + a
    }
}

impl Front {
    pub fn plan(
        cut: f64,
        attention: &Attention,
        finishes: &[Finish<'_>],
        prepared: &Prepared,
        alone: bool,
    ) -> Result<Self, &'static str> {
        let (device, crossbar) = (&attention.device, &attention.crossbar);
        let (tokens, queries) = (prepared.k.nrows(), prepared.q.ncols());
        let steps = attention.ramp.steps() as usize;
        let widest = crossbar
            .tiles()
            .iter()
            .map(ExactSizeIterator::len)
            .max()
            .unwrap_or(1);
        let tag_bits = usize::BITS - (widest.max(2) - 1).leading_zeros();
        if (steps << tag_bits) > usize::from(u16::MAX) {
            return Err("steps times columns of a tile exceed 2^16");
        }
        let law = crossbar.law(device, &prepared.k);
        let lsb = prepared.calibration.lsb_charges();
        let start = prepared.calibration.full_scale_charges();
        let lines = LineReading {
            line: &device.line,
            mismatch: &[],
            full_scale: start,
            in_column: true,
        };
        let mut depth = &law.mean * &prepared.q;
        let mut variance = &law.variance * prepared.q.map(|q| q * q) / (lsb * lsb);
        let column = &device.column;
        let line_share = |token: usize, query: usize| {
            prepared.clean.negative.as_ref().map_or(0.0, |negative| {
                device.line.capacitance_mismatch * negative[(token, query)] / lsb
            })
        };
        let mut slopes = Vec::with_capacity(queries);
        for query in 0..queries {
            let mut sums = depth.column_mut(query);
            let sums = sums.as_mut_slice();
            let slope = lines.apply(&prepared.clean, query, sums);
            for (token, sum) in sums.iter_mut().enumerate() {
                *sum = (start - *sum) / lsb;
                let slope = slope.as_ref().map_or(1.0, |slope| slope[token]);
                let own = (column.offset / slope).powi(2) + (column.noise / slope).powi(2);
                variance[(token, query)] += own + line_share(token, query).powi(2);
            }
            slopes.push(slope);
        }
        let slope = |token: usize, query: usize| {
            slopes[query].as_ref().map_or(1.0, |s: &Vec<f64>| s[token])
        };

        let (levels, ladder, orderly) = Self::ladder(attention);
        let statics = Self::statics(attention, prepared, &law, ladder, tag_bits);
        let mut front = Self {
            statics,
            law,
            offset_slots: column.offset > 0.0,
            columns: Vec::new(),
            rows: Vec::with_capacity(queries),
            slots: 0,
            depth,
            variance,
            levels,
            cut,
            noise_lsb: 0.0,
            normal: Normal::new(),
        };
        front.columns = std::mem::take(&mut front.law.sources)
            .into_iter()
            .map(|sources| PlannedColumn {
                sources,
                ..PlannedColumn::default()
            })
            .collect();
        let mut noise_square = 0.0;
        let mut live_pairs = 0_u64;
        for query in 0..queries {
            let row = front.plan_row(finishes, prepared, query, orderly);
            for tile in &row.tiles {
                for (key, token) in tile.keys.clone().zip(candidates(&row, tile)) {
                    front.columns[token].pairs.push(Pair {
                        query: query as u32,
                        slot: key as u32,
                        draw: prepared.address(query) as u32,
                        tag: (token - tile.start) as u16,
                        depth: front.depth[(token, query)] as f32,
                        offset: (column.offset / slope(token, query)) as f32,
                        line: line_share(token, query) as f32,
                        noise: (column.noise / slope(token, query)) as f32,
                    });
                }
            }
            front.rows.push(row);
            for token in 0..tokens {
                if prepared.mask.is_live(query, token, tokens) {
                    let at = (token, query);
                    let code = front
                        .levels
                        .partition_point(|level| level.0 < front.depth[at]);
                    let moved = front.levels[code.min(steps - 1)].1;
                    let bias = front.depth[at] - prepared.clean_depth(token, query);
                    noise_square += bias * bias + front.variance[at] + moved;
                    live_pairs += 1;
                }
            }
        }
        front.noise_lsb = (noise_square / live_pairs.max(1) as f64).sqrt();
        let shared = !alone && front.law.is_fabricated(device);
        if !shared {
            for token in 0..tokens {
                front.columns[token].factor = front.factor(prepared, token);
            }
        }
        Ok(front)
    }

    /// The factor of a column's pairs, if that saves normals and the covariance is regular.
    fn factor(&self, prepared: &Prepared, token: usize) -> Option<Factor> {
        let PlannedColumn { sources, pairs, .. } = &self.columns[token];
        let size = pairs.len();
        // A draw costs what about 45 products of the factor cost.
        if size == 0 || 2 * size > 3 * sources.len() {
            return None;
        }
        let mut sigma = vec![0.0_f64; prepared.q.nrows()];
        for source in sources {
            sigma[source.row as usize] += f64::from(source.gain).powi(2);
        }
        let lift = f64::from(self.statics.lift) * f64::from(self.statics.scale);
        let own = Matrix::from_fn(sigma.len() + 2, size, |row, at| {
            let pair = &pairs[at];
            match row.checked_sub(sigma.len()) {
                None => prepared.q[(row, pair.query as usize)] * sigma[row].sqrt() * lift,
                Some(0) => f64::from(pair.offset),
                Some(_) => f64::from(pair.line),
            }
        });
        let mut covariance = own.transpose() * &own;
        for (at, pair) in pairs.iter().enumerate() {
            covariance[(at, at)] += f64::from(pair.noise).powi(2);
        }
        let least = covariance.diagonal().max() * 1e-6;
        let factor = nalgebra::Cholesky::new(covariance)?.unpack();
        let regular = factor.diagonal().iter().all(|pivot| pivot * pivot > least);
        regular.then(|| Factor::of(size, |row, column| factor[(row, column)] as f32))
    }

    /// Levels with their variances, the kernel's ladder (empty where levels are 1, 2, 3 ... in every
    /// column), and whether levels come in order.
    fn ladder(attention: &Attention) -> (Vec<(f64, f64)>, Vec<StepMix>, bool) {
        let cells = attention.crossbar.ramp_cells;
        let sigma = attention.device.column.replica_mismatch;
        let mixes = attention.ramp.mixes(sigma, cells);
        let mut sums = vec![0.0; cells];
        let (mut orderly, mut before) = (true, 0.0);
        let levels: Vec<(f64, f64)> = mixes
            .iter()
            .map(|mix| {
                for (sum, weight) in sums[mix.first..].iter_mut().zip(&mix.weights) {
                    *sum += weight;
                }
                let own: f64 = mix.weights.iter().map(|weight| weight * weight).sum();
                orderly &= own.sqrt() <= ORDERLY * (mix.level - before);
                before = mix.level;
                (mix.level, sums.iter().map(|sum| sum * sum).sum())
            })
            .collect();
        let even = levels
            .iter()
            .zip(1..)
            .all(|(level, step)| *level == (f64::from(step), 0.0));
        let ladder = if even {
            Vec::new()
        } else {
            let mix = |mix: &crate::hardware::converter::Mix| StepMix {
                level: mix.level as f32,
                first: mix.first as u32,
                weights: mix.weights.iter().map(|weight| *weight as f32).collect(),
            };
            mixes.iter().map(mix).collect()
        };
        (levels, ladder, orderly)
    }

    fn statics(
        attention: &Attention,
        prepared: &Prepared,
        law: &WeightLaw,
        ladder: Vec<StepMix>,
        tag_bits: u32,
    ) -> Statics {
        let device = &attention.device;
        let rows = prepared.q.nrows();
        let row_pairs = rows.div_ceil(2);
        let q_max = prepared.q.iter().fold(1.0_f64, |max, q| max.max(q.abs()));
        // No sum of 6.3 sigma draws leaves an i16, no sum over rows an i32.
        let mut reach = 0.0_f64;
        for sources in &law.sources {
            for row in sources.chunk_by(|a, b| a.row == b.row) {
                reach = reach.max(row.iter().map(|source| f64::from(source.gain.abs())).sum());
            }
        }
        let largest = 32_000.0_f64.min(2e9 / (rows.max(1) as f64 * q_max));
        let scale = if reach > 0.0 {
            largest / (6.4 * reach)
        } else {
            1.0
        };
        let code = |row: usize, query: usize| {
            if row < rows {
                prepared.q[(row, query)] as i32
            } else {
                0
            }
        };
        let queries = (0..prepared.q.ncols())
            .flat_map(|query| (0..row_pairs).map(move |pair| (pair, query)))
            .map(|(pair, query)| code(2 * pair, query) & 0xFFFF | code(2 * pair + 1, query) << 16)
            .collect();
        let steps = attention.ramp.steps();
        Statics {
            scale: scale as f32,
            lift: (1.0 / (scale * prepared.calibration.lsb_charges())) as f32,
            row_pairs,
            queries,
            has: [
                device.column.offset > 0.0,
                device.line.capacitance_mismatch > 0.0,
                device.column.noise > 0.0,
            ],
            replicas: if ladder.iter().any(|step| !step.weights.is_empty()) {
                attention.crossbar.ramp_cells
            } else {
                0
            },
            ladder,
            grid: (32_000.0 / (1.25 * f64::from(steps) + 8.0))
                .log2()
                .floor()
                .exp2() as f32,
            steps: steps as u16,
            tag_bits,
            absent: false,
        }
    }

    fn plan_row(
        &mut self,
        finishes: &[Finish<'_>],
        prepared: &Prepared,
        query: usize,
        orderly: bool,
    ) -> PlannedRow {
        let attention = finishes[0].attention;
        let tokens = prepared.k.nrows();
        let tiles = attention.crossbar.tiles();
        let live: Vec<Vec<usize>> = tiles
            .iter()
            .map(|tile| {
                tile.clone()
                    .filter(|token| prepared.mask.is_live(query, *token, tokens))
                    .collect()
            })
            .collect();
        let counts: Vec<usize> = live.iter().map(Vec::len).collect();
        let mut most = vec![0; tiles.len()];
        for finish in finishes {
            for (most, quota) in most.iter_mut().zip(quotas(finish, &counts)) {
                *most = (*most).max(quota);
            }
        }
        let mut row = PlannedRow {
            index: vec![NONE; tokens],
            live: counts.iter().sum(),
            ..PlannedRow::default()
        };
        for ((tile, live), quota) in tiles.iter().zip(live).zip(most) {
            let count = live.len();
            let (chosen, others, alone) = self.choose(live, query, quota, orderly);
            let first = self.slots;
            self.slots += chosen.len();
            for token in &chosen {
                row.index[*token] = row.known.identity.len() as u16;
                know(&mut row.known, *token, prepared, query);
            }
            row.depth += if quota == 0 { 0 } else { quota + 1 };
            row.tiles.push(PlannedTile {
                start: tile.start,
                live: count,
                quota,
                depth: if quota == 0 { 0 } else { quota + 1 },
                keys: first..self.slots,
                others,
                alone,
            });
        }
        row
    }

    /// The candidates of a tile in address order, and by stop code how likely no other column has come.
    fn choose(
        &self,
        mut live: Vec<usize>,
        query: usize,
        quota: usize,
        orderly: bool,
    ) -> (Vec<usize>, Vec<u16>, Vec<u32>) {
        if quota == 0 {
            return Default::default();
        }
        let depth = |token: &usize| self.depth[(*token, query)];
        live.sort_by(|a, b| depth(a).total_cmp(&depth(b)).then(a.cmp(b)));
        let steps = self.levels.len();
        let mut kept = live.len();
        if orderly && quota < live.len() {
            let clean_stop = self
                .levels
                .partition_point(|level| level.0 < depth(&live[quota - 1]));
            let stop = clean_stop.min(steps - 1);
            let mut expected = 0.0;
            while kept > quota + 1 {
                expected += self.reaches(live[kept - 1], query, stop);
                if expected > self.cut {
                    break;
                }
                kept -= 1;
            }
        }
        let others = live.split_off(kept);
        live.sort_unstable();
        let mut alone = vec![u32::MAX; steps];
        if !others.is_empty() {
            let widest = others
                .iter()
                .map(|token| self.variance[(*token, query)])
                .fold(0.0, f64::max);
            for (code, alone) in alone.iter_mut().enumerate() {
                let (level, moved) = self.levels[code];
                let far = level + FAR * (widest + moved).sqrt();
                let near = others.iter().take_while(|token| depth(token) < far);
                let mut none = 1.0;
                for token in near {
                    none *= 1.0 - self.reaches(*token, query, code);
                    if none < 1e-12 {
                        break;
                    }
                }
                *alone = (none * 4_294_967_296.0) as u32;
                if none < 1e-12 {
                    break;
                }
            }
            // Codes after the last computed one: someone has surely come.
            if let Some(gone) = alone.iter().position(|alone| *alone == 0) {
                alone[gone..].fill(0);
            }
            alone[steps - 1] = 0;
        }
        (
            live,
            others.into_iter().map(|token| token as u16).collect(),
            alone,
        )
    }

    /// Probability that a column has tripped by the step of a code, from its own law.
    pub fn reaches(&self, token: usize, query: usize, code: usize) -> f64 {
        if code + 1 == self.levels.len() {
            // The last code takes what lies below the last level.
            return 1.0;
        }
        let (level, moved) = self.levels[code];
        let sigma = (self.variance[(token, query)] + moved).sqrt();
        let distance = level - self.depth[(token, query)];
        if sigma > 0.0 {
            self.normal.below(distance / sigma)
        } else {
            f64::from(u8::from(distance >= 0.0))
        }
    }

    /// Keys of a column's draws in a block.
    pub fn draws(&self, seed: Seed, block: u64, head: u64, token: usize) -> ColumnDraws {
        let slot = Site(0, self.law.slots[token]);
        let wanted = |on: bool, purpose| {
            if on {
                seed.key(purpose, block, slot)
            } else {
                0
            }
        };
        ColumnDraws {
            errors: self.law.key(seed, block, head, token),
            offset: wanted(self.offset_slots, Purpose::ColumnOffset),
            line: wanted(self.statics.has[1], Purpose::LineMismatch),
            replicas: wanted(self.statics.replicas > 0, Purpose::ReplicaMismatch),
            noise: seed.key(Purpose::Comparator, block, Site(head, token as u64)),
        }
    }
}

/// The candidates of a tile, in the order of their keys.
fn candidates<'a>(row: &'a PlannedRow, tile: &PlannedTile) -> impl Iterator<Item = usize> + 'a {
    let before: usize = row
        .tiles
        .iter()
        .take_while(|other| other.keys.start < tile.keys.start)
        .map(|other| other.keys.len())
        .sum();
    row.known.identity[before..before + tile.keys.len()]
        .iter()
        .map(|identity| (identity & 0xFFFF) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ContinuousCDF, Normal as Law};

    #[test]
    fn the_table_of_probabilities_is_right_to_1e_10() {
        let (table, law) = (Normal::new(), Law::standard());
        for at in -90_000..=90_000 {
            let x = f64::from(at) * 1e-4 + 1.7e-5;
            let (found, wanted) = (table.below(x), law.cdf(x));
            assert!((found - wanted).abs() < 1e-10, "{x}: {found} for {wanted}");
            assert!((0.0..=1.0).contains(&found), "{x}: {found}");
        }
        // Deep in the tail it is relative errors that count: a walk takes ratios of these.
        for at in 0..700 {
            let x = -f64::from(at) * 1e-2 - 1e-3;
            let ratio = table.below(x) / law.cdf(x);
            assert!((ratio - 1.0).abs() < 1e-5, "{x}: {ratio}");
        }
        assert_eq!(
            (table.below(f64::NAN), table.below(-8.1), table.below(8.0)),
            (0.0, 0.0, 1.0)
        );
    }
}
