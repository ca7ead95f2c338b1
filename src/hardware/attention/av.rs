//! `[av]`: where A x V is computed, and the converter that reads it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::energy::Price;
use crate::base::mistake::Mistakes;
use crate::base::sourced::Sourced;
use crate::hardware::converter::AdcParams;
use crate::hardware::device::Device;
use crate::hardware::events::{Action, Stated};

/// `[av]`: the tiles of A x V.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum AvParams {
    /// Digital: codes times codes, no tile and no noise. It is not free: a product pays for a multiplication and an
    /// addition (2.86 pJ with the shipped prices), but takes no time: no circuit is
    /// assumed for it.
    Ideal {},
    /// On tiles, tokens along the wordlines.
    Tiles {
        /// Rows of a tile.
        #[serde(default = "wordlines")]
        wordlines: usize,
        /// The ADC of each column's partial sum.
        #[serde(default)]
        adc: AdcParams,
        /// Columns that share an ADC; a matter of time, not of value.
        #[serde(default = "columns_per_adc")]
        columns_per_adc: usize,
    },
}

const fn wordlines() -> usize {
    256
}

const fn columns_per_adc() -> usize {
    8
}

impl Default for AvParams {
    fn default() -> Self {
        Self::Tiles {
            wordlines: wordlines(),
            adc: AdcParams::default(),
            columns_per_adc: columns_per_adc(),
        }
    }
}

impl AvParams {
    /// The converter of the tiles.
    #[must_use]
    pub const fn adc(&self) -> Option<AdcParams> {
        match self {
            Self::Ideal {} => None,
            Self::Tiles { adc, .. } => Some(*adc),
        }
    }

    /// The device with what its converter answers for itself in place of what its file has for it.
    pub(super) fn on(&self, device: &Device) -> Device {
        let mut device = device.clone();
        if let Some(own) = self.adc().and_then(AdcParams::own_cost) {
            let [energy, low, high] = own.energy;
            let price = Price {
                energy,
                low,
                high,
                node: own.node.to_owned(),
                voltage: own.voltage,
                source: own.source.to_owned(),
                contains: Vec::new(),
                stated: Stated::default(),
            };
            device.prices = Arc::new(device.prices.with(Action::AdcConversion, price));
            device.timing.adc_conversion = Sourced {
                source: own.source.to_owned(),
                ..Sourced::bare(own.time)
            };
        }
        device
    }

    pub(super) fn check(&self, m: &mut Mistakes) {
        if let AvParams::Tiles {
            wordlines,
            adc,
            columns_per_adc,
        } = self
        {
            m.keep("av.tiles.adc", adc.check());
            for (key, value) in [
                ("wordlines", wordlines),
                ("columns_per_adc", columns_per_adc),
            ] {
                m.require(
                    (1..=65_536).contains(value),
                    &format!("av.tiles.{key}"),
                    value,
                    "must be from 1 to 65536",
                    "write for instance 256 wordlines and 8 columns an ADC",
                );
            }
        }
    }
}
