//! Statistics over trials: mean and spread, deltas paired by trial, and quantiles.

use std::collections::BTreeMap;

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{HeadTally, Metric, Values};
use crate::base::units::Picos;

/// Mean and spread of a stream of numbers (Welford).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// How many numbers.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    square: f64,
}

impl Moments {
    /// Adds a number.
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.square += before * (value - self.mean);
    }

    /// Standard deviation with n - 1; none for fewer than two numbers.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.square / (self.count - 1) as f64).max(0.0).sqrt())
    }

    /// Half width of the 95 % interval of the mean by Student's t; none for fewer than two numbers.
    #[must_use]
    pub fn ci95(&self) -> Option<f64> {
        let deviation = self.deviation()?;
        let n = self.count as f64;
        let t = StudentsT::new(0.0, 1.0, n - 1.0).ok()?.inverse_cdf(0.975);
        Some(t * deviation / n.sqrt())
    }
}

/// Statistics of one design at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Each metric over trials.
    pub values: [Moments; Metric::COUNT],
    /// Each metric minus the reference design's, paired by trial; none for the reference itself.
    pub deltas: Option<[Moments; Metric::COUNT]>,
    /// How often each stop step occurred, by step, over all query-tiles, heads and trials.
    pub stop_steps: Vec<u64>,
    /// How often a head took each latency, to 0.1 % of it.
    pub latencies: Latencies,
}

/// Latencies by size class of one part in 1024, so that memory does not grow with trials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latencies {
    /// How many by class, and the longest of each.
    classes: BTreeMap<u64, (u64, Picos)>,
}

impl Latencies {
    fn add(&mut self, latency: Picos) {
        let shift = latency
            .get()
            .checked_ilog2()
            .unwrap_or(0)
            .saturating_sub(10);
        let class = latency.get() >> shift;
        let (count, longest) = self.classes.entry(class << shift).or_default();
        *count += 1;
        *longest = latency.max(*longest);
    }

    /// A latency that occurred and that at least a share of the heads do not exceed: the smallest such, or one at most
    /// 0.1 % longer.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Picos> {
        let counts = self.classes.iter();
        let counts = counts.map(|(class, (count, _))| (*class, *count)).collect();
        let class = quantile(&counts, share)?;
        self.classes.get(&class).map(|(_, longest)| *longest)
    }
}

impl Summary {
    /// Nothing yet; `paired` if there is a reference to compare with.
    #[must_use]
    pub fn new(paired: bool) -> Self {
        Self {
            values: [Moments::default(); Metric::COUNT],
            deltas: paired.then_some([Moments::default(); Metric::COUNT]),
            stop_steps: Vec::new(),
            latencies: Latencies::default(),
        }
    }

    /// Adds a trial, with the reference design's numbers of the same trial.
    pub fn add(&mut self, values: &Values, reference: Option<&Values>) {
        for (moments, value) in self.values.iter_mut().zip(values) {
            if let Some(value) = value {
                moments.add(*value);
            }
        }
        if let (Some(deltas), Some(reference)) = (&mut self.deltas, reference) {
            for (moments, pair) in deltas.iter_mut().zip(values.iter().zip(reference)) {
                if let (Some(value), Some(other)) = pair {
                    moments.add(value - other);
                }
            }
        }
    }

    /// Counts the stop steps and latencies of a trial's heads.
    pub fn count(&mut self, heads: &[HeadTally]) {
        for head in heads {
            for (step, count) in head.stop_steps.iter().enumerate() {
                if *count > 0 {
                    super::count_step(&mut self.stop_steps, step, *count);
                }
            }
        }
        for cost in heads.iter().filter_map(|head| head.cost.as_ref()) {
            self.latencies.add(cost.latency);
        }
    }
}

/// Counts by step as counts by value.
#[must_use]
pub fn steps(counts: &[u64]) -> BTreeMap<u32, u64> {
    let counted = counts.iter().copied().zip(0_u32..);
    counted
        .filter(|(count, _)| *count > 0)
        .map(|(count, step)| (step, count))
        .collect()
}

/// The smallest value that at least `share` of the counted values do not exceed.
#[must_use]
pub fn quantile<T: Copy + Ord>(counts: &BTreeMap<T, u64>, share: f64) -> Option<T> {
    let total: u64 = counts.values().sum();
    let mut seen = 0;
    counts
        .iter()
        .find(|(_, count)| {
            seen += **count;
            seen as f64 >= share * total as f64
        })
        .map(|(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::Joules;
    use crate::hardware::attention::HeadPrice;
    use approx::assert_relative_eq;

    #[test]
    fn moments_and_interval_are_the_textbooks() {
        let mut moments = Moments::default();
        for x in [4.0, 7.0, 13.0, 16.0] {
            moments.add(x);
        }
        assert_relative_eq!(moments.mean, 10.0);
        assert_relative_eq!(
            moments.deviation().unwrap(),
            30.0_f64.sqrt(),
            max_relative = 1e-12
        );
        // t(0.975, 3) = 3.182446.
        assert_relative_eq!(
            moments.ci95().unwrap(),
            3.182_446 * 30.0_f64.sqrt() / 2.0,
            max_relative = 1e-6
        );
        assert_eq!(Moments::default().ci95(), None);
    }

    #[test]
    fn a_delta_is_paired_by_trial() {
        let mut summary = Summary::new(true);
        for trial in 0..5 {
            let noise = f64::from(trial * trial);
            summary.add(
                &[Some(noise + 2.0); Metric::COUNT],
                Some(&[Some(noise); Metric::COUNT]),
            );
        }
        let delta = summary.deltas.unwrap()[0];
        assert_eq!((delta.mean, delta.ci95()), (2.0, Some(0.0)));
    }

    #[test]
    fn a_quantile_of_latencies_occurred_and_of_one_it_is_its_value() {
        let picos = 97_254_321;
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantile(0.5), None);
        latencies.add(Picos::new(picos));
        for share in [0.5, 0.95, 1.0] {
            assert_eq!(latencies.quantile(share), Some(Picos::new(picos)));
        }
        // Twice as long for one of four: half of them take no more than the short ones.
        latencies.add(Picos::new(2 * picos));
        latencies.add(Picos::new(picos - 1));
        latencies.add(Picos::new(picos - 1));
        assert_eq!(latencies.quantile(0.5), Some(Picos::new(picos)));
        assert_eq!(latencies.quantile(1.0), Some(Picos::new(2 * picos)));
    }

    #[test]
    fn quantiles_are_values_that_occurred() {
        let counts = BTreeMap::from([(3_u32, 50), (7, 45), (30, 5)]);
        assert_eq!(
            [0.5, 0.95, 1.0].map(|q| quantile(&counts, q)),
            [Some(3), Some(7), Some(30)]
        );
        assert_eq!(quantile(&BTreeMap::<u32, u64>::new(), 0.5), None);
    }

    /// Latencies of 2^20 to 2^21 ps share a class of 1024 ps, of which the longest is told: 2^20 and 2^20 + 1023 fall into
    /// one, 2^20 + 1024 into the next.
    #[test]
    fn latencies_are_classes_of_one_part_in_1024_told_by_their_longest() {
        let mut latencies = Latencies::default();
        let large = 1 << 20;
        for latency in [1500, large, 700, large + 1023, 1501, large + 1024] {
            latencies.add(Picos::new(latency));
        }
        let sixths = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 5.1, 6.0].map(|n| latencies.quantile(n / 6.0));
        let (lower, upper) = (large + 1023, large + 1024);
        let expected = [700, 700, 1500, 1501, lower, lower, upper, upper];
        assert_eq!(sixths, expected.map(|latency| Some(Picos::new(latency))));
    }

    #[test]
    fn stop_steps_and_latencies_of_all_heads_and_trials_are_counted() {
        let head = |latency, stop_steps: &[u64]| {
            let mut head = HeadTally::of_cost(HeadPrice {
                latency: Picos::new(latency),
                interval: Picos::new(1),
                energy: [Joules::from_si(1e-12); 3],
                operations: 1,
            });
            head.stop_steps = stop_steps.to_vec();
            head
        };
        let mut summary = Summary::new(false);
        summary.count(&[head(100, &[0, 2, 0, 1]), head(300, &[0, 1])]);
        summary.count(&[head(200, &[0, 0, 5])]);
        assert_eq!(summary.stop_steps, [0, 3, 5, 1]);
        assert_eq!(
            steps(&summary.stop_steps),
            BTreeMap::from([(1, 3), (2, 5), (3, 1)])
        );
        let found = [0.3, 0.5, 1.0].map(|q| summary.latencies.quantile(q));
        assert_eq!(
            found,
            [100, 200, 300].map(|latency| Some(Picos::new(latency)))
        );
    }
}
