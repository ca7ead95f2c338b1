//! The bootstrap over samples: how far a score would move with another draw of the samples.
//!
//! Percentile intervals (Efron 1979): the units are drawn with replacement, and the score is taken
//! of each draw. A difference of two scores is paired: both are taken of the same draws.

use crate::base::rng::{Purpose, Seed, Site};
use crate::hardware::quantise::percentile;

/// Draws of the units that an interval is made from.
pub const RESAMPLES: u64 = 1000;

/// Ends of an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// 2.5 % of the draws lie below.
    pub low: f64,
    /// 2.5 % of the draws lie above.
    pub high: f64,
}

/// The units of one draw: as many as there are, with replacement.
#[must_use]
pub fn resample(seed: Seed, draw: u64, units: usize) -> Vec<usize> {
    let mut stream = seed.stream(Purpose::Bootstrap, draw, Site(0, 0));
    let last = units.saturating_sub(1);
    (0..units)
        .map(|_| ((stream.uniform() * units as f64) as usize).min(last))
        .collect()
}

impl Interval {
    /// The middle 95 % of what the draws gave; none for no draws.
    #[must_use]
    pub fn of(draws: Vec<f64>) -> Option<Self> {
        Some(Self {
            low: percentile(draws.clone(), 2.5)?,
            high: percentile(draws, 97.5)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean of n numbers of standard deviation s has a standard error of s / sqrt(n).
    #[test]
    fn the_interval_of_a_mean_is_two_standard_errors_wide_each_way() {
        let values: Vec<f64> = (0..400).map(|at| f64::from(at * 37 % 400)).collect();
        let mean =
            |units: &[usize]| units.iter().map(|at| values[*at]).sum::<f64>() / units.len() as f64;
        let draws = (0..4000)
            .map(|draw| mean(&resample(Seed(5), draw, 400)))
            .collect();
        let interval = Interval::of(draws).unwrap();
        let error = (400.0_f64 * 400.0 / 12.0).sqrt() / 20.0;
        assert!(
            (interval.high - 199.5 - 1.96 * error).abs() < 0.12 * error,
            "{interval:?}"
        );
        assert!(
            (199.5 - interval.low - 1.96 * error).abs() < 0.12 * error,
            "{interval:?}"
        );
        assert_eq!(Interval::of(Vec::new()), None);
    }

    #[test]
    fn a_draw_is_the_same_again_and_another_one_is_another() {
        assert_eq!(resample(Seed(1), 3, 50), resample(Seed(1), 3, 50));
        assert_ne!(resample(Seed(1), 3, 50), resample(Seed(1), 4, 50));
        assert!(resample(Seed(1), 0, 0).is_empty());
    }
}
