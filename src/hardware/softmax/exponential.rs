//! The exponential and what hardware puts in its place.

use serde::{Deserialize, Serialize};

/// The exponential.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Exponential {
    /// e^x.
    Exact {},
    /// 2^y, y = x log2 e, with the fraction's power by `segments` chords (Softermax uses 4).
    Base2 {
        /// Chords over one octave.
        #[serde(default = "four")]
        segments: u32,
    },
    /// 2^-z (0.3585 (p + 1.353)^2 + 0.344), x = -z ln 2 + p, p in (-ln 2, 0].
    IBert {},
    /// e^t up to t = 0, 1 + lambda t above, t = score - threshold.
    SaturationApproximate {
        /// Slope above the threshold.
        lambda: f64,
        /// Share of calibration scores above the threshold, in percent.
        above_percent: f64,
    },
}

const fn four() -> u32 {
    4
}

impl Exponential {
    /// f(x); x is at most 0 for all but the saturation-approximate one.
    #[must_use]
    pub fn of(self, x: f64) -> f64 {
        match self {
            Self::Exact {} => x.exp(),
            Self::Base2 { segments } => {
                let y = x * std::f64::consts::LOG2_E;
                let whole = y.floor();
                let n = f64::from(segments);
                let position = (y - whole) * n;
                let low = position.floor();
                let chord = |at: f64| (at / n).exp2();
                let mantissa = chord(low) + (position - low) * (chord(low + 1.0) - chord(low));
                mantissa * whole.exp2()
            }
            Self::IBert {} => {
                let z = (-x / std::f64::consts::LN_2).floor();
                let p = x + z * std::f64::consts::LN_2;
                (0.3585 * (p + 1.353).powi(2) + 0.344) * (-z).exp2()
            }
            Self::SaturationApproximate { lambda, .. } => {
                if x > 0.0 {
                    1.0 + lambda * x
                } else {
                    x.exp()
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_stay_within_their_published_error() {
        for step in 0..4000 {
            let x = -f64::from(step) / 400.0;
            let e = x.exp();
            // Chords over a quarter octave are high by at most 0.4 %; I-BERT, with the
            // four digits of its coefficients that are printed, is within 2.13e-3 (1.9e-3 published).
            assert!((Exponential::Base2 { segments: 4 }.of(x) / e - 1.0).abs() < 4e-3);
            assert!((Exponential::IBert {}.of(x) - e).abs() < 2.13e-3, "{x}");
        }
    }

    #[test]
    fn an_octave_has_four_segments_if_nothing_is_said() {
        #[derive(Deserialize)]
        struct Written {
            exponential: Exponential,
        }
        let read: Written = toml::from_str("exponential = { base2 = {} }").unwrap();
        assert_eq!(read.exponential, Exponential::Base2 { segments: 4 });
    }

    #[test]
    fn saturation_pieces_meet_at_the_threshold() {
        let sa = Exponential::SaturationApproximate {
            lambda: 5.0,
            above_percent: 1.0,
        };
        assert!((sa.of(1e-9) - sa.of(-1e-9)).abs() < 1e-7);
        assert_eq!(sa.of(2.0), 11.0);
    }
}
