//! The normal distribution function, fast enough to be asked for every pair of a row.

use statrs::function::erf::erfc;

/// Beyond so many standard deviations below a level a column is taken not to reach it (1e-15).
const FAR: f64 = 8.0;

/// P(X < x) of a standard normal, by cubic pieces of 1/64 between values of `erfc`; error below 1e-10.
#[derive(Debug)]
pub(super) struct Normal(Vec<[f64; 4]>);

impl Normal {
    const PIECES: f64 = 64.0;

    pub fn new() -> Self {
        let at = |piece: u32| {
            let x = f64::from(piece) / Self::PIECES - FAR;
            let density = (-x * x / 2.0).exp() / (std::f64::consts::TAU.sqrt() * Self::PIECES);
            [0.5 * erfc(-x * std::f64::consts::FRAC_1_SQRT_2), density]
        };
        // Values and slopes agree at both ends of a piece.
        let piece = |piece: u32| {
            let ([a, da], [b, db]) = (at(piece), at(piece + 1));
            let (square, cubic) = (3.0 * (b - a) - 2.0 * da - db, da + db - 2.0 * (b - a));
            [a, da, square, cubic]
        };
        Self((0..=(2.0 * FAR * Self::PIECES) as u32).map(piece).collect())
    }

    pub fn below(&self, x: f64) -> f64 {
        if x.is_nan() || x <= -FAR {
            return 0.0;
        }
        if x >= FAR {
            return 1.0;
        }
        let at = (x + FAR) * Self::PIECES;
        let piece = at as usize;
        let t = at - piece as f64;
        let [a, slope, square, cubic] = self.0[piece];
        ((cubic * t + square) * t + slope) * t + a
    }
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
