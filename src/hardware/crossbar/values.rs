//! V written to its tiles: sign-magnitude bits on adjacent ternary columns, tokens along the
//! wordlines and cut over tiles. Partial sums of tiles are added digitally after the ADC, which is
//! allowed here because nothing is ranked.

use std::ops::Range;

use super::Addressing;
use super::chip::Chip;
use crate::base::rng::Seed;
use crate::hardware::address::{self, Array};
use crate::hardware::device::{Cell, Device, Mapping, Spread};
use crate::hardware::events::{Action, Cost, Costed, TileShape};
use crate::hardware::quantise::{Matrix, NOMINAL_V};

/// How V lies on its tiles.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// Tokens of each tile.
    pub tiles: Vec<Range<usize>>,
    /// Dimension of a value.
    pub d_value: usize,
    /// Weight of each bit's column at its full level, lowest first; one analog column for an exact V.
    pub places: Vec<f64>,
    /// Rows of a tile, those without a token included.
    wordlines: usize,
    exact: bool,
    addressing: Addressing,
}

/// V as its cells hold it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredValues {
    /// Effective levels, (d_v bits) x tokens: the bits of one dimension are neighbours.
    pub levels: Matrix,
    /// Variance of one read of a level for an input of one, same shape.
    pub read_variance: Option<Matrix>,
}

impl Values {
    /// Lays V out on tiles of `wordlines` rows; `v_max` is its largest code, none if exact.
    #[must_use]
    pub fn lay(
        tokens: usize,
        d_value: usize,
        wordlines: usize,
        v_max: Option<u32>,
        addressing: Addressing,
    ) -> Self {
        let wordlines = wordlines.max(1);
        let bits = v_max.map_or(0, |max| u32::BITS - max.leading_zeros());
        let places = if bits == 0 {
            vec![f64::from(NOMINAL_V)]
        } else {
            (0..bits).map(|bit| f64::from(1_u32 << bit)).collect()
        };
        Self {
            tiles: (0..tokens)
                .step_by(wordlines)
                .map(|start| start..tokens.min(start + wordlines))
                .collect(),
            d_value,
            places,
            wordlines,
            exact: v_max.is_none(),
            addressing,
        }
    }

    /// Cells of one token.
    #[must_use]
    pub fn cells_per_token(&self) -> usize {
        self.d_value * self.places.len()
    }

    /// What writing all tiles counts.
    pub fn writes(&self) -> Cost {
        let tokens = self.tiles.last().map_or(0, |tile| tile.end);
        Cost::of(Action::CellWrite, (tokens * self.cells_per_token()) as u64)
    }

    /// What one tile counts in one query: `rows` wordlines pulsed, every column converted, the bits
    /// of a value shifted together and added to the other tiles' sums. Nothing without a row.
    pub fn product(&self, rows: u32) -> Cost {
        if rows == 0 {
            return Cost::ZERO;
        }
        let columns = self.cells_per_token() as u64;
        let shape = TileShape {
            wordlines: self.wordlines as u32,
            bitlines: columns as u32,
        };
        let joined = Cost::of(Action::AdcConversion, columns)
            .and(Action::ShiftAdd, columns)
            .and(Action::Accumulate, self.d_value as u64);
        shape.mac(rows, columns as u32).then(joined)
    }

    pub(super) fn slots(&self) -> Vec<u64> {
        let numbered = self.tiles.iter().zip(0_u64..);
        match self.addressing {
            Addressing::Logical {} => numbered
                .flat_map(|(tile, _)| tile.clone().map(address::slot_of_token))
                .collect(),
            Addressing::Physical {} => numbered
                .flat_map(|(tile, at)| {
                    (0..tile.len() as u64).map(move |wordline| address::slot(at, wordline))
                })
                .collect(),
        }
    }

    /// The codes of V (d_v x tokens) as levels of cells that hold them exactly.
    #[must_use]
    pub fn clean(&self, codes: &Matrix) -> StoredValues {
        let bits = self.places.len();
        let level = |row: usize, token: usize| {
            let code = codes[(row / bits, token)];
            if self.exact {
                code / self.places[0]
            } else {
                code.signum() * f64::from((code.abs() as u32 >> (row % bits)) & 1)
            }
        };
        StoredValues {
            levels: Matrix::from_fn(self.cells_per_token(), codes.ncols(), level),
            read_variance: None,
        }
    }

    /// What reads of the codes of V (d_v x tokens) see over all chips, writes and reads: mean levels, and their
    /// variance in place of one read's; no variance if cells hold what was written.
    #[must_use]
    pub fn expected(&self, device: &Device, codes: &Matrix) -> StoredValues {
        let mut stored = self.clean(codes);
        if device.cell.spread() == 0.0 && device.cells_stay_as_written() {
            return stored;
        }
        let bits = self.places.len();
        let device = &signed_pair(device);
        // Bits have three levels, an exact V has any.
        let known = [-1.0, 0.0, 1.0].map(|level| (level, device.expect(level)));
        let expect = |level: f64| match known.iter().find(|(own, _)| *own == level) {
            Some((_, cell)) => *cell,
            None => device.expect(level),
        };
        let mut variance = Matrix::zeros(stored.levels.nrows(), stored.levels.ncols());
        for (at, (level, variance)) in stored.levels.iter_mut().zip(&mut variance).enumerate() {
            if let Spread::Additive(sigma) = device.programming {
                // As it is written: one error a weight, on its lowest bit.
                if at % bits == 0 {
                    *variance = sigma * sigma;
                }
                continue;
            }
            let cell = expect(*level);
            (*level, *variance) = (cell.level, cell.read_variance);
        }
        stored.read_variance = Some(variance);
        stored
    }

    /// Writes the codes of V (d_v x tokens) to the cells of a chip.
    pub fn program(
        &self,
        seed: Seed,
        head: u64,
        chip: &Chip,
        device: &Device,
        codes: &Matrix,
    ) -> Costed<StoredValues> {
        let mut stored = self.clean(codes);
        if chip.value_cells.is_empty() && device.cells_stay_as_written() {
            return Costed::new(stored, self.writes());
        }
        let per_token = self.cells_per_token();
        let mut read_variance =
            (device.read != Spread::None).then(|| Matrix::zeros(per_token, codes.ncols()));
        let device = &signed_pair(device);
        for (token, slot) in self.slots().into_iter().enumerate() {
            let mut cells =
                chip.writing(seed, head, Array::Values, device, (token, slot), per_token);
            for row in 0..per_token {
                let level = &mut stored.levels[(row, token)];
                if let Spread::Additive(sigma) = device.programming {
                    // An error per weight belongs to its lowest bit, whose place is one.
                    if row % self.places.len() == 0 {
                        *level += sigma * cells.weight_error();
                    }
                    continue;
                }
                let cell = device.store(*level, &cells.draws(row));
                *level = cell.level;
                if let Some(variance) = &mut read_variance {
                    variance[(row, token)] = cell.read_variance;
                }
            }
        }
        stored.read_variance = read_variance;
        Costed::new(stored, self.writes())
    }
}

/// Bits of V carry a sign of their own, so they always lie on a differential pair.
fn signed_pair(device: &Device) -> Device {
    let mut device = device.clone();
    if let Cell::Resistive { mapping, .. } = &mut device.cell {
        *mapping = Mapping::Differential {};
    }
    device
}
