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
//!
//! The bend is stated up to the full swing. Where headroom is switched off and a line goes further, the slope stays
//! what it is there, `1 - c`: it never turns round.

use super::{CleanSums, Crossbar};
use crate::hardware::device::{Cell, Device, Line};
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
                let d = self.stopped(d);
                let bent = d.min(line.swing);
                let further = (1.0 - line.compression) * (d - bent);
                bent - line.compression * bent * bent / (2.0 * line.swing) + further
            };
            for (sum, negative) in sums.iter_mut().zip(negative) {
                *sum = bend(*sum + negative) - bend(*negative);
            }
            return None;
        }
        for (sum, negative) in sums.iter_mut().zip(negative) {
            *sum += self.beyond(*negative);
        }
        (line.compression > 0.0).then(|| {
            let slope = |negative: &f64| {
                let crossing = (negative + self.full_scale).min(line.swing);
                1.0 - line.compression * crossing / line.swing
            };
            negative.iter().map(slope).collect()
        })
    }

    /// A discharge as far as a line goes.
    fn stopped(&self, discharge: f64) -> f64 {
        discharge.clamp(0.0, self.line.headroom)
    }

    /// Charge of the negative products that the second line has no room for beside the full scale.
    fn beyond(&self, negative: f64) -> f64 {
        (negative - (self.line.headroom - self.full_scale)).max(0.0)
    }

    /// How far the end of a line alone moves a clean sum, in unit charges.
    #[must_use]
    pub fn moved_by_headroom(&self, signed: f64, negative: f64) -> f64 {
        if self.in_column {
            self.beyond(negative)
        } else {
            self.stopped(signed + negative) - self.stopped(negative) - signed
        }
    }
}

/// Share of its voltage that a cell may lose before the first order is coarse.
pub const COARSE_LOSS: f64 = 0.2;

/// The two losses of a tile's cells, shares of their voltage to first order: 1 and above is all of it.
struct Losses {
    /// Of a unit of the profile.
    current: f64,
    /// Whether a cell's current flows through its wordline.
    wordlines_carry: bool,
    bitlines: usize,
    rows: usize,
    digits: usize,
}

impl Losses {
    /// With every wordline on and every cell drawing the mean current, `mean` of a full one (an upper bound for
    /// sparse inputs). A cell `i` segments from the driver of a line of `n` cells loses
    /// `r g sum_{j <= i} (n - j)`. SRAM wordlines drive gates and carry no current, so only the bitlines
    /// count there; a resistive cell loses along both.
    fn of(device: &Device, crossbar: &Crossbar, bitlines: usize, mean: f64) -> Self {
        let floor = device.cell.floor();
        Self {
            current: device.line.ir_segment * (floor + mean * (1.0 - floor)),
            wordlines_carry: matches!(device.cell, Cell::Resistive { .. }),
            bitlines,
            rows: crossbar.cells_per_column(),
            digits: crossbar.places.len(),
        }
    }

    fn profile(at: usize, length: usize) -> f64 {
        let (at, length) = (at as f64, length as f64);
        (at + 1.0) * (length - at / 2.0)
    }

    /// Along the wordline, up to the cell of this bitline.
    fn along_wordline(&self, bitline: usize) -> f64 {
        if self.wordlines_carry {
            self.current * Self::profile(bitline, self.bitlines)
        } else {
            0.0
        }
    }

    /// Along the bitline, up to the middle cell of a weight.
    fn along_bitline(&self, dimension: usize) -> f64 {
        self.current * Self::profile(dimension * self.digits + self.digits / 2, self.rows)
    }
}

/// What a loss leaves: a line that has lost all its voltage drives nothing, and never the other way.
fn left(loss: f64) -> f64 {
    (1.0 - loss).max(0.0)
}

impl Crossbar {
    /// Mean current of the cells that hold these codes, relative to a cell at its largest level.
    #[must_use]
    pub fn mean_current<'a>(&self, codes: impl ExactSizeIterator<Item = &'a f64>) -> f64 {
        let full = self.places.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let count = codes.len().max(1) as f64;
        codes
            .map(|code| (code + self.offset).abs() / full)
            .sum::<f64>()
            / count
    }

    /// The largest voltage losses of a cell, along its wordline and along its bitline, where cells draw `mean` of a
    /// full current: shares to first order, which is coarse above [`COARSE_LOSS`].
    #[must_use]
    pub fn largest_losses(&self, device: &Device, mean: f64) -> [f64; 2] {
        let widest = self.tiles().iter().map(ExactSizeIterator::len).max();
        let losses = Losses::of(device, self, widest.unwrap_or(0), mean);
        [
            losses.along_wordline(losses.bitlines.saturating_sub(1)),
            losses.along_bitline(self.d_head.saturating_sub(1)),
        ]
    }
}

/// First-order voltage loss along the wires. Each of the two factors lies in 0..=1: where both losses are above 1,
/// their product is of two zeros and not of two negatives.
pub(super) fn lose_voltage(
    device: &Device,
    crossbar: &Crossbar,
    codes: &Matrix,
    weights: &mut Matrix,
) {
    let offset = crossbar.offset;
    for tile in crossbar.tiles() {
        let rows = codes.rows(tile.start, tile.len());
        // Column by column, as a matrix lies.
        let mean = crossbar.mean_current(rows.iter());
        let losses = Losses::of(device, crossbar, tile.len(), mean);
        for (bitline, token) in tile.clone().enumerate() {
            let wordline = left(losses.along_wordline(bitline));
            for dimension in 0..codes.ncols() {
                let bitline = left(losses.along_bitline(dimension));
                let weight = &mut weights[(token, dimension)];
                // An offset's reference column is the tile's first: it loses along the bitline alone.
                *weight = (*weight + offset) * (wordline * bitline) - offset * bitline;
            }
        }
    }
}
