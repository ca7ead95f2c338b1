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

mod exponential;
mod lut;

pub use exponential::Exponential;
pub use lut::{Lut, Row};

use serde::{Deserialize, Serialize};

use crate::base::mistake::Mistakes;

/// The table of f.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Table {
    /// No table: f of the value itself.
    Exact {},
    /// `2^bits` entries; where the ramp has more steps the low bits of a difference are dropped.
    Entries {
        /// Bits of the index, 1 to 12.
        #[serde(default = "five")]
        bits: u32,
        /// Bits of an entry, 1 to 24.
        #[serde(default = "sixteen")]
        width: u32,
    },
}

const fn five() -> u32 {
    5
}

const fn sixteen() -> u32 {
    16
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

impl Reciprocal {
    fn of(self, sum: f64) -> f64 {
        let exact = 1.0 / sum;
        match self {
            Self::Exact {} => exact,
            Self::Bits(bits) => {
                let unit = (exact.log2().floor() + 1.0 - f64::from(bits)).exp2();
                (exact / unit).round_ties_even() * unit
            }
        }
    }
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
            table: Table::Entries {
                bits: five(),
                width: sixteen(),
            },
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A slope of zero would weigh all scores above the threshold alike, and a share of none or all has no threshold.
    #[test]
    fn ends_of_open_ranges_are_refused() {
        let of = |lambda: f64, above_percent: f64| {
            let params = SoftmaxParams {
                exponential: Exponential::SaturationApproximate {
                    lambda,
                    above_percent,
                },
                ..SoftmaxParams::default()
            };
            params.check().is_ok()
        };
        assert!(of(5.0, 1.0) && of(1e-9, 1e-9) && of(5.0, 99.9));
        for (lambda, above) in [(0.0, 1.0), (-1.0, 1.0), (5.0, 0.0), (5.0, 100.0)] {
            assert!(!of(lambda, above), "{lambda} {above}");
        }
    }
}
