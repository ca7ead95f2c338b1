//! What one query did, as far as time and the ramp's energy depend on it.
//!
//! The trace is small on purpose (at most k entries a tile), so that it can be made for every
//! query and thrown away after its durations are taken.

use super::{Action, Cost};

/// Grants that fell to one ramp step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepGrants {
    /// The step at which the columns asked, from 1.
    pub step: u32,
    /// How many of them were granted.
    pub count: u32,
}

/// What one tile did for one query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TileTrace {
    /// Columns driven; 0 for a tile that takes no part and costs nothing.
    pub columns: u32,
    /// Driven columns that are not masked.
    pub live: u32,
    /// Ramp steps executed.
    pub stop_step: u32,
    /// Grants by step, steps ascending; empty where no arbiter works (full-ramp designs). For the
    /// `queue` arbiter these are the first requests in order of their arrival: a server that
    /// never rests ends at the same time whichever of the waiting requests it takes.
    pub grants: Vec<StepGrants>,
    /// Cycles of this tile's own digital sort, from [`sort_compares`]; 0 where none is.
    pub sort_cycles: u64,
    /// Columns that keep their own code: all live ones of a full ramp, none before an arbiter.
    pub codes: u32,
    /// Elements this tile gives to the softmax.
    pub survivors: u32,
}

impl TileTrace {
    /// A tile whose ramp runs through all `steps` and whose live columns all go on. Without a live
    /// column it is not driven.
    #[must_use]
    pub fn full_ramp(columns: u32, live: u32, steps: u32) -> Self {
        if live == 0 {
            return Self::default();
        }
        Self {
            columns,
            live,
            stop_step: steps,
            grants: Vec::new(),
            sort_cycles: 0,
            codes: live,
            survivors: live,
        }
    }

    /// A tile whose counter stops the ramp after `k` grants, or as many as it has live columns.
    /// `trips` are the trip steps of its live columns in ascending order; steps above `steps`
    /// never come, and then the ramp runs to its end. With k = 0 or without a live column the
    /// tile is not driven.
    #[must_use]
    pub fn stopped(
        columns: u32,
        steps: u32,
        k: u32,
        trips: impl ExactSizeIterator<Item = u32>,
    ) -> Self {
        let live = u32::try_from(trips.len()).unwrap_or(u32::MAX);
        let k = k.min(live);
        if k == 0 {
            return Self::default();
        }
        let mut grants: Vec<StepGrants> = Vec::new();
        let mut survivors = 0;
        for step in trips.take_while(|&step| step <= steps).take(k as usize) {
            survivors += 1;
            match grants.last_mut() {
                Some(last) if last.step == step => last.count += 1,
                _ => grants.push(StepGrants { step, count: 1 }),
            }
        }
        let stop_step = match grants.last() {
            Some(last) if survivors == k => last.step,
            _ => steps,
        };
        Self {
            columns,
            live,
            stop_step,
            grants,
            sort_cycles: 0,
            codes: 0,
            survivors,
        }
    }

    /// How many columns were granted.
    #[must_use]
    pub fn granted(&self) -> u64 {
        self.grants.iter().map(|g| u64::from(g.count)).sum()
    }

    /// What the conversion of this tile does: the counts of `Stage::Ramp` and of `Stage::Arbiter`.
    ///
    /// Comparators of masked columns are off; those of columns already granted are counted on,
    /// though the acknowledge could switch them off (it saves k columns at most).
    pub fn conversion(&self, tile: &TileShape, ramp: &RampShape) -> (Cost, Cost) {
        if self.columns == 0 {
            return (Cost::ZERO, Cost::ZERO);
        }
        let steps = u64::from(self.stop_step);
        let columns = u64::from(self.columns);
        let line = columns * u64::from(tile.wordlines);
        let pulses = ramp.pulses(steps);
        let counts = Cost::of(Action::CalibrationCharge, line)
            .and(Action::RampCharge, line.saturating_mul(ramp.swing(steps)))
            .and(
                Action::WordlineCharge,
                u64::from(tile.bitlines).saturating_mul(pulses),
            )
            .and(Action::CellRead, columns.saturating_mul(pulses))
            .and(Action::ComparatorDecision, u64::from(self.live) * steps)
            .and(Action::CounterStep, steps);
        let (code, address) = (u64::from(ramp.code_bits), u64::from(tile.address_bits()));
        let granted = self.granted();
        let codes = u64::from(self.codes).saturating_mul(code);
        let arbiter = Cost::of(Action::ArbiterGrant, granted)
            .and(Action::RegisterBit, granted.saturating_mul(code + address));
        (counts.and(Action::RegisterBit, codes), arbiter)
    }
}

/// The size of a tile, as far as its wires depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileShape {
    /// Cells on a bitline, replica rows included.
    pub wordlines: u32,
    /// Cells on a wordline, idle columns included.
    pub bitlines: u32,
}

impl TileShape {
    /// Bits that tell a column.
    #[must_use]
    pub const fn address_bits(&self) -> u32 {
        u32::BITS - self.bitlines.saturating_sub(1).leading_zeros()
    }

    /// What one MAC of the tile does: `rows` wordlines pulsed, `columns` driven. For Q K^T and for
    /// A x V alike.
    pub fn mac(&self, rows: u32, columns: u32) -> Cost {
        let (rows, columns) = (u64::from(rows), u64::from(columns));
        if columns == 0 {
            return Cost::ZERO;
        }
        Cost::of(Action::InputCode, rows)
            .and(Action::WordlineCharge, rows * u64::from(self.bitlines))
            .and(Action::CellRead, rows * columns)
            .and(Action::MacCharge, columns * u64::from(self.wordlines))
    }
}

/// The ramp of a tile, as far as its charges and codes depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RampShape {
    /// Calibration rows pulsed together before the ramp.
    pub calibration_rows: u32,
    /// Replica rows that make the ramp.
    pub ramp_rows: u32,
    /// Steps of a full ramp; more than 0.
    pub steps: u32,
    /// How far a full ramp goes, in 32nds of full scale: 32 down to zero, 64 down to -FS.
    pub swing: u32,
    /// Bits of a step code.
    pub code_bits: u32,
}

impl RampShape {
    /// Replica wordlines pulsed: the calibration rows once, then R / N rows a step, of R rows and
    /// N steps. Where there are more steps than rows, a step is one narrower pulse.
    fn pulses(&self, steps: u64) -> u64 {
        let rows = (self.ramp_rows / self.steps).max(1);
        u64::from(self.calibration_rows).saturating_add(steps.saturating_mul(u64::from(rows)))
    }

    /// How far so many steps go in 32nds of full scale, to the nearest: a line is charged back by what
    /// it was lowered, in however many steps. Uneven steps count as their mean.
    fn swing(&self, steps: u64) -> u64 {
        let full = u64::from(self.steps);
        (steps.saturating_mul(u64::from(self.swing)) + full / 2) / full
    }
}

/// What one query did in all its tiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryTrace {
    /// Inputs that are not zero: each pulses its wordlines in every driven tile.
    pub inputs: u32,
    /// One entry a tile of Q K^T, in order of the tokens.
    pub tiles: Vec<TileTrace>,
    /// Digital compares between tiles, one after another: the smallest step over the tiles
    /// (driven tiles - 1), and the merge of tile winners where k is kept per tile.
    pub merge_compares: u64,
    /// Cycles of a sort over the whole row, from [`sort_compares`]; 0 where none is.
    pub sort_cycles: u64,
    /// Rows driven in each tile of A x V; empty where it is digital.
    pub value_rows: Vec<u32>,
}

impl QueryTrace {
    /// Elements that enter the softmax.
    #[must_use]
    pub fn survivors(&self) -> u64 {
        self.tiles.iter().map(|t| u64::from(t.survivors)).sum()
    }

    /// How many tiles took part.
    #[must_use]
    pub fn driven(&self) -> u64 {
        self.tiles.iter().filter(|tile| tile.columns > 0).count() as u64
    }
}

/// Compares (and cycles) of a digital top-k over `live` scores: min(d log2 d, d k), rounded up.
///
/// Source: the paper's T_sort, arXiv 2411.13050 below eq. 3, its `log` read as log2.
#[must_use]
pub fn sort_compares(live: u64, k: u64) -> u64 {
    let insertion = live.saturating_mul(k);
    let full = (live as f64 * (live.max(1) as f64).log2()).ceil() as u64;
    insertion.min(full)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHAPE: TileShape = TileShape {
        wordlines: 256,
        bitlines: 256,
    };

    const RAMP: RampShape = RampShape {
        calibration_rows: 32,
        ramp_rows: 32,
        steps: 32,
        swing: 32,
        code_bits: 5,
    };

    #[test]
    fn the_counter_stops_at_the_kth_trip() {
        let tile = TileTrace::stopped(8, 32, 3, [4, 6, 6, 6, 9, 30, 31, 33].into_iter());
        assert_eq!((tile.stop_step, tile.survivors, tile.live), (6, 3, 8));
        let expected = [(4, 1), (6, 2)].map(|(step, count)| StepGrants { step, count });
        assert_eq!(tile.grants, expected);
        // One column never trips: seven are granted and the ramp runs to its end.
        let tile = TileTrace::stopped(8, 32, 8, [4, 6, 6, 6, 9, 30, 31, 33].into_iter());
        assert_eq!((tile.stop_step, tile.survivors), (32, 7));
    }

    #[test]
    fn the_counter_stops_at_the_last_live_column() {
        let tile = TileTrace::stopped(8, 32, 5, [4, 6].into_iter());
        assert_eq!((tile.stop_step, tile.survivors), (6, 2));
        let idle = TileTrace::default();
        assert_eq!(TileTrace::stopped(8, 32, 0, [4, 6].into_iter()), idle);
        assert_eq!(TileTrace::stopped(8, 32, 5, [].into_iter()), idle);
        assert_eq!(TileTrace::full_ramp(8, 0, 32), idle);
    }

    /// Each of 10 rows is a pulse on 256 cells of its wordline and a current in 100 driven columns, whose lines of 128
    /// cells are charged back.
    #[test]
    fn counts_of_a_mac() {
        let shape = TileShape {
            wordlines: 128,
            bitlines: 256,
        };
        let expected = Cost::of(Action::InputCode, 10)
            .and(Action::WordlineCharge, 2560)
            .and(Action::CellRead, 1000)
            .and(Action::MacCharge, 12_800);
        assert_eq!(shape.mac(10, 100), expected);
    }

    #[test]
    fn a_tile_without_columns_costs_nothing() {
        assert_eq!(
            TileTrace::default().conversion(&SHAPE, &RAMP),
            (Cost::ZERO, Cost::ZERO)
        );
        assert_eq!(SHAPE.mac(10, 0), Cost::ZERO);
    }

    #[test]
    fn counts_of_a_known_tile() {
        let tile = TileTrace::stopped(100, 32, 2, [10, 10, 12].into_iter());
        let (ramp, arbiter) = tile.conversion(&SHAPE, &RAMP);
        assert_eq!(ramp.count(Action::ComparatorDecision), 3 * 10);
        assert_eq!(ramp.count(Action::RampCharge), 100 * 256 * 10);
        assert_eq!(ramp.count(Action::WordlineCharge), (32 + 10) * 256);
        assert_eq!(ramp.count(Action::CounterStep), 10);
        assert_eq!(ramp.count(Action::RegisterBit), 0);
        assert_eq!(arbiter.count(Action::ArbiterGrant), 2);
        assert_eq!(arbiter.count(Action::RegisterBit), 2 * (5 + 8));
        let (ramp, arbiter) = TileTrace::full_ramp(100, 90, 32).conversion(&SHAPE, &RAMP);
        assert_eq!(ramp.count(Action::RegisterBit), 90 * 5);
        assert_eq!(arbiter, Cost::ZERO);
    }

    /// The line goes from full scale to zero in whatever number of steps, and every replica row is
    /// pulsed at least once.
    #[test]
    fn a_full_ramp_swings_as_far_in_any_number_of_steps() {
        let full = |ramp: RampShape| {
            let tile = TileTrace::full_ramp(100, 90, ramp.steps);
            tile.conversion(&SHAPE, &ramp).0
        };
        let line = 100 * 256;
        for (steps, rows) in [(4, 8), (8, 4), (16, 2), (31, 1), (32, 1), (64, 1), (512, 1)] {
            let counts = full(RampShape { steps, ..RAMP });
            assert_eq!(counts.count(Action::RampCharge), 32 * line, "{steps}");
            assert_eq!(counts.count(Action::CalibrationCharge), line, "{steps}");
            let pulses = u64::from(32 + steps * rows);
            assert_eq!(counts.count(Action::WordlineCharge), pulses * 256);
            assert_eq!(counts.count(Action::CellRead), pulses * 100);
        }
        let symmetric = full(RampShape { swing: 64, ..RAMP });
        assert_eq!(symmetric.count(Action::RampCharge), 64 * line);
        // Five of eight steps of four rows each.
        let early = TileTrace::stopped(100, 8, 1, [5].into_iter());
        let counts = early.conversion(&SHAPE, &RampShape { steps: 8, ..RAMP }).0;
        assert_eq!(counts.count(Action::RampCharge), 20 * line);
        assert_eq!(counts.count(Action::WordlineCharge), (32 + 20) * 256);
    }

    #[test]
    fn address_bits_count_columns() {
        let bits = |bitlines| TileShape { bitlines, ..SHAPE }.address_bits();
        assert_eq!([1, 2, 3, 128, 129, 256].map(bits), [0, 1, 2, 7, 8, 8]);
    }

    #[test]
    fn a_sort_takes_the_cheaper_way() {
        assert_eq!(sort_compares(256, 3), 768);
        assert_eq!(sort_compares(256, 100), 256 * 8);
        assert_eq!(sort_compares(384, 5), 1920);
        assert_eq!((sort_compares(0, 3), sort_compares(1, 3)), (0, 0));
    }

    proptest! {
        /// The same ramp run to its end: with every column granted, or with the same grants.
        #[test]
        fn early_stop_never_counts_more_than_the_ramp_run_to_its_end(
            mut trips in proptest::collection::vec(1u32..40, 1..60), k in 1u32..60,
        ) {
            trips.sort_unstable();
            let columns = trips.len() as u32;
            let early = TileTrace::stopped(columns, 32, k, trips.iter().copied());
            let all = TileTrace::stopped(columns, 32, columns, trips.iter().copied());
            let all = TileTrace { stop_step: 32, ..all };
            let idle = TileTrace { stop_step: 32, ..early.clone() };
            let cost = |tile: &TileTrace| {
                let (ramp, arbiter) = tile.conversion(&SHAPE, &RAMP);
                ramp.then(arbiter)
            };
            for action in Action::ALL {
                prop_assert!(cost(&early).count(action) <= cost(&all).count(action));
                prop_assert!(cost(&early).count(action) <= cost(&idle).count(action));
            }
        }
    }
}
