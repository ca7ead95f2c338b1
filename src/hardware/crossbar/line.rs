//! Line effects: what the wires and the finite swing do to a sum.
//!
//! Of a column's two lines one takes the positive products P, the other the negative ones N; the
//! calibration replicas add the full scale to the second and the ramp replicas discharge the first,
//! step by step, until they meet. So at the crossing both lines hold `N + FS`, and with an
//! in-column ramp any bend of the lines cancels there. What remains, to first order:
//!
//! - headroom H: the second line stops at H, so N counts only up to `H - FS`;
//! - a relative difference m of the line capacitances shifts the crossing by `m N`
//!   (its share of FS is inside the residual offset that calibration leaves);
//! - each pulse loses a fixed charge, an error proportional to the difference of pulse counts;
//! - at the crossing the slope is `1 - c (N + FS) / swing`, by which offset and noise grow in LSB.
//!
//! With an external ramp the sum itself bends: P and N each become `D - c D^2 / (2 swing)`, stopped at H.

use super::{CleanSums, Crossbar};
use crate::hardware::device::{Device, Line};
use crate::hardware::quantise::Matrix;

/// The lines of one query's columns.
pub struct LineReading<'a> {
    /// The device's lines.
    pub line: &'a Line,
    /// Fabricated capacitance difference of each column, standard normal; empty when off.
    pub mismatch: &'a [f64],
    /// Full scale of the ramp in unit charges.
    pub full_scale: f64,
    /// Whether the ramp is made by the column's own replicas.
    pub in_column: bool,
}

impl LineReading<'_> {
    /// Turns the ideal-line `sums` of one query into what the comparator sees; returns the slope
    /// at the crossing by column, or nothing where it is 1.
    pub fn apply(&self, clean: &CleanSums, query: usize, sums: &mut [f64]) -> Option<Vec<f64>> {
        let line = self.line;
        if let Some(lost) = &clean.lost {
            for (sum, lost) in sums.iter_mut().zip(lost.column(query).iter()) {
                *sum -= line.pulse_loss * lost;
            }
        }
        let negative = clean.negative.as_ref()?;
        let tokens = negative.nrows();
        let negative = &negative.as_slice()[query * tokens..][..tokens];
        for ((sum, negative), draw) in sums.iter_mut().zip(negative).zip(self.mismatch) {
            *sum += line.capacitance_mismatch * draw * negative;
        }
        if !self.in_column {
            let bend = |d: f64| {
                let d = d.clamp(0.0, line.headroom);
                d - line.compression * d * d / (2.0 * line.swing)
            };
            for (sum, negative) in sums.iter_mut().zip(negative) {
                *sum = bend(*sum + negative) - bend(*negative);
            }
            return None;
        }
        let room = (line.headroom - self.full_scale).max(0.0);
        for (sum, negative) in sums.iter_mut().zip(negative) {
            *sum += (negative - room).max(0.0);
        }
        (line.compression > 0.0).then(|| {
            let slope = |negative: &f64| {
                let crossing = (negative + self.full_scale).min(line.headroom);
                (1.0 - line.compression * crossing / line.swing).max(0.05)
            };
            negative.iter().map(slope).collect()
        })
    }
}

/// First-order voltage loss along the wires, with every wordline on and every cell drawing the
/// tile's mean current (an upper bound for sparse inputs). A cell `i` segments from the driver of a
/// line of `n` cells loses `r g sum_{j <= i} (n - j)`. SRAM wordlines drive gates and carry no
/// current, so only the bitlines count there; a resistive cell loses along both.
pub(super) fn lose_voltage(
    device: &Device,
    crossbar: &Crossbar,
    codes: &Matrix,
    weights: &mut Matrix,
) {
    let full = crossbar.places.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let rows = crossbar.cells_per_column();
    let digits = crossbar.places.len();
    let floor = device.cell.floor();
    let profile = |at: usize, length: usize| {
        let (at, length) = (at as f64, length as f64);
        (at + 1.0) * (length - at / 2.0)
    };
    let wordlines_carry = matches!(device.cell, crate::hardware::device::Cell::Resistive { .. });
    for tile in crossbar.tiles() {
        let mean = codes
            .rows(tile.start, tile.len())
            .iter()
            .map(|code| (code + crossbar.offset).abs() / full)
            .sum::<f64>()
            / (tile.len() * codes.ncols()).max(1) as f64;
        let current = device.line.ir_segment * (floor + mean * (1.0 - floor));
        // An offset's reference column is the tile's first: it loses along the bitline alone.
        let offset = crossbar.offset;
        for (bitline, token) in tile.clone().enumerate() {
            let along_wordline = if wordlines_carry {
                current * profile(bitline, tile.len())
            } else {
                0.0
            };
            for dimension in 0..codes.ncols() {
                let along_bitline = current * profile(dimension * digits + digits / 2, rows);
                let kept = ((1.0 - along_wordline) * (1.0 - along_bitline)).max(0.0);
                let reference = offset * (1.0 - along_bitline).max(0.0);
                let weight = &mut weights[(token, dimension)];
                *weight = (*weight + offset) * kept - reference;
            }
        }
    }
}
