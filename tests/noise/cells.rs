//! Noise of the cells: fabricated, written, read.

use crate::common::*;
use crate::setup::*;
use topkima::base::rng::{Purpose, Site};
use topkima::base::sourced::Sourced;
use topkima::base::units::WeightLsb;
use topkima::hardware::crossbar::{Chip, Keys};
use topkima::hardware::device::{CellParams, Effect, ProgrammingParams};
use topkima::hardware::quantise::Matrix;

#[test]
fn mismatch_of_a_weight_has_variance_sigma2_sum_4b_tb2() {
    let device = checked(
        &device_params("sram-65nm"),
        0.0,
        &only(&[Effect::CellMismatch]),
    );
    let crossbar = lay(&device, COLUMNS, 62);
    let chip = Chip::fabricate(SEED, 0, &device, &crossbar, None);
    // 7 = 4 + 2 + 1, -5 = -(4 + 1), 2 = 2: places squared.
    for (code, squares) in [(7.0, 21.0_f64), (-5.0, 17.0), (2.0, 4.0)] {
        let codes = Matrix::from_element(COLUMNS, 62, code);
        let keys = Keys::program(SEED, 0, &chip, &device, &crossbar, &codes).value;
        let errors: Vec<f64> = keys.weights.iter().map(|w| w - code).collect();
        assert_normal(&format!("weight {code}"), &errors, 0.1 * squares.sqrt());
    }
    let zeros = Matrix::zeros(COLUMNS, 62);
    let keys = Keys::program(SEED, 0, &chip, &device, &crossbar, &zeros).value;
    assert_eq!(
        keys.weights, zeros,
        "a cell that does not conduct has no mismatch"
    );
}

#[test]
fn mismatch_of_a_column_is_the_sum_over_its_cells() {
    let device = checked(
        &device_params("sram-65nm"),
        0.0,
        &only(&[Effect::CellMismatch]),
    );
    let crossbar = lay(&device, COLUMNS, 8);
    let weights = [7.0, -3.0, 0.0, 5.0, -1.0, 4.0, 6.0, -7.0];
    let squares = [21.0, 5.0, 0.0, 17.0, 1.0, 16.0, 20.0, 21.0];
    let q = [31.0, -2.0, 17.0, 0.0, 9.0, 1.0, -24.0, 5.0];
    let codes = Matrix::from_fn(COLUMNS, 8, |_, d| weights[d]);
    let clean: f64 = weights.iter().zip(q).map(|(w, q)| w * q).sum();
    let variance: f64 = squares.iter().zip(q).map(|(s, q)| s * q * q).sum();
    let errors: Vec<f64> = (0..CHIPS)
        .flat_map(|trial| {
            let chip = Chip::fabricate(SEED, trial, &device, &crossbar, None);
            let keys = Keys::program(SEED, 0, &chip, &device, &crossbar, &codes).value;
            all(&(keys.weights * Matrix::from_column_slice(8, 1, &q)))
        })
        .map(|sum| sum - clean)
        .collect();
    assert_normal("column", &errors, 0.1 * variance.sqrt());
}

#[test]
fn additive_error_is_one_normal_draw_a_weight() {
    let device = ideal(|params| {
        params.programming = ProgrammingParams::Additive {
            sigma: Sourced::bare(WeightLsb::from_si(0.3)),
        };
    });
    let crossbar = lay(&device, COLUMNS, 62);
    let chip = Chip::fabricate(SEED, 0, &device, &crossbar, None);
    for code in [-7.0, 0.0, 3.0] {
        let codes = Matrix::from_element(COLUMNS, 62, code);
        let keys = Keys::program(SEED, 0, &chip, &device, &crossbar, &codes).value;
        let errors: Vec<f64> = keys.weights.iter().map(|w| w - code).collect();
        assert_normal(&format!("weight {code}"), &errors, 0.3);
    }
}

#[test]
fn a_proportional_write_spreads_by_sigma_times_its_level() {
    let device = checked(
        &device_params("template"),
        0.0,
        &only(&[Effect::Programming]),
    );
    let crossbar = lay(&device, COLUMNS, 62);
    let chip = Chip::fabricate(SEED, 0, &device, &crossbar, None);
    let codes = Matrix::from_element(COLUMNS, 62, 4.0);
    let keys = Keys::program(SEED, 0, &chip, &device, &crossbar, &codes).value;
    // 5 % of each half, 20 uS and 0.2 uS at the ends of the window.
    let (g_up, g_down) = (0.2 + 4.0 / 7.0 * 19.8, 0.2);
    let sigma = 0.05_f64 * f64::hypot(g_up, g_down) / 19.8 * 7.0;
    let errors: Vec<f64> = keys.weights.iter().map(|w| w - 4.0).collect();
    assert_normal("proportional write", &errors, sigma);
}

#[test]
fn read_noise_of_a_column_has_variance_q2_sigma2() {
    let params = device_params("rram-wan2022");
    let CellParams::Resistive { g_max, g_min, .. } = &params.cell else {
        panic!("no conductances")
    };
    let (max, min) = (g_max.value.si(), g_min.value.si());
    let device = checked(&params, 0.0, &only(&[Effect::DeviceRead]));
    let (tokens, d_head, queries) = (1024, 8, 500);
    let crossbar = lay(&device, tokens, d_head);
    let codes = Matrix::from_fn(tokens, d_head, |t, d| {
        ((t * 7 + d * 5 + t / 15) % 15) as f64 - 7.0
    });
    let chip = Chip::fabricate(SEED, 0, &device, &crossbar, None);
    let keys = Keys::program(SEED, 0, &chip, &device, &crossbar, &codes).value;
    // 1 % of each half's conductance, in weight levels.
    let variance = codes.map(|code: f64| {
        let up = min + code.abs() / 7.0 * (max - min);
        (0.01 * 7.0 / (max - min)).powi(2) * (up * up + min * min)
    });
    let mut standard = Vec::with_capacity(tokens * queries);
    for query in 0..queries {
        let mut stream = SEED.stream(Purpose::SyntheticQuery, 0, Site(0, query as u64));
        let q: Vec<f64> = (0..d_head)
            .map(|_| (8.0 * stream.normal()).round())
            .collect();
        let mut sums = vec![0.0; tokens];
        keys.add_read_noise(SEED, 0, 0, query as u64, &q, &mut sums);
        let squares = Matrix::from_iterator(d_head, 1, q.iter().map(|q| q * q));
        let expected = &variance * squares;
        standard.extend(
            sums.iter()
                .zip(expected.iter())
                .map(|(sum, v)| sum / v.sqrt()),
        );
    }
    assert_normal("read noise", &standard, 1.0);
}
