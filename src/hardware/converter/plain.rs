//! The plain signed ADC behind A x V: mid-tread, `code = round(x / LSB)`, symmetric.

use serde::{Deserialize, Serialize};

use crate::base::mistake::Mistakes;
use crate::hardware::quantise::round_even;

/// `[av] adc`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum AdcParams {
    /// No quantisation and no noise of its own.
    Exact {},
    /// A uniform converter.
    Uniform {
        /// Bits with the sign, 2 to 16.
        #[serde(default = "eight")]
        bits: u32,
        /// Full scale: this percentile of what partial sums reach over calibration queries, in percent.
        #[serde(default = "all")]
        percentile: f64,
        /// What a sum reaches: its magnitude and so many standard deviations of what cells add to it by
        /// mismatch, programming, drift and read noise; 0 leaves no room for noise. Derived: at 4, of sums as large
        /// as the largest one in 30 000 is cut, and the least error of 8 bits on a normal quantity lies near 4.
        #[serde(default = "four")]
        noise_margin: f64,
    },
}

impl Default for AdcParams {
    fn default() -> Self {
        Self::Uniform {
            bits: eight(),
            percentile: all(),
            noise_margin: four(),
        }
    }
}

const fn eight() -> u32 {
    8
}

const fn all() -> f64 {
    100.0
}

const fn four() -> f64 {
    4.0
}

/// A checked converter; its full scale is known after calibration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlainAdc {
    /// Value of one code.
    pub lsb: f64,
    /// Largest code.
    pub max: f64,
}

impl AdcParams {
    /// The same parameters, if they can be built.
    ///
    /// # Errors
    /// Bits outside 2..=16, a percentile outside 50..=100, a margin outside 0..=10.
    pub fn check(self) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        if let Self::Uniform {
            bits,
            percentile,
            noise_margin,
        } = self
        {
            mistakes.require(
                (2..=16).contains(&bits),
                "uniform.bits",
                bits,
                "must be from 2 to 16",
                "write for instance 8, or `exact = {}`",
            );
            mistakes.require(
                (50.0..=100.0).contains(&percentile),
                "uniform.percentile",
                percentile,
                "must be from 50 to 100",
                "write for instance 99.9",
            );
            mistakes.require(
                (0.0..=10.0).contains(&noise_margin),
                "uniform.noise_margin",
                noise_margin,
                "must be from 0 to 10 standard deviations",
                "write for instance 4",
            );
        }
        mistakes.or(|| self)
    }

    /// The converter whose largest code stands for `full_scale`.
    #[must_use]
    pub fn fit(self, full_scale: f64) -> Option<PlainAdc> {
        match self {
            Self::Exact {} => None,
            Self::Uniform { bits, .. } => {
                let max = f64::from((1_u32 << (bits - 1)) - 1);
                let full_scale = if full_scale > 0.0 { full_scale } else { 1.0 };
                Some(PlainAdc {
                    lsb: full_scale / max,
                    max,
                })
            }
        }
    }
}

impl PlainAdc {
    /// Whether `value` lies beyond the largest code: more than half an LSB above the full scale.
    #[must_use]
    pub fn is_beyond(&self, value: f64) -> bool {
        value.abs() > (self.max + 0.5) * self.lsb
    }

    /// What the converter reads for `value`, with `noise` in LSB.
    #[must_use]
    pub fn convert(&self, value: f64, noise: f64) -> f64 {
        let code = (value / self.lsb + noise).clamp(-self.max, self.max);
        round_even(code) * self.lsb
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_symmetric_and_clamp() {
        let adc = AdcParams::Uniform {
            bits: 4,
            percentile: 100.0,
            noise_margin: 0.0,
        }
        .fit(7.0)
        .unwrap();
        assert_eq!(
            [0.4, -0.6, 7.9, -99.0].map(|x| adc.convert(x, 0.0)),
            [0.0, -1.0, 7.0, -7.0]
        );
        assert_eq!(
            [7.4, -7.4, 7.6, -7.6].map(|x| adc.is_beyond(x)),
            [false, false, true, true]
        );
    }

    #[test]
    fn error_is_half_an_lsb_at_most_inside_the_range() {
        let adc = AdcParams::Uniform {
            bits: 6,
            percentile: 100.0,
            noise_margin: 0.0,
        }
        .fit(3.0)
        .unwrap();
        for step in -300..=300 {
            let x = f64::from(step) / 100.0;
            assert!((adc.convert(x, 0.0) - x).abs() <= adc.lsb / 2.0 + 1e-12);
        }
    }
}
