//! The decreasing-ramp in-memory ADC.
//!
//! Calibration replicas set the ramp to its start, `+FS`; ramp replicas of the same column lower it
//! step by step. With `LSB = range / N` the level of step s is `FS - s LSB`, s = 1..=N, and a column
//! trips at the first step whose level it reaches, so the largest values trip first. Everything here
//! is counted in LSB *below the start*: a value V has the depth `u = (FS - V) / LSB` and trips at
//! the first step s with `u <= depth[s]`.
//!
//! The 32 ramp cells of a column deviate from each other; a step made of C / N of them deviates by
//! sigma_cell / sqrt(C / N), and the running sum of the steps' deviations is the column's INL.

mod ladder;
mod params;

pub use ladder::{Ladders, Mix};
pub use params::{
    Below, Decode, FullScale, NoiseDraw, Placement, RampParams, Range, Resolution, StepCount,
};

use crate::base::mistake::Mistakes;
use crate::base::rng::Stream;

/// A checked ramp.
#[derive(Clone, Debug, PartialEq)]
pub struct Ramp {
    params: RampParams,
    /// Range over FS.
    span: f64,
    /// Depth of each step in LSB, the start (0) first: N + 1 values.
    depth: Vec<f64>,
}

impl RampParams {
    /// The ramp.
    ///
    /// # Errors
    /// Bits outside 1..=12, a percentile or score that is no full scale, levels that do not fall.
    pub fn check(&self, heads: usize) -> Result<Ramp, Mistakes> {
        let mut mistakes = Mistakes::none();
        let m = &mut mistakes;
        m.require(
            (1..=12).contains(&self.bits),
            "bits",
            self.bits,
            "must be from 1 to 12: a ramp of 2^bits clocks that long is no longer this converter",
            "write for instance 5, or `resolution = { exact = {} }` for a converter without steps",
        );
        let bits = self.bits.clamp(1, 12);
        let count = match self.steps {
            StepCount::PowerOfTwo {} => 1_usize << bits,
            StepCount::OneLess {} => (1_usize << bits) - 1,
        };
        self.full_scale.check(heads, m);
        let (span, depth) = self.range.lay(count, m);
        mistakes.or(|| Ramp {
            params: self.clone(),
            span,
            depth,
        })
    }
}

impl Ramp {
    /// Steps of a full ramp.
    #[must_use]
    pub fn steps(&self) -> u32 {
        self.depth.len() as u32 - 1
    }

    /// Bits of a code.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.params.bits
    }

    /// Whether the converter has no steps.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.params.resolution == Resolution::Exact {}
    }

    /// Whether the column's own replicas make the ramp.
    #[must_use]
    pub fn is_in_column(&self) -> bool {
        self.params.placement == Placement::InColumn {}
    }

    /// Whether comparator noise is drawn at each step.
    #[must_use]
    pub fn draws_each_step(&self) -> bool {
        self.params.comparator_noise == NoiseDraw::PerStep {} && !self.is_exact()
    }

    /// Whether scores below zero lie below the last level, so that one code stands for all of them.
    #[must_use]
    pub fn is_one_sided(&self) -> bool {
        self.params.range.is_one_sided()
    }

    /// The rule that gives the full scale.
    #[must_use]
    pub fn full_scale(&self) -> &FullScale {
        &self.params.full_scale
    }

    /// One step for a full scale, in the same unit.
    #[must_use]
    pub fn lsb(&self, full_scale: f64) -> f64 {
        full_scale * self.span / f64::from(self.steps())
    }

    /// How replicas of this spread make the steps.
    #[must_use]
    pub fn mixes(&self, sigma: f64, cells: usize) -> Vec<Mix> {
        ladder::mixes(&self.depth, sigma, cells)
    }

    /// Whether nominal levels are one LSB apart, the first one LSB below the start.
    #[must_use]
    pub fn is_even(&self) -> bool {
        let levels = self.depth.iter().zip(0_u32..);
        levels.fold(true, |even, (depth, step)| {
            even && *depth == f64::from(step)
        })
    }

    /// What a column below the last level reads.
    #[must_use]
    pub fn below(&self) -> Below {
        self.params.below
    }

    /// Ladders of the columns of a chip from the draws of their replica cells (standard normal,
    /// `cells` a column). With no draws, or an external ramp, all columns share the nominal one.
    #[must_use]
    pub fn ladders(&self, sigma: f64, draws: &[f64], cells: usize) -> Ladders {
        if draws.is_empty() || cells == 0 || !self.is_in_column() {
            return Ladders::nominal(&self.depth);
        }
        let mixes = self.mixes(sigma, cells);
        Ladders::of_cells(&mixes, draws, cells, self.draws_each_step())
    }

    /// The step at which a column of depth `u` trips: 1..=N, infinite if absent. Without steps, the
    /// depth itself.
    #[must_use]
    pub fn trip(&self, u: f64, ladder: &[f64]) -> f64 {
        if self.is_exact() {
            return u;
        }
        let last = ladder.len() - 1;
        let mut at = (u.clamp(0.0, last as f64) as usize).min(last);
        while at > 0 && u <= ladder[at - 1] {
            at -= 1;
        }
        while at <= last && u > ladder[at] {
            at += 1;
        }
        self.step(at)
    }

    /// The same with noise of standard deviation `sigma` drawn at each step until it trips.
    pub fn trip_with_step_noise(
        &self,
        u: f64,
        ladder: &[f64],
        sigma: f64,
        noise: &mut Stream,
    ) -> f64 {
        let at = ladder
            .iter()
            .position(|depth| u + sigma * noise.normal() <= *depth);
        self.step(at.unwrap_or(ladder.len()))
    }

    fn step(&self, at: usize) -> f64 {
        if at < self.steps() as usize {
            (at + 1) as f64
        } else {
            match self.params.below {
                Below::LastCode {} => f64::from(self.steps()),
                Below::Absent {} => f64::INFINITY,
            }
        }
    }

    /// Depth that the first step stands for; zero for a converter without steps.
    #[must_use]
    pub fn first_depth(&self) -> f64 {
        if self.is_exact() {
            0.0
        } else {
            self.decode(1.0)
        }
    }

    /// How far the level at which a column tripped lies from the nominal one, in LSB.
    #[must_use]
    pub fn deviation(&self, trip: f64, ladder: &[f64]) -> f64 {
        if self.is_exact() || !trip.is_finite() {
            return 0.0;
        }
        let step = (trip as usize).clamp(1, ladder.len());
        ladder[step - 1] - self.depth[step]
    }

    /// The largest step of the ramp in LSB.
    #[must_use]
    pub fn largest_step(&self) -> f64 {
        self.depth
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .fold(0.0, f64::max)
    }

    /// Depth that a trip stands for, in LSB below the start.
    #[must_use]
    pub fn decode(&self, trip: f64) -> f64 {
        if self.is_exact() {
            return trip;
        }
        let step = (trip as usize).clamp(1, self.steps() as usize);
        let (upper, lower) = (self.depth[step - 1], self.depth[step]);
        match self.params.decode {
            Decode::Centre {} => (upper + lower) / 2.0,
            Decode::UpperEdge {} => upper,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::{Purpose, Seed, Site};
    use proptest::prelude::*;

    fn ramp(params: RampParams) -> Ramp {
        params.check(1).unwrap()
    }

    #[test]
    fn larger_values_trip_first_and_the_last_code_takes_the_rest() {
        let ramp = ramp(RampParams::default());
        let ladders = ramp.ladders(0.0, &[], 32);
        let trip = |u| ramp.trip(u, ladders.of(0));
        assert_eq!(
            [-3.0, 0.0, 1.0, 1.5, 31.5, 32.0, 90.0].map(trip),
            [1.0, 1.0, 1.0, 2.0, 32.0, 32.0, 32.0]
        );
        assert_eq!(ramp.decode(1.0), 0.5);
        let absent = RampParams {
            below: Below::Absent {},
            ..RampParams::default()
        };
        assert_eq!(
            super::tests::ramp(absent).trip(90.0, ladders.of(0)),
            f64::INFINITY
        );
    }

    #[test]
    fn a_step_of_two_cells_deviates_by_sigma_over_root_two() {
        let ramp = ramp(RampParams {
            bits: 4,
            ..RampParams::default()
        });
        let (cells, columns, sigma) = (32, 20_000, 0.02);
        let mut draws = vec![0.0; cells * columns];
        Seed(3)
            .stream(Purpose::ReplicaMismatch, 0, Site(0, 0))
            .fill_normal(&mut draws);
        let ladders = ramp.ladders(sigma, &draws, cells);
        let variance = |step: usize| {
            (0..columns)
                .map(|c| (ladders.of(c)[step] - (step + 1) as f64).powi(2))
                .sum::<f64>()
                / columns as f64
        };
        let per_step = sigma * sigma / 2.0;
        // Variance of the running sum after s steps is s times that of one; 20 000 columns hold it to 3 %.
        for step in [0, 7, 15] {
            let expected = per_step * (step + 1) as f64;
            assert!((variance(step) / expected - 1.0).abs() < 0.03, "{step}");
        }
    }

    #[test]
    fn a_bad_ramp_is_named() {
        let params = RampParams {
            bits: 40,
            full_scale: FullScale::Scores(f64::NAN),
            range: Range::Explicit(vec![0.5, 0.7]),
            ..RampParams::default()
        };
        let keys: Vec<_> = params
            .check(1)
            .unwrap_err()
            .0
            .into_iter()
            .map(|m| m.key)
            .collect();
        assert_eq!(
            keys,
            [
                "bits",
                "full_scale.scores",
                "range.explicit",
                "range.explicit"
            ]
        );
    }

    proptest! {
        /// The fast search against the definition: halt at the first level that is reached.
        #[test]
        fn a_trip_is_the_first_level_reached(
            u in -5.0..40.0_f64,
            cells in proptest::collection::vec(-3.0..3.0_f64, 32),
            sigma in 0.0..0.6_f64,
        ) {
            let ramp = ramp(RampParams { below: Below::Absent {}, ..RampParams::default() });
            let ladders = ramp.ladders(sigma, &cells, 32);
            let mut level = 0.0;
            let mut expected = f64::INFINITY;
            for (step, cell) in cells.iter().enumerate() {
                level += 1.0 + sigma * cell;
                // Sums in another order differ in the last bits; keep clear of a level by 1e-9.
                prop_assume!((u - level).abs() > 1e-9);
                if u <= level {
                    expected = (step + 1) as f64;
                    break;
                }
            }
            prop_assert_eq!(ramp.trip(u, ladders.of(0)), expected);
        }
    }
}
