//! A weight as the digits of its cells.

use super::Crossbar;
use crate::hardware::device::Cell;

impl Crossbar {
    /// Unit pulses on each digit's wordline for an input of one, lowest digit first.
    pub(crate) fn pulses(&self, cell: Cell) -> impl Iterator<Item = f64> + use<> {
        let radix = f64::from(cell.radix());
        std::iter::successors(Some(1.0), move |pulses| Some(pulses * radix)).take(self.places.len())
    }

    /// Charge that each of a weight's cells takes in one unit pulse on its wordline, lowest digit first. `conducting`
    /// is the code with the offset of its mapping.
    pub(crate) fn currents(&self, conducting: f64, cell: Cell, levels: &mut [f64]) {
        self.digits(conducting - self.offset, cell, levels);
        for ((level, place), pulses) in levels.iter_mut().zip(&self.places).zip(self.pulses(cell)) {
            *level = *level * place / pulses;
        }
    }

    /// The signed levels of a weight code's cells, lowest digit first.
    pub(crate) fn digits(&self, code: f64, cell: Cell, levels: &mut [f64]) {
        let radix = f64::from(cell.radix());
        let (mut rest, sign) = if cell.is_offset() {
            (code + self.offset, 1.0)
        } else {
            (code.abs(), code.signum())
        };
        if let [level] = levels {
            *level = sign * rest / self.places[0];
            return;
        }
        for level in levels {
            // The floor of what is not negative; `floor` is a call without SSE4.1.
            let higher = (rest / radix) as i64 as f64;
            *level = sign * (rest - higher * radix) / (radix - 1.0);
            rest = higher;
        }
    }
}
