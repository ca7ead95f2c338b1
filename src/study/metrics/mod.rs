//! What is measured: one number a trial, heads and queries folded first, then statistics over trials.
//!
//! All of it streams: memory does not grow with the number of trials.

mod bootstrap;
mod divergence;
mod statistics;

pub use bootstrap::{Interval, RESAMPLES, resample};
use divergence::divergence;
pub use statistics::{Latencies, Moments, Summary, quantile, steps};

use crate::base::vocabulary::named;
use crate::hardware::attention::{
    Attention, Datapath, FastTally, Finish, HeadPrice, Outcome, Prepared, Sort,
};

named!(
    /// One number a trial and design, by its name in the header, its unit at the end.
    Metric {
        Recall, "recall", "share of the true top min(k, live) that was kept; none for the conventional design";
        OutputError, "output_error", "norm of the difference to the float output over its norm (Frobenius, over a head)";
        Divergence, "divergence", "KL divergence of the hardware's row from the float row, in nats";
        Alpha, "alpha", "steps executed over steps of a full ramp, mean over driven tiles";
        AlphaSlowest, "alpha_slowest", "the same for the slowest tile of each row";
        TieRate, "tie_rate", "share of query-tiles whose stop step holds more live columns than places; none without a choice inside tiles";
        ClipRate, "clip_rate", "share of live clean scores above the ramp's start";
        AvClipRate, "av_clip_rate", "share of A x V conversions whose sum, with the noise of cells, lies beyond the ADC's largest code; none without an ADC";
        CodeErrorLsb, "code_error_lsb", "decoded code minus clean score, mean over survivors, in LSB";
        CodeErrorRmsLsb, "code_error_rms_lsb", "the same, root mean square";
        AUnderflow, "a_underflow", "probability mass whose code is rounded to zero";
        StopStep, "stop_step", "step at which a driven tile stops";
        LatencyNs, "latency_ns", "time of one head from its first write to its last output, in ns";
        IntervalNs, "interval_ns", "time between queries in the long run, in ns";
        EnergyPj, "energy_pj", "energy of one head with its writes and leakage, in pJ";
        EnergyPjLow, "energy_pj_low", "the same with every price at its low end";
        EnergyPjHigh, "energy_pj_high", "the same with every price at its high end";
        Tops, "tops", "operations of one head over its latency, in 1e12 a second; 2 (d + d_v) a live pair of query and key, the same for every design";
        TopsPerW, "tops_per_w", "the same operations over the energy, in 1e12 a joule";
    }
);

/// Sums over the queries of one head of one trial.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeadTally {
    rows: u64,
    recall: Share,
    divergence: Share,
    underflow: f64,
    alpha: Share,
    alpha_slowest: Share,
    ties: Share,
    clipped: Share,
    av_clipped: Share,
    code_error: Share,
    code_error_square: f64,
    difference_square: f64,
    norm_square: f64,
    /// How often each stop step occurred.
    pub stop_steps: Vec<u64>,
    /// Time and energy, if the converter has steps.
    pub cost: Option<HeadPrice>,
}

/// Counts a stop step `count` times more.
fn count_step(steps: &mut Vec<u64>, step: usize, count: u64) {
    if steps.len() <= step {
        steps.resize(step + 1, 0);
    }
    steps[step] += count;
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
    pub fn of_cost(cost: HeadPrice) -> Self {
        Self {
            cost: Some(cost),
            ..Self::default()
        }
    }

    /// One trial of a head from the fast path.
    #[must_use]
    pub fn of_fast(
        finish: &Finish<'_>,
        prepared: &Prepared,
        fast: &FastTally,
        lane: usize,
        spent: HeadPrice,
    ) -> Self {
        let steps = f64::from(finish.attention.ramp.steps());
        let share = |sum: f64, count: u64| Share {
            sum,
            count: count as f64,
        };
        let mut stop_steps = vec![0; finish.attention.ramp.steps() as usize + 1];
        for tile in fast.stop_steps.chunks(stop_steps.len()) {
            for (count, lanes) in stop_steps.iter_mut().zip(tile) {
                *count += u64::from(lanes[lane]);
            }
        }
        let difference = fast.distance[lane].iter().map(|part| f64::from(*part));
        Self {
            rows: fast.queries,
            recall: share(fast.row.recall[lane], fast.wanted_rows),
            divergence: share(fast.row.divergence[lane], u64::from(fast.row.rows[lane])),
            underflow: fast.row.underflow[lane],
            alpha: share(fast.stops.sum[lane] as f64 / steps, fast.driven),
            alpha_slowest: share(fast.stops.slowest[lane] as f64 / steps, fast.driven_rows),
            ties: match finish.shares() {
                true => share(fast.stops.ties[lane] as f64, fast.driven),
                false => Share::default(),
            },
            av_clipped: share(fast.beyond[lane] as f64, fast.conversions[lane]),
            code_error: share(fast.row.error[lane], fast.survivors),
            code_error_square: fast.row.error_square[lane],
            difference_square: difference.sum(),
            norm_square: fast.norm_square,
            stop_steps,
            cost: Some(spent),
            ..Self::of(prepared)
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
        let pairs = pairs.map(|(winner, p)| (*p, float[winner.token].max(f64::MIN_POSITIVE)));
        let divergence = divergence(pairs);
        // A row in which nothing won has no distribution to compare.
        if outcome.row.gain > 0.0 {
            self.divergence.add(divergence);
        }
        self.underflow += outcome.row.underflow;
        if !attention.ramp.is_exact() {
            let steps = f64::from(attention.ramp.steps());
            // Only a choice inside tiles has a last step that may hold too many.
            let shares = matches!(
                datapath,
                Datapath::Topkima {}
                    | Datapath::DigitalTopk {
                        sort: Sort::PerTile {}
                    }
            );
            let mut slowest = None::<f64>;
            for tile in &outcome.tiles {
                let Some(stop) = tile.stop else { continue };
                self.alpha.add(stop / steps);
                slowest = Some(slowest.map_or(stop, |slow| slow.max(stop)));
                count_step(&mut self.stop_steps, stop as usize, 1);
                if shares {
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
        self.av_clipped.join(Share {
            sum: outcome.beyond as f64,
            count: outcome.conversions as f64,
        });
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
    let cost = |of: fn(&HeadPrice) -> f64| {
        let mut all = Share::default();
        for tally in heads.iter().filter_map(|head| head.cost.as_ref()) {
            all.add(of(tally));
        }
        all.mean()
    };
    let survivors = share(|head| head.code_error).count;
    let counted = || {
        heads
            .iter()
            .flat_map(|head| head.stop_steps.iter().zip(0_u64..))
    };
    let steps: u64 = counted().map(|(count, _)| count).sum();
    let step_sum = counted().map(|(count, step)| count * step).sum::<u64>() as f64;
    Metric::ALL.map(|metric| match metric {
        Metric::Recall => share(|head| head.recall).mean(),
        Metric::OutputError => output_error.mean(),
        Metric::Divergence => share(|head| head.divergence).mean(),
        Metric::Alpha => share(|head| head.alpha).mean(),
        Metric::AlphaSlowest => share(|head| head.alpha_slowest).mean(),
        Metric::TieRate => share(|head| head.ties).mean(),
        Metric::ClipRate => share(|head| head.clipped).mean(),
        Metric::AvClipRate => share(|head| head.av_clipped).mean(),
        Metric::CodeErrorLsb => share(|head| head.code_error).mean(),
        Metric::CodeErrorRmsLsb => {
            let square: f64 = heads.iter().map(|head| head.code_error_square).sum();
            (survivors > 0.0).then(|| (square / survivors).sqrt())
        }
        Metric::AUnderflow => mean_of_rows(|head| head.underflow),
        Metric::StopStep => (steps > 0).then(|| step_sum / steps as f64),
        Metric::LatencyNs => cost(|cost| cost.latency.nanoseconds()),
        Metric::IntervalNs => cost(|cost| cost.interval.nanoseconds()),
        Metric::EnergyPj => cost(|cost| cost.energy[0].si() * 1e12),
        Metric::EnergyPjLow => cost(|cost| cost.energy[1].si() * 1e12),
        Metric::EnergyPjHigh => cost(|cost| cost.energy[2].si() * 1e12),
        Metric::Tops => cost(HeadPrice::tops),
        Metric::TopsPerW => cost(HeadPrice::tops_per_watt),
    })
}
