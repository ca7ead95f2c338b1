//! How long each stage of one query takes, from the query's own trace.

use super::{Arbiter, RowTime, StartUp, Timing, paper_max, queue_time, stall};
use crate::base::units::Picos;
use crate::hardware::events::{QueryTrace, Stage, StageTimes, TileTrace};

/// What is the same for every query of a head, as far as time depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadShape {
    /// Rows of K written one after another; tiles, and the cells of one weight, are written
    /// together (64 for BERT-base).
    pub key_rows: u64,
    /// Rows of V written one after another; 0 where A x V is not simulated.
    pub value_rows: u64,
    /// Entries of the exponential table.
    pub lut_entries: u64,
    /// Longest input pulse of Q K^T in units, from [`pulse_units`].
    pub input_units: u64,
    /// Longest input pulse of A x V in units, from [`pulse_units`].
    pub av_units: u64,
    /// Conversions of A x V one after another: columns that share an ADC.
    pub av_conversions: u64,
}

/// Longest input pulse in units: q_max B^(slices - 1), for weights in `slices` slices of base
/// `base` whose inputs are scaled 1 : B : B^2 ... 31 levels in three binary slices give 124 units,
/// the 62 ns of arXiv 2411.13050. It follows from the levels and is never set.
#[must_use]
pub const fn pulse_units(q_max: u32, base: u32, slices: u32) -> u64 {
    (q_max as u64).saturating_mul((base as u64).saturating_pow(slices.saturating_sub(1)))
}

impl Timing {
    /// What happens once a head: K before the first query, V before the first A x V, the table
    /// before the first softmax.
    #[must_use]
    pub fn once(&self, head: &HeadShape) -> StageTimes {
        StageTimes::ZERO
            .with(Stage::WriteK, self.write_row.times(head.key_rows))
            .with(Stage::WriteV, self.value_write_row.times(head.value_rows))
            .with(Stage::LutLoad, self.lut_entry.times(head.lut_entries))
    }

    /// How long one tile converts: its ramp, and how long the arbiter keeps it beyond the ramp.
    #[must_use]
    pub fn conversion(&self, tile: &TileTrace) -> (Picos, Picos) {
        if tile.columns == 0 {
            return (Picos::ZERO, Picos::ZERO);
        }
        let ramp = self.clock.times(u64::from(tile.stop_step));
        let (stop, grants) = (tile.stop_step, &tile.grants);
        let both = match self.switches.arbiter {
            Arbiter::Stall {} => stall(stop, grants, self.clock, self.arbiter),
            Arbiter::PaperMax {} => paper_max(ramp, tile.granted(), self.clock, self.arbiter),
            Arbiter::Queue {} => queue_time(stop, grants, self.clock, self.arbiter),
        };
        let beyond = Picos::new(both.get().saturating_sub(ramp.get()));
        match self.switches.start_up {
            StartUp::NotCounted {} => (ramp, beyond),
            StartUp::Counted {} => (ramp + self.clock, beyond),
        }
    }

    /// A sort of so many cycles (see [`sort_compares`](crate::hardware::events::sort_compares)).
    #[must_use]
    pub fn sort(&self, cycles: u64) -> Picos {
        self.sort_clock.times(cycles)
    }

    /// So many elements through one softmax.
    #[must_use]
    pub fn softmax(&self, elements: u64) -> Picos {
        let rounds = elements.div_ceil(u64::from(self.switches.softmax_lanes));
        self.softmax_element.times(rounds)
    }

    /// The stages of one tile that depend on the tile.
    fn tile(&self, tile: &TileTrace) -> StageTimes {
        let (ramp, arbiter) = self.conversion(tile);
        StageTimes::ZERO
            .with(Stage::Ramp, ramp)
            .with(Stage::Arbiter, arbiter)
            .with(Stage::Sort, self.sort(tile.sort_cycles))
            .with(Stage::Softmax, self.softmax(u64::from(tile.survivors)))
    }

    /// The durations of one query. Tiles work in parallel; by [`RowTime`] the slowest counts with
    /// its own sorter and softmax, or the slowest conversion and one sorter and softmax for all.
    #[must_use]
    pub fn query(&self, head: &HeadShape, trace: &QueryTrace) -> StageTimes {
        let tiles = || trace.tiles.iter().filter(|tile| tile.columns > 0);
        let times = match self.switches.row {
            RowTime::SlowestTile {} => tiles()
                .map(|tile| self.tile(tile))
                .reduce(|slowest, next| {
                    if next.total() > slowest.total() {
                        next
                    } else {
                        slowest
                    }
                })
                .unwrap_or_default(),
            RowTime::WholeRow {} => {
                let (ramp, arbiter) = tiles()
                    .map(|tile| self.conversion(tile))
                    .reduce(|slowest, next| {
                        if next.0 + next.1 > slowest.0 + slowest.1 {
                            next
                        } else {
                            slowest
                        }
                    })
                    .unwrap_or_default();
                let sorts = tiles().fold(0u64, |sum, tile| sum.saturating_add(tile.sort_cycles));
                StageTimes::ZERO
                    .with(Stage::Ramp, ramp)
                    .with(Stage::Arbiter, arbiter)
                    .with(Stage::Sort, self.sort(sorts))
                    .with(Stage::Softmax, self.softmax(trace.survivors()))
            }
        };
        let units = if trace.driven() > 0 {
            head.input_units
        } else {
            0
        };
        let whole_row = StageTimes::ZERO
            .with(Stage::Input, self.pulse_unit.times(units))
            .with(Stage::Merge, self.merge_compare.times(trace.merge_compares))
            .with(Stage::Sort, self.sort(trace.sort_cycles));
        let av = if trace.survivors() > 0 {
            self.av_pulse_unit.times(head.av_units) + self.adc_conversion.times(head.av_conversions)
        } else {
            Picos::ZERO
        };
        times.then(&whole_row).with(Stage::Av, av)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Switches;
    use super::super::constants::tests::timing;
    use super::*;
    use proptest::prelude::*;

    const HEAD: HeadShape = HeadShape {
        key_rows: 64,
        value_rows: 384,
        lut_entries: 32,
        input_units: pulse_units(31, 2, 3),
        av_units: pulse_units(31, 2, 1),
        av_conversions: 8,
    };

    fn with(row: RowTime, lanes: u32) -> Timing {
        timing(&Switches {
            row,
            softmax_lanes: lanes,
            ..Switches::default()
        })
    }

    fn tile(trips: &[u32], k: u32) -> TileTrace {
        let mut trips = trips.to_vec();
        trips.sort_unstable();
        let tile = TileTrace::stopped(trips.len() as u32, 32, k, trips.iter().copied());
        TileTrace {
            sort_cycles: u64::from(k) * 3,
            ..tile
        }
    }

    fn query(tiles: &[(Vec<u32>, u32)]) -> QueryTrace {
        QueryTrace {
            tiles: tiles.iter().map(|(trips, k)| tile(trips, *k)).collect(),
            merge_compares: tiles.len() as u64 - 1,
            ..QueryTrace::default()
        }
    }

    #[test]
    fn the_longest_pulse_follows_from_the_levels() {
        let timing = timing(&Switches::default());
        let input = timing.pulse_unit.times(pulse_units(31, 2, 3));
        assert_eq!(input, Picos::new(62_000));
        assert_eq!(pulse_units(15, 2, 3) * 500, 30_000);
        assert_eq!(pulse_units(31, 2, 1), 31);
    }

    #[test]
    fn a_query_by_hand() {
        let trace = query(&[(vec![4, 9, 9, 30], 3), (vec![10, 12], 2)]);
        let times = with(RowTime::SlowestTile {}, 1).query(&HEAD, &trace);
        // Tile 0: 9 clocks, two grants after the stop, 9 sort cycles, three elements: 68.66 ns.
        // Tile 1: 12 clocks, one grant, 6 cycles, two elements: 69.08 ns, so this one counts.
        let nanoseconds = Stage::ALL.map(|stage| times.get(stage).nanoseconds());
        let av = 31.0 * 0.5 + 8.0 * 14.3;
        let expected = [0.0, 62.0, 48.0, 2.08, 0.51, 6.0, 0.0, 13.0, 0.0, av];
        for (found, expected) in nanoseconds.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{nanoseconds:?}");
        }
        let times = with(RowTime::WholeRow {}, 1).query(&HEAD, &trace);
        assert_eq!(times.get(Stage::Ramp), Picos::new(48_000));
        assert_eq!(times.get(Stage::Sort), Picos::new(15_000));
        assert_eq!(times.get(Stage::Softmax), Picos::new(5 * 6_500));
    }

    #[test]
    fn a_query_without_a_driven_tile_takes_no_time() {
        let idle = QueryTrace {
            tiles: vec![TileTrace::default(); 2],
            ..QueryTrace::default()
        };
        let times = timing(&Switches::default()).query(&HEAD, &idle);
        assert_eq!(times, StageTimes::ZERO);
    }

    #[test]
    fn the_start_up_cycle_is_one_clock() {
        let counted = timing(&Switches {
            start_up: StartUp::Counted {},
            ..Switches::default()
        });
        let one = tile(&[4, 9, 9, 30], 3);
        let (ramp, beyond) = counted.conversion(&one);
        assert_eq!((ramp, beyond), (Picos::new(40_000), Picos::new(4_160)));
    }

    fn tiles() -> impl Strategy<Value = Vec<(Vec<u32>, u32)>> {
        proptest::collection::vec((proptest::collection::vec(1u32..=32, 0..20), 1u32..8), 1..6)
    }

    proptest! {
        #[test]
        fn parallel_is_never_slower(tiles in tiles(), lanes in 1u32..9) {
            let trace = query(&tiles);
            let own = with(RowTime::SlowestTile {}, 1).query(&HEAD, &trace);
            let shared = with(RowTime::WholeRow {}, 1).query(&HEAD, &trace);
            prop_assert!(own.total() <= shared.total());
            for row in [RowTime::SlowestTile {}, RowTime::WholeRow {}] {
                let (one, many) = (with(row, 1).query(&HEAD, &trace), with(row, lanes).query(&HEAD, &trace));
                prop_assert!(many.total() <= one.total());
            }
        }

        #[test]
        fn a_tile_alongside_is_never_slower_than_after(a in tiles(), b in tiles()) {
            let timing = timing(&Switches::default());
            let (a, b) = (timing.query(&HEAD, &query(&a)), timing.query(&HEAD, &query(&b)));
            prop_assert!(a.alongside(&b).total() <= a.then(&b).total());
            prop_assert_eq!(a.alongside(&b), b.alongside(&a));
            prop_assert_eq!(a.then(&b), b.then(&a));
            prop_assert_eq!(a.alongside(&a), a);
        }

        #[test]
        fn early_stop_never_takes_a_query_longer(tiles in tiles()) {
            let early = query(&tiles);
            let ends: Vec<_> = tiles.iter().map(|(trips, _)| (trips.clone(), trips.len() as u32)).collect();
            let mut end = query(&ends);
            for (tile, early) in end.tiles.iter_mut().zip(&early.tiles) {
                *tile = TileTrace { stop_step: 32, sort_cycles: early.sort_cycles, ..tile.clone() };
            }
            for arbiter in [Arbiter::Stall {}, Arbiter::PaperMax {}, Arbiter::Queue {}] {
                let timing = timing(&Switches { arbiter, ..Switches::default() });
                prop_assert!(timing.query(&HEAD, &early).total() <= timing.query(&HEAD, &end).total());
            }
        }
    }
}
