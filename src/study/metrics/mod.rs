//! What is measured: one number a trial, heads and queries folded first, then statistics over trials.
//!
//! All of it streams: memory does not grow with the number of trials.

use std::collections::BTreeMap;

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::base::energy::Corner;
use crate::base::units::Picos;
use crate::hardware::attention::{Attention, Datapath, Outcome, Prepared, Spent};

macro_rules! metrics {
    ($($variant:ident, $name:literal, $about:literal;)*) => {
        /// One number a trial and design.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metric { $(#[doc = $about] $variant,)* }

        impl Metric {
            /// All of them, in the order of the columns.
            pub const ALL: [Metric; Self::COUNT] = [$(Self::$variant),*];
            /// How many there are.
            pub const COUNT: usize = [$($name),*].len();

            /// Its name in the header, with its unit where it has one.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One sentence for a reader.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }
        }
    };
}

metrics! {
    Recall, "recall", "share of the true top min(k, live) that was kept; none for the conventional design";
    OutputError, "output_error", "norm of the difference to the float output over its norm (Frobenius, over a head)";
    Divergence, "divergence", "KL divergence of the hardware's row from the float row, in nats";
    Alpha, "alpha", "steps executed over steps of a full ramp, mean over driven tiles";
    AlphaSlowest, "alpha_slowest", "the same for the slowest tile of each row";
    TieRate, "tie_rate", "share of query-tiles whose stop step holds more live columns than places";
    ClipRate, "clip_rate", "share of live clean scores above the ramp's start";
    CodeErrorLsb, "code_error_lsb", "decoded code minus clean score, mean over survivors, in LSB";
    CodeErrorRmsLsb, "code_error_rms_lsb", "the same, root mean square";
    AUnderflow, "a_underflow", "probability mass whose code is rounded to zero";
    StopStep, "stop_step", "step at which a driven tile stops";
    LatencyNs, "latency_ns", "time of one head from its first write to its last output, in ns";
    IntervalNs, "interval_ns", "time between queries in the long run, in ns";
    EnergyPj, "energy_pj", "energy of one head with its writes and leakage, in pJ";
    EnergyPjLow, "energy_pj_low", "the same with every price at its low end";
    EnergyPjHigh, "energy_pj_high", "the same with every price at its high end";
    Tops, "tops", "operations of one head over its latency, in 1e12 a second; 2 n_q n (d + d_v) for every design";
    TopsPerW, "tops_per_w", "the same operations over the energy, in 1e12 a joule";
}

/// Sums over the queries of one head of one trial.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeadTally {
    rows: u64,
    recall: Share,
    divergence: f64,
    underflow: f64,
    alpha: Share,
    alpha_slowest: Share,
    ties: Share,
    clipped: Share,
    code_error: Share,
    code_error_square: f64,
    difference_square: f64,
    norm_square: f64,
    /// How often each stop step occurred.
    pub stop_steps: BTreeMap<u32, u64>,
    /// Time and energy, if the converter has steps.
    pub cost: Option<CostTally>,
}

/// Time and energy of one head, priced after its counts are final.
#[derive(Clone, Debug, PartialEq)]
pub struct CostTally {
    /// From the first write to the last output.
    pub latency: Picos,
    /// Time between queries.
    pub interval: Picos,
    /// Nominal, low and high, in pJ.
    pub energy_pj: [f64; 3],
    /// 1e12 operations a second.
    pub tops: f64,
    /// 1e12 operations a joule.
    pub tops_per_watt: f64,
}

impl CostTally {
    /// Prices a closed book.
    #[must_use]
    pub fn of(spent: &Spent, attention: &Attention) -> Self {
        Self {
            latency: spent.run.makespan,
            interval: spent.run.interval,
            energy_pj: Corner::ALL.map(|corner| spent.energy(attention, corner).si() * 1e12),
            tops: spent.tops(),
            tops_per_watt: spent.tops_per_watt(attention),
        }
    }
}

/// A sum and what it is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Share {
    sum: f64,
    count: f64,
}

impl Share {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1.0;
    }

    fn join(&mut self, other: Share) {
        self.sum += other.sum;
        self.count += other.count;
    }

    fn mean(self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }
}

impl HeadTally {
    /// Starts a head: the clip rate belongs to the head as a whole.
    #[must_use]
    pub fn of(prepared: &Prepared) -> Self {
        Self {
            clipped: Share {
                sum: prepared.clipped as f64,
                count: prepared.live as f64,
            },
            ..Self::default()
        }
    }

    /// A head of which only time and energy are known.
    #[must_use]
    pub fn of_cost(cost: CostTally) -> Self {
        Self {
            cost: Some(cost),
            ..Self::default()
        }
    }

    /// Adds one query of a design that keeps k.
    pub fn add(
        &mut self,
        attention: &Attention,
        datapath: Datapath,
        k: usize,
        prepared: &Prepared,
        query: usize,
        outcome: &Outcome,
    ) {
        self.rows += 1;
        if datapath != (Datapath::Conventional {}) {
            let order = &prepared.true_order[query];
            let wanted = &order[..k.min(order.len())];
            let kept = |token: &&usize| {
                outcome
                    .survivors
                    .binary_search_by_key(*token, |w| w.token)
                    .is_ok()
            };
            if !wanted.is_empty() {
                self.recall
                    .add(wanted.iter().filter(kept).count() as f64 / wanted.len() as f64);
            }
        }
        let float = prepared.reference.probabilities.column(query);
        let pairs = outcome.survivors.iter().zip(&outcome.row.probabilities);
        // p ln(p / f) with f > 0 for every live token; a probability that rounded to zero adds nothing.
        self.divergence += pairs
            .filter(|(_, p)| **p > 0.0)
            .map(|(winner, p)| p * (p / float[winner.token].max(f64::MIN_POSITIVE)).ln())
            .sum::<f64>();
        self.underflow += outcome.row.underflow;
        if !attention.ramp.is_exact() {
            let steps = f64::from(attention.ramp.steps());
            let mut slowest = None::<f64>;
            for tile in &outcome.tiles {
                let Some(stop) = tile.stop else { continue };
                self.alpha.add(stop / steps);
                slowest = Some(slowest.map_or(stop, |slow| slow.max(stop)));
                *self.stop_steps.entry(stop as u32).or_default() += 1;
                if datapath != (Datapath::Conventional {}) {
                    self.ties.add(f64::from(u8::from(tile.tie)));
                }
            }
            if let Some(slowest) = slowest {
                self.alpha_slowest.add(slowest / steps);
            }
        }
        for winner in &outcome.survivors {
            let error =
                prepared.clean_depth(winner.token, query) - attention.ramp.decode(winner.trip);
            self.code_error.add(error);
            self.code_error_square += error * error;
        }
        let float = prepared.reference.output.column(query);
        for (got, wanted) in outcome.output.iter().zip(float.iter()) {
            self.difference_square += (got - wanted) * (got - wanted);
            self.norm_square += wanted * wanted;
        }
    }
}

/// One number a metric; none where it has no meaning.
pub type Values = [Option<f64>; Metric::COUNT];

/// Folds the heads of one trial. Rates and means go over the queries of all heads; the output
/// error is a norm over each head and then averaged.
#[must_use]
pub fn fold(heads: &[HeadTally]) -> Values {
    let share = |of: fn(&HeadTally) -> Share| {
        let mut all = Share::default();
        for head in heads {
            all.join(of(head));
        }
        all
    };
    let rows = heads.iter().map(|head| head.rows).sum::<u64>() as f64;
    let mean_of_rows =
        |of: fn(&HeadTally) -> f64| (rows > 0.0).then(|| heads.iter().map(of).sum::<f64>() / rows);
    let mut output_error = Share::default();
    for head in heads.iter().filter(|head| head.norm_square > 0.0) {
        output_error.add((head.difference_square / head.norm_square).sqrt());
    }
    let cost = |of: fn(&CostTally) -> f64| {
        let mut all = Share::default();
        for tally in heads.iter().filter_map(|head| head.cost.as_ref()) {
            all.add(of(tally));
        }
        all.mean()
    };
    let survivors = share(|head| head.code_error).count;
    let steps: u64 = heads.iter().flat_map(|head| head.stop_steps.values()).sum();
    let step_sum: f64 = heads
        .iter()
        .flat_map(|head| &head.stop_steps)
        .map(|(step, count)| f64::from(*step) * *count as f64)
        .sum();
    Metric::ALL.map(|metric| match metric {
        Metric::Recall => share(|head| head.recall).mean(),
        Metric::OutputError => output_error.mean(),
        Metric::Divergence => mean_of_rows(|head| head.divergence),
        Metric::Alpha => share(|head| head.alpha).mean(),
        Metric::AlphaSlowest => share(|head| head.alpha_slowest).mean(),
        Metric::TieRate => share(|head| head.ties).mean(),
        Metric::ClipRate => share(|head| head.clipped).mean(),
        Metric::CodeErrorLsb => share(|head| head.code_error).mean(),
        Metric::CodeErrorRmsLsb => {
            let square: f64 = heads.iter().map(|head| head.code_error_square).sum();
            (survivors > 0.0).then(|| (square / survivors).sqrt())
        }
        Metric::AUnderflow => mean_of_rows(|head| head.underflow),
        Metric::StopStep => (steps > 0).then(|| step_sum / steps as f64),
        Metric::LatencyNs => cost(|cost| cost.latency.nanoseconds()),
        Metric::IntervalNs => cost(|cost| cost.interval.nanoseconds()),
        Metric::EnergyPj => cost(|cost| cost.energy_pj[0]),
        Metric::EnergyPjLow => cost(|cost| cost.energy_pj[1]),
        Metric::EnergyPjHigh => cost(|cost| cost.energy_pj[2]),
        Metric::Tops => cost(|cost| cost.tops),
        Metric::TopsPerW => cost(|cost| cost.tops_per_watt),
    })
}

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
    /// How often each stop step occurred over all query-tiles, heads and trials.
    pub stop_steps: BTreeMap<u32, u64>,
    /// How often a head took each latency, to 0.1 %.
    pub latencies: Latencies,
}

/// Latencies by size class of one part in 1024, so that memory does not grow with trials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latencies {
    classes: BTreeMap<u64, u64>,
    longest: Picos,
}

impl Latencies {
    fn add(&mut self, latency: Picos) {
        let shift = latency
            .get()
            .checked_ilog2()
            .unwrap_or(0)
            .saturating_sub(10);
        *self
            .classes
            .entry(latency.get() >> shift << shift)
            .or_default() += 1;
        self.longest = self.longest.max(latency);
    }

    /// The latency that a share of the heads do not exceed, rounded down by at most 0.1 %.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Picos> {
        if share >= 1.0 {
            return (!self.classes.is_empty()).then_some(self.longest);
        }
        quantile(&self.classes, share).map(Picos::new)
    }
}

impl Summary {
    /// Nothing yet; `paired` if there is a reference to compare with.
    #[must_use]
    pub fn new(paired: bool) -> Self {
        Self {
            values: [Moments::default(); Metric::COUNT],
            deltas: paired.then_some([Moments::default(); Metric::COUNT]),
            stop_steps: BTreeMap::new(),
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
        for (step, count) in heads.iter().flat_map(|head| &head.stop_steps) {
            *self.stop_steps.entry(*step).or_default() += count;
        }
        for cost in heads.iter().filter_map(|head| head.cost.as_ref()) {
            self.latencies.add(cost.latency);
        }
    }
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
    fn quantiles_are_values_that_occurred() {
        let counts = BTreeMap::from([(3_u32, 50), (7, 45), (30, 5)]);
        assert_eq!(
            [0.5, 0.95, 1.0].map(|q| quantile(&counts, q)),
            [Some(3), Some(7), Some(30)]
        );
        assert_eq!(quantile(&BTreeMap::<u32, u64>::new(), 0.5), None);
    }
}
