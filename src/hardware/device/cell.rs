//! One cell: a signed level goes in, what a read sees comes out.

use serde::{Deserialize, Serialize};

use super::{Device, Drift, Spread};

/// How a signed weight is made of conductances that have no sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Mapping {
    /// g+ minus g- of two cells on the two lines of a column.
    Differential {},
    /// One cell holding `w + max`; the constant is subtracted by an ideal reference column.
    Offset {},
}

/// The technology of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// No spread.
    Ideal,
    /// Dual SRAM cell: -1, 0, +1.
    Sram {
        /// Relative standard deviation of a dual cell's current.
        mismatch: f64,
    },
    /// Programmable conductance.
    Resistive {
        /// g_min / g_max.
        floor: f64,
        /// Levels of a cell: `2^bits_per_cell`.
        bits_per_cell: u32,
        /// Sign.
        mapping: Mapping,
    },
}

/// A stored cell as a read sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stored {
    /// Signed level: -1..=1 for a differential cell, 0..=1 for an offset one.
    pub level: f64,
    /// Variance of one read of it.
    pub read_variance: f64,
}

/// The draws of one cell; a stage that is off is given zeros.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CellDraws {
    /// Fabricated relative deviation, standard normal.
    pub mismatch: f64,
    /// Fabricated, uniform: which halves are stuck. 0.5 is a healthy half.
    pub stuck: [f64; 2],
    /// Written, standard normal, one a half.
    pub programming: [f64; 2],
    /// Drift exponent, standard normal, one a half.
    pub drift: [f64; 2],
}

impl Cell {
    /// Radix of the digits a weight is cut into: levels of one cell.
    #[must_use]
    pub const fn radix(self) -> u32 {
        match self {
            Self::Ideal | Self::Sram { .. } => 2,
            Self::Resistive { bits_per_cell, .. } => 1 << bits_per_cell,
        }
    }

    /// Whether one cell holds `w + max` instead of a signed pair.
    #[must_use]
    pub const fn is_offset(self) -> bool {
        matches!(
            self,
            Self::Resistive {
                mapping: Mapping::Offset {},
                ..
            }
        )
    }

    /// Conductance of the smallest level relative to the largest.
    #[must_use]
    pub const fn floor(self) -> f64 {
        match self {
            Self::Ideal | Self::Sram { .. } => 0.0,
            Self::Resistive { floor, .. } => floor,
        }
    }
}

impl Device {
    /// Whether anything happens to a cell between write and read, apart from SRAM mismatch.
    #[must_use]
    pub fn cells_stay_as_written(&self) -> bool {
        self.programming == Spread::None
            && self.drift == Drift::None
            && self.read == Spread::None
            && self.stuck_off == 0.0
            && self.stuck_on == 0.0
    }

    /// Writes a signed level and returns what reads will see.
    pub(crate) fn store(&self, level: f64, draws: &CellDraws) -> Stored {
        let mismatch = match self.cell {
            Cell::Sram { mismatch } => 1.0 + mismatch * draws.mismatch,
            Cell::Ideal | Cell::Resistive { .. } => 1.0,
        };
        if self.cells_stay_as_written() {
            return Stored {
                level: level * mismatch,
                read_variance: 0.0,
            };
        }
        let floor = self.cell.floor();
        let window = 1.0 - floor;
        let half = |level: f64, at: usize| {
            let target = floor + level * window;
            let (meant, written) = if draws.stuck[at] < self.stuck_off {
                (floor, floor)
            } else if draws.stuck[at] >= 1.0 - self.stuck_on {
                (1.0, 1.0)
            } else {
                let mean = self.drift.expected(target);
                let sigma = self.programming.sigma(mean, target);
                (target, (mean + sigma * draws.programming[at]).max(0.0))
            };
            let now = self.drift.apply(meant, written, draws.drift[at]);
            let sigma = self.read.sigma(now, written);
            (now, sigma * sigma)
        };
        let (up, up_variance) = half(level.max(0.0), 0);
        let (net, variance) = if self.cell.is_offset() {
            (up - floor, up_variance)
        } else {
            let (down, down_variance) = half((-level).max(0.0), 1);
            (up - down, up_variance + down_variance)
        };
        Stored {
            level: net / window * mismatch,
            read_variance: variance / (window * window),
        }
    }
}
