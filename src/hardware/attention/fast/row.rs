//! Room for one row of 32 trials: its places, and what is known of its columns.

use super::candidates::{NONE, PlannedRow};
use crate::hardware::attention::Prepared;
use crate::hardware::kernel::{Known, Lanes, Level, Slot, unpack};

/// Room for one row of a block.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// Columns that came though they were left out.
    pub come: Come,
    /// Places of all tiles.
    pub slots: Vec<Slot>,
    /// Those of them that a design keeps.
    pub which: Vec<usize>,
    /// Codes of A of the survivors, and their tokens.
    pub weights: Vec<Lanes<f32>>,
    pub tokens: Vec<Lanes<u16>>,
}

/// Tokens of columns that came though they were left out, and what is known of the row with them.
#[derive(Clone, Debug, Default)]
pub(super) struct Come {
    extra: Vec<usize>,
    known: Known,
}

impl Come {
    pub fn open(&mut self) {
        self.extra.clear();
    }

    /// What is known of the columns of this row.
    pub fn known<'r>(&'r self, planned: &'r PlannedRow) -> &'r Known {
        if self.extra.is_empty() {
            &planned.known
        } else {
            &self.known
        }
    }

    /// Makes a column known that was left out.
    pub fn know(&mut self, row: &PlannedRow, token: usize, prepared: &Prepared, query: usize) {
        if self.extra.contains(&token) {
            return;
        }
        if self.extra.is_empty() {
            self.known.clone_from(&row.known);
        }
        self.extra.push(token);
        know(&mut self.known, token, prepared, query);
    }
}

impl Row {
    /// Codes and indices of the places of every tile.
    pub fn unpack(&mut self, level: Level, tag_bits: u32, row: &PlannedRow, lists: &[Lanes<u16>]) {
        self.slots.resize(row.depth, Slot::EMPTY);
        let mask = (1 << tag_bits) - 1;
        let mut at = 0;
        for tile in row.tiles.iter().filter(|tile| tile.depth > 0) {
            let range = at..at + tile.depth;
            unpack(
                level,
                &lists[range.clone()],
                tile.quota,
                tag_bits,
                &row.index[tile.start..],
                &mut self.slots[range.clone()],
            );
            if !self.come.extra.is_empty() {
                let places = &lists[range.start..range.start + tile.quota];
                for (list, slot) in places.iter().zip(&mut self.slots[range]) {
                    for (key, index) in list.iter().zip(&mut slot.index) {
                        if *index == NONE {
                            let token = tile.start + usize::from(key & mask);
                            let mut extra = self.come.extra.iter();
                            let extra = extra.position(|extra| *extra == token);
                            *index = (row.known.identity.len() + extra.unwrap_or(0)) as u16;
                        }
                    }
                }
            }
            at += tile.depth;
        }
    }
}

/// Appends what is known of a column.
pub(super) fn know(known: &mut Known, token: usize, prepared: &Prepared, query: usize) {
    let order = prepared.true_order[query]
        .iter()
        .position(|other| *other == token);
    let order = order.map_or(u16::MAX, |at| at as u16);
    let probability = prepared.reference.probabilities[(token, query)];
    known.identity.push(u32::from(order) << 16 | token as u32);
    known.clean.push(prepared.clean_depth(token, query) as f32);
    // Finite where the probability underflowed.
    known
        .log_probability
        .push(probability.max(f64::MIN_POSITIVE).ln() as f32);
}
