//! What a head's trials have in common: the law of every pair, the candidates, the kernel's plan.

use super::candidates::{PlannedRow, candidates};
use super::normal::Normal;
use super::{Attention, Finish, Prepared, keeps_all};
use crate::base::rng::{Purpose, Seed};
use crate::hardware::address::{self, Array};
use crate::hardware::crossbar::{LineReading, WeightLaw};
use crate::hardware::kernel::{ColumnDraws, Factor, Pair, Source, Statics, StepMix};
use crate::hardware::quantise::Matrix;
/// Standard deviation of a ladder's step, of its nominal step, up to which levels come in order: a step
/// goes up in 1e-9 of cases, and a level's law is that of a plain sum.
const ORDERLY: f64 = 1.0 / 6.0;

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
    /// Whether any level has a variance.
    pub ramp_spreads: bool,
    /// Whether a design keeps every column, so that all are converted.
    pub whole: bool,
    /// See [`CUT`](super::candidates::CUT).
    pub cut: f64,
    pub noise_lsb: f64,
    pub normal: Normal,
}

#[derive(Debug, Default)]
pub(super) struct PlannedColumn {
    pub sources: Vec<Source>,
    pub pairs: Vec<Pair>,
    /// Of its pairs, if they are drawn jointly.
    pub factor: Option<Factor>,
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
        if tokens >= usize::from(u16::MAX) {
            return Err("a row has 65 535 tokens or more");
        }
        if (steps << tag_bits) > usize::from(u16::MAX) {
            return Err("steps times columns of a tile exceed 2^16");
        }
        let law = crossbar.law(device, &prepared.k);
        let fabricated = law.is_fabricated(device);
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
            ramp_spreads: levels.iter().any(|(_, moved)| *moved > 0.0),
            levels,
            whole: finishes.iter().any(keeps_all),
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
                    let moved = if front.ramp_spreads {
                        let levels = &front.levels;
                        let code = levels.partition_point(|level| level.0 < front.depth[at]);
                        levels[code.min(steps - 1)].1
                    } else {
                        0.0
                    };
                    let bias = front.depth[at] - prepared.clean_depth(token, query);
                    noise_square += bias * bias + front.variance[at] + moved;
                    live_pairs += 1;
                }
            }
        }
        front.noise_lsb = (noise_square / live_pairs.max(1) as f64).sqrt();
        if alone || !fabricated {
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
        if size == 0 || size > 2 * sources.len() {
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
        let mut reach = 0.0_f64;
        for sources in &law.sources {
            for row in sources.chunk_by(|a, b| a.row == b.row) {
                reach = reach.max(row.iter().map(|source| f64::from(source.gain.abs())).sum());
            }
        }
        let scale = draw_scale(rows, q_max, reach);
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
        }
    }
    /// Keys of a column's draws in a block.
    pub fn draws(&self, seed: Seed, block: u64, head: u64, token: usize) -> ColumnDraws {
        let slot = address::fabricated(Array::Keys, self.law.slots[token]);
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
            noise: seed.key(Purpose::Comparator, block, address::column(head, token)),
        }
    }
}

/// Whole numbers in which draws are summed, a unit of noise: no draw of 6.3 sigma leaves an i16 and no sum of them over
/// `rows` with codes of Q up to `q_max` an i32. `reach` is the largest sum of one row's gains.
fn draw_scale(rows: usize, q_max: f64, reach: f64) -> f64 {
    let largest = 32_000.0_f64.min(2e9 / (rows.max(1) as f64 * q_max));
    if reach > 0.0 {
        largest / (6.4 * reach)
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sum_of_draws_leaves_its_integer_and_none_is_coarser_than_it_must_be() {
        // 64 rows of 4-bit codes: the 16 bits of one draw are what limits.
        assert_eq!(draw_scale(64, 15.0, 0.5), 10_000.0);
        for (rows, q_max) in [(512, 127.0), (1024, 2047.0), (4096, 32_767.0), (1, 15.0)] {
            for reach in [0.01, 1.0, 30.0] {
                let draw = 6.3 * reach * draw_scale(rows, q_max, reach);
                let sum = draw * rows as f64 * q_max;
                assert!(
                    draw < f64::from(i16::MAX) && sum < f64::from(i32::MAX),
                    "{draw} {sum}"
                );
                assert!(
                    draw > 31_000.0 || sum > 1.9e9,
                    "{rows} {q_max}: {draw} {sum}"
                );
            }
        }
        // Noise that reaches no row has no scale.
        assert_eq!(draw_scale(64, 15.0, 0.0), 1.0);
    }
}
