//! K written to its tiles, and the MAC of its columns.
//!
//! Sums are in unit charges: code of the input times code of the weight.

use super::chip::Chip;
use super::{Crossbar, line};
use crate::base::rng::{Purpose, Seed};
use crate::hardware::address::{self, Array};
use crate::hardware::device::{Cell, Device, Spread};
use crate::hardware::events::{Cost, Costed};
use crate::hardware::quantise::Matrix;

/// What a query's columns hold before any noise; the same for every chip.
#[derive(Clone, Debug, PartialEq)]
pub struct CleanSums {
    /// Sum of q w, tokens x queries.
    pub signed: Matrix,
    /// Sum of the products on the negative line, where the device needs it.
    pub negative: Option<Matrix>,
    /// Charge lost on the positive line minus charge lost on the negative one, over the loss of a pulse that is as long
    /// as its loss or longer.
    pub lost: Option<Matrix>,
}

/// K as its cells hold it.
#[derive(Clone, Debug, PartialEq)]
pub struct Keys {
    /// Effective weights, tokens x d.
    pub weights: Matrix,
    /// Variance of one read of a weight for an input of one, tokens x d.
    pub read_variance: Option<Matrix>,
}

impl CleanSums {
    /// Whether the negative sums are needed, and the lost charge.
    #[must_use]
    pub fn needs(device: &Device) -> (bool, bool) {
        let line = &device.line;
        let negative =
            line.headroom.is_finite() || line.compression > 0.0 || line.capacitance_mismatch > 0.0;
        (negative, line.pulse_loss > 0.0)
    }

    /// Sums of the codes of a head: `k` is tokens x d, `q` is d x queries. What the lines need is only
    /// taken where the device needs it. A cell that holds `w + offset` conducts on the line of its
    /// input's sign; its ideal reference column takes the offset's share of every sum away.
    #[must_use]
    pub fn of(crossbar: &Crossbar, device: &Device, k: &Matrix, q: &Matrix) -> Self {
        let (needs_negative, needs_lost) = Self::needs(device);
        let signed = k * q;
        let negative = needs_negative.then(|| {
            // Weights as they conduct: negative products are those of opposite signs.
            if crossbar.offset == 0.0 {
                return (k.abs() * q.abs() - &signed) / 2.0;
            }
            let conducting = k.add_scalar(crossbar.offset);
            (conducting.abs() * q.abs() - &conducting * q) / 2.0
        });
        let lost = needs_lost.then(|| lost(crossbar, device, k, q));
        Self {
            signed,
            negative,
            lost,
        }
    }
}

/// Charge lost, as [`CleanSums::lost`] has it. A pulse loses what its edges take, or all of it where it is shorter.
fn lost(crossbar: &Crossbar, device: &Device, k: &Matrix, q: &Matrix) -> Matrix {
    let (cell, loss) = (device.cell, device.line.pulse_loss);
    let sign = |code: f64| code.signum() * f64::from(code != 0.0);
    let mut reference = vec![0.0; crossbar.places.len()];
    let mut currents = reference.clone();
    crossbar.currents(crossbar.offset, cell, &mut reference);
    if q.iter().all(|code| *code == 0.0 || code.abs() >= loss) {
        let reference: f64 = reference.iter().sum();
        let current = k.map(|code| {
            crossbar.currents(code + crossbar.offset, cell, &mut currents);
            currents.iter().sum::<f64>() - reference
        });
        return current * q.map(sign);
    }
    let mut lost = Matrix::zeros(k.nrows(), q.ncols());
    for (digit, pulses) in crossbar.pulses(cell).enumerate() {
        let current = k.map(|code| {
            crossbar.currents(code + crossbar.offset, cell, &mut currents);
            currents[digit] - reference[digit]
        });
        lost += current * q.map(|code| sign(code) * (code.abs() * pulses / loss).min(1.0));
    }
    lost
}

impl Keys {
    /// Writes the codes of K (tokens x d) to the cells of a chip. What that counts is told tile by
    /// tile, for a design leaves out those that get no place.
    pub fn program(
        seed: Seed,
        head: u64,
        chip: &Chip,
        device: &Device,
        crossbar: &Crossbar,
        codes: &Matrix,
    ) -> Costed<Self, Vec<Cost>> {
        let mut weights = codes.clone();
        let mut read_variance =
            (device.read != Spread::None).then(|| Matrix::zeros(codes.nrows(), codes.ncols()));
        let digits = crossbar.places.len();
        let per_token = crossbar.cells_per_column();
        let mut levels = vec![0.0; digits];
        let untouched = chip.key_cells.is_empty() && device.cells_stay_as_written();
        for (token, slot) in crossbar.slots().into_iter().enumerate() {
            if untouched {
                break;
            }
            let mut cells = chip.writing(seed, head, Array::Keys, device, (token, slot), per_token);
            for dimension in 0..codes.ncols() {
                if let Spread::Additive(sigma) = device.programming {
                    weights[(token, dimension)] += sigma * cells.weight_error();
                    continue;
                }
                crossbar.digits(codes[(token, dimension)], device.cell, &mut levels);
                let (mut sum, mut variance) = (-crossbar.offset, 0.0);
                for (digit, (&level, &place)) in levels.iter().zip(&crossbar.places).enumerate() {
                    let stored = device.store(level, &cells.draws(dimension * digits + digit));
                    sum += place * stored.level;
                    variance += place * place * stored.read_variance;
                }
                weights[(token, dimension)] = sum;
                if let Some(read_variance) = &mut read_variance {
                    read_variance[(token, dimension)] = variance;
                }
            }
        }
        if device.line.ir_segment > 0.0 {
            line::lose_voltage(device, crossbar, codes, &mut weights);
        }
        let keys = Self {
            weights,
            read_variance,
        };
        Costed::new(keys, crossbar.writes())
    }

    /// Adds the devices' read noise to the sums of one query. For Gaussian noise that is independent
    /// a device and read, the sum over a column is exactly normal with variance q^2 . sigma^2.
    pub fn add_read_noise(
        &self,
        seed: Seed,
        trial: u64,
        head: u64,
        query: u64,
        q: &[f64],
        sums: &mut [f64],
    ) {
        let Some(variance) = &self.read_variance else {
            return;
        };
        let squares = nalgebra::DVector::from_iterator(q.len(), q.iter().map(|code| code * code));
        let column_variance = variance * squares;
        let mut stream = seed.stream(Purpose::DeviceRead, trial, address::query(head, query));
        for (sum, variance) in sums.iter_mut().zip(column_variance.iter()) {
            *sum += variance.max(0.0).sqrt() * stream.normal();
        }
    }
}

impl Cell {
    /// Standard deviation of the fabricated spread of a cell.
    #[must_use]
    pub const fn spread(self) -> f64 {
        match self {
            Self::Sram { mismatch } => mismatch,
            Self::Ideal | Self::Resistive { .. } => 0.0,
        }
    }
}
