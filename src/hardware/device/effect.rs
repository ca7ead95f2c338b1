//! The imperfections by name, so that each can be switched off or studied alone.
//!
//! Switching one off sets its strength to zero and moves no other draw: every effect reads its own
//! stream of random numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One physical cause of a deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Fabricated spread of the cells' current.
    CellMismatch,
    /// A write misses its target.
    Programming,
    /// The stored level moves with time.
    Drift,
    /// Cells that no longer switch.
    StuckAt,
    /// Noise of the devices at each read.
    DeviceRead,
    /// First-order voltage loss along the wires.
    IrDrop,
    /// Charge that each input pulse loses at its edges.
    PulseLoss,
    /// Difference between the two line capacitances of a column.
    LineMismatch,
    /// A line cannot fall below its headroom.
    Headroom,
    /// A line's discharge bends as it falls.
    Compression,
    /// Residual offset of a column after calibration.
    ColumnOffset,
    /// Spread of the ramp replicas: the column's INL.
    ReplicaMismatch,
    /// Comparator noise of a conversion.
    ComparatorNoise,
    /// Noise of the plain ADC behind A x V.
    AdcNoise,
}

impl Effect {
    /// Every effect, in the order in which a signal meets them.
    pub const ALL: [Effect; 14] = [
        Self::CellMismatch,
        Self::Programming,
        Self::Drift,
        Self::StuckAt,
        Self::DeviceRead,
        Self::IrDrop,
        Self::PulseLoss,
        Self::LineMismatch,
        Self::Headroom,
        Self::Compression,
        Self::ColumnOffset,
        Self::ReplicaMismatch,
        Self::ComparatorNoise,
        Self::AdcNoise,
    ];
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
