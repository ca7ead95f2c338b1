//! Cases of a whole encoder: samples go through it in batches, on the chip of each trial.
//!
//! A result depends neither on the batches nor on the order of the samples, whose draws belong to what they are;
//! so batches are as large as keeps the products efficient.

use nalgebra::DVector;
use rayon::prelude::*;

use super::{Batch, Found, Notes, Path, Result};
use crate::base::energy::Corner;
use crate::base::mistake::Mistakes;
use crate::base::rng::Seed;
use crate::hardware::attention::{Attention, Calibration, Datapath, Few, Met, Stopped};
use crate::shell::config::{Case, EncoderWork, Study};
use crate::study::metrics::{Interval, Moments, RESAMPLES, resample};
use crate::study::model::{
    Attend, Float, FloatTopk, Input, Recorded, Recording, Sample, Simulated, Spending, Trace,
};
use crate::study::task::Metric;

/// Tokens of a batch.
const BATCH: usize = 640;

/// A mean over trials with both of its intervals.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// Over trials.
    pub trials: Moments,
    /// Of the mean over trials, over draws of the samples.
    pub samples: Option<Interval>,
}

/// What an encoder on one design came to at one point.
#[derive(Clone, Debug)]
pub struct Accuracy {
    /// What the score is.
    pub metric: Metric,
    /// Units that the score is taken over.
    pub units: usize,
    /// Tokens of a sample, mean.
    pub tokens: f64,
    /// The score of float heads.
    pub float: Option<f64>,
    /// The score.
    pub score: Spread,
    /// The score minus that of float heads, paired by sample.
    pub delta: Spread,
    /// The score minus that of the reference design, paired by trial and sample.
    pub reference_delta: Option<Spread>,
    /// Steps executed over steps of a full ramp.
    pub alpha: Option<f64>,
    /// Time of all heads of a sample on one macro, in microseconds; mean over samples.
    pub latency_us: Option<f64>,
    /// Energy of all heads of a sample in nanojoules: nominal, low and high.
    pub energy_nj: Option<[f64; 3]>,
}

/// What one case gave: a number a unit for each trial, and what the first trial spent.
struct Observed {
    trials: Vec<Vec<f64>>,
    spending: Spending,
    samples: usize,
    notes: Notes,
}

/// Samples in batches of about [`BATCH`] tokens.
fn batches<'a>(study: &Study, inputs: &[(u64, &'a Input)]) -> Vec<Vec<Sample<'a>>> {
    let mut batches: Vec<Vec<Sample<'_>>> = Vec::new();
    let mut tokens = BATCH;
    for &(index, input) in inputs {
        let length = study.encoder.embedding.tokens(input);
        if tokens + length > BATCH {
            batches.push(Vec::new());
            tokens = 0;
        }
        tokens += length;
        if let Some(last) = batches.last_mut() {
            last.push(Sample { index, input });
        }
    }
    batches
}

/// Features of all samples in order, and all traces joined in order.
fn features<A: Attend + Sync>(
    study: &Study,
    inputs: &[(u64, &Input)],
    attend: &A,
) -> (Vec<DVector<f32>>, A::Trace)
where
    A::Trace: Send,
{
    let done: Vec<_> = batches(study, inputs)
        .par_iter()
        .map(|batch| study.encoder.forward(batch, attend))
        .collect();
    let mut all = Vec::with_capacity(inputs.len());
    let mut trace = A::Trace::default();
    for (features, left) in done {
        all.extend(features);
        trace.join(left);
    }
    (all, trace)
}

/// One number a unit by float heads.
fn float(study: &Study) -> &[f64] {
    study.float.get_or_init(|| {
        let (features, ()) = features(study, &study.set.inputs(), &Float);
        study.set.observe(&study.encoder, &features)
    })
}

/// Operands of every head for the calibration samples, by float heads.
fn recorded(study: &Study) -> &[Recorded] {
    study.recorded.get_or_init(|| {
        let inputs: Vec<(u64, &Input)> = (0..).zip(&study.set.calibration).collect();
        features(study, &inputs, &Recording).1
    })
}

fn observe(
    (seed, trials): (Seed, u64),
    case: &EncoderWork,
    ticked: &mut dyn FnMut(u64),
) -> std::result::Result<Observed, Mistakes> {
    let study = &case.study;
    if case.laid.datapath == (Datapath::Float {}) {
        let inputs = study.set.inputs();
        let (features, ()) = features(study, &inputs, &FloatTopk::new(&case.laid));
        ticked(trials);
        return Ok(Observed {
            trials: vec![study.set.observe(&study.encoder, &features); trials as usize],
            spending: Spending::default(),
            samples: inputs.len(),
            notes: Notes::default(),
        });
    }
    let simulated = Simulated::calibrate(&case.laid, seed, recorded(study))?;
    let inputs = study.set.inputs();
    let mut observed = Observed {
        trials: Vec::new(),
        spending: Spending::default(),
        samples: inputs.len(),
        notes: notes(&case.laid.longest, &simulated),
    };
    for trial in 0..trials {
        let (features, spent) = features(study, &inputs, &simulated.on_chip(trial));
        let numbers = study.set.observe(&study.encoder, &features);
        observed.trials.push(numbers);
        if trial == 0 {
            observed.spending = spent;
        }
        ticked(1);
    }
    Ok(observed)
}

/// What the full scales came to, and whether queries have scores enough above zero.
fn notes(attention: &Attention, simulated: &Simulated<'_>) -> Notes {
    let range = |of: fn(&Calibration) -> f64| {
        let values = simulated.calibrations().iter().map(of);
        let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        format!("{low:.3} to {high:.3}")
    };
    let mut notes = Notes::default();
    notes.lines.push(format!(
        "full scale {} in scores over {} heads = {} LSB; one LSB is {} unit charges",
        range(|one| one.full_scale),
        simulated.calibrations().len(),
        (1e6 / attention.ramp.lsb(1.0)).round() / 1e6,
        range(Calibration::lsb_charges)
    ));
    attention.tell_wires(simulated.calibrations(), &mut notes.notices);
    Few::tell(simulated.few(), &mut notes.notices);
    Stopped::tell(simulated.stopped(), &mut notes.notices);
    Met::tell(simulated.met(), &mut notes.notices);
    notes
}

/// Runs the cases of a group.
///
/// # Errors
/// Heads that the calibration samples give no scale.
pub(super) fn run(
    batch: &Batch,
    cases: &[(&Case, &EncoderWork)],
    ticked: &mut dyn FnMut(u64),
) -> std::result::Result<(Vec<Result>, Notes), Mistakes> {
    let observed: Vec<Observed> = cases
        .iter()
        .map(|(_, work)| observe((batch.seed, batch.trials), work, ticked))
        .collect::<std::result::Result<_, _>>()?;
    let of = |case: usize| (cases[case].1, &observed[case]);
    let found = batch.members.iter().map(|member| {
        let accuracy = accuracy(batch.seed, of(member.case), member.reference.map(of));
        Found::Encoder(Box::new(accuracy))
    });
    let results = batch.results(found, |case| {
        let spending = &observed[case].spending;
        let spent = (spending.cost.heads > 0).then(|| spending.cost.clone());
        (spent, spending.noise_lsb())
    });
    let mut notes = Notes {
        path: Some(Path::Exact(
            "the heads of an encoder run one by one".to_owned(),
        )),
        ..Notes::default()
    };
    for one in observed {
        notes.lines.extend(one.notes.lines);
        notes.notices.join(&one.notes.notices);
    }
    if let Some(Accuracy {
        metric,
        units,
        tokens,
        float: Some(float),
        ..
    }) = results.first().and_then(Result::accuracy)
    {
        notes.lines.push(format!(
            "{} by float heads: {float:.2} over {units} units, {tokens:.1} tokens a sample",
            metric.name()
        ));
    }
    Ok((results, notes))
}

fn accuracy(
    seed: Seed,
    (case, own): (&EncoderWork, &Observed),
    reference: Option<(&EncoderWork, &Observed)>,
) -> Accuracy {
    let study = &case.study;
    let targets = &study.set.targets;
    let units = study.set.units();
    let all = study.set.order();
    let float_numbers = float(study);
    // The reference may be judged on the same set otherwise, by a refitted probe for instance.
    let other = reference.filter(|(other, _)| other.study.set.targets == *targets);
    let scores = |chosen: &[usize]| -> Option<[f64; 3]> {
        let mean = |numbers: &[Vec<f64>]| -> Option<f64> {
            let scores: Option<Vec<f64>> = numbers
                .iter()
                .map(|numbers| targets.score(numbers, chosen))
                .collect();
            scores.map(|scores| scores.iter().sum::<f64>() / scores.len().max(1) as f64)
        };
        let score = mean(&own.trials)?;
        let reference = other.map_or(Some(f64::NAN), |(_, other)| mean(&other.trials))?;
        Some([score, targets.score(float_numbers, chosen)?, reference])
    };
    let draws: Vec<[f64; 3]> = (0..RESAMPLES)
        .into_par_iter()
        .filter_map(|draw| {
            let drawn = resample(seed, draw, units).into_iter();
            scores(&drawn.map(|at| all[at]).collect::<Vec<_>>())
        })
        .collect();
    let interval = |of: &dyn Fn(&[f64; 3]) -> f64| Interval::of(draws.iter().map(of).collect());
    let float = targets.score(float_numbers, &all);
    let each: Vec<Option<f64>> = own
        .trials
        .iter()
        .map(|numbers| targets.score(numbers, &all))
        .collect();
    let moments = |values: &mut dyn Iterator<Item = Option<f64>>| {
        let mut moments = Moments::default();
        for value in values.flatten() {
            moments.add(value);
        }
        moments
    };
    let tokens: usize = study
        .set
        .samples
        .iter()
        .map(|(_, input)| study.encoder.embedding.tokens(input))
        .sum();
    let samples = own.samples.max(1) as f64;
    let cost = Some(&own.spending.cost).filter(|cost| cost.heads > 0);
    let prices = &case.laid.longest.device.prices;
    Accuracy {
        metric: targets.metric(),
        units,
        tokens: tokens as f64 / study.set.samples.len().max(1) as f64,
        float,
        score: Spread {
            trials: moments(&mut each.iter().copied()),
            samples: interval(&|draw| draw[0]),
        },
        delta: Spread {
            trials: moments(&mut each.iter().map(|score| Some((*score)? - float?))),
            samples: interval(&|draw| draw[0] - draw[1]),
        },
        reference_delta: other.map(|(_, other)| Spread {
            trials: moments(
                &mut each
                    .iter()
                    .zip(&other.trials)
                    .map(|(score, other)| Some((*score)? - targets.score(other, &all)?)),
            ),
            samples: interval(&|draw| draw[0] - draw[2]),
        }),
        alpha: own.spending.alpha(&case.laid.longest),
        latency_us: cost.map(|cost| cost.makespan.get() as f64 * 1e-6 / samples),
        energy_nj: cost.map(|cost| {
            Corner::ALL.map(|corner| {
                let bill = cost.bill(prices, corner);
                (bill.dynamic().si() * 1e12 + bill.leakage().si() * 1e12) * 1e-3 / samples
            })
        }),
    }
}
