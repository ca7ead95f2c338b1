//! What one query counts, from its trace alone.
//!
//! [`Finish::select`] and [`Finish::drive`] pay for each stage as they make its value, by the functions
//! that stand here and in the rooms below. [`Finish::count`] puts the same functions together for a query
//! of which only the trace is known: a head without numbers, or a trial that keeps no intermediate values.

use super::{Datapath, Finish, Sort};
use crate::hardware::events::{
    Action, Cost, Ledger, QueryTrace, Stage, StepGrants, TileTrace, sort_compares,
};

/// Width of a word of the local buffer.
const WORD_BITS: u64 = 64;

impl Finish<'_> {
    /// Adds the counts of one query to a ledger; it allocates nothing.
    pub fn count(&self, trace: &QueryTrace, ledger: &mut Ledger) {
        ledger.charge(Stage::Input, self.fetched());
        for tile in trace.tiles.iter().filter(|tile| tile.columns > 0) {
            self.count_tile(tile, trace.inputs, ledger);
        }
        ledger.charge(
            Stage::Sort,
            Cost::of(Action::SortCompare, trace.sort_cycles),
        );
        ledger.charge(
            Stage::Merge,
            Cost::of(Action::CodeCompare, trace.merge_compares),
        );
        let (softmax, survivors) = (&self.attention.softmax, trace.survivors());
        ledger.charge(Stage::Softmax, self.smallest(survivors, trace.driven()));
        ledger.charge(Stage::Softmax, softmax.row_counts(survivors));
        match &self.attention.values {
            None => ledger.charge(Stage::Av, self.products(survivors)),
            Some(values) => {
                for &rows in &trace.value_rows {
                    ledger.charge(Stage::Av, values.product(rows));
                }
            }
        }
        let normalised = softmax.output_counts(self.attention.d_value as u64);
        ledger.charge(Stage::Softmax, normalised);
        ledger.charge(Stage::Av, self.stored());
    }

    /// The trace of one tile, from its columns and those of them that are live, its places, the step
    /// at which its ramp stopped (none if it was not driven) and its grants. Who survives is not known
    /// before all tiles are done.
    #[must_use]
    pub fn tile(
        &self,
        [columns, live, places]: [usize; 3],
        stop: Option<u32>,
        grants: Vec<StepGrants>,
    ) -> TileTrace {
        let Some(stop_step) = stop else {
            return TileTrace::default();
        };
        let per_tile = Datapath::DigitalTopk {
            sort: Sort::PerTile {},
        };
        TileTrace {
            columns: columns as u32,
            live: live as u32,
            stop_step,
            grants,
            sort_cycles: if self.datapath == per_tile {
                sort_compares(live as u64, places.min(live) as u64)
            } else {
                0
            },
            codes: if self.datapath == (Datapath::Topkima {}) {
                0
            } else {
                live as u32
            },
            survivors: 0,
        }
    }

    /// Completes a trace with the digital work between its tiles: the smallest step over them, the merge
    /// of their winners (one compare a tile and place), a sort over the whole row.
    pub fn between_tiles(&self, trace: &mut QueryTrace) {
        let k = self.topk.k as u64;
        let others = trace.driven().saturating_sub(1);
        let merged = if self.merges() { k } else { 0 };
        trace.merge_compares = others * (1 + merged);
        trace.sort_cycles = if self.sorts_whole_row() {
            sort_compares(trace.tiles.iter().map(|t| u64::from(t.live)).sum(), k)
        } else {
            0
        };
    }

    /// Whether places are shared out to the tiles, so that each keeps its own.
    #[must_use]
    pub fn shares(&self) -> bool {
        self.datapath != (Datapath::Conventional {}) && !self.sorts_whole_row()
    }

    pub(super) fn merges(&self) -> bool {
        self.shares() && self.topk.merges
    }

    pub(super) fn sorts_whole_row(&self) -> bool {
        self.datapath
            == Datapath::DigitalTopk {
                sort: Sort::Global {},
            }
    }

    /// The codes of a query read from the local buffer, sign included.
    pub(super) fn fetched(&self) -> Cost {
        let q_max = self.attention.quantise.q.max_code().unwrap_or(31);
        let bits = self.attention.crossbar.d_head as u64 * (u64::from(q_max.ilog2()) + 2);
        Cost::of(Action::BufferRead, bits.div_ceil(WORD_BITS))
    }

    /// One driven tile: the pulses of the inputs and the MAC they make, its ramp up to the stop with the
    /// grants of its arbiter, its sorter.
    pub(super) fn count_tile(&self, tile: &TileTrace, inputs: u32, ledger: &mut Ledger) {
        let shape = &self.attention.tile;
        let pulses = inputs * self.attention.crossbar.places.len() as u32;
        ledger.charge(Stage::Input, shape.mac(pulses, tile.columns));
        let (ramp, arbiter) = tile.conversion(shape, &self.attention.replicas);
        ledger.charge(Stage::Ramp, ramp);
        ledger.charge(Stage::Arbiter, arbiter);
        ledger.charge(Stage::Sort, Cost::of(Action::SortCompare, tile.sort_cycles));
    }

    /// Codes of a conventional design come in address order: the smallest step of each tile has to be
    /// looked for. The smallest of the tiles is counted as a merge, in every design.
    pub(super) fn smallest(&self, survivors: u64, driven: u64) -> Cost {
        if self.datapath == (Datapath::Conventional {}) {
            Cost::of(Action::CodeCompare, survivors.saturating_sub(driven))
        } else {
            Cost::ZERO
        }
    }

    /// A x V without tiles.
    pub(super) fn products(&self, survivors: u64) -> Cost {
        let products = survivors * self.attention.d_value as u64;
        Cost::of(Action::Multiply, products).and(Action::Accumulate, products)
    }

    /// The output written to the local buffer, eight bits a number.
    pub(super) fn stored(&self) -> Cost {
        let bits = self.attention.d_value as u64 * 8;
        Cost::of(Action::BufferWrite, bits.div_ceil(WORD_BITS))
    }
}
