//! Exponential, GELU and sums of f32 values in forms that a compiler turns into vector code.
//!
//! [`wide`] runs a loop with the widest vectors of the machine. What comes out does not depend on their
//! width: lanes are counted here, and a product and a sum are never fused.
//!
//! They are own code because the standard library's `exp` is a call for each value, and so that the
//! same bytes come out wherever the same products do.

use crate::hardware::kernel::Level;

/// Does a job compiled for the machine's widest vectors; only what is inlined into it gains.
#[inline(always)]
pub(super) fn wide<R>(job: impl FnOnce() -> R) -> R {
    Level::best().run(job)
}

/// e^x for x in -87..=88, clamped there; relative error below 2e-7.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts; e^r by Cephes' polynomial of degree 7
/// (Moshier, `expf`), 2^n by the exponent's bits.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // 1.5 x 2^23: adding it rounds to a whole number, which its low bits then hold.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    (p * r * r + r + 1.0) * power
}

/// GELU(x) = x Phi(x) and its slope Phi(x) + x phi(x), both within 1e-6 of the exact ones.
///
/// Phi by Abramowitz and Stegun 7.1.26, erf(z) = 1 - (a1 t + ... + a5 t^5) e^(-z^2) with
/// t = 1 / (1 + p z), whose own error is at most 1.5e-7.
#[inline(always)]
pub(super) fn gelu(x: f32) -> (f32, f32) {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let bell = exp(-z * z);
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let p = 1.061_405_4;
    let p = p * t - 1.453_152;
    let p = p * t + 1.421_413_7;
    let p = p * t - 0.284_496_74;
    let p = p * t + 0.254_829_6;
    let tail = 0.5 * p * t * bell;
    let cumulated = if x < 0.0 { tail } else { 1.0 - tail };
    // 1 / sqrt(2 pi).
    (x * cumulated, cumulated + x * bell * 0.398_942_3)
}

/// GELU of every value of `slope` into `hidden`, and its slope in the value's place.
pub(super) fn gelu_all(slope: &mut [f32], hidden: &mut [f32]) {
    wide(|| {
        for (slope, hidden) in slope.iter_mut().zip(hidden) {
            (*hidden, *slope) = gelu(*slope);
        }
    });
}

const LANES: usize = 8;

/// Folds values in eight lanes, then the lanes: an order that does not depend on the machine.
#[inline(always)]
fn lanes(values: &[f32], start: f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [start; LANES];
    let mut whole = values.chunks_exact(LANES);
    for chunk in &mut whole {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum = join(*sum, *value);
        }
    }
    for (sum, value) in sums.iter_mut().zip(whole.remainder()) {
        *sum = join(*sum, *value);
    }
    let [a, b, c, d, e, f, g, h] = sums;
    join(join(join(a, b), join(c, d)), join(join(e, f), join(g, h)))
}

/// Sum.
#[inline(always)]
pub(super) fn sum(values: &[f32]) -> f32 {
    lanes(values, 0.0, |a, b| a + b)
}

/// Largest value; minus infinity of none.
#[inline(always)]
pub(super) fn largest(values: &[f32]) -> f32 {
    lanes(values, f32::NEG_INFINITY, |a, b| if b > a { b } else { a })
}

/// Sum of products.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (mut a, mut b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    for (a, b) in (&mut a).zip(&mut b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a.remainder()).zip(b.remainder()) {
        *sum += a * b;
    }
    sum(&sums)
}

/// The nearest whole number of a value below 2^22 in magnitude, halves to even.
#[inline(always)]
pub(super) fn round(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    (x + ROUND) - ROUND
}

/// Adds `b` to `a`.
#[inline(always)]
pub(super) fn add(a: &mut [f32], b: &[f32]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a += b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(from: f64, to: f64) -> impl Iterator<Item = f64> {
        (0..=200_000).map(move |at| f64::from((from + (to - from) * f64::from(at) / 2e5) as f32))
    }

    #[test]
    fn exp_is_within_2e_7_of_the_exact_one() {
        let worst = grid(-86.9, 87.9).fold(0.0_f64, |worst, x| {
            worst.max((f64::from(exp(x as f32)) / x.exp() - 1.0).abs())
        });
        assert!(worst < 2e-7, "{worst}");
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(-1e9) < 1e-37 && exp(1e9).is_finite());
    }

    #[test]
    fn gelu_and_its_slope_are_within_1e_6_of_the_exact_ones() {
        let (mut value, mut slope) = (0.0_f64, 0.0_f64);
        for x in grid(-9.0, 9.0) {
            let cdf = 0.5 * statrs::function::erf::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
            let pdf = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
            let (y, dy) = gelu(x as f32);
            value = value.max((f64::from(y) - x * cdf).abs());
            slope = slope.max((f64::from(dy) - cdf - x * pdf).abs());
        }
        assert!(value < 1e-6 && slope < 1e-6, "{value} {slope}");
    }

    #[test]
    fn lanes_leave_nothing_out() {
        for count in [0, 1, 7, 8, 9, 50] {
            let values: Vec<f32> = (0..count).map(|x| x as f32).collect();
            assert_eq!(sum(&values), (0..count).sum::<usize>() as f32);
            assert_eq!(
                dot(&values, &values),
                (0..count).map(|x| x * x).sum::<usize>() as f32
            );
            let top = count
                .checked_sub(1)
                .map_or(f32::NEG_INFINITY, |top| top as f32);
            assert_eq!(largest(&values), top);
        }
    }

    #[test]
    fn halves_round_to_even() {
        assert_eq!(
            [0.5, 1.5, 2.5, -0.5, -1.5, 30.4].map(round),
            [0.0, 2.0, 2.0, 0.0, -2.0, 30.0]
        );
    }
}
