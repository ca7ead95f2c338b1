//! The law of what is written: mean of each weight and the normal errors that add to it.
//!
//! It exists where every error is additive and normal and nothing is clipped: ideal cells and cells
//! whose current is mismatched, with an additive programming error or none. Then
//! `weight = mean + sum over sources of gain x normal`, the law of what `Keys::program` writes (`tests/fast/laws.rs` holds
//! both to each other).

use super::{Crossbar, Values, line};
use crate::base::rng::{Purpose, Seed, Site};
use crate::hardware::address::{self, Array};
use crate::hardware::device::{Cell, Device, Drift, Spread};
use crate::hardware::kernel::Source;
use crate::hardware::quantise::Matrix;

/// Mean and errors of what is written, for one array.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightLaw {
    /// Mean of each weight, tokens x d; of each cell's level for values.
    pub mean: Matrix,
    /// Variance of each, of the same shape.
    pub variance: Matrix,
    /// Errors of each token, ascending in rows.
    pub sources: Vec<Vec<Source>>,
    /// What the draws of a token are addressed by.
    pub slots: Vec<u64>,
    purpose: Purpose,
    array: Array,
}

impl WeightLaw {
    /// The key of all draws of one trial, or of one block, for whoever numbers them by slot.
    #[must_use]
    pub fn key_of_all(&self, seed: Seed, trial: u64, head: u64) -> u64 {
        seed.key(
            self.purpose,
            trial,
            address::of_all_slots(self.site(head, 0)),
        )
    }

    /// The key of a token's draws for a block of trials. Mismatch belongs to the slot and is shared by
    /// every head written there; programming errors belong to the head.
    #[must_use]
    pub fn key(&self, seed: Seed, block: u64, head: u64, token: usize) -> u64 {
        seed.key(self.purpose, block, self.site(head, self.slots[token]))
    }

    fn site(&self, head: u64, slot: u64) -> Site {
        match self.purpose {
            Purpose::Programming => address::written(self.array, head, slot),
            _ => address::fabricated(self.array, slot),
        }
    }
}

impl WeightLaw {
    /// Whether the cells' own errors belong to the chip.
    #[must_use]
    pub fn is_fabricated_cells(&self) -> bool {
        let drawn = self.sources.iter().any(|sources| !sources.is_empty());
        self.purpose == Purpose::CellMismatch && drawn
    }

    /// Whether some error of a column belongs to the chip, so that all heads written there share it.
    #[must_use]
    pub fn is_fabricated(&self, device: &Device) -> bool {
        self.is_fabricated_cells()
            || device.column.offset > 0.0
            || device.line.capacitance_mismatch > 0.0
    }
}

/// Why what a device writes has no such law; none if it has.
#[must_use]
pub fn why_not_normal(device: &Device) -> Option<&'static str> {
    match (&device.cell, &device.programming) {
        (Cell::Resistive { .. }, _) => Some("cells are conductances, drawn half by half"),
        (_, Spread::None | Spread::Additive(_)) => None,
        _ => Some("the programming error depends on the level"),
    }
    .or((device.drift != Drift::None).then_some("cells drift"))
    .or((device.read != Spread::None).then_some("read noise depends on what was written"))
    .or((device.stuck_off > 0.0 || device.stuck_on > 0.0).then_some("cells are stuck"))
}

/// Standard deviation of a cell's current; of the error per weight.
fn spreads(device: &Device) -> (f64, Option<f64>) {
    match device.programming {
        Spread::Additive(sigma) => (0.0, Some(sigma)),
        _ => (device.cell.spread(), None),
    }
}

/// What the errors are drawn for.
fn purpose(additive: Option<f64>) -> Purpose {
    match additive {
        Some(_) => Purpose::Programming,
        None => Purpose::CellMismatch,
    }
}

impl Crossbar {
    /// The law of keys written to a device that has one.
    #[must_use]
    pub fn law(&self, device: &Device, codes: &Matrix) -> WeightLaw {
        let (mismatch, additive) = spreads(device);
        let mut mean = codes.clone();
        let mut kept = Matrix::from_element(codes.nrows(), codes.ncols(), 1.0);
        if device.line.ir_segment > 0.0 {
            line::lose_voltage(device, self, codes, &mut mean);
            // What is lost is linear in a weight: the difference of two weights is the factor.
            let mut next = codes.add_scalar(1.0);
            line::lose_voltage(device, self, codes, &mut next);
            kept = next - &mean;
        }
        let digits = self.places.len();
        let mut levels = vec![0.0; digits];
        let mut variance = Matrix::zeros(codes.nrows(), codes.ncols());
        let mut sources = vec![Vec::new(); codes.nrows()];
        for (token, sources) in sources.iter_mut().enumerate() {
            for row in 0..codes.ncols() {
                let at = (token, row);
                let mut add = |draw: usize, gain: f64| {
                    if gain != 0.0 {
                        variance[at] += gain * gain;
                        sources.push(Source {
                            draw: draw as u32,
                            row: row as u32,
                            gain: gain as f32,
                        });
                    }
                };
                match additive {
                    Some(sigma) => add(row, sigma * kept[at]),
                    None if mismatch > 0.0 => {
                        self.digits(codes[at], device.cell, &mut levels);
                        for (digit, (level, place)) in levels.iter().zip(&self.places).enumerate() {
                            add(row * digits + digit, mismatch * level * place * kept[at]);
                        }
                    }
                    None => {}
                }
            }
        }
        WeightLaw {
            mean,
            variance,
            sources,
            slots: self.slots(),
            purpose: purpose(additive),
            array: Array::Keys,
        }
    }
}

impl Values {
    /// The law of values written to a device that has one: levels of cells, tokens x cells.
    #[must_use]
    pub fn law(&self, device: &Device, codes: &Matrix) -> WeightLaw {
        let (mismatch, additive) = spreads(device);
        let mean = self.clean(codes).levels.transpose();
        let bits = self.places.len();
        let mut variance = Matrix::zeros(mean.nrows(), mean.ncols());
        let mut sources = vec![Vec::new(); mean.nrows()];
        for (token, sources) in sources.iter_mut().enumerate() {
            for row in 0..mean.ncols() {
                let gain = match additive {
                    // An error per weight belongs to its lowest bit, whose place is one.
                    Some(sigma) if row % bits == 0 => sigma,
                    Some(_) => 0.0,
                    None => mismatch * mean[(token, row)],
                };
                if gain != 0.0 {
                    variance[(token, row)] = gain * gain;
                    sources.push(Source {
                        draw: row as u32,
                        row: row as u32,
                        gain: gain as f32,
                    });
                }
            }
        }
        WeightLaw {
            mean,
            variance,
            sources,
            slots: self.slots(),
            purpose: purpose(additive),
            array: Array::Values,
        }
    }
}
