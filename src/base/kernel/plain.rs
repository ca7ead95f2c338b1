//! The plain forms: what every level must give, to the bit.

use super::normal::halves;
use super::{LANES, Lanes, Rounding};

#[inline(always)]
pub fn multiply<const R: usize>(errors: &[Lanes<u32>], queries: [&[i32]; R]) -> [Lanes<i32>; R] {
    let mut sums = [[0_i32; LANES]; R];
    for (p, pair) in errors.iter().enumerate() {
        for (sums, query) in sums.iter_mut().zip(queries) {
            let (low, high) = (query[p] as i16, query[p] >> 16);
            for (lane, sum) in sums.iter_mut().enumerate() {
                let (even, odd) = (pair[lane] as i16, pair[lane] as i32 >> 16);
                *sum += i32::from(even) * i32::from(low) + odd * high;
            }
        }
    }
    sums
}

#[inline(always)]
pub fn count_below(ladder: &[Lanes<i16>], depth: &Lanes<i16>) -> Lanes<u16> {
    let mut count = [0_u16; LANES];
    for level in ladder {
        for lane in 0..LANES {
            count[lane] += u16::from(level[lane] < depth[lane]);
        }
    }
    count
}

#[inline(always)]
pub fn combine(factor: &[[f32; 4]], z: &[Lanes<f32>]) -> [Lanes<f32>; 4] {
    let mut sums = [[0.0_f32; LANES]; 4];
    for (factor, z) in factor.iter().zip(z) {
        for (sums, factor) in sums.iter_mut().zip(factor) {
            for (sum, z) in sums.iter_mut().zip(z) {
                *sum = factor.mul_add(*z, *sum);
            }
        }
    }
    sums
}

#[inline(always)]
pub fn distance(
    values: &[[f32; 16]],
    starts: &[u32],
    weights: &[f32],
    gain: f32,
    float: &[[f32; 16]; 4],
    squares: &mut [f32; 16],
) {
    for (chunk, float) in float.iter().enumerate() {
        let mut sum = [0.0_f32; 16];
        for (start, weight) in starts.iter().zip(weights) {
            for (sum, value) in sum.iter_mut().zip(&values[*start as usize + chunk]) {
                *sum = weight.mul_add(*value, *sum);
            }
        }
        for ((square, sum), float) in squares.iter_mut().zip(sum).zip(float) {
            let off = gain.mul_add(sum, -float);
            *square = off.mul_add(off, *square);
        }
    }
}

#[inline(always)]
pub fn spread(values: &Lanes<i16>, ranks: &Lanes<u16>) -> Lanes<i16> {
    ranks.map(|rank| values.get(usize::from(rank)).copied().unwrap_or(0))
}

#[inline(always)]
pub fn convert(
    cells: &[Lanes<i16>],
    (starts, codes): (&[u32], &[i16]),
    (key, draw): (u64, u64),
    rounding: &Rounding,
    [groups, per_bit]: [usize; 2],
    joined: &mut [Lanes<i16>],
) {
    for group in 0..groups {
        let words = halves(key, draw.wrapping_add(group as u64 / 2))[group % 2];
        let mut sum = [0_i16; LANES];
        for (start, code) in starts.iter().zip(codes) {
            let row = &cells[*start as usize + group];
            for (sum, cell) in sum.iter_mut().zip(row) {
                let product = (i32::from(*code) * i32::from(*cell) + (1 << 14)) >> 15;
                *sum = sum.saturating_add(product as i16);
            }
        }
        for (at, joined) in joined[group % per_bit].iter_mut().enumerate() {
            let uniform = (words[at / 4] >> (16 * (at % 4))) as u16;
            // From 1/128 to 1/32, rounded.
            let fine = sum[at].saturating_add(2) >> 2;
            let (whole, part) = (fine >> 5, (fine & 31) as usize);
            let passed = rounding
                .thresholds
                .iter()
                .filter(|row| uniform >= row[part]);
            let code = whole + rounding.lowest + passed.count() as i16;
            *joined += code.clamp(-rounding.max, rounding.max) << (group / per_bit);
        }
    }
}

#[inline(always)]
pub fn look_up(table: &[f32; 32], at: &Lanes<u16>) -> Lanes<f32> {
    at.map(|at| table[usize::from(at & 31)])
}
