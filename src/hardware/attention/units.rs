//! What hardware a row of a table assumes, and whether its trials differ.

use super::{Attention, Datapath, Sort};
use crate::hardware::device::{Drift, Effect};
use crate::hardware::timing::RowTime;
use crate::hardware::topk::Topk;

/// What a design has of what works side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Units {
    /// Key tiles that are driven.
    pub key_tiles: usize,
    /// Value tiles.
    pub value_tiles: usize,
    /// Digital sorters.
    pub sorters: usize,
    /// Lanes of all softmax macros.
    pub softmax_lanes: usize,
}

impl Attention {
    /// What works side by side for one row of this design.
    #[must_use]
    pub fn units(&self, datapath: Datapath) -> Units {
        let tiles = self.crossbar.tiles().len();
        let global = Datapath::DigitalTopk {
            sort: Sort::Global {},
        };
        let shares = datapath != (Datapath::Conventional {}) && datapath != global;
        let driven = |topk: &Topk| topk.quota.iter().filter(|places| **places > 0).count();
        let key_tiles = if shares {
            self.topk.iter().map(driven).max().unwrap_or(tiles)
        } else {
            tiles
        };
        let switches = self.timing.switches();
        let each = match switches.row {
            RowTime::SlowestTile {} => key_tiles,
            RowTime::WholeRow {} => 1,
        };
        Units {
            key_tiles,
            value_tiles: self.values.as_ref().map_or(0, |values| values.tiles.len()),
            sorters: match datapath {
                Datapath::DigitalTopk { .. } if datapath == global => 1,
                Datapath::DigitalTopk { .. } => each,
                _ => 0,
            },
            // What a sort over the whole row leaves goes through one softmax.
            softmax_lanes: switches.softmax_lanes as usize
                * if datapath == global { 1 } else { each },
        }
    }

    /// Pairs of a query and a key where none is masked.
    #[must_use]
    pub fn pairs(&self, queries: usize) -> u64 {
        (queries * self.crossbar.tokens()) as u64
    }

    /// Whether anything of a trial is drawn: if not, all trials are the same.
    #[must_use]
    pub fn draws(&self) -> bool {
        let device = &self.device;
        let coded = self.av.adc().is_some_and(|adc| adc.coding().is_some());
        let ladder = self.ramp.is_in_column() && !self.ramp.is_exact();
        device.has(Effect::CellMismatch)
            || device.has(Effect::Programming)
            || matches!(device.drift, Drift::PowerLaw { log, .. } if log > 0.0)
            || device.has(Effect::StuckAt)
            || device.has(Effect::DeviceRead)
            || device.has(Effect::LineMismatch)
            || device.has(Effect::ColumnOffset)
            || (device.has(Effect::ReplicaMismatch) && ladder)
            || device.has(Effect::ComparatorNoise)
            || (device.has(Effect::AdcNoise) && coded)
    }
}
