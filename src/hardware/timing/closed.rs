//! The paper's latency equations, closed: a cross-check of the schedules, not a second model.
//!
//! Source: arXiv 2411.13050, eqs. 3 and 4 and the text around them, with d read as columns where
//! columns are converted, sorted or normalised, and `rows` where query rows are counted:
//!
//! ```text
//! conventional  T_wr + rows (T_pwm + T_ima + d T_NL)
//! digital-topk  T_wr + rows (T_pwm + T_ima + T_sort + k T_NL)
//! topkima       T_wr + rows (T_pwm + max(alpha T_ima + T_arb, T_clk + k T_arb) + k T_NL)
//! T_sort        min(d log2 d, d k) T_clk,sort
//! ```

use super::paper_max;
use crate::base::units::Picos;
use crate::hardware::events::sort_compares;

/// What stands in the equations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Query rows.
    pub rows: u64,
    /// Columns of the array that is counted.
    pub columns: u64,
    /// Winners of that array.
    pub k: u64,
    /// K^T written once.
    pub write: Picos,
    /// Longest input pulse.
    pub pulse: Picos,
    /// Full ramp.
    pub ramp: Picos,
    /// Ramp until the k-th crossing, alpha T_ima.
    pub early_ramp: Picos,
    /// One ramp step.
    pub clock: Picos,
    /// One grant.
    pub arbiter: Picos,
    /// One softmax element.
    pub softmax_element: Picos,
    /// One cycle of the sorter; the paper does not state it.
    pub sort_clock: Picos,
}

impl Closed {
    /// The paper's constants (alpha = 0.31, so 0.31 x 128 ns), with the sort clock of 1 ns that is
    /// fitted: 384 query rows on an array of so many columns keeping `k`.
    #[must_use]
    pub const fn paper(columns: u64, k: u64) -> Self {
        Self {
            rows: 384,
            columns,
            k,
            write: Picos::new(320_000),
            pulse: Picos::new(62_000),
            ramp: Picos::new(128_000),
            early_ramp: Picos::new(39_680),
            clock: Picos::new(4_000),
            arbiter: Picos::new(2_080),
            softmax_element: Picos::new(6_500),
            sort_clock: Picos::new(1_000),
        }
    }

    fn head(&self, row: Picos) -> Picos {
        self.write + (self.pulse + row).times(self.rows)
    }

    /// Full ramp, softmax over all columns.
    #[must_use]
    pub fn conventional(&self) -> Picos {
        self.head(self.ramp + self.softmax_element.times(self.columns))
    }

    /// T_sort of one row.
    #[must_use]
    pub fn sort(&self) -> Picos {
        self.sort_clock.times(sort_compares(self.columns, self.k))
    }

    /// Full ramp, digital sort, softmax over k.
    #[must_use]
    pub fn digital_topk(&self) -> Picos {
        self.head(self.ramp + self.sort() + self.softmax_element.times(self.k))
    }

    /// Ramp stopped by the arbiter, softmax over k.
    #[must_use]
    pub fn topkima(&self) -> Picos {
        let converting = paper_max(self.early_ramp, self.k, self.clock, self.arbiter);
        self.head(converting + self.softmax_element.times(self.k))
    }
}

#[cfg(test)]
mod tests {
    use super::super::constants::tests::constants;
    use super::super::{Arbiter, HeadShape, Switches, Timing, pulse_units};
    use super::*;
    use crate::base::sourced::Sourced;
    use crate::hardware::events::{QueryTrace, Schedule, Stage, TileTrace};

    fn ratio(a: Picos, b: Picos) -> f64 {
        a.nanoseconds() / b.nanoseconds()
    }

    #[test]
    fn the_slowest_array_gives_14_95_and_7_88() {
        let closed = Closed::paper(256, 3);
        assert!((ratio(closed.conventional(), closed.topkima()) - 14.95).abs() < 0.005);
        assert!((ratio(closed.digital_topk(), closed.topkima()) - 7.88).abs() < 0.005);
        let sorting = ratio(closed.sort().times(384), closed.digital_topk());
        assert!((sorting - 0.785).abs() < 0.0005);
        assert!((closed.topkima().nanoseconds() / 1e3 - 47.65).abs() < 0.02);
    }

    #[test]
    fn the_literal_reading_gives_19_6() {
        let closed = Closed::paper(384, 5);
        assert!((ratio(closed.conventional(), closed.topkima()) - 19.6).abs() < 0.05);
        assert!((ratio(closed.digital_topk(), closed.topkima()) - 15.6).abs() < 0.05);
    }

    /// Timing with the paper's constants: no time for compares between arrays.
    fn timing(arbiter: Arbiter) -> Timing {
        let mut constants = constants();
        constants.merge_compare = Sourced::bare(Picos::ZERO);
        let switches = Switches {
            arbiter,
            ..Switches::default()
        };
        Timing::check(&constants, &switches).unwrap()
    }

    /// One head of the three designs through the serial schedule, on arrays of (columns, k).
    /// Neither A x V nor the table's load is in the paper's equations.
    fn replay(arrays: &[(u32, u32)], arbiter: Arbiter) -> [Picos; 3] {
        let timing = timing(arbiter);
        let head = HeadShape {
            key_rows: 64,
            input_units: pulse_units(31, 2, 3),
            ..HeadShape::default()
        };
        let trace = |tile: &dyn Fn(u32, u32) -> TileTrace| QueryTrace {
            tiles: arrays
                .iter()
                .map(|&(columns, k)| tile(columns, k))
                .collect(),
            merge_compares: arrays.len() as u64 - 1,
            ..QueryTrace::default()
        };
        let full = |columns, _| TileTrace::full_ramp(columns, columns, 32);
        let sorted = |columns: u32, k: u32| TileTrace {
            sort_cycles: sort_compares(columns.into(), k.into()),
            survivors: k,
            ..TileTrace::full_ramp(columns, columns, 32)
        };
        // One grant in each of the last k steps before the stop.
        let stopped = |columns: u32, k: u32| {
            let trips = (0..columns).map(|i| 11 - k + i);
            TileTrace::stopped(columns, 32, k, trips.collect::<Vec<_>>().into_iter())
        };
        let early = Closed::paper(0, 0).early_ramp;
        let designs = [
            timing.query(&head, &trace(&full)),
            timing.query(&head, &trace(&sorted)),
            // 0.31 x 128 ns is no whole number of clocks, so the ramp is put in by hand.
            timing
                .query(&head, &trace(&stopped))
                .with(Stage::Ramp, early),
        ];
        designs.map(|times| {
            let mut progress = Schedule::Serial {}.start(&timing.once(&head));
            for _ in 0..384 {
                progress.push(&times);
            }
            progress.finish().makespan
        })
    }

    #[test]
    fn the_serial_schedule_gives_the_papers_equations_to_the_picosecond() {
        for arbiter in [Arbiter::Stall {}, Arbiter::PaperMax {}, Arbiter::Queue {}] {
            let closed = Closed::paper(256, 3);
            let [conventional, digital, topkima] = replay(&[(256, 3), (128, 2)], arbiter);
            assert_eq!(conventional, closed.conventional());
            assert_eq!(digital, closed.digital_topk());
            assert_eq!(topkima, closed.topkima());
            let closed = Closed::paper(384, 5);
            let literal = replay(&[(384, 5)], arbiter);
            assert_eq!(
                literal,
                [
                    closed.conventional(),
                    closed.digital_topk(),
                    closed.topkima()
                ]
            );
        }
    }
}
