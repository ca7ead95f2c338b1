//! A weight as the digits of its cells.

use super::Crossbar;
use crate::hardware::device::Cell;

impl Crossbar {
    /// Charge that a weight's cells take in one unit pulse on every one of their wordlines, where the
    /// digit at place `p` is driven `radix^digit` unit pulses for an input of one. `conducting` is the
    /// code with the offset of its mapping.
    pub(crate) fn current(
        &self,
        conducting: f64,
        cell: Cell,
        radix: f64,
        levels: &mut [f64],
    ) -> f64 {
        self.digits(conducting - self.offset, cell, levels);
        let pulses = std::iter::successors(Some(1.0), |pulses| Some(pulses * radix));
        let cells = levels.iter().zip(&self.places).zip(pulses);
        cells
            .map(|((level, place), pulses)| level * place / pulses)
            .sum()
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
