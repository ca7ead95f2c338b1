//! Columns of `rows.csv` for a whole encoder.

use super::rows::number;
use crate::shell::experiment::{Accuracy, Spread};
use crate::study::metrics::Moments;

/// What each column is called.
pub(super) const COLUMNS: [&str; 22] = [
    "samples",
    "tokens_mean",
    "metric",
    "float",
    "score_mean",
    "score_ci95",
    "score_low",
    "score_high",
    "delta_mean",
    "delta_ci95",
    "delta_low",
    "delta_high",
    "reference_delta_mean",
    "reference_delta_ci95",
    "reference_delta_low",
    "reference_delta_high",
    "alpha",
    "noise_lsb",
    "latency_us",
    "energy_nj",
    "energy_nj_low",
    "energy_nj_high",
];

fn spread(spread: Option<&Spread>) -> [String; 4] {
    let trials = spread
        .map(|spread| spread.trials)
        .filter(|trials| trials.count > 0);
    let samples = spread.and_then(|spread| spread.samples);
    [
        number(trials.map(|trials| trials.mean)),
        number(trials.as_ref().and_then(Moments::ci95)),
        number(samples.map(|interval| interval.low)),
        number(samples.map(|interval| interval.high)),
    ]
}

/// The cells of one result.
pub(super) fn cells(accuracy: &Accuracy, noise_lsb: Option<f64>) -> Vec<String> {
    let mut cells = vec![
        accuracy.units.to_string(),
        number(Some(accuracy.tokens)),
        accuracy.metric.name().to_owned(),
        number(accuracy.float),
    ];
    cells.extend(spread(Some(&accuracy.score)));
    cells.extend(spread(Some(&accuracy.delta)));
    cells.extend(spread(accuracy.reference_delta.as_ref()));
    cells.push(number(accuracy.alpha));
    cells.push(number(noise_lsb));
    cells.push(number(accuracy.latency_us));
    for corner in 0..3 {
        cells.push(number(accuracy.energy_nj.map(|energy| energy[corner])));
    }
    cells
}
