//! Drift and read noise of cells, by their laws. Neither has a fast path.

use crate::common::*;
use crate::setup::*;
use topkima::base::sourced::Sourced;
use topkima::base::units::{Fraction, Seconds};
use topkima::hardware::attention::AvParams;
use topkima::hardware::converter::AdcParams;
use topkima::hardware::crossbar::{Chip, CrossbarParams, Keys, Layout};
use topkima::hardware::device::{CellParams, Drift, DriftParams, Effect, Mapping, ReadParams};
use topkima::hardware::quantise::Matrix;
use topkima::hardware::topk::Split;

/// g (t / t0)^-|m + s n|: a cell whose exponent would be drawn below zero drifts down like any other.
#[test]
fn an_exponent_below_zero_counts_by_its_magnitude() {
    let drift = Drift::PowerLaw {
        log: 5.0,
        mean: [0.0, 0.02, 0.0, 1.0],
        spread: [0.0, 0.1, 0.0, 1.0],
    };
    for (draw, exponent) in [
        (0.0, 0.02),
        (1.0, 0.12),
        (-1.0, 0.08),
        (-2.0, 0.18),
        (-0.2, 0.0),
    ] {
        let expected = 0.6 * f64::exp(-5.0 * exponent);
        let found = drift.apply(0.6, 0.6, draw);
        assert!(
            (found - expected).abs() < 1e-12,
            "{draw}: {found} {expected}"
        );
    }
}

/// 49 152 cells with m = 0.02 and s = 0.1, of which 42 % draw an exponent below zero: none gains, and the exponents
/// are |m + s n|.
#[test]
fn no_cell_gains_by_drift_and_exponents_fold_at_zero() {
    use statrs::distribution::{ContinuousCDF, Normal};
    let (t0, age) = (20.0, 3600.0);
    let mut params = device_params("rram-wan2022");
    params.drift = DriftParams::PowerLaw {
        t0: Seconds::from_si(t0),
        mean: [0.0, 0.02, 0.0, 1.0],
        spread: [0.0, 0.1, 0.0, 1.0],
        source: "assumed: for the test".to_owned(),
    };
    if let CellParams::Resistive {
        bits_per_cell,
        mapping,
        ..
    } = &mut params.cell
    {
        // One cell a weight, without a partner.
        *bits_per_cell = Sourced::bare(4);
        *mapping = Mapping::Offset {};
    }
    let device = checked(&params, age, &only(&[Effect::Drift]));
    let floor = device.cell.floor();
    let (tokens, d) = (256, 192);
    let layout = Layout {
        tokens,
        d_head: d,
        k_max: Some(7),
        cell: device.cell,
    };
    let crossbar = CrossbarParams::default().check(layout).unwrap();
    let chip = Chip::fabricate(SEED, 0, &device, &crossbar, None);
    let codes = Matrix::from_element(tokens, d, 7.0);
    let keys = Keys::program(SEED, 0, &chip, &device, &crossbar, &codes).value;
    let log = (age / t0).ln_1p();
    let mut exponents = Vec::new();
    for weight in &keys.weights {
        // -7..7 lies on the window from the floor to one.
        let now = floor + (weight + 7.0) / 14.0 * (1.0 - floor);
        assert!(now <= 1.0 + 1e-12, "a cell has gained: {now}");
        exponents.push(-now.ln() / log);
    }
    let normal = Normal::standard();
    let law = |x: f64| {
        let side = |x: f64| normal.cdf((x - 0.02) / 0.1);
        if x <= 0.0 { 0.0 } else { side(x) - side(-x) }
    };
    let found = ks(&exponents, law);
    assert!(found < KS_LIMIT, "{found}");
}

/// Read noise of the cells of V, proportional with f = 5 %: of a tile whose rows are driven by codes c_i, a bit's column
/// reads the sum of c_i b_i with the variance f^2 sum of c_i^2 b_i, and the bits join with their places.
#[test]
fn a_read_of_v_has_the_deviation_of_its_cells() {
    const VALUES: usize = 64;
    const QUERIES: usize = 512;
    let f = 0.05;
    let read = ReadParams::Proportional {
        sigma: Sourced::bare(Fraction::from_si(f)),
    };
    let ideal = ideal(|params| params.read = read.clone());
    let resistive = {
        let mut params = device_params("rram-wan2022");
        params.read = read;
        checked(&params, 0.0, &only(&[Effect::DeviceRead]))
    };
    let floor = resistive.cell.floor();
    assert!(floor > 0.01 && ideal.cell.floor() == 0.0);
    let squares = |code: u32| {
        f64::from(
            (0..4)
                .map(|bit| (code >> bit & 1) << (2 * bit))
                .sum::<u32>(),
        )
    };
    // One row at a weight of one: codes of V, rows of a tile.
    for (device, floor) in [(&ideal, 0.0), (&resistive, floor)] {
        for code in [15, 5, 8] {
            let expected = {
                // A set bit is a cell at one and one at the floor; the others are two at the floor.
                let set = (1.0 + floor * floor) * squares(code);
                let rest = 2.0 * floor * floor * (squares(15) - squares(code));
                f * (set + rest).sqrt() / (1.0 - floor)
            };
            spread_is(device, &[code as i32], 256, expected, [VALUES, QUERIES]);
        }
    }
    // Two rows of equal weight, a half each, on one tile or on two of one row.
    for wordlines in [256, 1] {
        let expected = 0.5 * f * (squares(15) + squares(6)).sqrt();
        spread_is(&ideal, &[15, 6], wordlines, expected, [VALUES, QUERIES]);
    }
}

/// All keys score the same, so each of the rows has the same weight: holds the deviation of 32 768 outputs, known to
/// 1 / sqrt(2 n) = 0.4 %, to 2 %.
fn spread_is(
    device: &topkima::hardware::device::Device,
    rows: &[i32],
    wordlines: usize,
    expected: f64,
    [values, queries]: [usize; 2],
) {
    let tokens = rows.len();
    let mut params = hardware(8, 64.0, tokens, Split::Proportional {});
    params.av = AvParams::Tiles {
        wordlines,
        adc: AdcParams::Exact {},
        columns_per_adc: 8,
    };
    let head = topkima::hardware::attention::Head {
        q: Matrix::from_element(1, queries, 1.0),
        // A ramp stops at its last step, whatever K's cells read.
        k: Matrix::from_element(tokens, 1, -7.0),
        v: Matrix::from_fn(values, tokens, |_, token| f64::from(rows[token])),
        mask: Default::default(),
        place: Default::default(),
    };
    let (_, outcomes) = exact(&params, device, &head, TOPKIMA);
    let outputs: Vec<f64> = outcomes.iter().flat_map(|o| o.output.clone()).collect();
    assert_eq!(outputs.len(), values * queries);
    let (mean, deviation) = moments(&outputs);
    let level = f64::from(rows.iter().sum::<i32>()) / tokens as f64;
    assert!((mean / level - 1.0).abs() < 0.002, "{rows:?}: mean {mean}");
    assert!(
        (deviation / expected - 1.0).abs() < 0.02,
        "{rows:?} on {wordlines} rows: {deviation} for {expected}"
    );
}
