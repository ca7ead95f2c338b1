//! A x V of one query for 32 lanes, and how far it lies from the float output.

use super::level::{Simd, for_each_level};
use super::{Lanes, Line};

/// Components that are summed together.
const CHUNK: usize = 16;

/// Chunks that are summed together.
pub(super) const GROUP: usize = 4;

/// A matrix of rows padded with zeros to whole groups of chunks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    chunks: usize,
    data: Vec<Line<[f32; CHUNK]>>,
}

impl Rows {
    /// Rows of `width` numbers, taken from `value(row, column)`.
    #[must_use]
    pub fn of(rows: usize, width: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        let chunks = width.div_ceil(CHUNK * GROUP) * GROUP;
        let mut data = vec![Line([0.0; CHUNK]); rows * chunks];
        for row in 0..rows {
            for column in 0..width {
                data[row * chunks + column / CHUNK].0[column % CHUNK] = value(row, column);
            }
        }
        Self { chunks, data }
    }

    /// One row.
    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &[Line<[f32; CHUNK]>] {
        &self.data[row * self.chunks..(row + 1) * self.chunks]
    }
}

for_each_level! {
    /// Adds to each lane, component by component modulo 16, the squared distance between `gain * sum over slots of weight V[token]` and
    /// the row `wanted` of `float`.
    pub fn plain_product(
        values: &Rows,
        float: &Rows,
        wanted: usize,
        tokens: &[Lanes<u16>],
        weights: &[Lanes<f32>],
        gain: &Lanes<f32>,
        distance: &mut Lanes<[f32; 16]>,
    ) = plain
}

#[inline(always)]
fn plain<S: Simd>(
    s: S,
    values: &Rows,
    float: &Rows,
    wanted: usize,
    tokens: &[Lanes<u16>],
    weights: &[Lanes<f32>],
    gain: &Lanes<f32>,
    distance: &mut Lanes<[f32; 16]>,
) {
    s.distances(values, float.row(wanted), tokens, weights, gain, distance);
}

#[cfg(test)]
mod tests {
    use super::super::{LANES, Level, normals, words};
    use super::*;

    /// Survivors, width of V, tokens.
    const SIZES: [(usize, usize, usize); 7] = [
        (0, 64, 3),
        (1, 1, 1),
        (5, 64, 96),
        (5, 33, 40),
        (7, 130, 9),
        (64, 16, 200),
        (200, 70, 200),
    ];

    #[test]
    fn the_distance_is_that_of_plain_sums_at_every_level() {
        for (count, width, rows) in SIZES {
            let value = |row: usize, column: usize| {
                normals(3, (row * width + column) as u64 / 32)[(row * width + column) % 32]
            };
            let values = Rows::of(rows, width, value);
            let float = Rows::of(2, width, |row, column| value(row + 1, column) * 0.5);
            let tokens: Vec<Lanes<u16>> = (0..count as u64)
                .map(|at| words(5, at).map(|half| (half as usize % rows) as u16))
                .collect();
            let weights: Vec<Lanes<f32>> = (0..count as u64)
                .map(|at| normals(6, at).map(f32::abs))
                .collect();
            let gain = normals(7, 0);
            let of = |level| {
                let mut distance = [[0.5; 16]; LANES];
                plain_product(
                    level,
                    &values,
                    &float,
                    1,
                    &tokens,
                    &weights,
                    &gain,
                    &mut distance,
                );
                distance
            };
            let plain = of(Level::PORTABLE);
            for level in Level::all() {
                assert!(of(level) == plain, "{} {count} x {width}", level.name());
            }
            for lane in 0..LANES {
                let mut wanted = [0.5_f64; 16];
                for column in 0..width {
                    let sum: f64 = (0..count)
                        .map(|at| {
                            f64::from(weights[at][lane])
                                * f64::from(value(usize::from(tokens[at][lane]), column))
                        })
                        .sum();
                    let float = f64::from(value(2, column) * 0.5);
                    wanted[column % 16] += (f64::from(gain[lane]) * sum - float).powi(2);
                }
                for (found, wanted) in plain[lane].iter().zip(wanted) {
                    let close = (f64::from(*found) - wanted).abs() < 1e-5 * (1.0 + wanted);
                    assert!(close, "{count} x {width}: {found} for {wanted}");
                }
            }
        }
    }
}
