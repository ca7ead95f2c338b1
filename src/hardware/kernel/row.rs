//! The softmax macro of one query for 32 lanes at once, and what is measured of its row.

use super::level::{Simd, for_each_level};
use super::logarithm::ln;
use super::slot::Slot;
use super::{LANES, Lanes};

/// How A is made of the table's values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weighing {
    /// Weights are looked up, the reciprocal comes after A x V.
    Looked,
    /// Probabilities in units of 1 / max.
    Unit(f32),
}

/// The tables of a macro by the difference of a code from the smallest of its row, unless said otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct RowTables {
    /// Table value e.
    pub values: [f32; 32],
    /// e ln e.
    pub entropies: [f32; 32],
    /// Code of A.
    pub weights: [f32; 32],
    /// What the output is multiplied with, beside the reciprocal if it comes after A x V.
    pub gain: f32,
    /// Depth of a code in LSB, by the code itself.
    pub decoded: [f32; 32],
    /// How A is made.
    pub weighing: Weighing,
    /// Significant bits of the reciprocal; 24 for a float's own.
    pub reciprocal_bits: u32,
}

/// What is known of the columns of one query, by an index of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// Logarithm of the float probability.
    pub log_probability: Vec<f32>,
    /// Depth without any noise or line effect, in LSB.
    pub clean: Vec<f32>,
    /// Its token, and above it its place in the true order or the largest number.
    pub identity: Vec<u32>,
}

/// Sums over queries, by lane.
#[derive(Clone, Debug, PartialEq)]
pub struct RowSums {
    /// Survivors among the true top.
    pub hits: Lanes<u32>,
    /// Hits over what could be hit, summed over queries.
    pub recall: Lanes<f64>,
    /// Divergence from the float row, in nats.
    pub divergence: Lanes<f64>,
    /// Rows with a distribution.
    pub rows: Lanes<u32>,
    /// Probability whose code is zero.
    pub underflow: Lanes<f64>,
    /// Clean depth minus decoded, over survivors.
    pub error: Lanes<f64>,
    /// The same squared.
    pub error_square: Lanes<f64>,
}

impl Default for RowSums {
    fn default() -> Self {
        Self {
            hits: [0; LANES],
            recall: [0.0; LANES],
            divergence: [0.0; LANES],
            rows: [0; LANES],
            underflow: [0.0; LANES],
            error: [0.0; LANES],
            error_square: [0.0; LANES],
        }
    }
}

/// The columns of a row that enter the softmax.
trait Columns {
    /// How many.
    fn count(&self) -> usize;

    /// Codes of the `at`-th.
    fn code(&self, at: usize) -> Lanes<u16>;

    /// What is known of it: logarithm of the float probability, clean depth, identity.
    fn known<S: Simd>(
        &self,
        s: S,
        known: &Known,
        at: usize,
    ) -> (Lanes<f32>, Lanes<f32>, Lanes<u32>);
}

/// Winners, which differ from lane to lane.
struct Chosen<'a> {
    slots: &'a [Slot],
    which: &'a [usize],
}

impl Columns for Chosen<'_> {
    #[inline(always)]
    fn count(&self) -> usize {
        self.which.len()
    }

    #[inline(always)]
    fn code(&self, at: usize) -> Lanes<u16> {
        self.slots[self.which[at]].code
    }

    #[inline(always)]
    fn known<S: Simd>(
        &self,
        s: S,
        known: &Known,
        at: usize,
    ) -> (Lanes<f32>, Lanes<f32>, Lanes<u32>) {
        let index = &self.slots[self.which[at]].index;
        (
            s.fetch(&known.log_probability, index),
            s.fetch(&known.clean, index),
            s.fetch_words(&known.identity, index),
        )
    }
}

/// All columns of a row, in the order in which they are known.
struct All<'a> {
    keys: &'a [Lanes<u16>],
    tag_bits: u32,
}

impl Columns for All<'_> {
    #[inline(always)]
    fn count(&self) -> usize {
        self.keys.len()
    }

    #[inline(always)]
    fn code(&self, at: usize) -> Lanes<u16> {
        let mut code = self.keys[at];
        for code in &mut code {
            *code >>= self.tag_bits;
        }
        code
    }

    #[inline(always)]
    fn known<S: Simd>(
        &self,
        _: S,
        known: &Known,
        at: usize,
    ) -> (Lanes<f32>, Lanes<f32>, Lanes<u32>) {
        (
            [known.log_probability[at]; LANES],
            [known.clean[at]; LANES],
            [known.identity[at]; LANES],
        )
    }
}

for_each_level! {
    /// One row of the slots in `which`: sums what is measured, gives the code of A and the token of
    /// each and the gain of the row. `wanted` true columns could be hit.
    pub fn softmax_row(
        tables: &RowTables,
        known: &Known,
        slots: &[Slot],
        which: &[usize],
        wanted: u16,
        sums: &mut RowSums,
        weights: &mut [Lanes<f32>],
        tokens: &mut [Lanes<u16>],
        gain: &mut Lanes<f32>,
    ) = chosen
}

for_each_level! {
    /// The same of a row that keeps every column: their keys in the order of `known`. Nothing could be missed, so
    /// nothing is hit.
    pub fn softmax_all(
        tables: &RowTables,
        known: &Known,
        keys: &[Lanes<u16>],
        tag_bits: u32,
        sums: &mut RowSums,
        weights: &mut [Lanes<f32>],
        tokens: &mut [Lanes<u16>],
        gain: &mut Lanes<f32>,
    ) = all
}

#[inline(always)]
fn chosen<S: Simd>(
    s: S,
    tables: &RowTables,
    known: &Known,
    slots: &[Slot],
    which: &[usize],
    wanted: u16,
    sums: &mut RowSums,
    weights: &mut [Lanes<f32>],
    tokens: &mut [Lanes<u16>],
    gain: &mut Lanes<f32>,
) {
    let columns = Chosen { slots, which };
    row(
        s, tables, known, &columns, wanted, sums, weights, tokens, gain,
    );
}

#[inline(always)]
fn all<S: Simd>(
    s: S,
    tables: &RowTables,
    known: &Known,
    keys: &[Lanes<u16>],
    tag_bits: u32,
    sums: &mut RowSums,
    weights: &mut [Lanes<f32>],
    tokens: &mut [Lanes<u16>],
    gain: &mut Lanes<f32>,
) {
    let columns = All { keys, tag_bits };
    row(s, tables, known, &columns, 0, sums, weights, tokens, gain);
}

#[inline(always)]
fn row<S: Simd, C: Columns>(
    s: S,
    tables: &RowTables,
    known: &Known,
    columns: &C,
    wanted: u16,
    sums: &mut RowSums,
    weights: &mut [Lanes<f32>],
    tokens: &mut [Lanes<u16>],
    gain: &mut Lanes<f32>,
) {
    let mut smallest = [u16::MAX; LANES];
    for at in 0..columns.count() {
        let code = columns.code(at);
        for lane in 0..LANES {
            smallest[lane] = smallest[lane].min(code[lane]);
        }
    }
    let mut total = [0.0_f32; LANES];
    let mut crossed = [0.0_f32; LANES];
    let mut lost = [0.0_f32; LANES];
    let mut hits = [0_u32; LANES];
    let mut error = [0.0_f32; LANES];
    let mut error_square = [0.0_f32; LANES];
    for ((at, weights), tokens) in (0..columns.count()).zip(weights.iter_mut()).zip(tokens) {
        let code = columns.code(at);
        let mut place = code;
        for lane in 0..LANES {
            place[lane] -= smallest[lane];
        }
        let value = s.look_up(&tables.values, &place);
        let entropy = s.look_up(&tables.entropies, &place);
        let decoded = s.look_up(&tables.decoded, &code);
        *weights = s.look_up(&tables.weights, &place);
        let (log_probability, clean, identity) = columns.known(s, known, at);
        for lane in 0..LANES {
            crossed[lane] += (-value[lane]).mul_add(log_probability[lane], entropy[lane]);
            total[lane] += value[lane];
            lost[lane] += if weights[lane] == 0.0 {
                value[lane]
            } else {
                0.0
            };
        }
        for lane in 0..LANES {
            hits[lane] += u32::from(identity[lane] >> 16 < u32::from(wanted));
            tokens[lane] = identity[lane] as u16;
        }
        for lane in 0..LANES {
            let off = clean[lane] - decoded[lane];
            error[lane] += off;
            error_square[lane] = off.mul_add(off, error_square[lane]);
        }
    }
    let drop = 24 - tables.reciprocal_bits;
    let half = (1_u32 << drop) >> 1;
    let mut inverse = [0.0_f32; LANES];
    let mut reciprocal = [0.0_f32; LANES];
    let mut any = [0.0_f32; LANES];
    for lane in 0..LANES {
        let safe = if total[lane] > 0.0 { total[lane] } else { 1.0 };
        any[lane] = if total[lane] > 0.0 { 1.0 } else { 0.0 };
        // Round the mantissa to its upper bits, half to even.
        inverse[lane] = 1.0 / safe;
        let bits = inverse[lane].to_bits();
        let even = (bits >> drop) & 1 & u32::from(drop > 0);
        let rounded = (bits + half.saturating_sub(1) + even) >> drop << drop;
        reciprocal[lane] = f32::from_bits(if drop > 0 { rounded } else { bits });
        total[lane] = safe;
    }
    if let Weighing::Unit(max) = tables.weighing {
        lost = [0.0; LANES];
        for (at, weights) in (0..columns.count()).zip(weights.iter_mut()) {
            let mut place = columns.code(at);
            for lane in 0..LANES {
                place[lane] -= smallest[lane];
            }
            let value = s.look_up(&tables.values, &place);
            for lane in 0..LANES {
                let value = value[lane];
                // 1.5 2^23 rounds half to even for codes below 2^22.
                let code = value * reciprocal[lane] * max + 12_582_912.0 - 12_582_912.0;
                weights[lane] = code.min(max);
                lost[lane] += if weights[lane] == 0.0 { value } else { 0.0 };
            }
        }
        for lane in 0..LANES {
            gain[lane] = any[lane] * tables.gain;
        }
    } else {
        for lane in 0..LANES {
            gain[lane] = any[lane] * tables.gain * reciprocal[lane];
        }
    }
    let log = ln(total);
    for lane in 0..LANES {
        // Not below zero, where only the rounding of these sums can bring it.
        let divergence = crossed[lane].mul_add(inverse[lane], -log[lane]).max(0.0);
        sums.divergence[lane] += f64::from(divergence * any[lane]);
        sums.rows[lane] += u32::from(any[lane] > 0.0);
        let lost = (lost[lane] * inverse[lane]).mul_add(any[lane], 1.0 - any[lane]);
        sums.underflow[lane] += f64::from(lost);
        sums.error[lane] += f64::from(error[lane]);
        sums.error_square[lane] += f64::from(error_square[lane]);
        sums.hits[lane] += hits[lane];
    }
    if wanted > 0 {
        let share = 1.0 / f64::from(wanted);
        for lane in 0..LANES {
            sums.recall[lane] += f64::from(hits[lane]) * share;
        }
    }
}

#[cfg(test)]
mod tests;
