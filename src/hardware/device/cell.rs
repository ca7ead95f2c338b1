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

    /// The key that says how well a full cell conducts.
    pub(crate) const fn conductance_key(self) -> &'static str {
        match self {
            Self::Ideal | Self::Sram { .. } => "cell.sram.conductance",
            Self::Resistive { .. } => "cell.resistive.g_max",
        }
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
            let state = if draws.stuck[at] < self.stuck_off {
                Half::Off
            } else if draws.stuck[at] >= 1.0 - self.stuck_on {
                Half::On
            } else {
                Half::Healthy
            };
            self.half(level, state, draws.programming[at], draws.drift[at])
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

    /// What a read sees of one half that was meant to hold `level`, relative to the largest conductance, and
    /// the variance of one read.
    fn half(&self, level: f64, state: Half, programming: f64, drift: f64) -> (f64, f64) {
        let floor = self.cell.floor();
        let target = floor + level * (1.0 - floor);
        let (meant, written) = match state {
            Half::Off => (floor, floor),
            Half::On => (1.0, 1.0),
            Half::Healthy => {
                let mean = self.drift.expected(target);
                let sigma = self.programming.sigma(mean, target);
                (target, (mean + sigma * programming).max(0.0))
            }
        };
        let now = self.drift.apply(meant, written, drift);
        let sigma = self.read.sigma(now, written);
        (now, sigma * sigma)
    }

    /// What reads of a cell that was meant to hold a signed level see over all chips, writes and reads: their
    /// mean, and their variance in place of one read's.
    pub(crate) fn expect(&self, level: f64) -> Stored {
        let mismatch = self.cell.spread();
        if self.cells_stay_as_written() {
            return Stored {
                level,
                read_variance: (mismatch * level).powi(2),
            };
        }
        let floor = self.cell.floor();
        let window = 1.0 - floor;
        let (up, up_variance) = self.expect_half(level.max(0.0));
        let (net, variance) = if self.cell.is_offset() {
            (up - floor, up_variance)
        } else {
            let (down, down_variance) = self.expect_half((-level).max(0.0));
            (up - down, up_variance + down_variance)
        };
        let (mean, variance) = (net / window, variance / (window * window));
        Stored {
            level: mean,
            // Of a product of independent factors, 1 + mismatch n and what the halves hold.
            read_variance: variance + mismatch * mismatch * (mean * mean + variance),
        }
    }

    /// Mean and variance of one half.
    fn expect_half(&self, level: f64) -> (f64, f64) {
        let written = normal_nodes(self.programming != Spread::None);
        let drifted = normal_nodes(matches!(self.drift, Drift::PowerLaw { .. }));
        let states = [
            (Half::Off, self.stuck_off, &ONE_NODE[..]),
            (Half::On, self.stuck_on, &ONE_NODE[..]),
            (
                Half::Healthy,
                1.0 - self.stuck_off - self.stuck_on,
                &written[..],
            ),
        ];
        let (mut mean, mut square) = (0.0, 0.0);
        for (state, chance, written) in states {
            if chance <= 0.0 {
                continue;
            }
            for (programming, weight) in written {
                for (drift, other) in &drifted {
                    let (now, variance) = self.half(level, state, *programming, *drift);
                    let weight = chance * weight * other;
                    mean += weight * now;
                    square += weight * (now * now + variance);
                }
            }
        }
        (mean, (square - mean * mean).max(0.0))
    }
}

/// How a half of a cell is.
#[derive(Clone, Copy)]
enum Half {
    Off,
    On,
    Healthy,
}

const ONE_NODE: [(f64, f64); 1] = [(0.0, 1.0)];

/// Draws of a standard normal and their weights, for means over it: the trapezoid rule from -6 to 6 in steps
/// of 1/4, right to 1e-8 for smooth functions and to 1e-3 of a sigma for those with a kink; one draw of
/// zero if it does not matter.
fn normal_nodes(matters: bool) -> Vec<(f64, f64)> {
    if !matters {
        return ONE_NODE.to_vec();
    }
    let at = |node: i32| f64::from(node) / 4.0;
    let density = |x: f64| (-x * x / 2.0).exp();
    let whole: f64 = (-24..=24).map(|node| density(at(node))).sum();
    (-24..=24)
        .map(|node| (at(node), density(at(node)) / whole))
        .collect()
}
