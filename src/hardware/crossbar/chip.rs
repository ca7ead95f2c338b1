//! A chip: everything fabricated, drawn once a trial and shared by every head written to it.

use super::{Crossbar, Values};
use crate::base::rng::{Purpose, Seed, Stream};
use crate::hardware::address::{self, Array};
use crate::hardware::device::{CellDraws, Device, Drift, Spread};

/// Fabricated draws of a chip, all standard normal but the stuck-at ones. An effect that is off
/// leaves its vector empty; no other draw moves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chip {
    /// The trial the chip belongs to.
    pub trial: u64,
    /// Cells of the key tiles, token by token.
    pub(crate) key_cells: Vec<f64>,
    /// Halves of the key cells, uniform, two a cell.
    pub(crate) key_stuck: Vec<f64>,
    /// Cells of the value tiles, token by token.
    pub(crate) value_cells: Vec<f64>,
    /// Halves of the value cells, uniform, two a cell.
    pub(crate) value_stuck: Vec<f64>,
    /// Residual offset of each key column.
    pub offset: Vec<f64>,
    /// Capacitance difference of each key column's lines.
    pub line: Vec<f64>,
    /// Ramp replica cells, column by column.
    pub replica: Vec<f64>,
}

impl Chip {
    /// Fabricates the chip of a trial.
    #[must_use]
    pub fn fabricate(
        seed: Seed,
        trial: u64,
        device: &Device,
        keys: &Crossbar,
        values: Option<&Values>,
    ) -> Self {
        let normals = |purpose, array: Array, slots: &[u64], per_slot: usize| {
            let mut draws = vec![0.0; slots.len() * per_slot];
            for (slot, part) in slots.iter().zip(draws.chunks_exact_mut(per_slot.max(1))) {
                seed.stream(purpose, trial, address::fabricated(array, *slot))
                    .fill_normal(part);
            }
            draws
        };
        let uniforms = |array: Array, slots: &[u64], per_slot: usize| {
            let mut draws = vec![0.0; slots.len() * per_slot];
            for (slot, part) in slots.iter().zip(draws.chunks_exact_mut(per_slot.max(1))) {
                let mut stream =
                    seed.stream(Purpose::StuckAt, trial, address::fabricated(array, *slot));
                part.fill_with(|| stream.uniform());
            }
            draws
        };
        let slots = keys.slots();
        let cells = keys.cells_per_column();
        let value_slots = values.map(Values::slots).unwrap_or_default();
        let value_cells = values.map_or(0, Values::cells_per_token);
        let mismatch = device.cell.spread() > 0.0;
        let stuck = device.stuck_off > 0.0 || device.stuck_on > 0.0;
        let when = |on: bool, draws: &dyn Fn() -> Vec<f64>| if on { draws() } else { Vec::new() };
        Self {
            trial,
            key_cells: when(mismatch, &|| {
                normals(Purpose::CellMismatch, Array::Keys, &slots, cells)
            }),
            key_stuck: when(stuck, &|| uniforms(Array::Keys, &slots, 2 * cells)),
            value_cells: when(mismatch, &|| {
                normals(
                    Purpose::CellMismatch,
                    Array::Values,
                    &value_slots,
                    value_cells,
                )
            }),
            value_stuck: when(stuck, &|| {
                uniforms(Array::Values, &value_slots, 2 * value_cells)
            }),
            offset: when(device.column.offset > 0.0, &|| {
                normals(Purpose::ColumnOffset, Array::Keys, &slots, 1)
            }),
            line: when(device.line.capacitance_mismatch > 0.0, &|| {
                normals(Purpose::LineMismatch, Array::Keys, &slots, 1)
            }),
            replica: when(device.column.replica_mismatch > 0.0, &|| {
                normals(
                    Purpose::ReplicaMismatch,
                    Array::Keys,
                    &slots,
                    keys.ramp_cells,
                )
            }),
        }
    }
}

/// The cells of one token while they are written: fabricated draws by cell, written draws in order.
pub(super) struct Writing<'a> {
    cells: &'a [f64],
    stuck: &'a [f64],
    programming: Option<Stream>,
    drift: Option<Stream>,
}

impl Chip {
    /// The cells of the token in `slot`; `token` counts slots and `per_token` is its cells.
    pub(super) fn writing(
        &self,
        seed: Seed,
        head: u64,
        array: Array,
        device: &Device,
        (token, slot): (usize, u64),
        per_token: usize,
    ) -> Writing<'_> {
        let (cells, stuck) = match array {
            Array::Keys => (&self.key_cells, &self.key_stuck),
            Array::Values => (&self.value_cells, &self.value_stuck),
        };
        let part = |draws: &'_ [f64], each: usize| {
            (token * each).min(draws.len())..((token + 1) * each).min(draws.len())
        };
        let fresh = |purpose| seed.stream(purpose, self.trial, address::written(array, head, slot));
        Writing {
            cells: &cells[part(cells, per_token)],
            stuck: &stuck[part(stuck, 2 * per_token)],
            programming: (device.programming != Spread::None).then(|| fresh(Purpose::Programming)),
            drift: (device.drift != Drift::None).then(|| fresh(Purpose::Drift)),
        }
    }
}

impl Writing<'_> {
    /// One more written draw, for an error that belongs to a weight instead of a cell.
    pub(super) fn weight_error(&mut self) -> f64 {
        self.programming.as_mut().map_or(0.0, Stream::normal)
    }

    /// The draws of the next cell, which is the `cell`-th of its token.
    pub(super) fn draws(&mut self, cell: usize) -> CellDraws {
        let pair = |stream: &mut Option<Stream>| {
            stream
                .as_mut()
                .map_or([0.0; 2], |stream| [stream.normal(), stream.normal()])
        };
        CellDraws {
            mismatch: self.cells.get(cell).copied().unwrap_or(0.0),
            stuck: [0, 1].map(|half| self.stuck.get(2 * cell + half).copied().unwrap_or(0.5)),
            programming: pair(&mut self.programming),
            drift: pair(&mut self.drift),
        }
    }
}
