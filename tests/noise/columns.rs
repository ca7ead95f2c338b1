//! Noise of lines, comparators, replicas and the plain ADC.

use crate::common::*;
use crate::setup::*;
use statrs::distribution::{ContinuousCDF, Normal};
use topkima::hardware::attention::{AttentionParams, AvParams, Datapath, Finish};
use topkima::hardware::converter::{AdcParams, NoiseDraw, RampParams};
use topkima::hardware::crossbar::{Chip, CrossbarParams};
use topkima::hardware::quantise::Matrix;
use topkima::hardware::topk::{K, TopkParams};

fn phi(x: f64) -> f64 {
    Normal::standard().cdf(x)
}

/// How many trips fall on each step of 32.
fn histogram(trips: &[f64]) -> Vec<f64> {
    let mut counts = vec![0.0; 32];
    for trip in trips {
        counts[*trip as usize - 1] += 1.0;
    }
    counts
}

#[test]
fn column_offset_is_normal_and_static() {
    let device = ideal(|params| params.column.offset = lsb(0.29));
    let (attention, prepared) = flat(
        &exact(stepless(), CrossbarParams::default()),
        &device,
        0.5,
        2,
    );
    let mut offsets = Vec::new();
    for trial in 0..CHIPS {
        let seen = trips(&attention, &prepared, trial);
        let (first, second) = seen.split_at(COLUMNS);
        assert_eq!(first, second, "the same for every query");
        // A score of half the full scale lies 16 LSB below the start.
        offsets.extend(first.iter().map(|depth| 16.0 - depth));
    }
    assert_normal("offset", &offsets, 0.29);
}

#[test]
fn comparator_noise_is_normal_and_new_for_every_conversion() {
    let device = ideal(|params| params.column.noise = lsb(0.3));
    let (attention, prepared) = flat(
        &exact(stepless(), CrossbarParams::default()),
        &device,
        0.5,
        CHIPS as usize,
    );
    let noise: Vec<f64> = trips(&attention, &prepared, 0)
        .iter()
        .map(|depth| 16.0 - depth)
        .collect();
    assert_normal("comparator noise", &noise, 0.3);
}

#[test]
fn comparator_noise_spreads_codes_by_the_normal_law() {
    let device = ideal(|params| params.column.noise = lsb(2.0));
    // 15.7 LSB below the start, off the middle of a step.
    let depth = 15.7;
    let (attention, prepared) = flat(
        &exact(ramp_of(1.0), CrossbarParams::default()),
        &device,
        1.0 - depth / 32.0,
        CHIPS as usize,
    );
    let counts = histogram(&trips(&attention, &prepared, 0));
    assert_codes("codes", &counts, 2.0, |code, sigma| {
        let below = |step: f64| phi((step - depth) / sigma);
        let low = if code == 0 { 0.0 } else { below(code as f64) };
        let high = if code == 31 {
            1.0
        } else {
            below(code as f64 + 1.0)
        };
        high - low
    });
}

#[test]
fn comparator_noise_at_each_step_is_a_first_passage() {
    let device = ideal(|params| params.column.noise = lsb(2.0));
    let ramp = RampParams {
        comparator_noise: NoiseDraw::PerStep {},
        ..ramp_of(1.0)
    };
    let depth = 15.7;
    let (attention, prepared) = flat(
        &exact(ramp, CrossbarParams::default()),
        &device,
        1.0 - depth / 32.0,
        CHIPS as usize,
    );
    let seen = trips(&attention, &prepared, 0);
    // Not tripped before, and tripping now.
    assert_codes("first passage", &histogram(&seen), 2.0, |code, sigma| {
        let trips_at = |step: usize| phi((step as f64 - depth) / sigma);
        let waited: f64 = (1..=code).map(|step| 1.0 - trips_at(step)).product();
        waited * if code == 31 { 1.0 } else { trips_at(code + 1) }
    });
    // Drawn once a conversion the same noise gives a mean of 16.2.
    assert!(moments(&seen).0 < 15.7, "it trips early");
}

#[test]
fn replica_mismatch_walks_to_the_inl_of_its_column() {
    let device = ideal(|params| params.column.replica_mismatch = share(0.1));
    for ramp_rows in [32, 64] {
        let crossbar = CrossbarParams {
            ramp_rows,
            ..CrossbarParams::default()
        };
        let (attention, _) = flat(&exact(ramp_of(1.0), crossbar), &device, 0.5, 1);
        let steps = [1, 16, 32];
        let mut inl = vec![Vec::new(); steps.len()];
        for trial in 0..CHIPS {
            let chip = Chip::fabricate(SEED, trial, &attention.device, &attention.crossbar, None);
            let ladders = attention.ladders(&chip);
            for column in 0..COLUMNS {
                for (inl, step) in inl.iter_mut().zip(steps) {
                    inl.push(ladders.of(column)[step - 1] - step as f64);
                }
            }
        }
        // A step of n cells deviates by sigma / sqrt(n), s steps by sqrt(s) times that.
        let per_step = 0.1 / (ramp_rows as f64 / 32.0).sqrt();
        for (inl, step) in inl.iter().zip(steps) {
            let what = format!("INL at step {step} of {ramp_rows} cells");
            assert_normal(&what, inl, per_step * (step as f64).sqrt());
        }
    }
}

#[test]
fn replica_mismatch_spreads_codes_by_the_inl_of_their_step() {
    let device = ideal(|params| params.column.replica_mismatch = share(0.1));
    let depth = 15.7;
    let params = exact(ramp_of(1.0), CrossbarParams::default());
    let (attention, prepared) = flat(&params, &device, 1.0 - depth / 32.0, 1);
    let seen: Vec<f64> = (0..CHIPS)
        .flat_map(|trial| trips(&attention, &prepared, trial))
        .collect();
    // Level s is normal around s with sigma sqrt(s); a step of 1 +- 0.1 never goes up, so a column has
    // tripped by step s if that level has reached its depth. Of three bins the noncentrality is
    // still about 4e-4 n = 200, against a limit of 16.
    assert_codes("INL", &histogram(&seen), 0.1, |code, sigma| {
        let by = |step: usize| match step {
            0 => 0.0,
            32 => 1.0,
            _ => phi((step as f64 - depth) / (sigma * (step as f64).sqrt())),
        };
        by(code + 1) - by(code)
    });
}

#[test]
fn line_mismatch_shifts_a_column_by_its_negative_charge() {
    let device = ideal(|params| params.line.capacitance_mismatch = share(0.003));
    let params = exact(stepless(), CrossbarParams::default());
    let (attention, prepared) = prepare(
        &params,
        &device,
        Matrix::from_element(2, 1, 1.0),
        Matrix::from_fn(COLUMNS, 2, |_, d| if d == 0 { 1.0 } else { -0.75 }),
        Matrix::zeros(1, COLUMNS),
    );
    // P = 1, N = 0.75 of the full scale; the score of 0.25 lies 24 LSB deep.
    let shifts: Vec<f64> = (0..CHIPS)
        .flat_map(|trial| trips(&attention, &prepared, trial))
        .map(|depth| 24.0 - depth)
        .collect();
    assert_normal("line mismatch", &shifts, 0.003 * 0.75 * 32.0);
}

#[test]
fn plain_adc_noise_spreads_codes_by_the_normal_law() {
    let sigma = 1.5;
    let device = ideal(|params| params.column.adc_noise = lsb(sigma));
    let params = AttentionParams {
        av: AvParams::Tiles {
            wordlines: 256,
            adc: AdcParams::Uniform {
                bits: 8,
                percentile: 100.0,
                noise_margin: 4.0,
            },
            columns_per_adc: 8,
        },
        topk: TopkParams {
            k: K::All(1),
            ..TopkParams::default()
        },
        ..exact(ramp_of(1.0), CrossbarParams::default())
    };
    let (tokens, d_value, queries) = (4, COLUMNS, CHIPS as usize);
    // The first token wins. Its largest value is the full scale, code 127; the others lie at 60.3.
    let value = |row: usize, token: usize| match (row, token) {
        (_, 1..) => 0.0,
        (0, 0) => 1.0,
        _ => 60.3 / 127.0,
    };
    let (attention, prepared) = prepare(
        &params,
        &device,
        Matrix::from_element(1, queries, 1.0),
        Matrix::from_fn(tokens, 1, |token, _| if token == 0 { 1.0 } else { 0.1 }),
        Matrix::from_fn(d_value, tokens, value),
    );
    let finish = Finish::load(&attention, Datapath::Topkima {}, 0, &prepared);
    let trial = attention.trial(SEED, 0);
    let written = trial.write(&prepared);
    let mut counts = vec![0.0; 128];
    for query in 0..queries {
        let outcome = written.query(&finish, query).value;
        let code_value = outcome.row.codes[0] / 127.0 * outcome.row.gain;
        for output in &outcome.output[1..] {
            let code = output / code_value;
            assert!((code - code.round()).abs() < 1e-6, "{code} is no code");
            counts[code.round() as usize] += 1.0;
        }
    }
    assert_codes("plain ADC", &counts, sigma, |code, sigma| {
        let below = |edge: f64| phi((edge - 60.3) / sigma);
        below(code as f64 + 0.5) - below(code as f64 - 0.5)
    });
}
