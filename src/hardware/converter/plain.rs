//! The plain signed ADC behind A x V: mid-tread, `code = round(x / LSB)`, symmetric.

use serde::{Deserialize, Serialize};

use super::sar::{OwnCost, SAR_BITS, SAR_SUPPLY, sar_cost};
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::base::units::{Picos, Volts};
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
    /// The same converter with an energy and a time of its own, by bits and supply: successive approximation on
    /// capacitors ([`sar_cost`]). One a column where `columns_per_adc` is 1.
    Sar {
        /// Bits with the sign, 2 to 16.
        #[serde(default = "eight")]
        bits: u32,
        /// As of `uniform`.
        #[serde(default = "all")]
        percentile: f64,
        /// As of `uniform`.
        #[serde(default = "four")]
        noise_margin: f64,
        /// Supply, from 0.1 to 5 V.
        #[serde(default = "supply")]
        supply: Volts,
        /// Time of one bit, above zero.
        #[serde(default = "cycle")]
        cycle: Picos,
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

fn supply() -> Volts {
    Volts::from_si(0.85)
}

const fn cycle() -> Picos {
    Picos::new(1790)
}

/// What makes the full scale and the codes of a converter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coding {
    /// Bits with the sign.
    pub bits: u32,
    /// Which percentile of what sums reach is the full scale.
    pub percentile: f64,
    /// Standard deviations that sums reach beyond what they are.
    pub noise_margin: f64,
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
    /// Bits outside 2..=16, a percentile outside 50..=100, a margin outside 0..=10, a supply or a cycle of no circuit.
    pub fn check(self) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        let m = &mut mistakes;
        let name = self.name();
        if let Some(coding) = self.coding() {
            m.require(
                (2..=16).contains(&coding.bits),
                &format!("{name}.bits"),
                coding.bits,
                "must be from 2 to 16",
                "write for instance 8, or `exact = {}`",
            );
            m.require(
                (50.0..=100.0).contains(&coding.percentile),
                &format!("{name}.percentile"),
                coding.percentile,
                "must be from 50 to 100",
                "write for instance 99.9",
            );
            m.require(
                (0.0..=10.0).contains(&coding.noise_margin),
                &format!("{name}.noise_margin"),
                coding.noise_margin,
                "must be from 0 to 10 standard deviations",
                "write for instance 4",
            );
        }
        if let Self::Sar { supply, cycle, .. } = self {
            m.require(
                (0.1..=5.0).contains(&supply.si()),
                "sar.supply",
                supply,
                "must be from 0.1 V to 5 V",
                "write for instance \"0.85 V\"",
            );
            m.require(
                (1..=1_000_000).contains(&cycle.get()),
                "sar.cycle",
                cycle,
                "must be from 1 ps to 1 us, the time of one bit",
                "write for instance \"1790 ps\"",
            );
        }
        mistakes.or(|| self)
    }

    /// Its name in a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact {} => "exact",
            Self::Uniform { .. } => "uniform",
            Self::Sar { .. } => "sar",
        }
    }

    /// How it codes; nothing where it does not quantise.
    #[must_use]
    pub const fn coding(self) -> Option<Coding> {
        match self {
            Self::Exact {} => None,
            Self::Uniform {
                bits,
                percentile,
                noise_margin,
            }
            | Self::Sar {
                bits,
                percentile,
                noise_margin,
                ..
            } => Some(Coding {
                bits,
                percentile,
                noise_margin,
            }),
        }
    }

    /// What a conversion takes, where the converter answers for it and not the price list of a device.
    #[must_use]
    pub fn own_cost(self) -> Option<OwnCost> {
        match self {
            Self::Exact {} | Self::Uniform { .. } => None,
            Self::Sar {
                bits,
                supply,
                cycle,
                ..
            } => Some(sar_cost(bits, supply, cycle)),
        }
    }

    /// Says where the converter's own cost lies beyond what it was compared with.
    pub fn tell(self, notices: &mut Notices) {
        if let Self::Sar { bits, supply, .. } = self
            && !(SAR_BITS.contains(&bits) && SAR_SUPPLY.contains(&supply.si()))
        {
            notices.warn(format!(
                "av.tiles.adc.sar: {bits} bits at {supply}: the law of its energy was compared with chips of {} to {} bits at {} to {} V, and is an extrapolation here",
                SAR_BITS.start(),
                SAR_BITS.end(),
                SAR_SUPPLY.start(),
                SAR_SUPPLY.end()
            ));
        }
    }

    /// The converter whose largest code stands for `full_scale`.
    #[must_use]
    pub fn fit(self, full_scale: f64) -> Option<PlainAdc> {
        let coding = self.coding()?;
        let max = f64::from((1_u32 << (coding.bits - 1)) - 1);
        let full_scale = if full_scale > 0.0 { full_scale } else { 1.0 };
        Some(PlainAdc {
            lsb: full_scale / max,
            max,
        })
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
