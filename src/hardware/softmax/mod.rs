//! The softmax macro: only survivors enter, as step differences, so there is no find-max pass.
//!
//! `e_i = f(trip_i - trip_min)` from a table of `2^bits` entries loaded once a head, one sum, one
//! reciprocal. The sum is of table values before A is rounded. With `row-max`, A is quantised with
//! the row's largest e as full scale and the reciprocal is applied after A x V; with `unit` the
//! probabilities themselves are quantised with full scale 1.
//!
//! Variants of f: `exact` e^x · `base-2` 2^(x log2 e) with 2^fraction by chords · `i-bert` the
//! second-order polynomial of I-BERT (Kim et al., ICML 2021) · `saturation-approximate` e^x up to a
//! threshold score and its tangent times lambda above it (SA-softmax, SOCC 2024), which needs the
//! score itself and not a difference.

use serde::{Deserialize, Serialize};

use crate::base::mistake::Mistakes;

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

/// The table of f.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Table {
    /// No table: f of the value itself.
    Exact {},
    /// `2^bits` entries; where the ramp has more steps the low bits of a difference are dropped.
    Entries {
        /// Bits of the index, 1 to 12.
        bits: u32,
        /// Bits of an entry, 1 to 24.
        width: u32,
    },
}

/// How attention weights enter A x V.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Weights {
    /// Not quantised.
    Exact {},
    /// Codes 0..=max_code with the row's largest weight as full scale.
    RowMax {
        /// Largest code.
        max_code: u32,
    },
    /// Codes 0..=max_code with 1 as full scale.
    Unit {
        /// Largest code.
        max_code: u32,
    },
}

/// The one reciprocal of a row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Reciprocal {
    /// Not rounded.
    Exact {},
    /// Rounded to this many significant bits, 2 to 32.
    Bits(u32),
}

/// `[softmax]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SoftmaxParams {
    /// The exponential.
    pub exponential: Exponential,
    /// Its table.
    pub table: Table,
    /// How the weights enter A x V.
    pub weights: Weights,
    /// The reciprocal.
    pub reciprocal: Reciprocal,
}

impl Default for SoftmaxParams {
    fn default() -> Self {
        Self {
            exponential: Exponential::Exact {},
            table: Table::Entries { bits: 5, width: 16 },
            weights: Weights::RowMax { max_code: 31 },
            reciprocal: Reciprocal::Bits(16),
        }
    }
}

impl SoftmaxParams {
    /// The same parameters, if they can be built.
    ///
    /// # Errors
    /// Widths and codes outside their ranges, a lambda or share that is no number above zero.
    pub fn check(&self) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        let mut range = |key: &str, value: u32, low: u32, high: u32| {
            mistakes.require(
                (low..=high).contains(&value),
                key,
                value,
                format!("must be from {low} to {high}"),
                "write a number in that range, or `exact = {}` in its place",
            );
        };
        if let Table::Entries { bits, width } = self.table {
            range("table.entries.bits", bits, 1, 12);
            range("table.entries.width", width, 1, 24);
        }
        match self.weights {
            Weights::Exact {} => {}
            Weights::RowMax { max_code } => range("weights.row-max.max_code", max_code, 1, 65_535),
            Weights::Unit { max_code } => range("weights.unit.max_code", max_code, 1, 65_535),
        }
        if let Reciprocal::Bits(bits) = self.reciprocal {
            range("reciprocal.bits", bits, 2, 32);
        }
        match self.exponential {
            Exponential::Base2 { segments } => {
                range("exponential.base2.segments", segments, 1, 1024)
            }
            Exponential::SaturationApproximate {
                lambda,
                above_percent,
            } => {
                mistakes.require(
                    lambda > 0.0 && lambda.is_finite(),
                    "exponential.saturation-approximate.lambda",
                    lambda,
                    "must be a finite number above zero",
                    "the publication uses 5",
                );
                mistakes.require(
                    above_percent > 0.0 && above_percent < 100.0,
                    "exponential.saturation-approximate.above_percent",
                    above_percent,
                    "must be above 0 and below 100",
                    "the publication uses 1",
                );
            }
            Exponential::Exact {} | Exponential::IBert {} => {}
        }
        mistakes.or(|| *self)
    }

    /// Largest code that drives A x V; that of 5 bits where the weights are exact.
    #[must_use]
    pub const fn max_code(&self) -> u32 {
        match self.weights {
            Weights::Exact {} => 31,
            Weights::RowMax { max_code } | Weights::Unit { max_code } => max_code,
        }
    }

    /// Whether the reciprocal is multiplied with the output instead of each weight.
    #[must_use]
    pub const fn divides_after_av(&self) -> bool {
        !matches!(self.weights, Weights::Unit { .. })
    }

    /// Share of calibration scores, in percent, below the threshold that the exponential needs.
    #[must_use]
    pub fn threshold_percentile(&self) -> Option<f64> {
        match self.exponential {
            Exponential::SaturationApproximate { above_percent, .. } => Some(100.0 - above_percent),
            _ => None,
        }
    }
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

/// The macro with the table of one head.
#[derive(Clone, Debug, PartialEq)]
pub struct Lut {
    params: SoftmaxParams,
    /// Score of one LSB of the ramp.
    lsb: f64,
    /// Score of the ramp's start minus the threshold, for an exponential that needs the score.
    start: Option<f64>,
    entries: Vec<f64>,
    /// Steps of the ramp a table entry stands for.
    stride: f64,
}

/// One row after the macro.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Probabilities from table values and their sum, before A is rounded.
    pub probabilities: Vec<f64>,
    /// What drives A x V: codes, or the weights themselves if exact.
    pub codes: Vec<f64>,
    /// What the sum over codes is multiplied with.
    pub gain: f64,
    /// Probability mass whose code is zero.
    pub underflow: f64,
}

impl SoftmaxParams {
    /// Loads the table of a head: `full_scale` and `lsb` of its ramp in scores, `ramp_bits` of the
    /// codes, and the threshold score where the exponential needs one.
    #[must_use]
    pub fn load(&self, full_scale: f64, lsb: f64, ramp_bits: u32, threshold: Option<f64>) -> Lut {
        let start = threshold.map(|threshold| full_scale - threshold);
        let (stride, entries) = match self.table {
            Table::Exact {} => (1.0, Vec::new()),
            Table::Entries { bits, width } => {
                let stride = f64::from(1_u32 << ramp_bits.saturating_sub(bits));
                let levels = f64::from((1_u32 << width) - 1);
                let value = |index: u32| {
                    self.exponential
                        .of(start.unwrap_or(0.0) - f64::from(index) * stride * lsb)
                };
                let top = value(0).max(1e-300);
                let entry = |index| (value(index) / top * levels).round_ties_even() / levels;
                (stride, (0..1_u32 << bits).map(entry).collect())
            }
        };
        Lut {
            params: *self,
            lsb,
            start,
            entries,
            stride,
        }
    }
}

impl Lut {
    /// Entries that a load writes.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries.len()
    }

    /// A row from the survivors' depths below the ramp's start, in LSB.
    #[must_use]
    pub fn row(&self, depths: &[f64]) -> Row {
        let smallest = depths.iter().copied().fold(f64::INFINITY, f64::min);
        let values: Vec<f64> = depths
            .iter()
            .map(|depth| {
                let below = if self.start.is_some() {
                    *depth
                } else {
                    depth - smallest
                };
                if self.entries.is_empty() {
                    return self
                        .params
                        .exponential
                        .of(self.start.unwrap_or(0.0) - below * self.lsb);
                }
                let index = (below.max(0.0) / self.stride) as usize;
                self.entries[index.min(self.entries.len() - 1)]
            })
            .collect();
        let sum: f64 = values.iter().sum();
        if sum.is_nan() || sum <= 0.0 {
            // Every table value rounded to zero: nothing drives A x V.
            return Row {
                probabilities: vec![0.0; values.len()],
                codes: vec![0.0; values.len()],
                gain: 0.0,
                underflow: 1.0,
            };
        }
        let reciprocal = match self.params.reciprocal {
            Reciprocal::Exact {} => 1.0 / sum,
            Reciprocal::Bits(bits) => {
                let exact = 1.0 / sum;
                let unit = (exact.log2().floor() + 1.0 - f64::from(bits)).exp2();
                (exact / unit).round_ties_even() * unit
            }
        };
        let largest = values.iter().copied().fold(0.0, f64::max);
        let (codes, gain): (Vec<f64>, f64) = match self.params.weights {
            Weights::Exact {} => (values.clone(), reciprocal),
            Weights::RowMax { max_code } => {
                let max = f64::from(max_code);
                let codes = values.iter().map(|e| (e / largest * max).round_ties_even());
                (codes.collect(), largest / max * reciprocal)
            }
            Weights::Unit { max_code } => {
                let max = f64::from(max_code);
                let codes = values
                    .iter()
                    .map(|e| (e * reciprocal * max).round_ties_even());
                (codes.collect(), 1.0 / max)
            }
        };
        let probabilities: Vec<f64> = values.iter().map(|e| e / sum).collect();
        let lost = probabilities
            .iter()
            .zip(&codes)
            .filter(|(_, code)| **code == 0.0);
        Row {
            underflow: lost.map(|(p, _)| p).sum(),
            probabilities,
            codes,
            gain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact() -> SoftmaxParams {
        SoftmaxParams {
            exponential: Exponential::Exact {},
            table: Table::Exact {},
            weights: Weights::Exact {},
            reciprocal: Reciprocal::Exact {},
        }
    }

    #[test]
    fn exact_row_is_the_softmax() {
        let row = exact().load(6.0, 0.5, 5, None).row(&[4.0, 6.0, 10.0]);
        let e: Vec<f64> = [0.0_f64, -1.0, -3.0].iter().map(|x| x.exp()).collect();
        let sum: f64 = e.iter().sum();
        for (p, e) in row.probabilities.iter().zip(&e) {
            assert!((p - e / sum).abs() < 1e-15);
        }
        assert!((row.gain * row.codes[0] - 1.0 / sum).abs() < 1e-15);
    }

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
    fn saturation_pieces_meet_at_the_threshold() {
        let sa = Exponential::SaturationApproximate {
            lambda: 5.0,
            above_percent: 1.0,
        };
        assert!((sa.of(1e-9) - sa.of(-1e-9)).abs() < 1e-7);
        assert_eq!(sa.of(2.0), 11.0);
    }

    #[test]
    fn small_weights_underflow_and_are_counted() {
        let params = SoftmaxParams {
            weights: Weights::RowMax { max_code: 31 },
            ..exact()
        };
        let row = params.load(6.0, 1.0, 5, None).row(&[1.0, 2.0, 9.0]);
        assert_eq!(row.codes, [31.0, 11.0, 0.0]);
        assert!((row.underflow - row.probabilities[2]).abs() < 1e-15);
        let unit = SoftmaxParams {
            weights: Weights::Unit { max_code: 31 },
            ..exact()
        };
        assert_eq!(
            unit.load(6.0, 1.0, 5, None).row(&[1.0, 2.0, 9.0]).codes,
            [23.0, 8.0, 0.0]
        );
    }

    #[test]
    fn a_table_drops_the_low_bits_of_a_finer_ramp() {
        let params = SoftmaxParams {
            table: Table::Entries { bits: 5, width: 24 },
            ..exact()
        };
        let fine = params
            .load(8.0, 8.0 / 512.0, 9, None)
            .row(&[1.0, 17.0, 31.0]);
        assert_eq!(
            fine.probabilities[1],
            fine.probabilities[2].max(fine.probabilities[1])
        );
        assert!(fine.probabilities[0] > fine.probabilities[1]);
    }
}
