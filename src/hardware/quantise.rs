//! Quantisers of the operands: one static scale a head and operand, from calibration rows.
//!
//! A scale per column would make the ramp compare unlike things, so there is one for the whole
//! operand. `code = round_half_even(x / scale)`, clamped to `-max_code ..= max_code`.

use serde::{Deserialize, Serialize};

use crate::base::mistake::Mistakes;

/// Operands are matrices of `f64`; each room says what its rows and columns are.
pub type Matrix = nalgebra::DMatrix<f64>;

/// Which magnitude of the calibration rows becomes the largest code.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Clip {
    /// The largest magnitude.
    AbsMax {},
    /// A percentile of the magnitudes, in percent, linearly interpolated; what lies above is clipped.
    Percentile(f64),
}

/// How one operand becomes codes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Quantiser {
    /// No quantisation: the operand is taken as it is.
    Exact {},
    /// Signed integers `-max_code ..= max_code`.
    Uniform {
        /// Largest magnitude of a code.
        max_code: u32,
        /// Which calibration magnitude it stands for.
        #[serde(default = "abs_max")]
        clip: Clip,
    },
}

const fn abs_max() -> Clip {
    Clip::AbsMax {}
}

/// Largest codes of the paper's head: what an exact operand is scaled to.
pub const NOMINAL_Q: u32 = 31;
/// See [`NOMINAL_Q`].
pub const NOMINAL_K: u32 = 7;
/// See [`NOMINAL_Q`].
pub const NOMINAL_V: u32 = 15;

/// `[quantise]`: the three operands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuantiseParams {
    /// Queries. 31 magnitude levels give the published pulse of 62 ns; 15 is 5 bits with the sign inside.
    pub q: Quantiser,
    /// Keys: 15 levels, -7..7, in the paper.
    pub k: Quantiser,
    /// Values: 5 bits, sign and magnitude.
    pub v: Quantiser,
}

impl Default for QuantiseParams {
    fn default() -> Self {
        let uniform = |max_code| Quantiser::Uniform {
            max_code,
            clip: abs_max(),
        };
        Self {
            q: uniform(31),
            k: uniform(7),
            v: uniform(15),
        }
    }
}

impl QuantiseParams {
    /// The parameters, if they can be built.
    ///
    /// # Errors
    /// Every `max_code` outside 1..=32767 and every percentile outside 50..=100.
    pub fn check(&self) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        for (key, quantiser) in [("q", self.q), ("k", self.k), ("v", self.v)] {
            if let Quantiser::Uniform { max_code, clip } = quantiser {
                mistakes.require(
                    (1..=32_767).contains(&max_code),
                    &format!("{key}.uniform.max_code"),
                    max_code,
                    "the largest code must be from 1 to 32767 (16 bits with the sign)",
                    "write for instance 31, or `exact = {}` to leave the operand as it is",
                );
                if let Clip::Percentile(percent) = clip {
                    mistakes.require(
                        (50.0..=100.0).contains(&percent),
                        &format!("{key}.uniform.clip.percentile"),
                        percent,
                        "a clip percentile must be from 50 to 100",
                        "write for instance 99.9, or `abs-max = {}`",
                    );
                }
            }
        }
        mistakes.or(|| *self)
    }
}

/// A quantiser whose scale is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Value of one code.
    pub unit: f64,
    /// Largest magnitude of a code; nominal for an exact operand.
    pub max: f64,
    rounds: bool,
}

impl Quantiser {
    /// Fits the scale to calibration values. Where the largest that counts is zero, the unit is zero as well and no
    /// value has a code: a caller refuses such rows. An exact operand is scaled to the `nominal` largest code without rounding, so that charges and weight levels mean
    /// the same as in the quantised hardware.
    #[must_use]
    pub fn fit(self, calibration: &[f64], nominal: u32) -> Scale {
        let (max, clip, rounds) = match self {
            Self::Exact {} => (f64::from(nominal), abs_max(), false),
            Self::Uniform { max_code, clip } => (f64::from(max_code), clip, true),
        };
        let largest = match clip {
            Clip::AbsMax {} => calibration.iter().fold(0.0_f64, |top, x| top.max(x.abs())),
            Clip::Percentile(percent) => {
                percentile(calibration.iter().map(|x| x.abs()).collect(), percent).unwrap_or(0.0)
            }
        };
        Scale {
            unit: largest / max,
            max,
            rounds,
        }
    }

    /// Largest magnitude of a code, if the operand is quantised at all.
    #[must_use]
    pub const fn max_code(self) -> Option<u32> {
        match self {
            Self::Exact {} => None,
            Self::Uniform { max_code, .. } => Some(max_code),
        }
    }
}

impl Scale {
    /// The code of a value: an integer, except for an exact operand.
    #[must_use]
    pub fn code(&self, value: f64) -> f64 {
        let code = value / self.unit;
        if self.rounds {
            round_even(code.clamp(-self.max, self.max))
        } else {
            code
        }
    }

    /// The codes of a matrix.
    #[must_use]
    pub fn codes(&self, values: &Matrix) -> Matrix {
        values.map(|value| self.code(value))
    }
}

/// Half to even, for magnitudes below 2^51: adding and taking away 1.5 x 2^52 rounds as the processor does for
/// every sum. `round_ties_even` is a call without SSE4.1.
#[must_use]
pub const fn round_even(value: f64) -> f64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    ((value + SHIFT) - SHIFT).copysign(value)
}

/// The percentile of a set by linear interpolation between order statistics (as numpy's default),
/// `percent` in 0..=100. `None` for an empty set.
#[must_use]
pub fn percentile(mut values: Vec<f64>, percent: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let position = percent / 100.0 * last as f64;
    let below = (position.floor() as usize).min(last);
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = above.iter().copied().fold(f64::INFINITY, f64::min);
    let share = position - below as f64;
    Some(if share > 0.0 && high.is_finite() {
        low + share * (high - low)
    } else {
        low
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_half_to_even_and_clamp() {
        let scale = Quantiser::Uniform {
            max_code: 7,
            clip: abs_max(),
        }
        .fit(&[7.0, -3.0], 7);
        let codes: Vec<f64> = [0.5, 1.5, 2.5, -0.5, 9.0, -9.0]
            .map(|x| scale.code(x))
            .to_vec();
        assert_eq!(codes, [0.0, 2.0, 2.0, -0.0, 7.0, -7.0]);
    }

    #[test]
    fn percentile_interpolates_as_numpy_does() {
        let of = |percent| percentile(vec![4.0, 1.0, 3.0, 2.0], percent).unwrap();
        assert_eq!([of(0.0), of(50.0), of(100.0)], [1.0, 2.5, 4.0]);
        assert!((of(99.9) - 3.997).abs() < 1e-12);
        assert_eq!(percentile(vec![], 50.0), None);
    }

    #[test]
    fn exact_operand_comes_back() {
        let scale = Quantiser::Exact {}.fit(&[0.3, -12.7], 31);
        assert!((scale.code(-3.3) * scale.unit + 3.3).abs() < 1e-15);
    }

    #[test]
    fn a_bad_quantiser_is_named() {
        let params = QuantiseParams {
            q: Quantiser::Uniform {
                max_code: 0,
                clip: Clip::Percentile(f64::NAN),
            },
            ..QuantiseParams::default()
        };
        let mistakes = params.check().unwrap_err();
        assert_eq!(mistakes.0.len(), 2);
        assert_eq!(mistakes.0[0].key, "q.uniform.max_code");
    }
}
