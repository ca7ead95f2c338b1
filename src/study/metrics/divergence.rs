//! How far a row of the hardware lies from the float row.

/// KL divergence in nats of a distribution p from a distribution f, given (p, f) wherever p lies. Both sum to 1, so it is
/// the sum of `p ln(p / f) - p + f`, no term of which is below zero, and of f where p does not lie.
pub(super) fn divergence(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (mut sum, mut left) = (0.0, 1.0_f64);
    for (p, f) in pairs {
        left -= f;
        let log = if p > 0.0 { p * log_ratio(p, f) } else { 0.0 };
        sum += f64::max(log - (p - f), 0.0);
    }
    sum + left.max(0.0)
}

/// ln(p / f), to the last digits where they are nearly alike.
fn log_ratio(p: f64, f: f64) -> f64 {
    let excess = (p - f) / f;
    if excess.abs() < 0.5 {
        excess.ln_1p()
    } else {
        (p / f).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn divergence_is_that_of_the_textbook() {
        // 0.5 ln(5/9) + 0.5 ln 5; ln 2 where one of two equals is kept; ln 1e300.
        let half = divergence([(0.5, 0.9), (0.5, 0.1)].into_iter());
        assert!((half - 0.510_825_623_765_990_7).abs() < 1e-15, "{half}");
        let kept = divergence([(1.0, 0.5)].into_iter());
        assert!((kept - std::f64::consts::LN_2).abs() < 1e-15, "{kept}");
        let far = divergence([(1.0, 1e-300)].into_iter());
        assert!((far - 690.775_527_898_213_7).abs() < 1e-9, "{far}");
        // A survivor whose weight rounded to zero is no term of its own.
        let rounded = divergence([(1.0, 0.5), (0.0, 0.5)].into_iter());
        assert!((rounded - std::f64::consts::LN_2).abs() < 1e-15);
    }

    proptest! {
        /// p and f that differ by rounding, and p and f that differ.
        #[test]
        fn divergence_is_never_below_zero(
            weights in prop::collection::vec(1e-9..1.0_f64, 1..60),
            apart in prop_oneof![Just(0.0), 1e-17..1e-12_f64, 1e-12..0.9],
        ) {
            let sum: f64 = weights.iter().sum();
            let other: Vec<f64> = (0..).zip(&weights).map(|(at, w)| w * (1.0 + apart * f64::from(at % 3 - 1))).collect();
            let total: f64 = other.iter().sum();
            let pairs: Vec<(f64, f64)> = weights.iter().zip(&other).map(|(p, f)| (p / sum, f / total)).collect();
            let found = divergence(pairs.iter().copied());
            prop_assert!(found >= 0.0);
            let plain: f64 = pairs.iter().map(|(p, f)| p * (p / f).ln()).sum();
            prop_assert!((found - plain).abs() < 1e-13 + 1e-12 * plain, "{} for {}", found, plain);
        }
    }
}
